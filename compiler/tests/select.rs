//! Selections: what they fit, what comes along, and what is said where nothing fits.

mod common;

use std::collections::{BTreeMap, BTreeSet};

use common::plan;
use proptest::prelude::*;
use vpc_compiler::plan::{Key, Plan, Selection};

const STUDY: &str = r#"
category plays { source: text("data/plays.txt") }
category pages { source: jsonl("data/pages.jsonl", field: "body") }
mixture mix(r: share) { plays: r, pages: rest }
scale tiny { layers: 1, width: 16, heads: 2, context: 16, batch: 4 }
tokenizer bpe { vocabulary: 300, data: mix(50%) }
experiment dose {
  vary r: [20%, 2/5]
  vary s: [cosine(warmup: 2%, floor: 10%), linear()]
  vary seed: 1..3
  pretrain base { model: tiny, data: mix(r), tokenizer: bpe, tokens: 10k, schedule: s, seed: seed }
  pretrain plain { model: tiny, data: plays, tokenizer: bpe, tokens: 10k, seed: seed }
  eval fit { from: base, suite: held_out([plays, pages]) }
  eval plain_fit { from: plain, suite: held_out([plays]) }
  report r {
    table both { cells: [fit.plays, plain_fit.plays], rows: r }
    table one { cells: [plain_fit.plays], rows: r }
    table seeds { cells: [fit.mean], rows: seed, columns: r }
  }
}
experiment again = dose with { vary seed: 2..5 }
experiment odd {
  vary (r, seed): [(10%, 1), (30%, 2)]
  pretrain base { model: tiny, data: mix(r), tokenizer: bpe, tokens: 10k, seed: seed }
}
"#;

fn only(plan: &Plan, selections: &[&str]) -> Plan {
    let selections: Vec<Selection> = selections
        .iter()
        .map(|text| text.parse().unwrap())
        .collect();
    plan.only(&selections)
        .unwrap_or_else(|error| panic!("{error}\n{}", error.help))
}

/// The names of a plan's runs, without those of shared data.
fn runs(plan: &Plan) -> Vec<&str> {
    let names = plan.names().into_iter();
    names
        .filter(|name| !name.shared)
        .map(|name| name.label)
        .collect()
}

fn count(selection: &str) -> usize {
    runs(&only(&plan(STUDY), &[selection])).len()
}

#[test]
fn what_is_selected() {
    // 12 of `base` and `fit`, 3 of `plain` and `plain_fit`.
    for (selection, runs) in [
        ("dose", 30),
        ("dose/base", 12),
        ("dose/fit", 24),
        ("dose/plain", 3),
        ("dose/*[seed=1]", 4 + 4 + 1 + 1),
        ("dose/base[seed=1]", 4),
        ("dose/base[seed=1,r=20%]", 2),
        ("dose/base[ r = 20% , seed = 1 ]", 2),
        ("dose/base[r=2/5]", 6),
        ("dose/base[r=2*]", 12),
        ("dose/base[s=cosine(warmup: 2%, floor: 10%)]", 6),
        ("dose/base[s=cosine*,r=20%]", 3),
        ("dose/base[s=lin*,seed=3,r=20%]", 1),
        ("dose/p*", 6),
        ("*/plain", 3 + 4),
        ("od*", 2),
        ("tokens/plays@bpe", 0),
        ("tokens", 0),
        ("*", 30 + 40 + 2),
    ] {
        assert_eq!(count(selection), runs, "{selection}");
    }
}

#[test]
fn every_name_selects_itself() {
    let plan = plan(STUDY);
    for name in plan.names() {
        let part = only(&plan, &[name.label]);
        assert!(part.job(name.key).is_some(), "{}", name.label);
        // Nothing else is at the end of the line.
        let used: BTreeSet<Key> = part
            .jobs
            .iter()
            .flat_map(|job| job.inputs.iter().map(|input| input.key))
            .collect();
        let ends = part.jobs.iter().filter(|job| !used.contains(&job.key));
        let ends: Vec<Key> = ends.map(|job| job.key).collect();
        assert_eq!(ends, [name.key], "{}", name.label);
    }
}

