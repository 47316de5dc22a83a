//! Where an object's tags differ from those that are wanted.

use std::collections::BTreeMap;

use outrigger_engine::ports::provider::Difference;

/// The property under which tags that are missing or changed are reported.
pub const TAGS: &str = "tags";

/// Wanted tags that are missing or have another value; tags that others have set stay.
pub fn missing_tags(wanted: &BTreeMap<String, String>, actual: &BTreeMap<String, String>) -> Option<Difference> {
    let missing: BTreeMap<_, _> = wanted
        .iter()
        .filter(|(key, value)| actual.get(*key) != Some(value))
        .collect();
    let instead: BTreeMap<_, _> = actual.iter().filter(|(key, _)| missing.contains_key(key)).collect();
    Difference::between(TAGS, &missing, &instead)
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
            let seen = difference.as_ref().map(|difference| {
                assert_eq!(difference.property, TAGS);
                (difference.wanted.as_str(), difference.actual.as_str())
            });
            assert_eq!(seen, expected);
        };
        check(&[("Name", "a"), ("Owner", "us")], None);
        check(&[("Name", "a"), ("Owner", "us"), ("foreign", "x")], None);
        check(
            &[("Name", "b"), ("Owner", "us"), ("foreign", "x")],
            Some((r#"{"Name": "a"}"#, r#"{"Name": "b"}"#)),
        );
        check(&[("Name", "a")], Some((r#"{"Owner": "us"}"#, "{}")));
    }
}
