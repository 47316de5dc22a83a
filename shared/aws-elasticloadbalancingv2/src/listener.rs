//! `AWS::ElasticLoadBalancingV2::Listener`, with its default rule; other rules are resources of their own.

use aws_sdk_elasticloadbalancingv2::Client;
use aws_sdk_elasticloadbalancingv2::types::{Action, Certificate, Listener as Described, ProtocolEnum};
use outrigger_aws::{TAGS, TAGS_GONE, pages, unchangeable};
use outrigger_engine::ports::provider::{CallError, Difference, Observed, Progress, Target};
use outrigger_model::properties::{Input, Listener, ListenerTls};
use serde_json::Value;

use crate::action::{forward, forwards_to, refuse};
use crate::call::{POLL_SECONDS, changed, created, deleted, found, listed, refused};
use crate::observed::{candidate, observed};
use crate::{health_check, tags};

const PROTOCOL: &str = "protocol";
const TLS: &str = "tls";
const TARGET_GROUP: &str = "target_group";

/// The listener at the wanted port; or else the recorded one, so that none is left behind where nobody looks.
pub(crate) async fn observe(
    client: &Client,
    target: &Target,
    wanted: &Listener,
) -> Result<Option<Observed>, CallError> {
    let mut candidates = at_port(client, wanted).await?;
    if candidates.is_empty()
        && let Some(recorded) = &target.id
    {
        candidates = by_arn(client, recorded).await?;
    }
    match candidate(target, candidates, Described::listener_arn) {
        Some((arn, listener)) => told(client, target, wanted, &arn, &listener).await,
        None => Ok(None),
    }
}

const DESCRIBE: &str = "elasticloadbalancing:DescribeListeners";

/// <https://docs.aws.amazon.com/elasticloadbalancing/latest/APIReference/API_DescribeListeners.html>
async fn at_port(client: &Client, wanted: &Listener) -> Result<Vec<Described>, CallError> {
    let balancer = wanted.load_balancer.text();
    if balancer.is_empty() {
        return Ok(Vec::new());
    }
    let list = client.describe_listeners().load_balancer_arn(balancer);
    let list = list.into_paginator().send();
    let found = listed(pages(DESCRIBE, &[], list, |page| page.listeners).await)?;
    let is_at_port = |listener: &Described| listener.port() == Some(i32::from(wanted.port));
    Ok(found.unwrap_or_default().into_iter().filter(is_at_port).collect())
}

async fn by_arn(client: &Client, arn: &str) -> Result<Vec<Described>, CallError> {
    let answer = client.describe_listeners().listener_arns(arn).send().await;
    let described = found(DESCRIBE, answer)?;
    Ok(described.and_then(|answer| answer.listeners).unwrap_or_default())
}

async fn told(
    client: &Client,
    target: &Target,
    wanted: &Listener,
    arn: &str,
    there: &Described,
) -> Result<Option<Observed>, CallError> {
    let Some(actual_tags) = tags::of(client, arn).await? else {
        return Ok(None);
    };
    let balancer = there.load_balancer_arn().unwrap_or_default();
    let protocol = there.protocol().map_or("", ProtocolEnum::as_str);
    let wanted_group = Value::from(wanted.target_group.as_ref().map(Input::text));
    let differences = [
        Difference::between("load_balancer", &wanted.load_balancer.text(), &balancer),
        Difference::between("port", &Some(i32::from(wanted.port)), &there.port()),
        Difference::between(PROTOCOL, &wanted.protocol.as_str(), &protocol),
        Difference::between(TLS, &wanted.tls, &tls(there)),
        Difference::between(TARGET_GROUP, &wanted_group, &forwards_to(there.default_actions())),
    ];
    Ok(Some(observed(target, arn, &actual_tags, [], differences)))
}

/// Its default certificate, which is the first.
fn tls(there: &Described) -> Option<ListenerTls> {
    let certificate = there.certificates().first()?.certificate_arn()?;
    Some(ListenerTls {
        certificate: certificate.to_owned(),
        security_policy: there.ssl_policy().unwrap_or_default().to_owned(),
    })
}

pub(crate) async fn ensure(
    client: &Client,
    target: &Target,
    wanted: &Listener,
    observed: Option<&Observed>,
) -> Result<Progress, CallError> {
    let Some(observed) = observed else {
        return create(client, target, wanted).await;
    };
    let Some(difference) = observed.differences.first() else {
        return Ok(Progress::Done);
    };
    match difference.property {
        // https://docs.aws.amazon.com/elasticloadbalancing/latest/APIReference/API_ModifyListener.html
        PROTOCOL | TLS | TARGET_GROUP => {
            let request = client
                .modify_listener()
                .listener_arn(&observed.id)
                .protocol(health_check::protocol(wanted.protocol))
                .set_ssl_policy(policy(wanted))
                .set_certificates(certificates(wanted))
                .default_actions(default_action(wanted));
            changed("elasticloadbalancing:ModifyListener", request.send().await)
        }
        TAGS => tags::put(client, target, &observed.id).await,
        TAGS_GONE => tags::remove(client, &observed.id, difference).await,
        _ => Ok(unchangeable("a listener", difference)),
    }
}

/// <https://docs.aws.amazon.com/elasticloadbalancing/latest/APIReference/API_CreateListener.html>
async fn create(client: &Client, target: &Target, wanted: &Listener) -> Result<Progress, CallError> {
    const CALL: &str = "elasticloadbalancing:CreateListener";
    let answer = client
        .create_listener()
        .load_balancer_arn(wanted.load_balancer.text())
        .port(i32::from(wanted.port))
        .protocol(health_check::protocol(wanted.protocol))
        .set_ssl_policy(policy(wanted))
        .set_certificates(certificates(wanted))
        .default_actions(default_action(wanted))
        .set_tags(Some(tags::to_sdk(&target.resource.tags)))
        .send()
        .await
        .map_err(|error| refused(CALL, &error))?;
    let made = answer.listeners().first();
    created(CALL, made.and_then(Described::listener_arn), POLL_SECONDS)
}

fn policy(wanted: &Listener) -> Option<String> {
    wanted.tls.as_ref().map(|tls| tls.security_policy.clone())
}

fn certificates(wanted: &Listener) -> Option<Vec<Certificate>> {
    let tls = wanted.tls.as_ref()?;
    Some(vec![Certificate::builder().certificate_arn(&tls.certificate).build()])
}

fn default_action(wanted: &Listener) -> Action {
    match &wanted.target_group {
        Some(group) => forward(group.text()),
        None => refuse(),
    }
}

/// <https://docs.aws.amazon.com/elasticloadbalancing/latest/APIReference/API_DeleteListener.html>
pub(crate) async fn delete(client: &Client, arn: &str) -> Result<Progress, CallError> {
    let request = client.delete_listener().listener_arn(arn);
    deleted("elasticloadbalancing:DeleteListener", request.send().await)
}
