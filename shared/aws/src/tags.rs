//! Where an object's tags differ from those that are wanted.

use std::collections::{BTreeMap, BTreeSet};

use outrigger_engine::ports::provider::Difference;

/// The property under which tags that are missing or changed are reported.
pub const TAGS: &str = "tags";

/// The property under which tags are reported that were given before and are to go.
pub const TAGS_GONE: &str = "tags_gone";

/// What begins so tells whose an object is, and is never taken off it.
const OWN: &str = "outrigger:";
/// What every object is called by in AWS's console.
const NAME: &str = "Name";

/// Wanted tags that are missing or have another value; tags that others have set stay.
///
/// Both sides hold the same keys: those that differ. `actual` says `null` of a tag that is not there, so that it is, as a
/// JSON merge patch (<https://www.rfc-editor.org/rfc/rfc7396>), what turns the wanted tags into those that are there.
pub fn missing_tags(wanted: &BTreeMap<String, String>, actual: &BTreeMap<String, String>) -> Option<Difference> {
    let missing: BTreeMap<_, _> = wanted
        .iter()
        .filter(|(key, value)| actual.get(*key) != Some(value))
        .collect();
    let instead: BTreeMap<_, _> = missing.keys().map(|key| (*key, actual.get(*key))).collect();
    (!missing.is_empty()).then(|| Difference::new(TAGS, &missing, &instead))
}

/// Tags that are to go and are still there, whatever their values; those that tell whose an object is are never among them.
///
/// Both sides hold the same keys, as those of [`missing_tags`] do: `wanted` says `null` of each.
pub fn surplus_tags(gone: &BTreeSet<String>, actual: &BTreeMap<String, String>) -> Option<Difference> {
    let surplus: BTreeMap<_, _> = actual
        .iter()
        .filter(|(key, _)| gone.contains(*key) && !key.starts_with(OWN) && *key != NAME)
        .collect();
    let nothing: BTreeMap<_, Option<&String>> = surplus.keys().map(|key| (*key, None)).collect();
    (!surplus.is_empty()).then(|| Difference::new(TAGS_GONE, &nothing, &surplus))
}

/// The keys in a difference of [`surplus_tags`]: never more than the 50 tags that AWS lets an object have, which is what
/// its calls take.
pub fn surplus_keys(difference: &Difference) -> Vec<String> {
    let surplus = difference.actual.as_object();
    surplus.into_iter().flat_map(|tags| tags.keys().cloned()).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn map(tags: &[(&str, &str)]) -> BTreeMap<String, String> {
        tags.iter()
            .map(|(key, value)| ((*key).to_owned(), (*value).to_owned()))
            .collect()
    }

    #[test]
    fn only_wanted_tags_differ() {
        let wanted = map(&[("Name", "a"), ("Owner", "us")]);
        let check = |actual: &[(&str, &str)], expected: Option<(&str, &str)>| {
            let difference = missing_tags(&wanted, &map(actual));
            let seen = difference.map(|difference| {
                assert_eq!(difference.property, TAGS);
                (difference.wanted.to_string(), difference.actual.to_string())
            });
            assert_eq!(
                seen,
                expected.map(|(wanted, actual)| (wanted.to_owned(), actual.to_owned()))
            );
        };
        check(&[("Name", "a"), ("Owner", "us")], None);
        check(&[("Name", "a"), ("Owner", "us"), ("foreign", "x")], None);
        check(
            &[("Name", "b"), ("Owner", "us"), ("foreign", "x")],
            Some((r#"{"Name":"a"}"#, r#"{"Name":"b"}"#)),
        );
        check(&[("Name", "a")], Some((r#"{"Owner":"us"}"#, r#"{"Owner":null}"#)));
        check(
            &[("Name", "b")],
            Some((r#"{"Name":"a","Owner":"us"}"#, r#"{"Name":"b","Owner":null}"#)),
        );
    }

    #[test]
    fn only_what_was_given_and_is_there_goes() {
        let actual = map(&[
            ("Name", "a"),
            ("Owner", "us"),
            ("Team", "data"),
            ("foreign", "x"),
            ("outrigger:stack", "shop"),
        ]);
        let check = |gone: &[&str], expected: Option<(&str, &str, &[&str])>| {
            let gone = gone.iter().map(|key| (*key).to_owned()).collect();
            let seen = surplus_tags(&gone, &actual).map(|difference| {
                assert_eq!(difference.property, TAGS_GONE);
                let keys = surplus_keys(&difference);
                (difference.wanted.to_string(), difference.actual.to_string(), keys)
            });
            let expected = expected.map(|(wanted, actual, keys)| {
                let keys = keys.iter().map(|key| (*key).to_owned()).collect();
                (wanted.to_owned(), actual.to_owned(), keys)
            });
            assert_eq!(seen, expected);
        };
        check(&[], None);
        check(&["absent"], None);
        check(&["Name", "outrigger:stack", "outrigger:other"], None);
        check(
            &["Owner", "absent", "Name"],
            Some((r#"{"Owner":null}"#, r#"{"Owner":"us"}"#, &["Owner"])),
        );
        check(
            &["Team", "Owner", "outrigger:stack"],
            Some((
                r#"{"Owner":null,"Team":null}"#,
                r#"{"Owner":"us","Team":"data"}"#,
                &["Owner", "Team"],
            )),
        );
    }
}
