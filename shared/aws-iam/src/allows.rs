//! What a role's own policy allows. Pure.

use std::collections::BTreeSet;

use outrigger_model::properties::{Allows, Input};
use serde_json::{Value, json};

use crate::trust::decoded;

/// The policy that allows it.
pub(crate) fn policy(allows: &Allows) -> Value {
    let resources: Vec<&str> = allows.resources.iter().map(Input::text).collect();
    json!({
        "Version": "2012-10-17",
        "Statement": [{"Effect": "Allow", "Action": allows.actions, "Resource": resources}],
    })
}

/// What a policy allows, in the form of the property; of any other policy, its text. `null` where there is none.
///
/// `document` is as GetRolePolicy answers: "URL-encoded compliant with RFC 3986".
pub(crate) fn told(document: Option<&str>) -> Value {
    let Some(document) = document else {
        return Value::Null;
    };
    let text = decoded(document);
    let Ok(found) = serde_json::from_str::<Value>(&text) else {
        return text.into();
    };
    let texts = |value: &Value| -> Option<Vec<String>> {
        let items = value.as_array()?.iter();
        items.map(|item| item.as_str().map(str::to_owned)).collect()
    };
    let statement = &found["Statement"][0];
    let allows = texts(&statement["Action"])
        .zip(texts(&statement["Resource"]))
        .map(|(actions, resources)| Allows {
            actions: BTreeSet::from_iter(actions),
            resources: resources.into_iter().map(Input::Text).collect(),
        });
    match allows {
        Some(allows) if policy(&allows) == found => json!(allows),
        _ => found.to_string().into(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_policy_is_told_as_what_it_allows_and_any_other_as_it_is() {
        let allows = Allows {
            actions: BTreeSet::from(["kinesis:PutRecord".to_owned()]),
            resources: vec![Input::Text("arn:stream".to_owned())],
        };
        let text = policy(&allows).to_string();
        let encoded: String = text.bytes().map(|byte| format!("%{byte:02X}")).collect();
        for document in [&text, &encoded] {
            assert_eq!(told(Some(document)), json!(allows));
        }
        assert_eq!(told(None), Value::Null);
        let mut wider = policy(&allows);
        wider["Statement"][0]["Condition"] = json!({});
        assert_eq!(told(Some(&wider.to_string())), json!(wider.to_string()));
        assert_eq!(told(Some("no JSON")), json!("no JSON"));
    }
}
