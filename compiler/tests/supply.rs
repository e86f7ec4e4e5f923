//! Supply and demand: what runs ask of text, and what is refused because there is too little.

mod common;

use std::collections::BTreeMap;

use common::{Made, compile_with, plan};
use vpc_compiler::plan::{Fraction, Key, Plan, Task, Unsound};
use vpc_compiler::{Compiled, FileFacts, FileFault, Library, compile};

/// Two categories: one declares 2,000 tokens, of which a tenth is held out; one declares nothing.
const STUDY: &str = r#"
category known { source: text("data/a.txt"), held_out: 10%, supply: 2000 }
category other { source: text("data/b.txt"), held_out: 10% }
tokenizer bpe { vocabulary: 300, data: known }
scale tiny { layers: 1, width: 16, heads: 2, context: 16, batch: 4 }
mixture m { known: 25%, other: rest }
experiment e {
  vary budget: [3200, 64_000]
  pretrain base { model: tiny, data: m, tokenizer: bpe, tokens: budget, rate: 0.1 LIMIT }
}
"#;

/// Made-up files, and what was counted of the `tokens` jobs.
struct Counted {
    files: Made,
    tokens: BTreeMap<Key, u64>,
}

impl Library for Counted {
    fn text(&self, path: &str) -> Result<String, FileFault> {
        self.files.text(path)
    }

    fn facts(&self, path: &str) -> Result<FileFacts, FileFault> {
        self.files.facts(path)
    }

    fn tokens(&self, job: Key) -> Option<u64> {
        self.tokens.get(&job).copied()
    }
}

fn with_counts(text: &str, counts: &[(&str, u64)]) -> Compiled {
    let planned = plan(&text.replace("LIMIT", ""));
    let key = |name: &str| {
        planned
            .jobs
            .iter()
            .find(|job| job.name() == name)
            .unwrap()
            .key
    };
    let files = BTreeMap::from([("study.vp".to_owned(), text.to_owned())]);
    let library = Counted {
        files: Made(files),
        tokens: counts
            .iter()
            .map(|(name, count)| (key(name), *count))
            .collect(),
    };
    compile("study.vp", &library).unwrap()
}

/// Category, tokens asked and tokens of an epoch, for each run.
fn demands(plan: &Plan) -> Vec<Vec<(String, u64, Option<u64>)>> {
    let runs = plan
        .jobs
        .iter()
        .filter(|job| matches!(job.task, Task::Pretrain(_)));
    let of_run = |job| {
        let demands = plan.demands(job).map(|demand| {
            let name = plan.job(demand.job).unwrap().name().to_owned();
            (name, demand.tokens, demand.epoch)
        });
        let mut demands: Vec<_> = demands.collect();
        demands.sort();
        demands
    };
    runs.map(of_run).collect()
}

fn codes(compiled: &Compiled) -> Vec<&'static str> {
    compiled
        .problems
        .iter()
        .map(|problem| problem.code.0)
        .collect()
}

#[test]
fn what_is_held_out_is_no_supply_and_epochs_are_whole_sequences() {
    // 1,800 tokens to train on: 112 sequences of 16, since the last one needs a token after it.
    let plan = plan(&STUDY.replace("LIMIT", ""));
    let (known, other) = ("tokens/known@bpe".to_owned(), "tokens/other@bpe".to_owned());
    assert_eq!(
        demands(&plan),
        [
            vec![
                (known.clone(), 800, Some(1792)),
                (other.clone(), 2400, None)
            ],
            vec![(known, 16_000, Some(1792)), (other, 48_000, None)],
        ]
    );
}

