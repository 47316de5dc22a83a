//! `AWS::RDS::DBParameterGroup`.

use std::collections::BTreeMap;

use aws_sdk_rds::Client;
use aws_sdk_rds::types::{ApplyMethod, DbParameterGroup as SdkGroup, Parameter};
use outrigger_aws::{
    TAGS, TAGS_GONE, call_error, gone_meanwhile, is_code, missing_tags, pages, surplus_tags, unchangeable,
};
use outrigger_engine::ports::provider::{CallError, CallErrorKind, Condition, Difference, Observed, Progress, Target};
use outrigger_model::properties::DbParameterGroup;
use outrigger_model::resource::is_ours;

use crate::tags;

const POLL_SECONDS: u32 = 2;

/// "A maximum of 20 parameters can be modified in a single request."
const CHANGES_MAX: usize = 20;

const NOT_FOUND: &[&str] = &["DBParameterGroupNotFound", "DBParameterGroupNotFoundFault"];
const CODES: &[(&str, CallErrorKind)] = &[
    ("DBParameterGroupAlreadyExists", CallErrorKind::Exists),
    // An instance still has it, or AWS is at work on it.
    ("InvalidDBParameterGroupState", CallErrorKind::NotYet),
    // Created, but not shown everywhere yet.
    ("DBParameterGroupNotFound", CallErrorKind::NotYet),
];

/// DescribeDBParameterGroups, DescribeDBParameters and ListTagsForResource:
/// <https://docs.aws.amazon.com/AmazonRDS/latest/APIReference/API_DescribeDBParameters.html>.
pub(crate) async fn observe(
    client: &Client,
    target: &Target,
    wanted: &DbParameterGroup,
) -> Result<Option<Observed>, CallError> {
    let name = &target.resource.physical_name;
    let Some(group) = describe(client, name).await? else {
        return Ok(None);
    };
    let arn = group.db_parameter_group_arn().unwrap_or_default();
    let tags = async {
        match client.list_tags_for_resource().resource_name(arn).send().await {
            Ok(output) => Ok(Some(tags::from_sdk(output.tag_list()))),
            Err(error) if is_code(&error, NOT_FOUND) => Ok(None),
            Err(error) => Err(call_error("rds:ListTagsForResource", CODES, &error)),
        }
    };
    let (Some(parameters), Some(actual_tags)) = futures::try_join!(parameters(client, name), tags)? else {
        return Ok(None);
    };
    Ok(Some(Observed {
        id: group.db_parameter_group_name().unwrap_or_default().to_owned(),
        attributes: BTreeMap::new(),
        condition: Condition::Ready,
        ours: is_ours(&actual_tags, &target.resource.tags),
        differences: differences(wanted, &group, &parameters, &target.resource.tags, &actual_tags)
            .into_iter()
            .chain(surplus_tags(&target.tags_gone, &actual_tags))
            .collect(),
        duplicates: Vec::new(),
        pending: Vec::new(),
    }))
}

pub(crate) async fn ensure(
    client: &Client,
    target: &Target,
    wanted: &DbParameterGroup,
    observed: Option<&Observed>,
) -> Result<Progress, CallError> {
    let Some(observed) = observed else {
        return create(client, target, wanted).await;
    };
    let Some(first) = observed.differences.first() else {
        return Ok(Progress::Done);
    };
    let name = &target.resource.physical_name;
    match first.property {
        TAGS => {
            let Some(group) = describe(client, name).await? else {
                return Err(gone_meanwhile("rds:AddTagsToResource", "the parameter group"));
            };
            let arn = group.db_parameter_group_arn().unwrap_or_default();
            tags::add(client, arn, &target.resource.tags).await?;
        }
        TAGS_GONE => {
            let Some(group) = describe(client, name).await? else {
                return Err(gone_meanwhile("rds:RemoveTagsFromResource", "the parameter group"));
            };
            tags::remove(client, group.db_parameter_group_arn().unwrap_or_default(), first).await?;
        }
        "parameters" => {
            // Whether a parameter that is no longer wanted is static, only AWS knows.
            let Some(actual) = parameters(client, name).await? else {
                return Err(gone_meanwhile("rds:ModifyDBParameterGroup", "the parameter group"));
            };
            change(client, name, next_change(wanted, &actual)).await?;
        }
        _ => return Ok(unchangeable("a parameter group", first)),
    }
    Ok(Progress::changed(POLL_SECONDS))
}

/// ModifyDBParameterGroup or ResetDBParameterGroup:
/// <https://docs.aws.amazon.com/AmazonRDS/latest/APIReference/API_ModifyDBParameterGroup.html>,
/// <https://docs.aws.amazon.com/AmazonRDS/latest/APIReference/API_ResetDBParameterGroup.html>.
async fn change(client: &Client, name: &str, change: Change) -> Result<(), CallError> {
    match change {
        // Somebody was faster.
        Change::Nothing => Ok(()),
        Change::Set(parameters) => client
            .modify_db_parameter_group()
            .db_parameter_group_name(name)
            .set_parameters(Some(parameters))
            .send()
            .await
            .map(drop)
            .map_err(|error| call_error("rds:ModifyDBParameterGroup", CODES, &error)),
        Change::Reset(parameters) => client
            .reset_db_parameter_group()
            .db_parameter_group_name(name)
            .reset_all_parameters(false)
            .set_parameters(Some(parameters))
            .send()
            .await
            .map(drop)
            .map_err(|error| call_error("rds:ResetDBParameterGroup", CODES, &error)),
    }
}

