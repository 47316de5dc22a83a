//! The ways out of private subnets: NAT gateways, and endpoints of AWS's services.

use outrigger_tests::LocalAws;
use serde_json::{Value, json};

use crate::harness::{file_of, json_of, now_ms, outrigger, resource_calls, shared};
use crate::seen::Seen;

const STACK: &str = "ways-out";
const REGION: &str = "us-east-1";

fn up(aws: &LocalAws, document: &Value) -> Seen {
    let file = file_of(document);
    let path = file.path().to_str().unwrap();
    let ended = json_of(&outrigger(aws, &["up", path, "--yes", "--output", "json"]));
    assert_eq!(ended["succeeded"], true, "{ended}");
    let again = json_of(&outrigger(aws, &["plan", path, "--output", "json"]));
    assert_eq!(again["nothing_to_do"], true, "{again:#}");
    Seen::of(aws, REGION, STACK)
}

/// Where the route to everywhere leads of a route table.
pub(crate) fn to_everywhere(seen: &Seen, table: &str) -> Value {
    let routes = seen.at(&format!("/route_tables/{table}/Routes")).as_array().unwrap();
    let route = routes
        .iter()
        .find(|route| route["DestinationCidrBlock"] == "0.0.0.0/0")
        .unwrap();
    assert_eq!(route["State"], "active", "{route}");
    route.get("NatGatewayId").unwrap_or(&route["GatewayId"]).clone()
}

/// The subnets of a route table.
fn subnets_of(seen: &Seen, table: &str) -> Vec<Value> {
    let associations = seen.at(&format!("/route_tables/{table}/Associations"));
    let associations = associations.as_array().unwrap().iter();
    sorted(
        associations
            .map(|association| association["SubnetId"].clone())
            .collect(),
    )
}

fn sorted(mut values: Vec<Value>) -> Vec<Value> {
    values.sort_by_key(Value::to_string);
    values
}

fn ids(seen: &Seen, kind: &str, names: &[&str], id: &str) -> Vec<Value> {
    let ids = names
        .iter()
        .map(|name| seen.at(&format!("/{kind}/{name}/{id}")).clone());
    sorted(ids.collect())
}

fn list(seen: &Seen, pointer: &str) -> Vec<Value> {
    sorted(seen.at(pointer).as_array().unwrap().clone())
}

