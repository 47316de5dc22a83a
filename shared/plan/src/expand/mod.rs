//! From a document to the resource graph.

mod accelerator;
mod alarm;
mod api;
mod backup;
mod bucket;
mod bus;
mod cache;
mod cluster;
mod dashboard;
mod database;
mod function;
mod gate;
mod health_check;
mod key;
mod network;
mod parameter;
mod peering;
mod published;
mod stream;
mod table;
mod topic;

use std::collections::{BTreeMap, BTreeSet};

use outrigger_model::document::{ApiDomain, Code, ComponentPath, Document, OutputPath, Problem};
use outrigger_model::name::physical_name;
use outrigger_model::properties::{self, IngressRule, Input, Reference};
use outrigger_model::resource::{TAG_ENVIRONMENT, TAG_RESOURCE, TAG_STACK};
use outrigger_model::{Kind, Properties, Region, Resource, ResourceKey};

use ipnet::Ipv4Net;
use serde::{Deserialize, Deserializer, Serialize};

use crate::endpoints::{self, EndpointService};
use crate::graph::Graph;
use crate::resolve::references;

pub use database::parameter_family;

/// What AWS answered, once.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct Resolved {
    /// The zones to use in each region, one per zone the document wants.
    #[serde(deserialize_with = "zones_by_region")]
    pub zones: BTreeMap<Region, Vec<String>>,
    /// The engine version of each component, by its path (`databases.main`).
    pub versions: BTreeMap<String, String>,
    /// Which of a component's parameters take effect only when its database restarts, by its path.
    #[serde(default)]
    pub static_parameters: BTreeMap<String, BTreeSet<String>>,
    /// The services that the document and its functions want VPC endpoints of, by their short names, in each region.
    #[serde(default)]
    pub endpoints: BTreeMap<Region, BTreeMap<String, EndpointService>>,
    /// The control plane that stands the stack up.
    #[serde(default)]
    pub control_plane: ControlPlane,
}

/// What a stack's functions must know of the control plane.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct ControlPlane {
    /// The account that it and its stacks are in.
    pub account: String,
    /// The name of the table of states.
    pub table: String,
    /// The regions that it is installed in.
    #[serde(default)]
    pub regions: BTreeSet<Region>,
}

impl Resolved {
    /// Stands in for what AWS has not been asked: zones by number, versions as the document has them, every parameter as
    /// if it needed no restart. Good for showing a graph, not for making a plan.
    pub fn unasked(document: &Document) -> Self {
        let zones: Vec<String> = (1..=document.network.zones)
            .map(|zone| format!("zone-{zone}"))
            .collect();
        let endpoints = document.regions.iter().map(|region| {
            let offered = endpoints::wanted(document, region).into_iter().map(|service| {
                let is_gateway = endpoints::is_gateway(&service);
                let [_, name] = endpoints::names(region, &service);
                let offered = EndpointService {
                    name,
                    zones: zones.iter().cloned().collect(),
                    private_dns: !is_gateway,
                    is_gateway,
                };
                (service, offered)
            });
            (region.clone(), offered.collect())
        });
        let databases = document.databases.iter();
        let databases = databases.map(|(name, of)| (ComponentPath::Database(name.clone()), &of.version));
        let clusters = document.clusters.iter();
        let clusters = clusters.map(|(name, of)| (ComponentPath::Cluster(name.clone()), &of.version));
        let caches = document.caches.iter();
        let caches = caches.map(|(name, of)| (ComponentPath::Cache(name.clone()), &of.version));
        Self {
            control_plane: ControlPlane::default(),
            endpoints: endpoints.collect(),
            versions: databases
                .chain(clusters)
                .chain(caches)
                .map(|(component, version)| (component.to_string(), version.clone()))
                .collect(),
            static_parameters: BTreeMap::new(),
            zones: document
                .regions
                .iter()
                .map(|region| (region.clone(), zones.clone()))
                .collect(),
        }
    }

