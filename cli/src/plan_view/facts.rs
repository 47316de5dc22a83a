//! What there is to know of a resource at a glance.

use outrigger_model::Properties;
use outrigger_model::properties::{Comparison, DbCluster, DbInstance};
use outrigger_plan::price;

/// What is created, in a few words.
pub(super) fn of_new(physical_name: &str, properties: &Properties) -> Option<String> {
    let zones = |multi_az: bool| if multi_az { ", multi-AZ" } else { "" };
    let fact = match properties {
        Properties::Vpc(vpc) => vpc.cidr.to_string(),
        Properties::Subnet(subnet) => format!("{} in {}", subnet.cidr, subnet.zone),
        Properties::Route(route) => route.destination.to_string(),
        Properties::VpcPeering(peering) => format!("to the VPC in {}", peering.peer_region),
        Properties::SecurityGroup(group) => {
            let rules: Vec<String> = group
                .ingress
                .iter()
                .map(|rule| format!("port {} from {}", rule.port, rule.source))
                .collect();
            rules.join(", ")
        }
        Properties::KmsKey(key) => {
            let rotation = if key.rotation {
                "rotated every year"
            } else {
                "not rotated"
            };
            format!("{rotation}, kept {} days when it goes", key.deletion_window_days)
        }
        Properties::KmsAlias(_) => physical_name.to_owned(),
        Properties::DbParameterGroup(group) => {
            let parameters: Vec<String> = group
                .parameters
                .iter()
                .map(|(name, value)| format!("{name}: {value}"))
                .collect();
            format!("{}, {}", group.family, parameters.join(", "))
        }
        Properties::DbInstance(of) => format!(
            "PostgreSQL {}, {}, {} GiB {}{}",
            of.engine_version,
            of.class,
            of.storage_gib,
            of.storage_type,
            zones(of.multi_az)
        ),
        Properties::DbCluster(of) => format!(
            "Aurora PostgreSQL {}, {} to {} ACU",
            of.engine_version, of.capacity_acu_min, of.capacity_acu_max
        ),
        Properties::DbClusterInstance(of) => format!("db.serverless in {}", of.zone),
        Properties::Role(role) => role.service.clone(),
        Properties::ReplicationGroup(of) => format!(
            "Redis {}, {} × {}{}",
            of.engine_version,
            of.nodes,
            of.node_type,
            zones(of.multi_az)
        ),
        Properties::Stream(stream) => {
            let plural = if stream.shards == 1 { "" } else { "s" };
            format!("{} shard{plural}, kept for {} h", stream.shards, stream.retention_hours)
        }
        Properties::Secret(secret) => format!("user {}, generated password", secret.username),
        Properties::Alarm(alarm) => {
            let comparison = match alarm.comparison {
                Comparison::GreaterThan => ">",
                Comparison::GreaterThanOrEqual => "≥",
                Comparison::LessThan => "<",
                Comparison::LessThanOrEqual => "≤",
            };
            format!("{} {comparison} {}", alarm.metric, alarm.threshold)
        }
        Properties::RestApi(api) => api.routes.keys().map(String::as_str).collect::<Vec<_>>().join(", "),
        Properties::ApiStage(stage) => stage.stage.clone(),
        Properties::UsagePlan(plan) => format!("{} requests/s, burst {}", plan.rate_per_second, plan.burst),
        Properties::ApiKey(_) => "generated value".to_owned(),
        Properties::LogGroup(_) => physical_name.to_owned(),
        Properties::ElasticIp(_) | Properties::NatGateway(_) => return cost(properties),
        Properties::VpcEndpoint(endpoint) => match cost(properties) {
            Some(cost) => format!("{}, {cost}", endpoint.service),
            None => endpoint.service.clone(),
        },
        Properties::Subscription(of) => format!("{} to {}", of.protocol.as_str(), of.endpoint),
        Properties::InternetGateway(_)
        | Properties::RouteTable(_)
        | Properties::RouteTableAssociation(_)
        | Properties::DbSubnetGroup(_)
        | Properties::CacheSubnetGroup(_)
        | Properties::SecretAttachment(_)
        | Properties::ApiDeployment(_)
        | Properties::UsagePlanKey(_)
        | Properties::Topic(_) => return None,
    };
    Some(fact)
}

/// What it costs by its mere being there.
fn cost(properties: &Properties) -> Option<String> {
    let cents = price::cents_a_month(properties)?;
    Some(format!(
        "costs about ${}.{:02} a month at list price",
        cents / 100,
        cents % 100
    ))
}

/// What becomes of the data in what is deleted.
pub(super) fn of_old(properties: &Properties) -> Option<&'static str> {
    match properties {
        Properties::DbInstance(DbInstance {
            final_snapshot: true, ..
        })
        | Properties::DbCluster(DbCluster {
            final_snapshot: true, ..
        }) => Some("a final snapshot is kept"),
        Properties::ApiKey(_) => Some("its value is lost"),
        Properties::KmsKey(_) => Some("scheduled for deletion: with it goes what it has encrypted"),
        Properties::DbInstance(_)
        | Properties::DbCluster(_)
        | Properties::ReplicationGroup(_)
        | Properties::Stream(_) => Some("its data is lost"),
        Properties::Vpc(_)
        | Properties::Subnet(_)
        | Properties::InternetGateway(_)
        | Properties::ElasticIp(_)
        | Properties::NatGateway(_)
        | Properties::RouteTable(_)
        | Properties::Route(_)
        | Properties::RouteTableAssociation(_)
        | Properties::VpcPeering(_)
        | Properties::SecurityGroup(_)
        | Properties::VpcEndpoint(_)
        | Properties::KmsAlias(_)
        | Properties::DbSubnetGroup(_)
        | Properties::DbParameterGroup(_)
        | Properties::DbClusterInstance(_)
        | Properties::Role(_)
        | Properties::CacheSubnetGroup(_)
        | Properties::Secret(_)
        | Properties::SecretAttachment(_)
        | Properties::RestApi(_)
        | Properties::ApiDeployment(_)
        | Properties::ApiStage(_)
        | Properties::UsagePlan(_)
        | Properties::UsagePlanKey(_)
        | Properties::Alarm(_)
        | Properties::LogGroup(_)
        | Properties::Topic(_)
        | Properties::Subscription(_) => None,
    }
}
