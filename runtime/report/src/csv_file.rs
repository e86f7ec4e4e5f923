//! `results.csv`: one line for each number.

use std::collections::BTreeSet;

use crate::numbers::Numbers;

/// Writes the numbers as csv: one column for each axis, one line for each number.
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
    writer.write_record(head.chain(["item", "metric", "value", "key"]))?;
    for number in &numbers.numbers {
        let value = |axis: &&str| {
            let own = number.point.iter().find(|own| own.0 == **axis);
            own.map(|own| own.1.clone()).unwrap_or_default()
        };
        let mut record = vec![
            numbers.study.clone(),
            number.experiment.clone(),
            number.job.clone(),
        ];
        record.extend(axes.iter().map(value));
        record.push(number.item.clone());
        record.push(number.metric.word().to_owned());
        record.push(number.value.to_string());
        record.push(number.key.to_string());
        writer.write_record(record)?;
    }
    writer
        .into_inner()
        .map_err(|error| error.into_error().into())
}
