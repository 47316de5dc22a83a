//! Functions: what comes with one, and what its role allows.

// Helpers may panic as tests do; what clippy.toml allows reaches `#[test]` functions and `#[cfg(test)]` modules only.
#![allow(clippy::unwrap_used, clippy::panic)]

use std::collections::{BTreeMap, BTreeSet};

use outrigger_model::properties::{Allows, Function, LogGroup, Role};
use outrigger_model::{Input, Kind, Properties, Region, Resource, ResourceKey, document};
use outrigger_plan::{ControlPlane, Graph, Resolved, expand, price};

const DOCUMENT: &str = "
stack: shop
environment: test
regions: [us-east-1, us-east-2]
network:
  cidr: {us-east-1: 10.0.0.0/16, us-east-2: 10.1.0.0/16}
  zones: 2
  private: {}
tables:
  events: {key: id}
functions:
  recorder: {code: event-recorder, table: events, in_vpc: true}
  gate: {code: region-gate, region: us-east-2, memory_mb: 256, timeout_seconds: 5}
";

/// A database with a home, and one that is in both regions, with an agent each.
const AGENTS: &str = "
stack: shop
environment: test
regions: [us-east-1, us-east-2]
network:
  cidr: {us-east-1: 10.0.0.0/16, us-east-2: 10.1.0.0/16}
  zones: 2
  private: {}
keys:
  data: {region: us-east-2}
databases:
  orders:
    region: us-east-2
    engine: postgres
    version: '15.15'
    class: db.t3.micro
    storage_gib: 20
    database: shop
    user: shop_owner
    encryption_key: data
clusters:
  main:
    global: true
    engine: aurora_postgresql
    version: '15.15'
    capacity_acu_min: 0.5
    capacity_acu_max: 2
    instances: 1
    database: shop
    user: shop_owner
functions:
  main-agent: {code: database-agent, database: clusters.main}
  orders-agent: {code: database-agent, database: databases.orders, timeout_seconds: 20}
";

fn graph() -> Graph {
    graph_of(DOCUMENT)
}

fn graph_of(text: &str) -> Graph {
    let document = document::parse(&document::from_text(text).unwrap()).unwrap();
    let resolved = Resolved {
        control_plane: ControlPlane {
            account: "123456789012".to_owned(),
            table: "outrigger-state".to_owned(),
            ..ControlPlane::default()
        },
        ..Resolved::unasked(&document)
    };
    let graph = expand(&document, &resolved).unwrap();
    graph.order().unwrap();
    graph
}

fn key(region: &str, kind: Kind, name: &str) -> ResourceKey {
    ResourceKey::new(&Region::new(region), kind, name)
}

fn of<'a>(graph: &'a Graph, region: &str, kind: Kind, name: &str) -> &'a Resource {
    &graph.resources[&key(region, kind, name)]
}

fn role<'a>(graph: &'a Graph, region: &str, name: &str) -> &'a Role {
    match &of(graph, region, Kind::Role, &format!("{name}.function")).properties {
        Properties::Role(role) => role,
        other => panic!("{other:?}"),
    }
}

fn function<'a>(graph: &'a Graph, region: &str, name: &str) -> &'a Function {
    match &of(graph, region, Kind::Function, name).properties {
        Properties::Function(function) => function,
        other => panic!("{other:?}"),
    }
}

fn allows(action: &str, resource: Input, leading_keys: &[&str]) -> Allows {
    Allows {
        actions: BTreeSet::from([action.to_owned()]),
        resources: vec![resource],
        leading_keys: leading_keys.iter().map(|key| (*key).to_owned()).collect(),
    }
}

