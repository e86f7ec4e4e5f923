//! What a plan takes: told for this machine and for pools, calibrated, and held to budgets.

mod common;

use std::fs;
use std::path::{Path, PathBuf};

use common::{Folder, Run, SMALL, say};
use serde_json::{Value, json};

fn root() -> PathBuf {
    PathBuf::from(env!("CARGO_MANIFEST_DIR"))
}

/// A study of the paper on a pool, as JSON.
fn paper(study: &str, arguments: &str) -> Value {
    let folder = Folder::new();
    let file = root().join("experiments/paper").join(study);
    let store = folder.join("none");
    let arguments = format!(
        "plan {} --json --store {} {arguments}",
        file.display(),
        store.display()
    );
    let run = folder.vpc(&arguments).ends(0);
    serde_json::from_str(&run.stdout).unwrap()
}

/// Costs of the jobs of a kind.
fn costs<'j>(plan: &'j Value, kind: &str) -> Vec<&'j Value> {
    let jobs = plan["plan"]["jobs"].as_array().unwrap().iter();
    let jobs = jobs.filter(|job| job["kind"] == kind);
    jobs.map(|job| &plan["costs"]["jobs"][job["key"].as_str().unwrap()])
        .collect()
}

fn number(value: &Value) -> f64 {
    value.as_f64().unwrap()
}

/// The paper: 128 A100 for about 32 days for each of the two models of 7B on 1T tokens, 98,300
/// GPU-hours. The forecast knows nothing of that: it rests on llm-foundry's measurements alone.
#[test]
fn the_papers_largest_runs_cost_what_it_reports() {
    let plan = paper("e7_scale_up.vp", "--pool 128xa100 --only scale_up_models");
    let runs = costs(&plan, "pretrain");
    assert_eq!(runs.len(), 2);
    for run in runs {
        let hours = number(&run["device_seconds"]) / 3600.0;
        let ratio = hours / 98_300.0;
        say(&format!(
            "{hours:.0} GPUh, {ratio:.3} of the paper's 98,300"
        ));
        assert!((0.75..1.25).contains(&ratio), "{ratio}");
        assert_eq!(run["parameters"], 7_241_732_096_u64);
    }
    // By hand: 3 · (2 · 7,110,393,856 weights of products + 4 · 32 · 4096 · 2048) FLOPs a token.
    let per_token = 6.0 * 7_110_393_856.0 + 12.0 * 32.0 * 4096.0 * 2048.0;
    let flops = number(&plan["costs"]["flops"]);
    let tokens = 2.0 * 1e12;
    assert!((flops / (per_token * tokens) - 1.0).abs() < 1e-4, "{flops}");
    // Two at once on 64 devices each, or one after the other on 128: the same.
    let days = number(&plan["costs"]["wall_seconds"]) / 86_400.0;
    assert!((40.0..64.0).contains(&days), "{days}");
    let assumption = plan["costs"]["place"]["assumption"].as_str().unwrap();
    assert!(assumption.contains("312 TFLOP/s") && assumption.contains("50 %"));
}

/// Runs of seven budgets share a trunk: what is forecast is what `totals` say is trained.
#[test]
fn trunks_are_counted_once() {
    let plan = paper("e1_trunks.vp", "--pool 128xa100");
    let runs = costs(&plan, "pretrain");
    assert_eq!(runs.len(), 35);
    let flops: f64 = runs.iter().map(|run| number(&run["flops"])).sum();
    let jobs = plan["plan"]["jobs"].as_array().unwrap().iter();
    let alone: f64 = jobs
        .filter(|job| job["kind"] == "pretrain")
        .map(|job| {
            let model = &job["model"];
            let of = |name: &str| number(&model[name]);
            let kv = of("kv_heads") * of("width") / of("heads");
            let block = 2.0 * of("width") * (of("width") + kv) + 3.0 * of("width") * of("hidden");
            let weights = of("layers") * block + of("vocabulary") * of("width");
            let attention = 12.0 * of("layers") * of("width") * of("context");
            number(&job["tokens"]) * (6.0 * weights + attention)
        })
        .sum();
    let totals = plan["totals"].as_array().unwrap();
    let training = totals
        .iter()
        .find(|total| total["kind"] == "pretrain")
        .unwrap();
    let (to_do, saved) = (&training["tokens_to_do"], &training["tokens_saved"]);
    let expected = number(to_do) / (number(to_do) + number(saved));
    // Every scale saves the same share of its tokens, but for whole steps.
    assert!(
        (flops / alone - expected).abs() < 1e-3,
        "{} {expected}",
        flops / alone
    );
    // No schedule beats what it is made of.
    let of = |name: &str| number(&plan["costs"][name]);
    assert!(of("wall_seconds") >= of("critical_path_seconds") - 1.0);
    assert!(of("wall_seconds") >= of("device_seconds") / 128.0 - 1.0);
    assert!(of("wall_seconds") < 1.3 * of("device_seconds") / 128.0 + of("critical_path_seconds"));
}

