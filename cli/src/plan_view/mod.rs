//! A plan as people and programs look at it. Pure: from a plan to what is shown of it.

pub(crate) mod belongs;
mod facts;
#[cfg(test)]
pub(crate) mod golden;
pub(crate) mod namer;
mod text;
pub(crate) mod value;

use std::collections::{BTreeMap, BTreeSet};
use std::fmt;

use outrigger_model::properties::Apply;
use outrigger_model::{Lane, Properties, Resource, ResourceKey, StackId};
use outrigger_plan::{Action, Change, Effect, NotYet, Plan, Step, Warning};
use serde::Serialize;

pub(crate) use text::{Paint, change_line, render};

/// A plan, as it is shown.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub(crate) struct View {
    /// The stack's name.
    pub(crate) stack: String,
    /// The environment's name.
    pub(crate) environment: String,
    /// What `up --plan` takes; none of a plan that is only looked at.
    pub(crate) plan: Option<String>,
    /// Whether there is nothing to do.
    pub(crate) nothing_to_do: bool,
    /// How much is to be done.
    pub(crate) summary: Summary,
    /// Every step.
    pub(crate) steps: Vec<StepView>,
    /// What deletions leave behind: the names of final snapshots.
    pub(crate) kept: Vec<String>,
    /// What the document asks for, and Outrigger does not do yet.
    pub(crate) not_yet: BTreeSet<NotYet>,
    /// What is done as the document asks for it, and may not be meant.
    #[serde(skip_serializing_if = "BTreeSet::is_empty")]
    pub(crate) warnings: BTreeSet<Warning>,
}

/// A step, as it is shown.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub(crate) struct StepView {
    /// Which resource.
    pub(crate) key: ResourceKey,
    /// The component it belongs to, such as `databases.main`.
    pub(crate) component: String,
    /// What is to be done.
    pub(crate) action: Doing,
    /// Of an update or a replacement: what changes.
    pub(crate) changes: Vec<ChangeView>,
    /// Of a replacement: what the object that is there is recorded as until it is deleted.
    pub(crate) former: Option<ResourceKey>,
    /// Of a replacement: what comes first.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) order: Option<Order>,
    /// Of the deletion that is one half of a replacement: what takes its place.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) replaced_by: Option<ResourceKey>,
    /// What must be done before.
    pub(crate) depends_on: BTreeSet<ResourceKey>,
    /// What there is to know of it at a glance.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) detail: Option<String>,
}

/// What is to be done with a resource.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
pub(crate) enum Doing {
    /// Create it.
    Create,
    /// Change it in place.
    Update,
    /// Put another in its place.
    Replace,
    /// Delete it.
    Delete,
    /// See that it is still there.
    NoOp,
}

/// What comes first of a replacement.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
pub(crate) enum Order {
    /// The old object is deleted, then the new one is created.
    DeleteThenCreate,
    /// The new object is created, then the old one is deleted.
    CreateThenDelete,
}

/// A change of a property, as it is shown.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub(crate) struct ChangeView {
    /// The change.
    #[serde(flatten)]
    pub(crate) change: Change,
    /// Whether it waits for the maintenance window.
    pub(crate) in_window: bool,
}

/// How much is to be done.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize)]
pub(crate) struct Summary {
    /// How many resources are created.
    pub(crate) create: usize,
    /// How many are changed in place.
    pub(crate) update: usize,
    /// How many are replaced.
    pub(crate) replace: usize,
    /// How many are deleted, for good.
    pub(crate) delete: usize,
    /// How many are as they are wanted.
    pub(crate) unchanged: usize,
}

impl Summary {
    /// Counts steps.
    pub(crate) fn of<'a>(steps: impl Iterator<Item = (&'a ResourceKey, &'a Action)> + Clone) -> Self {
        let formers: BTreeSet<&ResourceKey> = steps.clone().filter_map(|(_, action)| former_of(action)).collect();
        let mut summary = Self::default();
        for (key, action) in steps {
            match action {
                Action::Create => summary.create += 1,
                Action::Update { .. } => summary.update += 1,
                Action::Replace { .. } => summary.replace += 1,
                // One half of a replacement.
                Action::Delete { .. } if formers.contains(key) => {}
                Action::Delete { .. } => summary.delete += 1,
                Action::NoOp => summary.unchanged += 1,
            }
        }
        summary
    }

    /// Whether nothing is done.
    pub(crate) fn is_nothing(&self) -> bool {
        let Self {
            create,
            update,
            replace,
            delete,
            unchanged: _,
        } = self;
        create + update + replace + delete == 0
    }
}

impl fmt::Display for Summary {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        let counts = [
            (self.create, "to create"),
            (self.update, "to update"),
            (self.replace, "to replace"),
            (self.delete, "to delete"),
            (self.unchanged, "unchanged"),
        ];
        let parts: Vec<String> = counts
            .iter()
            .filter(|(count, _)| *count > 0)
            .map(|(count, what)| format!("{count} {what}"))
            .collect();
        match parts.as_slice() {
            [] => formatter.write_str("nothing"),
            parts => formatter.write_str(&parts.join(", ")),
        }
    }
}

fn former_of(action: &Action) -> Option<&ResourceKey> {
    match action {
        Action::Replace { former, .. } => Some(former),
        Action::Create | Action::Update { .. } | Action::NoOp | Action::Delete { .. } => None,
    }
}

