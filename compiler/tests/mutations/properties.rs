//! What holds for every text, however broken. The fuzz targets check the same.

#![allow(dead_code, reason = "each fuzz target checks its own part")]

use std::collections::BTreeSet;
use std::sync::LazyLock;

use vpc_compiler::explain::page;
use vpc_compiler::grammar::{
    Colour, Problem, Severity, Source, Sources, Span, format, parse, parse_uncut, render,
};

use crate::common::compile_with;

/// Checks everything.
pub(crate) fn check(text: &str) -> Result<(), String> {
    read(text)?;
    compiles(text)
}

/// Checks all but compiling.
pub(crate) fn read(text: &str) -> Result<(), String> {
    parses(text)?;
    formats(text)
}

/// Parsing ends in a tree and sound problems; without any, cutting does not show.
pub(crate) fn parses(text: &str) -> Result<(), String> {
    let sources = sources(text);
    let source = first(&sources)?;
    let parsed = parse(source);
    for problem in &parsed.problems {
        sound(problem, &sources)?;
    }
    let whole = parsed.problems.is_empty();
    if whole && parse_uncut(source).as_ref() != Some(&parsed.tree) {
        return Err("cut into items, the text reads otherwise than whole".to_owned());
    }
    Ok(())
}

/// The formatter refuses what cannot be parsed; the rest keeps its meaning and settles at once.
pub(crate) fn formats(text: &str) -> Result<(), String> {
    let sources = sources(text);
    let source = first(&sources)?;
    let parsed = parse(source);
    let once = match format(source) {
        Ok(once) => once,
        Err(problems) if problems == parsed.problems => return Ok(()),
        Err(_) => return Err("the formatter finds other problems than the parser".to_owned()),
    };
    let formatted = self::sources(&once);
    let formatted = first(&formatted)?;
    if format(formatted).as_ref() != Ok(&once) {
        return Err(format!("formatted twice, it is not the same:\n{once}"));
    }
    if bare(&parsed.tree) != bare(&parse(formatted).tree) {
        return Err(format!("formatted, it means something else:\n{once}"));
    }
    Ok(())
}

/// Compiling ends in a plan, or in errors that are sound.
///
/// Ranges of a hundred thousand values and more are left to the tests of large sweeps.
pub(crate) fn compiles(text: &str) -> Result<(), String> {
    if range_digits(text) > 4 {
        return Ok(());
    }
    let compiled = compile_with(text, &[("other.vp", "mixture shared { web: 100% }\n")]);
    for problem in &compiled.problems {
        sound(problem, &compiled.sources)?;
    }
    let error = |problem: &Problem| problem.severity == Severity::Error;
    if compiled.plan.is_none() != compiled.problems.iter().any(error) {
        return Err("a plan despite errors, or none without".to_owned());
    }
    Ok(())
}

/// Digits of the product of all ends of ranges, more or less.
pub(crate) fn range_digits(text: &str) -> u32 {
    let ends = text.split("..").skip(1).map(|rest| {
        let number = |c: &char| c.is_ascii_alphanumeric() || *c == '_';
        let digits = rest.trim_start().chars().take_while(number);
        digits
            .map(|c| if c.is_ascii_digit() { 1 } else { 3 })
            .sum::<u32>()
    });
    ends.sum()
}

fn sources(text: &str) -> Sources {
    let mut sources = Sources::default();
    sources.add("study.vp", text);
    sources
}

fn first(sources: &Sources) -> Result<&Source, String> {
    sources.iter().next().ok_or_else(|| "no source".to_owned())
}

/// A tree without places.
fn bare(tree: &impl std::fmt::Debug) -> String {
    let shown = format!("{tree:?}");
    let parts = shown.split("Span {").enumerate();
    let without = |(at, part): (usize, &str)| match part.split_once('}') {
        Some((_, rest)) if at > 0 => rest.to_owned(),
        _ => part.to_owned(),
    };
    parts.map(without).collect()
}

/// A problem has a page, places inside its texts, and words that a user knows.
fn sound(problem: &Problem, sources: &Sources) -> Result<(), String> {
    let code = problem.code.0;
    if page(code).is_none() {
        return Err(format!("{code} has no page"));
    }
    let labels = || problem.more.iter().chain([&problem.at]);
    let fixes = || problem.fix.iter();
    for span in labels()
        .map(|label| label.span)
        .chain(fixes().map(|fix| fix.span))
    {
        inside(span, sources).map_err(|why| format!("{code}, {}: {why}", problem.message))?;
    }
    let texts = labels()
        .map(|label| &label.text)
        .chain(fixes().map(|fix| &fix.text));
    for said in texts.chain(&problem.help).chain([&problem.message]) {
        if let Some(rule) = rule_named(said, sources) {
            return Err(format!("{code} speaks of the rule `{rule}`: {said}"));
        }
    }
    if problem.message.is_empty() || render(problem, sources, Colour::Never).is_empty() {
        return Err(format!("{code} says nothing"));
    }
    Ok(())
}

fn inside(span: Span, sources: &Sources) -> Result<(), String> {
    let text = match sources.get(span.source) {
        Some(source) => &source.text,
        None => return Err("the place is in no text".to_owned()),
    };
    match text.get(span.range()) {
        Some(_) => Ok(()),
        None => Err(format!("{:?} is no part of the text", span.range())),
    }
}

/// Rules of the grammar whose names are plain words, of which a message may make use.
const PLAIN: &[&str] = &[
    "add", "amend", "block", "call", "check", "choose", "document", "entry", "every", "field",
    "file", "group", "item", "keyword", "kind", "list", "literal", "member", "name", "number",
    "path", "percent", "range", "string", "text", "unit", "vary",
];

/// The names of all other rules in `vp.pest`, and of those that pest brings along.
static RULES: LazyLock<BTreeSet<&str>> = LazyLock::new(|| {
    let grammar = include_str!("../../../grammar/vp.pest");
    let rule = |line: &'static str| {
        let name = line.split_once('=')?.0.trim();
        let word = |c: char| c.is_ascii_alphanumeric() || c == '_';
        (!name.is_empty() && name.chars().all(word)).then_some(name)
    };
    let mut rules: BTreeSet<&str> = grammar.lines().filter_map(rule).collect();
    assert!(rules.contains("good_entry") && rules.contains("expr"));
    rules.extend(["EOI", "SOI", "ANY", "NEWLINE", "ASCII_DIGIT"]);
    rules.retain(|rule| !PLAIN.contains(rule));
    rules
});

/// A rule that a message names of its own accord: not because it stands in the text.
fn rule_named<'a>(said: &'a str, sources: &Sources) -> Option<&'a str> {
    let words = |text: &'a str| text.split(|c: char| !(c.is_alphanumeric() || c == '_'));
    let written = |word: &str| sources.iter().any(|source| source.text.contains(word));
    words(said).find(|word| RULES.contains(word) && !written(word))
}
