//! Graphs in the DOT language of Graphviz.

use super::{Graph, Node};

/// Draws a graph as DOT, from left to right.
pub fn to_dot(graph: &Graph) -> String {
    let mut text = format!("digraph {} {{\n", quoted(&graph.study));
    text += "  rankdir=LR;\n  node [shape=box];\n";
    for (at, group) in graph.groups.iter().enumerate() {
        let name = quoted(&group.name);
        text += &format!("  subgraph cluster_{at} {{\n    label={name};\n");
        group.nodes.iter().for_each(|node| text += &line(node));
        text += "  }\n";
    }
    for (from, to) in &graph.edges {
        text += &format!("  n{from} -> n{to};\n");
    }
    text + "}\n"
}

fn line(node: &Node) -> String {
    let shape = match node.kind {
        "corpus" | "tokenizer" | "tokens" => ", shape=cylinder",
        "eval" => ", shape=ellipse",
        _ => "",
    };
    format!("    n{} [label={}{shape}];\n", node.id, quoted(&node.text))
}

/// A string of DOT. Graphviz reads escapes such as `\N` and entities such as `&lt;` in labels.
fn quoted(text: &str) -> String {
    let mut quoted = String::from("\"");
    for c in text.chars() {
        match c {
            '"' => quoted.push_str("\\\""),
            '\\' => quoted.push_str("\\\\"),
            '&' => quoted.push_str("&amp;"),
            c if c.is_control() => quoted.push(' '),
            c => quoted.push(c),
        }
    }
    quoted + "\""
}
