//! The state store over DynamoDB: the same suite that the store in memory passes, and what only the wire can do.

use std::sync::Arc;

use anyhow::{Context, Result, ensure};
use aws_sdk_dynamodb::types::{AttributeDefinition, BillingMode, KeySchemaElement, KeyType, ScalarAttributeType};
use outrigger::local::LocalAws;
use outrigger_aws_dynamodb::DynamoStore;
use outrigger_engine::conformance;
use outrigger_engine::ports::clock::SystemClock;
use outrigger_engine::ports::store::{Change, Condition, Hold, ItemKey, StateStore, StoreError, Write, Written};
use outrigger_engine::state::State;
use outrigger_model::{Lane, StackId};
use serde_json::json;

const TABLE: &str = "outrigger-state";

/// Runs a test on a local AWS with a table in it.
fn with_table(test: impl AsyncFnOnce(LocalAws) -> Result<()>) -> Result<()> {
    let aws = LocalAws::start_for_test()?;
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build()?;
    runtime.block_on(async {
        create_table(&aws).await?;
        test(aws).await
    })
}

/// As `bootstrap/template.yaml` does.
async fn create_table(aws: &LocalAws) -> Result<()> {
    let client = aws_sdk_dynamodb::Client::new(&aws.sdk_config(aws.region()));
    let mut create = client
        .create_table()
        .table_name(TABLE)
        .billing_mode(BillingMode::PayPerRequest);
    for (name, key_type) in [("pk", KeyType::Hash), ("sk", KeyType::Range)] {
        let attribute = AttributeDefinition::builder()
            .attribute_name(name)
            .attribute_type(ScalarAttributeType::S)
            .build()?;
        let key = KeySchemaElement::builder()
            .attribute_name(name)
            .key_type(key_type)
            .build()?;
        create = create.attribute_definitions(attribute).key_schema(key);
    }
    create.send().await.context("create the table")?;
    Ok(())
}

fn key(sort: &str) -> ItemKey {
    ItemKey {
        partition: "stack#shop/staging".to_owned(),
        sort: sort.to_owned(),
    }
}

/// A claim: a write that its own repeat would be refused by.
fn claim(sort: &str, attempt: &str) -> Write {
    Write {
        key: key(sort),
        conditions: vec![Condition::NotHeldAt(0)],
        change: Change {
            holder: Some(Some(Hold {
                holder: attempt.to_owned(),
                expires_at_ms: 1,
            })),
            ..Change::default()
        },
        write_id: format!("{attempt}/1"),
    }
}

#[test]
fn dynamodb_does_what_a_store_must() -> Result<()> {
    with_table(async |aws| {
        let store = Arc::new(DynamoStore::new(&aws.aws(), None, TABLE));
        conformance::store::check(store, "conformance")
            .await
            .map_err(anyhow::Error::msg)
    })
}

#[test]
fn a_write_whose_answer_is_lost_on_the_wire_is_known_by_its_id() -> Result<()> {
    with_table(async |aws| {
        let store = DynamoStore::new(&aws.aws(), None, TABLE);
        aws.set_faults(&json!({"lose_answers": [{"service": "dynamodb", "operation": "UpdateItem"}]}))?;
        let written = store.write(&claim("lane#network", "one")).await?;
        let Written::Done(header) = &written else {
            anyhow::bail!("it counts as refused: {written:?}");
        };
        ensure!(
            header.version == 1 && header.holder.as_deref() == Some("one"),
            "{header:?}"
        );
        // The SDK has repeated it, and the repeat was refused, because the first try had been executed.
        let calls = aws.calls()?;
        let writes: Vec<_> = calls.iter().filter(|call| call.operation == "UpdateItem").collect();
        ensure!(writes.len() == 2, "{writes:?}");
        let other = store.write(&claim("lane#network", "two")).await?;
        ensure!(matches!(other, Written::Refused(Some(_))), "{other:?}");
        Ok(())
    })
}

#[test]
fn errors_say_whether_to_try_again() -> Result<()> {
    let unavailable = |error: &StoreError| matches!(error, StoreError::Unavailable(_));
    let refused = |error: &StoreError| matches!(error, StoreError::Refused(_));
    with_table(async |aws| {
        let store = DynamoStore::new(&aws.aws(), None, TABLE);
        let every = |name: &str| json!({name: [{"service": "dynamodb", "operation": "*", "times": -1}]});
        let fail = |code: &str, status: u16| {
            let rule = json!({"service": "dynamodb", "operation": "*", "times": -1, "code": code, "status": status});
            json!({"fail": [rule]})
        };
        for (faults, is_expected) in [
            (every("throttle"), unavailable as fn(&StoreError) -> bool),
            (every("lose_requests"), unavailable),
            (fail("InternalServerError", 500), unavailable),
            (fail("ServiceUnavailable", 503), unavailable),
            (fail("ReplicatedWriteConflictException", 400), unavailable),
            (fail("AccessDeniedException", 400), refused),
            (fail("ResourceNotFoundException", 400), refused),
        ] {
            aws.set_faults(&faults)?;
            let errors = [
                store.read(&key("stack")).await.err(),
                store.write(&claim("stack", "one")).await.err(),
                store.delete(&key("stack"), &[]).await.err(),
                store.list("stack#shop/staging", "lane#", None, 1).await.err(),
            ];
            for error in errors {
                ensure!(error.as_ref().is_some_and(is_expected), "{faults}: {error:?}");
            }
        }
        aws.set_faults(&json!({}))?;
        let absent = DynamoStore::new(&aws.aws(), None, "no-such-table");
        let error = absent.read(&key("stack")).await.err();
        ensure!(error.as_ref().is_some_and(refused), "{error:?}");
        Ok(())
    })
}

/// The protocol on the machine's clock and a wire that loses some answers: the way it runs in the cloud.
#[test]
fn an_operation_goes_through_on_a_bad_wire() -> Result<()> {
    with_table(async |aws| {
        let store = Arc::new(DynamoStore::new(&aws.aws(), None, TABLE));
        let state = State::new(store, Arc::new(SystemClock));
        let stack = StackId {
            stack: "shop".to_owned(),
            environment: "staging".to_owned(),
        };
        aws.set_faults(&json!({
            "throttle": [{"service": "dynamodb", "operation": "UpdateItem", "every": 4}],
            "lose_answers": [{"service": "dynamodb", "operation": "UpdateItem", "times": 1}],
            "lose_requests": [{"service": "dynamodb", "operation": "UpdateItem", "times": 1}],
        }))?;
        let lease = state.take_lease(&stack, "provision-1", "a").await?;
        for lane in Lane::ALL {
            let expires_at_ms = state.now_ms() + 60_000;
            let claim = state.claim_lane(&lease, lane, "a".to_owned(), expires_at_ms).await?;
            let mut recorded = claim.lane_state().clone();
            recorded.operation = Some("provision-1".to_owned());
            state.finish_lane(claim, &recorded).await?;
            ensure!(state.lane(&stack, lane).await? == recorded);
        }
        state.release_lease(&lease).await?;
        let held = state.lease(&stack).await?;
        ensure!(held.is_none(), "{held:?}");
        Ok(())
    })
}
