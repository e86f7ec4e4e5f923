//! One job block at one point of its axes to tasks of the plan.

mod adapt;
mod benchmarks;
mod data;
mod epochs;
mod measure;
mod pretrain;
mod source;

use std::collections::{BTreeMap, BTreeSet};
use std::rc::Rc;
use std::sync::Arc;

use vpc_grammar::Span;

use super::{Declaration, Expander, Spot};
use crate::plan::{Item, Key, ModelSpec, Overall, Supply, Work};
use crate::value::{Adaptation, Benchmark, Dataset, Encoder, Groups, Tokenizer};

use adapt::{StageId, StageWork};
use benchmarks::{AnswersId, Sheet};
use epochs::Excess;

/// A job that was lowered.
pub(super) struct Made {
    pub(super) key: Key,
    /// What an evaluation measures.
    pub(super) items: Vec<Item>,
    /// The model that the job makes.
    model: Option<Rc<Model>>,
}

/// A model that a job makes.
struct Model {
    spec: Arc<ModelSpec>,
    tokenizer: Rc<Tokenizer>,
    /// What it sees with, where it was adapted to pictures.
    eyes: Option<Eyes>,
    /// The run, where it was trained from scratch.
    trained: Option<Trained>,
}

/// How a model sees.
#[derive(Clone)]
pub(super) struct Eyes {
    encoder: Rc<Encoder>,
    /// The layer that is looked at, counted from the end.
    layer: u64,
    /// Whether it sees with an encoder of its own, which a stage has trained.
    own: bool,
}

/// The length of a `pretrain` run.
struct Trained {
    budget: u64,
    steps: u64,
    /// Tokens per step.
    per_step: u64,
}

/// What many runs share, so that each is made once. Where an address stands for something, that
/// lives as long as this.
#[derive(Default)]
pub(crate) struct Shared {
    corpora: BTreeMap<(Key, String), Key>,
    /// By the key of the corpus and the address of the tokenizer.
    tokens: BTreeMap<(Key, String, usize), Key>,
    tokenizers: BTreeMap<usize, (Rc<Tokenizer>, Key)>,
    datasets: BTreeMap<usize, (Rc<Dataset>, Key)>,
    encoders: BTreeMap<usize, (Rc<Encoder>, Key)>,
    /// By the addresses of a dataset and of an encoder, and the layer.
    features: BTreeMap<(usize, usize, u64), Key>,
    specs: BTreeSet<Arc<ModelSpec>>,
    /// What is known of how much text there is, by the `tokens` job.
    pub(super) supply: BTreeMap<Key, Supply>,
    /// What runs ask of text beyond what their blocks allow, by where that stands.
    excess: BTreeMap<Span, Excess>,
    /// Names of what is measured.
    words: BTreeSet<Arc<str>>,
    stages: BTreeMap<StageId, (Rc<Adaptation>, StageWork)>,
    answers: BTreeMap<AnswersId, (Rc<Benchmark>, Work)>,
    /// What the suite at hand measures.
    sheet: Option<(Rc<Groups>, Rc<Sheet>)>,
    /// How the answers to it are added up; runs of a suite with several groups seldom agree.
    sum: Option<(Vec<Vec<u64>>, Overall, Work)>,
}

impl Expander<'_, '_> {
    pub(super) fn lower(&mut self, spot: &Spot<'_>, before: &[Declaration<'_>]) -> Option<Made> {
        let made = match spot.site.block.kind.text.as_str() {
            "pretrain" => self.pretrain(spot),
            "adapt" => self.adapt(spot, before),
            "eval" => self.eval(spot, before),
            "align_score" => self.align_score(spot, before),
            _ => None,
        };
        made.filter(|_| spot.site.fields.sound)
    }
}

impl Shared {
    /// Returns the one copy of a model's shape.
    fn spec(&mut self, spec: ModelSpec) -> Arc<ModelSpec> {
        if let Some(known) = self.specs.get(&spec) {
            return Arc::clone(known);
        }
        let spec = Arc::new(spec);
        self.specs.insert(Arc::clone(&spec));
        spec
    }

    /// Returns the one copy of a name.
    fn word(&mut self, word: &str) -> Arc<str> {
        if let Some(known) = self.words.get(word) {
            return Arc::clone(known);
        }
        let word: Arc<str> = word.into();
        self.words.insert(Arc::clone(&word));
        word
    }
}

impl Made {
    pub(super) fn makes_model(&self) -> bool {
        self.model.is_some()
    }

    /// A job that makes a model.
    fn model(key: Key, model: Model) -> Self {
        Self {
            key,
            items: Vec::new(),
            model: Some(Rc::new(model)),
        }
    }

    /// A job that measures.
    fn measure(key: Key, items: Vec<Item>) -> Self {
        Self {
            key,
            items,
            model: None,
        }
    }
}
