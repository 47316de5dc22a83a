//! `AWS::SecretsManager::Secret`, with a generated password.

use std::collections::BTreeMap;

use aws_sdk_secretsmanager::Client;
use aws_sdk_secretsmanager::operation::describe_secret::DescribeSecretOutput;
use aws_sdk_secretsmanager::types::Tag;
use outrigger_aws::{Clients, TAGS, TAGS_GONE, encryption_key, is_code, missing_tags, surplus_keys, surplus_tags};
use outrigger_engine::ports::provider::{CallError, Condition, Difference, Observed, Progress, Target};
use outrigger_model::Input;
use outrigger_model::properties::Secret;
use outrigger_model::resource::is_ours;
use secrecy::SecretString;
use serde_json::Value;

use crate::calls::{self, Current, NOT_FOUND, PUT_SECRET_VALUE, failed, request_token, unreadable, value_differences};
use crate::{POLL_SECONDS, replicas, value};

const PASSWORD_LENGTH: i64 = 32;
/// What RDS refuses in a master password (`/`, `@`, `"`, space), and what connection strings and shells trip over.
/// <https://docs.aws.amazon.com/AmazonRDS/latest/APIReference/API_CreateDBInstance.html>, MasterUserPassword.
const PASSWORD_EXCLUDES: &str = "/@\"'\\ ";
/// A Redis AUTH token has letters and digits alone: of other characters ElastiCache takes few, and not the same ones in each
/// of its calls. <https://docs.aws.amazon.com/AmazonElastiCache/latest/dg/auth.html#auth-overview>
const REDIS: &str = "redis";
/// What comes before every other difference: nothing else can be changed of it.
const SCHEDULED: &str = "scheduled_for_deletion";
const REPLICAS: &str = "replicas";
/// What Secrets Manager encrypts with where no key is named.
const KEY_OF_AWS: &str = "alias/aws/secretsmanager";

/// DescribeSecret, and GetSecretValue for what the value says besides the password:
/// <https://docs.aws.amazon.com/secretsmanager/latest/apireference/API_DescribeSecret.html>.
pub(crate) async fn observe(client: &Client, target: &Target, wanted: &Secret) -> Result<Option<Observed>, CallError> {
    let Some(secret) = calls::describe(client, &target.resource.physical_name).await? else {
        return Ok(None);
    };
    let arn = secret.arn().unwrap_or_default().to_owned();
    let tags = from_sdk(secret.tags());
    let ours = is_ours(&tags, &target.resource.tags);
    let mut differences = differences(wanted, &secret, &target.resource.tags, &tags);
    let mut condition = condition(&secret, target.going);
    let is_scheduled = secret.deleted_date().is_some();
    // The value of another's secret is none of our business.
    if ours && condition == Condition::Ready && !is_scheduled {
        match calls::current(client, &arn).await? {
            Current::Value { text, .. } => differences.extend(value_differences(&fields(wanted, &text), &text)),
            // A new version shows late.
            Current::Absent => {
                condition = Condition::Changing {
                    status: "its current version cannot be read yet".to_owned(),
                };
            }
            Current::Deleting => {
                condition = Condition::Changing {
                    status: "it has just been scheduled for deletion".to_owned(),
                };
            }
        }
    }
    differences.extend(surplus_tags(&target.tags_gone, &tags));
    Ok(Some(Observed {
        id: arn.clone(),
        attributes: BTreeMap::from([("arn".to_owned(), arn)]),
        condition,
        ours,
        differences,
        duplicates: Vec::new(),
        pending: Vec::new(),
    }))
}

