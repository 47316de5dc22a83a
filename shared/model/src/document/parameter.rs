//! A parameter of Parameter Store, as a document says it.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

use super::OutputPath;
#[cfg(feature = "schema")]
use super::values;

/// A parameter of Parameter Store, of the tier Standard, in each of the stack's regions with the same value. One of `value`,
/// `value_of` and `generated: true` says which.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[serde(deny_unknown_fields)]
pub struct Parameter {
    /// The value itself, of a parameter of the type `String`: at most 4096 bytes, and no secret.
    #[serde(default)]
    #[cfg_attr(feature = "schema", schemars(schema_with = "values::parameter_value"))]
    pub value: Option<String>,
    /// The attribute of a component that is the value, of a parameter of the type `String`: in every region that of the
    /// component's first one, if it names no region.
    #[serde(default)]
    #[cfg_attr(feature = "schema", schemars(schema_with = "values::value_of"))]
    pub value_of: Option<OutputPath>,
    /// Whether the value is a generated secret, of a parameter of the type `SecureString`: 32 letters and digits, made once in
    /// the first region and copied to the other. It is in Parameter Store alone; whoever sets another one in the first region
    /// has it copied with the next operation.
    #[serde(default)]
    pub generated: bool,
    /// Tags of its own, over those of the document.
    #[serde(default)]
    #[cfg_attr(feature = "schema", schemars(schema_with = "values::tags"))]
    pub tags: BTreeMap<String, String>,
}
