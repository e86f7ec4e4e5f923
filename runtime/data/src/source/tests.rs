//! Sources: every rule of cutting, every message.

use std::fs;
use std::io::Write;
use std::ops::ControlFlow;
use std::path::{Path, PathBuf};

use proptest::prelude::*;

use super::{Source, read_documents, visit};
use crate::limits::{LINE_BYTES, TEXT_DOCUMENT_BYTES, TEXT_DOCUMENT_MOST_BYTES};

fn read(source: &Source) -> Result<Vec<String>, String> {
    let mut all = Vec::new();
    read_documents(source, &mut |document| {
        all.push(document.to_owned());
        Ok(())
    })
    .map_err(|error| error.to_string())?;
    Ok(all)
}

/// A folder for one test, and the words that stand for it in messages.
struct Room(tempfile::TempDir);

impl Room {
    fn new() -> Self {
        Self(tempfile::tempdir().unwrap())
    }

    fn put(&self, name: &str, bytes: &[u8]) -> PathBuf {
        let path = self.0.path().join(name);
        fs::write(&path, bytes).unwrap();
        path
    }

    fn text(&self, name: &str, bytes: &[u8]) -> Result<Vec<String>, String> {
        let path = self.put(name, bytes);
        read(&Source::Text { path }).map_err(|error| self.plain(&error))
    }

    fn jsonl(&self, name: &str, bytes: &[u8], fields: &[&str]) -> Result<Vec<String>, String> {
        let path = self.put(name, bytes);
        read(&jsonl(&path, fields)).map_err(|error| self.plain(&error))
    }

    fn plain(&self, message: &str) -> String {
        message.replace(&format!("{}/", self.0.path().display()), "")
    }
}

fn jsonl(path: &Path, fields: &[&str]) -> Source {
    let fields = fields.iter().map(|field| (*field).to_owned()).collect();
    Source::Jsonl {
        path: path.to_owned(),
        fields,
        join: "\n\n".to_owned(),
        labels: Some("labels".to_owned()),
    }
}

fn gzip(bytes: &[u8]) -> Vec<u8> {
    let mut encoder = flate2::write::GzEncoder::new(Vec::new(), flate2::Compression::fast());
    encoder.write_all(bytes).unwrap();
    encoder.finish().unwrap()
}

fn error(result: Result<Vec<String>, String>) -> String {
    result.unwrap_err()
}

#[test]
fn a_short_text_is_one_document_without_its_line_endings() {
    let room = Room::new();
    let bytes = "\u{feff}\r\n\r\none\r\ntwo\r\n \t\r\n\r\nthree\r\n\r\n".as_bytes();
    assert_eq!(room.text("a.txt", bytes).unwrap(), ["one\ntwo\n\nthree"]);
}

#[test]
fn text_is_cut_at_the_first_blank_line_after_two_kibibytes() {
    let room = Room::new();
    let paragraph = "x".repeat(1000);
    let text = [paragraph.as_str(); 7].join("\n\n");
    let lengths: Vec<_> = room
        .text("a.txt", text.as_bytes())
        .unwrap()
        .iter()
        .map(String::len)
        .collect();
    assert_eq!(lengths, [3004, 3004, 1000]);
    assert!(lengths[0] >= TEXT_DOCUMENT_BYTES);
}

#[test]
fn text_without_blank_lines_is_cut_at_a_line() {
    let room = Room::new();
    let line = format!("{}\n", "y".repeat(999));
    let documents = room.text("a.txt", line.repeat(2000).as_bytes()).unwrap();
    let lengths: Vec<_> = documents.iter().map(String::len).collect();
    assert_eq!(lengths.len(), 2);
    assert!((TEXT_DOCUMENT_MOST_BYTES..TEXT_DOCUMENT_MOST_BYTES + 1000).contains(&lengths[0]));
}

