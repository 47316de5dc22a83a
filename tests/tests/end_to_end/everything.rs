//! A document with every kind of resource, and all that AWS holds of a stack, value by value.

use std::collections::BTreeMap;

use outrigger_tests::LocalAws;
use serde_json::{Value, json};

use crate::harness::{boto3, document_of};

/// The demo's document, with what it lacks: parameters, enhanced monitoring, exported logs.
pub fn everything_of(stack: &str) -> Value {
    let mut document = document_of(stack);
    let database = &mut document["databases"]["database"];
    // Not the latest, so that AWS can upgrade it.
    database["version"] = json!("15.13");
    database["storage_gib_max"] = json!(100);
    database["parameters"] = json!({"log_statement": "ddl", "shared_preload_libraries": "pg_stat_statements"});
    database["monitoring_interval_seconds"] = json!(60);
    database["log_exports"] = json!(["postgresql"]);
    document["clusters"] = json!({ "main": {
        "engine": "aurora_postgresql",
        "version": "15.13",
        "capacity_acu_min": 0.5,
        "capacity_acu_max": 1.0,
        "instances": 1,
        "data_api": true,
        "database": "iotdb",
        "user": "iotadmin",
        "deletion_protection": false,
        "final_snapshot": false,
    } });
    document
}

/// The same, with ways out of the private subnets: a NAT gateway, and endpoints of both types.
pub fn everything_with_ways_out_of(stack: &str) -> Value {
    let mut document = everything_of(stack);
    document["network"]["nat"] = json!("single");
    document["network"]["endpoints"] = json!(["s3", "secretsmanager"]);
    document
}

/// How many more there are in [`everything_with_ways_out_of`].
const WAYS_OUT: [(&str, usize); 4] = [
    ("elastic ip", 1),
    ("nat gateway", 1),
    ("security group", 4),
    ("vpc endpoint", 2),
];

/// How many there are of each kind in [`everything_of`]; what has no list of its own is part of another's values.
const COUNTS: [(&str, usize); 21] = [
    ("alarm", 4),
    ("cache", 1),
    ("cache subnet group", 1),
    ("db cluster", 1),
    ("db cluster snapshot", 0),
    ("db instance", 2),
    ("db parameter group", 1),
    ("db snapshot", 0),
    ("db subnet group", 2),
    ("elastic ip", 0),
    ("internet gateway", 1),
    ("log group", 1),
    ("nat gateway", 0),
    ("role", 1),
    ("route table", 2),
    ("secret", 2),
    ("security group", 3),
    ("stream", 1),
    ("subnet", 4),
    ("vpc", 1),
    ("vpc endpoint", 0),
];

/// What AWS holds of a stack, by each service's own list, as a client that is not ours sees it. Ids are replaced by names,
/// and what differs from run to run is left out, so that two stacks of one document look the same.
const INVENTORY: &str = r#"
import json
import re
import sys

import boto3

stack = sys.argv[1]
prefix = stack + "-"
VOLATILE = re.compile(
    "time|date|created|updated|expires|requestid|responsemetadata|resourceid|^roleid$|ownerid|versionid|latestversion"
    "|endingsequence|sequencenumber|privateip|availableip|statereason|statevalue|storedbytes|^arn$|monitoringresource"
    "|publicip|networkinterface|associationid|lastaccess|lastchanged|ruleid|logstream|outrigger:intent|kmskey|^password$|cacertificate|statetransition",
    re.I,
)
of_stack = [{"Name": "tag:outrigger:stack", "Values": [stack]}]
ec2, rds, cache = boto3.client("ec2"), boto3.client("rds"), boto3.client("elasticache")
kinesis, secrets, cloudwatch = boto3.client("kinesis"), boto3.client("secretsmanager"), boto3.client("cloudwatch")
iam, logs = boto3.client("iam"), boto3.client("logs")


def ours(objects, key):
    return [it for it in objects if it[key].startswith(prefix)]


