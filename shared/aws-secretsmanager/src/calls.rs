//! What both kinds call.

use aws_sdk_secretsmanager::Client;
use aws_sdk_secretsmanager::error::{ProvideErrorMetadata, SdkError};
use aws_sdk_secretsmanager::operation::RequestId;
use aws_sdk_secretsmanager::operation::describe_secret::DescribeSecretOutput;
use outrigger_aws::{call_error, is_code};
use outrigger_engine::ports::provider::{CallError, CallErrorKind, Difference, Progress};
use secrecy::{ExposeSecret, SecretString};
use serde_json::Value;
use sha2::{Digest, Sha256};

use crate::value;

pub(crate) const GET_SECRET_VALUE: &str = "secretsmanager:GetSecretValue";
pub(crate) const PUT_SECRET_VALUE: &str = "secretsmanager:PutSecretValue";
pub(crate) const NOT_FOUND: &[&str] = &["ResourceNotFoundException"];
const DENIED: &[&str] = &["AccessDeniedException"];

/// The name is taken, or the token was used for another value.
const CODES: &[(&str, CallErrorKind)] = &[("ResourceExistsException", CallErrorKind::Exists)];

/// Maps an SDK error.
pub(crate) fn failed<E>(call: &str, error: &SdkError<E>) -> CallError
where
    E: ProvideErrorMetadata + RequestId + std::error::Error + 'static,
{
    let error = call_error(call, CODES, error);
    if is_deletion(&error) {
        CallError {
            kind: CallErrorKind::NotYet,
            ..error
        }
    } else {
        error
    }
}

/// A secret on its way out refuses everything, its name a new one: InvalidRequestException, as for much else.
fn is_deletion(error: &CallError) -> bool {
    let words = ["scheduled for deletion", "marked for deletion", "marked deleted"];
    error.code == "InvalidRequestException" && words.iter().any(|words| error.message.contains(words))
}

/// The current value of a secret.
pub(crate) enum Current {
    /// There is no secret, or it has no current version.
    Absent,
    /// The secret is scheduled for deletion: its value cannot be read any more.
    Deleting,
    /// The value.
    Value {
        /// The secret's ARN.
        arn: String,
        /// The id of the version that is AWSCURRENT.
        version: String,
        /// The text; empty where the value is binary.
        text: SecretString,
    },
}

/// GetSecretValue of AWSCURRENT:
/// <https://docs.aws.amazon.com/secretsmanager/latest/apireference/API_GetSecretValue.html>.
///
/// Who may read only values whose secret carries a certain tag is denied that of a secret that is gone, since what is not
/// there has no tags. So what was denied is looked for, which needs no tag:
/// <https://docs.aws.amazon.com/secretsmanager/latest/apireference/API_DescribeSecret.html>.
pub(crate) async fn current(client: &Client, secret: &str) -> Result<Current, CallError> {
    match client.get_secret_value().secret_id(secret).send().await {
        Ok(output) => Ok(Current::Value {
            arn: output.arn.unwrap_or_default(),
            version: output.version_id.unwrap_or_default(),
            text: SecretString::from(output.secret_string.unwrap_or_default()),
        }),
        Err(error) if is_code(&error, NOT_FOUND) => Ok(Current::Absent),
        Err(error) if is_code(&error, DENIED) && describe(client, secret).await?.is_none() => Ok(Current::Absent),
        Err(error) => {
            let error = failed(GET_SECRET_VALUE, &error);
            if is_deletion(&error) {
                Ok(Current::Deleting)
            } else {
                Err(error)
            }
        }
    }
}

/// [DescribeSecret](https://docs.aws.amazon.com/secretsmanager/latest/apireference/API_DescribeSecret.html); nothing where
/// there is no such secret.
pub(crate) async fn describe(client: &Client, secret: &str) -> Result<Option<DescribeSecretOutput>, CallError> {
    match client.describe_secret().secret_id(secret).send().await {
        Ok(output) => Ok(Some(output)),
        Err(error) if is_code(&error, NOT_FOUND) => Ok(None),
        Err(error) => Err(failed("secretsmanager:DescribeSecret", &error)),
    }
}

/// [PutSecretValue](https://docs.aws.amazon.com/secretsmanager/latest/apireference/API_PutSecretValue.html).
pub(crate) async fn put(client: &Client, secret: &str, token: String, text: &SecretString) -> Result<(), CallError> {
    client
        .put_secret_value()
        .secret_id(secret)
        .client_request_token(token)
        .secret_string(text.expose_secret())
        .send()
        .await
        .map(drop)
        .map_err(|error| failed(PUT_SECRET_VALUE, &error))
}

/// A secret that is asked for by its ARN was there once; a fresh one shows late.
pub(crate) fn absent(call: &str, secret: &str) -> CallError {
    CallError {
        kind: CallErrorKind::NotYet,
        ..CallError::invalid(call, format!("{secret} does not exist, or holds no current value"))
    }
}

/// A ClientRequestToken in the form of a UUID: the same parts give the same token. It becomes the version's id.
pub(crate) fn request_token(parts: &[&str]) -> String {
    let digest = Sha256::digest(parts.join("\n").as_bytes());
    let mut token = String::new();
    for (index, byte) in digest.iter().take(16).enumerate() {
        if [4, 6, 8, 10].contains(&index) {
            token.push('-');
        }
        token.push_str(&format!("{byte:02x}"));
    }
    token
}

/// Where a value differs from what is wanted: of each property its name, the field of the value, and what that is to be.
///
/// Every field is missing from a value that is no JSON object.
pub(crate) fn value_differences(
    wanted: &[(&'static str, &'static str, Value)],
    text: &SecretString,
) -> Vec<Difference> {
    let told = value::told(text);
    wanted
        .iter()
        .filter_map(|(property, field, wanted)| {
            let actual = told.as_ref().map(|told| told.field(field)).unwrap_or_default();
            Difference::between(property, wanted, &actual)
        })
        .collect()
}

/// What is in the way of a new version of a value that cannot be read as one of ours.
pub(crate) fn unreadable(arn: &str) -> Progress {
    Progress::Blocked {
        reason: format!("the value of {arn} is no JSON object: put one with username and password"),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn tokens_are_stable_and_apart() {
        let token = request_token(&["0001700000000000-a", "create"]);
        let lengths: Vec<_> = token.split('-').map(str::len).collect();
        assert_eq!(lengths, [8, 4, 4, 4, 12], "{token}");
        assert_eq!(token, request_token(&["0001700000000000-a", "create"]));
        assert_ne!(token, request_token(&["0001700000000000-b", "create"]));
        assert_ne!(token, request_token(&["0001700000000000-a", "delete"]));
    }

    #[test]
    fn a_name_on_its_way_out_is_waited_for() {
        let of = |message: &str| CallError {
            code: "InvalidRequestException".to_owned(),
            ..CallError::invalid("secretsmanager:CreateSecret", message)
        };
        assert!(is_deletion(&of(
            "You can't create this secret because a secret with this name is already scheduled for deletion."
        )));
        assert!(is_deletion(&of(
            "You can't perform this operation on the secret because it was marked for deletion."
        )));
        assert!(!is_deletion(&of("You can't use this parameter with a replica.")));
    }
}