/// `regions` are the clients of the regions of its replicas.
pub(crate) async fn ensure(
    client: &Client,
    regions: &Clients<Client>,
    target: &Target,
    wanted: &Secret,
    observed: Option<&Observed>,
) -> Result<Progress, CallError> {
    let Some(observed) = observed else {
        return create(client, target, wanted).await;
    };
    let Some(first) = observed.differences.first() else {
        return Ok(Progress::Done);
    };
    match first.property {
        SCHEDULED => restore(client, &observed.id).await?,
        REPLICAS => return replicas::change(client, regions, target, wanted, &observed.id).await,
        // TagResource adds and overwrites, never removes:
        // https://docs.aws.amazon.com/secretsmanager/latest/apireference/API_TagResource.html
        TAGS => {
            client
                .tag_resource()
                .secret_id(&observed.id)
                .set_tags(Some(to_sdk(&target.resource.tags)))
                .send()
                .await
                .map_err(|error| failed("secretsmanager:TagResource", &error))?;
        }
        // https://docs.aws.amazon.com/secretsmanager/latest/apireference/API_UntagResource.html
        TAGS_GONE => {
            client
                .untag_resource()
                .secret_id(&observed.id)
                .set_tag_keys(Some(surplus_keys(first)))
                .send()
                .await
                .map_err(|error| failed("secretsmanager:UntagResource", &error))?;
        }
        // UpdateSecret without a value makes no new version:
        // https://docs.aws.amazon.com/secretsmanager/latest/apireference/API_UpdateSecret.html
        "description" => {
            client
                .update_secret()
                .secret_id(&observed.id)
                .description(&wanted.description)
                .send()
                .await
                .map_err(|error| failed("secretsmanager:UpdateSecret", &error))?;
        }
        // What is current, previous or pending is encrypted anew; the caller's policy must allow the key that was, too.
        "encryption_key" => {
            client
                .update_secret()
                .secret_id(&observed.id)
                .kms_key_id(wanted.encryption_key.as_ref().map_or(KEY_OF_AWS, Input::text))
                .send()
                .await
                .map_err(|error| failed("secretsmanager:UpdateSecret", &error))?;
        }
        _ => return change_value(client, target, wanted, &observed.id).await,
    }
    Ok(Progress::changed(POLL_SECONDS))
}

/// GetSecretValue, then PutSecretValue of the same with what is wanted, the password as it is:
/// <https://docs.aws.amazon.com/secretsmanager/latest/apireference/API_PutSecretValue.html>.
///
/// # Caveats
/// - As for attachments: somebody else's write between the two would be lost.
async fn change_value(client: &Client, target: &Target, wanted: &Secret, arn: &str) -> Result<Progress, CallError> {
    let (version, text) = match calls::current(client, arn).await? {
        Current::Value { version, text, .. } => (version, text),
        Current::Absent | Current::Deleting => return Err(calls::absent(PUT_SECRET_VALUE, arn)),
    };
    let changes: Vec<_> = fields(wanted, &text)
        .into_iter()
        .map(|(_, field, value)| (field, value))
        .collect();
    let Some(changed) = value::with(&text, &changes) else {
        return Ok(unreadable(arn));
    };
    // The version it is made from is in the token: a repeat is the same write, a later change is another.
    let token = request_token(&[&target.token, "change", &version]);
    calls::put(client, arn, token, &changed).await?;
    Ok(Progress::changed(POLL_SECONDS))
}

/// GetRandomPassword, then CreateSecret:
/// <https://docs.aws.amazon.com/secretsmanager/latest/apireference/API_CreateSecret.html>.
///
/// A repeat generates another password; the token then makes AWS refuse it, and the first one stays.
async fn create(client: &Client, target: &Target, wanted: &Secret) -> Result<Progress, CallError> {
    let text = value::initial(wanted, &random_password(client, wanted.engine == REDIS).await?);
    let output = client
        .create_secret()
        .name(&target.resource.physical_name)
        .description(&wanted.description)
        .client_request_token(request_token(&[&target.token, "create"]))
        .secret_string(secrecy::ExposeSecret::expose_secret(&text))
        .set_kms_key_id(wanted.encryption_key.as_ref().map(|key| key.text().to_owned()))
        .set_tags(Some(to_sdk(&target.resource.tags)))
        .send()
        .await
        .map_err(|error| failed("secretsmanager:CreateSecret", &error))?;
    Ok(Progress::InProgress {
        id: output.arn,
        poll_after_seconds: POLL_SECONDS,
        request_id: None,
    })
}