#[test]
fn a_plan_for_a_pool_says_so_on_a_small_machine() {
    let file = root().join("experiments/paper/e7_scale_up.vp");
    let folder = Folder::new();
    let plan = format!(
        "plan {} --store none --only scale_up_models",
        file.display()
    );
    let run = folder.vpc(&plan).ends(0);
    assert!(
        run.stdout.contains("`--pool 128xa100` shows what it takes"),
        "{}",
        run.stdout
    );
    let run = folder
        .vpc(&format!("{plan} --pool 128xa100 --mfu 40%"))
        .ends(0);
    assert!(run.stdout.contains("GPUh on 128 × a100"), "{}", run.stdout);
    assert!(
        run.stdout.contains("40 % utilisation (as told)"),
        "{}",
        run.stdout
    );
    // Seven billion parameters do not fit one device, and that is said.
    let run = folder.vpc(&format!("{plan} --pool a100")).ends(0);
    assert!(
        run.stderr.contains("needs the memory of 2 devices"),
        "{}",
        run.stderr
    );
}

#[test]
fn pools_that_are_none_are_refused() {
    let folder = Folder::with(&[("s.vp", SMALL)]);
    let run = folder.vpc("plan s.vp --pool 8xb9000").ends(2);
    assert!(
        run.stderr.contains("no device is called `b9000`"),
        "{}",
        run.stderr
    );
    folder.vpc("plan s.vp --pool 0xa100").ends(2);
    folder.vpc("plan s.vp --mfu 40%").ends(2);
    folder.vpc("plan s.vp --pool a100 --mfu 140%").ends(2);
}

fn time_line(run: &Run) -> String {
    let lines = run.stdout.lines();
    let mut lines = lines.filter(|line| line.starts_with("takes about"));
    lines.next().unwrap_or_default().to_owned()
}

#[test]
fn a_calibration_is_kept_and_used_and_ignored_where_it_is_of_no_use() {
    let folder = Folder::with(&[("s.vp", SMALL)]);
    let before = time_line(&folder.vpc("plan s.vp").ends(0));
    assert!(before.contains("not calibrated"), "{before}");
    let run = folder.vpc("calibrate --seconds 1").ends(0);
    assert!(run.stdout.contains("side by side"), "{}", run.stdout);
    let plan = folder.vpc("plan s.vp").ends(0);
    assert!(!time_line(&plan).is_empty() && !time_line(&plan).contains("calibrate"));
    assert_eq!(plan.stderr, "");
    let file = ".cache/vpc/calibration.json";
    let sound: Value = serde_json::from_str(&folder.read(file)).unwrap();
    for (spoil, word) in [
        ("not json".to_owned(), "damaged"),
        (
            changed(&sound, "host", &json!("elsewhere")),
            "of another machine (elsewhere",
        ),
        (changed(&sound, "schema", &json!(99)), "damaged"),
        (changed(&sound, "unknown", &json!(1)), "damaged"),
    ] {
        folder.write(file, spoil);
        let run = folder.vpc("plan s.vp").ends(0);
        assert!(run.stderr.contains(word), "{}", run.stderr);
        assert_eq!(time_line(&run), before);
    }
}

fn changed(sound: &Value, field: &str, value: &Value) -> String {
    let mut spoiled = sound.clone();
    spoiled[field] = value.clone();
    spoiled.to_string()
}

/// A study whose runs cost about 0.00007 GPUh each.
fn budgeted(hours: &str) -> String {
    SMALL.replace(
        "experiment e {",
        &format!("experiment e {{\n  budget: {hours} # at most"),
    )
}

