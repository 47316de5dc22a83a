//! Which component of the document each step's resource belongs to.

use std::collections::BTreeMap;
use std::fmt;

use outrigger_model::{Kind, Lane, ResourceKey};
use outrigger_plan::{Plan, Step};

/// A part of the document, in the order in which they are shown.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) enum Component {
    /// The network.
    Network,
    /// A key.
    Key(String),
    /// A stream.
    Stream(String),
    /// A cache.
    Cache(String),
    /// A database.
    Database(String),
    /// A cluster.
    Cluster(String),
    /// A topic.
    Topic(String),
    /// An API.
    Api(String),
    /// A function.
    Function(String),
    /// A table.
    Table(String),
    /// A bucket.
    Bucket(String),
    /// A gate.
    Gate(String),
    /// An event bus.
    Bus(String),
    /// An accelerator.
    Accelerator(String),
    /// The health checks of a gate.
    HealthCheck(String),
    /// A dashboard.
    Dashboard(String),
    /// A parameter.
    Parameter(String),
    /// Backups.
    Backup(String),
    /// What cannot be told.
    Other(Lane),
}

impl fmt::Display for Component {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Component::Network => formatter.write_str("network"),
            Component::Key(name) => write!(formatter, "keys.{name}"),
            Component::Stream(name) => write!(formatter, "streams.{name}"),
            Component::Cache(name) => write!(formatter, "caches.{name}"),
            Component::Database(name) => write!(formatter, "databases.{name}"),
            Component::Cluster(name) => write!(formatter, "clusters.{name}"),
            Component::Topic(name) => write!(formatter, "topics.{name}"),
            Component::Api(name) => write!(formatter, "apis.{name}"),
            Component::Function(name) => write!(formatter, "functions.{name}"),
            Component::Table(name) => write!(formatter, "tables.{name}"),
            Component::Bucket(name) => write!(formatter, "buckets.{name}"),
            Component::Gate(name) => write!(formatter, "gates.{name}"),
            Component::Bus(name) => write!(formatter, "buses.{name}"),
            Component::Accelerator(name) => write!(formatter, "accelerators.{name}"),
            Component::HealthCheck(name) => write!(formatter, "health_checks.{name}"),
            Component::Dashboard(name) => write!(formatter, "dashboards.{name}"),
            Component::Parameter(name) => write!(formatter, "parameters.{name}"),
            Component::Backup(name) => write!(formatter, "backups.{name}"),
            Component::Other(lane) => lane.fmt(formatter),
        }
    }
}

/// The component that a resource is the heart of: its database, cluster, cache, stream, topic, API, function, table or bucket.
pub(crate) fn heart_of(key: &ResourceKey) -> Option<Component> {
    let name = key.current().name;
    match key.kind {
        Kind::DbInstance => Some(Component::Database(name)),
        Kind::GlobalCluster | Kind::DbCluster => Some(Component::Cluster(name)),
        Kind::ReplicationGroup => Some(Component::Cache(name)),
        Kind::Stream => Some(Component::Stream(name)),
        Kind::Topic => Some(Component::Topic(name)),
        Kind::Function => Some(match name.split_once('.') {
            // What is within a gate is named after it and a dot.
            Some((gate, _)) => Component::Gate(gate.to_owned()),
            None => Component::Function(name),
        }),
        Kind::Table => Some(Component::Table(name)),
        Kind::Bucket | Kind::BucketReplication => Some(Component::Bucket(name)),
        Kind::Parameter => Some(Component::Parameter(name)),
        Kind::BackupVault | Kind::BackupPlan | Kind::BackupSelection => Some(Component::Backup(name)),
        Kind::EventBus | Kind::EventRule | Kind::EventTarget | Kind::GlobalEndpoint => {
            // What is on a bus is named after it and a dot.
            let bus = name.split('.').next().unwrap_or_default();
            Some(Component::Bus(bus.to_owned()))
        }
        Kind::RestApi
        | Kind::ApiDeployment
        | Kind::ApiStage
        | Kind::UsagePlan
        | Kind::ApiKey
        | Kind::UsagePlanKey
        | Kind::ApiDomain
        | Kind::ApiMapping => {
            // What is within an API is named after it and a dot.
            let api = name.split('.').next().unwrap_or_default();
            Some(Component::Api(api.to_owned()))
        }
        Kind::LoadBalancer | Kind::TargetGroup | Kind::Listener | Kind::ListenerRule | Kind::Target => {
            let gate = name.split('.').next().unwrap_or_default();
            Some(Component::Gate(gate.to_owned()))
        }
        Kind::Accelerator => Some(Component::Accelerator(name)),
        // What there is one of for each region is named after it, a dot and the region.
        Kind::HealthCheck => {
            let check = name.split('.').next().unwrap_or_default();
            Some(Component::HealthCheck(check.to_owned()))
        }
        Kind::Vpc
        | Kind::Subnet
        | Kind::InternetGateway
        | Kind::ElasticIp
        | Kind::NatGateway
        | Kind::RouteTable
        | Kind::Route
        | Kind::RouteTableAssociation
        | Kind::VpcPeering
        | Kind::SecurityGroup
        | Kind::VpcEndpoint
        | Kind::KmsKey
        | Kind::KmsAlias
        | Kind::DbSubnetGroup
        | Kind::DbParameterGroup
        | Kind::DbClusterInstance
        | Kind::Role
        | Kind::CacheSubnetGroup
        | Kind::Secret
        | Kind::SecretAttachment
        | Kind::Alarm
        | Kind::FunctionPermission
        | Kind::LogGroup
        | Kind::Subscription
        | Kind::AcceleratorListener
        | Kind::EndpointGroup
        | Kind::Dashboard => None,
    }
}

