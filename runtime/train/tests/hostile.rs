//! Checkpoints made to harm: crafted headers and thousands of mutated files give errors, never a
//! panic, never a large allocation; and no pickle is ever read.

mod common;

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

/// A file with a header of this text, which says its own length, and as many bytes of data.
fn file(header: &str, data: usize) -> Vec<u8> {
    with_length(header.len() as u64, header.as_bytes(), data)
}

fn with_length(length: u64, header: &[u8], data: usize) -> Vec<u8> {
    [&length.to_le_bytes()[..], header, &vec![0; data]].concat()
}

/// One tensor of a header.
fn tensor(name: &str, dtype: &str, shape: &str, begin: u64, end: u64) -> String {
    format!(r#""{name}":{{"dtype":"{dtype}","shape":{shape},"data_offsets":[{begin},{end}]}}"#)
}

fn one(dtype: &str, shape: &str, begin: u64, end: u64) -> String {
    format!(
        "{{{}}}",
        tensor("model.norm.weight", dtype, shape, begin, end)
    )
}

const F: &str = "F32";

/// Lengths that lie about the header.
fn lengths() -> Vec<(&'static str, Vec<u8>)> {
    let header = one(F, "[12]", 0, 48);
    let long = header.len() as u64;
    let with = |length| with_length(length, header.as_bytes(), 48);
    vec![
        ("nothing", Vec::new()),
        ("seven bytes", vec![0; 7]),
        ("a header of no bytes", with(0)),
        ("a header one shorter", with(long - 1)),
        ("a header one longer", with(long + 1)),
        ("a header as long as the file", with(long + 48)),
        ("a header longer than the file", with(long + 49)),
        ("a header of 100 MB", with(100_000_001)),
        ("a header of 2^32", with(1 << 32)),
        ("a header of 2^63", with(1 << 63)),
        ("a header of 2^64 - 1", with(u64::MAX)),
        ("a header of 2^64 - 8", with(u64::MAX - 7)),
    ]
}

/// Headers that are no header.
fn texts() -> Vec<(&'static str, Vec<u8>)> {
    let deep = "[".repeat(200_000);
    let many: Vec<String> = (0..100_000)
        .map(|at| tensor(&format!("t{at}"), F, "[0]", 0, 0))
        .collect();
    vec![
        ("blanks", file(&" ".repeat(64), 0)),
        ("an empty object", file("{}", 0)),
        ("an array", file("[]", 0)),
        ("null", file("null", 0)),
        ("a cut object", file("{\"a\":", 0)),
        ("deep arrays", file(&format!("{{\"a\":{deep}"), 0)),
        ("zero bytes", file(&"\0".repeat(64), 0)),
        ("not UTF-8", with_length(4, b"{\"\xff\"", 0)),
        ("two headers", file("{}{}", 0)),
        (
            "100,000 tensors",
            file(&format!("{{{}}}", many.join(",")), 0),
        ),
        (
            "a name of 1 MB",
            file(
                &format!("{{{}}}", tensor(&"n".repeat(1 << 20), F, "[0]", 0, 0)),
                0,
            ),
        ),
        (
            "metadata that is no text",
            file(r#"{"__metadata__":{"step":7}}"#, 0),
        ),
        ("metadata that is a list", file(r#"{"__metadata__":[]}"#, 0)),
        (
            "a tensor that is a number",
            file(r#"{"model.norm.weight":3}"#, 0),
        ),
        (
            "a tensor without a shape",
            file(
                r#"{"model.norm.weight":{"dtype":"F32","data_offsets":[0,0]}}"#,
                0,
            ),
        ),
    ]
}

/// Tensors that cannot be.
fn tensors() -> Vec<(&'static str, Vec<u8>)> {
    let twice = format!(
        "{{{},{}}}",
        tensor("model.norm.weight", F, "[12]", 0, 48),
        tensor("model.norm.weight", F, "[12]", 48, 96)
    );
    let overlap = format!(
        "{{{},{}}}",
        tensor("a", F, "[12]", 0, 48),
        tensor("model.norm.weight", F, "[12]", 24, 72)
    );
    let shared = format!(
        "{{{},{}}}",
        tensor("a", F, "[0]", 0, 0),
        tensor("model.norm.weight", F, "[0]", 0, 0)
    );
    let hole = format!(
        "{{{},{}}}",
        tensor("a", F, "[12]", 0, 48),
        tensor("model.norm.weight", F, "[12]", 52, 100)
    );
    vec![
        ("another type", file(&one("F16", "[12]", 0, 24), 24)),
        ("no such type", file(&one("F33", "[12]", 0, 48), 48)),
        (
            "a type in small letters",
            file(&one("f32", "[12]", 0, 48), 48),
        ),
        (
            "a shape of negative size",
            file(&one(F, "[-12]", 0, 48), 48),
        ),
        ("a shape of broken size", file(&one(F, "[1.5]", 0, 6), 6)),
        (
            "a shape that overflows",
            file(&one(F, "[4194305,4194305,211106198978564]", 0, 16), 16),
        ),
        (
            "a shape of 2^64",
            file(&one(F, "[18446744073709551616]", 0, 48), 48),
        ),
        (
            "a shape of 2^64 - 1",
            file(&one(F, "[18446744073709551615]", 0, 48), 48),
        ),
        (
            "bytes that overflow",
            file(&one(F, "[4611686018427387904]", 0, 0), 0),
        ),
        (
            "a shape of 10,000 sizes",
            file(&one(F, &format!("[{}1]", "1,".repeat(9_999)), 0, 4), 4),
        ),
        ("offsets backwards", file(&one(F, "[12]", 48, 0), 48)),
        ("offsets beyond the end", file(&one(F, "[12]", 48, 96), 48)),
        (
            "offsets of 2^63",
            file(&one(F, "[12]", 1 << 63, (1 << 63) + 48), 48),
        ),
        (
            "offsets up to 2^64 - 1",
            file(&one(F, "[12]", 0, u64::MAX), 48),
        ),
        ("data too short", file(&one(F, "[12]", 0, 48), 47)),
        ("data too long", file(&one(F, "[12]", 0, 48), 49)),
        ("a name twice", file(&twice, 96)),
        ("tensors that overlap", file(&overlap, 72)),
        ("empty tensors at one place", file(&shared, 0)),
        ("a hole", file(&hole, 100)),
        ("one of the tensors", file(&one(F, "[12]", 0, 48), 48)),
    ]
}

/// What `torch.save`, `pickle.dump` and `numpy.save` write, and files that begin like others.
fn foreign() -> Vec<(&'static str, Vec<u8>)> {
    let zip = b"PK\x03\x04\x00\x00\x08\x08\x00\x00archive/data.pkl";
    vec![
        ("a .pt of today", [&zip[..], &[0; 400]].concat()),
        ("a .pkl", b"\x80\x04\x95\x1a\0\0\0\0\0\0\0\x8c\x05posix\x94\x8c\x06system\x94\x93\x94\x8c\x02id\x94\x85\x94R\x94.".to_vec()),
        ("a .pkl of protocol 0", b"cos\nsystem\n(S'id'\ntR.".to_vec()),
        ("a .npy", b"\x93NUMPY\x01\x00\x76\x00{'descr': '|O', }".to_vec()),
        ("an ELF program", b"\x7fELF\x02\x01\x01\0\0\0\0\0\0\0\0\0".to_vec()),
    ]
}

#[test]
fn crafted_files_are_refused() {
    let (sound, optimizer) = saved();
    let config = run(small());
    let crafted = [lengths(), texts(), tensors(), foreign()].concat();
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
