//! How the command line is read, and its help: the commands in groups.

use std::ffi::OsString;

use clap::{CommandFactory, FromArgMatches};
use console::Term;

use crate::arguments::Arguments;

/// Every command, by what it is for.
const GROUPS: &[(&str, &[&str])] = &[
    (
        "Stand stacks up, change them, take them down",
        &[
            "init", "validate", "plan", "up", "destroy", "graph", "explain", "schema",
        ],
    ),
    (
        "Look at stacks",
        &[
            "list", "status", "outputs", "history", "show", "report", "watch", "logs", "drift",
        ],
    ),
    ("Who holds a stack", &["lock", "unlock"]),
    ("Set up", &["demo", "bootstrap", "doctor", "local", "completions"]),
];

const WIDTH_MAX: usize = 110;
/// Where there is no terminal.
const WIDTH: usize = 100;
/// Where what a command does begins.
const COLUMN: usize = 15;

/// Reads a command line.
///
/// # Errors
/// What is wrong with it; also for --help and --version, with what they print.
pub(crate) fn parse(line: impl IntoIterator<Item = OsString>) -> Result<Arguments, clap::Error> {
    let matches = command().try_get_matches_from(line)?;
    Arguments::from_arg_matches(&matches)
}

/// Whether a command line that cannot be read asks for JSON.
pub(crate) fn wants_json(line: impl IntoIterator<Item = OsString>) -> bool {
    let words: Vec<OsString> = line.into_iter().collect();
    words.iter().any(|word| word == "--output=json") || words.windows(2).any(|pair| pair == ["--output", "json"])
}

/// The command line, with its help as wide as the terminal.
pub(crate) fn command() -> clap::Command {
    let width = Term::stdout()
        .size_checked()
        .map_or(WIDTH, |(_, width)| usize::from(width).min(WIDTH_MAX));
    command_of(width)
}

/// The command line, with its help in that many columns.
pub fn command_of(width: usize) -> clap::Command {
    let command = Arguments::command();
    let template = format!(
        "{{about-with-newline}}\n{{usage-heading}} {{usage}}\n\n{}Options:\n{{options}}{{after-help}}",
        groups(&command, width)
    );
    command.help_template(template).term_width(width)
}

/// The commands in their groups; clap can have but one heading for all of them.
fn groups(command: &clap::Command, width: usize) -> String {
    let mut text = String::new();
    for (title, names) in GROUPS {
        text.push_str(&format!("{title}:\n"));
        for inner in names.iter().filter_map(|name| command.find_subcommand(name)) {
            let name = inner.get_name();
            let about = inner.get_about().map(ToString::to_string).unwrap_or_default();
            let mut lines = wrapped(&about, width.saturating_sub(COLUMN)).into_iter();
            let first = lines.next().unwrap_or_default();
            text.push_str(&format!("  {name:<width$}{first}\n", width = COLUMN - 2));
            text.extend(lines.map(|line| format!("{:COLUMN$}{line}\n", "")));
        }
        text.push('\n');
    }
    text
}

/// Lines of whole words, none wider than that but what is one word.
fn wrapped(text: &str, width: usize) -> Vec<String> {
    let mut lines: Vec<String> = Vec::new();
    for word in text.split_whitespace() {
        match lines.last_mut() {
            Some(line) if line.chars().count() + 1 + word.chars().count() <= width => {
                line.push(' ');
                line.push_str(word);
            }
            Some(_) | None => lines.push(word.to_owned()),
        }
    }
    lines
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Every command, with those below it; by its names.
    fn all(command: &clap::Command, above: &str) -> Vec<(String, clap::Command)> {
        let mut found = Vec::new();
        for sub in command.get_subcommands().filter(|sub| sub.get_name() != "help") {
            let name = format!("{above}{}", sub.get_name());
            found.extend(all(sub, &format!("{name} ")));
            found.push((name, sub.clone()));
        }
        found
    }

    #[test]
    fn every_command_is_in_one_group() {
        let command = Arguments::command();
        let mut grouped: Vec<&str> = GROUPS.iter().flat_map(|(_, names)| *names).copied().collect();
        let mut known: Vec<&str> = command.get_subcommands().map(clap::Command::get_name).collect();
        grouped.sort_unstable();
        known.sort_unstable();
        assert_eq!(grouped, known, "GROUPS is to name every command once");
    }

    #[test]
    fn every_command_has_examples_and_they_are_right() {
        for (name, command) in all(&Arguments::command(), "") {
            let help = command.get_after_help().map(ToString::to_string).unwrap_or_default();
            let examples: Vec<&str> = help
                .lines()
                .filter_map(|line| line.strip_prefix("  "))
                .map(|line| line.split(['|', '>']).next().unwrap_or(line))
                .collect();
            assert!(
                help.starts_with("Examples:\n") && !examples.is_empty(),
                "{name} has no examples"
            );
            for example in examples {
                let words = shlex::split(example).unwrap_or_else(|| panic!("{name}: {example}"));
                let parsed = parse(words.into_iter().map(OsString::from));
                assert!(parsed.is_ok(), "{name}: {example}\n{}", parsed.unwrap_err());
                assert!(example.starts_with(&format!("outrigger {name}")), "{name}: {example}");
            }
        }
    }

    #[test]
    fn the_commands_are_in_their_groups_and_wrapped() {
        let about = |name: &'static str, about: &'static str| clap::Command::new(name).about(about);
        let command = clap::Command::new("outrigger").subcommands([
            about("up", "Stand up a stack, or bring it to what its document says"),
            about("plan", "Show what up would do"),
        ]);
        let text = groups(&command, 50);
        insta::assert_snapshot!(text.lines().take(4).collect::<Vec<_>>().join("\n"), @r"
        Stand stacks up, change them, take them down:
          plan         Show what up would do
          up           Stand up a stack, or bring it to
                       what its document says
        ");
    }

    #[test]
    fn json_is_wanted_where_it_is_said() {
        let wants = |line: &str| wants_json(line.split(' ').map(OsString::from));
        assert!(wants("outrigger up --output json"));
        assert!(wants("outrigger --output=json upp"));
        assert!(!wants("outrigger up --output text json"));
    }
}
