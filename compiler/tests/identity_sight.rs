//! Keys of adaptations, benchmarks and alignment: what must move them, and what must not.

mod common;

use std::collections::BTreeSet;

use common::{compile_with, plan};
use vpc_compiler::plan::{Key, Plan};

const STUDY: &str = r#"
category pages { source: text("data/pages.txt") }
scale tiny { layers: 1, width: 16, heads: 2, context: 16, batch: 4, rate: 0.01 }
tokenizer bpe { vocabulary: 300, data: pages }

label percept { word: "perception" }
label reason { word: "reasoning" }
label either { any: [percept, reason] }

dataset pairs { source: "data/a.json", items: 1000 }
dataset chats { source: "data/b.json", items: 5000, labels.percept: 2000, labels.either: 2500 }

encoder clear_eyes {
  family:  clip
  layers:  2
  width:   32
  heads:   4
  hidden:  64
  patch:   16
  image:   224
  weights: "data/eyes.safetensors"
}
encoder other_eyes = clear_eyes with { weights: "data/other.safetensors" }

adaptation seeing {
  encoder:       clear_eyes
  projector:     mlp(layers: 2, width: 48, activation: gelu)
  visual_tokens: 49
  stage joining {
    data:  pairs
    train: [projector]
    rate:  0.001
    batch: 16
  }
  stage tuning {
    data:         thin(chats, either, 50%)
    train:        [projector, model]
    rate:         0.0004
    batch:        32
    epochs:       2
    schedule:     cosine(warmup: 4%, floor: 0%)
    weight_decay: 0.2
  }
}

benchmark rooms { data: "data/rooms.tsv", items: 60, format: choice, chance: 25% }
benchmark cats  { data: "data/cats.tsv", items: 50, format: choice, chance: 25% }
benchmark facts { data: "data/facts.tsv", items: 40, format: choice }
suite sights {
  overall: mean_of_groups
  group everyday { benchmarks: [rooms, cats] }
  group learned  { benchmarks: [facts] }
}

experiment study {
  pretrain base { model: tiny, data: pages, tokenizer: bpe, tokens: 10k }
  adapt vlm { from: base, setup: seeing, seed: 3 }
  eval seen { from: vlm, suite: sights, explain: true, judge: endpoint("a judge") }
  align_score alike {
    from:       base
    data:       pairs
    encoders:   [clear_eyes, other_eyes]
    neighbours: 20
    pooling:    mean
    layers:     best
    clamp:      95%
  }
}
"#;

fn keys(plan: &Plan) -> BTreeSet<Key> {
    plan.jobs.iter().map(|job| job.key).collect()
}

/// Keys of the jobs of one kind.
fn of_kind(plan: &Plan, kind: &str) -> BTreeSet<Key> {
    let jobs = plan.jobs.iter().filter(|job| job.task.kind() == kind);
    jobs.map(|job| job.key).collect()
}

/// The key of a job by its name.
fn named(plan: &Plan, name: &str) -> Key {
    let known = |job: &&vpc_compiler::plan::Job| job.labels.iter().any(|label| **label == *name);
    let names = || {
        plan.jobs
            .iter()
            .map(vpc_compiler::plan::Job::name)
            .collect::<Vec<_>>()
    };
    let job = plan.jobs.iter().find(known);
    job.unwrap_or_else(|| panic!("no `{name}` among {:?}", names()))
        .key
}

/// The study with an edit that must apply once or more.
fn edited(from: &str, to: &str) -> Plan {
    assert!(STUDY.contains(from), "`{from}`");
    plan(&STUDY.replace(from, to))
}

/// Asserts that each edit gives the job a key of its own.
fn each_moves(name: &str, edits: &[(&str, &str)]) {
    let mut seen = vec![named(&plan(STUDY), name)];
    for (from, to) in edits {
        let key = named(&edited(from, to), name);
        assert!(!seen.contains(&key), "`{from}` → `{to}`");
        seen.push(key);
    }
}

#[test]
fn pinned_keys() {
    let plan = plan(STUDY);
    let lines: Vec<String> = plan
        .jobs
        .iter()
        .map(|job| format!("{} {}", job.key, job.name()))
        .collect();
    insta::assert_snapshot!(lines.join("\n"));
}

