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
    let [turn] = item.turns.as_slice() else {
        return Err("has several turns, and a question is one");
    };
    let said = said(&turn.answer);
    let (options, answer) = match asking {
        Asking::Choice | Asking::Likelihood => match (item.right, said) {
            (Some(right), _) => (item.options.clone(), Answer::Option(right)),
            (None, Some(yes)) => {
                let options = ["yes", "no"].map(str::to_owned);
                (options.to_vec(), Answer::Option(usize::from(!yes)))
            }
            (None, None) => return Err("has no options to choose from"),
        },
        Asking::YesNo => {
            let yes = said.ok_or("is answered by neither yes nor no")?;
            (Vec::new(), Answer::YesNo(yes))
        }
        Asking::ShortAnswer => (Vec::new(), Answer::Words(vec![turn.answer.clone()])),
        Asking::Perplexity => {
            return Err("is a question, and no text whose perplexity is measured");
        }
    };
    Ok(Question {
        id: item.id.clone(),
        text: turn.question.clone(),
        options,
        answer,
    })
}

/// Yes or no.
fn said(answer: &str) -> Option<bool> {
    let answer = answer.trim_end_matches('.');
    [("yes", true), ("no", false)]
        .into_iter()
        .find(|(word, _)| answer.eq_ignore_ascii_case(word))
        .map(|(_, yes)| yes)
}
