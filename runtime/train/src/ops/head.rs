//! Output projection and cross-entropy on the tape, in chunks of rows: logits are never all held.

use dfdx::tensor::{Cpu, PutTape, Tensor, TensorFromVec};

use super::matrix::{Gradients, Matrix, Recording, Slots, Tape};
use crate::TrainError;
use crate::kernels::buffer::buffer;
use crate::kernels::cross_entropy::{Logits, rows};
use crate::kernels::gemm::{Write, linear, linear_input, linear_weight};

/// Most logits held at a time: 32 MiB.
const LOGITS: usize = 1 << 23;
/// Most rows per chunk; more gain nothing.
const ROWS: usize = 512;

/// The loss of a batch or a shard of one.
#[derive(Debug)]
pub struct Loss<T> {
    /// What these rows add to the mean loss of the batch, in nats, on the tape.
    pub(crate) share: Tensor<(), f32, Cpu, T>,
    /// Sum of the rows' losses, in nats, added in row order.
    pub total: f64,
}

impl Loss<Recording> {
    /// Gradients of these rows' share of the batch's mean loss.
    pub fn backward(self) -> Result<Gradients, TrainError> {
        Ok(Gradients::of(self.share)?)
    }
}

/// Cross-entropy of softmax(x·Wᵀ) against `targets`: `x` [tokens, width], `weight` [vocabulary, width].
///
/// The mean is over `count` rows: those of the whole batch, of which these may be a shard.
/// The gradient is formed on the way, while a chunk's logits are at hand.
///
/// # Panics
/// If a target is not in the vocabulary, or the shapes do not agree.
pub fn cross_entropy<T: Tape>(
    x: Matrix<T>,
    weight: &Matrix,
    targets: &[u32],
    count: usize,
) -> Loss<T> {
    let (x, mut tape) = x.split();
    assert_eq!(x.rows(), targets.len(), "a target for each row");
    assert_eq!(x.columns(), weight.columns(), "rows and projection");
    let is_wanted = T::OWNS_TAPE && (x.wants() || weight.wants());
    let mut gradient = is_wanted.then(|| Gradient {
        x: buffer(if x.wants() { x.values().len() } else { 0 }),
        weight: buffer(if weight.wants() {
            weight.values().len()
        } else {
            0
        }),
    });
    let total = chunks(&x, weight, targets, count, gradient.as_mut());
    let share = (total / count as f64) as f32;
    let share = Cpu::default().tensor_from_vec(vec![share], ());
    if let Some(mut gradient) = gradient {
        let share_ghost = share.ghost();
        let (give_x, give_weight) = (x.taker(), weight.taker());
        tape.add_backward_op(move |slots: &mut Slots| {
            let seed = slots.get_or_alloc_mut(&share_ghost)?[0];
            gradient.scale(seed);
            give_x(slots, gradient.x)?;
            give_weight(slots, gradient.weight)
        });
    }
    Loss {
        share: share.put_tape(tape),
        total,
    }
}

/// Gradients of the mean loss; empty where they are not wanted.
struct Gradient {
    x: Vec<f32>,
    weight: Vec<f32>,
}

impl Gradient {
    /// Applies the gradient that arrived from above; 1 where the loss is the end of the tape.
    fn scale(&mut self, seed: f32) {
        if seed.to_bits() != 1.0_f32.to_bits() {
            self.x
                .iter_mut()
                .chain(&mut self.weight)
                .for_each(|value| *value *= seed);
        }
    }
}

/// Sum of the losses, chunk by chunk; fills `gradient` if there is one.
fn chunks(
    x: &Matrix,
    weight: &Matrix,
    targets: &[u32],
    count: usize,
    mut gradient: Option<&mut Gradient>,
) -> f64 {
    let (width, vocabulary) = (x.columns(), weight.rows());
    let rows_held = (LOGITS / vocabulary).clamp(1, ROWS).min(targets.len());
    let mut logits = buffer(rows_held * vocabulary);
    let mut losses = vec![0.0; targets.len()];
    let fate = match gradient {
        Some(_) => Logits::Gradient(1.0 / count as f32),
        None => Logits::Spent,
    };
    let work = x
        .values()
        .chunks(rows_held * width)
        .zip(targets.chunks(rows_held));
    for (chunk, ((x, targets), losses)) in work.zip(losses.chunks_mut(rows_held)).enumerate() {
        let logits = &mut logits[..targets.len() * vocabulary];
        linear(logits, Write::Set, x, weight.values(), width);
        rows(losses, logits, vocabulary, targets, fate);
        if let Some(gradient) = gradient.as_deref_mut() {
            let write = if chunk == 0 { Write::Set } else { Write::Add };
            if !gradient.x.is_empty() {
                let dx = &mut gradient.x[chunk * rows_held * width..][..x.len()];
                linear_input(dx, Write::Set, logits, weight.values(), width);
            }
            if !gradient.weight.is_empty() {
                linear_weight(&mut gradient.weight, write, logits, x, width);
            }
        }
    }
    losses.iter().sum()
}
