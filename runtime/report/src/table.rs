//! Tables of a report, filled with numbers.

use serde::Serialize;
use vpc_compiler::plan::{Cell, Experiment, Key, Metric, Table};

use crate::numbers::{Number, Numbers};

/// A table with its numbers.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct Filled {
    /// Name of the table.
    pub name: String,
    /// Its documentation string.
    pub doc: String,
    /// Headings: first the row axes, then one for each measure and column value.
    pub headings: Vec<String>,
    /// One for each combination of row values that has numbers.
    pub rows: Vec<FilledRow>,
    /// Axes that were averaged over.
    pub averaged: Vec<String>,
    /// What a smaller number means, where all measures agree.
    pub lower_is_better: bool,
}

/// A row of a filled table.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct FilledRow {
    /// Values of the row axes.
    pub values: Vec<String>,
    /// Summaries, one for each further heading; `None` where nothing was measured.
    pub cells: Vec<Option<Summary>>,
}

/// What several runs say together.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct Summary {
    /// Their mean.
    pub mean: f64,
    /// Their sample standard deviation; `None` for one run.
    pub deviation: Option<f64>,
    /// How many runs.
    pub n: usize,
    /// The jobs that measured them.
    pub keys: Vec<Key>,
}

/// Fills a table of an experiment.
pub fn fill(table: &Table, experiment: &Experiment, numbers: &Numbers) -> Filled {
    let own: Vec<&Number> = numbers
        .numbers
        .iter()
        .filter(|number| number.experiment == experiment.name)
        .collect();
    let columns = combinations(experiment, &table.columns);
    let mut headings = table.rows.clone();
    for cell in &table.cells {
        for column in &columns {
            headings.push(heading(cell, column));
        }
    }
    let mut rows = Vec::new();
    for values in combinations(experiment, &table.rows) {
        let mut cells = Vec::new();
        for cell in &table.cells {
            for column in &columns {
                let wanted: Vec<_> = values.iter().chain(column).cloned().collect();
                cells.push(summary(&own, cell, &wanted));
            }
        }
        if cells.iter().any(Option::is_some) {
            rows.push(FilledRow {
                values: values.into_iter().map(|value| value.1).collect(),
                cells,
            });
        }
    }
    Filled {
        name: table.name.clone(),
        doc: table.doc.clone(),
        headings,
        rows,
        averaged: averaged(table, &own),
        lower_is_better: table
            .cells
            .iter()
            .all(|cell| matches!(cell.metric, Metric::BitsPerByte | Metric::Perplexity)),
    }
}

type Point = Vec<(String, String)>;

/// All combinations of values of some axes, the last one fastest.
fn combinations(experiment: &Experiment, axes: &[String]) -> Vec<Point> {
    let mut points: Vec<Point> = vec![Vec::new()];
    for name in axes {
        let values = experiment.axes.iter().find(|axis| axis.name == *name);
        let values: &[String] = values
            .map(|axis| axis.values.as_slice())
            .unwrap_or_default();
        points = points
            .iter()
            .flat_map(|point| {
                values.iter().map(move |value| {
                    let mut next = point.clone();
                    next.push((name.clone(), value.clone()));
                    next
                })
            })
            .collect();
    }
    points
}

fn heading(cell: &Cell, column: &[(String, String)]) -> String {
    let values: Vec<String> = column
        .iter()
        .map(|(axis, value)| format!("{axis}={value}"))
        .collect();
    match values.as_slice() {
        [] => cell.name(),
        values => format!("{} [{}]", cell.name(), values.join(",")),
    }
}

/// Whether a run lies at a point; an axis the run does not depend on fits any value.
fn fits(number: &Number, wanted: &[(String, String)]) -> bool {
    wanted.iter().all(|(axis, value)| {
        number
            .point
            .iter()
            .find(|own| own.0 == *axis)
            .is_none_or(|own| own.1 == *value)
    })
}

fn summary(own: &[&Number], cell: &Cell, wanted: &[(String, String)]) -> Option<Summary> {
    let item = cell.item.as_deref().unwrap_or("mean");
    let found: Vec<&&Number> = own
        .iter()
        .filter(|number| number.job == cell.job && number.item == item)
        .filter(|number| number.metric == cell.metric && fits(number, wanted))
        .collect();
    let n = found.len();
    if n == 0 {
        return None;
    }
    let mean = found.iter().map(|number| number.value).sum::<f64>() / n as f64;
    let squares: f64 = found
        .iter()
        .map(|number| (number.value - mean).powi(2))
        .sum();
    Some(Summary {
        mean,
        deviation: (n > 1).then(|| (squares / (n - 1) as f64).sqrt()),
        n,
        keys: found.iter().map(|number| number.key).collect(),
    })
}

/// Axes that runs differ in beside those of the table.
fn averaged(table: &Table, own: &[&Number]) -> Vec<String> {
    let mut axes: Vec<String> = Vec::new();
    for number in own
        .iter()
        .filter(|number| table.cells.iter().any(|cell| cell.job == number.job))
    {
        for (axis, _) in &number.point {
            if !table.rows.contains(axis) && !table.columns.contains(axis) && !axes.contains(axis) {
                axes.push(axis.clone());
            }
        }
    }
    axes
}
