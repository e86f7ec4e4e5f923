//! Lists and lines: conversations, named fields, and what is wrong with them.

use std::io::Write;

use super::*;

const LIST: &str = r#"[
  {"id": "one", "image": "a.png", "labels": ["b", "a", "b"], "conversations": [
    {"from": "system", "value": "Be kind."},
    {"from": "human", "value": "<image>\nWhat is it?"}, {"from": "gpt", "value": "A cup."},
    {"from": "human", "value": "Its <image> colour?"}, {"from": "gpt", "value": "Red."}]},
  {"id": 7, "conversations": [
    {"from": "human", "value": "What does <image> mean in HTML?"}, {"from": "gpt", "value": "Nothing."}], "labels": "c"},
  {"image": "a.png", "conversations": [
    {"from": "human", "value": "And here?\n<image>"}, {"from": "gpt", "value": ""}]}
]"#;

fn turn(question: &str, answer: &str) -> Turn {
    Turn {
        question: question.to_owned(),
        answer: answer.to_owned(),
    }
}

#[test]
fn conversations_are_read_from_lists() {
    let room = Room::with_pictures();
    let (all, stats) = room.read_as("chat.json", LIST, |_| {}).unwrap();
    let items: Vec<&Item> = all.iter().map(|(item, _)| item).collect();
    let ids: Vec<&str> = items.iter().map(|item| item.id.as_str()).collect();
    assert_eq!(ids, ["one", "7", "3"]);
    assert_eq!(
        items[0].turns,
        [
            turn("What is it?", "A cup."),
            turn("Its <image> colour?", "Red.")
        ]
    );
    assert_eq!(
        items[1].turns,
        [turn("What does <image> mean in HTML?", "Nothing.")]
    );
    assert_eq!(items[2].turns, [turn("And here?", "")]);
    assert_eq!(items[0].labels, ["a", "b"]);
    assert_eq!(items[1].labels, ["c"]);
    assert_eq!(all[0].1.as_deref(), Some(png(0).as_slice()));
    assert_eq!(all[1].1, None);
    let counts = (
        stats.items,
        stats.pictures,
        stats.with_picture,
        stats.broken,
    );
    assert_eq!(counts, (3, 1, 2, 0));
}

#[test]
fn the_same_lines_give_the_same_items() {
    let room = Room::with_pictures();
    let entries: Vec<serde_json::Value> = serde_json::from_str(LIST).unwrap();
    let lines: String = entries.iter().map(|entry| format!("{entry}\n\n")).collect();
    let mut wanted = room.read("chat.json", LIST);
    "5".clone_into(&mut wanted[2].id);
    assert_eq!(room.read("chat.jsonl", &lines), wanted);
    let mut packed = flate2::write::GzEncoder::new(Vec::new(), flate2::Compression::fast());
    packed.write_all(lines.as_bytes()).unwrap();
    assert_eq!(room.read("chat.jsonl.gz", packed.finish().unwrap()), wanted);
    let packed = zstd::encode_all(lines.as_bytes(), 1).unwrap();
    assert_eq!(room.read("chat.jsonl.zst", packed), wanted);
}

#[test]
fn what_stands_for_the_picture_is_taken_out() {
    let room = Room::with_pictures();
    let asked = |text: &str| {
        let value = serde_json::json!([{"image": "a.png", "conversations": [
            {"from": "human", "value": text}, {"from": "gpt", "value": "x"}]}]);
        room.read("chat.json", value.to_string())[0].turns[0]
            .question
            .clone()
    };
    assert_eq!(asked("<image>\nWhat?"), "What?");
    assert_eq!(asked("What?\n\n<image>\n"), "What?");
    assert_eq!(asked("One.\n<image>\r\nTwo?"), "One.\nTwo?");
    assert_eq!(asked("In <image>what?"), "In what?");
    assert_eq!(asked("<image><image>\nWhat\nnow?"), "What\nnow?");
}

#[test]
fn fields_make_items() {
    let room = Room::with_pictures();
    let lines = r#"{"question": "Is it?", "answer": true, "image": "b.png", "id": "x"}
{"question": "How many?", "answer": 3, "options": [], "image": null}
{"question": "Which?", "answer": "B", "options": ["cat", "dog"], "labels": "pets"}
{"question": "Which?", "answer": 2, "options": [1, 2, 3]}"#;
    let items = room.read("q.jsonl", lines);
    let answers: Vec<&str> = items
        .iter()
        .map(|item| item.turns[0].answer.as_str())
        .collect();
    assert_eq!(answers, ["yes", "3", "dog", "2"]);
    assert_eq!(items[2].options, ["cat", "dog"]);
    let rights: Vec<_> = items.iter().map(|item| item.right).collect();
    assert_eq!(rights, [None, None, Some(1), Some(1)]);
    assert_eq!((items[0].id.as_str(), items[1].id.as_str()), ("x", "2"));
    assert_eq!(items[0].picture, Some(PictureId::of(&png(1))));

    let renamed = r#"{"q": "Q?", "meta": {"a": "A", "file": "c.png"}, "sort": ["s"]}"#;
    let (all, _) = room
        .read_as("r.jsonl", renamed, |source| {
            if let ItemSource::File { fields, .. } = source {
                "q".clone_into(&mut fields.question);
                "meta.a".clone_into(&mut fields.answer);
                "meta.file".clone_into(&mut fields.image);
                "sort".clone_into(&mut fields.labels);
            }
        })
        .unwrap();
    let wanted = Item {
        id: "1".to_owned(),
        picture: Some(PictureId::of(&png(2))),
        ..item("Q?", "A", &["s"])
    };
    assert_eq!(all[0].0, wanted);
}

