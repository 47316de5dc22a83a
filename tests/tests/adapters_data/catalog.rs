//! What the catalog asks: quotas, what is used of them, what carries a stack's tags; and who asks.

use std::collections::{BTreeMap, BTreeSet};

use anyhow::{Context, Result, bail, ensure};
use outrigger_aws_cloudwatch::Alarms;
use outrigger_aws_elasticache::nodes;
use outrigger_aws_kinesis::{Streams, shards};
use outrigger_aws_resourcegroupstagging::tagged;
use outrigger_aws_secretsmanager::Secrets;
use outrigger_aws_servicequotas::quota;
use outrigger_aws_sts::caller;
use outrigger_engine::ports::catalog::{Catalog, Counted};
use outrigger_engine::ports::provider::{CallErrorKind, Provider};
use outrigger_model::properties::{
    Alarm, Apply, CacheSubnetGroup, Comparison, LoadBalancerType, MissingData, ReplicationGroup, Statistic, Stream,
};
use outrigger_model::{Kind, Properties, Region, StackId};
use serde_json::json;

use crate::harness::{TOKEN, region, resource, settle, target, text, vpc, with_aws};
use crate::plan_stack_catalog::AwsCatalog;
use crate::secrets::secret;

#[test]
fn quotas() -> Result<()> {
    with_aws(async |aws| {
        let (ours, region) = (aws.aws(), region(aws));
        ensure!(quota(&ours, &region, "vpc", "L-F678F1CE").await? == 100);
        ensure!(quota(&ours, &region, "elasticache", "L-DFE45DF3").await? == 300);
        // What the account has no value for: AWS's default.
        let no_such = json!({"fail": [{
            "service": "servicequotas", "operation": "GetServiceQuota", "times": -1, "code": "NoSuchResourceException",
            "status": 400
        }]});
        aws.set_faults(&no_such)?;
        ensure!(quota(&ours, &region, "vpc", "L-F678F1CE").await? == 5);
        aws.set_faults(&json!({}))?;
        let unknown = quota(&ours, &region, "vpc", "L-00000000").await;
        let unknown = unknown.err().context("a quota that there is not")?;
        ensure!(
            unknown.code == "NoSuchResourceException" && unknown.message.starts_with("quota L-00000000 of vpc: "),
            "{unknown:?}"
        );
        let denied = json!({"fail": [{
            "service": "servicequotas", "operation": "GetServiceQuota", "times": -1, "code": "AccessDeniedException",
            "status": 400
        }]});
        aws.set_faults(&denied)?;
        let denied = quota(&ours, &region, "vpc", "L-F678F1CE")
            .await
            .map_err(|error| error.kind);
        ensure!(denied == Err(CallErrorKind::Denied), "{denied:?}");
        aws.set_faults(&json!({}))?;

        ensure!(nodes(&ours, &region).await? == 0);
        let before = shards(&ours, &region).await?;
        ensure!(
            before.counts == Counted::Shards && before.used == 0 && before.limit > 0,
            "{before:?}"
        );
        let arn = caller(&ours, Some(&region)).await?;
        ensure!(arn == "arn:aws:iam::000000000000:root", "{arn}");
        ensure!(caller(&ours, None).await? == arn);
        Ok(())
    })
}

#[test]
fn what_carries_a_stack_s_tags_is_found() -> Result<()> {
    with_aws(async |aws| {
        let (ours, region) = (aws.aws(), region(aws));
        let vpc = vpc(aws).await?;
        let caches = crate::caches::caches(&ours);
        let group = CacheSubnetGroup {
            vpc: outrigger_model::Input::Text("vpc-0".to_owned()),
            description: "private".to_owned(),
            subnets: vpc.subnets.clone(),
        };
        let group = resource(aws, "cache", Properties::CacheSubnetGroup(group));
        let cache = ReplicationGroup {
            description: "sessions".to_owned(),
            engine_version: "7.0".to_owned(),
            node_type: "cache.t3.micro".to_owned(),
            nodes: 3,
            port: 6379,
            automatic_failover: true,
            multi_az: true,
            subnet_group: text(&group.physical_name),
            security_groups: vec![text(&vpc.group)],
            encryption_key: None,
            auth_secret: None,
            apply: Apply::Now,
            allow_replace: false,
        };
        let stream = Stream {
            shards: 2,
            retention_hours: 24,
            shard_metrics: Default::default(),
            encryption_key: None,
        };
        let alarm = Alarm {
            description: "no records".to_owned(),
            namespace: "AWS/Kinesis".to_owned(),
            metric: "IncomingRecords".to_owned(),
            dimensions: BTreeMap::from([("StreamName".to_owned(), text("events"))]),
            statistic: Statistic::Sum,
            comparison: Comparison::LessThan,
            threshold: 1.0,
            period_seconds: 300,
            periods: 3,
            missing_data: MissingData::Breaching,
            topics: Vec::new(),
        };
        let (streams, secrets, alarms) = (Streams::new(&ours), Secrets::new(&ours), Alarms::new(&ours));
        let made: [(&dyn Provider, _); 5] = [
            (&caches, group),
            (&caches, resource(aws, "cache", Properties::ReplicationGroup(cache))),
            (&streams, resource(aws, "events", Properties::Stream(stream))),
            (&secrets, secret(aws)),
            (&alarms, resource(aws, "events-silent", Properties::Alarm(alarm))),
        ];
        let mut expected = BTreeMap::new();
        for (provider, resource) in made {
            let observed = settle(provider, &target(&resource, TOKEN)).await?;
            expected.insert(resource.key.kind, observed.id);
        }
        // The network is nobody's, until it carries the tags.
        let ec2 = aws_sdk_ec2::Client::new(&aws.sdk_config(aws.region()));
        let tag = |key: &str, value: &str| aws_sdk_ec2::types::Tag::builder().key(key).value(value).build();
        ec2.create_tags()
            .resources(&vpc.group)
            .tags(tag("outrigger:stack", "data-processing"))
            .tags(tag("outrigger:environment", "production"))
            .send()
            .await?;
        expected.insert(Kind::SecurityGroup, vpc.group.clone());

        let stack = StackId {
            stack: "data-processing".to_owned(),
            environment: "production".to_owned(),
        };
        let found = tagged(&ours, &region, &stack).await?;
        let found: BTreeMap<_, _> = found.into_iter().map(|tagged| (tagged.kind, tagged.id)).collect();
        ensure!(found == expected, "{found:?} instead of {expected:?}");
        ensure!(nodes(&ours, &region).await? == 3);
        ensure!(shards(&ours, &region).await?.used == 2);

        // Both tags count, and the region.
        let other = StackId {
            environment: "staging".to_owned(),
            ..stack.clone()
        };
        ensure!(tagged(&ours, &region, &other).await?.is_empty());
        ensure!(tagged(&ours, &Region::new("eu-west-1"), &stack).await?.is_empty());
        Ok(())
    })
}

