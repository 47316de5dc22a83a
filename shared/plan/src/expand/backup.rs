//! Backups: a vault in each region, and where the data is a plan with what it backs up, and the role that may do so.

use std::collections::BTreeSet;

use outrigger_model::document::{Backup, ComponentPath};
use outrigger_model::properties::{self, Input};
use outrigger_model::{Kind, Properties, ResourceKey};

use super::Expansion;

/// What stands before the name of backups in that of their role. No component's name can hold the underscore.
const ROLE: &str = "backup_";

impl<'a> Expansion<'a> {
    pub(super) fn backup(&mut self, name: &str, backup: &'a Backup) {
        let home = self.document.home(backup.region.as_ref());
        let mut copies = Vec::new();
        let mut vault = None;
        for region in &self.document.regions {
            let key = self.at(region, |expansion| {
                let properties = Properties::BackupVault(properties::BackupVault {});
                expansion.add_tagged(Kind::BackupVault, name, properties, &backup.tags)
            });
            match region == home {
                true => vault = Some(key),
                false => copies.push(Input::of(&key, "arn")),
            }
        }
        if let Some(vault) = vault {
            self.at(home, |expansion| expansion.backup_plan(name, backup, &vault, copies));
        }
    }

    fn backup_plan(&mut self, name: &str, backup: &Backup, vault: &ResourceKey, copies: Vec<Input>) {
        let copied = !copies.is_empty();
        let plan = self.add_tagged(
            Kind::BackupPlan,
            name,
            Properties::BackupPlan(properties::BackupPlan {
                vault: Input::of(vault, "name"),
                window_start: backup.window_start.clone(),
                retention_days: backup.retention_days,
                copies,
            }),
            &backup.tags,
        );
        // What may be backed up is the selection's to say; restoring takes another role, of whoever restores.
        // https://docs.aws.amazon.com/aws-managed-policy/latest/reference/AWSBackupServiceRolePolicyForBackup.html
        let policy = format!(
            "arn:{}:iam::aws:policy/service-role/AWSBackupServiceRolePolicyForBackup",
            self.region.partition()
        );
        let role = self.add(
            Kind::Role,
            &format!("{ROLE}{name}"),
            Properties::Role(properties::Role {
                description: format!("the backups {name} of {}", self.document.id()),
                service: "backup.amazonaws.com".to_owned(),
                managed_policies: BTreeSet::from([policy]),
                allows: Vec::new(),
            }),
        );
        let resources = backup.of.iter().filter_map(|of| self.arn_of(of)).collect();
        self.add(
            Kind::BackupSelection,
            name,
            Properties::BackupSelection(properties::BackupSelection {
                plan: Input::id_of(&plan),
                role: Input::of(&role, "arn"),
                resources,
                copied,
            }),
        );
    }

    /// The ARN of what holds a component's data, where that can be backed up.
    fn arn_of(&self, component: &ComponentPath) -> Option<Input> {
        let (kind, name) = match component {
            ComponentPath::Database(name) => (Kind::DbInstance, name),
            ComponentPath::Cluster(name) => (Kind::DbCluster, name),
            ComponentPath::Table(name) => return Some(Input::of(&self.table_here(name).0, "arn")),
            ComponentPath::Cache(_)
            | ComponentPath::Stream(_)
            | ComponentPath::Topic(_)
            | ComponentPath::Api(_)
            | ComponentPath::Bucket(_)
            | ComponentPath::Parameter(_)
            | ComponentPath::Backup(_)
            | ComponentPath::Function(_)
            | ComponentPath::Gate(_)
            | ComponentPath::Accelerator(_)
            | ComponentPath::HealthCheck(_)
            | ComponentPath::Bus(_) => return None,
        };
        Some(Input::of(&ResourceKey::new(self.region, kind, name), "arn"))
    }
}
