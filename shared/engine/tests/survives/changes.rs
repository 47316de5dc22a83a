//! A stack changes to another document, whatever call is cut off, lost or repeated on the way.

use std::collections::BTreeMap;

use outrigger_engine::memory::cloud::{CallMade, Fault, Habits};
use outrigger_engine::memory::world::{Ended, World};
use outrigger_engine::state::content::Workflow;
use outrigger_engine::tasks::close_operation::Ending;
use outrigger_model::{Properties, ResourceKey, StepState};
use serde_json::{Value, json};

use crate::harness::*;

/// Whoever starts an execution by hand chooses beside the document what the command line chooses.
#[tokio::test]
async fn the_input_chooses_an_environment_and_variables() {
    let mut document = the_document();
    document["variables"] = json!({ "storage_gib": 20 });
    document["databases"]["database"]["storage_gib"] = json!("${storage_gib}");
    document["environments"] = json!({ "production": {}, "staging": { "network": { "zones": 3 } } });
    let world = World::new(Habits::default());
    let input = json!({ "document": document, "environment": "staging", "set": { "storage_gib": 50 } });
    world.run_until_cut(Workflow::Provision, "provision-1", input).await;
    let names: Vec<String> = standing(&world).iter().map(ToString::to_string).collect();
    assert!(names.contains(&"us-east-1/subnet/private-3".to_owned()), "{names:?}");
    let objects = world.cloud.objects();
    let storage = objects.iter().find_map(|object| match &object.resource.properties {
        Properties::DbInstance(database) => Some((object.resource.physical_name.clone(), database.storage_gib)),
        _ => None,
    });
    assert_eq!(storage, Some(("data-processing-staging-database".to_owned(), 50)));

    let unknown = json!({ "document": document, "environment": "stagin" });
    let ended = world.run_until_cut(Workflow::Provision, "provision-2", unknown).await;
    let Ended::NotPlanned(error) = ended else {
        panic!("{ended:?}");
    };
    assert_eq!(
        error.to_string(),
        "the document has 1 problem:\n- environment: the document has no environment `stagin`; did you mean `staging`? \
         (document::unknown_environment)"
    );
}

/// Everything that changes in place, comes and goes, in one document.
fn in_place(document: &mut Value) {
    document["tags"]["Owner"] = json!("data");
    document["network"]["zones"] = json!(3);
    document["streams"]["stream"]["shards"] = json!(3);
    document["streams"]["other"] = json!({ "shards": 1 });
    document["caches"]["cache"]["nodes"] = json!(3);
    let database = &mut document["databases"]["database"];
    database["class"] = json!("db.t3.medium");
    database["storage_gib"] = json!(40);
    database["monitoring_interval_seconds"] = json!(0);
    database["parameters"]["log_statement"] = json!("ddl");
    document["clusters"]["main"]["capacity_acu_max"] = json!(4.0);
    document["clusters"]["main"]["instances"] = json!(3);
    document["alarms"]["stream-idle"]["threshold"] = json!(5);
    document["alarms"].as_object_mut().unwrap().remove("database-cpu");
}

/// Another network: everything in it is replaced.
fn replaced(document: &mut Value) {
    document["network"]["cidr"] = json!("10.1.0.0/16");
    document["databases"]["database"]["allow_replace"] = json!(true);
    document["caches"]["cache"]["allow_replace"] = json!(true);
    document["clusters"]["main"]["allow_replace"] = json!(true);
}

/// The properties of everything that stands, ids aside.
fn look(world: &World) -> BTreeMap<ResourceKey, String> {
    standing(world);
    let objects = world.cloud.objects();
    let ids: BTreeMap<&str, &ResourceKey> = objects
        .iter()
        .map(|object| (object.id.as_str(), &object.resource.key))
        .collect();
    objects
        .iter()
        .map(|object| {
            let mut text = serde_json::to_string(&object.resource.properties).unwrap();
            for (id, key) in &ids {
                text = text.replace(id, &key.to_string());
            }
            (object.resource.key.clone(), text)
        })
        .collect()
}

