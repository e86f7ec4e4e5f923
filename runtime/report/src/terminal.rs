//! Filled tables as text for a terminal.

use comfy_table::presets::UTF8_HORIZONTAL_ONLY;
use comfy_table::{CellAlignment, Table};

use crate::coverage::Coverage;
use crate::table::{Filled, Summary};

/// Draws a table; the lowest mean of each column is marked `*` where lower is better.
///
/// A table of a part of its runs says so and marks nothing: what is lowest of a part, or a mean
/// over other seeds than its neighbour's, would be read for more than it is.
pub fn draw(filled: &Filled, coverage: &Coverage) -> String {
    let mut table = Table::new();
    table.load_style(UTF8_HORIZONTAL_ONLY);
    table.set_header(&filled.headings);
    let axes = filled.rows.first().map_or(0, |row| row.values.len());
    let marked = filled.lower_is_better && coverage.is_whole();
    let best: Vec<Option<f64>> = (0..filled.headings.len().saturating_sub(axes))
        .map(|column| lowest(filled, column).filter(|_| marked))
        .collect();
    for row in &filled.rows {
        let cells = row.cells.iter().zip(&best).map(|(cell, best)| match cell {
            Some(summary) => show(summary, Some(summary.mean) == *best),
            None => "–".to_owned(),
        });
        table.add_row(row.values.iter().cloned().chain(cells));
    }
    for column in axes..filled.headings.len() {
        if let Some(column) = table.column_mut(column) {
            column.set_cell_alignment(CellAlignment::Right);
        }
    }
    let title = match filled.doc.as_str() {
        "" => filled.name.clone(),
        doc => format!("{}: {doc}", filled.name),
    };
    let part = if coverage.is_whole() {
        String::new()
    } else {
        format!("a part: {coverage}\n")
    };
    format!("{title}\n{part}{table}\n{}", legend(filled, marked))
}

/// The lowest mean of a column, when there is something to compare.
fn lowest(filled: &Filled, column: usize) -> Option<f64> {
    let means = filled
        .rows
        .iter()
        .filter_map(|row| row.cells.get(column)?.as_ref());
    let means: Vec<f64> = means.map(|summary| summary.mean).collect();
    (means.len() > 1).then(|| means.into_iter().fold(f64::INFINITY, f64::min))
}

fn show(summary: &Summary, best: bool) -> String {
    let mark = if best { "*" } else { " " };
    match summary.deviation {
        Some(deviation) => format!("{:.4} ± {deviation:.4}{mark}", summary.mean),
        None => format!("{:.4}{mark}", summary.mean),
    }
}

fn legend(filled: &Filled, marked: bool) -> String {
    let mut parts = Vec::new();
    if let Some(base) = &filled.relative_to {
        parts.push(format!("in % of {base}"));
    }
    if marked {
        parts.push("lower is better; * lowest of its column".to_owned());
    } else if filled.lower_is_better {
        parts.push("lower is better".to_owned());
    }
    let counts = filled
        .rows
        .iter()
        .flat_map(|row| row.cells.iter().flatten());
    let counts: Vec<usize> = counts.map(|cell| cell.n).collect();
    let (least, most) = (counts.iter().min(), counts.iter().max());
    if let (Some(least), Some(most @ 2..), false) = (least, most, filled.averaged.is_empty()) {
        let axes = filled.averaged.join(", ");
        let n = if least == most {
            format!("n = {most}")
        } else {
            format!("n = {least} to {most}")
        };
        parts.push(format!("mean ± standard deviation over {axes} ({n})"));
    }
    if parts.is_empty() {
        String::new()
    } else {
        format!("{}\n", parts.join("; "))
    }
}
