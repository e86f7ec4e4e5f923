//! What is meant to differ between arms, and what else does.
//!
//! Arms are sound together where each can be reached from each by steps in which one thing changes:
//! a sweep, arms that each change one thing of a baseline, a row in which one thing after another is
//! added. Where arms cannot be reached so, the smallest difference between them is told.

use std::collections::{BTreeMap, BTreeSet};

use super::values::Id;
use crate::schema::Trait;

/// The values of a trait, one for each arm.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub(super) struct Column {
    pub(super) of: Trait,
    pub(super) ids: Vec<Id>,
}

/// What arms differ in.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(super) struct Verdict {
    /// What is compared; `None` where nothing differs.
    pub(super) factor: Option<Trait>,
    /// What differs besides.
    pub(super) extra: BTreeSet<Trait>,
    /// All that has to do with `extra`: leaving one of these out changes the verdict.
    pub(super) involved: BTreeSet<Trait>,
}

/// Most arms that an arm which stands apart is compared with, to find the nearest one.
const NEAREST: usize = 64;

/// Judges columns that each differ somewhere. `preferred` are traits that the study itself names
/// along the axis; `reference` is the arm that others are held against.
pub(super) fn judge(
    columns: &[&Column],
    arms: usize,
    reference: usize,
    preferred: &[Trait],
) -> Verdict {
    let all: BTreeSet<Trait> = columns.iter().map(|column| column.of).collect();
    let mut verdict = Verdict {
        factor: factor(&all, preferred),
        ..Verdict::default()
    };
    if columns.len() < 2 {
        return verdict;
    }
    let mut groups = Groups::new(arms);
    join(columns, arms, &mut groups);
    let home = groups.of(reference);
    let together: Vec<usize> = (0..arms).filter(|arm| groups.of(*arm) == home).collect();
    let mut seen = BTreeSet::from([home]);
    for arm in 0..arms {
        if !seen.insert(groups.of(arm)) {
            continue;
        }
        let near = together.iter().take(NEAREST);
        let apart = near.map(|other| differing(columns, arm, *other));
        let Some(apart) = apart.min_by_key(BTreeSet::len) else {
            continue;
        };
        let own = factor(&apart, preferred);
        verdict.involved.extend(&apart);
        verdict
            .extra
            .extend(apart.into_iter().filter(|of| Some(*of) != own));
    }
    if let Some(factor) = factor(&verdict.involved, preferred) {
        verdict.factor = Some(factor);
        verdict.extra.remove(&factor);
    }
    verdict
}

/// Joins arms that differ in one column alone.
fn join(columns: &[&Column], arms: usize, groups: &mut Groups) {
    for left_out in 0..columns.len() {
        let mut first: BTreeMap<Vec<Id>, usize> = BTreeMap::new();
        for arm in 0..arms {
            let others = columns.iter().enumerate().filter(|(at, _)| *at != left_out);
            let rest: Vec<Id> = others.map(|(_, column)| column.at(arm)).collect();
            let known = *first.entry(rest).or_insert(arm);
            groups.join(known, arm);
        }
    }
}

fn differing(columns: &[&Column], one: usize, other: usize) -> BTreeSet<Trait> {
    let apart = columns
        .iter()
        .filter(|column| column.at(one) != column.at(other));
    apart.map(|column| column.of).collect()
}

/// What is compared, where several things differ: what the study names, else the first.
fn factor(among: &BTreeSet<Trait>, preferred: &[Trait]) -> Option<Trait> {
    let named = preferred.iter().find(|of| among.contains(of));
    named.or(among.first()).copied()
}

impl Column {
    fn at(&self, arm: usize) -> Id {
        self.ids.get(arm).copied().unwrap_or_default()
    }

    /// Whether arms differ in it.
    pub(super) fn varies(&self) -> bool {
        self.ids.windows(2).any(|pair| match pair {
            [one, other] => one != other,
            _ => false,
        })
    }

