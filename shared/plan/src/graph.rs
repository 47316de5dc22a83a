//! The resource graph.

use std::collections::BTreeMap;

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
        let mut graph = DiGraphMap::<&ResourceKey, ()>::new();
        for (key, resource) in &self.resources {
            graph.add_node(key);
            for dependency in &resource.depends_on {
                let Some((dependency, _)) = self.resources.get_key_value(dependency) else {
                    return Err(format!("{key} depends on {dependency}, which is not in the graph"));
                };
                graph.add_edge(dependency, key, ());
            }
        }
        toposort(&graph, None).map_err(|cycle| format!("{} depends on itself", cycle.node_id()))
    }
}
