//! Token files: exact contents, and hostile bytes.

use proptest::prelude::*;

use super::{TokenFile, TokenWriter, tokenize};
use crate::documents;
use crate::tokenizer::{Tokenizer, train_bpe};

fn file(tokens: &[u32], vocabulary: u32) -> Vec<u8> {
    let mut bytes = Vec::new();
    let mut writer = TokenWriter::new(&mut bytes, vocabulary, 0).unwrap();
    writer.add(tokens).unwrap();
    assert_eq!(writer.finish().unwrap(), tokens.len() as u64);
    bytes
}

fn all(file: &TokenFile<'_>) -> Vec<u32> {
    let mut tokens = vec![0; file.len() as usize];
    file.read(0, &mut tokens).unwrap();
    tokens
}

fn say(bytes: &[u8]) -> String {
    TokenFile::new(bytes).unwrap_err().to_string()
}

#[test]
fn end_stands_between_documents_and_at_both_ends() {
    let texts = ["ab", "", "c<|end|>"];
    let tokenizer = Tokenizer::from_json(&train_bpe(texts.into_iter(), 257).unwrap().json).unwrap();
    let (documents, mut bytes) = (documents::tests::file(&texts), Vec::new());
    let stats = tokenize(&documents, &tokenizer, &mut bytes).unwrap();
    assert_eq!((stats.documents, stats.bytes, stats.tokens), (3, 10, 14));
    let file = TokenFile::new(&bytes).unwrap();
    let tokens = all(&file);
    let ends: Vec<_> = (0..14).filter(|index| tokens[*index] == 0).collect();
    assert_eq!(ends, [0, 3, 4, 13]);
    assert_eq!(
        (file.vocabulary(), file.end(), file.len(), file.is_empty()),
        (257, 0, 14, false)
    );
    assert_eq!(
        [
            file.sequences(13),
            file.sequences(14),
            file.sequences(4),
            file.sequences(0)
        ],
        [1, 0, 3, 0]
    );
}

#[test]
fn threads_do_not_change_a_token_file() {
    let texts: Vec<_> = (0..300).map(|n| format!("document {n} of many")).collect();
    let json = train_bpe(texts.iter().map(String::as_str), 300)
        .unwrap()
        .json;
    let tokenizer = Tokenizer::from_json(&json).unwrap();
    let documents = documents::tests::file(&texts);
    let made = [1, 4].map(|threads| {
        let mut bytes = Vec::new();
        let pool = rayon::ThreadPoolBuilder::new()
            .num_threads(threads)
            .build()
            .unwrap();
        pool.install(|| tokenize(&documents, &tokenizer, &mut bytes).unwrap());
        bytes
    });
    assert_eq!(made[0], made[1]);
}

#[test]
fn width_follows_the_vocabulary() {
    assert_eq!(file(&[0, 65535], 65536).len(), 24 + 4 + 16);
    assert_eq!(file(&[0, 65536], 65537).len(), 24 + 8 + 16);
    let wide = file(&[0, 65536], 65537);
    assert_eq!(all(&TokenFile::new(&wide).unwrap()), [0, 65536]);
}

#[test]
fn damage_is_named() {
    let good = file(&[0, 1, 2], 300);
    assert_eq!(
        say(b"VPC"),
        "not a token file: it does not begin with `VPCTOKEN`; make it again"
    );
    assert_eq!(
        say(&good[..20]),
        "not a token file: it ends in its header; make it again"
    );
    assert_eq!(
        say(&good[..good.len() - 1]),
        "not a token file: it is cut short; make it again"
    );
    let with = |at: usize, byte: u8| {
        let mut bytes = good.clone();
        bytes[at] = byte;
        bytes
    };
    assert_eq!(
        say(&with(8, 2)),
        "not a token file: version 2 where 1 is known; make it again"
    );
    assert_eq!(
        say(&with(12, 4)),
        "not a token file: 4 bytes per token for a vocabulary of 300; make it again"
    );
    assert_eq!(
        say(&with(21, 9)),
        "not a token file: end token 2304 in a vocabulary of 300; make it again"
    );
    assert_eq!(
        say(&with(30, 4)),
        "not a token file: it counts 4 tokens of 2 bytes and holds 6 bytes; make it again"
    );
    let strange = with(29, 9);
    let error = TokenFile::new(&strange)
        .unwrap()
        .read(0, &mut [0; 3])
        .unwrap_err();
    assert_eq!(
        error.to_string(),
        "not a token file: token 2306 in a vocabulary of 300; make it again"
    );
}

#[test]
fn reading_beyond_the_end_is_an_error() {
    let bytes = file(&[0, 1, 2], 300);
    let file = TokenFile::new(&bytes).unwrap();
    assert_eq!(
        file.read(2, &mut [0; 2]).unwrap_err().to_string(),
        "tokens 2 to 4 were asked for and the token file has 3; read within it"
    );
    assert!(file.read(u64::MAX, &mut [0; 2]).is_err());
    assert!(file.read(3, &mut []).is_ok());
}

#[test]
fn tokens_outside_the_vocabulary_are_not_written() {
    let mut bytes = Vec::new();
    let mut writer = TokenWriter::new(&mut bytes, 10, 0).unwrap();
    assert!(writer.add(&[10]).is_err());
    assert!(TokenWriter::new(&mut bytes, 10, 10).is_err());
}

proptest! {
    #[test]
    fn what_is_written_is_read(tokens in proptest::collection::vec(0_u32..70_000, 0..300)) {
        let bytes = file(&tokens, 70_000);
        prop_assert_eq!(all(&TokenFile::new(&bytes).unwrap()), tokens);
    }

    #[test]
    fn hostile_bytes_do_not_panic(at in 0_usize..46, byte: u8, tail in proptest::collection::vec(any::<u8>(), 0..40)) {
        let mut bytes = file(&[0, 1, 2], 300);
        if let Some(slot) = bytes.get_mut(at) { *slot = byte; }
        for bytes in [&bytes[..], &[&bytes[..24], &tail[..]].concat(), &tail] {
            if let Ok(file) = TokenFile::new(bytes) {
                let mut out = vec![0; file.len().min(100) as usize];
                let _ = file.read(0, &mut out);
            }
        }
    }
}
