//! What is told of whatever has an ARN and tags.

use std::collections::BTreeMap;

use outrigger_aws::{missing_tags, surplus_tags};
use outrigger_engine::ports::provider::{Condition, Difference, Observed, Target};
use outrigger_model::resource::is_ours;

/// The first of what was found that is not known to be something else, with its ARN.
pub(crate) fn candidate<T>(target: &Target, found: Vec<T>, arn_of: fn(&T) -> Option<&str>) -> Option<(String, T)> {
    found.into_iter().find_map(|there| {
        let arn = arn_of(&there)?.to_owned();
        (!target.not.contains(&arn)).then_some((arn, there))
    })
}

/// What is there: by its ARN, with its tags and where else it differs; `arn` is one of its attributes.
pub(crate) fn observed<const ATTRIBUTES: usize, const PROPERTIES: usize>(
    target: &Target,
    arn: &str,
    tags: &BTreeMap<String, String>,
    attributes: [(&str, Option<&str>); ATTRIBUTES],
    differences: [Option<Difference>; PROPERTIES],
) -> Observed {
    let of_tags = [
        missing_tags(&target.resource.tags, tags),
        surplus_tags(&target.tags_gone, tags),
    ];
    Observed {
        id: arn.to_owned(),
        attributes: [("arn", Some(arn))]
            .into_iter()
            .chain(attributes)
            .filter_map(|(name, value)| Some((name.to_owned(), value?.to_owned())))
            .collect(),
        condition: Condition::Ready,
        ours: is_ours(tags, &target.resource.tags),
        differences: differences.into_iter().chain(of_tags).flatten().collect(),
        pending: Vec::new(),
        duplicates: Vec::new(),
    }
}
