//! Mistakes put into kernels, each of which the emulated device must find.

use vpc_device::DeviceError;
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

/// What is first told of attention, forwards and backwards, with that text.
fn told(text: &str) -> Option<String> {
    let shape = |length, mask| AttentionShape {
        sequences: 1,
        length,
        queries: 2,
        keys: 1,
        width: 32,
        mask,
    };
    let mut all = Vec::new();
    for shape in [
        shape(140, Mask::Causal),
        shape(93, Mask::Full),
        shape(17, Mask::Full),
    ] {
        cases::attention(&mut all, &mut 7, Kind::Bf16, shape);
    }
    let mut emulated = Emulated::with("flash.cu", text.to_owned());
    let mut flash = all.iter().filter(|case| case.name != "rope");
    flash.find_map(|case| match case.check(&mut emulated) {
        Ok(row) if row.is_right() => None,
        Ok(row) => Some(row.to_string()),
        Err(error @ DeviceError::Kernel { .. }) => panic!("{error}"),
        Err(error) => Some(error.to_string()),
    })
}

#[test]
fn every_mistake_is_found() {
    if !is_here() {
        return;
    }
    let (_, source) = Kernels::Flash { head: 32 }.source();
    assert_eq!(told(source), None);
    let mut missed = Vec::new();
    let mut expect = |old: &str, which: usize, new: &str, what: &str| {
        let found = told(&changed(old, which, new));
        if !found.as_ref().is_some_and(|found| found.contains(what)) {
            missed.push(format!("`{old}` {which} as `{new}`: {found:?}"));
        }
    };
    for which in 0..6 {
        expect("__syncthreads();", which, "", "at once with");
    }
    // A barrier that half of a block comes to, and a lane that is not there when the others sum.
    let own = "u64 out_row = (u64)shape.queries * HEAD;";
    let half = format!("if (threadIdx.x < 64) __syncthreads(); {own}");
    expect(own, 0, &half, "not all come to the same place");
    let own = "float all = quad_sum";
    let early = format!("if (lane == 5) return; {own}");
    expect(own, 0, &early, "thread (5, 0) has ended");
    for which in 0..3 {
        expect("WAIT(1);", which, "WAIT(2);", "on its way");
        expect("WAIT(0);", which, "WAIT(1);", "on its way");
    }
    // The tile of a left factor, one row on; those of a right one, out of order.
    expect(
        "(lane & 15)) * PITCH",
        0,
        "(lane & 15) + 1) * PITCH",
        "WRONG",
    );
    expect("+ (lane & 7)) * PITCH", 0, "+ (lane & 6)) * PITCH", "WRONG");
    expect("k + (lane >> 4) * 8", 0, "k + (lane >> 3) * 8", "");
    expect("key > query", 0, "key >= query", "WRONG");
    expect("key >= shape.length", 0, "key > shape.length", "WRONG");
    expect("shape.length - next", 0, "shape.length", "of the arena");
    expect("if (r + 8 < valid)", 0, "", "none of the command's spans");
    expect("lane % 4 * 2", 0, "lane % 4", "not aligned");
    expect(
        "room + (64 * AHEAD) * PITCH",
        0,
        "room + (65 * AHEAD) * PITCH",
        "of dynamic shared memory",
    );
    assert!(missed.is_empty(), "missed: {missed:#?}");
}
