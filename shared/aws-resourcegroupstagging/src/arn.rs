//! What an ARN says: the kind of the object, and the id under which its adapter observes it.
//! <https://docs.aws.amazon.com/service-authorization/latest/reference/reference_policies_actions-resources-contextkeys.html>

use outrigger_engine::ports::catalog::Tagged;
use outrigger_model::{Kind, ResourceKey};

/// What an ARN names, where that is of a kind that Outrigger stands up. `resource` is the value of the object's tag
/// [`outrigger_model::resource::TAG_RESOURCE`]: a cluster's instances have the same ARNs as other instances.
pub(crate) fn tagged(arn: &str, resource: Option<&str>) -> Option<Tagged> {
    let mut tagged = named_by(arn)?;
    let key: Option<ResourceKey> = resource.and_then(|resource| resource.parse().ok());
    if let (Kind::DbInstance, Some(Kind::DbClusterInstance)) = (tagged.kind, key.as_ref().map(|key| key.kind)) {
        tagged.kind = Kind::DbClusterInstance;
    }
    if let (Kind::Secret, Some(key)) = (tagged.kind, &key) {
        tagged.id = of_primary(&tagged.id, key.region.as_str());
    }
    Some(tagged)
}

/// A replica of a secret carries the tags of the secret that it replicates, and has its ARN but for the region: it is a part
/// of that. <https://docs.aws.amazon.com/secretsmanager/latest/userguide/replicate-secrets.html>
fn of_primary(arn: &str, region: &str) -> String {
    let parts = arn.split(':').enumerate();
    let parts = parts.map(|(index, part)| if index == 3 { region } else { part });
    parts.collect::<Vec<_>>().join(":")
}

fn named_by(arn: &str) -> Option<Tagged> {
    // arn:<partition>:<service>:<region>:<account>:<resource>
    let mut parts = arn.splitn(6, ':').skip(2);
    let (service, resource) = (parts.next()?, parts.nth(2)?);
    if service == "apigateway" {
        let (kind, id) = api_gateway(resource)?;
        let arn = arn.to_owned();
        return Some(Tagged { arn, kind, id });
    }
    let (kind, id) = match service {
        // <type>/<id>
        "ec2" => {
            let (kind, id) = resource.split_once('/')?;
            (ec2(kind)?, id)
        }
        "events" => match resource.split_once('/')? {
            ("event-bus", name) => (Kind::EventBus, name),
            // <bus>/<name>; a rule of the default bus has its name alone.
            ("rule", id) => (Kind::EventRule, Some(id).filter(|id| id.contains('/'))?),
            _ => return None,
        },
        "kms" => (Kind::KmsKey, resource.strip_prefix("key/")?),
        "kinesis" => (Kind::Stream, stream(resource)?),
        // arn:aws:s3:::<name>: of its objects nothing is asked.
        "s3" => (Kind::Bucket, Some(resource).filter(|name| !name.contains('/'))?),
        // A table alone: its backups and streams are named within it.
        "dynamodb" => (
            Kind::Table,
            resource.strip_prefix("table/").filter(|name| !name.contains('/'))?,
        ),
        // <type>:<name>
        "rds" => named(
            resource,
            &[
                ("db", Kind::DbInstance),
                ("cluster", Kind::DbCluster),
                ("global-cluster", Kind::GlobalCluster),
                ("subgrp", Kind::DbSubnetGroup),
                ("pg", Kind::DbParameterGroup),
            ],
        )?,
        "elasticache" => {
            let kinds = [
                ("replicationgroup", Kind::ReplicationGroup),
                ("subnetgroup", Kind::CacheSubnetGroup),
            ];
            named(resource, &kinds)?
        }
        "cloudwatch" => match resource.strip_prefix("dashboard/") {
            Some(name) => (Kind::Dashboard, name),
            None => named(resource, &[("alarm", Kind::Alarm)])?,
        },
        "route53" => (Kind::HealthCheck, resource.strip_prefix("healthcheck/")?),
        // An accelerator alone: what is in it goes on after its id.
        "globalaccelerator" => (
            Kind::Accelerator,
            resource
                .strip_prefix("accelerator/")
                .filter(|id| !id.contains('/'))
                .map(|_| arn)?,
        ),
        // What goes on is a version or an alias.
        "lambda" => {
            let (kind, name) = named(resource, &[("function", Kind::Function)])?;
            (kind, Some(name).filter(|name| !name.contains(':'))?)
        }
        "logs" => {
            let (kind, name) = named(resource, &[("log-group", Kind::LogGroup)])?;
            // Some of AWS's answers name the group's streams along with it.
            let name = name.strip_suffix(":*").unwrap_or(name);
            (kind, Some(name).filter(|name| !name.contains(':'))?)
        }
        // The name is a path: `parameter/<stack>/<environment>/<name>`. It is observed by its ARN.
        "ssm" => (
            Kind::Parameter,
            Some(arn).filter(|_| resource.starts_with("parameter/"))?,
        ),
        // <type>:<name>, or the plan's id.
        "backup" => {
            let kinds = [("backup-vault", Kind::BackupVault), ("backup-plan", Kind::BackupPlan)];
            named(resource, &kinds)?
        }
        // <name>; a subscription's goes on with its id.
        "sns" => (Kind::Topic, Some(arn).filter(|_| !resource.contains(':'))?),
        // Secrets are observed by their ARN, which says more than the name.
        "secretsmanager" => (named(resource, &[("secret", Kind::Secret)])?.0, arn),
        // Load balancers and what they have are observed by their ARNs.
        "elasticloadbalancing" => (load_balancing(resource)?, arn),
        _ => return None,
    };
    (!id.is_empty()).then(|| Tagged {
        arn: arn.to_owned(),
        kind,
        id: id.to_owned(),
    })
}

