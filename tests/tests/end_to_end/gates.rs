//! A gate in each of two regions: every value as AWS shows it, read by a client that is not ours; a connection to each ends at
//! its function, which lets traffic in where the region is the primary alone; and nothing is left of them in either.

use serde_json::{Value, json};

use crate::harness::{asked, boto3, file_of, json_of, outrigger, shared, up};

const STACK: &str = "gated";
const REGIONS: [&str; 2] = ["us-east-1", "us-east-2"];

/// What there is of load balancers in a region that carries the stack's name.
const LOOK: &str = r#"
import json, sys
import boto3

region, stack = sys.argv[1:]
elb = boto3.client("elbv2", region_name=region)

def ours(found, arn):
    found = list(found)
    arns = [it[arn] for it in found]
    tags = {}
    for start in range(0, len(arns), 20):
        for described in elb.describe_tags(ResourceArns=arns[start : start + 20])["TagDescriptions"]:
            tags[described["ResourceArn"]] = {tag["Key"]: tag["Value"] for tag in described["Tags"]}
    return {
        tags[it[arn]]["outrigger:resource"].rpartition("/")[2]: it | {"tags": tags[it[arn]]}
        for it in found
        if tags[it[arn]].get("outrigger:stack") == stack
    }

balancers = ours(elb.describe_load_balancers()["LoadBalancers"], "LoadBalancerArn")
groups = ours(elb.describe_target_groups()["TargetGroups"], "TargetGroupArn")
listeners, rules = {}, {}
for balancer in balancers.values():
    found = elb.describe_listeners(LoadBalancerArn=balancer["LoadBalancerArn"])["Listeners"]
    listeners |= ours(found, "ListenerArn")
    for listener in found:
        made = elb.describe_rules(ListenerArn=listener["ListenerArn"])["Rules"]
        rules |= ours([it for it in made if not it["IsDefault"]], "RuleArn")
    attributes = elb.describe_load_balancer_attributes(LoadBalancerArn=balancer["LoadBalancerArn"])["Attributes"]
    balancer["attributes"] = {it["Key"]: it["Value"] for it in attributes}
    balancer["subnets"] = len(balancer["AvailabilityZones"])
for group in groups.values():
    health = elb.describe_target_health(TargetGroupArn=group["TargetGroupArn"])["TargetHealthDescriptions"]
    group["targets"] = [it["Target"] | {"state": it["TargetHealth"]["State"]} for it in health]
    attributes = elb.describe_target_group_attributes(TargetGroupArn=group["TargetGroupArn"])["Attributes"]
    group["attributes"] = {it["Key"]: it["Value"] for it in attributes}
ec2 = boto3.client("ec2", region_name=region)
security = {}
for it in ec2.describe_security_groups(Filters=[{"Name": "tag:outrigger:stack", "Values": [stack]}])["SecurityGroups"]:
    security[it["GroupId"]] = [
        [rule["FromPort"], rule["ToPort"], [of["CidrIp"] for of in rule["IpRanges"]]] for rule in it["IpPermissions"]
    ]
functions = boto3.client("lambda", region_name=region).list_functions()["Functions"]
functions = [it["FunctionName"] for it in functions if it["FunctionName"].startswith(f"{stack}-")]
held = [it for it in ec2.describe_network_interfaces()["NetworkInterfaces"] if f"/{stack}-" in it["Description"]]
print(json.dumps({"balancers": balancers, "groups": groups, "listeners": listeners, "rules": rules, "security": security,
    "functions": functions, "interfaces": len(held)}, default=str))
"#;

fn look(region: &str) -> Value {
    serde_json::from_slice(&boto3(shared(), LOOK, &[region, STACK])).unwrap()
}

fn document() -> Value {
    json!({
        "stack": STACK,
        "environment": "production",
        "regions": REGIONS,
        "network": {
            "cidr": { "us-east-1": "10.0.0.0/16", "us-east-2": "10.1.0.0/16" },
            "zones": 2,
            "public": {},
            "private": {},
        },
        "gates": { "main": {} },
        "outputs": {
            "primary_arn": "gates.main.arn",
            "primary_dns_name": "gates.main.dns_name",
            "secondary_arn": "gates.main.us-east-2.arn",
            "secondary_dns_name": "gates.main.us-east-2.dns_name",
        },
    })
}

/// The states of a region's network load balancer's targets, once they are as expected, or at last.
fn state_of(region: &str, expected: &str) -> Value {
    for _ in 0..30 {
        let seen = look(region);
        if seen["groups"]["main.http"]["targets"][0]["state"] == expected {
            return seen;
        }
        std::thread::sleep(std::time::Duration::from_millis(300));
    }
    look(region)
}

