//! `results.csv`: one line for each number.

use std::collections::BTreeSet;

use vpc_compiler::plan::Plan;

use crate::json_file::names;
use crate::numbers::Numbers;
use crate::placed::rankings;
use crate::ranking::rank;
use crate::spread::Spread;
use crate::table::EXPERIMENT;

/// A line of the file: columns and axes in their order.
struct Line {
    experiment: String,
    job: String,
    point: Vec<(String, String)>,
    /// Item, metric, value and key.
    found: [String; 4],
    worth: [String; 4],
}

/// Writes the numbers as csv: one column for each axis, one line for each number,
/// with what it is worth over the items it was measured on.
///
/// Behind them stand the rankings: two lines for each value that is ranked, its `rank` and what the
/// formula makes of its measures, under the formula's word. Their job is report and ranking, and they
/// have no key, since several jobs measured them.
///
/// A text that a spreadsheet would take for a formula begins with `'`; `results.json` has it as it
/// is.
pub fn to_csv(plan: &Plan, numbers: &Numbers) -> Result<Vec<u8>, csv::Error> {
    let lines: Vec<Line> = measured(numbers).chain(ranked(plan, numbers)).collect();
    let mut axes: Vec<&str> = Vec::new();
    let mut seen = BTreeSet::new();
    for (axis, _) in lines.iter().flat_map(|line| &line.point) {
        if seen.insert(axis.as_str()) {
            axes.push(axis);
        }
    }
    let mut writer = csv::Writer::from_writer(Vec::new());
    let head = ["study", "experiment", "job"]
        .into_iter()
        .chain(axes.iter().copied());
    let numbered = ["item", "metric", "value", "key"];
    let worth = ["items", "error", "low", "high"];
    writer.write_record(head.chain(numbered).chain(worth))?;
    for line in &lines {
        let value = |axis: &&str| {
            let own = line.point.iter().find(|own| own.0 == **axis);
            own.map(|own| inert(&own.1)).unwrap_or_default()
        };
        let mut record = vec![
            inert(&numbers.study),
            line.experiment.clone(),
            line.job.clone(),
        ];
        record.extend(axes.iter().map(value));
        record.extend(line.found.iter().chain(&line.worth).cloned());
        writer.write_record(record)?;
    }
    writer
        .into_inner()
        .map_err(|error| error.into_error().into())
}

fn measured(numbers: &Numbers) -> impl Iterator<Item = Line> {
    numbers.numbers.iter().map(|number| Line {
        experiment: number.experiment.clone(),
        job: number.job.clone(),
        point: number.point.clone(),
        found: [
            number.item.clone(),
            number.metric.word().to_owned(),
            number.value.to_string(),
            number.key.to_string(),
        ],
        worth: worth_of(number.over_items.as_ref()),
    })
}

fn ranked(plan: &Plan, numbers: &Numbers) -> Vec<Line> {
    let mut lines = Vec::new();
    for placed in rankings(plan) {
        let ranked = rank(placed.ranking, &placed.experiments, numbers);
        for row in &ranked.rows {
            let is_experiment = ranked.axis == EXPERIMENT;
            let line = |metric: &str, value: String| Line {
                experiment: if is_experiment {
                    row.value.clone()
                } else {
                    names(&placed.experiments)
                },
                job: format!("{}.{}", placed.report.name, ranked.name),
                point: if is_experiment {
                    Vec::new()
                } else {
                    vec![(ranked.axis.clone(), row.value.clone())]
                },
                found: [String::new(), metric.to_owned(), value, String::new()],
                worth: Default::default(),
            };
            lines.push(line("rank", row.rank.to_string()));
            lines.push(line(&ranked.formula, row.sum.to_string()));
        }
    }
    lines
}

/// The number of items, the standard error over them, and the ends of the 95 % interval; empty where there is none.
fn worth_of(spread: Option<&Spread>) -> [String; 4] {
    let shown = |number: Option<f64>| number.map(|number| number.to_string());
    let interval = spread.and_then(|spread| spread.interval);
    [
        spread.map(|spread| spread.n.to_string()),
        shown(spread.and_then(|spread| spread.error)),
        shown(interval.map(|[low, _]| low)),
        shown(interval.map(|[_, high]| high)),
    ]
    .map(Option::unwrap_or_default)
}

/// A text that no spreadsheet computes; a signed number is none that it would.
fn inert(text: &str) -> String {
    let formula = match text.chars().next() {
        Some('=' | '@' | '\t' | '\r') => true,
        Some('+' | '-') => !text[1..]
            .chars()
            .all(|c| c.is_ascii_alphanumeric() || "._%".contains(c)),
        _ => false,
    };
    if formula {
        format!("'{text}")
    } else {
        text.to_owned()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn formulas_are_made_inert() {
        for text in ["=1+1", "@SUM(A1)", "+1+cmd|' /C calc'!A0", "-2+3", "\t=1"] {
            assert_eq!(inert(text), format!("'{text}"));
        }
        for text in ["", "web", "-0.5", "+3%", "1/3", "-1_000"] {
            assert_eq!(inert(text), text);
        }
    }
}
