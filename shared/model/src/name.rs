//! Names of AWS objects: `<stack>-<environment>-<name>`, shortened where AWS's limit is lower.

use sha2::{Digest, Sha256};

use crate::key::{Kind, Region, ResourceKey, StackId};

/// The name that AWS shows for a resource, and where it lives uniquely.
///
/// Over the kind's limit it is cut, and ends in `-` and the first 8 hex digits of the SHA-256 of the resource's full
/// key with its stack, so that two long names never meet.
///
/// A parameter's name is a path, `/<stack>/<environment>/<name>`, which is never too long.
///
/// Roles and dashboards are one account's, not one region's: their names end in the region.
pub fn physical_name(stack: &StackId, key: &ResourceKey) -> String {
    if key.kind == Kind::Parameter {
        return format!("/{}/{}/{}", stack.stack, stack.environment, key.name);
    }
    let name = match key.kind {
        Kind::Role | Kind::Dashboard => format!("{}-{}", key.name, key.region),
        // Their names hold no dots.
        Kind::LoadBalancer | Kind::TargetGroup | Kind::Function => key.name.replace('.', "-"),
        _ => key.name.clone(),
    };
    shortened(
        &format!("{}-{}-{name}", stack.stack, stack.environment),
        &format!("{stack}/{key}"),
        length_max(key),
    )
}

/// The name of a bucket: names of buckets are unique in all the world, so the account's number and the region follow
/// the one that it has within its stack.
pub fn bucket_name(physical_name: &str, account: &str, region: &Region) -> String {
    format!("{physical_name}{}", bucket_suffix(account, region))
}

fn bucket_suffix(account: &str, region: &Region) -> String {
    format!("-{account}-{region}")
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

/// The partition of the state table that a stack's topology is in, and nothing else: what may read the topology may read no
/// other item.
pub fn topology_partition(stack: &StackId) -> String {
    format!("topology#{stack}")
}

/// The first 16 hex digits of the SHA-256 of a text: it is another one where the text is.
pub fn content_hash(text: &str) -> String {
    let digest = Sha256::digest(text.as_bytes());
    digest.iter().take(8).map(|byte| format!("{byte:02x}")).collect()
}

/// The longest name AWS takes for a kind, in characters (each service's API reference).
fn length_max(key: &ResourceKey) -> usize {
    match key.kind {
        // 3 to 63, with what makes it unique: see `bucket_name`.
        Kind::Bucket => 63usize.saturating_sub(bucket_suffix("000000000000", &key.region).len()),
        // ReplicationGroupId: 1 to 40; its members append `-001`.
        Kind::ReplicationGroup => 40,
        // DBInstanceIdentifier, DBClusterIdentifier: 1 to 63.
        // GlobalClusterIdentifier: the same, as of a cluster.
        Kind::DbInstance | Kind::GlobalCluster | Kind::DbCluster | Kind::DbClusterInstance => 63,
        // StreamName: 1 to 128.
        Kind::Stream => 128,
        // TableName: 3 to 255; what its auto scaling or an index appends has its own limit.
        Kind::Table => 255,
        // RoleName, FunctionName: 1 to 64.
        Kind::Role | Kind::Function => 64,
        // StatementId: 1 to 100.
        Kind::FunctionPermission => 100,
        // Name of an accelerator: 1 to 64, whose listeners and endpoint groups have none.
        Kind::Accelerator | Kind::AcceleratorListener | Kind::EndpointGroup => 64,
        // Name of a rule and of an endpoint, Id of a target: 1 to 64.
        Kind::EventRule | Kind::EventTarget | Kind::GlobalEndpoint => 64,
        // Name of a bus: 1 to 256.
        Kind::EventBus => 256,
        // The name of a key is asked for as a prefix; API Gateway documents no limits.
        Kind::RestApi | Kind::ApiDeployment | Kind::ApiStage | Kind::UsagePlan | Kind::ApiKey | Kind::UsagePlanKey => {
            128
        }
        // Name of a load balancer or a target group: 1 to 32; what they have has no names.
        Kind::LoadBalancer | Kind::TargetGroup | Kind::Listener | Kind::ListenerRule | Kind::Target => 32,
        // Names of vaults, plans and selections: 1 or 2 to 50 letters, digits, hyphens and others.
        Kind::BackupVault | Kind::BackupPlan | Kind::BackupSelection => 50,
        // Name of a parameter: 1011, with what its ARN begins with.
        Kind::Parameter => 1011,
        // A domain gives itself its name, and a mapping has none.
        Kind::ApiDomain | Kind::ApiMapping => 255,
        // logGroupName: 1 to 512; whoever writes to it gives it its name.
        Kind::LogGroup => 512,
        // AliasName: 1 to 256; the component gives it its name.
        Kind::KmsAlias => 256,
        // Name of a topic: 1 to 256; a subscription has none.
        Kind::Topic | Kind::Subscription => 256,
        // GroupName, DBSubnetGroupName, CacheSubnetGroupName, AlarmName, DashboardName: 255; a tag's value: 256; a secret: 512.
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
        | Kind::BucketReplication
        | Kind::HealthCheck
        | Kind::Dashboard
        | Kind::Alarm => 255,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

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
    fn names_of_buckets_are_unique_and_fit() {
        let account = "123456789012";
        let region = Region::new("us-east-1");
        let short = name_of(Kind::Bucket, "shop", "documents");
        assert_eq!(
            bucket_name(&short, account, &region),
            "shop-production-documents-123456789012-us-east-1"
        );
        let long = name_of(Kind::Bucket, "a-rather-long-name-of-a-stack", "documents-of-customers");
        assert_eq!(bucket_name(&long, account, &region).len(), 63);
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
