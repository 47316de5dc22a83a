//! The plan: what is to be done with each resource, and after what.

use std::collections::{BTreeMap, BTreeSet};

use ipnet::Ipv4Net;
use outrigger_model::document::{Code, Problem};
use outrigger_model::properties::Reference;
use outrigger_model::{Kind, Lane, Properties, Record, Resource, ResourceKey, UnixMs};
use serde::{Deserialize, Serialize};
use serde_json::Value;

use crate::change::{Change, Circumstances, Effect, changes};
use crate::graph::{Graph, order};
use crate::not_yet::NotYet;
use crate::resolve::resolve_value;
use crate::warning::Warning;

/// What is recorded of a stack's resources.
pub type Records = BTreeMap<ResourceKey, Record>;

/// What is to be done with one resource.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case", tag = "action")]
pub enum Action {
    /// Create it, or go on with a creation that was begun.
    Create,
    /// Change it in place.
    Update {
        /// What changes.
        changes: Vec<Change>,
    },
    /// Create another in its place. The one that is there goes on under the key `former`, whose step deletes it.
    Replace {
        /// What changes; at least one of them forces it.
        changes: Vec<Change>,
        /// What the object that is there is recorded as from now on.
        former: ResourceKey,
    },
    /// Nothing; see that it is still there.
    NoOp,
    /// Delete it.
    Delete {
        /// Whether AWS's own protection against deletion is switched off first: what an operation made itself goes with it.
        #[serde(default)]
        unprotect: bool,
    },
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
    /// What the document asks for, and no step does.
    #[serde(default, skip_serializing_if = "BTreeSet::is_empty")]
    pub not_yet: BTreeSet<NotYet>,
    /// What is done as the document asks for it, and may not be meant.
    #[serde(default, skip_serializing_if = "BTreeSet::is_empty")]
    pub warnings: BTreeSet<Warning>,
}

impl Plan {
    /// The steps of one lane, with everything that is not done yet or better thought over.
    pub fn lane(&self, lane: Lane) -> Plan {
        Plan {
            steps: self
                .steps
                .iter()
                .filter(|(key, _)| key.kind.lane() == lane)
                .map(|(key, step)| (key.clone(), step.clone()))
                .collect(),
            not_yet: self.not_yet.clone(),
            warnings: self.warnings.clone(),
        }
    }

    /// Each step with what must be done before it.
    pub fn dependencies(&self) -> impl Iterator<Item = (&ResourceKey, &BTreeSet<ResourceKey>)> + Clone {
        self.steps.iter().map(|(key, step)| (key, &step.depends_on))
    }

    /// The buckets that are deleted, and that their document does not allow to be emptied: whether there is something in
    /// them, only S3 can tell.
    pub fn empty_at_most(&self) -> impl Iterator<Item = &ResourceKey> {
        let steps = self.steps.iter();
        steps
            .filter(|(_, step)| matches!(step.action, Action::Delete { .. }))
            .filter(|(_, step)| matches!(&step.resource.properties, Properties::Bucket(bucket) if !bucket.force_empty))
            .map(|(key, _)| key)
    }

    /// Whether there is nothing to do.
    pub fn is_nothing_to_do(&self) -> bool {
        self.steps.values().all(|step| step.action == Action::NoOp)
    }
}

/// What becomes of resources that are protected from deletion and are to go.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Protection {
    /// The plan is refused.
    Heeded,
    /// It is switched off: a rollback takes back what the operation itself has made.
    SwitchedOff,
}

/// The plan that converges what is recorded to the graph.
///
/// # Errors
/// Every change that cannot be made, each with the property and what to do.
pub fn provision(
    graph: &Graph,
    records: &Records,
    protection: Protection,
    now_ms: UnixMs,
) -> Result<Plan, Vec<Problem>> {
    match draft(graph, records, protection, now_ms) {
        (plan, problems) if problems.is_empty() => Ok(plan),
        (_, problems) => Err(problems),
    }
}

