//! AWS's request id of the call that changed something.

use std::sync::Arc;

use anyhow::{Context, Result, bail, ensure};
use outrigger_aws::Traced;
use outrigger_aws_kinesis::Streams;
use outrigger_aws_secretsmanager::Secrets;
use outrigger_engine::executor::Providers;
use outrigger_engine::ports::provider::{Progress, Provider};
use outrigger_model::Properties;
use outrigger_model::properties::Stream;
use outrigger_tests::LocalAws;

use crate::changes::changes_since;
use crate::harness::{TOKEN, remove, resource, settle, target, with_aws};
use crate::secrets::secret;

/// The request id that a call told, and the one that AWS gave it.
async fn traced(
    aws: &LocalAws,
    call: impl Future<Output = Result<Progress, outrigger_engine::ports::provider::CallError>>,
) -> Result<(Option<String>, Option<String>)> {
    let before = aws.calls()?.len();
    let Progress::InProgress { request_id, .. } = call.await? else {
        bail!("nothing was called");
    };
    let changes = changes_since(aws, before)?;
    let change = changes.last().context("nothing was changed")?;
    Ok((request_id, change.request_id.clone()))
}

#[test]
fn request_ids_are_those_of_aws() -> Result<()> {
    with_aws(async |aws| {
        let ours = aws.aws();
        let providers = [
            Arc::new(Streams::new(&ours)) as Arc<dyn Provider>,
            Arc::new(Secrets::new(&ours)),
        ];
        let provider = Traced::new(Providers::new(providers));
        let stream = Properties::Stream(Stream {
            shards: 1,
            retention_hours: 24,
            shard_metrics: Default::default(),
            encryption_key: None,
        });
        // A secret is read before it is made: the id is that of the making.
        for resource in [resource(aws, "events", stream), secret(aws)] {
            let target = target(&resource, TOKEN);
            let (told, given) = traced(aws, provider.ensure(&target, None)).await?;
            ensure!(told.is_some() && told == given, "{told:?} instead of {given:?}");
            let observed = settle(&provider, &target).await?;
            let (told, given) = traced(aws, provider.delete(&target, &observed)).await?;
            ensure!(told.is_some() && told == given, "{told:?} instead of {given:?}");
            remove(&provider, &target).await?;
        }
        Ok(())
    })
}
