//! Every `.vp` file of the corpus, as a user would see it: problems, and what would run.

#![expect(clippy::disallowed_methods, reason = "a test reads its corpus")]

mod common;

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

#[test]
fn corpus() {
    insta::glob!("../../tests/corpus", "**/*.vp", |path| {
        let text = std::fs::read_to_string(path).unwrap();
        let compiled = compile_with(&text, &[]);
        let good = path.parent().is_some_and(|folder| folder.ends_with("good"));
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
