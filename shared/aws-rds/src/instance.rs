//! `AWS::RDS::DBInstance`, of PostgreSQL.

use std::collections::{BTreeMap, BTreeSet};

use aws_sdk_rds::Client;
use aws_sdk_rds::types::DbInstance as SdkInstance;
use outrigger_aws::{TAGS, call_error, is_code, missing_tags, number, unchangeable};
use outrigger_engine::ports::provider::{CallError, CallErrorKind, Condition, Difference, Observed, Progress, Target};
use outrigger_engine::ports::secrets::SecretReader;
use outrigger_model::properties::DbInstance;
use outrigger_model::resource::is_ours;
use secrecy::ExposeSecret;
use sha2::{Digest, Sha256};

use crate::{POLL_SECONDS, fresh_references_wait, tags};

const NOT_FOUND: &[&str] = &["DBInstanceNotFound", "DBInstanceNotFoundFault"];
const CODES: &[(&str, CallErrorKind)] = &[
    ("DBInstanceAlreadyExists", CallErrorKind::Exists),
    // References that are created, but that not every part of RDS sees yet.
    ("DBSubnetGroupNotFoundFault", CallErrorKind::NotYet),
    ("InvalidSubnet", CallErrorKind::NotYet),
    ("InvalidVPCNetworkStateFault", CallErrorKind::NotYet),
    // No machine of this class is free in the zones just now.
    ("InsufficientDBInstanceCapacity", CallErrorKind::NotYet),
    // Being created, changed, backed up or deleted.
    ("InvalidDBInstanceState", CallErrorKind::NotYet),
];

/// DescribeDBInstances, which shows the tags too:
/// <https://docs.aws.amazon.com/AmazonRDS/latest/APIReference/API_DescribeDBInstances.html>.
pub(crate) async fn observe(
    client: &Client,
    target: &Target,
    wanted: &DbInstance,
) -> Result<Option<Observed>, CallError> {
    let Some(instance) = describe(client, &target.resource.physical_name).await? else {
        return Ok(None);
    };
    let actual_tags = tags::from_sdk(instance.tag_list());
    let compared = compare(wanted, &instance, &target.resource.tags, &actual_tags);
    let condition = match condition(instance.db_instance_status().unwrap_or_default()) {
        Condition::Ready if !compared.coming.is_empty() => Condition::Changing {
            status: format!("available, about to change: {}", compared.coming.join(", ")),
        },
        Condition::Ready if instance.endpoint().and_then(|endpoint| endpoint.address()).is_none() => {
            Condition::Changing {
                status: "available, without an endpoint yet".to_owned(),
            }
        }
        other => other,
    };
    let differences = match condition {
        Condition::Ready => compared.differences,
        // What is being created or changed does not show its values yet.
        Condition::Changing { .. } | Condition::Deleting | Condition::Broken { .. } => Vec::new(),
    };
    Ok(Some(Observed {
        id: instance.db_instance_identifier().unwrap_or_default().to_owned(),
        attributes: attributes(&instance),
        condition,
        ours: is_ours(&actual_tags, &target.resource.tags),
        differences,
        duplicates: Vec::new(),
    }))
}

pub(crate) async fn ensure(
    client: &Client,
    secrets: &dyn SecretReader,
    target: &Target,
    wanted: &DbInstance,
    observed: Option<&Observed>,
) -> Result<Progress, CallError> {
    let Some(observed) = observed else {
        return create(client, secrets, target, wanted).await;
    };
    let Some(first) = observed.differences.first() else {
        return Ok(Progress::Done);
    };
    match first.property {
        TAGS => {
            let arn = observed.attributes.get("arn").map(String::as_str).unwrap_or_default();
            tags::add(client, arn, &target.resource.tags).await?;
            Ok(Progress::changed(POLL_SECONDS))
        }
        // ModifyDBInstance: https://docs.aws.amazon.com/AmazonRDS/latest/APIReference/API_ModifyDBInstance.html
        // Takes effect at once, and without it a protected stack could not be taken down.
        "deletion_protection" => {
            client
                .modify_db_instance()
                .db_instance_identifier(&target.resource.physical_name)
                .deletion_protection(wanted.deletion_protection)
                .apply_immediately(true)
                .send()
                .await
                .map_err(|error| call_error("rds:ModifyDBInstance", CODES, &error))?;
            Ok(Progress::changed(POLL_SECONDS))
        }
        _ => Ok(unchangeable("a database", first)),
    }
}