#[test]
fn names_move_no_key() {
    let before = keys(&plan(STUDY));
    let names = [
        "percept",
        "reason",
        "either",
        "pairs",
        "chats",
        "clear_eyes",
        "other_eyes",
        "seeing",
        "joining",
        "tuning",
        "rooms",
        "cats",
        "facts",
        "sights",
        "everyday",
        "learned",
        "vlm",
        "seen",
        "alike",
    ];
    for name in names {
        // Neither the words of labels nor files are names.
        let text = STUDY
            .replace("\"perception\"", "\0")
            .replace("\"reasoning\"", "\u{1}")
            .replace(&format!("data/{name}"), "\u{2}")
            .replace(name, "another_name")
            .replace('\0', "\"perception\"")
            .replace('\u{1}', "\"reasoning\"")
            .replace('\u{2}', &format!("data/{name}"));
        assert_ne!(text, STUDY);
        assert_eq!(before, keys(&plan(&text)), "{name}");
    }
}

#[test]
fn order_and_defaults_move_no_key() {
    let before = keys(&plan(STUDY));
    let edits: &[(&str, &str)] = &[
        ("[rooms, cats]", "[cats, rooms]"),
        (
            "  group everyday { benchmarks: [rooms, cats] }\n  group learned  { benchmarks: [facts] }\n",
            "  group learned  { benchmarks: [facts] }\n  group everyday { benchmarks: [rooms, cats] }\n",
        ),
        ("[percept, reason]", "[reason, percept]"),
        ("[percept, reason]", "[reason, percept, reason]"),
        ("[projector, model]", "[model, projector]"),
        ("chance: 25%", "chance: 20%"),
        ("items: 60,", "items: 61,"),   // known from the file
        ("items: 5000", "items: 5001"), // the same whole steps
        ("format: choice }", "format: choice, images: true }"),
        (
            "batch: 16\n",
            "batch: 16, epochs: 1, images: true, weight_decay: 0\n",
        ),
        ("data/rooms.tsv", "elsewhere/rooms.tsv"),
        ("data/a.json", "elsewhere/a.json"),
        ("data/eyes.safetensors", "elsewhere/eyes.safetensors"),
        ("50%)", "1/2)"),
        (
            "    pooling:    mean\n    layers:     best\n    clamp:      95%\n",
            "",
        ),
    ];
    for (from, to) in edits {
        assert_eq!(before, keys(&edited(from, to)), "`{from}` → `{to}`");
    }
}

#[test]
fn every_field_of_an_adaptation_moves_the_model() {
    each_moves(
        "study/vlm",
        &[
            ("visual_tokens: 49", "visual_tokens: 64"),
            ("mlp(layers: 2", "mlp(layers: 3"),
            ("width: 48", "width: 64"),
            ("activation: gelu", "activation: relu"),
            ("data:  pairs", "data:  sample(pairs, 500)"),
            ("data:  pairs", "data:  chats"),
            ("data:  pairs", "data:  join([pairs, chats])"),
            ("train: [projector]", "train: [projector, encoder]"),
            ("rate:  0.001", "rate:  0.002"),
            ("batch: 16", "batch: 17"),
            ("either, 50%", "either, 40%"),
            ("either, 50%", "percept, 50%"),
            ("epochs:       2", "epochs:       3"),
            ("warmup: 4%", "warmup: 5%"),
            ("floor: 0%", "floor: 1%"),
            ("weight_decay: 0.2", "weight_decay: 0.1"),
            ("seed: 3", "seed: 4"),
            ("tokens: 10k", "tokens: 20k"),
            ("data/a.json", "data/c.json"),
            ("items: 5000", "items: 9000"), // more steps
            ("word: \"perception\"", "word: \"looking\""),
        ],
    );
}

#[test]
fn every_field_of_an_encoder_moves_the_model() {
    each_moves(
        "study/vlm",
        &[
            ("family:  clip", "family:  mae"),
            ("family:  clip", "family:  vit"),
            ("layers:  2", "layers:  3"),
            ("width:   32", "width:   64"),
            ("heads:   4", "heads:   8"),
            ("hidden:  64", "hidden:  128"),
            ("patch:   16", "patch:   14"),
            ("image:   224", "image:   448"),
            ("data/eyes.safetensors", "data/blind.safetensors"),
            ("encoder:       clear_eyes", "encoder:       other_eyes"),
        ],
    );
}

#[test]
fn every_field_of_a_benchmark_moves_its_answers() {
    each_moves(
        "study/seen.rooms",
        &[
            ("data/rooms.tsv", "data/halls.tsv"),
            ("items: 60, format: choice", "items: 60, format: yes_no"),
            ("chance: 25%", "chance: 25%, images: false"),
            (
                "explain: true, judge: endpoint(\"a judge\")",
                "explain: false",
            ),
        ],
    );
}

#[test]
fn withholding_pictures_is_having_none() {
    assert_eq!(
        named(
            &edited("explain: true", "explain: true, images: false"),
            "study/seen.rooms"
        ),
        named(
            &edited("items: 60, ", "items: 60, images: false, "),
            "study/seen.rooms"
        ),
    );
}

