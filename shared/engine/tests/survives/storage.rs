//! Tables and buckets: what is not empty is deleted only where its document allows it.

use std::collections::BTreeSet;

use outrigger_engine::memory::cloud::Habits;
use outrigger_engine::memory::world::{Ended, World};
use outrigger_engine::tasks::close_operation::Ending;
use outrigger_model::Kind;
use serde_json::{Value, json};

use crate::harness::{closed, standing};

fn document(force_empty: bool) -> Value {
    json!({
        "stack": "storage", "environment": "test", "regions": ["us-east-1", "us-east-2"],
        "network": { "cidr": "10.0.0.0/24", "zones": 1 },
        "tables": { "events": { "key": "id", "deletion_protection": false } },
        "buckets": { "documents": { "force_empty": force_empty } },
    })
}

fn without_buckets() -> Value {
    let mut document = document(false);
    document.as_object_mut().unwrap().remove("buckets");
    document
}

#[tokio::test]
async fn what_is_not_empty_is_refused_before_anything_is_touched() {
    let mut world = World::new(Habits::default());
    let response = closed(world.provision("provision-1", &document(false)).await);
    assert_eq!(response.outcome, Ending::Succeeded, "{response:?}");
    let buckets = world.cloud.objects().into_iter();
    let buckets: BTreeSet<String> = buckets
        .filter(|object| object.resource.key.kind == Kind::Bucket)
        .map(|object| object.id)
        .collect();
    assert_eq!(buckets.len(), 2);
    world.catalog.full_buckets.clone_from(&buckets);
    let calls = world.cloud.calls().len();
    for ended in [
        world.destroy("destroy-1", "storage", "test").await,
        world.provision("provision-2", &without_buckets()).await,
    ] {
        let Ended::NotPlanned(error) = ended else {
            panic!("{ended:?}");
        };
        let told = error.to_string();
        assert!(buckets.iter().all(|bucket| told.contains(bucket.as_str())), "{told}");
        assert!(told.contains("force_empty: true"), "{told}");
    }
    assert_eq!(world.cloud.calls().len(), calls, "something was touched");

    // With the document's leave, or empty, they go.
    let response = closed(world.provision("provision-3", &document(true)).await);
    assert_eq!(response.outcome, Ending::Succeeded, "{response:?}");
    let response = closed(world.destroy("destroy-2", "storage", "test").await);
    assert_eq!(response.outcome, Ending::Succeeded, "{response:?}");
    assert_eq!(standing(&world), BTreeSet::new());
}
