//! What `database-agent` does in a stack's VPC: it prepares a database for heartbeats, probes it, and tests that it takes a
//! write.
//!
//! The request names a secret; its value is read here, and is in no request, answer, log or error.

use serde::{Deserialize, Serialize};

use super::TaskError;
use crate::ports::database::{Database, Endpoint, Heartbeat, Probe};
use crate::ports::secrets::SecretReader;

/// How long an observer's name may be, in characters.
pub const OBSERVER_LENGTH_MAX: usize = 64;

/// What is asked.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Request {
    /// The ARN of the secret with the user's name and password.
    pub secret_arn: String,
    /// Which database.
    pub endpoint: Endpoint,
    /// What is to be done.
    #[serde(flatten)]
    pub action: Action,
}

/// What is to be done.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "action", rename_all = "snake_case")]
pub enum Action {
    /// Make the schema, the roles and the table of heartbeats.
    Prepare,
    /// Look.
    Probe,
    /// Write a heartbeat, and read it back.
    TestWrite {
        /// Who observes: a region.
        observer: String,
        /// The heartbeat's number, from 1.
        number: i64,
    },
}

/// What came of it.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Response {
    /// It is prepared.
    Prepared {},
    /// What it said.
    Probed(Probe),
    /// What was written, as it was read back.
    Written(Heartbeat),
}

/// Does what is asked.
///
/// # Guarantees
/// - Each action may be repeated.
///
/// # Errors
/// `InvalidInput` before anything is called; those of reading the secret; those of the database.
pub async fn database_agent(
    secrets: &dyn SecretReader,
    database: &dyn Database,
    request: &Request,
) -> Result<Response, TaskError> {
    check(request)?;
    let credentials = secrets.credentials(&request.secret_arn).await?;
    let at = &request.endpoint;
    Ok(match &request.action {
        Action::Prepare => {
            database.prepare(at, &credentials).await?;
            Response::Prepared {}
        }
        Action::Probe => Response::Probed(database.probe(at, &credentials).await?),
        Action::TestWrite { observer, number } => {
            let written = database.test_write(at, &credentials, observer, *number).await?;
            Response::Written(written)
        }
    })
}

fn check(request: &Request) -> Result<(), TaskError> {
    let invalid = |message: &str| Err(TaskError::InvalidInput(message.to_owned()));
    let Endpoint { host, port, database } = &request.endpoint;
    if host.is_empty() || *port == 0 || database.is_empty() {
        return invalid("`endpoint` needs a host, a port and a database");
    }
    match &request.action {
        Action::Prepare | Action::Probe => Ok(()),
        Action::TestWrite { observer, number } => {
            if observer.is_empty() || observer.chars().count() > OBSERVER_LENGTH_MAX {
                return invalid("`observer` is a name of 1 to 64 characters, such as `us-east-1`");
            }
            if *number < 1 {
                return invalid("`number` counts from 1");
            }
            Ok(())
        }
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn request(action: serde_json::Value) -> Result<(), String> {
        let mut event = json!({
            "secret_arn": "arn:aws:secretsmanager:us-east-1:123456789012:secret:shop",
            "endpoint": { "host": "db.example", "port": 5432, "database": "app" },
        });
        let whole = event.as_object_mut().unwrap();
        whole.extend(action.as_object().unwrap().clone());
        let request: Request = serde_json::from_value(event).map_err(|error| error.to_string())?;
        check(&request).map_err(|error| error.to_string())
    }

    #[test]
    fn requests_are_checked() {
        let wrong = |action| request(action).unwrap_err();
        assert_eq!(request(json!({ "action": "prepare" })), Ok(()));
        assert_eq!(request(json!({ "action": "probe" })), Ok(()));
        let write =
            |observer: &str, number: i64| json!({ "action": "test_write", "observer": observer, "number": number });
        assert_eq!(request(write("us-east-1", 1)), Ok(()));
        assert!(wrong(write("", 1)).contains("`observer`"));
        assert!(wrong(write(&"a".repeat(65), 1)).contains("`observer`"));
        assert!(wrong(write("us-east-1", 0)).contains("`number`"));
        assert!(wrong(json!({ "action": "drop" })).contains("unknown variant `drop`"));
        assert!(wrong(json!({ "action": "test_write" })).contains("observer"));
        let endpoint = json!({ "host": "", "port": 5432, "database": "app" });
        assert!(wrong(json!({ "action": "probe", "endpoint": endpoint })).contains("`endpoint`"));
    }
}
