//! The demo's stack, value by value, as AWS shows it.

use std::collections::{BTreeMap, BTreeSet};

use outrigger_tests::LocalAws;
use serde_json::Value;

use crate::harness::{document_of, file_of, json_of, now_ms, outrigger, resource_calls, shared};

/// Everything of a stack that AWS holds, by service's own lists.
#[derive(Debug, Default, PartialEq)]
pub struct Holdings(pub BTreeMap<&'static str, Vec<String>>);

impl Holdings {
    pub async fn of(aws: &LocalAws, stack: &str) -> Self {
        let config = aws.sdk_config("us-east-1");
        let prefix = format!("{stack}-");
        let mut found: BTreeMap<&'static str, Vec<String>> = BTreeMap::new();
        let ec2 = aws_sdk_ec2::Client::new(&config);
        let of_stack = aws_sdk_ec2::types::Filter::builder()
            .name("tag:outrigger:stack")
            .values(stack)
            .build();
        let name = |tags: &[aws_sdk_ec2::types::Tag]| {
            let name = tags.iter().find(|tag| tag.key() == Some("Name"));
            name.and_then(|tag| tag.value()).unwrap_or_default().to_owned()
        };
        let vpcs = ec2.describe_vpcs().filters(of_stack.clone()).send().await.unwrap();
        found.insert("vpc", vpcs.vpcs().iter().map(|it| name(it.tags())).collect());
        let subnets = ec2.describe_subnets().filters(of_stack.clone()).send().await.unwrap();
        found.insert("subnet", subnets.subnets().iter().map(|it| name(it.tags())).collect());
        let gateways = ec2
            .describe_internet_gateways()
            .filters(of_stack.clone())
            .send()
            .await
            .unwrap();
        found.insert(
            "internet gateway",
            gateways.internet_gateways().iter().map(|it| name(it.tags())).collect(),
        );
        let tables = ec2
            .describe_route_tables()
            .filters(of_stack.clone())
            .send()
            .await
            .unwrap();
        found.insert(
            "route table",
            tables.route_tables().iter().map(|it| name(it.tags())).collect(),
        );
        let groups = ec2.describe_security_groups().filters(of_stack).send().await.unwrap();
        found.insert(
            "security group",
            groups.security_groups().iter().map(|it| name(it.tags())).collect(),
        );
        let ours = |names: Vec<&str>| -> Vec<String> {
            names
                .into_iter()
                .filter(|name| name.starts_with(&prefix))
                .map(str::to_owned)
                .collect()
        };
        let rds = aws_sdk_rds::Client::new(&config);
        let instances = rds.describe_db_instances().send().await.unwrap();
        found.insert(
            "database",
            ours(
                instances
                    .db_instances()
                    .iter()
                    .filter_map(|it| it.db_instance_identifier())
                    .collect(),
            ),
        );
        let groups = rds.describe_db_subnet_groups().send().await.unwrap();
        found.insert(
            "db subnet group",
            ours(
                groups
                    .db_subnet_groups()
                    .iter()
                    .filter_map(|it| it.db_subnet_group_name())
                    .collect(),
            ),
        );
        let elasticache = aws_sdk_elasticache::Client::new(&config);
        let caches = elasticache.describe_replication_groups().send().await.unwrap();
        found.insert(
            "cache",
            ours(
                caches
                    .replication_groups()
                    .iter()
                    .filter_map(|it| it.replication_group_id())
                    .collect(),
            ),
        );
        let groups = elasticache.describe_cache_subnet_groups().send().await.unwrap();
        found.insert(
            "cache subnet group",
            ours(
                groups
                    .cache_subnet_groups()
                    .iter()
                    .filter_map(|it| it.cache_subnet_group_name())
                    .collect(),
            ),
        );
        let streams = aws_sdk_kinesis::Client::new(&config)
            .list_streams()
            .send()
            .await
            .unwrap();
        found.insert(
            "stream",
            ours(streams.stream_names().iter().map(String::as_str).collect()),
        );
        let secrets = aws_sdk_secretsmanager::Client::new(&config)
            .list_secrets()
            .send()
            .await
            .unwrap();
        found.insert(
            "secret",
            ours(secrets.secret_list().iter().filter_map(|it| it.name()).collect()),
        );
        let alarms = aws_sdk_cloudwatch::Client::new(&config)
            .describe_alarms()
            .send()
            .await
            .unwrap();
        found.insert(
            "alarm",
            ours(alarms.metric_alarms().iter().filter_map(|it| it.alarm_name()).collect()),
        );
        for names in found.values_mut() {
            names.sort();
        }
        Self(found)
    }

    /// Fails unless there is just what the demo's document asks for, once.
    pub fn assert_whole(&self, stack: &str) {
        let count: BTreeMap<&str, usize> = self.0.iter().map(|(kind, names)| (*kind, names.len())).collect();
        let wanted = BTreeMap::from([
            ("vpc", 1),
            ("subnet", 4),
            ("internet gateway", 1),
            ("route table", 2),
            ("security group", 2),
            ("database", 1),
            ("db subnet group", 1),
            ("cache", 1),
            ("cache subnet group", 1),
            ("stream", 1),
            ("secret", 1),
            ("alarm", 4),
        ]);
        assert_eq!(count, wanted, "{stack}: {self:?}");
    }

    pub fn assert_none(&self, stack: &str) {
        assert!(self.0.values().all(Vec::is_empty), "{stack} left behind {self:?}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_stack_stands_up_as_its_document_says_and_comes_down() {
    let aws = shared();
    let stack = "data-processing";
    let name = |resource: &str| format!("{stack}-production-{resource}");
    let file = file_of(&document_of(stack));
    let path = file.path().to_str().unwrap();
    let ended = json_of(&outrigger(aws, &["up", path, "--yes", "--output", "json"]));
    assert_eq!(ended["succeeded"], true, "{ended}");
    Holdings::of(aws, stack).await.assert_whole(stack);
    let outputs = &ended["outputs"];
    let config = aws.sdk_config("us-east-1");

    network(&config, outputs, &name).await;
    datastores(&config, outputs, &name).await;
    alarms(&config, &name).await;

    // The same once more: nothing is changed.
    let before_ms = now_ms();
    let again = json_of(&outrigger(aws, &["up", path, "--yes", "--output", "json"]));
    assert_eq!(again["succeeded"], true, "{again}");
    assert_eq!(&again["outputs"], outputs);
    let calls = resource_calls(aws, before_ms);
    assert!(
        calls.iter().any(|call| call.operation == "DescribeVpcs"),
        "nothing was looked at"
    );
    let mutating: Vec<_> = calls
        .iter()
        .filter(|call| call.mutating)
        .filter(|call| concerns(call, stack))
        .collect();
    assert!(mutating.is_empty(), "{mutating:?}");

    let shown = json_of(&outrigger(aws, &["outputs", stack, "--output", "json"]));
    assert_eq!(&shown, outputs);
    let status = outrigger(aws, &["status", stack]);
    assert!(status.status.success());
    let text = String::from_utf8(status.stdout).unwrap();
    for word in [
        "network",
        "datastore",
        "observability",
        "us-east-1/db-instance/database",
        "done",
    ] {
        assert!(text.contains(word), "{word} is missing:\n{text}");
    }

    let destroyed = json_of(&outrigger(
        aws,
        &["destroy", &format!("{stack}/production"), "--yes", "--output", "json"],
    ));
    assert_eq!(destroyed["succeeded"], true, "{destroyed}");
    Holdings::of(aws, stack).await.assert_none(stack);
}

/// Whether a call names a stack: other tests are at work on the same AWS.
fn concerns(call: &outrigger_tests::Call, stack: &str) -> bool {
    call.parameters.to_string().contains(stack)
}

async fn network(config: &aws_config::SdkConfig, outputs: &Value, name: &impl Fn(&str) -> String) {
    use aws_sdk_ec2::types::{Filter, Tag, VpcAttributeName};
    let ec2 = aws_sdk_ec2::Client::new(config);
    let vpc_id = outputs["vpc_id"].as_str().unwrap();
    let tag = |tags: &[Tag], key: &str| {
        tags.iter()
            .find(|tag| tag.key() == Some(key))
            .and_then(|tag| tag.value())
            .unwrap_or_default()
            .to_owned()
    };
    let in_vpc = || Filter::builder().name("vpc-id").values(vpc_id).build();

    let vpcs = ec2.describe_vpcs().vpc_ids(vpc_id).send().await.unwrap();
    let vpc = &vpcs.vpcs()[0];
    assert_eq!(vpc.cidr_block(), Some("10.0.0.0/16"));
    assert_eq!(tag(vpc.tags(), "Name"), name("vpc"));
    assert_eq!(tag(vpc.tags(), "Environment"), "production");
    assert_eq!(tag(vpc.tags(), "outrigger:resource"), "us-east-1/vpc/vpc");
    for (attribute, what) in [
        (VpcAttributeName::EnableDnsSupport, "support"),
        (VpcAttributeName::EnableDnsHostnames, "host names"),
    ] {
        let shown = ec2
            .describe_vpc_attribute()
            .vpc_id(vpc_id)
            .attribute(attribute)
            .send()
            .await
            .unwrap();
        let on = shown
            .enable_dns_support()
            .or(shown.enable_dns_hostnames())
            .and_then(|it| it.value());
        assert_eq!(on, Some(true), "DNS {what}");
    }

    let subnets = ec2.describe_subnets().filters(in_vpc()).send().await.unwrap();
    let shown: BTreeSet<(String, String, bool, String)> = subnets
        .subnets()
        .iter()
        .map(|subnet| {
            (
                subnet.cidr_block().unwrap().to_owned(),
                subnet.availability_zone().unwrap().to_owned(),
                subnet.map_public_ip_on_launch().unwrap(),
                tag(subnet.tags(), "Type"),
            )
        })
        .collect();
    let wanted = [
        ("10.0.0.0/24", "us-east-1a", true, "public"),
        ("10.0.1.0/24", "us-east-1b", true, "public"),
        ("10.0.10.0/24", "us-east-1a", false, "private"),
        ("10.0.11.0/24", "us-east-1b", false, "private"),
    ]
    .map(|(cidr, zone, public, kind)| (cidr.to_owned(), zone.to_owned(), public, kind.to_owned()));
    assert_eq!(shown, BTreeSet::from(wanted));

    let gateways = ec2.describe_internet_gateways().send().await.unwrap();
    let gateway = gateways
        .internet_gateways()
        .iter()
        .find(|gateway| {
            gateway
                .attachments()
                .iter()
                .any(|attachment| attachment.vpc_id() == Some(vpc_id))
        })
        .unwrap();

    let tables = ec2.describe_route_tables().filters(in_vpc()).send().await.unwrap();
    let of = |kind: &str| {
        tables
            .route_tables()
            .iter()
            .find(|table| tag(table.tags(), "Name") == name(kind))
            .unwrap()
    };
    for (kind, subnets) in [("public", 2), ("private", 2)] {
        let associated = of(kind)
            .associations()
            .iter()
            .filter(|it| it.subnet_id().is_some())
            .count();
        assert_eq!(associated, subnets, "{kind}");
    }
    let to_internet = |kind: &str| {
        of(kind)
            .routes()
            .iter()
            .find(|route| route.destination_cidr_block() == Some("0.0.0.0/0"))
            .and_then(|route| route.gateway_id().map(str::to_owned))
    };
    assert_eq!(to_internet("public").as_deref(), gateway.internet_gateway_id());
    assert_eq!(to_internet("private"), None);
    let nat = ec2.describe_nat_gateways().send().await.unwrap();
    assert!(
        nat.nat_gateways()
            .iter()
            .all(|gateway| gateway.vpc_id() != Some(vpc_id))
    );

    let groups = ec2.describe_security_groups().filters(in_vpc()).send().await.unwrap();
    for (component, port) in [("database", 5432), ("cache", 6379)] {
        let group = groups
            .security_groups()
            .iter()
            .find(|group| group.group_name() == Some(&name(component)))
            .unwrap();
        let [ingress] = group.ip_permissions() else {
            panic!("{component}: {:?}", group.ip_permissions());
        };
        assert_eq!(
            (ingress.from_port(), ingress.to_port()),
            (Some(port), Some(port)),
            "{component}"
        );
        assert_eq!(ingress.ip_protocol(), Some("tcp"));
        let [range] = ingress.ip_ranges() else {
            panic!("{component}: {:?}", ingress.ip_ranges());
        };
        assert_eq!(range.cidr_ip(), Some("10.0.0.0/16"));
        assert!(range.description().is_some_and(|text| !text.is_empty()));
        let all_out = group.ip_permissions_egress().iter().any(|rule| {
            rule.ip_protocol() == Some("-1")
                && rule
                    .ip_ranges()
                    .iter()
                    .any(|range| range.cidr_ip() == Some("0.0.0.0/0"))
        });
        assert!(all_out, "{component}: {:?}", group.ip_permissions_egress());
    }
}

async fn datastores(config: &aws_config::SdkConfig, outputs: &Value, name: &impl Fn(&str) -> String) {
    let rds = aws_sdk_rds::Client::new(config);
    let found = rds
        .describe_db_instances()
        .db_instance_identifier(name("database"))
        .send()
        .await
        .unwrap();
    let database = &found.db_instances()[0];
    assert_eq!(database.db_instance_status(), Some("available"));
    assert_eq!(database.engine(), Some("postgres"));
    assert_eq!(database.engine_version(), Some("15.15"));
    assert_eq!(database.db_instance_class(), Some("db.t3.micro"));
    assert_eq!(database.allocated_storage(), Some(20));
    assert_eq!(database.storage_type(), Some("gp2"));
    assert_eq!(database.storage_encrypted(), Some(true));
    assert_eq!(database.multi_az(), Some(true));
    assert_eq!(database.publicly_accessible(), Some(false));
    assert_eq!(database.db_name(), Some("tapdb"));
    assert_eq!(database.master_username(), Some("dbadmin"));
    assert_eq!(database.backup_retention_period(), Some(7));
    assert_eq!(database.preferred_backup_window(), Some("03:00-04:00"));
    assert_eq!(database.preferred_maintenance_window(), Some("mon:04:00-mon:05:00"));
    assert_eq!(database.auto_minor_version_upgrade(), Some(true));
    assert_eq!(database.deletion_protection(), Some(false));
    assert_eq!(
        database
            .db_subnet_group()
            .and_then(|group| group.db_subnet_group_name()),
        Some(name("database").as_str())
    );
    assert_eq!(database.vpc_security_groups().len(), 1);
    assert_tag(database.tag_list().iter().map(|tag| (tag.key(), tag.value())));
    let endpoint = database.endpoint().unwrap();
    assert_eq!(outputs["rds_endpoint"].as_str(), endpoint.address());

    let secrets = aws_sdk_secretsmanager::Client::new(config);
    let arn = outputs["rds_secret_arn"].as_str().unwrap();
    let value = secrets.get_secret_value().secret_id(arn).send().await.unwrap();
    let value: Value = serde_json::from_str(value.secret_string().unwrap()).unwrap();
    assert_eq!(value["username"], "dbadmin");
    assert!(value["password"].as_str().unwrap().len() >= 32);
    assert_eq!(value["engine"], "postgres");
    assert_eq!(value["host"].as_str(), endpoint.address());
    assert_eq!(value["port"].as_i64(), endpoint.port().map(i64::from));
    assert_eq!(value["dbname"], "tapdb");

    let elasticache = aws_sdk_elasticache::Client::new(config);
    let found = elasticache
        .describe_replication_groups()
        .replication_group_id(name("cache"))
        .send()
        .await
        .unwrap();
    let group = &found.replication_groups()[0];
    assert_eq!(group.status(), Some("available"));
    assert_eq!(group.member_clusters().len(), 2);
    assert_eq!(group.cache_node_type(), Some("cache.t3.micro"));
    assert_eq!(group.automatic_failover().map(|it| it.as_str()), Some("enabled"));
    assert_eq!(group.multi_az().map(|it| it.as_str()), Some("enabled"));
    assert_eq!(group.at_rest_encryption_enabled(), Some(true));
    assert_eq!(group.transit_encryption_enabled(), Some(true));
    let primary = group.node_groups()[0].primary_endpoint().unwrap();
    assert_eq!(outputs["redis_endpoint"].as_str(), primary.address());
    let member = group.member_clusters()[0].clone();
    let members = elasticache
        .describe_cache_clusters()
        .cache_cluster_id(member)
        .send()
        .await
        .unwrap();
    let member = &members.cache_clusters()[0];
    assert!(
        member.engine_version().unwrap().starts_with("7.0"),
        "{:?}",
        member.engine_version()
    );
    assert_eq!(member.cache_subnet_group_name(), Some(name("cache").as_str()));
    let tags = elasticache
        .list_tags_for_resource()
        .resource_name(group.arn().unwrap())
        .send()
        .await
        .unwrap();
    assert_tag(tags.tag_list().iter().map(|tag| (tag.key(), tag.value())));

    let kinesis = aws_sdk_kinesis::Client::new(config);
    let stream_name = outputs["kinesis_stream_name"].as_str().unwrap();
    assert_eq!(stream_name, name("stream"));
    let found = kinesis
        .describe_stream_summary()
        .stream_name(stream_name)
        .send()
        .await
        .unwrap();
    let stream = found.stream_description_summary().unwrap();
    assert_eq!(stream.stream_status().as_str(), "ACTIVE");
    assert_eq!(stream.open_shard_count(), 2);
    assert_eq!(stream.retention_period_hours(), 24);
    let metrics: BTreeSet<&str> = stream
        .enhanced_monitoring()
        .iter()
        .flat_map(|it| it.shard_level_metrics())
        .map(|it| it.as_str())
        .collect();
    assert_eq!(
        metrics,
        BTreeSet::from(["IncomingBytes", "IncomingRecords", "OutgoingBytes", "OutgoingRecords"])
    );
    let tags = kinesis
        .list_tags_for_stream()
        .stream_name(stream_name)
        .send()
        .await
        .unwrap();
    assert_tag(tags.tags().iter().map(|tag| (Some(tag.key()), tag.value())));
}

fn assert_tag<'a>(tags: impl Iterator<Item = (Option<&'a str>, Option<&'a str>)>) {
    let tags: BTreeMap<&str, &str> = tags.filter_map(|(key, value)| Some((key?, value?))).collect();
    assert_eq!(tags.get("Environment"), Some(&"production"), "{tags:?}");
    assert_eq!(tags.get("outrigger:environment"), Some(&"production"), "{tags:?}");
}

async fn alarms(config: &aws_config::SdkConfig, name: &impl Fn(&str) -> String) {
    use aws_sdk_cloudwatch::types::{ComparisonOperator, Statistic};
    let cloudwatch = aws_sdk_cloudwatch::Client::new(config);
    let member = |number: u32| format!("{}-{number:03}", name("cache"));
    let table = [
        (
            "database-cpu",
            "AWS/RDS",
            "CPUUtilization",
            "DBInstanceIdentifier",
            name("database"),
            80.0,
            2,
        ),
        (
            "cache-cpu-1",
            "AWS/ElastiCache",
            "CPUUtilization",
            "CacheClusterId",
            member(1),
            75.0,
            2,
        ),
        (
            "cache-cpu-2",
            "AWS/ElastiCache",
            "CPUUtilization",
            "CacheClusterId",
            member(2),
            75.0,
            2,
        ),
        (
            "stream-idle",
            "AWS/Kinesis",
            "IncomingRecords",
            "StreamName",
            name("stream"),
            1.0,
            3,
        ),
    ];
    for (alarm, namespace, metric, dimension, value, threshold, periods) in table {
        let found = cloudwatch
            .describe_alarms()
            .alarm_names(name(alarm))
            .send()
            .await
            .unwrap();
        let shown = &found.metric_alarms()[0];
        assert_eq!(shown.namespace(), Some(namespace), "{alarm}");
        assert_eq!(shown.metric_name(), Some(metric), "{alarm}");
        assert_eq!(shown.threshold(), Some(threshold), "{alarm}");
        assert_eq!(shown.period(), Some(300), "{alarm}");
        assert_eq!(shown.evaluation_periods(), Some(periods), "{alarm}");
        let [only] = shown.dimensions() else {
            panic!("{alarm}: {:?}", shown.dimensions());
        };
        assert_eq!(
            (only.name(), only.value()),
            (Some(dimension), Some(value.as_str())),
            "{alarm}"
        );
        let idle = alarm == "stream-idle";
        let (statistic, comparison, missing) = if idle {
            (Statistic::Sum, ComparisonOperator::LessThanThreshold, "breaching")
        } else {
            (Statistic::Average, ComparisonOperator::GreaterThanThreshold, "missing")
        };
        assert_eq!(shown.statistic(), Some(&statistic), "{alarm}");
        assert_eq!(shown.comparison_operator(), Some(&comparison), "{alarm}");
        assert_eq!(shown.treat_missing_data().unwrap_or("missing"), missing, "{alarm}");
    }
}

/// What a user gets to read when the input is wrong, and what a script gets to know.
#[tokio::test(flavor = "multi_thread")]
async fn bad_input_is_refused_and_says_why() {
    let aws = shared();
    let mut bad = document_of("bad-input");
    bad["network"]["zones"] = 9.into();
    bad["databases"]["database"]["password"] = "secret".into();
    let file = file_of(&bad);
    let refused = outrigger(aws, &["up", file.path().to_str().unwrap(), "--yes"]);
    assert_eq!(refused.status.code(), Some(2));
    let text = String::from_utf8(refused.stderr).unwrap();
    for words in ["databases.database.password", "generated"] {
        assert!(text.contains(words), "{words} is missing:\n{text}");
    }
    // The same through the workflow: the execution fails, and tells every problem.
    let input = serde_json::json!({ "document": bad });
    let execution = crate::harness::execute(aws, "ProvisionStackArn", "bad-input-1", &input).await;
    assert_eq!(execution.error.as_deref(), Some("InvalidDocument"), "{execution:?}");
    let unknown = outrigger(aws, &["destroy", "no-such-stack/production", "--yes"]);
    assert_eq!(
        unknown.status.code(),
        Some(2),
        "{}",
        String::from_utf8_lossy(&unknown.stderr)
    );
    assert!(
        String::from_utf8(unknown.stderr)
            .unwrap()
            .contains("no-such-stack/production")
    );
    Holdings::of(aws, "bad-input").await.assert_none("bad-input");
}
