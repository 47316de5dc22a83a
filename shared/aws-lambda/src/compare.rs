//! Where a function differs from what is wanted, and whether Lambda is at work on it. Pure.

use std::collections::{BTreeMap, BTreeSet};

use aws_sdk_lambda::operation::get_function_configuration::GetFunctionConfigurationOutput;
use aws_sdk_lambda::types::{LastUpdateStatus, State};
use outrigger_engine::ports::provider::{Condition, Difference};
use outrigger_model::properties::{Function, Input};

/// Whether the code is what is installed; what is compared are the packages' SHA-256.
pub(crate) const CODE: &str = "code_sha256";

/// Every difference, but those of tags.
pub(crate) fn differences(
    wanted: &Function,
    sha256: Option<&str>,
    actual: &GetFunctionConfigurationOutput,
) -> Vec<Difference> {
    let number = |number: Option<i32>| number.and_then(|number| u32::try_from(number).ok()).unwrap_or_default();
    let variables = actual.environment().and_then(|environment| environment.variables());
    let variables: BTreeMap<&String, &String> = variables.into_iter().flatten().collect();
    let wanted_variables: BTreeMap<&String, &str> = wanted
        .environment
        .iter()
        .map(|(name, value)| (name, value.text()))
        .collect();
    let same_variables = variables.len() == wanted_variables.len()
        && wanted_variables
            .iter()
            .all(|(name, value)| variables.get(name).is_some_and(|actual| actual.as_str() == *value));
    let vpc = actual.vpc_config();
    [
        sha256.and_then(|wanted| Difference::between(CODE, &wanted, &actual.code_sha256().unwrap_or_default())),
        Difference::between(
            "description",
            &wanted.description.as_str(),
            &actual.description().unwrap_or_default(),
        ),
        Difference::between("role", &wanted.role.text(), &actual.role().unwrap_or_default()),
        (!same_variables).then(|| Difference::new("environment", &wanted_variables, &variables)),
        Difference::between("memory_mb", &wanted.memory_mb, &number(actual.memory_size())),
        Difference::between("timeout_seconds", &wanted.timeout_seconds, &number(actual.timeout())),
        unordered("subnets", &wanted.subnets, vpc.map_or(&[], |vpc| vpc.subnet_ids())),
        unordered(
            "security_groups",
            &wanted.security_groups,
            vpc.map_or(&[], |vpc| vpc.security_group_ids()),
        ),
    ]
    .into_iter()
    .flatten()
    .collect()
}

/// Lists whose order Lambda does not keep.
fn unordered(property: &'static str, wanted: &[Input], actual: &[String]) -> Option<Difference> {
    let wanted_ids: BTreeSet<&str> = wanted.iter().map(Input::text).collect();
    let actual_ids: BTreeSet<&str> = actual.iter().map(String::as_str).collect();
    Difference::between(property, &wanted_ids, &actual_ids)
}

/// <https://docs.aws.amazon.com/lambda/latest/dg/functions-states.html>
pub(crate) fn condition(actual: &GetFunctionConfigurationOutput, differs: bool) -> Condition {
    let because = |reason: Option<&str>| reason.unwrap_or("it does not say why").to_owned();
    match actual.state() {
        Some(State::Pending) => Condition::Changing {
            status: "Pending".to_owned(),
        },
        Some(State::Deleting) => Condition::Deleting,
        Some(State::Failed) => Condition::Broken {
            reason: format!(
                "Lambda could not set it up: {}; delete the function and try again",
                because(actual.state_reason())
            ),
        },
        _ => match actual.last_update_status() {
            Some(LastUpdateStatus::InProgress) => Condition::Changing {
                status: "InProgress".to_owned(),
            },
            // What it was before is still there: the change is tried again.
            Some(LastUpdateStatus::Failed) if !differs => Condition::Broken {
                reason: format!(
                    "Lambda could not change it: {}",
                    because(actual.last_update_status_reason())
                ),
            },
            // Inactive functions, which nobody has invoked for long, are there: the first invocation wakes them.
            _ => Condition::Ready,
        },
    }
}

