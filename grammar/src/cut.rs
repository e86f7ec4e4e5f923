//! Cuts a text into items before parsing, so that one mistake cannot reach the next item.
//!
//! An item starts with a letter in column 0. Where all brackets of the file match, only a letter
//! outside of brackets counts; where they do not, every letter in column 0 does, and missing
//! closers are put in so that the rest of the item is still parsed.

use crate::limits;
use crate::problem::{Code, Problem, Problems};
use crate::source::{Source, Span};

/// One item's text, with the closers that were put in.
#[derive(Debug)]
pub(crate) struct Piece {
    /// The text handed to the parser.
    pub(crate) text: String,
    /// Offset of the item in the source.
    base: usize,
    /// Whether brackets had to be put in or taken out.
    pub(crate) mended: bool,
    /// Offsets in `text` of bytes that the source does not have.
    pub(crate) inserted: Vec<usize>,
    /// Source ranges in which a bracket was found missing: nothing more is said there.
    pub(crate) damaged: Vec<std::ops::Range<usize>>,
}

impl Piece {
    /// A whole text as one piece, in which nothing is mended.
    pub(crate) fn whole(text: &str) -> Self {
        Self {
            text: text.to_owned(),
            base: 0,
            mended: false,
            inserted: Vec::new(),
            damaged: Vec::new(),
        }
    }

    /// Returns the source offset of an offset in the piece's text.
    pub(crate) fn origin(&self, offset: usize) -> usize {
        self.base + offset - self.inserted.iter().filter(|&&at| at < offset).count()
    }
}

/// Cuts a source into items; the problems are about brackets, strings and nesting.
pub(crate) fn cut(source: &Source) -> (Vec<Piece>, Problems) {
    let text = &source.text;
    let whole = Brackets::scan(text, 0);
    if let Some(at) = whole.too_deep {
        return (Vec::new(), vec![too_deep(source, at)]);
    }
    let starts = item_starts(
        text,
        whole.faults.is_empty().then_some(&whole.depth_at_line),
    );
    let ends = starts.iter().skip(1).copied().chain([text.len()]);
    let mut problems = unterminated(source, &whole.open_strings);
    problems.extend(stray_head(source, starts.first().copied()));
    let mut pieces = Vec::new();
    for (&start, end) in starts.iter().zip(ends) {
        let slice = text.get(start..end).unwrap_or_default();
        let (piece, more) = mend(source, start, slice);
        problems.extend(more);
        pieces.push(piece);
    }
    (pieces, problems)
}

/// What a scan over brackets, strings and comments finds.
#[derive(Default)]
struct Brackets {
    faults: Vec<Fault>,
    open_strings: Vec<usize>,
    /// For each line start: (offset, bracket depth there).
    depth_at_line: Vec<(usize, usize)>,
    too_deep: Option<usize>,
}

/// One bracket without a partner.
enum Fault {
    /// An opener at `open` that nothing closes before `until`.
    Unclosed {
        open: usize,
        bracket: u8,
        until: usize,
    },
    /// A closer that closes nothing.
    Stray { at: usize, bracket: u8 },
}

impl Brackets {
    fn scan(text: &str, base: usize) -> Self {
        let mut found = Self {
            depth_at_line: vec![(0, 0)],
            ..Self::default()
        };
        let mut open: Vec<(usize, u8)> = Vec::new();
        let mut bytes = text.bytes().enumerate().peekable();
        while let Some((at, byte)) = bytes.next() {
            match byte {
                b'\n' | b'\r' => found.depth_at_line.push((at + 1, open.len())),
                b'#' => while bytes.next_if(|&(_, next)| !ends_line(next)).is_some() {},
                b'"' => {
                    let mut escaped = false;
                    let closed = loop {
                        match bytes.next_if(|&(_, next)| !ends_line(next)) {
                            Some((_, b'"')) if !escaped => break true,
                            Some((_, next)) => escaped = next == b'\\' && !escaped,
                            None => break false,
                        }
                    };
                    if !closed {
                        found.open_strings.push(base + at);
                    }
                }
                b'{' | b'(' | b'[' => {
                    open.push((at, byte));
                    if open.len() > limits::DEPTH {
                        found.too_deep.get_or_insert(base + at);
                    }
                }
                b'}' | b')' | b']' => found.close(&mut open, at, byte),
                _ => {}
            }
        }
        for (at, bracket) in open {
            found.faults.push(Fault::Unclosed {
                open: at,
                bracket,
                until: text.len(),
            });
        }
        found
    }

    fn close(&mut self, open: &mut Vec<(usize, u8)>, at: usize, closer: u8) {
        match open
            .iter()
            .rposition(|&(_, bracket)| closing(bracket) == closer)
        {
            Some(depth) => {
                for (from, bracket) in open.drain(depth..).skip(1) {
                    self.faults.push(Fault::Unclosed {
                        open: from,
                        bracket,
                        until: at,
                    });
                }
            }
            None => self.faults.push(Fault::Stray {
                at,
                bracket: closer,
            }),
        }
    }
}

/// The grammar ends a line at either, so that files of any system read alike.
fn ends_line(byte: u8) -> bool {
    byte == b'\n' || byte == b'\r'
}

fn closing(open: u8) -> u8 {
    match open {
        b'{' => b'}',
        b'(' => b')',
        _ => b']',
    }
}

