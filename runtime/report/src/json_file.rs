//! `results.json`: the numbers and the filled tables.

use serde_json::{Value, json};
use vpc_compiler::plan::Plan;

use crate::numbers::Numbers;
use crate::placed::tables;
use crate::table::fill;

/// Version of the file's form.
const SCHEMA: u32 = 1;

/// Writes numbers and tables as JSON.
pub fn to_json(plan: &Plan, numbers: &Numbers) -> Result<Vec<u8>, serde_json::Error> {
    let mut filled_tables = Vec::new();
    for placed in tables(plan) {
        let filled = serde_json::to_value(fill(placed.table, &placed.experiments, numbers))?;
        let names: Vec<&str> = placed
            .experiments
            .iter()
            .map(|one| one.name.as_str())
            .collect();
        filled_tables.push(json!({
            "experiment": names.join(", "),
            "report": placed.report.name,
            "table": filled,
        }));
    }
    let all: Value = json!({
        "schema": SCHEMA,
        "study": numbers.study,
        "numbers": numbers.numbers,
        "tables": filled_tables,
    });
    serde_json::to_vec_pretty(&all)
}