#[test]
fn shared_data_alone() {
    let plan = plan(STUDY);
    let part = only(&plan, &["tokens/plays@bpe"]);
    assert!(part.experiments.is_empty());
    let names: Vec<&str> = part
        .jobs
        .iter()
        .map(vpc_compiler::plan::Job::name)
        .collect();
    // The tokenizer learns from both corpora.
    assert_eq!(
        names,
        [
            "corpus/plays",
            "corpus/pages",
            "tokenizer/bpe",
            "tokens/plays@bpe"
        ]
    );
}

#[test]
fn another_experiment_with_the_same_jobs_stays_out() {
    let plan = plan(STUDY);
    // `again` computes the same for seeds 2 and 3, and is not what was asked for.
    let part = only(&plan, &["dose"]);
    let names: Vec<&str> = part.experiments.iter().map(|e| e.name.as_str()).collect();
    assert_eq!(names, ["dose"]);
    assert_eq!(part.experiments[0], plan.experiments[0]);
}

#[test]
fn tables_and_axes_are_those_of_the_runs() {
    let plan = plan(STUDY);
    let tables = |selections: &[&str]| -> Vec<String> {
        let part = only(&plan, selections);
        let reports = part.experiments.iter().flat_map(|e| e.reports.clone());
        reports
            .flat_map(|report| report.tables)
            .map(|table| table.name)
            .collect()
    };
    let axes = |selection: &str| -> Vec<String> {
        let part = only(&plan, &[selection]);
        let axes = part.experiments.iter().flat_map(|e| e.axes.clone());
        axes.map(|axis| format!("{}: {}", axis.name, axis.values.join(" ")))
            .collect()
    };
    assert_eq!(tables(&["dose/base"]), Vec::<String>::new());
    assert_eq!(tables(&["dose/fit"]), ["seeds"]);
    assert_eq!(tables(&["dose/plain_fit"]), ["one"]);
    assert_eq!(
        tables(&["dose/fit[seed=1]", "dose/plain_fit[seed=1]"]),
        ["both", "one", "seeds"]
    );
    assert_eq!(
        axes("dose/base[seed=3,r=20%]"),
        [
            "r: 20%",
            "s: cosine(warmup:2%,floor:10%) linear()",
            "seed: 3"
        ]
    );
    assert_eq!(axes("dose/plain"), ["seed: 1 2 3"]);
    // The table `one` is laid out along an axis that its evaluation does not depend on.
    assert_eq!(axes("dose/plain_fit[seed=2]"), ["r: 20% 2/5", "seed: 2"]);
}

#[test]
fn a_selection_of_everything_is_the_plan() {
    let plan = plan(STUDY);
    assert_eq!(plan.only(&[]).unwrap(), plan);
    for selection in [&["*"][..], &["*/*"], &["dose", "again", "odd"]] {
        assert_eq!(only(&plan, selection), plan, "{selection:?}");
    }
}

