//! The reference stack `multi-region-dr`, value by value as AWS shows it in both regions; data flows between them; nothing of
//! it is left.

use std::time::Duration;

use outrigger_model::document;
use outrigger_tests::LocalAws;
use serde_json::{Value, json};

use crate::harness::{asked, boto3, file_of, json_of, outrigger, shared};
use crate::requests::get;
use crate::seen::Seen;

const STACK: &str = "multi-region-dr";
const REGIONS: [&str; 2] = ["us-east-1", "us-east-2"];

/// What serves the stack in one region, leads to it or watches it, each under its name without the stack's.
const SEE: &str = r#"
import json, sys
import boto3

region, stack = sys.argv[1:]
prefix = f"{stack}-production-"
client = lambda service, where=region: boto3.client(service, region_name=where)
pages = lambda client, call, key, **given: [it for page in client.get_paginator(call).paginate(**given) for it in page[key]]
ours = lambda found, name: {it[name].removeprefix(prefix): it for it in found if it[name].startswith(prefix)}
tags = lambda pairs: {pair["Key"]: pair["Value"] for pair in pairs}
seen = {}

elb = client("elbv2")

def named(found, arn):
    # Their own names have no room; their tags do.
    arns = {it[arn]: it for it in found}
    described = elb.describe_tags(ResourceArns=list(arns))["TagDescriptions"] if arns else []
    of = {it["ResourceArn"]: tags(it["Tags"]) for it in described}
    ours = {arn: of[arn]["outrigger:resource"] for arn in arns if of[arn].get("outrigger:stack") == stack}
    return {name.rpartition("/")[2].replace(".", "-"): arns[arn] for arn, name in ours.items()}

everyones = [it for it in pages(elb, "describe_load_balancers", "LoadBalancers") if it["LoadBalancerName"].startswith(stack)]
seen["balancers"] = named(everyones, "LoadBalancerArn")
seen["groups"], seen["listeners"] = {}, {}
for name, balancer in seen["balancers"].items():
    [seen["listeners"][name]] = elb.describe_listeners(LoadBalancerArn=balancer["LoadBalancerArn"])["Listeners"]
    arn = seen["listeners"][name]["ListenerArn"]
    seen["listeners"][name]["rules"] = [it for it in elb.describe_rules(ListenerArn=arn)["Rules"] if not it["IsDefault"]]
    [group] = elb.describe_target_groups(LoadBalancerArn=balancer["LoadBalancerArn"])["TargetGroups"]
    health = elb.describe_target_health(TargetGroupArn=group["TargetGroupArn"])["TargetHealthDescriptions"]
    seen["groups"][name] = {**group, "targets": {it["Target"]["Id"]: it["TargetHealth"]["State"] for it in health}}
ssm = client("ssm")
seen["parameters"] = {}
for it in pages(ssm, "describe_parameters", "Parameters"):
    if it["Name"].startswith(f"/{stack}/production/"):
        value = ssm.get_parameter(Name=it["Name"], WithDecryption=True)["Parameter"]["Value"]
        seen["parameters"][it["Name"].rpartition("/")[2]] = {"type": it["Type"], "value": value}
s3 = client("s3")
seen["buckets"] = {}
for name in (it["Name"] for it in s3.list_buckets()["Buckets"]):
    if name.startswith(prefix) and (s3.get_bucket_location(Bucket=name)["LocationConstraint"] or "us-east-1") == region:
        replication = s3.get_bucket_replication(Bucket=name)["ReplicationConfiguration"]
        [rule] = replication["Rules"]
        seen["buckets"]["documents"] = {
            "name": name, "versioning": s3.get_bucket_versioning(Bucket=name)["Status"], "role": replication["Role"],
            "to": rule["Destination"]["Bucket"], "status": rule["Status"], "time": rule["Destination"]["ReplicationTime"],
        }
dynamodb = client("dynamodb")
seen["tables"] = {}
for name in dynamodb.list_tables()["TableNames"]:
    if name.startswith(prefix):
        seen["tables"][name.removeprefix(prefix)] = it = dynamodb.describe_table(TableName=name)["Table"]
        # Each region names the others.
        it["regions"] = sorted({replica["RegionName"] for replica in it.get("Replicas", [])} | {region})
