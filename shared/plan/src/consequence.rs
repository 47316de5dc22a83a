//! What it means to change a property of a document: which resources' properties it becomes, and what changing those does.

use outrigger_model::Kind;
use serde::Serialize;

use crate::change::{Effect, Rule, SHARDS_DOUBLE, STORAGE_GROWS, STORAGE_RESTS, TAGS, rule};

/// What changing a property of a document does to a stack that stands.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Consequence {
    /// What happens.
    pub outcome: Outcome,
    /// When something else happens, and what.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub exception: Option<Exception>,
    /// What AWS allows.
    #[serde(skip_serializing_if = "<[_]>::is_empty")]
    pub limits: &'static [&'static str],
    /// What else there is to know.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub note: Option<&'static str>,
}

/// What happens when a property of a document is changed.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum Outcome {
    /// Nothing in AWS.
    Nothing,
    /// What its properties, or the values in it, do.
    AsWhatIsInIt,
    /// The document is one of another stack; this one stays as it is.
    AnotherStack,
    /// Resources are created for what is added, and deleted for what is taken away.
    ComeAndGo,
    /// Resources are changed; what is told is the strongest effect on one.
    #[serde(untagged)]
    Changes(Effect),
}

/// When something else happens.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
pub struct Exception {
    /// When.
    pub when: When,
    /// What.
    pub effect: Effect,
}

/// A way to change a property that does something else than the others.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum When {
    /// To a lower number or version.
    Lowered,
    /// From true to false.
    SwitchedOff,
    /// From 0 to another number, or back.
    OffOrOn,
    /// Of a parameter that takes effect only when the database restarts.
    StaticParameter,
}

/// What a property of a document becomes.
#[derive(Clone, Copy)]
enum Becomes {
    Nothing,
    AsWhatIsInIt,
    AnotherStack,
    ComeAndGo,
    Tags,
    /// Properties of resources.
    Properties(&'static [(Kind, &'static str)]),
    /// Parameters, of which some are static.
    Parameters,
}

/// The consequence of changing a property of a document, such as `databases.storage_gib`; `None` where there is no such
/// property.
pub fn consequence(property: &str) -> Option<Consequence> {
    let (_, becomes) = TABLE.iter().find(|(path, _)| *path == property)?;
    let (outcome, exception) = match becomes {
        Becomes::Nothing => (Outcome::Nothing, None),
        Becomes::AsWhatIsInIt => (Outcome::AsWhatIsInIt, None),
        Becomes::AnotherStack => (Outcome::AnotherStack, None),
        Becomes::ComeAndGo => (Outcome::ComeAndGo, None),
        Becomes::Tags => (Outcome::Changes(TAGS), None),
        Becomes::Properties(properties) => of_properties(properties),
        Becomes::Parameters => {
            let (outcome, _) = of_properties(&[(Kind::DbParameterGroup, "parameters")]);
            let of_instance = of_properties(&[(Kind::DbInstance, "static_parameters")]);
            let when = When::StaticParameter;
            let exception = match of_instance.0 {
                Outcome::Changes(effect) => Some(Exception { when, effect }),
                _ => None,
            };
            (outcome, exception)
        }
    };
    Some(Consequence {
        outcome,
        exception,
        limits: limits(property),
        note: note(property),
    })
}

/// The strongest of what changing any of these does.
fn of_properties(properties: &[(Kind, &str)]) -> (Outcome, Option<Exception>) {
    let rules = || properties.iter().map(|(kind, property)| rule(*kind, property));
    let usual = rules().map(|rule| match rule {
        Rule::Always(effect) => effect,
        Rule::Directed { raised, .. } => raised,
        Rule::Taken { given, .. } => given,
        Rule::Switched { otherwise, .. } => otherwise,
    });
    let exceptions = rules().filter_map(|rule| match rule {
        Rule::Always(_) => None,
        Rule::Directed { lowered, .. } => Some((When::Lowered, lowered)),
        Rule::Taken { taken, .. } => Some((When::SwitchedOff, taken)),
        Rule::Switched { switched, .. } => Some((When::OffOrOn, switched)),
    });
    let strongest = exceptions.max_by_key(|(_, effect)| *effect);
    (
        usual.max().map_or(Outcome::Nothing, Outcome::Changes),
        strongest.map(|(when, effect)| Exception { when, effect }),
    )
}

