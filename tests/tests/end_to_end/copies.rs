//! Copies of the demo's stack as environments of one document, each of which must be whole, and only its own.

use std::collections::{BTreeMap, BTreeSet};

use outrigger_tests::LocalAws;
use serde_json::{Value, json};

use crate::harness::{document_of, region};
use crate::seen::Seen;

/// How the ids begin that EC2 gives.
const ID_PREFIXES: [&str; 7] = ["vpc-", "subnet-", "igw-", "rtb-", "rtbassoc-", "sg-", "sgr-"];

/// The demo's document with these environments; each has an address range and a storage of its own.
pub fn document(stack: &str, environments: &[String]) -> Value {
    let mut document = document_of(stack);
    document["environment"] = json!(environments[0]);
    let overlay = |(number, environment): (usize, &String)| {
        let overlay = json!({
            "tags": { "Environment": environment },
            "network": { "cidr": cidr(number) },
            "databases": { "database": { "storage_gib": storage_gib(number) } },
        });
        (environment.clone(), overlay)
    };
    let overlays: BTreeMap<String, Value> = environments.iter().enumerate().map(overlay).collect();
    document["environments"] = json!(overlays);
    document
}

fn cidr(number: usize) -> String {
    format!("10.{number}.0.0/16")
}

fn storage_gib(number: usize) -> usize {
    20 + number
}

/// What AWS holds of one environment.
pub struct Copy {
    stack: String,
    environment: String,
    number: usize,
    pub seen: Seen,
}

impl Copy {
    /// Looks at the environment with this place in the document.
    pub fn of(aws: &LocalAws, stack: &str, environments: &[String], number: usize) -> Self {
        let environment = environments[number].clone();
        Self {
            seen: Seen::of_environment(aws, region().as_str(), stack, &environment),
            stack: stack.to_owned(),
            environment,
            number,
        }
    }

    /// Fails unless it has everything that the document asks for, under its own names, with its own tags and values, and
    /// the outputs say so.
    #[track_caller]
    pub fn assert_whole(&self, outputs: &Value) {
        let Self { seen, environment, .. } = self;
        for (kind, names) in [
            ("vpcs", &["vpc"][..]),
            ("subnets", &["private-1", "private-2", "public-1", "public-2"]),
            ("internet_gateways", &["internet-gateway"]),
            ("nat_gateways", &[]),
            ("route_tables", &["private", "public"]),
            ("security_groups", &["cache", "database"]),
            ("databases", &["database"]),
            ("db_subnet_groups", &["database"]),
            ("parameter_groups", &[]),
            ("snapshots", &[]),
            ("caches", &["cache"]),
            ("cache_subnet_groups", &["cache"]),
            ("streams", &["stream"]),
            ("secrets", &["database"]),
            ("alarms", &["cache-cpu-1", "cache-cpu-2", "database-cpu", "stream-idle"]),
            ("log_groups", &[]),
            ("roles", &[]),
        ] {
            assert_eq!(seen.names(kind), names, "{kind} of {environment}");
            for name in names {
                let tags = seen.at(&format!("/{kind}/{name}/tags"));
                for (tag, value) in [
                    ("outrigger:stack", self.stack.as_str()),
                    ("outrigger:environment", environment),
                    ("Environment", environment),
                ] {
                    assert_eq!(tags[tag], value, "{tag} of {kind}/{name} of {environment}: {tags}");
                }
            }
        }
        seen.check(&[
            ("/vpcs/vpc/CidrBlock", json!(cidr(self.number))),
            ("/databases/database/DBInstanceStatus", json!("available")),
            ("/databases/database/AllocatedStorage", json!(storage_gib(self.number))),
            ("/caches/cache/Status", json!("available")),
            ("/streams/stream/StreamStatus", json!("ACTIVE")),
            ("/streams/stream/OpenShardCount", json!(2)),
        ]);
        let wanted = json!({
            "vpc_id": seen.at("/vpcs/vpc/VpcId"),
            "kinesis_stream_name": format!("{}-{environment}-stream", self.stack),
            "redis_endpoint": seen.at("/caches/cache/NodeGroups/0/PrimaryEndpoint/Address"),
            "rds_endpoint": seen.at("/databases/database/Endpoint/Address"),
            "rds_secret_arn": seen.at("/secrets/database/ARN"),
        });
        assert_eq!(outputs, &wanted, "{environment}");
    }

    /// Every id and every ARN of the stack that AWS shows at this environment's resources: its own, and what they refer to.
    pub fn identifiers(&self) -> BTreeSet<String> {
        let mut found = BTreeSet::new();
        collect(&self.seen.0, &format!("{}-", self.stack), &mut found);
        found
    }
}

fn collect(value: &Value, prefix: &str, found: &mut BTreeSet<String>) {
    match value {
        Value::String(text) => {
            let is_id = ID_PREFIXES.iter().any(|prefix| text.starts_with(prefix));
            if is_id || (text.starts_with("arn:") && text.contains(prefix)) {
                found.insert(text.clone());
            }
        }
        Value::Array(values) => values.iter().for_each(|value| collect(value, prefix, found)),
        Value::Object(members) => members.values().for_each(|value| collect(value, prefix, found)),
        Value::Null | Value::Bool(_) | Value::Number(_) => {}
    }
}

/// Fails unless no resource of one copy is, or refers to, what is another's.
#[track_caller]
pub fn assert_disjoint(copies: &[Copy]) {
    let mut owners: BTreeMap<String, &str> = BTreeMap::new();
    for copy in copies {
        let identifiers = copy.identifiers();
        // A VPC, a gateway, four subnets, two tables and groups, and the ARNs of at least nine others.
        assert!(identifiers.len() >= 19, "{}: {identifiers:?}", copy.environment);
        for identifier in identifiers {
            if let Some(owner) = owners.insert(identifier.clone(), &copy.environment) {
                panic!("{identifier} is with {owner} and with {}", copy.environment);
            }
        }
    }
}