/// What `plan-stack` asks, as it asks it.
#[test]
fn the_planner_s_catalog() -> Result<()> {
    with_aws(async |aws| {
        let (catalog, region) = (AwsCatalog::new(&aws.aws()), region(aws));
        let all = Kind::ALL.iter().copied().collect();
        let quotas = catalog.quotas(&region, &all).await?;
        let counted = |counts| {
            let mut of = quotas.iter().filter(|quota| quota.counts == counts);
            (of.next(), of.next())
        };
        for counts in [
            Counted::Objects(Kind::Vpc),
            Counted::Objects(Kind::InternetGateway),
            Counted::Objects(Kind::SecurityGroup),
            Counted::DbInstances,
            Counted::Objects(Kind::DbCluster),
            Counted::Objects(Kind::DbSubnetGroup),
            Counted::Objects(Kind::DbParameterGroup),
            Counted::ObjectsPerVpc(Kind::Subnet),
            Counted::ObjectsPerVpc(Kind::RouteTable),
            Counted::Objects(Kind::ElasticIp),
            Counted::GatewayEndpoints,
            Counted::InterfaceEndpointsPerVpc,
            Counted::StorageGib,
            Counted::CacheNodes,
            Counted::Shards,
            Counted::Objects(Kind::KmsKey),
            Counted::Objects(Kind::RestApi),
            Counted::Objects(Kind::ApiKey),
            Counted::Objects(Kind::ApiDomain),
            Counted::LoadBalancers(LoadBalancerType::Network),
            Counted::LoadBalancers(LoadBalancerType::Application),
            Counted::Objects(Kind::TargetGroup),
            Counted::Objects(Kind::EventBus),
            Counted::ObjectsPerBus(Kind::EventRule),
        ] {
            let (Some(quota), None) = counted(counts) else {
                bail!("{counts:?} is not there once: {quotas:?}");
            };
            ensure!(quota.limit > quota.used, "{quota:?}");
        }
        ensure!(quotas.len() == 24, "{quotas:?}");
        // The default VPC.
        let (vpcs, _) = counted(Counted::Objects(Kind::Vpc));
        let before = vpcs.context("no quota of VPCs")?.used;
        vpc(aws).await?;
        let network = BTreeSet::from([Kind::Vpc, Kind::Subnet]);
        let quotas = catalog.quotas(&region, &network).await?;
        let used: Vec<_> = quotas.iter().map(|quota| (quota.name.as_str(), quota.used)).collect();
        ensure!(
            used == [("VPCs per Region", before + 1), ("Subnets per VPC", 0)],
            "{quotas:?}"
        );

        // A quota that cannot be read is told, not passed over.
        let denied = json!({"fail": [{
            "service": "servicequotas", "operation": "GetServiceQuota", "times": -1, "code": "AccessDeniedException",
            "status": 400
        }]});
        aws.set_faults(&denied)?;
        let error = catalog
            .quotas(&region, &network)
            .await
            .err()
            .context("it was passed over")?;
        let told = error.to_string();
        ensure!(
            told.starts_with("servicequotas:GetServiceQuota failed: quota L-"),
            "{told}"
        );
        aws.set_faults(&json!({}))?;

        let parameters = catalog.parameters(&region, "postgres15").await?;
        ensure!(
            parameters
                .get("shared_preload_libraries")
                .is_some_and(|it| it.is_static),
            "{parameters:?}"
        );
        let stack = StackId {
            stack: "none".to_owned(),
            environment: "none".to_owned(),
        };
        ensure!(catalog.tagged(&region, &stack).await?.is_empty());
        Ok(())
    })
}
