//! `AWS::GlobalAccelerator::EndpointGroup`: a listener has one for each region. It has no tags.
//!
//! Traffic dial and weight belong to operating: they are left as they are. A network load balancer is healthy by the health
//! checks of its own target groups, so the group's settings for health checks mean nothing, and are not given:
//! <https://docs.aws.amazon.com/global-accelerator/latest/dg/about-endpoint-groups-health-check-options.html>. Whether
//! clients' addresses are preserved is as AWS has it by default for the load balancer.

use std::collections::{BTreeMap, BTreeSet};

use aws_sdk_globalaccelerator::Client;
use aws_sdk_globalaccelerator::types::{EndpointConfiguration, EndpointGroup as Actual};
use outrigger_aws::{call_error, gone_meanwhile, is_code, pages, unchangeable};
use outrigger_engine::ports::provider::{CallError, Difference, Observed, Progress, Target};
use outrigger_model::properties::EndpointGroup;
use serde_json::{Value, json};

use crate::{CODES, NOT_FOUND, POLL_SECONDS, accelerator};

const LOAD_BALANCER: &str = "load_balancer";
const PAGE: i32 = 100;

/// ListEndpointGroups: <https://docs.aws.amazon.com/global-accelerator/latest/api/API_ListEndpointGroups.html>. It is ready
/// when its accelerator is deployed, which tells of every change in it.
pub(crate) async fn observe(
    client: &Client,
    target: &Target,
    wanted: &EndpointGroup,
) -> Result<Option<Observed>, CallError> {
    let Some(actual) = find(client, wanted).await? else {
        return Ok(None);
    };
    let arn = actual.endpoint_group_arn().unwrap_or_default().to_owned();
    if target.not.contains(&arn) {
        return Ok(None);
    }
    let condition = match accelerator::describe(client, accelerator_of(&arn)).await? {
        Some(accelerator) => accelerator::condition(&accelerator),
        None => return Ok(None),
    };
    Ok(Some(Observed {
        attributes: BTreeMap::from([("arn".to_owned(), arn.clone())]),
        id: arn,
        condition,
        ours: true,
        differences: differences(wanted, &actual),
        ..Observed::default()
    }))
}

async fn find(client: &Client, wanted: &EndpointGroup) -> Result<Option<Actual>, CallError> {
    let call = "globalaccelerator:ListEndpointGroups";
    let request = client.list_endpoint_groups().listener_arn(wanted.listener.text());
    let list = request.max_results(PAGE).into_paginator().send();
    let found = match pages(call, &[], list, |page| page.endpoint_groups).await {
        Ok(found) => found,
        Err(error) if NOT_FOUND.contains(&error.code.as_str()) => return Ok(None),
        Err(error) => return Err(error),
    };
    let region = wanted.region.as_str();
    Ok(found.into_iter().find(|of| of.endpoint_group_region() == Some(region)))
}

/// `<accelerator>/listener/<id>/endpoint-group/<id>`.
fn accelerator_of(arn: &str) -> &str {
    arn.split("/listener/").next().unwrap_or_default()
}

pub(crate) async fn ensure(
    client: &Client,
    target: &Target,
    wanted: &EndpointGroup,
    observed: Option<&Observed>,
) -> Result<Progress, CallError> {
    let Some(observed) = observed else {
        return create(client, target, wanted).await;
    };
    let Some(first) = observed.differences.first() else {
        return Ok(Progress::Done);
    };
    if first.property != LOAD_BALANCER {
        return Ok(unchangeable("an endpoint group", first));
    }
    let call = "globalaccelerator:UpdateEndpointGroup";
    let there = find(client, wanted).await?;
    let there = there.ok_or_else(|| gone_meanwhile(call, "the endpoint group"))?;
    // The endpoints are replaced as a whole. https://docs.aws.amazon.com/global-accelerator/latest/api/API_UpdateEndpointGroup.html
    client
        .update_endpoint_group()
        .endpoint_group_arn(&observed.id)
        .endpoint_configurations(endpoint(wanted, Some(&there)))
        .send()
        .await
        .map_err(|error| call_error(call, CODES, &error))?;
    Ok(Progress::changed(POLL_SECONDS))
}

