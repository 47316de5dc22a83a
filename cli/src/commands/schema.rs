//! `outrigger schema`: the JSON Schema of the stack document, for editors.

use crate::failure::Failure;
use crate::output::print_json;
use crate::reference;

pub(crate) const EXAMPLES: &str = "\
Examples:
  outrigger schema > outrigger.schema.json";

/// Runs the command.
pub(super) fn run() -> Result<(), Failure> {
    Ok(print_json(&reference::schema())?)
}