#[cfg(test)]
mod tests {
    use aws_sdk_lambda::operation::get_function_configuration::builders::GetFunctionConfigurationOutputBuilder;
    use aws_sdk_lambda::types::{EnvironmentResponse, VpcConfigResponse};

    use super::*;

    fn wanted() -> Function {
        let text = |text: &str| Input::Text(text.to_owned());
        Function {
            description: "for a".to_owned(),
            code: "event-recorder".to_owned(),
            role: text("arn:role"),
            environment: BTreeMap::from([("EVENT_TABLE".to_owned(), text("events"))]),
            memory_mb: 128,
            timeout_seconds: 10,
            subnets: vec![text("subnet-2"), text("subnet-1")],
            security_groups: vec![text("sg-1")],
        }
    }

    fn actual() -> GetFunctionConfigurationOutputBuilder {
        let vpc = VpcConfigResponse::builder()
            .subnet_ids("subnet-1")
            .subnet_ids("subnet-2");
        GetFunctionConfigurationOutput::builder()
            .description("for a")
            .code_sha256("c29tZQ==")
            .role("arn:role")
            .environment(
                EnvironmentResponse::builder()
                    .variables("EVENT_TABLE", "events")
                    .build(),
            )
            .memory_size(128)
            .timeout(10)
            .vpc_config(vpc.security_group_ids("sg-1").build())
            .state(State::Active)
            .last_update_status(LastUpdateStatus::Successful)
    }

    #[test]
    fn differences_are_told_property_by_property() {
        let check = |actual: GetFunctionConfigurationOutputBuilder, expected: &[&str]| {
            let found = differences(&wanted(), Some("c29tZQ=="), &actual.build());
            let found: Vec<String> = found
                .iter()
                .map(|difference| format!("{}: {} / {}", difference.property, difference.wanted, difference.actual))
                .collect();
            assert_eq!(found, expected);
        };
        check(actual(), &[]);
        check(actual().memory_size(256), &["memory_mb: 128 / 256"]);
        check(
            actual().timeout(3).code_sha256("b3RoZXI=").set_vpc_config(None),
            &[
                r#"code_sha256: "c29tZQ==" / "b3RoZXI=""#,
                "timeout_seconds: 10 / 3",
                r#"subnets: ["subnet-1","subnet-2"] / []"#,
                r#"security_groups: ["sg-1"] / []"#,
            ],
        );
        let more = EnvironmentResponse::builder()
            .variables("EVENT_TABLE", "events")
            .variables("MORE", "1");
        check(
            actual().environment(more.build()).role("arn:other"),
            &[
                r#"role: "arn:role" / "arn:other""#,
                r#"environment: {"EVENT_TABLE":"events"} / {"EVENT_TABLE":"events","MORE":"1"}"#,
            ],
        );
        assert!(differences(&wanted(), None, &actual().code_sha256("other").build()).is_empty());
    }

    #[test]
    fn what_lambda_is_at_work_on_is_left_alone() {
        let of = |actual: GetFunctionConfigurationOutputBuilder, differs| condition(&actual.build(), differs);
        assert_eq!(of(actual(), true), Condition::Ready);
        assert_eq!(of(actual().state(State::Inactive), false), Condition::Ready);
        assert!(matches!(
            of(actual().state(State::Pending), false),
            Condition::Changing { .. }
        ));
        assert!(matches!(
            of(actual().state(State::Failed), false),
            Condition::Broken { .. }
        ));
        let updating = || actual().last_update_status(LastUpdateStatus::InProgress);
        assert!(matches!(of(updating(), true), Condition::Changing { .. }));
        let failed = || actual().last_update_status(LastUpdateStatus::Failed);
        assert_eq!(of(failed(), true), Condition::Ready);
        assert!(matches!(of(failed(), false), Condition::Broken { .. }));
    }
}
