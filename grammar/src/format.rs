//! The one layout of `.vp` text.
//!
//! The formatter moves white space and the commas at the end of lists, nothing else: it goes
//! through the tokens of the text, not through the tree, so what a number or a comment says is
//! never written anew.

mod align;
mod flat;
mod layout;
mod printer;
mod shape;
mod tokens;

use crate::parse::parse;
use crate::problem::Problems;
use crate::source::Source;

/// Returns the text in its one layout; a text that cannot be parsed is refused with its problems.
///
/// Bodies written on one line stay so while they fit in 100 columns. A text with a carriage return
/// inside of a line is returned as it is: it ends comments, but not entries.
pub fn format(source: &Source) -> Result<String, Problems> {
    let parsed = parse(source);
    if !parsed.problems.is_empty() {
        return Err(parsed.problems);
    }
    let text = source.text.replace("\r\n", "\n");
    let Some(tokens) = tokens::tokens(&text).filter(|_| !text.contains('\r')) else {
        return Ok(source.text.clone());
    };
    Ok(layout::file(&shape::file(tokens)))
}
