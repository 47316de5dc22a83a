//! `outrigger report`: an operation as a page to keep, send and print.

use std::io::{ErrorKind, Read as _};
use std::path::{Path, PathBuf};

use anyhow::Context as _;
use clap::Args;
use serde_json::json;

use crate::arguments::Format;
use crate::context::Context;
use crate::control_plane::connect;
use crate::failure::{Class, Failure};
use crate::output::{print_json, print_text};
use crate::report::{is_of, page_of};

/// How much of a file is read to tell what it is.
const BEGINNING_BYTES: u64 = 4_096;

const EXAMPLES: &str = "\
Examples:
  outrigger report shop-production-provision-20261120T120945Z-5c59
  outrigger report shop-production-provision-20261120T120945Z-5c59 --file report.html";

/// What `report` takes.
#[derive(Debug, Args)]
#[command(after_help = EXAMPLES)]
pub struct Report {
    /// The operation's id, as `history` and `status` show it
    #[arg(value_name = "OPERATION")]
    pub operation: String,

    /// Where to write it, OPERATION.html in the current folder by default; `-` writes to standard output
    #[arg(long, value_name = "FILE")]
    pub file: Option<PathBuf>,
}

/// Runs the command.
pub(super) async fn run(context: &Context, options: &Report) -> Result<(), Failure> {
    let Report { operation, file } = options;
    let to_stdout = file.as_deref() == Some(Path::new("-"));
    if to_stdout && context.options.output == Format::Json {
        let message = "with `--file -` standard output is the page; leave out `--output json`, or name a file";
        return Err(Failure::new(Class::Usage, message));
    }
    let control_plane = connect(context).await?;
    let state = &control_plane.state;
    let page = match state.stack_of(operation).await? {
        None => None,
        Some(stack) => page_of(state, &stack, operation).await?,
    };
    let page = page.ok_or_else(|| {
        let message = format!(
            "no operation {operation} is on record; list a stack's with `{}`",
            context.own_command("history STACK")
        );
        Failure::new(Class::Usage, message)
    })?;
    if to_stdout {
        return Ok(print_text(&page)?);
    }
    let path = file
        .clone()
        .unwrap_or_else(|| PathBuf::from(format!("{operation}.html")));
    let replaced = write(&path, operation, &page)?;
    if context.options.output == Format::Json {
        return Ok(print_json(
            &json!({"operation": operation, "file": path, "replaced": replaced}),
        )?);
    }
    let again = if replaced {
        ", in the place of an earlier one"
    } else {
        ""
    };
    Ok(print_text(&format!("wrote the report to {}{again}", path.display()))?)
}

/// Writes the page, and answers whether it took the place of an earlier report of the same operation.
///
/// # Errors
/// When there is any other file of that name: it stays as it is.
fn write(path: &Path, operation: &str, page: &str) -> Result<bool, Failure> {
    let replaced = match beginning_of(path) {
        Ok(beginning) if is_of(operation, &beginning) => true,
        Ok(_) => {
            let message = format!(
                "{} is there already and is no report of this operation; move it away, or name another file with `--file`",
                path.display()
            );
            return Err(Failure::new(Class::Usage, message));
        }
        Err(error) if error.kind() == ErrorKind::NotFound => false,
        Err(error) => return Err(error).with_context(|| format!("look at {}", path.display()))?,
    };
    std::fs::write(path, page).with_context(|| format!("write {}", path.display()))?;
    Ok(replaced)
}

fn beginning_of(path: &Path) -> std::io::Result<String> {
    let mut bytes = Vec::new();
    std::fs::File::open(path)?
        .take(BEGINNING_BYTES)
        .read_to_end(&mut bytes)?;
    Ok(String::from_utf8_lossy(&bytes).into_owned())
}

#[cfg(test)]
mod tests {
    use clap::Parser as _;

    use super::*;
    use crate::plan_view::golden::{reference, standing};

    #[test]
    fn the_command_line_is_read() {
        let read = |line: &[&str]| crate::arguments::Arguments::try_parse_from(line);
        let arguments = read(&["outrigger", "report", "first", "--file", "-"]).unwrap();
        let crate::arguments::Command::Report(Report { operation, file }) = arguments.command else {
            panic!("it is no report");
        };
        assert_eq!((operation.as_str(), file), ("first", Some(PathBuf::from("-"))));
        assert_eq!(read(&["outrigger", "report"]).unwrap_err().exit_code(), 2);
    }

    #[tokio::test]
    async fn only_a_report_of_the_same_operation_is_replaced() {
        let world = standing(&reference("postgres-ha")).await;
        let stack = world.state.stack_of("first").await.unwrap().unwrap();
        let page = page_of(&world.state, &stack, "first").await.unwrap().unwrap();
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("report.html");
        for expected in [false, true] {
            assert_eq!(write(&path, "first", &page).unwrap(), expected);
            assert_eq!(std::fs::read_to_string(&path).unwrap(), page);
        }
        let other = folder.path().join("other.html");
        std::fs::write(&other, "<p>mine</p>").unwrap();
        for (path, operation) in [(&other, "first"), (&path, "firs"), (&path, "second")] {
            let before = std::fs::read_to_string(path).unwrap();
            let failure = write(path, operation, &page).unwrap_err();
            assert_eq!(failure.class, Class::Usage);
            assert!(
                failure.to_string().contains("is no report of this operation"),
                "{failure}"
            );
            assert_eq!(std::fs::read_to_string(path).unwrap(), before);
        }
        let nowhere = folder.path().join("no/report.html");
        assert_eq!(write(&nowhere, "first", &page).unwrap_err().class, Class::Operation);
        assert!(page_of(&world.state, &stack, "never").await.unwrap().is_none());
    }
}
