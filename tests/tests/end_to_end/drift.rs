//! What is changed behind our back: found property by property, put back by `up`, or taken into the record.

use std::collections::{BTreeMap, BTreeSet};
use std::process::Output;

use outrigger_aws_sfn::ExecutionStatus;
use outrigger_tests::{LocalAws, start_with_control_plane};
use serde_json::{Value, json};

use crate::everything::{Inventory, everything_of};
use crate::harness::{boto3, execute, file_of, json_of, now_ms, outrigger};

const STACK: &str = "tampered";

/// What every script of a tampering begins with.
const PRELUDE: &str = r#"
import json
import sys

import boto3

stack = sys.argv[1]
ec2, rds, cache = boto3.client("ec2"), boto3.client("rds"), boto3.client("elasticache")
kinesis, secrets, cloudwatch = boto3.client("kinesis"), boto3.client("secretsmanager"), boto3.client("cloudwatch")
iam, logs = boto3.client("iam"), boto3.client("logs")


def name(resource):
    return f"{stack}-production-{resource}"


def tagged(resource):
    return [{"Name": "tag:Name", "Values": [name(resource)]}]


vpc = ec2.describe_vpcs(Filters=tagged("vpc"))["Vpcs"][0]["VpcId"]


def subnet(resource):
    return ec2.describe_subnets(Filters=tagged(resource))["Subnets"][0]["SubnetId"]


def table(resource):
    return ec2.describe_route_tables(Filters=tagged(resource))["RouteTables"][0]


def group(resource):
    return ec2.describe_security_groups(Filters=tagged(resource))["SecurityGroups"][0]


def database(**changes):
    rds.modify_db_instance(DBInstanceIdentifier=name("database"), ApplyImmediately=True, **changes)


def cluster(**changes):
    rds.modify_db_cluster(DBClusterIdentifier=name("main"), ApplyImmediately=True, **changes)


def secret(**changes):
    shown = json.loads(secrets.get_secret_value(SecretId=name("database"))["SecretString"])
    secrets.put_secret_value(SecretId=name("database"), SecretString=json.dumps({**shown, **changes}))


def alarm(resource, **changes):
    shown = cloudwatch.describe_alarms(AlarmNames=[name(resource)])["MetricAlarms"][0]
    given = cloudwatch.meta.service_model.operation_model("PutMetricAlarm").input_shape.members
    same = {key: value for key, value in shown.items() if key in given and value is not None}
    cloudwatch.put_metric_alarm(**{**same, **changes})


"#;

/// What AWS does by itself, and what others may do: no drift.
const BENIGN: &str = r#"
secret(password="another-password-that-a-rotation-made-0123456789")
versions = rds.describe_db_engine_versions(Engine="postgres")["DBEngineVersions"]
later = max((v["EngineVersion"] for v in versions if v["EngineVersion"].startswith("15.")), key=lambda v: int(v.split(".")[1]))
assert later != "15.13", later
database(EngineVersion=later)
cluster(EngineVersion="15.14", MasterUserPassword="another-password-and-long")
database(AllocatedStorage=30)
foreign = [{"Key": "CostCenter", "Value": "4711"}]
ec2.create_tags(Resources=[vpc, subnet("public-1"), group("cache")["GroupId"]], Tags=foreign)
rds.add_tags_to_resource(ResourceName=rds.describe_db_instances(DBInstanceIdentifier=name("database"))["DBInstances"][0]["DBInstanceArn"], Tags=foreign)
kinesis.add_tags_to_stream(StreamName=name("stream"), Tags={"CostCenter": "4711"})
secrets.tag_resource(SecretId=name("database"), Tags=foreign)
iam.tag_role(RoleName=iam_role(), Tags=foreign)
"#;

/// The role's name has the region in it.
const ROLE: &str = r#"
def iam_role():
    roles = iam.list_roles(PathPrefix="/outrigger/")["Roles"]
    return next(role["RoleName"] for role in roles if role["RoleName"].startswith(name("database-monitoring")[:40]))


"#;

