//! Every word of the language: kinds, fields, types and functions, as tables.

mod functions;
mod kinds;
mod traits;
mod types;
mod units;

pub use functions::{FUNCTIONS, Function, Parameter, function};
pub use kinds::{Field, KINDS, Kind, Need, Place, Role, kind};
pub use traits::{TRAITS, Trait, TraitWords};
pub use types::Type;
pub use units::{MAGNITUDES, UNITS, Unit};
