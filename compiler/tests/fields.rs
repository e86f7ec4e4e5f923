//! Every field of the schema, flipped: operation fields move no key, identity fields do, and the
//! difference that is told is just the field.

mod common;

use std::collections::{BTreeMap, BTreeSet};

use common::plan;
use vpc_compiler::plan::{Change, Job, Needed, Plan, Replaced, Side};
use vpc_compiler::schema::{KINDS, Role};

/// A study that writes out a field of each kind that jobs are made of.
const STUDY: &str = r#"
label percept { word: "perception" }
label reason { word: "reasoning" }
label either { any: [percept, reason] }
category pages { source: text("data/pages.txt"), held_out: 10%, supply: 1M, labels.percept: 20% }
category items {
  source: jsonl("data/items.jsonl", field: "text", labels: "labels")
  labels.either: 30%
  labels.percept: 20%
}
mixture chosen = only(items, either)
mixture m { pages: 60%, chosen: rest }
tokenizer bpe { vocabulary: 300, data: pages, sample: 1 MiB }
tokenizer words { vocabulary: 400, file: "data/words.json" }
scale tiny {
  layers: 1, width: 16, heads: 2, kv_heads: 2, hidden: 48, context: 16, rope_base: 10_000
  tied: false, batch: 4, rate: 0.01
}
dataset pairs { source: "data/a.json", items: 1000, labels.percept: 400 }
dataset chats { source: planned("chats"), items: 5000 }
dataset drawn { source: scenes([caption, existence], side: train, seed: 3), items: 100 }
dataset photos {
  source: folder("photographs", ask: options, options: 3, held_out: 20%, side: train, broken: skip)
  items:  50
}
dataset listed {
  source: items("data/c.jsonl", pictures: "photographs", question: "words", broken: fatal)
  items:  40
}
encoder eyes {
  family: clip, layers: 2, width: 32, heads: 4, hidden: 64, patch: 16, image: 224
  weights: "data/eyes.safetensors"
}
encoder others = eyes with { family: dinov2, mlp: plain, weights: "data/other.safetensors" }
encoder taught = eyes with { family:  clip, weights: contrastive(drawn, epochs: 4, batch: 8, rate: 0.003, seed: 6) }
adaptation seeing {
  encoder:       eyes
  projector:     mlp(layers: 2, width: 48, activation: gelu)
  visual_tokens: 49
  layer:         1
  template:      "{question} {answer}"
  stage joining { data: pairs, train: [projector], images: true, rate: 0.001, batch: 16 }
  stage tuning {
    data: chats, train: [projector, model], rate: 0.0004, batch: 32, epochs: 2
    schedule: cosine(warmup: 4%, floor: 0%), weight_decay: 0.2
  }
}
adaptation longer = seeing with {
  stage third { data: join([photos, listed]), train: [model], rate: 0.1, before: tuning }
}
benchmark rooms { data: "data/rooms.tsv", items: 60, format: choice, images: true, chance: 25% }
benchmark facts { data: "data/facts.tsv", items: 40, format: yes_no }
benchmark notes { data: "data/notes.tsv", items: 20, format: short_answer, score: exact, images: false }
benchmark sides { data: "data/sides.tsv", items: 30, format: likelihood, compare: bytes, images: false }
suite sights {
  overall: mean_of_groups
  group everyday { benchmarks: [rooms] }
  group learned  { benchmarks: [facts] }
}
experiment study {
  pretrain base {
    model: tiny, data: m, tokenizer: bpe, tokens: 12_800, batch: 4, rate: 0.02
    schedule: cosine(warmup: 10%, floor: 10%), weight_decay: 0.1, beta1: 0.9, beta2: 0.95
    clip: 1, precision: f32, micro_batch: 2, activations: kept, seed: 5, keep: [6400], max_epochs: 100
  }
  pretrain other { model: tiny, data: pages, tokenizer: bpe, tokens: 6400 }
  pretrain given { model: tiny, data: pages, tokenizer: words, tokens: 6400 }
  adapt vlm { from: base, setup: seeing, seed: 8 }
  adapt far { from: base, setup: longer }
  eval fit { from: base, suite: held_out([pages, items]) }
  eval seen {
    from: vlm, suite: sights, explain: true, images: true, judge: endpoint("a judge")
  }
  eval read { from: base, suite: sides }
  eval wrote { from: base, suite: notes }
  align_score alike {
    from: base, data: pairs, encoders: [eyes, others, taught], neighbours: 20, pooling: mean
    layers: best, clamp: 95%
  }
}
"#;