#[test]
fn what_is_wrong_is_said() {
    let plan = plan(STUDY);
    let mut screens = Vec::new();
    for text in [
        "",
        " ",
        "/",
        "/base",
        "dose/",
        "dose/base/fit",
        "dose[seed=1]",
        "base[seed=1]",
        "dose/base[",
        "dose/base]",
        "dose/base[]",
        "dose/base[seed]",
        "dose/base[seed=]",
        "dose/base[=1]",
        "dose/base[seed=1]x",
        "dose/base[seed=1,seed=2]",
        "dose,odd",
        "dose odd",
        "dose/base[,]",
    ] {
        let error = text.parse::<Selection>().unwrap_err();
        screens.push(format!("`{text}`\n  {error}"));
    }
    for text in [
        "dsoe",
        "base",
        "nothing_like_it",
        "x*",
        "dose/bsae",
        "dose/x*",
        "*/bsae",
        "corpus/play",
        "dose/base[sed=1]",
        "dose/plain[r=20%]",
        "corpus/plays[seed=1]",
        "dose/base[r=30%]",
        "dose/base[seed=4]",
        "dose/base[s=cosin(warmup:2%,floor:10%)]",
        "odd/base[r=10%,seed=2]",
        "dose/base[seed=1,2]",
        "é/ü",
    ] {
        let selection: Selection = text.parse().unwrap();
        let error = plan.only(&[selection]).unwrap_err();
        screens.push(format!("`{text}`\n  {error}\n  {}", error.help));
    }
    let empty = common::plan("let x = 1\n");
    let error = empty.only(&["dose".parse().unwrap()]).unwrap_err();
    screens.push(format!("in an empty study\n  {error}\n  {}", error.help));
    insta::assert_snapshot!(screens.join("\n"));
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(64))]

    /// Any choice of names, as they are or made looser.
    #[test]
    fn a_part_is_closed_and_changes_no_job(
        picks in prop::collection::vec((any::<prop::sample::Index>(), 0..4), 1..5)
    ) {
        let plan = plan(STUDY);
        let names = plan.names();
        let looser = |(at, how): &(prop::sample::Index, i32)| -> String {
            let name = at.get(&names);
            let stem = format!("{}/{}", name.group, name.job);
            match (how, name.point.last()) {
                (1, Some((axis, value))) => format!("{stem}[{axis}={value}]"),
                (2, Some((axis, value))) => format!("*/{}[{axis}={}*]", name.job, &value[..1]),
                (3, _) => stem,
                _ => name.label.to_owned(),
            }
        };
        let texts: Vec<String> = picks.iter().map(looser).collect();
        let selections: Vec<Selection> = texts.iter().map(|text| text.parse().unwrap()).collect();
        let part = plan.only(&selections).unwrap();

        // The jobs are some of the plan's, unchanged and in order, and nothing they need is
        // missing or stands behind them.
        let whole: BTreeMap<Key, usize> =
            plan.jobs.iter().enumerate().map(|(at, job)| (job.key, at)).collect();
        let places: Vec<usize> = part.jobs.iter().map(|job| whole[&job.key]).collect();
        prop_assert!(places.is_sorted());
        let mut seen = BTreeSet::new();
        for job in &part.jobs {
            prop_assert_eq!(job, &plan.jobs[whole[&job.key]]);
            prop_assert!(job.inputs.iter().all(|input| seen.contains(&input.key)), "{:?}", texts);
            seen.insert(job.key);
        }
        // Each run is computed, and each table has runs of all its evaluations.
        for experiment in &part.experiments {
            prop_assert!(!experiment.runs.is_empty());
            prop_assert!(experiment.runs.iter().all(|run| seen.contains(&run.key)));
            let has = |job: &str| experiment.runs.iter().any(|run| *run.job == *job);
            for table in experiment.reports.iter().flat_map(|report| &report.tables) {
                prop_assert!(table.cells.iter().all(|cell| has(&cell.job)));
            }
        }
        // Selecting again changes nothing; each selection alone selects no more.
        prop_assert_eq!(&part.only(&selections).unwrap(), &part);
        for selection in &selections {
            let one = plan.only(std::slice::from_ref(selection)).unwrap();
            prop_assert!(one.jobs.iter().all(|job| seen.contains(&job.key)));
        }
    }

    #[test]
    fn any_text_is_read_or_refused(text in "\\PC{0,20}|[a-c*/\\[\\]=, ]{0,12}") {
        let plan = plan("let x = 1\n");
        if let Ok(selection) = text.parse::<Selection>() {
            prop_assert!(plan.only(&[selection]).is_err());
        }
    }
}
