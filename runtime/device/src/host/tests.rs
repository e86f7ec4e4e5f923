//! The host device against formulas in double precision, and gradients against finite differences.

mod sight;

use super::Host;
use crate::Device;
use crate::program::{AttentionShape, Command, Kind, Mask, Span};

/// Spans one after the other, and their numbers.
#[derive(Default)]
pub(super) struct Bed {
    host: Host,
    at: usize,
    inputs: Vec<(Span, Vec<u8>)>,
}

impl Bed {
    pub(super) fn room(&mut self, len: usize, kind: Kind) -> Span {
        let span = Span {
            at: self.at,
            len,
            kind,
        };
        self.at = (self.at + len * kind.bytes()).next_multiple_of(256);
        span
    }

    pub(super) fn floats(&mut self, values: &[f64]) -> Span {
        let span = self.room(values.len(), Kind::F32);
        let bytes = values
            .iter()
            .flat_map(|value| (*value as f32).to_le_bytes());
        self.inputs.push((span, bytes.collect()));
        span
    }

    pub(super) fn indices(&mut self, values: &[u32]) -> Span {
        let span = self.room(values.len(), Kind::U32);
        let bytes = values.iter().flat_map(|value| value.to_le_bytes());
        self.inputs.push((span, bytes.collect()));
        span
    }

    pub(super) fn run(&mut self, commands: &[Command]) {
        self.host.reserve(self.at).expect("memory");
        for (span, bytes) in &self.inputs {
            self.host.write(*span, bytes).expect("a span");
        }
        self.host.run(&commands.to_vec()).expect("commands");
    }

    pub(super) fn get(&mut self, span: Span) -> Vec<f64> {
        let bytes = self.host.read(span).expect("a span");
        let numbers = bytes.as_chunks().0.iter();
        numbers
            .map(|four| f64::from(f32::from_le_bytes(*four)))
            .collect()
    }
}

/// Numbers between −1 and 1 that f32 holds exactly.
pub(super) fn some(len: usize, salt: usize) -> Vec<f64> {
    (0..len)
        .map(|i| ((i * 37 + salt * 101) % 256) as f64 / 128.0 - 1.0)
        .collect()
}

pub(super) fn close(ours: &[f64], exact: &[f64], tolerance: f64) {
    assert_eq!(ours.len(), exact.len());
    for (at, (ours, exact)) in ours.iter().zip(exact).enumerate() {
        assert!(
            (ours - exact).abs() <= tolerance,
            "number {at}: {ours} is not {exact}"
        );
    }
}

/// ∂ Σ f(x)·weights ÷ ∂x by central differences.
fn differences(x: &[f64], weights: &[f64], f: impl Fn(&[f64]) -> Vec<f64>) -> Vec<f64> {
    let sum = |x: &[f64]| f(x).iter().zip(weights).map(|(y, w)| y * w).sum::<f64>();
    let step = 1e-5;
    (0..x.len())
        .map(|at| {
            let mut moved = x.to_vec();
            moved[at] = x[at] + step;
            let above = sum(&moved);
            moved[at] = x[at] - step;
            (above - sum(&moved)) / (2.0 * step)
        })
        .collect()
}

const EPS: f32 = 1e-5;

fn rms_norm(x: &[f64], gain: &[f64]) -> Vec<f64> {
    let width = gain.len();
    let row = |row: &[f64]| {
        let square = row.iter().map(|x| x * x).sum::<f64>() / width as f64;
        let inverse = 1.0 / (square + f64::from(EPS)).sqrt();
        row.iter()
            .zip(gain)
            .map(|(x, gain)| x * inverse * gain)
            .collect::<Vec<_>>()
    };
    x.chunks(width).flat_map(row).collect()
}

#[test]
fn norms_and_their_gradients() {
    for (rows, width) in [(1, 1), (3, 7), (5, 16)] {
        let (x, gain, dy) = (some(rows * width, 1), some(width, 2), some(rows * width, 3));
        let more = some(rows * width, 4);
        let mut bed = Bed::default();
        let [of_x, of_gain, of_dy, plus] = [&x, &gain, &dy, &more].map(|values| bed.floats(values));
        let [out, dx] = [(); 2].map(|()| bed.room(rows * width, Kind::F32));
        let (inverse, dgain) = (bed.room(rows, Kind::F32), bed.room(width, Kind::F32));
        let scratch = bed.room(256 * width, Kind::F32);
        let gradient = |add| Command::RmsNormGradient {
            dx,
            dgain,
            scratch,
            dy: of_dy,
            x: of_x,
            inverse,
            gain: of_gain,
            width,
            plus: Some(plus),
            add,
        };
        bed.run(&[
            Command::RmsNorm {
                out,
                inverse,
                x: of_x,
                gain: of_gain,
                width,
                eps: EPS,
            },
            gradient(false),
            gradient(true),
        ]);
        close(&bed.get(out), &rms_norm(&x, &gain), 1e-6);
        let exact = differences(&x, &dy, |x| rms_norm(x, &gain));
        let exact: Vec<f64> = exact.iter().zip(&more).map(|(d, more)| d + more).collect();
        close(&bed.get(dx), &exact, 2e-5);
        // Written once and added once.
        let exact = differences(&gain, &dy, |gain| rms_norm(&x, gain));
        let twice: Vec<f64> = exact.iter().map(|d| 2.0 * d).collect();
        close(&bed.get(dgain), &twice, 2e-5);
    }
}