/// Kind and field, an edit of it, and what is told to differ; nothing for an operation field.
type Flip = (
    &'static str,
    &'static str,
    &'static str,
    &'static str,
    &'static [&'static str],
);

const FLIPS: &[Flip] = &[
    (
        "label",
        "word",
        "word: \"reasoning\"",
        "word: \"thought\"",
        &["labels chosen"],
    ),
    (
        "label",
        "any",
        "any: [percept, reason]",
        "any: [reason]",
        &["labels chosen"],
    ),
    (
        "category",
        "source",
        "data/pages.txt",
        "data/other.txt",
        &["data/other.txt"],
    ),
    (
        "category",
        "source",
        "field: \"text\"",
        "field: \"body\"",
        &["field"],
    ),
    (
        "category",
        "source",
        ", labels: \"labels\"",
        ", labels: \"tags\"",
        &["labels"],
    ),
    (
        "category",
        "held_out",
        "held_out: 10%",
        "held_out: 20%",
        &["held_out"],
    ),
    ("category", "supply", "supply: 1M", "supply: 2M", &[]),
    (
        "category",
        "labels.…",
        "labels.percept: 20% }\ncategory",
        "labels.percept: 25% }\ncategory",
        &[],
    ),
    (
        "tokenizer",
        "vocabulary",
        "vocabulary: 300",
        "vocabulary: 310",
        &["vocabulary"],
    ),
    (
        "tokenizer",
        "data",
        "data: pages, sample",
        "data: chosen, sample",
        &["share of items.either", "share of pages"],
    ),
    (
        "tokenizer",
        "sample",
        "sample: 1 MiB",
        "sample: 2 MiB",
        &["sample"],
    ),
    (
        "tokenizer",
        "file",
        "data/words.json",
        "data/terms.json",
        &["data/terms.json"],
    ),
    ("scale", "layers", "layers: 1", "layers: 2", &["layers"]),
    ("scale", "width", "width: 16", "width: 32", &["width"]),
    ("scale", "heads", "heads: 2, kv", "heads: 4, kv", &["heads"]),
    (
        "scale",
        "kv_heads",
        "kv_heads: 2",
        "kv_heads: 1",
        &["kv_heads"],
    ),
    ("scale", "hidden", "hidden: 48", "hidden: 64", &["hidden"]),
    (
        "scale",
        "context",
        "context: 16",
        "context: 32",
        &["context"],
    ),
    (
        "scale",
        "rope_base",
        "rope_base: 10_000",
        "rope_base: 20_000",
        &["rope_base"],
    ),
    ("scale", "tied", "tied: false", "tied: true", &["tied"]),
    (
        "scale",
        "batch",
        "tied: false, batch: 4",
        "tied: false, batch: 8",
        &["batch"],
    ),
    ("scale", "rate", "rate: 0.01\n", "rate: 0.03\n", &["rate"]),
    (
        "dataset",
        "source",
        "data/a.json",
        "data/b.json",
        &["data/b.json"],
    ),
    ("dataset", "items", "items: 5000", "items: 6000", &["items"]),
    (
        "dataset",
        "labels.…",
        "labels.percept: 400",
        "labels.percept: 300",
        &[],
    ),
    (
        "dataset",
        "source",
        "[caption, existence], side",
        "[caption, size], side",
        &["source"],
    ),
    (
        "dataset",
        "source",
        "existence], side: train",
        "existence], side: test",
        &["side"],
    ),
    (
        "dataset",
        "source",
        "side: train, seed: 3",
        "side: train, seed: 4",
        &["seed"],
    ),
    (
        "dataset",
        "items",
        "seed: 3), items: 100",
        "seed: 3), items: 90",
        &["items"],
    ),
    (
        "dataset",
        "source",
        "ask: options, options: 3",
        "ask: options, options: 4",
        &["options"],
    ),
    (
        "dataset",
        "source",
        "ask: options",
        "ask: caption",
        &["ask", "options", "seed"],
    ),
    (
        "dataset",
        "source",
        "held_out: 20%",
        "held_out: 30%",
        &["held_out"],
    ),
    (
        "dataset",
        "source",
        "20%, side: train",
        "20%, side: test",
        &["side"],
    ),
    (
        "dataset",
        "source",
        "broken: skip",
        "broken: fatal",
        &["broken"],
    ),
    (
        "dataset",
        "source",
        "question: \"words\"",
        "question: \"text\"",
        &["field"],
    ),
    (
        "dataset",
        "source",
        "\"data/c.jsonl\"",
        "\"data/d.jsonl\"",
        &["data/d.jsonl"],
    ),
    ("encoder", "weights", "epochs: 4", "epochs: 5", &["epochs"]),
    ("encoder", "weights", "batch: 8", "batch: 4", &["batch"]),
    (
        "encoder",
        "weights",
        "rate: 0.003",
        "rate: 0.002",
        &["rate"],
    ),
    ("encoder", "weights", "seed: 6", "seed: 7", &["seed"]),
    (
        "encoder",
        "family",
        "family: clip",
        "family: mae",
        &["family"],
    ),
    (
        "encoder",
        "layers",
        "layers: 2, width: 32",
        "layers: 3, width: 32",
        &["layers"],
    ),
    (
        "encoder",
        "width",
        "width: 32, heads: 4",
        "width: 64, heads: 4",
        &["width"],
    ),
    (
        "encoder",
        "heads",
        "width: 32, heads: 4",
        "width: 32, heads: 8",
        &["heads"],
    ),
    (
        "encoder",
        "hidden",
        "hidden: 64",
        "hidden: 128",
        &["hidden"],
    ),
    ("encoder", "mlp", "mlp: plain", "mlp: gated", &["mlp"]),
    ("encoder", "patch", "patch: 16", "patch: 14", &["patch"]),
    ("encoder", "image", "image: 224", "image: 448", &["image"]),
    (
        "encoder",
        "weights",
        "data/eyes.safetensors",
        "data/new.safetensors",
        &["data/new.safetensors"],
    ),
    (
        "adaptation",
        "encoder",
        "encoder:       eyes",
        "encoder:       others",
        &[
            "another",
            "features/listed@eyes",
            "features/listed@others",
            "features/photos@eyes",
            "features/photos@others",
        ],
    ),
    (
        "adaptation",
        "projector",
        "layers: 2, width: 48",
        "layers: 3, width: 48",
        &["projector_layers"],
    ),
    (
        "adaptation",
        "visual_tokens",
        "visual_tokens: 49",
        "visual_tokens: 64",
        &["visual_tokens"],
    ),
    (
        "stage",
        "data",
        "joining { data: pairs",
        "joining { data: sample(pairs, 992)",
        &["another"],
    ),
    (
        "stage",
        "train",
        "train: [projector],",
        "train: [projector, encoder],",
        &[
            "dataset/chats",
            "dataset/facts",
            "dataset/listed",
            "dataset/pairs",
            "dataset/photos",
            "dataset/rooms",
            "encoder/eyes",
            "features/chats@eyes",
            "features/facts@eyes",
            "features/listed@eyes",
            "features/pairs@eyes",
            "features/photos@eyes",
            "features/rooms@eyes",
            "layer",
            "train_encoder",
        ],
    ),
    (
        "stage",
        "images",
        "images: true, rate: 0.001",
        "images: false, rate: 0.001",
        &[
            "activation",
            "features/pairs@eyes",
            "images",
            "projector_layers",
            "projector_width",
            "visual_tokens",
        ],
    ),
    ("stage", "rate", "rate: 0.0004", "rate: 0.0005", &["rate"]),
    ("stage", "batch", "batch: 16", "batch: 32", &["batch"]),
    ("stage", "epochs", "epochs: 2", "epochs: 3", &["epochs"]),
    ("stage", "schedule", "warmup: 4%", "warmup: 8%", &["warmup"]),
    (
        "stage",
        "weight_decay",
        "weight_decay: 0.2",
        "weight_decay: 0.3",
        &["weight_decay"],
    ),
    (
        "stage",
        "before",
        "rate: 0.1, before: tuning",
        "rate: 0.1, before: joining",
        &["another"],
    ),
    (
        "benchmark",
        "data",
        "data/rooms.tsv",
        "data/halls.tsv",
        &["data/halls.tsv"],
    ),
    ("benchmark", "items", "items: 60", "items: 70", &[]),
    (
        "adaptation",
        "layer",
        "layer:         1",
        "layer:         2",
        &["layer"],
    ),
    (
        "adaptation",
        "template",
        "{question} {answer}",
        "{question}: {answer}",
        &["template"],
    ),
    (
        "benchmark",
        "compare",
        "compare: bytes",
        "compare: whole",
        &["compare"],
    ),
    (
        "benchmark",
        "score",
        "score: exact",
        "score: agreement",
        &["score"],
    ),
    (
        "benchmark",
        "format",
        "format: yes_no",
        "format: short_answer",
        &["format"],
    ),
    (
        "benchmark",
        "images",
        "format: choice, images: true",
        "format: choice, images: false",
        &["dataset/rooms", "features/rooms@eyes", "images"],
    ),
    ("benchmark", "chance", "chance: 25%", "chance: 20%", &[]),
    (
        "suite",
        "overall",
        "mean_of_groups",
        "by_items",
        &["overall"],
    ),
    (
        "group",
        "benchmarks",
        "[facts]",
        "[facts, rooms]",
        &["groups"],
    ),
    (
        "pretrain",
        "model",
        "base {\n    model: tiny",
        "base {\n    model: tiny with { tied: true }",
        &["tied"],
    ),
    (
        "pretrain",
        "data",
        "pages: 60%",
        "pages: 50%",
        &["share of items.either", "share of pages"],
    ),
    (
        "pretrain",
        "tokenizer",
        "data: m, tokenizer: bpe",
        "data: m, tokenizer: words",
        &["another", "vocabulary"],
    ),
    (
        "pretrain",
        "tokens",
        "tokens: 12_800",
        "tokens: 25_600",
        &["tokens"],
    ),
    (
        "pretrain",
        "batch",
        "batch: 4, rate: 0.02",
        "batch: 8, rate: 0.02",
        &["batch"],
    ),
    ("pretrain", "rate", "rate: 0.02", "rate: 0.03", &["rate"]),
    (
        "pretrain",
        "schedule",
        "cosine(warmup: 10%",
        "linear(warmup: 10%",
        &["schedule"],
    ),
    (
        "pretrain",
        "weight_decay",
        "weight_decay: 0.1,",
        "weight_decay: 0.2,",
        &["weight_decay"],
    ),
    (
        "pretrain",
        "beta1",
        "beta1: 0.9,",
        "beta1: 0.8,",
        &["beta1"],
    ),
    ("pretrain", "beta2", "beta2: 0.95", "beta2: 0.9", &["beta2"]),
    ("pretrain", "clip", "clip: 1,", "clip: 2,", &["clip"]),
    (
        "pretrain",
        "precision",
        "precision: f32",
        "precision: bf16",
        &["precision"],
    ),
    (
        "pretrain",
        "micro_batch",
        "micro_batch: 2",
        "micro_batch: 3",
        &["micro_batch"],
    ),
    (
        "pretrain",
        "activations",
        "activations: kept",
        "activations: recomputed",
        &[],
    ),
    ("pretrain", "seed", "seed: 5", "seed: 6", &["seed"]),
    (
        "pretrain",
        "keep",
        "keep: [6400]",
        "keep: [3200, 6400]",
        &[],
    ),
    (
        "pretrain",
        "max_epochs",
        "max_epochs: 100",
        "max_epochs: 101",
        &[],
    ),
    (
        "adapt",
        "from",
        "vlm { from: base",
        "vlm { from: other",
        &["another"],
    ),
    (
        "adapt",
        "setup",
        "setup: seeing, seed",
        "setup: longer, seed",
        &["another"],
    ),
    ("adapt", "seed", "seed: 8", "seed: 4", &["seed"]),
    (
        "eval",
        "from",
        "fit { from: base",
        "fit { from: other",
        &["another"],
    ),
    (
        "eval",
        "suite",
        "held_out([pages, items])",
        "held_out([pages])",
        &["items"],
    ),
    (
        "eval",
        "explain",
        "explain: true, images: true, judge: endpoint(\"a judge\")",
        "explain: false, images: true",
        &[
            "explain",
            "study/seen.facts",
            "study/seen.facts.judged",
            "study/seen.rooms",
            "study/seen.rooms.judged",
        ],
    ),
    (
        "eval",
        "images",
        "explain: true, images: true",
        "explain: true, images: false",
        &[
            "dataset/facts",
            "dataset/rooms",
            "features/facts@eyes",
            "features/rooms@eyes",
            "images",
        ],
    ),
    (
        "eval",
        "judge",
        "\"a judge\"",
        "\"another judge\"",
        &["judge"],
    ),
    (
        "align_score",
        "from",
        "alike {\n    from: base",
        "alike {\n    from: other",
        &["another"],
    ),
    (
        "align_score",
        "data",
        "from: base, data: pairs",
        "from: base, data: chats",
        &["another"],
    ),
    (
        "align_score",
        "encoders",
        "[eyes, others, taught]",
        "[eyes]",
        &["encoder/others", "encoder/taught"],
    ),
    (
        "align_score",
        "neighbours",
        "neighbours: 20",
        "neighbours: 21",
        &["neighbours"],
    ),
    (
        "align_score",
        "pooling",
        "pooling: mean",
        "pooling: last",
        &["pooling"],
    ),
    (
        "align_score",
        "layers",
        "layers: best",
        "layers: last",
        &["layers"],
    ),
    (
        "align_score",
        "clamp",
        "clamp: 95%",
        "clamp: 99%",
        &["clamp"],
    ),
];