/// The plans of the lanes as one.
pub(crate) fn whole(plans: &BTreeMap<Lane, Plan>) -> Plan {
    let steps = plans.values().flat_map(|plan| plan.steps.clone());
    let not_yet = plans.values().flat_map(|plan| plan.not_yet.clone());
    let warnings = plans.values().flat_map(|plan| plan.warnings.clone());
    Plan {
        steps: steps.collect(),
        not_yet: not_yet.collect(),
        warnings: warnings.collect(),
    }
}

/// A plan, as it is shown.
pub(crate) fn view(stack: &StackId, id: Option<&str>, plan: &Plan) -> View {
    let components = belongs::components(plan);
    let replaced: BTreeMap<&ResourceKey, &ResourceKey> = plan
        .steps
        .iter()
        .filter_map(|(key, step)| Some((former_of(&step.action)?, key)))
        .collect();
    let mut ordered: Vec<(&belongs::Component, bool, &ResourceKey, &Step)> = plan
        .steps
        .iter()
        .filter_map(|(key, step)| Some((components.get(key)?, belongs::heart_of(key).is_none(), key, step)))
        .collect();
    // Each component's heart first.
    ordered.sort_by_key(|(component, is_other, key, _)| (*component, *is_other, *key));
    let steps = ordered.into_iter().map(|(component, _, key, step)| {
        let replaced_by = replaced.get(key).copied();
        step_view(plan, component, key, step, replaced_by)
    });
    let summary = Summary::of(plan.steps.iter().map(|(key, step)| (key, &step.action)));
    View {
        stack: stack.stack.clone(),
        environment: stack.environment.clone(),
        plan: id.map(str::to_owned),
        nothing_to_do: summary.is_nothing(),
        summary,
        steps: steps.collect(),
        kept: kept(plan),
        not_yet: plan.not_yet.clone(),
        warnings: plan.warnings.clone(),
    }
}

fn step_view(
    plan: &Plan,
    component: &belongs::Component,
    key: &ResourceKey,
    step: &Step,
    replaced_by: Option<&ResourceKey>,
) -> StepView {
    let resource = &step.resource;
    let mut view = StepView {
        key: key.clone(),
        component: component.to_string(),
        action: Doing::NoOp,
        changes: Vec::new(),
        former: None,
        order: None,
        replaced_by: replaced_by.cloned(),
        depends_on: step.depends_on.clone(),
        detail: None,
    };
    match &step.action {
        Action::Create => {
            view.action = Doing::Create;
            view.detail = facts::of_new(&resource.physical_name, &resource.properties);
        }
        Action::Update { changes } => {
            view.action = Doing::Update;
            view.changes = changes
                .iter()
                .map(|change| change_view(resource, change, true))
                .collect();
        }
        Action::Replace { changes, former } => {
            view.action = Doing::Replace;
            view.changes = changes
                .iter()
                .map(|change| change_view(resource, change, false))
                .collect();
            let old = plan.steps.get(former);
            view.order = Some(match old.is_some_and(|old| old.depends_on.contains(key)) {
                true => Order::CreateThenDelete,
                false => Order::DeleteThenCreate,
            });
            view.former = Some(former.clone());
            view.detail = old
                .and_then(|old| facts::of_old(&old.resource.properties))
                .map(str::to_owned);
        }
        Action::Delete { .. } => {
            view.action = Doing::Delete;
            view.detail = match (replaced_by, key.is_former()) {
                (None, true) => Some("left by a replacement that was cut off".to_owned()),
                (None | Some(_), _) => facts::of_old(&resource.properties).map(str::to_owned),
            };
        }
        Action::NoOp => {}
    }
    view
}

fn change_view(resource: &Resource, change: &Change, in_place: bool) -> ChangeView {
    ChangeView {
        change: change.clone(),
        in_window: in_place && change.effect != Effect::Replaces && waits(&resource.properties, change),
    }
}

/// Whether a change waits for the maintenance window: the document asks for that, and AWS can put it off.
///
/// Sources: "Settings for DB instances" in the RDS User Guide; ModifyDBCluster; ModifyReplicationGroup.
fn waits(properties: &Properties, change: &Change) -> bool {
    let property = change.property.split('.').next().unwrap_or_default();
    match properties {
        Properties::DbInstance(database) if database.apply == Apply::InWindow => match property {
            "class" | "engine_version" | "multi_az" | "storage_gib" | "storage_type" | "static_parameters" => true,
            // Only switching backups on or off restarts, and is put off.
            "backup_retention_days" => change.from == 0 || change.to == 0,
            _ => false,
        },
        // Capacity, windows, logs, the port and the like change at once.
        Properties::DbCluster(cluster) if cluster.apply == Apply::InWindow => property == "engine_version",
        Properties::ReplicationGroup(cache) if cache.apply == Apply::InWindow => {
            ["node_type", "engine_version", "automatic_failover"].contains(&property)
        }
        _ => false,
    }
}

/// What the plan's deletions leave: final snapshots, as RDS names them (one whose name is taken gets another ending), and
/// keys pending deletion.
fn kept(plan: &Plan) -> Vec<String> {
    plan.steps
        .values()
        .filter(|step| matches!(step.action, Action::Delete { .. }))
        .filter_map(|step| match &step.resource.properties {
            Properties::DbInstance(database) if database.final_snapshot => Some(format!(
                "{}-final-snapshot (final snapshot)",
                step.resource.physical_name
            )),
            Properties::DbCluster(cluster) if cluster.final_snapshot => Some(format!(
                "{}-final-snapshot (final snapshot)",
                step.resource.physical_name
            )),
            Properties::KmsKey(key) => Some(format!(
                "the key {} (for {} days, until AWS deletes it)",
                step.resource.key.current().name,
                key.deletion_window_days
            )),
            _ => None,
        })
        .collect()
}