async fn stood(habits: Habits) -> World {
    let world = World::new(habits);
    let response = provision(&world, "provision-1").await;
    assert_eq!(response.outcome, Ending::Succeeded, "{response:?}");
    world
}

/// What the changed document looks like when all goes well, and the calls that it takes from the first one.
async fn clean_change(document: &Value) -> (BTreeMap<ResourceKey, String>, Vec<CallMade>) {
    let world = stood(Habits::default()).await;
    let before = world.cloud.calls().len();
    let response = closed(world.provision("provision-2", document).await);
    assert_eq!(response.outcome, Ending::Succeeded, "{response:?}");
    let calls = world.cloud.calls().split_off(before);
    (look(&world), calls)
}

fn changed(change: fn(&mut Value)) -> Value {
    let mut document = the_document();
    change(&mut document);
    document
}

#[tokio::test]
async fn a_changed_document_is_what_stands_afterwards() {
    for change in [in_place, replaced] {
        let document = changed(change);
        // As if it had been stood up at once.
        let fresh = World::new(Habits::default());
        closed(fresh.provision("provision-1", &document).await);
        let (changed, calls) = clean_change(&document).await;
        assert_eq!(changed, look(&fresh));
        assert!(!calls.is_empty());
        // And back again, to nothing to do.
        let world = stood(Habits::default()).await;
        let first = look(&world);
        closed(world.provision("provision-2", &document).await);
        let mut back = the_document();
        back["databases"]["database"]["allow_replace"] = json!(true);
        back["caches"]["cache"]["allow_replace"] = json!(true);
        back["clusters"]["main"]["allow_replace"] = json!(true);
        // Storage only grows.
        back["databases"]["database"]["storage_gib"] = document["databases"]["database"]["storage_gib"].clone();
        let response = closed(world.provision("provision-3", &back).await);
        assert_eq!(response.outcome, Ending::Succeeded, "{response:?}");
        assert_eq!(
            look(&world).keys().collect::<Vec<_>>(),
            first.keys().collect::<Vec<_>>()
        );
        let calls = world.cloud.calls().len();
        closed(world.provision("provision-4", &back).await);
        assert_eq!(world.cloud.calls().len(), calls);
    }
}

/// For every call of a change: the function dies before or after it, and is called again; or the execution is stopped, and
/// a new one completes it.
#[tokio::test]
async fn every_call_of_a_change_cut_off() {
    for change in [in_place, replaced] {
        let document = changed(change);
        let (wanted, calls) = clean_change(&document).await;
        for fault in [Fault::CutBefore, Fault::CutAfter] {
            for (number, call) in calls.iter().enumerate() {
                for stopped in [false, true] {
                    let world = stood(Habits::default()).await;
                    let at_call = world.cloud.calls().len() + number;
                    world.cloud.set_plot(move |at, _| (at == at_call).then_some(fault));
                    let context = format!("{fault:?} of call {number}, {call:?}, stopped: {stopped}");
                    if stopped {
                        let input = json!({ "document": document });
                        let ended = world.run_until_cut(Workflow::Provision, "provision-2", input).await;
                        assert!(matches!(ended, Ended::Stopped), "{context}: {ended:?}");
                        assert_eq!(world.state.lease(&the_stack()).await.unwrap(), None, "{context}");
                    }
                    let response = closed(world.provision("provision-3", &document).await);
                    assert_eq!(response.outcome, Ending::Succeeded, "{context}: {response:?}");
                    assert_eq!(look(&world), wanted, "{context}");
                }
            }
        }
    }
}