/// Kinds that jobs are made of; the others are experiments, mixtures, and what is made of results.
const KINDS_OF_JOBS: &[&str] = &[
    "label",
    "category",
    "tokenizer",
    "dataset",
    "scale",
    "encoder",
    "adaptation",
    "stage",
    "benchmark",
    "suite",
    "group",
    "pretrain",
    "adapt",
    "eval",
    "align_score",
];

/// A plan's jobs by each of their names.
fn by_name(plan: &Plan) -> BTreeMap<&str, &Job> {
    let jobs = plan.jobs.iter();
    jobs.flat_map(|job| job.labels.iter().map(move |label| (&**label, job)))
        .collect()
}

fn needs(plan: &Plan, job: &Job) -> Vec<Needed> {
    let named = |key| plan.job(key).map_or("", Job::name).to_owned();
    let inputs = job.inputs.iter().map(|input| Needed {
        role: input.role.to_string(),
        key: input.key,
        name: named(input.key),
    });
    inputs.collect()
}

fn side<'a>(job: &'a Job, inputs: &'a [Needed]) -> Side<'a> {
    Side {
        task: &job.task,
        version: job.task.version(),
        build: None,
        inputs,
    }
}

/// What differs in itself between jobs of the same names; an input that is a job of another name
/// is `another`.
fn differences(before: &Plan, after: &Plan) -> BTreeSet<String> {
    let (old, new) = (by_name(before), by_name(after));
    let mut told = BTreeSet::new();
    for (name, job) in &new {
        let Some(was) = old.get(name).filter(|was| was.key != job.key) else {
            continue;
        };
        let (had, has) = (needs(before, was), needs(after, job));
        let change = Change::between(side(was, &had), side(job, &has));
        assert!(
            change.extent() > 0,
            "{name} has another key and no difference"
        );
        told.extend(change.own.iter().map(|what| {
            assert!(!what.to_string().is_empty());
            what.subject()
        }));
        let renamed = |one: &&Replaced| one.before.name != one.after.name;
        if change.inputs.iter().any(|one| renamed(&one)) {
            told.insert("another".to_owned());
        }
    }
    told
}