#[test]
fn compressed_files_read_as_plain_ones() {
    let room = Room::new();
    let plain = b"{\"text\": \"one\"}\r\n\n{\"text\": \"two\"}".as_slice();
    let zstd = zstd::encode_all(plain, 1).unwrap();
    let wanted = room.jsonl("a.jsonl", plain, &["text"]).unwrap();
    assert_eq!(wanted, ["one", "two"]);
    assert_eq!(
        room.jsonl("a.jsonl.gz", &gzip(plain), &["text"]).unwrap(),
        wanted
    );
    assert_eq!(room.jsonl("a.jsonl.zst", &zstd, &["text"]).unwrap(), wanted);
    let members = [
        gzip(b"{\"text\": \"one\"}\n"),
        gzip(b"{\"text\": \"two\"}\n"),
    ]
    .concat();
    assert_eq!(
        room.jsonl("b.jsonl.gz", &members, &["text"]).unwrap(),
        wanted
    );
    let frames = [
        zstd::encode_all(&b"one"[..], 1).unwrap(),
        zstd::encode_all(&b" two"[..], 1).unwrap(),
    ];
    assert_eq!(
        room.text("b.txt.zst", &frames.concat()).unwrap(),
        ["one two"]
    );
}

#[test]
fn fields_are_joined_and_dots_reach_inside() {
    let room = Room::new();
    let line = br#"{"title": "T", "body": {"text": "B"}, "a.b": "D", "a": {"b": "no"}}"#;
    assert_eq!(
        room.jsonl("a.jsonl", line, &["title", "body.text", "a.b"])
            .unwrap(),
        ["T\n\nB\n\nD"]
    );
}

#[test]
fn jsonl_messages_name_file_line_and_remedy() {
    let room = Room::new();
    let say = |bytes: &[u8]| error(room.jsonl("a.jsonl", bytes, &["text"]));
    assert_eq!(
        say(b"{\"text\": \"x\"}\n\n{\"text\": }\n"),
        "`a.jsonl` line 3, column 10: expected value; each line must be one JSON object"
    );
    assert_eq!(
        say(b"[1]"),
        "`a.jsonl` line 1: found an array where a JSON object is needed, such as `{\"text\": \"…\"}`"
    );
    assert_eq!(
        say(b"{\"title\": 1, \"body\": 2}"),
        "`a.jsonl` line 1: no field `text`; its fields are `body`, `title`"
    );
    assert_eq!(
        say(b"{\"body\": 2}"),
        "`a.jsonl` line 1: no field `text`; its only field is `body`"
    );
    assert_eq!(
        say(b"{}"),
        "`a.jsonl` line 1: no field `text`; the object is empty"
    );
    assert_eq!(
        say(b"{\"text\": null}"),
        "`a.jsonl` line 1: field `text` is null where a string is needed"
    );
    assert_eq!(
        say(b"{\"text\": \"x\"}\n{\"text\": \"ab\xff\"}"),
        "`a.jsonl` line 2: byte 13 of the line is not valid UTF-8; convert the file to UTF-8"
    );
    assert_eq!(
        error(room.jsonl("a.jsonl", b"{}", &[])),
        "`a.jsonl`: no field is named; name the fields that hold the text, such as `text`"
    );
}

#[test]
fn labels_are_a_list_a_word_or_missing() {
    let room = Room::new();
    let lines = br#"{"text": "one", "labels": ["code", "math"]}
{"text": "two", "labels": "code"}
{"text": "three"}
{"text": "four", "labels": null}
{"text": "five", "labels": []}"#;
    let source = jsonl(&room.put("a.jsonl", lines), &["text"]);
    let mut found = Vec::new();
    visit(&source, &mut |document| {
        found.push(format!("{}: {}", document.text, document.labels.join("+")));
        Ok(ControlFlow::Continue(()))
    })
    .unwrap();
    assert_eq!(
        found,
        ["one: code+math", "two: code", "three: ", "four: ", "five: "]
    );
}