functions = client("lambda")
seen["functions"] = ours(pages(functions, "list_functions", "Functions"), "FunctionName")
events = client("events")
seen["buses"], seen["rules"], seen["endpoints"] = {}, {}, {}
for name, bus in ours(events.list_event_buses()["EventBuses"], "Name").items():
    seen["buses"][name] = bus
    for rule in events.list_rules(EventBusName=bus["Name"])["Rules"]:
        found = events.list_targets_by_rule(EventBusName=bus["Name"], Rule=rule["Name"])["Targets"]
        kind = "managed" if rule.get("ManagedBy") or "GlobalEndpoint" in rule["Name"] else "own"
        seen["rules"].setdefault(kind, []).append({**rule, "targets": [it["Arn"] for it in found]})
for it in events.list_endpoints()["Endpoints"]:
    if it["Name"].startswith(prefix):
        seen["endpoints"][it["Name"].removeprefix(prefix)] = events.describe_endpoint(Name=it["Name"])
backup = client("backup")
seen["vaults"] = ours(pages(backup, "list_backup_vaults", "BackupVaultList"), "BackupVaultName")
seen["plans"] = {}
for name, it in ours(pages(backup, "list_backup_plans", "BackupPlansList"), "BackupPlanName").items():
    [rule] = backup.get_backup_plan(BackupPlanId=it["BackupPlanId"])["BackupPlan"]["Rules"]
    [selection] = pages(backup, "list_backup_selections", "BackupSelectionsList", BackupPlanId=it["BackupPlanId"])
    given = {"BackupPlanId": it["BackupPlanId"], "SelectionId": selection["SelectionId"]}
    chosen = backup.get_backup_selection(**given)["BackupSelection"]["Resources"]
    seen["plans"][name] = {"rule": rule, "chosen": sorted(arn.split(":")[2] for arn in chosen)}
rds = client("rds")
seen["global_clusters"] = ours(pages(rds, "describe_global_clusters", "GlobalClusters"), "GlobalClusterIdentifier")
for it in seen["global_clusters"].values():
    it["writes"] = {member["DBClusterArn"].split(":")[3]: member["IsWriter"] for member in it["GlobalClusterMembers"]}
front = client("globalaccelerator", "us-west-2")
seen["accelerators"] = ours(pages(front, "list_accelerators", "Accelerators"), "Name")
for it in seen["accelerators"].values():
    [listener] = front.list_listeners(AcceleratorArn=it["AcceleratorArn"])["Listeners"]
    groups = front.list_endpoint_groups(ListenerArn=listener["ListenerArn"])["EndpointGroups"]
    it["listener"] = listener
    it["groups"] = {group["EndpointGroupRegion"]: group["EndpointDescriptions"] for group in groups}
    it["addresses"] = ",".join(it["IpSets"][0]["IpAddresses"])
dns = client("route53")
seen["health_checks"] = {}
for it in pages(dns, "list_health_checks", "HealthChecks"):
    of = tags(dns.list_tags_for_resource(ResourceType="healthcheck", ResourceId=it["Id"])["ResourceTagSet"]["Tags"])
    name = of.get("outrigger:resource", "").rpartition("/")[2]
    # There is no region that they are in; each is of one.
    if of.get("outrigger:stack") == stack and name.endswith(region):
        seen["health_checks"][name.removesuffix(f".{region}")] = it
watch = client("cloudwatch", "us-east-1")
seen["dashboards"] = {}
for name in (it["DashboardName"] for it in watch.list_dashboards(DashboardNamePrefix=prefix)["DashboardEntries"]):
    if name.endswith(region):
        widgets = json.loads(watch.get_dashboard(DashboardName=name)["DashboardBody"])["widgets"]
        seen["dashboards"][name.removeprefix(prefix)] = [it["properties"].get("title", "") for it in widgets]
