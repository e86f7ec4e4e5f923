//! A linear layer whose outputs are scaled, on the tape.

use super::linear::Linear;
use super::matrix::{Matrix, Slots, Tape};
use crate::kernels::lanes::dot;

/// `layer` with output i times `scale` [1, outputs], as one layer: W′ = s∘W and b′ = s∘b.
///
/// The layer scale of Touvron et al. 2021 (eq. 4). Its gradient is recorded on the tape of `x`, which is
/// what the layer is to read next: dW = s∘dW′, db = s∘db′, ds = Σ dW′∘W over inputs, plus db′∘b.
///
/// # Panics
/// If the scale is not as long as the outputs.
pub fn scaled<T: Tape>(layer: &Linear, scale: &Matrix, x: Matrix<T>) -> (Linear, Matrix<T>) {
    assert_eq!(scale.columns(), layer.outputs(), "a factor for each output");
    let factors = scale.values();
    let of = |part: &Matrix| {
        let rows = part
            .values()
            .chunks_exact(part.values().len() / factors.len());
        let rows = rows.zip(factors);
        let values = rows.flat_map(|(row, factor)| row.iter().map(move |value| value * factor));
        let wants = part.wants() || scale.wants();
        Matrix::computed(values.collect(), part.columns(), wants)
    };
    let folded = Linear::new(of(&layer.weight), layer.bias.as_ref().map(of));
    let (x, mut tape) = x.split();
    if folded.wants() {
        let whole = [
            Some((&layer.weight, &folded.weight)),
            layer.bias.as_ref().zip(folded.bias.as_ref()),
        ];
        let parts: Vec<(Matrix, _)> = whole
            .into_iter()
            .flatten()
            .map(|(part, folded)| (part.clone(), folded.tensor.ghost()))
            .collect();
        let scale = scale.clone();
        tape.add_backward_op(move |slots: &mut Slots| {
            let factors = scale.values();
            let mut dscale = vec![0.0; factors.len()];
            for (part, folded) in &parts {
                let mut gradient = std::mem::take(&mut **slots.get_or_alloc_mut(folded)?);
                let length = gradient.len() / factors.len();
                let rows = gradient.chunks_exact_mut(length);
                for (i, (dy, row)) in rows.zip(part.values().chunks_exact(length)).enumerate() {
                    dscale[i] += dot(dy, row);
                    for value in dy {
                        *value *= factors[i];
                    }
                }
                part.taker()(slots, gradient)?;
            }
            scale.taker()(slots, dscale)
        });
    }
    (folded, x.record(tape))
}
