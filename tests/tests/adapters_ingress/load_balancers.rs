//! Load balancers, with their target groups, listeners and targets.

use std::collections::BTreeSet;
use std::process::Command;

use anyhow::{Context, Result, ensure};
use aws_sdk_elasticloadbalancingv2::Client;
use aws_sdk_elasticloadbalancingv2::types::{
    Action, ActionTypeEnum, FixedResponseActionConfig, HostHeaderConditionConfig, LoadBalancerAttribute,
    LoadBalancerSchemeEnum, Matcher, PathPatternConditionConfig, ProtocolEnum, RuleCondition, TargetDescription,
    TargetTypeEnum,
};
use outrigger_aws_elasticloadbalancingv2::LoadBalancers;
use outrigger_engine::ports::provider::{CallErrorKind, Observed, Provider, Target};
use outrigger_model::properties::{
    Listener, ListenerProtocol, ListenerRule, ListenerTls, LoadBalancer, LoadBalancerType, Scheme,
    Target as Registration, TargetGroup, TargetHealthCheck, TargetType,
};
use outrigger_model::{Properties, Resource};
use outrigger_tests::{LocalAws, Project, local};
use serde_json::json;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;

use crate::harness::{
    TOKEN, Vpc, called, check, check_faults, differences, remove, resource, settle, slow, target, text, vpc, with_aws,
    work,
};

const KIND: &str = "elasticloadbalancing";

fn client(aws: &LocalAws) -> Client {
    Client::new(&aws.sdk_config(aws.region()))
}

/// The data stack's VPC, with a way to the internet.
async fn network(aws: &LocalAws) -> Result<Vpc> {
    let made = vpc(aws).await?;
    let ec2 = aws_sdk_ec2::Client::new(&aws.sdk_config(aws.region()));
    let gateway = ec2.create_internet_gateway().send().await?;
    let gateway = gateway
        .internet_gateway()
        .and_then(|gateway| gateway.internet_gateway_id());
    let attach = ec2.attach_internet_gateway().vpc_id(&made.id);
    attach
        .internet_gateway_id(gateway.context("no gateway")?)
        .send()
        .await?;
    Ok(made)
}

fn balancer(aws: &LocalAws, vpc: &Vpc, load_balancer_type: LoadBalancerType) -> Resource {
    let (name, scheme) = match load_balancer_type {
        LoadBalancerType::Network => ("gate.network", Scheme::InternetFacing),
        LoadBalancerType::Application => ("gate.application", Scheme::Internal),
    };
    let properties = LoadBalancer {
        load_balancer_type,
        scheme,
        vpc: text(&vpc.id),
        subnets: vpc.subnets.clone(),
        security_groups: vec![text(&vpc.group)],
    };
    resource(aws, name, Properties::LoadBalancer(properties))
}

fn health_check(interval_seconds: u32) -> TargetHealthCheck {
    TargetHealthCheck {
        protocol: ListenerProtocol::Http,
        path: "/active".to_owned(),
        interval_seconds,
        timeout_seconds: 5,
        healthy_threshold: 2,
        unhealthy_threshold: 2,
    }
}

fn group_of_balancer(aws: &LocalAws, vpc: &Vpc, interval_seconds: u32, delay_seconds: u32) -> Resource {
    let properties = TargetGroup {
        targets: TargetType::ApplicationLoadBalancer,
        vpc: Some(text(&vpc.id)),
        port: Some(80),
        health_check: Some(health_check(interval_seconds)),
        deregistration_delay_seconds: Some(delay_seconds),
    };
    resource(aws, "gate.http", Properties::TargetGroup(properties))
}

fn group_of_function(aws: &LocalAws) -> Resource {
    let properties = TargetGroup {
        targets: TargetType::Function,
        vpc: None,
        port: None,
        health_check: None,
        deregistration_delay_seconds: None,
    };
    resource(aws, "gate.function", Properties::TargetGroup(properties))
}

