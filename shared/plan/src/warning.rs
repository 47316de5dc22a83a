//! What a document asks for, and is done, and is better thought over: a plan says so.

use std::collections::BTreeSet;
use std::fmt;

use outrigger_model::Region;
use outrigger_model::document::Document;
use serde::{Deserialize, Serialize};

use crate::expand::ControlPlane;

/// Something that is done as the document asks for it, and may not be meant.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
pub struct Warning {
    /// The property that it is about, such as `gates.main.certificate`.
    pub property: String,
    /// What there is to think over, for people.
    pub what: String,
}

impl fmt::Display for Warning {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(formatter, "{}: {}", self.property, self.what)
    }
}

/// Everything that is better thought over in a document that this control plane stands up.
pub fn warnings(document: &Document, control_plane: &ControlPlane) -> BTreeSet<Warning> {
    let open = document.gates.iter().filter(|(_, gate)| gate.certificate.is_none());
    let open = open.map(|(name, _)| Warning {
        property: format!("gates.{name}.certificate"),
        what: "there is none, so the gate answers HTTP on port 443: traffic is not encrypted, before the load balancers and \
               between them"
            .to_owned(),
    });
    let shut = document
        .gates
        .keys()
        .filter_map(|name| shut(document, name, control_plane));
    open.chain(shut).collect()
}

/// A gate reads which region is primary from the control plane's table in its own region: where there is none, it is never
/// open.
fn shut(document: &Document, name: &str, control_plane: &ControlPlane) -> Option<Warning> {
    let places = document.places_of_gate(name).into_iter();
    let shut: Vec<&str> = places
        .filter(|region| !control_plane.regions.contains(*region))
        .map(Region::as_str)
        .collect();
    (!shut.is_empty()).then(|| Warning {
        property: format!("gates.{name}"),
        what: format!(
            "the control plane is not installed in {}: no gate opens there, whichever region is primary; see \
             `outrigger bootstrap --help` for how it is installed in three regions",
            shut.join(" and ")
        ),
    })
}
