//! From a document to the resource graph.

use std::collections::{BTreeMap, BTreeSet};

use outrigger_model::document::{Alarm, Cache, ComponentPath, Database, Document, OutputPath, Problem, Stream};
use outrigger_model::name::physical_name;
use outrigger_model::properties::{self, IngressRule, Input, Reference};
use outrigger_model::resource::{TAG_ENVIRONMENT, TAG_RESOURCE, TAG_STACK};
use outrigger_model::{Kind, Properties, Resource, ResourceKey};

use crate::graph::Graph;
use crate::resolve::references;

/// What AWS answered, once.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Resolved {
    /// The zones to use, one per zone the document wants.
    pub zones: Vec<String>,
    /// The engine version of each component, by its path (`databases.main`).
    pub versions: BTreeMap<String, String>,
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
        self.add_tagged(kind, name, properties, &[])
    }

    fn add_tagged(&mut self, kind: Kind, name: &str, properties: Properties, own_tags: &[(&str, &str)]) -> ResourceKey {
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
        for (tag, value) in outriggers.iter().chain(own_tags) {
            tags.insert((*tag).to_owned(), (*value).to_owned());
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
                    &[("Type", kind)],
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
                self.problems
                    .push(Problem::at(format!("{component}.version"), "has not been resolved"));
                String::new()
            }
        }
    }

    fn stream(&mut self, name: &str, stream: &Stream) {
        self.add(
            Kind::Stream,
            name,
            Properties::Stream(properties::Stream {
                shards: stream.shards,
                retention_hours: stream.retention_hours,
                shard_metrics: stream.shard_metrics.clone(),
            }),
        );
    }

    fn cache(&mut self, name: &str, cache: &Cache, network: &NetworkKeys) {
        let engine_version = self.version(&ComponentPath::Cache(name.to_owned()));
        let security_group = self.security_group(name, "redis", cache.port, network);
        let subnet_group = self.add(
            Kind::CacheSubnetGroup,
            name,
            Properties::CacheSubnetGroup(properties::CacheSubnetGroup {
                description: format!("private subnets of {}", self.document.id()),
                subnets: network.private_subnets.iter().map(Input::id_of).collect(),
            }),
        );
        self.add(
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
            }),
        );
    }

    fn database(&mut self, name: &str, database: &Database, network: &NetworkKeys) {
        let engine_version = self.version(&ComponentPath::Database(name.to_owned()));
        let security_group = self.security_group(name, "postgresql", database.port, network);
        let subnet_group = self.add(
            Kind::DbSubnetGroup,
            name,
            Properties::DbSubnetGroup(properties::DbSubnetGroup {
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
        let instance = self.add(
            Kind::DbInstance,
            name,
            Properties::DbInstance(properties::DbInstance {
                engine_version,
                class: database.class.clone(),
                storage_gib: database.storage_gib,
                storage_type: database.storage_type.as_str().to_owned(),
                multi_az: database.multi_az,
                database: database.database.clone(),
                port: database.port,
                secret: Input::of(&secret, "arn"),
                subnet_group: Input::id_of(&subnet_group),
                security_groups: vec![Input::id_of(&security_group)],
                backup_retention_days: database.backups.retention_days,
                backup_window: database.backups.window.clone(),
                maintenance_window: database.maintenance_window.to_lowercase(),
                minor_upgrades: database.minor_upgrades,
                deletion_protection: database.deletion_protection,
                final_snapshot: database.final_snapshot,
            }),
        );
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
