//! An accelerator, health checks and dashboards of a stack in two regions: every value as AWS shows it, read by a client that is
//! not ours; they agree with the gates on which region is open, and traffic goes there; and nothing is left of them.

use std::time::Duration;

use serde_json::{Value, json};

use crate::harness::{asked, boto3, json_of, outrigger, shared, up};

const STACK: &str = "reached";
const REGIONS: [&str; 2] = ["us-east-1", "us-east-2"];

/// What there is of the stack that is in no region, and its alarms.
const LOOK: &str = r#"
import json, sys
import boto3

stack = sys.argv[1]

def is_ours(tags):
    return {tag["Key"]: tag["Value"] for tag in tags}.get("outrigger:stack") == stack

front = boto3.client("globalaccelerator", region_name="us-west-2")
accelerators = []
for made in front.list_accelerators()["Accelerators"]:
    arn = made["AcceleratorArn"]
    if not is_ours(front.list_tags_for_resource(ResourceArn=arn)["Tags"]):
        continue
    made["listeners"] = front.list_listeners(AcceleratorArn=arn)["Listeners"]
    for listener in made["listeners"]:
        groups = front.list_endpoint_groups(ListenerArn=listener["ListenerArn"])["EndpointGroups"]
        listener["groups"] = {group["EndpointGroupRegion"]: group for group in groups}
    accelerators.append(made)
dns = boto3.client("route53", region_name="us-east-1")
checks = {}
for check in dns.list_health_checks()["HealthChecks"]:
    tags = dns.list_tags_for_resource(ResourceType="healthcheck", ResourceId=check["Id"])["ResourceTagSet"]["Tags"]
    if is_ours(tags):
        name = {tag["Key"]: tag["Value"] for tag in tags}["outrigger:resource"].rpartition("/")[2]
        told = dns.get_health_check_status(HealthCheckId=check["Id"])["HealthCheckObservations"]
        check["told"] = sorted({it["StatusReport"]["Status"].rpartition(",")[0] for it in told})
        checks[name] = check
watch = boto3.client("cloudwatch", region_name="us-east-1")
dashboards = {}
for it in watch.list_dashboards(DashboardNamePrefix=f"{stack}-")["DashboardEntries"]:
    shown = watch.get_dashboard(DashboardName=it["DashboardName"])
    assert is_ours(watch.list_tags_for_resource(ResourceARN=shown["DashboardArn"])["Tags"]), shown
    dashboards[it["DashboardName"]] = json.loads(shown["DashboardBody"])
alarms = {}
for region in ("us-east-1", "us-east-2"):
    found = boto3.client("cloudwatch", region_name=region).describe_alarms(AlarmNamePrefix=f"{stack}-")["MetricAlarms"]
    alarms[region] = {it["AlarmName"]: it for it in found}
print(json.dumps({"accelerators": accelerators, "checks": checks, "dashboards": dashboards, "alarms": alarms}, default=str))
"#;

fn look() -> Value {
    serde_json::from_slice(&boto3(shared(), LOOK, &[STACK])).unwrap()
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
        "accelerators": { "main": { "gate": "main" } },
        "health_checks": { "main": { "gate": "main", "failures": 2 } },
        "dashboards": { "main": {} },
        "topics": { "alerts": {} },
        "alarms": { "unreachable": {
            "component": "health_checks.main", "metric": "HealthCheckStatus", "statistic": "minimum",
            "comparison": "less_than", "threshold": 1, "periods": 2, "period_seconds": 60, "missing_data": "breaching",
            "notify": ["alerts"],
        } },
        "outputs": {
            "global_accelerator_dns": "accelerators.main.dns_name",
            "global_accelerator_addresses": "accelerators.main.addresses",
            "global_accelerator_address": "accelerators.main.address_2",
            "global_accelerator_arn": "accelerators.main.arn",
            "primary_health_check_id": "health_checks.main.id",
            "secondary_health_check_id": "health_checks.main.us-east-2.id",
            "primary_balancer": "gates.main.dns_name",
            "primary_balancer_arn": "gates.main.arn",
            "secondary_balancer": "gates.main.us-east-2.dns_name",
            "secondary_balancer_arn": "gates.main.us-east-2.arn",
        },
    })
}

/// What is seen once the endpoints' health is as expected, or at last.
fn settled(expected: [&str; 2]) -> Value {
    for _ in 0..30 {
        let seen = look();
        let groups = &seen["accelerators"][0]["listeners"][0]["groups"];
        let states = REGIONS.map(|region| groups[region]["EndpointDescriptions"][0]["HealthState"].as_str());
        if states == expected.map(Some) {
            return seen;
        }
        std::thread::sleep(Duration::from_millis(300));
    }
    look()
}

