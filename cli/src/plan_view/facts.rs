//! What there is to know of a resource at a glance.

use outrigger_model::Properties;
use outrigger_model::properties::{Comparison, DbInstance};

/// What is created, in a few words.
pub(super) fn of_new(physical_name: &str, properties: &Properties) -> Option<String> {
    let zones = |multi_az: bool| if multi_az { ", multi-AZ" } else { "" };
    let fact = match properties {
        Properties::Vpc(vpc) => vpc.cidr.to_string(),
        Properties::Subnet(subnet) => format!("{} in {}", subnet.cidr, subnet.zone),
        Properties::Route(route) => route.destination.to_string(),
        Properties::SecurityGroup(group) => {
            let rules: Vec<String> = group
                .ingress
                .iter()
                .map(|rule| format!("port {} from {}", rule.port, rule.source))
                .collect();
            rules.join(", ")
        }
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
        Properties::InternetGateway(_)
        | Properties::RouteTable(_)
        | Properties::RouteTableAssociation(_)
        | Properties::DbSubnetGroup(_)
        | Properties::CacheSubnetGroup(_)
        | Properties::SecretAttachment(_)
        | Properties::ApiDeployment(_)
        | Properties::UsagePlanKey(_) => return None,
    };
    Some(fact)
}

/// What becomes of the data in what is deleted.
pub(super) fn of_old(properties: &Properties) -> Option<&'static str> {
    match properties {
        Properties::DbInstance(DbInstance {
            final_snapshot: true, ..
        }) => Some("a final snapshot is kept"),
        Properties::ApiKey(_) => Some("its value is lost"),
        Properties::DbInstance(_) | Properties::ReplicationGroup(_) | Properties::Stream(_) => Some("its data is lost"),
        Properties::Vpc(_)
        | Properties::Subnet(_)
        | Properties::InternetGateway(_)
        | Properties::RouteTable(_)
        | Properties::Route(_)
        | Properties::RouteTableAssociation(_)
        | Properties::SecurityGroup(_)
        | Properties::DbSubnetGroup(_)
        | Properties::DbParameterGroup(_)
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
        | Properties::LogGroup(_) => None,
    }
}
