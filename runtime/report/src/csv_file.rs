//! `results.csv`: one line for each number.

use std::collections::BTreeSet;

use crate::numbers::Numbers;
use crate::spread::Spread;

/// Writes the numbers as csv: one column for each axis, one line for each number,
/// with what it is worth over the items it was measured on.
///
/// A text that a spreadsheet would take for a formula begins with `'`; `results.json` has it as it
/// is.
pub fn to_csv(numbers: &Numbers) -> Result<Vec<u8>, csv::Error> {
    let mut axes: Vec<&str> = Vec::new();
    let mut seen = BTreeSet::new();
    for (axis, _) in numbers.numbers.iter().flat_map(|number| &number.point) {
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
    for number in &numbers.numbers {
        let value = |axis: &&str| {
            let own = number.point.iter().find(|own| own.0 == **axis);
            own.map(|own| inert(&own.1)).unwrap_or_default()
        };
        let mut record = vec![
            inert(&numbers.study),
            number.experiment.clone(),
            number.job.clone(),
        ];
        record.extend(axes.iter().map(value));
        record.push(number.item.clone());
        record.push(number.metric.word().to_owned());
        record.push(number.value.to_string());
        record.push(number.key.to_string());
        record.extend(worth_of(number.over_items.as_ref()));
        writer.write_record(record)?;
    }
    writer
        .into_inner()
        .map_err(|error| error.into_error().into())
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
