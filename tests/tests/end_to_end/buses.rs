//! A stack in two regions with an event bus, a rule, a function and a table: what is put on the bus of either region is in the
//! table of both; the rule follows its document; drift is told; nothing is left. And an API without a region answers in both.

use outrigger_model::document;
use outrigger_tests::LocalAws;
use serde_json::{Value, json};

use crate::harness::{boto3, json_of, outrigger, shared, up};
use crate::requests::get;

const STACK: &str = "buses";
const REGIONS: [&str; 2] = ["us-east-1", "us-east-2"];

const DOCUMENT: &str = r#"
stack: buses
environment: production
regions: [us-east-1, us-east-2]
network: {cidr: {us-east-1: 10.0.0.0/16, us-east-2: 10.1.0.0/16}, zones: 2}
tables:
  events: {key: id, deletion_protection: false}
functions:
  recorder: {code: event-recorder, table: events}
buses:
  events:
    rules:
      recorded: {pattern: {source: [shop]}, function: recorder}
apis:
  shop:
    routes: {GET /health: {api_key: false, response: {status: ok}}}
    domain:
      name: api.example.com
      base_path: v1
      certificates:
        us-east-1: arn:aws:acm:us-east-1:000000000000:certificate/one
        us-east-2: arn:aws:acm:us-east-2:000000000000:certificate/two
outputs:
  bus: buses.events.name
  first_bus: buses.events.us-east-1.arn
  second_bus: buses.events.us-east-2.arn
  first_url: apis.shop.us-east-1.url/health
  second_url: apis.shop.us-east-2.url/health
  domain_url: apis.shop.domain_url
  second_target: apis.shop.us-east-2.domain_target
"#;

/// Puts an event on the bus of a region.
const PUT: &str = r#"
import json, sys
import boto3

region, bus, source, number = sys.argv[1:]
detail = json.dumps({"number": int(number)})
entry = {"EventBusName": bus, "Source": source, "DetailType": "order", "Detail": detail}
answer = boto3.client("events", region_name=region).put_events(Entries=[entry])
print(json.dumps(answer["FailedEntryCount"]))
"#;

/// What a region's replica of the table holds, as sources, regions and details, once it holds so many items.
const ITEMS: &str = r#"
import json, sys, time
import boto3

region, table, count = sys.argv[1:]
client = boto3.client("dynamodb", region_name=region)
for _ in range(300):
    if len(client.scan(TableName=table, ConsistentRead=True)["Items"]) >= int(count):
        break
    time.sleep(0.1)
# What should not come has time to come, too.
time.sleep(0.5)
items = client.scan(TableName=table, ConsistentRead=True)["Items"]
print(json.dumps(sorted([it["source"]["S"], it["region"]["S"], json.loads(it["detail"]["S"])["number"]] for it in items)))
"#;

/// What there is of the stack's buses, rules, and domain names in a region; with `disable`, the rule is switched off before.
const SEEN: &str = r#"
import json, sys
import boto3

region, bus, what = sys.argv[1:]
events = boto3.client("events", region_name=region)
buses = [it["Name"] for it in events.list_event_buses(NamePrefix=bus)["EventBuses"]]
rules = [rule for it in buses for rule in events.list_rules(EventBusName=it)["Rules"]]
if what == "disable":
    for rule in rules:
        events.disable_rule(Name=rule["Name"], EventBusName=bus)
domains = boto3.client("apigateway", region_name=region).get_domain_names()["items"]
shown = {
    "buses": buses,
    "rules": [{"pattern": json.loads(rule["EventPattern"]), "state": rule["State"]} for rule in rules],
    "domains": [it["domainName"] for it in domains],
}
print(json.dumps(shown))
"#;

fn put(aws: &LocalAws, region: &str, bus: &str, source: &str, number: u32) {
    let failed = boto3(aws, PUT, &[region, bus, source, &number.to_string()]);
    assert_eq!(serde_json::from_slice::<Value>(&failed).unwrap(), 0);
}

