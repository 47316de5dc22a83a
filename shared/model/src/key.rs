//! What names a resource: its region, its kind and its name within the stack; and the lane that looks after it.

use std::fmt;
use std::str::FromStr;
use std::sync::LazyLock;

use serde::{Deserialize, Serialize};

/// A stack in one environment; two environments of one stack live side by side.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
pub struct StackId {
    /// The stack's name, as in its document.
    pub stack: String,
    /// The environment's name, as in its document.
    pub environment: String,
}

impl fmt::Display for StackId {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(formatter, "{}/{}", self.stack, self.environment)
    }
}

/// An AWS region such as `us-east-1`, or `global`.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(transparent)]
pub struct Region(pub String);

impl Region {
    /// Makes a region from its name; the document's validation has checked the form.
    pub fn new(name: impl Into<String>) -> Self {
        Self(name.into())
    }

    /// Where what lives in no region lives: `global`. No call goes there: its kind knows where to.
    pub fn global() -> &'static Self {
        static GLOBAL: LazyLock<Region> = LazyLock::new(|| Region::new("global"));
        &GLOBAL
    }

    /// The region's name.
    pub fn as_str(&self) -> &str {
        &self.0
    }

    /// Whether it is [`Region::global`].
    pub fn is_global(&self) -> bool {
        self == Self::global()
    }

    /// The partition that ARNs of the region name:
    /// <https://docs.aws.amazon.com/IAM/latest/UserGuide/reference-arns.html>.
    pub fn partition(&self) -> &'static str {
        if self.0.starts_with("cn-") {
            "aws-cn"
        } else if self.0.starts_with("us-gov-") {
            "aws-us-gov"
        } else {
            "aws"
        }
    }
}

impl fmt::Display for Region {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str(&self.0)
    }
}

/// The resources that one function looks after.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Lane {
    /// Everything of EC2's networking: `create-network`.
    Network,
    /// Secrets, databases, caches, streams: `create-datastore`.
    Datastore,
    /// What requests come in by: REST APIs, load balancers, functions and accelerators: `create-ingress`.
    /// REST APIs, functions, accelerators: `create-ingress`.
    Ingress,
    /// What is in every region, or copied to the others: `create-replication`.
    Replication,
    /// Alarms, log groups, topics, health checks and dashboards: `create-observability`.
    Observability,
}

impl Lane {
    /// Every lane, in the order in which they are shown.
    pub const ALL: [Lane; 5] = [
        Lane::Network,
        Lane::Datastore,
        Lane::Ingress,
        Lane::Replication,
        Lane::Observability,
    ];

    /// The lane's name.
    pub fn as_str(self) -> &'static str {
        match self {
            Lane::Network => "network",
            Lane::Datastore => "datastore",
            Lane::Ingress => "ingress",
            Lane::Replication => "replication",
            Lane::Observability => "observability",
        }
    }
}

impl fmt::Display for Lane {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.pad(self.as_str())
    }
}

/// How a repeated create is recognised.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Identity {
    /// The call takes a token: a repeat with the same token answers with the first call's object.
    ClientToken,
    /// The name is unique where it lives: a repeat is refused, or changes nothing.
    UniqueName,
    /// Nothing but the intent's tag tells: a repeat makes a second object.
    TagOnly,
}