#[test]
fn what_makes_no_item_is_named_with_its_line() {
    let room = Room::with_pictures();
    let good = "{\"question\": \"Q\", \"answer\": \"A\"}\n\n";
    for (line, reason) in [
        ("[1]", "found an array where a JSON object"),
        ("{\"question\": }", "expected value in column 14"),
        ("{\"answer\": \"A\"}", "no text in the field `question`"),
        (r#"{"question": "Q"}"#, "no text in the field `answer`"),
        (r#"{"question": "Q", "answer": " "}"#, "the field `answer`"),
        (
            r#"{"question": "Q", "answer": "C", "options": ["a", "b"]}"#,
            "none of its options",
        ),
        (
            r#"{"question": "Q", "answer": "a", "options": "a"}"#,
            "no list `options`",
        ),
        (
            r#"{"question": "Q", "answer": "A", "image": ["a.png"]}"#,
            "its `image` is an array",
        ),
        (
            r#"{"question": "Q", "answer": "A", "image": ""}"#,
            "its `image` is empty",
        ),
        (
            r#"{"question": "Q", "answer": "A", "labels": [1]}"#,
            "its `labels` is neither",
        ),
        (
            r#"{"question": "Q", "answer": "A", "id": []}"#,
            "its `id` is neither",
        ),
        (r#"{"conversations": []}"#, "are empty"),
        (r#"{"conversations": 3}"#, "is a number and no list"),
        (
            r#"{"conversations": [{"from": "gpt", "value": "x"}]}"#,
            "turn 1 of its",
        ),
        (
            r#"{"conversations": [{"from": "human", "value": "x"}]}"#,
            "turn 1 of its",
        ),
        (
            r#"{"conversations": [{"from": "human", "value": " "}, {"from": "gpt", "value": "x"}]}"#,
            "asks nothing",
        ),
        (
            r#"{"conversations": [{"from": "human", "value": "x"}, {"from": "gpt", "value": "x"}, {"from": "gpt", "value": "x"}]}"#,
            "turn 2 of its",
        ),
    ] {
        let message = room.refused("q.jsonl", format!("{good}{line}\n"));
        assert!(message.starts_with("`q.jsonl` line 3: "), "{message}");
        assert!(message.contains(reason), "{message}");
    }
}

#[test]
fn what_is_wrong_in_a_list_is_named_with_its_entry() {
    let room = Room::with_pictures();
    let refused = |text: &str| room.refused("chat.json", text);
    let message = refused("[\n{\"question\": \"Q\", \"answer\": 1},\n\n  {\"question\": 1}]");
    assert_eq!(
        message,
        "`chat.json` entry 2 (line 4): it has no text in the field `question`"
    );
    assert!(refused("[3]").starts_with("`chat.json` entry 1 (line 1): found a number"));
    for text in [
        "{}",
        "",
        "[",
        "[{}",
        "[{\"question\": \"Q\", \"answer\": 1}]]",
        "[1,]",
    ] {
        let message = refused(text);
        assert!(
            message.starts_with("`chat.json` entry "),
            "{text}: {message}"
        );
    }
    let deep = format!("[{}", "[".repeat(100_000));
    assert!(refused(&deep).contains("recursion limit"));
    assert_eq!(
        refused("[]"),
        "`chat.json` has no items; there must be one or more"
    );
    assert!(room.refused("q.jsonl", "\n").contains("has no items"));
    assert_eq!(
        room.refused("q.csv.gz", "x"),
        "the name of `q.csv.gz` tells of no layout of items; it must end in `.json`, `.jsonl`, `.tsv` or `.tar`"
    );
}

#[test]
fn reading_stops_where_it_is_told_to() {
    let room = Room::with_pictures();
    // What comes after is not read.
    let path = room.put(
        "chat.json",
        format!("{}, nonsense", LIST.trim_end_matches(']')),
    );
    let source = ItemSource::File {
        path,
        pictures: Some(room.0.path().to_owned()),
        fields: Fields::default(),
        broken: Broken::Fatal,
        side: None,
    };
    let mut seen = 0;
    let stats = read_items(&source, &Limits::default(), &mut |_, _| {
        seen += 1;
        Ok(if seen == 2 {
            ControlFlow::Break(())
        } else {
            ControlFlow::Continue(())
        })
    });
    assert_eq!((seen, stats.unwrap().items), (2, 2));
}
