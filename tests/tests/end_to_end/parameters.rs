//! Parameters in two regions, kept equal, and backups of a cluster: stood up, changed behind our back and put right, and
//! nothing left in either region, recovery points included.

use std::collections::BTreeMap;

use outrigger_tests::LocalAws;
use serde_json::{Value, json};

use crate::harness::{boto3, file_of, json_of, outrigger, shared};
use crate::seen::Seen;

const STACK: &str = "kept-in-step";
const REGIONS: [&str; 2] = ["us-east-1", "us-east-2"];

fn the_document() -> Value {
    json!({
        "stack": STACK,
        "environment": "production",
        "regions": REGIONS,
        "network": {
            "cidr": { "us-east-1": "10.0.0.0/16", "us-east-2": "10.1.0.0/16" },
            "zones": 2,
            "private": {},
        },
        "clusters": { "main": {
            "engine": "aurora_postgresql",
            "version": "15.4",
            "version_policy": "nearest_minor",
            "capacity_acu_min": 0.5,
            "capacity_acu_max": 1.0,
            "instances": 1,
            "database": "shop",
            "user": "shop_owner",
            "deletion_protection": false,
            "final_snapshot": false,
        } },
        "parameters": {
            "api-key": { "generated": true },
            "database-endpoint": { "value_of": "clusters.main.endpoint" },
            "feature-flags": { "value": "{\"beta\": false}", "tags": { "Owner": "shop" } },
        },
        "backups": { "daily": { "of": ["clusters.main"], "window_start": "05:00", "retention_days": 7 } },
        "alarms": { "backups": {
            "component": "backups.daily",
            "metric": "NumberOfBackupJobsFailed",
            "statistic": "sum",
            "comparison": "greater_than",
            "threshold": 0,
            "periods": 1,
            "period_seconds": 3600,
        } },
        "outputs": {
            "api_key": "parameters.api-key.name",
            "endpoint": "clusters.main.endpoint",
            "flags_there": "parameters.feature-flags.us-east-2.arn",
            "plan": "backups.daily.plan_id",
            "vault": "backups.daily.vault_name",
            "vault_there": "backups.daily.us-east-2.vault_arn",
        },
    })
}

/// The stack's parameters, vaults, plans and selections in a region, by lists.
const SEE: &str = r#"
import json, sys
import boto3

region, stack = sys.argv[1:]
ssm, backup = (boto3.client(service, region_name=region) for service in ("ssm", "backup"))
pages = lambda client, call, key, **given: [it for page in client.get_paginator(call).paginate(**given) for it in page[key]]
seen = {"parameters": {}, "vaults": {}, "plans": {}, "alarms": []}
for it in pages(ssm, "describe_parameters", "Parameters"):
    if it["Name"].startswith(f"/{stack}/"):
        given = {"ResourceType": "Parameter", "ResourceId": it["Name"]}
        tags = {tag["Key"]: tag["Value"] for tag in ssm.list_tags_for_resource(**given)["TagList"]}
        value = ssm.get_parameter(Name=it["Name"], WithDecryption=True)["Parameter"]["Value"]
        seen["parameters"][it["Name"]] = {"type": it["Type"], "tier": it["Tier"], "value": value, "tags": tags}
for it in pages(backup, "list_backup_vaults", "BackupVaultList"):
    name = it["BackupVaultName"]
    if name.startswith(stack):
        points = pages(backup, "list_recovery_points_by_backup_vault", "RecoveryPoints", BackupVaultName=name)
        tags = backup.list_tags(ResourceArn=it["BackupVaultArn"])["Tags"]
        seen["vaults"][name] = {"points": len(points), "tags": tags, "arn": it["BackupVaultArn"]}
for it in pages(backup, "list_backup_plans", "BackupPlansList"):
    if it["BackupPlanName"].startswith(stack):
        plan = backup.get_backup_plan(BackupPlanId=it["BackupPlanId"])["BackupPlan"]
        selections = []
        for one in pages(backup, "list_backup_selections", "BackupSelectionsList", BackupPlanId=it["BackupPlanId"]):
            given = {"BackupPlanId": it["BackupPlanId"], "SelectionId": one["SelectionId"]}
            selections.append(backup.get_backup_selection(**given)["BackupSelection"])
        seen["plans"][it["BackupPlanId"]] = {"plan": plan, "selections": selections}