fn swiglu(rows: &[f64], hidden: usize) -> Vec<f64> {
    let row = |row: &[f64]| {
        let (gate, up) = row.split_at(hidden);
        let silu = |x: f64| x / (1.0 + (-x).exp());
        gate.iter()
            .zip(up)
            .map(|(gate, up)| silu(*gate) * up)
            .collect::<Vec<_>>()
    };
    rows.chunks(2 * hidden).flat_map(row).collect()
}

#[test]
fn gated_units_and_their_gradients() {
    for (rows, hidden) in [(1, 1), (4, 11)] {
        let (x, dout) = (some(2 * rows * hidden, 5), some(rows * hidden, 6));
        let mut bed = Bed::default();
        let [gate_up, of_dout] = [&x, &dout].map(|values| bed.floats(values));
        let out = bed.room(rows * hidden, Kind::F32);
        bed.run(&[
            Command::SwiGlu {
                out,
                gate_up,
                hidden,
            },
            // In place: what went in is gone afterwards.
            Command::SwiGluGradient {
                dgate_up: gate_up,
                dout: of_dout,
                gate_up,
                hidden,
            },
        ]);
        close(&bed.get(out), &swiglu(&x, hidden), 1e-6);
        close(
            &bed.get(gate_up),
            &differences(&x, &dout, |x| swiglu(x, hidden)),
            1e-5,
        );
    }
}

fn cross_entropy(logits: &[f64], targets: &[u32], vocabulary: usize) -> Vec<f64> {
    let row = |(row, target): (&[f64], &u32)| {
        row.iter().map(|logit| logit.exp()).sum::<f64>().ln() - row[*target as usize]
    };
    logits.chunks(vocabulary).zip(targets).map(row).collect()
}

#[test]
fn losses_and_their_gradients() {
    let (targets, vocabulary) = ([0, 4, 2], 5);
    let logits = some(15, 7);
    let mut bed = Bed::default();
    let (of_logits, of_targets) = (bed.floats(&logits), bed.indices(&targets));
    let losses = bed.room(3, Kind::F32);
    bed.run(&[Command::CrossEntropy {
        logits: of_logits,
        losses,
        targets: of_targets,
        vocabulary,
        scale: Some(0.5),
    }]);
    close(
        &bed.get(losses),
        &cross_entropy(&logits, &targets, vocabulary),
        1e-6,
    );
    let exact = differences(&logits, &[0.5; 3], |logits| {
        cross_entropy(logits, &targets, vocabulary)
    });
    close(&bed.get(of_logits), &exact, 1e-6);
}

/// Attention by its definition: softmax of all scores.
fn attention(qkv: &[f64], shape: AttentionShape) -> Vec<f64> {
    let AttentionShape {
        sequences,
        length,
        queries,
        keys,
        width,
        mask,
    } = shape;
    let row = (queries + 2 * keys) * width;
    let mut out = Vec::new();
    for t in 0..sequences * length {
        for head in 0..queries {
            let (key, start) = (queries + head / (queries / keys), t / length * length);
            let part = |token: usize, head: usize| &qkv[token * row + head * width..][..width];
            let end = if mask == Mask::Causal {
                t + 1
            } else {
                start + length
            };
            let score = |s: usize| {
                let dot: f64 = part(t, head)
                    .iter()
                    .zip(part(s, key))
                    .map(|(q, k)| q * k)
                    .sum();
                (dot / (width as f64).sqrt()).exp()
            };
            let total: f64 = (start..end).map(score).sum();
            let mix = |i: usize| {
                (start..end)
                    .map(|s| score(s) / total * part(s, key + keys)[i])
                    .sum()
            };
            out.extend((0..width).map(mix).collect::<Vec<f64>>());
        }
    }
    out
}

#[test]
fn attention_and_its_gradient() {
    for mask in [Mask::Causal, Mask::Full] {
        for (sequences, length, queries, keys, width) in [(1, 1, 1, 1, 2), (2, 5, 4, 2, 4)] {
            let shape = AttentionShape {
                sequences,
                length,
                queries,
                keys,
                width,
                mask,
            };
            let tokens = sequences * length;
            let x = some(tokens * (queries + 2 * keys) * width, 8);
            let dout = some(tokens * queries * width, 9);
            let mut bed = Bed::default();
            let [qkv, of_dout] = [&x, &dout].map(|values| bed.floats(values));
            let (out, dqkv) = (
                bed.room(dout.len(), Kind::F32),
                bed.room(x.len(), Kind::F32),
            );
            let [log_sums, delta] = [(); 2].map(|()| bed.room(tokens * queries, Kind::F32));
            bed.run(&[
                Command::Attention {
                    out,
                    log_sums,
                    qkv,
                    shape,
                },
                Command::AttentionGradient {
                    dqkv,
                    delta,
                    dout: of_dout,
                    qkv,
                    out,
                    log_sums,
                    shape,
                },
            ]);
            close(&bed.get(out), &attention(&x, shape), 1e-6);
            close(
                &bed.get(dqkv),
                &differences(&x, &dout, |x| attention(x, shape)),
                1e-5,
            );
        }
    }
}

