//! The `vpc` command.
fn main() {}
