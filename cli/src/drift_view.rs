//! What an inspection found, as people and programs look at it. Pure.

use std::collections::BTreeMap;

use outrigger_engine::ports::catalog::Tagged;
use outrigger_engine::state::content::OperationRecord;
use outrigger_model::{Deviation, Drift, Record, ResourceKey, StepState};
use serde::Serialize;
use serde_json::Value;

use crate::plan_view::value::compact;

/// A resource that is not as it is recorded.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub(crate) struct Finding {
    /// Which.
    pub(crate) key: ResourceKey,
    /// How it differs.
    #[serde(flatten)]
    pub(crate) drift: Drift,
}

/// What an inspection found, of a record of an operation.
pub(crate) fn findings(steps: &BTreeMap<ResourceKey, StepState>) -> Vec<Finding> {
    let found = steps.iter().filter_map(|(key, state)| match state {
        StepState::Drifted { drift, .. } => Some(Finding {
            key: key.clone(),
            drift: drift.clone(),
        }),
        _ => None,
    });
    found.collect()
}

/// Every finding, property by property, and every stray.
pub(crate) fn render(findings: &[Finding], strays: &[Tagged]) -> String {
    let mut text = String::new();
    for Finding { key, drift } in findings {
        match drift {
            Drift::Missing => text.push_str(&format!("{key} is gone\n")),
            Drift::NotOurs { id } => text.push_str(&format!("{key}: {id} has its name, and is not ours\n")),
            Drift::Broken { reason } => text.push_str(&format!("{key} is broken: {reason}\n")),
            Drift::Changed { deviations, .. } => {
                text.push_str(&format!("{key} was changed\n"));
                for (property, recorded, actual) in deviations.iter().flat_map(entries) {
                    text.push_str(&format!(
                        "  {property}: {} → {}\n",
                        compact(&recorded),
                        compact(&actual)
                    ));
                }
            }
        }
    }
    if !strays.is_empty() {
        text.push_str("new, with the stack's tags, and nothing is recorded of it\n");
        for stray in strays {
            text.push_str(&format!("  {} {} ({})\n", stray.kind, stray.id, stray.arn));
        }
    }
    text
}

/// What is recorded of a property and what is there; of a mapping, each entry that differs.
fn entries(deviation: &Deviation) -> Vec<(String, Value, Value)> {
    let Deviation {
        property,
        wanted,
        actual,
    } = deviation;
    let (Value::Object(recorded), Value::Object(found)) = (wanted, actual) else {
        return vec![(property.clone(), wanted.clone(), actual.clone())];
    };
    let keys = recorded
        .keys()
        .chain(found.keys().filter(|key| !recorded.contains_key(*key)));
    keys.map(|key| {
        let of = |entries: &serde_json::Map<String, Value>| entries.get(key).cloned().unwrap_or_default();
        (format!("{property}.{key}"), of(recorded), of(found))
    })
    .filter(|(_, recorded, found)| recorded != found)
    .collect()
}

/// Why a finding cannot be taken into the record; `None` when it can.
///
/// What is gone can: it is forgotten.
pub(crate) fn why_not_acceptable(drift: &Drift, record: Option<&Record>) -> Option<String> {
    match drift {
        Drift::Missing => None,
        Drift::NotOurs { .. } => Some("what has its name is not ours".to_owned()),
        Drift::Broken { .. } => Some("it is broken".to_owned()),
        Drift::Changed { accepted: true, .. } => None,
        Drift::Changed { deviations, .. } => {
            let beyond: Vec<&str> = deviations
                .iter()
                .filter(|deviation| !record.is_some_and(|record| can_hold(record, deviation)))
                .map(|deviation| deviation.property.as_str())
                .collect();
            (!beyond.is_empty()).then(|| format!("a document cannot say it: {}", beyond.join(", ")))
        }
    }
}

/// Whether a record can hold what is there.
fn can_hold(record: &Record, deviation: &Deviation) -> bool {
    if deviation.property == "tags" {
        return true;
    }
    let mut properties = serde_json::to_value(&record.resource.properties).unwrap_or_default();
    let Some(entry) = properties.get_mut(&deviation.property) else {
        return false;
    };
    *entry = deviation.actual.clone();
    serde_json::from_value::<outrigger_model::Properties>(properties).is_ok()
}

/// How many things are not as they are recorded, in words; `None` when all are.
pub(crate) fn count(record: &OperationRecord) -> Option<String> {
    let drifted = findings(&record.steps).len();
    let several = |count: usize, one: &str, many: &str| match count {
        0 => None,
        1 => Some(format!("1 {one}")),
        count => Some(format!("{count} {many}")),
    };
    let parts: Vec<String> = [
        several(drifted, "resource is not as recorded", "resources are not as recorded"),
        several(record.strays.len(), "is new under its tags", "are new under its tags"),
    ]
    .into_iter()
    .flatten()
    .collect();
    (!parts.is_empty()).then(|| parts.join(", "))
}

