//! Handing a document to a workflow: in its input, or through the control plane's bucket.

use anyhow::Context as _;
use outrigger_aws_s3::S3Documents;
use outrigger_model::document::Choice;
use serde_json::{Map, Value, json};
use sha2::{Digest, Sha256};

use crate::context::say;
use crate::control_plane::ControlPlane;
use crate::document::Source;
use crate::failure::{Class, Failure};

/// Up to how many bytes of JSON a document travels in the input itself.
///
/// An input may have 256 KiB; but so may what a state passes to its task, which is the input and more. And YAML of
/// 256 KiB, which is what a document may have, is more than that as JSON.
const INLINE_BYTES_MAX: usize = outrigger_aws_sfn::INPUT_BYTES_MAX / 2;

/// A document that a workflow can be started with, as often as need be.
#[derive(Clone, Debug, PartialEq)]
pub(crate) struct HandedOver {
    /// What the input says of it: `document` or `document_s3`.
    pub(crate) input: Value,
}

impl HandedOver {
    /// Puts a document where it has to be.
    ///
    /// # Errors
    /// When it is too large for an input, and cannot be put into the bucket.
    pub(crate) async fn new(control_plane: &ControlPlane, source: &Source) -> Result<Self, Failure> {
        if fits(source) {
            return Ok(Self {
                input: json!({"document": source.value}),
            });
        }
        let bucket = control_plane.document_bucket.as_deref().ok_or_else(|| {
            let message = format!(
                "the document is too large for an execution's input, and the control plane {} has no bucket of documents; \
                 install it again",
                control_plane.name
            );
            Failure::new(Class::Environment, message)
        })?;
        let key = key_of(source);
        S3Documents::new(control_plane.aws())
            .write(bucket, &key, &source.text)
            .await
            .context(
                "put the document, which is too large for an execution's input, into the control plane's bucket",
            )?;
        let address = format!("s3://{bucket}/{key}");
        say(&format!("the document is large; it goes by way of {address}"));
        Ok(Self {
            input: input_of(&address, &source.choice),
        })
    }
}

/// The input that names a document as it was written, with what was chosen beside it.
fn input_of(address: &str, choice: &Choice) -> Value {
    let mut input = Map::new();
    input.insert("document_s3".to_owned(), json!(address));
    if let Some(environment) = &choice.environment {
        input.insert("environment".to_owned(), json!(environment));
    }
    let values = choice.values();
    if !values.is_empty() {
        input.insert("set".to_owned(), json!(values));
    }
    Value::Object(input)
}

fn fits(source: &Source) -> bool {
    source.value.to_string().len() <= INLINE_BYTES_MAX
}

/// Its content names it: who sends another document does not change what a workflow that was started is about to read.
fn key_of(source: &Source) -> String {
    let hash: String = Sha256::digest(&source.text)
        .iter()
        .map(|byte| format!("{byte:02x}"))
        .collect();
    let stack = source.document.id();
    format!("uploads/{}/{}/{hash}", stack.stack, stack.environment)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::document::{self, DocumentFile};

    fn source(outputs: usize) -> Source {
        let mut text =
            "stack: shop\nenvironment: production\nregion: us-east-1\nnetwork:\n  cidr: 10.0.0.0/16\n  zones: 1\n\
                        outputs:\n"
                .to_owned();
        for number in 0..outputs {
            text.push_str(&format!("  vpc_{number:04}: network.vpc_id\n"));
        }
        let file = tempfile::NamedTempFile::new().unwrap();
        std::fs::write(file.path(), text).unwrap();
        document::read(&DocumentFile::new(file.path())).unwrap()
    }

    #[test]
    fn what_is_small_travels_by_itself() {
        // 28 bytes for each output.
        for (outputs, expected) in [(1, true), (4_600, true), (4_800, false)] {
            let source = source(outputs);
            assert_eq!(fits(&source), expected, "{outputs}: {}", source.value.to_string().len());
        }
    }

    #[test]
    fn a_document_is_named_by_what_it_says() {
        let [one, other] = [source(1), source(2)].map(|source| key_of(&source));
        assert!(
            one.starts_with("uploads/shop/production/") && one.len() == 24 + 64,
            "{one}"
        );
        assert_ne!(one, other);
        assert_eq!(one, key_of(&source(1)));
    }

    #[test]
    fn what_was_chosen_goes_with_it() {
        let mut choice = Choice::default();
        assert_eq!(input_of("s3://b/k", &choice), json!({"document_s3": "s3://b/k"}));
        choice.environment = Some("staging".to_owned());
        choice.set("storage_gib", "100").unwrap();
        let chosen = json!({"document_s3": "s3://b/k", "environment": "staging", "set": {"storage_gib": 100}});
        assert_eq!(input_of("s3://b/k", &choice), chosen);
    }
}
