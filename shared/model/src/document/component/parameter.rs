//! A parameter.

use serde_json::Value;

use super::super::collect::{Problems, shown};
use super::super::fields::{Fields, any_text, boolean};
use super::super::problem::{Code, Problem};
use super::super::secrets::is_secret;
use super::super::{ComponentPath, OutputPath, Parameter};
use super::{Known, alarm, tags};

/// Of the tier Standard:
/// <https://docs.aws.amazon.com/systems-manager/latest/userguide/parameter-store-advanced-parameters.html>.
pub(in crate::document) const VALUE_BYTES_MAX: usize = 4096;

pub(super) fn parameter(
    name: &str,
    value: &Value,
    place: &str,
    known: &Known<'_>,
    problems: &mut Problems,
) -> Option<Parameter> {
    let mut fields = Fields::of(value, place, problems)?;
    let own_value = fields.option("value", |value, place, problems| {
        own_value(name, value, place, problems)
    });
    let value_of = fields.option("value_of", |value, place, problems| {
        value_of(value, place, known, problems)
    });
    let generated = fields.or("generated", false, boolean);
    let tags = fields.collection("tags", tags);
    fields.finish();
    one_value(value, place, problems);
    Some(Parameter {
        value: own_value?,
        value_of: value_of?,
        generated: generated?,
        tags: tags?,
    })
}

/// A parameter has one value, and one way to it.
fn one_value(parameter: &Value, place: &str, problems: &mut Problems) {
    let is_there = |key: &&str| match parameter.get(key) {
        None | Some(Value::Null | Value::Bool(false)) => false,
        Some(Value::Bool(true) | Value::Number(_) | Value::String(_) | Value::Array(_) | Value::Object(_)) => true,
    };
    let given: Vec<&str> = ["value", "value_of", "generated"]
        .into_iter()
        .filter(is_there)
        .collect();
    let problem = match given.as_slice() {
        [_] => return,
        [] => Problem::at(Code::Missing, place, "nothing says which value it has").help(
            "say `value: on`, `value_of: clusters.main.endpoint` or, for a secret that nobody has to know, `generated: true`",
        ),
        [first, others @ ..] => {
            let others = others.join("` and `");
            let message = format!("`{first}` and `{others}` are given, and it has one value");
            Problem::at(Code::Conflict, place, message).help("take all but one of them away")
        }
    };
    problems.add(problem.of_key());
}

/// <https://docs.aws.amazon.com/systems-manager/latest/APIReference/API_PutParameter.html>, `Value`.
fn own_value(name: &str, value: &Value, place: &str, problems: &mut Problems) -> Option<String> {
    let text = any_text(value, place, problems)?;
    if is_secret(name) {
        let message = format!(
            "the value of `{}` is a secret, and must not stand in a document",
            shown(name)
        );
        problems.add(
            Problem::at(Code::Secret, place, message)
                .of_key()
                .help("say `generated: true` instead: the value is made once, and kept in Parameter Store alone"),
        );
        return None;
    }
    let length = text.len();
    problems.unless((1..=VALUE_BYTES_MAX).contains(&length), || match length {
        0 => Problem::at(Code::Range, place, "the value is empty").help("Parameter Store keeps no empty values"),
        _ => Problem::at(Code::Range, place, format!("the value has {length} bytes")).help(format!(
            "at most {VALUE_BYTES_MAX} are possible in the tier Standard of Parameter Store"
        )),
    });
    problems.unless(!text.contains("{{"), || {
        Problem::at(Code::Form, place, "a value cannot hold `{{`")
            .help("Parameter Store would take it for a reference to another parameter")
    });
    Some(text)
}

fn value_of(value: &Value, place: &str, known: &Known<'_>, problems: &mut Problems) -> Option<OutputPath> {
    let path = alarm::output(value, place, known, problems)?;
    let (message, help) = match &path {
        OutputPath::Component(ComponentPath::Parameter(name), ..) => (
            format!("`parameters.{}` is a parameter itself", shown(name)),
            "name what that one has its value of".to_owned(),
        ),
        _ if !path.path().is_empty() => (
            format!("`{}` goes on behind an attribute", shown(&path.to_string())),
            format!("leave `{}` away", shown(path.path())),
        ),
        OutputPath::VpcId(_) | OutputPath::Key(..) | OutputPath::Component(..) => return Some(path),
    };
    problems.add(Problem::at(Code::Reference, place, message).help(help));
    None
}

/// The names of parameters begin with that of their stack, and AWS keeps some beginnings to itself:
/// <https://docs.aws.amazon.com/systems-manager/latest/userguide/sysman-parameter-name-constraints.html>.
pub(super) fn stack_name(parameters: &Value, stack: &str, problems: &mut Problems) {
    let has_some = parameters.as_object().is_some_and(|parameters| !parameters.is_empty());
    let reserved = ["aws", "ssm"].into_iter().find(|reserved| stack.starts_with(reserved));
    if let (true, Some(reserved)) = (has_some, reserved) {
        let message = format!(
            "`{}` begins with `{reserved}`, and no name of a parameter may begin so",
            shown(stack)
        );
        problems.add(Problem::at(Code::Name, "stack", message).help("choose another name for the stack"));
    }
}
