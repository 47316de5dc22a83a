//! From a document to the resource graph.

mod alarm;
mod api;
mod cache;
mod cluster;
mod database;
mod key;
mod network;
mod stream;
mod topic;

use std::collections::{BTreeMap, BTreeSet};

use outrigger_model::document::{Code, ComponentPath, Document, OutputPath, Problem};
use outrigger_model::name::physical_name;
use outrigger_model::properties::{self, IngressRule, Input, Reference};
use outrigger_model::resource::{TAG_ENVIRONMENT, TAG_RESOURCE, TAG_STACK};
use outrigger_model::{Kind, Properties, Resource, ResourceKey};

use serde::{Deserialize, Serialize};

use crate::endpoints::{self, EndpointService};
use crate::graph::Graph;
use crate::resolve::references;

pub use database::parameter_family;

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
    /// The services that the document wants VPC endpoints of, by their short names.
    #[serde(default)]
    pub endpoints: BTreeMap<String, EndpointService>,
}

impl Resolved {
    /// Stands in for what AWS has not been asked: zones by number, versions as the document has them, every parameter as
    /// if it needed no restart. Good for showing a graph, not for making a plan.
    pub fn unasked(document: &Document) -> Self {
        let zones: Vec<String> = (1..=document.network.zones)
            .map(|zone| format!("zone-{zone}"))
            .collect();
        let endpoints = document.network.endpoints.iter().map(|service| {
            let is_gateway = endpoints::is_gateway(service);
            let [_, name] = endpoints::names(&document.region, service);
            let offered = EndpointService {
                name,
                zones: zones.iter().cloned().collect(),
                private_dns: !is_gateway,
                is_gateway,
            };
            (service.clone(), offered)
        });
        let databases = document.databases.iter();
        let databases = databases.map(|(name, of)| (ComponentPath::Database(name.clone()), &of.version));
        let clusters = document.clusters.iter();
        let clusters = clusters.map(|(name, of)| (ComponentPath::Cluster(name.clone()), &of.version));
        let caches = document.caches.iter();
        let caches = caches.map(|(name, of)| (ComponentPath::Cache(name.clone()), &of.version));
        Self {
            endpoints: endpoints.collect(),
            versions: databases
                .chain(clusters)
                .chain(caches)
                .map(|(component, version)| (component.to_string(), version.clone()))
                .collect(),
            static_parameters: BTreeMap::new(),
            zones,
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
    for (name, key) in &document.keys {
        expansion.key(name, key);
    }
    for (name, stream) in &document.streams {
        expansion.stream(name, stream);
    }
    for (name, cache) in &document.caches {
        expansion.cache(name, cache, &network);
    }
    for (name, database) in &document.databases {
        expansion.database(name, database, &network);
    }
    for (name, cluster) in &document.clusters {
        expansion.cluster(name, cluster, &network);
    }
    for (name, api) in &document.apis {
        expansion.api(name, api);
    }
    for (name, topic) in &document.topics {
        expansion.topic(name, topic);
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

/// What an output stands for: an attribute of a resource, which [`OutputPath::path`] follows.
pub fn output_reference(document: &Document, path: &OutputPath) -> Reference {
    let key = |kind: Kind, name: &str| ResourceKey::new(&document.region, kind, name);
    let (resource, attribute) = match path {
        OutputPath::VpcId => (key(Kind::Vpc, VPC), "id"),
        OutputPath::Key(name, attribute) if attribute == "alias" => (key(Kind::KmsAlias, name), "id"),
        OutputPath::Key(name, attribute) => (key(Kind::KmsKey, name), attribute.as_str()),
        OutputPath::Component(
            ComponentPath::Database(name) | ComponentPath::Cluster(name) | ComponentPath::Cache(name),
            attribute,
        ) if attribute == "secret_arn" => (key(Kind::Secret, name), "arn"),
        OutputPath::Component(ComponentPath::Database(name) | ComponentPath::Cluster(name), attribute)
            if attribute == "subnet_group_name" =>
        {
            (key(Kind::DbSubnetGroup, name), "id")
        }
        OutputPath::Component(ComponentPath::Cluster(name), attribute) => {
            (key(Kind::DbCluster, name), attribute.as_str())
        }
        OutputPath::Component(ComponentPath::Database(name), attribute) => {
            (key(Kind::DbInstance, name), attribute.as_str())
        }
        OutputPath::Component(ComponentPath::Cache(name), attribute) => {
            (key(Kind::ReplicationGroup, name), attribute.as_str())
        }
        OutputPath::Component(ComponentPath::Stream(name), attribute) => (key(Kind::Stream, name), attribute.as_str()),
        OutputPath::Component(ComponentPath::Topic(name), attribute) => (key(Kind::Topic, name), attribute.as_str()),
        OutputPath::Component(ComponentPath::Api(name), attribute) => match attribute.as_str() {
            "api_key_id" => (key(Kind::ApiKey, name), "id"),
            "id" => (key(Kind::RestApi, name), "id"),
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
}