/// The component of each step's resource, told by what depends on what: what a database needs belongs to it, and so does
/// what watches it.
pub(crate) fn components(plan: &Plan) -> BTreeMap<&ResourceKey, Component> {
    let mut needed_by: BTreeMap<ResourceKey, Component> = BTreeMap::new();
    for (key, step) in &plan.steps {
        if let Some(component) = heart_of(key) {
            for needed in &step.resource.depends_on {
                needed_by.insert(needed.current(), component.clone());
            }
        }
    }
    let component = |key: &ResourceKey, step: &Step| {
        let own = heart_of(key)
            .or_else(|| key_of(key))
            .or_else(|| own(key))
            .or_else(|| is_of_network(key.kind).then_some(Component::Network));
        own.or_else(|| needed_by.get(&key.current()).cloned())
            .or_else(|| step.resource.depends_on.iter().find_map(heart_of))
            // A deletion waits for what has used it until now.
            .or_else(|| step.depends_on.iter().find_map(heart_of))
            .or_else(|| by_name(key))
            .unwrap_or(Component::Other(key.kind.lane()))
    };
    plan.steps
        .iter()
        .map(|(key, step)| (key, component(key, step)))
        .collect()
}

/// What uses other components without being theirs, and is not what they need.
fn own(key: &ResourceKey) -> Option<Component> {
    let name = key.current().name;
    if matches!(key.kind, Kind::AcceleratorListener | Kind::EndpointGroup) {
        let accelerator = name.split('.').next().unwrap_or_default();
        return Some(Component::Accelerator(accelerator.to_owned()));
    }
    (key.kind == Kind::Dashboard).then_some(Component::Dashboard(name))
}

/// A key is its own, whoever uses it.
fn key_of(key: &ResourceKey) -> Option<Component> {
    matches!(key.kind, Kind::KmsKey | Kind::KmsAlias).then(|| Component::Key(key.current().name))
}

fn is_of_network(kind: Kind) -> bool {
    kind.lane() == Lane::Network && kind != Kind::SecurityGroup
}

/// Where nothing that it belongs to is left.
fn by_name(key: &ResourceKey) -> Option<Component> {
    let name = key.current().name;
    match key.kind {
        Kind::DbSubnetGroup | Kind::Secret | Kind::SecretAttachment => Some(Component::Database(name)),
        Kind::CacheSubnetGroup => Some(Component::Cache(name)),
        Kind::DbClusterInstance => {
            let (cluster, _) = name.rsplit_once('-')?;
            Some(Component::Cluster(cluster.to_owned()))
        }
        Kind::Role | Kind::LogGroup if name.ends_with(".function") || name.ends_with(".logs") => {
            let (function, _) = name.rsplit_once('.')?;
            Some(Component::Function(function.to_owned()))
        }
        Kind::Role if name.ends_with(".replication") => {
            let (bucket, _) = name.split_once('.')?;
            Some(Component::Bucket(bucket.to_owned()))
        }
        Kind::Role if name.contains('_') => {
            let backups = name.strip_prefix("backup_")?;
            Some(Component::Backup(backups.to_owned()))
        }
        Kind::Role if name.contains('.') => {
            let (api, _) = name.split_once('.')?;
            Some(Component::Api(api.to_owned()))
        }
        Kind::DbParameterGroup | Kind::Role | Kind::LogGroup => {
            let (database, _) = name.rsplit_once('-')?;
            Some(Component::Database(database.to_owned()))
        }
        Kind::Vpc
        | Kind::Subnet
        | Kind::InternetGateway
        | Kind::ElasticIp
        | Kind::NatGateway
        | Kind::RouteTable
        | Kind::Route
        | Kind::RouteTableAssociation
        | Kind::VpcPeering
        | Kind::SecurityGroup
        | Kind::VpcEndpoint
        | Kind::KmsKey
        | Kind::KmsAlias
        | Kind::DbInstance
        | Kind::GlobalCluster
        | Kind::DbCluster
        | Kind::ReplicationGroup
        | Kind::Stream
        | Kind::Table
        | Kind::Bucket
        | Kind::BucketReplication
        | Kind::RestApi
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
        | Kind::TargetGroup
        | Kind::Listener
        | Kind::ListenerRule
        | Kind::Target
        | Kind::Parameter
        | Kind::BackupVault
        | Kind::BackupPlan
        | Kind::BackupSelection
        | Kind::Alarm
        | Kind::Topic
        | Kind::Subscription
        | Kind::Accelerator
        | Kind::AcceleratorListener
        | Kind::EndpointGroup
        | Kind::HealthCheck
        | Kind::Dashboard => None,
    }
}
