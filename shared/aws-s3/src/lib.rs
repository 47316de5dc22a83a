//! S3: stack documents, read and written; and the buckets of stacks, with their replication.
//!
//! Calls are named as the permissions that they need: those of S3 have other names than its operations.

mod bucket;
mod documents;
mod empty;
mod replication;

use async_trait::async_trait;
use aws_sdk_s3::Client;
use outrigger_aws::{Aws, Clients, in_time};
use outrigger_engine::ports::provider::{CallError, CallErrorKind, Observed, Progress, Provider, Target};
use outrigger_model::{Kind, Properties};

pub use documents::S3Documents;
pub use empty::holds_objects;

const SERVICE: &str = "s3";

/// Everything is done at once, and shows soon.
const POLL_SECONDS: u32 = 1;

const NO_BUCKET: &[&str] = &["NoSuchBucket", "NotFound"];

/// <https://docs.aws.amazon.com/AmazonS3/latest/API/ErrorResponses.html#ErrorCodeList>
const CODES: &[(&str, CallErrorKind)] = &[
    ("BucketAlreadyExists", CallErrorKind::Exists),
    ("BucketAlreadyOwnedByYou", CallErrorKind::Exists),
    // Created, but not shown everywhere yet.
    ("NoSuchBucket", CallErrorKind::NotYet),
    // Another change of the bucket is under way.
    ("OperationAborted", CallErrorKind::NotYet),
    // Something was put into it since it was looked at.
    ("BucketNotEmpty", CallErrorKind::NotYet),
    ("ServiceUnavailable", CallErrorKind::Throttled),
    ("SlowDown", CallErrorKind::Throttled),
];

/// Buckets and their replication, over the
/// [S3 API](https://docs.aws.amazon.com/AmazonS3/latest/API/Welcome.html): each in its own region.
#[derive(Debug)]
pub struct Buckets {
    clients: Clients<Client>,
    account: String,
}

impl Buckets {
    /// Makes no call, and no client yet. `account` is the number of the account, which is part of the buckets' names.
    pub fn new(aws: &Aws, account: impl Into<String>) -> Self {
        Self {
            clients: Clients::new(aws, Client::new),
            account: account.into(),
        }
    }

    /// The account's number; nothing is named without it.
    fn account(&self) -> Result<&str, CallError> {
        match self.account.as_str() {
            "" => Err(CallError::invalid(SERVICE, "the environment lacks OUTRIGGER_ACCOUNT")),
            account => Ok(account),
        }
    }
}

#[async_trait]
impl Provider for Buckets {
    fn kinds(&self) -> &'static [Kind] {
        &[Kind::Bucket, Kind::BucketReplication]
    }

    async fn observe(&self, target: &Target) -> Result<Option<Observed>, CallError> {
        in_time(SERVICE, "observe", target, async {
            let client = self.clients.of(&target.resource.key.region).await;
            match &target.resource.properties {
                Properties::Bucket(_) => bucket::observe(&client, target, self.account()?).await,
                Properties::BucketReplication(wanted) => replication::observe(&client, target, wanted).await,
                other => Err(not_ours(other.kind())),
            }
        })
        .await
    }

    async fn ensure(&self, target: &Target, observed: Option<&Observed>) -> Result<Progress, CallError> {
        in_time(SERVICE, "ensure", target, async {
            let client = self.clients.of(&target.resource.key.region).await;
            match &target.resource.properties {
                Properties::Bucket(_) => bucket::ensure(&client, target, self.account()?, observed).await,
                Properties::BucketReplication(wanted) => replication::ensure(&client, wanted, observed).await,
                other => Err(not_ours(other.kind())),
            }
        })
        .await
    }

    async fn delete(&self, target: &Target, observed: &Observed) -> Result<Progress, CallError> {
        in_time(SERVICE, "delete", target, async {
            let client = self.clients.of(&target.resource.key.region).await;
            match &target.resource.properties {
                Properties::Bucket(wanted) => bucket::delete(&client, &observed.id, wanted).await,
                Properties::BucketReplication(_) => replication::delete(&client, &observed.id).await,
                other => Err(not_ours(other.kind())),
            }
        })
        .await
    }
}

fn not_ours(kind: Kind) -> CallError {
    CallError::invalid(SERVICE, format!("the provider of buckets was asked for a {kind}"))
}

/// A request that cannot be made.
fn wrong(call: &str, error: impl std::fmt::Display) -> CallError {
    CallError::invalid(call, error.to_string())
}
