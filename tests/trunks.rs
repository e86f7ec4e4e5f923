//! Runs of several budgets share what they have in common, and come out in the same bits as alone.

mod common;

use std::collections::BTreeMap;
use std::path::Path;
use std::time::Duration;

use common::{Chance, Folder, manifests, named, nightly, say};
use serde_json::Value;

/// A study of some budgets, given with the rest of each run's block.
fn study(runs: &[(u64, String)], scale: &str) -> String {
    let blocks: String = runs
        .iter()
        .enumerate()
        .map(|(at, (tokens, rest))| {
            format!(
                "  pretrain run{at} {{ model: tiny, data: m, tokenizer: bpe, tokens: {tokens}, {rest} }}\n  \
                 eval fit{at} {{ from: run{at}, suite: held_out([code]) }}\n"
            )
        })
        .collect();
    format!(
        "category code {{ source: world(code, size: 48 KiB) }}\n\
         category web {{ source: world(web, size: 48 KiB) }}\n\
         mixture m {{ code: 60%, web: rest }}\n\
         tokenizer bpe {{ vocabulary: 300, data: code }}\n\
         scale tiny {{ layers: 1, width: 16, heads: 2, context: 16, {scale} }}\n\
         experiment e {{\n{blocks}}}\n"
    )
}

/// A folder with a study, in memory where that can be: nothing here depends on a disk.
fn quick(text: &str) -> Folder {
    let folder = Folder::in_memory();
    folder.write("s.vp", text);
    folder
}

/// What was made under each key: files and metrics.
fn made(folder: &Folder) -> BTreeMap<String, String> {
    let all = manifests(&folder.join(".vp")).into_iter();
    all.map(|(key, (_, manifest))| {
        let (files, metrics) = (&manifest["files"], &manifest["metrics"]);
        (key, format!("{files} {metrics}"))
    })
    .collect()
}

/// The steps from which runs were taken up, by name.
fn taken_up(messages: &str) -> BTreeMap<String, u64> {
    let lines = messages
        .lines()
        .filter_map(|line| line.strip_prefix("resume  "));
    lines
        .map(|line| {
            let (name, step) = line.split_once(" from step ").unwrap();
            (name.to_owned(), step.parse().unwrap())
        })
        .collect()
}

fn plan(folder: &Folder, file: &str) -> Value {
    let run = folder.vpc(&format!("plan {file} --json")).ends(0);
    serde_json::from_str(&run.stdout).unwrap()
}

/// Tokens to train and tokens saved.
fn tokens(plan: &Value) -> (u64, u64) {
    let totals = plan["totals"].as_array().unwrap();
    let pretrain = totals
        .iter()
        .find(|total| total["kind"] == "pretrain")
        .unwrap();
    let number = |name: &str| pretrain[name].as_u64().unwrap();
    (number("tokens_to_do"), number("tokens_saved"))
}

#[test]
fn a_branch_is_the_run_from_scratch_bit_for_bit() {
    let schedules = if nightly() { 200 } else { 24 };
    let mut chance = Chance::new(5);
    let mut below = |most: u64| (chance.next() * most as f64) as u64;
    let (mut runs_in_all, mut shared) = (0, 0);
    for _ in 0..schedules {
        let batch = 1 + below(4);
        let per_step = batch * 16;
        let warmup = below(4);
        let mut runs = Vec::new();
        for _ in 0..2 + below(3) {
            let steps = 12 + below(30);
            let decay = below(7);
            let floor = below(50);
            let keep = match below(3) {
                0 => format!(", keep: [{}]", per_step * (1 + below(steps - 1))),
                _ => String::new(),
            };
            let schedule = match below(6) {
                0 => format!("constant(warmup: {warmup} steps)"),
                _ => format!("wsd(warmup: {warmup} steps, decay: {decay} steps, floor: {floor}%)"),
            };
            runs.push((
                steps * per_step,
                format!("seed: 3, schedule: {schedule}{keep}"),
            ));
        }
        let scale = format!("batch: {batch}, rate: 0.01");
        let together = quick(&study(&runs, &scale));
        let (to_do, saved) = tokens(&plan(&together, "s.vp"));
        let messages = together.vpc("run s.vp").ends(0).stderr;
        let mut found = made(&together);
        shared += taken_up(&messages).len();
        runs_in_all += runs.len();
        let (mut asked, mut keys) = (0, std::collections::BTreeSet::new());
        for run in &runs {
            let alone = quick(&study(std::slice::from_ref(run), &scale));
            asked += tokens(&plan(&alone, "s.vp")).0;
            let messages = alone.vpc("run s.vp").ends(0).stderr;
            assert!(taken_up(&messages).is_empty());
            for (key, what) in made(&alone) {
                assert_eq!(found.get(&key), Some(&what), "{}", study(&runs, &scale));
                keys.insert(key);
            }
        }
        found.retain(|key, _| !keys.contains(key));
        assert!(found.is_empty(), "{found:?}");
        // Equal runs are one run, so that no more is asked than the sum.
        assert!(to_do + saved <= asked);
    }
    say(&format!(
        "{schedules} schedules, {runs_in_all} runs, {shared} of them from a trunk: the same bits"
    ));
    assert!(shared > schedules);
}

