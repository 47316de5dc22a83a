//! `AWS::KMS::Key`: symmetric, with AWS's key material.
//!
//! A key is never deleted at once: it is scheduled for deletion, and can be taken back until then. Where Outrigger does that
//! it leaves a tag, [`TAG_DELETION`]: such a key is gone for the stack, and a new one takes its place. A key that somebody
//! else has scheduled for deletion is still the stack's: that is taken back, since the stack's data hangs on it.

use std::collections::BTreeMap;

use aws_sdk_kms::Client;
use aws_sdk_kms::config::Config;
use aws_sdk_kms::config::retry::RetryConfig;
use aws_sdk_kms::types::{KeyListEntry, KeyMetadata, KeySpec, KeyState, KeyUsageType};
use futures::{StreamExt, TryStreamExt};
use outrigger_aws::{
    Aws, Candidate, TAGS, TAGS_GONE, call_error, choose, gone_meanwhile, is_code, number, pages, surplus_keys,
    unchangeable,
};
use outrigger_engine::ports::provider::{CallError, Condition, Difference, Observed, Progress, Target};
use outrigger_model::Region;
use outrigger_model::properties::KmsKey;
use outrigger_model::resource::{TAG_DELETION, TAG_INTENT, is_ours};
use serde_json::Value;

use crate::calls::{self, CODES, NOT_FOUND};
use crate::{POLL_SECONDS, policy};

/// `AWS::KMS::Key` has these besides its properties.
const STATE: &str = "state";
const POLICY: &str = "policy";

/// How many keys' tags are asked for at a time; KMS takes 2000 such calls a second.
/// <https://docs.aws.amazon.com/kms/latest/developerguide/requests-per-second.html>
const AT_A_TIME: usize = 16;
/// How many keys there are in a page, at the most.
const PAGE: i32 = 1000;
/// The shortest window that AWS allows, in days.
const WINDOW_DAYS_MIN: u32 = 7;

async fn list(client: &Client) -> Result<Vec<KeyListEntry>, CallError> {
    let request = client.list_keys().limit(PAGE).into_paginator().send();
    pages("kms:ListKeys", CODES, request, |page| page.keys).await
}

/// How many keys a region has: those of AWS are among them, which no quota counts, so it is a few more than are used.
/// <https://docs.aws.amazon.com/kms/latest/APIReference/API_ListKeys.html>
///
/// # Errors
/// When a call fails.
pub async fn count(aws: &Aws, region: &Region) -> Result<u64, CallError> {
    let client = Client::new(&aws.config(Some(region)).await);
    Ok(list(&client).await?.len() as u64)
}

/// ListKeys, and the tags of each: KMS has no other way from tags to keys.
/// <https://docs.aws.amazon.com/kms/latest/APIReference/API_ListKeys.html>
async fn tagged(client: &Client) -> Result<Vec<Candidate<()>>, CallError> {
    let keys = list(client).await?;
    let ids = keys.into_iter().filter_map(|entry: KeyListEntry| entry.key_id);
    futures::stream::iter(ids.map(|id| async move {
        let tags = calls::tags(client, &id).await?;
        Ok(Candidate { id, tags, object: () })
    }))
    .buffer_unordered(AT_A_TIME)
    .try_collect()
    .await
}

/// The keys that may be the resource, those that are gone for the stack left out.
async fn candidates(client: &Client, target: &Target) -> Result<Vec<Candidate<KeyMetadata>>, CallError> {
    let mut found = Vec::new();
    for Candidate { id, tags, .. } in tagged(client).await? {
        if !is_ours(&tags, &target.resource.tags) && target.id.as_ref() != Some(&id) {
            continue;
        }
        if let Some(key) = calls::describe(client, &id).await?
            && !is_gone(&key, &tags, target.id.as_ref() == Some(&id))
        {
            found.push(Candidate { id, tags, object: key });
        }
    }
    Ok(found)
}

/// Whether a key counts as deleted: by us, or by somebody else when it was no part of the stack any more.
fn is_gone(key: &KeyMetadata, tags: &BTreeMap<String, String>, is_recorded: bool) -> bool {
    is_leaving(key) && (tags.contains_key(TAG_DELETION) || !is_recorded)
}

fn is_leaving(key: &KeyMetadata) -> bool {
    matches!(
        key.key_state,
        Some(KeyState::PendingDeletion | KeyState::PendingReplicaDeletion)
    )
}

