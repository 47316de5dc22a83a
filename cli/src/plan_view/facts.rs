//! What there is to know of a resource at a glance.

use outrigger_model::Input;
use outrigger_model::properties::{Comparison, DbCluster, DbInstance, HealthCheckProtocol, TargetType};
use outrigger_model::{Properties, Region};
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
        Properties::Table(table) => {
            let keys = match &table.sort_key {
                Some(sort_key) => format!("keys {} and {sort_key}", table.key),
                None => format!("key {}", table.key),
            };
            let replicas = table.replicas.iter().map(|region| format!(", replica in {region}"));
            keys + &replicas.collect::<String>()
        }
        Properties::Bucket(bucket) => match bucket.force_empty {
            true => "versioned, emptied when it goes".to_owned(),
            false => "versioned".to_owned(),
        },
        Properties::BucketReplication(_) => "within 15 minutes".to_owned(),
        Properties::GlobalCluster(global) => {
            let regions: Vec<&str> = global.regions.iter().map(Region::as_str).collect();
            format!(
                "Aurora PostgreSQL {}, in {}",
                global.engine_version,
                regions.join(" and ")
            )
        }
        Properties::Secret(secret) if !secret.replicas.is_empty() => {
            let replicas: Vec<&str> = secret.replicas.iter().map(Region::as_str).collect();
            format!(
                "user {}, generated password, replicated to {}",
                secret.username,
                replicas.join(" and ")
            )
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
        Properties::ApiDomain(of) => of.domain.clone(),
        Properties::ApiMapping(of) => match &of.base_path {
            Some(path) => format!("/{path} to the stage {}", of.stage),
            None => format!("/ to the stage {}", of.stage),
        },
        Properties::EventBus(_) => physical_name.to_owned(),
        Properties::EventRule(rule) => rule.pattern.clone(),
        Properties::GlobalEndpoint(of) => format!("fails over to {}", of.secondary_region),
        Properties::Function(of) => format!("{}, {} MiB, {} s at most", of.code, of.memory_mb, of.timeout_seconds),
        Properties::FunctionPermission(of) => of.service.clone(),
        Properties::LoadBalancer(balancer) => {
            let kind = format!("{}, {}", balancer.load_balancer_type.as_str(), balancer.scheme.as_str());
            match cost(properties) {
                Some(cost) => format!("{kind}, {cost}"),
                None => kind,
            }
        }
        Properties::TargetGroup(group) => match (&group.health_check, group.targets) {
            (Some(check), _) => format!(
                "{} of {} every {} s",
                check.protocol.as_str(),
                check.path,
                check.interval_seconds
            ),
            (None, TargetType::ApplicationLoadBalancer) => "an application load balancer".to_owned(),
            (None, TargetType::Function) => "a function".to_owned(),
        },
        Properties::Listener(listener) => format!("{} on port {}", listener.protocol.as_str(), listener.port),
        Properties::ListenerRule(rule) => format!("{} {}", rule.method, rule.path),
        Properties::Parameter(of) => match (&of.value, &of.copy_of) {
            (Some(Input::Text(value)), _) => shortened(value),
            (Some(Input::Reference(of)), _) => format!("the {} of {}", of.attribute, of.resource),
            (None, Some(_)) => "the value that the first region's has".to_owned(),
            (None, None) => "generated value".to_owned(),
        },
        Properties::BackupPlan(of) => {
            let copies = match of.copies.len() {
                0 => "",
                _ => ", and so is a copy in another region",
            };
            format!(
                "daily at {} UTC, kept for {} days{copies}",
                of.window_start, of.retention_days
            )
        }
        Properties::LogGroup(_) => physical_name.to_owned(),
        Properties::ElasticIp(_) | Properties::NatGateway(_) | Properties::Dashboard(_) => return cost(properties),
        Properties::Accelerator(accelerator) => {
            let state = if accelerator.enabled { "" } else { "takes no traffic, " };
            return Some(format!("{state}{}", cost(properties)?));
        }
        Properties::AcceleratorListener(listener) => format!("port {}", listener.port),
        Properties::EndpointGroup(group) => group.region.to_string(),
        Properties::HealthCheck(check) => {
            let protocol = match check.protocol {
                HealthCheckProtocol::Http => "HTTP",
                HealthCheckProtocol::Https => "HTTPS",
            };
            let how = format!("{protocol} on port {}, {}", check.port, check.path);
            match cost(properties) {
                Some(cost) => format!("{how}, {cost}"),
                None => how,
            }
        }
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
        | Properties::Target(_)
        | Properties::BackupVault(_)
        | Properties::BackupSelection(_)
        | Properties::EventTarget(_)
        | Properties::Topic(_) => return None,
    };
    Some(fact)
}

/// As much of a value as stands in a line.
fn shortened(value: &str) -> String {
    const LENGTH_MAX: usize = 60;
    let line: String = value
        .chars()
        .take_while(|char| !char.is_control())
        .take(LENGTH_MAX)
        .collect();
    match line == value {
        true => line,
        false => format!("{line}…"),
    }
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
        Properties::Bucket(bucket) => Some(match bucket.force_empty {
            true => "what is in it is lost",
            false => "it must be empty",
        }),
        Properties::Accelerator(_) => Some("its addresses go back to AWS"),
        Properties::Parameter(of) => of.value.is_none().then_some("its value is lost"),
        Properties::BackupVault(_) => Some("every recovery point in it is deleted"),
        Properties::KmsKey(_) => Some("scheduled for deletion: with it goes what it has encrypted"),
        Properties::DbInstance(_)
        | Properties::DbCluster(_)
        | Properties::ReplicationGroup(_)
        | Properties::Stream(_)
        | Properties::Table(_) => Some("its data is lost"),
        Properties::BucketReplication(_)
        | Properties::Vpc(_)
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
        | Properties::GlobalCluster(_)
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
        | Properties::ApiDomain(_)
        | Properties::ApiMapping(_)
        | Properties::EventBus(_)
        | Properties::EventRule(_)
        | Properties::EventTarget(_)
        | Properties::GlobalEndpoint(_)
        | Properties::Function(_)
        | Properties::FunctionPermission(_)
        | Properties::LoadBalancer(_)
        | Properties::TargetGroup(_)
        | Properties::Listener(_)
        | Properties::ListenerRule(_)
        | Properties::Target(_)
        | Properties::BackupPlan(_)
        | Properties::BackupSelection(_)
        | Properties::Alarm(_)
        | Properties::LogGroup(_)
        | Properties::Topic(_)
        | Properties::Subscription(_)
        | Properties::AcceleratorListener(_)
        | Properties::EndpointGroup(_)
        | Properties::HealthCheck(_)
        | Properties::Dashboard(_) => None,
    }
}
