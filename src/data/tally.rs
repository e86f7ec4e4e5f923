//! How much text carries each label.

use std::collections::BTreeMap;

use serde_json::{Value, json};
use vpc_data::world::Labels;

use crate::output::{columns, grouped};

/// Number and size of some pieces of text.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub(super) struct Amount {
    pub(super) pieces: u64,
    /// UTF-8 bytes.
    pub(super) bytes: u64,
}

/// Counts pieces of text by their labels; a piece counts for each label that it carries.
#[derive(Debug, Default)]
pub(super) struct Tally {
    pub(super) all: Amount,
    by_label: BTreeMap<String, Amount>,
    reasoning: Amount,
    visual: Amount,
    none: Amount,
    /// Whether a label was one of the six; the unions mean nothing without.
    known: bool,
}

impl Amount {
    fn add(&mut self, bytes: usize) {
        self.pieces += 1;
        self.bytes += bytes as u64;
    }

    fn json(self) -> Value {
        json!({ "pieces": self.pieces, "bytes": self.bytes })
    }
}

impl Tally {
    /// A tally in which each of the six labels has a line, also where no piece carries it.
    pub(super) fn of_six() -> Self {
        let names = Labels::ALL.map(|(_, name)| (name.to_owned(), Amount::default()));
        Self {
            by_label: names.into_iter().collect(),
            known: true,
            ..Self::default()
        }
    }

    /// Counts a piece with labels among the six.
    pub(super) fn add(&mut self, labels: Labels, bytes: usize) {
        for name in labels.names() {
            self.by_label.entry(name.to_owned()).or_default().add(bytes);
        }
        self.count(labels, labels.is_empty(), bytes);
    }

    /// Counts a piece with the words of its labels.
    pub(super) fn add_words(&mut self, words: &[String], bytes: usize) {
        let (mut labels, mut own) = (Labels::NONE, words.to_vec());
        own.sort_unstable();
        own.dedup();
        for word in own {
            if let Some(label) = Labels::of_word(&word) {
                labels |= label;
            }
            self.by_label.entry(word).or_default().add(bytes);
        }
        self.known |= !labels.is_empty();
        self.count(labels, words.is_empty(), bytes);
    }

    fn count(&mut self, labels: Labels, is_bare: bool, bytes: usize) {
        self.all.add(bytes);
        let sums = [
            (&mut self.reasoning, labels.meets(Labels::REASONING)),
            (&mut self.visual, labels.meets(Labels::VISUAL)),
            (&mut self.none, is_bare),
        ];
        for (sum, counts) in sums {
            if counts {
                sum.add(bytes);
            }
        }
    }

    /// The labels in order: the six as they are declared, then other words by the alphabet.
    fn labels(&self) -> Vec<(&str, Amount)> {
        let mut labels: Vec<(&str, Amount)> = self
            .by_label
            .iter()
            .map(|(name, amount)| (name.as_str(), *amount))
            .collect();
        let order = |name: &str| {
            let label = Labels::of_word(name);
            let mut all = Labels::ALL.into_iter();
            let place = all.position(|(own, _)| Some(own) == label);
            place.unwrap_or(Labels::ALL.len())
        };
        labels.sort_by_key(|(name, _)| order(name));
        labels
    }

    /// Shares in per cent of all, a line for each label; `pieces` is what they are called.
    pub(super) fn text(&self, pieces: &str) -> String {
        let share = |part: u64, of: u64| format!("{:.1}%", 100.0 * part as f64 / of.max(1) as f64);
        let row = |name: &str, amount: Amount| {
            vec![
                format!("  {name}"),
                share(amount.pieces, self.all.pieces),
                share(amount.bytes, self.all.bytes),
                grouped(amount.bytes),
            ]
        };
        let labels = self.labels().into_iter();
        let mut rows: Vec<Vec<String>> = labels.map(|(name, amount)| row(name, amount)).collect();
        if self.known {
            rows.push(row("reasoning (any of three)", self.reasoning));
            rows.push(row("visual (any of three)", self.visual));
        }
        rows.push(row("no label", self.none));
        columns(&["  label", pieces, "text", "bytes"], rows, 1)
    }

    pub(super) fn json(&self) -> Value {
        let labels = self.labels().into_iter().map(|(name, amount)| {
            json!({ "label": name, "pieces": amount.pieces, "bytes": amount.bytes })
        });
        let union = |amount: Amount| self.known.then(|| amount.json());
        json!({
            "pieces": self.all.pieces,
            "bytes": self.all.bytes,
            "labels": labels.collect::<Vec<_>>(),
            "reasoning": union(self.reasoning),
            "visual": union(self.visual),
            "none": self.none.json(),
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_piece_counts_once_for_a_union() {
        let mut tally = Tally::of_six();
        tally.add(Labels::CODE | Labels::MATH | Labels::CONCEPT, 10);
        tally.add(Labels::MATH, 20);
        tally.add(Labels::NONE, 5);
        let json = tally.json();
        assert_eq!(json["reasoning"], json!({ "pieces": 2, "bytes": 30 }));
        assert_eq!(json["visual"], json!({ "pieces": 1, "bytes": 10 }));
        assert_eq!(json["none"], json!({ "pieces": 1, "bytes": 5 }));
        let math = json!({ "label": "math reasoning", "pieces": 2, "bytes": 30 });
        assert_eq!(json["labels"][1], math);
        assert_eq!(json["labels"].as_array().map(Vec::len), Some(6));
    }

    #[test]
    fn words_of_other_labels_have_no_unions() {
        let words = |list: &[&str]| list.iter().map(|&word| word.to_owned()).collect::<Vec<_>>();
        let mut tally = Tally::default();
        tally.add_words(&words(&["news", "news"]), 3);
        tally.add_words(&[], 1);
        let json = tally.json();
        assert_eq!(json["reasoning"], Value::Null);
        assert_eq!(
            json["labels"],
            json!([{ "label": "news", "pieces": 1, "bytes": 3 }])
        );
        tally.add_words(&words(&["visual_relationship", "news"]), 4);
        assert_eq!(tally.json()["visual"], json!({ "pieces": 1, "bytes": 4 }));
        assert_eq!(tally.json()["none"], json!({ "pieces": 1, "bytes": 1 }));
    }
}
