//! What is told of a change is what the planner does: every property is changed, and planned.

// Helpers may panic as tests do; what clippy.toml allows reaches `#[test]` functions and `#[cfg(test)]` modules only.
#![allow(clippy::unwrap_used)]

mod standing;

use std::collections::{BTreeMap, BTreeSet};

use outrigger_model::document::schema::{properties, schema};
use outrigger_model::document::{self, Document, parse};
use outrigger_plan::{Action, Effect, Graph, Outcome, Protection, Resolved, When, consequence, expand};
use serde_json::{Value, json};
use standing::records_of;

fn the_document() -> Value {
    let mut document = document::from_text(include_str!("../../../stacks/data-processing.yaml")).unwrap();
    document["caches"]["cache"]["allow_replace"] = json!(true);
    document["databases"]["database"]["allow_replace"] = json!(true);
    document["databases"]["database"]["parameters"] =
        json!({ "log_statement": "all", "shared_preload_libraries": "a" });
    document["clusters"] = json!({ "main": {
        "engine": "aurora_postgresql",
        "version": "15.10",
        "capacity_acu_min": 0.5,
        "capacity_acu_max": 2,
        "instances": 2,
        "database": "iotdb",
        "user": "iotadmin",
        "deletion_protection": false,
        "final_snapshot": false,
        "allow_replace": true,
    } });
    document["apis"] = json!({"api": {
        "routes": {"POST /data": {}, "PUT /data": {}},
        "usage_plan": {"rate_per_second": 200, "burst": 400},
    }});
    document
}

/// The document with a patch: mappings are merged, `null` takes away.
fn with(patch: &str) -> Value {
    fn merge(value: &mut Value, patch: &Value) {
        let Value::Object(patch) = patch else {
            *value = patch.clone();
            return;
        };
        if !value.is_object() {
            *value = json!({});
        }
        let entries = value.as_object_mut().unwrap();
        for (key, change) in patch {
            match change {
                Value::Null => drop(entries.remove(key)),
                change => merge(entries.entry(key).or_insert(Value::Null), change),
            }
        }
    }
    let mut document = the_document();
    let patch = document::from_text(patch).unwrap();
    merge(&mut document, &patch);
    document
}

fn graph_of(document: &Document) -> Graph {
    let static_parameters = BTreeSet::from(["shared_preload_libraries".to_owned()]);
    let resolved = Resolved {
        static_parameters: BTreeMap::from([("databases.database".to_owned(), static_parameters)]),
        ..Resolved::unasked(document)
    };
    expand(document, &resolved).unwrap()
}

/// What a plan from one document to another does: the strongest effect on what stays, and whether anything comes or goes.
fn planned(from: &str, to: &str) -> (Option<Effect>, bool) {
    let (from, to) = (parse(&with(from)).unwrap(), parse(&with(to)).unwrap());
    let records = records_of(&graph_of(&from));
    let plan = outrigger_plan::provision(&graph_of(&to), &records, Protection::Heeded, 0).unwrap();
    let effects = plan.steps.values().filter_map(|step| match &step.action {
        Action::Update { changes } | Action::Replace { changes, .. } => {
            changes.iter().map(|change| change.effect).max()
        }
        Action::Create | Action::NoOp | Action::Delete { .. } => None,
    });
    let comes_and_goes = plan.steps.iter().any(|(key, step)| {
        // What is replaced leaves a former resource behind.
        !key.is_former() && matches!(step.action, Action::Create | Action::Delete { .. })
    });
    (effects.max(), comes_and_goes)
}

/// Whether it is another stack that a document is changed to.
fn is_another(from: &str, to: &str) -> bool {
    parse(&with(from)).unwrap().id() != parse(&with(to)).unwrap().id()
}

