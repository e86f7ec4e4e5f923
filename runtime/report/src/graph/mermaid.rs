//! Graphs as flowcharts of Mermaid.

use super::{Graph, Node};

/// Mermaid's own default limits (`maxEdges`, `maxTextSize`), and nodes beyond all patience.
const MOST: (usize, usize, usize) = (2_000, 500, 50_000);

/// Draws a graph as a Mermaid flowchart, from left to right.
pub fn to_mermaid(graph: &Graph) -> String {
    let mut text = "flowchart LR\n".to_owned();
    for (at, group) in graph.groups.iter().enumerate() {
        text += &format!("  subgraph g{at}[{}]\n", quoted(&group.name));
        group.nodes.iter().for_each(|node| text += &line(node));
        text += "  end\n";
    }
    for (from, to) in &graph.edges {
        text += &format!("  n{from} --> n{to}\n");
    }
    text
}

/// Says what of a drawing is more than Mermaid's renderers draw as they come; none where they do.
pub fn mermaid_refuses(graph: &Graph, text: &str) -> Option<String> {
    let counts = (
        graph.nodes(),
        graph.edges.len(),
        text.encode_utf16().count(),
    );
    match (counts.0 > MOST.0, counts.1 > MOST.1, counts.2 > MOST.2) {
        (true, _, _) => Some(format!("{} nodes, more than {}", counts.0, MOST.0)),
        (_, true, _) => Some(format!("{} edges, more than {}", counts.1, MOST.1)),
        (_, _, true) => Some(format!("{} characters, more than {}", counts.2, MOST.2)),
        _ => None,
    }
}

fn line(node: &Node) -> String {
    let (open, close) = match node.kind {
        "corpus" | "tokenizer" | "tokens" => ("[(", ")]"),
        "eval" => ("([", "])"),
        _ => ("[", "]"),
    };
    format!("    n{}{open}{}{close}\n", node.id, quoted(&node.text))
}

/// A quoted label. Mermaid ends it at `"`, reads `#35;` as a character, and takes the rest for
/// Markdown with HTML; an underscore within a word is none of these.
fn quoted(text: &str) -> String {
    let mut quoted = String::from("\"");
    let mut before = ' ';
    let mut rest = text.chars().peekable();
    while let Some(c) = rest.next() {
        let is_word = |c: char| c.is_alphanumeric() || c == '_';
        let in_word = is_word(before) && rest.peek().is_some_and(|&next| is_word(next));
        match c {
            '"' | '#' | '&' | '<' | '>' | '`' | '*' | '\\' | '~' | '$' => {
                quoted.push_str(&format!("#{};", u32::from(c)));
            }
            '_' if !in_word => quoted.push_str("#95;"),
            c if c.is_control() => quoted.push(' '),
            c => quoted.push(c),
        }
        before = c;
    }
    quoted + "\""
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn labels() {
        for (text, shown) in [
            ("code_dose", "code_dose"),
            ("_x_ y_", "#95;x#95; y#95;"),
            ("base[c=2*3]", "base[c=2#42;3]"),
            ("\"a\" #35; <b>", "#34;a#34; #35;35; #60;b#62;"),
            ("a\nb", "a b"),
        ] {
            assert_eq!(quoted(text), format!("\"{shown}\""));
        }
    }
}
