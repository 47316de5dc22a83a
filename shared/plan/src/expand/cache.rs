//! Caches: a replication group, with what it lives in.

use outrigger_model::document::{Cache, ComponentPath};
use outrigger_model::properties::{self, Input};
use outrigger_model::{Kind, Properties, ResourceKey};

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
        let encryption_key = self.encryption_key(cache.encryption_key.as_ref());
        let secret = cache
            .auth_token
            .then(|| self.auth_secret(name, cache, encryption_key.clone()));
        let group = self.add_tagged(
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
                encryption_key,
                auth_secret: secret.as_ref().map(|secret| Input::of(secret, "arn")),
                apply: cache.apply,
                allow_replace: cache.allow_replace,
            }),
            &cache.tags,
        );
        if let Some(secret) = secret {
            self.add(
                Kind::SecretAttachment,
                name,
                Properties::SecretAttachment(properties::SecretAttachment {
                    secret: Input::of(&secret, "arn"),
                    host: Input::of(&group, "endpoint"),
                    port: Input::of(&group, "port"),
                }),
            );
        }
    }

    /// The secret with a cache's AUTH token. It has the form of a database's: whoever sends a token alone logs in as
    /// `default`, and `dbname` is the number of the logical database that every client begins with.
    /// <https://redis.io/docs/latest/commands/auth/>
    fn auth_secret(&mut self, name: &str, cache: &Cache, encryption_key: Option<Input>) -> ResourceKey {
        self.add(
            Kind::Secret,
            name,
            Properties::Secret(properties::Secret {
                replicas: Default::default(),
                description: format!("AUTH token of the cache {name} of {}", self.document.id()),
                username: "default".to_owned(),
                engine: "redis".to_owned(),
                port: cache.port,
                database: "0".to_owned(),
                encryption_key,
            }),
        )
    }
}