macro_rules! kinds {
    ($($(#[$doc:meta])* $variant:ident = $text:literal, $lane:ident, $identity:ident, [$($attribute:literal),*];)*) => {
        /// A kind of AWS object that Outrigger stands up.
        #[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
        #[serde(rename_all = "kebab-case")]
        pub enum Kind { $($(#[$doc])* $variant,)* }

        impl Kind {
            /// Every kind.
            pub const ALL: &'static [Kind] = &[$(Kind::$variant,)*];

            /// The kind's name, as it stands in keys.
            pub fn as_str(self) -> &'static str {
                match self { $(Kind::$variant => $text,)* }
            }

            /// The lane that looks after resources of this kind.
            pub fn lane(self) -> Lane {
                match self { $(Kind::$variant => Lane::$lane,)* }
            }

            /// How a repeated create of this kind is recognised.
            pub fn identity(self) -> Identity {
                match self { $(Kind::$variant => Identity::$identity,)* }
            }

            /// What is known of a resource of this kind once it exists, besides its `id`.
            pub fn attributes(self) -> &'static [&'static str] {
                match self { $(Kind::$variant => &[$($attribute),*],)* }
            }
        }
    };
}

kinds! {
    /// `AWS::EC2::VPC`.
    Vpc = "vpc", Network, TagOnly, [];
    /// `AWS::EC2::Subnet`.
    Subnet = "subnet", Network, TagOnly, [];
    /// `AWS::EC2::InternetGateway`, with its attachment to the VPC.
    InternetGateway = "internet-gateway", Network, TagOnly, [];
    /// `AWS::EC2::EIP`: a public address that stays.
    ElasticIp = "elastic-ip", Network, TagOnly, ["public_address"];
    /// `AWS::EC2::NatGateway`: the way out for subnets without public addresses.
    NatGateway = "nat-gateway", Network, ClientToken, [];
    /// `AWS::EC2::RouteTable`.
    RouteTable = "route-table", Network, ClientToken, [];
    /// `AWS::EC2::Route`.
    Route = "route", Network, UniqueName, [];
    /// `AWS::EC2::SubnetRouteTableAssociation`.
    RouteTableAssociation = "route-table-association", Network, UniqueName, [];
    /// `AWS::EC2::VPCPeeringConnection` to a VPC in another region, accepted there.
    VpcPeering = "vpc-peering", Network, TagOnly, [];
    /// `AWS::EC2::SecurityGroup`, with its rules.
    SecurityGroup = "security-group", Network, UniqueName, [];
    /// `AWS::EC2::VPCEndpoint`: the way to a service of AWS that does not lead over the internet.
    VpcEndpoint = "vpc-endpoint", Network, ClientToken, [];
    /// `AWS::KMS::Key`, with its policy. Its id is that of the key, not its ARN.
    KmsKey = "kms-key", Datastore, TagOnly, ["arn"];
    /// `AWS::KMS::Alias` of one of the stack's keys.
    KmsAlias = "kms-alias", Datastore, UniqueName, [];
    /// `AWS::RDS::DBSubnetGroup`.
    DbSubnetGroup = "db-subnet-group", Datastore, UniqueName, [];
    /// `AWS::RDS::DBParameterGroup`. Its family is part of its name, so that two majors of one database never meet.
    DbParameterGroup = "db-parameter-group", Datastore, UniqueName, [];
    /// `AWS::RDS::DBInstance`.
    DbInstance = "db-instance", Datastore, UniqueName,
        ["arn", "endpoint", "port", "engine_version", "availability_zone", "multi_az"];
    /// `AWS::RDS::GlobalCluster`: what the clusters of an Aurora global database are members of. It lives in no region. Its
    /// lane is that of its members, which are created after it and leave it before it goes, with the same client and rights.
    GlobalCluster = "global-cluster", Datastore, UniqueName, ["arn"];
    /// `AWS::RDS::DBCluster`, of Aurora Serverless v2. The `writer_endpoint` is that of the global cluster that it is a member
    /// of, which has none as long as it has no members.
    DbCluster = "db-cluster", Datastore, UniqueName,
        ["arn", "endpoint", "reader_endpoint", "port", "engine_version", "writer_endpoint"];
    /// `AWS::RDS::DBInstance` in a cluster. Which of them writes is Aurora's to say, and changes.
    DbClusterInstance = "db-cluster-instance", Datastore, UniqueName, ["arn", "availability_zone"];
    /// `AWS::IAM::Role` that an AWS service takes on for a resource of the stack.
    Role = "role", Datastore, UniqueName, ["arn"];
    /// `AWS::ElastiCache::SubnetGroup`.
    CacheSubnetGroup = "cache-subnet-group", Datastore, UniqueName, [];
    /// `AWS::ElastiCache::ReplicationGroup`. `member_1` and so on are the ids of its cache clusters.
    ReplicationGroup = "replication-group", Datastore, UniqueName,
        ["arn", "endpoint", "port", "member_1", "member_2", "member_3", "member_4", "member_5", "member_6"];
    /// `AWS::Kinesis::Stream`, with its shard metrics.
    Stream = "stream", Datastore, UniqueName, ["arn", "name"];
    /// `AWS::SecretsManager::Secret`, with a generated password.
    Secret = "secret", Datastore, UniqueName, ["arn"];
    /// The host and port of a database, filled into its secret once the database has them.
    SecretAttachment = "secret-attachment", Datastore, ClientToken, [];
    /// `AWS::ApiGateway::RestApi`, regional, with its resources, methods and integrations.
    RestApi = "rest-api", Ingress, TagOnly, ["name"];
    /// `AWS::ApiGateway::Deployment`: what an API was when it was deployed. Its description tells whose it is.
    ApiDeployment = "api-deployment", Ingress, TagOnly, ["deployment_id"];
    /// `AWS::ApiGateway::Stage`. Its `url` is where its routes begin.
    ApiStage = "api-stage", Ingress, UniqueName, ["url"];
    /// `AWS::ApiGateway::UsagePlan`.
    UsagePlan = "usage-plan", Ingress, TagOnly, [];
    /// `AWS::ApiGateway::ApiKey`. Its value is API Gateway's own, and nobody asks for it.
    /// `AWS::ApiGateway::ApiKey`. Its value is API Gateway's own, and nobody asks for it.
    ApiKey = "api-key", Ingress, TagOnly, [];
    /// `AWS::ApiGateway::UsagePlanKey`: the key is one of the plan's.
    UsagePlanKey = "usage-plan-key", Ingress, UniqueName, [];
    /// `AWS::Lambda::Function` whose code is one of the project's own functions.
    Function = "function", Ingress, UniqueName, ["arn", "name"];
    /// `AWS::Lambda::Permission`: a statement of a function's policy, which lets a service invoke it.
    FunctionPermission = "function-permission", Ingress, UniqueName, [];
    /// `AWS::S3::Bucket`, one in each of the stack's regions. `objects` is what ARNs of what is in it begin with, and `*`.
    Bucket = "bucket", Replication, UniqueName, ["arn", "name", "objects"];
    /// What of a bucket is copied to another one, and as whom: its replication configuration.
    BucketReplication = "bucket-replication", Replication, UniqueName, [];
    /// `AWS::ElasticLoadBalancingV2::LoadBalancer`. Its id is its ARN; `full_name` is what its metrics are told apart by.
    LoadBalancer = "load-balancer", Ingress, UniqueName, ["arn", "dns_name", "hosted_zone_id", "full_name"];
    /// `AWS::ElasticLoadBalancingV2::TargetGroup`. Its id is its ARN; `full_name` is what its metrics are told apart by.
    TargetGroup = "target-group", Ingress, UniqueName, ["arn", "full_name"];
    /// `AWS::ElasticLoadBalancingV2::Listener`: its load balancer and its port tell which it is.
    Listener = "listener", Ingress, UniqueName, ["arn"];
    /// `AWS::ElasticLoadBalancingV2::ListenerRule`: its listener and its priority tell which it is.
    ListenerRule = "listener-rule", Ingress, UniqueName, ["arn"];
    /// The registration of one target in a target group.
    Target = "target", Ingress, UniqueName, [];
    /// `AWS::GlobalAccelerator::Accelerator`, with its static addresses.
    Accelerator = "accelerator", Ingress, ClientToken,
        ["arn", "accelerator_id", "dns_name", "addresses", "address_1", "address_2"];
    /// `AWS::GlobalAccelerator::Listener`. It has no tags: it is its accelerator's.
    AcceleratorListener = "accelerator-listener", Ingress, ClientToken, ["arn"];
    /// `AWS::GlobalAccelerator::EndpointGroup`. It has no tags: a listener has one for each region.
    EndpointGroup = "endpoint-group", Ingress, UniqueName, ["arn"];
    /// `AWS::SSM::Parameter`, of the tier Standard. Its id is its ARN.
    Parameter = "parameter", Replication, UniqueName, ["arn", "name"];
    /// `AWS::Backup::BackupVault`, with the recovery points in it.
    BackupVault = "backup-vault", Replication, UniqueName, ["arn", "name"];
    /// `AWS::Backup::BackupPlan`, with one rule.
    BackupPlan = "backup-plan", Replication, ClientToken, ["arn"];
    /// `AWS::Backup::BackupSelection`: what a plan backs up.
    BackupSelection = "backup-selection", Replication, ClientToken, [];
    /// `AWS::ApiGateway::DomainName`, regional. Its `target` is what its DNS record is to point at.
    ApiDomain = "api-domain", Ingress, UniqueName, ["target", "zone_id"];
    /// `AWS::ApiGateway::BasePathMapping`: where below a domain a stage of an API answers.
    ApiMapping = "api-mapping", Ingress, UniqueName, ["url"];
    /// `AWS::DynamoDB::GlobalTable`: a table, keyed in its first region, with its replicas in the others. `replica_arn` is
    /// the ARN of the replica in the stack's second region.
    Table = "table", Replication, UniqueName, ["arn", "name", "replica_arn"];
    /// `AWS::Events::EventBus`, a custom one.
    EventBus = "event-bus", Replication, UniqueName, ["arn", "name"];
    /// `AWS::Events::Rule` of a custom event bus.
    EventRule = "event-rule", Ingress, UniqueName, ["arn", "name"];
    /// The target of a rule: a function that gets what the rule matches.
    EventTarget = "event-target", Ingress, UniqueName, [];
    /// `AWS::Events::Endpoint` over the buses of two regions. It has no tags: its description tells whose it is.
    GlobalEndpoint = "global-endpoint", Replication, UniqueName, ["arn", "endpoint_id", "endpoint_url"];
    /// `AWS::CloudWatch::Alarm`.
    Alarm = "alarm", Observability, UniqueName, ["arn"];
    /// `AWS::Logs::LogGroup`.
    LogGroup = "log-group", Observability, UniqueName, ["arn"];
    /// `AWS::SNS::Topic`.
    Topic = "topic", Observability, UniqueName, ["arn", "name"];
    /// `AWS::SNS::Subscription`: its topic, protocol and endpoint tell which it is.
    Subscription = "subscription", Observability, UniqueName, [];
    /// `AWS::Route53::HealthCheck`.
    HealthCheck = "health-check", Observability, ClientToken, ["arn"];
    /// `AWS::CloudWatch::Dashboard`. Its name is one account's, not one region's.
    Dashboard = "dashboard", Observability, UniqueName, ["arn"];
}

impl fmt::Display for Kind {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.pad(self.as_str())
    }
}

/// What names a resource: `us-east-1/vpc/main`. No role (primary, writer) is ever part of it: roles change, names do not.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct ResourceKey {
    /// Where it lives.
    pub region: Region,
    /// What it is.
    pub kind: Kind,
    /// Its name within the stack.
    pub name: String,
}

impl ResourceKey {
    /// Makes a key.
    pub fn new(region: &Region, kind: Kind, name: impl Into<String>) -> Self {
        Self {
            region: region.clone(),
            kind,
            name: name.into(),
        }
    }
}

/// What stands between a resource's name and the number of a former object. No component's name can hold it.
const FORMER: char = '~';

impl ResourceKey {
    /// The key under which the object is recorded that this resource's replacement leaves behind until it is deleted.
    /// `number` tells several such objects apart.
    pub fn former(&self, number: u32) -> Self {
        Self {
            name: format!("{}{FORMER}{number}", self.name),
            ..self.clone()
        }
    }

    /// Whether this is the key of a former object.
    pub fn is_former(&self) -> bool {
        self.name.contains(FORMER)
    }

    /// The key of the resource, whose former object this may be.
    pub fn current(&self) -> Self {
        let name = self.name.split(FORMER).next().unwrap_or_default();
        Self {
            name: name.to_owned(),
            ..self.clone()
        }
    }
}

impl fmt::Display for ResourceKey {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(formatter, "{}/{}/{}", self.region, self.kind, self.name)
    }
}

