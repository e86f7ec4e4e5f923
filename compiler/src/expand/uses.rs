//! Which traits of runs a study sets along which axis.

use vpc_grammar::tree::{Block, Entry, Let};

use super::axes::Axes;
use super::names::Names;
use crate::schema::Trait;

/// Axes, with the traits that fields of jobs set by them.
pub(crate) type Uses = Vec<(String, Vec<Trait>)>;

/// Reads which fields of jobs mention which axes.
pub(super) fn uses(axes: &Axes, jobs: &[&Block], lets: &[Let]) -> Uses {
    let mut uses: Uses = Vec::new();
    for job in jobs {
        for entry in job.body.iter().flat_map(|body| &body.entries) {
            let Entry::Field(field) = entry else { continue };
            let [name] = field.path.as_slice() else {
                continue;
            };
            let names = Names::of_expr(&field.value, lets);
            for (_, axis) in axes.names().filter(|axis| names.has(&axis.1.text)) {
                let traits = set_by(&job.kind.text, &name.text);
                match uses.iter_mut().find(|known| known.0 == axis.text) {
                    Some(known) => known.1.extend(traits),
                    None => uses.push((axis.text.clone(), traits.to_vec())),
                }
            }
        }
    }
    uses
}

/// The traits that a field of a kind of job sets.
fn set_by(kind: &str, field: &str) -> &'static [Trait] {
    match (kind, field) {
        ("pretrain", "model") => &[Trait::Model],
        ("pretrain", "data") => &[Trait::Data],
        ("pretrain", "tokenizer") => &[Trait::Tokenizer],
        ("pretrain", "tokens") => &[Trait::Tokens],
        ("pretrain", "batch") => &[Trait::Batch],
        ("pretrain", "rate") => &[Trait::Rate],
        ("pretrain", "schedule") => &[Trait::Schedule],
        ("pretrain", "precision") => &[Trait::Precision],
        ("pretrain", "weight_decay" | "beta1" | "beta2" | "clip") => &[Trait::Optimizer],
        ("pretrain" | "adapt", "seed") => &[Trait::Seed],
        ("adapt", "setup") => &[
            Trait::Stages,
            Trait::Encoder,
            Trait::Projector,
            Trait::VisualTokens,
            Trait::Datasets,
            Trait::Items,
            Trait::Trainable,
        ],
        ("eval" | "align_score", "from") => &[Trait::Checkpoint],
        ("eval", "suite") | ("align_score", "data" | "encoders") => &[Trait::Questions],
        ("eval", "images") => &[Trait::Images],
        ("eval", "explain") => &[Trait::Explanations],
        ("eval", "judge") => &[Trait::Judge],
        _ => &[],
    }
}
