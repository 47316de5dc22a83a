//! The database agent in a stack of two regions: the real binary, the stack's own secret, a real PostgreSQL with TLS and its
//! standby. Each agent reads its region's secret and no other; Secrets Manager is in their VPCs; nothing is left.

use aws_sdk_lambda::primitives::Blob;
use outrigger_model::document;
use outrigger_tests::postgres::{Authority, DATABASE, HOST, Programs, Server, USER};
use outrigger_tests::{LocalAws, Project};
use serde_json::{Value, json};

use crate::harness::{boto3, json_of, outrigger, shared, up};

const STACK: &str = "agents";
const REGIONS: [&str; 2] = ["us-east-1", "us-east-2"];

const DOCUMENT: &str = r#"
stack: agents
environment: production
regions: [us-east-1, us-east-2]
network:
  cidr: {us-east-1: 10.0.0.0/16, us-east-2: 10.1.0.0/16}
  zones: 2
  private: {}
clusters:
  main:
    global: true
    engine: aurora_postgresql
    version: "15.15"
    version_policy: nearest_minor
    capacity_acu_min: 0.5
    capacity_acu_max: 2
    instances: 1
    database: app
    user: master
    deletion_protection: false
    final_snapshot: false
functions:
  agent: {code: database-agent, database: clusters.main}
outputs:
  agent_name: functions.agent.name
"#;

/// The ARN and the value of the stack's secret in a region, and the ARN of another with the same value and the stack's tag.
const SECRETS: &str = r#"
import json, sys
import boto3

region, stack = sys.argv[1:]
secrets = boto3.client("secretsmanager", region_name=region)
own = secrets.get_secret_value(SecretId=f"{stack}-production-main")
tags = [{"Key": "outrigger:stack", "Value": stack}]
other = secrets.create_secret(Name=f"{stack}-other", SecretString=own["SecretString"], Tags=tags)
print(json.dumps([own["ARN"], other["ARN"], json.loads(own["SecretString"])]))
"#;

/// What the agent of a region has logged.
const LOGS: &str = r#"
import sys
import boto3

region, stack = sys.argv[1:]
logs = boto3.client("logs", region_name=region).get_paginator("filter_log_events")
pages = logs.paginate(logGroupName=f"/aws/lambda/{stack}-production-agent")
print("\n".join(event["message"] for page in pages for event in page["events"]))
"#;

/// What a region holds of the stack beside its database: VPC endpoints, functions, their log groups and roles.
const LEFT: &str = r#"
import json, sys
import boto3

region, stack = sys.argv[1:]
client = lambda service: boto3.client(service, region_name=region)
names = lambda items, name: [it[name] for it in items if stack in it[name]]
ours = [{"Name": "tag:outrigger:stack", "Values": [stack]}]
endpoints = client("ec2").describe_vpc_endpoints(Filters=ours)["VpcEndpoints"]
print(json.dumps({
    "endpoints": [it["ServiceName"] for it in endpoints if it["State"] != "deleted"],
    "functions": names(client("lambda").list_functions()["Functions"], "FunctionName"),
    "log_groups": names(client("logs").describe_log_groups()["logGroups"], "logGroupName"),
    "roles": [it for it in names(client("iam").list_roles()["Roles"], "RoleName") if it.endswith(region)],
}))
"#;

fn text(output: Vec<u8>) -> String {
    String::from_utf8(output).unwrap()
}

fn left(aws: &LocalAws, region: &str) -> Value {
    serde_json::from_slice(&boto3(aws, LEFT, &[region, STACK])).unwrap()
}

/// What the agent of a region answers about a server.
async fn ask(aws: &LocalAws, region: &str, secret: &str, server: &Server, action: Value) -> Value {
    let mut event = json!({
        "secret_arn": secret,
        "endpoint": { "host": HOST, "port": server.port, "database": DATABASE },
    });
    let whole = event.as_object_mut().unwrap();
    whole.extend(action.as_object().unwrap().clone());
    let client = aws_sdk_lambda::Client::new(&aws.sdk_config(region));
    let request = client.invoke().function_name(format!("{STACK}-production-agent"));
    let answer = request.payload(Blob::new(event.to_string())).send().await.unwrap();
    serde_json::from_slice(answer.payload().unwrap().as_ref()).unwrap()
}