/// Offsets of column-0 letters; with `depths`, only those outside of brackets.
fn item_starts(text: &str, depths: Option<&Vec<(usize, usize)>>) -> Vec<usize> {
    let starts = |at: &usize| {
        text.as_bytes()
            .get(*at)
            .is_some_and(|byte| byte.is_ascii_alphabetic() || *byte == b'_')
    };
    match depths {
        Some(lines) => lines
            .iter()
            .filter(|line| line.1 == 0)
            .map(|line| line.0)
            .filter(starts)
            .collect(),
        None => {
            let lines = text.bytes().enumerate().filter(|line| ends_line(line.1));
            std::iter::once(0)
                .chain(lines.map(|line| line.0 + 1))
                .filter(starts)
                .collect()
        }
    }
}

/// Reports text before the first item that is neither blank nor a comment.
fn stray_head(source: &Source, first: Option<usize>) -> Option<Problem> {
    let head = source.text.get(..first.unwrap_or(source.text.len()))?;
    // What else Unicode calls white space is none to the grammar.
    let blank = [' ', '\t', '\r', '\n'];
    let mut at = 0;
    for line in head.split_inclusive(['\r', '\n']) {
        let code = line.split('#').next().unwrap_or_default();
        let found = code.trim_matches(blank);
        if !found.is_empty() {
            let start = at + code.len() - code.trim_start_matches(blank).len();
            let span = Span::new(source.id, start, start + found.len());
            return Some(
                Problem::error(
                    Code("V0101"),
                    span,
                    "an item must start with a word in column 0",
                )
                .help("begin with a kind, for example `mixture name {`, or with `use` or `let`"),
            );
        }
        at += line.len();
    }
    None
}

fn unterminated(source: &Source, strings: &[usize]) -> Problems {
    let problem = |&at: &usize| {
        let span = Span::new(source.id, at, at + 1);
        Problem::error(Code("V0105"), span, "this string has no end")
            .label("opened here")
            .help("close it with `\"` on the same line")
    };
    strings.iter().map(problem).collect()
}

fn too_deep(source: &Source, at: usize) -> Problem {
    let span = Span::new(source.id, at, at + 1);
    let message = format!("brackets are nested deeper than {} levels", limits::DEPTH);
    Problem::error(Code("V0108"), span, message)
        .label("one level too many")
        .help("name an inner part with `let` and use the name")
}

/// Puts in the closers that an item misses and takes out those that close nothing.
fn mend(source: &Source, base: usize, slice: &str) -> (Piece, Problems) {
    let found = Brackets::scan(slice, base);
    let mut problems = Problems::new();
    let mut edits: Vec<(usize, char)> = Vec::new();
    let mut text = slice.to_owned();
    let mut damaged = Vec::new();
    for fault in &found.faults {
        match *fault {
            Fault::Unclosed {
                open,
                bracket,
                until,
            } => {
                problems.push(unclosed(source, base + open, bracket));
                edits.push((
                    insertion(slice, open, bracket, until),
                    closing(bracket).into(),
                ));
                if bracket != b'{' {
                    damaged.push(base + open..base + damage_end(slice, open, until));
                }
            }
            Fault::Stray { at, bracket } => {
                problems.push(stray(source, base + at, bracket));
                text.replace_range(at..=at, " ");
            }
        }
    }
    // Faults list outer openers first; closers at one place must close the inner ones first.
    edits.reverse();
    edits.sort_by_key(|edit| edit.0);
    let mut inserted = Vec::new();
    for (at, closer) in edits {
        let at = at + inserted.len();
        text.insert(at, closer);
        inserted.push(at);
    }
    (
        Piece {
            text,
            base,
            mended: !found.faults.is_empty(),
            inserted,
            damaged,
        },
        problems,
    )
}

/// Where to put a missing closer: a brace at the end of the item, others at the end of their line.
fn insertion(slice: &str, open: usize, bracket: u8, until: usize) -> usize {
    if bracket == b'{' {
        return until;
    }
    let line = slice
        .get(open..until)
        .unwrap_or_default()
        .split('\n')
        .next()
        .unwrap_or_default();
    let code = line.split('#').next().unwrap_or_default();
    open + code.trim_end().trim_end_matches(',').len()
}

/// How far an unclosed bracket reaches: its line, and those after it that look like values.
fn damage_end(slice: &str, open: usize, until: usize) -> usize {
    let mut lines = slice
        .get(open..until)
        .unwrap_or_default()
        .split_inclusive('\n');
    let first = lines.next().map_or(0, str::len);
    let values = lines.take_while(|line| !line.contains([':', '{', '}']));
    open + first + values.map(str::len).sum::<usize>()
}

fn unclosed(source: &Source, at: usize, bracket: u8) -> Problem {
    let span = Span::new(source.id, at, at + 1);
    let (open, close) = (char::from(bracket), char::from(closing(bracket)));
    Problem::error(Code("V0103"), span, format!("`{open}` is never closed"))
        .label("opened here")
        .help(format!("add the missing `{close}`"))
}

fn stray(source: &Source, at: usize, bracket: u8) -> Problem {
    let span = Span::new(source.id, at, at + 1);
    Problem::error(
        Code("V0104"),
        span,
        format!("`{}` closes nothing", char::from(bracket)),
    )
    .help("take it out, or add the bracket it should close")
}
