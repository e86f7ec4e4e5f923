//! `results.json`: the numbers, the filled tables and the rankings.

use serde::Serialize;
use serde_json::{Value, json};
use vpc_compiler::plan::{Experiment, Plan};

use crate::numbers::Numbers;
use crate::placed::{rankings, tables};
use crate::ranking::rank;
use crate::table::fill;

/// Version of the file's form.
const SCHEMA: u32 = 1;

/// Writes numbers, tables and rankings as JSON.
pub fn to_json(plan: &Plan, numbers: &Numbers) -> Result<Vec<u8>, serde_json::Error> {
    let mut filled_tables = Vec::new();
    for placed in tables(plan) {
        let filled = fill(placed.table, &placed.experiments, numbers);
        filled_tables.push(stood(
            &placed.experiments,
            &placed.report.name,
            "table",
            &filled,
        )?);
    }
    let mut ranked = Vec::new();
    for placed in rankings(plan) {
        let own = rank(placed.ranking, &placed.experiments, numbers);
        ranked.push(stood(
            &placed.experiments,
            &placed.report.name,
            "ranking",
            &own,
        )?);
    }
    let all: Value = json!({
        "schema": SCHEMA,
        "study": numbers.study,
        "numbers": numbers.numbers,
        "tables": filled_tables,
        "rankings": ranked,
    });
    serde_json::to_vec_pretty(&all)
}

/// A part of a report, with what it is about.
fn stood(
    experiments: &[&Experiment],
    report: &str,
    kind: &str,
    part: &impl Serialize,
) -> Result<Value, serde_json::Error> {
    Ok(json!({
        "experiment": names(experiments),
        "report": report,
        kind: serde_json::to_value(part)?,
    }))
}

/// Names of experiments that are taken together.
pub(crate) fn names(experiments: &[&Experiment]) -> String {
    let names: Vec<&str> = experiments.iter().map(|one| one.name.as_str()).collect();
    names.join(", ")
}
