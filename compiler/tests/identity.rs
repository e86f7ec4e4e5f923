//! Keys are about what a job computes: what must move them, and what must not.

mod common;

use std::collections::BTreeSet;

use common::{compile_with, plan};
use proptest::prelude::*;
use vpc_compiler::plan::{Key, Plan};

const ITEMS: &[&str] = &[
    "category plays { source: text(\"data/plays.txt\"), held_out: 10% }\n",
    "category pages { source: jsonl(\"data/pages.jsonl\", field: \"body\") }\n",
    "category world { source: world(web, seed: 2, size: 1 MiB) }\n",
    "mixture inner { plays: 40%, pages: rest }\n",
    "mixture mix(r: share) { inner: r, world: rest }\n",
    "scale tiny { layers: 1, width: 16, heads: 2, context: 16, batch: 4, rate: 0.01 }\n",
    "tokenizer bpe { vocabulary: 300, data: mix(50%), sample: 1 MiB }\n",
    "experiment study {\n  vary r: [20%, 40%]\n  vary seed: 1..2\n  pretrain base {\n    \
     model: tiny\n    data: mix(r)\n    tokenizer: bpe\n    tokens: 10k\n    seed: seed\n  }\n  \
     eval fit { from: base, suite: held_out([plays, world]) }\n}\n",
];

fn keys(plan: &Plan) -> BTreeSet<Key> {
    plan.jobs.iter().map(|job| job.key).collect()
}

fn base() -> String {
    ITEMS.concat()
}

/// Keys of the training jobs only.
fn training(plan: &Plan) -> BTreeSet<Key> {
    plan.jobs
        .iter()
        .filter(|job| job.task.kind() == "pretrain")
        .map(|job| job.key)
        .collect()
}

#[test]
fn pinned_keys() {
    let plan = plan(&base());
    let lines: Vec<String> = plan
        .jobs
        .iter()
        .map(|job| format!("{} {}", job.key, job.name()))
        .collect();
    insta::assert_snapshot!(lines.join("\n"));
}

#[test]
fn cosmetic_edits_move_no_key() {
    let before = keys(&plan(&base()));
    let edits: &[(&str, &str)] = &[
        ("plays", "theatre"),
        ("inner", "other_name"),
        ("experiment study", "experiment renamed \"with a doc\""),
        ("tiny", "small"),
        ("bpe", "words"),
        ("base", "model_one"),
        (
            "    tokens: 10k\n",
            "    tokens: 10_000 tokens   # a comment\n",
        ),
        ("    tokens: 10k\n", "    tokens: 10_001\n"), // the same whole steps
        ("held_out: 10%", "held_out: 1/10"),
        ("rate: 0.01", "rate: 1/100"),
        ("plays: 40%, pages: rest", "pages: 60%, plays: 2/5"),
        ("    seed: seed\n", "    seed: seed\n    keep: [5k]\n"),
        (
            "    seed: seed\n",
            "    seed: seed\n    batch: 4\n    weight_decay: 0.1\n",
        ),
        ("data/plays.txt", "elsewhere/plays.txt"), // the same content
        (
            "scale tiny { ",
            "scale tiny { tied: false, kv_heads: 2, hidden: 48, ",
        ),
    ];
    for (from, to) in edits {
        // `data/plays.txt` is a file's name: renaming the category must not rename the file.
        let text = base().replace("data/plays.txt", "\0").replace(from, to);
        let text = if from.starts_with("data/") {
            base().replace(from, to)
        } else {
            text
        };
        let after = keys(&plan(&text.replace('\0', "data/plays.txt")));
        assert_eq!(before, after, "`{from}` → `{to}`");
    }
}