/// Budgets in steps of 64 tokens.
fn budgets(steps: &[u64], rest: &str) -> Vec<(u64, String)> {
    let schedule = "schedule: wsd(warmup: 2 steps, decay: 10%)";
    steps
        .iter()
        .map(|steps| (steps * 64, format!("seed: 1, {schedule}{rest}")))
        .collect()
}

const SCALE: &str = "batch: 4, rate: 0.01";

#[test]
fn every_step_of_a_trunk_is_trained_once() {
    let folder = Folder::with(&[("s.vp", &study(&budgets(&[100, 20, 50], ""), SCALE))]);
    // Decays of 10, 2 and 5 steps, and a trunk of 90.
    assert_eq!(tokens(&plan(&folder, "s.vp")), (107 * 64, 63 * 64));
    let text = folder.vpc("plan s.vp").ends(0).stdout;
    assert!(text.contains("(4.03k saved by shared trunks)"), "{text}");
    let messages = folder.vpc("run s.vp").ends(0).stderr;
    let expected = [("e/run2".to_owned(), 18), ("e/run0".to_owned(), 45)];
    assert_eq!(taken_up(&messages), expected.into());
    assert_eq!(tokens(&plan(&folder, "s.vp")), (0, 0));

    // A longer budget costs what it is longer, and its decay; also in another study.
    folder.write("t.vp", study(&budgets(&[120], ""), SCALE));
    assert_eq!(tokens(&plan(&folder, "t.vp")), (30 * 64, 0));
    let messages = folder.vpc("run t.vp").ends(0).stderr;
    assert_eq!(taken_up(&messages), [("e/run0".to_owned(), 90)].into());

    // A shorter one, between two that are there, goes on from the one before.
    folder.write("t.vp", study(&budgets(&[70], ""), SCALE));
    let messages = folder.vpc("run t.vp --accept-changes").ends(0).stderr;
    assert_eq!(taken_up(&messages), [("e/run0".to_owned(), 45)].into());
    // Another seed, rate or mixture is another trunk.
    folder.write("t.vp", study(&budgets(&[70], ", weight_decay: 0.2"), SCALE));
    let messages = folder.vpc("run t.vp --accept-changes").ends(0).stderr;
    assert!(taken_up(&messages).is_empty(), "{messages}");
    folder.vpc("store verify").ends(0);
    // What is in common with a study that is filed stays when the rest is cleared away.
    folder.vpc("store gc --yes").ends(0);
    folder.write("s.vp", study(&budgets(&[100, 20, 50, 130], ""), SCALE));
    let messages = folder.vpc("run s.vp").ends(0).stderr;
    assert_eq!(taken_up(&messages)["e/run3"], 108, "{messages}");
}

