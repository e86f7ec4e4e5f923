//! Kept keys and values, and rows that are put somewhere.

use vpc_device::program::{CacheShape, Command, Kind, NOWHERE, Span};

use crate::build::Build;
use crate::case::Case;
use crate::cases::{exact, name_of};

/// Longest sequence that is kept.
const ROOM: usize = 300;
/// How far each row's sequence has come; the last row of each case has no place.
const POSITIONS: [usize; 7] = [0, 1, 2, 5, 130, 255, 299];

/// Every kernel at heads of odd and even lengths, short sequences and long ones.
pub(crate) fn cases(cases: &mut Vec<Case>, seed: &mut u64, kind: Kind) {
    let shapes = [
        (1, 1, 16),
        (4, 2, 16),
        (2, 2, 64),
        (8, 1, 64),
        (2, 1, 128),
        (3, 3, 34),
        (1, 1, 256),
    ];
    for (queries, keys, width) in shapes {
        let shape = CacheShape {
            queries,
            keys,
            width,
        };
        let what = format!("{} {queries}/{keys} heads of {width}", name_of(kind));
        cases.push(store(seed, kind, shape, what.clone()));
        cases.push(attend(seed, kind, shape, what));
    }
}

fn given(b: &mut Build, numbers: &[u32]) -> Span {
    let bytes = numbers.iter().flat_map(|number| number.to_le_bytes());
    b.given(bytes.collect(), Kind::U32)
}

/// Starts and places of the rows.
fn rows(b: &mut Build) -> (Span, Span) {
    let starts: Vec<u32> = (0..=POSITIONS.len())
        .map(|row| (row * ROOM) as u32)
        .collect();
    let both = starts.iter().zip(POSITIONS);
    let mut places: Vec<u32> = both.map(|(start, at)| start + at as u32).collect();
    places.push(NOWHERE);
    (given(b, &starts), given(b, &places))
}

fn store(seed: &mut u64, kind: Kind, shape: CacheShape, what: String) -> Case {
    let mut b = Build::new(seed);
    let (starts, places) = rows(&mut b);
    let qkv = b.values(starts.len * shape.row(), kind, 1.0);
    let cache = b.values(POSITIONS.len() * ROOM * shape.kept(), kind, 1.0);
    let angles = ROOM * shape.width / 2;
    let (cos, sin) = (
        b.values(angles, Kind::F32, 1.0),
        b.values(angles, Kind::F32, 1.0),
    );
    let command = Command::StoreKeys {
        qkv: b.changed(qkv),
        cache: b.changed(cache),
        cos,
        sin,
        starts,
        places,
        shape,
    };
    b.case("store_keys", what, command, exact(kind))
}

fn attend(seed: &mut u64, kind: Kind, shape: CacheShape, what: String) -> Case {
    let mut b = Build::new(seed);
    let (starts, places) = rows(&mut b);
    let qkv = b.values(starts.len * shape.row(), kind, 1.0);
    let cache = b.values(POSITIONS.len() * ROOM * shape.kept(), kind, 1.0);
    let out = b.out(starts.len * shape.queries * shape.width, kind);
    let command = Command::CachedAttention {
        out,
        qkv,
        cache,
        starts,
        places,
        shape,
    };
    let allowed = if kind == Kind::Bf16 { 1e-2 } else { 2e-5 };
    b.case("cached_attention", what, command, allowed)
}