for it in pages(boto3.client("cloudwatch", region_name=region), "describe_alarms", "MetricAlarms"):
    if it["AlarmName"].startswith(stack):
        seen["alarms"].append([it["Namespace"], it["MetricName"], it["Dimensions"]])
print(json.dumps(seen, default=str))
"#;

/// What somebody does who knows nothing of Outrigger: two values in the second region, one backup there and one here.
const TAMPER: &str = r#"
import sys
import boto3

stack, role, cluster = sys.argv[1:]
ssm = boto3.client("ssm", region_name="us-east-2")
ssm.put_parameter(Name=f"/{stack}/production/api-key", Value="tampered-with", Overwrite=True)
ssm.delete_parameter(Name=f"/{stack}/production/feature-flags")
boto3.client("ssm", region_name="us-east-1").put_parameter(
    Name=f"/{stack}/production/database-endpoint", Value="elsewhere.example", Overwrite=True)
for region in ("us-east-1", "us-east-2"):
    backup = boto3.client("backup", region_name=region)
    for _ in range(2):
        backup.start_backup_job(BackupVaultName=f"{stack}-production-daily", ResourceArn=cluster, IamRoleArn=role)
backup = boto3.client("backup", region_name="us-east-1")
[plan] = [it["BackupPlanId"] for it in backup.list_backup_plans()["BackupPlansList"] if it["BackupPlanName"].startswith(stack)]
rules = backup.get_backup_plan(BackupPlanId=plan)["BackupPlan"]
rules["Rules"][0]["Lifecycle"]["DeleteAfterDays"] = 1
backup.update_backup_plan(BackupPlanId=plan, BackupPlan=rules)
"#;

fn see(aws: &LocalAws, region: &str) -> Value {
    serde_json::from_slice(&boto3(aws, SEE, &[region, STACK])).unwrap()
}

/// The values of the parameters in a region, by their names.
fn values(seen: &Value) -> BTreeMap<&str, &str> {
    let parameters = seen["parameters"].as_object().unwrap();
    let values = parameters
        .iter()
        .map(|(name, of)| (name.as_str(), of["value"].as_str().unwrap()));
    values.collect()
}

