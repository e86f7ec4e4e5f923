//! Rankings of a report: the values of an axis in order of merit, by several measures.

use serde::Serialize;
use vpc_compiler::plan::{Cell, Experiment, Ranking, Table};
use vpc_measure::suite::{Criterion, Formula, combined};

use crate::numbers::Numbers;
use crate::table::{FilledRow, Summary, combinations, fill, lower_is_better};

/// Sums that differ by no more are equal: what is left of it is rounding.
const EQUAL: f64 = 1e-9;

/// A ranking with its numbers.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct Ranked {
    /// Name of the ranking.
    pub name: String,
    /// Its documentation string.
    pub doc: String,
    /// The axis whose values are ranked.
    pub axis: String,
    /// How measures are added up: `rank_sum`, `z_sum` or `min_max_sum`.
    pub formula: String,
    /// The measures.
    pub measures: Vec<RankedMeasure>,
    /// The values of the axis that every measure has a number of, best first.
    pub rows: Vec<RankedRow>,
    /// Those that one lacks, in the order of the axis.
    pub missing: Vec<Missing>,
    /// Axes that were averaged over.
    pub averaged: Vec<String>,
}

/// A measure by which is ranked.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct RankedMeasure {
    /// The measure as written in a study.
    pub name: String,
    /// How much it counts.
    pub weight: f64,
    /// Whether a smaller number is better.
    pub lower_is_better: bool,
}

/// A value of the axis in its place.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct RankedRow {
    /// Its rank from 1; equal sums share the lowest of theirs.
    pub rank: usize,
    /// The value of the axis.
    pub value: String,
    /// What the formula makes of the measures; less is better.
    pub sum: f64,
    /// Summaries, one for each measure.
    pub cells: Vec<Summary>,
}

/// A value of the axis that is not ranked.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct Missing {
    /// The value of the axis.
    pub value: String,
    /// The measures that have no number of it, or none that is finite.
    pub lacks: Vec<String>,
}

/// Fills a ranking of an experiment, or of several.
///
/// Each measure is the mean over a value's runs, as in a table. A value that a measure says nothing of
/// takes no part, and the others are ranked as if it were not on the axis.
pub fn rank(ranking: &Ranking, experiments: &[&Experiment], numbers: &Numbers) -> Ranked {
    let filled = fill(&as_table(ranking), experiments, numbers);
    let mut complete: Vec<(String, Vec<Summary>)> = Vec::new();
    let mut missing = Vec::new();
    for point in combinations(experiments, std::slice::from_ref(&ranking.rows)) {
        for (_, value) in point {
            let row = filled.rows.iter().find(|row| row.values.contains(&value));
            match cells(ranking, row) {
                Ok(cells) => complete.push((value, cells)),
                Err(lacks) => missing.push(Missing { value, lacks }),
            }
        }
    }
    Ranked {
        name: ranking.name.clone(),
        doc: ranking.doc.clone(),
        axis: ranking.rows.clone(),
        formula: ranking.formula.clone(),
        measures: measures(ranking),
        rows: ordered(ranking, complete),
        missing,
        averaged: filled.averaged,
    }
}

/// The table of the same measures.
fn as_table(ranking: &Ranking) -> Table {
    Table {
        name: ranking.name.clone(),
        doc: String::new(),
        cells: ranking.of.clone(),
        rows: vec![ranking.rows.clone()],
        columns: Vec::new(),
        relative_to: None,
        over: ranking.over.clone(),
    }
}

/// The numbers of a row, or the measures that it lacks.
fn cells(ranking: &Ranking, row: Option<&FilledRow>) -> Result<Vec<Summary>, Vec<String>> {
    let found = |at: usize| {
        let cell = row?.cells.get(at)?.as_ref()?;
        cell.mean.is_finite().then(|| cell.clone())
    };
    let found: Vec<Option<Summary>> = (0..ranking.of.len()).map(found).collect();
    let lacks = ranking.of.iter().zip(&found);
    let lacks = lacks.filter(|(_, cell)| cell.is_none());
    let lacks: Vec<String> = lacks.map(|(cell, _)| cell.name()).collect();
    if lacks.is_empty() {
        Ok(found.into_iter().flatten().collect())
    } else {
        Err(lacks)
    }
}

fn measures(ranking: &Ranking) -> Vec<RankedMeasure> {
    let both = ranking.of.iter().enumerate();
    both.map(|(at, cell)| RankedMeasure {
        name: cell.name(),
        weight: weight(ranking, at),
        lower_is_better: lower_is_better(cell.metric),
    })
    .collect()
}

fn weight(ranking: &Ranking, at: usize) -> f64 {
    ranking
        .weights
        .get(at)
        .map_or(1.0, |weight| weight.to_f64())
}

/// Rows with their sums and ranks, best first; equal ones in the order of the axis.
fn ordered(ranking: &Ranking, complete: Vec<(String, Vec<Summary>)>) -> Vec<RankedRow> {
    let criterion = |(at, cell): (usize, &Cell)| Criterion {
        values: complete
            .iter()
            .filter_map(|(_, cells)| Some(cells.get(at)?.mean))
            .collect(),
        higher_is_better: !lower_is_better(cell.metric),
        weight: weight(ranking, at),
    };
    let criteria: Vec<Criterion> = ranking.of.iter().enumerate().map(criterion).collect();
    // Nothing to rank is no error here: all of it is missing, and that is said.
    let sums = combined(&criteria, formula(&ranking.formula)).unwrap_or_default();
    let better = |own: f64| sums.iter().filter(|other| **other < own - EQUAL).count();
    let ranks: Vec<usize> = sums.iter().map(|own| 1 + better(*own)).collect();
    let both = complete.into_iter().zip(sums.iter().zip(ranks));
    let mut rows: Vec<RankedRow> = both
        .map(|((value, cells), (&sum, rank))| RankedRow {
            rank,
            value,
            sum,
            cells,
        })
        .collect();
    rows.sort_by_key(|row| row.rank);
    rows
}

fn formula(word: &str) -> Formula {
    match word {
        "z_sum" => Formula::StandardScores,
        "min_max_sum" => Formula::MinMax,
        _ => Formula::RankSum,
    }
}

#[cfg(test)]
pub(crate) mod tests;
