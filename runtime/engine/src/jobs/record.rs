//! What became of the questions of a benchmark: a line for each, and their value.

use std::io::Write;

use serde::Serialize;
use serde_json::{Value, json};
use vpc_compiler::plan::Score;
use vpc_data::questions::{Answer, Asking, Question, body};
use vpc_endpoint::Finish;
use vpc_measure::parse::{choice, contained, equal, relaxed, vqa_accuracy, yes_no};
use vpc_measure::statistics::{StatisticsError, mean};
use vpc_store::{Attempt, StoreError};

use super::Bench;
use super::errand::Usage;
use crate::error::JobError;

/// The file of answers: JSON lines.
pub(super) const ANSWERS: &str = "answers.jsonl";

/// What became of a question.
#[derive(Debug, Serialize)]
pub(crate) struct Record<'q> {
    pub(super) id: &'q str,
    /// blake3 of what the model was given: the prompt, or the text whose perplexity is measured.
    pub(super) prompt: String,
    /// Whether the beginning of the prompt did not fit the model's context.
    #[serde(skip_serializing_if = "std::ops::Not::not")]
    pub(super) cut: bool,
    /// What the model wrote, up to the end of the line.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) output: Option<String>,
    /// What was understood: a number of an option from 0, yes or no, or the words.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) answer: Option<serde_json::Value>,
    /// Whether it is right, and altogether so.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) right: Option<bool>,
    /// What it counts, from 0 to 1, where that is in between.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) credit: Option<f64>,
    /// log p of each option, or of the text, in nats.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub(crate) log_likelihoods: Vec<f64>,
    /// UTF-8 bytes of each option, or tokens of the text.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub(crate) lengths: Vec<u64>,
    /// What was asked, where it was to be explained: for who judges the explanation.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) question: Option<String>,
    /// The right answer in words, as well.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) expected: Option<String>,
    /// What was written before the answer, where that was asked for.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) explanation: Option<String>,
    /// Why the text of a model elsewhere ended, where that was not by itself.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) finish: Option<Finish>,
    /// What a model elsewhere took for it.
    #[serde(flatten, skip_serializing_if = "Option::is_none")]
    pub(super) usage: Option<Usage>,
}

impl<'q> Record<'q> {
    /// A question that was put in these words, and nothing of its answer.
    pub(super) fn of(question: &'q Question, words: &str) -> Self {
        Self {
            id: &question.id,
            prompt: blake3::hash(words.as_bytes()).to_hex().to_string(),
            cut: false,
            output: None,
            answer: None,
            right: None,
            credit: None,
            log_likelihoods: Vec::new(),
            lengths: Vec::new(),
            question: None,
            expected: None,
            explanation: None,
            finish: None,
            usage: None,
        }
    }

    /// The same with what its answer counts, from 0 to 1.
    pub(super) fn credited(self, credit: f64) -> Self {
        let is_whole = credit <= 0.0 || credit >= 1.0;
        Self {
            right: Some(credit >= 1.0),
            credit: (!is_whole).then_some(credit),
            ..self
        }
    }

    /// The same with an explanation, and with what is needed to judge it.
    pub(super) fn explained(self, question: &Question, asking: Asking, text: &str) -> Self {
        Self {
            question: Some(body(question, asking)),
            expected: Some(expected(question)),
            explanation: Some(text.to_owned()),
            ..self
        }
    }
}

/// The right answer in words.
fn expected(question: &Question) -> String {
    match &question.answer {
        Answer::Option(right) => question.options.get(*right).cloned().unwrap_or_default(),
        Answer::YesNo(true) => "yes".to_owned(),
        Answer::YesNo(false) => "no".to_owned(),
        Answer::Words(words) => words.join(" / "),
        Answer::None => String::new(),
    }
}

/// Writes the lines.
pub(super) fn file(bench: &Bench<'_>, answers: &[Record<'_>]) -> Result<Attempt, JobError> {
    let mut attempt = bench.store.attempt(bench.job.key)?;
    write_lines(&mut attempt, ANSWERS, answers)?;
    Ok(attempt)
}

/// Writes a file of JSON lines.
pub(super) fn write_lines(
    attempt: &mut Attempt,
    name: &str,
    lines: &[impl Serialize],
) -> Result<(), JobError> {
    let mut file = attempt.create(name)?;
    for line in lines {
        let line = serde_json::to_string(line)?;
        file.write_all(line.as_bytes())
            .map_err(StoreError::of_write)?;
        file.write_all(b"\n").map_err(StoreError::of_write)?;
    }
    file.finish()?;
    Ok(())
}

