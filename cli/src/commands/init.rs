//! `outrigger init`: a document to begin with, from one of the reference stacks.

use std::fs::OpenOptions;
use std::io::{ErrorKind, IsTerminal, Write};
use std::path::{Path, PathBuf};

use anyhow::Context as _;
use clap::Args;
use clap::builder::PossibleValuesParser;
use console::Term;
use dialoguer::{Input, Select};
use serde_json::json;

use crate::arguments::Format;
use crate::context::Context;
use crate::failure::{Class, Classify, Failure};
use crate::output::{print_json, print_text, table};
use crate::reference;
use crate::templates::{ALL, Names, Template};

const EXAMPLES: &str = "\
Examples:
  outrigger init
  outrigger init postgres-ha --name orders --environment staging --region eu-central-1
  outrigger init data-processing --file stacks/orders.yaml";

/// What `init` takes.
#[derive(Debug, Args)]
#[command(after_help = EXAMPLES)]
pub struct Init {
    /// Which reference stack to begin with
    #[arg(value_name = "STACK-KIND", value_parser = PossibleValuesParser::new(ALL.map(|template| template.name)))]
    pub kind: Option<String>,

    /// Where to write the document; the stack's name and .yaml without it
    #[arg(long, value_name = "FILE")]
    pub file: Option<PathBuf>,

    /// The stack's name
    #[arg(long, value_name = "NAME")]
    pub name: Option<String>,

    /// The environment's name, such as production
    #[arg(long, value_name = "NAME")]
    pub environment: Option<String>,

    /// The AWS region, such as us-east-1; of a stack in two, both: us-east-1,us-east-2
    #[arg(long, value_name = "REGION")]
    pub region: Option<String>,

    /// Overwrite the file if it is there
    #[arg(long)]
    pub force: bool,
}

/// The file that the first line of every reference stack names.
const SCHEMA_FILE: &str = "outrigger.schema.json";

/// Runs the command.
pub(super) fn run(context: &Context, options: &Init) -> Result<(), Failure> {
    let (template, names) = choose(options)?;
    let document = template.with(&names).map_err(|problems| {
        let problems: Vec<String> = problems.iter().map(option_of).collect();
        Failure::new(Class::Usage, problems.join("\n"))
    })?;
    let file = options
        .file
        .clone()
        .unwrap_or_else(|| PathBuf::from(format!("{}.yaml", names.stack)));
    write(&file, &document, options.force)?;
    let schema_file = file.with_file_name(SCHEMA_FILE);
    let schema = format!("{:#}\n", reference::schema());
    let is_new_schema = match write(&schema_file, &schema, false) {
        Ok(()) => true,
        // It may be of a document that was begun before.
        Err(_) if schema_file.is_file() => false,
        Err(failure) => return Err(failure),
    };
    let next = next(context, &file);
    if context.options.output == Format::Json {
        return Ok(print_json(&json!({
            "file": file,
            "schema": schema_file,
            "kind": template.name,
            "stack": names.stack,
            "environment": names.environment,
            "region": names.region,
            "next": next.each_ref().map(|[command, _]| command),
        }))?);
    }
    let mut text = format!("{}: {}\n", file.display(), template.summary());
    if is_new_schema {
        text.push_str(&format!(
            "{}: with it, editors complete and check the document\n",
            schema_file.display()
        ));
    }
    text.push_str("\nwhat to do next, after reading it:\n");
    for line in table(&next).lines() {
        text.push_str(&format!("  {line}\n"));
    }
    Ok(print_text(&text)?)
}

fn next(context: &Context, file: &Path) -> [[String; 2]; 3] {
    let file = file.display();
    [
        (
            format!("validate {file}"),
            "what is wrong with it, if anything; needs no AWS",
        ),
        (format!("plan {file}"), "what would be created"),
        (format!("up {file}"), "create it"),
    ]
    .map(|(command, what)| [context.own_command(&command), what.to_owned()])
}

/// One of the names.
type Part = fn(&mut Names) -> &mut String;