/// Every call of a change throttled, its answer lost, or lost on the way there.
#[tokio::test]
async fn every_call_of_a_change_throttled_or_lost() {
    for change in [in_place, replaced] {
        let document = changed(change);
        let (wanted, calls) = clean_change(&document).await;
        for fault in [Fault::Throttled, Fault::AnswerLost, Fault::RequestLost] {
            for number in 0..calls.len() {
                let world = stood(Habits::default()).await;
                let at_call = world.cloud.calls().len() + number;
                world.cloud.set_plot(move |at, _| (at == at_call).then_some(fault));
                let response = closed(world.provision("provision-2", &document).await);
                let context = format!("{fault:?} of call {number}");
                assert_eq!(response.outcome, Ending::Succeeded, "{context}: {response:?}");
                assert_eq!(look(&world), wanted, "{context}");
            }
        }
    }
}

/// What AWS puts off until the maintenance window settles as such, stays so, and can be brought forward.
#[tokio::test]
async fn changes_in_the_window_settle_as_pending() {
    let class = |world: &World| {
        let objects = world.cloud.objects();
        let class = objects.iter().find_map(|object| match &object.resource.properties {
            Properties::DbInstance(database) => Some(database.class.clone()),
            _ => None,
        });
        class.unwrap()
    };
    let pending = async |world: &World, operation: &str| {
        let record = world.state.operation(&the_stack(), operation).await.unwrap().unwrap();
        let key: ResourceKey = "us-east-1/db-instance/database".parse().unwrap();
        matches!(record.steps[&key], StepState::PendingWindow { .. })
    };
    let mut document = the_document();
    document["databases"]["database"]["class"] = json!("db.t3.medium");
    document["databases"]["database"]["apply"] = json!("in_window");
    for brought_forward in [false, true] {
        let world = stood(Habits::default()).await;
        for operation in ["provision-2", "provision-3"] {
            let response = closed(world.provision(operation, &document).await);
            assert_eq!(response.outcome, Ending::Succeeded, "{response:?}");
            assert_eq!(class(&world), "db.t3.micro");
            assert!(pending(&world, operation).await);
        }
        let mut document = document.clone();
        if brought_forward {
            document["databases"]["database"]["apply"] = json!("now");
        } else {
            world.cloud.open_window();
        }
        let response = closed(world.provision("provision-4", &document).await);
        assert_eq!(response.outcome, Ending::Succeeded, "{response:?}");
        assert_eq!(class(&world), "db.t3.medium");
        assert!(!pending(&world, "provision-4").await);
    }
}

/// A plan that was looked at is carried out as it was shown, or not at all.
#[tokio::test]
async fn a_plan_that_no_longer_fits_is_refused() {
    let document = changed(in_place);
    let world = stood(Habits::default()).await;
    let proposed = world.propose(&document).await.unwrap();
    assert!(!proposed.nothing_to_do);
    assert_eq!(world.state.lease(&the_stack()).await.unwrap(), None);
    // Somebody changes the stack meanwhile.
    let mut meanwhile = the_document();
    meanwhile["alarms"]["stream-idle"]["threshold"] = json!(7);
    closed(world.provision("provision-2", &meanwhile).await);
    let calls = world.cloud.calls().len();
    match world.carry_out("provision-3", &document, &proposed.plan).await {
        Ended::NotPlanned(error) => {
            assert_eq!(error.error_type(), "PlanOutdated");
            let moved = "us-east-1/alarm/stream-idle: was changed since the plan was made";
            assert!(error.to_string().contains(moved), "{error}");
        }
        other => panic!("{other:?}"),
    }
    assert_eq!(world.cloud.calls().len(), calls);
    assert_eq!(world.state.lease(&the_stack()).await.unwrap(), None);
    // Made anew, it is carried out.
    let proposed = world.propose(&document).await.unwrap();
    let response = closed(world.carry_out("provision-4", &document, &proposed.plan).await);
    assert_eq!(response.outcome, Ending::Succeeded, "{response:?}");
    assert!(world.propose(&document).await.unwrap().nothing_to_do);
}