fn listener(aws: &LocalAws, name: &str, balancer: &str, group: Option<&str>) -> Resource {
    let (port, protocol) = match name {
        "gate.network" => (443, ListenerProtocol::Tcp),
        _ => (80, ListenerProtocol::Http),
    };
    let properties = Listener {
        load_balancer: text(balancer),
        port,
        protocol,
        tls: None,
        target_group: group.map(text),
    };
    resource(aws, name, Properties::Listener(properties))
}

fn rule(aws: &LocalAws, listener: &str, method: &str, path: &str, group: &str) -> Resource {
    let properties = ListenerRule {
        listener: text(listener),
        priority: 1,
        method: method.to_owned(),
        path: path.to_owned(),
        target_group: text(group),
    };
    resource(aws, "gate.http", Properties::ListenerRule(properties))
}

fn forward(group: &str) -> Action {
    let action = Action::builder().r#type(ActionTypeEnum::Forward);
    action.target_group_arn(group).build()
}

fn for_path(path: &str) -> RuleCondition {
    let paths = PathPatternConditionConfig::builder().values(path).build();
    let condition = RuleCondition::builder().field("path-pattern");
    condition.path_pattern_config(paths).build()
}

fn registration(aws: &LocalAws, name: &str, group: &str, of: &str, port: Option<u16>) -> Resource {
    let properties = Registration {
        target_group: text(group),
        target: text(of),
        port,
    };
    resource(aws, name, Properties::Target(properties))
}

/// As the executor knows it once it stands.
async fn stand(provider: &LoadBalancers, resource: &Resource) -> Result<(Target, Observed)> {
    let mut wanted = target(resource, TOKEN);
    let observed = settle(provider, &wanted).await?;
    wanted.id = Some(observed.id.clone());
    Ok((wanted, observed))
}

/// A function that answers every request with a status, and that Elastic Load Balancing may invoke for a group; its ARN.
/// Or, of a function that is there, the next status.
const FUNCTION: &str = r#"
import sys
import boto3

tests, given, status, group = sys.argv[1:]
sys.path.insert(0, tests)
import gates

class Server:
    def client(self, service, region="us-east-1"):
        return boto3.client(service, region_name=region)

if given.startswith("arn:"):
    gates.set_status(Server(), given, int(status))
else:
    given = gates.gate(Server(), given, int(status))
    gates.let_invoke(Server(), given, group)
print(given, end="")
"#;

fn function(aws: &LocalAws, given: &str, status: u16, group: &str) -> Result<String> {
    let project = Project::of_test()?;
    let tests = project.root().join("bootstrap/local/tests");
    let mut command = Command::new(local::local_venv(&project, &mut |_| {})?.join("bin/python"));
    aws.set_environment(&mut command);
    let command = command.args(["-c", FUNCTION]).arg(tests);
    let output = command.args([given, &status.to_string(), group]).output()?;
    ensure!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    Ok(String::from_utf8(output.stdout)?)
}

/// The status of the answer to a request on a connection to port 443 of a load balancer, and its body.
async fn asked(aws: &LocalAws, dns_name: &str, request: &str) -> Result<(u16, String)> {
    let endpoint = aws
        .endpoint()
        .strip_prefix("http://")
        .context("no endpoint")?
        .to_owned();
    let mut connection = TcpStream::connect(endpoint).await?;
    let request = format!("{request} HTTP/1.1\r\nhost: {dns_name}:443\r\nconnection: close\r\n\r\n");
    connection.write_all(request.as_bytes()).await?;
    let mut answer = String::new();
    connection.read_to_string(&mut answer).await?;
    let status = answer.split_whitespace().nth(1).context("no answer")?;
    let (_, body) = answer.split_once("\r\n\r\n").context("no body")?;
    Ok((status.parse().context("no status")?, body.to_owned()))
}

/// A network load balancer in front of an application load balancer in front of a function.
struct Gate {
    outer: Target,
    inner: Target,
    function_group: Target,
    function_target: Target,
    inner_listener: Target,
    inner_rule: Target,
    balancer_group: Target,
    outer_listener: Target,
    balancer_target: Target,
    dns_name: String,
    function: String,
    groups: [String; 2],
}