alarms = pages(watch, "describe_alarms", "MetricAlarms", AlarmNamePrefix=f"{prefix}unreachable")
seen["health_check_alarms"] = {it["Dimensions"][0]["Value"]: it for it in alarms}
iam = client("iam")
seen["policies"] = {}
for it in pages(iam, "list_roles", "Roles", PathPrefix="/outrigger/"):
    if it["RoleName"].startswith(prefix):
        names = iam.list_role_policies(RoleName=it["RoleName"])["PolicyNames"]
        found = [iam.get_role_policy(RoleName=it["RoleName"], PolicyName=name)["PolicyDocument"]["Statement"] for name in names]
        seen["policies"][it["Arn"]] = [statement for statements in found for statement in statements]
print(json.dumps(seen, default=str))
"#;

/// Moves data: an object and an item from each region to the other, an event onto each region's bus. What arrived where.
const FLOW: &str = r#"
import json, sys, time
import boto3

first, second, table, bus = sys.argv[1:]
regions = {"us-east-1": first, "us-east-2": second}
client = lambda service, region: boto3.client(service, region_name=region)

def awaited(look):
    for _ in range(300):
        found = look()
        if found is not None:
            return found
        time.sleep(0.1)

def an_object(region, key):
    s3 = client("s3", region)
    listed = s3.list_objects_v2(Bucket=regions[region], Prefix=key).get("Contents")
    return s3.get_object(Bucket=regions[region], Key=key)["Body"].read().decode() if listed else None

def an_item(region, id):
    return client("dynamodb", region).get_item(TableName=table, Key={"id": {"S": id}}).get("Item")

def the_event(region, number):
    items = client("dynamodb", region).scan(TableName=table, ConsistentRead=True)["Items"]
    details = [json.loads(it["detail"]["S"]) for it in items if "detail" in it]
    return number if {"number": number} in details else None

arrived = {}
for number, (here, there) in enumerate([("us-east-1", "us-east-2"), ("us-east-2", "us-east-1")]):
    client("s3", here).put_object(Bucket=regions[here], Key=here, Body=f"of {here}".encode())
    client("dynamodb", here).put_item(TableName=table, Item={"id": {"S": here}, "note": {"S": f"of {here}"}})
    entry = {"EventBusName": bus, "Source": "multi-region-dr", "DetailType": "test", "Detail": json.dumps({"number": number})}
    assert client("events", here).put_events(Entries=[entry])["FailedEntryCount"] == 0
    arrived[there] = {
        "object": awaited(lambda: an_object(there, here)),
        "item": (awaited(lambda: an_item(there, here)) or {}).get("note", {}).get("S"),
    }
for region in regions:
    arrived[region]["events"] = [awaited(lambda: the_event(region, number)) for number in (0, 1)]
print(json.dumps(arrived))
"#;

/// What is left of the stack in any region, by each service's own list.
const SWEEP: &str = r#"
import json, sys
import boto3

