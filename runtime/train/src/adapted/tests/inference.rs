//! Options and texts with images.

use super::{MARKER, Texts, adapted, loss_of};
use crate::adapted::{AdaptedInference, Prompt, Question};

#[test]
fn options_and_texts_are_those_of_the_logits_in_any_company() {
    let (adapted, texts) = (adapted(2), Texts::new());
    let asked = AdaptedInference::new(&adapted);
    let examples = texts.examples();
    let prompts: Vec<Prompt> = examples
        .iter()
        .map(|example| Prompt {
            tokens: example.tokens,
            sight: example.sight,
        })
        .collect();
    let options: [&[u32]; 3] = [&[1, 2], &[3], &[4, 5, 6]];
    let questions: Vec<Question> = prompts
        .iter()
        .map(|&prompt| Question {
            prompt,
            options: &options,
        })
        .collect();
    let scores = asked.score(&questions, 4).expect("they fit");
    let made = asked.generate(&prompts, 4, &[0], 3).expect("they fit");
    for (item, prompt) in prompts.iter().enumerate() {
        assert_eq!(
            asked.score(&questions[item..=item], 1).expect("it fits")[0],
            scores[item]
        );
        let alone = asked.generate(&prompts[item..=item], 4, &[0], 1);
        assert_eq!(alone.expect("it fits")[0], made[item]);
        for (option, found) in options.iter().zip(&scores[item]) {
            for (at, found) in found.iter().enumerate() {
                let read = [prompt.tokens, &option[..at]].concat();
                let logits = adapted.logits(&read, prompt.sight).expect("it fits");
                let exact = loss_of(&logits[logits.len() - 13..], option[at]);
                assert!((found + exact).abs() < 1e-5, "{found} is not -{exact}");
            }
        }
        let mut read = prompt.tokens.to_vec();
        for token in &made[item].tokens {
            // A marker that was generated is a token like others, and no image is there for it.
            assert_ne!(*token, MARKER, "choose another seed");
            let logits = adapted.logits(&read, prompt.sight).expect("it fits");
            let row = &logits[logits.len() - 13..];
            assert!(
                row.iter()
                    .all(|logit| *logit <= row[*token as usize] + 1e-5)
            );
            read.push(*token);
        }
    }
    assert!(made.iter().any(|made| !made.tokens.is_empty()));
}
