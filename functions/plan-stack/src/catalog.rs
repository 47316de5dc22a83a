//! What AWS has to offer, from the services that know.

use std::collections::{BTreeMap, BTreeSet};

use async_trait::async_trait;
use futures::future::{BoxFuture, FutureExt, try_join_all};
use outrigger_aws::Aws;
use outrigger_engine::ports::catalog::{Catalog, Counted, EndpointService, Parameter, Quota, Tagged};
use outrigger_engine::ports::provider::CallError;
use outrigger_model::properties::LoadBalancerType;
use outrigger_model::{Kind, Region, StackId};

/// The catalog over EC2, RDS, ElastiCache, Kinesis, S3, Service Quotas and the Tagging API.
pub struct AwsCatalog(Aws);

impl AwsCatalog {
    /// Asks nothing yet.
    pub fn new(aws: &Aws) -> Self {
        Self(aws.clone())
    }
}

/// A quota of Service Quotas.
struct Known {
    service_code: &'static str,
    quota_code: &'static str,
    name: &'static str,
    counts: Counted,
}

/// Quotas of Amazon VPC and of ElastiCache: <https://docs.aws.amazon.com/vpc/latest/userguide/amazon-vpc-limits.html>,
/// <https://docs.aws.amazon.com/AmazonElastiCache/latest/dg/quota-limits.html>; of Elastic Load Balancing, API Gateway,
/// EventBridge and KMS: <https://docs.aws.amazon.com/general/latest/gr/elb.html#limits_elastic_load_balancer>,
/// <https://docs.aws.amazon.com/apigateway/latest/developerguide/limits.html>,
/// <https://docs.aws.amazon.com/eventbridge/latest/userguide/eb-quota.html>,
/// <https://docs.aws.amazon.com/kms/latest/developerguide/resource-limits.html>.
const KNOWN: [Known; 19] = [
    Known {
        service_code: "vpc",
        quota_code: "L-F678F1CE",
        name: "VPCs per Region",
        counts: Counted::Objects(Kind::Vpc),
    },
    Known {
        service_code: "vpc",
        quota_code: "L-A4707A72",
        name: "Internet gateways per Region",
        counts: Counted::Objects(Kind::InternetGateway),
    },
    // Of the service that gives the addresses out.
    Known {
        service_code: "ec2",
        quota_code: "L-0263D0A3",
        name: "EC2-VPC Elastic IPs",
        counts: Counted::Objects(Kind::ElasticIp),
    },
    Known {
        service_code: "vpc",
        quota_code: "L-FE5A380F",
        name: "NAT gateways per Availability Zone",
        counts: Counted::ObjectsPerZone(Kind::NatGateway),
    },
    Known {
        service_code: "vpc",
        quota_code: "L-1B52E74A",
        name: "Gateway VPC endpoints per Region",
        counts: Counted::GatewayEndpoints,
    },
    Known {
        service_code: "vpc",
        quota_code: "L-29B6F2EB",
        name: "Interface VPC endpoints per VPC",
        counts: Counted::InterfaceEndpointsPerVpc,
    },
    Known {
        service_code: "vpc",
        quota_code: "L-E79EC296",
        name: "VPC security groups per Region",
        counts: Counted::Objects(Kind::SecurityGroup),
    },
    Known {
        service_code: "vpc",
        quota_code: "L-407747CB",
        name: "Subnets per VPC",
        counts: Counted::ObjectsPerVpc(Kind::Subnet),
    },
    Known {
        service_code: "vpc",
        quota_code: "L-589F43AA",
        name: "Route tables per VPC",
        counts: Counted::ObjectsPerVpc(Kind::RouteTable),
    },
    Known {
        service_code: "elasticache",
        quota_code: "L-DFE45DF3",
        name: "Nodes per Region",
        counts: Counted::CacheNodes,
    },
    Known {
        service_code: "elasticloadbalancing",
        quota_code: "L-69A177A2",
        name: "Network Load Balancers per Region",
        counts: Counted::LoadBalancers(LoadBalancerType::Network),
    },
    Known {
        service_code: "elasticloadbalancing",
        quota_code: "L-53DA6B97",
        name: "Application Load Balancers per Region",
        counts: Counted::LoadBalancers(LoadBalancerType::Application),
    },
    Known {
        service_code: "elasticloadbalancing",
        quota_code: "L-B22855CB",
        name: "Target Groups per Region",
        counts: Counted::Objects(Kind::TargetGroup),
    },
    Known {
        service_code: "apigateway",
        quota_code: "L-AA0FF27B",
        name: "Regional APIs",
        counts: Counted::Objects(Kind::RestApi),
    },
    Known {
        service_code: "apigateway",
        quota_code: "L-1D180A63",
        name: "API keys",
        counts: Counted::Objects(Kind::ApiKey),
    },
    Known {
        service_code: "apigateway",
        quota_code: "L-A93447B8",
        name: "Custom Domain Names",
        counts: Counted::Objects(Kind::ApiDomain),
    },
    Known {
        service_code: "events",
        quota_code: "L-658A4FD9",
        name: "Event buses",
        counts: Counted::Objects(Kind::EventBus),
    },
    Known {
        service_code: "events",
        quota_code: "L-244521F2",
        name: "Number of rules",
        counts: Counted::ObjectsPerBus(Kind::EventRule),
    },
    Known {
        service_code: "kms",
        quota_code: "L-C2F1777E",
        name: "Customer Master Keys (CMKs)",
        counts: Counted::Objects(Kind::KmsKey),
    },
];

