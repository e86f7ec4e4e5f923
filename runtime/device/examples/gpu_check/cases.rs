//! Every kernel, with the shapes that it is checked at.

use vpc_device::program::{AttentionShape, Command, Kind, Mask, Span};
use vpc_device::{Device, Host};

use crate::build::Build;
use crate::case::Case;

/// Every kernel at small and odd shapes.
pub(crate) fn all(mut seed: u64) -> Vec<Case> {
    let mut cases = Vec::new();
    let seed = &mut seed;
    for kind in [Kind::F32, Kind::Bf16] {
        rows(&mut cases, seed, kind, usize::MAX);
        cross_entropies(&mut cases, seed, kind, usize::MAX);
        products(&mut cases, seed, kind);
        for shape in shapes().into_iter().chain(long_shapes()) {
            attention(&mut cases, seed, kind, shape);
        }
        crate::cache::cases(&mut cases, seed, kind);
    }
    updates(&mut cases, seed, usize::MAX);
    crate::sight::all(&mut cases, seed, usize::MAX);
    cases
}

/// What is done to rows, of at most `most` numbers in all.
pub(crate) fn rows(cases: &mut Vec<Case>, seed: &mut u64, kind: Kind, most: usize) {
    for (tokens, width) in [
        (1, 8),
        (7, 37),
        (129, 64),
        (3, 4104),
        (300, 1024),
        (33, 4104),
    ] {
        if tokens * width <= most {
            of_rows(cases, seed, kind, tokens, width);
        }
    }
}

/// Losses, of at most `most` logits.
pub(crate) fn cross_entropies(cases: &mut Vec<Case>, seed: &mut u64, kind: Kind, most: usize) {
    for (rows, vocabulary) in [(1, 3), (5, 509), (64, 32_000), (9, 4097)] {
        if rows * vocabulary <= most {
            cross_entropy(cases, seed, kind, rows, vocabulary);
        }
    }
}

/// Shapes that attention is checked at: every head that tensor cores take, and some that they do not.
pub(crate) fn shapes() -> Vec<AttentionShape> {
    let shapes = [
        (1, 1, 1, 1, 16),
        (2, 17, 4, 2, 16),
        (1, 140, 2, 1, 32),
        (3, 65, 3, 3, 48),
        (1, 64, 2, 2, 64),
        (2, 129, 4, 1, 64),
        (1, 130, 2, 2, 80),
        (2, 63, 2, 1, 96),
        (1, 96, 1, 1, 112),
        (1, 200, 2, 1, 128),
        (1, 100, 2, 2, 34),
        (1, 70, 1, 1, 256),
    ];
    let masks = [Mask::Causal, Mask::Full];
    let with = |mask| {
        shapes.map(|(sequences, length, queries, keys, width)| AttentionShape {
            sequences,
            length,
            queries,
            keys,
            width,
            mask,
        })
    };
    masks.into_iter().flat_map(with).collect()
}

/// Shapes of so many tiles that each place for them is used again.
pub(crate) fn long_shapes() -> Vec<AttentionShape> {
    let of = |width, mask| AttentionShape {
        sequences: 1,
        length: 450,
        queries: 2,
        keys: 1,
        width,
        mask,
    };
    let masks = [Mask::Causal, Mask::Full];
    let widths = [64, 128].into_iter();
    widths
        .flat_map(|width| masks.map(|mask| of(width, mask)))
        .collect()
}

pub(crate) fn exact(kind: Kind) -> f64 {
    if kind == Kind::Bf16 { 4e-3 } else { 5e-6 }
}

pub(crate) fn name_of(kind: Kind) -> &'static str {
    if kind == Kind::Bf16 { "bf16" } else { "f32" }
}

