//! Labels, categories and tokenizers.

use std::rc::Rc;

use num_traits::{One, Signed};
use vpc_grammar::tree::{Block, Body, Expr};
use vpc_grammar::{Code, Problem, Span};

use super::block::origin;
use super::{Evaluator, Given, Reads, Scope};
use crate::plan::{CorpusTask, FileSpec, Filter, Fraction};
use crate::schema::Type;
use crate::value::{Category, Exact, Label, Supply, Tokenizer, TokenizerSource, Value};

/// 256 bytes and the end of a text.
const LEAST_VOCABULARY: u64 = 257;

impl Evaluator<'_> {
    pub(super) fn label(&self, block: &Block, body: &Body, scope: &Scope<'_>) -> Option<Value> {
        let words = self.reading(block, body, scope, |given| {
            match (given.value("word"), given.value("any")) {
                (Some((span, word)), None) => Some(vec![self.text_of(span, word, Type::Text)?]),
                (None, Some((span, any))) => self.words(span, any),
                _ => {
                    let message = format!("`{}` needs either `word` or `any`", block.name.text);
                    self.report(
                        Problem::error(Code("V0212"), block.name.span, message).help(
                            "`word: \"…\"` for the word in labelled data, `any: […]` for a union of labels",
                        ),
                    );
                    None
                }
            }
        })?;
        Some(Value::Label(Rc::new(Label {
            name: block.name.text.clone(),
            words,
            origin: origin(block, scope),
        })))
    }

    /// The words of a label or of a list of labels, sorted.
    fn words(&self, span: Span, value: Value) -> Option<Vec<String>> {
        let labels = match value {
            Value::List(labels) => labels,
            single => vec![single],
        };
        let mut words = Vec::new();
        for label in labels {
            words.extend(self.label_of(span, &label)?.words.iter().cloned());
        }
        if words.is_empty() {
            self.report(Problem::error(
                Code("V0214"),
                span,
                "the list of labels is empty",
            ));
            return None;
        }
        words.sort_unstable();
        words.dedup();
        Some(words)
    }

    pub(super) fn category(&self, block: &Block, body: &Body, scope: &Scope<'_>) -> Option<Value> {
        let category = self.reading(block, body, scope, |given| {
            let (source, size) = given.need("source", |span, value| match value {
                Value::Source(source, size) => Some((source, size)),
                Value::Planned(what) => Some((crate::plan::SourceSpec::Planned { what }, None)),
                other => {
                    self.mismatch(span, Type::Source.words(), &other);
                    None
                }
            })?;
            let held_out = self.held_out_share(&given)?;
            let supply = given.or("supply", None, |span, value| {
                self.tokens(span, value, 1).map(Some)
            })?;
            let supply = supply.map(|tokens| Supply::Tokens(Exact::from_integer(tokens.into())));
            let mut labels: Vec<(Vec<String>, Exact)> = Vec::new();
            for (label, share) in &given.fields.families {
                let words = self.labelled(&given, label, labels.iter().map(|known| &known.0))?;
                labels.push((words, self.part_share(share.span, (given.eval)(share))?));
                self.within(share, labels.last().map(|known| &known.1))?;
            }
            let task = CorpusTask {
                source,
                held_out,
                filter: Filter::default(),
            };
            Some(Category {
                name: block.name.text.clone(),
                declared: block.name.span,
                key: Category::key_of(&task),
                source: task.source,
                held_out,
                filter: task.filter,
                supply: supply.or(size),
                labels,
                origin: origin(block, scope),
            })
        })?;
        Some(Value::Category(Rc::new(category)))
    }

    fn held_out_share(&self, given: &Given<'_>) -> Option<Fraction> {
        let read = |span, value| self.share(span, value);
        let share = given.or("held_out", Fraction::new(1, 20)?, read)?;
        let (part, whole) = share.parts();
        if part > 0 && part < whole {
            return Some(share);
        }
        let message = "the held-out share must leave text on both sides";
        self.report(Problem::error(Code("V0304"), given.at("held_out"), message));
        None
    }

    /// The words of the label that a field such as `labels.code` names, once only.
    pub(super) fn labelled<'k>(
        &self,
        given: &Given<'_>,
        label: &Expr,
        mut known: impl Iterator<Item = &'k Vec<String>>,
    ) -> Option<Vec<String>> {
        let words = &self.label_of(label.span, &(given.eval)(label))?.words;
        if known.any(|known| known == words) {
            let shown = self.sources.slice(label.span);
            let message = format!("the label `{shown}` is given twice");
            self.report(
                Problem::error(Code("V0211"), label.span, message).help("keep one of them"),
            );
            return None;
        }
        Some(words.clone())
    }

    /// Refuses a share below 0 or above 1.
    fn within(&self, at: &Expr, share: Option<&Exact>) -> Option<()> {
        if share.is_some_and(|share| !share.is_negative() && *share <= Exact::one()) {
            return Some(());
        }
        let message = "how much of the text has a label lies between 0% and 100%";
        self.report(Problem::error(Code("V0304"), at.span, message));
        None
    }

    pub(super) fn tokenizer_block(
        &self,
        block: &Block,
        body: &Body,
        scope: &Scope<'_>,
    ) -> Option<Value> {
        let tokenizer = self.reading(block, body, scope, |given| {
            let vocabulary = given.need("vocabulary", |span, value| self.count(span, value, 2))?;
            let from = match (given.value("data"), given.value("file")) {
                (Some((span, data)), None) => {
                    let sample =
                        given.or("sample", 4 << 20, |span, value| self.bytes(span, value))?;
                    let data = self.mixture(span, data)?;
                    self.large_enough(&given, vocabulary)?;
                    TokenizerSource::Trained { data, sample }
                }
                (None, Some((span, file))) => match self.files(span, file, scope.module)? {
                    FileSpec::File { path, digest } => TokenizerSource::Imported { path, digest },
                    FileSpec::Planned { what } => TokenizerSource::Planned { what },
                },
                _ => {
                    let message = format!("`{}` needs either `data` or `file`", block.name.text);
                    self.report(
                        Problem::error(Code("V0212"), block.name.span, message).help(
                            "`data` to train on a mixture, `file` to import a `tokenizer.json`",
                        ),
                    );
                    return None;
                }
            };
            Some(Tokenizer {
                name: block.name.text.clone(),
                declared: block.name.span,
                vocabulary,
                from,
                origin: origin(block, scope),
            })
        })?;
        Some(Value::Tokenizer(Rc::new(tokenizer)))
    }

    fn large_enough(&self, given: &Given<'_>, vocabulary: u64) -> Option<()> {
        if vocabulary >= LEAST_VOCABULARY {
            return Some(());
        }
        let message = format!(
            "a byte-level vocabulary needs at least {LEAST_VOCABULARY} entries: 256 bytes and the end of a text"
        );
        self.report(Problem::error(
            Code("V0304"),
            given.at("vocabulary"),
            message,
        ));
        None
    }
}
