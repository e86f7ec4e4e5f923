//! Results: every number with the key of the job it came from, as tables, rankings, csv and json. And the
//! graph of the jobs.

mod coverage;
mod csv_file;
mod graph;
mod json_file;
mod numbers;
mod placed;
mod ranking;
mod ranking_text;
mod spread;
mod suite;
mod table;
mod terminal;

pub use coverage::Coverage;
pub use csv_file::to_csv;
pub use graph::{Graph, Group, Node, mermaid_refuses, to_dot, to_mermaid};
pub use json_file::to_json;
pub use numbers::{Number, Numbers, gather};
pub use placed::{Placed, PlacedRanking, rankings, tables};
pub use ranking::{Missing, Ranked, RankedMeasure, RankedRow, rank};
pub use ranking_text::draw_ranking;
pub use spread::Spread;
pub use table::{Filled, Summary, fill};
pub use terminal::draw;
