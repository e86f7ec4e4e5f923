//! Kinds of text: labels, categories, tokenizers.

use std::rc::Rc;

use num_traits::{One, Zero};
use vpc_grammar::Span;

use super::{Exact, Mixture, Origin};
use crate::plan::{Clause, CorpusTask, Filter, Fraction, Key, Operation, SourceSpec, Task};

/// A property of a piece of text or of an item.
#[derive(Debug, PartialEq, Eq)]
pub(crate) struct Label {
    pub(crate) name: String,
    /// The words in labelled data, sorted: it holds where one of them does.
    pub(crate) words: Vec<String>,
    pub(crate) origin: Origin,
}

/// A kind of text.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Category {
    pub(crate) name: String,
    pub(crate) declared: Span,
    pub(crate) source: SourceSpec,
    pub(crate) held_out: Fraction,
    /// Which documents of the source belong.
    pub(crate) filter: Filter,
    /// The key of the corpus job: what the category is, whatever it is called.
    pub(crate) key: Key,
    pub(crate) supply: Option<Supply>,
    /// Words of a label, and how much of the text has it.
    pub(crate) labels: Vec<(Vec<String>, Exact)>,
    pub(crate) origin: Origin,
}

/// How much text there is.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Supply {
    Tokens(Exact),
    Bytes(Exact),
}

/// A tokenizer.
#[derive(Debug, Clone)]
pub(crate) struct Tokenizer {
    pub(crate) name: String,
    pub(crate) declared: Span,
    pub(crate) vocabulary: u64,
    pub(crate) from: TokenizerSource,
    pub(crate) origin: Origin,
}

/// Where a tokenizer comes from.
#[derive(Debug, Clone)]
pub(crate) enum TokenizerSource {
    Trained {
        data: Rc<Mixture>,
        sample: u64,
    },
    Imported {
        path: Operation<String>,
        digest: Key,
    },
    Planned {
        what: String,
    },
}

impl Category {
    /// Returns the corpus job's work.
    pub(crate) fn task(&self) -> CorpusTask {
        CorpusTask {
            source: self.source.clone(),
            held_out: self.held_out,
            filter: self.filter.clone(),
        }
    }

    /// Returns the key of the corpus job that a category with these properties has.
    pub(crate) fn key_of(task: &CorpusTask) -> Key {
        let task = Task::Corpus(Box::new(task.clone()));
        task.record().key(task.kind(), task.version(), None, &[])
    }

    /// Returns how much of the text has a label, where that is known.
    pub(crate) fn share(&self, label: &Label) -> Option<Exact> {
        let within = |some: &[String], all: &[String]| some.iter().all(|word| all.contains(word));
        for clause in self.filter.clauses() {
            match clause {
                Clause::Any(words) if within(words, &label.words) => return Some(Exact::one()),
                Clause::None(words) if within(&label.words, words) => return Some(Exact::zero()),
                _ => {}
            }
        }
        // What is known of the whole says nothing about a part.
        let known = self.labels.iter().find(|known| known.0 == label.words);
        known
            .filter(|_| self.filter.is_all())
            .map(|known| known.1.clone())
    }

    /// Returns the part that passes one more clause, given its share of the text.
    pub(crate) fn part(&self, suffix: &str, clause: Clause, share: &Exact) -> Self {
        let filter = self.filter.clone().and(clause);
        let key = Self::key_of(&CorpusTask {
            filter: filter.clone(),
            ..self.task()
        });
        Self {
            name: format!("{}.{suffix}", self.name),
            filter,
            key,
            supply: self.supply.as_ref().map(|supply| supply.part(share)),
            ..self.clone()
        }
    }

    /// Returns the part with a label and its share of the text.
    pub(crate) fn only(&self, label: &Label) -> Option<(Self, Exact)> {
        let share = self.share(label)?;
        let clause = Clause::Any(label.words.clone());
        Some((self.part(&label.name, clause, &share), share))
    }

    /// Returns the part without a label and its share of the text.
    pub(crate) fn without(&self, label: &Label) -> Option<(Self, Exact)> {
        let share = Exact::one() - self.share(label)?;
        let clause = Clause::None(label.words.clone());
        let suffix = format!("not_{}", label.name);
        Some((self.part(&suffix, clause, &share), share))
    }
}

impl Supply {
    fn part(&self, share: &Exact) -> Self {
        match self {
            Self::Tokens(tokens) => Self::Tokens(tokens * share),
            Self::Bytes(bytes) => Self::Bytes(bytes * share),
        }
    }
}
