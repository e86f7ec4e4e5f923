//! Text to tree. Never gives up: a bad entry costs that entry, a bad item that item.

use std::collections::BTreeSet;

use pest::Parser;
use pest::error::{Error, ErrorVariant, InputLocation};

use crate::build::Builder;
use crate::cut::{Piece, cut};
use crate::describe::describe;
use crate::limits;
use crate::problem::{Code, Problem, Problems};
use crate::source::{Source, Span};
use crate::syntax::{Rule, Syntax};
use crate::tree::{File, Name};

/// Too much of something within each other.
pub(crate) const TOO_DEEP: Code = Code("V0108");

/// A tree and what was wrong with the text.
#[derive(Debug, Clone, Default)]
pub struct Parsed {
    /// Everything that could be read.
    pub tree: File,
    /// Everything that could not.
    pub problems: Problems,
}

/// Parses a text.
pub fn parse(source: &Source) -> Parsed {
    if source.text.len() > limits::FILE_BYTES {
        let message = format!("the file is larger than {} MiB", limits::FILE_BYTES >> 20);
        let problem = Problem::error(Code("V0109"), Span::new(source.id, 0, 0), message)
            .help("split it and join the parts with `use`");
        return Parsed {
            tree: File::default(),
            problems: vec![problem],
        };
    }
    let (pieces, mut problems) = cut(source);
    let mut tree = File::default();
    let line = lines(&source.text);
    let mut said: BTreeSet<usize> = problems.iter().map(&line).collect();
    for piece in &pieces {
        let (item, mut found) = parse_item(source, piece);
        match item {
            Some(item) => tree.items.push(item),
            None => tree.lost.extend(declared_name(source, piece)),
        }
        found.retain(|problem| {
            let start = problem.at.span.range().start;
            !piece.damaged.iter().any(|range| range.contains(&start))
                && !said.contains(&line(problem))
        });
        said.extend(found.iter().map(&line));
        problems.extend(found);
    }
    problems.sort_by_key(|problem| problem.at.span.start);
    problems.truncate(limits::PROBLEMS);
    Parsed { tree, problems }
}

/// Returns what gives the line that a problem stands on.
fn lines(text: &str) -> impl Fn(&Problem) -> usize {
    let ends: Vec<usize> = text.match_indices('\n').map(|end| end.0).collect();
    move |problem| ends.partition_point(|&end| end < problem.at.span.range().start)
}

/// Parses a text in one piece, without cutting it into items; `None` where anything is wrong.
///
/// Cutting is there to keep mistakes apart and must not show otherwise: wherever [`parse`] finds no
/// problem, both give the same tree. That is what this is for; it has no messages.
#[doc(hidden)]
pub fn parse_uncut(source: &Source) -> Option<File> {
    let piece = Piece::whole(&source.text);
    let pairs = Syntax::parse(Rule::file, &piece.text).ok()?;
    let mut builder = Builder::new(source, &piece);
    let items = builder.items(pairs)?;
    let lost = Vec::new();
    builder.problems.is_empty().then_some(File { items, lost })
}

/// The second word of an item, which is its name where the item can be read.
fn declared_name(source: &Source, piece: &Piece) -> Option<Name> {
    let at = piece.text.find([' ', '\t'])?;
    let rest = piece.text.get(at..)?;
    let start = at + (rest.len() - rest.trim_start().len());
    let text = token(&piece.text, start).to_owned();
    let (from, to) = (piece.origin(start), piece.origin(start + text.len()));
    let span = Span::new(source.id, from, to);
    Some(Name { text, span })
}

fn parse_item(source: &Source, piece: &Piece) -> (Option<crate::tree::Item>, Problems) {
    match Syntax::parse(Rule::one_item, &piece.text) {
        Ok(pairs) => {
            let mut builder = Builder::new(source, piece);
            let item = builder.items(pairs).and_then(|mut items| items.pop());
            (item, builder.problems)
        }
        Err(error) => {
            let problem = explain(source, piece, 0, &piece.text, &error);
            (None, problem.into_iter().collect())
        }
    }
}