#[test]
fn every_identity_field_moves_training_keys() {
    let before = training(&plan(&base()));
    let edits: &[(&str, &str)] = &[
        ("held_out: 10%", "held_out: 11%"),
        ("data/plays.txt", "data/other.txt"),
        ("field: \"body\"", "field: \"title\""),
        ("field: \"body\"", "field: [\"body\", \"title\"]"),
        ("field: \"body\"", "field: \"body\", join: \" \""),
        ("world(web, seed: 2", "world(code, seed: 2"),
        ("world(web, seed: 2", "world(web, seed: 3"),
        ("size: 1 MiB", "size: 2 MiB"),
        ("plays: 40%", "plays: 41%"),
        ("vocabulary: 300", "vocabulary: 301"),
        ("data: mix(50%)", "data: mix(51%)"),
        ("sample: 1 MiB", "sample: 2 MiB"),
        ("layers: 1", "layers: 2"),
        ("width: 16", "width: 32"),
        ("heads: 2", "heads: 4"),
        ("heads: 2", "heads: 2, kv_heads: 1"),
        ("heads: 2", "heads: 2, hidden: 64"),
        ("heads: 2", "heads: 2, rope_base: 500_000"),
        ("heads: 2", "heads: 2, tied: true"),
        ("context: 16", "context: 32"),
        ("batch: 4", "batch: 8"),
        ("rate: 0.01", "rate: 0.02"),
        ("tokens: 10k", "tokens: 20k"),
        ("seed: seed\n", "seed: seed + 10\n"),
        (
            "seed: seed\n",
            "seed: seed\n    schedule: cosine(warmup: 3%)\n",
        ),
        (
            "seed: seed\n",
            "seed: seed\n    schedule: cosine(floor: 20%)\n",
        ),
        ("seed: seed\n", "seed: seed\n    schedule: wsd()\n"),
        (
            "seed: seed\n",
            "seed: seed\n    schedule: wsd(decay: 20%)\n",
        ),
        ("seed: seed\n", "seed: seed\n    weight_decay: 0.2\n"),
        ("seed: seed\n", "seed: seed\n    beta1: 0.8\n"),
        ("seed: seed\n", "seed: seed\n    beta2: 0.9\n"),
        ("seed: seed\n", "seed: seed\n    clip: 2\n"),
    ];
    let mut seen = vec![before];
    for (from, to) in edits {
        let after = training(&plan(&base().replace(from, to)));
        assert!(
            seen.iter().all(|known| known.is_disjoint(&after)),
            "`{from}` → `{to}`"
        );
        seen.push(after);
    }
}

#[test]
fn a_zero_share_and_its_category_change_nothing() {
    let with = base().replace(
        "plays: 40%, pages: rest",
        "plays: 40%, world: 0%, pages: rest",
    );
    assert_eq!(keys(&plan(&base())), keys(&plan(&with)));
}

#[test]
fn another_file_is_as_good_as_this_one() {
    let categories: String = ITEMS.iter().take(5).copied().collect();
    let rest: String = ITEMS.iter().skip(5).copied().collect();
    let compiled = compile_with(
        &format!("use \"data.vp\"\n{rest}"),
        &[("data.vp", &categories)],
    );
    assert_eq!(keys(&compiled.plan.unwrap()), keys(&plan(&base())));
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(64))]

    #[test]
    fn declarations_in_any_order_give_the_same_keys(
        order in Just((0..ITEMS.len()).collect::<Vec<_>>()).prop_shuffle(),
        spaces in "[ \n]{0,3}",
    ) {
        let text: String =
            order.iter().map(|&at| format!("{spaces}# note\n{}", ITEMS[at])).collect();
        // White space before an item would move it out of column 0.
        let text: String = text.lines().map(|line| {
            let item = ["category", "mixture", "scale", "tokenizer", "experiment"];
            let trimmed = line.trim_start();
            let line = if item.iter().any(|kind| trimmed.starts_with(kind)) { trimmed } else { line };
            format!("{line}\n")
        }).collect();
        prop_assert_eq!(keys(&plan(&base())), keys(&plan(&text)));
    }

    #[test]
    fn nested_mixtures_are_exact(shares in prop::collection::vec(1_u32..1000, 2..6)) {
        // Shares of k/total for any k: always exactly one, however they nest.
        let total: u32 = shares.iter().sum();
        let names = ["plays", "pages", "world", "plays", "pages", "world"];
        let mut text: String = ITEMS.iter().take(3).copied().collect();
        let mut parts = Vec::new();
        for (at, share) in shares.iter().enumerate() {
            let (name, next) = (names[at], names[at + 1 - at / 5]);
            text += &format!("mixture m{at} {{ {name}: {share}/{total}, {next}: rest }}\n");
            parts.push(format!("m{at}: {share}/{total}"));
        }
        text += &format!("mixture all {{ {} }}\n", parts.join(", "));
        text += ITEMS[5];
        text += "tokenizer bpe { vocabulary: 300, data: all }\n";
        text += "experiment e { pretrain p { model: tiny, data: all, tokenizer: bpe, tokens: 1k } }\n";
        let plan = plan(&text);
        let sums: Vec<(u128, u128)> = plan.jobs.iter().filter_map(|job| match &job.task {
            vpc_compiler::plan::Task::Pretrain(task) => Some(task.shares.iter().fold((0, 1), |(n, d), share| {
                let (a, b) = share.parts();
                (n * u128::from(b) + u128::from(a) * d, d * u128::from(b))
            })),
            _ => None,
        }).collect();
        for (numerator, denominator) in sums {
            prop_assert_eq!(numerator, denominator);
        }
    }

    #[test]
    fn any_edit_compiles_without_panic(at in 0_usize..700, cut in 0_usize..12, put in "[ -~\n]{0,6}") {
        let text = base();
        let start = at.min(text.len());
        let end = (start + cut).min(text.len());
        let edited = format!("{}{put}{}", &text[..start], &text[end..]);
        let _ = compile_with(&edited, &[]);
    }
}