impl Gate {
    async fn new(aws: &LocalAws, provider: &LoadBalancers, vpc: &Vpc) -> Result<Self> {
        let (outer, outer_seen) = stand(provider, &balancer(aws, vpc, LoadBalancerType::Network)).await?;
        let (inner, inner_seen) = stand(provider, &balancer(aws, vpc, LoadBalancerType::Application)).await?;
        let (of_function, function_group) = stand(provider, &group_of_function(aws)).await?;
        let function = function(aws, aws.region(), 200, &function_group.id)?;
        let registered = registration(aws, "gate.function", &function_group.id, &function, None);
        let (function_target, _) = stand(provider, &registered).await?;
        let made = listener(aws, "gate.http", &inner_seen.id, None);
        let (inner_listener, inner_listener_seen) = stand(provider, &made).await?;
        let made = rule(aws, &inner_listener_seen.id, "GET", "/active", &function_group.id);
        let (inner_rule, _) = stand(provider, &made).await?;
        let (of_balancer, balancer_group) = stand(provider, &group_of_balancer(aws, vpc, 10, 30)).await?;
        let made = listener(aws, "gate.network", &outer_seen.id, Some(&balancer_group.id));
        let (outer_listener, _) = stand(provider, &made).await?;
        let registered = registration(aws, "gate.http", &balancer_group.id, &inner_seen.id, Some(80));
        let (balancer_target, _) = stand(provider, &registered).await?;
        Ok(Self {
            outer,
            inner,
            function_group: of_function,
            function_target,
            inner_listener,
            inner_rule,
            balancer_group: of_balancer,
            outer_listener,
            balancer_target,
            dns_name: outer_seen.attributes["dns_name"].clone(),
            function,
            groups: [balancer_group.id, function_group.id],
        })
    }

    async fn go(self, provider: &LoadBalancers) -> Result<()> {
        // What came last goes first.
        for target in [
            self.balancer_target,
            self.outer_listener,
            self.balancer_group,
            self.inner_rule,
            self.inner_listener,
            self.function_target,
            self.function_group,
            self.inner,
            self.outer,
        ] {
            remove(provider, &target).await?;
        }
        Ok(())
    }
}