stack = sys.argv[1]
prefix = f"{stack}-production"
pages = lambda client, call, key, **given: [it for page in client.get_paginator(call).paginate(**given) for it in page[key]]
# The list, what it answers under, and what names one; EC2's are found by their tag.
LISTS = [
    ("elbv2", "describe_load_balancers", "LoadBalancers", "LoadBalancerName"),
    ("elbv2", "describe_target_groups", "TargetGroups", "TargetGroupName"),
    ("apigateway", "get_rest_apis", "items", "name"),
    ("apigateway", "get_usage_plans", "items", "name"),
    ("apigateway", "get_api_keys", "items", "name"),
    ("ssm", "describe_parameters", "Parameters", "Name"),
    ("dynamodb", "list_tables", "TableNames", None),
    ("rds", "describe_global_clusters", "GlobalClusters", "GlobalClusterIdentifier"),
    ("rds", "describe_db_clusters", "DBClusters", "DBClusterIdentifier"),
    ("rds", "describe_db_instances", "DBInstances", "DBInstanceIdentifier"),
    ("rds", "describe_db_subnet_groups", "DBSubnetGroups", "DBSubnetGroupName"),
    ("rds", "describe_db_cluster_snapshots", "DBClusterSnapshots", "DBClusterSnapshotIdentifier"),
    ("backup", "list_backup_vaults", "BackupVaultList", "BackupVaultName"),
    ("backup", "list_backup_plans", "BackupPlansList", "BackupPlanName"),
    ("lambda", "list_functions", "Functions", "FunctionName"),
    ("cloudwatch", "describe_alarms", "MetricAlarms", "AlarmName"),
    ("cloudwatch", "list_dashboards", "DashboardEntries", "DashboardName"),
    ("sns", "list_topics", "Topics", "TopicArn"),
    ("logs", "describe_log_groups", "logGroups", "logGroupName"),
    ("secretsmanager", "list_secrets", "SecretList", "Name"),
    ("iam", "list_roles", "Roles", "RoleName"),
]
NETWORK = {
    "describe_vpcs": "Vpcs", "describe_subnets": "Subnets", "describe_internet_gateways": "InternetGateways",
    "describe_route_tables": "RouteTables", "describe_security_groups": "SecurityGroups",
    "describe_vpc_peering_connections": "VpcPeeringConnections", "describe_vpc_endpoints": "VpcEndpoints",
    "describe_network_interfaces": "NetworkInterfaces",
}
left = []
for region in ("us-east-1", "us-east-2", "us-west-2"):
    client = lambda service: boto3.client(service, region_name=region)
    for service, call, key, name in LISTS:
        found = [it if name is None else it[name] for it in pages(client(service), call, key)]
        left += [f"{region} {service} {it}" for it in found if prefix in it or f"/{stack}/" in it or it.startswith(f"{stack}-")]
    events = client("events")
    left += [f"{region} bus {it['Name']}" for it in events.list_event_buses()["EventBuses"] if it["Name"].startswith(prefix)]
    left += [f"{region} endpoint {it['Name']}" for it in events.list_endpoints()["Endpoints"] if it["Name"].startswith(prefix)]
    ec2 = client("ec2")
    for call, key in NETWORK.items():
        for it in getattr(ec2, call)(Filters=[{"Name": "tag:outrigger:stack", "Values": [stack]}])[key]:
            status = it.get("Status")
            # A peering is shown for a while after it has gone.
            if not (isinstance(status, dict) and status["Code"] in ("deleting", "deleted")):
                left.append(f"{region} {call} {it.get('Tags')}")
left += [f"bucket {it['Name']}" for it in boto3.client("s3").list_buckets()["Buckets"] if it["Name"].startswith(prefix)]
front = boto3.client("globalaccelerator", region_name="us-west-2")
left += [f"accelerator {it['Name']}" for it in front.list_accelerators()["Accelerators"] if it["Name"].startswith(prefix)]
dns = boto3.client("route53")
for it in dns.list_health_checks()["HealthChecks"]:
    of = dns.list_tags_for_resource(ResourceType="healthcheck", ResourceId=it["Id"])["ResourceTagSet"]["Tags"]
    left += [f"health check {it['Id']}" for tag in of if tag == {"Key": "outrigger:stack", "Value": stack}]
print(json.dumps(left))
"#;

fn see(aws: &LocalAws, region: &str) -> Seen {
    Seen(serde_json::from_slice(&boto3(aws, SEE, &[region, STACK])).unwrap())
}

/// The regions as they are seen once the targets and the endpoints are as healthy as they should be, or at last.
fn settled(aws: &LocalAws) -> [Seen; 2] {
    for _ in 0..30 {
        let seen = REGIONS.map(|region| see(aws, region));
        let health = |region: &str| {
            let endpoint = seen[0].at(&format!("/accelerators/main/groups/{region}/0/HealthState"));
            endpoint.as_str().unwrap_or_default().to_owned()
        };
        if REGIONS.map(health) == ["HEALTHY", "UNHEALTHY"] {
            return seen;
        }
        std::thread::sleep(Duration::from_millis(300));
    }
    REGIONS.map(|region| see(aws, region))
}

/// An output of the stack for a region: `primary_` or `secondary_` stands before it.
struct Outputs<'a>(&'a Value);

impl Outputs<'_> {
    fn get(&self, name: &str) -> &str {
        let found = self.0[name].as_str();
        found.unwrap_or_else(|| panic!("no output {name}: {:#}", self.0))
    }

    fn of(&self, number: usize, name: &str) -> Value {
        let place = ["primary", "secondary"][number];
        json!(self.get(&format!("{place}_{name}")))
    }
}