    /// The zones to use in a region.
    fn zones(&self, region: &Region) -> &[String] {
        let only = || self.zones.get(&Region::new(ONLY));
        self.zones.get(region).or_else(only).map_or(&[], Vec::as_slice)
    }
}

/// Stands for the region of a stack that has but one.
const ONLY: &str = "";

/// What was kept when every stack had one region is a list of that region's zones.
fn zones_by_region<'de, D: Deserializer<'de>>(deserializer: D) -> Result<BTreeMap<Region, Vec<String>>, D::Error> {
    #[derive(Deserialize)]
    #[serde(untagged)]
    enum Zones {
        OfEach(BTreeMap<Region, Vec<String>>),
        OfOne(Vec<String>),
    }
    Ok(match Zones::deserialize(deserializer)? {
        Zones::OfEach(zones) => zones,
        Zones::OfOne(zones) => BTreeMap::from([(Region::new(ONLY), zones)]),
    })
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
        region: &document.region,
        graph: Graph::default(),
        problems: Vec::new(),
    };
    let mut networks = BTreeMap::new();
    for region in &document.regions {
        let network = expansion.at(region, Expansion::network);
        networks.extend(network.map(|network| (region, network)));
    }
    if document.network.peering {
        expansion.peering(&networks);
    }
    for (name, key) in &document.keys {
        expansion.at(document.home_of_key(name), |expansion| expansion.key(name, key));
    }
    for (name, stream) in &document.streams {
        let home = document.home(stream.region.as_ref());
        expansion.at(home, |expansion| expansion.stream(name, stream));
    }
    for (name, cache) in &document.caches {
        let home = document.home(cache.region.as_ref());
        if let Some(network) = networks.get(home) {
            expansion.at(home, |expansion| expansion.cache(name, cache, network));
        }
    }
    for (name, database) in &document.databases {
        let home = document.home(database.region.as_ref());
        if let Some(network) = networks.get(home) {
            expansion.at(home, |expansion| expansion.database(name, database, network));
        }
    }
    for (name, cluster) in &document.clusters {
        if cluster.global {
            expansion.global_database(name, cluster, &networks);
            continue;
        }
        let home = document.home(cluster.region.as_ref());
        if let Some(network) = networks.get(home) {
            expansion.at(home, |expansion| expansion.cluster(name, cluster, network));
        }
    }
    for (name, api) in &document.apis {
        for place in document.places(api.region.as_ref()) {
            expansion.at(place, |expansion| expansion.api(name, api));
        }
    }
    for (name, bus) in &document.buses {
        for place in document.places(bus.region.as_ref()) {
            expansion.at(place, |expansion| expansion.bus(name, bus));
        }
        if let Some(endpoint) = &bus.global_endpoint {
            expansion.global_endpoint(name, endpoint);
        }
    }
    for (name, table) in &document.tables {
        let home = document.home(table.region.as_ref());
        expansion.at(home, |expansion| expansion.table(name, table));
    }
    for (name, bucket) in &document.buckets {
        expansion.buckets(name, bucket);
    }
    for (name, gate) in &document.gates {
        for place in document.places(gate.region.as_ref()) {
            if let Some(network) = networks.get(place) {
                expansion.at(place, |expansion| expansion.gate(name, gate, network));
            }
        }
    }
    for (name, topic) in &document.topics {
        for place in document.places(topic.region.as_ref()) {
            expansion.at(place, |expansion| expansion.topic(name, topic));
        }
    }
    for (name, function) in &document.functions {
        for place in document.places_of_function(function) {
            let network = networks.get(place);
            expansion.at(place, |expansion| {
                expansion.function_of_document(name, function, network)
            });
        }
    }
    for (name, accelerator) in &document.accelerators {
        expansion.accelerator(name, accelerator);
    }
    for (name, check) in &document.health_checks {
        expansion.health_check(name, check);
    }
    for (name, dashboard) in &document.dashboards {
        for place in document.places(dashboard.region.as_ref()) {
            expansion.at(place, |expansion| expansion.dashboard(name, dashboard));
        }
    }
    for (name, parameter) in &document.parameters {
        expansion.parameter(name, parameter);
    }
    for (name, backup) in &document.backups {
        expansion.backup(name, backup);
    }
    for (name, alarm) in &document.alarms {
        for place in document.places_of_alarm(&alarm.component) {
            expansion.at(place, |expansion| expansion.alarm(name, alarm));
        }
    }
    if expansion.problems.is_empty() {
        Ok(expansion.graph)
    } else {
        Err(expansion.problems)
    }
}