#[test]
fn a_budget_is_held() {
    let folder = Folder::with(&[("s.vp", &budgeted("0.000001 GPUh"))]);
    for command in ["plan s.vp", "run s.vp"] {
        let run = folder.vpc(command).ends(1);
        assert!(
            run.stderr.contains("error[V0701]: `e` would take 0.0000"),
            "{}",
            run.stderr
        );
        assert!(
            run.stderr.contains("budget: 0.000001 GPUh # at most"),
            "{}",
            run.stderr
        );
        assert!(run.stderr.contains("2 × e/base"), "{}", run.stderr);
        assert!(run.stderr.contains("a100: 312 TFLOP/s"), "{}", run.stderr);
    }
    assert!(!folder.join(".vp").exists());
    let run = folder.vpc("plan s.vp --format short").ends(1);
    assert!(
        run.stderr.starts_with("s.vp:6:11: error[V0701]: "),
        "{}",
        run.stderr
    );
    // What is enough is not told.
    folder.write("s.vp", budgeted("1 GPUh"));
    assert_eq!(folder.vpc("plan s.vp").ends(0).stderr, "");
    folder.vpc("run s.vp").ends(0);
    // What is finished does not count.
    folder.write("s.vp", budgeted("0.000001 GPUh"));
    folder.vpc("plan s.vp").ends(0);
    folder.vpc("run s.vp").ends(0);
}

#[test]
fn the_page_about_budgets_is_true() {
    let page = fs::read_to_string(Path::new(&root()).join("docs/problems/V0701.md")).unwrap();
    let blocks = page.split("```vp\n").skip(1);
    let blocks: Vec<&str> = blocks
        .map(|rest| rest.split("```").next().unwrap())
        .collect();
    let folder = Folder::with(&[("mistake.vp", blocks[0]), ("right.vp", blocks[1])]);
    let run = folder.vpc("plan mistake.vp").ends(1);
    assert!(run.stderr.contains("error[V0701]"), "{}", run.stderr);
    assert_eq!(folder.vpc("plan right.vp").ends(0).stderr, "");
}

#[test]
fn every_job_has_its_figures() {
    let folder = Folder::with(&[("s.vp", SMALL)]);
    let run = folder.vpc("plan s.vp --json").ends(0);
    let plan: Value = serde_json::from_str(&run.stdout).unwrap();
    let jobs = plan["plan"]["jobs"].as_array().unwrap();
    assert_eq!(plan["costs"]["jobs"].as_object().unwrap().len(), jobs.len());
    for cost in costs(&plan, "pretrain") {
        // One layer of width 16 and hidden width 43 or so, 5,120 tokens in 40 steps.
        assert!(number(&cost["flops"]) > 1e8 && number(&cost["memory_bytes"]) > 1e5);
    }
    let listed = folder.vpc("plan s.vp --jobs").ends(0).stdout;
    assert!(
        listed.contains("time      memory        disk\n"),
        "{listed}"
    );
    // Finished jobs cost nothing.
    folder.vpc("run s.vp").ends(0);
    let run = folder.vpc("plan s.vp --json").ends(0);
    let plan: Value = serde_json::from_str(&run.stdout).unwrap();
    assert_eq!(plan["costs"]["jobs"], json!({}));
    assert_eq!(plan["costs"]["wall_seconds"], 0.0);
}

/// A study with one training of one sequence at a time for each scale of the standard library.
fn one_sequence(precision: &str) -> String {
    format!(
        "use std.scales
category code {{ source: world(code, size: 64 KiB) }}
tokenizer bpe {{ vocabulary: 512, data: code }}
experiment e {{
  vary scale: [nano, micro, mini, s340M, s1B, s3B, s7B, s13B]
  pretrain base {{
    model: scale, data: code, tokenizer: bpe, tokens: 100k, batch: 1, seed: 1
    precision: {precision}, activations: recomputed
  }}
}}
"
    )
}

/// Memory of a device by the formula of a forecast, for a model that is shared out over devices, beside what
/// the recorded step takes, for one that is not. In bf16 the step has gradients in f32 and a copy of the
/// weights, 18 bytes per parameter instead of 16; a small model's rows are padded to whole pieces of memory.
#[test]
fn the_formula_for_memory_is_near_the_recorded_step() {
    for (precision, low, high) in [("bf16", 0.95, 1.25), ("f32", 0.95, 1.25)] {
        let folder = Folder::with(&[("s.vp", &one_sequence(precision))]);
        let plan = folder.vpc("plan s.vp --json --pool 64xh200").ends(0).stdout;
        let plan: Value = serde_json::from_str(&plan).unwrap();
        let runs = costs(&plan, "pretrain");
        assert_eq!(runs.len(), 8);
        for run in runs {
            let replica = &run["replica"];
            let (recorded, devices) = (number(&replica["memory_bytes"]), number(&run["devices"]));
            // The formula shares the state out: 16 bytes of each parameter.
            let state = 16.0 * number(&run["parameters"]);
            let estimate = number(&replica["estimated_memory_bytes"]) - state / devices + state;
            let ratio = recorded / estimate;
            say(&format!(
                "{precision}, {} parameters: {:.3} GiB recorded, {ratio:.3} of the formula's",
                run["parameters"],
                recorded / f64::from(1 << 30)
            ));
            // What the smallest have besides their parameters is of no size that matters.
            if number(&run["parameters"]) > 1e8 {
                assert!((low..high).contains(&ratio), "{ratio}");
            }
            // What a device can hold is what the plan tells.
            if replica["fits"] == true {
                assert_eq!(run["memory_bytes"], replica["memory_bytes"]);
            }
        }
    }
}