/// What leads traffic to a region, and tells whether it should.
fn traffic(seen: &Seen, number: usize, outputs: &Outputs<'_>) {
    let region = REGIONS[number];
    let state = ["healthy", "unhealthy"][number];
    let group = seen.at("/groups/main-network/TargetGroupArn").clone();
    let application = seen.text("/balancers/main-application/LoadBalancerArn").to_owned();
    let gate = seen.at("/groups/main-application/TargetGroupArn").clone();
    let function = seen.text("/functions/main-gate/FunctionArn").to_owned();
    seen.check(&[
        ("/balancers/main-network/Type", json!("network")),
        ("/balancers/main-network/Scheme", json!("internet-facing")),
        ("/balancers/main-network/State/Code", json!("active")),
        (
            "/balancers/main-network/LoadBalancerArn",
            outputs.of(number, "load_balancer_arn"),
        ),
        (
            "/balancers/main-network/DNSName",
            outputs.of(number, "load_balancer_dns"),
        ),
        ("/listeners/main-network/Protocol", json!("TCP")),
        ("/listeners/main-network/Port", json!(443)),
        ("/listeners/main-network/DefaultActions/0/TargetGroupArn", group),
        ("/groups/main-network/TargetType", json!("alb")),
        ("/groups/main-network/HealthCheckPath", json!("/active")),
        ("/groups/main-network/targets", json!({ application: state })),
        ("/balancers/main-application/Type", json!("application")),
        ("/balancers/main-application/Scheme", json!("internal")),
        ("/listeners/main-application/Protocol", json!("HTTP")),
        (
            "/listeners/main-application/rules/0/Conditions/1/PathPatternConfig/Values",
            json!(["/active"]),
        ),
        ("/listeners/main-application/rules/0/Actions/0/TargetGroupArn", gate),
        ("/groups/main-application/TargetType", json!("lambda")),
        ("/health_checks/main/Id", outputs.of(number, "health_check_id")),
        (
            "/health_checks/main/HealthCheckConfig/FullyQualifiedDomainName",
            outputs.of(number, "load_balancer_dns"),
        ),
        ("/health_checks/main/HealthCheckConfig/Port", json!(443)),
        ("/health_checks/main/HealthCheckConfig/ResourcePath", json!("/active")),
        ("/accelerators/main/Enabled", json!(true)),
        (
            "/accelerators/main/DnsName",
            json!(outputs.get("global_accelerator_dns")),
        ),
        (
            "/accelerators/main/addresses",
            json!(outputs.get("global_accelerator_addresses")),
        ),
        ("/accelerators/main/listener/Protocol", json!("TCP")),
        (
            "/accelerators/main/listener/PortRanges",
            json!([{ "FromPort": 443, "ToPort": 443 }]),
        ),
        (
            &format!("/accelerators/main/groups/{region}/0/EndpointId"),
            outputs.of(number, "load_balancer_arn"),
        ),
        (
            &format!("/accelerators/main/groups/{region}/0/HealthState"),
            json!(state.to_uppercase()),
        ),
    ]);
    let targets = seen.at("/groups/main-application/targets").as_object().unwrap();
    assert_eq!(targets.keys().collect::<Vec<_>>(), [&function], "{region}");
    let groups = seen.at("/accelerators/main/groups").as_object().unwrap();
    assert_eq!(groups.keys().collect::<Vec<_>>(), REGIONS, "{region}");
    let addresses = outputs.get("global_accelerator_addresses");
    assert_eq!(addresses.split(',').count(), 2, "{addresses}");
}

