//! Folders of classes.

use std::collections::BTreeMap;
use std::os::unix::fs::symlink;

use super::*;
use crate::world::Split;

fn source(room: &Room, ask: Ask) -> ItemSource {
    ItemSource::Folder {
        path: room.0.path().join("classes"),
        ask,
        seed: 4,
        broken: Broken::Fatal,
        side: None,
    }
}

fn refused(room: &Room, ask: Ask) -> String {
    room.plain(&read(&source(room, ask)).unwrap_err())
}

/// Five classes, with eight pictures each.
fn classes() -> Room {
    let room = Room::new();
    for (place, class) in ["apple", "cat", "dog", "red_fox", "Owl"].iter().enumerate() {
        for at in 0..8 {
            let number = (place * 8 + at) as u8;
            room.put(&format!("classes/{class}/{at}.png"), png(number));
        }
        room.put(&format!("classes/{class}/notes.txt"), "not read");
    }
    room.put("classes/.hidden/a.png", png(0));
    room.put("classes/readme.txt", "not read");
    room
}

#[test]
fn captions_name_the_class() {
    let room = classes();
    let (all, stats) = read(&source(&room, Ask::Caption)).unwrap();
    assert_eq!((stats.items, stats.pictures), (40, 40));
    let wanted = Item {
        id: "Owl/0.png".to_owned(),
        picture: Some(PictureId::of(&png(32))),
        ..item("Describe the picture.", "a picture of an Owl", &["Owl"])
    };
    assert_eq!(all[0].0, wanted, "large letters come first");
    let answer = |at: usize| all[at].0.turns[0].answer.as_str();
    assert_eq!(answer(8), "a picture of an apple");
    assert_eq!(answer(16), "a picture of a cat");
    assert_eq!(
        (answer(39), all[39].0.id.as_str()),
        ("a picture of a red fox", "red_fox/7.png")
    );
    let labels: Vec<&str> = stats.labels.keys().map(String::as_str).collect();
    assert_eq!(labels, ["Owl", "apple", "cat", "dog", "red fox"]);
}

#[test]
fn options_are_other_classes_and_positions_even() {
    let room = classes();
    let items = only_items(&source(&room, Ask::Options(4)));
    let mut positions = BTreeMap::new();
    for (at, item) in items.iter().enumerate() {
        assert_eq!(item.turns[0].question, "What does the picture show?");
        assert_eq!([item.turns[0].answer.clone()], *item.labels);
        let mut options = item.options.clone();
        options.sort_unstable();
        options.dedup();
        assert_eq!(options.len(), 4);
        *positions.entry(item.right).or_insert(0) += 1;
        if at % 4 == 3 {
            assert!(positions.values().all(|count| *count == at / 4 + 1));
        }
    }
    assert_eq!(positions.len(), 4);
    // What is wrong is drawn: every other class comes.
    let wrong = items.iter().flat_map(|item| &item.options);
    let counts = wrong.fold(BTreeMap::new(), |mut counts, option| {
        *counts.entry(option).or_insert(0) += 1;
        counts
    });
    assert!(
        counts.values().all(|count| (24..=40).contains(count)),
        "{counts:?}"
    );
    assert_eq!(only_items(&source(&room, Ask::Options(4))), items);
    let mut other = source(&room, Ask::Options(4));
    if let ItemSource::Folder { seed, .. } = &mut other {
        *seed = 5;
    }
    assert_ne!(only_items(&other), items);
}

#[test]
fn sides_are_told_by_picture() {
    let room = classes();
    let on = |split| {
        let mut source = source(&room, Ask::Caption);
        if let ItemSource::Folder { side, .. } = &mut source {
            *side = Some(Side {
                held_out: (1, 3),
                split,
            });
        }
        only_items(&source)
    };
    let (train, test) = (on(Split::Train), on(Split::Test));
    assert_eq!(train.len() + test.len(), 40);
    assert!((5..22).contains(&test.len()), "{}", test.len());
    assert!(
        train
            .iter()
            .all(|one| test.iter().all(|other| one.picture != other.picture))
    );
}

#[test]
fn folders_that_are_none_are_named() {
    let room = classes();
    for count in [0, 1, 27] {
        assert!(refused(&room, Ask::Options(count)).contains("there can be 2 to 26"));
    }
    assert!(refused(&room, Ask::Options(6)).contains("5 folders of classes where 6 or more"));
    room.put("classes/dog/8.png", bomb());
    let message = refused(&room, Ask::Caption);
    let start = "`classes`: the picture `dog/8.png` cannot be used: ";
    assert!(
        room.plain(&message)
            .contains(start.trim_start_matches("`classes`")),
        "{message}"
    );
    let mut skipping = source(&room, Ask::Caption);
    skip(&mut skipping);
    let (_, stats) = read(&skipping).unwrap();
    assert_eq!((stats.items, stats.broken), (40, 1));
    assert_eq!(stats.broken_names, ["dog/8.png"]);

    room.put("classes/red fox/1.png", png(1));
    assert!(refused(&room, Ask::Caption).contains("have one name once `_` is a space"));

    let room = Room::new();
    assert!(refused(&room, Ask::Caption).contains("does not exist"));
    room.put("classes/one/a.png", png(1));
    assert!(refused(&room, Ask::Caption).contains("1 folders of classes where 2 or more"));
    room.put("classes/two/a.gif", png(1));
    assert!(refused(&room, Ask::Caption).contains("its folder `two` has no"));
}

#[test]
fn links_stay_inside() {
    let room = classes();
    let secret = room.put("secret.png", png(9));
    let link = room.0.path().join("classes/cat/a.png");
    symlink(secret, &link).unwrap();
    let mut skipping = source(&room, Ask::Caption);
    skip(&mut skipping);
    let message = read(&skipping).unwrap_err();
    assert!(message.contains("`cat/a.png` is not below"), "{message}");
    fs::remove_file(link).unwrap();
    room.put("other/a.png", png(9));
    symlink(
        room.0.path().join("other"),
        room.0.path().join("classes/zebra"),
    )
    .unwrap();
    let message = refused(&room, Ask::Caption);
    assert!(message.contains("`zebra/a.png` is not below"), "{message}");
}
