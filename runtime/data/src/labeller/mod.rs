//! Labels for text that nobody labelled: what gives them, and the segments that it is given.

mod rules;
mod words;

pub use rules::Rules;

use crate::world::Labels;

/// Bytes of a segment, as [`segments`] cuts text that has none of its own.
pub const SEGMENT_BYTES: usize = 1024;

/// Tells which of the six labels a segment of text carries.
///
/// A labeller is a function of the segment alone: the same text gets the same labels wherever it stands.
pub trait Labeller {
    /// The labels of `segment`; none where nothing speaks for one.
    fn label(&self, segment: &str) -> Labels;
}

/// Cuts a text into segments of at most `bytes` bytes, each ending behind the last white space that fits.
///
/// A word that does not fit is cut at the last character that does; a character is never cut. The segments together
/// are the whole text.
pub fn segments(text: &str, bytes: usize) -> impl Iterator<Item = &str> {
    let mut rest = text;
    std::iter::from_fn(move || {
        if rest.is_empty() {
            return None;
        }
        let (segment, after) = rest.split_at(end_of_first(rest, bytes));
        rest = after;
        Some(segment)
    })
}

/// Where the first segment of a text ends; behind its first character at least.
fn end_of_first(text: &str, bytes: usize) -> usize {
    if text.len() <= bytes {
        return text.len();
    }
    let fits = text.floor_char_boundary(bytes);
    let head = text.get(..fits).unwrap_or_default();
    let space = head.char_indices().rfind(|(_, c)| c.is_whitespace());
    match (space, fits) {
        (Some((at, c)), _) => at + c.len_utf8(),
        (None, 0) => text.chars().next().map_or(0, char::len_utf8),
        (None, fits) => fits,
    }
}

#[cfg(test)]
mod tests;
