//! Values of expressions: exact and typed.

mod mixture;
mod number;
mod origin;
mod sight;
mod text;

use std::rc::Rc;

pub(crate) use mixture::{Flaw as MixtureFlaw, Leaf, Mixture, Part};
pub(crate) use number::{Exact, Flaw as NumberFlaw, Number, Unit, fraction, percent};
pub(crate) use origin::Origin;
pub(crate) use sight::{Adaptation, Benchmark, Dataset, DatasetOf, Encoder, Groups, Stage, Suite};
pub(crate) use text::{Category, Label, Supply, Tokenizer, TokenizerSource};

use crate::plan::{
    EncoderWeights, Fraction, ItemsSpec, Projector, ScheduleShape, SourceSpec, Test,
};

/// A value.
#[derive(Debug, Clone)]
pub(crate) enum Value {
    /// What a mistake leaves behind: it was reported, and silences what follows from it.
    Unknown,
    Number(Number),
    Text(String),
    Flag(bool),
    None,
    List(Vec<Value>),
    Tuple(Vec<Value>),
    Every(Number),
    Label(Rc<Label>),
    Category(Rc<Category>),
    Mixture(Rc<Mixture>),
    Tokenizer(Rc<Tokenizer>),
    Dataset(Rc<Dataset>),
    Scale(Rc<Scale>),
    Encoder(Rc<Encoder>),
    Adaptation(Rc<Adaptation>),
    Benchmark(Rc<Benchmark>),
    Suite(Suite),
    Source(SourceSpec, Option<Supply>),
    /// Where items come from.
    Items(ItemsSpec),
    /// Where an encoder's weights come from, and the items that they are learned from.
    Weights(Box<EncoderWeights>, Option<Rc<Dataset>>),
    /// Something that is not there yet.
    Planned(String),
    /// A path that is no longer relative to the file it stands in.
    Located(String),
    Schedule(Schedule),
    Projector(Projector),
    /// A model behind an endpoint.
    Endpoint(String),
    Test(Test),
    /// A block with parameters, named but not called.
    Blueprint(String),
}

/// The shape of a model and its training defaults.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Scale {
    pub(crate) name: String,
    pub(crate) layers: u64,
    pub(crate) width: u64,
    pub(crate) heads: u64,
    pub(crate) kv_heads: u64,
    pub(crate) hidden: u64,
    pub(crate) context: u64,
    pub(crate) rope_base: u64,
    pub(crate) tied: bool,
    pub(crate) batch: u64,
    pub(crate) rate: Fraction,
    pub(crate) origin: Origin,
}

/// A learning-rate schedule before the run's length is known.
#[derive(Debug, Clone)]
pub(crate) struct Schedule {
    pub(crate) shape: ScheduleShape,
    pub(crate) warmup: Number,
    /// The most steps that the warm-up takes, where it was left to us.
    pub(crate) warmup_most: Option<u64>,
    pub(crate) decay: Option<Number>,
    pub(crate) floor: Fraction,
}

impl Value {
    /// Returns the block that made the value, where it can be amended.
    pub(crate) fn origin(&self) -> Option<&Origin> {
        match self {
            Self::Label(label) => Some(&label.origin),
            Self::Category(category) => Some(&category.origin),
            Self::Mixture(mixture) => mixture.origin.as_ref(),
            Self::Tokenizer(tokenizer) => Some(&tokenizer.origin),
            Self::Dataset(dataset) => dataset.origin.as_ref(),
            Self::Scale(scale) => Some(&scale.origin),
            Self::Encoder(encoder) => Some(&encoder.origin),
            Self::Adaptation(adaptation) => Some(&adaptation.origin),
            Self::Benchmark(benchmark) => Some(&benchmark.origin),
            Self::Suite(Suite::Benchmarks(groups)) => Some(&groups.origin),
            _ => None,
        }
    }

