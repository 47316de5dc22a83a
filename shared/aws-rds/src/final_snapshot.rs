//! Which snapshot the deletion of an instance or a cluster leaves. Pure.

use aws_sdk_rds::primitives::DateTime;
use sha2::{Digest, Sha256};

/// `<identifier>-final-snapshot`.
pub(crate) fn first_name(identifier: &str) -> String {
    format!("{identifier}-final-snapshot")
}

/// `<identifier>-final-snapshot`, or, where an earlier object has left one of that name, one that ends in what tells this
/// object from earlier ones.
pub(crate) fn name(identifier: &str, token: &str, is_taken: bool) -> String {
    let name = first_name(identifier);
    if !is_taken {
        return name;
    }
    let digest = Sha256::digest(token.as_bytes());
    let suffix: String = digest.iter().take(4).map(|byte| format!("{byte:02x}")).collect();
    format!("{name}-{suffix}")
}

/// The newest final snapshot of an object, of snapshots by name and time. One that is being made has no time yet, and is
/// newer than any that has.
pub(crate) fn newest<'a>(
    identifier: &str,
    snapshots: impl Iterator<Item = (&'a str, Option<&'a DateTime>)>,
) -> Option<String> {
    let first = first_name(identifier);
    snapshots
        .filter(|(name, _)| *name == first || name.strip_prefix(&first).is_some_and(|rest| rest.starts_with('-')))
        .max_by_key(|(_, made)| (made.is_none(), made.map(|time| (time.secs(), time.subsec_nanos()))))
        .map(|(name, _)| name.to_owned())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_newest_final_snapshot_is_the_one_that_was_taken() {
        let check = |snapshots: &[(&str, Option<i64>)], expected: Option<&str>| {
            let made: Vec<_> = snapshots
                .iter()
                .map(|(_, made)| made.map(DateTime::from_secs))
                .collect();
            let named = snapshots
                .iter()
                .zip(&made)
                .map(|((name, _), made)| (*name, made.as_ref()));
            assert_eq!(newest("db", named).as_deref(), expected);
        };
        check(&[], None);
        check(&[("before-migration", Some(9)), ("db-final-snapshots", Some(9))], None);
        check(&[("db-final-snapshot", Some(1))], Some("db-final-snapshot"));
        let two = [("db-final-snapshot-0a1b2c3d", Some(2)), ("db-final-snapshot", Some(1))];
        check(&two, Some("db-final-snapshot-0a1b2c3d"));
        let being_made = [("db-final-snapshot-0a1b2c3d", None), ("db-final-snapshot", Some(1))];
        check(&being_made, Some("db-final-snapshot-0a1b2c3d"));
    }

    #[test]
    fn a_taken_name_gets_an_ending() {
        assert_eq!(name("db", "token", false), "db-final-snapshot");
        let other = name("db", "token", true);
        assert!(
            other.starts_with("db-final-snapshot-") && other.len() == "db-final-snapshot-".len() + 8,
            "{other}"
        );
        assert_ne!(other, name("db", "another", true));
    }
}
