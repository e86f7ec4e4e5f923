//! A hundred thousand broken texts: no panic, no hang, no message that a user could not follow.
//!
//! Every input has a number and nothing else decides it, so that a failure comes again. It is
//! printed in full; should the process die of it, it lies in the file that `run` names.

#![expect(
    clippy::disallowed_methods,
    reason = "a test reads its files, its tier and a clock"
)]

#[path = "../common/mod.rs"]
mod common;
mod mutate;
mod properties;
mod run;
mod seeds;

use mutate::Random;
use properties::{check, read};
use seeds::Seeds;

/// How many inputs are made up and compiled, next to all truncations.
const COMPILED: u64 = 40_000;

/// How many more are parsed and formatted only, which is quicker.
const READ: u64 = 50_000;

/// 50 times as many in the long tier.
fn tier() -> u64 {
    let nightly = std::env::var("VPC_TIER").is_ok_and(|tier| tier == "nightly");
    if nightly { 50 } else { 1 }
}

#[test]
fn parts_deleted_doubled_swapped_and_spliced() {
    let seeds = Seeds::read();
    let text = move |number| mutate::text(&seeds, &mut Random::new(number));
    run::all("mutated", COMPILED * tier(), check, text);
}

#[test]
fn more_of_the_same_parsed_and_formatted() {
    let seeds = Seeds::read();
    let others = COMPILED * tier();
    let text = move |number| mutate::text(&seeds, &mut Random::new(others + number));
    run::all("read", READ * tier(), read, text);
}

#[test]
fn files_cut_off_at_each_offset() {
    let files = Seeds::read().files;
    let cuts: Vec<(usize, usize)> = files
        .iter()
        .enumerate()
        .flat_map(|(at, file)| {
            // The cost grows with the square of the length: of long files, every few offsets.
            let step = if tier() > 1 { 1 } else { 1 + file.len() / 2000 };
            let cuts = file.char_indices().step_by(step);
            cuts.map(move |(cut, _)| (at, cut))
        })
        .collect();
    assert!(cuts.len() > 10_000, "{} truncations", cuts.len());
    run::all("truncated", cuts.len() as u64, check, move |number| {
        let (at, cut) = cuts[number as usize];
        files[at][..cut].to_owned()
    });
}

#[test]
fn texts_deep_and_long() {
    run::all("extreme", 400 * tier(), check, |number| {
        mutate::extreme(&mut Random::new(number))
    });
}
