//! Tables of a report, filled with numbers.

use serde::Serialize;
use vpc_compiler::plan::{Cell, Experiment, Key, Metric, Table};

use crate::numbers::{Number, Numbers};
use crate::spread::Spread;

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
    /// What everything is shown in per cent of, such as `setup=full`.
    pub relative_to: Option<String>,
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
    /// What the mean is worth over runs; one run tells nothing of that.
    pub over_runs: Spread,
    /// What it is worth over the items it was measured on; none for held-out text and for ratios.
    pub over_items: Option<Spread>,
    /// The jobs that measured them.
    pub keys: Vec<Key>,
}

/// The axis whose values are experiments.
pub(crate) const EXPERIMENT: &str = "experiment";

/// Fills a table of an experiment, or of several.
///
/// Relative to a value of the rows' axis, each run is compared with the run that differs from it in
/// that axis alone, and the mean is one of ratios, in per cent.
pub fn fill(table: &Table, experiments: &[&Experiment], numbers: &Numbers) -> Filled {
    let among = |number: &&Number| experiments.iter().any(|one| one.name == number.experiment);
    let own: Vec<&Number> = numbers.numbers.iter().filter(among).collect();
    let columns = combinations(experiments, &table.columns);
    let mut headings = table.rows.clone();
    for cell in &table.cells {
        for column in &columns {
            headings.push(heading(cell, column));
        }
    }
    let base = table.rows.first().zip(table.relative_to.as_ref());
    let mut rows = Vec::new();
    for values in combinations(experiments, &table.rows) {
        let mut cells = Vec::new();
        for cell in &table.cells {
            for column in &columns {
                let wanted: Point = values.iter().chain(column).cloned().collect();
                let found = measured(&own, cell, &wanted);
                cells.push(match base {
                    None => {
                        let keys = |number: &&Number| vec![number.key];
                        let own = found
                            .iter()
                            .map(|one| (one.value, one.over_items, keys(one)));
                        summary(own)
                    }
                    Some((axis, value)) => {
                        let mut to: Point = column.clone();
                        to.push((axis.clone(), value.clone()));
                        let to = measured(&own, cell, &to);
                        summary(
                            found
                                .iter()
                                .filter_map(|number| relative(number, &to, axis)),
                        )
                    }
                });
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
        averaged: averaged(table, experiments, &own),
        lower_is_better: table.cells.iter().all(|cell| lower_is_better(cell.metric)),
        relative_to: base.map(|(axis, value)| format!("{axis}={value}")),
    }
}

/// Whether less of a metric is better.
pub(crate) const fn lower_is_better(metric: Metric) -> bool {
    matches!(metric, Metric::BitsPerByte | Metric::Perplexity)
}

pub(crate) type Point = Vec<(String, String)>;

/// All combinations of values of some axes, the last one fastest.
pub(crate) fn combinations(experiments: &[&Experiment], axes: &[String]) -> Vec<Point> {
    let mut points: Vec<Point> = vec![Vec::new()];
    for name in axes {
        let mut values: Vec<String> = Vec::new();
        for experiment in experiments {
            let own = experiment.axes.iter().find(|axis| axis.name == *name);
            let own = own.into_iter().flat_map(|axis| axis.values.clone());
            let of_it = (name == EXPERIMENT).then(|| experiment.name.clone());
            for value in own.chain(of_it) {
                if !values.contains(&value) {
                    values.push(value);
                }
            }
        }
        points = points
            .iter()
            .flat_map(|point| {
                values.iter().map(|value| {
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
        if axis == EXPERIMENT {
            return number.experiment == *value;
        }
        number
            .point
            .iter()
            .find(|own| own.0 == *axis)
            .is_none_or(|own| own.1 == *value)
    })
}

/// The numbers of a measure at a point.
fn measured<'n>(own: &[&'n Number], cell: &Cell, wanted: &[(String, String)]) -> Vec<&'n Number> {
    let item = cell.item.as_deref().unwrap_or("mean");
    own.iter()
        .copied()
        .filter(|number| number.job == cell.job && number.item == item)
        .filter(|number| number.metric == cell.metric && fits(number, wanted))
        .collect()
}

/// A number in per cent of the one that differs from it in one axis alone.
fn relative(number: &Number, to: &[&Number], axis: &str) -> Option<OfRun> {
    let others = |number: &Number| -> Vec<(String, String)> {
        let point = number.point.iter();
        point.filter(|own| own.0 != axis).cloned().collect()
    };
    let own = others(number);
    let mut pairs = to.iter().filter(|other| {
        others(other) == own && (axis == EXPERIMENT || other.experiment == number.experiment)
    });
    let base = pairs.next().filter(|base| base.value != 0.0)?;
    let per_cent = 100.0 * number.value / base.value;
    // Both answered the same items, so that the errors of the two say nothing of the ratio's.
    Some((per_cent, None, vec![number.key, base.key]))
}

/// The value of a run, what it is worth over items, and the jobs it comes from.
type OfRun = (f64, Option<Spread>, Vec<Key>);

/// Mean and spread of the values of runs.
fn summary(runs: impl Iterator<Item = OfRun>) -> Option<Summary> {
    let (mut values, mut items, mut keys) = (Vec::new(), Vec::new(), Vec::new());
    for (value, over_items, own) in runs {
        values.push(value);
        items.push(over_items);
        keys.extend(own);
    }
    let n = values.len();
    if n == 0 {
        return None;
    }
    let mean = values.iter().sum::<f64>() / n as f64;
    let squares: f64 = values.iter().map(|value| (value - mean).powi(2)).sum();
    Some(Summary {
        mean,
        deviation: (n > 1).then(|| (squares / (n - 1) as f64).sqrt()),
        n,
        over_runs: Spread::over_runs(&values),
        over_items: Spread::together(&items),
        keys,
    })
}

/// Axes that runs differ in beside those of the table.
fn averaged(table: &Table, experiments: &[&Experiment], own: &[&Number]) -> Vec<String> {
    let mut axes: Vec<String> = Vec::new();
    let shown = table.rows.iter().chain(&table.columns);
    if experiments.len() > 1 && !shown.into_iter().any(|axis| axis == EXPERIMENT) {
        axes.push(EXPERIMENT.to_owned());
    }
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

#[cfg(test)]
mod tests {
    use super::*;
    use vpc_compiler::plan::Axis;

    fn axis(name: &str, values: &[&str]) -> Axis {
        Axis {
            name: name.to_owned(),
            values: values.iter().map(|value| (*value).to_owned()).collect(),
            seeds: Vec::new(),
        }
    }

    fn experiment(name: &str) -> Experiment {
        Experiment {
            name: name.to_owned(),
            doc: String::new(),
            axes: vec![axis("c", &["a", "b"]), axis("seed", &["1", "2"])],
            runs: Vec::new(),
            budget: None,
            hypotheses: Vec::new(),
            reports: Vec::new(),
        }
    }

    fn number(experiment: &str, c: &str, seed: &str, value: f64) -> Number {
        let own = |axis: &str, value: &str| (axis.to_owned(), value.to_owned());
        Number {
            experiment: experiment.to_owned(),
            job: "fit".to_owned(),
            run: String::new(),
            point: vec![own("c", c), own("seed", seed)],
            item: "web".to_owned(),
            metric: Metric::BitsPerByte,
            value,
            over_items: None,
            key: Key::new([0; 32]),
        }
    }

    fn table(rows: &str, relative_to: Option<&str>) -> Table {
        Table {
            name: "t".to_owned(),
            doc: String::new(),
            cells: vec![Cell {
                job: "fit".to_owned(),
                item: Some("web".to_owned()),
                metric: Metric::BitsPerByte,
            }],
            rows: vec![rows.to_owned()],
            columns: Vec::new(),
            relative_to: relative_to.map(str::to_owned),
            over: Vec::new(),
        }
    }

    fn means(filled: &Filled) -> Vec<f64> {
        let cells = filled
            .rows
            .iter()
            .flat_map(|row| row.cells.iter().flatten());
        cells.map(|summary| summary.mean).collect()
    }

    fn all() -> Numbers {
        Numbers {
            study: String::new(),
            numbers: vec![
                number("one", "a", "1", 1.0),
                number("one", "a", "2", 4.0),
                number("one", "b", "1", 2.0),
                number("one", "b", "2", 2.0),
                number("other", "a", "1", 8.0),
            ],
        }
    }

    #[test]
    fn ratios_are_of_runs_that_differ_in_one_axis() {
        let filled = fill(&table("c", Some("a")), &[&experiment("one")], &all());
        // 2 of 1 and 2 of 4, not 4 of 5.
        assert_eq!(means(&filled), [100.0, 125.0]);
        assert_eq!(filled.relative_to.as_deref(), Some("c=a"));
    }

    #[test]
    fn what_has_nothing_to_be_compared_with_is_left_out() {
        let mut numbers = all();
        // The base of the first seed is 0, that of the second is not there.
        numbers.numbers[0].value = 0.0;
        numbers.numbers.remove(1);
        let filled = fill(&table("c", Some("a")), &[&experiment("one")], &numbers);
        assert_eq!(filled.rows, []);
    }

    #[test]
    fn experiments_are_rows() {
        let experiments = [&experiment("one"), &experiment("other")];
        let filled = fill(&table("experiment", None), &experiments, &all());
        assert_eq!(means(&filled), [2.25, 8.0]);
        assert_eq!(filled.averaged, ["c", "seed"]);
        let filled = fill(&table("c", None), &experiments, &all());
        assert_eq!(filled.averaged, ["experiment", "seed"]);
    }
}
