//! What items ask: scenes made to fit a wanted answer, and facts of the encyclopedia.

use crate::world::dice::Dice;
use crate::world::kind::ItemKind;
use crate::world::page::article_of;
use crate::world::scene::{GRID, Relation, Scene, Thing};
use crate::world::words::{COLOURS, KINDS, Kind, NUMBERS, SIZES};

/// Everything that a picture of the scene shows, whatever the order of its things.
pub(crate) fn content(scene: &Scene) -> String {
    let mut things: Vec<_> = scene.things.iter().map(show).collect();
    things.sort_unstable();
    format!("{}: {}", scene.place.name, things.join(", "))
}

fn show(thing: &Thing) -> String {
    format!("{} at {} {}", describe(thing), thing.x, thing.y)
}

fn describe(thing: &Thing) -> String {
    let (size, material) = (thing.size_word(), thing.material.adjective);
    format!("{size} {} {material} {}", thing.colour, thing.kind.one)
}

/// A question, its answer and answers that are wrong.
pub(crate) struct Asked {
    pub(crate) question: String,
    pub(crate) answer: String,
    pub(crate) others: Vec<String>,
}

impl Asked {
    /// The answer is number `value` of `all`.
    pub(crate) fn among(question: String, all: &[&str], value: usize) -> Self {
        let mut others: Vec<_> = all.iter().map(|&word| word.to_owned()).collect();
        let answer = others.remove(value);
        Self {
            question,
            answer,
            others,
        }
    }
}

/// A scene in which the answer is number `value`: the question is drawn first, and the scene is made to fit.
pub(crate) fn ask(dice: &mut Dice, kind: ItemKind, value: usize) -> (Scene, Asked) {
    let count = match kind {
        ItemKind::Count | ItemKind::Arithmetic => 5,
        ItemKind::TwoHops => dice.between(3, 5) as usize,
        _ => dice.between(2, 5) as usize,
    };
    let mut scene = Scene::new(dice, count);
    let (one, other) = (scene.things[0].kind, scene.things[1].kind);
    let asked = match kind {
        ItemKind::Existence => {
            let absent: Vec<&Kind> = KINDS
                .iter()
                .filter(|kind| scene.things.iter().all(|thing| thing.kind != *kind))
                .collect();
            let name = [one, *dice.pick(&absent)][value].one;
            let question = format!("Is there {}{name} in the picture?", article_of(name));
            Asked::among(question, &["yes", "no"], value)
        }
        ItemKind::Colour => {
            scene.things[0].colour = COLOURS[value];
            Asked::among(format!("What colour is the {}?", one.one), COLOURS, value)
        }
        ItemKind::Size => {
            let shift = SIZES.len() + value - scene.things[0].size;
            for thing in &mut scene.things {
                thing.size = (thing.size + shift) % SIZES.len();
            }
            Asked::among(format!("What size is the {}?", one.one), SIZES, value)
        }
        ItemKind::Count => {
            let [colour, ..] = colour(dice, &mut scene, |_| [value, 0]);
            Asked::among(
                format!("How many {colour} things are there?"),
                &NUMBERS[..5],
                value,
            )
        }
        ItemKind::Place => {
            let (right, lower) = (value % 2 == 1, value / 2 == 1);
            let thing = scene.things[0];
            turn(
                &mut scene,
                false,
                (thing.x >= GRID / 2) != right,
                (thing.y < GRID / 2) != lower,
            );
            let quarters = ["upper left", "upper right", "lower left", "lower right"];
            let question = format!("In which quarter of the picture is the {}?", one.one);
            Asked::among(question, &quarters, value)
        }
        ItemKind::Compare => {
            let larger = dice.chance(1, 2);
            let first = (scene.things[0].size > scene.things[1].size) == larger;
            // The right thing is named first where `value` is 0.
            let names = if first == (value == 0) {
                [one.one, other.one]
            } else {
                [other.one, one.one]
            };
            let word = if larger { "larger" } else { "smaller" };
            let question = format!("Which is {word}, the {} or the {}?", names[0], names[1]);
            Asked::among(question, &names, value)
        }
        ItemKind::Relate => relate(dice, &mut scene, value),
        ItemKind::Arithmetic => arithmetic(dice, &mut scene, value),
        ItemKind::TwoHops => loop {
            if let Some(nearest) = nearest(&scene) {
                scene.things[nearest].colour = COLOURS[value];
                let anchor = scene.things[0].kind.one;
                let question = format!("What colour is the thing nearest to the {anchor}?");
                break Asked::among(question, COLOURS, value);
            }
            scene = Scene::new(dice, count);
        },
        // The other kinds show no scene.
        _ => caption(&scene),
    };
    (scene, asked)
}

fn caption(scene: &Scene) -> Asked {
    let things: Vec<_> = scene
        .things
        .iter()
        .map(|thing| article_of(thing.size_word()).to_owned() + &describe(thing))
        .collect();
    let text = format!(
        "{} {} the {}.",
        things.join(" and "),
        scene.place.at,
        scene.place.name
    );
    Asked {
        question: "Describe the picture.".to_owned(),
        answer: text[..1].to_uppercase() + &text[1..],
        others: Vec::new(),
    }
}

