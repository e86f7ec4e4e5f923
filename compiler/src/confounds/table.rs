//! The runs that a comparison reads, as rows: where they stand, and what is known of them.

use std::collections::BTreeMap;
use std::sync::Arc;

use smallvec::SmallVec;

use super::measure::Reading;
use super::runs::{Runs, get};
use super::values::Id;
use crate::plan::Experiment;
use crate::schema::Trait;

/// Runs of one evaluation, of one experiment or of several.
pub(super) struct Table {
    pub(super) axes: Vec<Axis>,
    pub(super) entries: Vec<Entry>,
}

/// An axis, with the values that runs have.
pub(super) struct Axis {
    pub(super) name: String,
    /// Values in the order in which they are met; number 0 stands for runs without the axis.
    pub(super) values: Vec<String>,
    /// Whether it is an axis of replication.
    pub(super) repeats: bool,
    numbers: BTreeMap<String, u32>,
    /// Numbers of texts, by address: runs share the texts of their points.
    known: BTreeMap<usize, u32>,
}

/// A run.
pub(super) struct Entry {
    /// A value for each axis.
    pub(super) point: SmallVec<[u32; 6]>,
    /// Numbers of the rows of its model and of how it is measured.
    pub(super) row: u32,
    pub(super) measure: u32,
    pub(super) setup: usize,
}

/// Where an entry stands: a key of some axes, the value of another, and its number.
pub(super) type Place = (u64, u32, u32);

/// How one axis stands to another.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Relation {
    /// Both vary freely.
    Free,
    /// The other one is given by this one: it moves along with it.
    Follows,
    /// Each value of the other one belongs to one value of this one.
    Nested,
}

impl Table {
    /// Reads the runs of an evaluation.
    pub(super) fn new(experiments: &[&Experiment], reading: &Reading, runs: &mut Runs<'_>) -> Self {
        let mut table = Self {
            axes: Vec::new(),
            entries: Vec::new(),
        };
        for experiment in experiments {
            for axis in &experiment.axes {
                let repeats = !axis.seeds.is_empty();
                table.axis(&axis.name, repeats);
            }
        }
        let across = (experiments.len() > 1).then(|| table.axis("experiment", false));
        for experiment in experiments {
            let mut own = experiment.runs.iter();
            // Runs of a job have the same axes in the same order.
            let Some(first) = own.find(|run| *run.job == *reading.job) else {
                continue;
            };
            let names = first.point.iter().map(|(name, _)| &**name);
            let places: Vec<usize> = names.map(|name| table.axis(name, false)).collect();
            for run in experiment
                .runs
                .iter()
                .filter(|run| *run.job == *reading.job)
            {
                let Some((model, measure)) = runs.measured(run, reading) else {
                    continue;
                };
                let mut point = SmallVec::from_elem(0, table.axes.len());
                let values = run.point.iter().map(|(_, value)| value);
                for (place, value) in places.iter().zip(values) {
                    table.put(&mut point, *place, |axis| axis.number(value));
                }
                if let Some(place) = across {
                    table.put(&mut point, place, |axis| axis.named(&experiment.name));
                }
                table.entries.push(Entry {
                    point,
                    row: model.row,
                    measure,
                    setup: model.setup,
                });
            }
        }
        table
    }

    /// Returns the place of an axis, new or known.
    fn axis(&mut self, name: &str, repeats: bool) -> usize {
        if let Some(at) = self.at(name) {
            return at;
        }
        self.axes.push(Axis {
            name: name.to_owned(),
            values: Vec::new(),
            repeats,
            numbers: BTreeMap::new(),
            known: BTreeMap::new(),
        });
        self.axes.len() - 1
    }

    /// Returns the place of an axis.
    pub(super) fn at(&self, name: &str) -> Option<usize> {
        self.axes.iter().position(|axis| axis.name == name)
    }

    fn put(&mut self, point: &mut [u32], place: usize, number: impl FnOnce(&mut Axis) -> u32) {
        if let (Some(axis), Some(value)) = (self.axes.get_mut(place), point.get_mut(place)) {
            *value = number(axis);
        }
    }

