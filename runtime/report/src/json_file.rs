//! `results.json`: the numbers and the filled tables.

use serde_json::{Value, json};
use vpc_compiler::plan::Plan;

use crate::numbers::Numbers;
use crate::table::fill;

/// Version of the file's form.
const SCHEMA: u32 = 1;

/// Writes numbers and tables as JSON.
pub fn to_json(plan: &Plan, numbers: &Numbers) -> Result<Vec<u8>, serde_json::Error> {
    let mut tables = Vec::new();
    for experiment in &plan.experiments {
        for report in &experiment.reports {
            for table in &report.tables {
                let filled = serde_json::to_value(fill(table, experiment, numbers))?;
                tables.push(json!({
                    "experiment": experiment.name,
                    "report": report.name,
                    "table": filled,
                }));
            }
        }
    }
    let all: Value = json!({
        "schema": SCHEMA,
        "study": numbers.study,
        "numbers": numbers.numbers,
        "tables": tables,
    });
    serde_json::to_vec_pretty(&all)
}
