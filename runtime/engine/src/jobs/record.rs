//! What became of the questions of a benchmark: a record for each, and their value.

use std::io::Write;

use serde::Serialize;
use serde_json::{Value, json};
use vpc_compiler::plan::Score;
use vpc_data::questions::{Answer, Asking, Question, body, earlier};
use vpc_measure::parse::{choice, contained, equal, relaxed, vqa_accuracy, yes_no};
use vpc_measure::record::{Answer as Understood, FILE, Record, decode, encode};
use vpc_measure::statistics::{StatisticsError, mean};
use vpc_store::{Attempt, Manifest, Store, StoreError};

use super::Bench;
use super::sheet::Sheet;
use crate::error::JobError;

/// The same record with an explanation, and with what is needed to judge it.
pub(super) fn explained(record: Record, question: &Question, asking: Asking, text: &str) -> Record {
    Record {
        question: Some(earlier(question) + &body(question, asking)),
        expected: Some(expected(question)),
        explanation: Some(text.to_owned()),
        ..record
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

/// Files the records, with the labels of the items that were asked about.
pub(super) fn file(
    bench: &Bench<'_>,
    sheet: &Sheet,
    mut answers: Vec<Record>,
) -> Result<Attempt, JobError> {
    for (record, item) in answers.iter_mut().zip(&sheet.items) {
        record.labels.clone_from(&item.labels);
    }
    let mut attempt = bench.store.attempt(bench.job.key)?;
    let mut file = attempt.create(FILE)?;
    file.write_all(&encode(&answers)?)
        .map_err(StoreError::of_write)?;
    file.finish()?;
    Ok(attempt)
}

/// What a job answered to each question of its benchmark, in their order: the one reader of filed
/// answers, whoever asks for them.
pub fn answers(store: &Store, job: &Manifest) -> Result<Vec<Record>, JobError> {
    Ok(decode(&store.read(job.file(FILE)?)?)?)
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
    answers: &[Record],
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
    let scores: Vec<f64> = answers.iter().map(Record::score).collect();
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
pub(super) fn with_explained(metrics: Value, answers: &[Record]) -> Value {
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

/// The option of a number from 0.
pub(super) const fn numbered(option: usize) -> Understood {
    Understood::Option(option as u32)
}

/// What an answer says, and what it counts, from 0 to 1.
pub(super) fn read(question: &Question, output: &str, score: Score) -> (Option<Understood>, f64) {
    let counts = |is_right| f64::from(u8::from(is_right));
    match &question.answer {
        Answer::Option(right) => {
            let option = choice(output, &question.options).map(|found| found.option);
            (option.map(numbered), counts(option == Some(*right)))
        }
        Answer::YesNo(right) => {
            let said = yes_no(output);
            (said.map(Understood::YesNo), counts(said == Some(*right)))
        }
        Answer::Words(right) => {
            let said = (!output.is_empty()).then(|| Understood::Words(output.to_owned()));
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
        let record = |right| Record {
            answer: Some(numbered(0)),
            right: Some(right),
            ..Record::of("1", "Which?")
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
            before: Vec::new(),
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
        let record = Record {
            answer: Some(Understood::Words("red".to_owned())),
            ..Record::of("1", "What?").credited(part)
        };
        let found = summary(&[record], Asking::ShortAnswer).expect("a number");
        assert_eq!(
            (&found["value"], &found["right"]),
            (&part.into(), &0.into())
        );
    }

    #[test]
    fn an_explanation_comes_with_what_judges_it() {
        let question = Question {
            id: "1".to_owned(),
            before: Vec::new(),
            text: "Is it?".to_owned(),
            options: Vec::new(),
            answer: Answer::YesNo(true),
            form: Form::Asked,
        };
        let plain = Record::of(&question.id, "Is it?");
        let told = explained(plain.clone(), &question, Asking::YesNo, "It is.");
        let words = [&told.question, &told.expected, &told.explanation];
        let words = words.map(|words| words.as_deref().unwrap_or_default());
        assert_eq!(words, ["Is it? Yes or no?", "yes", "It is."]);
        assert_eq!((told.id, told.prompt), (plain.id, plain.prompt));
    }
}
