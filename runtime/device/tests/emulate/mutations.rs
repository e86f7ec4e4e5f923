//! Mistakes put into kernels, each of which the emulated device must find.

use vpc_device::DeviceError;
use vpc_device::cuda::Kernels;
use vpc_device::program::{AttentionShape, Kind, Mask};

use crate::case::Case;
use crate::cases;
use crate::device::Emulated;
use crate::kernels::is_here;

/// The text of a file of kernels with the `which`-th occurrence of `old`, from 0, replaced.
fn changed(kernels: Kernels, old: &str, which: usize, new: &str) -> String {
    let (_, source) = kernels.source();
    let (at, _) = source
        .match_indices(old)
        .nth(which)
        .expect("the text is there");
    format!("{}{new}{}", &source[..at], &source[at + old.len()..])
}

/// What is first told of the cases, with that text of a file; a text that does not compile is no find.
fn told(kernels: Kernels, text: &str, cases: &[Case]) -> Option<String> {
    let mut emulated = Emulated::with(kernels.source().0, text.to_owned());
    cases
        .iter()
        .find_map(|case| match case.check(&mut emulated) {
            Ok(row) if row.is_right() => None,
            Ok(row) => Some(row.to_string()),
            Err(error @ DeviceError::Kernel { .. }) => panic!("{error}"),
            Err(error) => Some(error.to_string()),
        })
}

/// Mistakes that were not told as they should be.
struct Missed {
    kernels: Kernels,
    cases: Vec<Case>,
    all: Vec<String>,
}

impl Missed {
    /// Begins with the text as it is, in which nothing may be wrong.
    fn of(kernels: Kernels, cases: Vec<Case>) -> Self {
        assert_eq!(told(kernels, kernels.source().1, &cases), None);
        let all = Vec::new();
        Self {
            kernels,
            cases,
            all,
        }
    }

    /// With `old` as `new`, something must be told that has the words `what`.
    fn expect(&mut self, old: &str, which: usize, new: &str, what: &str) {
        let text = changed(self.kernels, old, which, new);
        let found = told(self.kernels, &text, &self.cases);
        if !found.as_ref().is_some_and(|found| found.contains(what)) {
            self.all
                .push(format!("`{old}` {which} as `{new}`: {found:?}"));
        }
    }
}

#[test]
fn mistakes_in_attention_are_found() {
    if !is_here() {
        return;
    }
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
    all.retain(|case| case.name != "rope");
    let mut missed = Missed::of(Kernels::Flash { head: 32 }, all);
    let mut expect = |old: &str, which, new: &str, what: &str| missed.expect(old, which, new, what);
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
    assert!(missed.all.is_empty(), "missed: {:#?}", missed.all);
}

#[test]
fn mistakes_in_rows_are_found() {
    if !is_here() {
        return;
    }
    let mut all = Vec::new();
    cases::rows(&mut all, &mut 7, Kind::Bf16, 300);
    cases::cross_entropies(&mut all, &mut 7, Kind::Bf16, 3000);
    let mut missed = Missed::of(Kernels::Rows { bf16: true }, all);
    let mut expect = |old: &str, which, new: &str, what: &str| missed.expect(old, which, new, what);
    // All places of a token would add to its row.
    expect("if (first > 0 &&", 0, "if (false &&", "at once with");
    expect(
        "if (at < count) out",
        0,
        "out",
        "none of the command's spans",
    );
    expect("if (at >= count) return;", 1, "", "of the arena");
    expect(
        ", width - c, aligned);",
        0,
        ", 8, aligned);",
        "of the arena",
    );
    expect(
        "bool aligned = width % 8 == 0",
        0,
        "bool aligned = true",
        "not aligned",
    );
    expect("row * 2 * hidden", 0, "row * hidden", "WRONG");
    expect("targets[blockIdx.x]", 0, "targets[0]", "WRONG");
    assert!(missed.all.is_empty(), "missed: {:#?}", missed.all);
}