/// One change behind our back, and what is to be said of it.
struct Tampering {
    script: &'static str,
    key: &'static str,
    /// The property, what is recorded of it and what is there; `null` for ids, which every run has others of.
    /// Without any, the resource is gone.
    changes: Vec<(&'static str, Value, Value)>,
}

fn tamperings() -> Vec<Tampering> {
    let any = Value::Null;
    let changed = |script, key, property, recorded, actual| Tampering {
        script,
        key,
        changes: vec![(property, recorded, actual)],
    };
    let gone = |script, key| Tampering {
        script,
        key,
        changes: Vec::new(),
    };
    let rule = |port: u16, source: &str, description: &str| json!({"port": port, "source": source, "description": description});
    let own_database = rule(5432, "10.0.0.0/16", "postgresql from within the VPC");
    let own_cache = rule(6379, "10.0.0.0/16", "redis from within the VPC");
    let metrics = ["IncomingBytes", "IncomingRecords", "OutgoingBytes", "OutgoingRecords"];
    vec![
        changed(
            "ec2.modify_vpc_attribute(VpcId=vpc, EnableDnsHostnames={'Value': False})",
            "vpc/vpc",
            "dns_host_names",
            json!("on"),
            json!("off"),
        ),
        changed(
            "ec2.create_tags(Resources=[vpc], Tags=[{'Key': 'Environment', 'Value': 'staging'}])",
            "vpc/vpc",
            "tags",
            json!({"Environment": "production"}),
            json!({"Environment": "staging"}),
        ),
        changed(
            "ec2.modify_subnet_attribute(SubnetId=subnet('private-2'), MapPublicIpOnLaunch={'Value': True})",
            "subnet/private-2",
            "public_address_on_launch",
            json!(false),
            json!(true),
        ),
        gone(
            "ec2.delete_route(RouteTableId=table('public')['RouteTableId'], DestinationCidrBlock='0.0.0.0/0')",
            "route/public-internet",
        ),
        changed(
            "moved = next(it for it in table('private')['Associations'] if it.get('SubnetId') == subnet('private-1'))\n\
             ec2.replace_route_table_association(AssociationId=moved['RouteTableAssociationId'], RouteTableId=table('public')['RouteTableId'])",
            "route-table-association/private-1",
            "route_table",
            any.clone(),
            any.clone(),
        ),
        changed(
            "gateway = ec2.describe_internet_gateways(Filters=tagged('internet-gateway'))['InternetGateways'][0]\n\
             ec2.detach_internet_gateway(InternetGatewayId=gateway['InternetGatewayId'], VpcId=vpc)",
            "internet-gateway/internet-gateway",
            "attachment",
            any.clone(),
            any.clone(),
        ),
        // Two at one group: one is added, the description of the other is changed.
        changed(
            "rule = {'IpProtocol': 'tcp', 'FromPort': 5432, 'ToPort': 5432}\n\
             ec2.authorize_security_group_ingress(GroupId=group('database')['GroupId'], IpPermissions=[{**rule, 'IpRanges': [{'CidrIp': '203.0.113.0/24', 'Description': 'my desk'}]}])\n\
             ec2.update_security_group_rule_descriptions_ingress(GroupId=group('database')['GroupId'], IpPermissions=[{**rule, 'IpRanges': [{'CidrIp': '10.0.0.0/16', 'Description': 'whatever'}]}])",
            "security-group/database",
            "ingress",
            json!([own_database]),
            json!([
                rule(5432, "10.0.0.0/16", "whatever"),
                rule(5432, "203.0.113.0/24", "my desk")
            ]),
        ),
        changed(
            "ec2.revoke_security_group_ingress(GroupId=group('cache')['GroupId'], IpPermissions=group('cache')['IpPermissions'])",
            "security-group/cache",
            "ingress",
            json!([own_cache]),
            json!([]),
        ),
        changed(
            "ec2.revoke_security_group_egress(GroupId=group('cache')['GroupId'], IpPermissions=group('cache')['IpPermissionsEgress'])",
            "security-group/cache",
            "egress",
            any.clone(),
            json!([]),
        ),
        changed(
            "database(BackupRetentionPeriod=3)",
            "db-instance/database",
            "backup_retention_days",
            json!(7),
            json!(3),
        ),
        changed(
            "database(PreferredMaintenanceWindow='sun:06:00-sun:07:00')",
            "db-instance/database",
            "maintenance_window",
            json!("mon:04:00-mon:05:00"),
            json!("sun:06:00-sun:07:00"),
        ),
        changed(
            "database(DBInstanceClass='db.t3.small')",
            "db-instance/database",
            "class",
            json!("db.t3.micro"),
            json!("db.t3.small"),
        ),
        changed(
            "database(DeletionProtection=True)",
            "db-instance/database",
            "deletion_protection",
            json!(false),
            json!(true),
        ),
        // RDS forgets the role along with the monitoring.
        Tampering {
            script: "database(MonitoringInterval=0)",
            key: "db-instance/database",
            changes: vec![
                ("monitoring_interval_seconds", json!(60), json!(0)),
                ("monitoring_role", any.clone(), any.clone()),
            ],
        },
        Tampering {
            script: "cluster(ServerlessV2ScalingConfiguration={'MinCapacity': 1, 'MaxCapacity': 2})\n\
                arn = rds.describe_db_clusters(DBClusterIdentifier=name('main'))['DBClusters'][0]['DBClusterArn']\n\
                rds.disable_http_endpoint(ResourceArn=arn)",
            key: "db-cluster/main",
            changes: vec![
                ("capacity_acu_min", json!(0.5), json!(1.0)),
                ("capacity_acu_max", json!(1.0), json!(2.0)),
                ("data_api", json!(true), json!(false)),
            ],
        },
        changed(
            "rds.modify_db_instance(DBInstanceIdentifier=name('main-1'), PreferredMaintenanceWindow='mon:06:00-mon:07:00', ApplyImmediately=True)",
            "db-cluster-instance/main-1",
            "maintenance_window",
            json!("sun:04:00-sun:05:00"),
            json!("mon:06:00-mon:07:00"),
        ),
        changed(
            "rds.modify_db_parameter_group(DBParameterGroupName=name('database-postgres15'), Parameters=[{'ParameterName': 'log_statement', 'ParameterValue': 'none', 'ApplyMethod': 'immediate'}])",
            "db-parameter-group/database-postgres15",
            "parameters",
            json!({"log_statement": "ddl", "shared_preload_libraries": "pg_stat_statements"}),
            json!({"log_statement": "none", "shared_preload_libraries": "pg_stat_statements"}),
        ),
        changed(
            "rds.modify_db_subnet_group(DBSubnetGroupName=name('database'), SubnetIds=[subnet('private-1'), subnet('public-2')])",
            "db-subnet-group/database",
            "subnets",
            any.clone(),
            any.clone(),
        ),
        changed(
            "arn = rds.describe_db_subnet_groups(DBSubnetGroupName=name('database'))['DBSubnetGroups'][0]['DBSubnetGroupArn']\n\
             rds.remove_tags_from_resource(ResourceName=arn, TagKeys=['Environment'])",
            "db-subnet-group/database",
            "tags",
            json!({"Environment": "production"}),
            json!({"Environment": null}),
        ),
        changed(
            "cache.modify_replication_group(ReplicationGroupId=name('cache'), CacheNodeType='cache.t3.small', ApplyImmediately=True)",
            "replication-group/cache",
            "node_type",
            json!("cache.t3.micro"),
            json!("cache.t3.small"),
        ),
        Tampering {
            script: "cache.modify_replication_group(ReplicationGroupId=name('cache'), AutomaticFailoverEnabled=False, MultiAZEnabled=False, ApplyImmediately=True)",
            key: "replication-group/cache",
            changes: vec![
                ("automatic_failover", json!(true), json!(false)),
                ("multi_az", json!(true), json!(false)),
            ],
        },
        changed(
            "cache.increase_replica_count(ReplicationGroupId=name('cache'), NewReplicaCount=2, ApplyImmediately=True)",
            "replication-group/cache",
            "nodes",
            json!(2),
            json!(3),
        ),
        changed(
            "kinesis.update_shard_count(StreamName=name('stream'), TargetShardCount=4, ScalingType='UNIFORM_SCALING')\n\
             kinesis.get_waiter('stream_exists').wait(StreamName=name('stream'), WaiterConfig={'Delay': 1})",
            "stream/stream",
            "shards",
            json!(2),
            json!(4),
        ),
        changed(
            "kinesis.increase_stream_retention_period(StreamName=name('stream'), RetentionPeriodHours=48)",
            "stream/stream",
            "retention_hours",
            json!(24),
            json!(48),
        ),
        changed(
            "kinesis.disable_enhanced_monitoring(StreamName=name('stream'), ShardLevelMetrics=['ALL'])",
            "stream/stream",
            "shard_metrics",
            json!(metrics),
            json!([]),
        ),
        changed(
            "secrets.update_secret(SecretId=name('database'), Description='mine')",
            "secret/database",
            "description",
            json!(format!("credentials of the database database of {STACK}/production")),
            json!("mine"),
        ),
        changed(
            "secret(host='elsewhere.example')",
            "secret-attachment/database",
            "host",
            any.clone(),
            json!("elsewhere.example"),
        ),
        changed(
            "alarm('database-cpu', Threshold=99)",
            "alarm/database-cpu",
            "threshold",
            json!(80.0),
            json!(99.0),
        ),
        changed(
            "cloudwatch.disable_alarm_actions(AlarmNames=[name('cache-cpu-1')])",
            "alarm/cache-cpu-1",
            "actions_enabled",
            json!(true),
            json!(false),
        ),
        gone(
            "cloudwatch.delete_alarms(AlarmNames=[name('stream-idle')])",
            "alarm/stream-idle",
        ),
        changed(
            "iam.detach_role_policy(RoleName=iam_role(), PolicyArn='arn:aws:iam::aws:policy/service-role/AmazonRDSEnhancedMonitoringRole')",
            "role/database-monitoring",
            "managed_policies",
            json!(["arn:aws:iam::aws:policy/service-role/AmazonRDSEnhancedMonitoringRole"]),
            json!([]),
        ),
        changed(
            "iam.update_assume_role_policy(RoleName=iam_role(), PolicyDocument=json.dumps({'Version': '2012-10-17', 'Statement': [{'Effect': 'Allow', 'Principal': {'Service': 'ec2.amazonaws.com'}, 'Action': 'sts:AssumeRole'}]}))",
            "role/database-monitoring",
            "service",
            json!("monitoring.rds.amazonaws.com"),
            any.clone(),
        ),
        gone(
            "logs.delete_log_group(logGroupName=f\"/aws/rds/instance/{name('database')}/postgresql\")",
            "log-group/database-postgresql",
        ),
    ]
}

/// What is new under the stack's tags.
const NEW: &str = r#"
tags = [{"Key": "outrigger:stack", "Value": stack}, {"Key": "outrigger:environment", "Value": "production"}]
new_vpc = ec2.create_vpc(CidrBlock="10.9.0.0/16", TagSpecifications=[{"ResourceType": "vpc", "Tags": tags}])["Vpc"]["VpcId"]
new_subnet = ec2.create_subnet(VpcId=new_vpc, CidrBlock="10.9.1.0/24", TagSpecifications=[{"ResourceType": "subnet", "Tags": tags}])["Subnet"]["SubnetId"]
print(json.dumps([new_subnet, new_vpc]))
"#;

fn tamper(aws: &LocalAws, script: &str) -> Vec<u8> {
    boto3(aws, &format!("{PRELUDE}{ROLE}{script}"), &[STACK])
}

/// What `drift` says, and the code that it ends with.
fn drift(aws: &LocalAws, options: &[&str]) -> (Value, Option<i32>) {
    let arguments = [&["drift", STACK, "--output", "json"], options].concat();
    let Output { status, stdout, stderr } = outrigger(aws, &arguments);
    let said = serde_json::from_slice(&stdout).unwrap_or_else(|error| {
        panic!(
            "{error}: {}\n{}",
            String::from_utf8_lossy(&stdout),
            String::from_utf8_lossy(&stderr)
        )
    });
    (said, status.code())
}

/// Every drifted property by resource and name, each with what is recorded and what is there; of what is gone, `gone`.
fn told(said: &Value) -> BTreeMap<(String, String), (Value, Value)> {
    let mut told = BTreeMap::new();
    for finding in said["drifted"].as_array().unwrap() {
        let key = finding["key"]
            .as_str()
            .unwrap()
            .trim_start_matches("us-east-1/")
            .trim_start_matches("global/");
        match finding["drift"].as_str() {
            Some("missing") => {
                told.insert((key.to_owned(), "gone".to_owned()), (Value::Null, Value::Null));
            }
            Some("changed") => {
                for deviation in finding["deviations"].as_array().unwrap() {
                    let property = deviation["property"].as_str().unwrap();
                    let values = (deviation["wanted"].clone(), deviation["actual"].clone());
                    told.insert((key.to_owned(), property.to_owned()), values);
                }
            }
            _ => panic!("{finding}"),
        }
    }
    told
}

#[track_caller]
fn assert_clean((said, code): &(Value, Option<i32>)) {
    assert_eq!(said["drifted"], json!([]), "{said:#}");
    assert_eq!(said["strays"], json!([]));
    assert_eq!(said["clean"], true);
    assert_eq!(*code, Some(0));
}

#[tokio::test(flavor = "multi_thread")]
async fn what_was_changed_behind_our_back_is_told_put_back_or_accepted() {
    let aws = start_with_control_plane().unwrap();
    let document = everything_of(STACK);
    let file = file_of(&document);
    let path = file.path().to_str().unwrap();
    let up = || json_of(&outrigger(&aws, &["up", path, "--yes", "--output", "json"]));
    assert_eq!(up()["succeeded"], true);
    let standing = Inventory::of(&aws, STACK);
    standing.assert_whole();

    // What AWS does by itself, and others' tags, are no drift.
    tamper(&aws, BENIGN);
    assert_clean(&drift(&aws, &[]));

    let tamperings = tamperings();
    let scripts: Vec<&str> = tamperings.iter().map(|tampering| tampering.script).collect();
    let printed = tamper(&aws, &format!("{}\n{NEW}", scripts.join("\n")));
    let new: Vec<String> = serde_json::from_slice(&printed).unwrap();
    let before_ms = now_ms();
    let (said, code) = drift(&aws, &[]);
    assert_no_mutating_call(&aws, before_ms);
    assert_eq!(code, Some(5), "{said:#}");
    assert_eq!(said["clean"], false);
    assert_told(&said, &tamperings);
    assert!(!said.to_string().contains("another-password"), "a password is told");
    let strays: Vec<&str> = said["strays"]
        .as_array()
        .unwrap()
        .iter()
        .map(|stray| stray["id"].as_str().unwrap())
        .collect();
    let mut expected: Vec<&str> = new.iter().map(String::as_str).collect();
    expected.sort_unstable();
    assert_eq!(strays, expected);

    // `up` puts it all back.
    tamper(
        &aws,
        &format!(
            "ec2.delete_subnet(SubnetId='{}')\nec2.delete_vpc(VpcId='{}')",
            new[0], new[1]
        ),
    );
    assert_eq!(up()["succeeded"], true);
    assert_clean(&drift(&aws, &[]));

    accepted_until_the_document_says_otherwise(&aws, path);
    inspected(&aws).await;
}

/// Everything that was done is told, and nothing else.
fn assert_told(said: &Value, tamperings: &[Tampering]) {
    let mut told = told(said);
    let mut wrong = Vec::new();
    for Tampering { key, changes, .. } in tamperings {
        let gone = [("gone", Value::Null, Value::Null)];
        let changes = if changes.is_empty() { &gone[..] } else { &changes[..] };
        for (property, recorded, actual) in changes {
            match told.remove(&((*key).to_owned(), (*property).to_owned())) {
                None => wrong.push(format!("{key} {property} is not told")),
                Some(found) => {
                    let is = |wanted: &Value, found: &Value| wanted.is_null() || wanted == found;
                    let differ = *property == "gone" || found.0 != found.1;
                    if !is(recorded, &found.0) || !is(actual, &found.1) || !differ {
                        wrong.push(format!("{key} {property}: {} / {}", found.0, found.1));
                    }
                }
            }
        }
    }
    assert!(
        wrong.is_empty() && told.is_empty(),
        "{wrong:#?}\nand beyond that: {told:#?}"
    );
}

/// Looking for drift changes nothing but our own state.
fn assert_no_mutating_call(aws: &LocalAws, after_ms: u64) {
    let calls = aws.calls().unwrap();
    let ours = calls
        .iter()
        .filter(|call| call.time_ms >= after_ms && call.principal.as_deref() != Some("root"))
        .filter(|call| !["dynamodb", "states", "lambda", "xray", "events"].contains(&call.service.as_str()));
    let (mutating, reading): (Vec<_>, Vec<_>) = ours.partition(|call| call.mutating);
    assert!(mutating.is_empty(), "{mutating:?}");
    let services: BTreeSet<_> = reading.iter().map(|call| call.service.as_str()).collect();
    for service in [
        "ec2",
        "rds",
        "elasticache",
        "kinesis",
        "secretsmanager",
        "cloudwatch",
        "iam",
        "logs",
        "tag",
    ] {
        assert!(services.contains(service), "{service} was not asked: {services:?}");
    }
}

fn accepted_until_the_document_says_otherwise(aws: &LocalAws, path: &str) {
    tamper(
        aws,
        "kinesis.increase_stream_retention_period(StreamName=name('stream'), RetentionPeriodHours=72)\n\
         alarm('database-cpu', Threshold=91)\n\
         database(BackupRetentionPeriod=9)\n\
         cloudwatch.delete_alarms(AlarmNames=[name('cache-cpu-2')])",
    );
    let (said, code) = drift(aws, &["--accept"]);
    assert_eq!(code, Some(0), "{said:#}");
    assert_eq!(told(&said).len(), 4, "{said:#}");
    assert_clean(&drift(aws, &[]));
    let plan = json_of(&outrigger(aws, &["plan", path, "--output", "json"]));
    let text = plan.to_string();
    for (key, property) in [
        ("stream/stream", "retention_hours"),
        ("alarm/database-cpu", "threshold"),
        ("db-instance/database", "backup_retention_days"),
        ("alarm/cache-cpu-2", "create"),
    ] {
        assert!(
            text.contains(key) && text.contains(property),
            "{key} {property}: {plan:#}"
        );
    }
    assert_eq!(plan["nothing_to_do"], false, "{plan:#}");
}

/// The scheduled workflow starts an inspection of each stack, and there is a schedule that starts it.
async fn inspected(aws: &LocalAws) {
    let mut small = everything_of("untouched");
    for component in ["streams", "caches", "databases", "clusters", "alarms", "outputs"] {
        small.as_object_mut().unwrap().remove(component);
    }
    let execution = execute(aws, "ProvisionStackArn", "untouched-1", &json!({ "document": small })).await;
    assert_eq!(execution.status, ExecutionStatus::Succeeded, "{execution:?}");

    let execution = execute(aws, "InspectStacksArn", "inspection-1", &json!({})).await;
    assert_eq!(execution.status, ExecutionStatus::Succeeded, "{execution:?}");
    let script = r#"
import json
import time

import boto3

states, events = boto3.client("stepfunctions"), boto3.client("events")
machine = next(it for it in states.list_state_machines()["stateMachines"] if it["name"] == "outrigger-drift-stack")
deadline = time.monotonic() + 60
while True:
    executions = states.list_executions(stateMachineArn=machine["stateMachineArn"])["executions"]
    started = [it for it in executions if "-drift-" in it["name"] and it["name"].endswith("Z")]
    if started and all(it["status"] != "RUNNING" for it in started) or time.monotonic() > deadline:
        break
    time.sleep(0.2)
ended = []
for it in started:
    shown = states.describe_execution(executionArn=it["executionArn"])
    ended.append([json.loads(shown["input"]), shown["status"], json.loads(shown.get("output") or "null")])
rule = events.describe_rule(Name="outrigger-inspect-stacks")
targets = events.list_targets_by_rule(Rule="outrigger-inspect-stacks")["Targets"]
print(json.dumps({"ended": ended, "schedule": rule["ScheduleExpression"], "state": rule["State"], "targets": targets}))
"#;
    let shown: Value = serde_json::from_slice(&boto3(aws, script, &[])).unwrap();
    let mut stacks: Vec<&str> = Vec::new();
    for ended in shown["ended"].as_array().unwrap() {
        assert_eq!(ended[1], "SUCCEEDED", "{shown:#}");
        assert_eq!(ended[2]["drifted"], 0, "{shown:#}");
        stacks.push(ended[0]["stack"].as_str().unwrap());
    }
    stacks.sort_unstable();
    assert_eq!(stacks, [STACK, "untouched"], "{shown:#}");
    assert_eq!(
        (&shown["schedule"], &shown["state"]),
        (&json!("rate(1 day)"), &json!("ENABLED"))
    );
    let machine = crate::harness::control_plane(aws, "InspectStacksArn").await;
    assert_eq!(shown["targets"][0]["Arn"], json!(machine), "{shown:#}");
}
