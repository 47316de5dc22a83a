//! VPC endpoints of AWS's own services, with the default policy.

use std::collections::BTreeSet;

use aws_sdk_ec2::Client;
use aws_sdk_ec2::types::{ResourceType, VpcEndpoint as Actual, VpcEndpointType};
use outrigger_aws::{TAGS, TAGS_GONE};
use outrigger_engine::ports::provider::{CallError, CallErrorKind, Condition, Difference, Observed, Progress, Target};
use outrigger_model::Input;
use outrigger_model::properties::{Reached, VpcEndpoint};

use crate::call::{CODES, NOT_FOUND, POLL_AFTER_SECONDS, blocked, changed, created, differs, refused};
use crate::route_table::client_token;
use crate::tags;

const VPC: &str = "vpc";
const SERVICE: &str = "service";
const TYPE: &str = "type";
const ROUTE_TABLES: &str = "route_tables";
const SUBNETS: &str = "subnets";
const SECURITY_GROUPS: &str = "security_groups";
const PRIVATE_DNS: &str = "private_dns";

/// EC2 writes states in lower case, although its own description has them in upper.
fn state(actual: &Actual) -> String {
    let state = actual.state().map(|state| state.as_str()).unwrap_or_default();
    state.to_ascii_lowercase()
}

/// Source: <https://docs.aws.amazon.com/AWSEC2/latest/APIReference/API_DescribeVpcEndpoints.html>.
pub(crate) async fn observe(
    client: &Client,
    target: &Target,
    wanted: &VpcEndpoint,
) -> Result<Option<Observed>, CallError> {
    let found = find!(
        client,
        target,
        "ec2:DescribeVpcEndpoints",
        describe_vpc_endpoints,
        vpc_endpoint_ids,
        vpc_endpoints,
        vpc_endpoint_id,
        |endpoint| state(endpoint) != "deleted"
    );
    Ok(found.await?.map(|choice| {
        let condition = condition(&choice.object);
        let differences = differences(wanted, &choice.object);
        choice.observed(target, condition, differences)
    }))
}

/// Of subnets, those that are not wanted go first: an endpoint has one in each zone.
///
/// Source: <https://docs.aws.amazon.com/AWSEC2/latest/APIReference/API_ModifyVpcEndpoint.html>.
pub(crate) async fn ensure(
    client: &Client,
    target: &Target,
    wanted: &VpcEndpoint,
    observed: Option<&Observed>,
) -> Result<Progress, CallError> {
    const CALL: &str = "ec2:ModifyVpcEndpoint";
    let Some(observed) = observed else {
        return create(client, target, wanted).await;
    };
    let Some(difference) = observed.differences.first() else {
        return Ok(Progress::Done);
    };
    let request = client.modify_vpc_endpoint().vpc_endpoint_id(&observed.id);
    let Lists { missing, unwanted } = Lists::of(difference);
    match difference.property {
        ROUTE_TABLES => {
            let request = request.set_add_route_table_ids(missing);
            changed(CALL, request.set_remove_route_table_ids(unwanted).send().await)
        }
        SUBNETS if unwanted.is_some() => changed(CALL, request.set_remove_subnet_ids(unwanted).send().await),
        SUBNETS => changed(CALL, request.set_add_subnet_ids(missing).send().await),
        SECURITY_GROUPS => {
            let request = request.set_add_security_group_ids(missing);
            changed(CALL, request.set_remove_security_group_ids(unwanted).send().await)
        }
        PRIVATE_DNS => {
            let is_wanted = difference.wanted.as_bool();
            changed(CALL, request.set_private_dns_enabled(is_wanted).send().await)
        }
        TAGS => tags::put(client, &observed.id, target).await,
        TAGS_GONE => tags::remove(client, &observed.id, difference).await,
        _ => Ok(blocked(observed, difference)),
    }
}

/// Its network interfaces go with it; until then it shows as being deleted, and its subnets and security groups cannot be.
///
/// Source: <https://docs.aws.amazon.com/AWSEC2/latest/APIReference/API_DeleteVpcEndpoints.html>.
pub(crate) async fn delete(client: &Client, id: &str) -> Result<Progress, CallError> {
    const CALL: &str = "ec2:DeleteVpcEndpoints";
    let answer = client.delete_vpc_endpoints().vpc_endpoint_ids(id).send().await;
    let answer = answer.map_err(|error| refused(CALL, &error))?;
    // The call takes several, and is answered for each.
    let Some(error) = answer.unsuccessful().first().and_then(|item| item.error()) else {
        return Ok(Progress::changed(POLL_AFTER_SECONDS));
    };
    let code = error.code().unwrap_or_default();
    if NOT_FOUND.contains(&code) {
        return Ok(Progress::Done);
    }
    let known = CODES.iter().find(|(known, _)| *known == code);
    Err(CallError {
        call: CALL.to_owned(),
        kind: known.map_or(CallErrorKind::Invalid, |(_, kind)| *kind),
        code: code.to_owned(),
        message: error.message().unwrap_or_default().to_owned(),
        request_id: None,
    })
}

