//! The wiring of the functions that run in stacks: what they need is in their environment, which `create-ingress` sets.

use std::sync::Arc;
use std::time::Duration;

use anyhow::Context as _;
use lambda_runtime::{LambdaEvent, service_fn};
use outrigger_aws::Aws;
use outrigger_engine::ports::clock::SystemClock;
use outrigger_engine::ports::event_table::EventTable;
use outrigger_engine::state::State;
use outrigger_engine::tasks::record_event::record_event;
use outrigger_engine::tasks::region_gate::{Gate, Known, Request, answer, region_gate};
use outrigger_model::{Region, StackId};
use serde_json::{Value, json};

use crate::logs;
use crate::wiring::{MakeStore, diagnostic, told};

/// How long the topology may take to be read: load balancers wait 5 s for the answer to a health check by default.
const READ_SECONDS_MAX: u64 = 3;

/// Runs `region-gate`.
///
/// # Errors
/// When the environment lacks something, or Lambda's runtime API ends.
pub async fn run_region_gate(store: MakeStore) -> Result<(), lambda_runtime::Error> {
    logs::start();
    let here = Region::new(said("AWS_REGION")?);
    let stack = stack()?;
    let state = State::new(store(&Aws::new(), said("OUTRIGGER_TABLE")?), Arc::new(SystemClock));
    let (here, stack, state) = (&here, &stack, &state);
    lambda_runtime::run(service_fn(move |event: LambdaEvent<Value>| async move {
        // What cannot be read is a request for nothing that there is.
        let request: Request = serde_json::from_value(event.payload).unwrap_or_default();
        let work = region_gate(state, stack, here, &request);
        let gate = tokio::time::timeout(Duration::from_secs(READ_SECONDS_MAX), work).await;
        let gate = gate.unwrap_or_else(|_| {
            tracing::warn!("the topology was not read within {READ_SECONDS_MAX} s");
            answer(here, &request, Known::Unread)
        });
        Ok::<Value, lambda_runtime::Error>(response(&gate))
    }))
    .await
}

/// As a load balancer takes it:
/// <https://docs.aws.amazon.com/elasticloadbalancing/latest/application/lambda-functions.html#respond-to-load-balancer>.
fn response(gate: &Gate) -> Value {
    let description = match gate.status {
        200 => "200 OK".to_owned(),
        503 => "503 Service Unavailable".to_owned(),
        other => other.to_string(),
    };
    json!({
        "statusCode": gate.status,
        "statusDescription": description,
        "isBase64Encoded": false,
        "headers": {"content-type": "application/json", "cache-control": "no-store"},
        "body": json!(gate).to_string(),
    })
}

/// Runs `event-recorder`; `table` makes the table's adapter from the configuration, and the table's name.
///
/// # Errors
/// As [`run_region_gate`].
pub async fn run_event_recorder(table: fn(&Aws, String) -> Arc<dyn EventTable>) -> Result<(), lambda_runtime::Error> {
    logs::start();
    let table = table(&Aws::new(), said("EVENT_TABLE")?);
    let table = &table;
    lambda_runtime::run(service_fn(move |event: LambdaEvent<Value>| async move {
        let recorded = told(record_event(table.as_ref(), &event.payload)).await;
        recorded.map(|is_new| json!({"new": is_new})).map_err(diagnostic)
    }))
    .await
}

fn stack() -> anyhow::Result<StackId> {
    let said = said("OUTRIGGER_STACK")?;
    let (stack, environment) = said
        .split_once('/')
        .with_context(|| format!("read OUTRIGGER_STACK: `{said}` is no <stack>/<environment>"))?;
    Ok(StackId {
        stack: stack.to_owned(),
        environment: environment.to_owned(),
    })
}

fn said(name: &str) -> anyhow::Result<String> {
    std::env::var(name).with_context(|| format!("read {name}, which the function's environment must say"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_load_balancer_is_answered_in_its_own_form() {
        let gate = Gate {
            status: 200,
            region: Region::new("us-east-1"),
            epoch: Some(1),
            reason: "this region is primary",
        };
        let answered = response(&gate);
        assert_eq!(
            (&answered["statusCode"], &answered["statusDescription"]),
            (&json!(200), &json!("200 OK"))
        );
        let body: Value = serde_json::from_str(answered["body"].as_str().unwrap()).unwrap();
        assert_eq!(
            body,
            json!({"region": "us-east-1", "epoch": 1, "reason": "this region is primary"})
        );
        let closed = response(&Gate {
            status: 503,
            epoch: None,
            ..gate
        });
        assert_eq!(closed["statusDescription"], "503 Service Unavailable");
        assert!(!closed["body"].as_str().unwrap().contains("epoch"));
    }
}
