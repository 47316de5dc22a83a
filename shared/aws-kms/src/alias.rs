//! `AWS::KMS::Alias`.
//!
//! An alias has no tags: it is ours when the key that it stands for carries the tags of our stack.

use std::collections::BTreeMap;

use aws_sdk_kms::Client;
use outrigger_aws::{call_error, is_code, key_id, unchangeable};
use outrigger_engine::ports::provider::{CallError, Condition, Difference, Observed, Progress, Target};
use outrigger_model::properties::KmsAlias;
use outrigger_model::resource::{TAG_ENVIRONMENT, TAG_STACK};

use crate::POLL_SECONDS;
use crate::calls::{self, CODES, NOT_FOUND};

/// DescribeKey by the alias, and the tags of the key.
///
/// # Caveats
/// - An alias whose key is being deleted stays until that is gone, or until the alias is deleted.
pub(crate) async fn observe(
    client: &Client,
    target: &Target,
    wanted: &KmsAlias,
) -> Result<Option<Observed>, CallError> {
    let name = &target.resource.physical_name;
    let Some(key) = calls::describe(client, name).await? else {
        return Ok(None);
    };
    let tags = calls::tags(client, &key.key_id).await?;
    let is_of_stack = [TAG_STACK, TAG_ENVIRONMENT]
        .iter()
        .all(|tag| tags.contains_key(*tag) && tags.get(*tag) == target.resource.tags.get(*tag));
    let wanted_key = key_id(wanted.key.text());
    Ok(Some(Observed {
        id: name.clone(),
        attributes: BTreeMap::new(),
        condition: Condition::Ready,
        ours: is_of_stack,
        differences: Difference::between("key", &wanted_key, &key.key_id.as_str())
            .into_iter()
            .collect(),
        pending: Vec::new(),
        duplicates: Vec::new(),
    }))
}

/// CreateAlias: <https://docs.aws.amazon.com/kms/latest/APIReference/API_CreateAlias.html>; or UpdateAlias, to another key:
/// <https://docs.aws.amazon.com/kms/latest/APIReference/API_UpdateAlias.html>.
pub(crate) async fn ensure(
    client: &Client,
    target: &Target,
    wanted: &KmsAlias,
    observed: Option<&Observed>,
) -> Result<Progress, CallError> {
    let name = &target.resource.physical_name;
    let key = wanted.key.text();
    let Some(observed) = observed else {
        let request = client.create_alias().alias_name(name).target_key_id(key);
        let answer = request.send().await;
        answer.map_err(|error| call_error("kms:CreateAlias", CODES, &error))?;
        return Ok(Progress::created(name, POLL_SECONDS));
    };
    match observed.differences.first() {
        None => Ok(Progress::Done),
        Some(first) if first.property == "key" => {
            let request = client.update_alias().alias_name(name).target_key_id(key);
            let answer = request.send().await;
            answer.map_err(|error| call_error("kms:UpdateAlias", CODES, &error))?;
            Ok(Progress::changed(POLL_SECONDS))
        }
        Some(first) => Ok(unchangeable("an alias", first)),
    }
}

/// DeleteAlias: <https://docs.aws.amazon.com/kms/latest/APIReference/API_DeleteAlias.html>.
pub(crate) async fn delete(client: &Client, target: &Target) -> Result<Progress, CallError> {
    match client
        .delete_alias()
        .alias_name(&target.resource.physical_name)
        .send()
        .await
    {
        Ok(_) => Ok(Progress::changed(POLL_SECONDS)),
        Err(error) if is_code(&error, NOT_FOUND) => Ok(Progress::Done),
        Err(error) => Err(call_error("kms:DeleteAlias", CODES, &error)),
    }
}
