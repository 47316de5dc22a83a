//! The command line's arguments.

use clap::{Args, Parser, Subcommand, ValueEnum};

use crate::commands::bootstrap::Bootstrap;
use crate::commands::completions::Completions;
use crate::commands::destroy::Destroy;
use crate::commands::drift::Drift;
use crate::commands::explain::Explain;
use crate::commands::graph::Graph;
use crate::commands::history::History;
use crate::commands::init::Init;
use crate::commands::local::LocalCommand;
use crate::commands::logs::Logs;
use crate::commands::outputs::Outputs;
use crate::commands::plan::Plan;
use crate::commands::report::Report;
use crate::commands::show::Show;
use crate::commands::status::Status;
use crate::commands::unlock::Unlock;
use crate::commands::up::Up;
use crate::commands::validate::Validate;
use crate::commands::watch::Watch;
use crate::commands::{demo, doctor, list, local, lock, schema};
use crate::stack::Stack;

const EXIT_CODES: &str = "\
Exit codes:
  0    it worked
  1    the operation failed, or what was asked for could not be done
  2    the command line or the document is wrong
  3    another operation holds the stack
  4    something it needs is missing: a running local AWS, a control plane, a tool, credentials
  5    `drift` found something that is not as it is recorded, and was not accepted
  130  stopped by Ctrl-C; an operation that was under way goes on

Results go to standard output, progress and errors to standard error.";

/// Stands up AWS data stacks, each from one document, and takes them down again.
#[derive(Debug, Parser)]
#[command(name = "outrigger", version, after_help = EXIT_CODES, max_term_width = 110)]
pub struct Arguments {
    /// What to do.
    #[command(subcommand)]
    pub command: Command,

    /// What holds for every command.
    #[command(flatten)]
    pub options: Options,
}

/// What holds for every command.
#[derive(Clone, Debug, Args)]
pub struct Options {
    /// How results are printed
    #[arg(long, global = true, value_enum, default_value_t = Format::Text)]
    pub output: Format,

    /// Which AWS: the local one, or the account of the environment's credentials (AWS_PROFILE, AWS_REGION, ...)
    #[arg(long, global = true, value_enum, default_value_t = Target::Local, env = "OUTRIGGER_TARGET")]
    pub target: Target,

    /// Which control plane: the name of its CloudFormation stack
    #[arg(
        long,
        global = true,
        value_name = "NAME",
        default_value = "outrigger",
        env = "OUTRIGGER_CONTROL_PLANE"
    )]
    pub control_plane: String,
}

/// How results are printed.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub enum Format {
    /// For people.
    Text,
    /// For programs: one JSON object on standard output.
    Json,
}

/// Which AWS.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub enum Target {
    /// The one that `outrigger local up` starts on this machine.
    Local,
    /// The account of the environment's credentials.
    Aws,
}

/// What to do.
#[derive(Debug, Subcommand)]
pub enum Command {
    /// See it work, without an AWS account: starts the local AWS and stands up a stack in it
    #[command(after_help = demo::EXAMPLES)]
    Demo,

    /// The local AWS on this machine
    #[command(subcommand, after_help = local::EXAMPLES)]
    Local(LocalCommand),

    /// Install or update the control plane
    Bootstrap(Bootstrap),

    /// Say what is wrong with documents, all of it, without AWS
    Validate(Validate),

    /// Show what `up` would do with a document: what is created, changed, replaced and deleted
    Plan(Plan),

    /// Stand up a stack, or bring it to what its document says: shows the plan, asks, and carries it out
    Up(Up),

    /// Print the graph of a document's resources, without AWS
    Graph(Graph),

    /// List the stacks: where they are, what has become of them, the last operation, drift
    #[command(after_help = list::EXAMPLES)]
    List,

    /// Write a document to begin with, from one of the reference stacks
    Init(Init),

    /// Tell what a property of a document is, what it can be, and what changing it does
    Explain(Explain),

    /// Print the JSON Schema of the stack document, for editors
    #[command(after_help = schema::EXAMPLES)]
    Schema,

    /// Show where a stack stands: who operates on it, its components by region, its lanes and resources, how the
    /// last operation ended; without a name, list the stacks
    Status(Status),

    /// Show a stack's outputs, or one of them
    Outputs(Outputs),

    /// List a stack's operations, the newest first
    History(History),

    /// Show an operation: who, why, how it went, every step and the requests that it made of AWS
    Show(Show),

    /// Follow an operation until it has ended, as the command that started it does; of one that has ended, show how
    Watch(Watch),

    /// Show what the control plane's functions have told of a stack, or of an operation
    Logs(Logs),

    /// Write an operation as a page to keep, send and print: one HTML file that needs nothing else
    Report(Report),

    /// Look for what was changed behind Outrigger's back
    Drift(Drift),

    /// Show who holds a stack
    #[command(after_help = lock::EXAMPLES)]
    Lock(Stack),

    /// Take a stack from an operation that holds it and will not end
    Unlock(Unlock),

    /// Take a stack down: shows what is deleted, asks to type its name, and deletes it
    Destroy(Destroy),

    /// Check that all that commands need is there: tools, credentials, clock, control plane, permissions
    #[command(after_help = doctor::EXAMPLES)]
    Doctor,

    /// Print a script that completes commands and options in a shell
    Completions(Completions),
}

#[cfg(test)]
mod tests {
    use clap::CommandFactory;

    use super::*;

    #[test]
    fn the_command_line_is_sound() {
        Arguments::command().debug_assert();
    }

    #[test]
    fn commands_are_read() {
        let arguments = Arguments::try_parse_from(["outrigger", "up", "a.yaml", "--yes", "--output", "json"]).unwrap();
        assert_eq!(arguments.options.output, Format::Json);
        assert!(matches!(arguments.command, Command::Up(Up { yes: true, .. })));

        let arguments =
            Arguments::try_parse_from(["outrigger", "--target", "aws", "status", "shop/production"]).unwrap();
        assert_eq!(arguments.options.target, Target::Aws);
        let Command::Status(Status { stack: Some(stack) }) = arguments.command else {
            panic!("not the status of a stack");
        };
        assert_eq!(stack.to_string(), "shop/production");
    }

    #[test]
    fn mistakes_end_with_2() {
        for line in [
            &["outrigger"][..],
            &["outrigger", "up"],
            &["outrigger", "plan"],
            &["outrigger", "unlock", "shop"],
            &["outrigger", "history", "shop", "--limit", "0"],
            &["outrigger", "graph", "a.yaml", "--format", "png"],
            &["outrigger", "status", "a/b/c"],
            &["outrigger", "status", "shop/"],
            &["outrigger", "--target", "moon", "demo"],
        ] {
            let error = Arguments::try_parse_from(line).unwrap_err();
            assert_eq!(error.exit_code(), 2, "{line:?}");
        }
    }
}
