//! Corpora, tokenizers, tokens, datasets, encoders: what training and measuring start from.

use std::rc::Rc;

use vpc_grammar::{Code, Problem, Span};

use super::{Expander, Eyes};
use crate::plan::{DatasetFrom, DatasetTask, FeaturesTask, Fraction, Key, Task, TokenizerTask};
use crate::value::{
    Category, Dataset, DatasetOf, Encoder, Exact, Mixture, Tokenizer, TokenizerSource, fraction,
};

impl Expander<'_, '_> {
    /// Adds the token jobs of a mixture; returns their keys and exact shares, ordered by content.
    pub(super) fn tokens_of(
        &mut self,
        data: &Mixture,
        tokenizer: &Rc<Tokenizer>,
        span: Span,
    ) -> Option<Vec<(Key, Fraction)>> {
        let mut parts = Vec::new();
        for (category, share) in data.leaves() {
            let share = self.exact(&share, span)?;
            parts.push((self.tokens_job(&category, tokenizer, span)?, share));
        }
        parts.sort_by_key(|part| part.0);
        Some(parts)
    }

    fn exact(&self, share: &Exact, span: Span) -> Option<Fraction> {
        let exact = fraction(share);
        if exact.is_none() {
            let message = "the shares of this mixture have too many digits to be kept exactly";
            self.evaluator.report(
                Problem::error(Code("V0304"), span, message).help("round the shares it is made of"),
            );
        }
        exact
    }

    fn corpus(&mut self, category: &Category) -> Key {
        let id = (category.key, category.name.clone());
        if let Some(&known) = self.shared.corpora.get(&id) {
            return known;
        }
        let place = self.place(category.declared);
        let label = format!("corpus/{}", category.name).into();
        let key = self
            .jobs
            .add(label, place, Task::Corpus(Box::new(category.task())), &[]);
        self.shared.corpora.insert(id, key);
        key
    }

    pub(super) fn tokens_job(
        &mut self,
        category: &Category,
        tokenizer: &Rc<Tokenizer>,
        span: Span,
    ) -> Option<Key> {
        let address = Rc::as_ptr(tokenizer).addr();
        let id = (category.key, category.name.clone(), address);
        if let Some(&known) = self.shared.tokens.get(&id) {
            return Some(known);
        }
        let corpus = self.corpus(category);
        let tokenizer_key = self.tokenizer(tokenizer, span)?;
        let label = format!("tokens/{}@{}", category.name, tokenizer.name).into();
        let place = self.place(category.declared);
        let inputs = [("corpus", corpus), ("tokenizer", tokenizer_key)];
        let key = self.jobs.add(label, place, Task::Tokens, &inputs);
        self.shared.tokens.insert(id, key);
        self.note_supply(key, category);
        Some(key)
    }

    pub(super) fn tokenizer(&mut self, tokenizer: &Rc<Tokenizer>, span: Span) -> Option<Key> {
        let address = Rc::as_ptr(tokenizer).addr();
        if let Some((_, known)) = self.shared.tokenizers.get(&address) {
            return Some(*known);
        }
        let vocabulary = tokenizer.vocabulary;
        let mut inputs = Vec::new();
        let task = match &tokenizer.from {
            TokenizerSource::Imported { path, digest } => TokenizerTask::Imported {
                path: path.clone(),
                digest: *digest,
                vocabulary,
            },
            TokenizerSource::Planned { what } => TokenizerTask::Planned {
                what: what.clone(),
                vocabulary,
            },
            TokenizerSource::Trained { data, sample } => {
                let mut shares = Vec::new();
                for (category, share) in data.leaves() {
                    shares.push(self.exact(&share, span)?);
                    inputs.push(("corpus", self.corpus(&category)));
                }
                TokenizerTask::Trained {
                    vocabulary,
                    sample: *sample,
                    shares,
                }
            }
        };
        let label = format!("tokenizer/{}", tokenizer.name).into();
        let place = self.place(tokenizer.declared);
        let key = self
            .jobs
            .add(label, place, Task::Tokenizer(Box::new(task)), &inputs);
        let known = (Rc::clone(tokenizer), key);
        self.shared.tokenizers.insert(address, known);
        Some(key)
    }

