//! Items and their pictures: what is asked holds in the scene, and only the scene tells the answer.

use std::collections::{BTreeMap, BTreeSet};

use crate::image::Picture;
use crate::world::dice::Dice;
use crate::world::item::{ITEM_SIDE, build, item};
use crate::world::kind::{ItemKind, Split};
use crate::world::picture::{MIN_SIDE, render};
use crate::world::scene::{Scene, Thing};
use crate::world::shown::Shown;
use crate::world::sign::words;
use crate::world::words::{COLOURS, KINDS, MATERIALS, NUMBERS, PLACES, SIZES};

#[test]
fn a_thing_covers_what_is_no_background() {
    let mut dice = Dice::named("test pictures", 1, 0);
    for side in [MIN_SIDE, 101, 224] {
        for _ in 0..50 {
            let scene = Scene::new(&mut dice, 5);
            let drawn = render(&scene, side);
            let pixels = drawn.picture.pixels();
            let differ = pixels.chunks(3).filter(|pixel| *pixel != &pixels[..3]);
            assert_eq!(differ.count(), drawn.covered.iter().sum::<usize>());
            for (thing, covered) in scene.things.iter().zip(&drawn.covered) {
                let alone = Scene {
                    place: scene.place,
                    things: vec![*thing],
                };
                assert_eq!(render(&alone, side).covered, [*covered]);
                assert!(*covered > 0);
            }
        }
    }
}

#[test]
fn whatever_differs_looks_different() {
    let first = Thing {
        kind: &KINDS[0],
        colour: COLOURS[0],
        size: 0,
        material: &MATERIALS[0],
        x: 2,
        y: 3,
    };
    let mut seen = BTreeSet::new();
    let mut drawn = 0;
    for kind in KINDS {
        for size in 0..SIZES.len() {
            for (colour, material) in COLOURS
                .iter()
                .flat_map(|c| MATERIALS.iter().map(move |m| (c, m)))
            {
                let thing = Thing {
                    kind,
                    colour,
                    size,
                    material,
                    ..first
                };
                let scene = Scene {
                    place: &PLACES[0],
                    things: vec![thing],
                };
                seen.insert(*blake3::hash(render(&scene, MIN_SIDE).picture.pixels()).as_bytes());
                drawn += 1;
            }
        }
    }
    assert_eq!(seen.len(), drawn);
}

/// The answer, from the question's words and the scene alone.
fn answer(question: &str, scene: &Scene) -> String {
    let words: Vec<&str> = question
        .split([' ', ',', '?'])
        .filter(|word| !word.is_empty())
        .collect();
    let named: Vec<&Thing> = words
        .iter()
        .filter_map(|word| scene.things.iter().find(|thing| thing.kind.one == *word))
        .collect();
    let counts: Vec<usize> = words
        .iter()
        .filter(|word| COLOURS.contains(word))
        .map(|word| {
            scene
                .things
                .iter()
                .filter(|thing| thing.colour == *word)
                .count()
        })
        .collect();
    match words[..] {
        ["Is", "there", ..] => if named.is_empty() { "no" } else { "yes" }.to_owned(),
        ["What", "colour", .., "nearest", "to", "the", _] => {
            let far =
                |thing: &&Thing| (thing.x - named[0].x).pow(2) + (thing.y - named[0].y).pow(2);
            let others = scene
                .things
                .iter()
                .filter(|thing| thing.kind != named[0].kind);
            others.min_by_key(far).unwrap().colour.to_owned()
        }
        ["What", "colour", ..] => named[0].colour.to_owned(),
        ["What", "size", ..] => SIZES[named[0].size].to_owned(),
        ["How", "many", "more", ..] => NUMBERS[counts[0] - counts[1]].to_owned(),
        ["How", "many", ..] => NUMBERS[counts.iter().sum::<usize>()].to_owned(),
        ["In", ..] => {
            let upper = if named[0].y >= 3 { "upper" } else { "lower" };
            let left = if named[0].x < 3 { "left" } else { "right" };
            format!("{upper} {left}")
        }
        ["Which", "is", word, ..] => {
            let by = |thing: &&&Thing| thing.size;
            let chosen = if word == "larger" {
                named.iter().max_by_key(by)
            } else {
                named.iter().min_by_key(by)
            };
            chosen.unwrap().kind.one.to_owned()
        }
        ["Where", ..] => {
            let (x, y) = (named[0].x - named[1].x, named[0].y - named[1].y);
            assert_ne!(x.abs(), y.abs());
            let across = if x < 0 { "left" } else { "right" };
            let up = if y < 0 { "below" } else { "above" };
            if x.abs() > y.abs() { across } else { up }.to_owned()
        }
        _ => panic!("{question}"),
    }
}

