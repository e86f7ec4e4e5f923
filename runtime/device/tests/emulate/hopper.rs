//! Attention by four warps at a time, on an emulated Hopper.

use vpc_device::cuda::Kernels;
use vpc_device::program::{AttentionShape, Kind, Mask};

use crate::cases;
use crate::device::Emulated;
use crate::kernels::{check_on, is_here};

fn heads(shapes: Vec<AttentionShape>, width: usize) {
    check_on(Emulated::hopper, |cases, seed| {
        for shape in shapes.into_iter().filter(|shape| shape.width == width) {
            cases::attention(cases, seed, Kind::Bf16, shape);
        }
    });
}

#[test]
fn heads_of_64() {
    heads(cases::shapes(), 64);
}

#[test]
fn heads_of_128() {
    heads(cases::shapes(), 128);
}

/// So long that stages are used again.
#[test]
fn long_sequences_of_64() {
    heads(cases::long_shapes(), 64);
}

#[test]
fn long_sequences_of_128() {
    heads(cases::long_shapes(), 128);
}

/// What is told of attention, forwards and backwards, with another text of its kernels.
fn told(text: String) -> Vec<String> {
    // As short as has a place for tiles used again.
    let shape = AttentionShape {
        sequences: 1,
        length: 390,
        queries: 1,
        keys: 1,
        width: 64,
        mask: Mask::Causal,
    };
    let mut all = Vec::new();
    cases::attention(&mut all, &mut 7, Kind::Bf16, shape);
    let mut emulated = Emulated::with("hopper.cu", text);
    emulated.warpgroups = true;
    let attention = all.iter().filter(|case| case.name.starts_with("attention"));
    attention
        .filter_map(|case| match case.check(&mut emulated) {
            Ok(row) if row.is_right() => None,
            Ok(row) => Some(row.to_string()),
            Err(error) => Some(error.to_string()),
        })
        .collect()
}

/// Mistakes that take some of what they stand beside out, or put something else there.
const MISTAKES: [(&str, usize, &str); 14] = [
    ("__syncthreads();", 0, ""),
    ("WAIT(1);", 0, "WAIT(2);"),
    ("show_to_products();", 0, ""),
    ("#define STAGES 3", 0, "#define STAGES 2"),
    ("begin_products();", 0, ""),
    ("begin_products();", 3, ""),
    ("await_products<0>();", 0, "await_products<1>();"),
    ("await_products<0>();", 1, "await_products<1>();"),
    ("await_products<1>();", 0, "await_products<2>();"),
    ("await_products<1>();", 2, "await_products<2>();"),
    ("(piece ^ r) & 7", 0, "(piece ^ r >> 1) & 7"),
    ("(u64)(1024 >> 4) << 32", 0, "(u64)(512 >> 4) << 32"),
    ("query + r * 8 + 1)", 0, "query + r * 8)"),
    ("n * 8 + j < seen", 0, "n * 8 + j <= seen"),
];

#[test]
fn every_mistake_is_found() {
    if !is_here() {
        return;
    }
    let (_, source) = Kernels::Hopper { head: 64 }.source();
    let missed = MISTAKES.iter().filter(|(old, which, new)| {
        let (at, _) = source
            .match_indices(old)
            .nth(*which)
            .expect("the text is there");
        let text = format!("{}{new}{}", &source[..at], &source[at + old.len()..]);
        told(text).is_empty()
    });
    let missed: Vec<_> = missed.collect();
    assert!(missed.is_empty(), "missed: {missed:#?}");
}
