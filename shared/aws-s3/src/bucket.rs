//! `AWS::S3::Bucket`: versioned, encrypted with S3's own key, closed to the public, its owner's alone.

use std::collections::BTreeMap;

use aws_sdk_s3::Client;
use aws_sdk_s3::types::{
    BucketLocationConstraint, BucketVersioningStatus, CreateBucketConfiguration, ObjectOwnership, OwnershipControls,
    OwnershipControlsRule, PublicAccessBlockConfiguration, ServerSideEncryption, ServerSideEncryptionByDefault,
    ServerSideEncryptionConfiguration, ServerSideEncryptionRule, Tag, Tagging, VersioningConfiguration,
};
use outrigger_aws::{TAGS, TAGS_GONE, call_error, is_code, missing_tags, surplus_keys, surplus_tags, unchangeable};
use outrigger_engine::ports::provider::{CallError, Condition, Difference, Observed, Progress, Target};
use outrigger_model::Region;
use outrigger_model::name::bucket_name;
use outrigger_model::properties::Bucket;
use outrigger_model::resource::is_ours;

use crate::{CODES, NO_BUCKET, POLL_SECONDS, empty, wrong};

const VERSIONING: &str = "versioning";
const ENCRYPTION: &str = "encryption";
const PUBLIC_ACCESS: &str = "public_access";
const OWNERSHIP: &str = "ownership";

/// The settings that make a bucket closed to the public; all of them are wanted.
const BLOCKED: [&str; 4] = [
    "block_public_acls",
    "block_public_policy",
    "ignore_public_acls",
    "restrict_public_buckets",
];

/// GetBucketTagging, which tells of a bucket that is not there, then each setting by a call of its own:
/// <https://docs.aws.amazon.com/AmazonS3/latest/API/API_GetBucketTagging.html>.
pub(crate) async fn observe(client: &Client, target: &Target, account: &str) -> Result<Option<Observed>, CallError> {
    let resource = &target.resource;
    let region = &resource.key.region;
    let name = bucket_name(&resource.physical_name, account, region);
    let Some(actual_tags) = tags(client, &name).await? else {
        return Ok(None);
    };
    let (versioning, encryption, public_access, ownership) = futures::try_join!(
        versioning(client, &name),
        encryption(client, &name),
        public_access(client, &name),
        ownership(client, &name)
    )?;
    let text = |text: &str| Some(text.to_owned());
    let blocked: Vec<String> = BLOCKED.map(str::to_owned).into();
    let differences = [
        Difference::between(VERSIONING, &text(BucketVersioningStatus::Enabled.as_str()), &versioning),
        Difference::between(ENCRYPTION, &text(ServerSideEncryption::Aes256.as_str()), &encryption),
        Difference::between(PUBLIC_ACCESS, &blocked, &public_access),
        Difference::between(
            OWNERSHIP,
            &text(ObjectOwnership::BucketOwnerEnforced.as_str()),
            &ownership,
        ),
        missing_tags(&resource.tags, &actual_tags),
        surplus_tags(&target.tags_gone, &actual_tags),
    ];
    let arn = format!("arn:{}:s3:::{name}", region.partition());
    let attribute = |name: &str, value: String| (name.to_owned(), value);
    Ok(Some(Observed {
        attributes: BTreeMap::from([
            attribute("objects", format!("{arn}/*")),
            attribute("arn", arn),
            attribute("name", name.clone()),
        ]),
        id: name,
        condition: Condition::Ready,
        ours: is_ours(&actual_tags, &resource.tags),
        differences: differences.into_iter().flatten().collect(),
        duplicates: Vec::new(),
        pending: Vec::new(),
    }))
}

pub(crate) async fn ensure(
    client: &Client,
    target: &Target,
    account: &str,
    observed: Option<&Observed>,
) -> Result<Progress, CallError> {
    let Some(observed) = observed else {
        return create(client, target, account).await;
    };
    let Some(first) = observed.differences.first() else {
        return Ok(Progress::Done);
    };
    let name = &observed.id;
    match first.property {
        VERSIONING => enable_versioning(client, name).await?,
        ENCRYPTION => encrypt(client, name).await?,
        PUBLIC_ACCESS => block_public_access(client, name).await?,
        OWNERSHIP => enforce_ownership(client, name).await?,
        TAGS | TAGS_GONE => {
            // All of them are replaced at once; what others have set stays.
            let Some(mut tags) = tags(client, name).await? else {
                return Err(outrigger_aws::gone_meanwhile("s3:PutBucketTagging", "the bucket"));
            };
            for key in surplus_keys(first) {
                if first.property == TAGS_GONE {
                    tags.remove(&key);
                }
            }
            tags.extend(target.resource.tags.clone());
            put_tags(client, name, &tags).await?;
        }
        _ => return Ok(unchangeable("a bucket", first)),
    }
    Ok(Progress::changed(POLL_SECONDS))
}

