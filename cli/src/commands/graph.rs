//! `outrigger graph`: the graph of a document's resources, told from the document alone.

use std::collections::{BTreeMap, BTreeSet};

use clap::{Args, ValueEnum};
use outrigger_model::{Document, Lane, ResourceKey};
use serde_json::{Value, json};

use crate::arguments::Format;
use crate::context::Context;
use crate::document::{self, DocumentFile};
use crate::failure::Failure;
use crate::output::{print_json, print_text};
use crate::plan_view::namer::Namer;

const EXAMPLES: &str = "\
Examples:
  outrigger graph shop.yaml | dot -Tsvg > shop.svg
  outrigger graph shop.yaml --format mermaid";

/// What `graph` takes.
#[derive(Debug, Args)]
#[command(after_help = EXAMPLES)]
pub struct Graph {
    /// Which document.
    #[command(flatten)]
    pub document: DocumentFile,

    /// In which language; with --output json it is nodes and edges
    #[arg(long, value_enum, default_value_t = GraphFormat::Dot)]
    pub format: GraphFormat,
}

/// A language for graphs.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub enum GraphFormat {
    /// Graphviz: `outrigger graph FILE | dot -Tsvg`.
    Dot,
    /// Mermaid, which Markdown on GitHub and GitLab shows.
    Mermaid,
}

/// Runs the command.
pub(super) fn run(context: &Context, options: &Graph) -> Result<(), Failure> {
    let read = document::read(&options.document)?;
    let nodes = Nodes::of(&read.document, read.graph()?);
    if context.options.output == Format::Json {
        return Ok(print_json(&nodes.json())?);
    }
    let text = match options.format {
        GraphFormat::Dot => nodes.dot(),
        GraphFormat::Mermaid => nodes.mermaid(),
    };
    Ok(print_text(&text)?)
}

/// The resources, each with what it needs.
struct Nodes {
    stack: String,
    needs: BTreeMap<ResourceKey, BTreeSet<ResourceKey>>,
}

impl Nodes {
    fn of(document: &Document, graph: outrigger_plan::Graph) -> Self {
        Self {
            stack: document.id().to_string(),
            needs: graph
                .resources
                .into_iter()
                .map(|(key, resource)| (key, resource.depends_on))
                .collect(),
        }
    }

    fn lane(&self, lane: Lane) -> impl Iterator<Item = &ResourceKey> {
        self.needs.keys().filter(move |key| key.kind.lane() == lane)
    }

    fn lanes(&self) -> impl Iterator<Item = Lane> {
        let has_some = |lane: &Lane| self.lane(*lane).next().is_some();
        Lane::ALL.into_iter().filter(has_some)
    }

    /// What stands in a node, line by line: the region where there are several.
    fn label(&self, key: &ResourceKey) -> Vec<String> {
        let region = Namer::of(self.needs.keys())
            .with_region()
            .then(|| key.region.to_string());
        [key.kind.to_string(), key.name.clone()]
            .into_iter()
            .chain(region)
            .collect()
    }

    /// From what is needed to what needs it.
    fn edges(&self) -> impl Iterator<Item = (&ResourceKey, &ResourceKey)> {
        self.needs
            .iter()
            .flat_map(|(key, needs)| needs.iter().map(move |needed| (needed, key)))
    }

    /// <https://graphviz.org/doc/info/lang.html>
    fn dot(&self) -> String {
        let mut text = format!("digraph {} {{\n", quoted(&self.stack));
        text.push_str("  rankdir=LR;\n  node [shape=box, style=rounded, fontname=\"sans-serif\"];\n");
        text.push_str("  graph [fontname=\"sans-serif\"];\n");
        for lane in self.lanes() {
            text.push_str(&format!(
                "\n  subgraph {} {{\n    label={};\n",
                quoted(&format!("cluster_{lane}")),
                quoted(lane.as_str())
            ));
            for key in self.lane(lane) {
                let label = self.label(key).join("\n");
                text.push_str(&format!(
                    "    {} [label={}];\n",
                    quoted(&key.to_string()),
                    quoted(&label)
                ));
            }
            text.push_str("  }\n");
        }
        text.push('\n');
        for (needed, key) in self.edges() {
            let [from, to] = [needed, key].map(|key| quoted(&key.to_string()));
            text.push_str(&format!("  {from} -> {to};\n"));
        }
        text.push_str("}\n");
        text
    }

    /// <https://mermaid.js.org/syntax/flowchart.html>
    fn mermaid(&self) -> String {
        let ids = self.plain_ids();
        let id = |key: &ResourceKey| ids.get(key).map_or("", String::as_str);
        let mut text = "flowchart LR\n".to_owned();
        for lane in self.lanes() {
            text.push_str(&format!("  subgraph lane_{lane}[\"{lane}\"]\n"));
            for key in self.lane(lane) {
                text.push_str(&format!("    {}[\"{}\"]\n", id(key), self.label(key).join("<br/>")));
            }
            text.push_str("  end\n");
        }
        for (needed, key) in self.edges() {
            text.push_str(&format!("  {} --> {}\n", id(needed), id(key)));
        }
        text
    }

    /// An id of letters, digits and underscores for each resource.
    fn plain_ids(&self) -> BTreeMap<&ResourceKey, String> {
        let mut taken = BTreeSet::new();
        let mut ids = BTreeMap::new();
        for key in self.needs.keys() {
            let base: String = key
                .to_string()
                .chars()
                .map(|character| {
                    if character.is_ascii_alphanumeric() {
                        character
                    } else {
                        '_'
                    }
                })
                .collect();
            let mut id = base.clone();
            let mut number = 1;
            while !taken.insert(id.clone()) {
                number += 1;
                id = format!("{base}_{number}");
            }
            ids.insert(key, id);
        }
        ids
    }

