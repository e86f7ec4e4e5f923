//! Rankings as text for a terminal.

use comfy_table::presets::UTF8_HORIZONTAL_ONLY;
use comfy_table::{CellAlignment, Table};

use crate::coverage::Coverage;
use crate::ranking::Ranked;
use crate::terminal::numbers;

/// Columns before those of the measures: rank, value, sum.
const BEFORE: usize = 3;

/// Draws a ranking, best first, and says what is not ranked and why.
///
/// One of a part of its runs says so: places among a part are not those among all.
pub fn draw_ranking(ranked: &Ranked, coverage: &Coverage) -> String {
    let mut table = Table::new();
    table.load_style(UTF8_HORIZONTAL_ONLY);
    let measures = ranked.measures.iter().map(|measure| measure.name.clone());
    let before = ["rank", ranked.axis.as_str(), ranked.formula.as_str()].map(str::to_owned);
    table.set_header(before.into_iter().chain(measures));
    for row in &ranked.rows {
        let cells = row.cells.iter().map(|cell| four_digits(cell.mean));
        let before = [
            row.rank.to_string(),
            row.value.clone(),
            four_digits(row.sum),
        ];
        table.add_row(before.into_iter().chain(cells));
    }
    for column in (BEFORE - 1)..(BEFORE + ranked.measures.len()) {
        if let Some(column) = table.column_mut(column) {
            column.set_cell_alignment(CellAlignment::Right);
        }
    }
    let title = match ranked.doc.as_str() {
        "" => ranked.name.clone(),
        doc => format!("{}: {doc}", ranked.name),
    };
    let part = if coverage.is_whole() {
        String::new()
    } else {
        format!("a part: {coverage}\n")
    };
    format!(
        "{title}\n{part}{table}\n{}\n{}",
        legend(ranked),
        missing(ranked)
    )
}

/// A number with four digits after the point; what is rounded to nothing has no sign.
fn four_digits(number: f64) -> String {
    format!("{:.4}", (number * 1e4).round() / 1e4 + 0.0)
}

fn legend(ranked: &Ranked) -> String {
    let what = match ranked.formula.as_str() {
        "z_sum" => "standard scores",
        "min_max_sum" => "shares of the range, the best 0",
        _ => "ranks",
    };
    let mut parts = vec![format!("{} adds up {what}; less is better", ranked.formula)];
    let named = |is: &dyn Fn(&crate::ranking::RankedMeasure) -> bool| -> Vec<&str> {
        let those = ranked.measures.iter().filter(|measure| is(measure));
        those.map(|measure| measure.name.as_str()).collect()
    };
    let lower = named(&|measure| measure.lower_is_better);
    if !lower.is_empty() {
        parts.push(format!("lower is better of {}", lower.join(", ")));
    }
    for measure in ranked
        .measures
        .iter()
        .filter(|one| one.weight.to_bits() != 1_f64.to_bits())
    {
        parts.push(format!("{} counts {}", measure.name, measure.weight));
    }
    let runs = ranked.rows.iter().flat_map(|row| &row.cells);
    let runs: Vec<u64> = runs.map(|cell| cell.n as u64).collect();
    if !ranked.averaged.is_empty() && !runs.is_empty() {
        let over = ranked.averaged.join(", ");
        parts.push(format!("means over {over} ({})", numbers(&runs)));
    }
    parts.join("; ")
}

/// A line for each value that is not ranked.
fn missing(ranked: &Ranked) -> String {
    let line = |one: &crate::ranking::Missing| {
        let Ranked { axis, .. } = ranked;
        format!(
            "not ranked: {axis}={} has no {}\n",
            one.value,
            one.lacks.join(", no ")
        )
    };
    ranked.missing.iter().map(line).collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::ranking::tests::{numbers_of, ranked, ranking};

    #[test]
    fn nothing_has_no_sign() {
        let numbers = [-0.0, -1e-17, -0.5, 1.234_56];
        assert_eq!(
            numbers.map(four_digits),
            ["0.0000", "0.0000", "-0.5000", "1.2346"]
        );
    }

    #[test]
    fn what_is_not_ranked_is_said() {
        let mut numbers = numbers_of(&[("a", 0.5, 1.0), ("b", 0.6, 2.0), ("c", 0.4, 3.0)]);
        numbers
            .numbers
            .retain(|one| one.point[0].1 != "c" || one.job != "fit");
        let drawn = draw_ranking(
            &ranked(&ranking("rank_sum", [1, 2]), &numbers),
            &Coverage::default(),
        );
        assert!(drawn.starts_with("best\n"), "{drawn}");
        assert!(
            drawn.ends_with(
                "rank_sum adds up ranks; less is better; lower is better of fit.web; fit.web counts 2\n\
                 not ranked: c=c has no fit.web\n\
                 not ranked: c=d has no able.sums, no fit.web\n"
            ),
            "{drawn}"
        );
        // By hand: a has 2 + 2 · 1, b has 1 + 2 · 2.
        let rows: Vec<&str> = drawn.lines().filter(|line| line.contains("000")).collect();
        let words = |row: &str| {
            row.split_whitespace()
                .map(str::to_owned)
                .collect::<Vec<_>>()
        };
        assert_eq!(words(rows[0]), ["1", "a", "4.0000", "0.5000", "1.0000"]);
        assert_eq!(words(rows[1]), ["2", "b", "5.0000", "0.6000", "2.0000"]);
    }
}