/// CreateDBInstance: <https://docs.aws.amazon.com/AmazonRDS/latest/APIReference/API_CreateDBInstance.html>.
async fn create(
    client: &Client,
    secrets: &dyn SecretReader,
    target: &Target,
    wanted: &DbInstance,
) -> Result<Progress, CallError> {
    let call = "rds:CreateDBInstance";
    let groups = wanted
        .security_groups
        .iter()
        .map(|group| group.text().to_owned())
        .collect();
    let (storage, retention) = (
        number(call, "storage_gib", wanted.storage_gib)?,
        number(call, "backup_retention_days", wanted.backup_retention_days)?,
    );
    // Read last, and gone when this call ends.
    let credentials = secrets.credentials(wanted.secret.text()).await?;
    let output = client
        .create_db_instance()
        .db_instance_identifier(&target.resource.physical_name)
        .engine("postgres")
        .engine_version(&wanted.engine_version)
        .db_instance_class(&wanted.class)
        .allocated_storage(storage)
        .storage_type(&wanted.storage_type)
        .storage_encrypted(true)
        .publicly_accessible(false)
        .multi_az(wanted.multi_az)
        .db_name(&wanted.database)
        .port(i32::from(wanted.port))
        .master_username(&credentials.username)
        .master_user_password(credentials.password.expose_secret())
        .db_subnet_group_name(wanted.subnet_group.text())
        .set_vpc_security_group_ids(Some(groups))
        .backup_retention_period(retention)
        .preferred_backup_window(&wanted.backup_window)
        .preferred_maintenance_window(&wanted.maintenance_window)
        .auto_minor_version_upgrade(wanted.minor_upgrades)
        .deletion_protection(wanted.deletion_protection)
        .copy_tags_to_snapshot(true)
        .set_tags(Some(tags::to_sdk(&target.resource.tags)))
        .send()
        .await
        .map_err(|error| fresh_references_wait(call_error(call, CODES, &error)))?;
    Ok(Progress::InProgress {
        id: output.db_instance.and_then(|instance| instance.db_instance_identifier),
        poll_after_seconds: POLL_SECONDS,
    })
}

/// DeleteDBInstance, with its automated backups:
/// <https://docs.aws.amazon.com/AmazonRDS/latest/APIReference/API_DeleteDBInstance.html>.
pub(crate) async fn delete(client: &Client, target: &Target, wanted: &DbInstance) -> Result<Progress, CallError> {
    let call = "rds:DeleteDBInstance";
    let name = &target.resource.physical_name;
    let snapshot = async {
        match wanted.final_snapshot {
            true => final_snapshot_name(client, name, &target.token).await.map(Some),
            false => Ok(None),
        }
    };
    let (instance, snapshot) = futures::try_join!(describe(client, name), snapshot)?;
    let Some(instance) = instance else {
        return Ok(Progress::Done);
    };
    let status = instance.db_instance_status().unwrap_or_default();
    if condition(status) == Condition::Deleting {
        return Ok(Progress::changed(POLL_SECONDS));
    }
    if instance.deletion_protection().unwrap_or_default() {
        return Ok(Progress::Blocked {
            reason: format!("{name} is protected against deletion: set `deletion_protection: false`, and provision"),
        });
    }
    // "RDS can delete the instance only if you enable SkipFinalSnapshot": data is never dropped unasked.
    if snapshot.is_some() && ["failed", "incompatible-restore", "incompatible-network"].contains(&status) {
        return Ok(Progress::Blocked {
            reason: format!(
                "AWS takes no final snapshot of {name} while it is {status}: repair it, or delete it by hand"
            ),
        });
    }
    match client
        .delete_db_instance()
        .db_instance_identifier(name)
        .skip_final_snapshot(snapshot.is_none())
        .set_final_db_snapshot_identifier(snapshot)
        .delete_automated_backups(true)
        .send()
        .await
    {
        Ok(_) => Ok(Progress::changed(POLL_SECONDS)),
        Err(error) if is_code(&error, NOT_FOUND) => Ok(Progress::Done),
        Err(error) => Err(call_error(call, CODES, &error)),
    }
}