#[test]
fn labels_of_another_kind_are_named() {
    let room = Room::new();
    let say = |labels: &str| {
        let lines = format!("{{\"text\": \"x\"}}\n{{\"text\": \"x\", \"labels\": {labels}}}\n");
        error(room.jsonl("a.jsonl", lines.as_bytes(), &["text"]))
    };
    assert_eq!(
        say("3"),
        "`a.jsonl` line 2: field `labels` is a number where labels are needed; write a string such as `\"code\"`, or an array of strings"
    );
    for (labels, found) in [
        ("{}", "is an object where"),
        ("true", "is a boolean where"),
        ("[\"a\", 3]", "is an array with a number in it where"),
        ("[[\"a\"]]", "is an array with an array in it where"),
    ] {
        assert!(say(labels).contains(found), "{}", say(labels));
    }
}

#[test]
fn empty_sources_are_named() {
    let room = Room::new();
    let wanted = "`a.txt` has no documents; every document in it is empty or there is none";
    assert_eq!(error(room.text("a.txt", b"")), wanted);
    assert_eq!(error(room.text("a.txt", b" \r\n\n")), wanted);
    let wanted = "`a.jsonl` has no documents; every document in it is empty or there is none";
    assert_eq!(
        error(room.jsonl("a.jsonl", b"{\"text\": \" \"}", &["text"])),
        wanted
    );
}

#[test]
fn unreadable_files_are_named() {
    let room = Room::new();
    let path = room.0.path().join("none.txt");
    let missing = error(read(&Source::Text { path }));
    assert_eq!(
        room.plain(&missing),
        "`none.txt` does not exist; check the path"
    );
    let folder = error(read(&Source::Text {
        path: room.0.path().to_owned(),
    }));
    assert!(
        folder.starts_with("cannot read `") && folder.contains("directory"),
        "{folder}"
    );
}

#[test]
fn damaged_compression_is_named() {
    let room = Room::new();
    let text: Vec<u8> = (0..200_000_u32)
        .flat_map(|n| (n.wrapping_mul(2_654_435_761) % 64 + 32).to_le_bytes())
        .collect();
    let text: Vec<u8> = text.into_iter().filter(|byte| *byte != 0).collect();
    let (gz, zst) = (gzip(&text), zstd::encode_all(&text[..], 1).unwrap());
    assert_eq!(
        error(room.text("a.txt.gz", &gz[..gz.len() / 2])),
        "`a.txt.gz` ends in the middle of its gzip data; copy or download it again"
    );
    assert_eq!(
        error(room.text("a.txt.zst", &zst[..zst.len() / 2])),
        "`a.txt.zst` ends in the middle of its zstd data; copy or download it again"
    );
    assert_eq!(
        error(room.text("a.txt.gz", b"plain text, not gzip")),
        "`a.txt.gz` is not valid gzip data (invalid gzip header); check that its ending tells the truth"
    );
    assert_eq!(
        error(room.text("a.txt.zst", b"plain text, not zstd")),
        "`a.txt.zst` is not valid zstd data (Unknown frame descriptor); check that its ending tells the truth"
    );
}

#[test]
fn a_line_beyond_the_limit_is_an_error() {
    let room = Room::new();
    let mut bytes = b"short\n".to_vec();
    bytes.resize(LINE_BYTES + 6, b'z');
    bytes.extend_from_slice(b"\r\n");
    assert_eq!(room.text("a.txt", &bytes).unwrap().len(), 1);
    bytes.insert(6, b'z');
    assert_eq!(
        error(room.text("a.txt", &bytes)),
        "`a.txt` line 2: longer than 64 MiB; break it into several lines"
    );
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(64))]

    #[test]
    fn no_bytes_make_reading_panic(bytes in proptest::collection::vec(any::<u8>(), 0..400)) {
        let room = Room::new();
        for name in ["a.txt", "a.gz", "a.zst"] {
            let _ = room.text(name, &bytes);
            let _ = room.jsonl(name, &bytes, &["text"]);
        }
    }

    #[test]
    fn text_keeps_every_visible_character(text in "[a-c \n]{0,6000}") {
        let room = Room::new();
        let visible = |text: &str| text.split_whitespace().collect::<String>();
        let documents = room.text("a.txt", text.as_bytes()).unwrap_or_default();
        prop_assert_eq!(visible(&documents.concat()), visible(&text));
        for document in documents.iter().rev().skip(1) {
            prop_assert!(document.len() >= TEXT_DOCUMENT_BYTES);
        }
    }
}