/// The plan that converges what is recorded to the graph, as far as there is one, and every change that cannot be made.
///
/// Only without such problems it is whole: with them it serves for nothing but to find what else is wrong.
pub fn draft(graph: &Graph, records: &Records, protection: Protection, now_ms: UnixMs) -> (Plan, Vec<Problem>) {
    let mut planner = Planner {
        records,
        plan: Plan::default(),
        renewed: BTreeSet::new(),
        new_subnets: Vec::new(),
        vpcs: BTreeMap::new(),
        leaving: BTreeMap::new(),
        problems: Vec::new(),
        now_ms,
    };
    let order = match graph.order() {
        Ok(order) => order,
        Err(defect) => return (Plan::default(), vec![Problem::at(Code::Change, "", defect)]),
    };
    for key in order {
        if let Some(resource) = graph.resources.get(key) {
            planner.add(resource);
        }
    }
    for (key, record) in records.iter().filter(|(key, _)| !graph.resources.contains_key(*key)) {
        planner.leaving.insert(key.clone(), record.resource.clone());
    }
    planner.finish(protection)
}

/// The plan that deletes everything that is recorded.
///
/// # Errors
/// Every resource that is protected, and how to switch that off.
pub fn destroy(records: &Records, protection: Protection) -> Result<Plan, Vec<Problem>> {
    provision(&Graph::default(), records, protection, 0)
}

/// The plan that only looks at everything that is recorded.
pub fn inspection(records: &Records) -> Plan {
    let steps = records.iter().map(|(key, record)| {
        let step = Step {
            action: Action::NoOp,
            resource: record.resource.clone(),
            depends_on: BTreeSet::new(),
        };
        (key.clone(), step)
    });
    Plan {
        steps: steps.collect(),
        ..Plan::default()
    }
}

struct Planner<'a> {
    records: &'a Records,
    plan: Plan,
    /// What is created or replaced: its attributes are not known yet.
    renewed: BTreeSet<ResourceKey>,
    /// The subnets that are created or replaced, with their ranges.
    new_subnets: Vec<(ResourceKey, Ipv4Net)>,
    /// The VPC of each subnet, security group and endpoint, as far as it is known.
    vpcs: BTreeMap<ResourceKey, String>,
    /// What is to be deleted, by the keys it is recorded under from now on.
    leaving: BTreeMap<ResourceKey, Resource>,
    problems: Vec<Problem>,
    now_ms: UnixMs,
}