    /// Returns the value under the name of the declaration `kind name = value`.
    pub(crate) fn named(self, name: &str) -> Self {
        macro_rules! renamed {
            ($thing:ident, $kind:ident) => {{
                let mut named = (*$thing).clone();
                named.name = name.to_owned();
                Self::$kind(Rc::new(named))
            }};
        }
        match self {
            Self::Mixture(mixture) => Self::Mixture(Rc::new((*mixture).clone().named(name))),
            Self::Category(category) => renamed!(category, Category),
            Self::Tokenizer(tokenizer) => renamed!(tokenizer, Tokenizer),
            Self::Dataset(dataset) => renamed!(dataset, Dataset),
            Self::Scale(scale) => renamed!(scale, Scale),
            Self::Encoder(encoder) => renamed!(encoder, Encoder),
            Self::Adaptation(adaptation) => renamed!(adaptation, Adaptation),
            Self::Benchmark(benchmark) => {
                Self::Benchmark(Rc::new((*benchmark).clone().named(name)))
            }
            other => other,
        }
    }

    /// Returns the name of what was declared.
    pub(crate) fn name(&self) -> Option<&str> {
        match self {
            Self::Label(label) => Some(&label.name),
            Self::Category(category) => Some(&category.name),
            Self::Mixture(mixture) => mixture.name.as_deref(),
            Self::Tokenizer(tokenizer) => Some(&tokenizer.name),
            Self::Dataset(dataset) => Some(&dataset.name),
            Self::Scale(scale) => Some(&scale.name),
            Self::Encoder(encoder) => Some(&encoder.name),
            Self::Adaptation(adaptation) => Some(&adaptation.name),
            Self::Benchmark(benchmark) => Some(&benchmark.name),
            Self::Suite(Suite::Benchmarks(groups)) => Some(&groups.name),
            Self::Endpoint(model) => Some(model),
            _ => None,
        }
    }

    /// Returns how many values it consists of.
    pub(crate) fn size(&self) -> usize {
        match self {
            Self::List(values) | Self::Tuple(values) => {
                1 + values.iter().map(Self::size).sum::<usize>()
            }
            _ => 1,
        }
    }

    /// Returns what a value is, for "expected …, found …".
    pub(crate) fn describe(&self) -> String {
        let kind = match self {
            Self::Unknown => "a mistake",
            Self::Number(number) => return described(number),
            Self::Text(text) => return format!("the text \"{text}\""),
            Self::Flag(flag) => return format!("`{flag}`"),
            Self::None => "`none`",
            Self::List(_) => "a list",
            Self::Tuple(_) => "a tuple",
            Self::Every(_) => "`every …`",
            Self::Label(_) => "the label",
            Self::Category(_) => "the category",
            Self::Mixture(mixture) if mixture.name.is_none() => "a mixture",
            Self::Mixture(_) => "the mixture",
            Self::Tokenizer(_) => "the tokenizer",
            Self::Dataset(_) => "the dataset",
            Self::Scale(_) => "the scale",
            Self::Encoder(_) => "the encoder",
            Self::Adaptation(_) => "the adaptation",
            Self::Benchmark(_) => "the benchmark",
            Self::Suite(Suite::HeldOut(_)) => "a suite",
            Self::Suite(Suite::Benchmarks(_)) => "the suite",
            Self::Source(_, _) => "a source",
            Self::Items(_) => "a source of items",
            Self::Weights(_, _) => "weights of an encoder",
            Self::Planned(_) => "`planned(…)`",
            Self::Located(path) => return format!("the text \"{path}\""),
            Self::Schedule(_) => "a schedule",
            Self::Projector(_) => "a projector",
            Self::Endpoint(_) => "the endpoint",
            Self::Test(_) => "a statistical test",
            Self::Blueprint(name) => return format!("`{name}` without its parameters"),
        };
        match self.name() {
            Some(name) => format!("{kind} `{name}`"),
            None => kind.to_owned(),
        }
    }
}

fn described(number: &Number) -> String {
    let shown = number.show();
    match number.unit {
        Unit::Share => format!("the share `{shown}`"),
        Unit::Plain => format!("the number `{shown}`"),
        Unit::Count => format!("the count `{shown}`"),
        Unit::Tokens => format!("`{shown} tokens`"),
        Unit::Sequences => format!("`{shown} sequences`"),
        Unit::Steps => format!("`{shown} steps`"),
        Unit::Bytes | Unit::DeviceHours => format!("`{shown}`"),
    }
}