/// What is said by options, and asked for on a terminal where it is not.
fn choose(options: &Init) -> Result<(Template, Names), Failure> {
    let missing = missing(options);
    let can_ask = std::io::stdin().is_terminal() && Term::stderr().is_term();
    if !missing.is_empty() && !can_ask {
        return Err(Failure::new(
            Class::Usage,
            format!("there is no terminal to ask on: give {}", missing.join(", ")),
        ));
    }
    let known = ALL
        .into_iter()
        .find(|template| Some(template.name) == options.kind.as_deref());
    let template = match known {
        Some(template) => template,
        None => ask_kind()?,
    };
    let mut names = template.names();
    let questions: [(&str, &Option<String>, Part); 3] = [
        ("the stack's name", &options.name, |names| &mut names.stack),
        ("the environment", &options.environment, |names| &mut names.environment),
        ("the region", &options.region, |names| &mut names.region),
    ];
    for (question, given, part) in questions {
        *part(&mut names) = match given {
            Some(given) => given.clone(),
            None => ask(question, template, part)?,
        };
    }
    Ok((template, names))
}

/// What there is to ask for, as one would give it.
fn missing(options: &Init) -> Vec<String> {
    let kinds = ALL.map(|template| template.name).join(" or ");
    [
        (options.kind.is_none(), format!("STACK-KIND ({kinds})")),
        (options.name.is_none(), "--name NAME".to_owned()),
        (options.environment.is_none(), "--environment NAME".to_owned()),
        (options.region.is_none(), "--region REGION".to_owned()),
    ]
    .into_iter()
    .filter_map(|(is_missing, words)| is_missing.then_some(words))
    .collect()
}

fn ask_kind() -> Result<Template, Failure> {
    let rows = ALL.map(|template| [template.name.to_owned(), template.summary().to_owned()]);
    let chosen = Select::new()
        .with_prompt("which stack to begin with")
        .items(table(&rows).lines())
        .default(0)
        .interact_opt()
        .context("ask on the terminal")
        .class(Class::Interrupted)?;
    chosen
        .and_then(|index| ALL.get(index).copied())
        .ok_or_else(|| Failure::new(Class::Interrupted, "nothing was chosen; nothing was written"))
}

/// Asks for one of the names until the answer can be one; the reference stack's own is proposed.
fn ask(question: &str, template: Template, part: Part) -> Result<String, Failure> {
    let check = |answer: &String| -> Result<(), String> {
        // The reference stack's other names are right: what is wrong then is this one.
        let mut names = template.names();
        answer.clone_into(part(&mut names));
        template.with(&names).map(drop).map_err(|problems| {
            let problems: Vec<String> = problems.iter().map(words).collect();
            problems.join("; ")
        })
    };
    Input::<String>::new()
        .with_prompt(question)
        .default(part(&mut template.names()).clone())
        .validate_with(check)
        .interact_text()
        .context("ask on the terminal")
        .class(Class::Interrupted)
}

/// A problem with a name, by the option that gave it.
fn option_of(problem: &outrigger_model::Problem) -> String {
    match problem.place.as_str() {
        "stack" => format!("--name: {}", words(problem)),
        option @ ("environment" | "region") => format!("--{option}: {}", words(problem)),
        place if place.starts_with("regions") => format!("--region: {}", words(problem)),
        _ => problem.to_string(),
    }
}

/// What is wrong, and what would be right.
fn words(problem: &outrigger_model::Problem) -> String {
    match &problem.help {
        Some(help) => format!("{}; {help}", problem.message),
        None => problem.message.clone(),
    }
}

fn write(path: &Path, text: &str, force: bool) -> Result<(), Failure> {
    let mut options = OpenOptions::new();
    options.write(true);
    match force {
        true => options.create(true).truncate(true),
        false => options.create_new(true),
    };
    let mut file = options.open(path).map_err(|error| match error.kind() {
        ErrorKind::AlreadyExists => Failure::new(
            Class::Usage,
            format!(
                "{} is there already; give another --file, or overwrite it with --force",
                path.display()
            ),
        ),
        _ => Failure::from(anyhow::Error::from(error).context(format!("write {}", path.display()))),
    })?;
    Ok(file
        .write_all(text.as_bytes())
        .with_context(|| format!("write {}", path.display()))?)
}