use Becomes::{AnotherStack, AsWhatIsInIt, ComeAndGo, Nothing, Parameters, Properties, Tags};
use Kind::{
    Accelerator, Alarm, ApiDomain, BackupPlan, BackupSelection, Bucket, DbCluster, DbClusterInstance, DbInstance,
    DbSubnetGroup, EndpointGroup, EventRule, EventTarget, Function, FunctionPermission, GlobalEndpoint, HealthCheck,
    KmsKey, Listener, Parameter, ReplicationGroup, RestApi, Role, Secret, SecretAttachment, SecurityGroup, Stream,
    Subnet, Subscription, Table, TargetGroup, UsagePlan, Vpc,
};

/// Every property of a document, and what it becomes.
const TABLE: &[(&str, Becomes)] = &[
    ("stack", AnotherStack),
    ("environment", AnotherStack),
    ("region", ComeAndGo),
    ("regions", ComeAndGo),
    ("on_failure", Nothing),
    ("tags", Tags),
    ("variables", AsWhatIsInIt),
    ("environments", AsWhatIsInIt),
    ("network", AsWhatIsInIt),
    ("network.cidr", Properties(&[(Vpc, "cidr")])),
    ("network.zones", ComeAndGo),
    ("network.peering", ComeAndGo),
    ("network.public", ComeAndGo),
    ("network.public.cidrs", Properties(&[(Subnet, "cidr")])),
    ("network.private", ComeAndGo),
    (
        "network.private.cidrs",
        Properties(&[(Subnet, "cidr"), (DbSubnetGroup, "subnets")]),
    ),
    ("network.nat", ComeAndGo),
    ("network.endpoints", ComeAndGo),
    ("keys", ComeAndGo),
    ("keys.region", ComeAndGo),
    ("keys.rotation", Properties(&[(KmsKey, "rotation")])),
    (
        "keys.deletion_window_days",
        Properties(&[(KmsKey, "deletion_window_days")]),
    ),
    ("keys.tags", Tags),
    ("streams", ComeAndGo),
    ("streams.region", ComeAndGo),
    ("streams.shards", Properties(&[(Stream, "shards")])),
    ("streams.retention_hours", Properties(&[(Stream, "retention_hours")])),
    ("streams.shard_metrics", Properties(&[(Stream, "shard_metrics")])),
    ("streams.encryption_key", Properties(&[(Stream, "encryption_key")])),
    ("streams.tags", Tags),
    ("caches", ComeAndGo),
    ("caches.region", ComeAndGo),
    ("caches.engine", Nothing),
    ("caches.version", Properties(&[(ReplicationGroup, "engine_version")])),
    ("caches.version_policy", Nothing),
    ("caches.node_type", Properties(&[(ReplicationGroup, "node_type")])),
    ("caches.nodes", Properties(&[(ReplicationGroup, "nodes")])),
    (
        "caches.port",
        Properties(&[(ReplicationGroup, "port"), (SecurityGroup, "ingress")]),
    ),
    (
        "caches.automatic_failover",
        Properties(&[(ReplicationGroup, "automatic_failover")]),
    ),
    ("caches.multi_az", Properties(&[(ReplicationGroup, "multi_az")])),
    ("caches.rotation", AsWhatIsInIt),
    ("caches.rotation.every_days", Nothing),
    (
        "caches.encryption_key",
        Properties(&[(ReplicationGroup, "encryption_key"), (Secret, "encryption_key")]),
    ),
    ("caches.auth_token", Properties(&[(ReplicationGroup, "auth_secret")])),
    ("caches.apply", Properties(&[(ReplicationGroup, "apply")])),
    (
        "caches.allow_replace",
        Properties(&[(ReplicationGroup, "allow_replace")]),
    ),
    ("caches.tags", Tags),
    ("databases", ComeAndGo),
    ("databases.region", ComeAndGo),
    ("databases.engine", Nothing),
    ("databases.version", Properties(&[(DbInstance, "engine_version")])),
    ("databases.version_policy", Nothing),
    ("databases.class", Properties(&[(DbInstance, "class")])),
    ("databases.storage_gib", Properties(&[(DbInstance, "storage_gib")])),
    (
        "databases.storage_gib_max",
        Properties(&[(DbInstance, "storage_gib_max")]),
    ),
    ("databases.storage_type", Properties(&[(DbInstance, "storage_type")])),
    ("databases.multi_az", Properties(&[(DbInstance, "multi_az")])),
    (
        "databases.database",
        Properties(&[(DbInstance, "database"), (Secret, "database")]),
    ),
    (
        "databases.user",
        Properties(&[(DbInstance, "user"), (Secret, "username")]),
    ),
    (
        "databases.port",
        Properties(&[
            (DbInstance, "port"),
            (SecurityGroup, "ingress"),
            (Secret, "port"),
            (SecretAttachment, "port"),
        ]),
    ),
    (
        "databases.encryption_key",
        Properties(&[(DbInstance, "encryption_key"), (Secret, "encryption_key")]),
    ),
    ("databases.backups", AsWhatIsInIt),
    (
        "databases.backups.retention_days",
        Properties(&[(DbInstance, "backup_retention_days")]),
    ),
    ("databases.backups.window", Properties(&[(DbInstance, "backup_window")])),
    (
        "databases.maintenance_window",
        Properties(&[(DbInstance, "maintenance_window")]),
    ),
    (
        "databases.minor_upgrades",
        Properties(&[(DbInstance, "minor_upgrades")]),
    ),
    (
        "databases.deletion_protection",
        Properties(&[(DbInstance, "deletion_protection")]),
    ),
    (
        "databases.final_snapshot",
        Properties(&[(DbInstance, "final_snapshot")]),
    ),
    ("databases.parameters", Parameters),
    (
        "databases.monitoring_interval_seconds",
        Properties(&[
            (DbInstance, "monitoring_interval_seconds"),
            (DbInstance, "monitoring_role"),
        ]),
    ),
    ("databases.log_exports", Properties(&[(DbInstance, "log_exports")])),
    ("databases.rotation", AsWhatIsInIt),
    ("databases.rotation.every_days", Nothing),
    ("databases.apply", Properties(&[(DbInstance, "apply")])),
    ("databases.allow_replace", Properties(&[(DbInstance, "allow_replace")])),
    ("databases.tags", Tags),
    ("clusters", ComeAndGo),
    ("clusters.region", ComeAndGo),
    ("clusters.global", Properties(&[(DbCluster, "global_cluster")])),
    ("clusters.engine", Nothing),
    ("clusters.version", Properties(&[(DbCluster, "engine_version")])),
    ("clusters.version_policy", Nothing),
    (
        "clusters.capacity_acu_min",
        Properties(&[(DbCluster, "capacity_acu_min")]),
    ),
    (
        "clusters.capacity_acu_max",
        Properties(&[(DbCluster, "capacity_acu_max")]),
    ),
    ("clusters.instances", ComeAndGo),
    ("clusters.data_api", Properties(&[(DbCluster, "data_api")])),
    (
        "clusters.database",
        Properties(&[(DbCluster, "database"), (Secret, "database")]),
    ),
    (
        "clusters.user",
        Properties(&[(DbCluster, "user"), (Secret, "username")]),
    ),
    (
        "clusters.port",
        Properties(&[
            (DbCluster, "port"),
            (SecurityGroup, "ingress"),
            (Secret, "port"),
            (SecretAttachment, "port"),
        ]),
    ),
    (
        "clusters.encryption_key",
        Properties(&[(DbCluster, "encryption_key"), (Secret, "encryption_key")]),
    ),
    ("clusters.backups", AsWhatIsInIt),
    (
        "clusters.backups.retention_days",
        Properties(&[(DbCluster, "backup_retention_days")]),
    ),
    ("clusters.backups.window", Properties(&[(DbCluster, "backup_window")])),
    (
        "clusters.maintenance_window",
        Properties(&[
            (DbCluster, "maintenance_window"),
            (DbClusterInstance, "maintenance_window"),
        ]),
    ),
    (
        "clusters.minor_upgrades",
        Properties(&[(DbCluster, "minor_upgrades"), (DbClusterInstance, "minor_upgrades")]),
    ),
    (
        "clusters.deletion_protection",
        Properties(&[(DbCluster, "deletion_protection")]),
    ),
    ("clusters.final_snapshot", Properties(&[(DbCluster, "final_snapshot")])),
    ("clusters.log_exports", Properties(&[(DbCluster, "log_exports")])),
    ("clusters.rotation", AsWhatIsInIt),
    ("clusters.rotation.every_days", Nothing),
    ("clusters.apply", Properties(&[(DbCluster, "apply")])),
    ("clusters.allow_replace", Properties(&[(DbCluster, "allow_replace")])),
    ("clusters.tags", Tags),
    ("apis", ComeAndGo),
    ("apis.stage", ComeAndGo),
    ("apis.region", ComeAndGo),
    ("apis.routes", ComeAndGo),
    ("apis.routes.api_key", Properties(&[(RestApi, "routes")])),
    ("apis.routes.stream", Properties(&[(RestApi, "routes")])),
    ("apis.routes.response", Properties(&[(RestApi, "routes")])),
    ("apis.usage_plan", ComeAndGo),
    (
        "apis.usage_plan.rate_per_second",
        Properties(&[(UsagePlan, "rate_per_second")]),
    ),
    ("apis.usage_plan.burst", Properties(&[(UsagePlan, "burst")])),
    ("tables", ComeAndGo),
    ("tables.region", Properties(&[(Table, "replicas")])),
    ("tables.key", Properties(&[(Table, "key")])),
    ("tables.sort_key", Properties(&[(Table, "sort_key")])),
    (
        "tables.point_in_time_recovery",
        Properties(&[(Table, "point_in_time_recovery")]),
    ),
    (
        "tables.deletion_protection",
        Properties(&[(Table, "deletion_protection")]),
    ),
    ("tables.allow_replace", Properties(&[(Table, "allow_replace")])),
    ("tables.tags", Tags),
    ("functions", ComeAndGo),
    ("functions.region", ComeAndGo),
    ("functions.code", Properties(&[(Function, "code"), (Role, "allows")])),
    (
        "functions.table",
        Properties(&[(Function, "environment"), (Role, "allows")]),
    ),
    ("functions.database", Properties(&[(Role, "allows")])),
    (
        "functions.in_vpc",
        Properties(&[
            (Function, "subnets"),
            (Function, "security_groups"),
            (Role, "managed_policies"),
        ]),
    ),
    ("functions.memory_mb", Properties(&[(Function, "memory_mb")])),
    (
        "functions.timeout_seconds",
        Properties(&[(Function, "timeout_seconds")]),
    ),
    ("functions.tags", Tags),
    ("buckets", ComeAndGo),
    ("buckets.region", ComeAndGo),
    ("buckets.replication", ComeAndGo),
    ("buckets.force_empty", Properties(&[(Bucket, "force_empty")])),
    ("buckets.tags", Tags),
    ("gates", ComeAndGo),
    ("gates.region", ComeAndGo),
    ("gates.certificate", Properties(&[(Listener, "tls")])),
    ("gates.health_check", AsWhatIsInIt),
    (
        "gates.health_check.interval_seconds",
        Properties(&[(TargetGroup, "health_check")]),
    ),
    (
        "gates.health_check.timeout_seconds",
        Properties(&[(TargetGroup, "health_check")]),
    ),
    (
        "gates.health_check.healthy_threshold",
        Properties(&[(TargetGroup, "health_check")]),
    ),
    (
        "gates.health_check.unhealthy_threshold",
        Properties(&[(TargetGroup, "health_check")]),
    ),
    ("gates.tags", Tags),
    ("accelerators", ComeAndGo),
    ("accelerators.gate", Properties(&[(EndpointGroup, "load_balancer")])),
    ("accelerators.enabled", Properties(&[(Accelerator, "enabled")])),
    ("accelerators.tags", Tags),
    ("health_checks", ComeAndGo),
    (
        "health_checks.gate",
        Properties(&[(HealthCheck, "host"), (HealthCheck, "protocol")]),
    ),
    ("health_checks.path", Properties(&[(HealthCheck, "path")])),
    (
        "health_checks.interval_seconds",
        Properties(&[(HealthCheck, "interval_seconds")]),
    ),
    ("health_checks.failures", Properties(&[(HealthCheck, "failures")])),
    ("health_checks.tags", Tags),
    ("dashboards", ComeAndGo),
    ("dashboards.region", ComeAndGo),
    ("dashboards.tags", Tags),
    ("parameters", ComeAndGo),
    ("parameters.value", Properties(&[(Parameter, "value")])),
    ("parameters.value_of", Properties(&[(Parameter, "value")])),
    ("parameters.generated", Properties(&[(Parameter, "type")])),
    ("parameters.tags", Tags),
    ("backups", ComeAndGo),
    ("backups.region", ComeAndGo),
    ("backups.of", Properties(&[(BackupSelection, "resources")])),
    ("backups.window_start", Properties(&[(BackupPlan, "window_start")])),
    ("backups.retention_days", Properties(&[(BackupPlan, "retention_days")])),
    ("backups.tags", Tags),
    ("apis.domain", ComeAndGo),
    ("apis.domain.name", ComeAndGo),
    ("apis.domain.certificates", Properties(&[(ApiDomain, "certificate")])),
    ("apis.domain.base_path", ComeAndGo),
    ("apis.tags", Tags),
    ("buses", ComeAndGo),
    ("buses.region", ComeAndGo),
    ("buses.rules", ComeAndGo),
    ("buses.rules.pattern", Properties(&[(EventRule, "pattern")])),
    (
        "buses.rules.function",
        Properties(&[(EventTarget, "function"), (FunctionPermission, "function")]),
    ),
    ("buses.global_endpoint", ComeAndGo),
    (
        "buses.global_endpoint.health_check",
        Properties(&[(GlobalEndpoint, "health_check")]),
    ),
    ("buses.tags", Tags),
    ("alarms", ComeAndGo),
    (
        "alarms.component",
        Properties(&[(Alarm, "namespace"), (Alarm, "dimensions"), (Alarm, "description")]),
    ),
    (
        "alarms.metric",
        Properties(&[(Alarm, "metric"), (Alarm, "description")]),
    ),
    ("alarms.statistic", Properties(&[(Alarm, "statistic")])),
    ("alarms.comparison", Properties(&[(Alarm, "comparison")])),
    ("alarms.threshold", Properties(&[(Alarm, "threshold")])),
    ("alarms.periods", Properties(&[(Alarm, "periods")])),
    ("alarms.period_seconds", Properties(&[(Alarm, "period_seconds")])),
    ("alarms.missing_data", Properties(&[(Alarm, "missing_data")])),
    ("alarms.notify", Properties(&[(Alarm, "topics")])),
    ("topics", ComeAndGo),
    ("topics.region", ComeAndGo),
    ("topics.subscriptions", ComeAndGo),
    (
        "topics.subscriptions.protocol",
        Properties(&[(Subscription, "protocol")]),
    ),
    (
        "topics.subscriptions.endpoint",
        Properties(&[(Subscription, "endpoint")]),
    ),
    ("topics.tags", Tags),
    ("outputs", Nothing),
];

