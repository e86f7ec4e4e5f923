//! Reports and hypotheses: what is read out of the results.

use serde::{Deserialize, Serialize};

use super::Fraction;

/// A report.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Report {
    /// Its name.
    pub name: String,
    /// Its documentation string.
    pub doc: String,
    /// Its tables.
    pub tables: Vec<Table>,
    /// Its plots.
    pub plots: Vec<Plot>,
    /// Its trends.
    pub trends: Vec<Trend>,
    /// Its rankings.
    pub rankings: Vec<Ranking>,
    /// Its correlations.
    pub correlations: Vec<Correlation>,
}

/// A table of a report.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Table {
    /// Its name.
    pub name: String,
    /// Its documentation string.
    pub doc: String,
    /// The measures shown.
    pub cells: Vec<Cell>,
    /// Axes down the side.
    pub rows: Vec<String>,
    /// Axes across the top.
    pub columns: Vec<String>,
    /// The value of the rows' axis that everything is shown in per cent of.
    pub relative_to: Option<String>,
    /// The experiments taken together; empty for the one it stands in.
    pub over: Vec<String>,
}

/// Measures along an axis.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Plot {
    /// Its name.
    pub name: String,
    /// Its documentation string.
    pub doc: String,
    /// The measures shown.
    pub y: Vec<Cell>,
    /// The axis along the bottom.
    pub x: String,
    /// One line for each value of this axis.
    pub colour: Option<String>,
    /// One panel for each value of this axis.
    pub panel: Option<String>,
    /// The uncertainty around each line.
    pub band: Option<Band>,
    /// The experiments taken together; empty for the one it stands in.
    pub over: Vec<String>,
}

/// A confidence interval over the values of an axis.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Band {
    /// The axis of replication.
    pub axis: String,
    /// The level, such as 95%.
    pub level: Fraction,
}

/// How measures move along an axis.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Trend {
    /// Its name.
    pub name: String,
    /// Its documentation string.
    pub doc: String,
    /// The measures.
    pub of: Vec<Cell>,
    /// The axis.
    pub along: String,
    /// One line for each value of these axes.
    pub within: Vec<String>,
    /// The experiments taken together; empty for the one it stands in.
    pub over: Vec<String>,
}

/// The values of an axis in order of merit.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Ranking {
    /// Its name.
    pub name: String,
    /// Its documentation string.
    pub doc: String,
    /// The measures.
    pub of: Vec<Cell>,
    /// The axis whose values are ranked.
    pub rows: String,
    /// How much each measure counts.
    pub weights: Vec<Fraction>,
    /// How measures are added up: `rank_sum`, `z_sum` or `min_max_sum`.
    pub formula: String,
    /// The experiments taken together; empty for the one it stands in.
    pub over: Vec<String>,
}

/// Correlations between measures, each run a point.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Correlation {
    /// Its name.
    pub name: String,
    /// Its documentation string.
    pub doc: String,
    /// The measures.
    pub of: Vec<Cell>,
    /// The coefficient: `spearman`, `pearson` or `kendall`.
    pub method: String,
    /// The experiments taken together; empty for the one it stands in.
    pub over: Vec<String>,
}

/// A claim about the results.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Hypothesis {
    /// Its name.
    pub name: String,
    /// The claim in words.
    pub doc: String,
    /// What the claim is about.
    pub measure: Cell,
    /// The axis it moves along.
    pub along: String,
    /// Judged for each value of these axes.
    pub within: Vec<String>,
    /// Axes of replication.
    pub blocks: Vec<String>,
    /// The axis whose values are the lines that cross.
    pub lines: Option<String>,
    /// How the measure moves: a word of the schema, such as `increasing`.
    pub expect: String,
    /// Where on the axis it peaks, saturates or crosses.
    pub at: Option<String>,
    /// Two values of the axis that are compared, the first with the second.
    pub between: Option<(String, String)>,
    /// The smallest difference that matters.
    pub effect: Option<Fraction>,
    /// The test that decides.
    pub test: Test,
}

/// A statistical test.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Test {
    /// Which one: a function of the schema, such as `page_trend`.
    pub name: String,
    /// Its level.
    pub alpha: Fraction,
    /// How several tests are corrected for: `none`, `holm` or `bonferroni`.
    pub correct: String,
    /// Rounds of resampling, where there are any.
    pub rounds: Option<u64>,
}

/// One measure: a metric of an item of an evaluation.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Cell {
    /// The evaluation's name.
    pub job: String,
    /// The item; `None` means the mean over all held-out text.
    pub item: Option<String>,
    /// The metric.
    pub metric: Metric,
}

/// What is measured.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Metric {
    /// Bits needed per byte of text; lower is better.
    BitsPerByte,
    /// Exponential of the mean loss per token; lower is better.
    Perplexity,
    /// Share of right answers, or the alignment score; higher is better.
    Score,
    /// How sound a judge finds explanations, from 1 to 5; higher is better.
    Soundness,
    /// How deep a judge finds them, from 1 to 5; higher is better.
    Depth,
}

impl Metric {
    /// Returns the metric's word.
    pub const fn word(self) -> &'static str {
        match self {
            Self::BitsPerByte => "bits_per_byte",
            Self::Perplexity => "perplexity",
            Self::Score => "score",
            Self::Soundness => "soundness",
            Self::Depth => "depth",
        }
    }
}

impl Cell {
    /// Returns the measure as written in a study.
    pub fn name(&self) -> String {
        let item = self.item.as_deref().unwrap_or("mean");
        match self.metric {
            Metric::BitsPerByte | Metric::Score => format!("{}.{item}", self.job),
            metric => format!("{}.{item}.{}", self.job, metric.word()),
        }
    }
}
