//! A document being written: segments, and sentences told from templates.
//!
//! A template is text with `[one|another]` choices, which may nest, and `{slots}`. Slots name the scene's first
//! things `a`, `b`, `c`, the people `p`, `q` and the numbers `n`, `m`, `k`, `t`; see [`Page::slot`]. What a slot
//! shows decides the visual labels of the segment, so labels hold by construction.

use std::fmt::Write;

use crate::world::dice::Dice;
use crate::world::document::{Document, Segment};
use crate::world::labels::Labels;
use crate::world::scene::{Relation, Scene, Thing};
use crate::world::template::{alternatives, bracketed};
use crate::world::words::{NUMBERS, PEOPLE, Person};

/// The page that a style writes on.
pub(crate) struct Page {
    pub(crate) dice: Dice,
    pub(crate) scene: Scene,
    pub(crate) people: [&'static Person; 2],
    pub(crate) numbers: [i64; 4],
    last: &'static str,
    open: Segment,
    document: Document,
    /// The scene of each segment, for tests that hold what is stated to it.
    #[cfg(test)]
    pub(crate) scenes: Vec<Scene>,
}

impl Page {
    /// An empty page with a scene of four things and two people.
    pub(crate) fn new(mut dice: Dice) -> Self {
        let scene = Scene::new(&mut dice, 4);
        let people = two_people(&mut dice);
        let (open, document) = (Segment::default(), Document::default());
        Self {
            dice,
            scene,
            people,
            numbers: [0; 4],
            last: "",
            open,
            document,
            #[cfg(test)]
            scenes: Vec::new(),
        }
    }

    /// Turns to another scene.
    pub(crate) fn new_scene(&mut self, count: usize) {
        self.scene = Scene::new(&mut self.dice, count);
    }

    /// Turns to other people.
    pub(crate) fn new_people(&mut self) {
        self.people = two_people(&mut self.dice);
    }

    /// Adds one of `templates`, seldom the one added last.
    pub(crate) fn one_of(&mut self, templates: &[&'static str]) {
        let mut template = *self.dice.pick(templates);
        if template == self.last {
            template = *self.dice.pick(templates);
        }
        self.last = template;
        self.tell(template);
    }

    /// Adds `count` of `templates`, each another one.
    pub(crate) fn several_of(&mut self, templates: &[&'static str], count: i64) {
        let mut told: Vec<usize> = Vec::new();
        while told.len() < templates.len().min(count as usize) {
            let place = self.dice.below(templates.len());
            if !told.contains(&place) {
                told.push(place);
                self.tell(templates[place]);
            }
        }
    }

    /// Adds `text` as it is.
    pub(crate) fn put(&mut self, text: &str) {
        self.open.text.push_str(text);
    }

    /// Adds formatted text as it is.
    pub(crate) fn write(&mut self, text: std::fmt::Arguments<'_>) {
        // Writing to a string cannot fail.
        let _ = self.open.text.write_fmt(text);
    }

    /// Gives the open segment `labels`.
    pub(crate) fn label(&mut self, labels: Labels) {
        self.open.labels |= labels;
    }

    /// The text of the open segment so far and its labels.
    pub(crate) fn opened(&self) -> (String, Labels) {
        (self.open.text.clone(), self.open.labels)
    }

    /// Ends the open segment with `after`.
    pub(crate) fn end(&mut self, after: &str) {
        if !self.open.text.is_empty() {
            self.open
                .text
                .truncate(self.open.text.trim_end_matches(' ').len());
            self.open.text.push_str(after);
            self.document.segments.push(std::mem::take(&mut self.open));
            #[cfg(test)]
            self.scenes.push(self.scene.clone());
        }
    }

    /// The finished document, without white space at its end.
    pub(crate) fn finish(mut self) -> Document {
        self.end("");
        if let Some(last) = self.document.segments.last_mut() {
            last.text.truncate(last.text.trim_end().len());
        }
        self.document
    }

    /// Adds the text of `template`.
    pub(crate) fn tell(&mut self, template: &str) {
        let mut rest = template;
        while let Some(at) = rest.find(['[', '{']) {
            let (plain, from) = rest.split_at(at);
            self.put(plain);
            if let Some(from) = from.strip_prefix('{') {
                let (slot, after) = from.split_once('}').unwrap_or((from, ""));
                self.slot(slot);
                rest = after;
            } else {
                let (choices, after) = bracketed(from);
                let choice = self.choice(choices);
                self.tell(choice);
                rest = after;
            }
        }
        self.put(rest);
    }

    fn choice<'t>(&mut self, choices: &'t str) -> &'t str {
        let chosen = self.dice.below(alternatives(choices).count());
        alternatives(choices).nth(chosen).unwrap_or("")
    }