/// In the tables of both regions there is this, and nothing else.
fn recorded(aws: &LocalAws, expected: &Value) {
    let table = format!("{STACK}-production-events");
    let count = expected.as_array().map_or(0, Vec::len).to_string();
    for region in REGIONS {
        let items: Value = serde_json::from_slice(&boto3(aws, ITEMS, &[region, &table, &count])).unwrap();
        assert_eq!(items, *expected, "{region}");
    }
}

fn seen(aws: &LocalAws, region: &str, what: &str) -> Value {
    let bus = format!("{STACK}-production-events");
    serde_json::from_slice(&boto3(aws, SEEN, &[region, &bus, what])).unwrap()
}

#[tokio::test(flavor = "multi_thread")]
async fn an_event_in_either_region_ends_in_the_table_of_both() {
    let aws = shared();
    let mut document = document::from_text(DOCUMENT).unwrap();
    let ended = up(&document);
    assert_eq!(ended["succeeded"], true, "{ended}");
    let output = |name: &str| ended["outputs"][name].as_str().unwrap().to_owned();
    let bus = output("bus");
    assert_eq!(bus, format!("{STACK}-production-events"));
    for (region, arn) in REGIONS.into_iter().zip(["first_bus", "second_bus"]) {
        assert_eq!(
            output(arn),
            format!("arn:aws:events:{region}:000000000000:event-bus/{bus}")
        );
    }

    // What the rule matches is recorded, wherever it was put; what it does not is not.
    for (number, region) in (1..).zip(REGIONS) {
        put(aws, region, &bus, "shop", number);
        put(aws, region, &bus, "bank", 10 + number);
    }
    let mut expected = vec![json!(["shop", "us-east-1", 1]), json!(["shop", "us-east-2", 2])];
    recorded(aws, &json!(expected));

    // The API answers in both regions, each under its own URL.
    assert_ne!(output("first_url"), output("second_url"));
    for url in ["first_url", "second_url"] {
        let answer = get(aws, &output(url)).await.unwrap();
        assert_eq!(answer, (200, r#"{"status":"ok"}"#.to_owned()), "{url}");
    }
    assert_eq!(output("domain_url"), "https://api.example.com/v1");
    assert!(output("second_target").contains(REGIONS[1]), "{ended}");

    // Another pattern, in place.
    document["buses"]["events"]["rules"]["recorded"]["pattern"] = json!({"source": ["bank"]});
    let changed = up(&document);
    assert_eq!(changed["succeeded"], true, "{changed}");
    put(aws, REGIONS[1], &bus, "bank", 3);
    put(aws, REGIONS[1], &bus, "shop", 13);
    expected.insert(0, json!(["bank", "us-east-2", 3]));
    recorded(aws, &json!(expected));
    assert_eq!(up(&document)["resources"].as_object().unwrap().len(), 1, "unchanged");

    // Switched off behind our back in the other region: told, and put right.
    seen(aws, REGIONS[1], "disable");
    let drift = outrigger(aws, &["drift", STACK, "--output", "json"]);
    let told: Value = serde_json::from_slice(&drift.stdout).unwrap();
    assert_eq!(told["drifted"].as_array().unwrap().len(), 1, "{told}");
    assert_eq!(
        told["drifted"][0]["key"], "us-east-2/event-rule/events.recorded",
        "{told}"
    );
    assert_eq!(up(&document)["succeeded"], true);
    for region in REGIONS {
        let expected = json!({
            "buses": [&bus],
            "rules": [{"pattern": {"source": ["bank"]}, "state": "ENABLED"}],
            "domains": ["api.example.com"],
        });
        assert_eq!(seen(aws, region, "look"), expected, "{region}");
    }

    let ended = json_of(&outrigger(aws, &["destroy", STACK, "--yes", "--output", "json"]));
    assert_eq!(ended["succeeded"], true, "{ended}");
    for region in REGIONS {
        let nothing = json!({"buses": [], "rules": [], "domains": []});
        assert_eq!(seen(aws, region, "look"), nothing, "{region}");
    }
}