#[test]
fn checkpoints_on_the_trunk_serve_every_budget() {
    let with_eval = |steps: &[u64], rest: &str, eval: &str| {
        let text = study(&budgets(steps, rest), SCALE);
        format!("{}{eval}}}\n", text.trim_end().trim_end_matches('}'))
    };
    let early = "  eval early { from: run0.at(1920), suite: held_out([web]) }\n";
    let folder = Folder::with(&[("s.vp", &with_eval(&[50], "", early))]);
    folder.vpc("run s.vp").ends(0);
    // 30 steps of another budget are the same 30 steps.
    folder.write("t.vp", with_eval(&[80], "", early));
    let run = folder.vpc("run t.vp").ends(0);
    assert_eq!(taken_up(&run.stderr)["e/run0"], 45, "{}", run.stderr);
    let named_early = |name: &str| {
        let all = manifests(&folder.join(".vp")).into_values();
        let found = all.filter(|(_, job)| common::labels(job).any(|label| label == name));
        found
            .map(|(_, job)| job["files"].to_string())
            .collect::<Vec<_>>()
    };
    let models = named_early("e/early.run0@1920");
    assert_eq!(models.len(), 2);
    assert_eq!(models[0], models[1]);
}

#[test]
fn an_interrupted_trunk_is_taken_up_by_another_budget() {
    let long = study(&budgets(&[4000], ""), SCALE);
    let folder = Folder::with(&[("s.vp", &long)]);
    let mut child = folder.start("run s.vp --checkpoint-every 0", "messages");
    let begun = std::time::Instant::now();
    while begun.elapsed() < Duration::from_mins(1) {
        std::thread::sleep(Duration::from_millis(20));
        let there = std::fs::read_dir(folder.join(".vp/progress"));
        if there.is_ok_and(|mut entries| entries.next().is_some()) {
            break;
        }
    }
    std::thread::sleep(Duration::from_millis(200));
    child.kill().unwrap();
    child.wait().unwrap();
    // Longer, so that it is on the trunk wherever the other was killed.
    folder.write("t.vp", study(&budgets(&[8000], ""), SCALE));
    let planned = plan(&folder, "t.vp");
    assert!(tokens(&planned).0 < 8000 * 64, "{}", planned["totals"]);
    folder.write("t.vp", study(&budgets(&[4100], ""), SCALE));
    let messages = folder.vpc("run t.vp").ends(0).stderr;
    let from = taken_up(&messages)["e/run0"];
    assert!(from > 0, "{messages}");
    let fresh = Folder::with(&[("t.vp", &study(&budgets(&[4100], ""), SCALE))]);
    fresh.vpc("run t.vp").ends(0);
    let found = made(&folder);
    for (key, what) in made(&fresh) {
        assert_eq!(found.get(&key), Some(&what));
    }
    say(&format!(
        "a run that was killed at step {from} served another budget"
    ));
}

#[test]
fn a_shorter_budget_leaves_what_a_longer_one_has_done() {
    let long = study(&budgets(&[4000], ""), SCALE);
    let folder = quick(&long);
    let mut child = folder.start("run s.vp --checkpoint-every 0", "messages");
    let newest = || -> u64 {
        let places = std::fs::read_dir(folder.join(".vp/progress"));
        let places = places.into_iter().flatten().flatten();
        let files = places.flat_map(|place| std::fs::read_dir(place.path()).into_iter().flatten());
        let steps = files.flatten().filter_map(|file| {
            let name = file.file_name().into_string().ok()?;
            name.strip_suffix(".json")?.parse().ok()
        });
        steps.max().unwrap_or(0)
    };
    let begun = std::time::Instant::now();
    while newest() < 40 && begun.elapsed() < Duration::from_mins(1) {
        std::thread::sleep(Duration::from_millis(5));
    }
    child.kill().unwrap();
    child.wait().unwrap();
    let reached = newest();
    assert!(reached >= 40);
    folder.write("t.vp", study(&budgets(&[20], ""), SCALE));
    let messages = folder.vpc("run t.vp --checkpoint-every 0").ends(0).stderr;
    assert!(taken_up(&messages).is_empty(), "{messages}");
    folder.vpc("store gc --yes").ends(0);
    let messages = folder.vpc("run s.vp").ends(0).stderr;
    assert_eq!(taken_up(&messages)["e/run0"], reached, "{messages}");
}