#[tokio::test(flavor = "multi_thread")]
async fn ways_out_come_change_and_go() {
    let aws = shared();
    let mut document = json!({
        "stack": STACK, "environment": "production", "region": REGION,
        "network": {
            "cidr": "10.0.0.0/16",
            "zones": 2,
            "public": {"cidrs": ["10.0.1.0/24", "10.0.2.0/24"]},
            "private": {"cidrs": ["10.0.11.0/24", "10.0.12.0/24"]},
            "nat": "single",
            "endpoints": ["s3", "secretsmanager"],
        },
    });
    let file = file_of(&document);
    let plan = outrigger(aws, &["plan", file.path().to_str().unwrap()]);
    let plan = String::from_utf8(plan.stdout).unwrap();
    for told in [
        "costs about $32.85 a month at list price",
        "com.amazonaws.us-east-1.secretsmanager, costs about $14.60 a month at list price",
    ] {
        assert!(plan.contains(told), "{plan}");
    }

    let single = up(aws, &document);
    let nat = single.text("/nat_gateways/nat-1/NatGatewayId").to_owned();
    single.check(&[
        ("/nat_gateways/nat-1/State", json!("available")),
        (
            "/nat_gateways/nat-1/SubnetId",
            single.at("/subnets/public-1/SubnetId").clone(),
        ),
        (
            "/nat_gateways/nat-1/NatGatewayAddresses/0/AllocationId",
            single.at("/elastic_ips/nat-1/AllocationId").clone(),
        ),
        ("/vpc_endpoints/s3/VpcEndpointType", json!("Gateway")),
        ("/vpc_endpoints/s3/ServiceName", json!("com.amazonaws.us-east-1.s3")),
        (
            "/vpc_endpoints/s3/RouteTableIds",
            json!([single.at("/route_tables/private/RouteTableId")]),
        ),
        ("/vpc_endpoints/secretsmanager/VpcEndpointType", json!("Interface")),
        ("/vpc_endpoints/secretsmanager/State", json!("available")),
        ("/vpc_endpoints/secretsmanager/PrivateDnsEnabled", json!(true)),
        (
            "/vpc_endpoints/secretsmanager/Groups/0/GroupId",
            single.at("/security_groups/vpc-endpoints/GroupId").clone(),
        ),
        ("/security_groups/vpc-endpoints/IpPermissions/0/FromPort", json!(443)),
        (
            "/security_groups/vpc-endpoints/IpPermissions/0/IpRanges/0/CidrIp",
            json!("10.0.0.0/16"),
        ),
    ]);
    assert_eq!(single.names("elastic_ips"), ["nat-1"]);
    assert_eq!(to_everywhere(&single, "private"), json!(nat));
    let private = ["private-1", "private-2"];
    assert_eq!(
        list(&single, "/vpc_endpoints/secretsmanager/SubnetIds"),
        ids(&single, "subnets", &private, "SubnetId")
    );

    // One for each zone, one zone more, and another service; the first gateway stays with its address.
    let network = &mut document["network"];
    network["zones"] = json!(3);
    network["public"]["cidrs"] = json!(["10.0.1.0/24", "10.0.2.0/24", "10.0.3.0/24"]);
    network["private"]["cidrs"] = json!(["10.0.11.0/24", "10.0.12.0/24", "10.0.13.0/24"]);
    network["nat"] = json!("per_zone");
    network["endpoints"] = json!(["dynamodb", "secretsmanager"]);
    document["tags"] = json!({ "Team": "data" });
    let per_zone = up(aws, &document);
    per_zone.check(&[
        ("/nat_gateways/nat-1/NatGatewayId", json!(nat)),
        (
            "/elastic_ips/nat-1/PublicIp",
            single.at("/elastic_ips/nat-1/PublicIp").clone(),
        ),
        (
            "/vpc_endpoints/secretsmanager/VpcEndpointId",
            single.at("/vpc_endpoints/secretsmanager/VpcEndpointId").clone(),
        ),
        ("/nat_gateways/nat-1/tags/Team", json!("data")),
        ("/elastic_ips/nat-1/tags/Team", json!("data")),
        ("/vpc_endpoints/secretsmanager/tags/Team", json!("data")),
    ]);
    assert_eq!(per_zone.names("elastic_ips"), ["nat-1", "nat-2", "nat-3"]);
    let tables = ["private-1", "private-2", "private-3"];
    assert_eq!(
        per_zone.names("route_tables"),
        ["private-1", "private-2", "private-3", "public"]
    );
    for (zone, table) in tables.iter().enumerate() {
        let gateway = format!("/nat_gateways/nat-{}", zone + 1);
        let subnet = per_zone.at(&format!("/subnets/public-{}/SubnetId", zone + 1));
        assert_eq!(per_zone.at(&format!("{gateway}/SubnetId")), subnet);
        assert_eq!(
            &to_everywhere(&per_zone, table),
            per_zone.at(&format!("{gateway}/NatGatewayId"))
        );
        assert_eq!(
            subnets_of(&per_zone, table),
            ids(&per_zone, "subnets", &[table], "SubnetId")
        );
    }
    assert_eq!(per_zone.names("vpc_endpoints"), ["dynamodb", "secretsmanager"]);
    assert_eq!(
        list(&per_zone, "/vpc_endpoints/dynamodb/RouteTableIds"),
        ids(&per_zone, "route_tables", &tables, "RouteTableId")
    );
    assert_eq!(
        list(&per_zone, "/vpc_endpoints/secretsmanager/SubnetIds"),
        ids(&per_zone, "subnets", &tables, "SubnetId")
    );

    refused(aws, &document);

    // And back, with nothing that could be reached only through what is gone.
    document["network"]["nat"] = json!("single");
    let back = up(aws, &document);
    assert_eq!(back.names("nat_gateways"), ["nat-1"]);
    assert_eq!(back.names("elastic_ips"), ["nat-1"]);
    assert_eq!(to_everywhere(&back, "private"), json!(nat));
    assert_eq!(subnets_of(&back, "private"), ids(&back, "subnets", &tables, "SubnetId"));

    let before_ms = now_ms();
    let destroyed = json_of(&outrigger(aws, &["destroy", STACK, "--yes", "--output", "json"]));
    assert_eq!(destroyed["succeeded"], true, "{destroyed}");
    Seen::of(aws, REGION, STACK).assert_only(&[]);
    // The gateway is gone before what it holds is touched.
    let calls = resource_calls(aws, before_ms);
    let of = |operation: &str, id: &str| {
        let calls = calls.iter().filter(|call| call.operation == operation);
        let calls: Vec<_> = calls
            .filter(|call| call.parameters.to_string().contains(id))
            .map(|call| call.error.clone())
            .collect();
        calls
    };
    let address = back.text("/elastic_ips/nat-1/AllocationId");
    assert_eq!(of("ReleaseAddress", address), [None]);
    let gateway = back.text("/internet_gateways/internet-gateway/InternetGatewayId");
    assert_eq!(of("DetachInternetGateway", gateway), [None]);
}

/// What the region does not offer is told with everything else, before anything is touched.
fn refused(aws: &LocalAws, document: &Value) {
    let mut wrong = document.clone();
    wrong["network"]["endpoints"] = json!(["s3", "kms", "no-such-service", "another"]);
    wrong["network"]["zones"] = json!(4);
    wrong["network"]["public"] = json!({});
    wrong["network"]["private"] = json!({});
    let file = file_of(&wrong);
    let refused = outrigger(aws, &["plan", file.path().to_str().unwrap()]);
    let text = String::from_utf8(refused.stderr).unwrap();
    assert_eq!(refused.status.code(), Some(2), "{text}");
    for told in [
        "us-east-1 has no VPC endpoint for a service named `no-such-service`",
        "us-east-1 has no VPC endpoint for a service named `another`",
        "the document wants 4",
    ] {
        assert!(text.contains(told), "{text}");
    }
    assert!(!text.contains("`kms`"), "{text}");
}