/// `<identifier>-final-snapshot`, or, where an earlier instance has left one of that name, one that ends in what tells
/// this instance from earlier ones.
async fn final_snapshot_name(client: &Client, identifier: &str, token: &str) -> Result<String, CallError> {
    let name = format!("{identifier}-final-snapshot");
    match client
        .describe_db_snapshots()
        .db_snapshot_identifier(&name)
        .send()
        .await
    {
        Ok(output) if output.db_snapshots().is_empty() => Ok(name),
        Ok(_) => {
            let digest = Sha256::digest(token.as_bytes());
            let suffix: String = digest.iter().take(4).map(|byte| format!("{byte:02x}")).collect();
            Ok(format!("{name}-{suffix}"))
        }
        Err(error) if is_code(&error, &["DBSnapshotNotFound", "DBSnapshotNotFoundFault"]) => Ok(name),
        Err(error) => Err(call_error("rds:DescribeDBSnapshots", &[], &error)),
    }
}

async fn describe(client: &Client, identifier: &str) -> Result<Option<SdkInstance>, CallError> {
    match client
        .describe_db_instances()
        .db_instance_identifier(identifier)
        .send()
        .await
    {
        Ok(output) => Ok(output.db_instances.unwrap_or_default().into_iter().next()),
        Err(error) if is_code(&error, NOT_FOUND) => Ok(None),
        Err(error) => Err(call_error("rds:DescribeDBInstances", CODES, &error)),
    }
}

fn attributes(instance: &SdkInstance) -> BTreeMap<String, String> {
    let endpoint = instance.endpoint();
    [
        ("arn", instance.db_instance_arn().map(str::to_owned)),
        (
            "endpoint",
            endpoint.and_then(|endpoint| endpoint.address()).map(str::to_owned),
        ),
        (
            "port",
            endpoint
                .and_then(|endpoint| endpoint.port())
                .map(|port| port.to_string()),
        ),
        ("engine_version", instance.engine_version().map(str::to_owned)),
    ]
    .into_iter()
    .filter_map(|(name, value)| Some((name.to_owned(), value?)))
    .collect()
}

/// What the status of an instance means:
/// <https://docs.aws.amazon.com/AmazonRDS/latest/UserGuide/accessing-monitoring.html#Overview.DBInstance.Status>.
fn condition(status: &str) -> Condition {
    let what_to_do = match status {
        // Storage is optimized for hours, while the instance works as ever.
        "available" | "storage-optimization" => return Condition::Ready,
        "deleting" | "delete-precheck" => return Condition::Deleting,
        "failed" | "restore-error" | "incompatible-restore" | "incompatible-create" => {
            "it cannot be repaired: delete it, and see its events for why"
        }
        "incompatible-network" => "see that its VPC still has its subnets, with free addresses",
        "incompatible-option-group" | "incompatible-parameters" => "correct its option or parameter group",
        "inaccessible-encryption-credentials" | "inaccessible-encryption-credentials-recoverable" => {
            "make its KMS key usable again, then start it"
        }
        "insufficient-capacity" => "choose another instance class, or try again later",
        "storage-full" => "give it more storage",
        "stopped" => "start it",
        other => {
            return Condition::Changing {
                status: other.to_owned(),
            };
        }
    };
    Condition::Broken {
        reason: format!("{status}: {what_to_do}"),
    }
}