#[test]
fn a_judge_moves_what_is_judged_and_no_answer() {
    let before = plan(STUDY);
    let after = edited("\"a judge\"", "\"another judge\"");
    assert_eq!(of_kind(&before, "answers"), of_kind(&after, "answers"));
    assert!(of_kind(&before, "judged").is_disjoint(&of_kind(&after, "judged")));
}

#[test]
fn grouping_moves_the_score_and_no_answer() {
    let before = plan(STUDY);
    for (from, to) in [
        ("mean_of_groups", "by_items"),
        ("[rooms, cats]", "[rooms]"),
        ("[facts]", "[facts, cats]"),
    ] {
        let after = edited(from, to);
        let (old, new) = (of_kind(&before, "answers"), of_kind(&after, "answers"));
        assert!(new.is_subset(&old), "`{from}` → `{to}`");
        assert!(
            of_kind(&before, "eval").is_disjoint(&of_kind(&after, "eval")),
            "`{from}` → `{to}`"
        );
    }
}

#[test]
fn every_field_of_an_alignment_score_moves_it() {
    each_moves(
        "study/alike",
        &[
            ("from:       base", "from:       base.at(5k)"),
            ("data:       pairs", "data:       chats"),
            ("[clear_eyes, other_eyes]", "[clear_eyes]"),
            ("[clear_eyes, other_eyes]", "other_eyes"),
            ("neighbours: 20", "neighbours: 21"),
            ("pooling:    mean", "pooling:    last"),
            ("layers:     best", "layers:     last"),
            ("clamp:      95%", "clamp:      99%"),
        ],
    );
}

/// The study with another experiment in place of its own.
fn with_experiment(entries: &str) -> Plan {
    let head = STUDY.split("experiment study").next().unwrap();
    plan(&format!(
        "{head}experiment study {{\n  pretrain base {{ model: tiny, data: pages, tokenizer: bpe, \
         tokens: 10k }}\n{entries}}}\n"
    ))
}

#[test]
fn setups_that_begin_alike_share_their_first_stage() {
    let plan = with_experiment(
        "  vary setup: [seeing, seeing with { tuning.rate: 0.5 }, seeing with { tuning.data: chats }]\n  \
         adapt vlm { from: base, setup: setup }\n",
    );
    assert_eq!(of_kind(&plan, "stage").len(), 1 + 3);
}

#[test]
fn a_stage_without_pictures_does_not_depend_on_what_sees() {
    let blind =
        "stage blind { data: chats, train: [model], images: false, rate: 0.1, before: joining }";
    let plan = with_experiment(&format!(
        "  vary eyes: [clear_eyes, other_eyes]\n  adapt vlm {{\n    from: base\n    \
         setup: seeing with {{ encoder: eyes, {blind} }}\n  }}\n"
    ));
    // One blind pass, then two stages for each encoder.
    assert_eq!(of_kind(&plan, "stage").len(), 1 + 2 * 2);
}

#[test]
fn a_checkpoint_at_the_end_is_the_run_itself() {
    let plan = with_experiment(
        "  adapt whole { from: base, setup: seeing }\n  \
         adapt last { from: base.at(10k), setup: seeing }\n  \
         adapt early { from: base.at(5k), setup: seeing }\n",
    );
    assert_eq!(named(&plan, "study/whole"), named(&plan, "study/last"));
    assert_ne!(named(&plan, "study/whole"), named(&plan, "study/early"));
}

#[test]
fn another_file_is_as_good_as_this_one() {
    let (head, experiment) = STUDY.split_once("experiment study").unwrap();
    let compiled = compile_with(
        &format!("use \"parts.vp\"\nexperiment study{experiment}"),
        &[("parts.vp", head)],
    );
    assert_eq!(keys(&compiled.plan.unwrap()), keys(&plan(STUDY)));
}

/// What is made of a benchmark by amending it has its own name in all of its jobs.
#[test]
fn amended_benchmarks_have_items_of_their_name() {
    let text = STUDY.replace(
        "benchmark facts { data: \"data/facts.tsv\", items: 40, format: choice }",
        "benchmark facts = cats with { data: \"data/facts.tsv\", items: 40 }",
    );
    let plan = plan(&text);
    let names: BTreeSet<&str> = plan
        .jobs
        .iter()
        .map(vpc_compiler::plan::Job::name)
        .collect();
    for name in ["dataset/cats", "dataset/facts", "features/facts@clear_eyes"] {
        assert!(names.contains(name), "{name} of {names:?}");
    }
}
