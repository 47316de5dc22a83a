//! `AWS::Lambda::Function`.

use std::collections::{BTreeMap, HashMap};

use aws_sdk_lambda::Client;
use aws_sdk_lambda::primitives::Blob;
use aws_sdk_lambda::types::{Environment, FunctionCode, LogFormat, LoggingConfig, VpcConfig};
use outrigger_aws::{TAGS, TAGS_GONE, missing_tags, not_at_rest, surplus_keys, surplus_tags};
use outrigger_engine::ports::provider::{CallError, Observed, Progress, Target};
use outrigger_model::properties::{Function, Input};
use outrigger_model::resource::is_ours;

use crate::call::{POLL_SECONDS, changed, deleted, found, not_created};
use crate::compare::{self, CODE};
use crate::source::Source;

/// GetFunctionConfiguration and ListTags: <https://docs.aws.amazon.com/lambda/latest/api/API_GetFunctionConfiguration.html>.
/// GetFunction would hand out the code as well.
pub(crate) async fn observe(
    client: &Client,
    source: &Source,
    target: &Target,
    wanted: &Function,
) -> Result<Option<Observed>, CallError> {
    let name = &target.resource.physical_name;
    let answer = client.get_function_configuration().function_name(name).send().await;
    let Some(actual) = found("lambda:GetFunctionConfiguration", answer)? else {
        return Ok(None);
    };
    let arn = actual.function_arn().unwrap_or_default().to_owned();
    let answer = client.list_tags().resource(&arn).send().await;
    let Some(tags) = found("lambda:ListTags", answer)? else {
        return Ok(None);
    };
    let actual_tags: BTreeMap<String, String> = tags.tags.unwrap_or_default().into_iter().collect();
    let ours = is_ours(&actual_tags, &target.resource.tags);
    // Whatever is installed by now, what goes can go.
    let sha256 = match target.going || !ours {
        true => None,
        false => Some(source.installed().await?.sha256),
    };
    let differences: Vec<_> = missing_tags(&target.resource.tags, &actual_tags)
        .into_iter()
        .chain(surplus_tags(&target.tags_gone, &actual_tags))
        .chain(compare::differences(wanted, sha256.as_deref(), &actual))
        .collect();
    Ok(Some(Observed {
        id: name.clone(),
        attributes: BTreeMap::from([("arn".to_owned(), arn), ("name".to_owned(), name.clone())]),
        condition: compare::condition(&actual, !differences.is_empty()),
        ours,
        differences,
        duplicates: Vec::new(),
        pending: Vec::new(),
    }))
}

pub(crate) async fn ensure(
    client: &Client,
    source: &Source,
    target: &Target,
    wanted: &Function,
    observed: Option<&Observed>,
) -> Result<Progress, CallError> {
    let Some(observed) = observed else {
        return create(client, source, target, wanted).await;
    };
    if let Some(progress) = not_at_rest(Some(observed), POLL_SECONDS) {
        return Ok(progress);
    }
    let Some(first) = observed.differences.first() else {
        return Ok(Progress::Done);
    };
    let arn = observed.attributes.get("arn").map(String::as_str).unwrap_or_default();
    match first.property {
        // https://docs.aws.amazon.com/lambda/latest/api/API_TagResource.html
        TAGS => {
            let request = client.tag_resource().resource(arn).set_tags(Some(tags(target)));
            changed("lambda:TagResource", request.send().await)
        }
        // https://docs.aws.amazon.com/lambda/latest/api/API_UntagResource.html
        TAGS_GONE => {
            let keys = surplus_keys(first);
            let request = client.untag_resource().resource(arn).set_tag_keys(Some(keys));
            changed("lambda:UntagResource", request.send().await)
        }
        CODE => update_code(client, source, target).await,
        _ => update(client, target, wanted).await,
    }
}

/// CreateFunction: <https://docs.aws.amazon.com/lambda/latest/api/API_CreateFunction.html>. Its log goes to the group that is
/// named after it, which is there by now.
async fn create(client: &Client, source: &Source, target: &Target, wanted: &Function) -> Result<Progress, CallError> {
    let name = &target.resource.physical_name;
    let installed = source.installed().await?;
    let package = FunctionCode::builder().zip_file(Blob::new(installed.package().await?));
    let logging = LoggingConfig::builder().log_format(LogFormat::Json);
    let request = client
        .create_function()
        .function_name(name)
        .description(&wanted.description)
        .code(package.build())
        .set_runtime(installed.runtime)
        .set_handler(installed.handler)
        .set_architectures(Some(installed.architectures))
        .role(wanted.role.text())
        .environment(environment(wanted))
        .set_memory_size(i32::try_from(wanted.memory_mb).ok())
        .set_timeout(i32::try_from(wanted.timeout_seconds).ok())
        .set_vpc_config((!wanted.subnets.is_empty()).then(|| vpc(wanted)))
        .logging_config(logging.build())
        .set_tags(Some(tags(target)));
    match request.send().await {
        Ok(_) => Ok(Progress::created(name, POLL_SECONDS)),
        Err(error) => Err(not_created("lambda:CreateFunction", &error)),
    }
}

/// UpdateFunctionCode: <https://docs.aws.amazon.com/lambda/latest/api/API_UpdateFunctionCode.html>.
async fn update_code(client: &Client, source: &Source, target: &Target) -> Result<Progress, CallError> {
    let installed = source.installed().await?;
    let request = client
        .update_function_code()
        .function_name(&target.resource.physical_name)
        .zip_file(Blob::new(installed.package().await?))
        .set_architectures(Some(installed.architectures));
    changed("lambda:UpdateFunctionCode", request.send().await)
}

/// UpdateFunctionConfiguration, which changes all at once:
/// <https://docs.aws.amazon.com/lambda/latest/api/API_UpdateFunctionConfiguration.html>. Empty lists take it out of its VPC.
async fn update(client: &Client, target: &Target, wanted: &Function) -> Result<Progress, CallError> {
    let request = client
        .update_function_configuration()
        .function_name(&target.resource.physical_name)
        .description(&wanted.description)
        .role(wanted.role.text())
        .environment(environment(wanted))
        .set_memory_size(i32::try_from(wanted.memory_mb).ok())
        .set_timeout(i32::try_from(wanted.timeout_seconds).ok())
        .vpc_config(vpc(wanted));
    changed("lambda:UpdateFunctionConfiguration", request.send().await)
}

/// DeleteFunction: <https://docs.aws.amazon.com/lambda/latest/api/API_DeleteFunction.html>. Its network interfaces go later, by
/// Lambda's own hand: until then subnets and security groups say that they are in use, and wait.
pub(crate) async fn delete(client: &Client, name: &str) -> Result<Progress, CallError> {
    let request = client.delete_function().function_name(name);
    deleted("lambda:DeleteFunction", request.send().await)
}

fn environment(wanted: &Function) -> Environment {
    let variables: HashMap<String, String> = wanted
        .environment
        .iter()
        .map(|(name, value)| (name.clone(), value.text().to_owned()))
        .collect();
    Environment::builder().set_variables(Some(variables)).build()
}

fn vpc(wanted: &Function) -> VpcConfig {
    let ids = |inputs: &[Input]| Some(inputs.iter().map(|input| input.text().to_owned()).collect());
    VpcConfig::builder()
        .set_subnet_ids(ids(&wanted.subnets))
        .set_security_group_ids(ids(&wanted.security_groups))
        .build()
}

fn tags(target: &Target) -> HashMap<String, String> {
    target.resource.tags.clone().into_iter().collect()
}