/// What an output stands for: an attribute of a resource, which [`OutputPath::path`] follows.
pub fn output_reference(document: &Document, path: &OutputPath) -> Reference {
    let region = match path {
        OutputPath::VpcId(Some(region)) | OutputPath::Component(_, Some(region), _) => region,
        OutputPath::VpcId(None) => &document.region,
        OutputPath::Key(name, _) => document.home_of_key(name),
        OutputPath::Component(ComponentPath::Backup(name), None, attribute) if attribute == PLAN_ID => {
            document.home(document.backups.get(name).and_then(|of| of.region.as_ref()))
        }
        OutputPath::Component(component, None, _) => {
            let places = document.places_of(component);
            places.first().copied().unwrap_or(&document.region)
        }
    };
    let key = |kind: Kind, name: &str| ResourceKey::new(region, kind, name);
    let (resource, attribute) = match path {
        OutputPath::VpcId(_) => (key(Kind::Vpc, VPC), "id"),
        OutputPath::Key(name, attribute) if attribute == "alias" => (key(Kind::KmsAlias, name), "id"),
        OutputPath::Key(name, attribute) => (key(Kind::KmsKey, name), attribute.as_str()),
        OutputPath::Component(
            ComponentPath::Database(name) | ComponentPath::Cluster(name) | ComponentPath::Cache(name),
            _,
            attribute,
        ) if attribute == "secret_arn" => (key(Kind::Secret, name), "arn"),
        OutputPath::Component(ComponentPath::Database(name) | ComponentPath::Cluster(name), _, attribute)
            if attribute == "subnet_group_name" =>
        {
            (key(Kind::DbSubnetGroup, name), "id")
        }
        OutputPath::Component(ComponentPath::Cluster(name), _, attribute) => {
            (key(Kind::DbCluster, name), attribute.as_str())
        }
        OutputPath::Component(ComponentPath::Database(name), _, attribute) => {
            (key(Kind::DbInstance, name), attribute.as_str())
        }
        OutputPath::Component(ComponentPath::Cache(name), _, attribute) => {
            (key(Kind::ReplicationGroup, name), attribute.as_str())
        }
        OutputPath::Component(ComponentPath::Stream(name), _, attribute) => {
            (key(Kind::Stream, name), attribute.as_str())
        }
        OutputPath::Component(ComponentPath::Bus(name), _, attribute) if attribute.starts_with("endpoint_") => {
            // There is one, of which the first region has the address.
            let endpoint = ResourceKey::new(&document.region, Kind::GlobalEndpoint, name);
            (endpoint, attribute.as_str())
        }
        OutputPath::Component(ComponentPath::Bus(name), _, attribute) => {
            (key(Kind::EventBus, name), attribute.as_str())
        }
        OutputPath::Component(ComponentPath::Function(name), _, attribute) => {
            (key(Kind::Function, name), attribute.as_str())
        }
        OutputPath::Component(ComponentPath::Gate(name), _, attribute) => {
            (key(Kind::LoadBalancer, &gate::network(name)), attribute.as_str())
        }
        OutputPath::Component(ComponentPath::Topic(name), _, attribute) => (key(Kind::Topic, name), attribute.as_str()),
        OutputPath::Component(ComponentPath::Bucket(name), _, attribute) => {
            (key(Kind::Bucket, name), attribute.as_str())
        }
        // A replica is part of the table in the first region.
        OutputPath::Component(ComponentPath::Table(name), said, attribute) => {
            let home = table::home(document, name);
            let is_replica = said.as_ref().is_some_and(|said| said != home);
            let attribute = match attribute.as_str() {
                "arn" if is_replica => "replica_arn",
                attribute => attribute,
            };
            (ResourceKey::new(home, Kind::Table, name), attribute)
        }
        OutputPath::Component(ComponentPath::Accelerator(name), _, attribute) => {
            (key(Kind::Accelerator, name), attribute.as_str())
        }
        OutputPath::Component(ComponentPath::HealthCheck(name), _, attribute) => {
            (health_check::key(name, region), attribute.as_str())
        }
        OutputPath::Component(ComponentPath::Parameter(name), _, attribute) => {
            (key(Kind::Parameter, name), attribute.as_str())
        }
        OutputPath::Component(ComponentPath::Backup(name), _, attribute) => match attribute.as_str() {
            PLAN_ID => (key(Kind::BackupPlan, name), "id"),
            "vault_arn" => (key(Kind::BackupVault, name), "arn"),
            _ => (key(Kind::BackupVault, name), "name"),
        },
        OutputPath::Component(ComponentPath::Api(name), _, attribute) => match attribute.as_str() {
            "api_key_id" => (key(Kind::ApiKey, name), "id"),
            "id" => (key(Kind::RestApi, name), "id"),
            _ if attribute.starts_with("domain_") => {
                let domain = document.apis.get(name).and_then(|api| api.domain.as_ref());
                let named =
                    |of: fn(&str, &ApiDomain) -> String| domain.map(|domain| of(name, domain)).unwrap_or_default();
                match attribute.as_str() {
                    "domain_url" => (key(Kind::ApiMapping, &named(api::mapping_key)), "url"),
                    "domain_zone_id" => (key(Kind::ApiDomain, &named(api::domain_key)), "zone_id"),
                    _ => (key(Kind::ApiDomain, &named(api::domain_key)), "target"),
                }
            }
            // What follows the URL is the path's.
            _ => {
                let api = document.apis.get(name);
                let stage = api.map(|api| api::stage_key(name, api)).unwrap_or_default();
                (key(Kind::ApiStage, &stage), "url")
            }
        },
    };
    Reference {
        resource,
        attribute: attribute.to_owned(),
    }
}

