//! Changes of the stack itself, of its network, and of what serves and watches.

use crate::Example;

pub const EXAMPLES: &[Example] = &[
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
    (
        "accelerators",
        "{gates: {door: {}}}",
        "{gates: {door: {}}, accelerators: {front: {gate: door}}}",
    ),
    (
        "accelerators.gate",
        "{gates: {door: {}, other: {}}, accelerators: {front: {gate: door}}}",
        "{gates: {door: {}, other: {}}, accelerators: {front: {gate: other}}}",
    ),
    (
        "accelerators.enabled",
        "{gates: {door: {}}, accelerators: {front: {gate: door}}}",
        "{gates: {door: {}}, accelerators: {front: {gate: door, enabled: false}}}",
    ),
    (
        "accelerators.tags",
        "{gates: {door: {}}, accelerators: {front: {gate: door}}}",
        "{gates: {door: {}}, accelerators: {front: {gate: door, tags: {Owner: one}}}}",
    ),
    (
        "health_checks",
        "{gates: {door: {}}}",
        "{gates: {door: {}}, health_checks: {front: {gate: door}}}",
    ),
    (
        "health_checks.gate",
        "{gates: {door: {}, other: {certificate: 'arn:aws:acm:us-east-1:123456789012:certificate/one'}}, health_checks: {front: {gate: door}}}",
        "{gates: {door: {}, other: {certificate: 'arn:aws:acm:us-east-1:123456789012:certificate/one'}}, health_checks: {front: {gate: other}}}",
    ),
    (
        "health_checks.path",
        "{gates: {door: {}}, health_checks: {front: {gate: door}}}",
        "{gates: {door: {}}, health_checks: {front: {gate: door, path: /}}}",
    ),
    (
        "health_checks.interval_seconds",
        "{gates: {door: {}}, health_checks: {front: {gate: door, interval_seconds: 30}}}",
        "{gates: {door: {}}, health_checks: {front: {gate: door, interval_seconds: 10}}}",
    ),
    (
        "health_checks.failures",
        "{gates: {door: {}}, health_checks: {front: {gate: door, failures: 3}}}",
        "{gates: {door: {}}, health_checks: {front: {gate: door, failures: 2}}}",
    ),
    (
        "health_checks.tags",
        "{gates: {door: {}}, health_checks: {front: {gate: door}}}",
        "{gates: {door: {}}, health_checks: {front: {gate: door, tags: {Owner: one}}}}",
    ),
    (
        "functions",
        "{tables: {journal: {key: id}}}",
        "{tables: {journal: {key: id}}, functions: {recorder: {code: event-recorder, table: journal}}}",
    ),
    (
        "functions.region",
        "{region: null, regions: [us-east-1, us-east-2], apis: {api: null}, tables: {journal: {key: id}}, functions: {recorder: {code: event-recorder, table: journal}}}",
        "{region: null, regions: [us-east-1, us-east-2], apis: {api: null}, tables: {journal: {key: id}}, functions: {recorder: {code: event-recorder, table: journal, region: us-east-2}}}",
    ),
    (
        "functions.in_vpc",
        "{tables: {journal: {key: id}, ledger: {key: id}}, functions: {recorder: {code: event-recorder, table: journal}}}",
        "{tables: {journal: {key: id}, ledger: {key: id}}, functions: {recorder: {code: event-recorder, table: journal, in_vpc: true}}}",
    ),
    (
        "functions.table",
        "{tables: {journal: {key: id}, ledger: {key: id}}, functions: {recorder: {code: event-recorder, table: journal}}}",
        "{tables: {journal: {key: id}, ledger: {key: id}}, functions: {recorder: {code: event-recorder, table: ledger}}}",
    ),
    (
        "functions.database",
        "{functions: {agent: {code: database-agent, database: databases.database}}}",
        "{functions: {agent: {code: database-agent, database: clusters.main}}}",
    ),
    (
        "functions.timeout_seconds",
        "{tables: {journal: {key: id}, ledger: {key: id}}, functions: {recorder: {code: event-recorder, table: journal}}}",
        "{tables: {journal: {key: id}, ledger: {key: id}}, functions: {recorder: {code: event-recorder, table: journal, timeout_seconds: 30}}}",
    ),
    (
        "functions.code",
        "{region: null, regions: [us-east-1, us-east-2], apis: {api: null}, tables: {journal: {key: id}}, functions: {recorder: {code: event-recorder, table: journal}}}",
        "{region: null, regions: [us-east-1, us-east-2], apis: {api: null}, tables: {journal: {key: id}}, functions: {recorder: {code: region-gate}}}",
    ),
    (
        "functions.memory_mb",
        "{tables: {journal: {key: id}}, functions: {recorder: {code: event-recorder, table: journal}}}",
        "{tables: {journal: {key: id}}, functions: {recorder: {code: event-recorder, table: journal, memory_mb: 256}}}",
    ),
    (
        "functions.tags",
        "{tables: {journal: {key: id}}, functions: {recorder: {code: event-recorder, table: journal}}}",
        "{tables: {journal: {key: id}}, functions: {recorder: {code: event-recorder, table: journal, tags: {Owner: one}}}}",
    ),
    (
        "apis.domain",
        "{region: null, regions: [us-east-1, us-east-2], apis: {api: null, door: {routes: {GET /health: {api_key: false}}}}}",
        "{region: null, regions: [us-east-1, us-east-2], apis: {api: null, door: {routes: {GET /health: {api_key: false}}, domain: {name: door.example.com, certificates: {us-east-1: 'arn:aws:acm:us-east-1:123456789012:certificate/one', us-east-2: 'arn:aws:acm:us-east-2:123456789012:certificate/two'}, base_path: v1}}}}",
    ),
    (
        "apis.domain.name",
        "{region: null, regions: [us-east-1, us-east-2], apis: {api: null, door: {routes: {GET /health: {api_key: false}}, domain: {name: door.example.com, certificates: {us-east-1: 'arn:aws:acm:us-east-1:123456789012:certificate/one', us-east-2: 'arn:aws:acm:us-east-2:123456789012:certificate/two'}, base_path: v1}}}}",
        "{region: null, regions: [us-east-1, us-east-2], apis: {api: null, door: {routes: {GET /health: {api_key: false}}, domain: {name: gate.example.com, certificates: {us-east-1: 'arn:aws:acm:us-east-1:123456789012:certificate/one', us-east-2: 'arn:aws:acm:us-east-2:123456789012:certificate/two'}, base_path: v1}}}}",
    ),
    (
        "apis.domain.certificates",
        "{region: null, regions: [us-east-1, us-east-2], apis: {api: null, door: {routes: {GET /health: {api_key: false}}, domain: {name: door.example.com, certificates: {us-east-1: 'arn:aws:acm:us-east-1:123456789012:certificate/one', us-east-2: 'arn:aws:acm:us-east-2:123456789012:certificate/two'}, base_path: v1}}}}",
        "{region: null, regions: [us-east-1, us-east-2], apis: {api: null, door: {routes: {GET /health: {api_key: false}}, domain: {name: door.example.com, certificates: {us-east-1: 'arn:aws:acm:us-east-1:123456789012:certificate/three', us-east-2: 'arn:aws:acm:us-east-2:123456789012:certificate/two'}, base_path: v1}}}}",
    ),
    (
        "apis.domain.base_path",
        "{region: null, regions: [us-east-1, us-east-2], apis: {api: null, door: {routes: {GET /health: {api_key: false}}, domain: {name: door.example.com, certificates: {us-east-1: 'arn:aws:acm:us-east-1:123456789012:certificate/one', us-east-2: 'arn:aws:acm:us-east-2:123456789012:certificate/two'}, base_path: v1}}}}",
        "{region: null, regions: [us-east-1, us-east-2], apis: {api: null, door: {routes: {GET /health: {api_key: false}}, domain: {name: door.example.com, certificates: {us-east-1: 'arn:aws:acm:us-east-1:123456789012:certificate/one', us-east-2: 'arn:aws:acm:us-east-2:123456789012:certificate/two'}, base_path: v2}}}}",
    ),
    (
        "buses",
        "{tables: {journal: {key: id}}, functions: {recorder: {code: event-recorder, table: journal}}}",
        "{tables: {journal: {key: id}}, functions: {recorder: {code: event-recorder, table: journal}}, buses: {events: {rules: {recorded: {pattern: {source: [shop]}, function: recorder}}}}}",
    ),
    (
        "buses.region",
        "{region: null, regions: [us-east-1, us-east-2], apis: {api: null}, tables: {journal: {key: id}}, functions: {recorder: {code: event-recorder, table: journal}}, buses: {events: {rules: {recorded: {pattern: {source: [shop]}, function: recorder}}}}}",
        "{region: null, regions: [us-east-1, us-east-2], apis: {api: null}, tables: {journal: {key: id}}, functions: {recorder: {code: event-recorder, table: journal}}, buses: {events: {rules: {recorded: {pattern: {source: [shop]}, function: recorder}}, region: us-east-2}}}",
    ),
    (
        "buses.rules",
        "{tables: {journal: {key: id}}, functions: {recorder: {code: event-recorder, table: journal}}, buses: {events: {}}}",
        "{tables: {journal: {key: id}}, functions: {recorder: {code: event-recorder, table: journal}}, buses: {events: {rules: {recorded: {pattern: {source: [shop]}, function: recorder}}}}}",
    ),
    (
        "buses.rules.pattern",
        "{tables: {journal: {key: id}}, functions: {recorder: {code: event-recorder, table: journal}}, buses: {events: {rules: {recorded: {pattern: {source: [shop]}, function: recorder}}}}}",
        "{tables: {journal: {key: id}}, functions: {recorder: {code: event-recorder, table: journal}}, buses: {events: {rules: {recorded: {pattern: {source: [other]}, function: recorder}}}}}",
    ),
    (
        "buses.global_endpoint",
        "{region: null, regions: [us-east-1, us-east-2], apis: {api: null}, gates: {door: {}}, health_checks: {front: {gate: door}, back: {gate: door, path: /other}}, tables: {journal: {key: id}}, functions: {recorder: {code: event-recorder, table: journal}}, buses: {events: {rules: {recorded: {pattern: {source: [shop]}, function: recorder}}}}}",
        "{region: null, regions: [us-east-1, us-east-2], apis: {api: null}, gates: {door: {}}, health_checks: {front: {gate: door}, back: {gate: door, path: /other}}, tables: {journal: {key: id}}, functions: {recorder: {code: event-recorder, table: journal}}, buses: {events: {rules: {recorded: {pattern: {source: [shop]}, function: recorder}}, global_endpoint: {health_check: front}}}}",
    ),
    (
        "buses.global_endpoint.health_check",
        "{region: null, regions: [us-east-1, us-east-2], apis: {api: null}, gates: {door: {}}, health_checks: {front: {gate: door}, back: {gate: door, path: /other}}, tables: {journal: {key: id}}, functions: {recorder: {code: event-recorder, table: journal}}, buses: {events: {rules: {recorded: {pattern: {source: [shop]}, function: recorder}}, global_endpoint: {health_check: front}}}}",
        "{region: null, regions: [us-east-1, us-east-2], apis: {api: null}, gates: {door: {}}, health_checks: {front: {gate: door}, back: {gate: door, path: /other}}, tables: {journal: {key: id}}, functions: {recorder: {code: event-recorder, table: journal}}, buses: {events: {rules: {recorded: {pattern: {source: [shop]}, function: recorder}}, global_endpoint: {health_check: back}}}}",
    ),
    (
        "buses.rules.function",
        "{tables: {journal: {key: id}}, functions: {recorder: {code: event-recorder, table: journal}, other: {code: event-recorder, table: journal}}, buses: {events: {rules: {recorded: {pattern: {source: [shop]}, function: recorder}}}}}",
        "{tables: {journal: {key: id}}, functions: {recorder: {code: event-recorder, table: journal}, other: {code: event-recorder, table: journal}}, buses: {events: {rules: {recorded: {pattern: {source: [shop]}, function: other}}}}}",
    ),
    (
        "buses.tags",
        "{tables: {journal: {key: id}}, functions: {recorder: {code: event-recorder, table: journal}}, buses: {events: {rules: {recorded: {pattern: {source: [shop]}, function: recorder}}}}}",
        "{tables: {journal: {key: id}}, functions: {recorder: {code: event-recorder, table: journal}}, buses: {events: {rules: {recorded: {pattern: {source: [shop]}, function: recorder}}, tags: {Owner: one}}}}",
    ),
    ("dashboards", "{}", "{dashboards: {board: {}}}"),
    (
        "dashboards.region",
        "{region: null, regions: [us-east-1, us-east-2], dashboards: {board: {}}}",
        "{region: null, regions: [us-east-1, us-east-2], dashboards: {board: {region: us-east-2}}}",
    ),
    (
        "dashboards.tags",
        "{dashboards: {board: {}}}",
        "{dashboards: {board: {tags: {Owner: one}}}}",
    ),
    ("gates", "{}", "{gates: {door: {}}}"),
    (
        "gates.region",
        "{region: null, regions: [us-east-1, us-east-2], gates: {door: {}}}",
        "{region: null, regions: [us-east-1, us-east-2], gates: {door: {region: us-east-2}}}",
    ),
    (
        "gates.certificate",
        "{gates: {door: {certificate: 'arn:aws:acm:us-east-1:123456789012:certificate/one'}}}",
        "{gates: {door: {certificate: 'arn:aws:acm:us-east-1:123456789012:certificate/two'}}}",
    ),
    (
        "gates.health_check.interval_seconds",
        "{gates: {door: {health_check: {interval_seconds: 10}}}}",
        "{gates: {door: {health_check: {interval_seconds: 30}}}}",
    ),
    (
        "gates.health_check.timeout_seconds",
        "{gates: {door: {health_check: {timeout_seconds: 5}}}}",
        "{gates: {door: {health_check: {timeout_seconds: 6}}}}",
    ),
    (
        "gates.health_check.healthy_threshold",
        "{gates: {door: {health_check: {healthy_threshold: 2}}}}",
        "{gates: {door: {health_check: {healthy_threshold: 3}}}}",
    ),
    (
        "gates.health_check.unhealthy_threshold",
        "{gates: {door: {health_check: {unhealthy_threshold: 2}}}}",
        "{gates: {door: {health_check: {unhealthy_threshold: 3}}}}",
    ),
    (
        "gates.tags",
        "{gates: {door: {}}}",
        "{gates: {door: {tags: {Owner: one}}}}",
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
    ("parameters", "{}", "{parameters: {flags: {value: a}}}"),
    (
        "parameters.value",
        "{parameters: {flags: {value: a}}}",
        "{parameters: {flags: {value: b}}}",
    ),
    (
        "parameters.value_of",
        "{parameters: {flags: {value_of: databases.database.endpoint}}}",
        "{parameters: {flags: {value_of: clusters.main.endpoint}}}",
    ),
    (
        "parameters.generated",
        "{parameters: {flags: {value: a}}}",
        "{parameters: {flags: {generated: true}}}",
    ),
    (
        "parameters.tags",
        "{parameters: {flags: {value: a}}}",
        "{parameters: {flags: {value: a, tags: {Owner: us}}}}",
    ),
    (
        "backups",
        "{}",
        "{backups: {daily: {of: [clusters.main], retention_days: 7}}}",
    ),
    (
        "backups.region",
        "{region: null, regions: [us-east-1, us-east-2], clusters: {main: {region: us-east-1}}, databases: {database: {region: us-east-2}}, backups: {daily: {of: [clusters.main], retention_days: 7}}}",
        "{region: null, regions: [us-east-1, us-east-2], clusters: {main: {region: us-east-1}}, databases: {database: {region: us-east-2}}, backups: {daily: {region: us-east-2, of: [databases.database], retention_days: 7}}}",
    ),
    (
        "backups.of",
        "{backups: {daily: {of: [clusters.main], retention_days: 7}}}",
        "{backups: {daily: {of: [databases.database], retention_days: 7}}}",
    ),
    (
        "backups.window_start",
        "{backups: {daily: {of: [clusters.main], retention_days: 7}}}",
        "{backups: {daily: {of: [clusters.main], window_start: \"06:30\", retention_days: 7}}}",
    ),
    (
        "backups.retention_days",
        "{backups: {daily: {of: [clusters.main], retention_days: 7}}}",
        "{backups: {daily: {of: [clusters.main], retention_days: 30}}}",
    ),
    (
        "backups.tags",
        "{backups: {daily: {of: [clusters.main], retention_days: 7}}}",
        "{backups: {daily: {of: [clusters.main], retention_days: 7, tags: {Owner: us}}}}",
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