#[test]
fn every_kind_conforms() -> Result<()> {
    with_aws(async |aws| {
        let provider = LoadBalancers::new(&aws.aws());
        let client = client(aws);
        let vpc = network(aws).await?;

        // Load balancers, which take their time.
        for load_balancer_type in [LoadBalancerType::Network, LoadBalancerType::Application] {
            let wanted = balancer(aws, &vpc, load_balancer_type);
            ensure!(wanted.physical_name.len() <= 32, "{}", wanted.physical_name);
            let (name, subnets) = (wanted.physical_name.clone(), vpc.subnets.clone());
            let name_too = name.clone();
            let taken = (
                work(&client, move |client| {
                    let subnets = subnets.iter().map(|subnet| subnet.text().to_owned()).collect();
                    let request = client.create_load_balancer().name(&name).set_subnets(Some(subnets));
                    let request = request.scheme(LoadBalancerSchemeEnum::Internal);
                    async move { Ok(request.send().await.map(drop)?) }
                }),
                work(&client, move |client| {
                    let described = client.describe_load_balancers().names(&name_too).send();
                    async move {
                        let described = described.await?;
                        let arn = described.load_balancers().first().and_then(|of| of.load_balancer_arn());
                        let request = client.delete_load_balancer().load_balancer_arn(arn.unwrap_or_default());
                        Ok(request.send().await.map(drop)?)
                    }
                }),
            );
            slow(aws, KIND)?;
            check(aws, &provider, &wanted, Some(taken)).await?;
            aws.set_faults(&json!({}))?;
            check_faults(aws, &provider, &wanted, [KIND, "CreateLoadBalancer"]).await?;
        }
        let (outer, seen) = stand(&provider, &balancer(aws, &vpc, LoadBalancerType::Network)).await?;
        let (arn, dns_name) = (&seen.attributes["arn"], &seen.attributes["dns_name"]);
        ensure!(
            *arn == seen.id && arn.ends_with(&seen.attributes["full_name"]),
            "{seen:?}"
        );
        ensure!(seen.attributes["full_name"].starts_with("net/"), "{seen:?}");
        ensure!(dns_name.ends_with(".elb.us-east-1.amazonaws.com"), "{seen:?}");
        ensure!(seen.attributes["hosted_zone_id"] == "Z26RNL4JYFTOTI", "{seen:?}");

        // Target groups.
        let of_balancer = group_of_balancer(aws, &vpc, 10, 30);
        for wanted in [&group_of_function(aws), &of_balancer] {
            let (name, id) = (wanted.physical_name.clone(), vpc.id.clone());
            let name_too = name.clone();
            let taken = (
                work(&client, move |client| {
                    let request = client.create_target_group().name(&name).vpc_id(&id);
                    let request = request
                        .target_type(TargetTypeEnum::Ip)
                        .protocol(ProtocolEnum::Tcp)
                        .port(80);
                    async move { Ok(request.send().await.map(drop)?) }
                }),
                work(&client, move |client| {
                    let described = client.describe_target_groups().names(&name_too).send();
                    async move {
                        let described = described.await?;
                        let arn = described.target_groups().first().and_then(|of| of.target_group_arn());
                        let request = client.delete_target_group().target_group_arn(arn.unwrap_or_default());
                        Ok(request.send().await.map(drop)?)
                    }
                }),
            );
            check(aws, &provider, wanted, Some(taken)).await?;
            check_faults(aws, &provider, wanted, [KIND, "CreateTargetGroup"]).await?;
        }
        let (group, group_seen) = stand(&provider, &of_balancer).await?;
        ensure!(
            group_seen.attributes["full_name"].starts_with("targetgroup/"),
            "{group_seen:?}"
        );

        // A listener, whose port somebody else may have.
        let wanted = listener(aws, "gate.network", &seen.id, Some(&group_seen.id));
        let (balancer_arn, group_arn) = (seen.id.clone(), group_seen.id.clone());
        let balancer_too = balancer_arn.clone();
        let taken = (
            work(&client, move |client| {
                let request = client.create_listener().load_balancer_arn(&balancer_arn).port(443);
                let request = request.protocol(ProtocolEnum::Tcp).default_actions(forward(&group_arn));
                async move { Ok(request.send().await.map(drop)?) }
            }),
            work(&client, move |client| {
                let described = client.describe_listeners().load_balancer_arn(&balancer_too).send();
                async move {
                    let described = described.await?;
                    let arn = described.listeners().first().and_then(|of| of.listener_arn());
                    let request = client.delete_listener().listener_arn(arn.unwrap_or_default());
                    Ok(request.send().await.map(drop)?)
                }
            }),
        );
        check(aws, &provider, &wanted, Some(taken)).await?;
        check_faults(aws, &provider, &wanted, [KIND, "CreateListener"]).await?;
        for target in [&group, &outer] {
            remove(&provider, target).await?;
        }

        // Registrations, of what is there with what they need.
        let gate = Gate::new(aws, &provider, &vpc).await?;
        let Gate {
            function_target,
            inner_listener,
            inner_rule,
            balancer_group,
            balancer_target,
            ..
        } = &gate;
        // What something else needs stays until that is gone.
        for (needed, by) in [(inner_listener, "target"), (balancer_group, "listener")] {
            let seen = provider.observe(needed).await?.context("gone")?;
            let refused = provider.delete(needed, &seen).await.map_err(|error| error.kind);
            ensure!(refused == Err(CallErrorKind::NotYet), "used by a {by}: {refused:?}");
        }
        for target in [balancer_target, function_target] {
            remove(&provider, target).await?;
            check(aws, &provider, &target.resource, None).await?;
            check_faults(aws, &provider, &target.resource, [KIND, "RegisterTargets"]).await?;
        }

        // A rule, whose priority somebody else's may have.
        remove(&provider, inner_rule).await?;
        let listener_arn = inner_listener.id.clone().context("no listener")?;
        let (listener_too, group_arn) = (listener_arn.clone(), gate.groups[1].clone());
        let taken = (
            work(&client, move |client| {
                let request = client.create_rule().listener_arn(&listener_arn).priority(1);
                let request = request.conditions(for_path("/other")).actions(forward(&group_arn));
                async move { Ok(request.send().await.map(drop)?) }
            }),
            work(&client, move |client| {
                let described = client.describe_rules().listener_arn(&listener_too).send();
                async move {
                    let described = described.await?;
                    let arn = described.rules().iter().find(|rule| rule.is_default() == Some(false));
                    let arn = arn.and_then(|rule| rule.rule_arn()).unwrap_or_default();
                    Ok(client.delete_rule().rule_arn(arn).send().await.map(drop)?)
                }
            }),
        );
        check(aws, &provider, &inner_rule.resource, Some(taken)).await?;
        check_faults(aws, &provider, &inner_rule.resource, [KIND, "CreateRule"]).await?;
        gate.go(&provider).await
    })
}