/// CreateDBParameterGroup: <https://docs.aws.amazon.com/AmazonRDS/latest/APIReference/API_CreateDBParameterGroup.html>.
async fn create(client: &Client, target: &Target, wanted: &DbParameterGroup) -> Result<Progress, CallError> {
    let output = client
        .create_db_parameter_group()
        .db_parameter_group_name(&target.resource.physical_name)
        .db_parameter_group_family(&wanted.family)
        .description(&wanted.description)
        .set_tags(Some(tags::to_sdk(&target.resource.tags)))
        .send()
        .await
        .map_err(|error| call_error("rds:CreateDBParameterGroup", CODES, &error))?;
    Ok(Progress::InProgress {
        id: output
            .db_parameter_group
            .and_then(|group| group.db_parameter_group_name),
        poll_after_seconds: POLL_SECONDS,
        request_id: None,
    })
}

/// DeleteDBParameterGroup: <https://docs.aws.amazon.com/AmazonRDS/latest/APIReference/API_DeleteDBParameterGroup.html>.
pub(crate) async fn delete(client: &Client, target: &Target) -> Result<Progress, CallError> {
    match client
        .delete_db_parameter_group()
        .db_parameter_group_name(&target.resource.physical_name)
        .send()
        .await
    {
        Ok(_) => Ok(Progress::changed(POLL_SECONDS)),
        Err(error) if is_code(&error, NOT_FOUND) => Ok(Progress::Done),
        Err(error) => Err(call_error("rds:DeleteDBParameterGroup", CODES, &error)),
    }
}

async fn describe(client: &Client, name: &str) -> Result<Option<SdkGroup>, CallError> {
    match client
        .describe_db_parameter_groups()
        .db_parameter_group_name(name)
        .send()
        .await
    {
        Ok(output) => Ok(output.db_parameter_groups.unwrap_or_default().into_iter().next()),
        Err(error) if is_code(&error, NOT_FOUND) => Ok(None),
        Err(error) => Err(call_error("rds:DescribeDBParameterGroups", CODES, &error)),
    }
}

/// The parameters that differ from the family's defaults, by name; `None` when there is no such group.
async fn parameters(client: &Client, name: &str) -> Result<Option<BTreeMap<String, Parameter>>, CallError> {
    let call = "rds:DescribeDBParameters";
    let request = client
        .describe_db_parameters()
        .db_parameter_group_name(name)
        .source("user");
    match pages(call, CODES, request.into_paginator().send(), |page| page.parameters).await {
        Ok(listed) => Ok(Some(
            listed
                .into_iter()
                .filter_map(|parameter| Some((parameter.parameter_name.clone()?, parameter)))
                .collect(),
        )),
        Err(error) if NOT_FOUND.contains(&error.code.as_str()) => Ok(None),
        Err(error) => Err(error),
    }
}

/// Where a parameter group differs from what is wanted.
fn differences(
    wanted: &DbParameterGroup,
    actual: &SdkGroup,
    parameters: &BTreeMap<String, Parameter>,
    wanted_tags: &BTreeMap<String, String>,
    actual_tags: &BTreeMap<String, String>,
) -> Vec<Difference> {
    let parameters: BTreeMap<_, _> = parameters
        .iter()
        .map(|(name, parameter)| (name.clone(), parameter.parameter_value().unwrap_or_default().to_owned()))
        .collect();
    let family = actual.db_parameter_group_family().unwrap_or_default();
    let description = actual.description().unwrap_or_default();
    [
        missing_tags(wanted_tags, actual_tags),
        Difference::between("parameters", &wanted.parameters, &parameters),
        Difference::between("family", &wanted.family.as_str(), &family),
        Difference::between("description", &wanted.description.as_str(), &description),
    ]
    .into_iter()
    .flatten()
    .collect()
}

/// The next call on a group's parameters.
#[derive(Debug, PartialEq)]
enum Change {
    /// None: they are as they are wanted.
    Nothing,
    /// Gives parameters values.
    Set(Vec<Parameter>),
    /// Gives parameters the family's defaults.
    Reset(Vec<Parameter>),
}