#[expect(clippy::too_many_lines, reason = "one case after the other")]
fn of_rows(cases: &mut Vec<Case>, seed: &mut u64, kind: Kind, tokens: usize, width: usize) {
    let what = |more: &str| format!("{} {tokens}×{width}{more}", name_of(kind));
    let (all, allowed) = (tokens * width, exact(kind));
    let mut b = Build::new(seed);
    let table = b.values(50 * width, kind, 1.0);
    let (ids, _) = b.tokens(tokens, 50);
    let out = b.out(all, kind);
    let command = Command::Embed {
        out,
        table,
        tokens: ids,
        width,
    };
    cases.push(b.case("embed", what(""), command, 0.0));
    for add in [false, true] {
        let mut b = Build::new(seed);
        let dy = b.values(all, kind, 1.0);
        let (ids, order) = b.tokens(tokens, 50);
        let dtable = if add {
            let span = b.values(50 * width, Kind::F32, 1.0);
            b.changed(span)
        } else {
            b.out(50 * width, Kind::F32)
        };
        let command = Command::EmbedGradient {
            dtable,
            dy,
            tokens: ids,
            order,
            width,
            add,
        };
        let more = if add { ", added" } else { "" };
        cases.push(b.case("embed_gradient", what(more), command, 1e-6));
    }
    let mut b = Build::new(seed);
    let (x, gain) = (b.values(all, kind, 1.0), b.values(width, Kind::F32, 1.0));
    let (out, inverse) = (b.out(all, kind), b.out(tokens, Kind::F32));
    let eps = 1e-5;
    let command = Command::RmsNorm {
        out,
        inverse,
        x,
        gain,
        width,
        eps,
    };
    cases.push(b.case("rms_norm", what(""), command, allowed));
    for more in [false, true] {
        let mut b = Build::new(seed);
        let (dy, x) = (b.values(all, kind, 1.0), b.values(all, kind, 1.0));
        let (inverse, gain) = (
            b.values(tokens, Kind::F32, 1.0),
            b.values(width, Kind::F32, 1.0),
        );
        let plus = more.then(|| b.values(all, kind, 1.0));
        let scratch = b.room(512 * width, Kind::F32);
        // In place, as training does.
        let dx = b.changed(dy);
        let dgain = if more {
            let span = b.values(width, Kind::F32, 1.0);
            b.changed(span)
        } else {
            b.out(width, Kind::F32)
        };
        let command = Command::RmsNormGradient {
            dx,
            dgain,
            scratch,
            dy,
            x,
            inverse,
            gain,
            width,
            plus,
            add: more,
        };
        let text = if more { ", added" } else { "" };
        cases.push(b.case("rms_norm_gradient", what(text), command, allowed.max(1e-5)));
    }
    let hidden = width;
    let mut b = Build::new(seed);
    let gate_up = b.values(2 * all, kind, 2.0);
    let out = b.out(all, kind);
    let command = Command::SwiGlu {
        out,
        gate_up,
        hidden,
    };
    cases.push(b.case("swiglu", what(""), command, allowed));
    let mut b = Build::new(seed);
    let gate_up = b.values(2 * all, kind, 2.0);
    let dout = b.values(all, kind, 1.0);
    let command = Command::SwiGluGradient {
        dgate_up: b.changed(gate_up),
        dout,
        gate_up,
        hidden,
    };
    cases.push(b.case("swiglu_gradient", what(", in place"), command, allowed));
    let mut b = Build::new(seed);
    let x = b.values(all, kind, 1.0);
    let sum = b.values(all, kind, 1.0);
    let command = Command::Add {
        out: b.changed(sum),
        x,
    };
    cases.push(b.case("add", what(""), command, allowed));
    let mut b = Build::new(seed);
    let x = b.values(all, Kind::F32, 1.0);
    let out = b.out(all, kind);
    cases.push(b.case("copy", what(""), Command::Copy { out, x }, 0.0));
}

fn cross_entropy(
    cases: &mut Vec<Case>,
    seed: &mut u64,
    kind: Kind,
    rows: usize,
    vocabulary: usize,
) {
    for scale in [Some(0.125), None] {
        let mut b = Build::new(seed);
        let logits = b.values(rows * vocabulary, kind, 3.0);
        let (targets, _) = b.tokens(rows, vocabulary);
        let losses = b.out(rows, Kind::F32);
        if scale.is_some() {
            b.changed(logits);
        }
        let command = Command::CrossEntropy {
            logits,
            losses,
            targets,
            vocabulary,
            scale,
        };
        let more = if scale.is_some() { ", gradient" } else { "" };
        let what = format!("{} {rows}×{vocabulary}{more}", name_of(kind));
        cases.push(b.case("cross_entropy", what, command, exact(kind).max(2e-5)));
    }
}

