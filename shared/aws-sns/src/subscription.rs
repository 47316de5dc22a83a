//! `AWS::SNS::Subscription`: what a topic sends to one endpoint by one protocol. It has no name and no tags.
//!
//! # Caveats
//! - Who subscribed by hand to the same endpoint by the same protocol has the same subscription: SNS knows no two.
//! - What waits for confirmation has no ARN, and cannot be taken back: SNS forgets it after two days, or with its topic.

use aws_sdk_sns::Client;
use outrigger_aws::{call_error, is_code, pages};
use outrigger_engine::ports::provider::{CallError, Condition, Observed, Progress, Target};
use outrigger_model::properties::Subscription;

use crate::{CODES, NOT_FOUND, POLL_SECONDS};

/// In place of an ARN, until somebody has confirmed.
const PENDING: &str = "PendingConfirmation";

/// ListSubscriptionsByTopic: <https://docs.aws.amazon.com/sns/latest/api/API_ListSubscriptionsByTopic.html>.
pub(crate) async fn observe(
    client: &Client,
    target: &Target,
    wanted: &Subscription,
) -> Result<Option<Observed>, CallError> {
    let arn = find(client, wanted).await?;
    let is_there = arn.is_some_and(|arn| !(target.going && arn == PENDING));
    Ok(is_there.then(|| Observed {
        id: id(wanted),
        // One that waits for somebody's confirmation is all that can be done.
        condition: Condition::Ready,
        ours: true,
        ..Observed::default()
    }))
}

/// The subscription's ARN, or [`PENDING`].
async fn find(client: &Client, wanted: &Subscription) -> Result<Option<String>, CallError> {
    let call = "sns:ListSubscriptionsByTopic";
    let list = client.list_subscriptions_by_topic().topic_arn(wanted.topic.text());
    let found = match pages(call, &[], list.into_paginator().send(), |page| page.subscriptions).await {
        Ok(found) => found,
        Err(error) if NOT_FOUND.contains(&error.code.as_str()) => return Ok(None),
        Err(error) => return Err(error),
    };
    let is_wanted = |of: &aws_sdk_sns::types::Subscription| {
        of.protocol() == Some(wanted.protocol.as_str()) && of.endpoint() == Some(&wanted.endpoint)
    };
    Ok(found
        .into_iter()
        .filter(is_wanted)
        .filter_map(|found| found.subscription_arn)
        // What was confirmed and then taken back is shown so for a while.
        .find(|arn| arn != "Deleted"))
}

/// Its ARN comes with the confirmation; this stays.
fn id(wanted: &Subscription) -> String {
    format!("{}:{}", wanted.protocol.as_str(), wanted.endpoint)
}

/// Subscribe: <https://docs.aws.amazon.com/sns/latest/api/API_Subscribe.html>. Repeated, it answers with the one there is.
pub(crate) async fn ensure(
    client: &Client,
    wanted: &Subscription,
    observed: Option<&Observed>,
) -> Result<Progress, CallError> {
    if observed.is_some() {
        return Ok(Progress::Done);
    }
    client
        .subscribe()
        .topic_arn(wanted.topic.text())
        .protocol(wanted.protocol.as_str())
        .endpoint(&wanted.endpoint)
        .send()
        .await
        .map_err(|error| call_error("sns:Subscribe", CODES, &error))?;
    Ok(Progress::created(id(wanted), POLL_SECONDS))
}

/// Unsubscribe: <https://docs.aws.amazon.com/sns/latest/api/API_Unsubscribe.html>.
pub(crate) async fn delete(client: &Client, wanted: &Subscription) -> Result<Progress, CallError> {
    let Some(arn) = find(client, wanted).await?.filter(|arn| arn != PENDING) else {
        return Ok(Progress::Done);
    };
    match client.unsubscribe().subscription_arn(arn).send().await {
        Ok(_) => Ok(Progress::changed(POLL_SECONDS)),
        Err(error) if is_code(&error, NOT_FOUND) => Ok(Progress::Done),
        Err(error) => Err(call_error("sns:Unsubscribe", CODES, &error)),
    }
}
