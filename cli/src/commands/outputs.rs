//! `outrigger outputs`: a stack's outputs, of the last operation that succeeded.

use std::collections::BTreeMap;

use clap::{Args, ValueEnum};
use outrigger_model::StackId;
use serde_json::json;

use crate::arguments::Format;
use crate::context::Context;
use crate::control_plane::connect;
use crate::failure::{Class, Failure};
use crate::output::{print_json, print_text, table_within, width_of_stdout};
use crate::stack::StackName;

const EXAMPLES: &str = "\
Examples:
  outrigger outputs shop
  outrigger outputs shop/production vpc_id
  outrigger outputs shop --format dotenv > .env
  outrigger outputs shop --output json";

/// What `outputs` takes.
#[derive(Debug, Args)]
#[command(after_help = EXAMPLES)]
pub struct Outputs {
    /// `name` or `name/environment`; the environment may be left out if there is only one
    #[arg(value_name = "STACK")]
    pub stack: StackName,

    /// Only this output: its value and nothing else
    #[arg(value_name = "NAME")]
    pub name: Option<String>,

    /// How they are written
    #[arg(long, value_enum, default_value_t = OutputsFormat::Text)]
    pub format: OutputsFormat,
}

/// How outputs are written.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub enum OutputsFormat {
    /// Names and values, aligned.
    Text,
    /// `NAME='value'` lines, which a shell and `.env` files take.
    Dotenv,
    /// One JSON object, as with `--output json`.
    Json,
}

/// Runs the command.
pub(super) async fn run(context: &Context, options: &Outputs) -> Result<(), Failure> {
    let control_plane = connect(context).await?;
    let stack = options.stack.resolve(&control_plane).await?;
    let known = control_plane.state.stack(&stack).await?;
    let mut outputs = known.map(|(known, _)| known.outputs).unwrap_or_default();
    let format = match context.options.output {
        Format::Json => OutputsFormat::Json,
        Format::Text => options.format,
    };
    if let Some(name) = &options.name {
        let value = one(&stack, &outputs, name)?;
        match format {
            OutputsFormat::Text => return Ok(print_text(value)?),
            OutputsFormat::Json => return Ok(print_json(&json!(value))?),
            OutputsFormat::Dotenv => outputs.retain(|known, _| known == name),
        }
    }
    match format {
        OutputsFormat::Text => {
            let rows: Vec<[String; 2]> = outputs.into_iter().map(|(name, value)| [name, value]).collect();
            Ok(print_text(&table_within(&rows, width_of_stdout()))?)
        }
        OutputsFormat::Dotenv => Ok(print_text(&dotenv(&outputs))?),
        OutputsFormat::Json => Ok(print_json(&outputs)?),
    }
}

/// The value of one output.
fn one<'a>(stack: &StackId, outputs: &'a BTreeMap<String, String>, name: &str) -> Result<&'a str, Failure> {
    if let Some(value) = outputs.get(name) {
        return Ok(value);
    }
    let nearest = outputs
        .keys()
        .map(|known| (strsim::jaro_winkler(known, &name.to_lowercase()), known))
        .filter(|(likeness, _)| *likeness > LIKENESS_MIN)
        .max_by(|(one, _), (other, _)| one.total_cmp(other));
    let known: Vec<&str> = outputs.keys().map(String::as_str).collect();
    let hint = match (nearest, known.is_empty()) {
        (Some((_, nearest)), _) => format!("is it {nearest}?"),
        (None, false) => format!("there are {}", known.join(", ")),
        (None, true) => "it has none: it does not stand".to_owned(),
    };
    Err(Failure::new(
        Class::Usage,
        format!("{stack} has no output {name}; {hint}"),
    ))
}

/// From this likeness on a name is taken for a slip of the pen.
const LIKENESS_MIN: f64 = 0.8;

/// One `NAME=value` line for each output.
fn dotenv(outputs: &BTreeMap<String, String>) -> String {
    outputs
        .iter()
        .map(|(name, value)| format!("{}={}\n", variable(name), quoted(value)))
        .collect()
}

/// A name that every shell takes: in upper case, and `_` for what is no letter or digit.
fn variable(name: &str) -> String {
    let name: String = name
        .chars()
        .map(|character| match character.to_ascii_uppercase() {
            upper if upper.is_ascii_alphanumeric() => upper,
            _ => '_',
        })
        .collect();
    match name.starts_with(|first: char| first.is_ascii_digit()) {
        true => format!("_{name}"),
        false => name,
    }
}

/// A value as a shell and readers of `.env` files both take it: bare where nothing in it means anything to them, else
/// between single quotes, or between double ones where it holds a single one.
fn quoted(value: &str) -> String {
    let is_plain = |character: char| character.is_ascii_alphanumeric() || "_-./:@%+,".contains(character);
    if !value.is_empty() && value.chars().all(is_plain) {
        return value.to_owned();
    }
    if !value.contains('\'') {
        return format!("'{value}'");
    }
    let mut escaped = String::new();
    for character in value.chars() {
        if matches!(character, '\\' | '"' | '$' | '`') {
            escaped.push('\\');
        }
        escaped.push(character);
    }
    format!("\"{escaped}\"")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn variables_are_such_that_every_shell_takes_them() {
        for (name, expected) in [
            ("vpc_id", "VPC_ID"),
            ("rds.main-endpoint", "RDS_MAIN_ENDPOINT"),
            ("2nd_stream", "_2ND_STREAM"),
            ("größe", "GR__E"),
        ] {
            assert_eq!(variable(name), expected);
        }
    }

    /// What a shell makes of a line is the value that went in.
    #[test]
    fn a_shell_reads_what_was_written() {
        let values = [
            "vpc-0a1b",
            "arn:aws:secretsmanager:us-east-1:123456789012:secret:shop-0fb28a",
            "",
            "two words",
            "a=b",
            "$HOME and `id`",
            "it's \"quoted\" for $5 \\ `id`",
            "#no comment",
            "two\nlines",
            "größer; rm -r",
        ];
        for value in values {
            let script = format!(
                "{}printf %s \"$VPC_ID\"",
                dotenv(&BTreeMap::from([("vpc_id".to_owned(), value.to_owned())]))
            );
            let output = std::process::Command::new("sh").args(["-c", &script]).output().unwrap();
            assert_eq!(String::from_utf8(output.stdout).unwrap(), value, "{script}");
        }
    }

    #[test]
    fn one_output_is_its_value_and_an_unknown_one_is_told_with_the_nearest() {
        let stack = StackId {
            stack: "shop".to_owned(),
            environment: "production".to_owned(),
        };
        let outputs: BTreeMap<String, String> = [("vpc_id", "vpc-1"), ("rds_endpoint", "localhost")]
            .map(|(name, value)| (name.to_owned(), value.to_owned()))
            .into();
        let answer = |outputs, name| one(&stack, outputs, name).map_err(|failure| failure.to_string());
        assert_eq!(answer(&outputs, "vpc_id"), Ok("vpc-1"));
        for (name, hint) in [
            ("VPC_ID", "is it vpc_id?"),
            ("rds_endpiont", "is it rds_endpoint?"),
            ("queue", "there are rds_endpoint, vpc_id"),
        ] {
            assert_eq!(
                answer(&outputs, name),
                Err(format!("shop/production has no output {name}; {hint}"))
            );
        }
        assert_eq!(
            answer(&BTreeMap::new(), "vpc_id"),
            Err("shop/production has no output vpc_id; it has none: it does not stand".to_owned())
        );
    }
}
