//! The pest parser, kept private: its rule names never leave this crate.

#[derive(pest_derive::Parser)]
#[grammar = "vp.pest"]
pub(crate) struct Syntax;

/// The text without the white space and comments at its end.
///
/// pest skips both before it finds that nothing optional follows, and counts them in.
pub(crate) fn without_gap(text: &str) -> &str {
    let mut text = text.trim_end();
    loop {
        let line = text.rfind(['\r', '\n']).map_or(0, |end| end + 1);
        let comment = text.get(line..).and_then(comment);
        let Some(before) = comment.and_then(|at| text.get(..line + at)) else {
            return text;
        };
        text = before.trim_end();
    }
}

/// Where the comment of a line starts.
fn comment(line: &str) -> Option<usize> {
    let (mut inside, mut escaped) = (false, false);
    for (at, byte) in line.bytes().enumerate() {
        match byte {
            b'#' if !inside => return Some(at),
            b'"' if !escaped => inside = !inside,
            _ => {}
        }
        escaped = inside && byte == b'\\' && !escaped;
    }
    None
}
