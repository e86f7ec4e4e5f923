//! The sample stream: pinned, refused where it must be, and one function of a position alone.

mod filling;
mod shares;

use proptest::prelude::*;

use super::{Part, Sample, SampleStream, StreamError};

fn part(id: u8, share: (u64, u64), sequences: u64) -> Part {
    Part {
        identity: [id; 32],
        share,
        sequences,
    }
}

fn stream(parts: &[Part], seed: u64) -> SampleStream {
    SampleStream::new(parts.to_vec(), seed).unwrap()
}

/// Parts with the given weights, distinct identities and small supplies.
fn mixture(weights: &[u64]) -> Vec<Part> {
    let total = weights.iter().sum();
    let parts = weights.iter().enumerate();
    parts
        .map(|(i, weight)| part(i as u8 * 37 + 5, (*weight, total), 3 + i as u64 * 4))
        .collect()
}

fn weights() -> impl Strategy<Value = Vec<u64>> {
    proptest::collection::vec(prop_oneof![0_u64..6, 0_u64..1_000_000], 1..7)
        .prop_filter("a mixture has a part", |weights| {
            weights.iter().any(|weight| *weight > 0)
        })
}

/// A part whose identity, and so its place among the others, looks random.
fn named(index: usize, share: (u64, u64), sequences: u64) -> Part {
    Part {
        identity: *blake3::hash(&index.to_le_bytes()).as_bytes(),
        share,
        sequences,
    }
}

#[test]
fn a_stream_is_pinned() {
    let parts = [part(1, (1, 2), 5), part(2, (1, 3), 4), part(3, (1, 6), 3)];
    let stream = stream(&parts, 7);
    let shown: Vec<_> = (0..12)
        .map(|n| stream.at(n))
        .map(|s| (s.part, s.sequence, s.epoch))
        .collect();
    assert_eq!(shown, PINNED);
    assert_eq!(stream.counts(12), [6, 4, 2]);
}

const PINNED: [(usize, u64, u64); 12] = [
    (0, 1, 0),
    (1, 0, 0),
    (0, 3, 0),
    (2, 1, 0),
    (1, 3, 0),
    (0, 0, 0),
    (0, 4, 0),
    (1, 1, 0),
    (0, 2, 0),
    (2, 0, 0),
    (1, 2, 0),
    (0, 2, 1),
];

#[test]
fn impossible_mixtures_are_named() {
    let say = |parts: &[Part]| {
        SampleStream::new(parts.to_vec(), 0)
            .unwrap_err()
            .to_string()
    };
    assert_eq!(
        say(&[part(1, (1, 2), 5)]),
        "the shares sum to 1/2; they must sum to 1"
    );
    assert_eq!(
        say(&[part(1, (1, 2), 5), part(2, (1, 2), 0)]),
        "part 1 has a share and no sequences; give it more text or a shorter context"
    );
    assert_eq!(
        say(&[part(1, (1, 2), 5), part(2, (0, 1), 0), part(1, (1, 2), 5)]),
        "parts 0 and 2 hold the same tokens; add their shares and keep one"
    );
}

/// Lengths of runs, batches, ranks and workers have no way in: whoever adds one must come by here.
#[test]
fn no_length_enters_the_stream() {
    let _: fn(Vec<Part>, u64) -> Result<SampleStream, StreamError> = SampleStream::new;
    let _: fn(&SampleStream, u64) -> Sample = SampleStream::at;
    let Part {
        identity: _,
        share: _,
        sequences: _,
    } = part(1, (1, 1), 1);
}

/// Nine parts, from a trillion sequences down to seven, and positions of runs far beyond what any file holds.
#[test]
fn a_short_run_is_the_beginning_of_a_long_one() {
    let shares = [3, 17, 1, 400, 60, 5, 2, 511, 1];
    let supplies = [
        1_000_000_000_000,
        7,
        1 << 40,
        123_456_789,
        99,
        1,
        5000,
        u64::MAX,
        13,
    ];
    let parts = shares.iter().zip(supplies).enumerate();
    let parts: Vec<_> = parts
        .map(|(i, (share, supply))| named(i, (*share, 1000), supply))
        .collect();
    let stream = stream(&parts, 5);
    let context = 2048;
    for tokens in [
        10_000_000_000_u64,
        1_000_000_000_000,
        10_000_000_000_000_000,
    ] {
        let run = |tokens: u64| stream.counts(tokens / context);
        let (short, long) = (run(tokens), run(2 * tokens));
        assert!(short.iter().zip(&long).all(|(short, long)| short <= long));
        // The shorter run's last positions, as each of two processes sees them, one from the end backwards.
        let last = tokens / context;
        let window = last - 300..last;
        let forwards: Vec<_> = window.clone().map(|n| stream.at(n)).collect();
        let other = SampleStream::new(parts.clone(), 5).unwrap();
        let mut backwards: Vec<_> = window.rev().map(|n| other.at(n)).collect();
        backwards.reverse();
        assert_eq!(forwards, backwards);
        // Going on from a count gives what the count says: the draws of each part are consecutive.
        let mut counts = stream.counts(last - 300);
        for sample in forwards {
            let supply = parts[sample.part].sequences;
            assert_eq!(sample.epoch, counts[sample.part] / supply);
            assert!(sample.sequence < supply);
            counts[sample.part] += 1;
        }
        assert_eq!(counts, short);
    }
}

#[test]
fn the_last_position_has_a_sample() {
    let stream = stream(&[part(1, (1, 3), 1), part(2, (2, 3), u64::MAX)], 1);
    let last = stream.at(u64::MAX);
    let before = stream.counts(u64::MAX);
    let supply = stream.parts()[last.part].sequences;
    assert_eq!(last.epoch, before[last.part] / supply);
    assert!(last.sequence < supply);
}

proptest! {
    #[test]
    fn each_epoch_of_each_part_has_every_sequence_once(weights in weights(), seed: u64) {
        let parts = mixture(&weights);
        let stream = stream(&parts, seed);
        let mut drawn = vec![Vec::new(); parts.len()];
        for sample in (0..1_000).map(|n| stream.at(n)) {
            drawn[sample.part].push(sample.sequence);
        }
        for (part, drawn) in parts.iter().zip(drawn) {
            for epoch in drawn.chunks_exact(part.sequences as usize) {
                let mut epoch = epoch.to_vec();
                epoch.sort_unstable();
                prop_assert!(epoch.into_iter().eq(0..part.sequences));
            }
        }
    }

    #[test]
    fn the_seed_moves_sequences_and_never_parts(weights in weights(), seeds: [u64; 2], from: u32) {
        let parts = mixture(&weights);
        let [one, other] = seeds.map(|seed| stream(&parts, seed));
        for n in u64::from(from)..u64::from(from) + 100 {
            let (one, other) = (one.at(n), other.at(n));
            prop_assert_eq!((one.part, one.epoch), (other.part, other.epoch));
        }
    }
}