#[test]
fn everything_changes_in_place() -> Result<()> {
    with_aws(async |aws| {
        let provider = LoadBalancers::new(&aws.aws());
        let vpc = network(aws).await?;
        let gate = Gate::new(aws, &provider, &vpc).await?;
        let Gate {
            outer,
            inner,
            inner_listener,
            inner_rule,
            balancer_group,
            outer_listener,
            ..
        } = &gate;
        let change = async |standing: &Target, to: &Resource, property: &str, call: &str| -> Result<()> {
            let wanted = Target {
                resource: to.clone(),
                ..standing.clone()
            };
            let found = differences(&provider, &wanted).await?;
            ensure!(
                found.len() == 1 && found[0].starts_with(&format!("{property}: ")),
                "{found:?}"
            );
            let before = called(aws, call)?;
            let observed = settle(&provider, &wanted).await?;
            ensure!(standing.id.as_ref() == Some(&observed.id), "another one: {observed:?}");
            ensure!(called(aws, call)? == before + 1, "{call} was not called once");
            settle(&provider, standing).await.map(drop)
        };

        // One zone less, and other groups.
        let ec2 = aws_sdk_ec2::Client::new(&aws.sdk_config(aws.region()));
        let other = ec2
            .create_security_group()
            .vpc_id(&vpc.id)
            .group_name("other")
            .description("other");
        let other = other.send().await?.group_id.context("no group")?;
        let one_zone = Vpc {
            id: vpc.id.clone(),
            subnets: vpc.subnets[..1].to_vec(),
            group: vpc.group.clone(),
        };
        let to = balancer(aws, &one_zone, LoadBalancerType::Network);
        change(outer, &to, "subnets", "SetSubnets").await?;
        let regrouped = Vpc {
            id: vpc.id.clone(),
            subnets: vpc.subnets.clone(),
            group: other,
        };
        for (standing, load_balancer_type) in [
            (outer, LoadBalancerType::Network),
            (inner, LoadBalancerType::Application),
        ] {
            let to = balancer(aws, &regrouped, load_balancer_type);
            change(standing, &to, "security_groups", "SetSecurityGroups").await?;
        }
        let to = group_of_balancer(aws, &vpc, 30, 30);
        change(balancer_group, &to, "health_check", "ModifyTargetGroup").await?;
        let to = group_of_balancer(aws, &vpc, 10, 60);
        change(
            balancer_group,
            &to,
            "deregistration_delay_seconds",
            "ModifyTargetGroupAttributes",
        )
        .await?;

        // Another target group, and another certificate.
        let mut next = group_of_function(aws);
        next.physical_name = "the-next-group".to_owned();
        let (next, next_seen) = stand(&provider, &next).await?;
        let Properties::Listener(http) = &inner_listener.resource.properties else {
            anyhow::bail!("no listener");
        };
        let with = |properties: Listener| Resource {
            properties: Properties::Listener(properties),
            ..inner_listener.resource.clone()
        };
        let moved = with(Listener {
            target_group: Some(text(&next_seen.id)),
            ..http.clone()
        });
        change(inner_listener, &moved, "target_group", "ModifyListener").await?;
        let (arn, group) = (inner_listener.id.clone().unwrap_or_default(), &gate.groups[1]);
        for (property, to) in [
            ("method", rule(aws, &arn, "HEAD", "/active", group)),
            ("path", rule(aws, &arn, "GET", "/inactive", group)),
            ("target_group", rule(aws, &arn, "GET", "/active", &next_seen.id)),
        ] {
            change(inner_rule, &to, property, "ModifyRule").await?;
        }
        remove(&provider, &next).await?;
        let secure = |certificate: &str| Listener {
            port: 8443,
            protocol: ListenerProtocol::Https,
            tls: Some(ListenerTls {
                certificate: format!("arn:aws:acm:us-east-1:000000000000:certificate/{certificate}"),
                security_policy: "ELBSecurityPolicy-TLS13-1-2-2021-06".to_owned(),
            }),
            ..http.clone()
        };
        let https = resource(aws, "gate.https", Properties::Listener(secure("one")));
        let (https, _) = stand(&provider, &https).await?;
        let renewed = Resource {
            properties: Properties::Listener(secure("two")),
            ..https.resource.clone()
        };
        change(&https, &renewed, "tls", "ModifyListener").await?;
        remove(&provider, &https).await?;

        // Tags of each, and those that are not wanted any more.
        for standing in [outer, inner, balancer_group, inner_listener, inner_rule, outer_listener] {
            let mut wanted = standing.clone();
            wanted.resource.tags.insert("Team".to_owned(), "data".to_owned());
            ensure!(differences(&provider, &wanted).await? == [r#"tags: {"Team":"data"} / {"Team":null}"#]);
            settle(&provider, &wanted).await?;
            let mut wanted = standing.clone();
            wanted.tags_gone = BTreeSet::from(["Team".to_owned()]);
            ensure!(differences(&provider, &wanted).await? == [r#"tags_gone: {"Team":null} / {"Team":"data"}"#]);
            settle(&provider, &wanted).await?;
        }
        gate.go(&provider).await
    })
}

#[test]
fn what_somebody_changes_is_told_and_made_as_it_was() -> Result<()> {
    with_aws(async |aws| {
        let provider = LoadBalancers::new(&aws.aws());
        let client = client(aws);
        let vpc = network(aws).await?;
        let gate = Gate::new(aws, &provider, &vpc).await?;
        let Gate {
            outer,
            function_group,
            function_target,
            inner_listener,
            inner_rule,
            balancer_group,
            outer_listener,
            ..
        } = &gate;
        let told = async |target: &Target, expected: &[&str]| -> Result<()> {
            let found = differences(&provider, target).await?;
            ensure!(found == expected, "{found:?} instead of {expected:?}");
            settle(&provider, target).await.map(drop)
        };

        let on = LoadBalancerAttribute::builder()
            .key("deletion_protection.enabled")
            .value("true")
            .build();
        let request = client.modify_load_balancer_attributes().attributes(on);
        request
            .load_balancer_arn(outer.id.as_deref().unwrap_or_default())
            .send()
            .await?;
        told(outer, &["deletion_protection: false / true"]).await?;

        let [of_balancer, of_function] = &gate.groups;
        let lenient = Matcher::builder().http_code("200-599").build();
        let request = client
            .modify_target_group()
            .target_group_arn(of_balancer)
            .matcher(lenient);
        request.health_check_path("/").send().await?;
        let wanted = json!(health_check(10));
        let mut actual = wanted.clone();
        actual["path"] = "/".into();
        actual["status"] = "200-599".into();
        told(balancer_group, &[&format!("health_check: {wanted} / {actual}")]).await?;
        let request = client.modify_target_group().target_group_arn(of_function);
        request.health_check_enabled(true).send().await?;
        let found = differences(&provider, function_group).await?;
        ensure!(
            found.len() == 1 && found[0].starts_with("health_check: null / {"),
            "{found:?}"
        );
        settle(&provider, function_group).await?;

        // What a load balancer answers itself, and what else a rule asks for.
        let welcome = FixedResponseActionConfig::builder().status_code("200").build();
        let answer = Action::builder().r#type(ActionTypeEnum::FixedResponse);
        let request = client
            .modify_listener()
            .listener_arn(inner_listener.id.as_deref().unwrap_or_default());
        let answer = answer.fixed_response_config(welcome).build();
        request.default_actions(answer).send().await?;
        told(inner_listener, &[r#"target_group: null / "fixed-response""#]).await?;
        let host = HostHeaderConditionConfig::builder().values("example.com").build();
        let host = RuleCondition::builder().field("host-header").host_header_config(host);
        let request = client
            .modify_rule()
            .rule_arn(inner_rule.id.as_deref().unwrap_or_default());
        let request = request.conditions(for_path("/active")).conditions(host.build());
        request.send().await?;
        told(
            inner_rule,
            &[
                r#"method: "GET" / []"#,
                r#"path: "/active" / ["/active","host-header"]"#,
            ],
        )
        .await?;

        // Who takes a target away, or turns it into another's.
        let id = TargetDescription::builder().id(&gate.function).build();
        let request = client.deregister_targets().target_group_arn(of_function).targets(id);
        request.send().await?;
        ensure!(provider.observe(function_target).await?.is_none());
        settle(&provider, function_target).await?;

        // What is gone is made anew, with another ARN.
        let arn = outer_listener.id.clone().unwrap_or_default();
        client.delete_listener().listener_arn(&arn).send().await?;
        let mut anew = outer_listener.clone();
        anew.id = None;
        let observed = settle(&provider, &anew).await?;
        ensure!(observed.id != arn, "{observed:?}");
        told(inner_listener, &[]).await?;
        gate.go(&provider).await
    })
}

#[test]
fn a_connection_ends_at_the_function_and_health_is_what_it_answers() -> Result<()> {
    with_aws(async |aws| {
        let provider = LoadBalancers::new(&aws.aws());
        let client = client(aws);
        let vpc = network(aws).await?;
        let gate = Gate::new(aws, &provider, &vpc).await?;
        let [of_balancer, _] = &gate.groups;
        for (status, expected) in [(200, "healthy"), (503, "unhealthy"), (200, "healthy")] {
            function(aws, &gate.function, status, "")?;
            let (answered, _) = asked(aws, &gate.dns_name, "GET /active").await?;
            ensure!(answered == status, "{answered} instead of {status}");
            // Whatever else is asked for does not reach the function.
            for request in ["GET /", "POST /active", "GET /active/"] {
                let answer = asked(aws, &gate.dns_name, request).await?;
                ensure!(
                    answer == (503, "nothing answers here".to_owned()),
                    "{request}: {answer:?}"
                );
            }
            let mut state = String::new();
            // Two checks, whose intervals take their real time here.
            for _ in 0..200 {
                let health = client
                    .describe_target_health()
                    .target_group_arn(of_balancer)
                    .send()
                    .await?;
                let described = health.target_health_descriptions().first();
                let now = described.and_then(|described| described.target_health()?.state().cloned());
                state = now.map(|state| state.to_string()).unwrap_or_default();
                if state == expected {
                    break;
                }
                tokio::time::sleep(std::time::Duration::from_millis(200)).await;
            }
            ensure!(state == expected, "it is {state}, not {expected}");
        }
        // A registration stands whatever the health is.
        function(aws, &gate.function, 503, "")?;
        ensure!(differences(&provider, &gate.balancer_target).await?.is_empty());
        gate.go(&provider).await
    })
}