/// A property, and a document before and after it is changed: what is different from the reference stack.
type Example = (&'static str, &'static str, &'static str);

const EXAMPLES: &[Example] = &[
    ("stack", "{stack: one}", "{stack: two}"),
    ("environment", "{environment: one}", "{environment: two}"),
    ("region", "{region: us-east-1}", "{region: us-east-2}"),
    (
        "regions",
        "{region: null, regions: [us-east-1]}",
        "{region: null, regions: [us-east-1, us-east-2]}",
    ),
    ("on_failure", "{on_failure: keep}", "{on_failure: rollback}"),
    ("tags", "{tags: {Owner: one}}", "{tags: {Owner: two}}"),
    ("outputs", "{}", "{outputs: {vpc_id: null}}"),
    ("network.cidr", "{}", "{network: {cidr: 10.1.0.0/16}}"),
    ("network.zones", "{network: {zones: 2}}", "{network: {zones: 3}}"),
    (
        "network.peering",
        "{region: null, regions: [us-east-1, us-east-2], network: {cidr: {us-east-1: 10.0.0.0/16, us-east-2: 10.1.0.0/16}}}",
        "{region: null, regions: [us-east-1, us-east-2], network: {cidr: {us-east-1: 10.0.0.0/16, us-east-2: 10.1.0.0/16}, peering: true}}",
    ),
    ("network.public", "{network: {public: null}}", "{network: {public: {}}}"),
    (
        "network.public.cidrs",
        "{}",
        "{network: {public: {cidrs: [10.0.20.0/24, 10.0.21.0/24]}}}",
    ),
    (
        "network.private",
        "{databases: null, clusters: null, caches: null, alarms: null, outputs: null}",
        "{databases: null, clusters: null, caches: null, alarms: null, outputs: null, network: {private: null}}",
    ),
    (
        "network.private.cidrs",
        "{}",
        "{network: {private: {cidrs: [10.0.20.0/24, 10.0.21.0/24]}}}",
    ),
    ("network.nat", "{}", "{network: {nat: single}}"),
    ("network.nat", "{network: {nat: single}}", "{network: {nat: per_zone}}"),
    ("network.nat", "{network: {nat: per_zone}}", "{network: {nat: single}}"),
    ("network.endpoints", "{}", "{network: {endpoints: [s3]}}"),
    (
        "network.endpoints",
        "{network: {endpoints: [s3, secretsmanager]}}",
        "{network: {endpoints: [secretsmanager, kms]}}",
    ),
    ("keys", "{}", "{keys: {another: {}}}"),
    (
        "keys.region",
        "{region: null, regions: [us-east-1, us-east-2], keys: {data: {}}}",
        "{region: null, regions: [us-east-1, us-east-2], keys: {data: {region: us-east-2}}}",
    ),
    (
        "keys.rotation",
        "{keys: {data: {rotation: true}}}",
        "{keys: {data: {rotation: false}}}",
    ),
    (
        "keys.deletion_window_days",
        "{keys: {data: {deletion_window_days: 30}}}",
        "{keys: {data: {deletion_window_days: 7}}}",
    ),
    (
        "keys.tags",
        "{keys: {data: {tags: {}}}}",
        "{keys: {data: {tags: {Owner: one}}}}",
    ),
    (
        "streams.encryption_key",
        "{keys: {one: {}, two: {}}, streams: {stream: {encryption_key: one}}}",
        "{keys: {one: {}, two: {}}, streams: {stream: {encryption_key: two}}}",
    ),
    (
        "streams.encryption_key",
        "{keys: {one: {}}, streams: {stream: {encryption_key: one}}}",
        "{keys: {one: {}}, streams: {stream: {encryption_key: null}}}",
    ),
    (
        "caches.encryption_key",
        "{keys: {one: {}}, caches: {cache: {encryption_key: null}}}",
        "{keys: {one: {}}, caches: {cache: {encryption_key: one}}}",
    ),
    (
        "caches.auth_token",
        "{caches: {cache: {auth_token: false}}}",
        "{caches: {cache: {auth_token: true}}}",
    ),
    (
        "databases.encryption_key",
        "{keys: {one: {}, two: {}}, databases: {database: {encryption_key: one}}}",
        "{keys: {one: {}, two: {}}, databases: {database: {encryption_key: two}}}",
    ),
    (
        "clusters.encryption_key",
        "{keys: {one: {}, two: {}}, clusters: {main: {encryption_key: one}}}",
        "{keys: {one: {}, two: {}}, clusters: {main: {encryption_key: two}}}",
    ),
    ("streams", "{}", "{streams: {another: {shards: 1}}}"),
    (
        "streams.region",
        "{region: null, regions: [us-east-1, us-east-2]}",
        "{region: null, regions: [us-east-1, us-east-2], streams: {stream: {region: us-east-2}}}",
    ),
    (
        "streams.shards",
        "{streams: {stream: {shards: 2}}}",
        "{streams: {stream: {shards: 3}}}",
    ),
    (
        "streams.shards",
        "{streams: {stream: {shards: 3}}}",
        "{streams: {stream: {shards: 2}}}",
    ),
    (
        "streams.retention_hours",
        "{streams: {stream: {retention_hours: 24}}}",
        "{streams: {stream: {retention_hours: 48}}}",
    ),
    (
        "streams.retention_hours",
        "{streams: {stream: {retention_hours: 48}}}",
        "{streams: {stream: {retention_hours: 24}}}",
    ),
    (
        "streams.shard_metrics",
        "{streams: {stream: {shard_metrics: []}}}",
        "{streams: {stream: {shard_metrics: [IncomingBytes]}}}",
    ),
    (
        "streams.tags",
        "{streams: {stream: {tags: {}}}}",
        "{streams: {stream: {tags: {Owner: one}}}}",
    ),
    (
        "caches",
        "{}",
        "{caches: {cache: null}, alarms: {cache-cpu: null}, outputs: {redis_endpoint: null}}",
    ),
    (
        "caches.region",
        "{region: null, regions: [us-east-1, us-east-2]}",
        "{region: null, regions: [us-east-1, us-east-2], caches: {cache: {region: us-east-2}}}",
    ),
    (
        "caches.version",
        "{caches: {cache: {version: \"7.0\"}}}",
        "{caches: {cache: {version: \"7.1\"}}}",
    ),
    (
        "caches.version_policy",
        "{caches: {cache: {version_policy: exact}}}",
        "{caches: {cache: {version_policy: nearest_minor}}}",
    ),
    (
        "caches.node_type",
        "{caches: {cache: {node_type: cache.t3.micro}}}",
        "{caches: {cache: {node_type: cache.t3.small}}}",
    ),
    (
        "caches.nodes",
        "{caches: {cache: {nodes: 2}}}",
        "{caches: {cache: {nodes: 3}}}",
    ),
    (
        "caches.port",
        "{caches: {cache: {port: 6379}}}",
        "{caches: {cache: {port: 6380}}}",
    ),
    (
        "caches.automatic_failover",
        "{caches: {cache: {automatic_failover: true, multi_az: false}}}",
        "{caches: {cache: {automatic_failover: false, multi_az: false}}}",
    ),
    (
        "caches.multi_az",
        "{caches: {cache: {multi_az: true}}}",
        "{caches: {cache: {multi_az: false}}}",
    ),
    (
        "caches.apply",
        "{caches: {cache: {apply: now}}}",
        "{caches: {cache: {apply: in_window}}}",
    ),
    (
        "caches.allow_replace",
        "{caches: {cache: {allow_replace: true}}}",
        "{caches: {cache: {allow_replace: false}}}",
    ),
    (
        "caches.tags",
        "{caches: {cache: {tags: {}}}}",
        "{caches: {cache: {tags: {Owner: one}}}}",
    ),
    (
        "databases",
        "{}",
        "{databases: {database: null}, alarms: {database-cpu: null}, outputs: {rds_endpoint: null, rds_secret_arn: null}}",
    ),
    (
        "databases.region",
        "{region: null, regions: [us-east-1, us-east-2]}",
        "{region: null, regions: [us-east-1, us-east-2], databases: {database: {region: us-east-2}}}",
    ),
    (
        "databases.version",
        "{databases: {database: {version: \"15.4\"}}}",
        "{databases: {database: {version: \"15.15\"}}}",
    ),
    (
        "databases.version",
        "{databases: {database: {version: \"15.4\"}}}",
        "{databases: {database: {version: \"16.1\"}}}",
    ),
    (
        "databases.version_policy",
        "{databases: {database: {version_policy: exact}}}",
        "{databases: {database: {version_policy: nearest_minor}}}",
    ),
    (
        "databases.class",
        "{databases: {database: {class: db.t3.micro}}}",
        "{databases: {database: {class: db.t3.small}}}",
    ),
    (
        "databases.storage_gib",
        "{databases: {database: {storage_gib: 20}}}",
        "{databases: {database: {storage_gib: 40}}}",
    ),
    (
        "databases.storage_gib_max",
        "{databases: {database: {storage_gib_max: 100}}}",
        "{databases: {database: {storage_gib_max: 200}}}",
    ),
    (
        "databases.storage_type",
        "{databases: {database: {storage_type: gp2}}}",
        "{databases: {database: {storage_type: gp3}}}",
    ),
    (
        "databases.multi_az",
        "{databases: {database: {multi_az: true}}}",
        "{databases: {database: {multi_az: false}}}",
    ),
    (
        "databases.database",
        "{databases: {database: {database: one}}}",
        "{databases: {database: {database: two}}}",
    ),
    (
        "databases.user",
        "{databases: {database: {user: one}}}",
        "{databases: {database: {user: two}}}",
    ),
    (
        "databases.port",
        "{databases: {database: {port: 5432}}}",
        "{databases: {database: {port: 5433}}}",
    ),
    (
        "databases.backups.retention_days",
        "{databases: {database: {backups: {retention_days: 7}}}}",
        "{databases: {database: {backups: {retention_days: 14}}}}",
    ),
    (
        "databases.backups.window",
        "{}",
        "{databases: {database: {backups: {window: 01:00-02:00}}}}",
    ),
    (
        "databases.maintenance_window",
        "{databases: {database: {maintenance_window: mon:04:00-mon:05:00}}}",
        "{databases: {database: {maintenance_window: tue:04:00-tue:05:00}}}",
    ),
    (
        "databases.minor_upgrades",
        "{databases: {database: {minor_upgrades: true}}}",
        "{databases: {database: {minor_upgrades: false}}}",
    ),
    (
        "databases.deletion_protection",
        "{databases: {database: {allow_replace: false, deletion_protection: false}}}",
        "{databases: {database: {allow_replace: false, deletion_protection: true}}}",
    ),
    (
        "databases.final_snapshot",
        "{databases: {database: {final_snapshot: false}}}",
        "{databases: {database: {final_snapshot: true}}}",
    ),
    (
        "databases.parameters",
        "{databases: {database: {parameters: {log_statement: all}}}}",
        "{databases: {database: {parameters: {log_statement: none}}}}",
    ),
    (
        "databases.log_exports",
        "{databases: {database: {log_exports: []}}}",
        "{databases: {database: {log_exports: [postgresql]}}}",
    ),
    (
        "databases.monitoring_interval_seconds",
        "{databases: {database: {monitoring_interval_seconds: 30}}}",
        "{databases: {database: {monitoring_interval_seconds: 60}}}",
    ),
    (
        "databases.apply",
        "{databases: {database: {apply: now}}}",
        "{databases: {database: {apply: in_window}}}",
    ),
    (
        "databases.allow_replace",
        "{databases: {database: {allow_replace: true}}}",
        "{databases: {database: {allow_replace: false}}}",
    ),
    (
        "databases.tags",
        "{databases: {database: {tags: {}}}}",
        "{databases: {database: {tags: {Owner: one}}}}",
    ),
    (
        "caches.rotation.every_days",
        "{caches: {cache: {auth_token: true, rotation: {every_days: 30}}}}",
        "{caches: {cache: {auth_token: true, rotation: {every_days: 60}}}}",
    ),
    (
        "databases.rotation.every_days",
        "{databases: {database: {rotation: {every_days: 30}}}}",
        "{databases: {database: {rotation: {every_days: 60}}}}",
    ),
    ("clusters", "{}", "{clusters: {main: null}}"),
    (
        "clusters",
        "{}",
        "{clusters: {other: {engine: aurora_postgresql, version: \"15.10\", capacity_acu_min: 1, capacity_acu_max: 2, instances: 1, database: a, user: b}}}",
    ),
    (
        "clusters.region",
        "{region: null, regions: [us-east-1, us-east-2]}",
        "{region: null, regions: [us-east-1, us-east-2], clusters: {main: {region: us-east-2}}}",
    ),
    (
        "clusters.version",
        "{clusters: {main: {version: \"15.10\"}}}",
        "{clusters: {main: {version: \"15.15\"}}}",
    ),
    (
        "clusters.version_policy",
        "{clusters: {main: {version_policy: exact}}}",
        "{clusters: {main: {version_policy: nearest_minor}}}",
    ),
    (
        "clusters.capacity_acu_min",
        "{clusters: {main: {capacity_acu_min: 0.5}}}",
        "{clusters: {main: {capacity_acu_min: 1}}}",
    ),
    (
        "clusters.capacity_acu_max",
        "{clusters: {main: {capacity_acu_max: 2}}}",
        "{clusters: {main: {capacity_acu_max: 1}}}",
    ),
    (
        "clusters.instances",
        "{clusters: {main: {instances: 2}}}",
        "{clusters: {main: {instances: 3}}}",
    ),
    (
        "clusters.instances",
        "{clusters: {main: {instances: 2}}}",
        "{clusters: {main: {instances: 1}}}",
    ),
    (
        "clusters.data_api",
        "{clusters: {main: {data_api: true}}}",
        "{clusters: {main: {data_api: false}}}",
    ),
    (
        "clusters.database",
        "{clusters: {main: {database: one}}}",
        "{clusters: {main: {database: two}}}",
    ),
    (
        "clusters.user",
        "{clusters: {main: {user: one}}}",
        "{clusters: {main: {user: two}}}",
    ),
    (
        "clusters.port",
        "{clusters: {main: {port: 5432}}}",
        "{clusters: {main: {port: 5433}}}",
    ),
    (
        "clusters.backups.retention_days",
        "{clusters: {main: {backups: {retention_days: 7}}}}",
        "{clusters: {main: {backups: {retention_days: 14}}}}",
    ),
    (
        "clusters.backups.window",
        "{clusters: {main: {}}}",
        "{clusters: {main: {backups: {window: 01:00-02:00, retention_days: 7}}}}",
    ),
    (
        "clusters.maintenance_window",
        "{clusters: {main: {maintenance_window: mon:04:00-mon:05:00}}}",
        "{clusters: {main: {maintenance_window: tue:04:00-tue:05:00}}}",
    ),
    (
        "clusters.minor_upgrades",
        "{clusters: {main: {minor_upgrades: true}}}",
        "{clusters: {main: {minor_upgrades: false}}}",
    ),
    (
        "clusters.deletion_protection",
        "{clusters: {main: {allow_replace: false, deletion_protection: false}}}",
        "{clusters: {main: {allow_replace: false, deletion_protection: true}}}",
    ),
    (
        "clusters.final_snapshot",
        "{clusters: {main: {final_snapshot: false}}}",
        "{clusters: {main: {final_snapshot: true}}}",
    ),
    (
        "clusters.log_exports",
        "{clusters: {main: {log_exports: []}}}",
        "{clusters: {main: {log_exports: [postgresql]}}}",
    ),
    (
        "clusters.rotation.every_days",
        "{clusters: {main: {rotation: {every_days: 30}}}}",
        "{clusters: {main: {rotation: {every_days: 60}}}}",
    ),
    (
        "clusters.apply",
        "{clusters: {main: {apply: now}}}",
        "{clusters: {main: {apply: in_window}}}",
    ),
    (
        "clusters.allow_replace",
        "{clusters: {main: {allow_replace: true}}}",
        "{clusters: {main: {allow_replace: false}}}",
    ),
    (
        "clusters.tags",
        "{clusters: {main: {tags: {}}}}",
        "{clusters: {main: {tags: {Owner: one}}}}",
    ),
    ("alarms", "{}", "{alarms: {database-cpu: null}}"),
    (
        "alarms.component",
        "{alarms: {database-cpu: {component: databases.database}}}",
        "{alarms: {database-cpu: {component: streams.stream, metric: IncomingBytes}}}",
    ),
    (
        "alarms.metric",
        "{alarms: {database-cpu: {metric: CPUUtilization}}}",
        "{alarms: {database-cpu: {metric: FreeStorageSpace}}}",
    ),
    (
        "alarms.statistic",
        "{alarms: {database-cpu: {statistic: average}}}",
        "{alarms: {database-cpu: {statistic: maximum}}}",
    ),
    ("apis", "{}", "{apis: {another: {routes: {GET /: {api_key: false}}}}}"),
    (
        "apis.stage",
        "{apis: {api: {stage: prod}}}",
        "{apis: {api: {stage: live}}}",
    ),
    (
        "apis.routes",
        "{}",
        "{apis: {api: {routes: {GET /more: {api_key: false}}}}}",
    ),
    (
        "apis.routes.api_key",
        "{apis: {api: {routes: {POST /data: {api_key: true}}}}}",
        "{apis: {api: {routes: {POST /data: {api_key: false}}}}}",
    ),
    (
        "apis.routes.stream",
        "{}",
        "{apis: {api: {routes: {POST /data: {stream: stream}}}}}",
    ),
    (
        "apis.routes.response",
        "{}",
        "{apis: {api: {routes: {POST /data: {response: {message: Data received}}}}}}",
    ),
    (
        "apis.usage_plan",
        "{}",
        "{apis: {api: {usage_plan: null, routes: {POST /data: {api_key: false}, PUT /data: {api_key: false}}}}}",
    ),
    (
        "apis.usage_plan.rate_per_second",
        "{apis: {api: {usage_plan: {rate_per_second: 200}}}}",
        "{apis: {api: {usage_plan: {rate_per_second: 100}}}}",
    ),
    (
        "apis.usage_plan.burst",
        "{apis: {api: {usage_plan: {burst: 400}}}}",
        "{apis: {api: {usage_plan: {burst: 300}}}}",
    ),
    ("apis.tags", "{}", "{apis: {api: {tags: {Owner: one}}}}"),
    (
        "alarms.comparison",
        "{alarms: {database-cpu: {comparison: greater_than}}}",
        "{alarms: {database-cpu: {comparison: less_than}}}",
    ),
    (
        "alarms.threshold",
        "{alarms: {database-cpu: {threshold: 80}}}",
        "{alarms: {database-cpu: {threshold: 90}}}",
    ),
    (
        "alarms.periods",
        "{alarms: {database-cpu: {periods: 2}}}",
        "{alarms: {database-cpu: {periods: 3}}}",
    ),
    (
        "alarms.period_seconds",
        "{alarms: {database-cpu: {period_seconds: 300}}}",
        "{alarms: {database-cpu: {period_seconds: 60}}}",
    ),
    (
        "alarms.missing_data",
        "{alarms: {database-cpu: {missing_data: missing}}}",
        "{alarms: {database-cpu: {missing_data: ignore}}}",
    ),
    (
        "alarms.notify",
        "{topics: {alerts: {}}}",
        "{topics: {alerts: {}}, alarms: {database-cpu: {notify: [alerts]}}}",
    ),
    (
        "apis.region",
        "{region: null, regions: [us-east-1, us-east-2], apis: {door: {routes: {GET /health: {api_key: false}}}}}",
        "{region: null, regions: [us-east-1, us-east-2], apis: {door: {region: us-east-2, routes: {GET /health: {api_key: false}}}}}",
    ),
    ("topics", "{}", "{topics: {alerts: {}}}"),
    (
        "topics.region",
        "{region: null, regions: [us-east-1, us-east-2], topics: {alerts: {}}}",
        "{region: null, regions: [us-east-1, us-east-2], topics: {alerts: {region: us-east-2}}}",
    ),
    (
        "topics.subscriptions",
        "{topics: {alerts: {}}}",
        "{topics: {alerts: {subscriptions: {on-call: {protocol: email, endpoint: a@example.com}}}}}",
    ),
    (
        "topics.subscriptions.protocol",
        "{topics: {alerts: {subscriptions: {on-call: {protocol: email, endpoint: a@example.com}}}}}",
        "{topics: {alerts: {subscriptions: {on-call: {protocol: sms, endpoint: \"+15550100\"}}}}}",
    ),
    (
        "topics.subscriptions.endpoint",
        "{topics: {alerts: {subscriptions: {on-call: {protocol: email, endpoint: a@example.com}}}}}",
        "{topics: {alerts: {subscriptions: {on-call: {protocol: email, endpoint: b@example.com}}}}}",
    ),
    (
        "topics.tags",
        "{topics: {alerts: {}}}",
        "{topics: {alerts: {tags: {Owner: us}}}}",
    ),
];

/// The same, where something else happens.
const EXCEPTIONS: &[(Example, When)] = &[
    (
        (
            "caches.version",
            "{caches: {cache: {version: \"7.1\"}}}",
            "{caches: {cache: {version: \"7.0\"}}}",
        ),
        When::Lowered,
    ),
    (
        (
            "caches.auth_token",
            "{caches: {cache: {auth_token: true}}}",
            "{caches: {cache: {auth_token: false}}}",
        ),
        When::SwitchedOff,
    ),
    (
        (
            "databases.version",
            "{databases: {database: {version: \"15.15\"}}}",
            "{databases: {database: {version: \"15.4\"}}}",
        ),
        When::Lowered,
    ),
    (
        (
            "clusters.version",
            "{clusters: {main: {version: \"15.15\"}}}",
            "{clusters: {main: {version: \"15.10\"}}}",
        ),
        When::Lowered,
    ),
    (
        (
            "databases.storage_gib",
            "{databases: {database: {storage_gib: 40}}}",
            "{databases: {database: {storage_gib: 20}}}",
        ),
        When::Lowered,
    ),
    (
        (
            "databases.backups.retention_days",
            "{databases: {database: {backups: {retention_days: 7}}}}",
            "{databases: {database: {backups: {retention_days: 0}}}}",
        ),
        When::OffOrOn,
    ),
    (
        (
            "databases.parameters",
            "{databases: {database: {parameters: {shared_preload_libraries: a}}}}",
            "{databases: {database: {parameters: {shared_preload_libraries: b}}}}",
        ),
        When::StaticParameter,
    ),
];

#[test]
fn what_is_told_of_a_change_is_what_the_planner_does() {
    for (property, from, to) in EXAMPLES {
        let is_right = match consequence(property).unwrap().outcome {
            Outcome::Nothing => planned(from, to) == (None, false),
            Outcome::AnotherStack => is_another(from, to),
            Outcome::ComeAndGo => {
                let (effect, comes_and_goes) = planned(from, to);
                comes_and_goes && effect <= Some(Effect::InPlace)
            }
            Outcome::Changes(effect) => planned(from, to).0 == Some(effect),
            Outcome::AsWhatIsInIt => false,
        };
        assert!(is_right, "{property}: {from} to {to}: {:?}", planned(from, to));
    }
    for ((property, from, to), when) in EXCEPTIONS {
        let told = consequence(property).unwrap().exception.unwrap();
        assert_eq!(told.when, *when, "{property}");
        assert_eq!(planned(from, to).0, Some(told.effect), "{property}: {from} to {to}");
    }
}

#[test]
fn every_property_is_tried() {
    // What has but one value to choose.
    let unchangeable = ["caches.engine", "databases.engine", "clusters.engine"];
    let tried: BTreeSet<&str> = EXAMPLES.iter().map(|(property, _, _)| *property).collect();
    let excepted: BTreeSet<&str> = EXCEPTIONS.iter().map(|((property, _, _), _)| *property).collect();
    for property in properties(&schema(&|_| None)).keys().map(String::as_str) {
        let told = consequence(property).unwrap();
        let is_tried = tried.contains(property) || unchangeable.contains(&property);
        assert!(is_tried || told.outcome == Outcome::AsWhatIsInIt, "{property}");
        assert_eq!(told.exception.is_some(), excepted.contains(property), "{property}");
    }
}
