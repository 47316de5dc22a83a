//! The data stack's adapters over the wire: each kind passes the conformance suite, and what only the wire can do.

mod alarms;
mod cache_changes;
mod caches;
mod catalog;
mod changes;
mod clusters;
mod database_changes;
mod databases;
mod documents;
mod harness;
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
use outrigger_aws_cloudwatch::Alarms;
use outrigger_aws_cloudwatchlogs::LogGroups;
use outrigger_aws_ec2::Network;
use outrigger_aws_iam::Roles;
use outrigger_aws_kinesis::Streams;
use outrigger_aws_kms::Keys;
use outrigger_aws_secretsmanager::Secrets;
use outrigger_aws_sns::Topics;
use outrigger_engine::ports::provider::Provider;
use outrigger_model::Kind;

use crate::databases::databases;

#[test]
fn each_kind_has_one_provider() {
    let aws = Aws::new();
    let providers: [&dyn Provider; 11] = [
        &Network::new(&aws),
        &databases(&aws),
        &Roles::new(&aws, None),
        &crate::caches::caches(&aws),
        &Keys::new(&aws),
        &Streams::new(&aws),
        &Secrets::new(&aws),
        &Apis::new(&aws),
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
