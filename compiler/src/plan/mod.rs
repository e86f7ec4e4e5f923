//! The plan: the one hand-over from the compiler to the runtime.

mod key;

pub use key::{Key, NotAKey};