/// Matrix products.
pub(crate) fn products(cases: &mut Vec<Case>, seed: &mut u64, kind: Kind) {
    for (m, n, k) in [(1, 8, 8), (64, 128, 96), (200, 104, 72), (33, 37, 41)] {
        // What training uses: forward, input gradient, weight gradient.
        for (a_transposed, b_transposed, f32_out) in [
            (false, true, false),
            (false, false, false),
            (true, false, true),
        ] {
            for add in [false, true] {
                // bf16 with odd leading dimensions is beyond tensor cores' alignment; models are even.
                if kind == Kind::Bf16 && (m * n * k) % 8 != 0 {
                    continue;
                }
                let mut b = Build::new(seed);
                let left = b.values(m * k, kind, 1.0);
                let right = b.values(k * n, kind, 1.0);
                let out_kind = if f32_out { Kind::F32 } else { kind };
                let (out, plus) = if !add {
                    (b.out(m * n, out_kind), None)
                } else if f32_out {
                    let span = b.values(m * n, out_kind, 1.0);
                    (b.changed(span), Some(span))
                } else {
                    let plus = b.values(m * n, out_kind, 1.0);
                    (b.out(m * n, out_kind), Some(plus))
                };
                let command = Command::Gemm {
                    out,
                    a: left,
                    b: right,
                    m,
                    n,
                    k,
                    a_transposed,
                    b_transposed,
                    plus,
                };
                let side = |turned: bool, name: &str| {
                    if turned {
                        format!("{name}ᵀ")
                    } else {
                        name.to_owned()
                    }
                };
                let more = if add { " +" } else { "" };
                let what = format!(
                    "{} {m}×{n}×{k} {}{}{more}",
                    name_of(kind),
                    side(a_transposed, "a"),
                    side(b_transposed, "b")
                );
                cases.push(b.case("product", what, command, exact(out_kind)));
            }
        }
    }
}

/// An attention, its gradient, and turning its heads.
pub(crate) fn attention(cases: &mut Vec<Case>, seed: &mut u64, kind: Kind, shape: AttentionShape) {
    let AttentionShape {
        sequences,
        length,
        queries,
        keys,
        width,
        mask,
    } = shape;
    let tokens = sequences * length;
    let row = (queries + 2 * keys) * width;
    let what = format!(
        "{} {sequences}×{length}, {queries}/{keys} heads of {width}, {mask:?}",
        name_of(kind)
    );
    let allowed = if kind == Kind::Bf16 { 1e-2 } else { 2e-5 };
    let mut b = Build::new(seed);
    let qkv = b.values(tokens * row, kind, 1.0);
    let out = b.out(tokens * queries * width, kind);
    let log_sums = b.out(tokens * queries, Kind::F32);
    let command = Command::Attention {
        out,
        log_sums,
        qkv,
        shape,
    };
    let forward = b.case("attention", what.clone(), command, allowed);
    // The backward pass is given what the forward pass gives here.
    let mut b = Build::new(seed);
    b.inputs.clone_from(&forward.inputs);
    b.at = forward.bytes;
    let given = forward_on_host(&forward);
    b.inputs
        .extend([(out, given[0].clone()), (log_sums, given[1].clone())]);
    let dout = b.values(tokens * queries * width, kind, 1.0);
    let delta = b.out(tokens * queries, Kind::F32);
    let dqkv = b.out(tokens * row, kind);
    let command = Command::AttentionGradient {
        dqkv,
        delta,
        dout,
        qkv,
        out,
        log_sums,
        shape,
    };
    cases.push(forward);
    cases.push(b.case("attention_gradient", what, command, allowed));
    if mask == Mask::Causal {
        let mut b = Build::new(seed);
        let x = b.values(tokens * row, kind, 1.0);
        let angles = length * width / 2;
        let (cos, sin) = (
            b.values(angles, Kind::F32, 1.0),
            b.values(angles, Kind::F32, 1.0),
        );
        let command = Command::Rope {
            x: b.changed(x),
            cos,
            sin,
            row,
            heads: queries + keys,
            width,
            length,
            back: sequences % 2 == 0,
        };
        let what = format!("{} {tokens} tokens of {row}", name_of(kind));
        cases.push(b.case("rope", what, command, exact(kind)));
    }
}

