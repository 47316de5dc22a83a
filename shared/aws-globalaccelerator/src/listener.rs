//! `AWS::GlobalAccelerator::Listener`. It has no tags: what listens in an accelerator of ours is ours.

use std::collections::BTreeMap;

use aws_sdk_globalaccelerator::Client;
use aws_sdk_globalaccelerator::types::{ClientAffinity, Listener as Actual, PortRange, Protocol};
use outrigger_aws::{call_error, is_code, pages, unchangeable};
use outrigger_engine::ports::provider::{CallError, Condition, Difference, Observed, Progress, Target};
use outrigger_model::properties::AcceleratorListener;
use serde_json::{Value, json};

use crate::{CODES, NOT_FOUND, POLL_SECONDS};

const PORT: &str = "port";
const PROTOCOL: &str = "protocol";
const CLIENT_AFFINITY: &str = "client_affinity";
const PAGE: i32 = 100;

/// ListListeners: <https://docs.aws.amazon.com/global-accelerator/latest/api/API_ListListeners.html>.
pub(crate) async fn observe(
    client: &Client,
    target: &Target,
    wanted: &AcceleratorListener,
) -> Result<Option<Observed>, CallError> {
    let call = "globalaccelerator:ListListeners";
    let request = client.list_listeners().accelerator_arn(wanted.accelerator.text());
    let list = request.max_results(PAGE).into_paginator().send();
    match pages(call, &[], list, |page| page.listeners).await {
        Ok(found) => Ok(seen(found, target, wanted)),
        Err(error) if NOT_FOUND.contains(&error.code.as_str()) => Ok(None),
        Err(error) => Err(error),
    }
}

/// The recorded one, or else the one on the port: an accelerator has no two.
fn seen(found: Vec<Actual>, target: &Target, wanted: &AcceleratorListener) -> Option<Observed> {
    let is_recorded = |of: &&Actual| target.id.is_some() && of.listener_arn() == target.id.as_deref();
    let is_other = |of: &Actual| of.listener_arn().is_some_and(|arn| target.not.contains(arn));
    let on_the_port = |of: &&Actual| port(of) == json!(wanted.port) && protocol(of) == Protocol::Tcp.as_str();
    let found: Vec<Actual> = found.into_iter().filter(|of| !is_other(of)).collect();
    let recorded = found.iter().find(is_recorded);
    let chosen = match target.resource.key.is_former() && target.id.is_some() {
        true => recorded,
        false => recorded.or_else(|| found.iter().find(on_the_port)),
    }?;
    let arn = chosen.listener_arn().unwrap_or_default().to_owned();
    Some(Observed {
        attributes: BTreeMap::from([("arn".to_owned(), arn.clone())]),
        id: arn,
        condition: Condition::Ready,
        ours: true,
        differences: differences(wanted, chosen),
        ..Observed::default()
    })
}

pub(crate) async fn ensure(
    client: &Client,
    target: &Target,
    wanted: &AcceleratorListener,
    observed: Option<&Observed>,
) -> Result<Progress, CallError> {
    let Some(observed) = observed else {
        return create(client, target, wanted).await;
    };
    let Some(first) = observed.differences.first() else {
        return Ok(Progress::Done);
    };
    match first.property {
        // https://docs.aws.amazon.com/global-accelerator/latest/api/API_UpdateListener.html
        PORT | PROTOCOL | CLIENT_AFFINITY => client
            .update_listener()
            .listener_arn(&observed.id)
            .port_ranges(range(wanted.port))
            .protocol(Protocol::Tcp)
            .client_affinity(ClientAffinity::None)
            .send()
            .await
            .map(drop)
            .map_err(|error| call_error("globalaccelerator:UpdateListener", CODES, &error))?,
        _ => return Ok(unchangeable("a listener", first)),
    }
    Ok(Progress::changed(POLL_SECONDS))
}

