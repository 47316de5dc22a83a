//! What a resource is to be, kind by kind. Shapes follow AWS's API; names are spelled out.

mod care;
mod data;
mod identity;
mod network;
mod serving;
mod traffic;

use serde::{Deserialize, Serialize};

use crate::key::{Kind, ResourceKey};

pub use care::*;
pub use data::*;
pub use identity::*;
pub use network::*;
pub use serving::*;
pub use traffic::*;

/// A value that is known, or one that another resource has once it exists.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(untagged)]
pub enum Input {
    /// A known value.
    Text(String),
    /// An attribute of another resource.
    Reference(Reference),
}

/// An attribute of a resource: `id`, or one of [`Kind::attributes`].
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Reference {
    /// Which resource.
    pub resource: ResourceKey,
    /// Which of its attributes.
    pub attribute: String,
}

impl Input {
    /// A reference to an attribute of a resource.
    pub fn of(resource: &ResourceKey, attribute: &str) -> Self {
        Self::Reference(Reference {
            resource: resource.clone(),
            attribute: attribute.to_owned(),
        })
    }

    /// A reference to a resource's id.
    pub fn id_of(resource: &ResourceKey) -> Self {
        Self::of(resource, "id")
    }

    /// The value; empty while it still refers to a resource, which the executor never hands to an adapter.
    pub fn text(&self) -> &str {
        match self {
            Input::Text(text) => text,
            Input::Reference(_) => "",
        }
    }
}

macro_rules! properties {
    ($($kind:ident,)*) => {
        /// What a resource is to be.
        // One resource's are held at a time, in maps by key: what a small kind wastes does not matter.
        #[allow(clippy::large_enum_variant)]
        #[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
        #[serde(tag = "kind", rename_all = "kebab-case")]
        pub enum Properties { $(
            #[doc = concat!("See [`", stringify!($kind), "`].")]
            $kind($kind),
        )* }

        impl Properties {
            /// The kind these properties are of.
            pub fn kind(&self) -> Kind {
                match self { $(Properties::$kind(_) => Kind::$kind,)* }
            }
        }
    };
}

properties! {
    Vpc, Subnet, InternetGateway, ElasticIp, NatGateway, RouteTable, Route, RouteTableAssociation, VpcPeering,
    SecurityGroup, VpcEndpoint, KmsKey, KmsAlias, DbSubnetGroup, DbParameterGroup, DbInstance, GlobalCluster,
    DbCluster, DbClusterInstance, Role, CacheSubnetGroup, ReplicationGroup, Stream, Secret, SecretAttachment, RestApi,
    ApiDeployment, ApiStage, UsagePlan, ApiKey, UsagePlanKey, Function, FunctionPermission, Table, Bucket,
    BucketReplication, LoadBalancer, TargetGroup, Listener, ListenerRule, Target, Parameter, BackupVault, BackupPlan,
    BackupSelection, Alarm, LogGroup, Topic, Subscription, Accelerator, AcceleratorListener, EndpointGroup,
    HealthCheck, Dashboard, ApiDomain, ApiMapping, EventBus, EventRule, EventTarget, GlobalEndpoint,
}
