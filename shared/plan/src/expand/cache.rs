//! Caches: a replication group, with what it lives in.

use outrigger_model::document::{Cache, ComponentPath};
use outrigger_model::properties::{self, Input};
use outrigger_model::{Kind, Properties};

use super::{Expansion, NetworkKeys};

impl Expansion<'_> {
    pub(super) fn cache(&mut self, name: &str, cache: &Cache, network: &NetworkKeys) {
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
}