/// GetRandomPassword: <https://docs.aws.amazon.com/secretsmanager/latest/apireference/API_GetRandomPassword.html>.
async fn random_password(client: &Client, is_token: bool) -> Result<SecretString, CallError> {
    let call = "secretsmanager:GetRandomPassword";
    let output = client
        .get_random_password()
        .password_length(PASSWORD_LENGTH)
        .exclude_characters(PASSWORD_EXCLUDES)
        .exclude_punctuation(is_token)
        .include_space(false)
        .require_each_included_type(true)
        .send()
        .await
        .map_err(|error| failed(call, &error))?;
    output
        .random_password
        .filter(|password| !password.is_empty())
        .map(SecretString::from)
        .ok_or_else(|| CallError::invalid(call, "the answer holds no password"))
}

/// RestoreSecret: what waits for its deletion keeps its name, so that no other can be made; it is used again, as it is.
/// <https://docs.aws.amazon.com/secretsmanager/latest/apireference/API_RestoreSecret.html>.
async fn restore(client: &Client, arn: &str) -> Result<(), CallError> {
    let restored = client.restore_secret().secret_id(arn).send().await;
    restored
        .map(drop)
        .map_err(|error| failed("secretsmanager:RestoreSecret", &error))
}

/// DeleteSecret at once, once it has no replicas, also where somebody has scheduled it for later: a stack leaves nothing behind.
/// <https://docs.aws.amazon.com/secretsmanager/latest/apireference/API_DeleteSecret.html>.
pub(crate) async fn delete(client: &Client, observed: &Observed) -> Result<Progress, CallError> {
    // Asked first, because a forced deletion of what is absent answers as if it had been there.
    let Some(secret) = calls::describe(client, &observed.id).await? else {
        return Ok(Progress::Done);
    };
    if let Some(progress) = replicas::remove_all(client, &observed.id, &secret).await? {
        return Ok(progress);
    }
    match client
        .delete_secret()
        .secret_id(&observed.id)
        .force_delete_without_recovery(true)
        .send()
        .await
    {
        Ok(_) => Ok(Progress::changed(POLL_SECONDS)),
        Err(error) if is_code(&error, NOT_FOUND) => Ok(Progress::Done),
        Err(error) => Err(failed("secretsmanager:DeleteSecret", &error)),
    }
}

/// One that waits for its deletion is at rest: it is restored, or deleted at once where it is to go.
fn condition(secret: &DescribeSecretOutput, going: bool) -> Condition {
    if secret.deleted_date().is_some() {
        return Condition::Ready;
    }
    if let Some(status) = replicas::under_way(secret).filter(|_| !going) {
        return Condition::Changing { status };
    }
    let stages = secret.version_ids_to_stages();
    let is_current = |stages: &Vec<String>| stages.iter().any(|stage| stage == "AWSCURRENT");
    // A secret that was made without a value; ours never are.
    if stages.is_none_or(|stages| !stages.values().any(is_current)) {
        return Condition::Broken {
            reason: "it has no current version: put a value with username and password, or delete it".to_owned(),
        };
    }
    Condition::Ready
}

fn to_sdk(tags: &BTreeMap<String, String>) -> Vec<Tag> {
    tags.iter()
        .map(|(key, value)| Tag::builder().key(key).value(value).build())
        .collect()
}

fn from_sdk(tags: &[Tag]) -> BTreeMap<String, String> {
    tags.iter()
        .filter_map(|tag| Some((tag.key()?.to_owned(), tag.value().unwrap_or_default().to_owned())))
        .collect()
}

/// Where a secret differs from what is wanted, its value apart.
fn differences(
    wanted: &Secret,
    actual: &DescribeSecretOutput,
    wanted_tags: &BTreeMap<String, String>,
    actual_tags: &BTreeMap<String, String>,
) -> Vec<Difference> {
    let description = actual.description().unwrap_or_default();
    let is_scheduled = actual.deleted_date().is_some();
    [
        is_scheduled.then(|| Difference::new(SCHEDULED, &false, &true)),
        missing_tags(wanted_tags, actual_tags),
        Difference::between("description", &wanted.description.as_str(), &description),
        encryption_key(
            wanted.encryption_key.as_ref(),
            actual.kms_key_id().filter(|key| *key != KEY_OF_AWS).unwrap_or_default(),
        ),
        Difference::between(REPLICAS, &wanted.replicas, &replicas::there(actual)),
    ]
    .into_iter()
    .flatten()
    .collect()
}

