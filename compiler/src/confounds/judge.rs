//! One comparison after the other.

use std::collections::{BTreeMap, BTreeSet};

use vpc_grammar::Span;

use super::balance::{Averages, Uneven};
use super::measure::Reading;
use super::runs::Runs;
use super::strata::{Found, Sides};
use super::table::{Relation, Table};
use super::{Design, Said, View, tell};
use crate::eval::Evaluator;
use crate::plan::{Cell, Comparison, Experiment, Jobs, Key, Metric, Supply};
use crate::schema::Trait;

/// Looks at one comparison after the other.
pub(super) struct Judge<'j> {
    pub(super) evaluator: &'j Evaluator<'j>,
    pub(super) experiments: &'j [Experiment],
    pub(super) design: &'j Design,
    pub(super) runs: Runs<'j>,
    /// Runs that were read already.
    pub(super) tables: BTreeMap<(Vec<String>, Reading), Table>,
    /// Places of acceptances, and whether each covers something.
    pub(super) accepted: BTreeMap<Span, (Trait, bool)>,
    /// What was said of which experiments.
    pub(super) told: BTreeSet<(Vec<String>, String)>,
    pub(super) comparisons: Vec<Comparison>,
}

/// What is known of one axis of a view, over all evaluations it reads.
#[derive(Default)]
pub(super) struct Outcome {
    pub(super) factor: Option<Trait>,
    pub(super) told: BTreeSet<Trait>,
    pub(super) involved: BTreeSet<Trait>,
    /// What differs, in words: a value, and the arms that have it.
    pub(super) differs: BTreeMap<Trait, Vec<(String, Vec<String>)>>,
    /// What averages differ in, as a message.
    pub(super) uneven: Option<String>,
    pub(super) arms: bool,
}

impl<'j> Judge<'j> {
    pub(super) fn new(
        evaluator: &'j Evaluator<'j>,
        experiments: &'j [Experiment],
        design: &'j Design,
        (jobs, supply): (&'j Jobs, &'j BTreeMap<Key, Supply>),
    ) -> Self {
        Self {
            evaluator,
            experiments,
            design,
            runs: Runs::new(jobs, supply),
            tables: BTreeMap::new(),
            accepted: BTreeMap::new(),
            told: BTreeSet::new(),
            comparisons: Vec::new(),
        }
    }

    /// Returns what was compared, once all of it was looked at.
    pub(super) fn finish(self) -> Vec<Comparison> {
        self.stale();
        self.comparisons
    }

    /// Notes acceptances, which cover nothing yet.
    pub(super) fn note(&mut self, said: &Said) {
        for (of, span) in &said.accept {
            self.accepted.entry(*span).or_insert((*of, false));
        }
    }

    /// Compares the arms of one axis of a view.
    pub(super) fn axis(&mut self, view: &View, at: usize) {
        let Some(compared) = view.compared.get(at) else {
            return;
        };
        let own = self.own(view);
        let said: Vec<&Said> = own.into_iter().chain([&view.said]).collect();
        let accept = said.iter().flat_map(|said| &said.accept);
        let accept: Vec<(Trait, Span)> = accept.copied().collect();
        let words: BTreeSet<Trait> = accept.iter().map(|word| word.0).collect();
        let mut outcome = Outcome::default();
        for reading in readings(&view.cells) {
            self.reading(view, at, reading, &words, &mut outcome);
        }
        if !outcome.arms {
            return;
        }
        if outcome.uneven.is_some() {
            outcome.involved.insert(Trait::Balance);
        }
        for (of, span) in &accept {
            if let Some(known) = self.accepted.get_mut(span) {
                known.1 |= outcome.involved.contains(of);
            }
        }
        self.tell(view, compared, &outcome, &words);
        let controls = said.iter().flat_map(|said| &said.controls);
        self.controls(compared, &outcome, controls.copied().collect());
        self.comparisons.push(outcome.shown(view, compared, &words));
    }

