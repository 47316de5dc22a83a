//! The plan: what is to be done with each resource, and after what.

use std::collections::{BTreeMap, BTreeSet};

use outrigger_model::document::Problem;
use outrigger_model::properties::Reference;
use outrigger_model::{Kind, Lane, Properties, Record, Resource, ResourceKey};
use serde::{Deserialize, Serialize};
use serde_json::Value;

use crate::graph::Graph;
use crate::resolve::resolve;

/// What is recorded of a stack's resources.
pub type Records = BTreeMap<ResourceKey, Record>;

/// What is to be done with one resource.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case", tag = "action")]
pub enum Action {
    /// Create it, or go on with a creation that was begun.
    Create,
    /// Change these properties in place.
    Update {
        /// Their names.
        properties: Vec<String>,
    },
    /// Nothing; see that it is still there.
    NoOp,
    /// Delete it.
    Delete,
}

/// One step of a plan.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Step {
    /// What is to be done.
    #[serde(flatten)]
    pub action: Action,
    /// The resource: as the document wants it, or, to be deleted, as it is recorded.
    pub resource: Resource,
    /// The steps, by their resources' keys, that must be done before.
    pub depends_on: BTreeSet<ResourceKey>,
}

/// The steps from recorded state to a document. Never changed once it is made.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct Plan {
    /// The steps, by their resources' keys.
    pub steps: BTreeMap<ResourceKey, Step>,
}

impl Plan {
    /// The steps of one lane.
    pub fn lane(&self, lane: Lane) -> Plan {
        Plan {
            steps: self
                .steps
                .iter()
                .filter(|(key, _)| key.kind.lane() == lane)
                .map(|(key, step)| (key.clone(), step.clone()))
                .collect(),
        }
    }
}

/// The plan that converges what is recorded to the graph.
///
/// # Errors
/// Every change that cannot be made, each with the property and what to do.
pub fn provision(graph: &Graph, records: &Records) -> Result<Plan, Vec<Problem>> {
    let mut plan = Plan::default();
    let mut problems = Vec::new();
    for (key, resource) in &graph.resources {
        match action(resource, records) {
            Ok(action) => {
                plan.steps.insert(
                    key.clone(),
                    Step {
                        action,
                        depends_on: resource.depends_on.clone(),
                        resource: resource.clone(),
                    },
                );
            }
            Err(found) => problems.extend(found),
        }
    }
    let gone = records.iter().filter(|(key, _)| !graph.resources.contains_key(*key));
    deletions(gone.collect(), &mut plan, &mut problems);
    if problems.is_empty() { Ok(plan) } else { Err(problems) }
}

/// The plan that deletes everything that is recorded.
///
/// # Errors
/// Every resource that is protected, and how to switch that off.
pub fn destroy(records: &Records) -> Result<Plan, Vec<Problem>> {
    let mut plan = Plan::default();
    let mut problems = Vec::new();
    deletions(records.iter().collect(), &mut plan, &mut problems);
    if problems.is_empty() { Ok(plan) } else { Err(problems) }
}

fn deletions(gone: BTreeMap<&ResourceKey, &Record>, plan: &mut Plan, problems: &mut Vec<Problem>) {
    for (key, record) in &gone {
        if let Properties::DbInstance(database) = &record.resource.properties
            && database.deletion_protection
        {
            problems.push(Problem::at(
                key.to_string(),
                "is protected from deletion; set `deletion_protection: false` in the document, run `outrigger up` with \
                 it, then delete",
            ));
        }
        // Whatever depends on it goes first.
        let depends_on = gone
            .iter()
            .filter(|(_, other)| other.resource.depends_on.contains(*key))
            .map(|(other, _)| (*other).clone())
            .collect();
        plan.steps.insert(
            (*key).clone(),
            Step {
                action: Action::Delete,
                resource: record.resource.clone(),
                depends_on,
            },
        );
    }
}

fn action(resource: &Resource, records: &Records) -> Result<Action, Vec<Problem>> {
    let Some(record) = records.get(&resource.key) else {
        return Ok(Action::Create);
    };
    let Ok(wanted) = resolve(resource, |reference| attribute_of(records, reference)) else {
        // What it refers to is not there (any more): nothing can be said of its properties before that is.
        return Ok(Action::Create);
    };
    let mut changed = differing(&wanted.properties, &record.resource.properties);
    if wanted.tags != record.resource.tags {
        changed.push("tags".to_owned());
    }
    // A creation that was begun goes on, but not as something else.
    let fixed: Vec<Problem> = changed
        .iter()
        .filter(|property| !is_changeable(resource.key.kind, property))
        .map(|property| {
            Problem::at(
                format!("{}.{property}", resource.key),
                "this version of Outrigger cannot change it on a resource that is there; undo the change, or destroy \
                 the stack first",
            )
        })
        .collect();
    if !fixed.is_empty() {
        return Err(fixed);
    }
    Ok(if !record.ready {
        Action::Create
    } else if changed.is_empty() {
        Action::NoOp
    } else {
        Action::Update { properties: changed }
    })
}

/// An attribute of a recorded resource: its id, or one of its kind's attributes.
pub fn attribute_of(records: &Records, reference: &Reference) -> Option<String> {
    let record = records.get(&reference.resource)?;
    if reference.attribute == "id" {
        record.id.clone()
    } else {
        record.attributes.get(&reference.attribute).cloned()
    }
}

/// Which properties can be changed in place.
fn is_changeable(kind: Kind, property: &str) -> bool {
    match kind {
        // PutMetricAlarm replaces the whole alarm.
        Kind::Alarm => true,
        // `final_snapshot` is ours alone; without the other no protected database could ever be taken down.
        Kind::DbInstance => ["tags", "deletion_protection", "final_snapshot"].contains(&property),
        // It follows the database.
        Kind::SecretAttachment => true,
        Kind::Vpc
        | Kind::Subnet
        | Kind::InternetGateway
        | Kind::RouteTable
        | Kind::SecurityGroup
        | Kind::DbSubnetGroup
        | Kind::CacheSubnetGroup
        | Kind::ReplicationGroup
        | Kind::Stream
        | Kind::Secret => property == "tags",
        // They have neither tags nor anything else that can be changed; that the tags differ means nothing.
        Kind::Route | Kind::RouteTableAssociation => property == "tags",
    }
}

fn differing(wanted: &Properties, recorded: &Properties) -> Vec<String> {
    let (Ok(Value::Object(wanted)), Ok(Value::Object(recorded))) =
        (serde_json::to_value(wanted), serde_json::to_value(recorded))
    else {
        return Vec::new();
    };
    wanted
        .keys()
        .chain(recorded.keys().filter(|key| !wanted.contains_key(*key)))
        .filter(|key| wanted.get(*key) != recorded.get(*key))
        .cloned()
        .collect()
}
