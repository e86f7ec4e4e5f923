//! Arms of one axis side by side, while everything else that can be held fixed is.

use std::collections::{BTreeMap, BTreeSet};
use std::rc::Rc;

use smallvec::SmallVec;

use super::judgement::{Column, judge};
use super::runs::{Runs, get};
use super::stages::SideBySide;
use super::table::{Entry, Place, Table};
use super::values::Id;
use crate::schema::{TRAITS, Trait};

/// One axis of a comparison.
pub(super) struct Sides<'t> {
    pub(super) table: &'t Table,
    /// The axis that is compared.
    pub(super) axis: usize,
    /// Axes held fixed.
    pub(super) fixed: Vec<usize>,
    /// The values compared, where it is not all of them.
    pub(super) pair: Option<(u32, u32)>,
    /// The value that the others are held against.
    pub(super) reference: Option<u32>,
    /// Traits that the study names along the axis.
    pub(super) preferred: Vec<Trait>,
    /// Whether seeds are left alone: each arm has its own.
    pub(super) own_seeds: bool,
    /// Whether it is a claim that rests on the axis, and not a curve that is shown along it.
    pub(super) claim: bool,
}

/// What differs between arms.
#[derive(Default)]
pub(super) struct Found {
    /// What is compared.
    pub(super) factor: Option<Trait>,
    /// What differs besides and is not accepted.
    pub(super) told: BTreeSet<Trait>,
    /// What an acceptance can cover.
    pub(super) involved: BTreeSet<Trait>,
    /// All that differs, with the values of the arms where it does first.
    pub(super) differs: BTreeMap<Trait, Vec<(u32, Id)>>,
}

/// The entries of one arm in one stratum.
struct Arm<'t> {
    value: u32,
    entries: SmallVec<[&'t Entry; 2]>,
}

impl Sides<'_> {
    /// Compares arms stratum by stratum; what is accepted is left out of the judgement.
    pub(super) fn compare(&self, accepted: &BTreeSet<Trait>, runs: &mut Runs<'_>) -> Found {
        let mut found = Found::default();
        // Most strata of a design look alike; each pattern is judged once.
        let mut judged: BTreeSet<(Vec<u32>, Vec<Column>)> = BTreeSet::new();
        let sorted = self.table.sorted(&self.fixed, self.axis);
        for stratum in sorted.chunk_by(|one, other| one.0 == other.0) {
            let arms = self.arms(stratum);
            if arms.len() < 2 {
                continue;
            }
            let columns = self.columns(&arms, runs);
            for column in &columns {
                let values = || {
                    arms.iter()
                        .map(|arm| arm.value)
                        .zip(column.ids.iter().copied())
                };
                let place = found.differs.entry(column.of);
                place.or_insert_with(|| values().collect());
            }
            // What follows from roots alone is for `controls`.
            let is_judged = |of| !matches!(of, Trait::Steps | Trait::Parameters);
            let mut columns = columns;
            columns.retain(|column| is_judged(column.of));
            if let [column] = columns.as_slice()
                && is_root(column.of)
            {
                found.factor = found.factor.or(Some(column.of));
                continue;
            }
            let columns: Vec<Column> = columns.into_iter().map(patterned).collect();
            let values: Vec<u32> = arms.iter().map(|arm| arm.value).collect();
            if judged.insert((values.clone(), columns.clone())) {
                self.judge(&columns, &values, accepted, &mut found);
            }
        }
        found
    }

    fn judge(
        &self,
        columns: &[Column],
        values: &[u32],
        accepted: &BTreeSet<Trait>,
        found: &mut Found,
    ) {
        let wanted = self.pair.map(|pair| pair.1).or(self.reference);
        let reference = values
            .iter()
            .position(|value| Some(*value) == wanted)
            .unwrap_or_default();
        let roots = || columns.iter().filter(|column| is_root(column.of));
        let all: Vec<&Column> = roots().collect();
        let whole = judge(&all, values.len(), reference, &self.preferred);
        found.factor = found.factor.or(whole.factor);
        found.involved.extend(whole.involved);
        // A checkpoint on the way is no run of that length: a claim must say so, a curve need not.
        let on_the_way = self.claim && whole.factor == Some(Trait::Checkpoint);
        for column in columns {
            let is_flaw = match column.of {
                Trait::Repetition | Trait::Measure => true,
                Trait::FinalRate => on_the_way,
                _ => false,
            };
            if is_flaw {
                found.involved.insert(column.of);
                if !accepted.contains(&column.of) {
                    found.told.insert(column.of);
                }
            }
        }
        if !whole.extra.is_empty() {
            let left: Vec<&Column> = roots().filter(|it| !accepted.contains(&it.of)).collect();
            let verdict = judge(&left, values.len(), reference, &self.preferred);
            found.told.extend(verdict.extra);
        }
    }

    fn arms(&self, stratum: &[Place]) -> Vec<Arm<'_>> {
        let compared = |value: u32| match self.pair {
            Some((one, other)) => value == one || value == other,
            // Runs without the axis are no arm of it.
            None => value != 0,
        };
        let arms = stratum.chunk_by(|one, other| one.1 == other.1);
        let arm = |entries: &[Place]| {
            let value = entries.first().map(|first| first.1)?;
            let entries = entries.iter().filter_map(|place| self.table.entry(place));
            compared(value).then(|| Arm {
                value,
                entries: entries.collect(),
            })
        };
        arms.filter_map(arm).collect()
    }

    /// The traits in which arms differ, with a value for each arm.
    fn columns(&self, arms: &[Arm<'_>], runs: &mut Runs<'_>) -> Vec<Column> {
        let Some(first) = arms.first().and_then(|arm| arm.entries.first()) else {
            return Vec::new();
        };
        let mut varied = [false; Trait::COUNT];
        let mut one_setup = true;
        // Runs share rows: most pairs of them are compared by number.
        let mut before = *first;
        for entry in arms.iter().flat_map(|arm| &arm.entries) {
            one_setup &= entry.setup == first.setup;
            let rows = [(entry.row, before.row), (entry.measure, before.measure)];
            for (row, known) in rows.into_iter().filter(|(row, known)| row != known) {
                let ids = runs.row(row).iter().zip(runs.row(known));
                for (varied, (id, known)) in varied.iter_mut().zip(ids) {
                    *varied |= id != known;
                }
            }
            before = *entry;
        }
        let setups = (!one_setup).then(|| setups(arms, runs));
        let in_stages = |of: Trait| {
            let varied = setups
                .as_ref()
                .and_then(|setups| setups.varied.get(of as usize));
            varied.is_some_and(|varied| *varied)
        };
        let mut columns = Vec::new();
        for words in TRAITS {
            let of = words.of;
            let is_varied = varied.get(of as usize).is_some_and(|varied| *varied);
            if !(is_varied || in_stages(of)) || (of == Trait::Seed && self.own_seeds) {
                continue;
            }
            // What a run and its stages both have is filled in apart: one may be unknown.
            let own = column(of, arms, runs, |entry, runs| entry.value(of, runs));
            let stages = column(of, arms, runs, |entry, _| {
                let row = setups
                    .as_ref()
                    .and_then(|setups| setups.rows.get(&entry.setup));
                row.map_or(0, |row| get(row, of))
            });
            columns.extend(match (own.varies(), stages.varies()) {
                (false, false) => None,
                (true, false) => Some(own),
                (false, true) => Some(stages),
                (true, true) => Some(own.with(&stages, runs)),
            });
        }
        columns
    }
}