/// A training that no device can hold is told before anything runs, with what would fit.
#[test]
fn what_fits_no_device_is_told_with_what_would() {
    let study = |scale: &str, more: &str| {
        SMALL
            .replace("category", "use std.scales\ncategory")
            .replace(
                "model: tiny",
                &format!("model: {scale}, precision: bf16{more}"),
            )
            .replace("seed: 1..2", "seed: 1..1")
    };
    let warned = |scale: &str, more: &str, pool: &str| {
        let folder = Folder::with(&[("s.vp", &study(scale, more))]);
        let run = folder.vpc(&format!("plan s.vp --pool {pool}")).ends(0);
        run.stderr
    };
    let kept = warned("s340M", ", batch: 64", "h100");
    assert!(
        kept.contains("with `activations: recomputed` it takes"),
        "{kept}"
    );
    let whole = warned("s340M", "", "h100");
    assert!(
        whole.contains("1_024 sequences") || whole.contains("1024 sequences"),
        "{whole}"
    );
    assert!(whole.contains("`micro_batch: "), "{whole}");
    let seven = warned("s7B", "", "64xh100");
    assert!(seven.contains("`vpc run` cannot do it"), "{seven}");
    // With what was advised it fits.
    let rows = whole.split("`micro_batch: ").nth(1).unwrap();
    let rows = rows.split('`').next().unwrap();
    let advised = format!(", activations: recomputed, micro_batch: {rows}");
    assert_eq!(warned("s340M", &advised, "h100"), "");
}

/// What was measured of a GPU is kept beside the processor's, and is of no matter where there is none.
#[test]
fn a_machine_without_a_gpu_cannot_measure_one() {
    let folder = Folder::with(&[("s.vp", SMALL)]);
    let file = ".cache/vpc/calibration.json";
    folder.vpc("calibrate --seconds 1").ends(0);
    let mut known: Value = serde_json::from_str(&folder.read(file)).unwrap();
    let point = json!({ "flops_per_step": 1e9, "tokens_per_step": 2048, "tokens_per_second": [1e5, 1.9e5] });
    known["gpus"]["made up"] = json!({ "at": 1, "f32": [point], "bf16": [point] });
    folder.write(file, known.to_string());
    let plan = folder.vpc("plan s.vp --json").ends(0);
    assert_eq!(plan.stderr, "");
    let plan: Value = serde_json::from_str(&plan.stdout).unwrap();
    assert!(plan["costs"]["place"]["gpus"].is_null());
    assert!(
        costs(&plan, "pretrain")
            .iter()
            .all(|run| run["device"] == "cpu")
    );
    let doctor: Value = serde_json::from_str(&folder.vpc("doctor --json").ends(0).stdout).unwrap();
    assert_eq!(doctor["calibrated"]["processor"], true);
    assert_eq!(doctor["calibrated"]["gpus"]["made up"], 1);
    // The processor is measured anew, and what is known of the GPU stays.
    folder.vpc("calibrate --seconds 1").ends(0);
    let again: Value = serde_json::from_str(&folder.read(file)).unwrap();
    assert_eq!(again["gpus"], known["gpus"]);
    folder.vpc("calibrate --device auto").ends(2);
    folder.vpc("calibrate --device gpu").ends(2);
    if !doctor["gpu"]["problem"].is_null() {
        let run = folder.vpc("calibrate --device cuda").ends(4);
        assert!(
            run.stderr.contains("libcuda") || run.stderr.contains("GPU"),
            "{}",
            run.stderr
        );
    }
    // The form before GPUs were measured is read as it was.
    let mut old = known;
    old["schema"] = json!(1);
    old.as_object_mut().unwrap().remove("gpus");
    folder.write(file, old.to_string());
    let plan = folder.vpc("plan s.vp").ends(0);
    assert!(!time_line(&plan).contains("calibrate"), "{}", plan.stdout);
    assert_eq!(plan.stderr, "");
}
