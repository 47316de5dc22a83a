//! One change after another: what shows it, what closes it, and what the SDK and the adapter see then.

use anyhow::{Context, Result, ensure};
use outrigger_engine::ports::provider::{Observed, Provider, Target};
use outrigger_model::{Properties, Resource};
use outrigger_tests::{Call, LocalAws};
use serde_json::{Value, json};

use crate::harness::{TOKEN, settle, target};

/// What is wanted now, how that differs from what is there, which calls close it, and what the SDK reads afterwards.
pub(crate) struct Change {
    pub(crate) to: Properties,
    /// `[property, wanted, actual]` of each difference, in order.
    pub(crate) differs: Value,
    pub(crate) calls: &'static [&'static str],
    /// Of the snapshot, what is to be there.
    pub(crate) read: Value,
}

/// A resource that stands, under changes.
pub(crate) struct Standing<'a, Provided> {
    pub(crate) aws: &'a LocalAws,
    pub(crate) provider: &'a Provided,
    pub(crate) resource: Resource,
}

impl<Provided: Provider> Standing<'_, Provided> {
    pub(crate) fn target(&self) -> Target {
        target(&self.resource, TOKEN)
    }

    pub(crate) async fn observe(&self) -> Result<Observed> {
        let observed = self.provider.observe(&self.target()).await?;
        observed.with_context(|| format!("{} is not there", self.resource.key))
    }

    /// Wants something else, and goes on until that is so.
    pub(crate) async fn check(
        &mut self,
        change: Change,
        snapshot: &impl AsyncFn() -> Result<Value>,
    ) -> Result<Observed> {
        let Change {
            to,
            differs,
            calls,
            read,
        } = change;
        self.resource.properties = to;
        ensure!(
            told(&self.observe().await?) == differs,
            "{differs} expected: {}",
            told(&self.observe().await?)
        );
        let before = self.aws.calls()?.len();
        let observed = settle(self.provider, &self.target()).await?;
        let made = changes_since(self.aws, before)?;
        let made: Vec<_> = made.iter().map(|call| call.operation.as_str()).collect();
        ensure!(made == calls, "{differs}: {made:?} instead of {calls:?}");
        let shown = snapshot().await?;
        for (name, value) in read.as_object().context("no object")? {
            ensure!(
                shown.get(name) == Some(value),
                "{differs}: {name} is not {value}: {shown}"
            );
        }
        ensure!(observed.differences.is_empty(), "{differs}: {observed:?}");
        Ok(observed)
    }
}

/// `[property, wanted, actual]` of each difference.
pub(crate) fn told(observed: &Observed) -> Value {
    observed
        .differences
        .iter()
        .map(|difference| json!([difference.property, difference.wanted, difference.actual]))
        .collect()
}

/// The calls since a moment that changed something.
pub(crate) fn changes_since(aws: &LocalAws, before: usize) -> Result<Vec<Call>> {
    let calls = aws.calls()?.into_iter().skip(before);
    Ok(calls.filter(|call| call.mutating).collect())
}