impl Planner<'_> {
    /// Adds the step of a resource that the document wants; what it depends on has been added before.
    fn add(&mut self, resource: &Resource) {
        let key = &resource.key;
        let wanted = self.resolved(resource);
        if let Some(vpc) = vpc_of(&resource.properties)
            .and_then(|_| wanted.get("vpc"))
            .and_then(Value::as_str)
        {
            self.vpcs.insert(key.clone(), vpc.to_owned());
        }
        let action = match self.records.get(key) {
            None => Ok(Action::Create),
            Some(record) => self.action(resource, &wanted, record),
        };
        let action = match action {
            Ok(action) => action,
            Err(problems) => {
                self.problems.extend(problems);
                return;
            }
        };
        if matches!(action, Action::Create | Action::Replace { .. }) {
            if !self.is_begun(key, &action) {
                self.renewed.insert(key.clone());
            }
            if let Properties::Subnet(subnet) = &resource.properties {
                self.new_subnets.push((key.clone(), subnet.cidr));
            }
        }
        if let (Action::Replace { former, .. }, Some(record)) = (&action, self.records.get(key)) {
            let mut left = record.resource.clone();
            left.key = former.clone();
            self.leaving.insert(former.clone(), left);
        }
        let step = Step {
            action,
            depends_on: resource.depends_on.clone(),
            resource: resource.clone(),
        };
        self.plan.steps.insert(key.clone(), step);
    }

    /// Whether a creation was begun before and goes on: what is known of it stays as it is.
    fn is_begun(&self, key: &ResourceKey, action: &Action) -> bool {
        *action == Action::Create && self.records.get(key).is_some_and(|record| record.id.is_some())
    }

    /// What is wanted, with its references as far as they are known.
    fn resolved(&self, resource: &Resource) -> Value {
        let known = |reference: &Reference| match self.renewed.contains(&reference.resource) {
            true => None,
            false => attribute_of(self.records, reference),
        };
        resolve_value(&resource.properties, |reference| {
            let value = known(reference).unwrap_or_else(|| format!("(known after {})", reference.resource));
            Value::String(value)
        })
    }

    fn action(&self, resource: &Resource, wanted: &Value, record: &Record) -> Result<Action, Vec<Problem>> {
        let key = &resource.key;
        let circumstances = Circumstances {
            key,
            record,
            now_ms: self.now_ms,
        };
        let (changes, mut problems) = changes(&circumstances, wanted, &resource.tags);
        let replaces = changes.iter().any(|change| change.effect == Effect::Replaces);
        if replaces && let Err(found) = may_be_replaced(resource, record, &changes) {
            problems.extend(found);
        }
        if !problems.is_empty() {
            return Err(problems);
        }
        if replaces {
            return Ok(Action::Replace {
                changes,
                former: self.free_former(key),
            });
        }
        Ok(if !record.ready {
            Action::Create
        } else if changes.is_empty() {
            Action::NoOp
        } else {
            Action::Update { changes }
        })
    }

    /// A key for what a replacement leaves behind; an earlier one may not be deleted yet.
    fn free_former(&self, key: &ResourceKey) -> ResourceKey {
        let mut number = 1;
        while self.records.contains_key(&key.former(number)) {
            number += 1;
        }
        key.former(number)
    }

    /// Adds the steps that delete, and orders them among the others.
    fn finish(mut self, protection: Protection) -> (Plan, Vec<Problem>) {
        if protection == Protection::Heeded {
            let protected = self.leaving.iter().filter(|(_, resource)| is_protected(resource));
            self.problems.extend(protected.map(|(key, _)| {
                Problem::at(
                    Code::Protected,
                    key.current().to_string(),
                    "is protected from deletion; set `deletion_protection: false` in the document, run `outrigger up` \
                     with it, then try again",
                )
            }));
        }
        let makes_way: BTreeSet<ResourceKey> = self
            .leaving
            .iter()
            .filter(|(key, left)| self.must_make_way(key, left))
            .map(|(key, _)| key.clone())
            .collect();
        let hanging = self.hanging();
        for (key, resource) in &self.leaving {
            let mut depends_on = BTreeSet::new();
            for dependent in hanging.get(&key.current()).into_iter().flatten() {
                if self.leaving.contains_key(dependent) {
                    let may_stay = makes_way.contains(key) && is_route_to_nat_gateway(dependent, key);
                    if !is_between_members(dependent, key) && !may_stay {
                        depends_on.insert(dependent.clone());
                    }
                } else if !makes_way.contains(key) && self.plan.steps.contains_key(dependent) {
                    // Until its step is done it holds on to what is to go.
                    depends_on.insert(dependent.clone());
                }
            }
            let successor = key.is_former().then(|| key.current());
            if let Some(successor) = successor.filter(|successor| self.plan.steps.contains_key(successor))
                && !makes_way.contains(key)
            {
                depends_on.insert(successor);
            }
            depends_on.remove(key);
            let step = Step {
                action: Action::Delete {
                    unprotect: protection == Protection::SwitchedOff,
                },
                resource: resource.clone(),
                depends_on,
            };
            self.plan.steps.insert(key.clone(), step);
        }
        for way in &makes_way {
            for taker in self.takers(way) {
                if let Some(step) = self.plan.steps.get_mut(&taker) {
                    step.depends_on.insert(way.clone());
                }
            }
        }
        if self.problems.is_empty()
            && let Err(defect) = order(self.plan.dependencies())
        {
            let message = format!("these changes cannot be made in one go ({defect}); make them one after the other");
            self.problems.push(Problem::at(Code::Change, "", message));
        }
        (self.plan, self.problems)
    }

    /// What is recorded as depending on each resource, by the keys it is recorded under from now on.
    fn hanging(&self) -> BTreeMap<ResourceKey, BTreeSet<ResourceKey>> {
        let mut hanging: BTreeMap<ResourceKey, BTreeSet<ResourceKey>> = BTreeMap::new();
        let mut add = |key: &ResourceKey, resource: &Resource| {
            for dependency in &resource.depends_on {
                hanging.entry(dependency.current()).or_default().insert(key.clone());
            }
        };
        for (key, resource) in &self.leaving {
            add(key, resource);
        }
        for (key, record) in self.records {
            // What is replaced hangs on under its former key only.
            let is_replaced = matches!(
                self.plan.steps.get(key).map(|step| &step.action),
                Some(Action::Replace { .. })
            );
            if !is_replaced && !self.leaving.contains_key(key) {
                add(key, &record.resource);
            }
        }
        hanging
    }

    /// Whether something else is created in the place of what leaves: under its name, or in its address range.
    fn must_make_way(&self, key: &ResourceKey, left: &Resource) -> bool {
        !self.takers_of(key, left).is_empty()
    }

    fn takers(&self, way: &ResourceKey) -> Vec<ResourceKey> {
        match self.leaving.get(way) {
            Some(left) => self.takers_of(way, left),
            None => Vec::new(),
        }
    }

    fn takers_of(&self, key: &ResourceKey, left: &Resource) -> Vec<ResourceKey> {
        let in_the_same_vpc =
            |other: &ResourceKey| self.vpcs.get(other).map(String::as_str) == vpc_of(&left.properties);
        match &left.properties {
            // Two subnets of one VPC cannot overlap.
            Properties::Subnet(subnet) => self
                .new_subnets
                .iter()
                .filter(|(_, new)| new.contains(&subnet.cidr) || subnet.cidr.contains(new))
                .filter(|(other, _)| in_the_same_vpc(other))
                .map(|(other, _)| other.clone())
                .collect(),
            // They are found by an id of their own, or by what they connect.
            Properties::Vpc(_)
            | Properties::InternetGateway(_)
            | Properties::ElasticIp(_)
            | Properties::RouteTable(_)
            | Properties::Route(_)
            | Properties::RouteTableAssociation(_)
            | Properties::RestApi(_)
            | Properties::ApiDeployment(_)
            | Properties::ApiStage(_)
            | Properties::UsagePlan(_)
            | Properties::ApiKey(_)
            | Properties::UsagePlanKey(_)
            | Properties::Accelerator(_)
            | Properties::AcceleratorListener(_)
            | Properties::EndpointGroup(_)
            | Properties::HealthCheck(_)
            | Properties::BackupPlan(_)
            // Their names, which are unique, are parts of their keys.
            | Properties::ApiDomain(_)
            | Properties::ApiMapping(_)
            | Properties::VpcPeering(_) => Vec::new(),
            // The service's name leads to one endpoint of a VPC.
            Properties::VpcEndpoint(_) if !in_the_same_vpc(&key.current()) => Vec::new(),
            // Its name is unique within its VPC.
            Properties::SecurityGroup(_) if !in_the_same_vpc(&key.current()) => Vec::new(),
            Properties::SecurityGroup(_)
            // Its address goes on to the next one.
            | Properties::NatGateway(_)
            | Properties::VpcEndpoint(_)
            | Properties::KmsKey(_)
            | Properties::KmsAlias(_)
            | Properties::DbSubnetGroup(_)
            | Properties::DbParameterGroup(_)
            | Properties::DbInstance(_)
            | Properties::Table(_)
            | Properties::Bucket(_)
            | Properties::BucketReplication(_)
            | Properties::GlobalCluster(_)
            | Properties::DbCluster(_)
            | Properties::DbClusterInstance(_)
            | Properties::Role(_)
            | Properties::Function(_)
            | Properties::FunctionPermission(_)
            | Properties::CacheSubnetGroup(_)
            | Properties::ReplicationGroup(_)
            | Properties::Stream(_)
            | Properties::Secret(_)
            | Properties::SecretAttachment(_)
            | Properties::LoadBalancer(_)
            | Properties::TargetGroup(_)
            // They are replaced only with what they are a part of, which has a name.
            | Properties::Listener(_)
            | Properties::ListenerRule(_)
            | Properties::Target(_)
            | Properties::Parameter(_)
            | Properties::BackupVault(_)
            | Properties::BackupSelection(_)
            | Properties::EventBus(_)
            | Properties::EventRule(_)
            | Properties::EventTarget(_)
            | Properties::GlobalEndpoint(_)
            | Properties::Alarm(_)
            | Properties::LogGroup(_)
            | Properties::Topic(_)
            | Properties::Dashboard(_)
            | Properties::Subscription(_) => {
                let successor = key.current();
                let is_new = |step: &Step| matches!(step.action, Action::Create | Action::Replace { .. });
                (key.is_former() && self.plan.steps.get(&successor).is_some_and(is_new))
                    .then_some(successor)
                    .into_iter()
                    .collect()
            }
        }
    }
}

