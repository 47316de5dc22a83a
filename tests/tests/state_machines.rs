//! What must hold of every file under `statemachines/`: read as data, without running anything.

use std::collections::{BTreeMap, BTreeSet};
use std::path::{Path, PathBuf};

use anyhow::{Context, Result, ensure};
use serde_json::{Map, Value};

/// Names that Lambda and Step Functions themselves give to errors, and that the definitions may react to.
const AWS_ERROR_TYPES: [&str; 9] = [
    "Lambda.AWSLambdaException",
    "Lambda.SdkClientException",
    "Lambda.ServiceException",
    "Lambda.TooManyRequestsException",
    "Lambda.Unknown",
    "Runtime.ExitError",
    "Sandbox.Timedout",
    "States.ALL",
    "States.Timeout",
];

/// The lanes in the order of the branches, which is that of the results `close-operation` gets.
const LANES: [&str; 5] = ["network", "datastore", "ingress", "replication", "observability"];

fn root() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("..")
}

/// A state machine, or a branch of one: its path for messages, and what is in it.
struct Machine<'a> {
    path: String,
    start_at: &'a str,
    states: &'a Map<String, Value>,
}

impl<'a> Machine<'a> {
    fn of(path: String, value: &'a Value) -> Result<Self> {
        Ok(Self {
            start_at: text(value, "StartAt").with_context(|| path.clone())?,
            states: value["States"]
                .as_object()
                .with_context(|| format!("{path}: no States"))?,
            path,
        })
    }

    fn branches(&self) -> Result<Vec<Machine<'a>>> {
        let mut branches = Vec::new();
        for (name, state) in self.states {
            let inner = list(state, "Branches").iter().chain(state.get("ItemProcessor"));
            for (index, branch) in inner.enumerate() {
                branches.push(Machine::of(format!("{}/{name}[{index}]", self.path), branch)?);
            }
        }
        Ok(branches)
    }
}

fn text<'a>(value: &'a Value, field: &str) -> Result<&'a str> {
    value[field].as_str().with_context(|| format!("no text {field}"))
}

fn list<'a>(value: &'a Value, field: &str) -> &'a [Value] {
    value[field].as_array().map_or(&[], Vec::as_slice)
}

/// Every state that may come after `state`.
fn targets(state: &Value) -> Vec<&str> {
    let mut targets: Vec<&str> = ["Next", "Default"]
        .iter()
        .filter_map(|field| state[field].as_str())
        .collect();
    for rule in list(state, "Choices").iter().chain(list(state, "Catch")) {
        targets.extend(rule["Next"].as_str());
    }
    targets
}