/// Source: <https://docs.aws.amazon.com/AWSEC2/latest/APIReference/API_CreateVpcEndpoint.html>.
async fn create(client: &Client, target: &Target, wanted: &VpcEndpoint) -> Result<Progress, CallError> {
    const CALL: &str = "ec2:CreateVpcEndpoint";
    let request = client
        .create_vpc_endpoint()
        .vpc_id(wanted.vpc.text())
        .service_name(&wanted.service)
        .vpc_endpoint_type(type_of(&wanted.reached))
        .client_token(client_token(&target.token))
        .tag_specifications(tags::at_creation(ResourceType::VpcEndpoint, target));
    let request = match &wanted.reached {
        Reached::Gateway { route_tables } => request.set_route_table_ids(Some(texts(route_tables))),
        Reached::Interface {
            subnets,
            security_groups,
            private_dns,
        } => request
            .set_subnet_ids(Some(texts(subnets)))
            .set_security_group_ids(Some(texts(security_groups)))
            .private_dns_enabled(*private_dns),
    };
    let answer = request.send().await.map_err(|error| refused(CALL, &error))?;
    created(
        CALL,
        answer.vpc_endpoint().and_then(|endpoint| endpoint.vpc_endpoint_id()),
    )
}

fn type_of(reached: &Reached) -> VpcEndpointType {
    match reached {
        Reached::Gateway { .. } => VpcEndpointType::Gateway,
        Reached::Interface { .. } => VpcEndpointType::Interface,
    }
}

fn texts(inputs: &[Input]) -> Vec<String> {
    inputs.iter().map(|input| input.text().to_owned()).collect()
}

/// What a list of ids lacks, and what it has too much; `None` where that is nothing.
struct Lists {
    missing: Option<Vec<String>>,
    unwanted: Option<Vec<String>>,
}

impl Lists {
    fn of(difference: &Difference) -> Self {
        let ids = |value: &serde_json::Value| -> BTreeSet<String> {
            let items = value.as_array().into_iter().flatten();
            items.filter_map(|item| item.as_str().map(str::to_owned)).collect()
        };
        let (wanted, actual) = (ids(&difference.wanted), ids(&difference.actual));
        let less = |one: &BTreeSet<String>, other: &BTreeSet<String>| {
            let rest: Vec<String> = one.difference(other).cloned().collect();
            (!rest.is_empty()).then_some(rest)
        };
        Self {
            missing: less(&wanted, &actual),
            unwanted: less(&actual, &wanted),
        }
    }
}

fn condition(actual: &Actual) -> Condition {
    let state = state(actual);
    match state.as_str() {
        "pending" | "pendingacceptance" | "partial" => Condition::Changing { status: state },
        "deleting" => Condition::Deleting,
        "failed" | "rejected" | "expired" => Condition::Broken {
            reason: format!(
                "{state}: {}: delete it, and provision again",
                actual
                    .last_error()
                    .and_then(|error| error.message())
                    .unwrap_or("EC2 says no more")
            ),
        },
        _ => Condition::Ready,
    }
}

fn differences(wanted: &VpcEndpoint, actual: &Actual) -> Vec<Difference> {
    let type_wanted = type_of(&wanted.reached);
    // In the words of the property.
    let type_is = actual
        .vpc_endpoint_type()
        .map(|of| of.as_str().to_ascii_lowercase())
        .unwrap_or_default();
    let fixed = [
        differs(VPC, wanted.vpc.text(), actual.vpc_id().unwrap_or_default()),
        differs(SERVICE, &wanted.service, actual.service_name().unwrap_or_default()),
        differs(TYPE, &type_wanted.as_str().to_ascii_lowercase(), &type_is),
    ];
    let changeable = match &wanted.reached {
        Reached::Gateway { route_tables } => vec![list(ROUTE_TABLES, route_tables, actual.route_table_ids())],
        Reached::Interface {
            subnets,
            security_groups,
            private_dns,
        } => {
            let groups = actual.groups().iter().filter_map(|group| group.group_id());
            let groups: Vec<String> = groups.map(str::to_owned).collect();
            let is_private = actual.private_dns_enabled().unwrap_or_default();
            vec![
                list(SECURITY_GROUPS, security_groups, &groups),
                list(SUBNETS, subnets, actual.subnet_ids()),
                Difference::between(PRIVATE_DNS, private_dns, &is_private),
            ]
        }
    };
    fixed.into_iter().chain(changeable).flatten().collect()
}

