//! The kernels for models of images, with the shapes that they are checked at.

use vpc_device::program::{Command, Kind, NOWHERE, SightCommand};
use vpc_train::ops::Activation;

use crate::build::Build;
use crate::case::Case;
use crate::cases::{exact, name_of};

/// Every kernel at small and odd shapes, of at most `most` numbers.
pub(crate) fn all(cases: &mut Vec<Case>, seed: &mut u64, most: usize) {
    let fits = |shape: &(usize, usize)| shape.0 * shape.1 <= most;
    for kind in [Kind::F32, Kind::Bf16] {
        let shapes = [(1, 8), (7, 37), (129, 64), (300, 1024), (33, 4104)];
        for (rows, width) in shapes.into_iter().filter(fits) {
            norms(cases, seed, kind, (rows, width));
            biases(cases, seed, kind, (rows, width));
            places(cases, seed, kind, (rows, width));
        }
        for len in [1, 8, 1003, 70_000].into_iter().filter(|len| *len <= most) {
            activations(cases, seed, kind, len);
        }
        let shapes = [(1, 3), (5, 509), (64, 32_000), (9, 4097)];
        for (rows, width) in shapes.into_iter().filter(fits) {
            answers(cases, seed, kind, (rows, width));
        }
    }
}

fn what(kind: Kind, (rows, width): (usize, usize), more: &str) -> String {
    format!("{} {rows}×{width}{more}", name_of(kind))
}

fn norms(cases: &mut Vec<Case>, seed: &mut u64, kind: Kind, shape: (usize, usize)) {
    let ((rows, width), allowed) = (shape, exact(kind).max(1e-5));
    let all = rows * width;
    let mut b = Build::new(seed);
    let x = b.values(all, kind, 1.0);
    let (gain, bias) = (
        b.values(width, Kind::F32, 1.0),
        b.values(width, Kind::F32, 1.0),
    );
    let out = b.out(all, kind);
    let (mean, inverse) = (b.out(rows, Kind::F32), b.out(rows, Kind::F32));
    let command = SightCommand::LayerNorm {
        out,
        mean,
        inverse,
        x,
        gain,
        bias,
        width,
        eps: 1e-5,
    };
    cases.push(b.case(
        "layer_norm",
        what(kind, shape, ""),
        Command::Sight(command),
        allowed,
    ));
    for more in [false, true] {
        let mut b = Build::new(seed);
        let (dy, x) = (b.values(all, kind, 1.0), b.values(all, kind, 1.0));
        let [mean, inverse] = [(); 2].map(|()| b.values(rows, Kind::F32, 0.5));
        let gain = b.values(width, Kind::F32, 1.0);
        let plus = more.then(|| b.values(all, kind, 1.0));
        let scratch = b.room(128 * width, Kind::F32);
        let [dgain, dbias] = [(); 2].map(|()| {
            if more {
                let span = b.values(width, Kind::F32, 1.0);
                b.changed(span)
            } else {
                b.out(width, Kind::F32)
            }
        });
        // In place, as training does.
        let dx = b.changed(dy);
        let command = SightCommand::LayerNormGradient {
            dx,
            dgain,
            dbias,
            scratch,
            dy,
            x,
            mean,
            inverse,
            gain,
            width,
            plus,
            add: more,
        };
        let text = if more { ", added" } else { "" };
        cases.push(b.case(
            "layer_norm_gradient",
            what(kind, shape, text),
            Command::Sight(command),
            allowed,
        ));
    }
}

