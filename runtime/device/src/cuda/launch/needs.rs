//! What commands need of a GPU, and what none can do.

use super::attention::By;
use super::is_bf16;
use super::rows::norms;
use crate::DeviceError;
use crate::cuda::compile::Kernels;
use crate::cuda::flash;
use crate::cuda::hopper::Layout;
use crate::program::{Command, Kind, Span};

/// Longest row of a norm's gradient: 256 threads hold 32 numbers each.
const WIDEST: usize = 8192;
/// Longest head.
const LONGEST: usize = 256;

/// Refuses shapes that kernels cannot do.
pub fn check(command: &Command) -> Result<(), DeviceError> {
    let refuse = |what: String| Err(DeviceError::Unsupported(what));
    match *command {
        Command::RmsNormGradient { width, .. } if width > WIDEST => {
            refuse(format!("a model {width} wide; at most {WIDEST}"))
        }
        Command::Attention { shape, .. } | Command::AttentionGradient { shape, .. }
            if shape.width > LONGEST =>
        {
            refuse(format!("heads of {}; at most {LONGEST}", shape.width))
        }
        Command::Attention { shape, .. } if shape.sequences > 65_535 || shape.queries > 65_535 => {
            refuse(format!(
                "{} sequences of {} heads; at most 65535",
                shape.sequences, shape.queries
            ))
        }
        Command::CachedAttention { shape, .. } if shape.width > LONGEST => {
            refuse(format!("heads of {}; at most {LONGEST}", shape.width))
        }
        Command::AdamW { weights, .. } if !weights.len.is_multiple_of(4) => {
            refuse(format!("an update of {} numbers", weights.len))
        }
        Command::Copy { out, x } if out.kind != x.kind && x.kind != Kind::F32 => {
            refuse(format!("a copy of {:?} to {:?}", x.kind, out.kind))
        }
        _ => Ok(()),
    }
}

/// Whether a command is one that Hopper's instructions do where there are any.
pub fn wants_warpgroups(command: &Command) -> bool {
    match command {
        Command::Attention { out, shape, .. } | Command::AttentionGradient { out, shape, .. } => {
            By::of(out.kind, shape, true) == By::Warpgroups
        }
        _ => false,
    }
}

/// The kernels a command needs, with their dynamic shared memory in bytes. `warpgroups`: whether the
/// device has Hopper's instructions.
pub fn needs(command: &Command, warpgroups: bool) -> Vec<(Kernels, Vec<&'static str>, usize)> {
    let rows = |span: Span, names: &[&'static str]| {
        vec![(
            Kernels::Rows {
                bf16: is_bf16(span),
            },
            names.to_vec(),
            0,
        )]
    };
    let cache = |span: Span, name: &'static str| {
        let bf16 = is_bf16(span);
        vec![(Kernels::Cache { bf16 }, vec![name], 0)]
    };
    let optimizer = |names: &[&'static str]| vec![(Kernels::Optimizer, names.to_vec(), 0)];
    match *command {
        Command::Zero { .. } | Command::Gemm { .. } => Vec::new(),
        Command::Copy { out, x } if out.kind == x.kind => Vec::new(),
        Command::Copy { out, .. } => rows(out, &["copy_rows"]),
        Command::Add { out, .. } => rows(out, &["add"]),
        Command::Embed { out, .. } => rows(out, &["embed"]),
        Command::EmbedGradient { dy, .. } => rows(dy, &["embed_gradient"]),
        Command::RmsNorm { out, .. } => rows(out, &["rms_norm"]),
        Command::RmsNormGradient { dx, width, .. } => {
            let names = vec!["rms_norm_gradient", "sum_partials"];
            vec![(norms(dx, width), names, 0)]
        }
        Command::Rope { x, .. } => rows(x, &["rope"]),
        Command::SwiGlu { out, .. } => rows(out, &["swiglu"]),
        Command::SwiGluGradient { dout, .. } => rows(dout, &["swiglu_gradient"]),
        Command::CrossEntropy { logits, .. } => rows(logits, &["cross_entropy"]),
        Command::Attention { out, shape, .. } => match By::of(out.kind, &shape, warpgroups) {
            By::Warpgroups => {
                let shared = Layout::forward(shape.width).shared();
                vec![(
                    Kernels::Hopper { head: shape.width },
                    vec!["hopper"],
                    shared,
                )]
            }
            By::Warps => {
                let shared = flash::shared(shape.width).0;
                vec![(Kernels::Flash { head: shape.width }, vec!["flash"], shared)]
            }
            By::Threads => {
                let of = Kernels::Attention { bf16: is_bf16(out) };
                vec![(of, vec!["attention"], 0)]
            }
        },
        Command::AttentionGradient { out, shape, .. } => {
            let any = Kernels::Attention { bf16: is_bf16(out) };
            let mut all = vec![(any, vec!["attention_delta"], 0)];
            match By::of(out.kind, &shape, warpgroups) {
                By::Warpgroups => {
                    let of = Kernels::Hopper { head: shape.width };
                    let (queries, keys) = (Layout::queries(shape.width), Layout::keys(shape.width));
                    all.push((of, vec!["hopper_queries"], queries.shared()));
                    all.push((of, vec!["hopper_keys"], keys.shared()));
                }
                By::Warps => {
                    let of = Kernels::Flash { head: shape.width };
                    let names = vec!["flash_queries", "flash_keys"];
                    all.push((of, names, flash::shared(shape.width).1));
                }
                By::Threads => all.push((any, vec!["attention_queries", "attention_keys"], 0)),
            }
            all
        }
        Command::StoreKeys { qkv, .. } => cache(qkv, "store_keys"),
        Command::CachedAttention { out, .. } => cache(out, "cached_attention"),
        Command::Sight(ref command) => super::sight::needs(command),
        Command::Sum { .. } | Command::SumOfSquares { .. } => optimizer(&["sum_parts", "sum_all"]),
        Command::Judge { .. } => optimizer(&["judge"]),
        Command::AdamW { .. } => optimizer(&["adamw"]),
    }
}