/// Two lists of ids, whatever their order.
fn list(property: &'static str, wanted: &[Input], actual: &[String]) -> Option<Difference> {
    let set = |ids: &[String]| -> BTreeSet<String> { ids.iter().cloned().collect() };
    let (wanted, actual) = (texts(wanted), set(actual));
    (set(&wanted) != actual).then(|| Difference::new(property, &wanted, &actual))
}

#[cfg(test)]
mod tests {
    use super::*;
    use aws_sdk_ec2::types::builders::VpcEndpointBuilder;
    use aws_sdk_ec2::types::{LastError, SecurityGroupIdentifier, State};

    fn inputs(ids: &[&str]) -> Vec<Input> {
        ids.iter().map(|id| Input::Text((*id).to_owned())).collect()
    }

    fn of(reached: Reached) -> VpcEndpoint {
        VpcEndpoint {
            vpc: Input::Text("vpc-1".to_owned()),
            service: "com.amazonaws.us-east-1.kms".to_owned(),
            reached,
        }
    }

    fn interface() -> VpcEndpoint {
        of(Reached::Interface {
            subnets: inputs(&["subnet-2", "subnet-1"]),
            security_groups: inputs(&["sg-1"]),
            private_dns: true,
        })
    }

    fn actual() -> VpcEndpointBuilder {
        Actual::builder()
            .vpc_id("vpc-1")
            .service_name("com.amazonaws.us-east-1.kms")
            .vpc_endpoint_type(VpcEndpointType::Interface)
            .subnet_ids("subnet-1")
            .subnet_ids("subnet-2")
            .groups(SecurityGroupIdentifier::builder().group_id("sg-1").build())
            .private_dns_enabled(true)
    }

    #[track_caller]
    fn check(wanted: &VpcEndpoint, actual: VpcEndpointBuilder, expected: &[&str]) {
        let differences = differences(wanted, &actual.build());
        let properties: Vec<_> = differences.iter().map(|difference| difference.property).collect();
        assert_eq!(properties, expected);
    }

    #[test]
    fn each_property_is_compared() {
        check(&interface(), actual(), &[]);
        check(&interface(), actual().subnet_ids("subnet-3"), &[SUBNETS]);
        check(&interface(), actual().set_groups(None), &[SECURITY_GROUPS]);
        check(&interface(), actual().private_dns_enabled(false), &[PRIVATE_DNS]);
        check(
            &interface(),
            actual().vpc_id("vpc-2").service_name("x"),
            &[VPC, SERVICE],
        );
        let route_tables = inputs(&["rtb-1"]);
        let gateway = of(Reached::Gateway { route_tables });
        let by_routes = actual().vpc_endpoint_type(VpcEndpointType::Gateway);
        check(&gateway, by_routes.clone().route_table_ids("rtb-1"), &[]);
        check(&gateway, by_routes, &[ROUTE_TABLES]);
        check(&gateway, actual().route_table_ids("rtb-1"), &[TYPE]);
    }

    #[test]
    fn lists_are_told_apart() {
        let of = |wanted: &[&str], actual: &[&str]| {
            let lists = Lists::of(&Difference::new(SUBNETS, &wanted, &actual));
            (lists.missing, lists.unwanted)
        };
        let some = |id: &str| Some(vec![id.to_owned()]);
        assert_eq!(of(&["a", "b"], &["b", "c"]), (some("a"), some("c")));
        assert_eq!(of(&["a", "b"], &["b"]), (some("a"), None));
        assert_eq!(of(&["b"], &["b", "c"]), (None, some("c")));
    }

    #[test]
    fn states_are_read_in_either_case() {
        let condition = |state: &str| condition(&actual().state(State::from(state)).build());
        for state in ["available", "Available"] {
            assert_eq!(condition(state), Condition::Ready);
        }
        for state in ["pending", "Pending", "pendingAcceptance"] {
            assert!(matches!(condition(state), Condition::Changing { .. }), "{state}");
        }
        assert_eq!(condition("deleting"), Condition::Deleting);
        let error = LastError::builder().message("no more addresses").build();
        let failed = actual().state(State::Failed).last_error(error).build();
        let reason = "failed: no more addresses: delete it, and provision again".to_owned();
        assert_eq!(super::condition(&failed), Condition::Broken { reason });
    }
}