#[test]
fn a_recorder_is_in_each_region_and_writes_to_the_table_there() {
    let graph = graph();
    for (region, arn) in [("us-east-1", "arn"), ("us-east-2", "replica_arn")] {
        let recorder = function(&graph, region, "recorder");
        let table = key("us-east-1", Kind::Table, "events");
        assert_eq!(recorder.environment["EVENT_TABLE"], Input::of(&table, "name"));
        assert_eq!(recorder.code, "event-recorder");
        assert_eq!((recorder.memory_mb, recorder.timeout_seconds), (128, 10));
        let group = key(region, Kind::SecurityGroup, "recorder");
        assert_eq!(
            (recorder.subnets.len(), &recorder.security_groups[..]),
            (2, &[Input::id_of(&group)][..])
        );

        let role = role(&graph, region, "recorder");
        assert_eq!(role.service, "lambda.amazonaws.com");
        let policy = "arn:aws:iam::aws:policy/service-role/AWSLambdaVPCAccessExecutionRole";
        assert_eq!(role.managed_policies, BTreeSet::from([policy.to_owned()]));
        let [logs, writes] = &role.allows[..] else {
            panic!("{:?}", role.allows);
        };
        let group = format!("arn:aws:logs:{region}:123456789012:log-group:/aws/lambda/shop-test-recorder:*");
        assert_eq!(logs.resources, [Input::Text(group)]);
        assert_eq!(*writes, allows("dynamodb:PutItem", Input::of(&table, arn), &[]));

        // Its log group is there before it.
        let log_group = key(region, Kind::LogGroup, "recorder.logs");
        assert!(
            of(&graph, region, Kind::Function, "recorder")
                .depends_on
                .contains(&log_group)
        );
        let log_group = &graph.resources[&log_group];
        assert_eq!(log_group.physical_name, "/aws/lambda/shop-test-recorder");
        let kept = LogGroup {
            retention_days: Some(30),
        };
        assert_eq!(log_group.properties, Properties::LogGroup(kept));
    }
}

#[test]
fn a_gate_reads_the_topology_of_its_own_stack_and_nothing_else() {
    let graph = graph();
    assert!(!graph.resources.contains_key(&key("us-east-1", Kind::Function, "gate")));
    let gate = function(&graph, "us-east-2", "gate");
    let text = |text: &str| Input::Text(text.to_owned());
    assert_eq!(gate.environment["OUTRIGGER_TABLE"], text("outrigger-state"));
    assert_eq!(gate.environment["OUTRIGGER_STACK"], text("shop/test"));
    assert!(gate.subnets.is_empty() && gate.security_groups.is_empty());
    assert_eq!((gate.memory_mb, gate.timeout_seconds), (256, 5));
    let role = role(&graph, "us-east-2", "gate");
    assert!(role.managed_policies.is_empty());
    let table = text("arn:aws:dynamodb:us-east-2:123456789012:table/outrigger-state");
    assert_eq!(
        role.allows[1..],
        [allows("dynamodb:GetItem", table, &["topology#shop/test"])]
    );
    assert!(
        !graph
            .resources
            .contains_key(&key("us-east-2", Kind::SecurityGroup, "gate"))
    );
}

#[test]
fn an_agent_is_where_its_database_is_and_reads_its_secret_there_and_nothing_else() {
    let graph = graph_of(AGENTS);
    let of_main = Input::of(&key("us-east-1", Kind::Secret, "main"), "arn");
    // Of a replica the name is known, and not what Secrets Manager adds to it.
    let replica = "arn:aws:secretsmanager:us-east-2:123456789012:secret:shop-test-main-??????";
    let of_orders = Input::of(&key("us-east-2", Kind::Secret, "orders"), "arn");
    let with_key = Input::of(&key("us-east-2", Kind::KmsKey, "data"), "arn");
    let reads = |secret: &Input| allows("secretsmanager:GetSecretValue", secret.clone(), &[]);
    let decrypts = allows("kms:Decrypt", with_key, &[]);
    check_agent(&graph, ("us-east-1", "main-agent", 30), &[reads(&of_main)]);
    let replica = Input::Text(replica.to_owned());
    check_agent(&graph, ("us-east-2", "main-agent", 30), &[reads(&replica)]);
    check_agent(
        &graph,
        ("us-east-2", "orders-agent", 20),
        &[reads(&of_orders), decrypts],
    );
    let elsewhere = key("us-east-1", Kind::Function, "orders-agent");
    assert!(!graph.resources.contains_key(&elsewhere));
}

