//! Items of the world as a source.

use super::*;
use crate::image::{Limits, decode};
use crate::world::{self, ItemKind, Split};

fn scenes(kinds: &[ItemKind], split: Split, items: u64) -> ItemSource {
    ItemSource::Scenes {
        kinds: kinds.to_vec(),
        split,
        seed: 3,
        items,
    }
}

#[test]
fn kinds_take_turns() {
    let kinds = [ItemKind::Colour, ItemKind::Fact, ItemKind::Caption];
    let (all, stats) = read(&scenes(&kinds, Split::Train, 700)).unwrap();
    assert_eq!((all.len(), stats.items), (700, 700));
    for (at, (item, picture)) in all.iter().enumerate() {
        let (kind, index) = (kinds[at % 3], (at / 3) as u64);
        let world = world::item(kind, Split::Train, 3, index);
        assert_eq!(item.id, format!("train-{kind}-{index}"));
        assert_eq!(item.turns.len(), 1);
        assert_eq!(item.turns[0].question, world.question);
        assert_eq!(item.turns[0].answer, world.answer);
        assert_eq!((&item.options, item.right), (&world.options, world.right));
        assert_eq!(item.picture, picture.as_deref().map(PictureId::of));
        let decoded = picture
            .as_deref()
            .map(|bytes| decode(bytes, &Limits::default()).unwrap());
        assert_eq!(decoded, world.picture);
        assert_eq!(item.fault(), None);
    }
    assert_eq!(stats.with_picture, 467);
    assert_eq!(stats.pictures, 467);
    assert_eq!(stats.labels["perception"], 234);
    assert_eq!(
        (stats.labels["other"], stats.labels["language_only"]),
        (466, 233)
    );
}

#[test]
fn sides_have_no_content_in_common() {
    let train = only_items(&scenes(&ItemKind::ALL, Split::Train, 1100));
    let test = only_items(&scenes(&ItemKind::ALL, Split::Test, 1100));
    assert_eq!(common_content(&train, &test), 0);
    assert_eq!(common_content(&train, &train), 1100);
}

#[test]
fn a_dialogue_keeps_its_turns() {
    for (at, item) in only_items(&scenes(&[ItemKind::Dialogue], Split::Train, 50))
        .iter()
        .enumerate()
    {
        let world = world::item(ItemKind::Dialogue, Split::Train, 3, at as u64);
        let (last, before) = item.turns.split_last().unwrap();
        let said = |turn: &Turn| (turn.question.clone(), turn.answer.clone());
        assert_eq!(before.iter().map(said).collect::<Vec<_>>(), world.before);
        assert_eq!(said(last), (world.question, world.answer));
        assert_eq!((&item.options, item.right), (&world.options, world.right));
        assert_eq!(item.labels, ["language_only", "other"]);
    }
}

/// Pictures are named by their encoded bytes: an encoder that writes others would move every choice.
#[test]
fn bytes_are_pinned() {
    let items = only_items(&scenes(&[ItemKind::Relate], Split::Test, 20));
    let lines: String = items.iter().map(item_line).collect();
    let digest = blake3::hash(lines.as_bytes()).to_hex();
    assert_eq!(digest[..8], *"c912aa3a");
    let contents: Vec<u8> = items.iter().flat_map(Item::content).collect();
    assert_eq!(blake3::hash(&contents).to_hex()[..8], *"9d5c4f21");
}

#[test]
fn reading_can_stop() {
    let mut seen = 0;
    let stats = read_items(
        &scenes(&[ItemKind::Count], Split::Test, u64::MAX),
        &Limits::default(),
        &mut |_, _| {
            seen += 1;
            Ok(if seen == 5 {
                ControlFlow::Break(())
            } else {
                ControlFlow::Continue(())
            })
        },
    );
    assert_eq!((seen, stats.unwrap().items), (5, 5));
}

#[test]
fn kinds_are_named_once_each() {
    let refused = |kinds: &[ItemKind], items| read(&scenes(kinds, Split::Test, items)).unwrap_err();
    assert_eq!(
        refused(&[], 3),
        "scenes are of no kind; name each kind of item once, such as `colour`"
    );
    assert!(refused(&[ItemKind::Size; 2], 3).contains("kinds `size`, `size`;"));
    assert_eq!(
        refused(&[ItemKind::Size], 0),
        "the world in scenes has no items; there must be one or more"
    );
}
