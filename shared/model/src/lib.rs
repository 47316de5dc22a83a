//! The words of Outrigger: ids, keys, the stack document, the properties of each kind of resource, records and errors.
//!
//! This crate is pure: it does no I/O, reads no clock, draws no random number and knows no SDK.

pub mod document;
pub mod key;
pub mod name;
pub mod properties;
pub mod record;
pub mod regions;
pub mod resource;
pub mod topology;

pub use document::{Document, Problem};
pub use key::{Identity, Kind, Lane, Region, ResourceKey, StackId};
pub use properties::{Input, Properties};
pub use record::{CallOutcome, CallRecord, Changed, Deviation, Drift, Intent, Record, StepState};
pub use regions::{Regions, Turn};
pub use resource::Resource;
pub use topology::Topology;

/// The number that only grows: every write of state is conditional on it.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash, serde::Serialize, serde::Deserialize)]
#[serde(transparent)]
pub struct FencingToken(pub u64);

impl std::fmt::Display for FencingToken {
    fn fmt(&self, formatter: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        self.0.fmt(formatter)
    }
}

/// A moment: milliseconds since the Unix epoch, as some machine's clock told it.
pub type UnixMs = u64;