const VPC: &str = "vpc";
/// The attribute of backups that is their plan's: it has a home, the vaults are in each region.
const PLAN_ID: &str = "plan_id";

/// What other components need of a region's network.
struct NetworkKeys {
    vpc: ResourceKey,
    cidr: Ipv4Net,
    route_tables: Vec<ResourceKey>,
    public_subnets: Vec<ResourceKey>,
    private_subnets: Vec<ResourceKey>,
    internet_gateway: Option<ResourceKey>,
}

struct Expansion<'a> {
    document: &'a Document,
    resolved: &'a Resolved,
    /// Where what is added lives: the first region, but within [`Expansion::at`].
    region: &'a Region,
    graph: Graph,
    problems: Vec<Problem>,
}

impl<'a> Expansion<'a> {
    /// Expands something that lives in a region.
    fn at<T>(&mut self, region: &'a Region, expand: impl FnOnce(&mut Self) -> T) -> T {
        let before = std::mem::replace(&mut self.region, region);
        let expanded = expand(self);
        self.region = before;
        expanded
    }

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
        let key = ResourceKey::new(self.region, kind, name);
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

    /// Has a resource wait for another, to which it does not refer.
    fn after(&mut self, key: &ResourceKey, other: &ResourceKey) {
        if let Some(resource) = self.graph.resources.get_mut(key) {
            resource.depends_on.insert(other.clone());
        }
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
                    source: network.cidr,
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
}
