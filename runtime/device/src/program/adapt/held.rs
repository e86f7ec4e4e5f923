//! What of an adapted model's training lasts from step to step on a device.

use vpc_train::adapted::PartShape;

use super::AdaptModel;
use crate::program::arena::ALIGNMENT;
use crate::program::step::{PADDING, slice};
use crate::program::tape::Weight;
use crate::program::{Kind, Span};

/// What lasts from step to step, at the same places in every program of a model.
#[derive(Clone, Debug)]
pub(crate) struct Held {
    /// f32 weights that are moved; those that decay come first.
    pub(crate) weights: Span,
    pub(crate) first: Span,
    pub(crate) second: Span,
    pub(crate) gradient: Span,
    /// f32 weights that are frozen.
    pub(crate) frozen: Span,
    pub(crate) cos: Span,
    pub(crate) sin: Span,
    /// Where each matrix begins in its stretch, in numbers.
    starts: Vec<usize>,
    /// How many numbers of those that are moved decay.
    pub(super) decaying: usize,
    /// Bytes of all of it.
    pub(super) end: usize,
}

fn numbers(part: &PartShape) -> usize {
    part.shape.rows * part.shape.columns
}

impl Held {
    pub(crate) fn of(adapted: &AdaptModel) -> Self {
        let size = |part: &PartShape| numbers(part).next_multiple_of(PADDING);
        let sum = |which: &dyn Fn(&PartShape) -> bool| -> usize {
            let parts = adapted.parts.iter().filter(|part| which(part));
            parts.map(size).sum()
        };
        let decaying = sum(&|part| part.moves && part.shape.decays);
        let (moved, frozen) = (sum(&|part| part.moves), sum(&|part| !part.moves));
        let mut next = [0, decaying, 0];
        let place = |part: &PartShape| {
            let stretch = match (part.moves, part.shape.decays) {
                (true, true) => 0,
                (true, false) => 1,
                (false, _) => 2,
            };
            let at = next[stretch];
            next[stretch] += size(part);
            at
        };
        let starts = adapted.parts.iter().map(place).collect();
        let model = &adapted.model;
        let angles = model.context * (model.width / model.heads) / 2;
        let mut end = 0;
        let mut span = |len: usize| {
            let at = end;
            end = (at + len * 4).next_multiple_of(ALIGNMENT);
            Span {
                at,
                len,
                kind: Kind::F32,
            }
        };
        Self {
            weights: span(moved),
            first: span(moved),
            second: span(moved),
            gradient: span(moved),
            frozen: span(frozen),
            cos: span(angles),
            sin: span(angles),
            starts,
            decaying,
            end,
        }
    }

    /// Matrix `index` within a stretch.
    pub(crate) fn part(&self, of: Span, index: usize, part: &PartShape) -> Span {
        slice(of, self.starts[index], numbers(part))
    }

    /// Where it begins there, in numbers.
    pub(crate) fn start(&self, index: usize) -> usize {
        self.starts[index]
    }

    pub(super) fn matrices(&self, parts: &[PartShape]) -> Vec<Weight> {
        let weight = |(index, part): (usize, &PartShape)| {
            if part.moves {
                let [read, gradient] =
                    [self.weights, self.gradient].map(|of| self.part(of, index, part));
                Weight::new(read, gradient)
            } else {
                Weight::frozen(self.part(self.frozen, index, part))
            }
        };
        parts.iter().enumerate().map(weight).collect()
    }
}
