//! AWS Backup: vaults with what is in them, plans, and what plans back up.

mod opt_in;
mod plan;
mod selection;
mod tags;
mod vault;

use async_trait::async_trait;
use aws_sdk_backup::Client;
use aws_sdk_backup::error::{ProvideErrorMetadata, SdkError};
use aws_sdk_backup::operation::RequestId;
use outrigger_aws::{Aws, Clients, call_error, in_time, not_at_rest};
use outrigger_engine::ports::provider::{CallError, CallErrorKind, Observed, Progress, Provider, Target};
use outrigger_model::{Kind, Properties};

const SERVICE: &str = "backup";

/// Everything but the deletion of a recovery point is done at once, and shows soon.
const POLL_SECONDS: u32 = 1;

const NOT_FOUND: &[&str] = &["ResourceNotFoundException"];

/// Each call's own: <https://docs.aws.amazon.com/aws-backup/latest/devguide/API_Operations.html>.
const CODES: &[(&str, CallErrorKind)] = &[
    ("AlreadyExistsException", CallErrorKind::Exists),
    ("ConflictException", CallErrorKind::NotYet),
    ("InvalidResourceStateException", CallErrorKind::NotYet),
    // Created, but not shown everywhere yet.
    ("ResourceNotFoundException", CallErrorKind::NotYet),
];

/// Maps an SDK error.
fn failed<E>(call: &str, error: &SdkError<E>) -> CallError
where
    E: ProvideErrorMetadata + RequestId + std::error::Error + 'static,
{
    call_error(call, CODES, error)
}

/// What a deletion waits for is told as a request that cannot be: a vault that is not empty, a plan with selections.
fn not_deleted<E>(call: &str, error: &SdkError<E>) -> CallError
where
    E: ProvideErrorMetadata + RequestId + std::error::Error + 'static,
{
    let error = failed(call, error);
    match error.code.as_str() {
        "InvalidRequestException" => CallError {
            kind: CallErrorKind::NotYet,
            ..error
        },
        _ => error,
    }
}

/// Vaults, plans and selections, over the [Backup API](https://docs.aws.amazon.com/aws-backup/latest/devguide/api-reference.html).
#[derive(Debug)]
pub struct Backups {
    clients: Clients<Client>,
}

impl Backups {
    /// Makes no call, and no client yet.
    pub fn new(aws: &Aws) -> Self {
        Self {
            clients: Clients::new(aws, Client::new),
        }
    }
}

#[async_trait]
impl Provider for Backups {
    fn kinds(&self) -> &'static [Kind] {
        &[Kind::BackupVault, Kind::BackupPlan, Kind::BackupSelection]
    }

    async fn observe(&self, target: &Target) -> Result<Option<Observed>, CallError> {
        in_time(SERVICE, "observe", target, async {
            let client = self.clients.of(&target.resource.key.region).await;
            match &target.resource.properties {
                Properties::BackupVault(_) => vault::observe(&client, target).await,
                Properties::BackupPlan(wanted) => plan::observe(&client, target, wanted).await,
                Properties::BackupSelection(wanted) => selection::observe(&client, target, wanted).await,
                other => Err(not_ours(other.kind())),
            }
        })
        .await
    }

    async fn ensure(&self, target: &Target, observed: Option<&Observed>) -> Result<Progress, CallError> {
        if let Some(progress) = not_at_rest(observed, POLL_SECONDS) {
            return Ok(progress);
        }
        in_time(SERVICE, "ensure", target, async {
            let client = self.clients.of(&target.resource.key.region).await;
            match &target.resource.properties {
                Properties::BackupVault(_) => vault::ensure(&client, target, observed).await,
                Properties::BackupPlan(wanted) => plan::ensure(&client, target, wanted, observed).await,
                Properties::BackupSelection(wanted) => selection::ensure(&client, target, wanted, observed).await,
                other => Err(not_ours(other.kind())),
            }
        })
        .await
    }

    async fn delete(&self, target: &Target, observed: &Observed) -> Result<Progress, CallError> {
        in_time(SERVICE, "delete", target, async {
            let client = self.clients.of(&target.resource.key.region).await;
            match &target.resource.properties {
                Properties::BackupVault(_) => vault::delete(&client, &target.resource.physical_name).await,
                Properties::BackupPlan(_) => plan::delete(&client, &observed.id).await,
                Properties::BackupSelection(wanted) => {
                    selection::delete(&client, wanted.plan.text(), &observed.id).await
                }
                other => Err(not_ours(other.kind())),
            }
        })
        .await
    }
}

fn not_ours(kind: Kind) -> CallError {
    CallError::invalid(SERVICE, format!("the provider of backups was asked for a {kind}"))
}