/// What has data in a region, and what keeps it in step with the other.
fn data(seen: &Seen, shown: &Seen, number: usize, outputs: &Outputs<'_>) {
    let (region, other) = (REGIONS[number], REGIONS[1 - number]);
    let to = outputs.of(1 - number, "bucket");
    seen.check(&[
        ("/buckets/documents/name", outputs.of(number, "bucket")),
        ("/buckets/documents/versioning", json!("Enabled")),
        ("/buckets/documents/status", json!("Enabled")),
        (
            "/buckets/documents/to",
            json!(format!("arn:aws:s3:::{}", to.as_str().unwrap())),
        ),
        (
            "/buckets/documents/time",
            json!({ "Status": "Enabled", "Time": { "Minutes": 15 } }),
        ),
        ("/tables/events/TableName", json!(outputs.get("table"))),
        ("/tables/events/TableStatus", json!("ACTIVE")),
        ("/tables/events/regions", json!(REGIONS)),
        (
            "/global_clusters/main/writes",
            json!({ REGIONS[0]: true, REGIONS[1]: false }),
        ),
        ("/global_clusters/main/StorageEncrypted", json!(true)),
        ("/global_clusters/main/DeletionProtection", json!(false)),
        (
            "/global_clusters/main/Endpoint",
            json!(outputs.get("database_writer_endpoint")),
        ),
        (
            "/parameters/database-endpoint",
            json!({ "type": "String", "value": outputs.get("database_writer_endpoint") }),
        ),
        (
            "/parameters/feature-flags",
            json!({ "type": "String", "value": "{\"beta\": false}" }),
        ),
        ("/parameters/api-key/type", json!("SecureString")),
    ]);
    // Two regions, eventually consistent: there is no witness, and no third one.
    assert_eq!(seen.at("/tables/events/MultiRegionConsistency"), &Value::Null);
    let may = seen.at("/policies")[seen.text("/buckets/documents/role")]
        .as_array()
        .unwrap();
    let may: Vec<&str> = may.iter().flat_map(|it| actions(&it["Action"])).collect();
    assert!(may.contains(&"s3:ReplicateObject"), "{may:?}");
    assert!(
        may.iter()
            .all(|action| action.starts_with("s3:") && !action.contains('*')),
        "{may:?}"
    );

    let endpoint = outputs.of(number, "database_endpoint");
    shown.check(&[
        ("/clusters/main/Endpoint", endpoint),
        ("/clusters/main/Engine", json!("aurora-postgresql")),
        ("/clusters/main/HttpEndpointEnabled", json!(true)),
        ("/clusters/main/BackupRetentionPeriod", json!(7)),
        ("/clusters/main/DeletionProtection", json!(false)),
        ("/clusters/main/StorageEncrypted", json!(true)),
        (
            "/clusters/main/ServerlessV2ScalingConfiguration/MinCapacity",
            json!(0.5),
        ),
        (
            "/clusters/main/ServerlessV2ScalingConfiguration/MaxCapacity",
            json!(1.0),
        ),
        ("/databases/main-1/DBInstanceClass", json!("db.serverless")),
        ("/databases/main-1/PubliclyAccessible", json!(false)),
    ]);
    let version = shown.text("/clusters/main/EngineVersion");
    assert!(version.starts_with("15."), "{region}: {version}");
    assert_eq!(shown.names("databases"), ["main-1"], "{region}");

    let vault = outputs.of(number, "vault");
    seen.check(&[("/vaults/daily/BackupVaultName", vault.clone())]);
    // The data has a home, and so has its plan.
    if number == 1 {
        return assert_eq!(seen.names("plans"), [""; 0]);
    }
    let rule = "/plans/daily/rule";
    seen.check(&[
        (&format!("{rule}/TargetBackupVaultName"), vault),
        (&format!("{rule}/ScheduleExpression"), json!("cron(0 5 ? * * *)")),
        (&format!("{rule}/Lifecycle/DeleteAfterDays"), json!(7)),
        (&format!("{rule}/CopyActions/0/Lifecycle/DeleteAfterDays"), json!(7)),
        ("/plans/daily/chosen", json!(["dynamodb", "rds"])),
    ]);
    let copied = seen.text(&format!("{rule}/CopyActions/0/DestinationBackupVaultArn"));
    let there = outputs.of(1, "vault");
    let vault_there = format!(":{other}:000000000000:backup-vault:{}", there.as_str().unwrap());
    assert!(copied.ends_with(&vault_there), "{copied}");
}

/// The actions of a statement, of which there may be one.
fn actions(said: &Value) -> Vec<&str> {
    match said {
        Value::Array(several) => several.iter().filter_map(Value::as_str).collect(),
        one => one.as_str().into_iter().collect(),
    }
}

