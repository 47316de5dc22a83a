//! The policy of a key: who may do what with it. Pure.

use serde_json::{Value, json};

/// The services that store a stack's data.
const SERVICES: [&str; 4] = ["elasticache", "kinesis", "rds", "secretsmanager"];

/// What of a key's administration is no use of it:
/// <https://docs.aws.amazon.com/kms/latest/developerguide/key-policy-default.html#key-policy-default-allow-administrators>.
const ADMINISTER: [&str; 23] = [
    "CancelKeyDeletion",
    "CreateAlias",
    "DeleteAlias",
    "DescribeKey",
    "DisableKey",
    "DisableKeyRotation",
    "EnableKey",
    "EnableKeyRotation",
    "GetKeyPolicy",
    "GetKeyRotationStatus",
    "ListAliases",
    "ListGrants",
    "ListKeyPolicies",
    "ListKeyRotations",
    "ListResourceTags",
    "PutKeyPolicy",
    "RevokeGrant",
    "RotateKeyOnDemand",
    "ScheduleKeyDeletion",
    "TagResource",
    "UntagResource",
    "UpdateAlias",
    "UpdateKeyDescription",
];

const USE: [&str; 5] = ["Decrypt", "DescribeKey", "Encrypt", "GenerateDataKey*", "ReEncrypt*"];

fn actions(names: &[&str]) -> Vec<String> {
    names.iter().map(|name| format!("kms:{name}")).collect()
}

/// The policy of a key, from its ARN; `None` where that is none.
///
/// The account administers it: who may, its IAM policies say. Nobody encrypts or decrypts with it directly, whatever IAM
/// says; it is used through the services that store data, on behalf of who may use them in this account, as AWS's own keys
/// are. All of these services may use every key: what a service once encrypted with it must stay readable after the document
/// has given that another key.
/// <https://docs.aws.amazon.com/kms/latest/developerguide/key-policy-default.html>,
/// <https://docs.aws.amazon.com/kms/latest/developerguide/conditions-kms.html#conditions-kms-via-service>
pub(crate) fn of(arn: &str) -> Option<Value> {
    // arn:<partition>:kms:<region>:<account>:key/<id>
    let mut parts = arn.split(':');
    let (Some("arn"), Some(partition), Some("kms"), Some(region), Some(account)) =
        (parts.next(), parts.next(), parts.next(), parts.next(), parts.next())
    else {
        return None;
    };
    let suffix = if partition == "aws-cn" {
        "amazonaws.com.cn"
    } else {
        "amazonaws.com"
    };
    let services = SERVICES.map(|service| match service {
        "secretsmanager" => format!("{service}.{region}.amazonaws.com"),
        other => format!("{other}.{region}.{suffix}"),
    });
    let through_services = json!({ "kms:CallerAccount": account, "kms:ViaService": services });
    Some(json!({
        "Version": "2012-10-17",
        "Statement": [
            {
                "Sid": "Administer",
                "Effect": "Allow",
                "Principal": { "AWS": format!("arn:{partition}:iam::{account}:root") },
                "Action": actions(&ADMINISTER),
                "Resource": "*"
            },
            {
                "Sid": "UseThroughServices",
                "Effect": "Allow",
                "Principal": { "AWS": "*" },
                "Action": actions(&USE),
                "Resource": "*",
                "Condition": { "StringEquals": through_services }
            },
            {
                "Sid": "GrantToServices",
                "Effect": "Allow",
                "Principal": { "AWS": "*" },
                "Action": actions(&["CreateGrant"]),
                "Resource": "*",
                "Condition": {
                    "StringEquals": through_services,
                    "Bool": { "kms:GrantIsForAWSResource": "true" }
                }
            }
        ]
    }))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_policy_names_the_account_and_the_region_of_its_key() {
        let policy = of("arn:aws:kms:us-east-1:123456789012:key/a").unwrap();
        assert_eq!(
            policy.pointer("/Statement/0/Principal/AWS"),
            Some(&json!("arn:aws:iam::123456789012:root"))
        );
        let condition = policy.pointer("/Statement/1/Condition/StringEquals").unwrap();
        assert_eq!(condition["kms:CallerAccount"], "123456789012");
        assert!(
            condition["kms:ViaService"]
                .as_array()
                .unwrap()
                .contains(&json!("rds.us-east-1.amazonaws.com"))
        );
        // Nobody who only administers it reads data.
        let actions = policy.pointer("/Statement/0/Action").unwrap().to_string();
        for action in ["Decrypt", "Encrypt", "GenerateDataKey", "CreateGrant", "*"] {
            assert!(!actions.contains(action), "{action}");
        }
        assert_eq!(of("a"), None);
    }
}
