//! docs/permissions.md is made from the template.

use std::fmt::Write as _;

use outrigger_tests::documentation::root;
use serde_json::Value;

use super::check_made;

const ABOUT: &str = "\
# Permissions

What each part of the control plane may do in an account, made from [bootstrap/template.yaml](../bootstrap/template.yaml), which has
the reasons. A test compares what the roles allow with the calls that the code makes: nothing is missing, nothing is left
over. Who deploys and who operates needs permissions of their own: [install.md](install.md).

`${Name}` is the control plane's name. `its state table`, `its logs`, ... are the control plane's own.
";

#[test]
fn permissions_are_those_of_the_template() {
    let template = std::fs::read_to_string(root().join("bootstrap/template.yaml")).unwrap();
    let template: Value = serde_saphyr::from_str(&template).unwrap();
    let mut text = ABOUT.to_owned();
    for (name, resource) in template["Resources"].as_object().unwrap() {
        let policies: Vec<&Value> = match resource["Type"].as_str().unwrap() {
            "AWS::IAM::Role" => resource["Properties"]["Policies"]
                .as_array()
                .into_iter()
                .flatten()
                .map(|policy| &policy["PolicyDocument"])
                .collect(),
            "AWS::IAM::ManagedPolicy" => vec![&resource["Properties"]["PolicyDocument"]],
            _ => continue,
        };
        write!(text, "\n## {name}\n\n").unwrap();
        if let Some(description) = resource["Properties"]["Description"].as_str() {
            write!(text, "{description}\n\n").unwrap();
        }
        text.push_str("| statement | may | on | if |\n|---|---|---|---|\n");
        for statement in policies
            .iter()
            .flat_map(|policy| policy["Statement"].as_array().unwrap())
        {
            let may = match statement["Effect"].as_str() {
                Some("Allow") => "",
                Some("Deny") => "never: ",
                other => panic!("{name}: {other:?}"),
            };
            let sid = statement["Sid"].as_str().unwrap();
            let actions = texts(&statement["Action"]).join("`, `");
            let resources = texts(&statement["Resource"]).join("`, `");
            let condition = match &statement["Condition"] {
                Value::Null => String::new(),
                condition => format!("`{condition}`"),
            };
            writeln!(text, "| {sid} | {may}`{actions}` | `{resources}` | {condition} |").unwrap();
        }
    }
    check_made("permissions.md", &text);
}

/// A value that is a text or a list of texts, each shortened to what tells.
fn texts(value: &Value) -> Vec<String> {
    match value {
        Value::Array(values) => values.iter().flat_map(texts).collect(),
        Value::String(text) => vec![
            text.replace("arn:${AWS::Partition}:", "")
                .replace(":${AWS::AccountId}:", ":")
                .replace("${AWS::Region}:", ""),
        ],
        other => panic!("neither a text nor a list: {other}"),
    }
}