/// How an instance stands to what is wanted.
#[derive(Debug, Default)]
struct Compared {
    /// Properties that AWS is about to make as they are wanted, or that it does not yet use.
    coming: Vec<&'static str>,
    /// What differs, and is to stay so; what can be closed comes first.
    differences: Vec<Difference>,
}

impl Compared {
    /// Adds one property. `pending` is the value that AWS has accepted, but not applied yet.
    fn add(
        &mut self,
        property: &'static str,
        wanted: &str,
        (actual, pending): (Option<String>, Option<String>),
        is_as_wanted: impl Fn(&str) -> bool,
    ) {
        let actual = actual.unwrap_or_else(|| "nothing".to_owned());
        let actual = match (is_as_wanted(&actual), pending) {
            (true, None) => return,
            (true, Some(pending)) if is_as_wanted(&pending) => return,
            (false, Some(pending)) if is_as_wanted(&pending) => return self.coming.push(property),
            // Somebody else's change, which a maintenance window or a reboot will bring.
            (_, Some(pending)) => format!("{actual}, to become {pending}"),
            (false, None) => actual,
        };
        self.differences.push(Difference {
            property,
            wanted: wanted.to_owned(),
            actual,
        });
    }

    fn add_equal(&mut self, property: &'static str, wanted: impl ToString, actual: Option<impl ToString>) {
        self.add_pending(property, wanted, actual, None::<String>);
    }

    fn add_pending(
        &mut self,
        property: &'static str,
        wanted: impl ToString,
        actual: Option<impl ToString>,
        pending: Option<impl ToString>,
    ) {
        let wanted = wanted.to_string();
        let values = (
            actual.map(|value| value.to_string()),
            pending.map(|value| value.to_string()),
        );
        self.add(property, &wanted, values, |value| value == wanted);
    }
}

fn compare(
    wanted: &DbInstance,
    actual: &SdkInstance,
    wanted_tags: &BTreeMap<String, String>,
    actual_tags: &BTreeMap<String, String>,
) -> Compared {
    let pending = actual.pending_modified_values();
    let mut compared = Compared::default();
    compared.differences.extend(missing_tags(wanted_tags, actual_tags));
    compared.add_equal(
        "deletion_protection",
        wanted.deletion_protection,
        actual.deletion_protection(),
    );
    compared.add(
        "engine_version",
        &wanted.engine_version,
        (
            actual.engine_version().map(str::to_owned),
            pending.and_then(|pending| pending.engine_version()).map(str::to_owned),
        ),
        |version| is_version(&wanted.engine_version, version, wanted.minor_upgrades),
    );
    compared.add_pending(
        "class",
        &wanted.class,
        actual.db_instance_class(),
        pending.and_then(|pending| pending.db_instance_class()),
    );
    compared.add(
        "storage_gib",
        &wanted.storage_gib.to_string(),
        (
            actual.allocated_storage().map(|gib| gib.to_string()),
            pending
                .and_then(|pending| pending.allocated_storage())
                .map(|gib| gib.to_string()),
        ),
        // It grows by itself, and never shrinks.
        |gib| gib.parse().is_ok_and(|gib: u32| gib >= wanted.storage_gib),
    );
    compared.add_pending(
        "storage_type",
        &wanted.storage_type,
        actual.storage_type(),
        pending.and_then(|pending| pending.storage_type()),
    );
    compared.add_pending(
        "multi_az",
        wanted.multi_az,
        actual.multi_az(),
        pending.and_then(|pending| pending.multi_az()),
    );
    compared.add_equal("database", &wanted.database, actual.db_name());
    let port = actual.endpoint().and_then(|endpoint| endpoint.port());
    compared.add_pending("port", wanted.port, port, pending.and_then(|pending| pending.port()));
    compared.add_pending(
        "subnet_group",
        wanted.subnet_group.text().to_lowercase(),
        actual
            .db_subnet_group()
            .and_then(|group| group.db_subnet_group_name())
            .map(str::to_lowercase),
        pending
            .and_then(|pending| pending.db_subnet_group_name())
            .map(str::to_lowercase),
    );
    let wanted_groups: BTreeSet<_> = wanted.security_groups.iter().map(|group| group.text()).collect();
    let actual_groups: BTreeSet<_> = actual
        .vpc_security_groups()
        .iter()
        .filter(|group| group.status() != Some("removing"))
        .filter_map(|group| group.vpc_security_group_id())
        .collect();
    compared
        .differences
        .extend(Difference::between("security_groups", &wanted_groups, &actual_groups));
    compared.add_pending(
        "backup_retention_days",
        wanted.backup_retention_days,
        actual.backup_retention_period(),
        pending.and_then(|pending| pending.backup_retention_period()),
    );
    // Without backups the window means nothing.
    if wanted.backup_retention_days > 0 {
        let window = actual.preferred_backup_window().map(str::to_lowercase);
        compared.add_equal("backup_window", wanted.backup_window.to_lowercase(), window);
    }
    let window = actual.preferred_maintenance_window().map(str::to_lowercase);
    compared.add_equal("maintenance_window", wanted.maintenance_window.to_lowercase(), window);
    compared.add_equal(
        "minor_upgrades",
        wanted.minor_upgrades,
        actual.auto_minor_version_upgrade(),
    );
    compared.add_equal("storage_encrypted", true, actual.storage_encrypted());
    compared.add_equal("publicly_accessible", false, actual.publicly_accessible());
    // AWS has taken the password, but the database does not accept it yet.
    if pending.is_some_and(|pending| pending.master_user_password().is_some()) {
        compared.coming.push("secret");
    }
    compared
}