/// CreateEndpointGroup: <https://docs.aws.amazon.com/global-accelerator/latest/api/API_CreateEndpointGroup.html>.
async fn create(client: &Client, target: &Target, wanted: &EndpointGroup) -> Result<Progress, CallError> {
    let call = "globalaccelerator:CreateEndpointGroup";
    let answer = client
        .create_endpoint_group()
        .listener_arn(wanted.listener.text())
        .endpoint_group_region(wanted.region.as_str())
        .endpoint_configurations(endpoint(wanted, None))
        .idempotency_token(&target.token)
        .send()
        .await
        .map_err(|error| call_error(call, CODES, &error))?;
    match answer.endpoint_group.and_then(|made| made.endpoint_group_arn) {
        Some(arn) => Ok(Progress::created(arn, POLL_SECONDS)),
        None => Err(CallError::invalid(call, "the answer holds no ARN")),
    }
}

/// DeleteEndpointGroup: <https://docs.aws.amazon.com/global-accelerator/latest/api/API_DeleteEndpointGroup.html>.
pub(crate) async fn delete(client: &Client, arn: &str) -> Result<Progress, CallError> {
    match client.delete_endpoint_group().endpoint_group_arn(arn).send().await {
        Ok(_) => Ok(Progress::changed(POLL_SECONDS)),
        Err(error) if is_code(&error, NOT_FOUND) => Ok(Progress::Done),
        Err(error) => Err(call_error("globalaccelerator:DeleteEndpointGroup", CODES, &error)),
    }
}

/// The load balancer, with the weight that it has there.
fn endpoint(wanted: &EndpointGroup, there: Option<&Actual>) -> EndpointConfiguration {
    let arn = wanted.load_balancer.text();
    let known = there.map(Actual::endpoint_descriptions).unwrap_or_default();
    let weight = known
        .iter()
        .find(|of| of.endpoint_id() == Some(arn))
        .and_then(|of| of.weight());
    EndpointConfiguration::builder()
        .endpoint_id(arn)
        .set_weight(weight)
        .build()
}

fn differences(wanted: &EndpointGroup, actual: &Actual) -> Vec<Difference> {
    let endpoints: BTreeSet<&str> = actual
        .endpoint_descriptions()
        .iter()
        .filter_map(|of| of.endpoint_id())
        .collect();
    let mut there = endpoints.iter();
    let there = match (there.next(), there.next()) {
        (None, _) => Value::Null,
        (Some(one), None) => json!(one),
        (Some(_), Some(_)) => json!(endpoints),
    };
    let difference = Difference::between(LOAD_BALANCER, &json!(wanted.load_balancer.text()), &there);
    difference.into_iter().collect()
}

#[cfg(test)]
mod tests {
    use aws_sdk_globalaccelerator::types::EndpointDescription;
    use outrigger_model::{Input, Region};

    use super::*;

    fn wanted() -> EndpointGroup {
        EndpointGroup {
            listener: Input::Text("listener".to_owned()),
            region: Region::new("us-east-2"),
            load_balancer: Input::Text("ours".to_owned()),
        }
    }

    fn actual(endpoints: &[&str]) -> Actual {
        let endpoint = |id: &&str| EndpointDescription::builder().endpoint_id(*id).weight(7).build();
        Actual::builder()
            .traffic_dial_percentage(0.0)
            .set_endpoint_descriptions(Some(endpoints.iter().map(endpoint).collect()))
            .build()
    }

    #[test]
    fn the_load_balancer_is_compared_and_the_dial_is_not() {
        let table: [(&[&str], Option<Value>); 4] = [
            (&["ours"], None),
            (&[], Some(Value::Null)),
            (&["other"], Some(json!("other"))),
            (&["ours", "other"], Some(json!(["other", "ours"]))),
        ];
        for (endpoints, there) in table {
            let expected: Vec<_> = there
                .iter()
                .map(|there| Difference::new(LOAD_BALANCER, &"ours", there))
                .collect();
            assert_eq!(differences(&wanted(), &actual(endpoints)), expected, "{endpoints:?}");
        }
    }

    #[test]
    fn what_stays_keeps_its_weight() {
        assert_eq!(endpoint(&wanted(), Some(&actual(&["other", "ours"]))).weight(), Some(7));
        assert_eq!(endpoint(&wanted(), Some(&actual(&["other"]))).weight(), None);
        assert_eq!(endpoint(&wanted(), None).endpoint_id(), Some("ours"));
    }

    #[test]
    fn its_arn_begins_with_its_accelerators() {
        let arn = "arn:aws:globalaccelerator::1:accelerator/a/listener/b/endpoint-group/c";
        assert_eq!(accelerator_of(arn), "arn:aws:globalaccelerator::1:accelerator/a");
    }
}
