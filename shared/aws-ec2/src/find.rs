//! Finding what may be ours: by the recorded id, and by the resource's own tags, both.

pub(crate) use outrigger_aws::{Candidate, choose};

/// Lists what the target's tags lead to, and what has the recorded id where that is not among it:
/// `find!(client, target, "ec2:DescribeVpcs", describe_vpcs, vpc_ids, vpcs, vpc_id)`. What does not pass a last argument
/// counts as not there: EC2 goes on showing some of what is deleted.
macro_rules! find {
    ($client:expr, $target:expr, $call:literal, $operation:ident, $ids:ident, $list:ident, $id:ident $(, $is_there:expr)?) => {
        async {
            let mut found = match $crate::tags::filters($target) {
                Some(filters) => {
                    let request = $client.$operation().set_filters(Some(filters));
                    outrigger_aws::pages($call, $crate::call::CODES, request.into_paginator().send(), |page| {
                        page.$list
                    })
                    .await?
                }
                None => Vec::new(),
            };
            if let Some(id) = &$target.id
                && !found.iter().any(|object| object.$id() == Some(id.as_str()))
            {
                match $client.$operation().$ids(id).send().await {
                    Ok(answer) => found.extend(answer.$list.unwrap_or_default()),
                    Err(error) if outrigger_aws::is_code(&error, $crate::call::NOT_FOUND) => {}
                    Err(error) => return Err($crate::call::refused($call, &error)),
                }
            }
            let found = found
                .into_iter()
                $(.filter($is_there))?
                .filter_map(|object| {
                    Some($crate::find::Candidate {
                        id: object.$id()?.to_owned(),
                        tags: $crate::tags::read(object.tags()),
                        object,
                    })
                })
                .collect();
            Ok::<_, outrigger_engine::ports::provider::CallError>($crate::find::choose(found, $target))
        }
    };
}

#[cfg(test)]
pub(crate) mod tests {

    use super::*;
    use outrigger_engine::ports::provider::Target;
    use outrigger_model::resource::{TAG_ENVIRONMENT, TAG_INTENT, TAG_RESOURCE, TAG_STACK};
    use outrigger_model::{Properties, Region, Resource, ResourceKey};

    /// A target with tags, for the unit tests of every kind.
    pub(crate) fn target(properties: Properties, id: Option<&str>) -> Target {
        let key = ResourceKey::new(&Region::new("us-east-1"), properties.kind(), "main");
        let tags = [
            (TAG_STACK, "shop".to_owned()),
            (TAG_ENVIRONMENT, "test".to_owned()),
            (TAG_RESOURCE, key.to_string()),
        ];
        Target {
            resource: Resource {
                physical_name: "shop-test-main".to_owned(),
                properties,
                tags: tags.into_iter().map(|(tag, value)| (tag.to_owned(), value)).collect(),
                depends_on: Default::default(),
                key,
            },
            id: id.map(str::to_owned),
            token: "0002-b".to_owned(),
            not: Default::default(),
            tags_gone: Default::default(),
            unprotect: false,
            going: false,
        }
    }

    fn vpc(id: Option<&str>) -> Target {
        let cidr = "10.0.0.0/16".parse().unwrap();
        target(Properties::Vpc(outrigger_model::properties::Vpc { cidr }), id)
    }

    fn candidate(id: &str, intent: Option<&str>) -> Candidate<()> {
        let mut tags = vpc(None).resource.tags;
        tags.extend(intent.map(|intent| (TAG_INTENT.to_owned(), intent.to_owned())));
        Candidate {
            id: id.to_owned(),
            tags,
            object: (),
        }
    }

    #[track_caller]
    fn check(found: &[Candidate<()>], recorded: Option<&str>, chosen: Option<(&str, bool, &[&str])>) {
        let seen = choose(found.to_vec(), &vpc(recorded));
        let seen = seen.map(|seen| (seen.id, seen.ours, seen.duplicates));
        let chosen = chosen.map(|(id, ours, duplicates)| {
            let duplicates = duplicates.iter().map(|id| (*id).to_owned()).collect::<Vec<_>>();
            (id.to_owned(), ours, duplicates)
        });
        assert_eq!(seen, chosen);
    }

