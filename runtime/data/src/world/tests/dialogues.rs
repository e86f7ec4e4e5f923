//! Dialogues: who reads them turn by turn finds the answers, and who leaves out a part of them guesses.

use std::collections::{BTreeMap, BTreeSet};

use crate::world::dialogue::Reference;
use crate::world::dice::Dice;
use crate::world::item::{WorldItem, item};
use crate::world::kind::{ItemKind, Split};
use crate::world::words::{COLOURS, KINDS, NUMBERS, SIZES};

/// A thing as it was described: size, colour, kind.
type Said<'t> = [&'t str; 3];

/// What a reader of a dialogue keeps in mind.
struct Listener<'t> {
    things: Vec<Said<'t>>,
    /// The thing that was talked about last.
    it: Option<Said<'t>>,
    /// Which of its words was asked for last.
    asked: Option<usize>,
}

impl<'t> Listener<'t> {
    /// Takes in the description; gives what is asked after it.
    fn of(first: &'t str) -> (Self, &'t str) {
        let (described, question) = first.split_once(". ").unwrap();
        let things = described.strip_prefix("There are ").unwrap();
        let things = things.split(", ").flat_map(|part| part.split(" and "));
        let things = things.map(|thing| {
            let words: Vec<&str> = thing.split(' ').collect();
            let &[article, size, colour, kind] = &words[..] else {
                panic!("{thing}")
            };
            assert!(["a", "an"].contains(&article), "{thing}");
            assert!(
                SIZES.contains(&size) && COLOURS.contains(&colour),
                "{thing}"
            );
            assert!(KINDS.iter().any(|known| known.one == kind), "{thing}");
            [size, colour, kind]
        });
        let listener = Self {
            things: things.collect(),
            it: None,
            asked: None,
        };
        (listener, question)
    }

    /// The answer, from the words of a question and what was said before it.
    fn answer(&mut self, question: &str) -> &'t str {
        let question = question.strip_suffix('?').unwrap();
        let plain = question.strip_prefix("And ").unwrap_or(question);
        let words: Vec<&str> = plain.split(' ').collect();
        let find = |word: &str| {
            let mut found = self.things.iter().filter(|thing| thing.contains(&word));
            let one = *found.next().unwrap();
            assert!(found.next().is_none(), "`{word}` is said of two");
            one
        };
        let property = |name: &str| ["size", "colour"].iter().position(|one| *one == name);
        match words[..] {
            ["How" | "how", "many", "of", "them", "are", word] => {
                let with = self.things.iter().filter(|thing| thing.contains(&word));
                return NUMBERS[with.count()];
            }
            ["Which", "of", "them", "is", word] => {
                let it = find(word);
                self.it = Some(it);
                return it[2];
            }
            ["What", name, "is", "the", kind] => {
                (self.it, self.asked) = (Some(find(kind)), property(name));
            }
            ["what", name, "is", "it"] => self.asked = property(name),
            ["the", kind] => self.it = Some(find(kind)),
            _ => panic!("{question}"),
        }
        self.it.unwrap()[self.asked.unwrap()]
    }
}

fn dialogues(split: Split, seed: u64, count: u64) -> impl Iterator<Item = WorldItem> {
    (0..count).map(move |index| item(ItemKind::Dialogue, split, seed, index))
}

