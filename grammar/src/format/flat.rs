//! Items on one line, and the spaces in them.

use super::shape::{Group, Node};
use super::tokens::Kind;

/// Longest line, comments aside, where there is a choice.
pub(super) const WIDTH: usize = 100;

/// The text of a token without brackets.
pub(super) fn word<'a>(node: &Node<'a>) -> Option<&'a str> {
    node.leaf().map(|leaf| leaf.token.text)
}

/// Columns of the last line of a text.
pub(super) fn columns(text: &str) -> usize {
    let line = text.rsplit('\n').next().unwrap_or_default();
    line.chars().count()
}

/// Whether a space stands between two nodes of one line.
pub(super) fn spaced(previous: &Node<'_>, next: &Node<'_>) -> bool {
    if let Node::Leaf(leaf) = previous
        && leaf.tight_after
    {
        return false;
    }
    match next {
        Node::Leaf(leaf) => !leaf.tight_before,
        Node::Group(group) => {
            let text = previous
                .leaf()
                .is_some_and(|leaf| leaf.token.kind == Kind::Text);
            group.open != "(" || text || !previous.ends_value()
        }
    }
}

/// Whether what is aligned begins between two nodes.
pub(super) fn padded(previous: &Node<'_>, next: &Node<'_>) -> bool {
    word(previous) == Some(":") || matches!(next, Node::Group(group) if group.open == "{")
}

/// Whether `for` or its `if` begins here, in a list made of another one.
pub(super) fn begins_clause(previous: &Node<'_>, next: &Node<'_>) -> bool {
    match word(next) {
        Some("for") => true,
        Some("if") => previous.ends_value(),
        _ => false,
    }
}

/// Lays nodes out on one line; nothing where a comment or a body needs more.
pub(super) fn flat(nodes: &[Node<'_>], mut pad: usize) -> Option<String> {
    let mut text = String::new();
    let mut previous = None;
    for node in nodes {
        let first = previous.is_none();
        if !first && !node.before().is_empty() {
            return None;
        }
        if previous.is_some_and(|previous| spaced(previous, node)) {
            text.push(' ');
        }
        if previous.is_some_and(|previous| padded(previous, node)) {
            text.push_str(&" ".repeat(std::mem::take(&mut pad)));
        }
        match node {
            Node::Leaf(leaf) => text.push_str(leaf.token.text),
            Node::Group(group) => text.push_str(&flat_group(group)?),
        }
        previous = Some(node);
    }
    Some(text)
}

pub(super) fn flat_group(group: &Group<'_>) -> Option<String> {
    let braces = group.open == "{";
    let comments = group.opened.is_some() || !group.last.is_empty();
    if comments || braces && !group.one_line && !group.items.is_empty() {
        return None;
    }
    let mut parts = Vec::new();
    for item in &group.items {
        if !item.leading.is_empty() || item.trailing.is_some() {
            return None;
        }
        parts.push(flat(&item.nodes, 0)?);
    }
    let (open, close, inside) = (group.open, group.close, parts.join(", "));
    Some(if braces && !inside.is_empty() {
        format!("{open} {inside} {close}")
    } else {
        format!("{open}{inside}{close}")
    })
}
