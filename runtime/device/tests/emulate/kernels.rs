//! The cases that kernels are checked with on a GPU, on the emulated one.

use std::collections::BTreeSet;

use vpc_device::cuda::every;
use vpc_device::program::{AttentionShape, Kind};

use crate::case::Case;
use crate::device::Emulated;
use crate::{cache, cases, library, sight};

/// Whether there is a compiler; says so where there is none.
pub(crate) fn is_here() -> bool {
    let here = library::compiler().is_some();
    if !here {
        #[expect(clippy::print_stderr, reason = "a skipped test must be seen")]
        {
            eprintln!("SKIPPED: no C++ compiler here, so kernels were not run (1 test not run)");
        }
    }
    here
}

fn is_nightly() -> bool {
    std::env::var("VPC_TIER").is_ok_and(|tier| tier == "nightly")
}

/// Numbers of the largest case.
fn most() -> usize {
    if is_nightly() { usize::MAX } else { 40_000 }
}

/// Runs cases, and tells all that are wrong.
fn check(fill: impl FnOnce(&mut Vec<Case>, &mut u64)) {
    check_on(Emulated::new, fill);
}

/// The same on a device of one's choice.
pub(crate) fn check_on(device: fn() -> Emulated, fill: impl FnOnce(&mut Vec<Case>, &mut u64)) {
    if !is_here() {
        return;
    }
    let mut cases = Vec::new();
    fill(&mut cases, &mut 20_260_728);
    assert!(!cases.is_empty(), "nothing was checked");
    let mut emulated = device();
    let wrong: Vec<String> = cases
        .iter()
        .filter_map(|case| match case.check(&mut emulated) {
            Ok(row) if row.is_right() => None,
            Ok(row) => Some(row.to_string()),
            Err(error) => Some(format!("{} {}: {error}", case.name, case.what)),
        })
        .collect();
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
}

#[test]
fn rows_of_f32() {
    check(|cases, seed| cases::rows(cases, seed, Kind::F32, most()));
}

#[test]
fn rows_of_bf16() {
    check(|cases, seed| cases::rows(cases, seed, Kind::Bf16, most()));
}

#[test]
fn kept_keys() {
    for kind in [Kind::F32, Kind::Bf16] {
        check(|cases, seed| cache::cases(cases, seed, kind));
    }
}

#[test]
fn sight_of_images() {
    check(|cases, seed| sight::all(cases, seed, most()));
}

#[test]
fn losses() {
    for kind in [Kind::F32, Kind::Bf16] {
        check(|cases, seed| cases::cross_entropies(cases, seed, kind, most()));
    }
}

#[test]
fn products() {
    for kind in [Kind::F32, Kind::Bf16] {
        check(|cases, seed| cases::products(cases, seed, kind));
    }
}

#[test]
fn updates() {
    check(|cases, seed| cases::updates(cases, seed, most()));
}

#[test]
fn no_kernel_is_left_out() {
    if !is_here() {
        return;
    }
    let (mut cases, seed) = (Vec::new(), &mut 3);
    for kind in [Kind::F32, Kind::Bf16] {
        cases::rows(&mut cases, seed, kind, 8);
        cases::cross_entropies(&mut cases, seed, kind, 3);
        cases::attention(&mut cases, seed, kind, cases::shapes()[0]);
        cache::cases(&mut cases, seed, kind);
    }
    cases::updates(&mut cases, seed, 4);
    sight::all(&mut cases, seed, 8);
    let mut of_hopper = Vec::new();
    let is_its = |shape: &AttentionShape| shape.width == 64;
    let shape = cases::shapes().into_iter().find(is_its);
    cases::attention(
        &mut of_hopper,
        seed,
        Kind::Bf16,
        shape.expect("heads of 64"),
    );
    let (mut emulated, mut hopper) = (Emulated::new(), Emulated::hopper());
    for (device, cases) in [(&mut emulated, &cases), (&mut hopper, &of_hopper)] {
        for case in cases {
            let row = case.check(device).unwrap_or_else(|error| panic!("{error}"));
            assert!(row.is_right(), "{row}");
        }
    }
    let sources = every("sm_90a")
        .into_iter()
        .map(|kernels| kernels.source().1);
    let all: BTreeSet<String> = sources
        .flat_map(library::names)
        .map(|(name, _)| name)
        .collect();
    let started = emulated.started().iter().chain(hopper.started());
    let started: BTreeSet<String> = started.map(ToString::to_string).collect();
    assert_eq!(started, all, "a kernel without a case");
}

fn attentions(kind: Kind, is_wanted: impl Fn(&AttentionShape) -> bool) {
    check(|cases, seed| {
        for shape in cases::shapes().into_iter().filter(is_wanted) {
            cases::attention(cases, seed, kind, shape);
        }
    });
}

/// A warp for each query, so that only small ones take seconds.
fn is_small(shape: &AttentionShape) -> bool {
    let scores = shape.sequences * shape.queries * shape.length * shape.length;
    scores < 5000 || is_nightly()
}

#[test]
fn attention_of_f32() {
    attentions(Kind::F32, is_small);
}

#[test]
fn attention_of_bf16_on_no_tensor_cores() {
    attentions(Kind::Bf16, |shape| {
        !shape.width.is_multiple_of(16) || shape.width > 128
    });
}

macro_rules! heads {
    ($($name:ident $width:literal)*) => {
        /// Heads that tensor cores take.
        mod flash {
            $(#[test]
            fn $name() {
                super::attentions(super::Kind::Bf16, |shape| shape.width == $width);
            })*
        }
    };
}
heads! { heads_of_16 16 heads_of_32 32 heads_of_48 48 heads_of_64 64 heads_of_80 80 heads_of_96 96 heads_of_112 112 heads_of_128 128 }