/// `/restapis/<id>`, `/restapis/<id>/stages/<name>`, `/usageplans/<id>`, `/apikeys/<id>`, `/domainnames/<name>`.
fn api_gateway(resource: &str) -> Option<(Kind, String)> {
    let parts: Vec<&str> = resource.split('/').skip(1).collect();
    match parts.as_slice() {
        ["restapis", id] => Some((Kind::RestApi, (*id).to_owned())),
        ["restapis", id, "stages", name] => Some((Kind::ApiStage, format!("{id}:{name}"))),
        ["usageplans", id] => Some((Kind::UsagePlan, (*id).to_owned())),
        ["domainnames", name] => Some((Kind::ApiDomain, (*name).to_owned())),
        ["apikeys", id] => Some((Kind::ApiKey, (*id).to_owned())),
        _ => None,
    }
}

/// `loadbalancer/net/<name>/<id>`, `targetgroup/<name>/<id>`, `listener/net/<name>/<id>/<id>`, `listener-rule/app/<name>/<id>/<id>/<id>`; a classic load balancer has no
/// type in its ARN.
fn load_balancing(resource: &str) -> Option<Kind> {
    let parts: Vec<&str> = resource.split('/').collect();
    match parts.as_slice() {
        ["loadbalancer", "net" | "app", _, _] => Some(Kind::LoadBalancer),
        ["targetgroup", _, _] => Some(Kind::TargetGroup),
        ["listener", "net" | "app", _, _, _] => Some(Kind::Listener),
        ["listener-rule", "app", _, _, _, _] => Some(Kind::ListenerRule),
        _ => None,
    }
}

fn ec2(kind: &str) -> Option<Kind> {
    match kind {
        "vpc" => Some(Kind::Vpc),
        "subnet" => Some(Kind::Subnet),
        "internet-gateway" => Some(Kind::InternetGateway),
        "elastic-ip" => Some(Kind::ElasticIp),
        "natgateway" => Some(Kind::NatGateway),
        "route-table" => Some(Kind::RouteTable),
        "vpc-peering-connection" => Some(Kind::VpcPeering),
        "security-group" => Some(Kind::SecurityGroup),
        "vpc-endpoint" => Some(Kind::VpcEndpoint),
        _ => None,
    }
}

/// `stream/<name>`; what is registered with a stream goes on with `/consumer/...`.
fn stream(resource: &str) -> Option<&str> {
    resource.strip_prefix("stream/").filter(|name| !name.contains('/'))
}

