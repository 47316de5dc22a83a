//! A network in each of two regions, peered, value by value as AWS shows it; what was
//! changed behind our back in the other region is found and put right; and nothing is left in either.

use std::collections::BTreeMap;

use outrigger_model::document;
use outrigger_tests::LocalAws;
use serde_json::{Value, json};

use crate::harness::{boto3, file_of, json_of, outrigger, shared};
use crate::seen::Seen;

const STACK: &str = "two-regions";
const REGIONS: [&str; 2] = ["us-east-1", "us-east-2"];

/// The stack's peerings that are not gone, as a region shows them.
const PEERINGS: &str = r#"
import json, sys
import boto3

region, stack = sys.argv[1:]
ec2 = boto3.client("ec2", region_name=region)
found = ec2.describe_vpc_peering_connections(Filters=[{"Name": "tag:outrigger:stack", "Values": [stack]}])
shown = {}
for it in found["VpcPeeringConnections"]:
    if it["Status"]["Code"] not in ("deleting", "deleted"):
        it["tags"] = {tag["Key"]: tag["Value"] for tag in it["Tags"]}
        shown[it["VpcPeeringConnectionId"]] = it
print(json.dumps(shown, default=str))
"#;

/// Deletes the peering from the other side, and takes a route away there.
const TAMPER: &str = r#"
import sys
import boto3

stack, peering = sys.argv[1:]
ec2 = boto3.client("ec2", region_name="us-east-2")
tables = ec2.describe_route_tables(Filters=[{"Name": "tag:Name", "Values": [f"{stack}-production-private"]}])["RouteTables"]
ec2.delete_route(RouteTableId=tables[0]["RouteTableId"], DestinationCidrBlock="10.0.0.0/16")
ec2.delete_vpc_peering_connection(VpcPeeringConnectionId=peering)
"#;

/// The ids of everything that carries the stack's tags in a region.
const TAGGED: &str = r#"
import json, sys
import boto3

region, stack = sys.argv[1:]
client = boto3.client("resourcegroupstaggingapi", region_name=region)
pages = client.get_paginator("get_resources").paginate(TagFilters=[{"Key": "outrigger:stack", "Values": [stack]}])
print(json.dumps([it["ResourceARN"] for page in pages for it in page["ResourceTagMappingList"]]))
"#;

fn peerings(aws: &LocalAws, region: &str) -> BTreeMap<String, Value> {
    serde_json::from_slice(&boto3(aws, PEERINGS, &[region, STACK])).unwrap()
}

/// The peering, which both regions show alike.
fn the_peering(aws: &LocalAws, vpcs: [&str; 2]) -> String {
    let seen = REGIONS.map(|region| peerings(aws, region));
    for (region, shown) in REGIONS.iter().zip(&seen) {
        assert_eq!(shown.len(), 1, "{region}: {shown:?}");
        let peering = shown.values().next().unwrap();
        assert_eq!(peering["Status"]["Code"], "active", "{region}");
        assert_eq!(peering["RequesterVpcInfo"]["VpcId"], vpcs[0], "{region}");
        assert_eq!(peering["RequesterVpcInfo"]["Region"], REGIONS[0], "{region}");
        assert_eq!(peering["AccepterVpcInfo"]["VpcId"], vpcs[1], "{region}");
        assert_eq!(peering["AccepterVpcInfo"]["Region"], REGIONS[1], "{region}");
        let tags = &peering["tags"];
        assert_eq!(tags["Name"], format!("{STACK}-production-to-us-east-2"), "{region}");
        assert_eq!(
            tags["outrigger:resource"], "us-east-1/vpc-peering/to-us-east-2",
            "{region}"
        );
    }
    let [one, other] = seen.map(|shown| shown.into_keys().next().unwrap());
    assert_eq!(one, other);
    one
}