    /// Returns how an axis stands to another, over all runs.
    pub(super) fn relation(&self, of: usize, to: usize) -> Relation {
        let count = |at: usize| self.axes.get(at).map_or(0, |axis| axis.values.len() + 1);
        let (mut ahead, mut back) = (Once::new(count(of)), Once::new(count(to)));
        for entry in &self.entries {
            let (one, other) = (entry.at(of), entry.at(to));
            ahead.see(one, other);
            back.see(other, one);
        }
        match (ahead.single, back.single) {
            (true, _) => Relation::Follows,
            (false, true) => Relation::Nested,
            (false, false) => Relation::Free,
        }
    }

    /// Sorts entries by some axes, then by another; returns their numbers with a key of the first.
    pub(super) fn sorted(&self, by: &[usize], then: usize) -> Vec<Place> {
        let sizes = by
            .iter()
            .map(|at| self.axes.get(*at).map_or(1, |axis| axis.values.len() + 1));
        let sizes: Vec<u64> = sizes.map(|size| size as u64).collect();
        // A product of axes that does not fit wraps round: two of a million runs would have to hit
        // the same one of 2⁶⁴ numbers to be taken for neighbours.
        let key = |entry: &Entry| {
            let places = by.iter().zip(&sizes);
            places.fold(0u64, |key, (at, size)| {
                key.wrapping_mul(*size)
                    .wrapping_add(u64::from(entry.at(*at)))
            })
        };
        let entries = self.entries.iter().enumerate();
        let mut sorted: Vec<Place> = entries
            .filter_map(|(at, entry)| Some((key(entry), entry.at(then), u32::try_from(at).ok()?)))
            .collect();
        sorted.sort_unstable();
        sorted
    }

    /// The entry at a place.
    pub(super) fn entry(&self, place: &Place) -> Option<&Entry> {
        self.entries.get(usize::try_from(place.2).ok()?)
    }

    /// A value of an axis as written.
    pub(super) fn shown(&self, axis: usize, value: u32) -> &str {
        let axis = self.axes.get(axis);
        axis.map_or("", |axis| axis.shown(value))
    }
}

impl Axis {
    fn number(&mut self, text: &Arc<str>) -> u32 {
        let address = Arc::as_ptr(text).cast::<u8>().addr();
        if let Some(known) = self.known.get(&address) {
            return *known;
        }
        let number = self.named(text);
        self.known.insert(address, number);
        number
    }

    fn named(&mut self, text: &str) -> u32 {
        if let Some(known) = self.numbers.get(text) {
            return *known;
        }
        self.values.push(text.to_owned());
        let number = u32::try_from(self.values.len()).unwrap_or(u32::MAX);
        self.numbers.insert(text.to_owned(), number);
        number
    }

    fn shown(&self, value: u32) -> &str {
        let at = usize::try_from(value).ok().and_then(|at| at.checked_sub(1));
        at.and_then(|at| self.values.get(at))
            .map_or("", |text| text)
    }

    /// The number of a value as written.
    pub(super) fn find(&self, text: &str) -> Option<u32> {
        self.numbers.get(text).copied()
    }
}

impl Entry {
    /// The value of a trait of its model, or of how it is measured.
    pub(super) fn value(&self, of: Trait, runs: &Runs<'_>) -> Id {
        match get(runs.row(self.row), of) {
            0 => get(runs.row(self.measure), of),
            id => id,
        }
    }

    pub(super) fn at(&self, axis: usize) -> u32 {
        self.point.get(axis).copied().unwrap_or_default()
    }
}

/// Whether each number comes with one other number alone.
struct Once {
    seen: Vec<Option<u32>>,
    single: bool,
}

impl Once {
    fn new(count: usize) -> Self {
        Self {
            seen: vec![None; count],
            single: true,
        }
    }

    fn see(&mut self, number: u32, other: u32) {
        let place = usize::try_from(number)
            .ok()
            .and_then(|at| self.seen.get_mut(at));
        if let Some(place) = place {
            self.single &= *place.get_or_insert(other) == other;
        }
    }
}