/// What runs in a region, and what watches it.
fn work(seen: &Seen, shown: &Seen, number: usize, outputs: &Outputs<'_>) {
    let region = REGIONS[number];
    let recorder = outputs.of(number, "function_arn");
    let topic = outputs.of(number, "topic_arn");
    seen.check(&[
        ("/functions/recorder/FunctionArn", recorder.clone()),
        (
            "/functions/recorder/Environment/Variables/EVENT_TABLE",
            json!(outputs.get("table")),
        ),
        (
            "/functions/recorder/VpcConfig/VpcId",
            shown.at("/vpcs/vpc/VpcId").clone(),
        ),
        ("/buses/events/Name", json!(outputs.get("event_bus"))),
        ("/rules/own/0/State", json!("ENABLED")),
        ("/rules/own/0/targets", json!([recorder])),
    ]);
    let subnets = seen.at("/functions/recorder/VpcConfig/SubnetIds").as_array().unwrap();
    assert_eq!(subnets.len(), 2, "{region}: {subnets:?}");
    let role = shown.at(&format!("/roles/recorder.function-{region}/policies"));
    let vpc_access = "arn:aws:iam::aws:policy/service-role/AWSLambdaVPCAccessExecutionRole";
    assert_eq!(*role, json!([vpc_access]), "{region}");
    let pattern = seen.text("/rules/own/0/EventPattern");
    assert_eq!(
        serde_json::from_str::<Value>(pattern).unwrap(),
        json!({ "source": [STACK] }),
        "{region}"
    );
    if number == 0 {
        let endpoint = "/endpoints/events";
        let check = outputs.of(0, "health_check_id");
        let check = format!("arn:aws:route53:::healthcheck/{}", check.as_str().unwrap());
        seen.check(&[
            (
                &format!("{endpoint}/EndpointId"),
                json!(outputs.get("event_endpoint_id")),
            ),
            (&format!("{endpoint}/State"), json!("ACTIVE")),
            (&format!("{endpoint}/ReplicationConfig/State"), json!("ENABLED")),
            (
                &format!("{endpoint}/RoutingConfig/FailoverConfig/Primary/HealthCheck"),
                json!(check),
            ),
            (
                &format!("{endpoint}/RoutingConfig/FailoverConfig/Secondary/Route"),
                json!(REGIONS[1]),
            ),
        ]);
        let buses = seen.at(&format!("{endpoint}/EventBuses")).as_array().unwrap();
        assert_eq!(buses.len(), 2, "{buses:?}");
        assert!(!seen.text(&format!("{endpoint}/RoleArn")).is_empty());
    }
    let widgets = seen.at(&format!("/dashboards/main-{region}")).as_array();
    assert!(
        widgets.is_some_and(|widgets| widgets.len() > 3),
        "{region}: {widgets:?}"
    );

    assert_eq!(shown.names("topics"), ["alerts"], "{region}");
    assert_eq!(*shown.at("/topics/alerts/TopicArn"), topic, "{region}");
    for (alarm, metric) in [
        ("database-lag", "AuroraGlobalDBReplicationLag"),
        ("documents-lag", "ReplicationLatency"),
    ] {
        shown.check(&[
            (&format!("/alarms/{alarm}/MetricName"), json!(metric)),
            (&format!("/alarms/{alarm}/AlarmActions"), json!([topic])),
        ]);
    }
    // Route 53 has its metrics in one region, whichever its checks are of.
    let check = outputs.of(number, "health_check_id");
    let alarm = &seen.at("/health_check_alarms")[check.as_str().unwrap()];
    assert_eq!(alarm["MetricName"], "HealthCheckStatus", "{region}: {alarm}");
    assert_eq!(alarm["AlarmActions"], json!([outputs.of(0, "topic_arn")]), "{region}");
    assert_eq!(shown.names("rest_apis"), ["api"], "{region}");
    let stages = shown.at("/rest_apis/api/stages").as_object().unwrap();
    assert_eq!(stages.keys().collect::<Vec<_>>(), ["prod"], "{region}");
    assert!(shown.at("/rest_apis/api/resources/.health").is_object(), "{region}");
}