#[test]
fn products_of_all_forms() {
    let (m, n, k) = (3, 5, 4);
    let (a, b, plus) = (some(m * k, 10), some(k * n, 11), some(m * n, 12));
    for a_transposed in [false, true] {
        for b_transposed in [false, true] {
            let mut bed = Bed::default();
            let [of_a, of_b, of_plus] = [&a, &b, &plus].map(|values| bed.floats(values));
            let out = bed.room(m * n, Kind::F32);
            bed.run(&[Command::Gemm {
                out,
                a: of_a,
                b: of_b,
                m,
                n,
                k,
                a_transposed,
                b_transposed,
                plus: Some(of_plus),
            }]);
            let left = |i: usize, l: usize| {
                if a_transposed {
                    a[l * m + i]
                } else {
                    a[i * k + l]
                }
            };
            let right = |l: usize, j: usize| {
                if b_transposed {
                    b[j * k + l]
                } else {
                    b[l * n + j]
                }
            };
            let exact: Vec<f64> = (0..m * n)
                .map(|at| {
                    let (i, j) = (at / n, at % n);
                    plus[at] + (0..k).map(|l| left(i, l) * right(l, j)).sum::<f64>()
                })
                .collect();
            close(&bed.get(out), &exact, 1e-6);
        }
    }
}

#[test]
fn tables_and_their_gradients() {
    let (tokens, width) = ([2, 0, 2, 3], 3);
    let (table, dy) = (some(12, 13), some(12, 14));
    let mut bed = Bed::default();
    let [of_table, of_dy] = [&table, &dy].map(|values| bed.floats(values));
    let (of_tokens, order) = (bed.indices(&tokens), bed.indices(&[1, 0, 2, 3]));
    let [out, dtable] = [(); 2].map(|()| bed.room(12, Kind::F32));
    bed.run(&[
        Command::Embed {
            out,
            table: of_table,
            tokens: of_tokens,
            width,
        },
        Command::EmbedGradient {
            dtable,
            dy: of_dy,
            tokens: of_tokens,
            order,
            width,
            add: false,
        },
    ]);
    let embed = |table: &[f64]| {
        let rows = tokens
            .iter()
            .flat_map(|token| &table[*token as usize * width..][..width]);
        rows.copied().collect::<Vec<f64>>()
    };
    close(&bed.get(out), &embed(&table), 0.0);
    close(&bed.get(dtable), &differences(&table, &dy, embed), 1e-6);
}

#[test]
fn rotation_is_that_of_complex_numbers_and_goes_back() {
    let (heads, width, length) = (2, 4, 3);
    let row = heads * width + 2;
    let x = some(6 * row, 15);
    let angles: Vec<f64> = (0..length * width / 2).map(|i| i as f64 * 0.7).collect();
    let cosines: Vec<f64> = angles.iter().map(|angle| angle.cos()).collect();
    let sines: Vec<f64> = angles.iter().map(|angle| angle.sin()).collect();
    let mut bed = Bed::default();
    let [of_x, copy] = [&x, &x].map(|values| bed.floats(values));
    let [cos, sin] = [&cosines, &sines].map(|values| bed.floats(values));
    let turn = |x, back| Command::Rope {
        x,
        cos,
        sin,
        row,
        heads,
        width,
        length,
        back,
    };
    bed.run(&[turn(of_x, false), turn(copy, false), turn(copy, true)]);
    let turned = bed.get(of_x);
    for (t, (ours, x)) in turned.chunks(row).zip(x.chunks(row)).enumerate() {
        for head in 0..heads {
            for i in 0..width / 2 {
                let (low, high) = (head * width + i, head * width + i + width / 2);
                let (sine, cosine) = angles[t % length * width / 2 + i].sin_cos();
                assert!((ours[low] - (x[low] * cosine - x[high] * sine)).abs() < 1e-6);
                assert!((ours[high] - (x[high] * cosine + x[low] * sine)).abs() < 1e-6);
            }
        }
        close(&ours[row - 2..], &x[row - 2..], 0.0);
    }
    close(&bed.get(copy), &x, 1e-6);
}

#[test]
#[should_panic(expected = "read before it is written")]
fn what_nothing_has_written_is_not_read() {
    let mut bed = Bed::default();
    let (x, out) = (bed.room(4, Kind::F32), bed.room(4, Kind::F32));
    bed.run(&[Command::Copy { out, x }]);
}
