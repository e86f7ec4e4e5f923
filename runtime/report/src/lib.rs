//! Results: every number with the key of the job it came from, as tables, csv and json.

mod csv_file;
mod json_file;
mod numbers;
mod table;
mod terminal;

pub use csv_file::to_csv;
pub use json_file::to_json;
pub use numbers::{Number, Numbers, gather};
pub use table::{Filled, Summary, fill};
pub use terminal::draw;
