//! Health gates: a network load balancer in front of an application load balancer in front of a function.

use ipnet::Ipv4Net;
use outrigger_model::document::{FunctionCode, Gate};
use outrigger_model::properties::{
    self, IngressRule, Input, ListenerProtocol, ListenerTls, LoadBalancerType, Scheme, TargetHealthCheck, TargetType,
};
use outrigger_model::{Kind, Properties, ResourceKey};

use super::function::FunctionOf;
use super::{Expansion, NetworkKeys};

/// The port that a gate listens on.
pub(super) const PORT: u16 = 443;

/// What a gate answers with status 200 where its region is the primary one.
const ACTIVE: &str = "/active";

/// TLS 1.2 and 1.3, with forward secrecy: what AWS recommends.
/// <https://docs.aws.amazon.com/elasticloadbalancing/latest/application/describe-ssl-policies.html>
const SECURITY_POLICY: &str = "ELBSecurityPolicy-TLS13-1-2-2021-06";

/// The least there is: it reads one item.
const MEMORY_MB: u32 = 128;

/// A gate's answers are short: what has not ended by then is no answer.
const DEREGISTRATION_DELAY_SECONDS: u32 = 30;

/// The name of a gate's network load balancer within the stack. No component's name holds a dot.
pub(super) fn network(name: &str) -> String {
    format!("{name}.network")
}

/// The name of a gate's application load balancer within the stack.
fn application(name: &str) -> String {
    format!("{name}.application")
}

/// The name of what is between the two within the stack: the application load balancer's listener and its rule, and the
/// target group of the network load balancer. Neither can speak something else at another port later, so each protocol has its own, and the
/// network load balancer moves from one to the other.
pub(super) fn target_group(name: &str, gate: &Gate) -> String {
    let (protocol, _) = spoken(gate);
    format!("{name}.{}", protocol.as_str().to_lowercase())
}

/// What the application load balancer speaks, and at which port.
fn spoken(gate: &Gate) -> (ListenerProtocol, u16) {
    match gate.certificate {
        Some(_) => (ListenerProtocol::Https, 443),
        None => (ListenerProtocol::Http, 80),
    }
}

