//! Whether something is in a bucket, and emptying it.

use aws_sdk_s3::Client;
use aws_sdk_s3::types::{Delete, ObjectIdentifier};
use outrigger_aws::{Aws, call_error, is_code};
use outrigger_engine::ports::provider::{CallError, CallErrorKind};
use outrigger_model::Region;

use crate::{CODES, NO_BUCKET, wrong};

const LIST: &str = "s3:ListBucketVersions";
/// As many as one DeleteObjects takes.
const VERSIONS_MAX: i32 = 1000;

/// The first versions of objects in a bucket, delete markers among them; nothing where there is no bucket. ListObjectVersions:
/// <https://docs.aws.amazon.com/AmazonS3/latest/API/API_ListObjectVersions.html>.
pub(crate) async fn versions(client: &Client, name: &str) -> Result<Option<Vec<ObjectIdentifier>>, CallError> {
    listed(client, name, VERSIONS_MAX).await
}

async fn listed(client: &Client, name: &str, most: i32) -> Result<Option<Vec<ObjectIdentifier>>, CallError> {
    let page = match client.list_object_versions().bucket(name).max_keys(most).send().await {
        Ok(page) => page,
        Err(error) if is_code(&error, NO_BUCKET) => return Ok(None),
        Err(error) => return Err(call_error(LIST, CODES, &error)),
    };
    let versions = page.versions.into_iter().flatten().map(|of| (of.key, of.version_id));
    let markers = page
        .delete_markers
        .into_iter()
        .flatten()
        .map(|of| (of.key, of.version_id));
    let identified = versions.chain(markers).map(|(key, version)| {
        let identifier = ObjectIdentifier::builder().set_key(key).set_version_id(version);
        identifier.build().map_err(|error| wrong(LIST, error))
    });
    identified.collect::<Result<_, _>>().map(Some)
}

/// DeleteObjects, of each version by its id, which replication does not copy:
/// <https://docs.aws.amazon.com/AmazonS3/latest/API/API_DeleteObjects.html>.
pub(crate) async fn delete(client: &Client, name: &str, versions: Vec<ObjectIdentifier>) -> Result<(), CallError> {
    let call = "s3:DeleteObjectVersion";
    let delete = Delete::builder().set_objects(Some(versions)).quiet(true).build();
    let delete = delete.map_err(|error| wrong(call, error))?;
    let output = client.delete_objects().bucket(name).delete(delete).send().await;
    let output = output.map_err(|error| call_error(call, CODES, &error))?;
    match output.errors().first() {
        None => Ok(()),
        Some(error) => {
            let code = error.code().unwrap_or_default();
            let key = error.key().unwrap_or_default();
            let kind = match code {
                "InternalError" | "ServiceUnavailable" | "SlowDown" => CallErrorKind::Throttled,
                "AccessDenied" => CallErrorKind::Denied,
                _ => CallErrorKind::Invalid,
            };
            Err(CallError {
                kind,
                code: code.to_owned(),
                ..CallError::invalid(
                    call,
                    format!("{key} in {name}: {}", error.message().unwrap_or("no message")),
                )
            })
        }
    }
}

/// Why a bucket is not deleted.
pub(crate) fn refusal(name: &str) -> String {
    format!(
        "the bucket {name} is not empty, and its document does not say `force_empty: true`; empty it, old versions and \
         delete markers too, then try again"
    )
}

/// Whether there is something in a bucket, be it a version or a delete marker; nothing where there is no bucket.
///
/// # Errors
/// When S3 does not tell.
pub async fn holds_objects(aws: &Aws, region: &Region, name: &str) -> Result<bool, CallError> {
    let client = Client::new(&aws.config(Some(region)).await);
    let versions = listed(&client, name, 1).await?;
    Ok(versions.is_some_and(|versions| !versions.is_empty()))
}
