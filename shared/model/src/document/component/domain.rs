//! The domain name of an API.

use std::collections::BTreeMap;

use serde_json::Value;

use super::super::ApiDomain;
use super::super::collect::{Problems, inside, shown};
use super::super::fields::{Fields, any_text, text};
use super::super::problem::{Code, Problem};
use super::regions::by_region;
use crate::document::ByRegion;
use crate::key::Region;

/// What an ACM certificate can be for, and so a domain name of API Gateway:
/// <https://docs.aws.amazon.com/acm/latest/userguide/acm-certificate-characteristics.html>.
pub(in crate::document) const NAME_LENGTH_MAX: usize = 253;
const LABEL_LENGTH_MAX: usize = 63;
/// <https://docs.aws.amazon.com/apigateway/latest/api/API_CreateBasePathMapping.html>
pub(in crate::document) const BASE_PATH_LENGTH_MAX: usize = 128;
/// What a base path may hold besides letters and digits (as above).
pub(in crate::document) const BASE_PATH_SIGNS: &str = "$-_.+!*'()";

/// The domain name of an API that is in these regions.
pub(super) fn domain(value: &Value, place: &str, regions: &[Region], problems: &mut Problems) -> Option<ApiDomain> {
    let mut fields = Fields::of(value, place, problems)?;
    let name = fields.required("name", "api.example.com", text(Code::Form, name));
    let certificates = fields.required(
        "certificates",
        "{us-east-1: \"arn:aws:acm:us-east-1:123456789012:certificate/...\"}",
        |value, place, problems| certificates(value, place, regions, problems),
    );
    let base_path = fields.option("base_path", text(Code::Form, base_path));
    fields.finish();
    Some(ApiDomain {
        name: name?,
        certificates: certificates?,
        base_path: base_path?,
    })
}

fn name(name: &str) -> Result<(), (String, String)> {
    let is_label = |label: &str| {
        let good = |char: char| char.is_ascii_lowercase() || char.is_ascii_digit() || char == '-';
        (1..=LABEL_LENGTH_MAX).contains(&label.len())
            && label.chars().all(good)
            && !label.starts_with('-')
            && !label.ends_with('-')
    };
    let is_good = name.len() <= NAME_LENGTH_MAX && name.contains('.') && name.split('.').all(is_label);
    match is_good {
        true => Ok(()),
        false => Err((
            format!("`{}` is no domain name", shown(name)),
            "expected lower case letters, digits and hyphens between dots, for instance api.example.com".to_owned(),
        )),
    }
}

fn base_path(path: &str) -> Result<(), (String, String)> {
    let good = |char: char| char.is_ascii_alphanumeric() || BASE_PATH_SIGNS.contains(char);
    match (1..=BASE_PATH_LENGTH_MAX).contains(&path.len()) && path.chars().all(good) {
        true => Ok(()),
        false => Err((
            format!("`{}` cannot be a base path", shown(path)),
            format!("expected 1 to {BASE_PATH_LENGTH_MAX} letters, digits and {BASE_PATH_SIGNS}, without a `/`: v1"),
        )),
    }
}

/// One for each region: API Gateway takes a regional domain name's certificate from its own region alone.
/// <https://docs.aws.amazon.com/apigateway/latest/developerguide/how-to-custom-domains-prerequisites.html>
fn certificates(value: &Value, place: &str, regions: &[Region], problems: &mut Problems) -> Option<ByRegion<String>> {
    let read = by_region(regions, any_text)(value, place, problems)?;
    match &read {
        ByRegion::Everywhere(arn) => problems.extend(certificate_problem(arn, regions, place)),
        ByRegion::Each(arns) => {
            for (region, arn) in arns {
                let place = inside(place, region.as_str());
                problems.extend(certificate_problem(arn, std::slice::from_ref(region), &place));
            }
        }
    }
    Some(read)
}

/// `arn:<partition>:acm:<region>:<account>:certificate/<id>`:
/// <https://docs.aws.amazon.com/service-authorization/latest/reference/list_awscertificatemanager.html>.
fn certificate_problem(arn: &str, wanted: &[Region], place: &str) -> Option<Problem> {
    let example = |region: &str| {
        let partition = Region::new(region).partition();
        format!(
            "for instance arn:{partition}:acm:{region}:123456789012:certificate/12345678-1234-1234-1234-123456789012"
        )
    };
    let first = wanted.first().map_or("us-east-1", Region::as_str);
    let parts: Vec<&str> = arn.splitn(6, ':').collect();
    let is_id = |id: &str| !id.is_empty() && id.chars().all(|char| char.is_ascii_alphanumeric() || char == '-');
    let region = match parts.as_slice() {
        ["arn", partition, "acm", region, account, certificate]
            if Region::new(*region).partition() == *partition
                && account.len() == 12
                && account.chars().all(|char| char.is_ascii_digit())
                && certificate.strip_prefix("certificate/").is_some_and(is_id) =>
        {
            *region
        }
        _ => {
            let message = format!("`{}` is no ARN of a certificate in Certificate Manager", shown(arn));
            return Some(Problem::at(Code::Form, place, message).help(example(first)));
        }
    };
    let other = wanted.iter().find(|wanted| wanted.as_str() != region)?;
    let message = format!("the certificate is in {}, and the API in {other}", shown(region));
    Some(Problem::at(Code::Conflict, place, message).help(format!(
        "API Gateway takes certificates of its own region: request or import one in {other}, and say it for each region"
    )))
}

/// Two APIs cannot have one domain name: each would have a domain name of its own in API Gateway, where it is unique.
pub(super) fn shared(apis: &Value, place: &str, problems: &mut Problems) {
    let mut first: BTreeMap<&str, &str> = BTreeMap::new();
    for (api, of) in apis.as_object().into_iter().flatten() {
        let name = of
            .get("domain")
            .and_then(|domain| domain.get("name"))
            .and_then(Value::as_str);
        let Some(name) = name else {
            continue;
        };
        let owner = *first.entry(name).or_insert(api);
        problems.unless(owner == api, || {
            let place = inside(&inside(&inside(place, api), "domain"), "name");
            let message = format!("`{}` is the domain name of the API `{}` too", shown(name), shown(owner));
            Problem::at(Code::Conflict, place, message).help("give each API a domain name of its own")
        });
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_are_those_of_dns() {
        for good in ["example.com", "api.example.com", "a-1.b2.io"] {
            assert!(name(good).is_ok(), "{good}");
        }
        for bad in [
            "example",
            "API.example.com",
            "a..b",
            "-a.b",
            "a-.b",
            "*.a.b",
            "a.b/",
            "",
        ] {
            assert!(name(bad).is_err(), "{bad}");
        }
    }

    #[test]
    fn certificates_are_of_their_region() {
        let here = Region::new("us-east-1");
        let of = |arn: &str| certificate_problem(arn, std::slice::from_ref(&here), "place").map(|problem| problem.code);
        assert_eq!(of("arn:aws:acm:us-east-1:123456789012:certificate/12-ab"), None);
        assert_eq!(
            of("arn:aws:acm:us-east-2:123456789012:certificate/12-ab"),
            Some(Code::Conflict)
        );
        for bad in [
            "",
            "arn",
            "arn:aws:iam::123456789012:server-certificate/a",
            "arn:aws:acm:us-east-1:1:certificate/a",
            "arn:aws-cn:acm:us-east-1:123456789012:certificate/a",
            "arn:aws:acm:us-east-1:123456789012:certificate/",
        ] {
            assert_eq!(of(bad), Some(Code::Form), "{bad}");
        }
    }
}
