//! Choices: exact counts, smaller ones within larger ones, and the same whatever the order.

use super::*;

fn items(count: usize) -> Vec<Item> {
    let labels: [&[&str]; 3] = [&["a"], &["a", "b"], &["c"]];
    let item = |at: usize| {
        item(
            &format!("question {}", at / 2),
            "answer",
            labels[at / 2 % 3],
        )
    };
    let items = (0..count).map(item).enumerate();
    let named = items.map(|(at, item)| Item {
        id: at.to_string(),
        ..item
    });
    named.collect()
}

fn words(words: &[&str]) -> Vec<String> {
    words.iter().map(|&word| word.to_owned()).collect()
}

fn ids(items: &[Item]) -> Vec<usize> {
    items.iter().map(|item| item.id.parse().unwrap()).collect()
}

fn refused(count: usize, choice: &Choice) -> String {
    choose(items(count), choice).unwrap_err().to_string()
}

#[test]
fn labels_choose() {
    let only = choose(items(60), &Choice::Only(words(&["b", "c"]))).unwrap();
    let without = choose(items(60), &Choice::Without(words(&["b", "c"]))).unwrap();
    assert_eq!((only.len(), without.len()), (40, 20));
    assert!(ids(&only).is_sorted() && ids(&without).is_sorted());
    assert!(without.iter().all(|item| item.labels == ["a"]));
    assert_eq!(
        refused(60, &Choice::Only(words(&["d"]))),
        "none of the 60 items is chosen; compare the labels in them with those that the study asks for"
    );
}

#[test]
fn samples_are_exact_and_nested() {
    let mut larger = ids(&items(200));
    for wanted in [200, 199, 101, 50, 7, 1] {
        let sample = choose(items(200), &Choice::Sample(wanted)).unwrap();
        let sample = ids(&sample);
        assert_eq!(sample.len() as u64, wanted);
        assert!(sample.is_sorted());
        assert!(sample.iter().all(|id| larger.contains(id)), "{wanted}");
        larger = sample;
    }
    assert_eq!(
        refused(9, &Choice::Sample(10)),
        "a sample of 10 items, and there are 9; ask for 9 or fewer"
    );
    assert!(refused(9, &Choice::Sample(0)).starts_with("none of the 9 items"));
}

#[test]
fn a_sample_is_of_contents_and_not_of_places() {
    let contents = |items: Vec<Item>| {
        let sample = choose(items, &Choice::Sample(30)).unwrap();
        let mut contents: Vec<_> = sample.iter().map(Item::content).collect();
        contents.sort_unstable();
        contents
    };
    let mut turned = items(120);
    turned.reverse();
    assert_eq!(contents(items(120)), contents(turned));
    // Equal ones are chosen apart: neither always both, nor always one alone.
    let sample = contents(items(120));
    let pairs = sample.windows(2).filter(|pair| pair[0] == pair[1]).count();
    assert!((1..15).contains(&pairs), "{pairs}");
}

#[test]
fn thinning_rounds_half_up_and_leaves_the_others() {
    let thin = |to| {
        let words = words(&["b"]);
        ids(&choose(items(30), &Choice::Thin { words, to }).unwrap())
    };
    let b = |ids: &[usize]| ids.iter().filter(|id| *id / 2 % 3 == 1).count();
    // Ten items have the label.
    for (to, kept) in [
        ((0, 1), 0),
        ((1, 20), 1),
        ((1, 21), 0),
        ((1, 4), 3),
        ((1, 3), 3),
        ((19, 20), 10),
        ((1, 1), 10),
    ] {
        let ids = thin(to);
        assert_eq!((b(&ids), ids.len()), (kept, 20 + kept), "{to:?}");
    }
    let (few, many) = (thin((3, 10)), thin((7, 10)));
    assert!(few.iter().all(|id| many.contains(id)));
    for to in [(1, 0), (3, 2)] {
        let words = words(&["b"]);
        assert!(refused(30, &Choice::Thin { words, to }).contains("from 0 to 1"));
    }
}

#[test]
fn common_contents_are_counted() {
    let (all, some) = (items(40), items(10));
    assert_eq!(common_content(&all, &some), 10);
    assert_eq!(common_content(&some, &all), 10);
    assert_eq!(common_content(&all[10..], &some), 0);
}

#[test]
fn content_is_what_is_asked() {
    let base = Item {
        options: vec!["x".to_owned(), "y".to_owned()],
        right: Some(0),
        picture: Some(PictureId::of(b"picture")),
        ..item("q", "x", &["a"])
    };
    let changed = |change: &dyn Fn(&mut Item)| {
        let mut item = base.clone();
        change(&mut item);
        item.content() != base.content()
    };
    assert!(!changed(&|item| "other".clone_into(&mut item.id)));
    assert!(!changed(&|item| item.labels.clear()));
    assert!(changed(&|item| item.turns[0].question.push('x')));
    assert!(changed(&|item| item.turns[0].answer.push('x')));
    assert!(changed(&|item| {
        item.turns[0].question = String::new();
        item.turns[0].answer = "qx".to_owned();
    }));
    assert!(changed(&|item| item.turns.push(item.turns[0].clone())));
    assert!(changed(&|item| item.options.swap(0, 1)));
    assert!(changed(&|item| item.right = Some(1)));
    assert!(changed(&|item| item.right = None));
    assert!(changed(&|item| item.picture = None));
    assert!(changed(&|item| item.picture = Some(PictureId::of(b"other"))));
}
