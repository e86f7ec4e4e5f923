//! Nearest neighbours by inner product, exact, in memory of the order of the result.

use std::array;

use rayon::prelude::*;

use super::AlignmentError;
use super::prepare::check;

/// Things whose products with [`COLUMNS`] others are computed together, in registers.
const ROWS: usize = 4;
/// The others, side by side in a panel.
const COLUMNS: usize = 8;
/// Numbers of a vector whose products are added up before they join the whole sum: a short sum
/// rounds less. Fixed: it decides the bits of a product.
const PART: usize = 64;
/// Things that one task looks after.
const TASK: usize = 32;

/// The k nearest others of each of n things.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Neighbours {
    k: usize,
    /// [n·k], each below n.
    indices: Vec<u32>,
}

impl Neighbours {
    /// Neighbours of each thing.
    pub fn k(&self) -> usize {
        self.k
    }

    /// How many things there are.
    pub fn things(&self) -> usize {
        self.indices.len() / self.k
    }

    /// Each thing's neighbours, the nearest first: n times `[k]`.
    pub fn each(&self) -> impl Iterator<Item = &[u32]> {
        self.indices.chunks_exact(self.k)
    }
}

/// Finds each thing's `k` nearest others by inner product, which for vectors of length 1 is the
/// cosine; of equally near ones the lower index comes first.
///
/// `vectors` is [n·width]. The bits of a product depend on its two vectors alone. Fails where these
/// are no whole vectors, a number is not finite, a vector is longer than about 1e18, or `k` is not
/// from 1 to n − 1.
pub fn neighbours(vectors: &[f32], width: usize, k: usize) -> Result<Neighbours, AlignmentError> {
    check(0, vectors, width)?;
    let things = vectors.len() / width;
    if k == 0 || k >= things {
        return Err(AlignmentError::Neighbours { k, things });
    }
    let squares = |vector: &[f32]| vector.iter().map(|&x| f64::from(x).powi(2)).sum::<f64>();
    // By Cauchy and Schwarz no sum on the way to a product is larger than the larger square.
    if let Some(thing) = vectors
        .chunks_exact(width)
        .position(|own| squares(own) > 1e36)
    {
        return Err(AlignmentError::TooLong { thing });
    }
    let panels = panels(vectors, width);
    let tasks = vectors.par_chunks(TASK * width).enumerate();
    let found = tasks.flat_map_iter(|(task, own)| {
        let nearest = nearest(own, task * TASK, &panels, (width, things, k));
        nearest.into_iter().flat_map(Nearest::into_indices)
    });
    let indices = found.collect();
    Ok(Neighbours { k, indices })
}

/// One number of each of some vectors that stand side by side.
type Across = [f32; COLUMNS];

/// The vectors once more, [n / COLUMNS][width]; past the last one zeros.
fn panels(vectors: &[f32], width: usize) -> Vec<Across> {
    let panel = |vectors: &[f32]| {
        let mut panel = vec![[0.0; COLUMNS]; width];
        for (column, vector) in vectors.chunks_exact(width).enumerate() {
            for (across, &x) in panel.iter_mut().zip(vector) {
                across[column] = x;
            }
        }
        panel
    };
    vectors
        .par_chunks(COLUMNS * width)
        .flat_map_iter(panel)
        .collect()
}

/// The nearest others of the things `own`, the first of which is `first`.
fn nearest(
    own: &[f32],
    first: usize,
    panels: &[Across],
    (width, things, k): (usize, usize, usize),
) -> Vec<Nearest> {
    let count = own.len() / width;
    // Past the end the last vector stands in, and its products are dropped.
    let vector = |at: usize| &own[at.min(count - 1) * width..][..width];
    let mut nearest: Vec<Nearest> = (0..count).map(|_| Nearest::new(k)).collect();
    for (panel, left) in panels.chunks_exact(width).zip((0..).step_by(COLUMNS)) {
        for (nearest, top) in nearest.chunks_mut(ROWS).zip((0..).step_by(ROWS)) {
            let products = products(array::from_fn(|row| vector(top + row)), panel);
            for ((thing, nearest), products) in (first + top..).zip(nearest).zip(products) {
                for (other, product) in (left..things).zip(products) {
                    if other != thing {
                        nearest.offer(other as u32, product);
                    }
                }
            }
        }
    }
    nearest
}

/// Inner products of rows with the columns of a panel, all of one width.
fn products(rows: [&[f32]; ROWS], panel: &[Across]) -> [Across; ROWS] {
    let mut whole = [[0.0; COLUMNS]; ROWS];
    for (panel, from) in panel.chunks(PART).zip((0..).step_by(PART)) {
        let rows = rows.map(|row| &row[from..from + panel.len()]);
        let mut part = [[0.0; COLUMNS]; ROWS];
        for (at, across) in panel.iter().enumerate() {
            for (sums, row) in part.iter_mut().zip(rows) {
                add_scaled(sums, row[at], across);
            }
        }
        for (whole, part) in whole.iter_mut().zip(&part) {
            add_scaled(whole, 1.0, part);
        }
    }
    whole
}

fn add_scaled(sums: &mut Across, scale: f32, of: &Across) {
    for (sum, x) in sums.iter_mut().zip(of) {
        *sum += scale * x;
    }
}

/// The nearest others seen so far.
struct Nearest {
    k: usize,
    /// At most k, the nearest first.
    found: Vec<(f32, u32)>,
}

impl Nearest {
    fn new(k: usize) -> Self {
        let found = Vec::with_capacity(k);
        Self { k, found }
    }

    /// Takes in `other`, whose index is above all before it, if it is near enough.
    fn offer(&mut self, other: u32, product: f32) {
        if self.found.len() == self.k {
            if self.found.last().is_some_and(|last| product <= last.0) {
                return;
            }
            self.found.pop();
        }
        let at = self.found.partition_point(|near| near.0 >= product);
        self.found.insert(at, (product, other));
    }

    fn into_indices(self) -> impl Iterator<Item = u32> {
        self.found.into_iter().map(|(_, other)| other)
    }
}
