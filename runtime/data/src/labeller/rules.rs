//! A labeller by rules: words, phrases and a few patterns.

use std::collections::BTreeMap;

use super::Labeller;
use super::words::{ATTRIBUTES, CODE, CONCEPTS, MATH, RELATIONS, SCIENCE};
use crate::world::Labels;

/// Words of a segment for each sign that a label needs; of a shorter segment one sign will do.
const WORDS_FOR_EACH: usize = 40;

/// Labels by signs: words and phrases of a list, lines that look like programs, equations.
///
/// A segment carries a label when it has at least one sign of it for each 40 words. Words are compared without regard
/// to case and to a plural's `s` or `es`. Nothing is understood: "the rose" of a window and "she rose" are the same,
/// and a proof in plain words without a word of the list is missed. Of the synthetic world's own segments, whose
/// labels are known, `src/labeller/snapshots` holds precision and recall for each label and style: over all of them
/// between 66 and 91 per cent precision and 59 and 93 per cent recall, and far less where topics mix.
#[derive(Debug, Clone)]
pub struct Rules {
    /// The signs by their first word: the words that must follow, and the label.
    signs: BTreeMap<&'static str, Vec<(Vec<&'static str>, Labels)>>,
}

impl Default for Rules {
    fn default() -> Self {
        let lists = [
            (Labels::CODE, CODE),
            (Labels::MATH, MATH),
            (Labels::SCIENCE, SCIENCE),
            (Labels::CONCEPT, CONCEPTS),
            (Labels::ATTRIBUTE, ATTRIBUTES),
            (Labels::RELATION, RELATIONS),
        ];
        let mut signs: BTreeMap<_, Vec<_>> = BTreeMap::new();
        for (label, list) in lists {
            for sign in list.split([',', '\n']).map(str::trim) {
                let mut words = sign.split(' ');
                if let Some(first) = words.next().filter(|first| !first.is_empty()) {
                    signs
                        .entry(first)
                        .or_default()
                        .push((words.collect(), label));
                }
            }
        }
        Self { signs }
    }
}

impl Labeller for Rules {
    fn label(&self, segment: &str) -> Labels {
        let words = words(segment);
        let mut counts: BTreeMap<Labels, usize> = BTreeMap::new();
        for at in 0..words.len() {
            for label in self.signs_at(&words, at) {
                *counts.entry(label).or_default() += 1;
            }
        }
        *counts.entry(Labels::CODE).or_default() += 2 * lines_of_code(segment);
        *counts.entry(Labels::MATH).or_default() += 2 * equations(segment);
        let enough = words.len().div_ceil(WORDS_FOR_EACH).max(1);
        let carried = counts.into_iter().filter(|(_, count)| *count >= enough);
        carried.fold(Labels::NONE, |all, (label, _)| all | label)
    }
}

impl Rules {
    /// The labels that the words from a place on are a sign of, each sign once.
    fn signs_at(&self, words: &[String], at: usize) -> impl Iterator<Item = Labels> {
        let (first, rest) = words.get(at..).and_then(<[_]>::split_first).unzip();
        let rest: &[String] = rest.unwrap_or_default();
        let forms = first.into_iter().flat_map(|word| forms(word));
        forms
            .filter_map(|form| self.signs.get(form))
            .flatten()
            .filter(move |(follow, _)| {
                follow.len() <= rest.len() && follow.iter().zip(rest).all(|(a, b)| a == b)
            })
            .map(|(_, label)| *label)
    }
}

/// The words of a text in lower case: runs of letters, digits and apostrophes.
fn words(text: &str) -> Vec<String> {
    let parts = text.split(|c: char| !(c.is_alphanumeric() || c == '\''));
    let parts = parts.map(|part| part.trim_matches('\''));
    let words = parts.filter(|part| !part.is_empty());
    words.map(str::to_lowercase).collect()
}

/// A word as it is, and without the ending of a plural.
fn forms(word: &str) -> impl Iterator<Item = &str> {
    let long = |stem: &&str| stem.len() > 2;
    let endings = ["s", "es"];
    let stems = endings.map(|ending| word.strip_suffix(ending).filter(long));
    [Some(word)].into_iter().chain(stems).flatten()
}

/// How many lines of a text look like those of a program.
fn lines_of_code(text: &str) -> usize {
    let beginnings = [
        "def ", "return ", "import ", "from ", "for ", "while ", "if ", "else:", "elif ", "class ",
        "fn ", "let ", "const ", "var ", "print(", "#include", "public ", "int ", "} else",
    ];
    let is_code = |line: &&str| {
        let line = line.trim();
        let begins = beginnings.iter().any(|word| line.starts_with(word));
        let ends = line.ends_with([';', '{', '}', ':', ')']) && !line.ends_with(" :)");
        let assigns = line
            .split_once(" = ")
            .is_some_and(|(name, _)| is_name(name));
        let calls = ["(", "[", " = ", " == ", " += ", "->", "=>"];
        let has = calls.iter().any(|mark| line.contains(mark));
        assigns || (begins && ends) || (ends && has && !line.contains(". "))
    };
    text.lines().filter(is_code).count()
}

/// Whether a text is what programs call a variable.
fn is_name(text: &str) -> bool {
    let name = text.trim_start_matches("let ").trim_start_matches("const ");
    name.chars().any(char::is_alphabetic)
        && name
            .chars()
            .all(|c| c.is_alphanumeric() || "_.[]\"'".contains(c))
}

/// How many equations and sums with digits a text has: an operator between numbers, or `=` beside one.
fn equations(text: &str) -> usize {
    let parts: Vec<&str> = text.split_whitespace().collect();
    let is_number = |part: &str| part.starts_with(|c: char| c.is_ascii_digit());
    let is_operator =
        |part: &str| ["+", "-", "−", "*", "×", "/", "÷", "=", "<", ">"].contains(&part);
    parts
        .windows(3)
        .filter(|three| match three {
            [left, middle, right] => {
                is_operator(middle) && is_number(right) && (is_number(left) || *middle == "=")
            }
            _ => false,
        })
        .count()
}
