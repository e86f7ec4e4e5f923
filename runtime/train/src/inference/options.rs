//! Log-likelihoods of options that may follow one prompt, which is read once for all of them.

use rayon::prelude::*;

use super::sequence::{fits, known};
use super::{Inference, InferenceError, Sequence};
use crate::ModelConfig;
use crate::inference::pass::Row;
use crate::kernels::cross_entropy::{self, Logits};

/// A prompt and what may follow it.
#[derive(Clone, Copy, Debug)]
pub struct Options<'a> {
    /// What stands before; at least one token.
    pub prompt: &'a [u32],
    /// What is scored, each at least one token.
    pub options: &'a [&'a [u32]],
}

/// log p of each token of each option, in nats.
type Scores = Vec<Vec<f64>>;

impl Options<'_> {
    /// Tokens that are read at most: all but the last of the longest option.
    fn read(&self) -> usize {
        let longest = self.options.iter().map(|option| option.len()).max();
        self.prompt.len() + longest.unwrap_or(1).saturating_sub(1)
    }

    /// Fails unless a model of this shape can read it as item `item` of those given.
    pub fn check(&self, item: usize, config: &ModelConfig) -> Result<(), InferenceError> {
        if self.prompt.is_empty() {
            return Err(InferenceError::NoPrompt { item });
        }
        if self.options.iter().any(|option| option.is_empty()) {
            return Err(InferenceError::NoContinuation { item });
        }
        fits(item, self.read(), config.context)?;
        known(item, self.prompt, config)?;
        let mut options = self.options.iter();
        options.try_for_each(|option| known(item, option, config))
    }

    /// The prompt as rows of sequence `sequence`.
    fn prompt_rows(&self, sequence: usize) -> impl Iterator<Item = Row> {
        let last = self.prompt.len() - 1;
        let tokens = self.prompt.iter().enumerate();
        tokens.map(move |(position, &token)| Row {
            token,
            sequence,
            position,
            is_wanted: position == last,
        })
    }

    /// Option `at` after the prompt, each token with the one that follows it; none where there is no
    /// such option, or one of a single token, which the prompt alone decides.
    fn option_rows(&self, sequence: usize, at: usize) -> impl Iterator<Item = (Row, u32)> {
        let option = self.options.get(at).copied().unwrap_or_default();
        let pairs = option.iter().zip(option.iter().skip(1));
        let first = self.prompt.len();
        pairs.enumerate().map(move |(at, (&token, &target))| {
            let row = Row {
                token,
                sequence,
                position: first + at,
                is_wanted: true,
            };
            (row, target)
        })
    }
}

impl Inference {
    /// log p of each token of each option of each question, in nats; `batch` questions at a time, on
    /// which the bits do not depend.
    ///
    /// They are the bits of [`Inference::score`]. Fails before any work where an item does not fit.
    pub fn score_options(
        &self,
        questions: &[Options],
        batch: usize,
    ) -> Result<Vec<Scores>, InferenceError> {
        self.score_options_with(questions, batch, |_, room| self.sequence(room))
    }

    /// The same, where `begin` gives the empty sequence of a question, by its place, for so many tokens.
    pub(crate) fn score_options_with(
        &self,
        questions: &[Options],
        batch: usize,
        begin: impl Fn(usize, usize) -> Sequence + Sync,
    ) -> Result<Vec<Scores>, InferenceError> {
        for (item, question) in questions.iter().enumerate() {
            question.check(item, self.config())?;
        }
        let batch = batch.max(1);
        let mut all = Vec::with_capacity(questions.len());
        for (number, questions) in questions.chunks(batch).enumerate() {
            let items = questions.par_iter().enumerate();
            let sequences = items
                .map(|(at, question)| begin(number * batch + at, question.read()))
                .collect();
            all.extend(self.options_together(questions, sequences));
            let is_sound = |scores: &Scores| scores.iter().flatten().all(|score| score.is_finite());
            let new = all.iter().skip(number * batch);
            if let Some(at) = new.into_iter().position(|scores| !is_sound(scores)) {
                let item = number * batch + at;
                return Err(InferenceError::NotFinite { item });
            }
        }
        Ok(all)
    }

    fn options_together(&self, questions: &[Options], mut sequences: Vec<Sequence>) -> Vec<Scores> {
        let vocabulary = self.config().vocabulary;
        let prompts: Vec<Row> = questions
            .iter()
            .enumerate()
            .flat_map(|(at, question)| question.prompt_rows(at))
            .collect();
        let mut all = Vec::with_capacity(questions.len());
        self.passes(&mut sequences, &prompts, |logits, _| {
            for logits in logits.chunks_exact(vocabulary) {
                let question = &questions[all.len()];
                all.push(first_tokens(logits, question.options));
            }
        });
        let most = questions.iter().map(|question| question.options.len());
        // The same option of all questions together; the next one is read in its place.
        for option in 0..most.max().unwrap_or(0) {
            self.score_option(questions, &mut sequences, option, &mut all);
        }
        all
    }

    /// Adds the scores of all tokens but the first of one option of each question.
    fn score_option(
        &self,
        questions: &[Options],
        sequences: &mut [Sequence],
        option: usize,
        all: &mut [Scores],
    ) {
        let vocabulary = self.config().vocabulary;
        let (rows, targets): (Vec<Row>, Vec<u32>) = questions
            .iter()
            .enumerate()
            .flat_map(|(at, question)| question.option_rows(at, option))
            .unzip();
        self.passes(sequences, &rows, |logits, wanted| {
            let targets: Vec<u32> = wanted.iter().map(|&row| targets[row]).collect();
            let mut losses = vec![0.0; wanted.len()];
            cross_entropy::rows(&mut losses, logits, vocabulary, &targets, Logits::Spent);
            for (&row, loss) in wanted.iter().zip(losses) {
                all[rows[row].sequence][option].push(-loss);
            }
        });
    }
}

/// Of each option the score of its first token, by the logits after the prompt.
fn first_tokens(logits: &[f32], options: &[&[u32]]) -> Scores {
    let targets: Vec<u32> = options
        .iter()
        .filter_map(|option| option.first().copied())
        .collect();
    let mut losses = vec![0.0; targets.len()];
    let mut spent = logits.repeat(targets.len());
    cross_entropy::rows(
        &mut losses,
        &mut spent,
        logits.len(),
        &targets,
        Logits::Spent,
    );
    losses.into_iter().map(|loss| vec![-loss]).collect()
}
