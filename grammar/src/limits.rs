//! Limits on the text of a study: one place, generous, always with a message.

/// Longest text of one file, in bytes.
pub const FILE_BYTES: usize = 8 << 20;

/// Deepest nesting of brackets and braces.
pub const DEPTH: usize = 64;

/// Most operators, calls and dots on the way from an expression to its innermost part.
pub const EXPRESSION: usize = 128;

/// Most problems reported for one file.
pub const PROBLEMS: usize = 100;