found = {}
found["vpc"] = ec2.describe_vpcs(Filters=of_stack)["Vpcs"]
for vpc in found["vpc"]:
    for attribute in ("enableDnsSupport", "enableDnsHostnames"):
        shown = ec2.describe_vpc_attribute(VpcId=vpc["VpcId"], Attribute=attribute)
        vpc[attribute] = shown[attribute[0].upper() + attribute[1:]]["Value"]
found["subnet"] = ec2.describe_subnets(Filters=of_stack)["Subnets"]
found["internet gateway"] = ec2.describe_internet_gateways(Filters=of_stack)["InternetGateways"]
found["elastic ip"] = ec2.describe_addresses(Filters=of_stack)["Addresses"]
found["nat gateway"] = [it for it in ec2.describe_nat_gateways(Filters=of_stack)["NatGateways"] if it["State"] != "deleted"]
found["vpc endpoint"] = ec2.describe_vpc_endpoints(Filters=of_stack)["VpcEndpoints"]
found["route table"] = ec2.describe_route_tables(Filters=of_stack)["RouteTables"]
found["security group"] = ec2.describe_security_groups(Filters=of_stack)["SecurityGroups"]

found["db instance"] = ours(rds.describe_db_instances()["DBInstances"], "DBInstanceIdentifier")
found["db cluster"] = ours(rds.describe_db_clusters()["DBClusters"], "DBClusterIdentifier")
found["db cluster snapshot"] = ours(rds.describe_db_cluster_snapshots()["DBClusterSnapshots"], "DBClusterIdentifier")
found["db subnet group"] = ours(rds.describe_db_subnet_groups()["DBSubnetGroups"], "DBSubnetGroupName")
found["db parameter group"] = ours(rds.describe_db_parameter_groups()["DBParameterGroups"], "DBParameterGroupName")
found["db snapshot"] = ours(rds.describe_db_snapshots()["DBSnapshots"], "DBInstanceIdentifier")
for group in found["db parameter group"]:
    shown = rds.describe_db_parameters(DBParameterGroupName=group["DBParameterGroupName"], Source="user")
    group["values"] = {it["ParameterName"]: it.get("ParameterValue") for it in shown["Parameters"]}
for name, arn in (("db instance", "DBInstanceArn"), ("db cluster", "DBClusterArn"), ("db subnet group", "DBSubnetGroupArn"), ("db parameter group", "DBParameterGroupArn")):
    for it in found[name]:
        it["tags"] = rds.list_tags_for_resource(ResourceName=it[arn])["TagList"]

found["cache"] = ours(cache.describe_replication_groups()["ReplicationGroups"], "ReplicationGroupId")
found["cache subnet group"] = ours(cache.describe_cache_subnet_groups()["CacheSubnetGroups"], "CacheSubnetGroupName")
for it in found["cache"] + found["cache subnet group"]:
    it["tags"] = cache.list_tags_for_resource(ResourceName=it["ARN"])["TagList"]

found["stream"] = []
for name in kinesis.list_streams()["StreamNames"]:
    if name.startswith(prefix):
        it = kinesis.describe_stream_summary(StreamName=name)["StreamDescriptionSummary"]
        it["tags"] = kinesis.list_tags_for_stream(StreamName=name)["Tags"]
        found["stream"].append(it)

found["secret"] = []
for it in ours(secrets.list_secrets(IncludePlannedDeletion=True)["SecretList"], "Name"):
    shown = secrets.describe_secret(SecretId=it["ARN"])
    shown["stages"] = sorted(stage for stages in shown.pop("VersionIdsToStages").values() for stage in stages)
    shown["stages"] = [stage for stage in shown["stages"] if stage == "AWSCURRENT"]
    shown["value"] = json.loads(secrets.get_secret_value(SecretId=it["ARN"])["SecretString"])
    shown["value"]["has a password"] = len(shown["value"].pop("password")) >= 32
    found["secret"].append(shown)

found["alarm"] = ours(cloudwatch.describe_alarms()["MetricAlarms"], "AlarmName")
for it in found["alarm"]:
    it["tags"] = cloudwatch.list_tags_for_resource(ResourceARN=it["AlarmArn"])["Tags"]