/// CreateListener: <https://docs.aws.amazon.com/global-accelerator/latest/api/API_CreateListener.html>.
async fn create(client: &Client, target: &Target, wanted: &AcceleratorListener) -> Result<Progress, CallError> {
    let call = "globalaccelerator:CreateListener";
    let answer = client
        .create_listener()
        .accelerator_arn(wanted.accelerator.text())
        .port_ranges(range(wanted.port))
        .protocol(Protocol::Tcp)
        .client_affinity(ClientAffinity::None)
        .idempotency_token(&target.token)
        .send()
        .await
        .map_err(|error| call_error(call, CODES, &error))?;
    match answer.listener.and_then(|made| made.listener_arn) {
        Some(arn) => Ok(Progress::created(arn, POLL_SECONDS)),
        None => Err(CallError::invalid(call, "the answer holds no ARN")),
    }
}

/// DeleteListener, of one without endpoint groups:
/// <https://docs.aws.amazon.com/global-accelerator/latest/api/API_DeleteListener.html>.
pub(crate) async fn delete(client: &Client, arn: &str) -> Result<Progress, CallError> {
    match client.delete_listener().listener_arn(arn).send().await {
        Ok(_) => Ok(Progress::changed(POLL_SECONDS)),
        Err(error) if is_code(&error, NOT_FOUND) => Ok(Progress::Done),
        Err(error) => Err(call_error("globalaccelerator:DeleteListener", CODES, &error)),
    }
}

fn range(port: u16) -> PortRange {
    PortRange::builder().from_port(port.into()).to_port(port.into()).build()
}

/// Its port, where it has but one; or else all ranges.
fn port(actual: &Actual) -> Value {
    match actual.port_ranges() {
        [one] if one.from_port().is_some() && one.from_port() == one.to_port() => json!(one.from_port()),
        ranges => {
            let range = |range: &PortRange| json!([range.from_port(), range.to_port()]);
            ranges.iter().map(range).collect()
        }
    }
}

fn protocol(actual: &Actual) -> &str {
    actual.protocol().map_or("", Protocol::as_str)
}

fn differences(wanted: &AcceleratorListener, actual: &Actual) -> Vec<Difference> {
    let affinity = actual.client_affinity().unwrap_or(&ClientAffinity::None);
    [
        Difference::between(PORT, &json!(wanted.port), &port(actual)),
        Difference::between(PROTOCOL, &Protocol::Tcp.as_str(), &protocol(actual)),
        Difference::between(CLIENT_AFFINITY, &ClientAffinity::None.as_str(), &affinity.as_str()),
    ]
    .into_iter()
    .flatten()
    .collect()
}

#[cfg(test)]
mod tests {
    use outrigger_model::Input;

    use super::*;

    fn actual(ranges: &[(i32, i32)]) -> Actual {
        let range = |(from, to): &(i32, i32)| PortRange::builder().from_port(*from).to_port(*to).build();
        Actual::builder()
            .listener_arn("arn")
            .set_port_ranges(Some(ranges.iter().map(range).collect()))
            .protocol(Protocol::Tcp)
            .build()
    }

    #[test]
    fn every_property_is_compared() {
        let wanted = AcceleratorListener {
            accelerator: Input::Text("accelerator".to_owned()),
            port: 443,
        };
        let table: [(Actual, Vec<Difference>); 4] = [
            (actual(&[(443, 443)]), vec![]),
            (actual(&[(80, 80)]), vec![Difference::new(PORT, &443, &80)]),
            (
                actual(&[(443, 443), (80, 90)]),
                vec![Difference::new(PORT, &443, &json!([[443, 443], [80, 90]]))],
            ),
            (
                {
                    let mut other = actual(&[(443, 443)]);
                    other.protocol = Some(Protocol::Udp);
                    other.client_affinity = Some(ClientAffinity::SourceIp);
                    other
                },
                vec![
                    Difference::new(PROTOCOL, &"TCP", &"UDP"),
                    Difference::new(CLIENT_AFFINITY, &"NONE", &"SOURCE_IP"),
                ],
            ),
        ];
        for (actual, expected) in table {
            assert_eq!(differences(&wanted, &actual), expected);
        }
    }
}