/// The kinds whose quotas RDS tells itself.
const DATABASES: [Kind; 5] = [
    Kind::DbInstance,
    Kind::DbCluster,
    Kind::DbClusterInstance,
    Kind::DbParameterGroup,
    Kind::DbSubnetGroup,
];

/// Whether objects of some kinds count against it.
fn is_needed(counts: Counted, kinds: &BTreeSet<Kind>) -> bool {
    match counts {
        Counted::LoadBalancers(_) => kinds.contains(&Kind::LoadBalancer),
        Counted::Objects(kind)
        | Counted::ObjectsPerVpc(kind)
        | Counted::ObjectsPerBus(kind)
        | Counted::ObjectsPerZone(kind) => kinds.contains(&kind),
        Counted::GatewayEndpoints | Counted::InterfaceEndpointsPerVpc => kinds.contains(&Kind::VpcEndpoint),
        Counted::DbInstances => [Kind::DbInstance, Kind::DbClusterInstance]
            .iter()
            .any(|kind| kinds.contains(kind)),
        Counted::StorageGib => kinds.contains(&Kind::DbInstance),
        Counted::CacheNodes => kinds.contains(&Kind::ReplicationGroup),
        Counted::Shards => kinds.contains(&Kind::Stream),
    }
}

impl AwsCatalog {
    async fn known(&self, region: &Region, known: &Known) -> Result<Vec<Quota>, CallError> {
        let limit = outrigger_aws_servicequotas::quota(&self.0, region, known.service_code, known.quota_code);
        let (limit, used) = futures::try_join!(limit, self.used(region, known.counts))?;
        let quotas = used.into_iter().map(|(zone, used)| Quota {
            name: known.name.to_owned(),
            counts: known.counts,
            limit,
            used,
            zone,
        });
        Ok(quotas.collect())
    }

    /// How much is used, zone by zone where the quota holds so. Zones in which nothing is used are left out: one more is
    /// within every quota.
    async fn used(&self, region: &Region, counts: Counted) -> Result<Vec<(Option<String>, u64)>, CallError> {
        let used = match counts {
            Counted::Objects(Kind::TargetGroup) => {
                outrigger_aws_elasticloadbalancingv2::target_groups(&self.0, region).await?
            }
            Counted::LoadBalancers(of) => {
                outrigger_aws_elasticloadbalancingv2::load_balancers(&self.0, region, of).await?
            }
            Counted::Objects(kind @ (Kind::RestApi | Kind::ApiKey | Kind::ApiDomain)) => {
                outrigger_aws_apigateway::count(&self.0, region, kind).await?
            }
            Counted::Objects(Kind::EventBus) => outrigger_aws_eventbridge::count(&self.0, region).await?,
            Counted::Objects(Kind::KmsKey) => outrigger_aws_kms::count(&self.0, region).await?,
            Counted::Objects(kind) => outrigger_aws_ec2::count(&self.0, region, kind).await?,
            Counted::ObjectsPerZone(_) => {
                let used = outrigger_aws_ec2::nat_gateways(&self.0, region).await?;
                return Ok(used.into_iter().map(|(zone, used)| (Some(zone), used)).collect());
            }
            Counted::GatewayEndpoints => outrigger_aws_ec2::count(&self.0, region, Kind::VpcEndpoint).await?,
            Counted::CacheNodes => outrigger_aws_elasticache::nodes(&self.0, region).await?,
            // Nothing is used in a VPC or on a bus that is yet to be; the others tell what is used along with their limits.
            Counted::ObjectsPerVpc(_)
            | Counted::ObjectsPerBus(_)
            | Counted::InterfaceEndpointsPerVpc
            | Counted::DbInstances
            | Counted::StorageGib
            | Counted::Shards => 0,
        };
        Ok(vec![(None, used)])
    }
}

