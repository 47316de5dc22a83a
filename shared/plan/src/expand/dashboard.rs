//! Dashboards: what there is to see of every component in a region.

use outrigger_model::document::{ComponentPath, Dashboard, Document, REPLICATION_LATENCY, metrics_only_in};
use outrigger_model::properties::{self, Statistic, Widget, WidgetMetric};
use outrigger_model::{Kind, Properties, Region};

use super::Expansion;

/// What one widget shows: what it is called, and its metrics.
type Shown = (&'static str, &'static [(&'static str, Statistic)]);

impl Expansion<'_> {
    pub(super) fn dashboard(&mut self, name: &str, dashboard: &Dashboard) {
        let components = in_region(self.document, self.region);
        let widgets = components
            .iter()
            .flat_map(|component| self.widgets(component))
            .collect();
        let text = format!(
            "# {} in {}\n\nOutrigger keeps this dashboard as its document has it: what is changed here does not last.",
            self.document.id(),
            self.region
        );
        let properties = Properties::Dashboard(properties::Dashboard { text, widgets });
        self.add_tagged(Kind::Dashboard, name, properties, &dashboard.tags);
    }

    fn widgets(&self, component: &ComponentPath) -> Vec<Widget> {
        // Of a health check for each region, that of this one.
        let of_here =
            |suffix: &str| !matches!(component, ComponentPath::HealthCheck(_)) || suffix == format!("-{}", self.region);
        let region = metrics_only_in(component).map_or_else(|| self.region.clone(), Region::new);
        let widget = |(title, metrics): &Shown| {
            let metrics = metrics.iter().flat_map(|(metric, statistic)| {
                let publishers = self.publishers(component, metric).into_iter();
                let publishers = publishers.filter(|publisher| of_here(&publisher.suffix));
                publishers.map(|publisher| WidgetMetric {
                    namespace: publisher.namespace.to_owned(),
                    metric: (*metric).to_owned(),
                    dimensions: publisher.dimensions,
                    statistic: *statistic,
                })
            });
            Widget {
                title: format!("{component}: {title}"),
                region: region.clone(),
                metrics: metrics.collect(),
            }
        };
        shown(component).iter().map(widget).collect()
    }
}

/// The components of which there is something in a region; what is global is in each.
fn in_region(document: &Document, region: &Region) -> Vec<ComponentPath> {
    let all = [
        of(document.accelerators.keys(), ComponentPath::Accelerator),
        of(document.health_checks.keys(), ComponentPath::HealthCheck),
        of(document.gates.keys(), ComponentPath::Gate),
        of(document.functions.keys(), ComponentPath::Function),
        of(document.apis.keys(), ComponentPath::Api),
        of(document.clusters.keys(), ComponentPath::Cluster),
        of(document.databases.keys(), ComponentPath::Database),
        of(document.caches.keys(), ComponentPath::Cache),
        of(document.tables.keys(), ComponentPath::Table),
        of(document.streams.keys(), ComponentPath::Stream),
        of(document.topics.keys(), ComponentPath::Topic),
    ];
    let is_here = |component: &ComponentPath| {
        let places = document.places_of(component);
        places.contains(&region) || places.contains(&Region::global())
    };
    all.into_iter().flatten().filter(is_here).collect()
}

fn of<'a>(names: impl Iterator<Item = &'a String>, make: fn(String) -> ComponentPath) -> Vec<ComponentPath> {
    names.cloned().map(make).collect()
}

use Statistic::{Average, Maximum, Minimum, Sum};

/// What tells at a glance how a component is. Each metric is one of those that an alarm can be on.
fn shown(component: &ComponentPath) -> &'static [Shown] {
    match component {
        ComponentPath::Database(_) => &[
            ("processor (%)", &[("CPUUtilization", Average)]),
            ("connections", &[("DatabaseConnections", Maximum)]),
            ("free storage (bytes)", &[("FreeStorageSpace", Minimum)]),
            ("latency (s)", &[("ReadLatency", Average), ("WriteLatency", Average)]),
        ],
        ComponentPath::Cluster(_) => &[
            ("capacity (ACU)", &[("ServerlessDatabaseCapacity", Average)]),
            ("connections", &[("DatabaseConnections", Maximum)]),
            ("replica lag (ms)", &[("AuroraReplicaLagMaximum", Maximum)]),
            ("commit latency (ms)", &[("CommitLatency", Average)]),
        ],
        ComponentPath::Cache(_) => &[
            ("processor (%)", &[("EngineCPUUtilization", Average)]),
            ("memory (%)", &[("DatabaseMemoryUsagePercentage", Maximum)]),
            ("connections", &[("CurrConnections", Maximum)]),
            ("evictions", &[("Evictions", Sum)]),
        ],
        ComponentPath::Stream(_) => &[
            ("records", &[("IncomingRecords", Sum), ("GetRecords.Records", Sum)]),
            (
                "throttled",
                &[
                    ("WriteProvisionedThroughputExceeded", Sum),
                    ("ReadProvisionedThroughputExceeded", Sum),
                ],
            ),
            (
                "age of what is read (ms)",
                &[("GetRecords.IteratorAgeMilliseconds", Maximum)],
            ),
        ],
        ComponentPath::Api(_) => &[
            ("requests", &[("Count", Sum), ("4XXError", Sum), ("5XXError", Sum)]),
            ("latency (ms)", &[("Latency", Average), ("IntegrationLatency", Average)]),
        ],
        ComponentPath::Gate(_) => &[(
            "targets",
            &[("HealthyHostCount", Minimum), ("UnHealthyHostCount", Maximum)],
        )],
        ComponentPath::Function(_) => &[
            (
                "invocations",
                &[("Invocations", Sum), ("Errors", Sum), ("Throttles", Sum)],
            ),
            ("duration (ms)", &[("Duration", Average)]),
        ],
        ComponentPath::Table(_) => &[
            (
                "capacity units",
                &[("ConsumedReadCapacityUnits", Sum), ("ConsumedWriteCapacityUnits", Sum)],
            ),
            (
                "throttled",
                &[("ReadThrottleEvents", Sum), ("WriteThrottleEvents", Sum)],
            ),
            ("replication latency (ms)", &[(REPLICATION_LATENCY, Average)]),
        ],
        ComponentPath::Bucket(_) => &[
            ("replication latency (s)", &[("ReplicationLatency", Maximum)]),
            ("bytes to replicate", &[("BytesPendingReplication", Maximum)]),
        ],
        ComponentPath::Bus(_) => &[("events", &[("PutEventsEntriesCount", Sum), ("InvocationsFailed", Sum)])],
        ComponentPath::Backup(_) => &[(
            "jobs",
            &[("NumberOfBackupJobsCompleted", Sum), ("NumberOfBackupJobsFailed", Sum)],
        )],
        // It publishes nothing.
        ComponentPath::Parameter(_) => &[],
        ComponentPath::Topic(_) => &[(
            "messages",
            &[
                ("NumberOfMessagesPublished", Sum),
                ("NumberOfNotificationsDelivered", Sum),
                ("NumberOfNotificationsFailed", Sum),
            ],
        )],
        ComponentPath::Accelerator(_) => &[
            ("new flows", &[("NewFlowCount", Sum)]),
            ("bytes", &[("ProcessedBytesIn", Sum), ("ProcessedBytesOut", Sum)]),
        ],
        ComponentPath::HealthCheck(_) => &[(
            "checkers that find it healthy (%)",
            &[("HealthCheckPercentageHealthy", Average)],
        )],
    }
}