    /// Adds the jobs that make a dataset.
    pub(super) fn dataset(&mut self, dataset: &Rc<Dataset>) -> Key {
        let address = Rc::as_ptr(dataset).addr();
        if let Some((_, known)) = self.shared.datasets.get(&address) {
            return *known;
        }
        let (from, inputs) = match &dataset.from {
            DatasetOf::Source(files) => (DatasetFrom::Source(files.clone()), Vec::new()),
            DatasetOf::Chosen(of, choice) => {
                (DatasetFrom::Chosen(choice.clone()), vec![self.dataset(of)])
            }
            DatasetOf::Joined(parts) => {
                let parts = parts.iter().map(|part| self.dataset(part));
                (DatasetFrom::Joined, parts.collect())
            }
        };
        let inputs: Vec<(&'static str, Key)> =
            inputs.into_iter().map(|key| ("items", key)).collect();
        let place = self.place(dataset.declared);
        let task = Task::Dataset(Box::new(DatasetTask {
            items: dataset.items,
            from,
        }));
        let label = format!("dataset/{}", dataset.name).into();
        let key = self.jobs.add(label, place, task, &inputs);
        let known = (Rc::clone(dataset), key);
        self.shared.datasets.insert(address, known);
        key
    }

    pub(super) fn encoder(&mut self, encoder: &Rc<Encoder>) -> Key {
        let address = Rc::as_ptr(encoder).addr();
        if let Some((_, known)) = self.shared.encoders.get(&address) {
            return *known;
        }
        let place = self.place(encoder.declared);
        let label = format!("encoder/{}", encoder.name).into();
        let task = Task::Encoder(Box::new(encoder.task.clone()));
        let mut inputs = Vec::new();
        if let Some(data) = &encoder.data {
            inputs.push(("items", self.dataset(data)));
            inputs.extend(self.pictures(data));
        }
        let key = self.jobs.add(label, place, task, &inputs);
        let known = (Rc::clone(encoder), key);
        self.shared.encoders.insert(address, known);
        key
    }

    /// The sources that the pictures of a dataset come from, in an order that no name decides.
    pub(super) fn pictures(&mut self, dataset: &Rc<Dataset>) -> Vec<(&'static str, Key)> {
        let mut roots = Vec::new();
        dataset.roots(&mut roots);
        let mut keys: Vec<Key> = roots.iter().map(|root| self.dataset(root)).collect();
        keys.sort_unstable();
        keys.dedup();
        keys.into_iter().map(|key| ("pictures", key)).collect()
    }

    /// Adds the jobs in which a frozen encoder looks at the pictures of a dataset: one for each source
    /// that they come from, so that all choices of its items share it.
    pub(super) fn features(&mut self, dataset: &Rc<Dataset>, eyes: &Eyes) -> Vec<Key> {
        let mut roots = Vec::new();
        dataset.roots(&mut roots);
        let encoder = &eyes.encoder;
        let mut keys: Vec<Key> = Vec::with_capacity(roots.len());
        for root in &roots {
            let id = (
                Rc::as_ptr(root).addr(),
                Rc::as_ptr(encoder).addr(),
                eyes.layer,
            );
            let known = self.shared.features.get(&id).copied();
            keys.push(known.unwrap_or_else(|| {
                let inputs = [
                    ("encoder", self.encoder(encoder)),
                    ("items", self.dataset(root)),
                ];
                let task = Task::Features(FeaturesTask {
                    layer: eyes.layer,
                    items: root.items,
                });
                let label = format!("features/{}@{}", root.name, encoder.name).into();
                let place = self.place(root.declared);
                let key = self.jobs.add(label, place, task, &inputs);
                self.shared.features.insert(id, key);
                key
            }));
        }
        // In an order that no name decides.
        keys.sort_unstable();
        keys.dedup();
        keys
    }
}
