//! Files of lines, pictures and features: read as written, and refused when damaged.

use super::*;

#[test]
fn lines_are_read_as_written() {
    let mut options = item("Which\n\"one\"?", "dog", &["a", "b"]);
    options.options = vec!["cat".to_owned(), "dog".to_owned()];
    options.right = Some(1);
    options.picture = Some(PictureId::of(b"picture"));
    let mut turns = item("One\u{2028}line?", "é", &[]);
    turns.turns.push(Turn {
        question: "And?".to_owned(),
        answer: String::new(),
    });
    let items = [options, turns];
    let lines: String = items.iter().map(|item| item_line(item) + "\n").collect();
    assert_eq!(lines.lines().count(), 2);
    assert_eq!(read_item_lines(lines.as_bytes()).unwrap(), items);
    assert_eq!(
        item_line(&item("q", "a", &[])),
        r#"{"id":"q","turns":[{"question":"q","answer":"a"}]}"#
    );
    assert_eq!(read_item_lines(b"").unwrap(), []);
}

#[test]
fn lines_that_are_no_items_are_named() {
    let sound = item_line(&item("q", "a", &[]));
    let refused = |line: &str| {
        let text = format!("{sound}\n\n{line}\n");
        read_item_lines(text.as_bytes()).unwrap_err().to_string()
    };
    let turn = r#"{"question":"q","answer":"a"}"#;
    let cases = [
        ("{".to_owned(), "EOF"),
        ("[]".to_owned(), "line 3: "),
        (r#"{"id":"1","turns":[]}"#.to_owned(), "it has no turn"),
        (
            format!(r#"{{"id":"1","turns":[{turn}],"right":0}}"#),
            "no option of it",
        ),
        (
            format!(r#"{{"id":"1","turns":[{turn}],"options":["a","b"],"right":2}}"#),
            "no option of it",
        ),
        (
            format!(r#"{{"id":"1","turns":[{turn}],"options":["a","b"]}}"#),
            "no option of it",
        ),
        (
            format!(r#"{{"id":"1","turns":[{turn}],"options":["a","b"],"right":1}}"#),
            "not the right one",
        ),
        (
            format!(r#"{{"id":"1","turns":[{turn},{turn}],"options":["a","b"],"right":1}}"#),
            "not the right one",
        ),
        (
            format!(r#"{{"id":"1","turns":[{turn}],"labels":["b","a"]}}"#),
            "not sorted",
        ),
        (
            format!(r#"{{"id":"1","turns":[{turn}],"picture":"abc"}}"#),
            "64 hex digits",
        ),
    ];
    for (line, reason) in cases {
        let message = refused(&line);
        assert!(
            message.starts_with("not a file of items: line 3: "),
            "{message}"
        );
        assert!(message.contains(reason), "{message}");
    }
    assert!(read_item_lines(b"\xff").is_err());
}

fn pictures() -> (Vec<Vec<u8>>, Vec<u8>) {
    let all: Vec<Vec<u8>> = (0..7_u8).map(|at| vec![at * 3; usize::from(at)]).collect();
    let mut writer = PicturesWriter::new(Vec::new());
    for bytes in all.iter().chain(&all[2..4]) {
        writer.add(PictureId::of(bytes), bytes).unwrap();
    }
    let file = writer.finish().unwrap();
    (all, file)
}

#[test]
fn pictures_are_found_by_id() {
    let (all, file) = pictures();
    assert_eq!(file.len(), 21 + 7 * 64 + 36, "each once");
    let read = Pictures::new(&file).unwrap();
    assert_eq!((read.len(), read.is_empty()), (7, false));
    for bytes in &all {
        assert_eq!(read.get(PictureId::of(bytes)), Some(bytes.as_slice()));
    }
    assert_eq!(read.get(PictureId::of(b"other")), None);
    let ids: Vec<PictureId> = read.ids().collect();
    assert!(ids.is_sorted() && ids.len() == 7);
    let empty = PicturesWriter::new(Vec::new()).finish().unwrap();
    assert!(Pictures::new(&empty).unwrap().is_empty());

    let mut writer = PicturesWriter::new(Vec::new());
    let error = writer.add(PictureId::of(b"one"), b"other").unwrap_err();
    assert!(error.to_string().contains("another picture"), "{error}");
}

fn features() -> (Vec<(PictureId, Vec<f32>)>, Vec<u8>) {
    let numbers = |at: usize| (0..6).map(move |place| (at * 6 + place) as f32 / 8.0 - 2.0);
    let of = |at: usize| (PictureId::of(&[at as u8]), numbers(at).collect());
    let all: Vec<(PictureId, Vec<f32>)> = (0..5).map(of).collect();
    let mut writer = FeaturesWriter::new(Vec::new(), 2, 3);
    for (id, numbers) in all.iter().chain(&all[1..2]) {
        writer.add(*id, numbers).unwrap();
    }
    let file = writer.finish().unwrap();
    (all, file)
}

#[test]
fn features_are_kept_in_half_precision() {
    let (all, file) = features();
    assert_eq!(file.len(), 5 * 12 + 5 * 64 + 36);
    let read = Features::new(&file).unwrap();
    assert_eq!((read.vectors(), read.width(), read.len()), (2, 3, 5));
    for (id, numbers) in &all {
        assert_eq!(read.get(*id).as_ref(), Some(numbers));
    }
    assert_eq!(read.get(PictureId::of(b"other")), None);

    // Rounded to the nearest, ties to even: 11 bits are kept.
    let id = PictureId::of(b"");
    let mut writer = FeaturesWriter::new(Vec::new(), 1, 5);
    let numbers = [1.000_5, 2049.0, 2051.0, 65504.0, -1e-9];
    writer.add(id, &numbers).unwrap();
    let file = writer.finish().unwrap();
    let read = Features::new(&file).unwrap().get(id).unwrap();
    assert_eq!(read, [1.000_976_6, 2048.0, 2052.0, 65504.0, 0.0]);
}

#[test]
fn features_that_do_not_fit_are_refused() {
    let id = PictureId::of(b"");
    let refused = |numbers: &[f32]| {
        let mut writer = FeaturesWriter::new(Vec::new(), 1, 2);
        writer.add(id, numbers).unwrap_err().to_string()
    };
    assert!(refused(&[1.0]).contains("1 numbers and not 2"));
    assert!(refused(&[]).contains("0 numbers and not 2"));
    for number in [65520.0, f32::NAN, f32::INFINITY] {
        assert!(refused(&[0.0, number]).contains("half precision reaches"));
    }
    let mut none = FeaturesWriter::new(Vec::new(), 0, 4);
    assert!(none.add(id, &[]).is_err());
    let mut vast = FeaturesWriter::new(Vec::new(), usize::MAX, 2);
    assert!(vast.add(id, &[0.0]).is_err());
}