/// A region's network: its own range, and the way into the other's.
fn network(seen: &Seen, second: u8, peering: &str) {
    let region = REGIONS[usize::from(second)];
    for (kind, names) in [
        ("vpcs", &["vpc"] as &[&str]),
        ("subnets", &["private-1", "private-2", "public-1", "public-2"]),
        ("route_tables", &["private", "public"]),
        ("internet_gateways", &["internet-gateway"]),
        ("nat_gateways", &[]),
    ] {
        assert_eq!(seen.names(kind), names, "{region}: {kind}");
    }
    let vpc = seen.at("/vpcs/vpc/VpcId");
    seen.check(&[
        ("/vpcs/vpc/CidrBlock", json!(format!("10.{second}.0.0/16"))),
        ("/vpcs/vpc/enableDnsSupport", json!(true)),
        ("/vpcs/vpc/enableDnsHostnames", json!(true)),
        ("/internet_gateways/internet-gateway/Attachments/0/VpcId", vpc.clone()),
    ]);
    for (name, third, zone, public) in [
        ("public-1", 0, "a", true),
        ("public-2", 1, "b", true),
        ("private-1", 10, "a", false),
        ("private-2", 11, "b", false),
    ] {
        seen.check(&[
            (
                &format!("/subnets/{name}/CidrBlock"),
                json!(format!("10.{second}.{third}.0/24")),
            ),
            (
                &format!("/subnets/{name}/AvailabilityZone"),
                json!(format!("{region}{zone}")),
            ),
            (&format!("/subnets/{name}/MapPublicIpOnLaunch"), json!(public)),
            (&format!("/subnets/{name}/VpcId"), vpc.clone()),
            (
                &format!("/subnets/{name}/tags/outrigger:resource"),
                json!(format!("{region}/subnet/{name}")),
            ),
        ]);
    }
    let other = 1 - second;
    for table in ["public", "private"] {
        let routes = seen.at(&format!("/route_tables/{table}/Routes")).as_array().unwrap();
        let through = routes
            .iter()
            .find(|route| route["DestinationCidrBlock"] == format!("10.{other}.0.0/16"));
        let through = through.unwrap_or_else(|| panic!("{region}: {table} has no way to the other region: {routes:?}"));
        assert_eq!(through["VpcPeeringConnectionId"], peering, "{region}: {table}");
        assert_eq!(through["State"], "active", "{region}: {table}");
        assert_eq!(
            routes.len(),
            if table == "public" { 3 } else { 2 },
            "{region}: {routes:?}"
        );
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_stack_in_two_regions_stands_up_is_put_right_and_leaves_nothing() {
    let aws = shared();
    let document = document::from_text(include_str!("../../../shared/model/tests/two-regions.yaml")).unwrap();
    let file = file_of(&document);
    let path = file.path().to_str().unwrap();
    let up = || json_of(&outrigger(aws, &["up", path, "--yes", "--output", "json"]));
    let drift = || outrigger(aws, &["drift", STACK, "--output", "json"]);

    let ended = up();
    assert_eq!(ended["succeeded"], true, "{ended}");
    let seen = REGIONS.map(|region| Seen::of(aws, region, STACK));
    let [first, second] = [&seen[0], &seen[1]].map(|seen| seen.text("/vpcs/vpc/VpcId"));
    let peering = the_peering(aws, [first, second]);
    network(&seen[0], 0, &peering);
    network(&seen[1], 1, &peering);
    let outputs = json!({ "primary_vpc_id": first, "secondary_vpc_id": second });
    assert_eq!(ended["outputs"], outputs);

    // As it is shown: by component and region.
    let status = json_of(&outrigger(aws, &["status", STACK, "--output", "json"]));
    let components: Vec<(&str, &str)> = status["components"]
        .as_array()
        .unwrap()
        .iter()
        .map(|of| (of["component"].as_str().unwrap(), of["region"].as_str().unwrap()))
        .collect();
    assert_eq!(components, [("network", "us-east-1"), ("network", "us-east-2")]);
    assert_eq!(status["components"][1]["states"], json!({ "created": 15 }), "{status}");
    let list = json_of(&outrigger(aws, &["list", "--output", "json"]));
    let entry = list["stacks"]
        .as_array()
        .unwrap()
        .iter()
        .find(|entry| entry["stack"] == STACK);
    assert_eq!(entry.unwrap()["region"], "us-east-1, us-east-2", "{list}");

    // Nothing to do; nor has anything drifted.
    assert_eq!(up()["resources"], json!({ "unchanged": 31 }));
    assert_eq!(json_of(&drift())["drifted"], json!([]));

    // Changed behind our back from the other side.
    boto3(aws, TAMPER, &[STACK, &peering]);
    let found = drift();
    let found: Value = serde_json::from_slice(&found.stdout).unwrap();
    let mut drifted: Vec<&str> = found["drifted"]
        .as_array()
        .unwrap()
        .iter()
        .map(|one| one["key"].as_str().unwrap())
        .collect();
    drifted.sort();
    assert_eq!(
        drifted,
        [
            "us-east-1/route/private-to-us-east-2",
            "us-east-1/route/public-to-us-east-2",
            "us-east-1/vpc-peering/to-us-east-2",
            "us-east-2/route/private-to-us-east-1",
            "us-east-2/route/public-to-us-east-1",
        ]
    );
    assert_eq!(up()["succeeded"], true);
    let again = the_peering(aws, [first, second]);
    assert_ne!(again, peering);
    for (number, region) in [(0, REGIONS[0]), (1, REGIONS[1])] {
        network(&Seen::of(aws, region, STACK), number, &again);
    }

    let ended = json_of(&outrigger(aws, &["destroy", STACK, "--yes", "--output", "json"]));
    assert_eq!(ended["succeeded"], true, "{ended}");
    for region in REGIONS {
        Seen::of(aws, region, STACK).assert_only(&[]);
        assert_eq!(peerings(aws, region), BTreeMap::new(), "{region}");
        let tagged: Vec<String> = serde_json::from_slice(&boto3(aws, TAGGED, &[region, STACK])).unwrap();
        assert_eq!(tagged, Vec::<String>::new(), "{region}");
    }
}
