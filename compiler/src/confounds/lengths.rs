//! Schedules and budgets that are the same to within a step.

use std::collections::BTreeMap;

use super::values::{Id, Values};
use crate::plan::{ScheduleShape, ScheduleSpec, percent, short};

/// Schedules seen, budgets, and moments of runs.
#[derive(Default)]
pub(super) struct Lengths {
    schedules: Vec<(Run, Id)>,
    pub(super) budgets: Amounts,
    pub(super) moments: Amounts,
    /// How often text is read, in thousandths, by its corpus.
    pub(super) repeats: BTreeMap<u64, Amounts>,
}

/// Amounts, each with the step that it is counted in.
#[derive(Default)]
pub(super) struct Amounts(BTreeMap<u64, (u64, Id)>);

/// A schedule in a run.
#[derive(Clone, PartialEq, Eq)]
pub(super) struct Run {
    pub(super) schedule: ScheduleSpec,
    pub(super) steps: u64,
    /// Tokens, or items, per step.
    pub(super) per_step: u64,
}

impl Lengths {
    /// Returns the number of a schedule: that of the first one like it.
    pub(super) fn schedule(&mut self, run: Run, values: &mut Values) -> Id {
        if let Some((_, id)) = self.schedules.iter().find(|known| known.0.is_like(&run)) {
            return *id;
        }
        let id = values.add(run.text());
        self.schedules.push((run, id));
        id
    }
}

impl Amounts {
    /// Returns the number of an amount: that of one within a step of it, and within a tenth. Whole
    /// steps are trained, so a batch of another size ends a little earlier or later.
    pub(super) fn id(&mut self, tokens: u64, per_step: u64, new: impl FnOnce() -> Id) -> Id {
        let near = |(&known, &(step, id)): (&u64, &(u64, Id))| {
            let apart = tokens.abs_diff(known);
            let most = per_step.max(step).min(tokens.max(known) / 10);
            (apart == 0 || apart < most).then_some(id)
        };
        let below = self.0.range(..=tokens).next_back().and_then(near);
        let known = below.or_else(|| self.0.range(tokens..).next().and_then(near));
        known.unwrap_or_else(|| {
            let id = new();
            self.0.insert(tokens, (per_step, id));
            id
        })
    }
}

impl Run {
    /// Whether two schedules are one as a study writes it, where runs differ in length.
    fn is_like(&self, other: &Self) -> bool {
        let (mine, others) = (&self.schedule, &other.schedule);
        mine.shape == others.shape
            && mine.floor == others.floor
            && (self.agrees(other, mine.warmup, others.warmup)
                || (self.is_usual_warmup() && other.is_usual_warmup()))
            && self.agrees(other, mine.decay, others.decay)
    }

    /// Whether two lengths are equal in steps, or to within a step as shares or in tokens.
    fn agrees(&self, other: &Self, mine: u64, others: u64) -> bool {
        let within = |mine: u64, mine_of: u64, others: u64, others_of: u64| {
            let product = |a: u64, b: u64| u128::from(a) * u128::from(b);
            let apart = product(mine, others_of).abs_diff(product(others, mine_of));
            apart <= u128::from(mine_of.max(others_of))
        };
        mine == others
            || within(mine, self.steps, others, other.steps)
            || within(mine, other.per_step, others, self.per_step)
    }

    /// The warm-up of `wsd` and `constant` where it is left out: 2%, and at most 100 steps.
    fn is_usual_warmup(&self) -> bool {
        let shared = matches!(
            self.schedule.shape,
            ScheduleShape::Wsd | ScheduleShape::Constant
        );
        let share = (self.steps / 50).min(100);
        shared && self.schedule.warmup.abs_diff(share) <= 1
    }

    fn text(&self) -> String {
        let shape = match self.schedule.shape {
            ScheduleShape::Constant => "constant",
            ScheduleShape::Cosine => "cosine",
            ScheduleShape::Linear => "linear",
            ScheduleShape::Wsd => "wsd",
        };
        let mut text = format!("{shape}, warm-up {}", short(self.schedule.warmup));
        if self.schedule.decay > 0 {
            text.push_str(&format!(", decay {}", short(self.schedule.decay)));
        }
        format!(
            "{text} of {} steps, floor {}",
            short(self.steps),
            percent(self.schedule.floor)
        )
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::plan::Fraction;

    fn run(shape: ScheduleShape, warmup: u64, decay: u64, steps: u64, per_step: u64) -> Run {
        Run {
            schedule: ScheduleSpec {
                shape,
                warmup,
                decay,
                floor: Fraction::ZERO,
            },
            steps,
            per_step,
        }
    }

    #[test]
    fn one_schedule_in_runs_of_several_lengths() {
        use ScheduleShape::{Cosine, Wsd};
        let alike = |one: &Run, other: &Run| one.is_like(other) && other.is_like(one);
        // In steps; as a share; in tokens.
        assert!(alike(
            &run(Cosine, 20, 0, 1000, 8),
            &run(Cosine, 20, 0, 99, 8)
        ));
        assert!(alike(
            &run(Cosine, 20, 0, 1000, 8),
            &run(Cosine, 2, 0, 99, 8)
        ));
        assert!(alike(&run(Wsd, 40, 25, 1000, 8), &run(Wsd, 20, 1, 40, 16)));
        // The usual warm-up of `wsd`, before and after it reaches 100 steps.
        assert!(alike(
            &run(Wsd, 40, 200, 2000, 8),
            &run(Wsd, 100, 3000, 30_000, 8)
        ));
        assert!(!alike(
            &run(Wsd, 40, 200, 2000, 8),
            &run(Wsd, 90, 3000, 30_000, 8)
        ));
        assert!(!alike(
            &run(Cosine, 20, 0, 1000, 8),
            &run(Cosine, 50, 0, 1000, 8)
        ));
    }

    #[test]
    fn budgets_agree_to_within_a_step() {
        let (mut amounts, mut values) = (Amounts::default(), Values::default());
        let mut budget = |tokens, step| amounts.id(tokens, step, || values.add(String::new()));
        let million = budget(1_001_472, 2048);
        assert_eq!(budget(1_003_520, 4096), million);
        assert_ne!(budget(1_001_472 - 2048, 1024), million);
        assert_ne!(budget(2_000_000, 2048), million);
        assert_eq!(budget(1_001_472, 64), million);
        // A tenth is a difference, however long the steps are.
        let short = budget(4096, 4096);
        assert_ne!(budget(8192, 8192), short);
    }
}
