//! A stack as a client that is not ours sees it in AWS, held against tables.

use outrigger_tests::LocalAws;
use serde_json::Value;

use crate::harness::boto3;

/// Everything of one stack in one region, each under its name without the stack's; tags as mappings.
const SEE: &str = r#"
import json, sys
import boto3

region, stack, environment = sys.argv[1:]
prefix = f"{stack}-{environment}-"
short = lambda name: name.removeprefix(prefix)
client = lambda service: boto3.client(service, region_name=region)
pages = lambda client, call, key, **given: [it for page in client.get_paginator(call).paginate(**given) for it in page[key]]
tags = lambda pairs: {pair["Key"]: pair["Value"] for pair in pairs or []}

ec2, rds, caches, iam = (client(name) for name in ("ec2", "rds", "elasticache", "iam"))
ours = [{"Name": f"tag:outrigger:{key}", "Values": [value]} for key, value in (("stack", stack), ("environment", environment))]
seen = {}

def put(kind, name, what, pairs=()):
    # Twice under one name is not lost.
    while name in seen.setdefault(kind, {}):
        name += " again"
    seen[kind][name] = {**what, "tags": pairs if isinstance(pairs, dict) else tags(pairs)}

for kind, found in {
    "vpcs": ec2.describe_vpcs(Filters=ours)["Vpcs"],
    "subnets": ec2.describe_subnets(Filters=ours)["Subnets"],
    "internet_gateways": ec2.describe_internet_gateways(Filters=ours)["InternetGateways"],
    "elastic_ips": ec2.describe_addresses(Filters=ours)["Addresses"],
    # What is deleted goes on being shown.
    "nat_gateways": [it for it in ec2.describe_nat_gateways(Filters=ours)["NatGateways"] if it["State"] != "deleted"],
    "vpc_endpoints": ec2.describe_vpc_endpoints(Filters=ours)["VpcEndpoints"],
    "route_tables": ec2.describe_route_tables(Filters=ours)["RouteTables"],
    "security_groups": ec2.describe_security_groups(Filters=ours)["SecurityGroups"],
}.items():
    seen[kind] = {}
    for it in found:
        put(kind, short(tags(it["Tags"])["Name"]), it, it["Tags"])
for vpc in seen["vpcs"].values():
    for attribute in ("enableDnsSupport", "enableDnsHostnames"):
        shown = ec2.describe_vpc_attribute(VpcId=vpc["VpcId"], Attribute=attribute)
        vpc[attribute] = shown[attribute[0].upper() + attribute[1:]]["Value"]
    attached = ec2.describe_internet_gateways(Filters=[{"Name": "attachment.vpc-id", "Values": [vpc["VpcId"]]}])
    vpc["gateways"] = len(attached["InternetGateways"])

seen |= {kind: {} for kind in ("databases", "clusters", "db_subnet_groups", "parameter_groups", "snapshots", "caches")}
for it in pages(rds, "describe_db_instances", "DBInstances"):
    if it["DBInstanceIdentifier"].startswith(prefix):
        it["automated_backups"] = it.get("BackupRetentionPeriod")
        put("databases", short(it["DBInstanceIdentifier"]), it, it["TagList"])
for it in pages(rds, "describe_db_clusters", "DBClusters"):
    if it["DBClusterIdentifier"].startswith(prefix):
        put("clusters", short(it["DBClusterIdentifier"]), it, it["TagList"])
for it in pages(rds, "describe_db_subnet_groups", "DBSubnetGroups"):
    if it["DBSubnetGroupName"].startswith(prefix):
        zones = sorted(subnet["SubnetAvailabilityZone"]["Name"] for subnet in it["Subnets"])
        pairs = rds.list_tags_for_resource(ResourceName=it["DBSubnetGroupArn"])["TagList"]
        put("db_subnet_groups", short(it["DBSubnetGroupName"]), {**it, "zones": zones}, pairs)
for it in pages(rds, "describe_db_parameter_groups", "DBParameterGroups"):
    name = it["DBParameterGroupName"]
    if name.startswith(prefix):
        parameters = pages(rds, "describe_db_parameters", "Parameters", DBParameterGroupName=name, Source="user")
        it["parameters"] = {one["ParameterName"]: one["ParameterValue"] for one in parameters}
        put("parameter_groups", short(name), it)
