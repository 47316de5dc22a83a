//! What publishes the metrics of a component, and under which dimensions.

use std::collections::BTreeMap;

use outrigger_model::document::{ComponentPath, OPERATIONS_FAILED_REPLICATION, REPLICATION_LATENCY};
use outrigger_model::properties::{self, Input};
use outrigger_model::{Kind, Region, ResourceKey};

use super::{Expansion, gate, health_check};

/// Something that publishes metrics.
pub(super) struct Publisher {
    /// What tells it apart from others of the component; empty where it is alone.
    pub(super) suffix: String,
    /// The metrics' namespace.
    pub(super) namespace: &'static str,
    /// The metrics' dimensions.
    pub(super) dimensions: BTreeMap<String, Input>,
}

impl Publisher {
    fn alone<const N: usize>(namespace: &'static str, dimensions: [(&str, Input); N]) -> Self {
        Self::one_of(String::new(), namespace, dimensions)
    }

    fn one_of<const N: usize>(suffix: String, namespace: &'static str, dimensions: [(&str, Input); N]) -> Self {
        Self {
            suffix,
            namespace,
            dimensions: dimensions.map(|(name, value)| (name.to_owned(), value)).into(),
        }
    }
}

impl Expansion<'_> {
    /// What publishes a metric of a component, in the region that is expanded.
    pub(super) fn publishers(&self, component: &ComponentPath, metric: &str) -> Vec<Publisher> {
        let key = |kind: Kind, name: &str| ResourceKey::new(self.region, kind, name);
        let one = match component {
            ComponentPath::Database(name) => {
                let instance = Input::id_of(&key(Kind::DbInstance, name));
                Publisher::alone("AWS/RDS", [("DBInstanceIdentifier", instance)])
            }
            ComponentPath::Cluster(name) => {
                let cluster = Input::id_of(&key(Kind::DbCluster, name));
                let source = self.document.regions.iter().find(|other| *other != self.region);
                // Published where the cluster copies the other region's, whichever that is: so there is an alarm in each
                // region, and that of the one that writes has no data.
                match source.filter(|_| metric.starts_with("AuroraGlobalDB")) {
                    Some(source) => {
                        let source = Input::Text(source.to_string());
                        Publisher::alone("AWS/RDS", [("DBClusterIdentifier", cluster), ("SourceRegion", source)])
                    }
                    None => Publisher::alone("AWS/RDS", [("DBClusterIdentifier", cluster)]),
                }
            }
            ComponentPath::Stream(name) => {
                let stream = Input::of(&key(Kind::Stream, name), "name");
                Publisher::alone("AWS/Kinesis", [("StreamName", stream)])
            }
            ComponentPath::Topic(name) => {
                let topic = Input::of(&key(Kind::Topic, name), "name");
                Publisher::alone("AWS/SNS", [("TopicName", topic)])
            }
            // https://docs.aws.amazon.com/apigateway/latest/developerguide/api-gateway-metrics-and-dimensions.html
            ComponentPath::Api(name) => {
                let api = Input::of(&key(Kind::RestApi, name), "name");
                let stage = self.document.apis.get(name).map(|api| api.stage.clone());
                let stage = Input::Text(stage.unwrap_or_default());
                Publisher::alone("AWS/ApiGateway", [("ApiName", api), ("Stage", stage)])
            }
            ComponentPath::Function(name) => {
                let function = Input::of(&key(Kind::Function, name), "name");
                Publisher::alone("AWS/Lambda", [("FunctionName", function)])
            }
            // https://docs.aws.amazon.com/amazondynamodb/latest/developerguide/metrics-dimensions.html
            ComponentPath::Table(name) => {
                let table = Input::of(&self.table_here(name).0, "name");
                let other = self.document.regions.iter().find(|other| *other != self.region);
                match other.filter(|_| metric == REPLICATION_LATENCY) {
                    Some(other) => {
                        let other = Input::Text(other.to_string());
                        Publisher::alone("AWS/DynamoDB", [("TableName", table), ("ReceivingRegion", other)])
                    }
                    None => Publisher::alone("AWS/DynamoDB", [("TableName", table)]),
                }
            }
            // The destination's region has the metrics, but for what failed, which the source's has:
            // https://docs.aws.amazon.com/AmazonS3/latest/userguide/repl-metrics.html
            ComponentPath::Bucket(name) => {
                let name_in = |region| Input::of(&ResourceKey::new(region, Kind::Bucket, name), "name");
                let other = self.document.regions.iter().find(|other| *other != self.region);
                let (here, other) = (name_in(self.region), name_in(other.unwrap_or(self.region)));
                let (source, destination) = match metric == OPERATIONS_FAILED_REPLICATION {
                    true => (here, other),
                    false => (other, here),
                };
                let rule = Input::Text(properties::REPLICATION_RULE.to_owned());
                let dimensions = [
                    ("SourceBucket", source),
                    ("DestinationBucket", destination),
                    ("RuleId", rule),
                ];
                Publisher::alone("AWS/S3", dimensions)
            }
            // https://docs.aws.amazon.com/elasticloadbalancing/latest/network/load-balancer-cloudwatch-metrics.html
            ComponentPath::Gate(name) => {
                let balancer = key(Kind::LoadBalancer, &gate::network(name));
                let gate = self.document.gates.get(name);
                let group = gate.map(|of| gate::target_group(name, of)).unwrap_or_default();
                let group = Input::of(&key(Kind::TargetGroup, &group), "full_name");
                let balancer = Input::of(&balancer, "full_name");
                Publisher::alone("AWS/NetworkELB", [("LoadBalancer", balancer), ("TargetGroup", group)])
            }
            // https://docs.aws.amazon.com/global-accelerator/latest/dg/cloudwatch-monitoring.html
            ComponentPath::Accelerator(name) => {
                let accelerator = ResourceKey::new(Region::global(), Kind::Accelerator, name);
                let id = Input::of(&accelerator, "accelerator_id");
                Publisher::alone("AWS/GlobalAccelerator", [("Accelerator", id)])
            }
            // https://docs.aws.amazon.com/Route53/latest/DeveloperGuide/monitoring-health-checks.html
            ComponentPath::HealthCheck(name) => {
                let regions = self.document.places_of(component).into_iter();
                let check = |region: &Region| {
                    let id = Input::id_of(&health_check::key(name, region));
                    Publisher::one_of(format!("-{region}"), "AWS/Route53", [("HealthCheckId", id)])
                };
                return regions.map(check).collect();
            }
            // https://docs.aws.amazon.com/aws-backup/latest/devguide/cloudwatch.html
            ComponentPath::Backup(name) => {
                let vault = Input::of(&key(Kind::BackupVault, name), "name");
                Publisher::alone("AWS/Backup", [("BackupVaultName", vault)])
            }
            // https://docs.aws.amazon.com/eventbridge/latest/userguide/eb-monitoring.html
            ComponentPath::Bus(name) => {
                let bus = Input::of(&key(Kind::EventBus, name), "name");
                Publisher::alone("AWS/Events", [("EventBusName", bus)])
            }
            // It publishes nothing, and validation has said so.
            ComponentPath::Parameter(_) => return Vec::new(),
            // ElastiCache publishes host metrics per cache cluster, never per replication group:
            // https://docs.aws.amazon.com/AmazonElastiCache/latest/dg/CacheMetrics.html
            ComponentPath::Cache(name) => {
                let group = key(Kind::ReplicationGroup, name);
                let nodes = self.document.caches.get(name).map_or(0, |cache| cache.nodes);
                let node = |node: u32| {
                    let id = Input::of(&group, &format!("member_{node}"));
                    Publisher::one_of(format!("-{node}"), "AWS/ElastiCache", [("CacheClusterId", id)])
                };
                return (1..=nodes).map(node).collect();
            }
        };
        vec![one]
    }
}
