//! Answers by likelihood: options compared, and texts measured.

use vpc_data::items::Form;
use vpc_data::questions::{Answer, Question};
use vpc_measure::record::Record;

use super::super::mind::Given;
use super::super::record;
use super::{Reader, TOGETHER};
use crate::error::JobError;

/// A prompt, whether its beginning did not fit, and what is scored after it.
struct Reading {
    given: Given,
    cut: bool,
    options: Vec<Vec<u32>>,
}

impl Reader<'_> {
    /// Tokens that may stand before the longest of some options: as many of the prompt, the same for all,
    /// as that leaves room for.
    pub(super) fn room_before(&self, options: &[Vec<u32>]) -> usize {
        let longest = options.iter().map(Vec::len).max().unwrap_or_default();
        (self.context() + 1).saturating_sub(longest)
    }

    pub(super) fn options(&self, question: &Question) -> Result<Vec<Vec<u32>>, JobError> {
        let options = question.options.iter().map(|option| {
            let text = match question.form {
                Form::Asked => self.template.continuation(option),
                Form::Continued => format!(" {option}"),
                Form::Filled => format!(" {}", blank(&question.text).1),
            };
            let mut words = self.tokenizer.encode(&text)?;
            if self.whole {
                words.push(self.tokenizer.end());
            }
            Ok(words)
        });
        options.collect()
    }

    /// The likeliest option is the answer, by the byte or as a whole; of equal ones the first.
    pub(super) fn compared(
        &self,
        questions: &[Question],
        features: Vec<Vec<f32>>,
    ) -> Result<Vec<Record>, JobError> {
        let both = questions.iter().zip(features);
        let readings = both.map(|(question, features)| self.readings(question, features));
        let readings: Vec<Vec<Reading>> = readings.collect::<Result<_, _>>()?;
        let counts: Vec<usize> = readings.iter().map(Vec::len).collect();
        let owners = questions.iter().zip(&counts);
        let owners = owners.flat_map(|(question, count)| std::iter::repeat_n(question, *count));
        let owners: Vec<&Question> = owners.collect();
        let (mut given, mut options, mut cuts) = (Vec::new(), Vec::new(), Vec::new());
        for reading in readings.into_iter().flatten() {
            given.push(reading.given);
            options.push(reading.options);
            cuts.push(reading.cut);
        }
        let scores = self.mind.score(&owners, &given, &options, TOGETHER)?;
        let mut scores = scores.into_iter().zip(cuts);
        let all = questions.iter().zip(counts);
        Ok(all
            .map(|(question, count)| {
                let own: Vec<_> = scores.by_ref().take(count).collect();
                let is_cut = own.iter().any(|(_, cut)| *cut);
                let scores = own.into_iter().flat_map(|(scores, _)| scores);
                self.chosen(question, is_cut, scores.collect())
            })
            .collect())
    }

    /// What is read to compare the options of a question: the question, with all of them after it; of one
    /// with a blank, the sentence up to there with each in turn, and what comes after the blank (Trinh and
    /// Le 2018).
    fn readings(&self, question: &Question, features: Vec<f32>) -> Result<Vec<Reading>, JobError> {
        let options = self.options(question)?;
        if question.form != Form::Filled {
            let (given, cut) = self.given(question, features, self.room_before(&options))?;
            return Ok(vec![Reading {
                given,
                cut,
                options,
            }]);
        }
        let (before, _) = blank(&question.text);
        let both = question.options.iter().zip(options);
        both.map(|(option, ending)| {
            let sentence = Question {
                text: format!("{before}{option}"),
                form: Form::Continued,
                ..question.clone()
            };
            let options = vec![ending];
            let room = self.room_before(&options);
            let (given, cut) = self.given(&sentence, features.clone(), room)?;
            Ok(Reading {
                given,
                cut,
                options,
            })
        })
        .collect()
    }

    fn chosen(&self, question: &Question, cut: bool, log_likelihoods: Vec<f64>) -> Record {
        // Of a blank, what comes after it is compared.
        let bytes = question.options.iter().map(|one| match question.form {
            Form::Filled => blank(&question.text).1.len() as u64,
            Form::Asked | Form::Continued => one.len() as u64,
        });
        let lengths: Vec<u64> = bytes.collect();
        let alike = vec![1; lengths.len()];
        let best = likeliest(&log_likelihoods, if self.whole { &alike } else { &lengths });
        Record {
            answer: best.map(record::numbered),
            right: Some(best.map(Answer::Option).as_ref() == Some(&question.answer)),
            log_likelihoods,
            lengths,
            ..self.record(question, cut)
        }
    }

    /// log p of a word given the text before it, which counts as one however many tokens it has: as the
    /// Language Model Evaluation Harness has it for LAMBADA.
    fn last(&self, question: &Question, word: &str) -> Result<Record, JobError> {
        let options = vec![self.tokenizer.encode(&format!(" {word}"))?];
        let (given, cut) = self.given(question, Vec::new(), self.room_before(&options))?;
        let scores = self.mind.score(&[question], &[given], &[options], 1)?;
        Ok(Record {
            log_likelihoods: scores.into_iter().flatten().collect(),
            lengths: vec![1],
            ..self.record(question, cut)
        })
    }

    /// log p of a text, in windows of the model's context: each token once, given what stands before it in
    /// its window.
    pub(super) fn measured(&self, question: &Question) -> Result<Record, JobError> {
        if let Answer::Words(words) = &question.answer {
            return self.last(question, &words.join(" "));
        }
        let mut tokens = vec![self.tokenizer.end()];
        tokens.extend(self.tokenizer.encode(&question.text)?);
        let mut nats = 0.0;
        for start in (0..tokens.len() - 1).step_by(self.context()) {
            let end = (start + self.context()).min(tokens.len() - 1);
            let given = Given {
                tokens: tokens[start..=start].to_vec(),
                features: Vec::new(),
            };
            let window = vec![tokens[start + 1..=end].to_vec()];
            let scores = self.mind.score(&[question], &[given], &[window], 1)?;
            nats += scores.iter().flatten().sum::<f64>();
        }
        Ok(Record {
            log_likelihoods: vec![nats],
            lengths: vec![tokens.len() as u64 - 1],
            ..self.record(question, false)
        })
    }
}

/// What stands before and after the blank of a sentence.
fn blank(sentence: &str) -> (&str, &str) {
    let (before, after) = sentence.split_once('_').unwrap_or((sentence, ""));
    (before, after.trim())
}

/// The number of the option with the largest log-likelihood by its length; of equal ones the first.
fn likeliest(log_likelihoods: &[f64], bytes: &[u64]) -> Option<usize> {
    let mut best: Option<(usize, f64)> = None;
    for (at, (nats, bytes)) in log_likelihoods.iter().zip(bytes).enumerate() {
        let per_byte = nats / (*bytes).max(1) as f64;
        if best.is_none_or(|(_, most)| per_byte > most) {
            best = Some((at, per_byte));
        }
    }
    best.map(|(at, _)| at)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn likelihoods_are_compared_by_the_byte() {
        assert_eq!(likeliest(&[-6.0, -8.0], &[2, 4]), Some(1));
        assert_eq!(likeliest(&[-6.0, -12.0], &[2, 4]), Some(0));
        assert_eq!(likeliest(&[], &[]), None);
    }
}
