//! Values of expressions: exact and typed.

mod mixture;
mod number;

use std::rc::Rc;

use vpc_grammar::Span;

pub(crate) use mixture::{Flaw as MixtureFlaw, Mixture, Part};
pub(crate) use number::{Exact, Flaw as NumberFlaw, Number, UNITS, Unit, fraction, percent};

use crate::plan::{Fraction, Key, ScheduleShape, SourceSpec};

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
    Category(Rc<Category>),
    Mixture(Mixture),
    Tokenizer(Rc<Tokenizer>),
    Scale(Rc<Scale>),
    Source(SourceSpec),
    Schedule(Schedule),
    /// The categories whose held-out text is measured.
    Suite(Vec<Rc<Category>>),
    /// A block with parameters, named but not called.
    Blueprint(String),
}

/// A kind of text.
#[derive(Debug, PartialEq, Eq)]
pub(crate) struct Category {
    pub(crate) name: String,
    pub(crate) declared: Span,
    pub(crate) source: SourceSpec,
    pub(crate) held_out: Fraction,
    /// The key of the corpus job: what the category is, whatever it is called.
    pub(crate) key: Key,
}

/// The shape of a model and its training defaults.
#[derive(Debug, PartialEq, Eq)]
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
}

/// A tokenizer.
#[derive(Debug)]
pub(crate) struct Tokenizer {
    pub(crate) name: String,
    pub(crate) declared: Span,
    pub(crate) vocabulary: u64,
    pub(crate) from: TokenizerSource,
}

/// Where a tokenizer comes from.
#[derive(Debug)]
pub(crate) enum TokenizerSource {
    Trained { data: Mixture, sample: u64 },
    Imported { path: String, digest: Key },
}

/// A learning-rate schedule before the run's length is known.
#[derive(Debug, Clone)]
pub(crate) struct Schedule {
    pub(crate) shape: ScheduleShape,
    pub(crate) warmup: Number,
    pub(crate) decay: Option<Number>,
    pub(crate) floor: Fraction,
}

impl Value {
    /// Returns what a value is, for "expected …, found …".
    pub(crate) fn describe(&self) -> String {
        match self {
            Self::Unknown => "a mistake".to_owned(),
            Self::Number(number) => match number.unit {
                Unit::Share => format!("the share `{}`", number.show()),
                Unit::Plain => format!("the number `{}`", number.show()),
                Unit::Count => format!("the count `{}`", number.show()),
                Unit::Tokens => format!("`{} tokens`", number.show()),
                Unit::Sequences => format!("`{} sequences`", number.show()),
                Unit::Steps => format!("`{} steps`", number.show()),
                Unit::Bytes => format!("`{}`", number.show()),
            },
            Self::Text(text) => format!("the text \"{text}\""),
            Self::Flag(flag) => format!("`{flag}`"),
            Self::None => "`none`".to_owned(),
            Self::List(_) => "a list".to_owned(),
            Self::Tuple(_) => "a tuple".to_owned(),
            Self::Every(_) => "`every …`".to_owned(),
            Self::Category(category) => format!("the category `{}`", category.name),
            Self::Mixture(_) => "a mixture".to_owned(),
            Self::Tokenizer(tokenizer) => format!("the tokenizer `{}`", tokenizer.name),
            Self::Scale(scale) => format!("the scale `{}`", scale.name),
            Self::Source(_) => "a source".to_owned(),
            Self::Schedule(_) => "a schedule".to_owned(),
            Self::Suite(_) => "a suite".to_owned(),
            Self::Blueprint(name) => format!("`{name}` without its parameters"),
        }
    }
}
