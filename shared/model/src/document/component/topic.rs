//! A topic, with its subscriptions.

use serde_json::Value;

use super::super::collect::{Problems, shown};
use super::super::fields::{Fields, any_text, choice};
use super::super::problem::{Code, Problem};
use super::super::{Subscription, Topic};
use super::regions::home;
use super::{Known, components, tags};
use crate::properties::Protocol;

pub(super) fn topic(value: &Value, place: &str, known: &Known<'_>, problems: &mut Problems) -> Option<Topic> {
    let mut fields = Fields::of(value, place, problems)?;
    let region = fields.option("region", home(&known.regions));
    let subscriptions = fields.collection("subscriptions", components(subscription));
    let tags = fields.collection("tags", tags);
    fields.finish();
    Some(Topic {
        region: region?,
        subscriptions: subscriptions?,
        tags: tags?,
    })
}

fn subscription(value: &Value, place: &str, problems: &mut Problems) -> Option<Subscription> {
    let mut fields = Fields::of(value, place, problems)?;
    let protocol: Option<Protocol> = fields.required("protocol", "email", choice);
    let example = protocol.map_or("on-call@example.com", example);
    let endpoint = fields.required("endpoint", example, |value, place, problems| {
        endpoint(value, place, protocol, problems)
    });
    fields.finish();
    Some(Subscription {
        protocol: protocol?,
        endpoint: endpoint?,
    })
}

/// Where messages go. Where the protocol is wrong, nothing can be said of the form.
fn endpoint(value: &Value, place: &str, protocol: Option<Protocol>, problems: &mut Problems) -> Option<String> {
    let endpoint = any_text(value, place, problems)?;
    if let Some(protocol) = protocol
        && !is_endpoint(protocol, &endpoint)
    {
        let is_of_another = PROTOCOLS.iter().any(|other| is_endpoint(*other, &endpoint));
        let code = if is_of_another { Code::Conflict } else { Code::Form };
        let message = format!("`{}` is no endpoint of {}", shown(&endpoint), protocol.as_str());
        problems.add(Problem::at(code, place, message).help(format!("for instance {}", example(protocol))));
        return None;
    }
    Some(endpoint)
}

const PROTOCOLS: [Protocol; 5] = [
    Protocol::Email,
    Protocol::Https,
    Protocol::Sms,
    Protocol::Sqs,
    Protocol::Lambda,
];

fn example(protocol: Protocol) -> &'static str {
    match protocol {
        Protocol::Email => "on-call@example.com",
        Protocol::Https => "https://example.com/alerts",
        Protocol::Sms => "+15550100",
        Protocol::Sqs => "arn:aws:sqs:us-east-1:123456789012:alerts",
        Protocol::Lambda => "arn:aws:lambda:us-east-1:123456789012:function:alerts",
    }
}

const ENDPOINT_LENGTH_MAX: usize = 2048;

/// The form that Subscribe asks for: <https://docs.aws.amazon.com/sns/latest/api/API_Subscribe.html>.
fn is_endpoint(protocol: Protocol, endpoint: &str) -> bool {
    let is_plain = |char: char| char.is_ascii_graphic();
    if endpoint.len() > ENDPOINT_LENGTH_MAX || !endpoint.chars().all(is_plain) {
        return false;
    }
    let is_arn_of = |service: &str| {
        let parts: Vec<&str> = endpoint.splitn(6, ':').collect();
        matches!(parts.as_slice(), ["arn", partition, of, region, account, name]
            if *of == service && !partition.is_empty() && !region.is_empty() && !account.is_empty() && !name.is_empty())
    };
    match protocol {
        Protocol::Email => endpoint.split_once('@').is_some_and(|(user, host)| {
            !user.is_empty()
                && host.contains('.')
                && !host.starts_with('.')
                && !host.ends_with('.')
                && !host.contains('@')
        }),
        // A password in an address would be shown wherever the document is.
        Protocol::Https => endpoint
            .strip_prefix("https://")
            .is_some_and(|rest| !rest.split('/').next().unwrap_or_default().is_empty() && !rest.contains('@')),
        Protocol::Sms => endpoint.strip_prefix('+').is_some_and(|digits| {
            (5..=15).contains(&digits.len()) && digits.chars().all(|digit| digit.is_ascii_digit())
        }),
        Protocol::Sqs => is_arn_of("sqs"),
        Protocol::Lambda => is_arn_of("lambda"),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn endpoints_are_told_by_their_protocol() {
        let table = [
            (Protocol::Email, "a@example.com", true),
            (Protocol::Email, "a@example", false),
            (Protocol::Email, "@example.com", false),
            (Protocol::Email, "a@b@example.com", false),
            (Protocol::Email, "a b@example.com", false),
            (Protocol::Https, "https://example.com/x?y=z", true),
            (Protocol::Https, "http://example.com", false),
            (Protocol::Https, "https:///x", false),
            (Protocol::Https, "https://user:word@example.com", false),
            (Protocol::Sms, "+15550100", true),
            (Protocol::Sms, "5550100", false),
            (Protocol::Sms, "+1555010a", false),
            (Protocol::Sqs, "arn:aws:sqs:us-east-1:123456789012:alerts", true),
            (Protocol::Sqs, "arn:aws:lambda:us-east-1:123456789012:function:a", false),
            (Protocol::Sqs, "alerts", false),
            (
                Protocol::Lambda,
                "arn:aws:lambda:us-east-1:123456789012:function:a",
                true,
            ),
        ];
        for (protocol, endpoint, expected) in table {
            assert_eq!(is_endpoint(protocol, endpoint), expected, "{protocol:?} {endpoint}");
            assert!(is_endpoint(protocol, example(protocol)));
        }
        assert!(!is_endpoint(
            Protocol::Email,
            &format!("{}@example.com", "a".repeat(3000))
        ));
    }
}
