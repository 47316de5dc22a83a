//! From a document to the resource graph.

use std::collections::{BTreeMap, BTreeSet};

use outrigger_model::document::{Alarm, Cache, Code, ComponentPath, Database, Document, OutputPath, Problem, Stream};
use outrigger_model::name::physical_name;
use outrigger_model::properties::{self, IngressRule, Input, Reference};
use outrigger_model::resource::{TAG_ENVIRONMENT, TAG_RESOURCE, TAG_STACK};
use outrigger_model::{Kind, Properties, Resource, ResourceKey};

use serde::{Deserialize, Serialize};

use crate::graph::Graph;
use crate::resolve::references;

/// What AWS answered, once.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct Resolved {
    /// The zones to use, one per zone the document wants.
    pub zones: Vec<String>,
    /// The engine version of each component, by its path (`databases.main`).
    pub versions: BTreeMap<String, String>,
    /// Which of a component's parameters take effect only when its database restarts, by its path.
    #[serde(default)]
    pub static_parameters: BTreeMap<String, BTreeSet<String>>,
}

impl Resolved {
    /// Stands in for what AWS has not been asked: zones by number, versions as the document has them, every parameter as
    /// if it needed no restart. Good for showing a graph, not for making a plan.
    pub fn unasked(document: &Document) -> Self {
        let databases = document.databases.iter();
        let databases = databases.map(|(name, of)| (ComponentPath::Database(name.clone()), &of.version));
        let caches = document.caches.iter();
        let caches = caches.map(|(name, of)| (ComponentPath::Cache(name.clone()), &of.version));
        Self {
            zones: (1..=document.network.zones)
                .map(|zone| format!("zone-{zone}"))
                .collect(),
            versions: databases
                .chain(caches)
                .map(|(component, version)| (component.to_string(), version.clone()))
                .collect(),
            static_parameters: BTreeMap::new(),
        }
    }
}

/// Expands every component of a document into its resources. Acyclic by construction: a component only refers to what
/// was expanded before it.
///
/// # Errors
/// Where `resolved` lacks a zone or a version.
pub fn expand(document: &Document, resolved: &Resolved) -> Result<Graph, Vec<Problem>> {
    let mut expansion = Expansion {
        document,
        resolved,
        graph: Graph::default(),
        problems: Vec::new(),
    };
    let network = expansion.network();
    for (name, stream) in &document.streams {
        expansion.stream(name, stream);
    }
    for (name, cache) in &document.caches {
        expansion.cache(name, cache, &network);
    }
    for (name, database) in &document.databases {
        expansion.database(name, database, &network);
    }
    for (name, alarm) in &document.alarms {
        expansion.alarm(name, alarm);
    }
    if expansion.problems.is_empty() {
        Ok(expansion.graph)
    } else {
        Err(expansion.problems)
    }
}

/// What an output stands for: an attribute of a resource.
pub fn output_reference(document: &Document, path: &OutputPath) -> Reference {
    let key = |kind: Kind, name: &str| ResourceKey::new(&document.region, kind, name);
    let (resource, attribute) = match path {
        OutputPath::VpcId => (key(Kind::Vpc, VPC), "id"),
        OutputPath::Component(ComponentPath::Database(name), attribute) if attribute == "secret_arn" => {
            (key(Kind::Secret, name), "arn")
        }
        OutputPath::Component(ComponentPath::Database(name), attribute) if attribute == "subnet_group_name" => {
            (key(Kind::DbSubnetGroup, name), "id")
        }
        OutputPath::Component(ComponentPath::Database(name), attribute) => {
            (key(Kind::DbInstance, name), attribute.as_str())
        }
        OutputPath::Component(ComponentPath::Cache(name), attribute) => {
            (key(Kind::ReplicationGroup, name), attribute.as_str())
        }
        OutputPath::Component(ComponentPath::Stream(name), attribute) => (key(Kind::Stream, name), attribute.as_str()),
    };
    Reference {
        resource,
        attribute: attribute.to_owned(),
    }
}

const VPC: &str = "vpc";

/// What other components need of the network.
struct NetworkKeys {
    vpc: ResourceKey,
    private_subnets: Vec<ResourceKey>,
}

struct Expansion<'a> {
    document: &'a Document,
    resolved: &'a Resolved,
    graph: Graph,
    problems: Vec<Problem>,
}

