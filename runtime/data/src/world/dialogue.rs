//! Dialogues: things that are described, and questions about them of which the later refer back.

use crate::world::ask::Asked;
use crate::world::dice::Dice;
use crate::world::page::article_of;
use crate::world::prose::list;
use crate::world::scene::{Scene, Thing};
use crate::world::words::{COLOURS, NUMBERS, SIZES};

/// Things of a description: one more than there are options, so that what was said already need not be one.
const THINGS: usize = 5;
/// Colours that are counted, at most; one for each turn.
const COUNTED: usize = 4;

/// How the last question of a dialogue refers back; the manners take turns.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Reference {
    /// To the thing of the turn before, by a pronoun.
    ColourOfIt,
    SizeOfIt,
    /// To the property of the turn before, by leaving it out.
    ColourOfAnother,
    SizeOfAnother,
    /// To all things, by a pronoun.
    CountOfThem,
}

impl Reference {
    pub(crate) const ALL: [Reference; 5] = [
        Reference::ColourOfIt,
        Reference::SizeOfIt,
        Reference::ColourOfAnother,
        Reference::SizeOfAnother,
        Reference::CountOfThem,
    ];

    /// How many answers the last question has.
    pub(crate) fn values(self) -> usize {
        match self {
            Reference::ColourOfIt | Reference::ColourOfAnother => COLOURS.len(),
            Reference::SizeOfIt | Reference::SizeOfAnother => SIZES.len(),
            Reference::CountOfThem => THINGS,
        }
    }
}

/// Two to four turns about things that the first one describes.
pub(crate) struct Dialogue {
    /// Everything that is described, whatever the order of the things.
    pub(crate) content: String,
    /// The turns before the last: questions with their answers.
    pub(crate) before: Vec<(String, String)>,
    pub(crate) asked: Asked,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Property {
    Colour,
    Size,
}

impl Property {
    fn name(self) -> &'static str {
        match self {
            Property::Colour => "colour",
            Property::Size => "size",
        }
    }

    fn other(self) -> Self {
        match self {
            Property::Colour => Property::Size,
            Property::Size => Property::Colour,
        }
    }

    fn of(self, thing: &Thing) -> &'static str {
        match self {
            Property::Colour => thing.colour,
            Property::Size => thing.size_word(),
        }
    }
}

/// A dialogue in which the last answer is number `value`: what it turns on is drawn first, and the things are made to
/// fit.
pub(crate) fn ask_dialogue(dice: &mut Dice, refers: Reference, value: usize) -> Dialogue {
    let mut scene = Scene::new(dice, THINGS);
    let turns = dice.between(2, 4) as usize;
    let (mut before, asked) = match refers {
        Reference::ColourOfIt => about(dice, &mut scene, (Property::Colour, true), value, turns),
        Reference::SizeOfIt => about(dice, &mut scene, (Property::Size, true), value, turns),
        Reference::ColourOfAnother => {
            about(dice, &mut scene, (Property::Colour, false), value, turns)
        }
        Reference::SizeOfAnother => about(dice, &mut scene, (Property::Size, false), value, turns),
        Reference::CountOfThem => counted(dice, &mut scene, value, turns),
    };
    let mut named: Vec<String> = scene.things.iter().map(named).collect();
    // The thing that is asked about last stands anywhere.
    dice.shuffle(&mut named);
    if let Some((first, _)) = before.first_mut() {
        *first = format!("There are {}. {first}", list(&named));
    }
    named.sort_unstable();
    Dialogue {
        content: format!("described: {}", named.join(", ")),
        before,
        asked,
    }
}

fn named(thing: &Thing) -> String {
    let size = thing.size_word();
    let (a, colour, kind) = (article_of(size), thing.colour, thing.kind.one);
    format!("{a}{size} {colour} {kind}")
}

