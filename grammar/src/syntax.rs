//! The pest parser, kept private: its rule names never leave this crate.

#[derive(pest_derive::Parser)]
#[grammar = "vp.pest"]
pub(crate) struct Syntax;