/// Turns pest's furthest failure into one sentence about the text.
///
/// `start` is the offset of `text`, which was parsed, within the piece. Nothing is to be said where
/// a bracket that was put in does not fit: that it was missing has been said.
pub(crate) fn explain(
    source: &Source,
    piece: &Piece,
    start: usize,
    text: &str,
    error: &Error<Rule>,
) -> Option<Problem> {
    let at = match error.location {
        InputLocation::Pos(at) | InputLocation::Span((at, _)) => at,
    };
    if matches!(error.variant, ErrorVariant::CustomError { .. }) {
        // Only the guard of the native stack makes these, and where it steps in says nothing.
        let from = piece.origin(start);
        let span = Span::new(source.id, from, from + token(text, 0).len());
        return Some(too_many_parts(span));
    }
    if piece.inserted.contains(&(start + at)) {
        return None;
    }
    let found = token(text, at);
    let from = piece.origin(start + at);
    let span = Span::new(source.id, from, from + found.trim_end().len());
    if let Some(problem) = keyword_as_name(span, found, error) {
        return Some(problem);
    }
    let expected = expected(error);
    let seen = match found {
        "" | "\n" => "the line ends".to_owned(),
        found => format!("found `{found}`"),
    };
    let message = match expected.as_str() {
        "" if matches!(found, "" | "\n") => "the line ends too early".to_owned(),
        "" => format!("`{found}` does not fit here"),
        expected => format!(
            "expected {expected}, {}",
            seen.replace("the line", "but the line")
        ),
    };
    let problem = Problem::error(Code("V0102"), span, message);
    Some(match hint(text, at, found, &expected) {
        Some(hint) => problem.help(hint),
        None => problem,
    })
}

/// An expression whose tree would be too deep to work with.
pub(crate) fn too_many_parts(span: Span) -> Problem {
    let most = limits::EXPRESSION;
    let message = format!("the expression has more than {most} parts within each other");
    Problem::error(TOO_DEEP, span, message).help("name an inner part with `let` and use the name")
}

fn expected(error: &Error<Rule>) -> String {
    let ErrorVariant::ParsingError { positives, .. } = &error.variant else {
        return String::new();
    };
    let mut words: Vec<&str> = positives
        .iter()
        .filter_map(|&rule| describe(rule))
        .collect();
    words.sort_unstable();
    words.dedup();
    if words.len() > 1 {
        words.retain(|&word| word != "the end of the entry");
    }
    match words.as_slice() {
        [] => String::new(),
        [one] => (*one).to_owned(),
        [most @ .., last] => format!("{} or {last}", most.join(", ")),
    }
}

/// The word, number or character at an offset.
fn token(text: &str, at: usize) -> &str {
    let rest = text.get(at..).unwrap_or_default();
    let word = rest
        .find(|c: char| !(c.is_alphanumeric() || c == '_'))
        .unwrap_or(rest.len());
    let length = if word > 0 {
        word
    } else {
        rest.chars().next().map_or(0, char::len_utf8)
    };
    rest.get(..length).unwrap_or_default()
}

/// The words that are no names.
pub(crate) const KEYWORDS: &[&str] = &[
    "use", "as", "let", "vary", "where", "check", "with", "for", "in", "if", "then", "else", "by",
    "every", "rest", "none", "true", "false", "and", "or", "not",
];

fn keyword_as_name(span: Span, found: &str, error: &Error<Rule>) -> Option<Problem> {
    let ErrorVariant::ParsingError { positives, .. } = &error.variant else {
        return None;
    };
    let wants_name = positives
        .iter()
        .any(|rule| matches!(rule, Rule::name | Rule::path | Rule::vary_names));
    (KEYWORDS.contains(&found) && wants_name).then(|| {
        Problem::error(
            Code("V0106"),
            span,
            format!("`{found}` is a word of the language"),
        )
        .label("a name is needed here")
        .help(format!("choose another name, such as `{found}_1`"))
    })
}

/// Advice for the slips people make most.
fn hint(text: &str, at: usize, found: &str, expected: &str) -> Option<String> {
    let line_start = text.get(..at)?.rfind('\n').map_or(0, |newline| newline + 1);
    let before = text.get(line_start..at)?.trim();
    let one_word = !before.is_empty() && before.chars().all(|c| c.is_alphanumeric() || c == '_');
    if found == "=" && one_word {
        return Some(format!(
            "fields are written with a colon: `{before}: value`"
        ));
    }
    if one_word && !expected.contains('`') && found != ":" {
        return Some(format!(
            "write `{before}: value`, or `kind name {{ … }}` for a block"
        ));
    }
    let opens =
        |open: char, close: char| before.matches(open).count() > before.matches(close).count();
    if opens('[', ']') || opens('(', ')') {
        return Some("separate the values with commas".to_owned());
    }
    (found.is_empty() || found == "\n")
        .then(|| "finish the value on this line, or break the line inside brackets".to_owned())
}
