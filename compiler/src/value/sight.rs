//! What adapts and what measures: datasets, encoders, adaptations, benchmarks, suites.

use std::rc::Rc;

use vpc_grammar::Span;

use super::{Category, Origin, Schedule};
use crate::plan::{
    Choice, EncoderTask, Format, Fraction, ItemsSpec, Metric, Modules, Overall, Projector, Score,
};

/// Items to adapt with.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Dataset {
    pub(crate) name: String,
    pub(crate) declared: Span,
    pub(crate) items: u64,
    /// Words of a label, and how many items have it.
    pub(crate) labels: Vec<(Vec<String>, u64)>,
    pub(crate) from: DatasetOf,
    /// The block, where it was declared and not made by a function.
    pub(crate) origin: Option<Origin>,
}

/// Where items come from.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum DatasetOf {
    Source(ItemsSpec),
    Chosen(Rc<Dataset>, Choice),
    Joined(Vec<Rc<Dataset>>),
}

/// A vision encoder.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Encoder {
    pub(crate) name: String,
    pub(crate) declared: Span,
    pub(crate) task: EncoderTask,
    /// What its weights are learned from, where they are.
    pub(crate) data: Option<Rc<Dataset>>,
    pub(crate) origin: Origin,
}

/// How a language model comes to see.
#[derive(Debug, Clone)]
pub(crate) struct Adaptation {
    pub(crate) name: String,
    pub(crate) encoder: Rc<Encoder>,
    pub(crate) projector: Projector,
    pub(crate) visual_tokens: u64,
    /// The layer that is looked at, counted from the end.
    pub(crate) layer: u64,
    /// How a turn is written, where that is not as usual.
    pub(crate) template: Option<String>,
    pub(crate) stages: Vec<Stage>,
    pub(crate) origin: Origin,
}

/// One pass of an adaptation.
#[derive(Debug, Clone)]
pub(crate) struct Stage {
    pub(crate) name: String,
    pub(crate) data: Rc<Dataset>,
    pub(crate) train: Modules,
    pub(crate) images: bool,
    pub(crate) rate: Fraction,
    pub(crate) batch: u64,
    pub(crate) epochs: u64,
    pub(crate) schedule: Schedule,
    /// Where the schedule is written.
    pub(crate) scheduled: Span,
    pub(crate) weight_decay: Fraction,
}

/// Questions with known answers.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Benchmark {
    pub(crate) name: String,
    pub(crate) data: ItemsSpec,
    pub(crate) items: u64,
    pub(crate) format: Format,
    pub(crate) images: bool,
    /// Whether options are compared as whole answers.
    pub(crate) whole: bool,
    /// How short answers are scored.
    pub(crate) score: Score,
    /// Its items as a dataset.
    pub(crate) dataset: Rc<Dataset>,
    /// Whether it is a file that is read as it stands where no pictures are shown.
    pub(crate) is_plain: bool,
    pub(crate) origin: Origin,
}

/// What is measured.
#[derive(Debug, Clone)]
pub(crate) enum Suite {
    /// The held-out text of categories.
    HeldOut(Vec<Rc<Category>>),
    /// Answers to benchmarks.
    Benchmarks(Rc<Groups>),
}

/// Groups of benchmarks.
#[derive(Debug, Clone)]
pub(crate) struct Groups {
    pub(crate) name: String,
    pub(crate) members: Vec<(String, Vec<Rc<Benchmark>>)>,
    pub(crate) overall: Overall,
    pub(crate) origin: Origin,
}

impl Benchmark {
    /// Returns it under another name, and its items too.
    pub(crate) fn named(mut self, name: &str) -> Self {
        let items = Dataset {
            name: name.to_owned(),
            ..(*self.dataset).clone()
        };
        self.dataset = Rc::new(items);
        name.clone_into(&mut self.name);
        self
    }

    /// Returns what is measured of it.
    pub(crate) fn metric(&self) -> Metric {
        match self.format {
            Format::Perplexity => Metric::Perplexity,
            _ => Metric::Score,
        }
    }
}

impl Suite {
    /// Returns the suite of one benchmark alone.
    pub(crate) fn of(benchmark: &Rc<Benchmark>) -> Self {
        let name = benchmark.name.clone();
        Self::Benchmarks(Rc::new(Groups {
            members: vec![(name.clone(), vec![Rc::clone(benchmark)])],
            name,
            overall: Overall::MeanOfBenchmarks,
            origin: benchmark.origin.clone(),
        }))
    }
}

impl Dataset {
    /// Adds the datasets with sources of their own that the items come from, each once.
    pub(crate) fn roots(self: &Rc<Self>, found: &mut Vec<Rc<Self>>) {
        match &self.from {
            DatasetOf::Source(_) => {
                if !found.iter().any(|known| Rc::ptr_eq(known, self)) {
                    found.push(Rc::clone(self));
                }
            }
            DatasetOf::Chosen(of, _) => of.roots(found),
            DatasetOf::Joined(parts) => parts.iter().for_each(|part| part.roots(found)),
        }
    }

    /// Returns how many items have a label, where that is known.
    pub(crate) fn labelled(&self, words: &[String]) -> Option<u64> {
        let known = self.labels.iter().find(|known| known.0 == words);
        known.map(|known| known.1)
    }

    /// Returns some of the items: how many there are, and what is known of labels among them.
    pub(crate) fn chosen(
        self: &Rc<Self>,
        suffix: &str,
        choice: Choice,
        items: u64,
        labels: Vec<(Vec<String>, u64)>,
    ) -> Self {
        Self {
            name: format!("{}.{suffix}", self.name),
            declared: self.declared,
            items,
            labels,
            from: DatasetOf::Chosen(Rc::clone(self), choice),
            origin: None,
        }
    }
}