/// A text that is not a resource's key.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("`{0}` is not a resource key; expected region/kind/name, for instance us-east-1/vpc/vpc")]
pub struct KeyError(pub String);

impl FromStr for ResourceKey {
    type Err = KeyError;

    fn from_str(text: &str) -> Result<Self, KeyError> {
        let wrong = || KeyError(text.to_owned());
        let mut parts = text.splitn(3, '/');
        let (Some(region), Some(kind), Some(name)) = (parts.next(), parts.next(), parts.next()) else {
            return Err(wrong());
        };
        let kind = Kind::ALL
            .iter()
            .copied()
            .find(|known| known.as_str() == kind)
            .ok_or_else(wrong)?;
        if region.is_empty() || name.is_empty() {
            return Err(wrong());
        }
        Ok(Self::new(&Region::new(region), kind, name))
    }
}

impl Serialize for ResourceKey {
    fn serialize<S: serde::Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_str(self)
    }
}

impl<'de> Deserialize<'de> for ResourceKey {
    fn deserialize<D: serde::Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        String::deserialize(deserializer)?
            .parse()
            .map_err(serde::de::Error::custom)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn keys_read_back_as_written() {
        for kind in Kind::ALL {
            let key = ResourceKey::new(&Region::new("us-east-1"), *kind, "a-name");
            assert_eq!(key.to_string().parse(), Ok(key.clone()));
            let json = serde_json::to_string(&key).unwrap();
            assert_eq!(serde_json::from_str::<ResourceKey>(&json).unwrap(), key);
            assert_eq!(serde_json::to_string(kind).unwrap(), format!("\"{}\"", kind.as_str()));
        }
    }

    #[test]
    fn former_objects_have_keys_of_their_own() {
        let key = ResourceKey::new(&Region::new("us-east-1"), Kind::Vpc, "vpc");
        let former = key.former(1);
        assert_eq!(former.to_string(), "us-east-1/vpc/vpc~1");
        assert_eq!(former.to_string().parse(), Ok(former.clone()));
        assert!(former.is_former() && !key.is_former());
        assert_eq!((former.current(), key.current()), (key.clone(), key));
    }

    #[test]
    fn bad_keys_are_refused() {
        for text in [
            "",
            "us-east-1",
            "us-east-1/vpc",
            "us-east-1/pvc/a",
            "/vpc/a",
            "us-east-1/vpc/",
        ] {
            assert_eq!(text.parse::<ResourceKey>(), Err(KeyError(text.to_owned())));
        }
    }
}