/// Whether a version is the wanted one, or one that AWS has upgraded it to by itself.
fn is_version(wanted: &str, actual: &str, minor_upgrades: bool) -> bool {
    let numbers = |version: &str| {
        let (major, minor) = version.split_once('.')?;
        let digits: String = minor.chars().take_while(char::is_ascii_digit).collect();
        Some((major.parse::<u32>().ok()?, digits.parse::<u32>().ok()?))
    };
    wanted == actual
        || minor_upgrades
            && match (numbers(wanted), numbers(actual)) {
                (Some((wanted, least)), Some((major, minor))) => wanted == major && minor >= least,
                _ => false,
            }
}

#[cfg(test)]
mod tests {
    use aws_sdk_rds::types::builders::DbInstanceBuilder;
    use aws_sdk_rds::types::{DbSubnetGroup, Endpoint, PendingModifiedValues, VpcSecurityGroupMembership};
    use outrigger_model::Input;

    use super::*;

    fn text(text: &str) -> Input {
        Input::Text(text.to_owned())
    }

    fn wanted() -> DbInstance {
        DbInstance {
            engine_version: "15.15".to_owned(),
            class: "db.t3.micro".to_owned(),
            storage_gib: 20,
            storage_type: "gp2".to_owned(),
            multi_az: true,
            database: "tapdb".to_owned(),
            port: 5432,
            secret: text("arn"),
            subnet_group: text("Group"),
            security_groups: vec![text("sg-1")],
            backup_retention_days: 7,
            backup_window: "03:00-04:00".to_owned(),
            maintenance_window: "Mon:04:00-Mon:05:00".to_owned(),
            minor_upgrades: true,
            deletion_protection: false,
            final_snapshot: false,
        }
    }

    fn actual() -> DbInstanceBuilder {
        SdkInstance::builder()
            .engine_version("15.15")
            .db_instance_class("db.t3.micro")
            .allocated_storage(20)
            .storage_type("gp2")
            .multi_az(true)
            .db_name("tapdb")
            .endpoint(Endpoint::builder().address("host").port(5432).build())
            .db_subnet_group(DbSubnetGroup::builder().db_subnet_group_name("group").build())
            .vpc_security_groups(group("sg-1", "active"))
            .backup_retention_period(7)
            .preferred_backup_window("03:00-04:00")
            .preferred_maintenance_window("mon:04:00-mon:05:00")
            .auto_minor_version_upgrade(true)
            .deletion_protection(false)
            .storage_encrypted(true)
            .publicly_accessible(false)
    }

