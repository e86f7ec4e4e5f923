//! Tokenizers made to harm: thousands of mutated `tokenizer.json` files give errors or work.

use std::io::Write;

use vpc_data::{Tokenizer, train_bpe};

/// What a sound tokenizer is tried on.
const TEXT: &str = "The old fox, 12 boats\n\tand <|end|> \u{e9}\u{301}\u{1f980} <s></s>";

fn sound() -> Vec<u8> {
    let texts = [
        "the old fox saw the old boat ",
        "a small bird and a small boat ",
    ];
    let trained = train_bpe(texts.into_iter().cycle().take(50), 290);
    trained.expect("a tokenizer").json
}

fn nightly() -> bool {
    std::env::var("VPC_TIER").is_ok_and(|tier| tier == "nightly")
}

/// One to four changes of a text, by bytes that mean something in JSON.
fn mutated(sound: &[u8], seed: u64) -> Vec<u8> {
    let mut state = seed.wrapping_mul(0x9E37_79B9_7F4A_7C15) | 1;
    let mut roll = |sides: usize| {
        state ^= state << 13;
        state ^= state >> 7;
        state ^= state << 17;
        (state >> 11) as usize % sides.max(1)
    };
    let mut bytes = sound.to_vec();
    for _ in 0..=roll(4) {
        let at = roll(bytes.len());
        let end = (at + roll(30)).min(bytes.len());
        match roll(6) {
            0 if !bytes.is_empty() => bytes[at] ^= 1 << roll(8),
            1 if !bytes.is_empty() => bytes[at] = b"0123456789[]{},:\"-en"[roll(20)],
            2 if roll(10) == 0 => bytes.truncate(at),
            3 => bytes
                .splice(at..at, std::iter::repeat_n(b'9', roll(25)))
                .for_each(drop),
            4 => drop(bytes.drain(at..end)),
            _ => {
                let from = roll(bytes.len());
                let piece = bytes[from..(from + roll(60)).min(bytes.len())].to_vec();
                bytes.splice(at..at, piece).for_each(drop);
            }
        }
    }
    bytes
}

#[test]
fn mutated_tokenizers_are_refused_or_work() {
    let sound = sound();
    let tries = if nightly() { 100_000 } else { 10_000 };
    let (mut refused, mut read) = (0, 0);
    for seed in 0..tries {
        match Tokenizer::from_json(&mutated(&sound, seed)) {
            Err(error) => {
                assert!(!error.to_string().is_empty());
                refused += 1;
            }
            Ok(tokenizer) => {
                if let Ok(tokens) = tokenizer.encode(TEXT) {
                    _ = tokenizer.decode(&tokens);
                }
                read += 1;
            }
        }
    }
    _ = writeln!(
        std::io::stderr(),
        "hostile tokenizers: {tries} mutated files, {refused} refused, {read} read, 0 panics"
    );
    assert!(refused > 0 && read > 0);
}

#[test]
fn other_files_are_no_tokenizers() {
    let deep = "[".repeat(500_000);
    let files: [&[u8]; 9] = [
        b"",
        b"null",
        b"{}",
        b"[1]",
        b"\xff\xfe{\0}\0",
        b"\x80\x04\x95.",
        b"PK\x03\x04",
        b"{\"model\":{\"type\":\"BPE\",\"vocab\":{\"a\":99999999999999999999},\"merges\":[]}}",
        deep.as_bytes(),
    ];
    for file in files {
        assert!(Tokenizer::from_json(file).is_err());
    }
}
