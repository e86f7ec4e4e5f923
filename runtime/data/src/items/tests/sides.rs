//! Sides: each item on one, told by what is asked, wherever it stands.

use std::collections::BTreeSet;

use super::*;
use crate::world::Split;

fn on(held_out: (u64, u64), split: Split) -> impl FnOnce(&mut ItemSource) {
    move |source| match source {
        ItemSource::File { side, .. } | ItemSource::Folder { side, .. } => {
            *side = Some(Side { held_out, split });
        }
        ItemSource::Scenes { .. } | ItemSource::Published { .. } => {}
    }
}

/// Lines of which each question stands once with each of two pictures.
fn lines(questions: impl Iterator<Item = usize>) -> String {
    let line = |at: usize| {
        ["a.png", "b.png"].map(|image| {
            let question = format!("What about {at}?");
            let value =
                serde_json::json!({"id": at, "question": question, "answer": "A", "image": image});
            value.to_string() + "\n"
        })
    };
    questions.flat_map(line).collect()
}

#[test]
fn sides_part_the_questions() {
    let room = Room::with_pictures();
    let ids = |lines: &str, share, split| -> Vec<String> {
        let (all, _) = room.read_as("q.jsonl", lines, on(share, split)).unwrap();
        all.into_iter().map(|(item, _)| item.id).collect()
    };
    let all = lines(0..200);
    let train = ids(&all, (1, 4), Split::Train);
    let test = ids(&all, (1, 4), Split::Test);
    let different = |ids: &[String]| ids.iter().cloned().collect::<BTreeSet<_>>();
    let (one, other) = (different(&train), different(&test));
    assert!(one.is_disjoint(&other));
    assert_eq!(
        (one.len() + other.len(), train.len() + test.len()),
        (200, 400)
    );
    assert_eq!(train.len(), 2 * one.len(), "both pictures of a question");
    // 50 of 200 are expected, with a deviation of 6.
    assert!((30..70).contains(&other.len()), "{}", other.len());

    // What else there is, and in which order, moves nothing; a larger share holds more out.
    let half = ids(&lines((0..200).rev().step_by(2)), (1, 4), Split::Test);
    assert!(different(&half).is_subset(&other));
    assert!(other.is_subset(&different(&ids(&all, (1, 2), Split::Test))));
}

#[test]
fn broken_pictures_count_on_their_side() {
    let room = Room::with_pictures();
    let all = lines(0..40);
    let (test, _) = room
        .read_as("q.jsonl", &all, on((1, 4), Split::Test))
        .unwrap();
    let broken = all.replace("a.png", "none.png");
    let count = |split| {
        let policy = |source: &mut ItemSource| {
            skip(source);
            on((1, 4), split)(source);
        };
        let (_, stats) = room.read_as("q.jsonl", &broken, policy).unwrap();
        stats.broken
    };
    assert_eq!(count(Split::Test), test.len() as u64 / 2);
    assert_eq!(count(Split::Train), 40 - test.len() as u64 / 2);
}

#[test]
fn shares_and_empty_sides_are_refused() {
    let room = Room::with_pictures();
    let refused = |share, split| {
        let read = room.read_as("q.jsonl", lines(0..1), on(share, split));
        read.unwrap_err()
    };
    for share in [(0, 1), (1, 1), (3, 2), (1, 0)] {
        assert!(refused(share, Split::Train).contains("held-out share"));
    }
    let thin = (1, 1 << 60);
    assert_eq!(
        refused(thin, Split::Test),
        "none of the 2 items of `q.jsonl` is on the side `test`; choose another share to hold out"
    );
}
