//! The resource graph.

use std::collections::{BTreeMap, BTreeSet};

use outrigger_model::{Resource, ResourceKey};
use petgraph::algo::toposort;
use petgraph::graphmap::DiGraphMap;

/// Resources and what they depend on.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Graph {
    /// The resources, by key.
    pub resources: BTreeMap<ResourceKey, Resource>,
}

impl Graph {
    /// The keys, each after everything it depends on.
    ///
    /// # Errors
    /// A resource that depends on itself in the end, or on one that is not in the graph: a defect of the expansion.
    pub fn order(&self) -> Result<Vec<&ResourceKey>, String> {
        order(self.resources.iter().map(|(key, resource)| (key, &resource.depends_on)))
    }
}

/// Keys with what they depend on, each after everything it depends on.
///
/// # Errors
/// As [`Graph::order`].
pub(crate) fn order<'a>(
    nodes: impl Iterator<Item = (&'a ResourceKey, &'a BTreeSet<ResourceKey>)> + Clone,
) -> Result<Vec<&'a ResourceKey>, String> {
    let mut graph = DiGraphMap::<&ResourceKey, ()>::new();
    for (key, _) in nodes.clone() {
        graph.add_node(key);
    }
    for (key, dependencies) in nodes {
        for dependency in dependencies {
            if !graph.contains_node(dependency) {
                return Err(format!("{key} depends on {dependency}, which is not in the graph"));
            }
            graph.add_edge(dependency, key, ());
        }
    }
    toposort(&graph, None).map_err(|cycle| format!("{} depends on itself", cycle.node_id()))
}
