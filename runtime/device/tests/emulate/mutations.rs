//! Mistakes put into kernels, each of which the emulated device must find.

use vpc_device::cuda::Kernels;
use vpc_device::program::{AttentionShape, Kind, Mask};

use crate::cases;
use crate::device::Emulated;
use crate::kernels::is_here;

/// The text of `flash.cu` with the `which`-th occurrence of `old`, from 0, replaced.
fn changed(old: &str, which: usize, new: &str) -> String {
    let (_, source) = Kernels::Flash { head: 32 }.source();
    let (at, _) = source
        .match_indices(old)
        .nth(which)
        .expect("the text is there");
    format!("{}{new}{}", &source[..at], &source[at + old.len()..])
}

/// What is told of attention, forwards and backwards, with that text.
fn told(text: &str) -> Vec<String> {
    let shape = |length, mask| AttentionShape {
        sequences: 1,
        length,
        queries: 2,
        keys: 1,
        width: 32,
        mask,
    };
    let mut all = Vec::new();
    for shape in [shape(140, Mask::Causal), shape(93, Mask::Full)] {
        cases::attention(&mut all, &mut 7, Kind::Bf16, shape);
    }
    let mut emulated = Emulated::with("flash.cu", text.to_owned());
    let flash = all.iter().filter(|case| case.name != "rope");
    flash
        .filter_map(|case| match case.check(&mut emulated) {
            Ok(row) if row.is_right() => None,
            Ok(row) => Some(row.to_string()),
            Err(error) => Some(error.to_string()),
        })
        .collect()
}

#[test]
fn every_mistake_is_found() {
    if !is_here() {
        return;
    }
    let (_, source) = Kernels::Flash { head: 32 }.source();
    assert_eq!(told(source), Vec::<String>::new());
    let mut missed = Vec::new();
    let mut try_one = |old: &str, which: usize, new: &str| {
        let found = told(&changed(old, which, new));
        if found.is_empty() {
            missed.push(format!("`{old}` {which} as `{new}`"));
        }
        found
    };
    for which in 0..6 {
        try_one("__syncthreads();", which, "");
    }
    for which in 0..3 {
        try_one("WAIT(1);", which, "WAIT(2);");
        try_one("WAIT(0);", which, "WAIT(1);");
    }
    try_one("(lane & 15)) * PITCH", 0, "(lane & 15) + 1) * PITCH");
    try_one(
        "(lane >> 4) * 8 + (lane & 7)",
        0,
        "(lane >> 3) * 8 + (lane & 7)",
    );
    try_one("key > query", 0, "key >= query");
    try_one("key >= shape.length", 0, "key > shape.length");
    try_one("r < valid ? 16 : 0", 0, "16");
    try_one("if (r + 8 < valid)", 0, "");
    try_one("lane % 4 * 2", 0, "lane % 4");
    assert!(missed.is_empty(), "missed: {missed:#?}");
}