#[track_caller]
fn check_agent(graph: &Graph, (region, name, timeout_seconds): (&str, &str, u32), allowed: &[Allows]) {
    let agent = function(graph, region, name);
    assert_eq!(agent.code, "database-agent");
    assert_eq!(agent.timeout_seconds, timeout_seconds);
    let certificates = (
        "OUTRIGGER_CERTIFICATES".to_owned(),
        Input::Text("certificates.pem".to_owned()),
    );
    assert_eq!(agent.environment, BTreeMap::from([certificates]));
    let subnets = ["private-1", "private-2"].map(|subnet| Input::id_of(&key(region, Kind::Subnet, subnet)));
    assert_eq!(agent.subnets, subnets);
    let group = key(region, Kind::SecurityGroup, name);
    assert_eq!(agent.security_groups, [Input::id_of(&group)]);
    let role = role(graph, region, name);
    let policy = "arn:aws:iam::aws:policy/service-role/AWSLambdaVPCAccessExecutionRole";
    assert_eq!(role.managed_policies, BTreeSet::from([policy.to_owned()]));
    assert_eq!(&role.allows[1..], allowed);
}

/// Where there is no other way to it, Secrets Manager is in the VPC; and its price is told.
#[test]
fn an_agent_reaches_secrets_manager() {
    let one_region = AGENTS.replace("global: true", "region: us-east-2");
    let public = "private: {}\n  public: {}";
    let nat = format!("{public}\n  nat: single");
    let listed = "private: {}\n  endpoints: [secretsmanager, s3]";
    check_endpoints(AGENTS, &["us-east-1 secretsmanager", "us-east-2 secretsmanager"]);
    check_endpoints(&one_region, &["us-east-2 secretsmanager"]);
    check_endpoints(
        &one_region.replace("private: {}", public),
        &["us-east-2 secretsmanager"],
    );
    check_endpoints(&AGENTS.replace("private: {}", &nat), &[]);
    let both = [
        "us-east-1 s3",
        "us-east-1 secretsmanager",
        "us-east-2 s3",
        "us-east-2 secretsmanager",
    ];
    check_endpoints(&one_region.replace("private: {}", listed), &both);
    check_endpoints(DOCUMENT, &[]);

    let graph = graph_of(AGENTS);
    let endpoint = of(&graph, "us-east-1", Kind::VpcEndpoint, "secretsmanager");
    assert_eq!(price::cents_a_month(&endpoint.properties), Some(1460));
    let group = of(&graph, "us-east-1", Kind::SecurityGroup, "vpc-endpoints");
    assert!(endpoint.depends_on.contains(&group.key));
}

#[track_caller]
fn check_endpoints(text: &str, wanted: &[&str]) {
    let graph = graph_of(text);
    let endpoints = graph.resources.keys().filter(|key| key.kind == Kind::VpcEndpoint);
    let found: Vec<String> = endpoints.map(|key| format!("{} {}", key.region, key.name)).collect();
    assert_eq!(found, wanted);
}

/// What was kept when a role's own policy had one statement, or none, still reads.
#[test]
fn roles_of_earlier_versions_read_back() {
    let read = |allows: &str| -> Role {
        let role = format!(r#"{{"description": "d", "service": "s", "managed_policies": []{allows}}}"#);
        serde_json::from_str(&role).unwrap()
    };
    assert!(read("").allows.is_empty());
    assert!(read(r#", "allows": null"#).allows.is_empty());
    let one = allows("kinesis:PutRecord", Input::Text("arn".to_owned()), &[]);
    assert_eq!(
        read(r#", "allows": {"actions": ["kinesis:PutRecord"], "resources": ["arn"]}"#).allows,
        std::slice::from_ref(&one)
    );
    let several = read(r#", "allows": [{"actions": ["kinesis:PutRecord"], "resources": ["arn"]}]"#);
    assert_eq!(several.allows, [one]);
}