fn check(region: &str, seen: &Value, outputs: [&Value; 2]) {
    let at = |path: &str| seen.pointer(path).cloned().unwrap_or_default();
    let (outer, inner) = ("/balancers/main.network", "/balancers/main.application");
    for (path, expected) in [
        (
            format!("{outer}/LoadBalancerName"),
            json!("gated-production-main-network"),
        ),
        (format!("{outer}/Type"), json!("network")),
        (format!("{outer}/Scheme"), json!("internet-facing")),
        (format!("{outer}/State/Code"), json!("active")),
        (format!("{outer}/subnets"), json!(2)),
        (
            format!("{outer}/attributes/deletion_protection.enabled"),
            json!("false"),
        ),
        (format!("{outer}/LoadBalancerArn"), outputs[0].clone()),
        (format!("{outer}/DNSName"), outputs[1].clone()),
        (format!("{inner}/Type"), json!("application")),
        (format!("{inner}/Scheme"), json!("internal")),
        (format!("{inner}/subnets"), json!(2)),
        ("/listeners/main.network/Port".to_owned(), json!(443)),
        ("/listeners/main.network/Protocol".to_owned(), json!("TCP")),
        (
            "/listeners/main.network/DefaultActions/0/TargetGroupArn".to_owned(),
            at("/groups/main.http/TargetGroupArn"),
        ),
        ("/listeners/main.http/Port".to_owned(), json!(80)),
        ("/listeners/main.http/Protocol".to_owned(), json!("HTTP")),
        (
            "/listeners/main.http/DefaultActions/0/FixedResponseConfig/StatusCode".to_owned(),
            json!("503"),
        ),
        ("/rules/main.http/Priority".to_owned(), json!("1")),
        (
            "/rules/main.http/Conditions/0/HttpRequestMethodConfig/Values".to_owned(),
            json!(["GET"]),
        ),
        (
            "/rules/main.http/Conditions/1/PathPatternConfig/Values".to_owned(),
            json!(["/active"]),
        ),
        (
            "/rules/main.http/Actions/0/TargetGroupArn".to_owned(),
            at("/groups/main.function/TargetGroupArn"),
        ),
        ("/groups/main.http/TargetType".to_owned(), json!("alb")),
        ("/groups/main.http/Protocol".to_owned(), json!("TCP")),
        ("/groups/main.http/Port".to_owned(), json!(80)),
        ("/groups/main.http/HealthCheckProtocol".to_owned(), json!("HTTP")),
        ("/groups/main.http/HealthCheckPath".to_owned(), json!("/active")),
        ("/groups/main.http/Matcher/HttpCode".to_owned(), json!("200")),
        ("/groups/main.http/HealthCheckIntervalSeconds".to_owned(), json!(10)),
        ("/groups/main.http/HealthCheckTimeoutSeconds".to_owned(), json!(5)),
        ("/groups/main.http/HealthyThresholdCount".to_owned(), json!(2)),
        ("/groups/main.http/UnhealthyThresholdCount".to_owned(), json!(2)),
        (
            "/groups/main.http/attributes/deregistration_delay.timeout_seconds".to_owned(),
            json!("30"),
        ),
        (
            "/groups/main.http/targets/0/Id".to_owned(),
            at(&format!("{inner}/LoadBalancerArn")),
        ),
        ("/groups/main.function/TargetType".to_owned(), json!("lambda")),
        ("/groups/main.function/HealthCheckEnabled".to_owned(), json!(false)),
    ] {
        assert_eq!(at(&path), expected, "{region}: {path}");
        assert_ne!(expected, Value::Null, "{region}: {path}");
    }
    for (path, port) in [(outer, 443), (inner, 80)] {
        let group = at(&format!("{path}/SecurityGroups/0"));
        let rules = &seen["security"][group.as_str().unwrap()];
        assert_eq!(*rules, json!([[port, port, ["0.0.0.0/0"]]]), "{region}: {path}");
    }
    assert_eq!(seen["functions"], json!(["gated-production-main-gate"]), "{region}");
    assert!(
        at("/groups/main.function/targets/0/Id")
            .as_str()
            .unwrap()
            .ends_with(":gated-production-main-gate")
    );
    for kind in ["balancers", "groups", "listeners", "rules"] {
        for (name, it) in seen[kind].as_object().unwrap() {
            assert_eq!(
                it["tags"]["outrigger:environment"], "production",
                "{region}: {kind} {name}"
            );
        }
    }
}

#[test]
fn a_gate_is_open_in_the_primary_region_alone() {
    let document = document();
    let file = file_of(&document);
    let path = file.path().to_str().unwrap();
    let planned = json_of(&outrigger(shared(), &["plan", path, "--output", "json"]));
    let warnings = planned["warnings"].as_array().unwrap();
    let of: Vec<&Value> = warnings.iter().map(|warning| &warning["property"]).collect();
    // The second region has no control plane.
    assert_eq!(of, ["gates.main", "gates.main.certificate"], "{planned}");

    let outputs = up(&document)["outputs"].clone();
    let output = |name: &str| outputs.get(name).unwrap_or_else(|| panic!("no {name}: {outputs}"));
    for (region, place, state) in [
        (REGIONS[0], "primary", "healthy"),
        (REGIONS[1], "secondary", "unhealthy"),
    ] {
        let (arn, dns_name) = (output(&format!("{place}_arn")), output(&format!("{place}_dns_name")));
        let seen = state_of(region, state);
        check(region, &seen, [arn, dns_name]);
        assert_eq!(
            seen["groups"]["main.http"]["targets"][0]["state"], state,
            "{region}: {seen}"
        );
        let expected = if place == "primary" { 200 } else { 503 };
        let (status, body) = asked(shared(), dns_name.as_str().unwrap(), "/active");
        assert_eq!(status, expected, "{region}: {body}");
        assert!(body.contains(region), "{region}: {body}");
        let other = asked(shared(), dns_name.as_str().unwrap(), "/other");
        assert_eq!(other, (503, "nothing answers here".to_owned()), "{region}");
    }

    json_of(&outrigger(
        shared(),
        &["destroy", "gated/production", "--yes", "--output", "json"],
    ));
    for region in REGIONS {
        let left = look(region);
        for kind in ["balancers", "groups", "listeners", "rules", "security"] {
            assert_eq!(left[kind], json!({}), "{region}: {kind}");
        }
        assert_eq!(left["functions"], json!([]), "{region}");
        assert_eq!(left["interfaces"], 0, "{region}");
    }
}
