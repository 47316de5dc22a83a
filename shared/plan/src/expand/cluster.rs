//! Clusters: a cluster with its instances, what it lives in and what it needs.

use outrigger_model::document::{Cluster, Code, ComponentPath, Problem};
use outrigger_model::properties::{self, Input};
use outrigger_model::{Kind, Properties};

use super::{Expansion, NetworkKeys};

/// An Aurora cluster's storage is in three zones, and its instances are in those only.
const ZONES_MAX: usize = 3;

impl Expansion<'_> {
    pub(super) fn cluster(&mut self, name: &str, cluster: &Cluster, network: &NetworkKeys) {
        let component = ComponentPath::Cluster(name.to_owned());
        let engine_version = self.version(&component);
        self.capacity(&component, cluster, &engine_version);
        let security_group = self.security_group(name, "postgresql", cluster.port, network);
        let subnet_group = self.db_subnet_group(name, network);
        let secret = self.add(
            Kind::Secret,
            name,
            Properties::Secret(properties::Secret {
                description: format!("credentials of the cluster {name} of {}", self.document.id()),
                username: cluster.user.clone(),
                engine: "postgres".to_owned(),
                port: cluster.port,
                database: cluster.database.clone(),
            }),
        );
        let zones: Vec<String> = self.resolved.zones.iter().take(ZONES_MAX).cloned().collect();
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

    /// What only recent versions can do.
    /// <https://docs.aws.amazon.com/AmazonRDS/latest/AuroraUserGuide/aurora-serverless-v2.how-it-works.html#aurora-serverless-v2.how-it-works.capacity>
    fn capacity(&mut self, component: &ComponentPath, cluster: &Cluster, engine_version: &str) {
        if cluster.capacity_acu_min == 0.0 && !is_from(engine_version, &[(13, 15), (14, 12), (15, 7), (16, 3)]) {
            let problem = Problem::at(
                Code::Version,
                format!("{component}.capacity_acu_min"),
                format!("Aurora PostgreSQL {engine_version} cannot pause"),
            );
            self.problems
                .push(problem.help("expected 0.5 or more, or a version from 13.15, 14.12, 15.7 or 16.3 on"));
        }
        if cluster.capacity_acu_max > 128.0 && !is_from(engine_version, &[(13, 13), (14, 10), (15, 5), (16, 1)]) {
            let problem = Problem::at(
                Code::Version,
                format!("{component}.capacity_acu_max"),
                format!("Aurora PostgreSQL {engine_version} grows to 128 ACU at the most"),
            );
            self.problems
                .push(problem.help("expected 128 or less, or a version from 13.13, 14.10, 15.5 or 16.1 on"));
        }
    }
}

/// Whether a version is at least the one of its major here; later majors are.
fn is_from(version: &str, firsts: &[(u32, u32)]) -> bool {
    let mut numbers = version.split('.').map(|part| part.parse().unwrap_or(0));
    let (major, minor) = (numbers.next().unwrap_or(0), numbers.next().unwrap_or(0));
    match firsts.iter().find(|(of, _)| *of == major) {
        Some((_, first)) => minor >= *first,
        None => firsts.iter().all(|(of, _)| *of < major),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn versions_are_held_against_the_first_of_their_major() {
        let table = [
            ("15.7", true),
            ("15.6", false),
            ("15.10", true),
            ("16.2", false),
            ("17.4", true),
            ("12.22", false),
        ];
        for (version, expected) in table {
            let firsts = [(13, 15), (14, 12), (15, 7), (16, 3)];
            assert_eq!(is_from(version, &firsts), expected, "{version}");
        }
    }
}