/// The VPC that a recorded subnet, security group or endpoint is in.
fn vpc_of(properties: &Properties) -> Option<&str> {
    match properties {
        Properties::Subnet(subnet) => Some(subnet.vpc.text()),
        Properties::SecurityGroup(group) => Some(group.vpc.text()),
        Properties::VpcEndpoint(endpoint) => Some(endpoint.vpc.text()),
        _ => None,
    }
}

/// A route holds on to no NAT gateway, and one that is replaced waits for the route that takes its place, which waits for
/// the gateway's address: the gateway that has it must not wait for the route.
fn is_route_to_nat_gateway(dependent: &ResourceKey, key: &ResourceKey) -> bool {
    dependent.kind == Kind::Route && key.kind == Kind::NatGateway
}

/// Which member of a global database goes first depends on which one writes by then, and not on which one was created first:
/// so in the plan none waits for one in another region. Where the one that writes must wait, it does when it is to go.
fn is_between_members(dependent: &ResourceKey, key: &ResourceKey) -> bool {
    let is_member = |key: &ResourceKey| [Kind::DbCluster, Kind::DbClusterInstance].contains(&key.kind);
    dependent.region != key.region && is_member(dependent) && is_member(key)
}

fn is_protected(resource: &Resource) -> bool {
    let properties = &resource.properties;
    matches!(properties, Properties::DbInstance(database) if database.deletion_protection)
        || matches!(properties, Properties::DbCluster(cluster) if cluster.deletion_protection)
        || matches!(properties, Properties::Table(table) if table.deletion_protection)
        || matches!(properties, Properties::GlobalCluster(cluster) if cluster.deletion_protection)
}

