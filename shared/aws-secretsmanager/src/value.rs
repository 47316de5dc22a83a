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

/// What a value says of the fields that are no secret; never the password, whatever field it is in.
#[derive(Clone, Debug, PartialEq)]
pub(crate) struct Told(Map<String, Value>);

/// The fields of a value that may be told, besides how they are called in the document's words.
const TELLABLE: [&str; 5] = ["username", "engine", "port", "dbname", "host"];

/// What a value says; `None` when it is no JSON object.
pub(crate) fn told(text: &SecretString) -> Option<Told> {
    let mut fields = fields(text)?;
    let password = fields.remove("password");
    fields.retain(|name, value| {
        let is_plain = value.is_string() || value.is_number();
        // Somebody may have put the password where it does not belong.
        TELLABLE.contains(&name.as_str()) && is_plain && Some(&*value) != password.as_ref()
    });
    Some(Told(fields))
}

impl Told {
    /// A field's value; `null` where there is none, or none that may be told.
    pub(crate) fn field(&self, name: &str) -> Value {
        self.0.get(name).cloned().unwrap_or_default()
    }
}

/// The value with these fields, every other field as it was, the password among them; `None` when it is no JSON object.
pub(crate) fn with(text: &SecretString, changes: &[(&str, Value)]) -> Option<SecretString> {
    let mut fields = fields(text)?;
    for (name, value) in changes {
        fields.insert((*name).to_owned(), value.clone());
    }
    Some(SecretString::from(Value::Object(fields).to_string()))
}

/// Whether the value is JSON with `host`.
pub(crate) fn is_attached(text: &SecretString) -> bool {
    fields(text).is_some_and(|fields| fields.contains_key("host"))
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
            encryption_key: None,
            replicas: Default::default(),
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

        let attachment = [("host", json!("db.example")), ("port", json!(5433))];
        let second = with(&first, &attachment).unwrap();
        expected["host"] = json!("db.example");
        expected["port"] = json!(5433);
        assert_eq!(parsed(&second), expected);
        assert!(is_attached(&second));
        // A repeat is the same text, so that the same token is the same call.
        assert_eq!(
            with(&second, &attachment).unwrap().expose_secret(),
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
        assert!(with(&SecretString::from("text"), &[]).is_none());
        assert!(detached(&SecretString::from("[]")).is_none());
        assert!(told(&SecretString::from("hunter2")).is_none());
    }

    #[test]
    fn only_what_is_no_secret_is_told() {
        let text = r#"{"username": "a", "password": "hunter2", "token": "hunter3", "engine": "hunter2", "port": "5432",
            "dbname": ["hunter2"], "host": null}"#;
        let told = told(&SecretString::from(text)).unwrap();
        let of = |name| told.field(name);
        assert_eq!([of("username"), of("port")], [json!("a"), json!("5432")]);
        for name in ["password", "token", "engine", "dbname", "host", "absent"] {
            assert_eq!(of(name), Value::Null, "{name}");
        }
        assert!(!format!("{told:?}").contains("hunter"));
    }
}