for it in pages(rds, "describe_db_snapshots", "DBSnapshots", SnapshotType="manual"):
    if it["DBSnapshotIdentifier"].startswith(prefix):
        put("snapshots", short(it["DBSnapshotIdentifier"]), it)

for it in pages(rds, "describe_db_cluster_snapshots", "DBClusterSnapshots", SnapshotType="manual"):
    if it["DBClusterSnapshotIdentifier"].startswith(prefix):
        put("snapshots", short(it["DBClusterSnapshotIdentifier"]), it)

for it in pages(caches, "describe_replication_groups", "ReplicationGroups"):
    if it["ReplicationGroupId"].startswith(prefix):
        put("caches", short(it["ReplicationGroupId"]), it, caches.list_tags_for_resource(ResourceName=it["ARN"])["TagList"])
seen["cache_subnet_groups"] = {}
for it in pages(caches, "describe_cache_subnet_groups", "CacheSubnetGroups"):
    if it["CacheSubnetGroupName"].startswith(prefix):
        zones = sorted(subnet["SubnetAvailabilityZone"]["Name"] for subnet in it["Subnets"])
        pairs = caches.list_tags_for_resource(ResourceName=it["ARN"])["TagList"]
        put("cache_subnet_groups", short(it["CacheSubnetGroupName"]), {**it, "zones": zones}, pairs)

streams = client("kinesis")
seen["streams"] = {}
for name in streams.list_streams()["StreamNames"]:
    if name.startswith(prefix):
        it = streams.describe_stream_summary(StreamName=name)["StreamDescriptionSummary"]
        it["metrics"] = sorted(metric for one in it["EnhancedMonitoring"] for metric in one["ShardLevelMetrics"])
        put("streams", short(name), it, streams.list_tags_for_stream(StreamName=name)["Tags"])

secrets = client("secretsmanager")
seen["secrets"] = {}
for it in pages(secrets, "list_secrets", "SecretList"):
    if it["Name"].startswith(prefix):
        it = secrets.describe_secret(SecretId=it["ARN"])
        it["value"] = json.loads(secrets.get_secret_value(SecretId=it["ARN"])["SecretString"])
        it["value"]["password"] = len(it["value"]["password"])
        # This very look changes both.
        for volatile in ("LastAccessedDate", "ResponseMetadata"):
            it.pop(volatile, None)
        put("secrets", short(it["Name"]), it, it["Tags"])

keys = client("kms")
seen["keys"], seen["key_aliases"] = {}, {}
aliases = pages(keys, "list_aliases", "Aliases")
for it in pages(keys, "list_keys", "Keys"):
    pairs = keys.list_resource_tags(KeyId=it["KeyId"])["Tags"]
    of = {pair["TagKey"]: pair["TagValue"] for pair in pairs}
    if of.get("outrigger:stack") == stack:
        it = keys.describe_key(KeyId=it["KeyId"])["KeyMetadata"]
        it["rotation"] = keys.get_key_rotation_status(KeyId=it["KeyId"])["KeyRotationEnabled"]
        it["policy"] = json.loads(keys.get_key_policy(KeyId=it["KeyId"], PolicyName="default")["Policy"])
        put("keys", of["outrigger:resource"].rpartition("/")[2], it, of)
        for alias in aliases:
            if alias.get("TargetKeyId") == it["KeyId"]:
                put("key_aliases", alias["AliasName"].replace("/", "."), alias)

topics = client("sns")
seen["topics"] = {}
for it in pages(topics, "list_topics", "Topics"):
    name = it["TopicArn"].rpartition(":")[2]
    if name.startswith(prefix):
        it["subscriptions"] = pages(topics, "list_subscriptions_by_topic", "Subscriptions", TopicArn=it["TopicArn"])
        put("topics", short(name), it, topics.list_tags_for_resource(ResourceArn=it["TopicArn"])["Tags"])

apis = client("apigateway")
seen |= {kind: {} for kind in ("rest_apis", "usage_plans", "api_keys")}
for it in pages(apis, "get_rest_apis", "items"):
    if it["name"].startswith(prefix):
        it["stages"] = {stage["stageName"]: stage for stage in apis.get_stages(restApiId=it["id"])["item"]}
        resources = pages(apis, "get_resources", "items", restApiId=it["id"], embed=["methods"])
        it["resources"] = {one["path"].replace("/", ".") : one for one in resources}
        put("rest_apis", short(it["name"]), it, it.get("tags") or {})
