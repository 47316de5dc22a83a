//! What leads traffic: load balancers, accelerators, health checks.

use serde::{Deserialize, Serialize};

use super::Input;
use crate::key::Region;

/// A load balancer, with its security groups. Nothing protects it from being deleted.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct LoadBalancer {
    /// What it balances.
    #[serde(rename = "type")]
    pub load_balancer_type: LoadBalancerType,
    /// From where it is reached.
    pub scheme: Scheme,
    /// The VPC's id, that of all its subnets.
    pub vpc: Input,
    /// The subnets' ids, one per zone.
    pub subnets: Vec<Input>,
    /// The security groups' ids.
    pub security_groups: Vec<Input>,
}

/// What a load balancer balances.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum LoadBalancerType {
    /// Connections.
    Network,
    /// HTTP requests.
    Application,
}

impl LoadBalancerType {
    /// AWS's word for it.
    pub fn as_str(self) -> &'static str {
        match self {
            LoadBalancerType::Network => "network",
            LoadBalancerType::Application => "application",
        }
    }
}

/// From where a load balancer is reached.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Scheme {
    /// From the internet.
    InternetFacing,
    /// From its VPC, and what is connected with that.
    Internal,
}

impl Scheme {
    /// AWS's word for it.
    pub fn as_str(self) -> &'static str {
        match self {
            Scheme::InternetFacing => "internet-facing",
            Scheme::Internal => "internal",
        }
    }
}

/// A target group: what a listener forwards to.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct TargetGroup {
    /// What its targets are.
    pub targets: TargetType,
    /// The VPC's id; a function has none.
    #[serde(default)]
    pub vpc: Option<Input>,
    /// The port that targets listen on; a function has none.
    #[serde(default)]
    pub port: Option<u16>,
    /// How the health of targets is told; that of a function is not asked for.
    #[serde(default)]
    pub health_check: Option<TargetHealthCheck>,
    /// How long connections to a target go on that is taken away; a function has none.
    #[serde(default)]
    pub deregistration_delay_seconds: Option<u32>,
}

/// What the targets of a target group are.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum TargetType {
    /// One application load balancer, which gets connections.
    ApplicationLoadBalancer,
    /// One Lambda function, which gets requests.
    Function,
}

/// How the health of a target is told: by requests that are to be answered with status 200.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct TargetHealthCheck {
    /// How the target is asked.
    pub protocol: ListenerProtocol,
    /// What for, such as `/active`.
    pub path: String,
    /// How far apart requests are.
    pub interval_seconds: u32,
    /// How long an answer may take.
    pub timeout_seconds: u32,
    /// After how many good answers in a row a target is healthy.
    pub healthy_threshold: u32,
    /// After how many bad answers in a row a target is unhealthy.
    pub unhealthy_threshold: u32,
}

/// What is spoken at a port.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "UPPERCASE")]
pub enum ListenerProtocol {
    /// Anything: connections are passed on as they are.
    Tcp,
    /// HTTP.
    Http,
    /// HTTP over TLS.
    Https,
}

impl ListenerProtocol {
    /// AWS's word for it.
    pub fn as_str(self) -> &'static str {
        match self {
            ListenerProtocol::Tcp => "TCP",
            ListenerProtocol::Http => "HTTP",
            ListenerProtocol::Https => "HTTPS",
        }
    }
}

/// A listener of a load balancer: what comes in is forwarded to one target group, but for what its rules name.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Listener {
    /// The load balancer's ARN.
    pub load_balancer: Input,
    /// The port.
    pub port: u16,
    /// What is spoken there.
    pub protocol: ListenerProtocol,
    /// The ARN of its certificate, and the name of the policy that says which versions of TLS and which ciphers are possible.
    #[serde(default)]
    pub tls: Option<ListenerTls>,
    /// The ARN of the target group; without one a request that no rule names is answered with status 503.
    #[serde(default)]
    pub target_group: Option<Input>,
}

/// A rule of an application load balancer's listener: requests with one method for one path are forwarded to a target
/// group.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct ListenerRule {
    /// The listener's ARN.
    pub listener: Input,
    /// Of the rules that name a request the one with the least priority holds; no two have the same.
    pub priority: u16,
    /// The method, such as `GET`.
    pub method: String,
    /// The path, such as `/active`; in it `*` stands for any characters, and `?` for one.
    pub path: String,
    /// The target group's ARN.
    pub target_group: Input,
}

/// How a listener speaks TLS.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct ListenerTls {
    /// The certificate's ARN.
    pub certificate: String,
    /// The security policy's name: which versions of TLS and which ciphers are possible.
    pub security_policy: String,
}

/// That something is a target of a target group.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Target {
    /// The target group's ARN.
    pub target_group: Input,
    /// The target's ARN.
    pub target: Input,
    /// The port that it listens on; a function has none.
    #[serde(default)]
    pub port: Option<u16>,
}

/// A standard accelerator, with static IPv4 addresses of AWS's own.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Accelerator {
    /// Whether it takes traffic.
    pub enabled: bool,
}

/// What an accelerator listens on: TCP, each connection on its own.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct AcceleratorListener {
    /// The accelerator's ARN.
    pub accelerator: Input,
    /// The port.
    pub port: u16,
}

/// Where a listener's traffic goes in one region: to a network load balancer, as long as that has healthy targets. How much
/// of it (the traffic dial) belongs to operating, and is left as it is.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct EndpointGroup {
    /// The listener's ARN.
    pub listener: Input,
    /// The region.
    pub region: Region,
    /// The network load balancer's ARN.
    pub load_balancer: Input,
}

/// A Route 53 health check of an endpoint by its name: from many places of the world, at one path.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct HealthCheck {
    /// The endpoint's DNS name.
    pub host: Input,
    /// The region that the endpoint is in.
    pub region: Region,
    /// How it is asked.
    pub protocol: HealthCheckProtocol,
    /// The port.
    pub port: u16,
    /// The path: healthy is what answers with a status from 200 to 399.
    pub path: String,
    /// How long each checker waits between two requests.
    pub interval_seconds: u32,
    /// How many answers in a row it takes until it counts as unhealthy, or as healthy again.
    pub failures: u32,
}

/// How an endpoint is asked:
/// <https://docs.aws.amazon.com/Route53/latest/APIReference/API_HealthCheckConfig.html>.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum HealthCheckProtocol {
    /// In the clear.
    Http,
    /// Over TLS; the certificate is not verified.
    Https,
}
