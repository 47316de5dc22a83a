//! The JSON in a secret: the form that AWS's own database secrets have.
//! <https://docs.aws.amazon.com/secretsmanager/latest/userguide/reference_secret_json_structure.html>
//!
//! Errors of parsing are dropped: they would quote the value.

use outrigger_engine::ports::secrets::Credentials;
use outrigger_model::properties::Secret;
use secrecy::{ExposeSecret, SecretString};
use serde_json::{Map, Value, json};

/// The first value of a secret: everything but the host.
pub(crate) fn initial(wanted: &Secret, password: &SecretString) -> SecretString {
    let value = json!({
        "username": wanted.username,
        "password": password.expose_secret(),
        "engine": wanted.engine,
        "port": wanted.port,
        "dbname": wanted.database,
    });
    SecretString::from(value.to_string())
}

/// `username` and `password`; `None` when they are not there.
pub(crate) fn credentials(text: &SecretString) -> Option<Credentials> {
    let mut fields = fields(text)?;
    match (fields.remove("username"), fields.remove("password")) {
        (Some(Value::String(username)), Some(Value::String(password))) => Some(Credentials {
            username,
            password: SecretString::from(password),
        }),
        _ => None,
    }
}

/// Whether a field of the value has this text.
pub(crate) fn has(text: &SecretString, field: &str, wanted: &str) -> bool {
    fields(text).is_some_and(|fields| fields.get(field).and_then(Value::as_str) == Some(wanted))
}

/// Whether a field of the value is this number. A port that somebody wrote as a text is not.
pub(crate) fn has_number(text: &SecretString, field: &str, wanted: u16) -> bool {
    fields(text).is_some_and(|fields| fields.get(field).and_then(Value::as_u64) == Some(u64::from(wanted)))
}

/// Whether the value is JSON with `host`.
pub(crate) fn is_attached(text: &SecretString) -> bool {
    fields(text).is_some_and(|fields| fields.contains_key("host"))
}

/// The value with this host and port, every other field as it was; `None` when it is no JSON object.
pub(crate) fn attached(text: &SecretString, host: &str, port: u16) -> Option<SecretString> {
    let mut fields = fields(text)?;
    fields.insert("host".to_owned(), host.into());
    fields.insert("port".to_owned(), port.into());
    Some(SecretString::from(Value::Object(fields).to_string()))
}

/// The value without `host`, every other field as it was; `None` when it is no JSON object.
pub(crate) fn detached(text: &SecretString) -> Option<SecretString> {
    let mut fields = fields(text)?;
    fields.remove("host");
    Some(SecretString::from(Value::Object(fields).to_string()))
}

fn fields(text: &SecretString) -> Option<Map<String, Value>> {
    match serde_json::from_str(text.expose_secret()) {
        Ok(Value::Object(fields)) => Some(fields),
        Ok(_) | Err(_) => None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn wanted() -> Secret {
        Secret {
            description: "credentials".to_owned(),
            username: "dbadmin".to_owned(),
            engine: "postgres".to_owned(),
            port: 5432,
            database: "tapdb".to_owned(),
        }
    }

    fn parsed(text: &SecretString) -> Value {
        serde_json::from_str(text.expose_secret()).unwrap()
    }

    #[test]
    fn a_value_is_made_attached_and_detached() {
        let first = initial(&wanted(), &SecretString::from("hunter2\\'"));
        let mut expected = json!({
            "username": "dbadmin", "password": "hunter2\\'", "engine": "postgres", "port": 5432, "dbname": "tapdb"
        });
        assert_eq!(parsed(&first), expected);
        assert!(!is_attached(&first));
        assert!(has(&first, "dbname", "tapdb") && !has(&first, "dbname", "other"));

        let second = attached(&first, "db.example", 5433).unwrap();
        expected["host"] = json!("db.example");
        expected["port"] = json!(5433);
        assert_eq!(parsed(&second), expected);
        assert!(is_attached(&second) && has(&second, "host", "db.example") && has_number(&second, "port", 5433));
        assert!(!has_number(&second, "port", 5432));
        // A repeat is the same text, so that the same token is the same call.
        assert_eq!(
            attached(&second, "db.example", 5433).unwrap().expose_secret(),
            second.expose_secret()
        );

        let third = detached(&second).unwrap();
        assert!(!is_attached(&third));
        let credentials = credentials(&third).unwrap();
        assert_eq!(credentials.username, "dbadmin");
        assert_eq!(credentials.password.expose_secret(), "hunter2\\'");
        assert!(!format!("{credentials:?}").contains("hunter2"));
    }

    #[test]
    fn what_is_no_database_secret_is_refused() {
        for text in [
            "",
            "text",
            "[]",
            "\"text\"",
            "{\"username\": \"a\"}",
            "{\"username\": \"a\", \"password\": 1}",
        ] {
            assert!(credentials(&SecretString::from(text)).is_none(), "{text}");
        }
        assert!(attached(&SecretString::from("text"), "host", 1).is_none());
        assert!(detached(&SecretString::from("[]")).is_none());
        let port_as_text = SecretString::from(r#"{"port": "5432"}"#);
        assert!(!has_number(&port_as_text, "port", 5432));
    }
}
