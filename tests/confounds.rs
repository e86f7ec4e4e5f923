//! Confounds as people see them: on the screen, and in the plan.

mod common;

use common::{Folder, Run, stable};
use serde_json::Value;

/// A study with a flaw of each kind.
const STUDY: &str = r"use std.scales
use std.world

tokenizer bpe { vocabulary: 512, data: web }

mixture dose(c: share) { code: c, web: rest }

experiment doses {
  vary scale: [nano, micro]
  vary c:     [10%, 50%]
  vary seed:  1..3
  where c == 10% or seed == 1

  accept: batch

  pretrain base { model: scale, data: dose(c), tokenizer: bpe, tokens: 100k, seed: seed }
  eval fit { from: base, suite: held_out([code, web]) }

  report summary { table scores { cells: fit.code, rows: c, columns: scale } }
}
";

fn check(study: &str) -> Run {
    Folder::with(&[("s.vp", study)]).vpc("check s.vp").ends(0)
}

#[test]
fn what_differs_is_told_with_its_place() {
    let run = check(STUDY);
    insta::with_settings!({ omit_expression => true, prepend_module_to_snapshot => false }, {
        insta::assert_snapshot!("confounds", stable(&run.stderr));
    });
}

#[test]
fn what_is_meant_is_not_told_and_stands_in_the_plan() {
    let study = STUDY.replace("accept: batch", "accept: [rate, balance]");
    let run = check(&study);
    assert!(!run.stderr.contains("warning"), "{}", run.stderr);
    let folder = Folder::with(&[("s.vp", &study)]);
    let plan: Value = serde_json::from_str(&folder.vpc("plan s.vp --json").ends(0).stdout).unwrap();
    let compared = plan["plan"]["comparisons"].as_array().unwrap();
    let shown: Vec<String> = compared
        .iter()
        .map(|one| {
            let besides = one["besides"].as_array().into_iter().flatten();
            let besides = besides.map(|it| format!("{} {}", it["what"], it["accepted"]));
            format!(
                "{} {} {} {:?}",
                one["by"],
                one["axis"],
                one["factor"],
                besides.collect::<Vec<_>>()
            )
        })
        .collect();
    assert_eq!(
        shown,
        [
            r#""table summary.scores" "c" "data" ["\"balance\" true"]"#,
            r#""table summary.scores" "scale" "model" ["\"rate\" true"]"#,
        ]
    );
}

#[test]
fn what_must_be_the_same_and_is_not_is_refused() {
    let study = STUDY.replace("accept: batch", "controls: rate");
    let run = Folder::with(&[("s.vp", &study)]).vpc("check s.vp --format short");
    assert_eq!(run.status, 1);
    assert!(run.stderr.contains("V0507"), "{}", run.stderr);
    let study = STUDY.replace("accept: batch", "controls: [tokens, steps, batch]");
    assert!(!check(&study).stderr.contains("V0507"));
}
