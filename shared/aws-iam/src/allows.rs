//! What a role's own policy allows. Pure.

use std::collections::BTreeSet;

use outrigger_model::properties::{Allows, Input};
use serde_json::{Value, json};

use crate::trust::decoded;

/// A request may name several items: every one of them must be among the keys.
const LEADING_KEYS: [&str; 2] = ["ForAllValues:StringEquals", "dynamodb:LeadingKeys"];

/// The policy that allows it, one statement each.
pub(crate) fn policy(allows: &[Allows]) -> Value {
    let statements: Vec<Value> = allows.iter().map(statement).collect();
    json!({"Version": "2012-10-17", "Statement": statements})
}

fn statement(allows: &Allows) -> Value {
    let resources: Vec<&str> = allows.resources.iter().map(Input::text).collect();
    let mut statement = json!({"Effect": "Allow", "Action": allows.actions, "Resource": resources});
    if !allows.leading_keys.is_empty() {
        let [operator, key] = LEADING_KEYS;
        statement["Condition"] = json!({operator: {key: allows.leading_keys}});
    }
    statement
}

/// What a policy allows, in the form of the property; of any other policy, its text. `[]` where there is none.
///
/// `document` is as GetRolePolicy answers: "URL-encoded compliant with RFC 3986".
pub(crate) fn told(document: Option<&str>) -> Value {
    let Some(document) = document else {
        return json!([]);
    };
    let text = decoded(document);
    let Ok(found) = serde_json::from_str::<Value>(&text) else {
        return text.into();
    };
    let statements = found["Statement"].as_array().map(Vec::as_slice).unwrap_or_default();
    let allows: Option<Vec<Allows>> = statements.iter().map(allowed).collect();
    match allows {
        Some(allows) if policy(&allows) == found => json!(allows),
        _ => found.to_string().into(),
    }
}

fn allowed(statement: &Value) -> Option<Allows> {
    let texts = |value: &Value| -> Option<Vec<String>> {
        let items = value.as_array()?.iter();
        items.map(|item| item.as_str().map(str::to_owned)).collect()
    };
    let [operator, key] = LEADING_KEYS;
    let leading_keys = match statement.get("Condition") {
        Some(condition) => texts(&condition[operator][key])?,
        None => Vec::new(),
    };
    Some(Allows {
        actions: BTreeSet::from_iter(texts(&statement["Action"])?),
        resources: texts(&statement["Resource"])?.into_iter().map(Input::Text).collect(),
        leading_keys: BTreeSet::from_iter(leading_keys),
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_policy_is_told_as_what_it_allows_and_any_other_as_it_is() {
        let one = |action: &str, resource: &str, keys: &[&str]| Allows {
            actions: BTreeSet::from([action.to_owned()]),
            resources: vec![Input::Text(resource.to_owned())],
            leading_keys: keys.iter().map(|key| (*key).to_owned()).collect(),
        };
        let allows = [
            one("kinesis:PutRecord", "arn:stream", &[]),
            one("dynamodb:GetItem", "arn:table", &["topology#shop/production"]),
        ];
        let text = policy(&allows).to_string();
        let encoded: String = text.bytes().map(|byte| format!("%{byte:02X}")).collect();
        for document in [&text, &encoded] {
            assert_eq!(told(Some(document)), json!(allows));
        }
        assert_eq!(told(None), json!([]));
        for condition in [json!({}), json!({"StringEquals": {"dynamodb:LeadingKeys": ["a"]}})] {
            let mut other = policy(&allows);
            other["Statement"][0]["Condition"] = condition;
            assert_eq!(told(Some(&other.to_string())), json!(other.to_string()));
        }
        assert_eq!(told(Some("no JSON")), json!("no JSON"));
    }
}
