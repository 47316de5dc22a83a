//! The command line's arguments.

use std::path::PathBuf;

use clap::{Args, Parser, Subcommand, ValueEnum};

use crate::commands::bootstrap::Bootstrap;
use crate::stack::StackName;

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
    Demo,

    /// The local AWS on this machine
    #[command(subcommand)]
    Local(LocalCommand),

    /// Install or update the control plane
    Bootstrap(Bootstrap),

    /// Show what `up` would do with a document: what is created, changed, replaced and deleted
    Plan(Plan),

    /// Stand up a stack, or bring it to what its document says: shows the plan, asks, and carries it out
    Up(Up),

    /// Print the graph of a document's resources, without AWS
    Graph(Graph),

    /// Show where a stack stands: who operates on it, its lanes and resources, how the last operation ended; without a
    /// name, list the stacks
    Status(Status),

    /// Show a stack's outputs
    Outputs(Stack),

    /// List a stack's operations, the newest first
    History(History),

    /// Show an operation: who, why, how it went, every step and the requests that it made of AWS
    Show(Show),

    /// Look for what was changed behind Outrigger's back
    Drift(Drift),

    /// Show who holds a stack
    Lock(Stack),

    /// Take a stack from an operation that holds it and will not end
    Unlock(Unlock),

    /// Take a stack down
    Destroy(Destroy),
}

/// What to do with the local AWS.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Subcommand)]
pub enum LocalCommand {
    /// Start it; it goes on running in the background
    Up,
    /// Stop it; everything in it is gone
    Down,
    /// Show whether it runs, and its endpoint, for any AWS client
    Status,
}

/// What `plan` takes.
#[derive(Debug, Args)]
pub struct Plan {
    /// The stack document, YAML or JSON; `-` reads standard input
    #[arg(value_name = "FILE")]
    pub file: PathBuf,
}

/// What `graph` takes.
#[derive(Debug, Args)]
pub struct Graph {
    /// The stack document, YAML or JSON; `-` reads standard input
    #[arg(value_name = "FILE")]
    pub file: PathBuf,

    /// In which language; with --output json it is nodes and edges
    #[arg(long, value_enum, default_value_t = GraphFormat::Dot)]
    pub format: GraphFormat,
}

/// A language for graphs.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub enum GraphFormat {
    /// Graphviz: `outrigger graph FILE | dot -Tsvg`.
    Dot,
    /// Mermaid, which Markdown on GitHub and GitLab shows.
    Mermaid,
}

/// What `up` takes.
#[derive(Debug, Args)]
pub struct Up {
    /// The stack document, YAML or JSON; `-` reads standard input
    #[arg(value_name = "FILE")]
    pub file: PathBuf,

    /// Carry out this plan, which `outrigger plan` has shown, and no other; without it a plan is made and shown first
    #[arg(long, value_name = "ID")]
    pub plan: Option<String>,

    /// Why; it is kept with the operation's record
    #[arg(long, value_name = "TEXT")]
    pub reason: Option<String>,

    /// Do not ask
    #[arg(long, short)]
    pub yes: bool,
}

/// What `status` takes.
#[derive(Clone, Debug, Args)]
pub struct Status {
    /// `name` or `name/environment`; the environment may be left out if there is only one
    #[arg(value_name = "STACK")]
    pub stack: Option<StackName>,
}

/// What `history` takes.
#[derive(Debug, Args)]
pub struct History {
    /// Which stack.
    #[command(flatten)]
    pub stack: Stack,

    /// How many operations at most
    #[arg(long, value_name = "N", default_value_t = 20, value_parser = clap::value_parser!(u32).range(1..=500))]
    pub limit: u32,
}

/// What `show` takes.
#[derive(Debug, Args)]
pub struct Show {
    /// The operation's id, as `history` and `status` show it
    #[arg(value_name = "OPERATION")]
    pub operation: String,
}

/// What `drift` takes.
#[derive(Debug, Args)]
pub struct Drift {
    /// Which stack.
    #[command(flatten)]
    pub stack: Stack,

    /// Take what is there into the record, so that it is no drift any more
    #[arg(long)]
    pub accept: bool,

    /// Why; it is kept with the operation's record
    #[arg(long, value_name = "TEXT")]
    pub reason: Option<String>,
}

/// What `unlock` takes.
#[derive(Debug, Args)]
pub struct Unlock {
    /// Which stack.
    #[command(flatten)]
    pub stack: Stack,

    /// Why; it is kept with the records of both operations
    #[arg(long, value_name = "TEXT")]
    pub reason: String,

    /// Do not ask
    #[arg(long, short)]
    pub yes: bool,
}

/// What `destroy` takes.
#[derive(Debug, Args)]
pub struct Destroy {
    /// Which stack.
    #[command(flatten)]
    pub stack: Stack,

    /// Why; it is kept with the operation's record
    #[arg(long, value_name = "TEXT")]
    pub reason: Option<String>,

    /// Do not ask
    #[arg(long, short)]
    pub yes: bool,
}

/// Which stack.
#[derive(Clone, Debug, Args)]
pub struct Stack {
    /// `name` or `name/environment`; the environment may be left out if there is only one
    #[arg(value_name = "STACK")]
    pub stack: StackName,
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
