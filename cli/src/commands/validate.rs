//! `outrigger validate`: what is wrong with documents, without AWS.

use std::path::PathBuf;

use clap::Args;
use serde_json::{Value, json};

use crate::arguments::Format;
use crate::context::Context;
use crate::document::{self, Chosen, Report, Source};
use crate::failure::{Class, Failure};
use crate::output::{print_json, print_text};

const EXAMPLES: &str = "\
Examples:
  outrigger validate shop.yaml
  outrigger validate shop.yaml --environment staging
  outrigger validate stacks/*.yaml --output json";

/// What `validate` takes.
#[derive(Debug, Args)]
#[command(after_help = EXAMPLES)]
pub struct Validate {
    /// The stack documents, YAML or JSON; `-` reads standard input
    #[arg(value_name = "FILE", required = true)]
    pub files: Vec<PathBuf>,

    /// What is chosen beside them.
    #[command(flatten)]
    pub chosen: Chosen,
}

/// Runs the command. Every document is looked at, whatever is wrong with those before.
pub(super) fn run(context: &Context, options: &Validate) -> Result<(), Failure> {
    let mut valid = Vec::new();
    let mut wrong = Vec::new();
    for file in &options.files {
        let read = document::read_chosen(file, &options.chosen);
        match read.and_then(|read| Valid::of(&read, file.display().to_string())) {
            Ok(document) => valid.push(document),
            Err(failure) => wrong.push(failure),
        }
    }
    if context.options.output == Format::Text {
        let lines: Vec<String> = valid.iter().map(Valid::line).collect();
        print_text(&lines.join("\n"))?;
    }
    if wrong.is_empty() {
        return match context.options.output {
            Format::Json => {
                let documents: Vec<Value> = valid.iter().map(Valid::json).collect();
                Ok(print_json(&json!({ "documents": documents }))?)
            }
            Format::Text => Ok(()),
        };
    }
    Err(together(wrong))
}

/// One failure of several: their messages, and all their problems.
fn together(failures: Vec<Failure>) -> Failure {
    let messages: Vec<String> = failures.iter().map(Failure::to_string).collect();
    let reports: Vec<Report> = failures.into_iter().filter_map(Failure::into_report).collect();
    let message = messages.join("\n");
    match Report::together(reports) {
        Some(report) => Failure::with_report(Class::Usage, message, report),
        None => Failure::new(Class::Usage, message),
    }
}

/// What is told of a valid document.
struct Valid {
    file: String,
    stack: String,
    environment: String,
    resources: usize,
}

impl Valid {
    fn of(read: &Source, file: String) -> Result<Self, Failure> {
        let id = read.document.id();
        Ok(Self {
            file,
            stack: id.stack,
            environment: id.environment,
            resources: read.graph()?.resources.len(),
        })
    }

    fn line(&self) -> String {
        let resources = match self.resources {
            1 => "1 resource".to_owned(),
            many => format!("{many} resources"),
        };
        format!(
            "{} is valid: {}/{}, {resources}",
            self.file, self.stack, self.environment
        )
    }

    fn json(&self) -> Value {
        json!({
            "file": self.file,
            "stack": self.stack,
            "environment": self.environment,
            "resources": self.resources,
        })
    }
}
