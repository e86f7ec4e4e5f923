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
    match larger_error(summary) {
        Some(error) => format!("{:.4} ± {error:.4}{mark}", summary.mean),
        None => format!("{:.4}{mark}", summary.mean),
    }
}

/// The larger of the standard errors over runs and over items, as far as there are any.
fn larger_error(summary: &Summary) -> Option<f64> {
    let over_items = summary.over_items.and_then(|spread| spread.error);
    let errors = [summary.over_runs.error, over_items].into_iter().flatten();
    errors.reduce(f64::max)
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
    parts.extend(errors(filled));
    if parts.is_empty() {
        String::new()
    } else {
        format!("{}\n", parts.join("; "))
    }
}

/// What stands behind `±`, and over how many runs and items.
fn errors(filled: &Filled) -> Option<String> {
    let cells = filled.rows.iter();
    let cells: Vec<&Summary> = cells.flat_map(|row| row.cells.iter().flatten()).collect();
    let over_runs = cells.iter().filter(|cell| cell.over_runs.error.is_some());
    let over_items = cells.iter().filter_map(|cell| cell.over_items);
    let over_items: Vec<u64> = over_items
        .filter(|spread| spread.error.is_some())
        .map(|spread| spread.n)
        .collect();
    let runs = (over_runs.count() > 0).then(|| {
        let runs: Vec<u64> = cells.iter().map(|cell| cell.n as u64).collect();
        format!("over {} ({})", filled.averaged.join(", "), numbers(&runs))
    });
    let items = (!over_items.is_empty()).then(|| format!("over items ({})", numbers(&over_items)));
    match (runs, items) {
        (None, None) => None,
        (Some(runs), None) => Some(format!("mean ± standard error {runs}")),
        (None, Some(items)) => Some(format!(
            "± standard error {items}; one run each, so none over runs"
        )),
        (Some(runs), Some(items)) => Some(format!(
            "mean ± the larger of the standard errors {runs} and {items}"
        )),
    }
}

/// `n = 2`, or `n = 2 to 4`.
pub(crate) fn numbers(counts: &[u64]) -> String {
    match (counts.iter().min(), counts.iter().max()) {
        (Some(least), Some(most)) if least < most => format!("n = {least} to {most}"),
        (_, most) => format!("n = {}", most.copied().unwrap_or_default()),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::spread::Spread;
    use crate::table::FilledRow;

    fn spread(n: u64, error: f64) -> Spread {
        Spread {
            n,
            error: (n > 1).then_some(error),
            interval: None,
        }
    }

    fn drawn(runs: u64, over_runs: f64, over_items: Option<Spread>) -> String {
        let summary = Summary {
            mean: 0.61,
            deviation: None,
            n: runs as usize,
            over_runs: spread(runs, over_runs),
            over_items,
            keys: Vec::new(),
        };
        let filled = Filled {
            name: "t".to_owned(),
            doc: String::new(),
            headings: vec!["c".to_owned(), "able.sums".to_owned()],
            rows: vec![FilledRow {
                values: vec!["10%".to_owned()],
                cells: vec![Some(summary)],
            }],
            averaged: vec!["seed".to_owned()],
            lower_is_better: false,
            relative_to: None,
        };
        draw(&filled, &Coverage::default())
    }

    #[test]
    fn the_larger_error_is_shown_and_named() {
        for (text, cell, legend) in [
            (
                drawn(2, 0.01, Some(spread(200, 0.03))),
                "0.6100 ± 0.0300",
                "mean ± the larger of the standard errors over seed (n = 2) and over items (n = 200)\n",
            ),
            (
                drawn(2, 0.04, Some(spread(200, 0.03))),
                "0.6100 ± 0.0400",
                "and over items (n = 200)\n",
            ),
            (
                drawn(2, 0.04, None),
                "0.6100 ± 0.0400",
                "mean ± standard error over seed (n = 2)\n",
            ),
            (
                drawn(1, 0.0, Some(spread(200, 0.03))),
                "0.6100 ± 0.0300",
                "± standard error over items (n = 200); one run each, so none over runs\n",
            ),
        ] {
            assert!(text.contains(cell) && text.ends_with(legend), "{text}");
        }
        let alone = drawn(1, 0.0, None);
        assert!(alone.contains("0.6100") && !alone.contains('±'), "{alone}");
    }
}