#[test]
fn killed_at_any_moment_the_bits_are_the_same() {
    let kills = if nightly() { 200 } else { 20 };
    let text = study(&budgets(&[60, 150, 100], ", keep: [1920]"), SCALE);
    let reference = quick(&text);
    let begun = std::time::Instant::now();
    reference.vpc("run s.vp --checkpoint-every 0").ends(0);
    let (whole, expected) = (begun.elapsed(), made(&reference));
    let mut chance = Chance::new(3);
    let (mut killed, mut rounds, mut taken) = (0, 0, 0);
    while killed < kills {
        let folder = quick(&text);
        rounds += 1;
        // Later and later, so that a job that cannot be resumed ends on any machine.
        for turn in 0.. {
            let mut child = folder.start("run s.vp --checkpoint-every 0", "messages");
            let longest = 1.0 / 3.0 + f64::from(turn) / 40.0;
            std::thread::sleep(whole.mul_f64(chance.next() * longest));
            child.kill().unwrap();
            let ended = child.wait().unwrap();
            taken += taken_up(&folder.read("messages")).len();
            if ended.success() {
                break;
            }
            killed += 1;
        }
        assert_eq!(made(&folder), expected);
        folder.vpc("store verify").ends(0);
    }
    say(&format!(
        "{killed} kills in {rounds} runs on a trunk, {taken} times taken up: the same bits"
    ));
    assert!(taken > 0);
}

#[test]
fn two_processes_share_a_trunk() {
    let both = study(&budgets(&[600, 900], ""), SCALE);
    let folder = Folder::with(&[("s.vp", &both), ("t.vp", &both)]);
    let mut children = ["s", "t"].map(|name| folder.start(&format!("run {name}.vp"), name));
    for child in &mut children {
        assert!(child.wait().unwrap().success());
    }
    let messages = folder.read("s") + &folder.read("t");
    assert_eq!(
        named(&messages, "start  ").len(),
        2 + 1 + 2 + 2 + 2,
        "{messages}"
    );
    let alone = Folder::with(&[("s.vp", &both)]);
    alone.vpc("run s.vp").ends(0);
    assert_eq!(made(&folder), made(&alone));
}

#[test]
fn what_could_be_shared_is_said() {
    let cosine: Vec<(u64, String)> = [20, 50, 100]
        .map(|steps| (steps * 64, "seed: 1".to_owned()))
        .into();
    let folder = Folder::with(&[("s.vp", &study(&cosine, SCALE))]);
    let text = folder.vpc("plan s.vp").ends(0).stdout;
    assert!(
        text.contains("3 runs of e/run0 differ in their budgets: with the schedule `wsd(…)`"),
        "{text}"
    );
    assert!(
        text.contains("take 6.85k tokens instead of 10.9k"),
        "{text}"
    );
    let shares: Vec<(u64, String)> = [20, 50, 100]
        .map(|steps| (steps * 64, "schedule: wsd(warmup: 10%)".to_owned()))
        .into();
    folder.write("s.vp", study(&shares, SCALE));
    let text = folder.vpc("plan s.vp").ends(0).stdout;
    assert!(text.contains("with a warm-up in steps or tokens"), "{text}");
    folder.write("s.vp", study(&budgets(&[20, 50, 100], ""), SCALE));
    let text = folder.vpc("plan s.vp").ends(0).stdout;
    assert!(!text.contains("differ in their budgets"), "{text}");
}

#[test]
fn the_papers_budgets_cost_what_their_trunks_do() {
    let study = Path::new(env!("CARGO_MANIFEST_DIR")).join("experiments/paper/e1_trunks.vp");
    let folder = Folder::new();
    let run = folder.vpc(&format!("plan {} --store none --json", study.display()));
    let plan: Value = serde_json::from_str(&run.ends(0).stdout).unwrap();
    let (to_do, saved) = tokens(&plan);
    // Five scales; whole steps make it a little more.
    let near = |found: u64, expected: f64| (found as f64 / (5.0 * expected) - 1.0).abs() < 1e-3;
    assert!(
        near(to_do, 118.5e9) && near(to_do + saved, 285e9),
        "{to_do} {saved}"
    );
    let cosine = study.with_file_name("e1_scale.vp");
    let run = folder.vpc(&format!("plan {} --store none", cosine.display()));
    let text = run.ends(0).stdout;
    assert!(
        text.contains("35 runs of by_scale_models/base differ in their budgets"),
        "{text}"
    );
    assert!(text.contains("take 593B tokens instead of 1.43T"), "{text}");
}
