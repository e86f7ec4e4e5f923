//! Batches: what is read for which positions, however these are split.

use proptest::prelude::*;

use super::{Part, Sample, SampleStream, part, stream};
use crate::stream::fill;
use crate::tokens::{TokenFile, TokenWriter};

fn token_file(first: u32, count: u32) -> Vec<u8> {
    let mut bytes = Vec::new();
    let mut writer = TokenWriter::new(&mut bytes, 1000, 0).unwrap();
    writer
        .add(&(first..first + count).collect::<Vec<_>>())
        .unwrap();
    writer.finish().unwrap();
    bytes
}

#[test]
fn a_batch_holds_the_samples_of_its_positions() {
    let bytes = [token_file(100, 13), token_file(500, 9)];
    let files = bytes.each_ref().map(|bytes| TokenFile::new(bytes).unwrap());
    let parts = [
        part(1, (1, 2), files[0].sequences(4)),
        part(2, (1, 2), files[1].sequences(4)),
    ];
    let stream = stream(&parts, 11);
    let (mut inputs, mut targets) = ([0; 12], [0; 12]);
    fill(&stream, &files, 4, 5, 3, &mut inputs, &mut targets).unwrap();
    for row in 0..3 {
        let Sample { part, sequence, .. } = stream.at(5 + row as u64);
        let first = [100, 500][part] + sequence as u32 * 4;
        let range = row * 4..row * 4 + 4;
        assert_eq!(
            inputs[range.clone()],
            [first, first + 1, first + 2, first + 3]
        );
        assert_eq!(targets[range], [first + 1, first + 2, first + 3, first + 4]);
    }
}

#[test]
fn batches_that_do_not_fit_are_named() {
    let bytes = token_file(100, 13);
    let files = [TokenFile::new(&bytes).unwrap()];
    let say = |sequences, files: &[TokenFile<'_>], context, inputs: usize, targets: usize| {
        let stream = stream(&[part(1, (1, 1), sequences)], 0);
        let (mut inputs, mut targets) = (vec![0; inputs], vec![0; targets]);
        fill(&stream, files, context, 0, 2, &mut inputs, &mut targets)
            .unwrap_err()
            .to_string()
    };
    assert_eq!(
        say(3, &[], 4, 8, 8),
        "a batch does not fit: 0 token files for 1 parts"
    );
    assert_eq!(
        say(3, &files, 0, 0, 0),
        "a batch does not fit: 2 rows of 0 tokens"
    );
    assert_eq!(
        say(3, &files, 4, 8, 7),
        "a batch does not fit: `targets` has 7 places and 2 rows of 4 tokens need 8"
    );
    assert_eq!(
        say(4, &files, 4, 8, 8),
        "a batch does not fit: part 0 says 4 sequences and its file has 3"
    );
}

#[test]
fn positions_beyond_the_last_are_named() {
    let bytes = token_file(100, 13);
    let files = [TokenFile::new(&bytes).unwrap()];
    let stream = stream(&[part(1, (1, 1), 3)], 0);
    let (mut inputs, mut targets) = ([0; 8], [0; 8]);
    let mut at = |first| fill(&stream, &files, 4, first, 2, &mut inputs, &mut targets);
    assert!(at(u64::MAX - 1).is_ok());
    assert_eq!(
        at(u64::MAX).unwrap_err().to_string(),
        "a batch does not fit: 2 rows from position 18446744073709551615 on end beyond the last, 18446744073709551615"
    );
}

/// Five parts of different lengths and widths; the tokens of each file are its own.
fn files() -> (Vec<Vec<u8>>, Vec<Part>) {
    let counts = [400, 90, 33, 700, 50];
    let bytes = counts.iter().zip(0_u32..).map(|(count, i)| {
        let mut bytes = Vec::new();
        let vocabulary = if i % 2 == 0 { 60_000 } else { 70_000 };
        let mut writer = TokenWriter::new(&mut bytes, vocabulary, 0).unwrap();
        let tokens: Vec<_> = (0..*count).map(|token| 10_000 * i + token).collect();
        writer.add(&tokens).unwrap();
        writer.finish().unwrap();
        bytes
    });
    let bytes: Vec<_> = bytes.collect();
    let parts = bytes.iter().zip([4, 1, 1, 3, 2]).enumerate();
    let parts = parts.map(|(i, (bytes, share))| {
        let file = TokenFile::new(bytes).unwrap();
        part(9 - i as u8, (share, 11), file.sequences(CONTEXT))
    });
    let parts = parts.collect();
    (bytes, parts)
}

const CONTEXT: usize = 8;

/// Inputs and targets of `rows` rows.
fn filled(
    stream: &SampleStream,
    files: &[TokenFile<'_>],
    first: u64,
    rows: usize,
) -> (Vec<u32>, Vec<u32>) {
    let (mut inputs, mut targets) = (vec![0; rows * CONTEXT], vec![0; rows * CONTEXT]);
    fill(
        stream,
        files,
        CONTEXT,
        first,
        rows,
        &mut inputs,
        &mut targets,
    )
    .unwrap();
    (inputs, targets)
}

proptest! {
    #[test]
    fn batches_and_workers_change_nothing(
        batches in proptest::collection::vec(1_usize..9, 1..9),
        first in prop_oneof![0_u64..500, Just(10_u64.pow(12)), 0..u64::MAX / 2],
        seed: u64,
    ) {
        let (bytes, parts) = files();
        let files: Vec<_> = bytes.iter().map(|bytes| TokenFile::new(bytes).unwrap()).collect();
        let stream = stream(&parts, seed);
        let rows = batches.iter().sum::<usize>();
        let whole = filled(&stream, &files, first, rows);
        // One worker for each batch, each on a thread of its own, with a copy of the stream.
        let mut begins = Vec::new();
        batches.iter().fold(first, |begin, rows| {
            begins.push((begin, *rows));
            begin + *rows as u64
        });
        let pieces: Vec<_> = std::thread::scope(|scope| {
            let workers: Vec<_> = begins
                .into_iter()
                .map(|(begin, rows)| {
                    let (stream, files) = (stream.clone(), &files);
                    scope.spawn(move || filled(&stream, files, begin, rows))
                })
                .collect();
            workers.into_iter().map(|worker| worker.join().unwrap()).collect()
        });
        let (inputs, targets): (Vec<_>, Vec<_>) = pieces.into_iter().unzip();
        prop_assert_eq!((inputs.concat(), targets.concat()), whole);
    }
}
