//! Stack documents, read and written.

use std::time::Duration;

use async_trait::async_trait;
use aws_sdk_s3::Client;
use aws_sdk_s3::primitives::ByteStream;
use outrigger_aws::{Aws, call_error, is_code};
use outrigger_engine::ports::document_source::DocumentSource;
use outrigger_engine::ports::provider::{CallError, CallErrorKind};
use tokio::sync::OnceCell;

const GET_OBJECT: &str = "s3:GetObject";
const PUT_OBJECT: &str = "s3:PutObject";
/// For the body; the SDK's own timeouts end with the headers.
const BODY_SECONDS_MAX: u64 = 10;

/// Documents in S3, read with
/// [GetObject](https://docs.aws.amazon.com/AmazonS3/latest/API/API_GetObject.html), written with
/// [PutObject](https://docs.aws.amazon.com/AmazonS3/latest/API/API_PutObject.html), in the region of the environment.
#[derive(Debug)]
pub struct S3Documents {
    aws: Aws,
    client: OnceCell<Client>,
}

impl S3Documents {
    /// Makes no call, and no client yet.
    pub fn new(aws: &Aws) -> Self {
        Self {
            aws: aws.clone(),
            client: OnceCell::new(),
        }
    }

    async fn client(&self) -> &Client {
        self.client
            .get_or_init(|| async { Client::new(&self.aws.config(None).await) })
            .await
    }

    /// Writes a document.
    ///
    /// # Guarantees
    /// - May be repeated: what is there is replaced by the same.
    ///
    /// # Errors
    /// When the call was refused, or not answered.
    pub async fn write(&self, bucket: &str, key: &str, text: &str) -> Result<(), CallError> {
        let body = ByteStream::from(text.as_bytes().to_vec());
        let client = self.client().await;
        match client.put_object().bucket(bucket).key(key).body(body).send().await {
            Ok(_) => Ok(()),
            Err(error) => {
                let address = format!("s3://{bucket}/{key}");
                Err(with_address(call_error(PUT_OBJECT, &[], &error), &address))
            }
        }
    }
}

#[async_trait]
impl DocumentSource for S3Documents {
    async fn read(&self, bucket: &str, key: &str, bytes_max: usize) -> Result<String, CallError> {
        let client = self.client().await;
        let address = format!("s3://{bucket}/{key}");
        let object = match client.get_object().bucket(bucket).key(key).send().await {
            Ok(object) => object,
            Err(error) => {
                let missing = if is_code(&error, &["NoSuchKey"]) {
                    format!("there is no {address}")
                } else if is_code(&error, &["NoSuchBucket"]) {
                    format!("there is no {address}: the bucket does not exist")
                } else {
                    return Err(with_address(call_error(GET_OBJECT, &[], &error), &address));
                };
                let code = call_error(GET_OBJECT, &[], &error);
                return Err(CallError {
                    kind: CallErrorKind::Invalid,
                    message: missing,
                    ..code
                });
            }
        };
        // What is too long is not even begun; but the header is not to be trusted with memory.
        let length = object.content_length().unwrap_or_default();
        if usize::try_from(length).is_ok_and(|length| length > bytes_max) {
            return Err(too_long(&address, bytes_max));
        }
        let reading = collect(object.body, &address, bytes_max);
        let bytes = tokio::time::timeout(Duration::from_secs(BODY_SECONDS_MAX), reading)
            .await
            .map_err(|_| cut_off(format!("{address} did not arrive within {BODY_SECONDS_MAX} s")))??;
        String::from_utf8(bytes).map_err(|_| CallError::invalid(GET_OBJECT, format!("{address} is not UTF-8")))
    }
}

async fn collect(mut body: ByteStream, address: &str, bytes_max: usize) -> Result<Vec<u8>, CallError> {
    let mut bytes = Vec::new();
    while let Some(chunk) = body.next().await {
        let chunk = chunk.map_err(|error| cut_off(format!("{address} broke off: {error}")))?;
        if bytes.len().saturating_add(chunk.len()) > bytes_max {
            return Err(too_long(address, bytes_max));
        }
        bytes.extend_from_slice(&chunk);
    }
    Ok(bytes)
}

fn too_long(address: &str, bytes_max: usize) -> CallError {
    CallError::invalid(GET_OBJECT, format!("{address} is longer than {bytes_max} bytes"))
}

/// Reading has no effect, so it may be tried again.
fn cut_off(message: String) -> CallError {
    CallError {
        kind: CallErrorKind::Unknown,
        ..CallError::invalid(GET_OBJECT, message)
    }
}

/// S3 does not say of what it speaks.
fn with_address(error: CallError, address: &str) -> CallError {
    CallError {
        message: format!("{address}: {}", error.message),
        ..error
    }
}

#[cfg(test)]
mod tests {
    use aws_sdk_s3::primitives::SdkBody;

    use super::*;

    async fn check(bytes_max: usize, expected: Result<&[u8], &str>) {
        let body = ByteStream::new(SdkBody::from("twelve bytes"));
        let collected = collect(body, "s3://b/k", bytes_max).await;
        let collected = collected.as_deref().map_err(|error| error.message.as_str());
        assert_eq!(collected, expected);
    }

    #[tokio::test]
    async fn a_body_is_bounded() {
        check(12, Ok(b"twelve bytes")).await;
        check(11, Err("s3://b/k is longer than 11 bytes")).await;
        check(0, Err("s3://b/k is longer than 0 bytes")).await;
    }
}