/// Exchanges the axes and turns each of them round.
fn turn(scene: &mut Scene, axes: bool, across: bool, up: bool) {
    for thing in &mut scene.things {
        if axes {
            (thing.x, thing.y) = (thing.y, thing.x);
        }
        if across {
            thing.x = GRID - 1 - thing.x;
        }
        if up {
            thing.y = GRID - 1 - thing.y;
        }
    }
}

fn relate(dice: &mut Dice, scene: &mut Scene, value: usize) -> Asked {
    let gap = |scene: &Scene| {
        let [one, other] = [scene.things[0], scene.things[1]];
        ((one.x - other.x).abs(), (one.y - other.y).abs())
    };
    // On a diagonal two answers would be right.
    while gap(scene).0 == gap(scene).1 {
        *scene = Scene::new(dice, scene.things.len());
    }
    let (across, up) = gap(scene);
    turn(scene, (across > up) != (value < 2), false, false);
    let wanted = [
        Relation::Left,
        Relation::Right,
        Relation::Above,
        Relation::Below,
    ][value];
    let [one, other] = [scene.things[0], scene.things[1]];
    let round = Relation::of(&one, &other) != wanted;
    turn(scene, false, round && value < 2, round && value >= 2);
    let question = format!(
        "Where is the {}, seen from the {}?",
        one.kind.one, other.kind.one
    );
    Asked::among(question, &["left", "right", "above", "below"], value)
}

fn arithmetic(dice: &mut Dice, scene: &mut Scene, value: usize) -> Asked {
    let sum = dice.chance(1, 2);
    let [one, other] = colour(dice, scene, |dice| {
        if sum {
            let first = dice.below(value + 1);
            [first, value - first]
        } else {
            let second = dice.below((5 - value) / 2 + 1);
            [second + value, second]
        }
    });
    let question = if sum {
        format!("How many {one} and {other} things are there together?")
    } else {
        format!("How many more {one} than {other} things are there?")
    };
    Asked::among(question, &NUMBERS[..5], value)
}

/// Two colours, and the scene in them: as many things in each as `counts` says, the others in other colours.
fn colour(
    dice: &mut Dice,
    scene: &mut Scene,
    counts: impl Fn(&mut Dice) -> [usize; 2],
) -> [&'static str; 2] {
    let mut colours = COLOURS.to_vec();
    dice.shuffle(&mut colours);
    let [first, second] = counts(dice);
    for (place, thing) in scene.things.iter_mut().enumerate() {
        thing.colour = if place < first {
            colours[0]
        } else if place < first + second {
            colours[1]
        } else {
            dice.pick::<&str>(&colours[2..])
        };
    }
    [colours[0], colours[1]]
}

/// The thing nearest to the first, unless two are equally near.
fn nearest(scene: &Scene) -> Option<usize> {
    let first = scene.things[0];
    let far = |thing: &Thing| (thing.x - first.x).pow(2) + (thing.y - first.y).pow(2);
    let least = scene.things[1..].iter().map(far).min()?;
    let mut near = (1..scene.things.len()).filter(|&place| far(&scene.things[place]) == least);
    let found = near.next();
    if near.next().is_some() { None } else { found }
}

/// One answer about kinds of things, and the kinds that have it.
pub(crate) struct Facts {
    relation: usize,
    answer: &'static str,
    kinds: Vec<&'static Kind>,
}

/// The facts whose content `belongs`; a fact is a kind with a relation.
pub(crate) fn facts(belongs: impl Fn(&str) -> bool) -> Vec<Facts> {
    let mut found: Vec<Facts> = Vec::new();
    for kind in KINDS {
        for (relation, answer) in [kind.part, kind.purpose, kind.shape]
            .into_iter()
            .enumerate()
        {
            if !belongs(&format!("fact {relation} {}", kind.one)) {
                continue;
            }
            let same = |facts: &&mut Facts| facts.relation == relation && facts.answer == answer;
            match found.iter_mut().find(same) {
                Some(facts) => facts.kinds.push(kind),
                None => found.push(Facts {
                    relation,
                    answer,
                    kinds: vec![kind],
                }),
            }
        }
    }
    found
}

pub(crate) fn ask_fact(dice: &mut Dice, facts: &[Facts], value: usize) -> Asked {
    let Facts {
        relation,
        answer,
        kinds,
    } = &facts[value];
    let name = dice.pick(kinds).one;
    let a = article_of(name);
    let question = match relation {
        0 => format!("What is the most characteristic part of {a}{name}?"),
        1 => format!("What is {a}{name} used for?"),
        _ => format!("What shape is {a}{name}?"),
    };
    let others = facts
        .iter()
        .filter(|other| other.relation == *relation && other.answer != *answer)
        .map(|other| other.answer.to_owned())
        .collect();
    Asked {
        question,
        answer: (*answer).to_owned(),
        others,
    }
}