#[test]
fn what_is_asked_holds_in_the_scene() {
    for kind in ItemKind::ALL {
        for index in 0..300 {
            let (shown, item) = build(kind, Split::Train, 3, index);
            let is_read = matches!(kind, ItemKind::Fact | ItemKind::Dialogue);
            assert_eq!(item.picture.is_none(), is_read);
            assert_eq!(item.before.is_empty(), kind != ItemKind::Dialogue);
            if let Some(right) = item.right {
                assert_eq!(item.options[right], item.answer);
                let distinct: BTreeSet<_> = item.options.iter().collect();
                assert_eq!(distinct.len(), item.options.len());
            }
            let Some(Shown::Scene(scene)) = shown else {
                continue;
            };
            if kind == ItemKind::Caption {
                for thing in &scene.things {
                    let words = [
                        thing.size_word(),
                        thing.colour,
                        thing.material.adjective,
                        thing.kind.one,
                    ];
                    assert!(item.answer.to_lowercase().contains(&words.join(" ")));
                }
            } else {
                assert_eq!(
                    answer(&item.question, &scene),
                    item.answer,
                    "{}",
                    item.question
                );
            }
        }
    }
}

#[test]
fn what_one_thing_covers_is_told() {
    for kind in ItemKind::ALL {
        for index in 0..100 {
            let (shown, item) = build(kind, Split::Test, 4, index);
            let about = match kind {
                ItemKind::Existence => item.answer == "yes",
                ItemKind::Colour | ItemKind::Size | ItemKind::Place => true,
                _ => matches!(shown, Some(Shown::Sign(_) | Shown::CloseUp(_))),
            };
            assert_eq!(item.covered.is_some(), about, "{kind}");
            let Some(covered) = item.covered else {
                continue;
            };
            let Some(Shown::Scene(scene)) = shown else {
                continue;
            };
            // The thing named in the question, drawn alone.
            let word = |thing: &&Thing| item.question.contains(&format!(" {}", thing.kind.one));
            let thing = *scene.things.iter().find(word).unwrap();
            let alone = Scene {
                place: scene.place,
                things: vec![thing],
            };
            let pixels = render(&alone, ITEM_SIDE).covered[0];
            let share = pixels as f32 / (ITEM_SIDE * ITEM_SIDE) as f32;
            assert_eq!(covered.to_bits(), share.to_bits());
            assert!((0.0005..0.03).contains(&covered), "{covered}");
        }
    }
}

#[test]
fn kinds_and_sides_have_names() {
    for kind in ItemKind::ALL {
        assert_eq!(kind.name().parse(), Ok(kind));
        let quoted = serde_json::to_string(&kind).unwrap();
        assert_eq!(quoted, format!("\"{kind}\""));
    }
    for split in Split::ALL {
        assert_eq!(split.name().parse(), Ok(split));
        let quoted = serde_json::to_string(&split).unwrap();
        assert_eq!(quoted, format!("\"{split}\""));
    }
    assert_eq!(
        "shape".parse::<ItemKind>().unwrap_err().to_string(),
        "the world has no items of kind `shape`; its kinds are `caption`, `existence`, `colour`, `size`, `count`, \
         `place`, `compare`, `relate`, `arithmetic`, `two_hops`, `fact`, `digits`, `letters`, `chart`, \
         `existence_small`, `existence_medium`, `existence_large`, `dialogue`"
    );
    assert_eq!(
        "validation".parse::<Split>().unwrap_err().to_string(),
        "there is no side `validation`; the sides are `train`, `test`"
    );
}

#[test]
fn no_picture_fact_or_description_is_on_both_sides() {
    let shown = |split| -> BTreeSet<Vec<u8>> {
        ItemKind::ALL
            .into_iter()
            .flat_map(|kind| (0..400).map(move |index| item(kind, split, 5, index)))
            .map(|item| match item.picture {
                Some(picture) => picture.pixels().to_vec(),
                None => {
                    let first = item.before.into_iter().next();
                    first.map_or(item.question, |turn| turn.0).into_bytes()
                }
            })
            .collect()
    };
    let (train, test) = (shown(Split::Train), shown(Split::Test));
    assert!(train.len() > 6300 && test.len() > 6300);
    assert!(train.is_disjoint(&test));
}