#[tokio::test(flavor = "multi_thread")]
async fn a_stack_has_an_agent_in_each_region_of_its_database() {
    let aws = shared();
    let project = Project::of_test().unwrap();
    let authority = Authority::of_local_aws(&project).unwrap();
    let server = Server::start(&Programs::find(&project).unwrap(), Some(&authority)).unwrap();
    let standby = server.standby().unwrap();
    let document = document::from_text(DOCUMENT).unwrap();
    let ended = up(&document);
    assert_eq!(ended["succeeded"], true, "{ended}");
    assert_eq!(ended["outputs"]["agent_name"], "agents-production-agent");

    for region in REGIONS {
        let endpoint = format!("com.amazonaws.{region}.secretsmanager");
        let wanted = json!({
            "endpoints": [endpoint],
            "functions": ["agents-production-agent"],
            "log_groups": ["/aws/lambda/agents-production-agent"],
            "roles": [format!("agents-production-agent.function-{region}")],
        });
        assert_eq!(left(aws, region), wanted);
    }

    // The server takes the password that the stack has generated.
    let [(own, other, value), (replica, other_replica, copied)] = REGIONS.map(|region| {
        let secrets = boto3(aws, SECRETS, &[region, STACK]);
        serde_json::from_slice::<(String, String, Value)>(&secrets).unwrap()
    });
    assert_eq!(value["username"], USER);
    assert_eq!(value["password"], copied["password"]);
    let password = value["password"].as_str().unwrap();
    let quoted = password.replace('\'', "''");
    server
        .sql("postgres", &format!("ALTER ROLE {USER} PASSWORD '{quoted}'"))
        .unwrap();

    let [here, there] = REGIONS;
    let action = |action: &str| json!({ "action": action });
    let write = json!({ "action": "test_write", "observer": here, "number": 1 });
    let unprepared = ask(aws, here, &own, &server, write.clone()).await;
    assert_eq!(unprepared["errorType"], "DatabaseNotPrepared", "{unprepared}");
    let prepared = ask(aws, here, &own, &server, action("prepare")).await;
    assert_eq!(prepared, json!({ "prepared": {} }));
    let written = ask(aws, here, &own, &server, write.clone()).await;
    assert_eq!(written["written"]["number"], 1, "{written}");
    let probed = ask(aws, here, &own, &server, action("probe")).await;
    assert_eq!(probed["probed"]["heartbeats"][0]["observer"], here, "{probed}");
    assert_eq!(probed["probed"]["in_recovery"], false, "{probed}");
    // What was written is there.
    let number = server.sql(DATABASE, "SELECT number FROM outrigger.heartbeats").unwrap();
    assert_eq!(number, "1");

    // The other region's agent has the secret of its own region, and looks at the copy, which takes no write.
    let probed = ask(aws, there, &replica, &standby, action("probe")).await;
    assert_eq!(probed["probed"]["in_recovery"], true, "{probed}");
    let refused = ask(aws, there, &replica, &standby, write).await;
    assert_eq!(refused["errorType"], "DatabaseReadOnly", "{refused}");

    // Neither reads another secret, or that of the other region.
    for (region, secret) in [(here, &other), (there, &other_replica), (here, &replica), (there, &own)] {
        let denied = ask(aws, region, secret, &server, action("probe")).await;
        assert_eq!(denied["errorType"], "AccessDenied", "{region}, {secret}: {denied}");
    }
    let unknown = ask(aws, here, &own, &server, action("drop")).await;
    assert_eq!(unknown["errorType"], "InvalidInput", "{unknown}");
    // The password is where it was and nowhere else.
    for region in REGIONS {
        let told = text(boto3(aws, LOGS, &[region, STACK]));
        assert!(told.contains("AccessDenied"), "{region}: {told}");
        assert!(!told.contains(password), "{region}");
    }

    let ended = json_of(&outrigger(aws, &["destroy", STACK, "--yes", "--output", "json"]));
    assert_eq!(ended["succeeded"], true, "{ended}");
    for region in REGIONS {
        let nothing = json!({ "endpoints": [], "functions": [], "log_groups": [], "roles": [] });
        assert_eq!(left(aws, region), nothing, "{region}");
    }
}