    /// What the experiment of a view says.
    fn own(&self, view: &View) -> Option<&'j Said> {
        let own = view.own.as_ref()?;
        let at = self.experiments.iter().position(|one| one.name == *own)?;
        let design: &'j Design = self.design;
        design.said.get(at)
    }

    /// Compares the arms in one evaluation.
    fn reading(
        &mut self,
        view: &View,
        at: usize,
        reading: Reading,
        accepted: &BTreeSet<Trait>,
        outcome: &mut Outcome,
    ) -> Option<()> {
        let compared = view.compared.get(at)?;
        let id = (view.experiments.clone(), reading);
        if !self.tables.contains_key(&id) {
            let named = |one: &&Experiment| view.experiments.contains(&one.name);
            let experiments: Vec<&Experiment> = self.experiments.iter().filter(named).collect();
            let table = Table::new(&experiments, &id.1, &mut self.runs);
            self.tables.insert(id.clone(), table);
        }
        let table = self.tables.get(&id)?;
        let axis = table.at(&compared.axis)?;
        let earlier = view.compared.iter().take(at);
        let earlier = earlier.filter_map(|other| table.at(&other.axis));
        // Two axes that give each other are one; what there is to say was said of the first.
        let same = |other: &usize| {
            *other != axis
                && table.relation(axis, *other) == Relation::Follows
                && table.relation(*other, axis) == Relation::Follows
        };
        if earlier.into_iter().any(|other| same(&other)) {
            return None;
        }
        let number = |value: &String| table.axes.get(axis).and_then(|axis| axis.find(value));
        let pair = match &compared.pair {
            Some((one, other)) => Some((number(one)?, number(other)?)),
            None => None,
        };
        let mut fixed = Vec::new();
        let mut own_seeds = false;
        let mut over = Vec::new();
        let is_shown = |name: &str| {
            let mut compared = view.compared.iter().map(|one| &one.axis);
            compared.any(|one| one == name) || view.within.iter().any(|one| one == name)
        };
        let is_block = |name: &str| view.blocks.iter().any(|one| one == name);
        for (other, known) in table.axes.iter().enumerate().filter(|it| it.0 != axis) {
            let apart = is_shown(&known.name) || is_block(&known.name);
            match table.relation(axis, other) {
                Relation::Free => {
                    fixed.push(other);
                    over.extend((!apart).then_some(other));
                }
                Relation::Nested => {
                    own_seeds |= known.repeats;
                    over.extend((known.repeats && !apart).then_some(other));
                }
                Relation::Follows => {}
            }
        }
        let preferred = self.preferred(view, &compared.axis);
        let sides = Sides {
            table,
            axis,
            fixed: fixed.clone(),
            pair,
            reference: compared.reference.as_ref().and_then(number),
            preferred,
            own_seeds,
            claim: view.claims,
        };
        let found = sides.compare(accepted, &mut self.runs);
        outcome.arms |= found.factor.is_some() || !found.differs.is_empty();
        let shown = fixed.iter().copied();
        let shown = shown.filter(|at| table.axes.get(*at).is_some_and(|it| is_shown(&it.name)));
        let blocks = view.blocks.iter().filter_map(|name| table.at(name));
        let averages = Averages {
            table,
            axis,
            shown: shown.collect(),
            over,
            blocks: blocks.filter(|at| *at != axis).collect(),
            pair,
        };
        let uneven = averages.uneven();
        outcome.arms |= uneven.is_some();
        outcome.take(found, uneven, (table, axis), &self.runs);
        Some(())
    }

    /// What the experiments set along an axis.
    fn preferred(&self, view: &View, axis: &str) -> Vec<Trait> {
        let all = self.experiments.iter().zip(&self.design.uses);
        let all = all.filter(|(one, _)| view.experiments.contains(&one.name));
        let uses = all.flat_map(|(_, uses)| uses.iter().filter(|known| known.0 == axis));
        uses.flat_map(|known| known.1.iter().copied()).collect()
    }
}

/// The evaluations that measures name, each with its items.
fn readings(cells: &[Cell]) -> Vec<Reading> {
    let mut readings: Vec<Reading> = Vec::new();
    for cell in cells {
        let perplexity = cell.metric == Metric::Perplexity;
        let known = readings.iter_mut().find(|known| known.job == cell.job);
        match known {
            Some(known) => {
                known.items.push(cell.item.clone());
                known.perplexity |= perplexity;
            }
            None => readings.push(Reading {
                job: cell.job.clone(),
                items: vec![cell.item.clone()],
                perplexity,
            }),
        }
    }
    for reading in &mut readings {
        reading.items.sort_unstable();
        reading.items.dedup();
    }
    readings
}

impl Outcome {
    /// Adds what was found in one evaluation.
    fn take(
        &mut self,
        found: Found,
        uneven: Option<Uneven>,
        (table, axis): (&Table, usize),
        runs: &Runs<'_>,
    ) {
        self.factor = self.factor.or(found.factor);
        self.told.extend(found.told);
        self.involved.extend(found.involved);
        for (of, values) in found.differs {
            let mut grouped: Vec<(String, Vec<String>)> = Vec::new();
            for (arm, id) in values {
                let (text, arm) = (runs.values.text(id), table.shown(axis, arm).to_owned());
                match grouped.iter_mut().find(|known| known.0 == text) {
                    Some(known) => known.1.push(arm),
                    None => grouped.push((text.to_owned(), vec![arm])),
                }
            }
            self.differs.entry(of).or_insert(grouped);
        }
        if self.uneven.is_none() {
            self.uneven = uneven.map(|uneven| tell::uneven(&uneven, table, axis));
        }
    }
}