#[test]
fn every_field_is_flipped() {
    let flipped: BTreeSet<(&str, &str)> = FLIPS.iter().map(|flip| (flip.0, flip.1)).collect();
    let kinds = KINDS
        .iter()
        .filter(|kind| KINDS_OF_JOBS.contains(&kind.name));
    let fields: BTreeSet<(&str, &str)> = kinds
        .flat_map(|kind| kind.fields.iter().map(|field| (kind.name, field.name)))
        .collect();
    assert_eq!(flipped, fields);
}

#[test]
fn a_flip_moves_keys_by_the_role_of_its_field() {
    let base = plan(STUDY);
    let keys = |plan: &Plan| plan.jobs.iter().map(|job| job.key).collect::<BTreeSet<_>>();
    let mut wrong = Vec::new();
    for (kind, field, from, to, told) in FLIPS {
        assert_eq!(STUDY.matches(from).count(), 1, "`{from}`");
        let flipped = plan(&STUDY.replace(from, to));
        let row = KINDS.iter().find(|one| one.name == *kind).unwrap();
        let mut fields = row.fields.iter();
        let role = fields.find(|one| one.name == *field).unwrap().role;
        let moved = keys(&base) != keys(&flipped);
        let found = differences(&base, &flipped);
        let told: BTreeSet<String> = told.iter().map(|&word| word.to_owned()).collect();
        if moved != (role == Role::Identity) || found != told {
            wrong.push(format!(
                "{kind}.{field} is {role:?}, `{from}` → `{to}` moved: {moved}, told: {found:?}"
            ));
        }
    }
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
}
