//! What an account may have of something, and whether a plan stays within it.

use std::collections::BTreeMap;

use outrigger_model::document::{Code, Problem};
use outrigger_model::properties::{LoadBalancerType, Reached};
use outrigger_model::{Kind, Properties, Region};
use serde::{Deserialize, Serialize};
use serde_json::Value;

use crate::plan::{Action, Plan, Step};

/// What an account may have of something in one region.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Quota {
    /// AWS's name for it, such as `VPCs per Region`.
    pub name: String,
    /// What counts against it.
    pub counts: Counted,
    /// How much it may have.
    pub limit: u64,
    /// How much it has.
    pub used: u64,
    /// The zone that it is of, where it holds zone by zone.
    #[serde(default)]
    pub zone: Option<String>,
}

/// What counts against a quota.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Counted {
    /// Every object of a kind in the region.
    Objects(Kind),
    /// Every object of a kind in one VPC; nothing is used in a VPC that is yet to be.
    ObjectsPerVpc(Kind),
    /// Every object of a kind whose subnet is in the quota's zone.
    ObjectsPerZone(Kind),
    /// Every object of a kind on one event bus; nothing is used on a bus that is yet to be.
    ObjectsPerBus(Kind),
    /// Every gateway endpoint in the region.
    GatewayEndpoints,
    /// Every interface endpoint in one VPC; nothing is used in a VPC that is yet to be.
    InterfaceEndpointsPerVpc,
    /// Every load balancer of a type in the region.
    LoadBalancers(LoadBalancerType),
    /// DB instances: databases, and the instances of clusters.
    DbInstances,
    /// The storage of databases, in GiB.
    StorageGib,
    /// The nodes of caches.
    CacheNodes,
    /// The open shards of streams.
    Shards,
}

/// The quotas that the plan would exceed in a region, each with how much it needs.
pub fn problems(plan: &Plan, region: &Region, quotas: &[Quota]) -> Vec<Problem> {
    quotas
        .iter()
        .filter_map(|quota| {
            let steps = || plan.steps.values().filter(|step| step.resource.key.region == *region);
            let (needed, used) = match quota.counts {
                // What a deletion frees may be free too late.
                Counted::Objects(kind) => (steps().filter(|step| creates(step, kind)).count() as u64, quota.used),
                Counted::DbInstances => {
                    let kinds = [Kind::DbInstance, Kind::DbClusterInstance];
                    let new = steps().filter(|step| kinds.iter().any(|kind| creates(step, *kind)));
                    (new.count() as u64, quota.used)
                }
                Counted::LoadBalancers(of) => {
                    let new = steps().filter(|step| creates(step, Kind::LoadBalancer) && is_of_type(step, of));
                    (new.count() as u64, quota.used)
                }
                Counted::ObjectsPerVpc(kind) => {
                    let stays = |step: &&Step| step.resource.key.kind == kind && !is_delete(step);
                    (steps().filter(stays).count() as u64, 0)
                }
                Counted::ObjectsPerBus(kind) => {
                    let mut of_buses: BTreeMap<&str, u64> = BTreeMap::new();
                    for step in steps().filter(|step| step.resource.key.kind == kind && !is_delete(step)) {
                        // What is on a bus is named after it and a dot.
                        let bus = step.resource.key.name.split('.').next().unwrap_or_default();
                        *of_buses.entry(bus).or_default() += 1;
                    }
                    (of_buses.into_values().max().unwrap_or_default(), 0)
                }
                Counted::ObjectsPerZone(kind) => {
                    let in_zone = |step: &&Step| creates(step, kind) && zone_of(plan, step) == quota.zone.as_deref();
                    (steps().filter(in_zone).count() as u64, quota.used)
                }
                Counted::GatewayEndpoints => {
                    let new = |step: &&Step| creates(step, Kind::VpcEndpoint) && is_gateway_endpoint(step);
                    (steps().filter(new).count() as u64, quota.used)
                }
                Counted::InterfaceEndpointsPerVpc => {
                    let stays = |step: &&Step| {
                        step.resource.key.kind == Kind::VpcEndpoint && !is_gateway_endpoint(step) && !is_delete(step)
                    };
                    (steps().filter(stays).count() as u64, 0)
                }
                Counted::StorageGib | Counted::CacheNodes | Counted::Shards => {
                    (steps().map(|step| more(step, quota.counts)).sum(), quota.used)
                }
            };
            (needed > 0 && used + needed > quota.limit).then(|| {
                Problem::at(
                    Code::Quota,
                    format!("quotas.{}", quota.name),
                    format!(
                        "{needed} more are needed in {region}, where the account has {used} and may have {}; ask for \
                         at least {} in the console of Service Quotas, or make room",
                        quota.limit,
                        used + needed
                    ),
                )
            })
        })
        .collect()
}

/// The zone of the subnet that a step's resource is in.
fn zone_of<'a>(plan: &'a Plan, step: &Step) -> Option<&'a str> {
    let needed = step.resource.depends_on.iter().filter_map(|key| plan.steps.get(key));
    needed
        .filter_map(|step| match &step.resource.properties {
            Properties::Subnet(subnet) => Some(subnet.zone.as_str()),
            _ => None,
        })
        .next()
}

fn is_gateway_endpoint(step: &Step) -> bool {
    matches!(&step.resource.properties, Properties::VpcEndpoint(endpoint) if matches!(endpoint.reached, Reached::Gateway { .. }))
}

fn is_of_type(step: &Step, of: LoadBalancerType) -> bool {
    matches!(&step.resource.properties, Properties::LoadBalancer(balancer) if balancer.load_balancer_type == of)
}

fn is_delete(step: &Step) -> bool {
    matches!(step.action, Action::Delete { .. })
}

fn creates(step: &Step, kind: Kind) -> bool {
    step.resource.key.kind == kind && matches!(step.action, Action::Create | Action::Replace { .. })
}

/// How much more a step needs of what is counted.
fn more(step: &Step, counted: Counted) -> u64 {
    let (property, whole) = match (&step.resource.properties, counted) {
        (Properties::DbInstance(database), Counted::StorageGib) => ("storage_gib", u64::from(database.storage_gib)),
        (Properties::ReplicationGroup(cache), Counted::CacheNodes) => ("nodes", u64::from(cache.nodes)),
        (Properties::Stream(stream), Counted::Shards) => ("shards", u64::from(stream.shards)),
        _ => return 0,
    };
    match &step.action {
        Action::Create | Action::Replace { .. } => whole,
        Action::Update { changes } => changes
            .iter()
            .filter(|change| change.property == property)
            .map(|change| {
                let number = |value: &Value| value.as_u64().unwrap_or_default();
                number(&change.to).saturating_sub(number(&change.from))
            })
            .sum(),
        Action::NoOp | Action::Delete { .. } => 0,
    }
}
