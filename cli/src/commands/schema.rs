//! `outrigger schema`: the JSON Schema of the stack document, for editors.

use crate::failure::Failure;
use crate::output::print_json;
use crate::reference;

/// Runs the command.
pub(super) fn run() -> Result<(), Failure> {
    Ok(print_json(&reference::schema())?)
}
