//! The AUTH token of a replication group: <https://docs.aws.amazon.com/AmazonElastiCache/latest/dg/auth.html>.
//!
//! A group that is created with a token requires it. One that stands gets it in two steps: ROTATE, after which the token is
//! good but not needed, so that clients can begin to send it; then SET, after which it is needed. What AWS shows of a group
//! does not tell the two apart. So the group carries a tag, [`TAG_AUTH`]: between the steps, when its token was last
//! modified; from then on, another moment there means that SET was done. Where AWS refuses a SET because no step is left,
//! and where the group was created with its token, it says [`REQUIRED`].

use std::collections::BTreeMap;

use aws_sdk_elasticache::Client;
use aws_sdk_elasticache::primitives::DateTimeFormat;
use aws_sdk_elasticache::types::{AuthTokenUpdateStrategyType, ReplicationGroup as SdkGroup};
use outrigger_aws::{call_error, gone_meanwhile};
use outrigger_engine::ports::provider::{CallError, CallErrorKind, Difference, Progress};
use outrigger_engine::ports::secrets::SecretReader;
use outrigger_model::properties::ReplicationGroup;
use secrecy::ExposeSecret;

use crate::replication_group::{CODES, describe};
use crate::{POLL_SECONDS, fresh_references_wait, tags};

/// The property under which it is reported.
pub(crate) const AUTH_TOKEN: &str = "auth_token";

pub(crate) const TAG_AUTH: &str = "outrigger:auth-token";
pub(crate) const REQUIRED: &str = "required";

const MODIFY: &str = "elasticache:ModifyReplicationGroup";

/// What is known of a group's token.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Standing {
    /// It has none.
    Off,
    /// It has one, and nothing tells whether clients need it.
    Unknown,
    /// It has one that clients need not send.
    Optional,
    /// Clients need it.
    Required,
}

impl Standing {
    fn of(group: &SdkGroup, tags: &BTreeMap<String, String>) -> Self {
        match tags.get(TAG_AUTH) {
            _ if group.auth_token_enabled() != Some(true) => Standing::Off,
            None => Standing::Unknown,
            Some(mark) if mark == REQUIRED => Standing::Required,
            Some(mark) if *mark == modified(group) => Standing::Optional,
            Some(_) => Standing::Required,
        }
    }

    fn as_str(self) -> &'static str {
        match self {
            Standing::Off => "off",
            Standing::Unknown => "unknown",
            Standing::Optional => "optional",
            Standing::Required => REQUIRED,
        }
    }
}

/// When the token was last modified, as a tag can say it.
fn modified(group: &SdkGroup) -> String {
    let date = group.auth_token_last_modified_date();
    date.and_then(|date| date.fmt(DateTimeFormat::DateTime).ok())
        .unwrap_or_else(|| "never".to_owned())
}

/// Where a group's token differs from what is wanted; never the token.
pub(crate) fn difference(
    wanted: &ReplicationGroup,
    group: &SdkGroup,
    tags: &BTreeMap<String, String>,
) -> Option<Difference> {
    let actual = Standing::of(group, tags);
    let wanted = match (&wanted.auth_secret, actual) {
        (Some(_), _) => Standing::Required,
        (None, _) => Standing::Off,
    };
    Difference::between(AUTH_TOKEN, &wanted.as_str(), &actual.as_str())
}

/// One step towards a token that clients need.
pub(crate) async fn ensure(
    client: &Client,
    secrets: &dyn SecretReader,
    id: &str,
    arn: &str,
    wanted: &ReplicationGroup,
    tags: &BTreeMap<String, String>,
) -> Result<Progress, CallError> {
    let Some(secret) = &wanted.auth_secret else {
        return Ok(Progress::Blocked {
            reason: format!(
                "ElastiCache takes the AUTH token off a cache only for user groups, which Outrigger does not know: state \
                 `auth_token: true` for {id}, or have the cache replaced"
            ),
        });
    };
    let Some(group) = describe(client, id).await? else {
        return Err(gone_meanwhile(MODIFY, "the replication group"));
    };
    let mark = |mark: String| BTreeMap::from([(TAG_AUTH.to_owned(), mark)]);
    let strategy = match Standing::of(&group, tags) {
        Standing::Required => return Ok(Progress::Done),
        Standing::Unknown => {
            tags::add(client, arn, &mark(modified(&group))).await?;
            return Ok(Progress::changed(POLL_SECONDS));
        }
        Standing::Off => AuthTokenUpdateStrategyType::Rotate,
        Standing::Optional => AuthTokenUpdateStrategyType::Set,
    };
    let is_set = strategy == AuthTokenUpdateStrategyType::Set;
    // Read last, and gone when this call ends.
    let token = secrets.credentials(secret.text()).await?.password;
    let answer = client
        .modify_replication_group()
        .replication_group_id(id)
        .auth_token(token.expose_secret())
        .auth_token_update_strategy(strategy)
        // It is never put off; what else waits for the window comes with it.
        .apply_immediately(true)
        .send()
        .await
        .map_err(|error| fresh_references_wait(call_error(MODIFY, CODES, &error)));
    match answer {
        Ok(_) => {}
        Err(error) if is_set && nothing_is_left(&error) => tags::add(client, arn, &mark(REQUIRED.to_owned())).await?,
        Err(error) => return Err(error),
    }
    Ok(Progress::changed(POLL_SECONDS))
}

/// A SET without a ROTATE before it is refused: the one token there is, is needed already.
fn nothing_is_left(error: &CallError) -> bool {
    error.kind == CallErrorKind::Invalid
        && ["InvalidParameterCombination", "InvalidParameterValue"].contains(&error.code.as_str())
        && error.message.contains("SET")
}

#[cfg(test)]
mod tests {
    use aws_sdk_elasticache::primitives::DateTime;
    use outrigger_model::Input;

    use super::*;
    use crate::replication_group::tests::{group, wanted};

    #[test]
    fn the_tag_tells_between_the_steps() {
        let check = |enabled: bool, mark: Option<&str>, expected: Standing| {
            let group = group()
                .auth_token_enabled(enabled)
                .auth_token_last_modified_date(DateTime::from_secs(0))
                .build();
            let tags = mark
                .map(|mark| (TAG_AUTH.to_owned(), mark.to_owned()))
                .into_iter()
                .collect();
            assert_eq!(Standing::of(&group, &tags), expected, "{mark:?}");
            let with = ReplicationGroup {
                auth_secret: Some(Input::Text("arn".to_owned())),
                ..wanted()
            };
            let differs = difference(&with, &group, &tags).is_some();
            assert_eq!(differs, expected != Standing::Required, "{mark:?}");
            let differs = difference(&wanted(), &group, &tags).is_some();
            assert_eq!(differs, expected != Standing::Off, "{mark:?}");
        };
        check(false, None, Standing::Off);
        check(false, Some(REQUIRED), Standing::Off);
        check(true, None, Standing::Unknown);
        check(true, Some("1970-01-01T00:00:00Z"), Standing::Optional);
        check(true, Some("1969-01-01T00:00:00Z"), Standing::Required);
        check(true, Some(REQUIRED), Standing::Required);
    }
}
