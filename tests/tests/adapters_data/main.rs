//! The data stack's adapters over the wire: each kind passes the conformance suite, and what only the wire can do.

mod alarms;
mod cache_changes;
mod caches;
mod catalog;
mod changes;
mod clusters;
mod dashboards;
mod database_changes;
mod databases;
mod documents;
mod global_clusters;
mod harness;
mod health_checks;
mod keys;
mod log_groups;
mod parameter_groups;
#[path = "../../../functions/plan-stack/src/catalog.rs"]
mod plan_stack_catalog;
mod request_ids;
mod roles;
mod secrets;
mod streams;
mod tags;
mod topics;

use outrigger_aws::Aws;
use outrigger_aws_apigateway::Apis;
use outrigger_aws_backup::Backups;
use outrigger_aws_cloudwatch::Alarms;
use outrigger_aws_cloudwatchlogs::LogGroups;
use outrigger_aws_dynamodb::Tables;
use outrigger_aws_ec2::Network;
use outrigger_aws_elasticloadbalancingv2::LoadBalancers;
use outrigger_aws_eventbridge::{Buses, Rules};
use outrigger_aws_globalaccelerator::Accelerators;
use outrigger_aws_iam::Roles;
use outrigger_aws_kinesis::Streams;
use outrigger_aws_kms::Keys;
use outrigger_aws_lambda::Functions;
use outrigger_aws_route53::HealthChecks;
use outrigger_aws_s3::Buckets;
use outrigger_aws_secretsmanager::Secrets;
use outrigger_aws_sns::Topics;
use outrigger_aws_ssm::Parameters;
use outrigger_engine::ports::provider::Provider;
use outrigger_model::{Kind, Region};

use crate::databases::databases;

#[test]
fn each_kind_has_one_provider() {
    let aws = Aws::new();
    let providers: [&dyn Provider; 21] = [
        &Network::new(&aws),
        &databases(&aws),
        &Roles::new(&aws, None),
        &crate::caches::caches(&aws),
        &Keys::new(&aws),
        &Streams::new(&aws),
        &Secrets::new(&aws),
        &Apis::new(&aws),
        &Functions::new(&aws, "outrigger", Region::new("us-east-1")),
        &LoadBalancers::new(&aws),
        &Tables::new(&aws),
        &Buckets::new(&aws, "000000000000"),
        &Parameters::new(&aws),
        &Backups::new(&aws),
        &Buses::new(&aws),
        &Rules::new(&aws),
        &Accelerators::new(&aws),
        &HealthChecks::new(&aws),
        &Alarms::new(&aws),
        &LogGroups::new(&aws),
        &Topics::new(&aws),
    ];
    let mut kinds: Vec<Kind> = providers
        .iter()
        .flat_map(|provider| provider.kinds().iter().copied())
        .collect();
    kinds.sort();
    assert_eq!(kinds, Kind::ALL);
}