/// As many changes as one call takes: values first, then what is no longer wanted.
fn next_change(wanted: &DbParameterGroup, actual: &BTreeMap<String, Parameter>) -> Change {
    let is_static = |name: &String| {
        wanted.static_parameters.contains(name)
            || actual
                .get(name)
                .is_some_and(|parameter| parameter.apply_type() == Some("static"))
    };
    // "You can use the immediate value with dynamic parameters only."
    let method = |name: &String| match is_static(name) {
        true => ApplyMethod::PendingReboot,
        false => ApplyMethod::Immediate,
    };
    let set: Vec<_> = wanted
        .parameters
        .iter()
        .filter(|(name, value)| actual.get(*name).and_then(|parameter| parameter.parameter_value()) != Some(*value))
        .take(CHANGES_MAX)
        .map(|(name, value)| {
            Parameter::builder()
                .parameter_name(name)
                .parameter_value(value)
                .apply_method(method(name))
                .build()
        })
        .collect();
    if !set.is_empty() {
        return Change::Set(set);
    }
    let reset: Vec<_> = actual
        .keys()
        .filter(|name| !wanted.parameters.contains_key(*name))
        .take(CHANGES_MAX)
        .map(|name| {
            Parameter::builder()
                .parameter_name(name)
                .apply_method(method(name))
                .build()
        })
        .collect();
    if reset.is_empty() {
        Change::Nothing
    } else {
        Change::Reset(reset)
    }
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;

    use super::*;

    fn wanted(parameters: &[(&str, &str)]) -> DbParameterGroup {
        let parameters = parameters.iter();
        DbParameterGroup {
            family: "postgres15".to_owned(),
            description: "for a".to_owned(),
            parameters: parameters
                .map(|(name, value)| ((*name).to_owned(), (*value).to_owned()))
                .collect(),
            static_parameters: BTreeSet::from(["shared_preload_libraries".to_owned()]),
        }
    }

    fn actual(parameters: &[(&str, &str, &str)]) -> BTreeMap<String, Parameter> {
        let parameters = parameters.iter();
        parameters
            .map(|(name, value, apply_type)| {
                let parameter = Parameter::builder().parameter_name(*name).parameter_value(*value);
                ((*name).to_owned(), parameter.apply_type(*apply_type).build())
            })
            .collect()
    }

    fn named(name: &str, value: Option<&str>, method: ApplyMethod) -> Parameter {
        Parameter::builder()
            .parameter_name(name)
            .set_parameter_value(value.map(str::to_owned))
            .apply_method(method)
            .build()
    }

    #[test]
    fn differences_are_told() {
        let wanted = wanted(&[("log_statement", "all")]);
        let check = |family: &str, description: &str, parameters: &[(&str, &str, &str)], expected: &[&str]| {
            let group = SdkGroup::builder()
                .db_parameter_group_family(family)
                .description(description)
                .build();
            let tags = BTreeMap::new();
            let found: Vec<_> = differences(&wanted, &group, &actual(parameters), &tags, &tags)
                .iter()
                .map(|difference| format!("{}: {} / {}", difference.property, difference.wanted, difference.actual))
                .collect();
            assert_eq!(found, expected);
        };
        let there = [("log_statement", "all", "dynamic")];
        check("postgres15", "for a", &there, &[]);
        check(
            "postgres16",
            "for b",
            &there,
            &[
                r#"family: "postgres15" / "postgres16""#,
                r#"description: "for a" / "for b""#,
            ],
        );
        let other = [("log_statement", "ddl", "dynamic"), ("work_mem", "8192", "dynamic")];
        check(
            "postgres15",
            "for a",
            &other,
            &[r#"parameters: {"log_statement":"all"} / {"log_statement":"ddl","work_mem":"8192"}"#],
        );
    }

    #[test]
    fn values_are_set_before_others_are_reset() {
        use ApplyMethod::{Immediate, PendingReboot};
        let both = wanted(&[("log_statement", "all"), ("shared_preload_libraries", "auto_explain")]);
        let surplus = [("max_connections", "200", "static"), ("work_mem", "8192", "dynamic")];
        let set = Change::Set(vec![
            named("log_statement", Some("all"), Immediate),
            named("shared_preload_libraries", Some("auto_explain"), PendingReboot),
        ]);
        assert_eq!(next_change(&both, &actual(&surplus)), set);
        let mut there = surplus.to_vec();
        there.extend([
            ("log_statement", "all", "dynamic"),
            ("shared_preload_libraries", "auto_explain", "static"),
        ]);
        let reset = Change::Reset(vec![
            named("max_connections", None, PendingReboot),
            named("work_mem", None, Immediate),
        ]);
        assert_eq!(next_change(&both, &actual(&there)), reset);
        assert_eq!(next_change(&both, &actual(&there[2..])), Change::Nothing);
    }

    #[test]
    fn one_call_changes_twenty_parameters_at_the_most() {
        let names: Vec<_> = (0..45).map(|number| format!("parameter_{number:02}")).collect();
        let pairs: Vec<_> = names.iter().map(|name| (name.as_str(), "1")).collect();
        let Change::Set(set) = next_change(&wanted(&pairs), &BTreeMap::new()) else {
            panic!("nothing is set");
        };
        assert_eq!(set.len(), 20);
        let there: Vec<_> = names.iter().map(|name| (name.as_str(), "1", "dynamic")).collect();
        let Change::Reset(reset) = next_change(&wanted(&[]), &actual(&there)) else {
            panic!("nothing is reset");
        };
        assert_eq!(reset.len(), 20);
    }
}