/// What holds data is replaced only when its document says that it may be.
fn may_be_replaced(resource: &Resource, record: &Record, changes: &[Change]) -> Result<(), Vec<Problem>> {
    let allowed = match &resource.properties {
        Properties::DbInstance(database) => database.allow_replace,
        Properties::DbCluster(cluster) => cluster.allow_replace,
        Properties::ReplicationGroup(cache) => cache.allow_replace,
        Properties::Table(table) => table.allow_replace,
        Properties::Vpc(_)
        | Properties::Subnet(_)
        | Properties::InternetGateway(_)
        | Properties::ElasticIp(_)
        | Properties::NatGateway(_)
        | Properties::RouteTable(_)
        | Properties::Route(_)
        | Properties::RouteTableAssociation(_)
        | Properties::VpcPeering(_)
        | Properties::SecurityGroup(_)
        | Properties::VpcEndpoint(_)
        | Properties::KmsKey(_)
        | Properties::KmsAlias(_)
        | Properties::DbSubnetGroup(_)
        | Properties::DbParameterGroup(_)
        // They hold no data of their own.
        | Properties::GlobalCluster(_)
        | Properties::DbClusterInstance(_)
        | Properties::Role(_)
        | Properties::CacheSubnetGroup(_)
        | Properties::Stream(_)
        | Properties::Secret(_)
        | Properties::SecretAttachment(_)
        | Properties::RestApi(_)
        | Properties::ApiDeployment(_)
        | Properties::ApiStage(_)
        | Properties::UsagePlan(_)
        | Properties::ApiKey(_)
        | Properties::UsagePlanKey(_)
        | Properties::Function(_)
        | Properties::FunctionPermission(_)
        // Never replaced.
        | Properties::Bucket(_)
        | Properties::BucketReplication(_)
        | Properties::LoadBalancer(_)
        | Properties::TargetGroup(_)
        | Properties::Listener(_)
        | Properties::ListenerRule(_)
        | Properties::Target(_)
        | Properties::Parameter(_)
        | Properties::BackupVault(_)
        | Properties::BackupPlan(_)
        | Properties::BackupSelection(_)
        | Properties::ApiDomain(_)
        | Properties::ApiMapping(_)
        | Properties::EventBus(_)
        | Properties::EventRule(_)
        | Properties::EventTarget(_)
        | Properties::GlobalEndpoint(_)
        | Properties::Alarm(_)
        | Properties::LogGroup(_)
        | Properties::Topic(_)
        | Properties::Subscription(_)
        | Properties::Accelerator(_)
        | Properties::AcceleratorListener(_)
        | Properties::EndpointGroup(_)
        | Properties::HealthCheck(_)
        | Properties::Dashboard(_) => true,
    };
    if allowed || !record.seen {
        return Ok(());
    }
    Err(changes
        .iter()
        .filter(|change| change.effect == Effect::Replaces)
        .map(|change| {
            Problem::at(
                Code::Change,
                format!("{}.{}", resource.key, change.property),
                format!(
                    "AWS cannot change it from {} to {} on what is there: it would be deleted, with everything in it, and \
                     created anew; undo the change, or say `allow_replace: true` on the component",
                    change.from, change.to
                ),
            )
        })
        .collect())
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
