//! Adaptations side by side: which stage of one is which of the other, and what differs in it.

use smallvec::SmallVec;
use std::collections::BTreeMap;

use super::judgement::Column;
use super::runs::{get, set};
use super::values::{Id, Row, Values};
use crate::schema::Trait;

/// Traits that each stage has of its own.
const OF_STAGES: [Trait; 13] = [
    Trait::Encoder,
    Trait::Projector,
    Trait::VisualTokens,
    Trait::Datasets,
    Trait::Items,
    Trait::Trainable,
    Trait::Rate,
    Trait::Batch,
    Trait::Schedule,
    Trait::Optimizer,
    Trait::Images,
    Trait::Steps,
    Trait::Seed,
];

/// Stages seen, and set-ups as lists of stages.
#[derive(Default)]
pub(super) struct Stages {
    rows: Vec<Row>,
    by_row: BTreeMap<Row, usize>,
    lists: Vec<Vec<usize>>,
    by_list: BTreeMap<Vec<usize>, usize>,
    /// By the address of what a stage does and the set-up before it.
    pub(super) known: BTreeMap<(usize, usize), usize>,
}

/// Set-ups laid side by side.
pub(super) struct SideBySide {
    /// The values of each set-up's stages.
    pub(super) rows: BTreeMap<usize, Row>,
    /// The traits in which they differ.
    pub(super) varied: [bool; Trait::COUNT],
}

impl SideBySide {
    pub(super) fn new(setups: &[usize], rows: Vec<Row>) -> Self {
        let mut varied = [false; Trait::COUNT];
        for (row, other) in rows.iter().zip(rows.iter().skip(1)) {
            for (varied, (id, other)) in varied.iter_mut().zip(row.iter().zip(other)) {
                *varied |= id != other;
            }
        }
        Self {
            rows: setups.iter().copied().zip(rows).collect(),
            varied,
        }
    }
}

impl Stages {
    /// What nothing is known of.
    pub(super) const UNKNOWN: usize = usize::MAX;
    /// No adaptation.
    pub(super) const NONE: usize = usize::MAX - 1;

    fn list(&self, setup: usize) -> &[usize] {
        self.lists.get(setup).map_or(&[], Vec::as_slice)
    }

    /// Returns a set-up with one more stage.
    pub(super) fn after(&mut self, before: usize, row: Row) -> usize {
        let next = self.rows.len();
        let stage = *self.by_row.entry(row).or_insert(next);
        if stage == next {
            self.rows.push(row);
        }
        let mut list = self.list(before).to_vec();
        list.push(stage);
        let next = self.lists.len();
        let setup = *self.by_list.entry(list.clone()).or_insert(next);
        if setup == next {
            self.lists.push(list);
        }
        setup
    }

    /// Lays set-ups side by side; returns for each the values of its stages, as one per trait.
    ///
    /// The longest one gives the slots. A stage that a set-up lacks differs in that alone: its
    /// other values are taken to be those of the slot.
    pub(super) fn side_by_side(&self, setups: &[usize], values: &mut Values) -> Vec<Row> {
        let longest = setups.iter().map(|setup| self.list(*setup));
        let longest = longest.max_by_key(|list| list.len()).unwrap_or_default();
        let slots: Vec<Vec<Option<&Row>>> = setups
            .iter()
            .map(|setup| self.matched(self.list(*setup), longest))
            .collect();
        let mut rows = vec![[0; Trait::COUNT]; setups.len()];
        for of in OF_STAGES {
            let mut parts: Vec<SmallVec<[Id; 4]>> = vec![SmallVec::new(); setups.len()];
            for slot in 0..longest.len() {
                let own = slots.iter().map(|own| own.get(slot).copied().flatten());
                let ids = own.map(|stage| stage.map_or(0, |stage| get(stage, of)));
                let mut column = Column {
                    of,
                    ids: ids.collect(),
                };
                column.fill();
                // A slot that is the same in all tells nothing.
                if column.varies() {
                    for (part, id) in parts.iter_mut().zip(column.ids) {
                        part.push(id);
                    }
                }
            }
            for (part, row) in parts
                .iter()
                .zip(&mut rows)
                .filter(|pair| !pair.0.is_empty())
            {
                set(row, of, values.all(of, part));
            }
        }
        for ((setup, own), row) in setups.iter().zip(&slots).zip(&mut rows) {
            if *setup == Self::UNKNOWN {
                *row = [0; Trait::COUNT];
                continue;
            }
            let there: SmallVec<[u64; 8]> = own.iter().map(|it| u64::from(it.is_some())).collect();
            let count = own.iter().flatten().count();
            let text = || match count {
                0 => "none".to_owned(),
                count => format!("{count}"),
            };
            set(row, Trait::Stages, values.id(Trait::Stages, &there, text));
        }
        rows
    }

    /// The stage in each slot, in order, so that least differs.
    fn matched(&self, own: &[usize], slots: &[usize]) -> Vec<Option<&Row>> {
        let row = |list: &[usize], at: usize| list.get(at).and_then(|stage| self.rows.get(*stage));
        // cost[i][j]: the least of matching the stages from i on with the slots from j on.
        let (n, m) = (own.len(), slots.len());
        let mut cost = vec![vec![usize::MAX; m + 1]; n + 1];
        if let Some(last) = cost.last_mut() {
            last.fill(0);
        }
        let at = |cost: &[Vec<usize>], i: usize, j: usize| {
            cost.get(i)
                .and_then(|row| row.get(j))
                .copied()
                .unwrap_or(usize::MAX)
        };
        let apart = |i, j| match (row(own, i), row(slots, j)) {
            (Some(own), Some(slot)) => differing(own, slot),
            _ => 0,
        };
        for i in (0..n).rev() {
            for j in (0..m).rev() {
                let taken = at(&cost, i + 1, j + 1).saturating_add(apart(i, j));
                let least = taken.min(at(&cost, i, j + 1));
                if let Some(place) = cost.get_mut(i).and_then(|row| row.get_mut(j)) {
                    *place = least;
                }
            }
        }
        let mut matched = vec![None; m];
        let mut i = 0;
        for (j, place) in matched.iter_mut().enumerate() {
            if i < n && at(&cost, i, j) == at(&cost, i + 1, j + 1).saturating_add(apart(i, j)) {
                *place = row(own, i);
                i += 1;
            }
        }
        matched
    }
}

/// In how many traits two stages differ.
fn differing(one: &Row, other: &Row) -> usize {
    let pairs = one.iter().zip(other);
    pairs
        .filter(|(a, b)| **a != 0 && **b != 0 && a != b)
        .count()
}