impl Expansion<'_> {
    pub(super) fn gate(&mut self, name: &str, gate: &Gate, network_keys: &NetworkKeys) {
        let (protocol, port) = spoken(gate);
        let network_balancer = self.network_balancer(name, gate, network_keys);
        let (application_balancer, rule) = self.application_balancer(name, gate, network_keys);
        let check = gate.health_check;
        let group = self.add_tagged(
            Kind::TargetGroup,
            &target_group(name, gate),
            Properties::TargetGroup(properties::TargetGroup {
                targets: TargetType::ApplicationLoadBalancer,
                vpc: Some(Input::id_of(&network_keys.vpc)),
                port: Some(port),
                health_check: Some(TargetHealthCheck {
                    protocol,
                    path: ACTIVE.to_owned(),
                    interval_seconds: check.interval_seconds,
                    timeout_seconds: check.timeout_seconds,
                    healthy_threshold: check.healthy_threshold,
                    unhealthy_threshold: check.unhealthy_threshold,
                }),
                deregistration_delay_seconds: Some(DEREGISTRATION_DELAY_SECONDS),
            }),
            &gate.tags,
        );
        let listener = self.add_tagged(
            Kind::Listener,
            &network(name),
            Properties::Listener(properties::Listener {
                load_balancer: Input::of(&network_balancer, "arn"),
                port: PORT,
                protocol: ListenerProtocol::Tcp,
                tls: None,
                target_group: Some(Input::of(&group, "arn")),
            }),
            &gate.tags,
        );
        let target = self.target(
            &target_group(name, gate),
            &group,
            Input::of(&application_balancer, "arn"),
            Some(port),
        );
        // It is registered once it listens at the port and answers, and stops to listen there once it is not any more:
        // https://docs.aws.amazon.com/elasticloadbalancing/latest/network/application-load-balancer-target.html
        self.after(&target, &rule);
        // Nobody asks how a target is before connections are forwarded to it.
        self.after(&target, &listener);
    }

    /// The load balancer that the internet reaches. Without a security group at its creation it never has one:
    /// <https://docs.aws.amazon.com/elasticloadbalancing/latest/network/load-balancer-security-groups.html>.
    fn network_balancer(&mut self, name: &str, gate: &Gate, network_keys: &NetworkKeys) -> ResourceKey {
        let group = self.balancer_group(&network(name), PORT, "connections from everywhere", network_keys);
        let balancer = self.add_tagged(
            Kind::LoadBalancer,
            &network(name),
            Properties::LoadBalancer(properties::LoadBalancer {
                load_balancer_type: LoadBalancerType::Network,
                scheme: Scheme::InternetFacing,
                vpc: Input::id_of(&network_keys.vpc),
                subnets: network_keys.public_subnets.iter().map(Input::id_of).collect(),
                security_groups: vec![Input::id_of(&group)],
            }),
            &gate.tags,
        );
        // What faces the internet needs a way there, and that cannot be closed while it does.
        if let Some(internet_gateway) = &network_keys.internet_gateway {
            self.after(&balancer, internet_gateway);
        }
        balancer
    }

    /// The load balancer that calls the function, and the rule by which it does. Whatever else is asked for from the internet
    /// is answered by the load balancer, and starts no function.
    fn application_balancer(
        &mut self,
        name: &str,
        gate: &Gate,
        network_keys: &NetworkKeys,
    ) -> (ResourceKey, ResourceKey) {
        let (protocol, port) = spoken(gate);
        let group = self.function_group(name, gate);
        // What the network load balancer passes on has its client's address:
        // https://docs.aws.amazon.com/elasticloadbalancing/latest/network/edit-target-group-attributes.html#client-ip-preservation
        let why = "what the network load balancer passes on, with the addresses of its clients";
        let security_group = self.balancer_group(&application(name), port, why, network_keys);
        let balancer = self.add_tagged(
            Kind::LoadBalancer,
            &application(name),
            Properties::LoadBalancer(properties::LoadBalancer {
                load_balancer_type: LoadBalancerType::Application,
                scheme: Scheme::Internal,
                vpc: Input::id_of(&network_keys.vpc),
                subnets: network_keys.private_subnets.iter().map(Input::id_of).collect(),
                security_groups: vec![Input::id_of(&security_group)],
            }),
            &gate.tags,
        );
        let certificate = gate.certificate.as_ref().and_then(|of| of.of(self.region));
        let listener = self.add_tagged(
            Kind::Listener,
            &target_group(name, gate),
            Properties::Listener(properties::Listener {
                load_balancer: Input::of(&balancer, "arn"),
                port,
                protocol,
                tls: certificate.map(|certificate| ListenerTls {
                    certificate: certificate.clone(),
                    security_policy: SECURITY_POLICY.to_owned(),
                }),
                target_group: None,
            }),
            &gate.tags,
        );
        let rule = self.add_tagged(
            Kind::ListenerRule,
            &target_group(name, gate),
            Properties::ListenerRule(properties::ListenerRule {
                listener: Input::of(&listener, "arn"),
                priority: 1,
                method: "GET".to_owned(),
                path: ACTIVE.to_owned(),
                target_group: Input::of(&group, "arn"),
            }),
            &gate.tags,
        );
        (balancer, rule)
    }

    /// The function that answers, as the only target of a target group.
    fn function_group(&mut self, name: &str, gate: &Gate) -> ResourceKey {
        let group = self.add_tagged(
            Kind::TargetGroup,
            &format!("{name}.function"),
            Properties::TargetGroup(properties::TargetGroup {
                targets: TargetType::Function,
                vpc: None,
                port: None,
                health_check: None,
                deregistration_delay_seconds: None,
            }),
            &gate.tags,
        );
        let (environment, allows) = self.reads_topology();
        let function = self.function(FunctionOf {
            name: &format!("{name}.gate"),
            description: format!("the gate {name} of {}", self.document.id()),
            code: FunctionCode::RegionGate.as_str(),
            environment,
            allows: vec![allows],
            memory_mb: MEMORY_MB,
            timeout_seconds: gate.health_check.timeout_seconds,
            // Whether a gate is open must not hang on the way out of the VPC.
            network: None,
            tags: &gate.tags,
        });
        let permission = self.add(
            Kind::FunctionPermission,
            &format!("{name}-gate"),
            Properties::FunctionPermission(properties::FunctionPermission {
                function: Input::of(&function, "name"),
                service: "elasticloadbalancing.amazonaws.com".to_owned(),
                source: Some(Input::of(&group, "arn")),
            }),
        );
        let target = self.target(&format!("{name}.function"), &group, Input::of(&function, "arn"), None);
        // Without it the function is refused as a target:
        // https://docs.aws.amazon.com/elasticloadbalancing/latest/application/lambda-functions.html
        self.after(&target, &permission);
        group
    }

    fn balancer_group(&mut self, name: &str, port: u16, why: &str, network_keys: &NetworkKeys) -> ResourceKey {
        self.add(
            Kind::SecurityGroup,
            name,
            Properties::SecurityGroup(properties::SecurityGroup {
                vpc: Input::id_of(&network_keys.vpc),
                description: format!("load balancer {name} of {}", self.document.id()),
                ingress: vec![IngressRule {
                    port,
                    source: Ipv4Net::default(),
                    description: why.to_owned(),
                }],
            }),
        )
    }

    fn target(&mut self, name: &str, group: &ResourceKey, target: Input, port: Option<u16>) -> ResourceKey {
        self.add(
            Kind::Target,
            name,
            Properties::Target(properties::Target {
                target_group: Input::of(group, "arn"),
                target,
                port,
            }),
        )
    }
}
