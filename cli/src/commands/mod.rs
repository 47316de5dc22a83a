//! The commands, one module each.

pub(crate) mod bootstrap;
pub(crate) mod completions;
pub(crate) mod demo;
pub(crate) mod destroy;
pub(crate) mod doctor;
pub(crate) mod drift;
pub(crate) mod explain;
pub(crate) mod graph;
pub(crate) mod history;
pub(crate) mod init;
pub(crate) mod list;
pub(crate) mod local;
pub(crate) mod lock;
pub(crate) mod logs;
pub(crate) mod outputs;
pub(crate) mod plan;
pub(crate) mod report;
pub(crate) mod schema;
pub(crate) mod show;
pub(crate) mod status;
pub(crate) mod unlock;
pub(crate) mod up;
pub(crate) mod validate;
pub(crate) mod watch;

use crate::arguments::{Arguments, Command};
use crate::context::Context;
use crate::failure::Failure;

/// Does what the arguments say.
pub(crate) async fn run(arguments: Arguments) -> Result<(), Failure> {
    let context = Context {
        options: arguments.options,
    };
    match arguments.command {
        Command::Demo => demo::run(&context).await,
        Command::Local(command) => local::run(&context, command),
        Command::Bootstrap(options) => bootstrap::run(&context, &options).await,
        Command::Validate(options) => validate::run(&context, &options),
        Command::Plan(options) => plan::run(&context, &options).await,
        Command::Graph(options) => graph::run(&context, &options),
        Command::Init(options) => init::run(&context, &options),
        Command::Explain(options) => explain::run(&context, &options),
        Command::Schema => schema::run(),
        Command::History(options) => history::run(&context, &options).await,
        Command::Show(options) => show::run(&context, &options).await,
        Command::Report(options) => report::run(&context, &options).await,
        Command::Drift(options) => drift::run(&context, &options).await,
        Command::Lock(options) => lock::run(&context, &options.stack).await,
        Command::Unlock(options) => unlock::run(&context, &options).await,
        Command::Up(options) => up::run(&context, &options).await,
        Command::Status(options) => status::run(&context, &options).await,
        Command::List => list::run(&context).await,
        Command::Logs(options) => logs::run(&context, &options).await,
        Command::Doctor => doctor::run(&context).await,
        Command::Watch(options) => watch::run(&context, &options).await,
        Command::Completions(options) => completions::run(&options),
        Command::Outputs(options) => outputs::run(&context, &options).await,
        Command::Destroy(options) => destroy::run(&context, &options).await,
    }
}