    fn group(id: &str, status: &str) -> VpcSecurityGroupMembership {
        VpcSecurityGroupMembership::builder()
            .vpc_security_group_id(id)
            .status(status)
            .build()
    }

    fn check(actual: DbInstanceBuilder, coming: &[&str], differences: &[&str]) {
        let tags = BTreeMap::new();
        let compared = compare(&wanted(), &actual.build(), &tags, &tags);
        assert_eq!(compared.coming, coming);
        let found: Vec<_> = compared
            .differences
            .iter()
            .map(|difference| format!("{}: {} / {}", difference.property, difference.wanted, difference.actual))
            .collect();
        assert_eq!(found, differences);
    }

    #[test]
    fn differences_are_told() {
        check(actual(), &[], &[]);
        check(actual().storage_type("gp3"), &[], &["storage_type: gp2 / gp3"]);
        check(actual().allocated_storage(100), &[], &[]);
        check(actual().allocated_storage(10), &[], &["storage_gib: 20 / 10"]);
        check(actual().vpc_security_groups(group("sg-2", "removing")), &[], &[]);
        check(
            actual().vpc_security_groups(group("sg-2", "active")),
            &[],
            &[r#"security_groups: {"sg-1"} / {"sg-1", "sg-2"}"#],
        );
        // What can be closed comes first.
        check(
            actual()
                .deletion_protection(true)
                .publicly_accessible(true)
                .set_db_name(None),
            &[],
            &[
                "deletion_protection: false / true",
                "database: tapdb / nothing",
                "publicly_accessible: false / true",
            ],
        );
    }

    #[test]
    fn pending_values_are_on_their_way_or_somebody_elses() {
        let pending = PendingModifiedValues::builder;
        check(
            actual()
                .multi_az(false)
                .pending_modified_values(pending().multi_az(true).master_user_password("****").build()),
            &["multi_az", "secret"],
            &[],
        );
        check(
            actual().pending_modified_values(pending().db_instance_class("db.t3.large").build()),
            &[],
            &["class: db.t3.micro / db.t3.micro, to become db.t3.large"],
        );
        check(
            actual().pending_modified_values(pending().engine_version("15.16").build()),
            &[],
            &[],
        );
    }

    #[test]
    fn versions() {
        let table = [
            ("15.15", "15.15", false, true),
            ("15.15", "15.16", false, false),
            ("15.15", "15.16", true, true),
            ("15.4", "15.15", true, true),
            ("15.15", "15.4", true, false),
            ("15.15", "16.16", true, false),
            ("11.22", "11.22-rds.20250101", true, true),
            ("15.15", "", true, false),
        ];
        for (wanted, actual, minor_upgrades, expected) in table {
            assert_eq!(
                is_version(wanted, actual, minor_upgrades),
                expected,
                "{wanted} {actual} {minor_upgrades}"
            );
        }
    }

    #[test]
    fn statuses() {
        for status in ["available", "storage-optimization"] {
            assert_eq!(condition(status), Condition::Ready, "{status}");
        }
        assert_eq!(condition("deleting"), Condition::Deleting);
        for status in [
            "creating",
            "backing-up",
            "modifying",
            "configuring-enhanced-monitoring",
            "rebooting",
            "upgrading",
            "storage-initialization",
        ] {
            let text = status.to_owned();
            assert_eq!(condition(status), Condition::Changing { status: text });
        }
        for status in [
            "failed",
            "incompatible-network",
            "storage-full",
            "inaccessible-encryption-credentials",
            "stopped",
        ] {
            let Condition::Broken { reason } = condition(status) else {
                panic!("{status} is not broken");
            };
            assert!(
                reason.starts_with(&format!("{status}: ")) && reason.len() > status.len() + 5,
                "{reason}"
            );
        }
    }
}