    /// Fills one slot; `^` in front makes its first letter large.
    ///
    /// Things: `a`, `an a`, `the a`, and of a thing `kind`, `kinds`, `colour`, `size`, `material`, `stuff`, `shape`,
    /// `part`, `purpose`, `class`, `feel`, `floats`, `side`, all but the plural with their article as in `an-part`.
    /// Two things: `rel ab`. The place: `place`, `at`. People: `p`, `he p`, `him p`, `his p`. Numbers: `n`, `word n`.
    fn slot(&mut self, slot: &str) {
        let start = self.open.text.len();
        let name = slot.strip_prefix('^').unwrap_or(slot);
        let (what, of) = name.split_once(' ').unwrap_or(("", name));
        match (what, of) {
            (_, "p" | "q") => self.person(what, of),
            ("", "place") => self.place(false),
            ("", "at") => self.place(true),
            ("rel", _) => self.relation(of),
            (_, "n" | "m" | "k" | "t") => self.number(what, of),
            _ => self.thing(what, of),
        }
        if slot.starts_with('^')
            && let Some(first) = self.open.text.get_mut(start..start + 1)
        {
            first.make_ascii_uppercase();
        }
    }

    fn person(&mut self, what: &str, of: &str) {
        let person = self.people[usize::from(of == "q")];
        self.put(match (what, person.female) {
            ("he", true) => "she",
            ("he", false) => "he",
            ("him" | "his", true) => "her",
            ("him", false) => "him",
            ("his", false) => "his",
            _ => person.name,
        });
    }

    fn place(&mut self, at: bool) {
        let place = self.scene.place;
        self.label(Labels::CONCEPT);
        if at {
            self.write(format_args!("{} the ", place.at));
        }
        self.put(place.name);
    }

    fn number(&mut self, what: &str, of: &str) {
        let number = self.numbers["nmkt".find(of).unwrap_or(0)];
        match usize::try_from(number)
            .ok()
            .and_then(|number| NUMBERS.get(number))
        {
            Some(word) if what == "word" => self.put(word),
            _ => self.write(format_args!("{number}")),
        }
    }

    fn relation(&mut self, of: &str) {
        let mut letters = of.chars();
        let (one, other) = (self.role(letters.next()), self.role(letters.next()));
        let phrase = *self.dice.pick(Relation::of(&one, &other).phrases());
        self.label(Labels::RELATION);
        self.put(phrase);
    }

    fn role(&self, letter: Option<char>) -> Thing {
        let index = letter.and_then(|letter| "abcd".find(letter)).unwrap_or(0);
        self.scene.things[index.min(self.scene.things.len() - 1)]
    }

    fn thing(&mut self, what: &str, of: &str) {
        let thing = self.role(of.chars().next());
        let (article, what) = match what.strip_prefix("an-") {
            Some(what) => (true, what),
            None => (false, what),
        };
        let (labels, text) = match what {
            "kind" => (Labels::CONCEPT, thing.kind.one),
            "kinds" => (Labels::CONCEPT, thing.kind.many),
            "class" => (Labels::CONCEPT, thing.kind.class),
            "part" => (Labels::CONCEPT | Labels::RELATION, thing.kind.part),
            "purpose" => (Labels::NONE, thing.kind.purpose),
            "colour" => (Labels::ATTRIBUTE, thing.colour),
            "size" => (Labels::ATTRIBUTE, thing.size_word()),
            "shape" => (Labels::ATTRIBUTE, thing.kind.shape),
            "material" => (Labels::ATTRIBUTE, thing.material.adjective),
            "stuff" => (Labels::ATTRIBUTE, thing.material.name),
            "feel" => (Labels::ATTRIBUTE, thing.material.feel),
            "floats" => (
                Labels::NONE,
                if thing.material.floats() {
                    "floats"
                } else {
                    "sinks"
                },
            ),
            "side" => (Labels::RELATION, thing.side()),
            _ => return self.phrase(what, &thing),
        };
        self.label(labels);
        self.put(if article { article_of(text) } else { "" });
        self.put(text);
    }

    /// The thing with some of its adjectives, in the order size, colour, material.
    fn phrase(&mut self, article: &str, thing: &Thing) {
        let mask = *self.dice.pick(&[0_u8, 1, 2, 2, 2, 3, 3, 4, 6, 6, 5, 7]);
        let adjectives = [thing.size_word(), thing.colour, thing.material.adjective];
        let shown = adjectives
            .iter()
            .enumerate()
            .filter(|(bit, _)| mask >> bit & 1 == 1);
        let words: Vec<_> = shown
            .map(|(_, word)| *word)
            .chain([thing.kind.one])
            .collect();
        self.label(if mask == 0 {
            Labels::CONCEPT
        } else {
            Labels::CONCEPT | Labels::ATTRIBUTE
        });
        match (article, words.first()) {
            ("an", Some(first)) => self.put(article_of(first)),
            ("the", _) => self.put("the "),
            _ => {}
        }
        for (index, word) in words.iter().enumerate() {
            self.put(if index > 0 { " " } else { "" });
            self.put(word);
        }
    }
}

/// `a ` or `an `, as the next word wants it.
pub(crate) fn article_of(word: &str) -> &'static str {
    if word.starts_with(['a', 'e', 'i', 'o', 'u']) {
        "an "
    } else {
        "a "
    }
}

fn two_people(dice: &mut Dice) -> [&'static Person; 2] {
    let first = dice.below(PEOPLE.len());
    let second = (first + 1 + dice.below(PEOPLE.len() - 1)) % PEOPLE.len();
    [&PEOPLE[first], &PEOPLE[second]]
}
