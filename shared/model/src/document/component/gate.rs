//! A health gate.

use serde_json::Value;

use super::super::collect::{Problems, inside, shown};
use super::super::fields::{Fields, any_text, number};
use super::super::problem::{Code, Problem};
use super::super::{ByRegion, Gate, GateHealthCheck, defaults};
use super::Known;
use super::regions::{by_region, home};
use super::tags;
use crate::key::Region;

pub(super) fn gate(value: &Value, place: &str, known: &Known<'_>, problems: &mut Problems) -> Option<Gate> {
    let mut fields = Fields::of(value, place, problems)?;
    let region = fields.option("region", home(&known.regions));
    let regions: Vec<Region> = match &region {
        Some(Some(region)) => vec![region.clone()],
        Some(None) => known.regions.clone(),
        // Where its region could not be read, nothing is said of those of its certificates.
        None => Vec::new(),
    };
    let certificate = fields.option("certificate", |value, place, problems| {
        certificates(value, place, &regions, problems)
    });
    let health_check = fields.or("health_check", GateHealthCheck::default(), health_check);
    let tags = fields.collection("tags", tags);
    fields.finish();
    Some(Gate {
        region: region?,
        certificate: certificate?,
        health_check: health_check?,
        tags: tags?,
    })
}

/// Balancers' names begin with the stack's, and none may begin so:
/// <https://docs.aws.amazon.com/elasticloadbalancing/latest/APIReference/API_CreateLoadBalancer.html>.
pub(super) fn stack_name(stack: &Value, gates: bool, problems: &mut Problems) {
    let name = stack.as_str().unwrap_or_default();
    problems.unless(!gates || !(name == "internal" || name.starts_with("internal-")), || {
        let message = format!(
            "`{}` cannot be the name of a stack with gates: no load balancer's name may begin with `internal-`",
            shown(name)
        );
        Problem::at(Code::Name, "stack", message).help("choose another name, or take the gates away")
    });
}

/// One certificate in each region: a load balancer takes those of its own region alone.
fn certificates(value: &Value, place: &str, regions: &[Region], problems: &mut Problems) -> Option<ByRegion<String>> {
    let read = by_region(regions, certificate)(value, place, problems)?;
    match &read {
        ByRegion::Everywhere(_) if regions.len() > 1 => {
            let message = "one certificate is given, and the gate is in two regions";
            let each: Vec<String> = regions.iter().map(|region| format!("{region}: arn:...")).collect();
            let help = format!(
                "a load balancer takes a certificate of its own region alone: say one for each, `{{{}}}`",
                each.join(", ")
            );
            problems.add(Problem::at(Code::Conflict, place, message).help(help));
            return None;
        }
        ByRegion::Everywhere(arn) => problems.extend(regions.first().and_then(|region| foreign(arn, region, place))),
        ByRegion::Each(arns) => {
            for (region, arn) in arns {
                problems.extend(foreign(arn, region, &inside(place, region.as_str())));
            }
        }
    }
    Some(read)
}

/// What is wrong with the certificate of another region.
fn foreign(arn: &str, region: &Region, place: &str) -> Option<Problem> {
    let of = arn.split(':').nth(3)?;
    (of != region.as_str()).then(|| {
        let message = format!("the certificate is in `{}`, and the gate is in {region}", shown(of));
        Problem::at(Code::Conflict, place, message)
            .help("request one for the same names in that region: ACM has them region by region")
    })
}

/// The length of an ARN: <https://docs.aws.amazon.com/acm/latest/APIReference/API_CertificateDetail.html>.
const ARN_LENGTH_MAX: usize = 2048;

fn certificate(value: &Value, place: &str, problems: &mut Problems) -> Option<String> {
    let arn = any_text(value, place, problems)?;
    let parts: Vec<&str> = arn.splitn(6, ':').collect();
    let is_good = matches!(parts.as_slice(), ["arn", partition, "acm", region, account, certificate]
    if partition.starts_with("aws") && !region.is_empty()
        && account.len() == 12 && account.chars().all(|char| char.is_ascii_digit())
        && certificate.strip_prefix("certificate/").is_some_and(|id| {
            !id.is_empty() && id.chars().all(|char| char.is_ascii_alphanumeric() || char == '-')
        }));
    if is_good && arn.len() <= ARN_LENGTH_MAX {
        return Some(arn);
    }
    let message = format!("`{}` is no ARN of a certificate of ACM", shown(&arn));
    problems.add(
        Problem::at(Code::Form, place, message)
            .help("for instance arn:aws:acm:us-east-1:123456789012:certificate/12345678-1234-1234-1234-123456789012"),
    );
    None
}

/// The limits of a network load balancer's health checks:
/// <https://docs.aws.amazon.com/elasticloadbalancing/latest/network/target-group-health-checks.html>.
fn health_check(value: &Value, place: &str, problems: &mut Problems) -> Option<GateHealthCheck> {
    let mut fields = Fields::of(value, place, problems)?;
    let interval_seconds = fields.or(
        "interval_seconds",
        defaults::health_check_interval_seconds(),
        number(5, 300),
    );
    let timeout_seconds = fields.or(
        "timeout_seconds",
        defaults::health_check_timeout_seconds(),
        number(2, 120),
    );
    let healthy_threshold = fields.or("healthy_threshold", defaults::health_check_threshold(), number(2, 10));
    let unhealthy_threshold = fields.or("unhealthy_threshold", defaults::health_check_threshold(), number(2, 10));
    if let (Some(interval), Some(timeout)) = (interval_seconds, timeout_seconds) {
        let place = fields.at("timeout_seconds");
        fields.problems.unless(timeout < interval, || {
            let message = format!("an answer may take {timeout} s, and the next request comes after {interval} s");
            Problem::at(Code::Conflict, place, message).help(format!("expected less than {interval}"))
        });
    }
    fields.finish();
    Some(GateHealthCheck {
        interval_seconds: interval_seconds?,
        timeout_seconds: timeout_seconds?,
        healthy_threshold: healthy_threshold?,
        unhealthy_threshold: unhealthy_threshold?,
    })
}