fn biases(cases: &mut Vec<Case>, seed: &mut u64, kind: Kind, shape: (usize, usize)) {
    let (rows, width) = shape;
    let mut b = Build::new(seed);
    let x = b.values(rows * width, kind, 1.0);
    let bias = b.values(width, Kind::F32, 1.0);
    let x = b.changed(x);
    let command = Command::Sight(SightCommand::AddBias { x, bias, width });
    cases.push(b.case("add_bias", what(kind, shape, ""), command, exact(kind)));
    for add in [false, true] {
        let mut b = Build::new(seed);
        let dy = b.values(rows * width, kind, 1.0);
        let scratch = b.room(64 * width, Kind::F32);
        let dbias = if add {
            let span = b.values(width, Kind::F32, 1.0);
            b.changed(span)
        } else {
            b.out(width, Kind::F32)
        };
        let command = Command::Sight(SightCommand::BiasGradient {
            dbias,
            scratch,
            dy,
            width,
            add,
        });
        let text = if add { ", added" } else { "" };
        cases.push(b.case("bias_gradient", what(kind, shape, text), command, 1e-5));
    }
}

/// Places of rows in a matrix of twice as many: every fourth is none.
fn chosen(rows: usize) -> Vec<u8> {
    let place = |row: usize| {
        if row % 4 == 3 {
            NOWHERE
        } else {
            (2 * (rows - 1 - row)) as u32
        }
    };
    (0..rows).flat_map(|row| place(row).to_le_bytes()).collect()
}

fn places(cases: &mut Vec<Case>, seed: &mut u64, kind: Kind, shape: (usize, usize)) {
    let (rows, width) = shape;
    for zeros in [false, true] {
        let mut b = Build::new(seed);
        let from = b.values(rows * width, kind, 1.0);
        let to = b.values(2 * rows * width, kind, 1.0);
        let places = b.given(chosen(rows), Kind::U32);
        let command = Command::Sight(SightCommand::PutRows {
            out: b.changed(to),
            rows: (!zeros).then_some(from),
            places,
            width,
        });
        let text = if zeros { ", zeros" } else { "" };
        cases.push(b.case("put_rows", what(kind, shape, text), command, 0.0));
    }
    let mut b = Build::new(seed);
    let x = b.values(2 * rows * width, kind, 1.0);
    let places = b.given(chosen(rows), Kind::U32);
    let out = b.out(rows * width, kind);
    let command = Command::Sight(SightCommand::TakeRows {
        out,
        x,
        places,
        width,
    });
    cases.push(b.case("take_rows", what(kind, shape, ""), command, 0.0));
}

fn activations(cases: &mut Vec<Case>, seed: &mut u64, kind: Kind, len: usize) {
    for function in [
        Activation::Gelu,
        Activation::GeluTanh,
        Activation::QuickGelu,
        Activation::Relu,
        Activation::Silu,
    ] {
        let what = format!("{} {len}, {function:?}", name_of(kind));
        let mut b = Build::new(seed);
        let x = b.values(len, kind, 3.0);
        let out = b.out(len, kind);
        let command = Command::Sight(SightCommand::Activate { out, x, function });
        cases.push(b.case("activate", what.clone(), command, exact(kind)));
        let mut b = Build::new(seed);
        let (x, dy) = (b.values(len, kind, 3.0), b.values(len, kind, 1.0));
        let command = Command::Sight(SightCommand::ActivateGradient {
            dx: b.changed(dy),
            dy,
            x,
            function,
        });
        cases.push(b.case("activate_gradient", what, command, exact(kind)));
    }
}

fn answers(cases: &mut Vec<Case>, seed: &mut u64, kind: Kind, shape: (usize, usize)) {
    let (rows, width) = shape;
    let mut b = Build::new(seed);
    let logits = b.values(rows * width, kind, 3.0);
    let targets: Vec<u8> = (0..rows)
        .flat_map(|row| {
            let target = if row % 3 == 2 {
                NOWHERE
            } else {
                (b.draw() % width as u64) as u32
            };
            target.to_le_bytes()
        })
        .collect();
    let targets = b.given(targets, Kind::U32);
    let scale = b.given(0.125_f32.to_le_bytes().to_vec(), Kind::F32);
    let losses = b.out(rows, Kind::F32);
    let command = Command::Sight(SightCommand::AnswerEntropy {
        logits: b.changed(logits),
        losses,
        targets,
        scale,
        width,
    });
    let allowed = exact(kind).max(2e-5);
    cases.push(b.case("answer_entropy", what(kind, shape, ""), command, allowed));
}