#[test]
fn traffic_goes_where_the_gate_is_open() {
    let outputs = up(&document())["outputs"].clone();
    let output = |name: &str| {
        let value = outputs.get(name).unwrap_or_else(|| panic!("no {name}: {outputs}"));
        value.as_str().unwrap().to_owned()
    };
    let seen = settled(["HEALTHY", "UNHEALTHY"]);

    let accelerator = &seen["accelerators"][0];
    let addresses = accelerator["IpSets"][0]["IpAddresses"].as_array().unwrap();
    let addresses: Vec<&str> = addresses.iter().map(|address| address.as_str().unwrap()).collect();
    assert_eq!(addresses.join(","), output("global_accelerator_addresses"));
    assert_eq!(addresses[1], output("global_accelerator_address"));
    assert_eq!(accelerator["DnsName"], output("global_accelerator_dns"));
    assert_eq!(accelerator["AcceleratorArn"], output("global_accelerator_arn"));
    assert_eq!(accelerator["Name"], "reached-production-main");
    assert_eq!(accelerator["Status"], "DEPLOYED");
    let listeners = accelerator["listeners"].as_array().unwrap();
    assert_eq!(listeners.len(), 1, "{accelerator}");
    assert_eq!(listeners[0]["PortRanges"], json!([{ "FromPort": 443, "ToPort": 443 }]));
    assert_eq!(listeners[0]["Protocol"], "TCP");
    assert_eq!(listeners[0]["groups"].as_object().unwrap().len(), 2);
    for (region, place, state) in [
        (REGIONS[0], "primary", "HEALTHY"),
        (REGIONS[1], "secondary", "UNHEALTHY"),
    ] {
        let group = &listeners[0]["groups"][region];
        let endpoints = group["EndpointDescriptions"].as_array().unwrap();
        assert_eq!(endpoints.len(), 1, "{group}");
        assert_eq!(endpoints[0]["EndpointId"], output(&format!("{place}_balancer_arn")));
        assert_eq!(endpoints[0]["HealthState"], state, "{region}: {group}");
        assert_eq!(group["TrafficDialPercentage"], 100.0, "{group}");

        let check = &seen["checks"][format!("main.{region}")];
        assert_eq!(check["Id"], output(&format!("{place}_health_check_id")));
        let config = &check["HealthCheckConfig"];
        assert_eq!(config["FullyQualifiedDomainName"], output(&format!("{place}_balancer")));
        for (property, value) in [
            ("Type", json!("HTTP")),
            ("Port", json!(443)),
            ("ResourcePath", json!("/active")),
            ("RequestInterval", json!(30)),
            ("FailureThreshold", json!(2)),
        ] {
            assert_eq!(config[property], value, "{region}: {config}");
        }
        let told = match state {
            "HEALTHY" => "Success: HTTP Status Code 200",
            _ => "Failure: HTTP Status Code 503",
        };
        assert_eq!(check["told"], json!([told]), "{region}: {check}");
        // Both alarms are where the metrics are.
        let alarm = &seen["alarms"]["us-east-1"][format!("reached-production-unreachable-{region}")];
        assert_eq!(alarm["Namespace"], "AWS/Route53", "{seen}");
        assert_eq!(
            alarm["Dimensions"],
            json!([{ "Name": "HealthCheckId", "Value": check["Id"] }])
        );

        let body = &seen["dashboards"][format!("reached-production-main-{region}")];
        let widgets = body["widgets"].as_array().unwrap();
        let of = |start: &str| {
            let found = widgets.iter().find(|widget| {
                let title = widget["properties"]["title"].as_str().unwrap_or_default();
                title.starts_with(start)
            });
            &found.unwrap_or_else(|| panic!("no {start}: {body}"))["properties"]
        };
        assert_eq!(of("gates.main")["region"], region);
        let full_name = output(&format!("{place}_balancer_arn"));
        let full_name = full_name.split_once(":loadbalancer/").unwrap().1;
        assert_eq!(of("gates.main")["metrics"][0][3], full_name, "{body}");
        assert_eq!(of("health_checks.main")["region"], "us-east-1");
        assert_eq!(of("health_checks.main")["metrics"][0][3], check["Id"], "{body}");
        assert_eq!(of("accelerators.main")["region"], "us-west-2");
    }
    assert_eq!(seen["alarms"]["us-east-2"], json!({}));
    assert_eq!(seen["dashboards"].as_object().unwrap().len(), 2);

    // A connection to the accelerator ends in the region that is open.
    let (status, body) = asked(shared(), &output("global_accelerator_dns"), "/active");
    assert_eq!(status, 200, "{body}");
    assert!(body.contains(REGIONS[0]), "{body}");

    json_of(&outrigger(
        shared(),
        &["destroy", "reached/production", "--yes", "--output", "json"],
    ));
    let left = look();
    assert_eq!(left["accelerators"], json!([]));
    for kind in ["checks", "dashboards"] {
        assert_eq!(left[kind], json!({}), "{kind}");
    }
    assert_eq!(left["alarms"], json!({ "us-east-1": {}, "us-east-2": {} }));
}
