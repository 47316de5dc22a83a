//! Stack documents in S3.

use anyhow::{Result, bail, ensure};
use outrigger_aws_s3::S3Documents;
use outrigger_engine::ports::document_source::DocumentSource;
use outrigger_engine::ports::provider::CallErrorKind;

use crate::harness::with_aws;

#[test]
fn documents() -> Result<()> {
    with_aws(async |aws| {
        let client = aws_sdk_s3::Client::new(&aws.sdk_config(aws.region()));
        client.create_bucket().bucket("documents").send().await?;
        for (key, body) in [("stacks/one.yaml", &b"stack: one\n"[..]), ("binary", &[0xff, 0xfe][..])] {
            client
                .put_object()
                .bucket("documents")
                .key(key)
                .body(body.to_vec().into())
                .send()
                .await?;
        }
        let documents = S3Documents::new(&aws.aws());
        ensure!(documents.read("documents", "stacks/one.yaml", 11).await? == "stack: one\n");
        for text in ["stack: größer\n", "stack: größer\n", "stack: other\n"] {
            documents.write("documents", "stacks/written.yaml", text).await?;
            ensure!(documents.read("documents", "stacks/written.yaml", 100).await? == text);
        }
        let refused = documents.write("absent", "one.yaml", "stack: one\n").await;
        ensure!(
            refused
                .as_ref()
                .is_err_and(|error| error.message.starts_with("s3://absent/one.yaml: ")),
            "{refused:?}"
        );
        for (bucket, key, bytes_max, expected) in [
            (
                "documents",
                "stacks/one.yaml",
                10,
                "s3://documents/stacks/one.yaml is longer than 10 bytes",
            ),
            (
                "documents",
                "stacks/two.yaml",
                10,
                "there is no s3://documents/stacks/two.yaml",
            ),
            (
                "absent",
                "one.yaml",
                10,
                "there is no s3://absent/one.yaml: the bucket does not exist",
            ),
            ("documents", "binary", 10, "s3://documents/binary is not UTF-8"),
        ] {
            let Err(error) = documents.read(bucket, key, bytes_max).await else {
                bail!("read s3://{bucket}/{key}");
            };
            ensure!(
                error.message == expected && error.kind == CallErrorKind::Invalid,
                "{error:?}"
            );
        }
        Ok(())
    })
}