/// Turns about single things. The options are what four of the things have, and nothing that was said before: who
/// reads the description and not the turns after it, or these and not the description, stands at chance.
fn about(
    dice: &mut Dice,
    scene: &mut Scene,
    (property, same_thing): (Property, bool),
    value: usize,
    turns: usize,
) -> (Vec<(String, String)>, Asked) {
    fit(dice, scene, property, value);
    // The thing of the last question is the first, the thing before is that or the second.
    let previous = usize::from(!same_thing);
    let mut others: Vec<usize> = (0..THINGS).filter(|&thing| thing != previous).collect();
    dice.shuffle(&mut others);
    // Back from the last question: the same of another thing, then the other property of one thing after another.
    let other = property.other();
    let mut topics = vec![(0, property)];
    if !same_thing {
        topics.push((previous, property));
    }
    let rest = std::iter::once(previous).chain(others);
    topics.extend(rest.map(|thing| (thing, other)));
    topics.truncate(turns);
    topics.reverse();
    let mut said = Vec::with_capacity(turns);
    for (at, &(thing, asks)) in topics.iter().enumerate() {
        let name = scene.things[thing].kind.one;
        let answer = asks.of(&scene.things[thing]);
        let before = at.checked_sub(1).and_then(|at| topics.get(at));
        let goes_on = topics.get(1).is_some_and(|next| next.0 == thing);
        said.push(match before {
            None if goes_on && dice.chance(1, 2) => (format!("Which of them is {answer}?"), name),
            None => (format!("What {} is the {name}?", asks.name()), answer),
            Some(&(last, _)) if last == thing => {
                (format!("And what {} is it?", asks.name()), answer)
            }
            Some(_) => (format!("And the {name}?"), answer),
        });
    }
    let (question, answer) = said.pop().unwrap_or_default();
    let others = (1..THINGS).filter(|&thing| same_thing || thing != previous);
    let others = others.map(|thing| property.of(&scene.things[thing]).to_owned());
    let asked = Asked {
        question,
        answer: answer.to_owned(),
        others: others.collect(),
    };
    (owned(said), asked)
}

/// Gives the first thing its value, and each thing another colour; sizes differ already.
fn fit(dice: &mut Dice, scene: &mut Scene, property: Property, value: usize) {
    let mut colours = COLOURS.to_vec();
    let own = match property {
        Property::Colour => Some(colours.remove(value)),
        Property::Size => {
            let shift = SIZES.len() + value - scene.things[0].size;
            for thing in &mut scene.things {
                thing.size = (thing.size + shift) % SIZES.len();
            }
            None
        }
    };
    dice.shuffle(&mut colours);
    colours.splice(0..0, own);
    for (thing, colour) in scene.things.iter_mut().zip(colours) {
        thing.colour = colour;
    }
}

/// Turns about how many things have a colour.
fn counted(
    dice: &mut Dice,
    scene: &mut Scene,
    value: usize,
    turns: usize,
) -> (Vec<(String, String)>, Asked) {
    let mut colours = COLOURS.to_vec();
    dice.shuffle(&mut colours);
    for (at, thing) in scene.things.iter_mut().enumerate() {
        thing.colour = if at < value {
            colours[0]
        } else {
            dice.pick::<&str>(&colours[1..COUNTED])
        };
    }
    let mut before = Vec::with_capacity(turns - 1);
    for colour in &colours[1..turns] {
        let how = if before.is_empty() { "How" } else { "And how" };
        let count = scene.things.iter().filter(|thing| thing.colour == *colour);
        let count = NUMBERS[count.count()];
        before.push((format!("{how} many of them are {colour}?"), count));
    }
    let question = format!("And how many of them are {}?", colours[0]);
    let asked = Asked::among(question, &NUMBERS[..THINGS], value);
    (owned(before), asked)
}

fn owned(said: Vec<(String, &str)>) -> Vec<(String, String)> {
    let own = |(question, answer): (String, &str)| (question, answer.to_owned());
    said.into_iter().map(own).collect()
}