#[test]
fn answers_and_positions_are_equally_often() {
    for (kind, run, values) in [
        (ItemKind::Existence, 4, 2),
        (ItemKind::Colour, 48, 12),
        (ItemKind::Count, 20, 5),
        (ItemKind::Relate, 16, 4),
        (ItemKind::Arithmetic, 20, 5),
        (ItemKind::ExistenceSmall, 48, 12),
        (ItemKind::ExistenceLarge, 48, 12),
        (
            ItemKind::Letters,
            4 * words().len() as u64,
            words().len() as u64,
        ),
    ] {
        let mut counts = BTreeMap::new();
        for index in 0..run {
            let item = item(kind, Split::Test, 8, index);
            *counts.entry((item.answer, item.right)).or_insert(0) += 1;
        }
        assert!(counts.values().all(|&count| count == 1), "{kind:?}");
        assert_eq!(counts.len() as u64, run);
        assert_eq!(run % values, 0);
    }
}

/// Most frequent value; of equally frequent ones the first.
fn most<'i, T: Ord + 'i>(all: impl Iterator<Item = T>) -> Option<T> {
    let mut counts = BTreeMap::new();
    all.for_each(|one| *counts.entry(one).or_insert(0) += 1);
    let top = *counts.values().max()?;
    counts
        .into_iter()
        .find(|(_, count)| *count == top)
        .map(|(one, _)| one)
}

#[test]
fn who_does_not_look_stands_at_chance() {
    for kind in &ItemKind::ALL[1..11] {
        stands_at_chance(*kind, 3000, 2000);
    }
}

#[test]
fn who_looks_at_no_sign_chart_or_outline_stands_at_chance() {
    for kind in &ItemKind::ALL[11..] {
        stands_at_chance(*kind, 800, 600);
    }
}

/// Learns from `train` items what is asked and answered, and guesses the answers of `test` others without pictures.
fn stands_at_chance(kind: ItemKind, train: u64, test: u64) {
    let items = |split, count| -> Vec<_> {
        (0..count)
            .map(|index| item(kind, split, 11, index))
            .collect()
    };
    let (train, test) = (items(Split::Train, train), items(Split::Test, test));
    let mut texts: BTreeMap<&str, Vec<&str>> = BTreeMap::new();
    for item in &train {
        texts.entry(&item.question).or_default().push(&item.answer);
    }
    let common = most(train.iter().map(|item| item.answer.as_str())).unwrap();
    let place = most(train.iter().map(|item| item.right)).unwrap();
    let mut dice = Dice::named("test answerer", 1, 0);
    let mut right = [0; 4];
    for item in &test {
        let guess = dice.pick(&item.options).as_str();
        let holds = |answer: &str| item.options.iter().any(|option| option == answer);
        let or_guess = |answer| if holds(answer) { answer } else { guess };
        let text = texts
            .get(item.question.as_str())
            .and_then(|answers| most(answers.iter().copied().filter(|answer| holds(answer))));
        let at = item.options[place.unwrap()].as_str();
        let answers = [guess, or_guess(common), text.unwrap_or(guess), at];
        for (right, answer) in right.iter_mut().zip(answers) {
            *right += u32::from(answer == item.answer);
        }
    }
    let chance = 1.0 / test[0].options.len() as f64;
    // Four standard errors of the share of independent answers.
    let margin = 4.0 * (chance * (1.0 - chance) / test.len() as f64).sqrt();
    for right in right {
        let share = f64::from(right) / test.len() as f64;
        assert!(
            (share - chance).abs() < margin,
            "{kind:?}: {share} of {chance}"
        );
    }
}

/// Text, answers and pixels of a few items of each kind: a kind's bytes never move when others come.
#[test]
fn items_are_pinned() {
    let digests = ItemKind::ALL.map(|kind| {
        let mut hasher = blake3::Hasher::new();
        for (split, index) in Split::ALL
            .into_iter()
            .flat_map(|split| (0..12).map(move |index| (split, index)))
        {
            let item = item(kind, split, 1, index);
            let text = (&item.question, &item.answer, &item.options, item.right);
            hasher.update(format!("{text:?} {:?}", item.covered).as_bytes());
            for (question, answer) in &item.before {
                hasher.update(format!("{question} {answer} ").as_bytes());
            }
            hasher.update(item.picture.as_ref().map_or(&[], Picture::pixels));
        }
        hasher.finalize().to_hex()[..8].to_owned()
    });
    assert_eq!(digests, PINNED);
}

const PINNED: [&str; 18] = [
    "e48b8dd9", "e36d54aa", "3c8fdfc5", "4ef4ee5e", "e42c9891", "58b27681", "58a4e382", "f3e7c59b",
    "25aa8956", "1e990dce", "3a1c407c", "9cd10d4a", "21730809", "1a1e0e4d", "294dc7c0", "f2775000",
    "b230bf71", "ca6827f0",
];