#[test]
fn what_was_counted_goes_before_what_is_declared() {
    let compiled = with_counts(
        &STUDY.replace("LIMIT", ""),
        &[("tokens/known@bpe", 17), ("tokens/other@bpe", 33)],
    );
    let plan = compiled.plan.unwrap();
    let epochs: Vec<_> = demands(&plan)
        .concat()
        .into_iter()
        .map(|one| one.2)
        .collect();
    assert_eq!(epochs, [Some(16), Some(32), Some(16), Some(32)]);
    assert!(plan.supply.values().all(|supply| supply.counted));
    let job = plan
        .jobs
        .iter()
        .find(|job| job.name().contains("3200"))
        .unwrap();
    let unique: u64 = plan
        .demands(job)
        .map(|demand| demand.unique().unwrap())
        .sum();
    assert_eq!(unique, 16 + 32);
}

#[test]
fn a_limit_is_kept_with_the_place_and_the_worst_run() {
    // 64,000 tokens ask 16,000 of `known`: 8.93 epochs; 3,200 ask less than one.
    for (limit, told) in [
        ("9", &["V0315"][..]),
        ("8.9", &["V0314", "V0315"]),
        ("0.4", &["V0314", "V0315"]),
    ] {
        let text = STUDY.replace("LIMIT", &format!(", max_epochs: {limit}"));
        let compiled = compile_with(&text, &[]);
        assert_eq!(codes(&compiled), told, "{limit}");
        assert_eq!(compiled.plan.is_some(), limit == "9");
        let problem = &compiled.problems[0];
        assert_eq!(compiled.sources.slice(problem.at.span), limit);
        if limit != "9" {
            assert!(problem.message.contains("`known`"), "{}", problem.message);
            assert!(
                problem.at.text.contains("9.0 epochs"),
                "{}",
                problem.at.text
            );
            assert_eq!(problem.at.text.contains("2 runs"), limit == "0.4");
        }
    }
}

#[test]
fn what_nobody_counted_is_no_reason_to_refuse() {
    let text = STUDY.replace("LIMIT", ", max_epochs: 10");
    let compiled = compile_with(&text, &[]);
    assert_eq!(codes(&compiled), ["V0315"]);
    assert!(compiled.problems[0].message.contains("`other` holds"));
    let counted = |count| codes(&with_counts(&text, &[("tokens/other@bpe", count)]));
    assert_eq!(counted(4801), Vec::<&str>::new());
    assert_eq!(counted(4784), ["V0314"]);
}

#[test]
fn equal_runs_keep_to_the_lower_limit() {
    let text = STUDY.replace("LIMIT", ", max_epochs: 20").replace(
        "experiment e",
        "experiment f {\n  pretrain same { model: tiny, data: m, tokenizer: bpe, tokens: 3200, rate: 0.1, \
         max_epochs: 7 }\n}\nexperiment e",
    );
    let plan = plan(&text);
    let run = plan.jobs.iter().find(|job| job.labels.len() == 2).unwrap();
    let Task::Pretrain(task) = &run.task else {
        panic!()
    };
    let written = serde_json::to_value(&task.max_epochs).unwrap();
    assert_eq!(written, serde_json::json!(Fraction::new(7, 1).unwrap()));
}

#[test]
fn plans_come_back_from_json_and_are_checked() {
    let sound = plan(&STUDY.replace("LIMIT", ", max_epochs: 20"));
    let text = serde_json::to_string(&sound).unwrap();
    let back: Plan = serde_json::from_str(&text).unwrap();
    assert_eq!(back, sound);
    assert_eq!(back.check_sound(), Ok(()));
    let mut other = sound.clone();
    other.schema += 1;
    assert!(matches!(other.check_sound(), Err(Unsound::Schema(_))));
    let mut other = sound.clone();
    other.jobs.reverse();
    assert!(matches!(other.check_sound(), Err(Unsound::Order(_))));
    let mut other = sound.clone();
    other.build = Some("another".to_owned());
    assert!(matches!(other.check_sound(), Err(Unsound::Key(_))));
    let mut other = sound.clone();
    other.jobs.pop();
    assert!(matches!(other.check_sound(), Err(Unsound::Run(_))));
    let mut other = sound;
    for job in &mut other.jobs {
        if let Task::Pretrain(task) = &mut job.task {
            task.seed += 1;
        }
    }
    assert!(matches!(other.check_sound(), Err(Unsound::Key(_))));
}
