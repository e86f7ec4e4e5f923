//! Archives as webdataset keeps them, sound and made to harm.

use tar::{Builder, EntryType, Header};

use super::*;
use crate::world::Split;

/// A name and a content.
type Member<'m> = (&'m str, &'m [u8]);

fn tar(members: &[Member<'_>]) -> Vec<u8> {
    let mut builder = Builder::new(Vec::new());
    for (name, content) in members {
        let mut header = Header::new_gnu();
        header.set_size(content.len() as u64);
        header.set_mode(0o644);
        builder.append_data(&mut header, name, *content).unwrap();
    }
    builder.into_inner().unwrap()
}

/// One member whose header says what it likes.
fn with_header(change: impl FnOnce(&mut Header)) -> Vec<u8> {
    let mut header = Header::new_gnu();
    header.set_path("one.png").unwrap();
    header.set_mode(0o644);
    header.set_size(0);
    change(&mut header);
    header.set_cksum();
    let mut bytes = header.as_bytes().to_vec();
    bytes.extend([0; 1024]);
    bytes
}

const ASKED: &[u8] = br#"{"question": "Which?", "answer": "dog", "options": ["cat", "dog"], "image": "/old/name.jpg"}"#;
const SAID: &[u8] = br#"{"id": "said", "image": "x", "labels": "talk", "conversations": [
    {"from": "human", "value": "<image>\nWhat?"}, {"from": "gpt", "value": "A."}]}"#;