for it in pages(apis, "get_usage_plans", "items"):
    if it["name"].startswith(prefix):
        it["keys"] = [key["id"] for key in pages(apis, "get_usage_plan_keys", "items", usagePlanId=it["id"])]
        put("usage_plans", short(it["name"]), it, it.get("tags") or {})
for it in pages(apis, "get_api_keys", "items"):
    if it["name"].startswith(prefix):
        put("api_keys", short(it["name"]), it, it.get("tags") or {})

alarms = client("cloudwatch")
seen["alarms"] = {}
for it in pages(alarms, "describe_alarms", "MetricAlarms"):
    if it["AlarmName"].startswith(prefix):
        put("alarms", short(it["AlarmName"]), it, alarms.list_tags_for_resource(ResourceARN=it["AlarmArn"])["Tags"])

logs = client("logs")
seen["log_groups"] = {}
for it in pages(logs, "describe_log_groups", "logGroups"):
    if prefix in it["logGroupName"]:
        put("log_groups", it["logGroupName"].replace(prefix, ""), it, logs.list_tags_log_group(logGroupName=it["logGroupName"])["tags"])

seen["roles"] = {}
for it in pages(iam, "list_roles", "Roles", PathPrefix="/outrigger/"):
    if it["RoleName"].startswith(prefix):
        it = iam.get_role(RoleName=it["RoleName"])["Role"]
        attached = iam.list_attached_role_policies(RoleName=it["RoleName"])["AttachedPolicies"]
        it["policies"] = [policy["PolicyArn"] for policy in attached]
        it["inline"] = iam.list_role_policies(RoleName=it["RoleName"])["PolicyNames"]
        put("roles", short(it["RoleName"]), it, it.get("Tags"))

print(json.dumps(seen, default=str))
"#;

/// What was seen.
#[derive(Debug)]
pub struct Seen(pub Value);

impl Seen {
    /// Looks at a stack's environment `production`.
    pub fn of(aws: &LocalAws, region: &str, stack: &str) -> Self {
        Self::of_environment(aws, region, stack, "production")
    }

    /// Looks at one environment of a stack.
    pub fn of_environment(aws: &LocalAws, region: &str, stack: &str, environment: &str) -> Self {
        Self(serde_json::from_slice(&boto3(aws, SEE, &[region, stack, environment])).unwrap())
    }

    /// A value by its JSON pointer; `null` when there is none.
    pub fn at(&self, pointer: &str) -> &Value {
        self.0.pointer(pointer).unwrap_or(&Value::Null)
    }

    /// The text at a JSON pointer.
    pub fn text(&self, pointer: &str) -> &str {
        self.at(pointer)
            .as_str()
            .unwrap_or_else(|| panic!("no text at {pointer}: {:#}", self.0))
    }

    /// The names of what there is of a kind.
    pub fn names(&self, kind: &str) -> Vec<&str> {
        let found = self.at(&format!("/{kind}")).as_object();
        let names = found.unwrap_or_else(|| panic!("{kind} was not looked for")).keys();
        names.map(String::as_str).collect()
    }

    /// Fails unless every value is as a table says; tells all that are not.
    pub fn check(&self, wanted: &[(&str, Value)]) {
        let wrong: Vec<String> = wanted
            .iter()
            .filter(|(pointer, value)| self.at(pointer) != value)
            .map(|(pointer, value)| format!("{pointer} is {}, expected {value}", self.at(pointer)))
            .collect();
        assert!(wrong.is_empty(), "{}\n{:#}", wrong.join("\n"), self.0);
    }

    /// Fails unless there is nothing left of the stack, but what is listed as `kind/name`.
    pub fn assert_only(&self, kept: &[String]) {
        let kinds = self.0.as_object().unwrap();
        let left: Vec<String> = kinds
            .keys()
            .flat_map(|kind| self.names(kind).into_iter().map(move |name| format!("{kind}/{name}")))
            .collect();
        assert_eq!(left, kept);
    }
}