/// Everything that stands in the way is told at once, and nothing is begun.
#[tokio::test]
async fn every_obstacle_is_told_at_once() {
    use outrigger_engine::ports::catalog::{Counted, Quota};
    use outrigger_model::Kind;
    let mut world = World::new(Habits::default());
    let quota = |name: &str, counts, limit, used| Quota {
        name: name.to_owned(),
        counts,
        limit,
        used,
        zone: None,
    };
    world.catalog.zones = 2;
    world.catalog.quotas = vec![
        quota("VPCs per Region", Counted::Objects(Kind::Vpc), 5, 5),
        quota("DB instances", Counted::DbInstances, 40, 37),
        quota("Shard limit", Counted::Shards, 3, 2),
        quota("Subnets per VPC", Counted::ObjectsPerVpc(Kind::Subnet), 200, 0),
    ];
    let mut document = the_document();
    document["network"]["zones"] = json!(3);
    document["databases"]["database"]["version"] = json!("13.1");
    document["databases"]["other"] = document["databases"]["database"].clone();
    document["databases"]["other"]["version"] = json!("15.15");
    document["databases"]["other"]["parameters"] = json!({ "log_statment": "all" });
    let problems = match world.provision("provision-1", &document).await {
        Ended::NotPlanned(error) => {
            assert_eq!(error.error_type(), "PlanRefused");
            error.to_string()
        }
        other => panic!("{other:?}"),
    };
    for told in [
        "network.zones: us-east-1 has 2 zones (us-east-1a, us-east-1b), the document wants 3",
        "databases.database.version: version 13.1 is not offered in this region",
        "databases.other.parameters.log_statment: postgres15 has no such parameter",
    ] {
        assert!(problems.contains(told), "{told}\n{problems}");
    }
    let problems = match world.provision("provision-2", &the_document()).await {
        Ended::NotPlanned(error) => error.to_string(),
        other => panic!("{other:?}"),
    };
    assert!(
        problems.contains(
            "quotas.VPCs per Region: 1 more are needed in us-east-1, where the account has 5 and may have 5; ask for at \
             least 6 in the console of Service Quotas, or make room"
        ),
        "{problems}"
    );
    assert!(problems.contains("quotas.Shard limit: 2 more are needed"), "{problems}");
    assert!(!problems.contains("DB instances"), "{problems}");
    assert!(world.cloud.calls().is_empty());
    assert_eq!(world.state.lease(&the_stack()).await.unwrap(), None);
}

/// What one item cannot hold is refused before anything is begun.
#[tokio::test]
async fn a_stack_that_is_too_large_is_refused() {
    let world = World::new(Habits::default());
    let mut document = the_document();
    let streams: serde_json::Map<String, Value> = (0..3_000)
        .map(|number| (format!("stream-{number}"), json!({ "shards": 1 })))
        .collect();
    document["streams"].as_object_mut().unwrap().extend(streams);
    match world.provision("provision-1", &document).await {
        Ended::NotPlanned(error) => {
            let told = error.to_string();
            assert!(told.contains("lanes.datastore: its 3022 resources take"), "{told}");
        }
        other => panic!("{other:?}"),
    }
    assert!(world.cloud.calls().is_empty());
}

/// The calls that a step makes are on record, and so are those that failed.
#[tokio::test]
async fn calls_are_on_record() {
    let world = World::new(Habits::default());
    world.cloud.set_plot(|at, _| (at == 0).then_some(Fault::Throttled));
    provision(&world, "provision-1").await;
    let record = world
        .state
        .operation(&the_stack(), "provision-1")
        .await
        .unwrap()
        .unwrap();
    let recorded: usize = record.calls.values().map(Vec::len).sum();
    assert_eq!(recorded, world.cloud.calls().len());
    let failed: Vec<_> = record
        .calls
        .values()
        .flatten()
        .filter(|call| call.error.is_some())
        .collect();
    assert_eq!(failed.len(), 1);
}
