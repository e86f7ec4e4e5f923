//! Text to tokens, each with the comments and line ends before it.

use crate::parse::KEYWORDS;

/// What a token is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Kind {
    /// A name or unit.
    Word,
    /// A word of the language.
    Keyword,
    /// Digits with `%` or letters directly after them.
    Number,
    /// A string with its quotes.
    Text,
    /// Anything else; the end of the text is an empty one.
    Symbol,
}

/// A comment, from `#` to the last character that can be seen.
#[derive(Debug, Clone, Copy)]
pub(super) struct Comment<'a> {
    pub(super) text: &'a str,
    /// Line ends since whatever stands before it.
    pub(super) newlines: usize,
}

/// A token and the gap before it.
#[derive(Debug, Clone)]
pub(super) struct Token<'a> {
    pub(super) kind: Kind,
    pub(super) text: &'a str,
    pub(super) before: Vec<Comment<'a>>,
    /// Line ends since the last comment, or since the token before.
    pub(super) newlines: usize,
}

impl Token<'_> {
    /// Whether a line ends between this token and the one before.
    pub(super) fn on_new_line(&self) -> bool {
        self.newlines > 0 || !self.before.is_empty()
    }
}

/// Longer ones first.
const SYMBOLS: &[&str] = &[
    "..", "<=", ">=", "==", "!=", "{", "}", "(", ")", "[", "]", ",", ":", ".", "=", "+", "-", "*",
    "/", "<", ">",
];

/// Returns the tokens with an empty one at the end, or nothing where a character has no meaning.
pub(super) fn tokens(text: &str) -> Option<Vec<Token<'_>>> {
    let mut tokens = Vec::new();
    let mut before = Vec::new();
    let mut newlines = 0;
    let mut rest = text;
    while let Some(first) = rest.chars().next() {
        if first.is_whitespace() {
            newlines += usize::from(first == '\n');
            rest = rest.get(first.len_utf8()..)?;
            continue;
        }
        let (kind, length) = if first == '#' {
            let line = rest.split('\n').next()?;
            before.push(Comment {
                text: line.trim_end(),
                newlines: std::mem::take(&mut newlines),
            });
            rest = rest.get(line.len()..)?;
            continue;
        } else if first.is_ascii_digit() {
            (Kind::Number, number(rest))
        } else if first.is_ascii_alphabetic() || first == '_' {
            let length = word(rest);
            let keyword = KEYWORDS.contains(&rest.get(..length)?);
            (if keyword { Kind::Keyword } else { Kind::Word }, length)
        } else if first == '"' {
            (Kind::Text, string(rest)?)
        } else {
            let symbol = SYMBOLS.iter().find(|symbol| rest.starts_with(**symbol))?;
            (Kind::Symbol, symbol.len())
        };
        tokens.push(Token {
            kind,
            text: rest.get(..length)?,
            before: std::mem::take(&mut before),
            newlines: std::mem::take(&mut newlines),
        });
        rest = rest.get(length..)?;
    }
    tokens.push(Token {
        kind: Kind::Symbol,
        text: "",
        before,
        newlines,
    });
    Some(tokens)
}

/// Length of the letters, digits and underscores at the start.
fn word(text: &str) -> usize {
    text.find(|c: char| !(c.is_ascii_alphanumeric() || c == '_'))
        .unwrap_or(text.len())
}

/// Length of a number with its `%` or suffix.
fn number(text: &str) -> usize {
    let digits = |text: &str| {
        text.find(|c: char| !(c.is_ascii_digit() || c == '_'))
            .unwrap_or(text.len())
    };
    let after = |length: usize| text.get(length..).unwrap_or_default();
    let mut length = digits(text);
    if let Some(fraction) = after(length).strip_prefix('.')
        && fraction.starts_with(|c: char| c.is_ascii_digit())
    {
        length += 1 + digits(fraction);
    }
    if after(length).starts_with('%') {
        return length + 1;
    }
    length + word(after(length))
}

/// Length of a string with its quotes.
fn string(text: &str) -> Option<usize> {
    let mut escaped = false;
    for (at, byte) in text.bytes().enumerate().skip(1) {
        match byte {
            b'"' if !escaped => return Some(at + 1),
            b'\n' => return None,
            _ => escaped = byte == b'\\' && !escaped,
        }
    }
    None
}
