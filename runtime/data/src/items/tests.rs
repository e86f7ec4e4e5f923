//! Items: their layouts, files and choices.

mod choosing;
mod files;
mod scenes;

use super::*;

/// An item with one turn.
fn item(question: &str, answer: &str, labels: &[&str]) -> Item {
    Item {
        id: question.to_owned(),
        turns: vec![Turn {
            question: question.to_owned(),
            answer: answer.to_owned(),
        }],
        options: Vec::new(),
        right: None,
        labels: labels.iter().map(|&label| label.to_owned()).collect(),
        picture: None,
    }
}
