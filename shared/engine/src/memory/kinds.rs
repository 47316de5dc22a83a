//! What the cloud in memory knows of each kind.

use outrigger_model::properties::{Apply, Input};
use outrigger_model::{Kind, Properties, Resource};

use crate::ports::provider::Difference;

/// Whether one has the other's name, where names are unique: in a region, or within what it is a part of.
pub(super) fn has_name(one: &Resource, other: &Resource) -> bool {
    one.physical_name == other.physical_name && within(one) == within(other)
}

/// What a resource is a part of, and so has its name in.
pub(super) fn within(resource: &Resource) -> Option<&Input> {
    match &resource.properties {
        Properties::Route(route) => Some(&route.route_table),
        Properties::RouteTableAssociation(association) => Some(&association.subnet),
        Properties::SecurityGroup(group) => Some(&group.vpc),
        Properties::ApiStage(stage) => Some(&stage.api),
        Properties::UsagePlanKey(key) => Some(&key.plan),
        Properties::Listener(listener) => Some(&listener.load_balancer),
        Properties::ListenerRule(rule) => Some(&rule.listener),
        Properties::Target(target) => Some(&target.target_group),
        Properties::BackupSelection(selection) => Some(&selection.plan),
        _ => None,
    }
}

/// Two resources of one stack.
pub(super) fn is_ours_too(one: &Resource, other: &Resource) -> bool {
    use outrigger_model::resource::{TAG_ENVIRONMENT, TAG_STACK};
    [TAG_STACK, TAG_ENVIRONMENT]
        .iter()
        .all(|tag| one.tags.get(*tag) == other.tags.get(*tag))
}

pub(super) fn refers_to(properties: &Properties, id: &str) -> bool {
    serde_json::to_string(properties).is_ok_and(|json| json.contains(&format!("\"{id}\"")))
}

/// Where the properties differ, each by its own name.
pub(super) fn differences(wanted: &Properties, actual: &Properties) -> Vec<Difference> {
    let json = |properties| serde_json::to_value(properties).unwrap_or_default();
    let (wanted_json, actual_json) = (json(wanted), json(actual));
    PROPERTIES
        .iter()
        .filter_map(|name| {
            let of = |value: &serde_json::Value| value.get(*name).cloned().unwrap_or_default();
            let (wanted, actual) = (of(&wanted_json), of(&actual_json));
            (wanted != actual).then(|| Difference::new(name, &wanted, &actual))
        })
        .collect()
}

/// Every property that AWS knows of some kind: all but those that are Outrigger's alone.
const PROPERTIES: [&str; 110] = [
    "address",
    "allows",
    "api",
    "auth_secret",
    "automatic_failover",
    "backup_retention_days",
    "backup_window",
    "bucket",
    "burst",
    "capacity_acu_max",
    "capacity_acu_min",
    "cidr",
    "class",
    "cluster",
    "code",
    "comparison",
    "copied",
    "copies",
    "copy_of",
    "data_api",
    "database",
    "deletion_protection",
    "deployment",
    "deregistration_delay_seconds",
    "description",
    "destination",
    "dimensions",
    "encryption_key",
    "engine",
    "engine_version",
    "environment",
    "family",
    "function",
    "gateway",
    "global_cluster",
    "health_check",
    "host",
    "ingress",
    "key",
    "listener",
    "load_balancer",
    "log_exports",
    "maintenance_window",
    "managed_policies",
    "memory_mb",
    "method",
    "metric",
    "minor_upgrades",
    "missing_data",
    "monitoring_interval_seconds",
    "monitoring_role",
    "multi_az",
    "namespace",
    "nat_gateway",
    "node_type",
    "nodes",
    "parameter_group",
    "parameters",
    "path",
    "peer_region",
    "peer_vpc",
    "period_seconds",
    "periods",
    "plan",
    "point_in_time_recovery",
    "port",
    "priority",
    "private_dns",
    "protocol",
    "public_address_on_launch",
    "rate_per_second",
    "replicas",
    "resources",
    "retention_days",
    "retention_hours",
    "role",
    "rotation",
    "route_table",
    "route_tables",
    "routes",
    "scheme",
    "secret",
    "security_groups",
    "service",
    "shard_metrics",
    "shards",
    "sort_key",
    "stage",
    "statistic",
    "storage_gib",
    "storage_gib_max",
    "storage_type",
    "subnet",
    "subnet_group",
    "subnets",
    "target",
    "target_group",
    "targets",
    "threshold",
    "timeout_seconds",
    "tls",
    "type",
    "user",
    "username",
    "value",
    "vault",
    "vpc",
    "vpc_peering",
    "window_start",
    "zone",
];

/// Whether changes wait for the maintenance window.
pub(super) fn puts_off(properties: &Properties) -> bool {
    match properties {
        Properties::DbInstance(database) => database.apply == Apply::InWindow,
        Properties::DbCluster(cluster) => cluster.apply == Apply::InWindow,
        Properties::ReplicationGroup(cache) => cache.apply == Apply::InWindow,
        _ => false,
    }
}

pub(super) fn is_protected(properties: &Properties) -> bool {
    matches!(properties, Properties::DbInstance(database) if database.deletion_protection)
        || matches!(properties, Properties::DbCluster(cluster) if cluster.deletion_protection)
        || matches!(properties, Properties::Table(table) if table.deletion_protection)
        || matches!(properties, Properties::GlobalCluster(cluster) if cluster.deletion_protection)
}

/// How many calls a kind needs after the one that creates it, as over AWS.
pub(super) fn set_up_calls(kind: Kind) -> u32 {
    match kind {
        Kind::Vpc | Kind::KmsKey | Kind::Table => 2,
        Kind::InternetGateway
        | Kind::SecurityGroup
        | Kind::Subnet
        | Kind::Stream
        | Kind::RestApi
        | Kind::VpcPeering
        | Kind::Bucket
        | Kind::HealthCheck
        | Kind::TargetGroup => 1,
        Kind::ElasticIp
        | Kind::NatGateway
        | Kind::RouteTable
        | Kind::Route
        | Kind::RouteTableAssociation
        | Kind::VpcEndpoint
        | Kind::KmsAlias
        | Kind::DbSubnetGroup
        | Kind::DbParameterGroup
        | Kind::DbInstance
        | Kind::GlobalCluster
        | Kind::DbCluster
        | Kind::DbClusterInstance
        | Kind::CacheSubnetGroup
        | Kind::ReplicationGroup
        | Kind::Secret
        | Kind::SecretAttachment
        | Kind::BucketReplication
        | Kind::Role
        | Kind::ApiDeployment
        | Kind::ApiStage
        | Kind::UsagePlan
        | Kind::ApiKey
        | Kind::UsagePlanKey
        | Kind::ApiDomain
        | Kind::ApiMapping
        | Kind::EventBus
        | Kind::EventRule
        | Kind::EventTarget
        | Kind::GlobalEndpoint
        | Kind::Function
        | Kind::FunctionPermission
        | Kind::LoadBalancer
        | Kind::Listener
        | Kind::ListenerRule
        | Kind::Target
        | Kind::Parameter
        | Kind::BackupVault
        | Kind::BackupPlan
        | Kind::BackupSelection
        | Kind::Alarm
        | Kind::LogGroup
        | Kind::Topic
        | Kind::Subscription
        | Kind::Accelerator
        | Kind::AcceleratorListener
        | Kind::EndpointGroup
        | Kind::Dashboard => 0,
    }
}