pub(crate) async fn observe(client: &Client, target: &Target, wanted: &KmsKey) -> Result<Option<Observed>, CallError> {
    let Some(choice) = choose(candidates(client, target).await?, target) else {
        return Ok(None);
    };
    let key = choice.object.clone();
    let condition = condition(&key);
    // The rest can be read in every state, and is of interest only if we may change it.
    let differences = match condition {
        Condition::Ready if choice.ours => differences(client, wanted, &key).await?,
        _ => Vec::new(),
    };
    let mut observed = choice.observed(target, condition, differences);
    observed.attributes.extend(key.arn.map(|arn| ("arn".to_owned(), arn)));
    Ok(Some(observed))
}

/// <https://docs.aws.amazon.com/kms/latest/developerguide/key-state.html>
fn condition(key: &KeyMetadata) -> Condition {
    match &key.key_state {
        // Disabled or scheduled for deletion is what somebody did, and what can be undone: a difference.
        Some(KeyState::Enabled | KeyState::Disabled | KeyState::PendingDeletion | KeyState::PendingReplicaDeletion)
        | None => Condition::Ready,
        Some(state @ (KeyState::Creating | KeyState::Updating)) => Condition::Changing {
            status: state.as_str().to_owned(),
        },
        Some(other) => Condition::Broken {
            reason: format!("{}: it is no key with key material of AWS's", other.as_str()),
        },
    }
}

/// GetKeyPolicy and GetKeyRotationStatus for what DescribeKey does not show:
/// <https://docs.aws.amazon.com/kms/latest/APIReference/API_GetKeyRotationStatus.html>.
async fn differences(client: &Client, wanted: &KmsKey, key: &KeyMetadata) -> Result<Vec<Difference>, CallError> {
    let state = key.key_state.as_ref().unwrap_or(&KeyState::Enabled);
    let state = Difference::between(STATE, &KeyState::Enabled.as_str(), &state.as_str());
    if state.is_some() {
        // Nothing else can be changed in another state.
        return Ok(state.into_iter().collect());
    }
    let policy = async {
        let request = client.get_key_policy().key_id(&key.key_id).policy_name("default");
        let answer = request.send().await;
        answer.map_err(|error| call_error("kms:GetKeyPolicy", CODES, &error))
    };
    let rotation = async {
        let answer = client.get_key_rotation_status().key_id(&key.key_id).send().await;
        answer.map_err(|error| call_error("kms:GetKeyRotationStatus", CODES, &error))
    };
    let (policy, rotation) = futures::try_join!(policy, rotation)?;
    let actual: Value = serde_json::from_str(policy.policy().unwrap_or_default()).unwrap_or_default();
    let description = key.description.as_deref().unwrap_or_default();
    let found = [
        policy::of(key.arn.as_deref().unwrap_or_default()).and_then(|wanted| policy_difference(&wanted, &actual)),
        Difference::between("rotation", &wanted.rotation, &rotation.key_rotation_enabled),
        Difference::between("description", &wanted.description.as_str(), &description),
    ];
    Ok(found.into_iter().flatten().collect())
}

/// KMS keeps a policy as it was given, but for the order and the form of lists of one.
fn policy_difference(wanted: &Value, actual: &Value) -> Option<Difference> {
    (sorted(wanted) != sorted(actual)).then(|| Difference::new(POLICY, wanted, actual))
}

fn sorted(value: &Value) -> Value {
    match value {
        Value::Array(items) => {
            let mut items: Vec<Value> = items.iter().map(sorted).collect();
            items.sort_by_key(Value::to_string);
            match items.as_slice() {
                [one] => one.clone(),
                _ => Value::Array(items),
            }
        }
        Value::Object(entries) => entries
            .iter()
            .map(|(key, value)| (key.clone(), sorted(value)))
            .collect(),
        Value::Null | Value::Bool(_) | Value::Number(_) | Value::String(_) => value.clone(),
    }
}

