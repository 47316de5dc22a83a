//! How the health of targets is told: what a target group says of it, and how it is said.

use aws_sdk_elasticloadbalancingv2::types::{Matcher, ProtocolEnum, TargetGroup as Described};
use outrigger_aws::number;
use outrigger_engine::ports::provider::CallError;
use outrigger_model::properties::{ListenerProtocol, TargetHealthCheck};
use serde_json::{Value, json};

/// What is good: a gate says so with it alone.
pub(crate) const GOOD_STATUS: &str = "200";

/// Where targets are asked: at the port that they get their traffic at.
pub(crate) const PORT: &str = "traffic-port";

/// As AWS takes it.
pub(crate) struct Settings {
    pub(crate) interval_seconds: i32,
    pub(crate) timeout_seconds: i32,
    pub(crate) healthy_threshold: i32,
    pub(crate) unhealthy_threshold: i32,
}

impl Settings {
    pub(crate) fn of(call: &str, wanted: &TargetHealthCheck) -> Result<Self, CallError> {
        let number = |value: u32| number(call, "health_check", value);
        Ok(Self {
            interval_seconds: number(wanted.interval_seconds)?,
            timeout_seconds: number(wanted.timeout_seconds)?,
            healthy_threshold: number(wanted.healthy_threshold)?,
            unhealthy_threshold: number(wanted.unhealthy_threshold)?,
        })
    }
}

pub(crate) fn matcher() -> Matcher {
    Matcher::builder().http_code(GOOD_STATUS).build()
}

pub(crate) fn protocol(protocol: ListenerProtocol) -> ProtocolEnum {
    match protocol {
        ListenerProtocol::Tcp => ProtocolEnum::Tcp,
        ListenerProtocol::Http => ProtocolEnum::Http,
        ListenerProtocol::Https => ProtocolEnum::Https,
    }
}

/// What is there, in the form of [`TargetHealthCheck`], and what there is besides that should not be; `null` where health is not
/// asked for.
pub(crate) fn actual(there: &Described) -> Value {
    if !there.health_check_enabled().unwrap_or_default() {
        return Value::Null;
    }
    let mut actual = json!({
        "protocol": there.health_check_protocol().map(ProtocolEnum::as_str),
        "path": there.health_check_path(),
        "interval_seconds": there.health_check_interval_seconds(),
        "timeout_seconds": there.health_check_timeout_seconds(),
        "healthy_threshold": there.healthy_threshold_count(),
        "unhealthy_threshold": there.unhealthy_threshold_count(),
    });
    let status = there.matcher().and_then(Matcher::http_code);
    let port = there.health_check_port();
    let others = [
        ("status", status.filter(|status| *status != GOOD_STATUS)),
        ("port", port.filter(|port| *port != PORT)),
    ];
    if let Some(actual) = actual.as_object_mut() {
        let others = others.into_iter().filter_map(|(name, value)| Some((name, value?)));
        actual.extend(others.map(|(name, value)| (name.to_owned(), Value::from(value))));
    }
    actual
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_as_wanted_reads_so_and_everything_else_shows() {
        let wanted = TargetHealthCheck {
            protocol: ListenerProtocol::Https,
            path: "/active".to_owned(),
            interval_seconds: 10,
            timeout_seconds: 5,
            healthy_threshold: 2,
            unhealthy_threshold: 3,
        };
        let there = Described::builder()
            .health_check_enabled(true)
            .health_check_protocol(ProtocolEnum::Https)
            .health_check_path("/active")
            .health_check_port(PORT)
            .health_check_interval_seconds(10)
            .health_check_timeout_seconds(5)
            .healthy_threshold_count(2)
            .unhealthy_threshold_count(3)
            .matcher(matcher());
        assert_eq!(actual(&there.clone().build()), serde_json::to_value(&wanted).unwrap());
        assert_eq!(actual(&there.clone().health_check_enabled(false).build()), Value::Null);
        let elsewhere = there.clone().health_check_port("8080").build();
        assert_eq!(actual(&elsewhere)["port"], "8080");
        let lenient = there.matcher(Matcher::builder().http_code("200-599").build()).build();
        assert_eq!(actual(&lenient)["status"], "200-599");
    }
}