#[tokio::test(flavor = "multi_thread")]
async fn parameters_and_backups_stand_in_both_regions_and_leave_nothing() {
    let aws = shared();
    let file = file_of(&the_document());
    let path = file.path().to_str().unwrap();
    let up = || json_of(&outrigger(aws, &["up", path, "--yes", "--output", "json"]));
    let ended = up();
    assert_eq!(ended["succeeded"], true, "{ended}");

    let seen = REGIONS.map(|region| see(aws, region));
    let vault = format!("{STACK}-production-daily");
    let endpoint = ended["outputs"]["endpoint"].as_str().unwrap();
    for (region, seen) in REGIONS.iter().zip(&seen) {
        let path = |name: &str| format!("/{STACK}/production/{name}");
        let expected = [
            ("api-key", "SecureString", None),
            ("database-endpoint", "String", Some(endpoint)),
            ("feature-flags", "String", Some("{\"beta\": false}")),
        ];
        for (name, kind, value) in expected {
            let of = &seen["parameters"][path(name)];
            assert_eq!(
                (&of["type"], &of["tier"]),
                (&json!(kind), &json!("Standard")),
                "{region} {name}"
            );
            assert!(value.is_none_or(|value| of["value"] == value), "{region} {name}: {of}");
            assert_eq!(
                of["tags"]["outrigger:resource"],
                format!("{region}/parameter/{name}"),
                "{of}"
            );
        }
        assert_eq!(seen["parameters"][path("feature-flags")]["tags"]["Owner"], "shop");
        assert_eq!(values(seen).len(), 3, "{region}");
        assert_eq!(
            seen["vaults"][&vault]["tags"]["outrigger:resource"],
            format!("{region}/backup-vault/daily")
        );
        let dimensions = json!([{ "Name": "BackupVaultName", "Value": vault }]);
        assert_eq!(
            seen["alarms"],
            json!([["AWS/Backup", "NumberOfBackupJobsFailed", dimensions]])
        );
    }
    // Kept equal, the generated one too.
    assert_eq!(values(&seen[0]), values(&seen[1]));
    let secret = values(&seen[0])[format!("/{STACK}/production/api-key").as_str()].to_owned();
    assert_eq!(secret.len(), 32);

    // The plan is where the cluster is, and copies to the other region.
    let outputs = &ended["outputs"];
    let plan = &seen[0]["plans"][outputs["plan"].as_str().unwrap()];
    let rule = &plan["plan"]["Rules"][0];
    assert_eq!(rule["ScheduleExpression"], "cron(0 5 ? * * *)", "{plan}");
    assert_eq!(rule["TargetBackupVaultName"], vault);
    assert_eq!(rule["Lifecycle"]["DeleteAfterDays"], 7);
    let copy = &rule["CopyActions"][0];
    assert_eq!(copy["DestinationBackupVaultArn"], seen[1]["vaults"][&vault]["arn"]);
    assert_eq!(copy["Lifecycle"]["DeleteAfterDays"], 7);
    let clusters = Seen::of(aws, REGIONS[0], STACK);
    let cluster = clusters.text("/clusters/main/DBClusterArn");
    let selection = &plan["selections"][0];
    assert_eq!(selection["Resources"], json!([cluster]));
    let role = clusters.text("/roles/backup_daily-us-east-1/Arn");
    assert_eq!(selection["IamRoleArn"], role);
    assert_eq!(seen[1]["plans"], json!({}));
    assert_eq!(outputs["api_key"], format!("/{STACK}/production/api-key"));
    assert_eq!(outputs["vault"], vault);
    assert_eq!(outputs["vault_there"], seen[1]["vaults"][&vault]["arn"]);
    let flags = format!("arn:aws:ssm:us-east-2:000000000000:parameter/{STACK}/production/feature-flags");
    assert_eq!(outputs["flags_there"], flags);

    // Once more there is nothing to do, and nothing has drifted.
    let again = up();
    assert!(
        again["resources"]["unchanged"].as_u64().is_some_and(|count| count > 20),
        "{again}"
    );
    let drift = || outrigger(aws, &["drift", STACK, "--output", "json"]);
    assert_eq!(json_of(&drift())["drifted"], json!([]));

    // What was changed behind our back is found, and put right in both regions.
    boto3(aws, TAMPER, &[STACK, role, cluster]);
    let found = drift().stdout;
    let shown = String::from_utf8(found.clone()).unwrap();
    let found: Value = serde_json::from_slice(&found).unwrap();
    let mut drifted: Vec<&str> = found["drifted"]
        .as_array()
        .unwrap()
        .iter()
        .map(|one| one["key"].as_str().unwrap())
        .collect();
    drifted.sort();
    let expected = [
        "us-east-1/backup-plan/daily",
        "us-east-1/parameter/database-endpoint",
        "us-east-2/parameter/api-key",
        "us-east-2/parameter/feature-flags",
    ];
    assert_eq!(drifted, expected, "{found:#}");
    assert!(
        shown.contains("differs from us-east-1") && !shown.contains("tampered-with"),
        "{shown}"
    );
    assert_eq!(up()["succeeded"], true);
    let right = REGIONS.map(|region| see(aws, region));
    for (before, after) in seen.iter().zip(&right) {
        assert_eq!(values(before), values(after));
        assert_eq!(after["vaults"][&vault]["points"], 2);
    }
    assert_eq!(right[0]["plans"], seen[0]["plans"]);

    // No value that is a secret is in the state, in a log, in what an execution was given or in any file.
    for value in [secret.as_str(), "tampered-with"] {
        crate::secrets::assert_nowhere(aws, value, STACK).await;
    }

    // With its recovery points everything goes.
    let ended = json_of(&outrigger(aws, &["destroy", STACK, "--yes", "--output", "json"]));
    assert_eq!(ended["succeeded"], true, "{ended}");
    for region in REGIONS {
        Seen::of(aws, region, STACK).assert_only(&[]);
        let nothing = json!({ "parameters": {}, "vaults": {}, "plans": {}, "alarms": [] });
        assert_eq!(see(aws, region), nothing, "{region}");
    }
}
