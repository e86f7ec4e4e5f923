//! Square patches of images as rows of a matrix, and sequences of their embeddings.

use rayon::prelude::*;

/// How images are cut: not overlapping squares, left to right, then down (Dosovitskiy et al. 2021).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Patches {
    /// Colours of a pixel.
    pub channels: usize,
    /// Rows of pixels; a multiple of `size`.
    pub height: usize,
    /// Pixels in a row; a multiple of `size`.
    pub width: usize,
    /// Length of a patch's side, in pixels.
    pub size: usize,
}

impl Patches {
    /// Numbers in an image.
    pub fn image(self) -> usize {
        self.channels * self.height * self.width
    }

    /// Numbers in a patch.
    pub fn patch(self) -> usize {
        self.channels * self.size * self.size
    }

    /// Patches of an image.
    pub fn count(self) -> usize {
        (self.height / self.size) * (self.width / self.size)
    }

    /// Copies the patches of `images` [n, channels·height·width] to `rows` [n·count, patch].
    ///
    /// A row is in the order of a convolution's weight: channel, then line, then column.
    pub(crate) fn gather(self, rows: &mut [f32], images: &[f32]) {
        let across = self.width / self.size;
        rows.par_chunks_mut(self.patch())
            .enumerate()
            .for_each(|(index, row)| {
                let image = &images[index / self.count() * self.image()..][..self.image()];
                let patch = index % self.count();
                let (top, left) = (patch / across * self.size, patch % across * self.size);
                for (line, row) in row.chunks_exact_mut(self.size).enumerate() {
                    let (channel, line) = (line / self.size, line % self.size);
                    let start = (channel * self.height + top + line) * self.width + left;
                    row.copy_from_slice(&image[start..][..self.size]);
                }
            });
    }
}

/// Copies runs of rows: run i of `from`, `from_run` long, to the end of run i of `to`, `to_run` long.
///
/// The longer runs have extra numbers at their beginning. Those of `to` are left alone, those of
/// `from` are left out.
pub(crate) fn copy_runs(to: &mut [f32], to_run: usize, from: &[f32], from_run: usize) {
    let both = to_run.min(from_run);
    to.par_chunks_mut(to_run)
        .zip(from.par_chunks(from_run))
        .for_each(|(to, from)| {
            to[to_run - both..].copy_from_slice(&from[from_run - both..]);
        });
}
