//! The KMS keys that things are encrypted with.

use outrigger_engine::ports::provider::Difference;
use outrigger_model::Input;

/// The id of a key that may be named by its ARN: services do not all answer with what they were given.
pub fn key_id(key: &str) -> &str {
    key.rsplit('/').next().unwrap_or_default()
}

/// `Some` when something is encrypted with another key than is wanted; `actual` is empty where it has none of its own.
pub fn encryption_key(wanted: Option<&Input>, actual: &str) -> Option<Difference> {
    let wanted = wanted.map(Input::text);
    let actual = Some(actual).filter(|actual| !actual.is_empty());
    (wanted.map(key_id) != actual.map(key_id)).then(|| Difference::new("encryption_key", &wanted, &actual))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_key_is_the_same_by_its_id_and_by_its_arn() {
        let check = |wanted: Option<&str>, actual: &str, differs: bool| {
            let wanted = wanted.map(|key| Input::Text(key.to_owned()));
            let found = encryption_key(wanted.as_ref(), actual);
            assert_eq!(found.is_some(), differs, "{wanted:?} {actual}: {found:?}");
        };
        let arn = "arn:aws:kms:us-east-1:000000000000:key/1234";
        check(None, "", false);
        check(Some(arn), arn, false);
        check(Some(arn), "1234", false);
        check(Some(arn), "", true);
        check(Some(arn), "4321", true);
        check(None, arn, true);
    }
}
