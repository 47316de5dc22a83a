//! Which of a stack's regions is primary.

use serde::{Deserialize, Serialize};

use crate::key::Region;

/// Which region of a stack is primary, which are secondaries, and since which epoch.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Topology {
    /// Where writes go.
    pub primary: Region,
    /// The stack's other regions.
    pub secondaries: Vec<Region>,
    /// Grows by one with each change of the primary.
    pub epoch: u64,
}

impl Topology {
    /// The topology that a stack begins with: the first of its regions is primary. `None` of a stack in one region, which has
    /// no other that could ever be.
    pub fn first(regions: &[Region]) -> Option<Self> {
        match regions {
            [primary, secondaries @ ..] if !secondaries.is_empty() => Some(Self {
                primary: primary.clone(),
                secondaries: secondaries.to_vec(),
                epoch: 1,
            }),
            _ => None,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_first_region_begins_as_primary_where_there_are_others() {
        let regions = ["us-east-1", "us-east-2"].map(Region::new);
        assert_eq!(Topology::first(&regions[..1]), None);
        assert_eq!(Topology::first(&[]), None);
        let topology = Topology::first(&regions).unwrap();
        assert_eq!(topology.primary, regions[0]);
        assert_eq!((topology.secondaries, topology.epoch), (vec![regions[1].clone()], 1));
    }
}