/// What a secret's value is to say: property, field, value. The port is the attachment's, once there is one.
fn fields(wanted: &Secret, text: &SecretString) -> Vec<(&'static str, &'static str, Value)> {
    let port = (!value::is_attached(text)).then(|| ("port", "port", wanted.port.into()));
    [
        ("username", "username", wanted.username.as_str().into()),
        ("engine", "engine", wanted.engine.as_str().into()),
        ("database", "dbname", wanted.database.as_str().into()),
    ]
    .into_iter()
    .chain(port)
    .collect()
}

#[cfg(test)]
mod tests {
    use aws_sdk_secretsmanager::primitives::DateTime;

    use super::*;

    fn wanted() -> Secret {
        Secret {
            description: "credentials".to_owned(),
            username: "dbadmin".to_owned(),
            engine: "postgres".to_owned(),
            port: 5432,
            database: "tapdb".to_owned(),
            encryption_key: None,
            replicas: Default::default(),
        }
    }

    #[test]
    fn differences_are_told_without_the_value() {
        let tags = BTreeMap::new();
        let of = |description: &str| DescribeSecretOutput::builder().description(description).build();
        assert_eq!(differences(&wanted(), &of("credentials"), &tags, &tags), []);
        let found = differences(&wanted(), &of("old"), &tags, &tags);
        assert_eq!(found.first().map(|difference| difference.property), Some("description"));

        let of = |key: &str| {
            let secret = DescribeSecretOutput::builder()
                .description("credentials")
                .kms_key_id(key)
                .build();
            differences(&wanted(), &secret, &tags, &tags)
        };
        assert_eq!(of(KEY_OF_AWS), []);
        assert_eq!(
            of("theirs").first().map(|difference| difference.property),
            Some("encryption_key")
        );

        let password = SecretString::from("hunter2");
        let of = |text: &SecretString| -> Vec<String> {
            let found = value_differences(&fields(&wanted(), text), text);
            assert!(!format!("{found:?}").contains("hunter2"), "{found:?}");
            found
                .iter()
                .map(|difference| format!("{}: {} / {}", difference.property, difference.wanted, difference.actual))
                .collect()
        };
        assert_eq!(of(&value::initial(&wanted(), &password)), Vec::<String>::new());
        let other = Secret {
            username: "other".to_owned(),
            port: 1,
            ..wanted()
        };
        let other = value::initial(&other, &password);
        assert_eq!(of(&other), [r#"username: "dbadmin" / "other""#, "port: 5432 / 1"]);
        // Attached, the port is the attachment's.
        let attached = value::with(&other, &[("host", "db.example".into())]).unwrap();
        assert_eq!(of(&attached), [r#"username: "dbadmin" / "other""#]);
        assert_eq!(of(&SecretString::from("hunter2")).len(), 4);
    }

    #[test]
    fn conditions() {
        let current =
            || DescribeSecretOutput::builder().version_ids_to_stages("version", vec!["AWSCURRENT".to_owned()]);
        assert_eq!(condition(&current().build(), false), Condition::Ready);
        let empty = DescribeSecretOutput::builder().build();
        assert!(matches!(condition(&empty, false), Condition::Broken { .. }));
        // It is restored, or goes at once.
        let deleted = current()
            .description("credentials")
            .deleted_date(DateTime::from_secs(0));
        let deleted = deleted.build();
        for going in [false, true] {
            assert_eq!(condition(&deleted, going), Condition::Ready);
        }
        let tags = BTreeMap::new();
        let found = differences(&wanted(), &deleted, &tags, &tags);
        assert_eq!(found, [Difference::new("scheduled_for_deletion", &false, &true)]);
    }

    #[test]
    fn tags_come_back_as_they_were() {
        let tags = BTreeMap::from([("Name", "s"), ("a", "2")].map(|(key, value)| (key.to_owned(), value.to_owned())));
        assert_eq!(from_sdk(&to_sdk(&tags)), tags);
    }
}
