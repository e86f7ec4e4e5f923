//! Checkpoints made to harm: crafted headers and thousands of mutated files give errors, never a
//! panic, never a large allocation; and no pickle is ever read.

#[path = "../common/mod.rs"]
mod common;
mod crafted;

use std::io::Write;

use common::{advance, files, model, run};
use vpc_train::{Model, ModelConfig, Trainer};

fn small() -> ModelConfig {
    ModelConfig {
        width: 12,
        heads: 2,
        kv_heads: 1,
        hidden: 6,
        vocabulary: 17,
        context: 4,
        ..model()
    }
}

fn saved() -> (Vec<u8>, Vec<u8>) {
    let config = run(small());
    let mut trainer = Trainer::new(&config).expect("a sound configuration");
    advance(&mut trainer, &config, 2);
    files(&trainer)
}

/// Writes past the capture of the test runner, so that counts are seen.
fn say(line: &str) {
    _ = writeln!(std::io::stderr(), "{line}");
}

fn nightly() -> bool {
    std::env::var("VPC_TIER").is_ok_and(|tier| tier == "nightly")
}

#[test]
fn crafted_files_are_refused() {
    let (sound, optimizer) = saved();
    let config = run(small());
    let crafted = crafted::all();
    for (what, bytes) in &crafted {
        assert!(Model::load(&small(), bytes).is_err(), "{what}");
        assert!(
            Trainer::resume(&config, bytes, &optimizer).is_err(),
            "{what}"
        );
        assert!(Trainer::resume(&config, &sound, bytes).is_err(), "{what}");
    }
    assert!(Trainer::resume(&config, &sound, &optimizer).is_ok());
    say(&format!(
        "hostile checkpoints: {} crafted files refused",
        crafted.len()
    ));
    assert!(crafted.len() >= 40);
}

/// One to four changes of a file, most of them in its header.
fn mutated(sound: &[u8], seed: u64) -> Vec<u8> {
    let mut state = seed.wrapping_mul(0x9E37_79B9_7F4A_7C15) | 1;
    let mut roll = |sides: usize| {
        state ^= state << 13;
        state ^= state >> 7;
        state ^= state << 17;
        (state >> 11) as usize % sides.max(1)
    };
    let mut bytes = sound.to_vec();
    let header = 8 + usize::try_from(u64::from_le_bytes(sound[..8].try_into().expect("8 bytes")))
        .expect("a size");
    for _ in 0..=roll(4) {
        let within = if roll(8) == 0 {
            bytes.len()
        } else {
            header.min(bytes.len())
        };
        let at = roll(within);
        match roll(7) {
            0 if !bytes.is_empty() => bytes[at] ^= 1 << roll(8),
            1 if !bytes.is_empty() => bytes[at] = b"0123456789[]{},:\"-e."[roll(20)],
            2 => bytes.truncate(at),
            3 => bytes
                .splice(at..at, std::iter::repeat_n(b'9', roll(30)))
                .for_each(drop),
            4 => {
                let end = (at + roll(40)).min(bytes.len());
                bytes.drain(at.min(end)..end);
            }
            5 => {
                let from = roll(bytes.len());
                let piece = bytes[from..(from + roll(60)).min(bytes.len())].to_vec();
                bytes.splice(at..at, piece).for_each(drop);
            }
            _ => {
                // The length, so that the rest is read as something else.
                let length = (roll(header * 2) as u64).to_le_bytes();
                let there = bytes.len().min(8);
                bytes[..there].copy_from_slice(&length[..there]);
            }
        }
    }
    bytes
}

#[test]
fn mutated_files_are_refused_or_read() {
    let (sound, optimizer) = saved();
    let config = run(small());
    let tries = if nightly() { 100_000 } else { 10_000 };
    let (mut refused, mut read) = (0, 0);
    for seed in 0..tries {
        let outcome = if seed % 2 == 0 {
            Model::load(&small(), &mutated(&sound, seed))
                .map(drop)
                .map_err(|error| error.to_string())
        } else {
            let bad = mutated(&optimizer, seed);
            Trainer::resume(&config, &sound, &bad)
                .map(drop)
                .map_err(|error| error.to_string())
        };
        match outcome {
            Ok(()) => read += 1,
            Err(told) => {
                assert!(!told.is_empty());
                refused += 1;
            }
        }
    }
    say(&format!(
        "hostile checkpoints: {tries} mutated files, {refused} refused, {read} read, 0 panics"
    ));
    assert!(refused > tries / 2);
}

#[test]
fn no_part_of_the_program_can_read_pickles() {
    let lock = concat!(env!("CARGO_MANIFEST_DIR"), "/../../Cargo.lock");
    let lock = std::fs::read_to_string(lock).expect("the lock file of the workspace");
    let packages = lock.lines().filter_map(|line| line.strip_prefix("name = "));
    let pickles: Vec<_> = packages
        .filter(|name| {
            ["pickle", "tch", "torch", "npyz", "ndarray-npy"]
                .iter()
                .any(|one| name.contains(one))
        })
        .collect();
    assert_eq!(pickles, [""; 0]);
}
