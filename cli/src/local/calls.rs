//! The log of every call that the local AWS was sent.

use std::path::Path;

use anyhow::{Context, Result};
use serde::Deserialize;

/// One call of an AWS API, as the local AWS logged it. Secret values are redacted.
#[derive(Clone, Debug, PartialEq, Deserialize)]
pub struct Call {
    /// When it came, in milliseconds since the Unix epoch.
    pub time_ms: u64,
    /// The service, such as `ec2`.
    pub service: String,
    /// The operation, such as `CreateVpc`.
    pub operation: String,
    /// The region of the signature.
    #[serde(default)]
    pub region: Option<String>,
    /// Who called: a role's or user's name, `root`, `anonymous` or `unknown`.
    #[serde(default)]
    pub principal: Option<String>,
    /// Whether the operation changes something.
    pub mutating: bool,
    /// The HTTP status of the answer; none when the call was cut off before it was done.
    #[serde(default)]
    pub status: Option<u16>,
    /// The error code of the answer.
    #[serde(default)]
    pub error: Option<String>,
    /// The fault that was injected.
    #[serde(default)]
    pub fault: Option<String>,
    /// What on-demand DynamoDB bills for it, in request units, where it reads or writes an item.
    #[serde(default)]
    pub capacity_units: Option<f64>,
    /// The request id of the answer.
    #[serde(default)]
    pub request_id: Option<String>,
    /// What was asked for.
    #[serde(default)]
    pub parameters: serde_json::Value,
}

impl Call {
    /// Whether it was answered with success.
    pub fn succeeded(&self) -> bool {
        self.status.is_some_and(|status| (200..300).contains(&status)) && self.error.is_none()
    }
}

/// Reads a log; a line that is still being written is left out, and so is a log that is not there.
pub(super) fn read(path: &Path) -> Result<Vec<Call>> {
    let text = match std::fs::read_to_string(path) {
        Ok(text) => text,
        Err(error) if error.kind() == std::io::ErrorKind::NotFound => return Ok(Vec::new()),
        Err(error) => return Err(error).with_context(|| format!("read the call log {}", path.display())),
    };
    let whole = text.rfind('\n').map_or("", |end| &text[..end]);
    whole
        .lines()
        .enumerate()
        .map(|(index, line)| {
            serde_json::from_str(line)
                .with_context(|| format!("read line {} of the call log {}", index + 1, path.display()))
        })
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn whole_lines_are_read() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("calls.jsonl");
        assert_eq!(read(&path).unwrap(), []);
        let line = r#"{"time_ms":1,"service":"ec2","operation":"CreateVpc","region":"us-east-1","principal":"root","mutating":true,"status":200,"error":null,"request_id":"r","fault":null,"parameters":{"CidrBlock":"10.0.0.0/16"}}"#;
        std::fs::write(&path, format!("{line}\n{}", &line[..40])).unwrap();
        let calls = read(&path).unwrap();
        assert_eq!(calls.len(), 1);
        assert!(calls[0].succeeded());
        assert_eq!(calls[0].parameters["CidrBlock"], "10.0.0.0/16");
    }
}