    fn json(&self) -> Value {
        let nodes: Vec<Value> = self
            .needs
            .keys()
            .map(|key| {
                json!({
                    "key": key,
                    "region": key.region,
                    "kind": key.kind,
                    "name": key.name,
                    "lane": key.kind.lane(),
                })
            })
            .collect();
        let edges: Vec<Value> = self
            .edges()
            .map(|(needed, key)| json!({"from": needed, "to": key}))
            .collect();
        json!({"stack": self.stack, "nodes": nodes, "edges": edges})
    }
}

/// A text in double quotes, as DOT reads it.
fn quoted(text: &str) -> String {
    let escaped = text.replace('\\', "\\\\").replace('"', "\\\"").replace('\n', "\\n");
    format!("\"{escaped}\"")
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::plan_view::golden::reference;

    fn nodes(name: &str) -> Nodes {
        let document = outrigger_model::document::parse(&reference(name)).unwrap();
        let resolved = outrigger_plan::Resolved::unasked(&document);
        Nodes::of(&document, outrigger_plan::expand(&document, &resolved).unwrap())
    }

    #[test]
    fn graphs_are_these() {
        for name in ["data-processing", "postgres-ha", "multi-region-dr"] {
            let nodes = nodes(name);
            insta::assert_snapshot!(format!("{name}_dot"), nodes.dot());
            insta::assert_snapshot!(format!("{name}_mermaid"), nodes.mermaid());
        }
    }

    /// The tokens of DOT: quoted ids, plain ids and punctuation.
    fn tokens(text: &str) -> Vec<String> {
        let mut tokens = Vec::new();
        let mut rest = text.trim_start();
        while let Some(first) = rest.chars().next() {
            let length = match first {
                '"' => {
                    let mut escaped = false;
                    let end = rest[1..].find(|character: char| {
                        let ends = character == '"' && !escaped;
                        escaped = character == '\\' && !escaped;
                        ends
                    });
                    end.expect("a quote is not closed") + 2
                }
                '-' => {
                    assert!(rest.starts_with("->"), "{rest}");
                    2
                }
                '{' | '}' | '[' | ']' | '=' | ';' | ',' => 1,
                _ => {
                    let is_id = |character: char| character.is_ascii_alphanumeric() || character == '_';
                    assert!(is_id(first), "{rest}");
                    rest.find(|character| !is_id(character)).unwrap_or(rest.len())
                }
            };
            tokens.push(rest[..length].to_owned());
            rest = rest[length..].trim_start();
        }
        tokens
    }

    #[test]
    fn dot_parses() {
        let nodes = nodes("data-processing");
        let tokens = tokens(&nodes.dot());
        assert_eq!(tokens[0], "digraph");
        let mut depth = 0_i32;
        for token in &tokens {
            depth += i32::from(token == "{") - i32::from(token == "}");
            assert!(depth >= 0);
        }
        assert_eq!(depth, 0);
        // Both ends of each edge are nodes.
        let is_node = |id: &str| {
            tokens
                .windows(2)
                .any(|pair| pair[0] == id && pair[1] == "[" && id.starts_with('"'))
        };
        let edges: Vec<_> = tokens.windows(3).filter(|three| three[1] == "->").collect();
        assert_eq!(edges.len(), nodes.edges().count());
        for edge in edges {
            assert!(is_node(&edge[0]) && is_node(&edge[2]), "{edge:?}");
        }
    }

    #[test]
    fn texts_are_quoted() {
        assert_eq!(quoted("a\"b\\c\nd"), r#""a\"b\\c\nd""#);
    }

    #[test]
    fn mermaid_has_plain_ids_of_their_own() {
        let nodes = nodes("data-processing");
        let ids: BTreeSet<String> = nodes.plain_ids().into_values().collect();
        assert_eq!(ids.len(), nodes.needs.len());
        for id in ids {
            assert!(
                id.chars()
                    .all(|character| character.is_ascii_alphanumeric() || character == '_'),
                "{id}"
            );
            assert!(
                id.starts_with(|character: char| character.is_ascii_alphabetic()),
                "{id}"
            );
        }
        let key = |name: &str| name.parse::<ResourceKey>().unwrap();
        let clashing = Nodes {
            stack: String::new(),
            needs: BTreeMap::from([
                (key("us-east-1/vpc/a-b"), BTreeSet::new()),
                (key("us-east-1/vpc/a_b"), BTreeSet::new()),
            ]),
        };
        let ids: Vec<String> = clashing.plain_ids().into_values().collect();
        assert_eq!(ids, ["us_east_1_vpc_a_b", "us_east_1_vpc_a_b_2"]);
    }

    #[test]
    fn programs_get_nodes_and_edges() {
        let json = nodes("postgres-ha").json();
        assert_eq!(json["stack"], "postgres-ha/production");
        assert_eq!(
            json["nodes"][0],
            json!({
                "key": "us-west-2/vpc/vpc", "region": "us-west-2", "kind": "vpc", "name": "vpc", "lane": "network",
            })
        );
        let edges = json["edges"].as_array().unwrap();
        assert!(edges.contains(&json!({"from": "us-west-2/vpc/vpc", "to": "us-west-2/subnet/private-1"})));
    }
}
