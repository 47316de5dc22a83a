//! The registration of a target in a target group. It has no tags: it belongs to what has.

use aws_sdk_elasticloadbalancingv2::Client;
use aws_sdk_elasticloadbalancingv2::types::{TargetDescription, TargetHealthDescription, TargetHealthStateEnum};
use outrigger_aws::{not_at_rest, unchangeable};
use outrigger_engine::ports::provider::{CallError, Condition, Observed, Progress, Target};
use outrigger_model::properties::Target as Wanted;

use crate::call::{changed, deleted, found};

/// Until something is known of its health.
const POLL_SECONDS: u32 = 2;

/// What stands between the parts of an id: no ARN holds it.
const SEPARATOR: char = '|';

/// A target group's ARN, a target's, and its port where it has one.
#[derive(Clone, Debug, PartialEq, Eq)]
struct Registration {
    group: String,
    target: String,
    port: Option<u16>,
}

impl Registration {
    fn wanted(wanted: &Wanted) -> Option<Self> {
        let (group, target) = (wanted.target_group.text(), wanted.target.text());
        (!group.is_empty() && !target.is_empty()).then(|| Self {
            group: group.to_owned(),
            target: target.to_owned(),
            port: wanted.port,
        })
    }

    fn id(&self) -> String {
        let port = self.port.map(|port| port.to_string()).unwrap_or_default();
        format!("{}{SEPARATOR}{}{SEPARATOR}{port}", self.group, self.target)
    }

    fn read(id: &str) -> Option<Self> {
        let mut parts = id.splitn(3, SEPARATOR).map(str::to_owned);
        let (group, target, port) = (parts.next()?, parts.next()?, parts.next()?);
        let port = match port.as_str() {
            "" => None,
            port => Some(port.parse().ok()?),
        };
        Some(Self { group, target, port })
    }

    fn description(&self) -> TargetDescription {
        let target = TargetDescription::builder().id(&self.target);
        target.set_port(self.port.map(i32::from)).build()
    }

    fn is(&self, described: &TargetHealthDescription) -> bool {
        let Some(target) = described.target() else {
            return false;
        };
        target.id() == Some(&self.target) && (self.port.is_none() || target.port() == self.port.map(i32::from))
    }
}

/// The registration that is wanted; or else the recorded one, so that none is left behind where nobody looks.
pub(crate) async fn observe(client: &Client, target: &Target, wanted: &Wanted) -> Result<Option<Observed>, CallError> {
    let wanted = Registration::wanted(wanted);
    let recorded = target.id.as_ref().and_then(|id| Registration::read(id));
    let recorded = recorded.filter(|recorded| wanted.as_ref() != Some(recorded));
    for registration in wanted.into_iter().chain(recorded) {
        let id = registration.id();
        if target.not.contains(&id) {
            continue;
        }
        if let Some(state) = state(client, &registration).await? {
            return Ok(Some(Observed {
                id,
                condition: condition(&state, target.going),
                ours: true,
                ..Observed::default()
            }));
        }
    }
    Ok(None)
}

/// <https://docs.aws.amazon.com/elasticloadbalancing/latest/APIReference/API_DescribeTargetHealth.html>. Asked for one target, it tells of
/// one that is not registered as well; asked for all, of those alone that are.
async fn state(client: &Client, registration: &Registration) -> Result<Option<TargetHealthStateEnum>, CallError> {
    let request = client.describe_target_health().target_group_arn(&registration.group);
    let answer = found("elasticloadbalancing:DescribeTargetHealth", request.send().await)?;
    Ok(answer.and_then(|answer| {
        let mut targets = answer.target_health_descriptions().iter();
        let described = targets.find(|described| registration.is(described))?;
        let state = described.target_health().and_then(|health| health.state());
        Some(state.cloned().unwrap_or(TargetHealthStateEnum::Unavailable))
    }))
}

/// A registration stands once something is known of the target's health, whatever that is: a gate is unhealthy wherever its
/// region is not the primary one.
fn condition(state: &TargetHealthStateEnum, going: bool) -> Condition {
    match state {
        TargetHealthStateEnum::Draining => Condition::Deleting,
        // What goes need not be known first.
        TargetHealthStateEnum::Initial if !going => Condition::Changing {
            status: state.as_str().to_owned(),
        },
        _ => Condition::Ready,
    }
}

/// <https://docs.aws.amazon.com/elasticloadbalancing/latest/APIReference/API_RegisterTargets.html>
pub(crate) async fn ensure(
    client: &Client,
    wanted: &Wanted,
    observed: Option<&Observed>,
) -> Result<Progress, CallError> {
    const CALL: &str = "elasticloadbalancing:RegisterTargets";
    if let Some(progress) = not_at_rest(observed, POLL_SECONDS) {
        return Ok(progress);
    }
    if let Some(observed) = observed {
        let first = observed.differences.first();
        return Ok(first.map_or(Progress::Done, |difference| {
            unchangeable("a target's registration", difference)
        }));
    }
    let Some(registration) = Registration::wanted(wanted) else {
        return Err(CallError::invalid(CALL, "the target or its group has no ARN"));
    };
    let request = client.register_targets().target_group_arn(&registration.group);
    changed(CALL, request.targets(registration.description()).send().await)?;
    Ok(Progress::created(registration.id(), POLL_SECONDS))
}

/// <https://docs.aws.amazon.com/elasticloadbalancing/latest/APIReference/API_DeregisterTargets.html>
pub(crate) async fn delete(client: &Client, id: &str) -> Result<Progress, CallError> {
    const CALL: &str = "elasticloadbalancing:DeregisterTargets";
    let Some(registration) = Registration::read(id) else {
        return Err(CallError::invalid(
            CALL,
            format!("`{id}` is not the id of a registration"),
        ));
    };
    // The call succeeds for what is not registered: https://docs.aws.amazon.com/elasticloadbalancing/latest/APIReference/API_DeregisterTargets.html
    if state(client, &registration).await?.is_none() {
        return Ok(Progress::Done);
    }
    let request = client.deregister_targets().target_group_arn(&registration.group);
    deleted(CALL, request.targets(registration.description()).send().await)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn ids_read_back() {
        for port in [None, Some(443)] {
            let registration = Registration {
                group: "arn:aws:elasticloadbalancing:us-east-1:123456789012:targetgroup/a/1".to_owned(),
                target: "arn:aws:lambda:us-east-1:123456789012:function:gate".to_owned(),
                port,
            };
            assert_eq!(Registration::read(&registration.id()), Some(registration));
        }
        for bad in ["", "a|b", "a|b|c", "a|b|70000"] {
            assert_eq!(Registration::read(bad), None, "{bad}");
        }
    }

    #[test]
    fn a_registration_stands_whatever_the_target_s_health_is() {
        for (state, going, expected) in [
            (TargetHealthStateEnum::Healthy, false, Condition::Ready),
            (TargetHealthStateEnum::Unhealthy, false, Condition::Ready),
            (TargetHealthStateEnum::Unavailable, false, Condition::Ready),
            (TargetHealthStateEnum::Unused, false, Condition::Ready),
            (TargetHealthStateEnum::Initial, true, Condition::Ready),
            (TargetHealthStateEnum::Draining, false, Condition::Deleting),
            (TargetHealthStateEnum::Draining, true, Condition::Deleting),
        ] {
            assert_eq!(condition(&state, going), expected, "{state} {going}");
        }
        let changing = condition(&TargetHealthStateEnum::Initial, false);
        assert!(matches!(changing, Condition::Changing { status } if status == "initial"));
    }
}