/// The values of a trait, one for each arm: where an arm has several runs, all that they have.
fn column(
    of: Trait,
    arms: &[Arm<'_>],
    runs: &mut Runs<'_>,
    value: impl Fn(&Entry, &Runs<'_>) -> Id,
) -> Column {
    let ids = arms.iter().map(|arm| {
        if let [entry] = arm.entries.as_slice() {
            return value(entry, runs);
        }
        let ids = arm.entries.iter().map(|entry| value(entry, runs));
        let mut ids: SmallVec<[Id; 8]> = ids.collect();
        ids.sort_unstable();
        ids.dedup();
        runs.values.all(of, &ids)
    });
    let ids = ids.collect();
    let mut column = Column { of, ids };
    column.fill();
    column
}

/// The set-ups of arms, side by side; the same ones are laid out once.
fn setups(arms: &[Arm<'_>], runs: &mut Runs<'_>) -> Rc<SideBySide> {
    let all = arms.iter().flat_map(|arm| &arm.entries);
    let mut all: SmallVec<[usize; 8]> = all.map(|entry| entry.setup).collect();
    all.sort_unstable();
    all.dedup();
    if let Some(known) = runs.side_by_side.get(&all) {
        return Rc::clone(known);
    }
    let rows = runs.stages.side_by_side(&all, &mut runs.values);
    let made = Rc::new(SideBySide::new(&all, rows));
    runs.side_by_side.insert(all, Rc::clone(&made));
    made
}

/// The same column with values numbered as they come, so that strata can be told alike.
fn patterned(mut column: Column) -> Column {
    let mut known: BTreeMap<Id, Id> = BTreeMap::new();
    for id in &mut column.ids {
        let next = Id::try_from(known.len()).unwrap_or(Id::MAX);
        *id = *known.entry(*id).or_insert(next);
    }
    column
}

impl Column {
    /// The values of two columns as one.
    fn with(&self, other: &Self, runs: &mut Runs<'_>) -> Self {
        let pairs = self.ids.iter().zip(&other.ids);
        let ids = pairs.map(|(one, other)| runs.values.all(self.of, &[*one, *other]));
        Self {
            of: self.of,
            ids: ids.collect(),
        }
    }
}

/// Whether a study sets a trait itself: the others follow from these.
pub(super) const fn is_root(of: Trait) -> bool {
    !matches!(
        of,
        Trait::Repetition
            | Trait::FinalRate
            | Trait::Steps
            | Trait::Parameters
            | Trait::Measure
            | Trait::Balance
    )
}
