//! Changes of what has data.

use crate::Example;

pub const EXAMPLES: &[Example] = &[
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
        "clusters.global",
        "{region: null, regions: [us-east-1, us-east-2], clusters: {main: {allow_replace: true, encryption_key: null}}}",
        "{region: null, regions: [us-east-1, us-east-2], clusters: {main: {allow_replace: true, encryption_key: null, global: true}}}",
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
    (
        "tables",
        "{}",
        "{tables: {journal: {key: id, deletion_protection: false, allow_replace: true}}}",
    ),
    (
        "tables.region",
        "{region: null, regions: [us-east-1, us-east-2], apis: {api: null}, tables: {journal: {key: id, deletion_protection: false, allow_replace: true}}}",
        "{region: null, regions: [us-east-1, us-east-2], apis: {api: null}, tables: {journal: {key: id, deletion_protection: false, allow_replace: true, region: us-east-1}}}",
    ),
    (
        "tables.key",
        "{tables: {journal: {key: id, deletion_protection: false, allow_replace: true}}}",
        "{tables: {journal: {key: name, deletion_protection: false, allow_replace: true}}}",
    ),
    (
        "tables.sort_key",
        "{tables: {journal: {key: id, deletion_protection: false, allow_replace: true}}}",
        "{tables: {journal: {key: id, deletion_protection: false, allow_replace: true, sort_key: at}}}",
    ),
    (
        "tables.allow_replace",
        "{tables: {journal: {key: id, deletion_protection: false, allow_replace: true}}}",
        "{tables: {journal: {key: id, deletion_protection: false, allow_replace: false}}}",
    ),
    (
        "tables.deletion_protection",
        "{tables: {journal: {key: id, deletion_protection: false}}}",
        "{tables: {journal: {key: id, deletion_protection: true}}}",
    ),
    (
        "tables.point_in_time_recovery",
        "{tables: {journal: {key: id, point_in_time_recovery: true}}}",
        "{tables: {journal: {key: id, point_in_time_recovery: false}}}",
    ),
    (
        "tables.tags",
        "{tables: {journal: {key: id, deletion_protection: false, allow_replace: true}}}",
        "{tables: {journal: {key: id, deletion_protection: false, allow_replace: true, tags: {Owner: one}}}}",
    ),
    ("buckets", "{}", "{buckets: {documents: {}}}"),
    (
        "buckets.region",
        "{region: null, regions: [us-east-1, us-east-2], apis: {api: null}, buckets: {documents: {}}}",
        "{region: null, regions: [us-east-1, us-east-2], apis: {api: null}, buckets: {documents: {region: us-east-2}}}",
    ),
    (
        "buckets.replication",
        "{region: null, regions: [us-east-1, us-east-2], apis: {api: null}, buckets: {documents: {}}}",
        "{region: null, regions: [us-east-1, us-east-2], apis: {api: null}, buckets: {documents: {replication: false}}}",
    ),
    (
        "buckets.force_empty",
        "{buckets: {documents: {}}}",
        "{buckets: {documents: {force_empty: true}}}",
    ),
    (
        "buckets.tags",
        "{buckets: {documents: {}}}",
        "{buckets: {documents: {tags: {Owner: one}}}}",
    ),
];
