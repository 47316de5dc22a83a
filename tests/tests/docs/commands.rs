//! docs/commands.md is made from the command line's own help, and every command in the documentation is one.

use std::fmt::Write as _;

use clap::Parser;
use outrigger::arguments::Arguments;
use outrigger::help::command_of;

use outrigger_tests::documentation::{commands, documents};

use super::check_made;

const ABOUT: &str = "\
# Commands

Every command, as `outrigger COMMAND -h` tells it; the options of the first hold for all. What they are for, and what they print, is in
[operating.md](operating.md).
";

#[test]
fn commands_are_those_of_the_help() {
    let mut text = ABOUT.to_owned();
    let mut root = command_of(100);
    root.build();
    section(&mut text, &root);
    check_made("commands.md", &text);
}

/// A command's help and that of those within it; what holds for every command is told once.
fn section(text: &mut String, command: &clap::Command) {
    let name = command.get_bin_name().unwrap_or("outrigger");
    let own = command.clone().mut_args(|argument| {
        let told_above = name != "outrigger" && argument.is_global_set();
        let is_help = argument.get_id() == "help";
        argument.hide(told_above || is_help)
    });
    let help = own.clone().render_help().to_string();
    let lines: Vec<&str> = help.lines().map(str::trim_end).collect();
    write!(text, "\n## {name}\n\n```text\n{}\n```\n", lines.join("\n").trim_end()).unwrap();
    for inner in command.get_subcommands().filter(|inner| inner.get_name() != "help") {
        section(text, inner);
    }
}

#[test]
fn every_command_in_the_documentation_is_one() {
    let mut wrong = Vec::new();
    let mut count = 0;
    for (path, text) in documents().unwrap() {
        for shown in commands(&text) {
            count += 1;
            let words = std::iter::once("outrigger").chain(shown.words.iter().map(String::as_str));
            if let Err(error) = Arguments::try_parse_from(words)
                && error.use_stderr()
            {
                wrong.push(format!("{}: {}: {error}", path.display(), shown.words.join(" ")));
            }
        }
    }
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
    assert!(count > 30, "only {count} commands were found");
}
