//! The items of a bracket, and the comments between them, to lines.

use super::align::pads;
use super::flat::{columns, word};
use super::printer::Printer;
use super::shape::{Group, Item};
use super::tokens::Comment;

/// Returns the whole file.
pub(super) fn file(file: &Group<'_>) -> String {
    let mut text = lines(file, 0, "").join("\n");
    if !text.is_empty() {
        text.push('\n');
    }
    text
}

/// An item laid out.
struct Row<'a> {
    text: String,
    trailing: Option<Comment<'a>>,
    /// Whether something stands between it and the row before, so that nothing is aligned.
    apart: bool,
}

impl Row<'_> {
    /// An empty line.
    fn blank() -> Self {
        Self {
            text: String::new(),
            trailing: None,
            apart: true,
        }
    }

    /// Columns of the last line.
    fn width(&self) -> usize {
        columns(&self.text)
    }

    fn aligns(&self) -> bool {
        self.trailing.is_some() && !self.text.contains('\n')
    }
}

/// Lays out the items of a group and the comments between them, `end` after each item.
pub(super) fn lines(group: &Group<'_>, indent: usize, end: &str) -> Vec<String> {
    let margin = " ".repeat(indent);
    let pads = if group.open.is_empty() || group.open == "{" {
        pads(group, indent)
    } else {
        vec![0; group.items.len()]
    };
    let mut rows: Vec<Row<'_>> = Vec::new();
    let remark = |comment: &Comment<'_>, rows: &mut Vec<Row<'_>>| {
        let blank = comment.newlines > 1 && !rows.is_empty();
        rows.extend(blank.then(Row::blank));
        rows.push(Row {
            text: format!("{margin}{}", comment.text),
            trailing: None,
            apart: true,
        });
    };
    let count = group.items.len();
    for (at, (item, pad)) in group.items.iter().zip(pads).enumerate() {
        for comment in &item.leading {
            remark(comment, &mut rows);
        }
        let blank = item.blank && !rows.is_empty();
        rows.extend(blank.then(Row::blank));
        let end = if at + 1 == count && !takes_last_comma(group) {
            ""
        } else {
            end
        };
        let mut printer = Printer::new(indent, pad);
        printer.item(&item.nodes, end.len());
        rows.push(Row {
            text: printer.text + end,
            trailing: item.trailing,
            apart: blank || !item.leading.is_empty(),
        });
    }
    for comment in &group.last {
        remark(comment, &mut rows);
    }
    with_comments(&rows)
}

/// Puts comments behind their rows; those of neighbouring lines stand in one column.
fn with_comments(rows: &[Row<'_>]) -> Vec<String> {
    let neighbours = |a: &Row<'_>, b: &Row<'_>| a.aligns() && b.aligns() && !b.apart;
    let mut lines = Vec::new();
    for run in rows.chunk_by(neighbours) {
        let widest = run.iter().map(Row::width).max().unwrap_or_default();
        for row in run {
            let comment = row.trailing.map(|comment| {
                let gap = " ".repeat(2 + widest - row.width());
                format!("{gap}{}", comment.text)
            });
            lines.push(format!("{}{}", row.text, comment.unwrap_or_default()));
        }
    }
    lines
}

/// Whether the last element is followed by a comma when each stands on its own line.
fn takes_last_comma(group: &Group<'_>) -> bool {
    let each = |item: &Item<'_>| item.nodes.iter().any(|node| word(node) == Some("for"));
    group.open == "[" && !group.items.iter().any(each)
}