#[tokio::test(flavor = "multi_thread")]
async fn multi_region_dr_stands_in_both_regions_and_leaves_nothing() {
    let aws = shared();
    let document = document::from_text(include_str!("../../../stacks/multi-region-dr.yaml")).unwrap();
    let file = file_of(&document);
    let up = || {
        let path = file.path().to_str().unwrap();
        json_of(&outrigger(aws, &["up", path, "--yes", "--output", "json"]))
    };
    let ended = up();
    assert_eq!(ended["succeeded"], true, "{ended}");
    let outputs = Outputs(&ended["outputs"]);

    let seen = settled(aws);
    for (number, seen) in seen.iter().enumerate() {
        let shown = Seen::of(aws, REGIONS[number], STACK);
        traffic(seen, number, &outputs);
        data(seen, &shown, number, &outputs);
        work(seen, &shown, number, &outputs);
        let vpc = shown.text("/vpcs/vpc/VpcId");
        assert_eq!(json!(vpc), outputs.of(number, "vpc_id"));
        assert_eq!(shown.at("/vpcs/vpc/CidrBlock"), &json!(format!("10.{number}.0.0/16")));
    }
    let keys = [&seen[0], &seen[1]].map(|seen| seen.text("/parameters/api-key/value"));
    assert_eq!(keys[0], keys[1]);
    assert!(keys[0].len() >= 20, "{} characters", keys[0].len());
    for (output, name) in [
        ("database_endpoint_parameter", "database-endpoint"),
        ("api_key_parameter", "api-key"),
        ("feature_flags_parameter", "feature-flags"),
    ] {
        assert_eq!(outputs.get(output), format!("/{STACK}/production/{name}"));
    }
    assert!(outputs.get("database_secret_arn").contains(":secret:"));

    // Data flows.
    let first = outputs.of(0, "bucket");
    let second = outputs.of(1, "bucket");
    let (table, bus) = (outputs.get("table"), outputs.get("event_bus"));
    let buckets = [first.as_str().unwrap(), second.as_str().unwrap()];
    let arrived: Value = serde_json::from_slice(&boto3(aws, FLOW, &[buckets[0], buckets[1], table, bus])).unwrap();
    for (here, there) in [(REGIONS[0], REGIONS[1]), (REGIONS[1], REGIONS[0])] {
        let of = format!("of {here}");
        let expected = json!({ "object": of, "item": of, "events": [0, 1] });
        assert_eq!(arrived[there], expected, "{there}");
    }
    for (number, status) in [(0, 200), (1, 503)] {
        let url = outputs.of(number, "api_endpoint");
        let answer = get(aws, &format!("{}/health", url.as_str().unwrap())).await.unwrap();
        assert_eq!(answer, (200, r#"{"status":"ok"}"#.to_owned()), "{url}");
        let gate = outputs.of(number, "load_balancer_dns");
        assert_eq!(asked(aws, gate.as_str().unwrap(), "/active").0, status, "{gate}");
    }
    let (status, body) = asked(aws, outputs.get("global_accelerator_dns"), "/active");
    assert_eq!(status, 200, "{body}");
    assert!(body.contains(REGIONS[0]), "{body}");

    // As it is shown, with the roles of the regions.
    let status = json_of(&outrigger(aws, &["status", STACK, "--output", "json"]));
    let components = status["components"].as_array().unwrap();
    let of = |component: &str| -> Vec<&Value> {
        let found = components.iter().filter(|of| of["component"] == component);
        found.map(|of| &of["region"]).collect()
    };
    for component in ["network", "clusters.main", "gates.main", "functions.recorder"] {
        assert!(
            REGIONS.iter().all(|region| of(component).contains(&&json!(region))),
            "{component}: {status:#}"
        );
    }

    // Nothing to do; nor has anything drifted.
    let again = up();
    let resources = again["resources"].as_object().unwrap();
    assert_eq!(resources.keys().collect::<Vec<_>>(), ["unchanged"], "{again}");
    let drift = json_of(&outrigger(aws, &["drift", STACK, "--output", "json"]));
    assert_eq!(drift["drifted"], json!([]), "{drift}");

    let ended = json_of(&outrigger(aws, &["destroy", STACK, "--yes", "--output", "json"]));
    assert_eq!(ended["succeeded"], true, "{ended}");
    assert_eq!(ended["kept"], json!([]), "{ended}");
    let left: Vec<String> = serde_json::from_slice(&boto3(aws, SWEEP, &[STACK])).unwrap();
    assert_eq!(left, Vec::<String>::new());
}