/// `<type>:<name>`, of one of these types.
fn named<'a>(resource: &'a str, kinds: &[(&str, Kind)]) -> Option<(Kind, &'a str)> {
    let (kind, name) = resource.split_once(':')?;
    let (_, kind) = kinds.iter().find(|(known, _)| *known == kind)?;
    Some((*kind, name))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_replica_of_a_secret_is_a_part_of_it() {
        let arn = |region: &str| format!("arn:aws:secretsmanager:{region}:123456789012:secret:a-b-main-x1y2z3");
        let of = |region: &str| tagged(&arn(region), Some("us-east-1/secret/main")).map(|tagged| tagged.id);
        assert_eq!(of("us-east-2"), Some(arn("us-east-1")));
        assert_eq!(of("us-east-1"), Some(arn("us-east-1")));
        assert_eq!(
            tagged(&arn("us-east-2"), None).map(|tagged| tagged.id),
            Some(arn("us-east-2"))
        );
    }

    #[test]
    fn a_cluster_s_instances_are_told_apart_by_their_tags() {
        let arn = "arn:aws:rds:us-east-1:123456789012:db:a-b-main-1";
        let of = |resource: Option<&str>| tagged(arn, resource).map(|tagged| (tagged.kind, tagged.id));
        let id = "a-b-main-1".to_owned();
        let table = [
            (Some("us-east-1/db-cluster-instance/main-1"), Kind::DbClusterInstance),
            (Some("us-east-1/db-instance/main-1"), Kind::DbInstance),
            (Some("us-east-1/db-cluster/main"), Kind::DbInstance),
            (Some("anything"), Kind::DbInstance),
            (None, Kind::DbInstance),
        ];
        for (resource, kind) in table {
            assert_eq!(of(resource), Some((kind, id.clone())), "{resource:?}");
        }
    }

    #[test]
    fn every_kind_is_recognised_by_its_arn() {
        let check = |resource: &str, expected: Option<(Kind, &str)>| {
            let (service, resource) = resource.split_once(' ').unwrap();
            let arn = format!("arn:aws:{service}:us-east-1:123456789012:{resource}");
            let found = tagged(&arn, None).map(|tagged| {
                assert_eq!(tagged.arn, arn);
                (tagged.kind, tagged.id)
            });
            let expected = expected.map(|(kind, id)| (kind, id.to_owned()));
            assert_eq!(found, expected, "{arn}");
        };
        check("ec2 vpc/vpc-1", Some((Kind::Vpc, "vpc-1")));
        check("ec2 subnet/subnet-1", Some((Kind::Subnet, "subnet-1")));
        check("ec2 internet-gateway/igw-1", Some((Kind::InternetGateway, "igw-1")));
        check("ec2 elastic-ip/eipalloc-1", Some((Kind::ElasticIp, "eipalloc-1")));
        check("ec2 natgateway/nat-1", Some((Kind::NatGateway, "nat-1")));
        check("ec2 vpc-endpoint/vpce-1", Some((Kind::VpcEndpoint, "vpce-1")));
        check("ec2 route-table/rtb-1", Some((Kind::RouteTable, "rtb-1")));
        check("ec2 vpc-peering-connection/pcx-1", Some((Kind::VpcPeering, "pcx-1")));
        check("ec2 security-group/sg-1", Some((Kind::SecurityGroup, "sg-1")));
        check("ec2 security-group-rule/sgr-1", None);
        check("ec2 network-interface/eni-1", None);
        check("rds db:a-b-db", Some((Kind::DbInstance, "a-b-db")));
        check("rds subgrp:a-b-db", Some((Kind::DbSubnetGroup, "a-b-db")));
        check("rds pg:a-b-db", Some((Kind::DbParameterGroup, "a-b-db")));
        check("rds snapshot:a-b-db", None);
        check("rds snapshot:rds:a-b-db", None);
        check("rds cluster:a-b-db", Some((Kind::DbCluster, "a-b-db")));
        check("rds global-cluster:a-b-db", Some((Kind::GlobalCluster, "a-b-db")));
        check("rds cluster-snapshot:a-b-db", None);
        check(
            "elasticache replicationgroup:a-b-cache",
            Some((Kind::ReplicationGroup, "a-b-cache")),
        );
        check(
            "elasticache subnetgroup:a-b-cache",
            Some((Kind::CacheSubnetGroup, "a-b-cache")),
        );
        check("elasticache cluster:a-b-cache-001", None);
        check("elasticache snapshot:a", None);
        check("kinesis stream/a-b-events", Some((Kind::Stream, "a-b-events")));
        check("kinesis stream/a-b-events/consumer/c:1", None);
        check("kms key/1234-ab", Some((Kind::KmsKey, "1234-ab")));
        check("kms alias/a", None);
        check("events event-bus/a-b-events", Some((Kind::EventBus, "a-b-events")));
        check(
            "events rule/a-b-events/a-b-r",
            Some((Kind::EventRule, "a-b-events/a-b-r")),
        );
        check("events rule/of-the-default-bus", None);
        check("events endpoint/a-b-events", None);
        check("cloudwatch alarm:a-b-alarm", Some((Kind::Alarm, "a-b-alarm")));
        check("cloudwatch dashboard/a-b-main", Some((Kind::Dashboard, "a-b-main")));
        check("route53 healthcheck/1234-ab", Some((Kind::HealthCheck, "1234-ab")));
        check("route53 hostedzone/Z1", None);
        let accelerator = "arn:aws:globalaccelerator:us-east-1:123456789012:accelerator/1234-ab";
        check(
            "globalaccelerator accelerator/1234-ab",
            Some((Kind::Accelerator, accelerator)),
        );
        check("globalaccelerator accelerator/1234-ab/listener/cd", None);
        let group = "/aws/rds/instance/a-b-db/postgresql";
        check(&format!("logs log-group:{group}"), Some((Kind::LogGroup, group)));
        check(&format!("logs log-group:{group}:*"), Some((Kind::LogGroup, group)));
        check("logs log-group:a:log-stream:b", None);
        let secret = "arn:aws:secretsmanager:us-east-1:123456789012:secret:a-b-db-AbCdEf";
        check("secretsmanager secret:a-b-db-AbCdEf", Some((Kind::Secret, secret)));
        let topic = "arn:aws:sns:us-east-1:123456789012:a-b-alerts";
        check("sns a-b-alerts", Some((Kind::Topic, topic)));
        check("lambda function:a-b-recorder", Some((Kind::Function, "a-b-recorder")));
        check("lambda function:a-b-recorder:7", None);
        check("sns a-b-alerts:8a21d249-4329-4871-acc6-7be709c6ea7f", None);
        for (resource, expected) in [
            ("/restapis/abc", Some((Kind::RestApi, "abc"))),
            ("/restapis/abc/stages/prod", Some((Kind::ApiStage, "abc:prod"))),
            ("/usageplans/def", Some((Kind::UsagePlan, "def"))),
            ("/apikeys/ghi", Some((Kind::ApiKey, "ghi"))),
            ("/domainnames/example.com", Some((Kind::ApiDomain, "example.com"))),
            ("/domainnames/example.com/basepathmappings/v1", None),
        ] {
            let arn = format!("arn:aws:apigateway:us-east-1::{resource}");
            let found = tagged(&arn, None).map(|tagged| (tagged.kind, tagged.id));
            assert_eq!(found, expected.map(|(kind, id)| (kind, id.to_owned())), "{arn}");
        }
        for (resource, kind) in [
            ("loadbalancer/net/a/1", Some(Kind::LoadBalancer)),
            ("loadbalancer/app/a/1", Some(Kind::LoadBalancer)),
            ("loadbalancer/a", None),
            ("targetgroup/a/1", Some(Kind::TargetGroup)),
            ("listener/net/a/1/2", Some(Kind::Listener)),
            ("listener-rule/app/a/1/2/3", Some(Kind::ListenerRule)),
        ] {
            let arn = format!("arn:aws:elasticloadbalancing:us-east-1:123456789012:{resource}");
            let found = tagged(&arn, None).map(|tagged| (tagged.kind, tagged.id));
            assert_eq!(found, kind.map(|kind| (kind, arn.clone())), "{arn}");
        }
        let parameter = "arn:aws:ssm:us-east-1:123456789012:parameter/a/b/flags";
        check("ssm parameter/a/b/flags", Some((Kind::Parameter, parameter)));
        check("ssm document/a", None);
        check("backup backup-vault:a-b-daily", Some((Kind::BackupVault, "a-b-daily")));
        check("backup backup-plan:1234-ab", Some((Kind::BackupPlan, "1234-ab")));
        check("backup recovery-point:1234-ab", None);
        check("dynamodb table/a-b-events", Some((Kind::Table, "a-b-events")));
        check("dynamodb table/a-b-events/backup/1", None);
        let bucket = tagged("arn:aws:s3:::a-b-documents", None).map(|tagged| (tagged.kind, tagged.id));
        assert_eq!(bucket, Some((Kind::Bucket, "a-b-documents".to_owned())));
        assert_eq!(tagged("text", None), None);
    }
}
