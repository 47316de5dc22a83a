//! Clusters: a cluster with its instances, what it lives in and what it needs.

use outrigger_model::document::{Cluster, ComponentPath};
use outrigger_model::properties::{self, Input};
use outrigger_model::{Kind, Properties};

use super::{Expansion, NetworkKeys};

/// An Aurora cluster's storage is in three zones, and its instances are in those only.
const ZONES_MAX: usize = 3;

impl Expansion<'_> {
    pub(super) fn cluster(&mut self, name: &str, cluster: &Cluster, network: &NetworkKeys) {
        let component = ComponentPath::Cluster(name.to_owned());
        let engine_version = self.version(&component);
        let security_group = self.security_group(name, "postgresql", cluster.port, network);
        let subnet_group = self.db_subnet_group(name, network);
        let encryption_key = self.encryption_key(cluster.encryption_key.as_ref());
        let secret = self.add(
            Kind::Secret,
            name,
            Properties::Secret(properties::Secret {
                description: format!("credentials of the cluster {name} of {}", self.document.id()),
                username: cluster.user.clone(),
                engine: "postgres".to_owned(),
                port: cluster.port,
                database: cluster.database.clone(),
                encryption_key: encryption_key.clone(),
            }),
        );
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
                engine_version,
                capacity_acu_min: cluster.capacity_acu_min,
                capacity_acu_max: cluster.capacity_acu_max,
                zones: zones.clone(),
                data_api: cluster.data_api,
                database: cluster.database.clone(),
                port: cluster.port,
                user: cluster.user.clone(),
                secret: Input::of(&secret, "arn"),
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
        for (number, zone) in (1..=cluster.instances).zip(zones.iter().cycle()) {
            self.add_tagged(
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
        }
        self.secret_attachment(name, &secret, &key);
    }
}
