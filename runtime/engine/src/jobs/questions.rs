//! Items as questions of a benchmark.

use vpc_data::items::Item;
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
        Asking::ShortAnswer => (Vec::new(), Answer::Words(vec![turn.answer.clone()])),
        Asking::Perplexity => {
            return Err("is a question, and no text whose perplexity is measured");
        }
    };
    Ok(Question {
        id: item.id.clone(),
        before: before.to_vec(),
        text: turn.question.clone(),
        options,
        answer,
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
    use vpc_data::items::Turn;

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
            picture: None,
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
