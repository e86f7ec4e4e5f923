//! Averages: whether all arms are averaged over the same runs.

use std::collections::{BTreeMap, BTreeSet};

use super::table::{Axis, Entry, Place, Table};

/// What arms are averaged over.
pub(super) struct Averages<'t> {
    pub(super) table: &'t Table,
    /// The axis that is compared.
    pub(super) axis: usize,
    /// Axes that are shown beside it, so that nothing is averaged over them.
    pub(super) shown: Vec<usize>,
    /// Axes that are averaged over.
    pub(super) over: Vec<usize>,
    /// Axes of replication within whose values arms are paired.
    pub(super) blocks: Vec<usize>,
    /// The values compared, where it is not all of them.
    pub(super) pair: Option<(u32, u32)>,
}

/// Arms that are averaged over different runs.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Uneven {
    /// Over other values of an axis: the axis, and the values of some arms.
    Values(usize, Vec<(u32, Vec<u32>)>),
    /// Over more or fewer values: the axis, and how many of some arms.
    Counts(usize, Vec<(u32, usize)>),
    /// No block has all arms.
    Blocks(usize),
}

/// The runs of an arm: values of the axes averaged over.
type Points = BTreeSet<Vec<u32>>;

impl Averages<'_> {
    /// Finds the first cell whose arms are averaged over different runs.
    pub(super) fn uneven(&self) -> Option<Uneven> {
        if self.over.is_empty() && self.blocks.is_empty() {
            return None;
        }
        let sorted = self.table.sorted(&self.shown, self.axis);
        let cells = sorted.chunk_by(|one, other| one.0 == other.0);
        let mut cells = cells.filter(|cell| !self.blocks.is_empty() || !self.is_even(cell));
        cells.find_map(|cell| {
            let arms = self.arms(cell);
            if arms.len() < 2 {
                return None;
            }
            self.unpaired(&arms).or_else(|| self.apart(&arms))
        })
    }

    /// Whether all arms have the same runs, in the same order: so it is in almost every cell.
    fn is_even(&self, cell: &[Place]) -> bool {
        let point = |place: &Place| {
            let entry = self.table.entry(place);
            self.over
                .iter()
                .map(move |at| entry.map(|entry| entry.at(*at)))
        };
        let mut arms = cell.chunk_by(|one, other| one.1 == other.1);
        let Some(first) = arms.next() else {
            return true;
        };
        arms.all(|arm| {
            let mut pairs = arm.iter().zip(first);
            arm.len() == first.len() && pairs.all(|(one, other)| point(one).eq(point(other)))
        })
    }

    fn arms(&self, cell: &[Place]) -> BTreeMap<u32, Vec<&Entry>> {
        let mut arms: BTreeMap<u32, Vec<&Entry>> = BTreeMap::new();
        for place in cell {
            let value = &place.1;
            let compared = match self.pair {
                Some((one, other)) => *value == one || *value == other,
                None => *value != 0,
            };
            if compared && let Some(entry) = self.table.entry(place) {
                arms.entry(*value).or_default().push(entry);
            }
        }
        arms
    }

    /// Whether arms have no block in common.
    fn unpaired(&self, arms: &BTreeMap<u32, Vec<&Entry>>) -> Option<Uneven> {
        let block = *self.blocks.first()?;
        let mut sets = arms.values().map(|entries| points(entries, &self.blocks));
        let first = sets.next()?;
        let common = sets.fold(first, |common, set| &common & &set);
        common.is_empty().then_some(Uneven::Blocks(block))
    }

    fn apart(&self, arms: &BTreeMap<u32, Vec<&Entry>>) -> Option<Uneven> {
        let repeats = |at: &&usize| self.axis_of(**at).is_some_and(|axis| axis.repeats);
        let (seeds, others): (Vec<usize>, Vec<usize>) = {
            let (seeds, others): (Vec<&usize>, Vec<&usize>) = self.over.iter().partition(repeats);
            (
                seeds.into_iter().copied().collect(),
                others.into_iter().copied().collect(),
            )
        };
        for axis in &others {
            let values = |entries: &Vec<&Entry>| points(entries, &[*axis]);
            if differ(arms.values().map(values)) {
                let values = arms.iter().map(|(arm, entries)| {
                    let own = points(entries, &[*axis]).into_iter().flatten();
                    (*arm, own.collect())
                });
                return Some(Uneven::Values(*axis, values.collect()));
            }
        }
        for axis in others.iter().chain(&seeds) {
            let count = |entries: &Vec<&Entry>| points(entries, &self.over).len();
            if differ(arms.values().map(count)) {
                let axis = seeds.first().unwrap_or(axis);
                let counts = arms.iter().map(|(arm, entries)| (*arm, count(entries)));
                return Some(Uneven::Counts(*axis, counts.collect()));
            }
        }
        None
    }

    fn axis_of(&self, at: usize) -> Option<&Axis> {
        self.table.axes.get(at)
    }
}

/// The values of some axes that runs have.
fn points(entries: &[&Entry], axes: &[usize]) -> Points {
    let point = |entry: &&Entry| axes.iter().map(|at| entry.at(*at)).collect();
    entries.iter().map(point).collect()
}

fn differ<T: PartialEq>(mut all: impl Iterator<Item = T>) -> bool {
    let first = all.next();
    all.any(|other| Some(&other) != first.as_ref())
}
