//! Whether products sum each row alike, wherever it stands: what a text's bits in any company rest on.

use vpc_device::cuda::Cuda;
use vpc_device::program::{Command, Kind};
use vpc_device::{Device, DeviceError};

use crate::build::Build;
use crate::cases::name_of;

/// Shapes m×n×k of a model 2,048 wide: passes over 32, 512 and 4,096 tokens, and their logits.
const SHAPES: [(usize, usize, usize); 6] = [
    (32, 3072, 2048),
    (32, 8000, 2048),
    (256, 8000, 2048),
    (512, 3072, 2048),
    (512, 2048, 5632),
    (4096, 2048, 2048),
];

/// Multiplies the same row many times over, with and without something to add, prints a table, and returns what it
/// says: shapes, and in how many rows the result differs from that of the first.
pub(crate) fn table(gpu: &mut Cuda, mut seed: u64) -> Result<Vec<serde_json::Value>, DeviceError> {
    println!("| product of one row | rows that differ |\n|---|---|");
    let mut found = Vec::new();
    for kind in [Kind::F32, Kind::Bf16] {
        for (m, n, k) in SHAPES {
            for add in [false, true] {
                let what = format!(
                    "{} {m}×{n}×{k}{}",
                    name_of(kind),
                    if add { " +" } else { "" }
                );
                let differ = differ(gpu, &mut seed, kind, (m, n, k), add)?;
                println!("| {what} | {differ} |");
                found.push(serde_json::json!({ "product": what, "differ": differ }));
            }
        }
    }
    Ok(found)
}

fn differ(
    gpu: &mut Cuda,
    seed: &mut u64,
    kind: Kind,
    (m, n, k): (usize, usize, usize),
    add: bool,
) -> Result<usize, DeviceError> {
    let mut b = Build::new(seed);
    let right = b.values(n * k, kind, 1.0);
    let [left, plus] = [k, n].map(|columns| repeated(&mut b, m, columns, kind));
    let out = b.out(m * n, kind);
    let command = Command::Gemm {
        out,
        a: left,
        b: right,
        m,
        n,
        k,
        a_transposed: false,
        b_transposed: true,
        plus: add.then_some(plus),
    };
    gpu.reserve(b.at)?;
    for (span, bytes) in &b.inputs {
        gpu.write(*span, bytes)?;
    }
    gpu.run_directly(&[command])?;
    let result = gpu.read(out)?;
    let mut rows = result.chunks(n * kind.bytes());
    let first = rows.next();
    Ok(rows.filter(|row| Some(*row) != first).count())
}

/// One random row, `count` times.
fn repeated(b: &mut Build, count: usize, columns: usize, kind: Kind) -> vpc_device::program::Span {
    b.values(columns, kind, 1.0);
    let row = b.inputs.pop().map(|(_, bytes)| bytes).unwrap_or_default();
    b.given(row.repeat(count), kind)
}
