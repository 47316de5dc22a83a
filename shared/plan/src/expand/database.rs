//! Databases: an instance, with what it lives in and what it needs.

use std::collections::BTreeSet;

use outrigger_model::document::{ComponentPath, Database};
use outrigger_model::properties::{self, Input};
use outrigger_model::{Kind, Properties, ResourceKey};

use super::{Expansion, NetworkKeys};

impl Expansion<'_> {
    pub(super) fn database(&mut self, name: &str, database: &Database, network: &NetworkKeys) {
        let component = ComponentPath::Database(name.to_owned());
        let engine_version = self.version(&component);
        let static_names = self.resolved.static_parameters.get(&component.to_string());
        let static_names = static_names.cloned().unwrap_or_default();
        let parameter_group = self.parameter_group(name, database, &engine_version, &static_names);
        let monitoring_role = self.monitoring_role(name, database);
        let security_group = self.security_group(name, "postgresql", database.port, network);
        let subnet_group = self.db_subnet_group(name, network);
        let encryption_key = self.encryption_key(database.encryption_key.as_ref());
        let secret = self.add(
            Kind::Secret,
            name,
            Properties::Secret(properties::Secret {
                description: format!("credentials of the database {name} of {}", self.document.id()),
                username: database.user.clone(),
                engine: "postgres".to_owned(),
                port: database.port,
                database: database.database.clone(),
                encryption_key: encryption_key.clone(),
                replicas: BTreeSet::new(),
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
                encryption_key,
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
        self.log_groups(&instance, "instance", &database.log_exports);
        self.secret_attachment(name, &secret, &instance, "endpoint");
    }

    /// The DB subnet group of a database or a cluster.
    pub(super) fn db_subnet_group(&mut self, name: &str, network: &NetworkKeys) -> ResourceKey {
        self.add(
            Kind::DbSubnetGroup,
            name,
            Properties::DbSubnetGroup(properties::DbSubnetGroup {
                vpc: Input::id_of(&network.vpc),
                description: format!("private subnets of {}", self.document.id()),
                subnets: network.private_subnets.iter().map(Input::id_of).collect(),
            }),
        )
    }

    /// Where a database or a cluster is, in its secret: `endpoint` is which of its endpoints.
    pub(super) fn secret_attachment(
        &mut self,
        name: &str,
        secret: &ResourceKey,
        database: &ResourceKey,
        endpoint: &str,
    ) {
        self.add(
            Kind::SecretAttachment,
            name,
            Properties::SecretAttachment(properties::SecretAttachment {
                secret: Input::of(secret, "arn"),
                host: Input::of(database, endpoint),
                port: Input::of(database, "port"),
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
        let partition = self.region.partition();
        let policy = format!("arn:{partition}:iam::aws:policy/service-role/AmazonRDSEnhancedMonitoringRole");
        let description = format!("enhanced monitoring of the database {name} of {}", self.document.id());
        Some(self.add(
            Kind::Role,
            &format!("{name}-monitoring"),
            Properties::Role(properties::Role {
                description,
                service: "monitoring.rds.amazonaws.com".to_owned(),
                managed_policies: BTreeSet::from([policy]),
                allows: Vec::new(),
            }),
        ))
    }

    /// The log groups that RDS writes to. It would make them itself, without tags, and leave them behind; so they are there
    /// before the database, and go after it. `what` is RDS's word for what writes: `instance` or `cluster`.
    pub(super) fn log_groups(&mut self, database: &ResourceKey, what: &str, exports: &BTreeSet<String>) {
        let Some(identifier) = self.graph.resources.get(database).map(|of| of.physical_name.clone()) else {
            return;
        };
        for log in exports {
            let name = format!("{}-{log}", database.name);
            let key = self.add(
                Kind::LogGroup,
                &name,
                Properties::LogGroup(properties::LogGroup::default()),
            );
            if let Some(group) = self.graph.resources.get_mut(&key) {
                group.physical_name = format!("/aws/rds/{what}/{identifier}/{log}");
                group.tags.insert("Name".to_owned(), group.physical_name.clone());
            }
            if let Some(database) = self.graph.resources.get_mut(database) {
                database.depends_on.insert(key);
            }
        }
    }
}

/// The parameter group family of a version of PostgreSQL: `postgres15` of `15.4`.
/// <https://docs.aws.amazon.com/AmazonRDS/latest/UserGuide/Appendix.PostgreSQL.CommonDBATasks.Parameters.html>
pub fn parameter_family(engine_version: &str) -> String {
    let major = engine_version.split('.').next().unwrap_or_default();
    format!("postgres{major}")
}