#[test]
fn members_are_grouped_into_items() {
    let room = Room::new();
    let pictures = [png(0), png(1), png(2), png(3)];
    let archive = tar(&[
        ("set/0.a.b/0001.PNG", &pictures[0]),
        ("set/0.a.b/0001.json", ASKED),
        ("set/0.a.b/0001.seg.txt", b"not read"),
        ("0002.json", SAID),
        ("0002.webp", &pictures[1]),
        ("._0003.png", b"not read"),
        ("0003.txt", b"A red cup.\n"),
        ("0003.json", br#"{"width": 3, "labels": ["wide"]}"#),
        ("0003.png", &pictures[2]),
        ("0004.cls", b"7"),
        ("0004.jpg", &pictures[3]),
        (
            "0005.json",
            br#"{"question": "Why?", "answer": "So.", "image": "none.png"}"#,
        ),
    ]);
    let items = room.read("set.tar", &archive);
    let wanted = [
        Item {
            id: "set/0.a.b/0001".to_owned(),
            options: vec!["cat".to_owned(), "dog".to_owned()],
            right: Some(1),
            picture: Some(PictureId::of(&pictures[0])),
            ..item("Which?", "dog", &[])
        },
        Item {
            id: "said".to_owned(),
            picture: Some(PictureId::of(&pictures[1])),
            ..item("What?", "A.", &["talk"])
        },
        Item {
            id: "0003".to_owned(),
            picture: Some(PictureId::of(&pictures[2])),
            ..item("Describe the picture.", "A red cup.", &["wide"])
        },
        Item {
            id: "0004".to_owned(),
            picture: Some(PictureId::of(&pictures[3])),
            ..item("What does the picture show?", "7", &["7"])
        },
        Item {
            id: "0005".to_owned(),
            ..item("Why?", "So.", &[])
        },
    ];
    assert_eq!(items, wanted);
    let packed = zstd::encode_all(archive.as_slice(), 1).unwrap();
    assert_eq!(room.read("set.tar.zst", packed), wanted);
    assert_eq!(
        fs::read_dir(room.0.path()).unwrap().count(),
        2,
        "nothing is unpacked"
    );
}

#[test]
fn plain_captions_are_on_sides_by_picture() {
    let room = Room::new();
    let pictures: Vec<Vec<u8>> = (0..60).map(png).collect();
    let names: Vec<[String; 2]> = (0..60)
        .map(|at| [format!("{at}.png"), format!("{at}.txt")])
        .collect();
    let members = names.iter().zip(&pictures).flat_map(|([png, txt], bytes)| {
        [(png.as_str(), bytes.as_slice()), (txt.as_str(), b"A cup.")]
    });
    let archive = tar(&members.collect::<Vec<_>>());
    let count = |split| {
        let on = |source: &mut ItemSource| {
            if let ItemSource::File { side, .. } = source {
                *side = Some(Side {
                    held_out: (1, 2),
                    split,
                });
            }
        };
        room.read_as("set.tar", &archive, on).unwrap().0.len()
    };
    let (train, test) = (count(Split::Train), count(Split::Test));
    assert_eq!(train + test, 60);
    assert!((15..45).contains(&test), "{test}");
}

/// A member of any name, which the library would not write.
fn named(name: &str, content: &[u8]) -> Vec<u8> {
    let mut bytes = with_header(|header| {
        header.as_old_mut().name[..9].fill(0);
        header.as_old_mut().name[..name.len()].copy_from_slice(name.as_bytes());
        header.set_size(content.len() as u64);
    });
    bytes.truncate(512);
    bytes.extend(content);
    bytes.resize(bytes.len().next_multiple_of(512), 0);
    bytes
}

#[test]
fn names_lead_nowhere() {
    let room = Room::new();
    for key in ["../../up", "/etc/up", "a/../b"] {
        let members = [("png", png(1)), ("txt", b"A cup.".to_vec())];
        let members = members.map(|(ending, content)| named(&format!("{key}.{ending}"), &content));
        let items = room.read("set.tar", members.concat());
        assert_eq!((items.len(), items[0].id.as_str()), (1, key));
        let there = fs::read_dir(room.0.path()).unwrap();
        assert_eq!(there.count(), 1, "the archive alone");
    }
}

#[test]
fn bad_members_are_named() {
    let room = Room::new();
    let picture = png(1);
    let cases: [(&[Member<'_>], &str); 9] = [
        (&[("1.png", &picture)], "member `1`: it says nothing"),
        (&[("1.txt", b"x")], "member `1`: it has no picture"),
        (
            &[("1.png", &picture), ("1.jpg", &picture)],
            "member `1.jpg`: `1` has two such members",
        ),
        (
            &[("1.json", b"[]")],
            "member `1.json`: it is no JSON object",
        ),
        (
            &[("1.txt", b"\xff")],
            "member `1.txt`: it is not valid UTF-8",
        ),
        (&[("1.txt", b" \n")], "member `1.txt`: it is empty"),
        (
            &[("1.png", b"x"), ("1.txt", b"x")],
            "member `1`: the picture `1.png` cannot be used",
        ),
        (&[("1.png", &bomb()), ("1.txt", b"x")], "which is more than"),
        (
            &[
                ("1.png", &picture),
                ("1.txt", b"x"),
                ("2.png", &picture),
                ("2.txt", b"x"),
                ("1.json", ASKED),
            ],
            "member `1.json`: other members of `1` stand further up",
        ),
    ];
    for (members, reason) in cases {
        let message = room.refused("set.tar", tar(members));
        assert!(message.starts_with("`set.tar` member `"), "{message}");
        assert!(message.contains(reason), "{message}");
    }
    for kind in [EntryType::Symlink, EntryType::Link, EntryType::Fifo] {
        let message = room.refused("set.tar", with_header(|header| header.set_entry_type(kind)));
        assert!(
            message.contains("member `one.png`: it is no plain file"),
            "{kind:?}: {message}"
        );
    }
    let vast = with_header(|header| header.set_size((64 << 20) + 1));
    assert!(room.refused("set.tar", vast).contains("more than 64 MiB"));
    let cut = with_header(|header| header.set_size(5000));
    assert!(room.refused("set.tar", cut).contains("ends in it"));
    assert!(
        room.refused("set.tar", b"no archive".repeat(100))
            .contains("no tar archive")
    );
    assert!(room.refused("set.tar", b"").contains("has no items"));
    assert!(room.refused("set.tar", [0; 1024]).contains("has no items"));
}

#[test]
fn harmed_archives_are_refused_or_read() {
    let room = Room::new();
    let sound = tar(&[("1.png", &png(1)), ("1.txt", b"A cup."), ("2.json", ASKED)]);
    let (mut refused, mut read) = (0, 0);
    let mut state = 1_u64;
    for _ in 0..400 {
        let mut bytes = sound.clone();
        for _ in 0..2 {
            state = state
                .wrapping_mul(6_364_136_223_846_793_005)
                .wrapping_add(1);
            let at = (state >> 33) as usize % bytes.len();
            bytes[at] ^= 1 << (state >> 61);
        }
        if state.is_multiple_of(3) {
            bytes.truncate((state >> 40) as usize % bytes.len());
        }
        match room.read_as("set.tar", &bytes, skip) {
            Ok(_) => read += 1,
            Err(_) => refused += 1,
        }
    }
    assert!(refused > 50 && read > 50, "{refused} refused, {read} read");
}
