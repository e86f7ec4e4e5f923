//! Log-likelihoods of options after prompts.

use vpc_train::{Given, InferenceError, Options};

use super::{Reader, Row};
use crate::{Device, DeviceError, ReadError};

/// log p of each token of each option, in nats.
type Scores = Vec<Vec<f64>>;

/// The token that is asked for after a row, and of which option of which question it is.
struct Asked {
    row: usize,
    token: u32,
    question: usize,
    option: usize,
}

impl<D: Device> Reader<D> {
    /// log p of each token of each option of each question, in nats; see
    /// [`vpc_train::Inference::score_options`].
    ///
    /// `given` has what stands in the place of tokens of each prompt, and may be empty where nothing does. A prompt
    /// is read once for all its options. Fails before any work where an item does not fit the model.
    pub fn score_options(
        &mut self,
        questions: &[Options],
        given: &[Option<Given>],
    ) -> Result<Vec<Scores>, ReadError> {
        for (item, question) in questions.iter().enumerate() {
            question.check(item, self.config())?;
        }
        let together = self.program.slots;
        let mut all = Vec::with_capacity(questions.len());
        for (number, questions) in questions.chunks(together).enumerate() {
            self.clear();
            for (slot, to) in self.given.iter_mut().enumerate() {
                *to = given.get(number * together + slot).cloned().flatten();
            }
            let scores = self.score_together(questions)?;
            let is_sound = |scores: &Scores| scores.iter().flatten().all(|score| score.is_finite());
            if let Some(at) = scores.iter().position(|scores| !is_sound(scores)) {
                let item = number * together + at;
                return Err(InferenceError::NotFinite { item }.into());
            }
            all.extend(scores);
        }
        Ok(all)
    }

    /// The same of as many questions as there are slots: question i is read in slot i.
    fn score_together(&mut self, questions: &[Options]) -> Result<Vec<Scores>, DeviceError> {
        let empty = |question: &Options| vec![Vec::new(); question.options.len()];
        let mut scores: Vec<Scores> = questions.iter().map(empty).collect();
        let (mut rows, mut asked) = (Vec::new(), Vec::new());
        for (slot, question) in questions.iter().enumerate() {
            rows.extend(rows_of(question.prompt, slot, 0));
            let firsts = question.options.iter().enumerate();
            asked.extend(firsts.filter_map(|(option, tokens)| {
                Some(Asked {
                    row: rows.len() - 1,
                    token: *tokens.first()?,
                    question: slot,
                    option,
                })
            }));
        }
        self.score_rows(&rows, &asked, &mut scores)?;
        let most = questions.iter().map(|question| question.options.len());
        // The same option of all questions together; the next one is read in its place.
        for option in 0..most.max().unwrap_or(0) {
            let (mut rows, mut asked) = (Vec::new(), Vec::new());
            for (slot, question) in questions.iter().enumerate() {
                let tokens = question.options.get(option).copied().unwrap_or_default();
                let Some((last, before)) = tokens.split_last() else {
                    continue;
                };
                let first = rows.len();
                rows.extend(rows_of(before, slot, question.prompt.len()));
                let after = before.iter().skip(1).chain([last]);
                asked.extend(
                    after
                        .take(before.len())
                        .enumerate()
                        .map(|(at, token)| Asked {
                            row: first + at,
                            token: *token,
                            question: slot,
                            option,
                        }),
                );
            }
            self.score_rows(&rows, &asked, &mut scores)?;
        }
        Ok(scores)
    }

    /// Reads rows, and adds the scores of what is asked, which stands in the order of its rows.
    fn score_rows(
        &mut self,
        rows: &[Row],
        mut asked: &[Asked],
        scores: &mut [Scores],
    ) -> Result<(), DeviceError> {
        let wide = self.wide();
        for (number, rows) in rows.chunks(wide).enumerate() {
            self.read_wide(rows)?;
            let first = number * wide;
            let here = asked.partition_point(|one| one.row < first + rows.len());
            let (now, later) = asked.split_at(here);
            asked = later;
            let pairs: Vec<(usize, u32)> =
                now.iter().map(|one| (one.row - first, one.token)).collect();
            for (one, loss) in now.iter().zip(self.losses(&pairs)?) {
                scores[one.question][one.option].push(-f64::from(loss));
            }
        }
        Ok(())
    }
}

/// Tokens of a slot from a position on.
fn rows_of(tokens: &[u32], slot: usize, from: usize) -> impl Iterator<Item = Row> {
    let tokens = tokens.iter().enumerate();
    tokens.map(move |(at, &token)| Row {
        token,
        slot,
        position: from + at,
    })
}