fn forward_on_host(case: &Case) -> Vec<Vec<u8>> {
    let mut host = Host::new();
    let done = host.reserve(case.bytes).and_then(|()| {
        for (span, bytes) in &case.inputs {
            host.write(*span, bytes)?;
        }
        host.run(&vec![case.command])?;
        case.outputs.iter().map(|span| host.read(*span)).collect()
    });
    done.unwrap_or_default()
}

/// Sums, of at most `most` numbers, the verdict and the update.
pub(crate) fn updates(cases: &mut Vec<Case>, seed: &mut u64, most: usize) {
    for len in [4, 1000, 5000, 300_000]
        .into_iter()
        .filter(|len| *len <= most)
    {
        let mut b = Build::new(seed);
        let x = b.values(len, Kind::F32, 1.0);
        let (out, scratch) = (b.out(1, Kind::F64), b.room(1024, Kind::F64));
        let what = format!("{len}");
        cases.push(b.case("sum", what.clone(), Command::Sum { out, scratch, x }, 1e-9));
        let mut b = Build::new(seed);
        let x = b.values(len, Kind::F32, 1.0);
        let (out, scratch) = (b.out(1, Kind::F64), b.room(1024, Kind::F64));
        cases.push(b.case(
            "sum_of_squares",
            what.clone(),
            Command::SumOfSquares { out, scratch, x },
            1e-9,
        ));
        for (copy, decays, factor) in [
            (true, true, 0.5_f64),
            (false, false, 1.0),
            (true, true, 0.0),
        ] {
            let mut b = Build::new(seed);
            let [weights, first, second, gradient] =
                [1.0, 0.1, 0.1, 1.0].map(|deviation| b.values(len, Kind::F32, deviation));
            // Second moments are not negative.
            if let Some((_, bytes)) = b.inputs.iter_mut().find(|known| known.0 == second) {
                bytes.chunks_mut(4).for_each(|four| four[3] &= 0x7f);
            }
            let copy = copy.then(|| b.values(len, Kind::Bf16, 1.0));
            let doubles = [1.5, 2.5, factor]
                .iter()
                .flat_map(|n: &f64| n.to_le_bytes())
                .collect();
            let report = b.given(doubles, Kind::F64);
            let settings = [1.0_f32, 0.9, 0.95, 1e-3, 0.999, 1.2, 1e-8, 0.0];
            let settings = settings.iter().flat_map(|n| n.to_le_bytes()).collect();
            let settings = b.given(settings, Kind::F32);
            for span in [Some(weights), Some(first), Some(second), copy]
                .into_iter()
                .flatten()
            {
                b.changed(span);
            }
            let command = Command::AdamW {
                weights,
                copy,
                first,
                second,
                gradient,
                report,
                settings,
                decays,
            };
            let allowed = if copy.is_some() { 1e-4 } else { 1e-6 };
            cases.push(b.case("adamw", format!("{len}, factor {factor}"), command, allowed));
        }
    }
    for (loss, squares, clip) in [
        (3.0, 16.0, 1.0_f32),
        (3.0, 0.25, 1.0),
        (3.0, 16.0, 0.0),
        (f64::NAN, 1.0, 1.0),
    ] {
        let mut b = Build::new(seed);
        let double = |n: f64| n.to_le_bytes().to_vec();
        let (of_loss, of_squares) = (
            b.given(double(loss), Kind::F64),
            b.given(double(squares), Kind::F64),
        );
        let settings: Vec<u8> = [clip, 0.0, 0.0, 0.0, 0.0, 0.0, 0.0, 0.0]
            .iter()
            .flat_map(|n: &f32| n.to_le_bytes())
            .collect();
        let settings = b.given(settings, Kind::F32);
        let report = b.room(3, Kind::F64);
        // The loss is handed on as it is; of one that is no number, the verdict counts.
        let verdict = if loss.is_nan() {
            Span {
                at: report.at + 16,
                len: 1,
                ..report
            }
        } else {
            report
        };
        b.outputs.push(verdict);
        let command = Command::Judge {
            report,
            loss: of_loss,
            squares: of_squares,
            settings,
        };
        cases.push(b.case(
            "judge",
            format!("loss {loss}, squares {squares}, clip {clip}"),
            command,
            1e-12,
        ));
    }
}