/// CreateBucket: <https://docs.aws.amazon.com/AmazonS3/latest/API/API_CreateBucket.html>. With its tags, so that it is known
/// for ours whenever the answer is lost. In us-east-1 a bucket that the account has is told as if it were created; the next
/// observation tells whose it is. All of it but versioning is S3's default.
async fn create(client: &Client, target: &Target, account: &str) -> Result<Progress, CallError> {
    let call = "s3:CreateBucket";
    let region = &target.resource.key.region;
    let name = bucket_name(&target.resource.physical_name, account, region);
    let configuration = CreateBucketConfiguration::builder()
        .set_location_constraint(location(region))
        .set_tags(Some(to_sdk(call, &target.resource.tags)?))
        .build();
    client
        .create_bucket()
        .bucket(&name)
        .create_bucket_configuration(configuration)
        .send()
        .await
        .map_err(|error| call_error(call, CODES, &error))?;
    Ok(Progress::created(name, POLL_SECONDS))
}

/// us-east-1 is what no constraint means, and takes none.
fn location(region: &Region) -> Option<BucketLocationConstraint> {
    let named = Some(region.as_str()).filter(|region| *region != "us-east-1");
    named.map(BucketLocationConstraint::from)
}

/// DeleteBucket, once nothing is in it: <https://docs.aws.amazon.com/AmazonS3/latest/API/API_DeleteBucket.html>. Before that,
/// up to 1000 versions by each call, if they may go.
pub(crate) async fn delete(client: &Client, name: &str, wanted: &Bucket) -> Result<Progress, CallError> {
    let Some(versions) = empty::versions(client, name).await? else {
        return Ok(Progress::Done);
    };
    if !versions.is_empty() {
        if !wanted.force_empty {
            return Ok(Progress::Blocked {
                reason: empty::refusal(name),
            });
        }
        empty::delete(client, name, versions).await?;
        return Ok(Progress::changed(POLL_SECONDS));
    }
    match client.delete_bucket().bucket(name).send().await {
        Ok(_) => Ok(Progress::changed(POLL_SECONDS)),
        Err(error) if is_code(&error, NO_BUCKET) => Ok(Progress::Done),
        Err(error) => Err(call_error("s3:DeleteBucket", CODES, &error)),
    }
}

/// A bucket's tags; nothing where there is no bucket.
pub(crate) async fn tags(client: &Client, name: &str) -> Result<Option<BTreeMap<String, String>>, CallError> {
    match client.get_bucket_tagging().bucket(name).send().await {
        Ok(output) => {
            let tags = output.tag_set.into_iter().map(|tag| (tag.key, tag.value));
            Ok(Some(tags.collect()))
        }
        Err(error) if is_code(&error, NO_BUCKET) => Ok(None),
        Err(error) if is_code(&error, &["NoSuchTagSet"]) => Ok(Some(BTreeMap::new())),
        Err(error) => Err(call_error("s3:GetBucketTagging", CODES, &error)),
    }
}

/// <https://docs.aws.amazon.com/AmazonS3/latest/API/API_PutBucketTagging.html>
async fn put_tags(client: &Client, name: &str, tags: &BTreeMap<String, String>) -> Result<(), CallError> {
    let call = "s3:PutBucketTagging";
    let tagging = Tagging::builder().set_tag_set(Some(to_sdk(call, tags)?)).build();
    let tagging = tagging.map_err(|error| wrong(call, error))?;
    let answer = client.put_bucket_tagging().bucket(name).tagging(tagging).send().await;
    answer.map(drop).map_err(|error| call_error(call, CODES, &error))
}

fn to_sdk(call: &str, tags: &BTreeMap<String, String>) -> Result<Vec<Tag>, CallError> {
    let tag = |(key, value): (&String, &String)| Tag::builder().key(key).value(value).build();
    let tags: Result<_, _> = tags.iter().map(tag).collect();
    tags.map_err(|error| wrong(call, error))
}

/// <https://docs.aws.amazon.com/AmazonS3/latest/API/API_GetBucketVersioning.html>
async fn versioning(client: &Client, name: &str) -> Result<Option<String>, CallError> {
    let output = client.get_bucket_versioning().bucket(name).send().await;
    let output = output.map_err(|error| call_error("s3:GetBucketVersioning", CODES, &error))?;
    Ok(output.status.map(|status| status.as_str().to_owned()))
}

/// <https://docs.aws.amazon.com/AmazonS3/latest/API/API_PutBucketVersioning.html>
async fn enable_versioning(client: &Client, name: &str) -> Result<(), CallError> {
    let enabled = VersioningConfiguration::builder().status(BucketVersioningStatus::Enabled);
    let request = client.put_bucket_versioning().bucket(name);
    let answer = request.versioning_configuration(enabled.build()).send().await;
    answer
        .map(drop)
        .map_err(|error| call_error("s3:PutBucketVersioning", CODES, &error))
}

