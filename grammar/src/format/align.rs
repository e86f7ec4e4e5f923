//! Which neighbouring entries have their values or braces in one column.

use super::flat::{WIDTH, columns, flat, flat_group, word};
use super::shape::{Group, Item, Node};

/// Further spaces in each entry: neighbours `name: value` have their values in one column, and
/// neighbours `kind name { … }` of one line and one kind their braces.
pub(super) fn pads(group: &Group<'_>, indent: usize) -> Vec<usize> {
    let labels = group.items.iter().map(|item| label(item, indent));
    let labels: Vec<_> = labels.zip(&group.items).collect();
    let together = labels.chunk_by(|(a, _), (b, item)| {
        let near = !item.blank && item.leading.is_empty();
        near && matches!((a, b), (Some(a), Some(b)) if a.class == b.class)
    });
    let mut pads = Vec::new();
    for run in together {
        let labels = run.iter().filter_map(|(label, _)| label.as_ref());
        let widest = labels
            .clone()
            .map(|label| label.width)
            .max()
            .unwrap_or_default();
        let fit = labels
            .clone()
            .all(|label| indent + widest + label.body <= WIDTH);
        let pad = |label: &Label<'_>| if fit { widest - label.width } else { 0 };
        pads.extend(run.iter().map(|(label, _)| label.as_ref().map_or(0, pad)));
    }
    pads
}

/// The part of an entry before what is aligned.
struct Label<'a> {
    class: Class<'a>,
    /// Its columns.
    width: usize,
    /// Columns after it that must stay on its line.
    body: usize,
}

#[derive(PartialEq, Eq)]
enum Class<'a> {
    Field,
    Vary,
    /// A block of one line, of this kind.
    Block(&'a str),
}

fn label<'a>(item: &Item<'a>, indent: usize) -> Option<Label<'a>> {
    if let [kind, name, Node::Group(body)] = item.nodes.as_slice()
        && body.open == "{"
    {
        let (kind, name, body) = (word(kind)?, word(name)?, columns(&flat_group(body)?));
        let width = columns(kind) + 1 + columns(name);
        let class = Class::Block(kind);
        let body = 1 + body;
        return Some(Label { class, width, body }).filter(|_| indent + width + body <= WIDTH);
    }
    let colon = item.nodes.iter().position(|node| word(node) == Some(":"))?;
    let before = item.nodes.get(..colon)?;
    if before.iter().any(|node| node.leaf().is_none()) {
        return None;
    }
    let vary = before.first().and_then(word) == Some("vary");
    Some(Label {
        class: if vary { Class::Vary } else { Class::Field },
        width: columns(&flat(before, 0)?),
        body: 0,
    })
}
