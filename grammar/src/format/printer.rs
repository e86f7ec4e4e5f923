//! Items on as many lines as they need.

use super::flat::{WIDTH, begins_clause, columns, flat, flat_group, padded, spaced, word};
use super::layout::lines;
use super::shape::{Group, Node};

/// Columns by which the inside of brackets stands further right.
const STEP: usize = 2;

/// Writes one item, which may take several lines.
pub(super) struct Printer {
    pub(super) text: String,
    /// Indentation of the current line.
    indent: usize,
    /// Further spaces where what is aligned begins.
    pad: usize,
}

impl Printer {
    pub(super) fn new(indent: usize, pad: usize) -> Self {
        Self {
            text: " ".repeat(indent),
            indent,
            pad,
        }
    }

    fn fits(&self, width: usize) -> bool {
        columns(&self.text) + width <= WIDTH
    }

    fn line(&mut self, indent: usize) {
        self.text.push('\n');
        self.text.push_str(&" ".repeat(indent));
        self.indent = indent;
    }

    /// Writes the nodes of an item, `tail` columns of something else after them.
    pub(super) fn item(&mut self, nodes: &[Node<'_>], tail: usize) {
        if let Some(text) = flat(nodes, self.pad)
            && self.fits(columns(&text) + tail)
        {
            self.text.push_str(&text);
            return;
        }
        let start = self.indent;
        let mut previous = None;
        for (at, node) in nodes.iter().enumerate() {
            let rest = nodes.get(at..).unwrap_or_default();
            if let Some(previous) = previous {
                self.between(previous, rest, start);
            }
            match node {
                Node::Leaf(leaf) => self.text.push_str(leaf.token.text),
                Node::Group(group) => {
                    let after = rest.get(1..).unwrap_or_default();
                    self.group(group, until_group(node, after, tail));
                }
            }
            previous = Some(node);
        }
    }

    /// Writes what stands between a node and the first of `rest`.
    fn between(&mut self, previous: &Node<'_>, rest: &[Node<'_>], start: usize) {
        let Some(next) = rest.first() else { return };
        if !next.before().is_empty() {
            let indent = start + STEP;
            for comment in next.before() {
                if comment.newlines == 0 {
                    self.text.push_str("  ");
                } else {
                    self.line(indent);
                }
                self.text.push_str(comment.text);
            }
            self.line(indent);
            return;
        }
        let operator = previous.leaf().filter(|leaf| leaf.is_infix());
        let breakable = operator.is_some_and(|leaf| !leaf.tight_after && leaf.token.text != "by");
        if begins_clause(previous, next) {
            self.line(start);
        } else if breakable && self.segment_belongs_below(rest, start + STEP) {
            self.line(start + STEP);
        } else if spaced(previous, next) {
            self.text.push(' ');
            if padded(previous, next) {
                let pad = std::mem::take(&mut self.pad);
                self.text.push_str(&" ".repeat(pad));
            }
        }
    }

    /// Whether what follows, up to the next operator, fits below but not here.
    fn segment_belongs_below(&self, rest: &[Node<'_>], indent: usize) -> bool {
        let ends = |node: &Node<'_>| {
            node.leaf()
                .is_some_and(|leaf| leaf.is_infix() && !leaf.tight_after)
        };
        let end = rest
            .iter()
            .position(ends)
            .map_or(rest.len(), |operator| operator + 1);
        let segment = rest.get(..end).and_then(|nodes| flat(nodes, 0));
        segment.is_some_and(|text| {
            let width = columns(&text);
            !self.fits(1 + width) && indent + width <= WIDTH
        })
    }

    /// Writes a group on one line where it fits with the `after` columns that must follow.
    fn group(&mut self, group: &Group<'_>, after: usize) {
        if let Some(text) = flat_group(group)
            && (group.items.is_empty() || self.fits(columns(&text) + after))
        {
            self.text.push_str(&text);
            return;
        }
        self.text.push_str(group.open);
        if let Some(comment) = group.opened {
            self.text.push_str("  ");
            self.text.push_str(comment.text);
        }
        let end = if group.open == "{" { "" } else { "," };
        for line in lines(group, self.indent + STEP, end) {
            self.text.push('\n');
            self.text.push_str(&line);
        }
        self.line(self.indent);
        self.text.push_str(group.close);
    }
}

/// Columns from the end of a group to the next place where a line may end.
fn until_group(group: &Node<'_>, after: &[Node<'_>], tail: usize) -> usize {
    let next = after.iter().position(|node| node.leaf().is_none());
    let leaves = after.get(..next.unwrap_or(after.len())).unwrap_or_default();
    let mut width = 0;
    let mut previous = group;
    for node in leaves {
        if !node.before().is_empty() || begins_clause(previous, node) {
            return width;
        }
        width += usize::from(spaced(previous, node)) + word(node).map_or(0, |w| w.chars().count());
        previous = node;
        if node
            .leaf()
            .is_some_and(|leaf| leaf.is_infix() && !leaf.tight_after)
        {
            return width;
        }
    }
    match next.and_then(|at| after.get(at)) {
        Some(next) => width + usize::from(spaced(previous, next)) + 1,
        None => width + tail,
    }
}