    /// Takes what is not known, or does not apply, to be as in the other arms.
    pub(super) fn fill(&mut self) {
        let known = self.ids.iter().find(|id| **id != 0).copied();
        for id in self.ids.iter_mut().filter(|id| **id == 0) {
            *id = known.unwrap_or_default();
        }
    }
}

/// Sets of arms that are joined (union by the smaller number).
struct Groups(Vec<usize>);

impl Groups {
    fn new(arms: usize) -> Self {
        Self((0..arms).collect())
    }

    fn of(&mut self, arm: usize) -> usize {
        let mut at = arm;
        while let Some(&above) = self.0.get(at).filter(|above| **above != at) {
            let top = self.0.get(above).copied().unwrap_or(above);
            if let Some(place) = self.0.get_mut(at) {
                *place = top;
            }
            at = above;
        }
        at
    }

    fn join(&mut self, one: usize, other: usize) {
        let (one, other) = (self.of(one), self.of(other));
        if let Some(place) = self.0.get_mut(one.max(other)) {
            *place = one.min(other);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn verdict(columns: &[(Trait, &[Id])], preferred: &[Trait]) -> (Option<Trait>, Vec<Trait>) {
        let columns: Vec<Column> = columns
            .iter()
            .map(|(of, ids)| Column {
                of: *of,
                ids: ids.to_vec(),
            })
            .collect();
        let arms = columns.first().map_or(0, |column| column.ids.len());
        let verdict = judge(&columns.iter().collect::<Vec<_>>(), arms, 0, preferred);
        (verdict.factor, verdict.extra.into_iter().collect())
    }

    use Trait::{Batch, Data, Encoder, Model, Rate, Tokens};

    #[test]
    fn one_thing_may_differ() {
        assert_eq!(verdict(&[], &[]), (None, vec![]));
        assert_eq!(verdict(&[(Rate, &[1, 2, 3])], &[]), (Some(Rate), vec![]));
    }

    #[test]
    fn a_second_thing_that_comes_along_is_told() {
        let both: &[(Trait, &[Id])] = &[(Model, &[1, 2, 3]), (Rate, &[4, 5, 6])];
        assert_eq!(verdict(both, &[]), (Some(Model), vec![Rate]));
        assert_eq!(verdict(both, &[Rate]), (Some(Rate), vec![Model]));
        // Two arms share their rate, the third does not.
        let one: &[(Trait, &[Id])] = &[(Model, &[1, 2, 3]), (Rate, &[4, 4, 6])];
        assert_eq!(verdict(one, &[]), (Some(Model), vec![Rate]));
    }

    #[test]
    fn one_change_at_a_time_is_sound() {
        // Each arm changes one thing of the first.
        let ablation: &[(Trait, &[Id])] = &[
            (Encoder, &[1, 2, 1, 1]),
            (Rate, &[3, 3, 4, 3]),
            (Data, &[5, 5, 5, 6]),
        ];
        assert_eq!(verdict(ablation, &[]).1, vec![]);
        // One thing after another.
        let row: &[(Trait, &[Id])] = &[
            (Encoder, &[1, 2, 2, 2]),
            (Rate, &[3, 3, 4, 4]),
            (Data, &[5, 5, 5, 6]),
        ];
        assert_eq!(verdict(row, &[]).1, vec![]);
        // The last arm changes two.
        let flawed: &[(Trait, &[Id])] = &[
            (Encoder, &[1, 2, 1, 3]),
            (Rate, &[3, 3, 4, 3]),
            (Data, &[5, 5, 5, 6]),
        ];
        assert_eq!(verdict(flawed, &[]), (Some(Data), vec![Encoder]));
    }

    #[test]
    fn every_arm_that_stands_apart_is_told() {
        let flawed: &[(Trait, &[Id])] = &[
            (Model, &[1, 2, 3]),
            (Batch, &[4, 5, 4]),
            (Tokens, &[6, 6, 7]),
        ];
        assert_eq!(verdict(flawed, &[]), (Some(Model), vec![Tokens, Batch]));
    }
}
