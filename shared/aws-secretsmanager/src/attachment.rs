//! The host and port of a database, in its secret: what `AWS::SecretsManager::SecretTargetAttachment` does.
//!
//! There is no such object in AWS: the attachment is there when the secret's value has a `host`, and gone when it has
//! none, or when the secret itself is gone or on its way out.
//!
//! # Caveats
//! - Secrets Manager writes a value unconditionally: between reading and writing, somebody else's write would be lost.
//!   Whoever changes a secret of a stack holds the stack's lease.

use std::collections::BTreeMap;

use aws_sdk_secretsmanager::Client;
use outrigger_engine::ports::provider::{CallError, Condition, Difference, Observed, Progress, Target};
use outrigger_model::properties::SecretAttachment;
use secrecy::SecretString;
use serde_json::Value;

use crate::calls::{self, Current, PUT_SECRET_VALUE, request_token, unreadable, value_differences};
use crate::{POLL_SECONDS, value};

/// GetSecretValue: <https://docs.aws.amazon.com/secretsmanager/latest/apireference/API_GetSecretValue.html>.
pub(crate) async fn observe(client: &Client, wanted: &SecretAttachment) -> Result<Option<Observed>, CallError> {
    match calls::current(client, wanted.secret.text()).await? {
        Current::Value { arn, text, .. } if value::is_attached(&text) => Ok(Some(Observed {
            id: arn,
            attributes: BTreeMap::new(),
            condition: Condition::Ready,
            // The secret's ARN is that of the stack's own secret, which carries the tags.
            ours: true,
            differences: differences(wanted, port(wanted)?, &text),
            duplicates: Vec::new(),
            pending: Vec::new(),
        })),
        Current::Value { .. } | Current::Absent | Current::Deleting => Ok(None),
    }
}

/// One PutSecretValue, unless the value is as wanted already:
/// <https://docs.aws.amazon.com/secretsmanager/latest/apireference/API_PutSecretValue.html>.
pub(crate) async fn ensure(client: &Client, target: &Target, wanted: &SecretAttachment) -> Result<Progress, CallError> {
    let port = port(wanted)?;
    let (arn, version, text) = match calls::current(client, wanted.secret.text()).await? {
        Current::Value { arn, version, text } => (arn, version, text),
        Current::Absent => return Err(calls::absent(PUT_SECRET_VALUE, wanted.secret.text())),
        Current::Deleting => {
            let message = format!("{} is scheduled for deletion", wanted.secret.text());
            return Err(CallError::invalid(PUT_SECRET_VALUE, message));
        }
    };
    let fields = fields(wanted, port);
    if value_differences(&fields, &text).is_empty() {
        return Ok(Progress::Done);
    }
    let changes = fields.map(|(_, field, value)| (field, value));
    let Some(attached) = value::with(&text, &changes) else {
        return Ok(unreadable(&arn));
    };
    // The version it is made from is in the token: attached, detached and attached again is three different writes.
    let token = request_token(&[&target.token, "attach", &version]);
    calls::put(client, wanted.secret.text(), token, &attached).await?;
    Ok(Progress::created(arn, POLL_SECONDS))
}

/// One PutSecretValue of the value without `host`.
pub(crate) async fn delete(client: &Client, target: &Target, wanted: &SecretAttachment) -> Result<Progress, CallError> {
    let Current::Value { version, text, .. } = calls::current(client, wanted.secret.text()).await? else {
        return Ok(Progress::Done);
    };
    let detached = match value::detached(&text) {
        Some(detached) if value::is_attached(&text) => detached,
        Some(_) | None => return Ok(Progress::Done),
    };
    let token = request_token(&[&target.token, "detach", &version]);
    calls::put(client, wanted.secret.text(), token, &detached).await?;
    Ok(Progress::changed(POLL_SECONDS))
}

fn port(wanted: &SecretAttachment) -> Result<u16, CallError> {
    let text = wanted.port.text();
    text.parse()
        .map_err(|_| CallError::invalid(PUT_SECRET_VALUE, format!("`{text}` is not a port")))
}

/// What the value is to say: property, field, value.
fn fields(wanted: &SecretAttachment, port: u16) -> [(&'static str, &'static str, Value); 2] {
    [
        ("host", "host", wanted.host.text().into()),
        ("port", "port", port.into()),
    ]
}

/// Where the value differs from what is wanted. The port is a number in the value and a text in the document's words.
fn differences(wanted: &SecretAttachment, port: u16, text: &SecretString) -> Vec<Difference> {
    let as_text = |value: Value| match value {
        Value::Null => Value::Null,
        other => other.to_string().into(),
    };
    value_differences(&fields(wanted, port), text)
        .into_iter()
        .map(|difference| match difference.property {
            "port" => Difference {
                property: "port",
                wanted: as_text(difference.wanted),
                actual: as_text(difference.actual),
            },
            _ => difference,
        })
        .collect()
}

#[cfg(test)]
mod tests {
    use outrigger_model::Input;

    use super::*;

    #[test]
    fn differences_are_told() {
        let wanted = SecretAttachment {
            secret: Input::Text("arn".to_owned()),
            host: Input::Text("db.example".to_owned()),
            port: Input::Text("5432".to_owned()),
        };
        let of = |text: &str| -> Vec<_> {
            let found = differences(&wanted, port(&wanted).unwrap(), &SecretString::from(text));
            found
                .iter()
                .map(|difference| format!("{}: {} / {}", difference.property, difference.wanted, difference.actual))
                .collect()
        };
        assert_eq!(of(r#"{"host": "db.example", "port": 5432}"#), Vec::<String>::new());
        assert_eq!(
            of(r#"{"host": "db.example", "port": 5433}"#),
            [r#"port: "5432" / "5433""#]
        );
        // A port that somebody wrote as a text is not one.
        assert_eq!(
            of(r#"{"host": "db.example", "port": "5432"}"#),
            [r#"port: "5432" / "\"5432\"""#]
        );
        assert_eq!(
            of(r#"{"host": "other", "port": 5432}"#),
            [r#"host: "db.example" / "other""#]
        );
        assert_eq!(of("{}"), [r#"host: "db.example" / null"#, r#"port: "5432" / null"#]);
        let unresolved = SecretAttachment {
            port: Input::Text(String::new()),
            ..wanted
        };
        assert!(port(&unresolved).is_err());
    }
}