fn limits(property: &str) -> &'static [&'static str] {
    match property {
        "databases.storage_gib" => &[STORAGE_GROWS, STORAGE_RESTS],
        "databases.storage_type" => &[STORAGE_RESTS],
        "streams.shards" => &[SHARDS_DOUBLE],
        _ => &[],
    }
}

fn note(property: &str) -> Option<&'static str> {
    Some(match property {
        "region" => "everything is created in the new region, and deleted with all data in the old one",
        "regions" => {
            "what lives in a region comes and goes with it, with all data in it; what names no region moves with the first one"
        }
        "keys.region" | "streams.region" | "caches.region" | "databases.region" | "clusters.region"
        | "topics.region" | "apis.region" | "gates.region" | "buses.region" => {
            "it is created in the new region, and deleted with all data in the old one"
        }
        "buckets" => {
            "what is taken away is deleted, and refused while something is in it that may not go; a new name is another one"
        }
        "buckets.region" => "buckets come and go with it, as when they are taken away",
        "buckets.replication" => "what was there before is not copied, and what was copied stays",
        "tables.region" => {
            "its replicas come and go in place; in another first region it is created, and deleted with all data in the old one"
        }
        "network.peering" => "the routes between the VPCs come and go with it",
        "variables" => "what uses a variable changes with it",
        "network.cidr" => "everything in the network is replaced with it, databases and caches included",
        "network.zones" | "network.public" | "network.private" => "what is in the subnets that stay goes on",
        "network.nat" => "a private subnet moves to another route table once that leads to the internet",
        "keys" => {
            "what is taken away is scheduled for deletion; once it is gone, nothing that was encrypted with it can be read"
        }
        "keys.deletion_window_days" => "what counts is its value when the key goes",
        "streams.encryption_key" => "records that are in the stream already stay as they are encrypted",
        "caches.auth_token" => {
            "clients that send no token go on until the second of two calls; then every client needs it"
        }
        "streams" | "caches" => "what is taken away is deleted with everything in it; a new name is another one",
        "databases" | "clusters" | "tables" => {
            "what is taken away is deleted with everything in it, unless it is protected; a new name is another one"
        }
        "caches.engine" | "databases.engine" | "clusters.engine" => "there is only one to choose",
        "caches.version_policy" | "databases.version_policy" | "clusters.version_policy" => {
            "the version that it leads to may be another one"
        }
        "caches.version" | "caches.node_type" => "node by node",
        "caches.nodes" => "its alarms come and go with the nodes",
        "clusters.version" => "every instance restarts; of a global database another version is refused",
        "clusters.global" => "the clusters in the further regions come and go with it",
        "clusters.instances" => "what is in the cluster stays; when the one that writes goes, another takes over",
        "clusters.rotation.every_days" | "databases.rotation.every_days" | "caches.rotation.every_days" => {
            "nothing is rotated yet: the plan says so"
        }
        "caches.apply" | "databases.apply" | "clusters.apply" => "with `now`, what was waiting is done at once",
        "databases.parameters" => {
            "the first parameters, and the last, restart the database as well: it changes its group"
        }
        "databases.monitoring_interval_seconds" => "the role that it needs comes and goes with it",
        "databases.log_exports" | "clusters.log_exports" => "the log groups come and go with it",
        "topics" => "a new name is another one, and whoever has subscribed by hand subscribes again",
        "topics.subscriptions" | "topics.subscriptions.endpoint" => {
            "a new address of mail is told once it has confirmed, by the link in the first mail"
        }
        "apis" => {
            "what is taken away is deleted with its key; a new name is another API with another URL and another key"
        }
        "apis.stage" => "its URL changes with it",
        "apis.routes" | "apis.routes.api_key" | "apis.routes.stream" | "apis.routes.response" => {
            "all routes change at once, with a new deployment at the stage"
        }
        "apis.usage_plan" => "the key comes and goes with it; a new one has another value",
        "functions" | "functions.region" => "what is taken away is deleted; its log goes with it",
        "functions.database" => "where the other one is in another region, the function goes there, as another one",
        "functions.in_vpc" => {
            "its security group comes and goes with it; out of the VPC, AWS takes its network interfaces down for up to 40 minutes"
        }
        "gates" => "what is taken away is deleted; a new name is another gate with another name in DNS",
        "gates.certificate" => {
            "the first one, and the last, make another listener, rule and target group, to which the network load balancer moves"
        }
        "accelerators" => "what is taken away gives its addresses back to AWS; a new one has others",
        "accelerators.enabled" => "what is switched off takes no traffic, and keeps its addresses",
        "health_checks" => "what is taken away loses its id; a new one has another",
        "health_checks.gate" => {
            "it is another health check, with another id, only where one of the gates has a certificate"
        }
        "health_checks.interval_seconds" => "the new health check has another id",
        "dashboards" | "dashboards.region" => "nothing but the dashboard itself is lost",
        "parameters" => "a new name is another one; what was generated has another value then",
        "parameters.generated" => "AWS changes no parameter's type: it goes, and another takes its place",
        "backups" => {
            "what is taken away is deleted with every backup in its vaults; a new name has vaults of its own, and they are \
             empty"
        }
        "backups.region" => "its vaults stay, with what is in them",
        "backups.of" => {
            "what AWS Backup backs up is told anew; backups that were made stay as long as they were to be kept"
        }
        "backups.retention_days" => "backups that were made stay as long as they were to be kept",
        "outputs" => "they are told anew",
        _ => return None,
    })
}

#[cfg(test)]
mod tests {
    use outrigger_model::document::schema::{properties, schema};

    use super::*;

    #[test]
    fn every_property_of_a_document_has_its_consequence_and_no_other() {
        let schema = schema(&|_| None);
        let mut of_schema: Vec<String> = properties(&schema).into_keys().collect();
        let mut of_table: Vec<&str> = TABLE.iter().map(|(path, _)| *path).collect();
        of_schema.sort();
        of_table.sort();
        assert_eq!(of_table, of_schema);
        for path in of_table {
            assert!(consequence(path).is_some(), "{path}");
        }
        assert_eq!(consequence("databases.colour"), None);
    }
}
