//! Images to sequences of vectors, on the tape.

use super::linear::Linear;
use super::matrix::{Matrix, Slots, Tape};
use crate::kernels::buffer::buffer;
use crate::kernels::columns::{add_row, spread, sum_rows};
use crate::kernels::gemm::Write;
use crate::kernels::patches::{Patches, copy_runs};

/// The first layer of a vision transformer (Dosovitskiy et al. 2021, eq. 1).
#[derive(Clone, Debug)]
pub struct PatchEmbedding {
    /// How images are cut.
    pub patches: Patches,
    /// [width, patch]: a convolution's weight [width, channels, size, size] as it lies in memory.
    pub projection: Linear,
    /// [1, width]: a vector before those of the patches, if there is one.
    pub class: Option<Matrix>,
    /// [tokens, width]: added to each sequence, class token first.
    pub positions: Option<Matrix>,
}

impl PatchEmbedding {
    /// Vectors of an image: its patches, and a class token if there is one.
    pub fn tokens(&self) -> usize {
        self.patches.count() + usize::from(self.class.is_some())
    }

    /// Whether a gradient of any of its weights is wanted.
    fn wants(&self) -> bool {
        let rows = [&self.class, &self.positions];
        self.projection.wants() || rows.into_iter().flatten().any(Matrix::wants)
    }

    fn check(&self, images: usize) {
        let (width, patches) = (self.projection.outputs(), self.patches);
        assert!(
            patches.height.is_multiple_of(patches.size)
                && patches.width.is_multiple_of(patches.size),
            "images of {}×{} in patches of {}",
            patches.height,
            patches.width,
            patches.size
        );
        assert!(
            images > 0 && images.is_multiple_of(patches.image()),
            "{images} numbers in images of {}",
            patches.image()
        );
        assert_eq!(
            self.projection.inputs(),
            patches.patch(),
            "projection of patches"
        );
        if let Some(class) = &self.class {
            assert_eq!((class.rows(), class.columns()), (1, width), "class token");
        }
        if let Some(positions) = &self.positions {
            let shape = (positions.rows(), positions.columns());
            assert_eq!(shape, (self.tokens(), width), "positions");
        }
    }
}

/// Sequences [n·tokens, width] of `images` [n, channels, height, width], which get no gradient.
///
/// # Panics
/// If the shapes do not agree, or there is no image.
pub fn patch_embedding<T: Tape>(images: &[f32], how: &PatchEmbedding, tape: T) -> Matrix<T> {
    how.check(images.len());
    let (patches, width) = (how.patches, how.projection.outputs());
    let (count, run) = (patches.count() * width, how.tokens() * width);
    let mut rows = buffer(images.len());
    patches.gather(&mut rows, images);
    let mut y = how.projection.apply(&rows, None);
    if let Some(class) = &how.class {
        let mut sequences = buffer(y.len() / count * run);
        spread(&mut sequences, class.values());
        copy_runs(&mut sequences, run, &y, count);
        y = sequences;
    }
    if let Some(positions) = &how.positions {
        add_row(&mut y, positions.values());
    }
    let y = Matrix::computed(y, width, how.wants());
    let (y_ghost, how) = (y.tensor.ghost(), how.clone());
    y.record_with(tape, move |slots: &mut Slots| {
        let mut dy = std::mem::take(&mut **slots.get_or_alloc_mut(&y_ghost)?);
        if let Some(positions) = how.positions.as_ref().filter(|rows| rows.wants()) {
            let dpositions = slots.get_or_alloc_mut(&positions.tensor)?;
            sum_rows(dpositions, positions.slot.claim(), &dy);
        }
        if let Some(class) = &how.class {
            let dclass = slots.get_or_alloc_mut(&class.tensor)?;
            if class.slot.claim() == Write::Set {
                dclass.fill(0.0);
            }
            // On one thread: few rows, and the sum must have one order.
            for dy in dy.chunks_exact(run) {
                dclass
                    .iter_mut()
                    .zip(dy)
                    .for_each(|(sum, part)| *sum += part);
            }
            let mut projected = buffer(dy.len() / run * count);
            copy_runs(&mut projected, count, &dy, run);
            dy = projected;
        }
        how.projection.weight_gradients(slots, &dy, &rows)
    })
}
