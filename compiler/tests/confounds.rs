//! Designs that are sound, and designs that are not: what is said of each is exactly what there is.
//!
//! A flawed study begins with what is found in it, a line each: `#! V0504: rate, batch`.

#![expect(clippy::disallowed_methods, reason = "a test reads its corpus")]

mod common;

use std::fs;
use std::path::{Path, PathBuf};

use common::compile_with;
use vpc_compiler::Compiled;
use vpc_compiler::grammar::{Colour, render};

/// The studies of a folder.
fn studies(folder: &str) -> Vec<PathBuf> {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR"))
        .join("../tests/confounds")
        .join(folder);
    let mut found: Vec<PathBuf> = fs::read_dir(folder)
        .unwrap()
        .map(|entry| entry.unwrap().path())
        .filter(|path| path.extension().is_some_and(|ending| ending == "vp"))
        .collect();
    found.sort();
    assert!(found.len() >= 20, "{} studies", found.len());
    found
}

fn shown(compiled: &Compiled) -> String {
    let problems = compiled.problems.iter();
    problems
        .map(|problem| render(problem, &compiled.sources, Colour::Never) + "\n")
        .collect()
}

/// Code and words of each problem, in the order of the text.
fn found(compiled: &Compiled) -> Vec<String> {
    let words = |text: &str| {
        let list = text.split_once("`accept: ").map(|parts| parts.1);
        let list = list.or(text.rsplit_once("by `").map(|parts| parts.1));
        let list = list
            .and_then(|list| list.split_once('`'))
            .map(|parts| parts.0);
        list.unwrap_or_default().trim_matches(['[', ']']).to_owned()
    };
    let of = |problem: &vpc_compiler::grammar::Problem| {
        let help = problem.help.as_deref().unwrap_or_default();
        let words = match problem.code.0 {
            "V0506" => words(&problem.message),
            // Where it is written.
            "V0507" => {
                let source = compiled.sources.get(problem.at.span.source).unwrap();
                let span = problem.at.span;
                source.text[span.start as usize..span.end as usize].to_owned()
            }
            _ => words(help),
        };
        format!("{}: {words}", problem.code.0)
    };
    compiled.problems.iter().map(of).collect()
}

#[test]
fn sound_studies_raise_nothing() {
    let mut failed = String::new();
    for path in studies("sound") {
        let compiled = compile_with(&fs::read_to_string(&path).unwrap(), &[]);
        if !compiled.problems.is_empty() {
            failed += &format!("{}\n{}\n", path.display(), shown(&compiled));
        }
        if let Some(plan) = &compiled.plan
            && plan.comparisons.is_empty()
        {
            failed += &format!("{} compares nothing\n", path.display());
        }
    }
    assert!(failed.is_empty(), "{failed}");
}

#[test]
fn flawed_studies_are_caught() {
    let mut failed = String::new();
    for path in studies("flawed") {
        let text = fs::read_to_string(&path).unwrap();
        let announced = text.lines().filter_map(|line| line.strip_prefix("#! "));
        let announced: Vec<&str> = announced.collect();
        assert!(!announced.is_empty(), "{}", path.display());
        let compiled = compile_with(&text, &[]);
        let found = found(&compiled);
        if found != announced {
            failed += &format!("{}: {found:?}\n{}\n", path.display(), shown(&compiled));
        }
    }
    assert!(failed.is_empty(), "{failed}");
}
