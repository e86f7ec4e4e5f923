//! How two jobs of one name differ in what they compute: the reason why a finished one does not do.

mod words;

pub(crate) use words::{decimal, short};
pub use words::{percent, said};

use super::{Fraction, Key, Task};

/// A job as far as its key goes.
#[derive(Debug, Clone, Copy)]
pub struct Side<'a> {
    /// What it computes.
    pub task: &'a Task,
    /// The version of its kind.
    pub version: u32,
    /// The build it is bound to, where it is.
    pub build: Option<&'a str>,
    /// What it needs, in order.
    pub inputs: &'a [Needed],
}

/// An input of a job, with a name for people.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Needed {
    /// What the input is to the job.
    pub role: String,
    /// The job that makes it.
    pub key: Key,
    /// Its name, such as `tokens/web@bpe`.
    pub name: String,
}

/// How a job differs from an earlier one.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Change {
    /// What differs in the job itself, in the order of its record.
    pub own: Vec<Difference>,
    /// Inputs that are other jobs than before.
    pub inputs: Vec<Replaced>,
}

/// One thing in which two jobs differ.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Difference {
    /// The kind of job.
    Kind(&'static str, &'static str),
    /// The version of the kind: the same specification gives other results since.
    Version(u32, u32),
    /// The build of the program, where jobs are bound to it.
    Build(Option<String>, Option<String>),
    /// A field of the record.
    Field {
        /// Its name.
        name: &'static str,
        /// Its value before, as a study would write it.
        before: String,
        /// Its value now.
        after: String,
    },
    /// The content of a file. Paths say which; they do not matter themselves.
    File {
        /// Where the earlier content lay.
        before: String,
        /// Where the present one lies.
        after: String,
    },
    /// The share of an input; 0 where it has no part.
    Share {
        /// The input's name.
        of: String,
        /// The share before.
        before: Fraction,
        /// The share now.
        after: Fraction,
    },
    /// An input that stood there before and has no share of its own.
    Dropped(String),
    /// An input that stands there now and has no share of its own.
    Added(String),
    /// An input that is another job, of which nothing more is known.
    Another(String),
}

/// An input that is another job than before.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Replaced {
    /// The input before.
    pub before: Needed,
    /// The input now.
    pub after: Needed,
}

impl Change {
    /// Compares a job with an earlier one.
    pub fn between(before: Side<'_>, after: Side<'_>) -> Self {
        let mut change = Self::default();
        let (was, is) = (before.task.kind(), after.task.kind());
        if was != is {
            change.own.push(Difference::Kind(was, is));
            return change;
        }
        if before.version != after.version {
            let versions = Difference::Version(before.version, after.version);
            change.own.push(versions);
        }
        if before.build != after.build {
            let own = |build: Option<&str>| build.map(str::to_owned);
            let builds = Difference::Build(own(before.build), own(after.build));
            change.own.push(builds);
        }
        change.fields(before.task, after.task);
        change.needs(before, after);
        change
    }

    /// Returns how much differs, for finding the nearest of several.
    pub fn extent(&self) -> usize {
        self.own.len() + self.inputs.len()
    }

    /// Compares the records, but for shares, which go with inputs.
    fn fields(&mut self, before: &Task, after: &Task) {
        let (old, new) = (before.record(), after.record());
        let follows = Follows::of(before, after);
        for (name, value) in new.fields() {
            let was = old.field(name);
            if was == Some(value) || name == "shares" || follows.includes(name) {
                continue;
            }
            let place = usize::from(name == "pictures");
            let files = (before.data().nth(place), after.data().nth(place));
            self.own.push(match (name, files.0, files.1) {
                (
                    "digest" | "weights" | "files" | "data" | "pictures",
                    Some(before),
                    Some(after),
                ) => Difference::File {
                    before: before.0.to_owned(),
                    after: after.0.to_owned(),
                },
                _ => Difference::field(name, was, Some(value)),
            });
        }
        let gone = old.fields().filter(|(name, _)| new.field(name).is_none());
        let gone = gone.map(|(name, value)| Difference::field(name, Some(value), None));
        self.own.extend(gone);
    }

