//! Every `.vp` file of the corpus, as a user would see it: problems, and what would run.
//!
//! A line that has problems says so at its end: `#! V0302`, all codes in the order of the line.

#![expect(clippy::disallowed_methods, reason = "a test reads its corpus")]

mod common;

use std::collections::BTreeMap;
use std::fmt::Write;

use common::compile_with;
use vpc_compiler::Compiled;
use vpc_compiler::grammar::{Colour, render};

fn shown(compiled: &Compiled) -> String {
    let mut text = String::new();
    for problem in &compiled.problems {
        writeln!(
            text,
            "{}\n",
            render(problem, &compiled.sources, Colour::Never)
        )
        .unwrap();
    }
    for experiment in compiled.plan.iter().flat_map(|plan| &plan.experiments) {
        writeln!(text, "experiment {}", experiment.name).unwrap();
        for axis in &experiment.axes {
            writeln!(text, "  {}: {}", axis.name, axis.values.join(" | ")).unwrap();
        }
    }
    for job in compiled.plan.iter().flat_map(|plan| &plan.jobs) {
        writeln!(text, "{} {}", job.key.short(), job.labels.join(" = ")).unwrap();
    }
    text
}

/// Codes by line.
type Codes<'a> = BTreeMap<usize, Vec<&'a str>>;

/// What a text says of itself.
fn announced(text: &str) -> Codes<'_> {
    let lines = text.lines().enumerate();
    let remarks = lines.filter_map(|(at, line)| Some((at + 1, line.split_once("#!")?.1)));
    remarks
        .map(|(line, codes)| (line, codes.split_whitespace().collect()))
        .collect()
}

/// What is found in it.
fn found(compiled: &Compiled) -> Codes<'static> {
    let mut codes = Codes::new();
    for problem in &compiled.problems {
        let span = problem.at.span;
        let source = compiled.sources.get(span.source).unwrap();
        assert_eq!(source.path, "study.vp", "{}", problem.message);
        let line = source.position(span.start).line;
        codes.entry(line).or_default().push(problem.code.0);
    }
    codes
}

#[test]
fn corpus() {
    insta::glob!("../../tests/corpus", "**/*.vp", |path| {
        let text = std::fs::read_to_string(path).unwrap();
        let compiled = compile_with(&text, &[]);
        let good = path.parent().is_some_and(|folder| folder.ends_with("good"));
        assert_eq!(found(&compiled), announced(&text), "{}", path.display());
        insta::assert_snapshot!(shown(&compiled));
        assert_eq!(compiled.plan.is_some(), good, "{}", shown(&compiled));
        assert!(
            !good || compiled.problems.is_empty(),
            "{}",
            shown(&compiled)
        );
    });
}

#[test]
fn files_that_use_each_other_are_refused() {
    let compiled = compile_with(
        "use \"b.vp\" as b\n",
        &[("b.vp", "use \"study.vp\" as a\nmixture m { x: 100% }\n")],
    );
    insta::assert_snapshot!(shown(&compiled));
}

#[test]
fn eight_slips_give_eight_messages() {
    let text = include_str!("../../tests/corpus/bad/eight.vp");
    let lines = found(&compile_with(text, &[]));
    let count = lines.values().map(Vec::len).sum::<usize>();
    assert_eq!((lines.len(), count), (8, 8), "{lines:?}");
}
