//! `AWS::Events::EventBus`, a custom one.

use aws_sdk_eventbridge::Client;
use aws_sdk_eventbridge::operation::describe_event_bus::DescribeEventBusOutput;
use outrigger_aws::{TAGS, TAGS_GONE, call_error, missing_tags, surplus_tags, unchangeable};
use outrigger_engine::ports::provider::{CallError, Condition, Difference, Observed, Progress, Target};
use outrigger_model::properties::EventBus;
use outrigger_model::resource::is_ours;

use crate::call::{CODES, POLL_SECONDS, changed, deleted, found};
use crate::tags;

const DESCRIPTION: &str = "description";
const ARN: &str = "arn";

/// The bus with the name, whoever's it is.
pub(crate) async fn observe(
    client: &Client,
    target: &Target,
    wanted: &EventBus,
) -> Result<Option<Observed>, CallError> {
    let name = &target.resource.physical_name;
    let Some(there) = get(client, name).await? else {
        return Ok(None);
    };
    let arn = there.arn().unwrap_or_default();
    let Some(actual_tags) = tags::read(client, arn).await? else {
        return Ok(None);
    };
    let differences = [
        Difference::between(
            DESCRIPTION,
            &wanted.description.as_str(),
            &there.description().unwrap_or_default(),
        ),
        missing_tags(&target.resource.tags, &actual_tags),
        surplus_tags(&target.tags_gone, &actual_tags),
    ];
    let attributes = [(ARN, arn), ("name", name.as_str())];
    Ok(Some(Observed {
        id: name.clone(),
        attributes: attributes
            .map(|(name, value)| (name.to_owned(), value.to_owned()))
            .into(),
        condition: Condition::Ready,
        ours: is_ours(&actual_tags, &target.resource.tags),
        differences: differences.into_iter().flatten().collect(),
        pending: Vec::new(),
        duplicates: Vec::new(),
    }))
}

/// <https://docs.aws.amazon.com/eventbridge/latest/APIReference/API_DescribeEventBus.html>
async fn get(client: &Client, name: &str) -> Result<Option<DescribeEventBusOutput>, CallError> {
    found(
        "events:DescribeEventBus",
        client.describe_event_bus().name(name).send().await,
    )
}

pub(crate) async fn ensure(
    client: &Client,
    target: &Target,
    wanted: &EventBus,
    observed: Option<&Observed>,
) -> Result<Progress, CallError> {
    let Some(observed) = observed else {
        return create(client, target, wanted).await;
    };
    let Some(difference) = observed.differences.first() else {
        return Ok(Progress::Done);
    };
    let arn = observed.attributes.get(ARN).map_or("", String::as_str);
    match difference.property {
        // https://docs.aws.amazon.com/eventbridge/latest/APIReference/API_UpdateEventBus.html
        DESCRIPTION => {
            let request = client.update_event_bus().name(&observed.id);
            changed(
                "events:UpdateEventBus",
                request.description(&wanted.description).send().await,
            )
        }
        TAGS => tags::put(client, target, arn).await,
        TAGS_GONE => tags::remove(client, arn, difference).await,
        _ => Ok(unchangeable("an event bus", difference)),
    }
}

/// <https://docs.aws.amazon.com/eventbridge/latest/APIReference/API_CreateEventBus.html>
async fn create(client: &Client, target: &Target, wanted: &EventBus) -> Result<Progress, CallError> {
    let name = &target.resource.physical_name;
    client
        .create_event_bus()
        .name(name)
        .description(&wanted.description)
        .set_tags(Some(tags::to_sdk(&target.resource.tags)?))
        .send()
        .await
        .map_err(|error| call_error("events:CreateEventBus", CODES, &error))?;
    Ok(Progress::created(name, POLL_SECONDS))
}

/// DeleteEventBus, once it has no rules: <https://docs.aws.amazon.com/eventbridge/latest/APIReference/API_DeleteEventBus.html>.
/// It succeeds where there is no bus, so that is looked at first.
pub(crate) async fn delete(client: &Client, name: &str) -> Result<Progress, CallError> {
    if get(client, name).await?.is_none() {
        return Ok(Progress::Done);
    }
    deleted(
        "events:DeleteEventBus",
        client.delete_event_bus().name(name).send().await,
    )
}
