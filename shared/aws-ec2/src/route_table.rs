//! Route tables; their routes and associations are resources of their own.

use aws_sdk_ec2::Client;
use aws_sdk_ec2::types::{ResourceType, RouteTable as Actual};
use outrigger_aws::{TAGS, TAGS_GONE};
use outrigger_engine::ports::provider::{CallError, Condition, Difference, Observed, Progress, Target};
use outrigger_model::properties::RouteTable;
use sha2::{Digest, Sha256};

use crate::call::{blocked, created, deleted, differs, refused};
use crate::tags;

const VPC: &str = "vpc";

/// The longest client token that EC2 takes, in ASCII characters.
/// Source: <https://docs.aws.amazon.com/ec2/latest/devguide/ec2-api-idempotency.html>.
const TOKEN_CHARACTERS_MAX: usize = 64;

/// Source: <https://docs.aws.amazon.com/AWSEC2/latest/APIReference/API_DescribeRouteTables.html>.
pub(crate) async fn observe(
    client: &Client,
    target: &Target,
    wanted: &RouteTable,
) -> Result<Option<Observed>, CallError> {
    let found = find!(
        client,
        target,
        "ec2:DescribeRouteTables",
        describe_route_tables,
        route_table_ids,
        route_tables,
        route_table_id
    );
    Ok(found.await?.map(|choice| {
        let differences = differences(wanted, &choice.object);
        // A route table has no state: it is there or not.
        choice.observed(target, Condition::Ready, differences)
    }))
}

/// Source: <https://docs.aws.amazon.com/AWSEC2/latest/APIReference/API_CreateTags.html>.
pub(crate) async fn ensure(
    client: &Client,
    target: &Target,
    wanted: &RouteTable,
    observed: Option<&Observed>,
) -> Result<Progress, CallError> {
    let Some(observed) = observed else {
        return create(client, target, wanted).await;
    };
    let Some(difference) = observed.differences.first() else {
        return Ok(Progress::Done);
    };
    match difference.property {
        TAGS => tags::put(client, &observed.id, target).await,
        TAGS_GONE => tags::remove(client, &observed.id, difference).await,
        _ => Ok(blocked(observed, difference)),
    }
}

/// Source: <https://docs.aws.amazon.com/AWSEC2/latest/APIReference/API_DeleteRouteTable.html>.
pub(crate) async fn delete(client: &Client, id: &str) -> Result<Progress, CallError> {
    let request = client.delete_route_table().route_table_id(id);
    deleted("ec2:DeleteRouteTable", request.send().await)
}

/// Source: <https://docs.aws.amazon.com/AWSEC2/latest/APIReference/API_CreateRouteTable.html>.
async fn create(client: &Client, target: &Target, wanted: &RouteTable) -> Result<Progress, CallError> {
    const CALL: &str = "ec2:CreateRouteTable";
    let answer = client
        .create_route_table()
        .vpc_id(wanted.vpc.text())
        .client_token(client_token(&target.token))
        .tag_specifications(tags::at_creation(ResourceType::RouteTable, target))
        .send()
        .await
        .map_err(|error| refused(CALL, &error))?;
    created(CALL, answer.route_table().and_then(|table| table.route_table_id()))
}

/// The token as EC2 takes it; one that is too long, or not ASCII, as the 64 hexadecimal digits of its SHA-256.
pub(crate) fn client_token(token: &str) -> String {
    if token.len() <= TOKEN_CHARACTERS_MAX && token.is_ascii() {
        return token.to_owned();
    }
    let digest = Sha256::digest(token.as_bytes());
    digest.iter().map(|byte| format!("{byte:02x}")).collect()
}

fn differences(wanted: &RouteTable, actual: &Actual) -> Vec<Difference> {
    differs(VPC, wanted.vpc.text(), actual.vpc_id().unwrap_or_default())
        .into_iter()
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use outrigger_model::Input;

    #[test]
    fn the_vpc_is_compared() {
        let wanted = RouteTable {
            vpc: Input::Text("vpc-1".to_owned()),
        };
        let actual = Actual::builder().vpc_id("vpc-1");
        assert_eq!(differences(&wanted, &actual.clone().build()), []);
        assert_eq!(differences(&wanted, &actual.vpc_id("vpc-2").build()).len(), 1);
    }

    #[test]
    fn tokens_fit() {
        assert_eq!(client_token("0001-a"), "0001-a");
        let long = client_token(&"0001-a".repeat(20));
        assert_eq!((long.len(), long.is_ascii()), (64, true));
        assert_ne!(long, client_token(&"0001-b".repeat(20)));
        assert_eq!(client_token("é").len(), 64);
    }
}