#[cfg(test)]
pub(crate) mod tests {
    use outrigger_model::{Kind, Region};
    use serde_json::json;

    use super::*;
    use crate::plan_view::golden::{reference, standing};

    fn deviation(property: &str, wanted: Value, actual: Value) -> Deviation {
        Deviation {
            property: property.to_owned(),
            wanted,
            actual,
        }
    }

    pub(crate) fn some_of_each() -> (Vec<Finding>, Vec<Tagged>) {
        let finding = |kind, name: &str, drift| Finding {
            key: ResourceKey::new(&Region::new("us-east-1"), kind, name),
            drift,
        };
        let changed = Drift::Changed {
            deviations: vec![
                deviation("class", json!("db.t3.micro"), json!("db.t3.large")),
                deviation("dns_support", json!(true), json!(false)),
                deviation(
                    "tags",
                    json!({"Environment": "production", "Owner": "data"}),
                    json!({"Environment": "test", "Owner": null}),
                ),
            ],
            accepted: false,
        };
        let findings = vec![
            finding(Kind::DbInstance, "main", changed),
            finding(Kind::Stream, "events", Drift::Missing),
            finding(
                Kind::Alarm,
                "cpu",
                Drift::NotOurs {
                    id: "shop-production-cpu".to_owned(),
                },
            ),
            finding(
                Kind::ReplicationGroup,
                "cache",
                Drift::Broken {
                    reason: "create-failed; delete it".to_owned(),
                },
            ),
        ];
        let strays = vec![Tagged {
            arn: "arn:aws:ec2:us-east-1:123456789012:vpc/vpc-2".to_owned(),
            kind: Kind::Vpc,
            id: "vpc-2".to_owned(),
        }];
        (findings, strays)
    }

    #[test]
    fn drift_is_shown_property_by_property() {
        let (findings, strays) = some_of_each();
        insta::assert_snapshot!(render(&findings, &strays), @r"
        us-east-1/db-instance/main was changed
          class: db.t3.micro → db.t3.large
          dns_support: true → false
          tags.Environment: production → test
          tags.Owner: data → none
        us-east-1/stream/events is gone
        us-east-1/alarm/cpu: shop-production-cpu has its name, and is not ours
        us-east-1/replication-group/cache is broken: create-failed; delete it
        new, with the stack's tags, and nothing is recorded of it
          vpc vpc-2 (arn:aws:ec2:us-east-1:123456789012:vpc/vpc-2)
        ");
        assert_eq!(render(&[], &[]), "");
    }

    #[test]
    fn what_cannot_be_accepted_says_why() {
        let (findings, _) = some_of_each();
        let told: Vec<Option<String>> = findings
            .iter()
            .map(|finding| why_not_acceptable(&finding.drift, None))
            .collect();
        assert_eq!(
            told,
            [
                // Nothing is recorded of it here.
                Some("a document cannot say it: class, dns_support, tags"),
                None,
                Some("what has its name is not ours"),
                Some("it is broken"),
            ]
            .map(|why| why.map(str::to_owned))
        );
    }

    #[tokio::test]
    async fn what_a_record_can_hold_can_be_accepted() {
        let world = standing(&reference("data-processing")).await;
        let stack = outrigger_model::StackId {
            stack: "data-processing".to_owned(),
            environment: "production".to_owned(),
        };
        let records = world.state.records(&stack).await.unwrap();
        let record = &records[&"us-east-1/db-instance/database".parse().unwrap()];
        let why = |property: &str, actual: Value| {
            let deviations = vec![deviation(property, json!(null), actual)];
            why_not_acceptable(
                &Drift::Changed {
                    deviations,
                    accepted: false,
                },
                Some(record),
            )
        };
        assert_eq!(why("class", json!("db.t3.large")), None);
        assert_eq!(why("tags", json!({"Owner": "data"})), None);
        let not_said = |property: &str| Some(format!("a document cannot say it: {property}"));
        assert_eq!(why("publicly_accessible", json!(true)), not_said("publicly_accessible"));
        assert_eq!(why("storage_gib", json!("many")), not_said("storage_gib"));
    }

    #[test]
    fn programs_get_the_same() {
        let (findings, _) = some_of_each();
        assert_eq!(
            serde_json::to_value(&findings[1]).unwrap(),
            json!({"key": "us-east-1/stream/events", "drift": "missing"})
        );
        assert_eq!(
            serde_json::to_value(&findings[0]).unwrap()["deviations"][0]["actual"],
            "db.t3.large"
        );
    }
}