/// <https://docs.aws.amazon.com/AmazonS3/latest/API/API_GetBucketEncryption.html>
async fn encryption(client: &Client, name: &str) -> Result<Option<String>, CallError> {
    let output = match client.get_bucket_encryption().bucket(name).send().await {
        Ok(output) => output,
        Err(error) if is_code(&error, &["ServerSideEncryptionConfigurationNotFoundError"]) => return Ok(None),
        Err(error) => return Err(call_error("s3:GetEncryptionConfiguration", CODES, &error)),
    };
    let rules = output.server_side_encryption_configuration.map(|of| of.rules);
    let first = rules.into_iter().flatten().next();
    let default = first.and_then(|rule| rule.apply_server_side_encryption_by_default);
    Ok(default.map(|default| default.sse_algorithm.as_str().to_owned()))
}

/// <https://docs.aws.amazon.com/AmazonS3/latest/API/API_PutBucketEncryption.html>
async fn encrypt(client: &Client, name: &str) -> Result<(), CallError> {
    let call = "s3:PutEncryptionConfiguration";
    let default = ServerSideEncryptionByDefault::builder().sse_algorithm(ServerSideEncryption::Aes256);
    let default = default.build().map_err(|error| wrong(call, error))?;
    let rule = ServerSideEncryptionRule::builder().apply_server_side_encryption_by_default(default);
    let configuration = ServerSideEncryptionConfiguration::builder().rules(rule.build());
    let configuration = configuration.build().map_err(|error| wrong(call, error))?;
    let request = client.put_bucket_encryption().bucket(name);
    let answer = request.server_side_encryption_configuration(configuration).send().await;
    answer.map(drop).map_err(|error| call_error(call, CODES, &error))
}

/// Which of [`BLOCKED`] are on: <https://docs.aws.amazon.com/AmazonS3/latest/API/API_GetPublicAccessBlock.html>.
async fn public_access(client: &Client, name: &str) -> Result<Vec<String>, CallError> {
    let output = match client.get_public_access_block().bucket(name).send().await {
        Ok(output) => output,
        Err(error) if is_code(&error, &["NoSuchPublicAccessBlockConfiguration"]) => return Ok(Vec::new()),
        Err(error) => return Err(call_error("s3:GetBucketPublicAccessBlock", CODES, &error)),
    };
    let Some(of) = output.public_access_block_configuration else {
        return Ok(Vec::new());
    };
    let on = [
        of.block_public_acls,
        of.block_public_policy,
        of.ignore_public_acls,
        of.restrict_public_buckets,
    ];
    let named = BLOCKED.into_iter().zip(on);
    Ok(named
        .filter(|(_, on)| *on == Some(true))
        .map(|(name, _)| name.to_owned())
        .collect())
}

/// <https://docs.aws.amazon.com/AmazonS3/latest/API/API_PutPublicAccessBlock.html>
async fn block_public_access(client: &Client, name: &str) -> Result<(), CallError> {
    let all = PublicAccessBlockConfiguration::builder()
        .block_public_acls(true)
        .block_public_policy(true)
        .ignore_public_acls(true)
        .restrict_public_buckets(true)
        .build();
    let request = client.put_public_access_block().bucket(name);
    let answer = request.public_access_block_configuration(all).send().await;
    answer
        .map(drop)
        .map_err(|error| call_error("s3:PutBucketPublicAccessBlock", CODES, &error))
}

/// <https://docs.aws.amazon.com/AmazonS3/latest/API/API_GetBucketOwnershipControls.html>
async fn ownership(client: &Client, name: &str) -> Result<Option<String>, CallError> {
    let output = match client.get_bucket_ownership_controls().bucket(name).send().await {
        Ok(output) => output,
        Err(error) if is_code(&error, &["OwnershipControlsNotFoundError"]) => return Ok(None),
        Err(error) => return Err(call_error("s3:GetBucketOwnershipControls", CODES, &error)),
    };
    let rules = output.ownership_controls.map(|of| of.rules);
    let first = rules.into_iter().flatten().next();
    Ok(first.map(|rule| rule.object_ownership.as_str().to_owned()))
}

/// <https://docs.aws.amazon.com/AmazonS3/latest/API/API_PutBucketOwnershipControls.html>
async fn enforce_ownership(client: &Client, name: &str) -> Result<(), CallError> {
    let call = "s3:PutBucketOwnershipControls";
    let rule = OwnershipControlsRule::builder().object_ownership(ObjectOwnership::BucketOwnerEnforced);
    let rule = rule.build().map_err(|error| wrong(call, error))?;
    let controls = OwnershipControls::builder().rules(rule).build();
    let controls = controls.map_err(|error| wrong(call, error))?;
    let request = client.put_bucket_ownership_controls().bucket(name);
    let answer = request.ownership_controls(controls).send().await;
    answer.map(drop).map_err(|error| call_error(call, CODES, &error))
}