found["role"] = ours(iam.list_roles(PathPrefix="/outrigger/")["Roles"], "RoleName")
for it in found["role"]:
    role = iam.get_role(RoleName=it["RoleName"])["Role"]
    it.update(tags=role.get("Tags"), boundary=role.get("PermissionsBoundary"))
    it["policies"] = iam.list_attached_role_policies(RoleName=it["RoleName"])["AttachedPolicies"]
found["log group"] = [it for it in logs.describe_log_groups()["logGroups"] if "/" + prefix in it["logGroupName"]]
for it in found["log group"]:
    it["tags"] = logs.list_tags_for_resource(resourceArn=it["logGroupArn"] if "logGroupArn" in it else it["arn"].removesuffix(":*"))["tags"]

names = {}
ways_out = found["elastic ip"] + found["nat gateway"] + found["vpc endpoint"]
for it in found["vpc"] + found["subnet"] + found["internet gateway"] + found["route table"] + found["security group"] + ways_out:
    name = next((tag["Value"] for tag in it.get("Tags", []) if tag["Key"] == "Name"), "?")
    own = ("AllocationId", "NatGatewayId", "VpcEndpointId")
    identifier = next(it[key] for key in (*own, "SubnetId", "InternetGatewayId", "RouteTableId", "GroupId", "VpcId") if key in it)
    names[identifier] = name


def stable(value):
    if isinstance(value, dict):
        if str(value.get("Key")) == "outrigger:intent":
            return "intent"
        return {key: stable(it) for key, it in sorted(value.items()) if not VOLATILE.search(key)}
    if isinstance(value, list):
        return sorted((stable(it) for it in value), key=lambda it: json.dumps(it, sort_keys=True, default=str))
    if isinstance(value, str):
        for identifier, name in names.items():
            value = value.replace(identifier, name)
        value = re.sub(r"\b(rtbassoc|sgr|dopt|acl|eni|vpc|subnet|igw|rtb|sg|nat|vpce|eipalloc)-[0-9a-f]{8,}", r"\1", value)
        value = re.sub(r"(:secret:.*)-[0-9a-zA-Z]{6}$", r"\1", value)
        return value.replace(stack, "STACK")
    return value


print(json.dumps({kind: stable(objects) for kind, objects in found.items()}, default=str))
"#;

/// What AWS holds of a stack: of each kind its objects, each as text.
#[derive(Clone, Debug, PartialEq)]
pub struct Inventory(BTreeMap<String, Vec<Value>>);

impl Inventory {
    pub fn of(aws: &LocalAws, stack: &str) -> Self {
        Self(serde_json::from_slice(&boto3(aws, INVENTORY, &[stack])).unwrap())
    }

    /// Fails unless there is just what [`everything_of`] asks for, once.
    #[track_caller]
    pub fn assert_whole(&self) {
        let counts: BTreeMap<&str, usize> = self.0.iter().map(|(kind, all)| (kind.as_str(), all.len())).collect();
        assert_eq!(counts, BTreeMap::from(COUNTS));
    }

    /// Fails unless there is just what [`everything_with_ways_out_of`] asks for, once.
    #[track_caller]
    pub fn assert_whole_with_ways_out(&self) {
        let counts: BTreeMap<&str, usize> = self.0.iter().map(|(kind, all)| (kind.as_str(), all.len())).collect();
        let mut wanted = BTreeMap::from(COUNTS);
        wanted.extend(WAYS_OUT);
        assert_eq!(counts, wanted);
    }

    #[track_caller]
    pub fn assert_none(&self) {
        let left: BTreeMap<_, _> = self.0.iter().filter(|(_, all)| !all.is_empty()).collect();
        assert!(left.is_empty(), "left behind: {left:#?}");
    }

    /// Fails, and says where, unless it is the same as another.
    #[track_caller]
    pub fn assert_same(&self, other: &Self) {
        for (kind, objects) in &self.0 {
            let others = other.0.get(kind).cloned().unwrap_or_default();
            assert_eq!(objects.len(), others.len(), "{kind}: {objects:#?}\n{others:#?}");
            for (object, another) in objects.iter().zip(&others) {
                assert_eq!(object, another, "{kind}");
            }
        }
    }
}