    /// Pairs the inputs: first those that are the same job, then those of one name, then texts of
    /// one category, then what is left alone in its part on both sides, unless it has a share.
    fn needs(&mut self, before: Side<'_>, after: Side<'_>) {
        let mut old: Vec<Part> = parts(before);
        let mut new: Vec<Part> = parts(after);
        let same_job = |old: &Part, new: &Part| old.needed.key == new.needed.key;
        let same_name = |old: &Part, new: &Part| old.needed.name == new.needed.name;
        let same_text = |old: &Part, new: &Part| {
            old.category()
                .is_some_and(|own| Some(own) == new.category())
        };
        for fits in [same_job, same_name, same_text] {
            for part in std::mem::take(&mut new) {
                let fit =
                    |other: &Part| other.needed.role == part.needed.role && fits(other, &part);
                match old.iter().position(fit) {
                    Some(at) => self.pair(old.remove(at), part),
                    None => new.push(part),
                }
            }
        }
        for part in std::mem::take(&mut new) {
            let is_alone = |among: &[Part]| {
                let mut same = among
                    .iter()
                    .filter(|one| one.needed.role == part.needed.role);
                same.next().is_some() && same.next().is_none()
            };
            let alone = part.share.is_none() && is_alone(&parts(before)) && is_alone(&parts(after));
            let at = old
                .iter()
                .position(|one| one.needed.role == part.needed.role);
            match at.filter(|_| alone) {
                Some(at) => self.pair(old.remove(at), part),
                None => new.push(part),
            }
        }
        self.own
            .extend(old.into_iter().map(|part| match part.share {
                Some(share) => part.share_from_to(share, Fraction::ZERO),
                None => Difference::Dropped(part.needed.name),
            }));
        self.own
            .extend(new.into_iter().map(|part| match part.share {
                Some(share) => part.share_from_to(Fraction::ZERO, share),
                None => Difference::Added(part.needed.name),
            }));
    }

    fn pair(&mut self, before: Part, after: Part) {
        if let (Some(was), Some(is)) = (before.share, after.share)
            && was != is
        {
            self.own.push(after.share_from_to(was, is));
        }
        if before.needed.key != after.needed.key {
            self.inputs.push(Replaced {
                before: before.needed,
                after: after.needed,
            });
        }
    }
}

/// An input with its share, where the job gives its inputs shares.
#[derive(Clone)]
struct Part {
    needed: Needed,
    share: Option<Fraction>,
}

impl Part {
    /// The category of an encoded text: `web` of `tokens/web@bpe`.
    fn category(&self) -> Option<&str> {
        let (category, _) = self.needed.name.strip_prefix("tokens/")?.split_once('@')?;
        Some(category)
    }

    fn share_from_to(&self, before: Fraction, after: Fraction) -> Difference {
        Difference::Share {
            of: self.needed.name.clone(),
            before,
            after,
        }
    }
}

fn parts(side: Side<'_>) -> Vec<Part> {
    let mut shares = side.task.shares().iter();
    let parts = side.inputs.iter().map(|needed| Part {
        needed: needed.clone(),
        share: shares.next().copied(),
    });
    parts.collect()
}

/// Fields that moved only because another one did.
struct Follows {
    lengths: bool,
    tokens: bool,
}

impl Follows {
    /// A length of the schedule that keeps its share of the run follows the number of steps; a
    /// budget that is another only within a step follows the size of the steps.
    fn of(before: &Task, after: &Task) -> Self {
        let keeps_share = |was: u64, is: u64, steps_before: u64, steps_after: u64| {
            let (a, b) = (
                u128::from(was) * u128::from(steps_after),
                u128::from(is) * u128::from(steps_before),
            );
            a.abs_diff(b) <= u128::from(steps_before.max(steps_after))
        };
        let run = |task: &Task| match task {
            Task::Pretrain(task) => Some((task.steps, task.schedule.clone())),
            Task::Stage(task) => Some((task.steps, task.schedule.clone())),
            _ => None,
        };
        let lengths = run(before).zip(run(after)).is_some_and(|(was, is)| {
            was.0 != is.0
                && keeps_share(was.1.warmup, is.1.warmup, was.0, is.0)
                && keeps_share(was.1.decay, is.1.decay, was.0, is.0)
        });
        let tokens = match (before, after) {
            (Task::Pretrain(was), Task::Pretrain(is)) => {
                let (step_before, step_after) =
                    (was.batch * was.model.context, is.batch * is.model.context);
                step_before != step_after
                    && was.tokens.abs_diff(is.tokens) < step_before.max(step_after)
            }
            _ => false,
        };
        Self { lengths, tokens }
    }

    fn includes(&self, field: &str) -> bool {
        match field {
            "warmup" | "decay" => self.lengths,
            "tokens" => self.tokens,
            _ => false,
        }
    }
}