#[test]
fn every_answer_follows_from_what_was_said() {
    let mut lengths = BTreeMap::new();
    for item in dialogues(Split::Train, 3, 1500) {
        assert!(item.picture.is_none() && item.covered.is_none());
        assert_eq!(item.labels, ["other", "language_only"]);
        assert_eq!(item.options[item.right.unwrap()], item.answer);
        assert_eq!(item.options.iter().collect::<BTreeSet<_>>().len(), 4);
        *lengths.entry(item.before.len() + 1).or_insert(0) += 1;
        let (mut listener, mut question) = Listener::of(&item.before[0].0);
        assert_eq!(listener.things.len(), 5);
        let mut rest = item.before[1..]
            .iter()
            .map(|turn| &turn.0)
            .chain([&item.question]);
        for answer in item.before.iter().map(|turn| &turn.1).chain([&item.answer]) {
            assert_eq!(listener.answer(question), answer, "{item:?}");
            question = rest.next().map_or("", String::as_str);
        }
        // No question repeats, and the last one names no thing and property together.
        let asked: BTreeSet<&str> = item.before.iter().map(|turn| turn.0.as_str()).collect();
        assert_eq!(asked.len(), item.before.len());
        assert!(item.question.starts_with("And "), "{item:?}");
    }
    assert_eq!(lengths.keys().copied().collect::<Vec<_>>(), [2, 3, 4]);
    assert!(lengths.values().all(|count| *count > 400), "{lengths:?}");
}

#[test]
fn nothing_is_described_on_both_sides() {
    let described = |split| -> BTreeSet<Vec<String>> {
        let all = dialogues(split, 5, 1500).map(|item| {
            let mut things: Vec<String> = Listener::of(&item.before[0].0)
                .0
                .things
                .iter()
                .map(|thing| thing.join(" "))
                .collect();
            things.sort_unstable();
            things
        });
        all.collect()
    };
    let (train, test) = (described(Split::Train), described(Split::Test));
    assert_eq!((train.len(), test.len()), (1500, 1500));
    assert!(train.is_disjoint(&test));
}

#[test]
fn answers_of_last_turns_are_equally_often() {
    for (at, refers) in Reference::ALL.into_iter().enumerate() {
        let run = 4 * refers.values();
        let mut counts = BTreeMap::new();
        for index in 0..run {
            let index = (index * Reference::ALL.len() + at) as u64;
            let item = item(ItemKind::Dialogue, Split::Test, 8, index);
            *counts.entry((item.answer, item.right)).or_insert(0) += 1;
        }
        assert!(counts.values().all(|&count| count == 1), "{refers:?}");
        assert_eq!(counts.len(), run);
    }
}

/// Of the options, those that are left when the rest is sure to be wrong; one of them is guessed.
fn guess<'i>(dice: &mut Dice, item: &'i WorldItem, left: impl Fn(&str) -> bool) -> &'i str {
    let options = || item.options.iter().map(String::as_str);
    let left: Vec<&str> = options().filter(|one| left(one)).collect();
    let left = if left.is_empty() {
        options().collect()
    } else {
        left
    };
    dice.pick::<&str>(&left)
}

#[test]
fn who_leaves_out_description_or_turns_stands_at_chance() {
    let mut dice = Dice::named("test listener", 1, 0);
    // Who read the description alone; who read the turns alone and takes, or avoids, what was said in them.
    let mut right = [0_u32; 3];
    let mut all = 0;
    for item in dialogues(Split::Test, 11, 4000) {
        if item.question.starts_with("And how many") {
            // Numbers are not described; counts of some colours bear on those of others.
            continue;
        }
        all += 1;
        let (listener, _) = Listener::of(&item.before[0].0);
        let is_said = |word: &str| item.before.iter().any(|turn| turn.1 == word);
        let is_described = |word: &str| listener.things.iter().any(|thing| thing.contains(&word));
        let guesses = [
            guess(&mut dice, &item, is_described),
            guess(&mut dice, &item, is_said),
            guess(&mut dice, &item, |word| !is_said(word)),
        ];
        for (right, guess) in right.iter_mut().zip(guesses) {
            *right += u32::from(guess == item.answer);
        }
    }
    // Four standard errors of the share of independent answers.
    let margin = 4.0 * (0.25_f64 * 0.75 / f64::from(all)).sqrt();
    for right in right {
        let share = f64::from(right) / f64::from(all);
        assert!((share - 0.25).abs() < margin, "{share}");
    }
}