impl Expansion<'_> {
    fn add(&mut self, kind: Kind, name: &str, properties: Properties) -> ResourceKey {
        self.add_tagged(kind, name, properties, &BTreeMap::new())
    }

    fn add_tagged(
        &mut self,
        kind: Kind,
        name: &str,
        properties: Properties,
        own_tags: &BTreeMap<String, String>,
    ) -> ResourceKey {
        debug_assert_eq!(kind, properties.kind());
        let id = self.document.id();
        let key = ResourceKey::new(&self.document.region, kind, name);
        let physical_name = physical_name(&id, &key);
        let mut tags = self.document.tags.clone();
        let key_text = key.to_string();
        let outriggers = [
            ("Name", physical_name.as_str()),
            (TAG_STACK, id.stack.as_str()),
            (TAG_ENVIRONMENT, id.environment.as_str()),
            (TAG_RESOURCE, key_text.as_str()),
        ];
        tags.extend(own_tags.clone());
        for (tag, value) in outriggers {
            tags.insert(tag.to_owned(), value.to_owned());
        }
        let depends_on: BTreeSet<ResourceKey> = references(&properties)
            .into_iter()
            .map(|reference| reference.resource)
            .collect();
        self.graph.resources.insert(
            key.clone(),
            Resource {
                key: key.clone(),
                physical_name,
                properties,
                tags,
                depends_on,
            },
        );
        key
    }

    fn network(&mut self) -> NetworkKeys {
        let network = &self.document.network;
        let vpc = self.add(Kind::Vpc, VPC, Properties::Vpc(properties::Vpc { cidr: network.cidr }));
        if self.resolved.zones.len() < network.zones {
            self.problems.push(Problem::at(
                Code::Zones,
                "network.zones",
                format!(
                    "the region {} has {} zones, the document wants {}",
                    self.document.region,
                    self.resolved.zones.len(),
                    network.zones
                ),
            ));
        }
        if network.public.is_some() {
            let gateway = self.add(
                Kind::InternetGateway,
                "internet-gateway",
                Properties::InternetGateway(properties::InternetGateway {
                    vpc: Input::id_of(&vpc),
                }),
            );
            let table = self.route_table("public", &vpc);
            self.add(
                Kind::Route,
                "public-internet",
                Properties::Route(properties::Route {
                    route_table: Input::id_of(&table),
                    destination: ipnet::Ipv4Net::default(),
                    gateway: Input::id_of(&gateway),
                }),
            );
            self.subnets("public", network.public_ranges(), &vpc, &table);
        }
        let mut private_subnets = Vec::new();
        if network.private.is_some() {
            let table = self.route_table("private", &vpc);
            private_subnets = self.subnets("private", network.private_ranges(), &vpc, &table);
        }
        NetworkKeys { vpc, private_subnets }
    }

    fn route_table(&mut self, name: &str, vpc: &ResourceKey) -> ResourceKey {
        self.add(
            Kind::RouteTable,
            name,
            Properties::RouteTable(properties::RouteTable { vpc: Input::id_of(vpc) }),
        )
    }

    fn subnets(
        &mut self,
        kind: &str,
        ranges: Vec<ipnet::Ipv4Net>,
        vpc: &ResourceKey,
        table: &ResourceKey,
    ) -> Vec<ResourceKey> {
        let zones = self.resolved.zones.clone();
        ranges
            .into_iter()
            .zip(zones)
            .enumerate()
            .map(|(index, (cidr, zone))| {
                let name = format!("{kind}-{}", index + 1);
                let subnet = self.add_tagged(
                    Kind::Subnet,
                    &name,
                    Properties::Subnet(properties::Subnet {
                        vpc: Input::id_of(vpc),
                        cidr,
                        zone,
                        public_address_on_launch: kind == "public",
                    }),
                    &BTreeMap::from([("Type".to_owned(), kind.to_owned())]),
                );
                self.add(
                    Kind::RouteTableAssociation,
                    &name,
                    Properties::RouteTableAssociation(properties::RouteTableAssociation {
                        route_table: Input::id_of(table),
                        subnet: Input::id_of(&subnet),
                    }),
                );
                subnet
            })
            .collect()
    }

    fn security_group(&mut self, name: &str, service: &str, port: u16, network: &NetworkKeys) -> ResourceKey {
        self.add(
            Kind::SecurityGroup,
            name,
            Properties::SecurityGroup(properties::SecurityGroup {
                vpc: Input::id_of(&network.vpc),
                description: format!("{service} of {}, component {name}", self.document.id()),
                ingress: vec![IngressRule {
                    port,
                    source: self.document.network.cidr,
                    description: format!("{service} from within the VPC"),
                }],
            }),
        )
    }

    fn version(&mut self, component: &ComponentPath) -> String {
        match self.resolved.versions.get(&component.to_string()) {
            Some(version) => version.clone(),
            None => {
                self.problems.push(Problem::at(
                    Code::Version,
                    format!("{component}.version"),
                    "has not been resolved",
                ));
                String::new()
            }
        }
    }

    fn stream(&mut self, name: &str, stream: &Stream) {
        self.add_tagged(
            Kind::Stream,
            name,
            Properties::Stream(properties::Stream {
                shards: stream.shards,
                retention_hours: stream.retention_hours,
                shard_metrics: stream.shard_metrics.clone(),
            }),
            &stream.tags,
        );
    }

    fn cache(&mut self, name: &str, cache: &Cache, network: &NetworkKeys) {
        let engine_version = self.version(&ComponentPath::Cache(name.to_owned()));
        let security_group = self.security_group(name, "redis", cache.port, network);
        let subnet_group = self.add(
            Kind::CacheSubnetGroup,
            name,
            Properties::CacheSubnetGroup(properties::CacheSubnetGroup {
                vpc: Input::id_of(&network.vpc),
                description: format!("private subnets of {}", self.document.id()),
                subnets: network.private_subnets.iter().map(Input::id_of).collect(),
            }),
        );
        self.add_tagged(
            Kind::ReplicationGroup,
            name,
            Properties::ReplicationGroup(properties::ReplicationGroup {
                description: format!("redis of {}, component {name}", self.document.id()),
                engine_version,
                node_type: cache.node_type.clone(),
                nodes: cache.nodes,
                port: cache.port,
                automatic_failover: cache.automatic_failover,
                multi_az: cache.multi_az,
                subnet_group: Input::id_of(&subnet_group),
                security_groups: vec![Input::id_of(&security_group)],
                apply: cache.apply,
                allow_replace: cache.allow_replace,
            }),
            &cache.tags,
        );
    }

    fn database(&mut self, name: &str, database: &Database, network: &NetworkKeys) {
        let component = ComponentPath::Database(name.to_owned());
        let engine_version = self.version(&component);
        let static_names = self.resolved.static_parameters.get(&component.to_string());
        let static_names = static_names.cloned().unwrap_or_default();
        let parameter_group = self.parameter_group(name, database, &engine_version, &static_names);
        let monitoring_role = self.monitoring_role(name, database);
        let security_group = self.security_group(name, "postgresql", database.port, network);
        let subnet_group = self.add(
            Kind::DbSubnetGroup,
            name,
            Properties::DbSubnetGroup(properties::DbSubnetGroup {
                vpc: Input::id_of(&network.vpc),
                description: format!("private subnets of {}", self.document.id()),
                subnets: network.private_subnets.iter().map(Input::id_of).collect(),
            }),
        );
        let secret = self.add(
            Kind::Secret,
            name,
            Properties::Secret(properties::Secret {
                description: format!("credentials of the database {name} of {}", self.document.id()),
                username: database.user.clone(),
                engine: "postgres".to_owned(),
                port: database.port,
                database: database.database.clone(),
            }),
        );
        let instance = self.add_tagged(
            Kind::DbInstance,
            name,
            Properties::DbInstance(properties::DbInstance {
                engine_version,
                class: database.class.clone(),
                storage_gib: database.storage_gib,
                storage_gib_max: database.storage_gib_max,
                storage_type: database.storage_type.as_str().to_owned(),
                multi_az: database.multi_az,
                database: database.database.clone(),
                port: database.port,
                user: database.user.clone(),
                secret: Input::of(&secret, "arn"),
                subnet_group: Input::id_of(&subnet_group),
                security_groups: vec![Input::id_of(&security_group)],
                parameter_group: parameter_group.as_ref().map(Input::id_of),
                static_parameters: database
                    .parameters
                    .iter()
                    .filter(|(parameter, _)| static_names.contains(*parameter))
                    .map(|(parameter, value)| (parameter.clone(), value.clone()))
                    .collect(),
                monitoring_interval_seconds: database.monitoring_interval_seconds,
                monitoring_role: monitoring_role.as_ref().map(|role| Input::of(role, "arn")),
                log_exports: database.log_exports.clone(),
                backup_retention_days: database.backups.retention_days,
                backup_window: database.backups.window.clone(),
                maintenance_window: database.maintenance_window.to_lowercase(),
                minor_upgrades: database.minor_upgrades,
                deletion_protection: database.deletion_protection,
                final_snapshot: database.final_snapshot,
                apply: database.apply,
                allow_replace: database.allow_replace,
            }),
            &database.tags,
        );
        self.log_groups(&instance, &database.log_exports);
        self.add(
            Kind::SecretAttachment,
            name,
            Properties::SecretAttachment(properties::SecretAttachment {
                secret: Input::of(&secret, "arn"),
                host: Input::of(&instance, "endpoint"),
                port: Input::of(&instance, "port"),
            }),
        );
    }

    /// The parameter group of a database that has parameters of its own.
    fn parameter_group(
        &mut self,
        name: &str,
        database: &Database,
        engine_version: &str,
        static_names: &BTreeSet<String>,
    ) -> Option<ResourceKey> {
        if database.parameters.is_empty() {
            return None;
        }
        let family = parameter_family(engine_version);
        let description = format!("parameters of the database {name} of {}", self.document.id());
        Some(self.add(
            Kind::DbParameterGroup,
            &format!("{name}-{family}"),
            Properties::DbParameterGroup(properties::DbParameterGroup {
                family,
                description,
                parameters: database.parameters.clone(),
                static_parameters: static_names.clone(),
            }),
        ))
    }

    /// The role of enhanced monitoring:
    /// <https://docs.aws.amazon.com/AmazonRDS/latest/UserGuide/USER_Monitoring.OS.Enabling.html>.
    fn monitoring_role(&mut self, name: &str, database: &Database) -> Option<ResourceKey> {
        if database.monitoring_interval_seconds == 0 {
            return None;
        }
        let partition = self.document.region.partition();
        let policy = format!("arn:{partition}:iam::aws:policy/service-role/AmazonRDSEnhancedMonitoringRole");
        let description = format!("enhanced monitoring of the database {name} of {}", self.document.id());
        Some(self.add(
            Kind::Role,
            &format!("{name}-monitoring"),
            Properties::Role(properties::Role {
                description,
                service: "monitoring.rds.amazonaws.com".to_owned(),
                managed_policies: BTreeSet::from([policy]),
            }),
        ))
    }

    /// The log groups that RDS writes to. It would make them itself, without tags, and leave them behind; so they are there
    /// before the database, and go after it.
    fn log_groups(&mut self, instance: &ResourceKey, exports: &BTreeSet<String>) {
        let Some(identifier) = self.graph.resources.get(instance).map(|of| of.physical_name.clone()) else {
            return;
        };
        for log in exports {
            let name = format!("{}-{log}", instance.name);
            let key = self.add(Kind::LogGroup, &name, Properties::LogGroup(properties::LogGroup {}));
            if let Some(group) = self.graph.resources.get_mut(&key) {
                group.physical_name = format!("/aws/rds/instance/{identifier}/{log}");
                group.tags.insert("Name".to_owned(), group.physical_name.clone());
            }
            if let Some(instance) = self.graph.resources.get_mut(instance) {
                instance.depends_on.insert(key);
            }
        }
    }

    fn alarm(&mut self, name: &str, alarm: &Alarm) {
        let region = &self.document.region;
        match &alarm.component {
            ComponentPath::Database(component) => {
                let instance = ResourceKey::new(region, Kind::DbInstance, component);
                let dimension = ("DBInstanceIdentifier", Input::id_of(&instance));
                self.alarm_on(name, alarm, "AWS/RDS", dimension);
            }
            ComponentPath::Stream(component) => {
                let stream = ResourceKey::new(region, Kind::Stream, component);
                let dimension = ("StreamName", Input::of(&stream, "name"));
                self.alarm_on(name, alarm, "AWS/Kinesis", dimension);
            }
            // ElastiCache publishes host metrics per cache cluster, never per replication group:
            // https://docs.aws.amazon.com/AmazonElastiCache/latest/dg/CacheMetrics.html
            ComponentPath::Cache(component) => {
                let group = ResourceKey::new(region, Kind::ReplicationGroup, component);
                let nodes = self.document.caches.get(component).map_or(0, |cache| cache.nodes);
                for node in 1..=nodes {
                    let dimension = ("CacheClusterId", Input::of(&group, &format!("member_{node}")));
                    self.alarm_on(&format!("{name}-{node}"), alarm, "AWS/ElastiCache", dimension);
                }
            }
        }
    }

    fn alarm_on(&mut self, name: &str, alarm: &Alarm, namespace: &str, dimension: (&str, Input)) {
        self.add(
            Kind::Alarm,
            name,
            Properties::Alarm(properties::Alarm {
                description: format!("{} of {} in {}", alarm.metric, alarm.component, self.document.id()),
                namespace: namespace.to_owned(),
                metric: alarm.metric.clone(),
                dimensions: BTreeMap::from([(dimension.0.to_owned(), dimension.1)]),
                statistic: alarm.statistic,
                comparison: alarm.comparison,
                threshold: alarm.threshold,
                period_seconds: alarm.period_seconds,
                periods: alarm.periods,
                missing_data: alarm.missing_data,
            }),
        );
    }
}

/// The parameter group family of a version of PostgreSQL: `postgres15` of `15.4`.
/// <https://docs.aws.amazon.com/AmazonRDS/latest/UserGuide/Appendix.PostgreSQL.CommonDBATasks.Parameters.html>
pub fn parameter_family(engine_version: &str) -> String {
    let major = engine_version.split('.').next().unwrap_or_default();
    format!("postgres{major}")
}