/// Runs `check` on every state machine file, and on every branch within.
fn each_machine(check: impl Fn(&Machine<'_>) -> Result<()>) -> Result<()> {
    each_file(|name, definition| {
        let mut open = vec![Machine::of(name.to_owned(), definition)?];
        while let Some(machine) = open.pop() {
            check(&machine)?;
            open.extend(machine.branches()?);
        }
        Ok(())
    })
}

/// Runs `check` on every state, in branches too, with its path for messages.
fn each_state(check: impl Fn(&str, &Value) -> Result<()>) -> Result<()> {
    each_machine(|machine| {
        for (name, state) in machine.states {
            check(&format!("{}/{name}", machine.path), state)?;
        }
        Ok(())
    })
}

fn each_file(check: impl Fn(&str, &Value) -> Result<()>) -> Result<()> {
    let mut files: Vec<PathBuf> = std::fs::read_dir(root().join("statemachines"))?
        .map(|entry| entry.map(|entry| entry.path()))
        .collect::<std::io::Result<_>>()?;
    files.sort();
    ensure!(!files.is_empty(), "there are no state machines");
    for file in files {
        let name = file
            .file_name()
            .and_then(|name| name.to_str())
            .context("a file without a name")?;
        ensure!(name.ends_with(".asl.json"), "{name} is not a state machine");
        let definition =
            serde_json::from_str(&std::fs::read_to_string(&file)?).with_context(|| format!("cannot read {name}"))?;
        check(name, &definition)?;
    }
    Ok(())
}

#[test]
fn every_state_can_be_reached_and_every_target_exists() -> Result<()> {
    each_machine(|machine| {
        let mut reached = BTreeSet::new();
        let mut open = vec![machine.start_at];
        while let Some(name) = open.pop() {
            let state = machine
                .states
                .get(name)
                .with_context(|| format!("{}: there is no state {name}", machine.path))?;
            if reached.insert(name) {
                open.extend(targets(state));
            }
        }
        let all: BTreeSet<&str> = machine.states.keys().map(String::as_str).collect();
        ensure!(reached == all, "{}: never reached: {:?}", machine.path, &all - &reached);
        Ok(())
    })
}

#[test]
fn every_state_goes_on_or_ends() -> Result<()> {
    each_state(|path, state| {
        let ends = state["End"] == true || matches!(text(state, "Type")?, "Succeed" | "Fail");
        ensure!(
            ends == targets(&without(state, "Catch")).is_empty(),
            "{path}: neither or both of end and next"
        );
        Ok(())
    })
}

fn without(state: &Value, field: &str) -> Value {
    let mut state = state.clone();
    if let Some(object) = state.as_object_mut() {
        object.remove(field);
    }
    state
}

#[test]
fn definitions_are_jsonata_bounded_in_time_and_explained() -> Result<()> {
    each_file(|name, definition| {
        ensure!(definition["QueryLanguage"] == "JSONata", "{name}: not JSONata");
        ensure!(definition["TimeoutSeconds"].is_u64(), "{name}: no TimeoutSeconds");
        ensure!(definition["Comment"].is_string(), "{name}: no Comment");
        Ok(())
    })?;
    each_state(|path, state| {
        ensure!(state["QueryLanguage"].is_null(), "{path}: a query language of its own");
        let kind = text(state, "Type")?;
        if kind == "Task" {
            ensure!(state["TimeoutSeconds"].is_u64(), "{path}: no TimeoutSeconds");
            ensure!(!list(state, "Retry").is_empty(), "{path}: no Retry");
        }
        if matches!(kind, "Task" | "Parallel") {
            ensure!(!list(state, "Catch").is_empty(), "{path}: no Catch");
        }
        // What the console shows: names that are words, and a sentence about each.
        ensure!(state["Comment"].is_string(), "{path}: no Comment");
        let name = path.rsplit('/').next().unwrap_or_default();
        let is_words = name.starts_with(|first: char| first.is_ascii_uppercase())
            && name
                .chars()
                .all(|char| char.is_ascii_alphabetic() || matches!(char, ' ' | '?'));
        ensure!(is_words, "{path}: a name that is no words");
        Ok(())
    })
}

#[test]
fn retries_and_catches_name_errors_that_exist() -> Result<()> {
    let ours = outrigger_engine::error_types();
    each_state(|path, state| {
        for rule in list(state, "Retry").iter().chain(list(state, "Catch")) {
            ensure!(!list(rule, "ErrorEquals").is_empty(), "{path}: a rule for no error");
            for error in list(rule, "ErrorEquals") {
                let error = error
                    .as_str()
                    .with_context(|| format!("{path}: an error that is no text"))?;
                ensure!(
                    ours.contains(&error) || AWS_ERROR_TYPES.contains(&error),
                    "{path}: nobody raises {error}"
                );
            }
        }
        for rule in list(state, "Retry") {
            ensure!(rule["JitterStrategy"] == "FULL", "{path}: retries in step");
            ensure!(
                rule["MaxDelaySeconds"].is_u64(),
                "{path}: retries that wait without bound"
            );
        }
        Ok(())
    })
}

#[test]
fn a_branch_per_lane_that_never_fails() -> Result<()> {
    each_file(|name, definition| {
        let machine = Machine::of(name.to_owned(), definition)?;
        if !machine.states.contains_key("Converge the lanes") {
            return Ok(());
        }
        let branches = machine.branches()?;
        ensure!(branches.len() == LANES.len(), "{name}: {} branches", branches.len());
        for (lane, branch) in LANES.iter().zip(branches) {
            let path = &branch.path;
            for state in branch.states.keys() {
                ensure!(
                    state.to_lowercase().contains(lane),
                    "{path}: {state} does not name its lane"
                );
            }
            // What has nothing to do is left out.
            let begin = &branch.states[branch.start_at];
            let left_out = &begin["Choices"][0];
            ensure!(
                left_out["Condition"] == format!("{{% $not($exists($ticket.plans.{lane})) %}}")
                    && left_out["Next"].as_str().is_some_and(|next| next.ends_with(" settled"))
                    && begin["Default"] == format!("Converge {lane}"),
                "{path}: begins with {begin}"
            );
            let task = &branch.states[&format!("Converge {lane}")];
            ensure!(
                task["Arguments"]["Payload"]["lane"] == *lane,
                "{path}: calls for another lane"
            );
            ensure!(
                task["Catch"][0]["ErrorEquals"][0] == "States.ALL",
                "{path}: an error would cancel the others"
            );
            ensure!(
                branch.states.values().all(|state| state["Type"] != "Fail"),
                "{path}: a branch that fails"
            );
        }
        Ok(())
    })
}

/// The workflows differ in what they plan, and converge alike.
#[test]
fn the_lanes_converge_alike_in_every_workflow() -> Result<()> {
    let read = |name: &str| -> Result<Value> {
        Ok(serde_json::from_str(&std::fs::read_to_string(
            root().join("statemachines").join(name),
        )?)?)
    };
    let provision = read("provision-stack.asl.json")?;
    let states = provision["States"].as_object().context("no States")?;
    for workflow in ["provision", "destroy", "drift"] {
        let definition = read(&format!("{workflow}-stack.asl.json"))?;
        for (name, state) in states.iter().filter(|(name, _)| *name != "Plan the stack") {
            ensure!(*state == definition["States"][name], "{workflow}: {name} differs");
        }
        ensure!(
            states.len() == definition["States"].as_object().map_or(0, Map::len),
            "{workflow}-stack has further states"
        );
        let payload = &definition["States"]["Plan the stack"]["Arguments"]["Payload"];
        ensure!(
            payload["workflow"] == workflow,
            "{workflow}: plans for {}",
            payload["workflow"]
        );
    }
    Ok(())
}

/// An execution keeps its definition, and with it the versions of the functions that it began with.
#[test]
fn definitions_name_published_versions() -> Result<()> {
    let template = std::fs::read_to_string(root().join("bootstrap/template.yaml"))?;
    let filled: Vec<&str> = template
        .lines()
        .map(str::trim)
        .filter(|line| line.contains("FunctionArn: "))
        .collect();
    ensure!(filled.len() == 23, "{filled:?}");
    for line in filled {
        ensure!(line.ends_with("Function.Version"), "not a version: {line}");
    }
    let functions = template.matches("Type: AWS::Serverless::Function").count();
    ensure!(
        template.contains("    AutoPublishAlias: live"),
        "no versions are published"
    );
    ensure!(
        template.matches("AutoPublishAliasAllProperties: true").count() == functions,
        "a function that is not published when only its configuration changes"
    );
    Ok(())
}

/// The installed version is what `bootstrap` compares with its own.
#[test]
fn the_template_says_the_version_of_the_workspace() -> Result<()> {
    let template = std::fs::read_to_string(root().join("bootstrap/template.yaml"))?;
    let (_, outputs) = template.split_once("\nOutputs:\n").context("no outputs")?;
    let (_, version) = outputs.split_once("  Version:\n").context("no output Version")?;
    let value = version.lines().find_map(|line| line.trim().strip_prefix("Value: "));
    ensure!(
        value == Some(concat!('"', env!("CARGO_PKG_VERSION"), '"')),
        "the workspace is {}, the template {value:?}",
        env!("CARGO_PKG_VERSION")
    );
    Ok(())
}

#[test]
fn every_placeholder_is_filled_by_the_template() -> Result<()> {
    let substitutions = substitutions(&std::fs::read_to_string(root().join("bootstrap/template.yaml"))?);
    each_file(|name, definition| {
        let filled = substitutions
            .get(name)
            .with_context(|| format!("the template has no {name}"))?;
        let wanted = placeholders(&definition.to_string());
        ensure!(
            *filled == wanted,
            "{name} has the placeholders {wanted:?}, the template fills {filled:?}"
        );
        Ok(())
    })
}

/// The names inside `${...}`.
fn placeholders(definition: &str) -> BTreeSet<String> {
    definition
        .split("${")
        .skip(1)
        .filter_map(|rest| rest.split_once('}'))
        .map(|(name, _)| name.to_owned())
        .collect()
}

/// Per definition file, the keys of its `DefinitionSubstitutions`. The template is read by lines: its `!Ref` and
/// `!Sub` are no plain YAML, and its layout is ours.
fn substitutions(template: &str) -> BTreeMap<String, BTreeSet<String>> {
    let mut found = BTreeMap::new();
    let mut file = String::new();
    let mut lines = template.lines().peekable();
    while let Some(line) = lines.next() {
        if let Some(path) = line.trim().strip_prefix("DefinitionUri: ../statemachines/") {
            file = path.to_owned();
        }
        if line.trim() == "DefinitionSubstitutions:" {
            let inside = " ".repeat(line.len() - line.trim_start().len() + 2);
            let mut names = BTreeSet::new();
            while let Some(entry) = lines.next_if(|next| next.starts_with(&inside)) {
                names.extend(entry.trim().split_once(':').map(|(name, _)| name.to_owned()));
            }
            found.insert(file.clone(), names);
        }
    }
    found
}