pub(crate) async fn ensure(
    client: &Client,
    target: &Target,
    wanted: &KmsKey,
    observed: Option<&Observed>,
) -> Result<Progress, CallError> {
    let Some(observed) = observed else {
        return create(client, target, wanted).await;
    };
    let Some(first) = observed.differences.first() else {
        return Ok(Progress::Done);
    };
    let id = observed.id.as_str();
    match first.property {
        STATE => return enable(client, id, first).await,
        POLICY => {
            // It is what the caller needs to go on: KMS refuses a policy that would lock it out.
            let request = client.put_key_policy().key_id(id).policy_name("default");
            let answer = request.policy(first.wanted.to_string()).send().await;
            answer.map_err(|error| call_error("kms:PutKeyPolicy", CODES, &error))?;
        }
        "rotation" if wanted.rotation => {
            let answer = client.enable_key_rotation().key_id(id).send().await;
            answer.map_err(|error| call_error("kms:EnableKeyRotation", CODES, &error))?;
        }
        "rotation" => {
            let answer = client.disable_key_rotation().key_id(id).send().await;
            answer.map_err(|error| call_error("kms:DisableKeyRotation", CODES, &error))?;
        }
        "description" => {
            let request = client.update_key_description().key_id(id);
            let answer = request.description(&wanted.description).send().await;
            answer.map_err(|error| call_error("kms:UpdateKeyDescription", CODES, &error))?;
        }
        TAGS => tag(client, id, &target.resource.tags).await?,
        TAGS_GONE => {
            let request = client.untag_resource().key_id(id);
            let answer = request.set_tag_keys(Some(surplus_keys(first))).send().await;
            answer.map_err(|error| call_error("kms:UntagResource", CODES, &error))?;
        }
        _ => return Ok(unchangeable("a key", first)),
    }
    Ok(Progress::changed(POLL_SECONDS))
}

/// CreateKey, with AWS's own policy, which lets the account decide: ours names the account, which the new key's ARN tells.
/// <https://docs.aws.amazon.com/kms/latest/APIReference/API_CreateKey.html>
///
/// It knows no token, so it is sent once: the executor decides whether it is repeated.
async fn create(client: &Client, target: &Target, wanted: &KmsKey) -> Result<Progress, CallError> {
    let call = "kms:CreateKey";
    let intent = (TAG_INTENT.to_owned(), target.token.clone());
    let tags = target.resource.tags.iter().chain([(&intent.0, &intent.1)]);
    let output = client
        .create_key()
        .description(&wanted.description)
        .key_spec(KeySpec::SymmetricDefault)
        .key_usage(KeyUsageType::EncryptDecrypt)
        .set_tags(Some(calls::to_sdk(call, tags)?))
        .customize()
        .config_override(Config::builder().retry_config(RetryConfig::disabled()))
        .send()
        .await
        .map_err(|error| call_error(call, CODES, &error))?;
    match output.key_metadata {
        Some(key) => Ok(Progress::created(key.key_id, POLL_SECONDS)),
        None => Ok(Progress::changed(POLL_SECONDS)),
    }
}

/// TagResource adds and overwrites, never removes: <https://docs.aws.amazon.com/kms/latest/APIReference/API_TagResource.html>.
async fn tag(client: &Client, id: &str, tags: &BTreeMap<String, String>) -> Result<(), CallError> {
    let call = "kms:TagResource";
    let request = client.tag_resource().key_id(id);
    let answer = request.set_tags(Some(calls::to_sdk(call, tags)?)).send().await;
    answer.map(drop).map_err(|error| call_error(call, CODES, &error))
}

/// CancelKeyDeletion leaves a key disabled, and EnableKey does the rest:
/// <https://docs.aws.amazon.com/kms/latest/APIReference/API_CancelKeyDeletion.html>.
async fn enable(client: &Client, id: &str, state: &Difference) -> Result<Progress, CallError> {
    match state.actual.as_str() == Some(KeyState::Disabled.as_str()) {
        true => {
            let answer = client.enable_key().key_id(id).send().await;
            answer.map_err(|error| call_error("kms:EnableKey", CODES, &error))?;
        }
        false => {
            let answer = client.cancel_key_deletion().key_id(id).send().await;
            answer.map_err(|error| call_error("kms:CancelKeyDeletion", CODES, &error))?;
        }
    }
    Ok(Progress::changed(POLL_SECONDS))
}

