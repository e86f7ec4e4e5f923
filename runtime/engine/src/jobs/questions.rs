//! Items as questions of a benchmark.

use vpc_data::items::{Form, Item, Turn};
use vpc_data::questions::{Answer, Asking, Question};

use crate::error::JobError;

/// Items as they are asked, in their order.
pub(super) fn of_items(items: &[Item], asking: Asking) -> Result<Vec<Question>, JobError> {
    let one = |item| {
        question(item, asking).map_err(|why| JobError::Unasked {
            item: item.id.clone(),
            why,
        })
    };
    items.iter().map(one).collect()
}

/// A question of a file as an item, for whoever looks at it.
pub(crate) fn item(question: Question) -> Item {
    let mut item = Item {
        id: question.id,
        ..Item::default()
    };
    let answer = match question.answer {
        Answer::Option(right) => {
            item.right = Some(right);
            question.options.get(right).cloned().unwrap_or_default()
        }
        Answer::YesNo(yes) => if yes { "yes" } else { "no" }.to_owned(),
        Answer::Words(words) => {
            let first = words.first().cloned().unwrap_or_default();
            item.answers = words;
            first
        }
        Answer::None => String::new(),
    };
    item.options = question.options;
    item.turns.push(Turn {
        question: question.text,
        answer,
    });
    item
}

fn question(item: &Item, asking: Asking) -> Result<Question, &'static str> {
    // The last turn is asked; what was said before it is known.
    let Some((turn, before)) = item.turns.split_last() else {
        return Err("has no turn");
    };
    let said = said(&turn.answer);
    let (options, answer) = match asking {
        Asking::Choice | Asking::Likelihood => match (item.right, &said) {
            (Some(right), _) => (item.options.clone(), Answer::Option(right)),
            (None, Some((yes, words))) => {
                let options = words.map(str::to_owned);
                (options.to_vec(), Answer::Option(usize::from(!yes)))
            }
            (None, None) => return Err("has no options to choose from"),
        },
        Asking::YesNo => {
            let (yes, _) = said.ok_or("is answered by neither yes nor no")?;
            (Vec::new(), Answer::YesNo(yes))
        }
        Asking::ShortAnswer if item.answers.is_empty() => {
            (Vec::new(), Answer::Words(vec![turn.answer.clone()]))
        }
        Asking::ShortAnswer => (Vec::new(), Answer::Words(item.answers.clone())),
        Asking::Perplexity if item.form != Form::Continued => {
            return Err("is a question, and no text whose perplexity is measured");
        }
        Asking::Perplexity if turn.question.is_empty() => (Vec::new(), Answer::None),
        Asking::Perplexity => (Vec::new(), Answer::Words(vec![turn.answer.clone()])),
    };
    let text = match (asking, &answer) {
        (Asking::Perplexity, Answer::None) => &turn.answer,
        _ => &turn.question,
    };
    Ok(Question {
        id: item.id.clone(),
        before: before.to_vec(),
        text: text.clone(),
        options,
        answer,
        form: item.form,
    })
}

/// Pairs of words of which the first agrees.
const PAIRS: [[&str; 2]; 2] = [["yes", "no"], ["true", "false"]];

/// Whether an answer agrees, and the pair of words that it is one of.
fn said(answer: &str) -> Option<(bool, [&'static str; 2])> {
    let answer = answer.trim_end_matches('.');
    let is = |word: &str| answer.eq_ignore_ascii_case(word);
    let pair = PAIRS
        .into_iter()
        .find(|pair| pair.iter().any(|word| is(word)))?;
    Some((is(pair[0]), pair))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn item(answer: &str, options: &[&str], right: Option<usize>) -> Item {
        Item {
            id: "7".to_owned(),
            turns: vec![Turn {
                question: "Is it?".to_owned(),
                answer: answer.to_owned(),
            }],
            options: options.iter().map(|&option| option.to_owned()).collect(),
            right,
            labels: Vec::new(),
            ..Item::default()
        }
    }

    #[test]
    fn items_become_what_is_asked() {
        let likely = |item: &Item| question(item, Asking::Likelihood).expect("a question");
        let given = likely(&item("cat", &["dog", "cat"], Some(1)));
        assert_eq!(given.answer, Answer::Option(1));
        let agreed = likely(&item("False", &[], None));
        assert_eq!(agreed.options, ["true", "false"]);
        assert_eq!(agreed.answer, Answer::Option(1));
        let yes = question(&item("Yes.", &[], None), Asking::YesNo).expect("a question");
        assert_eq!(yes.answer, Answer::YesNo(true));
        let short = question(&item("two", &[], None), Asking::ShortAnswer).expect("a question");
        assert_eq!(short.answer, Answer::Words(vec!["two".to_owned()]));
    }

    #[test]
    fn texts_are_measured_whole_or_after_others() {
        let text = |before: &str| Item {
            turns: vec![Turn {
                question: before.to_owned(),
                answer: "end".to_owned(),
            }],
            form: Form::Continued,
            ..item("", &[], None)
        };
        let measured = |before| question(&text(before), Asking::Perplexity).expect("a text");
        let (whole, last) = (measured(""), measured("To the"));
        assert_eq!((whole.text.as_str(), whole.answer), ("end", Answer::None));
        let words = Answer::Words(vec!["end".to_owned()]);
        assert_eq!((last.text.as_str(), last.answer), ("To the", words));
        let several = Item {
            answers: vec!["2".to_owned(), "two".to_owned()],
            ..item("2", &[], None)
        };
        let asked = question(&several, Asking::ShortAnswer).expect("a question");
        assert_eq!(asked.answer, Answer::Words(several.answers));
    }

    #[test]
    fn what_is_no_question_is_named() {
        let all = [item("two", &[], None)];
        for (asking, why) in [
            (Asking::Choice, "no options"),
            (Asking::YesNo, "neither yes nor no"),
            (Asking::Perplexity, "no text"),
        ] {
            let error = of_items(&all, asking).expect_err("no question").to_string();
            assert!(error.contains("`7`") && error.contains(why), "{error}");
        }
    }

    #[test]
    fn the_last_turn_is_asked_and_the_others_are_known() {
        let mut item = item("dog", &["dog", "cat"], Some(0));
        let before = Turn {
            question: "What is it?".to_owned(),
            answer: "a pet".to_owned(),
        };
        item.turns.insert(0, before.clone());
        let asked = question(&item, Asking::Likelihood).expect("a question");
        assert_eq!(
            (asked.text.as_str(), asked.answer),
            ("Is it?", Answer::Option(0))
        );
        assert_eq!(asked.before, [before]);
        item.turns.clear();
        assert!(question(&item, Asking::Likelihood).is_err());
    }
}