#[async_trait]
impl Catalog for AwsCatalog {
    async fn zones(&self, region: &Region) -> Result<Vec<String>, CallError> {
        outrigger_aws_ec2::zones(&self.0, region).await
    }

    async fn endpoint_services(
        &self,
        region: &Region,
        names: &BTreeSet<String>,
    ) -> Result<Vec<EndpointService>, CallError> {
        outrigger_aws_ec2::endpoint_services(&self.0, region, names).await
    }

    async fn postgres_versions(&self, region: &Region) -> Result<Vec<String>, CallError> {
        outrigger_aws_rds::postgres_versions(&self.0, region).await
    }

    async fn aurora_postgresql_versions(&self, region: &Region) -> Result<Vec<String>, CallError> {
        outrigger_aws_rds::aurora_postgresql_versions(&self.0, region).await
    }

    async fn redis_versions(&self, region: &Region) -> Result<Vec<String>, CallError> {
        outrigger_aws_elasticache::redis_versions(&self.0, region).await
    }

    async fn parameters(&self, region: &Region, family: &str) -> Result<BTreeMap<String, Parameter>, CallError> {
        outrigger_aws_rds::parameters(&self.0, region, family).await
    }

    /// Everything at once. What cannot be told is an error: a plan that was not checked is not a plan that fits.
    async fn quotas(&self, region: &Region, kinds: &BTreeSet<Kind>) -> Result<Vec<Quota>, CallError> {
        let mut asked: Vec<BoxFuture<'_, Result<Vec<Quota>, CallError>>> = Vec::new();
        for known in KNOWN.iter().filter(|known| is_needed(known.counts, kinds)) {
            asked.push(self.known(region, known).boxed());
        }
        if is_needed(Counted::Shards, kinds) {
            asked.push(async { Ok(vec![outrigger_aws_kinesis::shards(&self.0, region).await?]) }.boxed());
        }
        if DATABASES.iter().any(|kind| kinds.contains(kind)) {
            asked.push(outrigger_aws_rds::quotas(&self.0, region).boxed());
        }
        let quotas = try_join_all(asked).await?.into_iter().flatten();
        Ok(quotas.filter(|quota| is_needed(quota.counts, kinds)).collect())
    }

    async fn holds_objects(&self, region: &Region, bucket: &str) -> Result<bool, CallError> {
        outrigger_aws_s3::holds_objects(&self.0, region, bucket).await
    }

    async fn tagged(&self, region: &Region, stack: &StackId) -> Result<Vec<Tagged>, CallError> {
        outrigger_aws_resourcegroupstagging::tagged(&self.0, region, stack).await
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_what_the_kinds_need_is_asked_for() {
        let of = |kinds: &[Kind]| -> Vec<&str> {
            let kinds = kinds.iter().copied().collect();
            let needed = KNOWN.iter().filter(|known| is_needed(known.counts, &kinds));
            needed.map(|known| known.quota_code).collect()
        };
        assert_eq!(of(&[]), [""; 0]);
        assert_eq!(of(&[Kind::Vpc, Kind::Subnet]), ["L-F678F1CE", "L-407747CB"]);
        assert_eq!(of(&[Kind::NatGateway]), ["L-FE5A380F"]);
        assert_eq!(of(&[Kind::RestApi, Kind::EventRule]), ["L-AA0FF27B", "L-244521F2"]);
        assert_eq!(of(&[Kind::VpcEndpoint]), ["L-1B52E74A", "L-29B6F2EB"]);
        assert_eq!(of(&[Kind::ReplicationGroup, Kind::Alarm]), ["L-DFE45DF3"]);
        assert_eq!(of(&[Kind::LoadBalancer]), ["L-69A177A2", "L-53DA6B97"]);
        assert_eq!(of(&[Kind::TargetGroup, Kind::Listener]), ["L-B22855CB"]);
        assert_eq!(of(Kind::ALL).len(), KNOWN.len());
        let databases = BTreeSet::from([Kind::DbInstance]);
        assert!(is_needed(Counted::StorageGib, &databases) && !is_needed(Counted::Shards, &databases));
        let members = BTreeSet::from([Kind::DbClusterInstance]);
        assert!(is_needed(Counted::DbInstances, &members) && !is_needed(Counted::StorageGib, &members));
        // Those of databases (instances, subnet groups, ...) come from RDS itself.
        assert_eq!(of(&[Kind::DbInstance]), [""; 0]);
    }
}
