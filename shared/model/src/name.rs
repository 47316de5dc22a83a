//! Names of AWS objects: `<stack>-<environment>-<name>`, shortened where AWS's limit is lower.

use sha2::{Digest, Sha256};

use crate::key::{Kind, ResourceKey, StackId};

/// The name that AWS shows for a resource, and where it lives uniquely.
///
/// Over the kind's limit it is cut, and ends in `-` and the first 8 hex digits of the SHA-256 of the resource's full
/// key with its stack, so that two long names never meet.
///
/// Roles are one account's, not one region's: their names end in the region.
pub fn physical_name(stack: &StackId, key: &ResourceKey) -> String {
    let name = match key.kind {
        Kind::Role => format!("{}-{}", key.name, key.region),
        _ => key.name.clone(),
    };
    shortened(
        &format!("{}-{}-{name}", stack.stack, stack.environment),
        &format!("{stack}/{key}"),
        length_max(key.kind),
    )
}

fn shortened(name: &str, full_key: &str, length_max: usize) -> String {
    if name.len() <= length_max {
        return name.to_owned();
    }
    let digest = Sha256::digest(full_key.as_bytes());
    let suffix: String = digest.iter().take(4).map(|byte| format!("{byte:02x}")).collect();
    let kept: String = name.chars().take(length_max.saturating_sub(9)).collect();
    format!("{}-{suffix}", kept.trim_end_matches('-'))
}

/// The first 16 hex digits of the SHA-256 of a text: it is another one where the text is.
pub fn content_hash(text: &str) -> String {
    let digest = Sha256::digest(text.as_bytes());
    digest.iter().take(8).map(|byte| format!("{byte:02x}")).collect()
}

/// The longest name AWS takes for a kind, in characters (each service's API reference).
fn length_max(kind: Kind) -> usize {
    match kind {
        // ReplicationGroupId: 1 to 40; its members append `-001`.
        Kind::ReplicationGroup => 40,
        // DBInstanceIdentifier, DBClusterIdentifier: 1 to 63.
        Kind::DbInstance | Kind::DbCluster | Kind::DbClusterInstance => 63,
        // StreamName: 1 to 128.
        Kind::Stream => 128,
        // RoleName: 1 to 64.
        Kind::Role => 64,
        // The name of a key is asked for as a prefix; API Gateway documents no limits.
        Kind::RestApi | Kind::ApiDeployment | Kind::ApiStage | Kind::UsagePlan | Kind::ApiKey | Kind::UsagePlanKey => {
            128
        }
        // logGroupName: 1 to 512; whoever writes to it gives it its name.
        Kind::LogGroup => 512,
        // AliasName: 1 to 256; the component gives it its name.
        Kind::KmsAlias => 256,
        // Name of a topic: 1 to 256; a subscription has none.
        Kind::Topic | Kind::Subscription => 256,
        // GroupName, DBSubnetGroupName, CacheSubnetGroupName, AlarmName: 255; a tag's value: 256; a secret: 512.
        Kind::Vpc
        | Kind::Subnet
        | Kind::InternetGateway
        | Kind::ElasticIp
        | Kind::NatGateway
        | Kind::RouteTable
        | Kind::Route
        | Kind::RouteTableAssociation
        | Kind::VpcPeering
        | Kind::SecurityGroup
        | Kind::VpcEndpoint
        | Kind::KmsKey
        | Kind::DbSubnetGroup
        | Kind::DbParameterGroup
        | Kind::CacheSubnetGroup
        | Kind::Secret
        | Kind::SecretAttachment
        | Kind::Alarm => 255,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::key::Region;

    fn name_of(kind: Kind, stack: &str, name: &str) -> String {
        let id = StackId {
            stack: stack.to_owned(),
            environment: "production".to_owned(),
        };
        physical_name(&id, &ResourceKey::new(&Region::new("us-east-1"), kind, name))
    }

    #[test]
    fn short_names_stay_as_they_are() {
        assert_eq!(
            name_of(Kind::ReplicationGroup, "data-processing", "cache"),
            "data-processing-production-cache"
        );
    }

    #[test]
    fn long_names_are_cut_and_stay_apart() {
        let one = name_of(Kind::ReplicationGroup, "a-rather-long-name-of-a-stack", "sessions-one");
        let two = name_of(Kind::ReplicationGroup, "a-rather-long-name-of-a-stack", "sessions-two");
        assert_ne!(one, two);
        for name in [&one, &two] {
            assert!(name.len() <= 40, "{name}");
            assert!(name.starts_with("a-rather-long-name-of-a-stack-p"), "{name}");
        }
    }
}