    #[test]
    fn the_recorded_one_or_else_the_first_is_chosen() {
        let one = candidate("vpc-9", Some("0001-a"));
        let two = candidate("vpc-1", Some("0002-b"));
        let three = candidate("vpc-0", None);
        let mut foreign = candidate("vpc-7", Some("0000-0"));
        foreign.tags.remove(TAG_RESOURCE);

        check(&[], None, None);
        check(&[foreign.clone()], None, None);
        check(std::slice::from_ref(&one), None, Some(("vpc-9", true, &[])));
        check(
            &[three.clone(), two.clone(), one.clone(), foreign.clone()],
            None,
            Some(("vpc-9", true, &["vpc-1", "vpc-0"])),
        );
        check(
            &[one.clone(), two.clone()],
            Some("vpc-1"),
            Some(("vpc-1", true, &["vpc-9"])),
        );
        check(
            &[one.clone(), two.clone()],
            Some("vpc-5"),
            Some(("vpc-9", true, &["vpc-1"])),
        );
        // The list by tags and the one by id may both show it.
        check(&[one.clone(), one.clone()], Some("vpc-9"), Some(("vpc-9", true, &[])));
        // The recorded one has lost its tags: it is not ours any more.
        check(&[foreign], Some("vpc-7"), Some(("vpc-7", false, &[])));
    }

    /// Of two objects with the same tags, that are told apart: which one is chosen.
    #[track_caller]
    fn check_replaced(former: bool, recorded: Option<&str>, token: &str, not: &[&str], chosen: Option<&str>) {
        let old = candidate("vpc-old", Some("0001-a"));
        let new = candidate("vpc-new", Some("0002-b"));
        let mut target = vpc(recorded);
        if former {
            target.resource.key = target.resource.key.former(1);
        }
        target.token = token.to_owned();
        target.not = not.iter().map(|id| (*id).to_owned()).collect();
        for found in [vec![old.clone(), new.clone()], vec![new, old]] {
            let seen = choose(found, &target);
            assert!(
                seen.as_ref().is_none_or(|seen| seen.ours && seen.duplicates.is_empty()),
                "{seen:?}"
            );
            assert_eq!(seen.map(|seen| seen.id), chosen.map(str::to_owned));
        }
    }

    #[test]
    fn a_former_object_and_what_took_its_place_are_told_apart() {
        const CURRENT: bool = false;
        const FORMER: bool = true;
        // What took its place, before and after its id is recorded.
        check_replaced(CURRENT, None, "0002-b", &["vpc-old"], Some("vpc-new"));
        check_replaced(CURRENT, Some("vpc-new"), "0002-b", &["vpc-old"], Some("vpc-new"));
        check_replaced(CURRENT, None, "0002-b", &["vpc-old", "vpc-new"], None);
        // Whatever is recorded.
        check_replaced(CURRENT, Some("vpc-old"), "0002-b", &["vpc-old"], Some("vpc-new"));
        // What was replaced: by its id alone, even where what took its place is not known yet.
        check_replaced(FORMER, Some("vpc-old"), "0001-a", &["vpc-new"], Some("vpc-old"));
        check_replaced(FORMER, Some("vpc-old"), "0001-a", &[], Some("vpc-old"));
        check_replaced(FORMER, Some("vpc-gone"), "0001-a", &[], None);
        check_replaced(FORMER, Some("vpc-gone"), "0001-a", &["vpc-new"], None);
        // Without an id, by the intent that made it.
        check_replaced(FORMER, None, "0001-a", &["vpc-new"], Some("vpc-old"));
        check_replaced(FORMER, None, "0001-a", &[], Some("vpc-old"));
        check_replaced(FORMER, None, "0003-c", &[], None);
        check_replaced(FORMER, None, "", &[], None);
        check_replaced(FORMER, None, "0002-b", &["vpc-new"], None);
    }

    #[test]
    fn a_former_object_without_an_intent_is_not_guessed() {
        let mut target = vpc(None);
        target.resource.key = target.resource.key.former(1);
        target.token = String::new();
        assert_eq!(
            choose(vec![candidate("vpc-1", None), candidate("vpc-2", Some(""))], &target),
            None
        );
        // The intent of another stack's object counts for nothing.
        target.token = "0001-a".to_owned();
        let mut foreign = candidate("vpc-3", Some("0001-a"));
        foreign.tags.remove(TAG_RESOURCE);
        assert_eq!(choose(vec![foreign], &target), None);
    }
}
