//! How long a call may take.

use std::time::Duration;

use outrigger_engine::ports::provider::{CALL_SECONDS_MAX, CallError, CallErrorKind, Target};

/// Gives up after [`CALL_SECONDS_MAX`]: what became of the call under way is then unknown.
///
/// `service` and `verb`, such as `ec2` and `observe`, are for the error to say.
///
/// # Errors
/// Those of `work`, and [`CallErrorKind::Unknown`] when it takes longer.
pub async fn in_time<T>(
    service: &str,
    verb: &str,
    target: &Target,
    work: impl Future<Output = Result<T, CallError>>,
) -> Result<T, CallError> {
    within(CALL_SECONDS_MAX, service, verb, target, work).await
}

async fn within<T>(
    seconds: u64,
    service: &str,
    verb: &str,
    target: &Target,
    work: impl Future<Output = Result<T, CallError>>,
) -> Result<T, CallError> {
    match tokio::time::timeout(Duration::from_secs(seconds), work).await {
        Ok(result) => result,
        Err(_) => Err(CallError {
            kind: CallErrorKind::Unknown,
            ..CallError::invalid(
                format!("{service}: {verb} {}", target.resource.key),
                format!("no answer within {seconds} s"),
            )
        }),
    }
}

#[cfg(test)]
mod tests {
    use outrigger_model::properties::Vpc;
    use outrigger_model::{Kind, Properties, Region, Resource, ResourceKey};

    use super::*;

    fn target() -> Target {
        let cidr = "10.0.0.0/16".parse().unwrap();
        Target {
            resource: Resource {
                key: ResourceKey::new(&Region::new("us-east-1"), Kind::Vpc, "main"),
                physical_name: "shop-test-main".to_owned(),
                properties: Properties::Vpc(Vpc { cidr }),
                tags: Default::default(),
                depends_on: Default::default(),
            },
            id: None,
            token: "0001-a".to_owned(),
            not: Default::default(),
            tags_gone: Default::default(),
            unprotect: false,
            going: false,
        }
    }

    #[tokio::test]
    async fn what_ends_in_time_is_passed_on() {
        assert_eq!(in_time("ec2", "observe", &target(), async { Ok(1) }).await, Ok(1));
        let refused = CallError::invalid("ec2:CreateVpc", "refused");
        let result: Result<(), _> = in_time("ec2", "ensure", &target(), async { Err(refused.clone()) }).await;
        assert_eq!(result, Err(refused));
    }

    #[tokio::test]
    async fn of_what_does_not_end_nothing_is_known() {
        let never = std::future::pending::<Result<(), _>>();
        let error = within(0, "ec2", "observe", &target(), never).await.unwrap_err();
        let expected = CallError {
            kind: CallErrorKind::Unknown,
            ..CallError::invalid(
                format!("ec2: observe {}", target().resource.key),
                "no answer within 0 s",
            )
        };
        assert_eq!(error, expected);
    }
}