/// The value of a benchmark, with the number of its questions and, where it is a mean over them, its
/// standard error.
pub(super) fn summary(
    answers: &[Record<'_>],
    asking: Asking,
) -> Result<serde_json::Value, StatisticsError> {
    let cut = answers.iter().filter(|answer| answer.cut).count();
    if asking == Asking::Perplexity {
        let nats: f64 = answers
            .iter()
            .flat_map(|answer| &answer.log_likelihoods)
            .sum();
        let tokens: u64 = answers.iter().flat_map(|answer| &answer.lengths).sum();
        let value = (-nats / tokens.max(1) as f64).exp();
        return Ok(json!({ "items": answers.len(), "cut": cut, "value": value, "tokens": tokens }));
    }
    let scores: Vec<f64> = answers
        .iter()
        .map(|answer| {
            let whole = f64::from(u8::from(answer.right == Some(true)));
            answer.credit.unwrap_or(whole)
        })
        .collect();
    let right = answers.iter().filter(|answer| answer.right == Some(true));
    let unread = answers
        .iter()
        .filter(|answer| answer.answer.is_none())
        .count();
    let mean = mean(&scores)?;
    Ok(json!({
        "items": answers.len(), "cut": cut, "value": mean.mean, "error": mean.error,
        "right": right.count(), "unread": unread,
    }))
}

/// A summary with how many answers were explained.
pub(super) fn with_explained(metrics: Value, answers: &[Record<'_>]) -> Value {
    let explained = answers.iter().filter(|answer| {
        let explanation = answer.explanation.as_deref();
        explanation.is_some_and(|text| !text.is_empty())
    });
    let explained = explained.count();
    joined(metrics, json!({ "explained": explained }))
}

/// Two objects as one.
pub(super) fn joined(mut one: Value, other: Value) -> Value {
    if let (Some(fields), Value::Object(more)) = (one.as_object_mut(), other) {
        fields.extend(more);
    }
    one
}

/// What an answer says, and what it counts, from 0 to 1.
pub(super) fn read(
    question: &Question,
    output: &str,
    score: Score,
) -> (Option<serde_json::Value>, f64) {
    let counts = |is_right| f64::from(u8::from(is_right));
    match &question.answer {
        Answer::Option(right) => {
            let option = choice(output, &question.options).map(|found| found.option);
            (option.map(Into::into), counts(option == Some(*right)))
        }
        Answer::YesNo(right) => {
            let said = yes_no(output);
            (said.map(Into::into), counts(said == Some(*right)))
        }
        Answer::Words(right) => {
            let said = (!output.is_empty()).then(|| output.into());
            let mut each = right.iter();
            let credit = match score {
                Score::Exact => counts(each.any(|one| equal(output, one))),
                Score::Relaxed => counts(each.any(|one| relaxed(output, one, TOLERANCE))),
                Score::Contained => counts(each.any(|one| contained(output, one))),
                Score::Agreement => vqa_accuracy(output, right),
            };
            (said, credit)
        }
        Answer::None => (None, 0.0),
    }
}

/// How far a number may be from the right one, by the share of that, to count as it: that of ChartQA.
const TOLERANCE: f64 = 0.05;

#[cfg(test)]
mod tests {
    use vpc_data::items::Form;

    use super::*;

    #[test]
    fn a_mean_of_answers_has_its_standard_error() {
        let question = Question {
            id: "1".to_owned(),
            text: "Which?".to_owned(),
            options: vec!["cup".to_owned(), "ball".to_owned()],
            answer: Answer::Option(0),
            form: Form::Asked,
        };
        let record = |right| Record {
            answer: Some(0.into()),
            right: Some(right),
            ..Record::of(&question, "Which?")
        };
        let answers = [record(true), record(true), record(true), record(false)];
        let summary = summary(&answers, Asking::Choice).expect("four numbers");
        assert_eq!(
            (&summary["value"], &summary["right"]),
            (&0.75.into(), &3.into())
        );
        // By hand: the deviation of 1, 1, 1, 0 is 1/2, over the root of 4.
        assert!((summary["error"].as_f64().expect("a number") - 0.25).abs() < 1e-12);
    }

    #[test]
    fn short_answers_count_by_their_rule() {
        let of = |right: &[&str]| Question {
            id: "1".to_owned(),
            text: "What?".to_owned(),
            options: Vec::new(),
            answer: Answer::Words(right.iter().map(|&one| one.to_owned()).collect()),
            form: Form::Asked,
        };
        let credit = |right: &[&str], output, score| read(&of(right), output, score).1;
        let rules = [Score::Exact, Score::Relaxed, Score::Contained];
        for (right, output, counts) in [
            ("stop", "Stop.", [true, true, true]),
            ("stop", "a stop sign", [false, false, true]),
            ("100", "104", [false, true, false]),
            ("A", "", [false, false, false]),
        ] {
            let found = rules.map(|score| credit(&[right], output, score) > 0.5);
            assert_eq!(found, counts, "{output}");
        }
        let mut ten = vec!["red"; 3];
        ten.extend(["blue"; 7]);
        let part = credit(&ten, "red", Score::Agreement);
        assert!((part - 0.9).abs() < 1e-12, "{part}");
        let asked = of(&ten);
        let record = Record {
            answer: Some("red".into()),
            ..Record::of(&asked, "What?").credited(part)
        };
        let found = summary(&[record], Asking::ShortAnswer).expect("a number");
        assert_eq!(
            (&found["value"], &found["right"]),
            (&part.into(), &0.into())
        );
    }

    #[test]
    fn what_was_not_there_is_not_written() {
        let question = Question {
            id: "1".to_owned(),
            text: "Is it?".to_owned(),
            options: Vec::new(),
            answer: Answer::YesNo(true),
            form: Form::Asked,
        };
        let plain = Record::of(&question, "Is it?");
        let written = serde_json::to_string(&plain).expect("a line");
        let prompt = blake3::hash(b"Is it?").to_hex();
        assert_eq!(written, format!(r#"{{"id":"1","prompt":"{prompt}"}}"#));
        let told = Record {
            finish: Some(Finish::Length),
            usage: Some(Usage::default()),
            ..plain.explained(&question, Asking::YesNo, "It is.")
        };
        let written = serde_json::to_string(&told).expect("a line");
        assert!(
            written.ends_with(
                r#""question":"Is it? Yes or no?","expected":"yes","explanation":"It is.","finish":"length","prompt_tokens":0,"completion_tokens":0,"requests":0}"#
            ),
            "{written}"
        );
    }
}
