//! Clusters: a cluster with its instances, what it lives in and what it needs; and global databases, with a cluster in each
//! region.

use std::collections::{BTreeMap, BTreeSet};

use outrigger_model::document::{Cluster, ComponentPath};
use outrigger_model::properties::{self, Input};
use outrigger_model::{Kind, Properties, Region, ResourceKey};

use super::{Expansion, NetworkKeys};

/// An Aurora cluster's storage is in three zones, and its instances are in those only.
const ZONES_MAX: usize = 3;

/// What a cluster shares with the others of its global database, or has to itself.
struct Shared<'a> {
    engine_version: &'a str,
    secret: &'a ResourceKey,
    global_cluster: Option<&'a ResourceKey>,
}

impl<'a> Expansion<'a> {
    pub(super) fn cluster(&mut self, name: &str, cluster: &Cluster, network: &NetworkKeys) {
        let engine_version = self.version(&ComponentPath::Cluster(name.to_owned()));
        let secret = self.secret_of_cluster(name, cluster, BTreeSet::new());
        let shared = Shared {
            engine_version: &engine_version,
            secret: &secret,
            global_cluster: None,
        };
        let (key, _) = self.regional_cluster(name, cluster, network, &shared);
        self.secret_attachment(name, &secret, &key, "endpoint");
    }

    /// A cluster in each region. The further ones copy the first one, which needs an instance for that: so they wait for its
    /// instances when they are created. Who writes later on is AWS's to say, and nothing here depends on it: see
    /// [`crate::plan`] for how they go.
    pub(super) fn global_database(
        &mut self,
        name: &str,
        cluster: &Cluster,
        networks: &BTreeMap<&'a Region, NetworkKeys>,
    ) {
        let document = self.document;
        let engine_version = self.version(&ComponentPath::Cluster(name.to_owned()));
        let global_cluster = self.at(Region::global(), |expansion| {
            let properties = properties::GlobalCluster {
                engine_version: engine_version.clone(),
                regions: document.regions.clone(),
                deletion_protection: cluster.deletion_protection,
            };
            expansion.add_tagged(
                Kind::GlobalCluster,
                name,
                Properties::GlobalCluster(properties),
                &cluster.tags,
            )
        });
        let further = document.regions.iter().skip(1).cloned().collect();
        let secret = self.at(&document.region, |expansion| {
            expansion.secret_of_cluster(name, cluster, further)
        });
        let shared = Shared {
            engine_version: &engine_version,
            secret: &secret,
            global_cluster: Some(&global_cluster),
        };
        let mut of_first: Option<Vec<ResourceKey>> = None;
        for region in &document.regions {
            let Some(network) = networks.get(region) else {
                continue;
            };
            let (key, instances) = self.at(region, |expansion| {
                expansion.regional_cluster(name, cluster, network, &shared)
            });
            match &of_first {
                Some(of_first) => of_first.iter().for_each(|instance| self.after(&key, instance)),
                None => {
                    self.at(region, |expansion| {
                        expansion.secret_attachment(name, &secret, &key, "writer_endpoint")
                    });
                    of_first = Some(instances);
                }
            }
        }
    }

    fn secret_of_cluster(&mut self, name: &str, cluster: &Cluster, replicas: BTreeSet<Region>) -> ResourceKey {
        let encryption_key = self.encryption_key(cluster.encryption_key.as_ref());
        self.add(
            Kind::Secret,
            name,
            Properties::Secret(properties::Secret {
                description: format!("credentials of the cluster {name} of {}", self.document.id()),
                username: cluster.user.clone(),
                engine: "postgres".to_owned(),
                port: cluster.port,
                database: cluster.database.clone(),
                encryption_key,
                replicas,
            }),
        )
    }

    /// A cluster and its instances, in one region.
    fn regional_cluster(
        &mut self,
        name: &str,
        cluster: &Cluster,
        network: &NetworkKeys,
        shared: &Shared<'_>,
    ) -> (ResourceKey, Vec<ResourceKey>) {
        let security_group = self.security_group(name, "postgresql", cluster.port, network);
        let subnet_group = self.db_subnet_group(name, network);
        let encryption_key = self.encryption_key(cluster.encryption_key.as_ref());
        let zones: Vec<String> = self
            .resolved
            .zones(self.region)
            .iter()
            .take(ZONES_MAX)
            .cloned()
            .collect();
        let maintenance_window = cluster.maintenance_window.to_lowercase();
        let key = self.add_tagged(
            Kind::DbCluster,
            name,
            Properties::DbCluster(properties::DbCluster {
                engine_version: shared.engine_version.to_owned(),
                capacity_acu_min: cluster.capacity_acu_min,
                capacity_acu_max: cluster.capacity_acu_max,
                zones: zones.clone(),
                data_api: cluster.data_api,
                global_cluster: shared.global_cluster.map(Input::id_of),
                database: cluster.database.clone(),
                port: cluster.port,
                user: cluster.user.clone(),
                secret: Input::of(shared.secret, "arn"),
                subnet_group: Input::id_of(&subnet_group),
                security_groups: vec![Input::id_of(&security_group)],
                encryption_key,
                log_exports: cluster.log_exports.clone(),
                backup_retention_days: cluster.backups.retention_days,
                backup_window: cluster.backups.window.clone(),
                maintenance_window: maintenance_window.clone(),
                minor_upgrades: cluster.minor_upgrades,
                deletion_protection: cluster.deletion_protection,
                final_snapshot: cluster.final_snapshot,
                apply: cluster.apply,
                allow_replace: cluster.allow_replace,
            }),
            &cluster.tags,
        );
        self.log_groups(&key, "cluster", &cluster.log_exports);
        let mut instances = Vec::new();
        for (number, zone) in (1..=cluster.instances).zip(zones.iter().cycle()) {
            let instance = self.add_tagged(
                Kind::DbClusterInstance,
                &format!("{name}-{number}"),
                Properties::DbClusterInstance(properties::DbClusterInstance {
                    cluster: Input::id_of(&key),
                    zone: zone.clone(),
                    maintenance_window: maintenance_window.clone(),
                    minor_upgrades: cluster.minor_upgrades,
                }),
                &cluster.tags,
            );
            instances.push(instance);
        }
        (key, instances)
    }
}
