//! Sweeps around the limit of a million points: refused at once above it, bearable below.

#![expect(
    clippy::disallowed_methods,
    reason = "a test reads its tier, a clock and its own memory"
)]

mod common;

use std::time::{Duration, Instant};

use common::compile_with;

const AROUND: &str =
    "use std.scales\nuse std.world\ntokenizer bpe { vocabulary: 300, data: web }\n";

/// An experiment with these entries before its one job.
fn study(entries: &str, seed: &str) -> String {
    format!(
        "{AROUND}experiment e {{\n{entries}  pretrain p {{ model: nano, data: web, tokenizer: bpe, \
         tokens: 1k, seed: {seed} }}\n}}\n"
    )
}

/// Peak memory of this process in MiB, where the system tells.
fn peak() -> Option<u64> {
    let status = std::fs::read_to_string("/proc/self/status").ok()?;
    let line = status.lines().find(|line| line.starts_with("VmHWM:"))?;
    let kib: u64 = line.split_whitespace().nth(1)?.parse().ok()?;
    Some(kib >> 10)
}

/// Asserts that a text is refused by the limit, in little time and memory.
fn refused(text: &str) {
    let start = Instant::now();
    let compiled = compile_with(text, &[]);
    assert!(start.elapsed() < Duration::from_secs(2), "{text}");
    let codes: Vec<&str> = compiled
        .problems
        .iter()
        .map(|problem| problem.code.0)
        .collect();
    assert_eq!(codes, ["V0405"], "{text}");
    if let Some(peak) = peak() {
        assert!(peak < 256, "{peak} MiB for\n{text}");
    }
}

#[test]
fn more_than_a_million_points_are_refused_at_once() {
    refused(&study(
        "  vary a: 1..1001\n  vary b: 1..1000\n",
        "a * 10_000 + b",
    ));
    let axes: String = ('a'..='z')
        .map(|axis| format!("  vary {axis}_: 1..9\n"))
        .collect();
    let all: Vec<String> = ('a'..='z').map(|axis| format!("{axis}_")).collect();
    refused(&study(&axes, &all.join(" + ")));
    let filtered = "  vary a: 1..10_000\n  vary b: 1..10_000\n  where a == b\n";
    refused(&study(filtered, "a"));
    refused(&study("  vary a: 1..1_000_001\n", "a"));
    refused("let a = 1..1T\n");
}

#[test]
fn a_product_at_the_limit_of_another_job_is_fine() {
    // Each job meets the limit by itself: it repeats over its own axes only.
    let text = study("  vary a: 1..500\n  vary b: 1..500\n", "a").replace(
        "  pretrain p",
        "  pretrain q { model: nano, data: web, tokenizer: bpe, tokens: 1k, seed: 1000 + b }\n  pretrain p",
    );
    let plan = common::plan(&text);
    assert_eq!(plan.experiments[0].runs.len(), 1000);
}

#[test]
fn a_million_points_are_borne() {
    if std::env::var("VPC_TIER").is_ok_and(|tier| tier == "nightly") {
        let text = study("  vary a: 1..1000\n  vary b: 1..1000\n", "a * 10_000 + b");
        let start = Instant::now();
        let compiled = compile_with(&text, &[]);
        let plan = compiled.plan.unwrap();
        assert_eq!(plan.experiments[0].runs.len(), 1_000_000);
        if let Some(peak) = peak() {
            let seconds = start.elapsed().as_secs();
            assert!(peak < 8 << 10, "{peak} MiB, {seconds} s");
        }
    } else {
        // A hundredth of it, to see the whole way.
        let text = study("  vary a: 1..100\n  vary b: 1..100\n", "a * 10_000 + b");
        assert_eq!(common::plan(&text).experiments[0].runs.len(), 10_000);
    }
}
