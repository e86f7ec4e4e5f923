//! Products of axes, and the points in them.

use std::rc::Rc;
use std::sync::Arc;

use super::axes::Axes;

/// The product of some axis groups. Its points go by number, the last group fastest.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Grid(Vec<Side>);

/// One group of axes in a product.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
struct Side {
    group: usize,
    rows: usize,
    /// How many points stand in one row before the next one begins.
    stride: usize,
}

/// A point of a grid.
pub(super) struct Point {
    pub(super) number: usize,
    /// Axis and value, as a plan shows them.
    pub(super) shown: Arc<[(Arc<str>, Arc<str>)]>,
}

/// The points at which the jobs of an experiment stand; jobs with the same axes share them.
pub(super) struct Points<'x> {
    axes: &'x Axes,
    /// Points of all axes that every condition allows; `None` where there is no condition.
    allowed: Option<Vec<usize>>,
    known: Vec<(Grid, Rc<[Point]>)>,
}

impl Grid {
    /// Makes the product of groups, each with its number of rows.
    pub(super) fn new(groups: impl DoubleEndedIterator<Item = (usize, usize)>) -> Self {
        let mut stride = 1usize;
        let sides = groups.rev().map(|(group, rows)| {
            let side = Side {
                group,
                rows,
                stride,
            };
            stride = stride.saturating_mul(rows);
            side
        });
        let mut sides: Vec<Side> = sides.collect();
        sides.reverse();
        Self(sides)
    }

    /// Returns the product of those of its groups that are named.
    pub(super) fn part(&self, groups: &[usize]) -> Self {
        let kept = self.0.iter().filter(|side| groups.contains(&side.group));
        Self::new(kept.map(|side| (side.group, side.rows)))
    }

    /// How many points it has.
    pub(super) fn len(&self) -> usize {
        let rows = self.0.iter().map(|side| side.rows);
        rows.fold(1, usize::saturating_mul)
    }

    /// Returns the groups in the order declared.
    pub(super) fn groups(&self) -> impl Iterator<Item = usize> {
        self.0.iter().map(|side| side.group)
    }

    /// Returns each group with its row at a point.
    pub(super) fn rows(&self, point: usize) -> impl Iterator<Item = (usize, usize)> {
        let row = move |side: &Side| point / side.stride.max(1) % side.rows.max(1);
        self.0.iter().map(move |side| (side.group, row(side)))
    }

    /// Returns the point of this grid at a point of one that has all of its groups.
    pub(super) fn at(&self, whole: &Self, point: usize) -> usize {
        let shared = whole.rows(point).filter_map(|(group, row)| {
            let side = self.0.iter().find(|side| side.group == group)?;
            Some(row * side.stride)
        });
        shared.sum()
    }
}

impl<'x> Points<'x> {
    pub(super) fn new(axes: &'x Axes, allowed: Option<Vec<usize>>) -> Self {
        Self {
            axes,
            allowed,
            known: Vec::new(),
        }
    }

    /// Returns the points of a grid, or what the conditions leave of them, in order.
    pub(super) fn of(&mut self, grid: &Grid) -> Rc<[Point]> {
        if let Some((_, points)) = self.known.iter().find(|known| known.0 == *grid) {
            return Rc::clone(points);
        }
        let point = |number| Point {
            number,
            shown: self.axes.shown_at(grid, number),
        };
        let points: Rc<[Point]> = match &self.allowed {
            None => (0..grid.len()).map(point).collect(),
            Some(allowed) => {
                let whole = self.axes.grid();
                let numbers = allowed.iter().map(|&number| grid.at(&whole, number));
                let mut numbers: Vec<usize> = numbers.collect();
                numbers.sort_unstable();
                numbers.dedup();
                numbers.into_iter().map(point).collect()
            }
        };
        self.known.push((grid.clone(), Rc::clone(&points)));
        points
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn points_are_numbered_with_the_last_group_fastest() {
        let grid = Grid::new([(0, 2), (3, 4), (5, 3)].into_iter());
        assert_eq!(grid.len(), 24);
        let rows: Vec<_> = grid.rows(17).collect();
        assert_eq!(rows, [(0, 1), (3, 1), (5, 2)]);
        let part = grid.part(&[5, 0]);
        assert_eq!(part.len(), 6);
        assert_eq!(part.at(&grid, 17), 5);
        assert_eq!(grid.part(&[]).at(&grid, 17), 0);
        assert_eq!(grid.part(&[]).len(), 1);
    }
}