/// The tag first, then ScheduleKeyDeletion:
/// <https://docs.aws.amazon.com/kms/latest/APIReference/API_ScheduleKeyDeletion.html>. A key that is leaving takes no tags.
///
/// What an operation made itself goes as soon as AWS allows: nothing is encrypted with it that anybody will miss.
pub(crate) async fn delete(
    client: &Client,
    target: &Target,
    wanted: &KmsKey,
    observed: &Observed,
) -> Result<Progress, CallError> {
    let call = "kms:ScheduleKeyDeletion";
    let id = observed.id.as_str();
    let Some(key) = calls::describe(client, id).await? else {
        return Ok(Progress::Done);
    };
    if is_leaving(&key) {
        return Ok(Progress::Done);
    }
    let tags = calls::tags(client, id).await?;
    if !is_ours(&tags, &target.resource.tags) {
        return Err(gone_meanwhile(call, "the key's tags that make it ours"));
    }
    if !tags.contains_key(TAG_DELETION) {
        tag(
            client,
            id,
            &BTreeMap::from([(TAG_DELETION.to_owned(), deletion_mark(target))]),
        )
        .await?;
        return Ok(Progress::changed(POLL_SECONDS));
    }
    let days = match target.unprotect {
        true => WINDOW_DAYS_MIN,
        false => wanted.deletion_window_days,
    };
    match client
        .schedule_key_deletion()
        .key_id(id)
        .pending_window_in_days(number(call, "deletion_window_days", days)?)
        .send()
        .await
    {
        Ok(_) => Ok(Progress::changed(POLL_SECONDS)),
        Err(error) if is_code(&error, NOT_FOUND) => Ok(Progress::Done),
        Err(error) => Err(call_error(call, CODES, &error)),
    }
}

/// What tells the key that an operation has let go from those that earlier ones have.
fn deletion_mark(target: &Target) -> String {
    match target.token.is_empty() {
        true => "requested".to_owned(),
        false => target.token.clone(),
    }
}

/// The key that the deletion has left, until AWS deletes it.
pub(crate) async fn kept(client: &Client, target: &Target) -> Result<Vec<String>, CallError> {
    let mark = deletion_mark(target);
    let mut kept = Vec::new();
    for Candidate { id, tags, .. } in tagged(client).await? {
        if !is_ours(&tags, &target.resource.tags) || tags.get(TAG_DELETION) != Some(&mark) {
            continue;
        }
        if let Some(key) = calls::describe(client, &id).await?
            && is_leaving(&key)
        {
            let date = key.deletion_date.and_then(|date| {
                let format = aws_sdk_kms::primitives::DateTimeFormat::DateTime;
                let text = date.fmt(format).ok()?;
                text.split_once('T').map(|(day, _)| day.to_owned())
            });
            kept.push(match date {
                Some(date) => format!("the key {id}, until AWS deletes it on {date}"),
                None => format!("the key {id}, until AWS deletes it"),
            });
        }
    }
    kept.sort();
    Ok(kept)
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn key(state: KeyState) -> KeyMetadata {
        KeyMetadata::builder().key_id("a").key_state(state).build().unwrap()
    }

    #[test]
    fn what_somebody_else_lets_go_is_still_ours() {
        let none = BTreeMap::new();
        let marked = BTreeMap::from([(TAG_DELETION.to_owned(), "0001-a".to_owned())]);
        let leaving = key(KeyState::PendingDeletion);
        assert!(is_gone(&leaving, &marked, true) && is_gone(&leaving, &marked, false));
        assert!(is_gone(&leaving, &none, false));
        assert!(!is_gone(&leaving, &none, true));
        // Marked, but not scheduled yet: the deletion goes on.
        assert!(!is_gone(&key(KeyState::Enabled), &marked, true));
    }

    #[test]
    fn states() {
        for state in [KeyState::Enabled, KeyState::Disabled, KeyState::PendingDeletion] {
            assert_eq!(condition(&key(state)), Condition::Ready);
        }
        assert!(matches!(
            condition(&key(KeyState::Creating)),
            Condition::Changing { .. }
        ));
        assert!(matches!(
            condition(&key(KeyState::PendingImport)),
            Condition::Broken { .. }
        ));
    }

    #[test]
    fn policies_are_compared_as_aws_reads_them() {
        let wanted = json!({"Action": ["kms:a", "kms:b"], "Principal": "*"});
        assert_eq!(
            policy_difference(&wanted, &json!({"Principal": ["*"], "Action": ["kms:b", "kms:a"]})),
            None
        );
        let other = json!({"Action": ["kms:a"], "Principal": "*"});
        assert!(policy_difference(&wanted, &other).is_some());
    }
}
