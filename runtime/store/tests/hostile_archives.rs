//! Hostile, cut and flipped archives: refused with nothing done, or without effect.

#![allow(missing_docs, reason = "a test")]

use std::fs;
use std::io::{Read, Write};

use serde_json::{Value, json};
use tar::{Builder, EntryType, Header};
use vpc_store::{Archive, Digest, ErrorKind};

mod common;
use common::archives::{archive, files_of, import, refused, sound};
use common::{Dice, key_of, nightly, say};

#[test]
fn cut_archives_are_refused_and_going_on_is_whole() {
    let folder = tempfile::tempdir_in("/dev/shm")
        .or_else(|_| tempfile::tempdir())
        .unwrap();
    let whole = fs::read(archive(folder.path())).unwrap();
    let step = if nightly() { 7 } else { whole.len() / 60 };
    let mut cuts = 0;
    for length in (0..whole.len())
        .step_by(step.max(1))
        .chain([whole.len() - 1])
    {
        refused(folder.path(), &whole[..length], &format!("cut at {length}"));
        cuts += 1;
    }
    say(&format!("archives: {cuts} of {cuts} cuts refused"));
}

#[test]
fn flipped_bits_are_noticed_or_without_effect() {
    let folder = tempfile::tempdir_in("/dev/shm")
        .or_else(|_| tempfile::tempdir())
        .unwrap();
    let whole = fs::read(archive(folder.path())).unwrap();
    let origin = files_of(&folder.path().join("origin"));
    let (mut dice, mut noticed) = (Dice(3), 0);
    let rounds = if nightly() { 3_000 } else { 150 };
    for round in 0..rounds {
        let mut bytes = whole.clone();
        let bit = dice.roll(bytes.len() as u64 * 8) as usize;
        bytes[bit / 8] ^= 1 << (bit % 8);
        let (file, root) = (folder.path().join("hostile"), folder.path().join("s"));
        fs::write(&file, bytes).unwrap();
        match import(&root, &file) {
            Err(error) => {
                assert_eq!(error.kind(), ErrorKind::Use, "{round}: {error}");
                noticed += 1;
            }
            Ok(_) => assert_eq!(files_of(&root), origin, "bit {bit}"),
        }
        sound(&root, &format!("bit {bit}"));
        let _ = fs::remove_dir_all(&root);
    }
    say(&format!(
        "archives: {noticed} of {rounds} flipped bits noticed, the others without effect"
    ));
    assert!(noticed * 100 >= rounds * 95);
}

/// A member: its header and content.
type Member = (Header, Vec<u8>);

fn members(archive: &[u8]) -> Vec<Member> {
    let tar = zstd::decode_all(archive).unwrap();
    let mut tar = tar::Archive::new(&tar[..]);
    let entries = tar.entries().unwrap();
    entries
        .map(|entry| {
            let mut entry = entry.unwrap();
            let mut content = Vec::new();
            entry.read_to_end(&mut content).unwrap();
            (entry.header().clone(), content)
        })
        .collect()
}

fn packed(members: &[Member]) -> Vec<u8> {
    let mut tar = Builder::new(Vec::new());
    for (header, content) in members {
        tar.append(header, &content[..]).unwrap();
    }
    zstd::encode_all(&tar.into_inner().unwrap()[..], 1).unwrap()
}

fn sealed(word: &str, body: &str) -> Vec<u8> {
    let digest = Digest::of(body.as_bytes());
    format!("{{\"blake3\":\"{digest}\",\"{word}\":{body}}}\n").into_bytes()
}

/// The archive with another index.
fn indexed(members: &[Member], change: impl FnOnce(&mut Value)) -> Vec<u8> {
    let mut index: Value = serde_json::from_slice(&members[0].1).unwrap();
    change(&mut index["archive"]);
    let text = sealed("archive", &index["archive"].to_string());
    let mut all = members.to_vec();
    all[0].0.set_size(text.len() as u64);
    all[0].0.set_cksum();
    all[0].1 = text;
    packed(&all)
}

fn renamed(header: &Header, name: &[u8]) -> Header {
    let mut header = header.clone();
    let field = &mut header.as_old_mut().name;
    field.fill(0);
    field[..name.len()].copy_from_slice(name);
    header.set_cksum();
    header
}

#[test]
fn hostile_members_are_refused() {
    let folder = tempfile::tempdir().unwrap();
    let good = fs::read(archive(folder.path())).unwrap();
    let members = members(&good);
    // Packed again by hand, it is taken: the others fail for what is changed in them.
    fs::write(folder.path().join("again"), packed(&members)).unwrap();
    import(&folder.path().join("fine"), &folder.path().join("again")).unwrap();
    let mut tried = 0;
    let mut refuse = |what: &str, members: &[Member]| {
        refused(folder.path(), &packed(members), what);
        tried += 1;
    };
    // Every place, so that texts, manifests and files all have their turn.
    for at in 0..members.len() {
        let with = |member: Member| {
            let mut all = members.clone();
            all[at] = member;
            all
        };
        let (header, content) = &members[at];
        for name in [&b"../evil"[..], b"/tmp/evil", b"evil", b"./index.json", b""] {
            refuse(
                "another name",
                &with((renamed(header, name), content.clone())),
            );
        }
        for kind in [
            EntryType::Symlink,
            EntryType::Link,
            EntryType::Char,
            EntryType::Block,
            EntryType::Fifo,
            EntryType::Directory,
            EntryType::GNUSparse,
        ] {
            let mut header = header.clone();
            header.set_entry_type(kind);
            let _ = header.set_link_name("../evil");
            header.set_cksum();
            refuse("another kind", &with((header, content.clone())));
        }
        let mut mode = header.clone();
        mode.set_mode(0o4755);
        mode.set_cksum();
        refuse("another mode", &with((mode, content.clone())));
        for kind in [
            EntryType::XHeader,
            EntryType::XGlobalHeader,
            EntryType::GNULongName,
        ] {
            let record = b"19 path=../../evil\n11 size=1\n".to_vec();
            let mut header = Header::new_ustar();
            header.set_path("pax").unwrap();
            header.set_entry_type(kind);
            header.set_size(record.len() as u64);
            header.set_cksum();
            let mut all = members.clone();
            all.insert(at, (header, record));
            refuse("an extension", &all);
        }
        let mut all = members.clone();
        all.insert(at, members[at].clone());
        refuse("a member twice", &all);
        let mut all = members.clone();
        all.remove(at);
        refuse("a member missing", &all);
        let mut long = content.clone();
        long.push(0);
        let mut header = header.clone();
        header.set_size(long.len() as u64);
        header.set_cksum();
        refuse("a member that is longer", &with((header, long)));
        if let Some(first) = content.first() {
            let mut other = content.clone();
            other[0] = first ^ 1;
            refuse("another content", &with((members[at].0.clone(), other)));
        }
    }
    let mut all = members.clone();
    all.push((renamed(&members[1].0, b"texts/9"), members[1].1.clone()));
    refuse("a member more", &all);
    say(&format!(
        "archives: {tried} of {tried} hostile tars refused"
    ));
}

#[test]
fn hostile_indices_are_refused() {
    let folder = tempfile::tempdir().unwrap();
    let members = members(&fs::read(archive(folder.path())).unwrap());
    let refuse = |change: &dyn Fn(&mut Value), word: &str| {
        let error = refused(folder.path(), &indexed(&members, change), word);
        assert!(error.contains(word), "{error} does not say {word}");
    };
    for path in [
        "../evil",
        "/tmp/evil",
        "a/../../evil",
        ".hidden",
        "",
        "a\u{1b}b",
    ] {
        refuse(
            &|index| index["texts"][0]["path"] = path.into(),
            "cannot name",
        );
        refuse(
            &|index| index["results"][0]["path"] = path.into(),
            "cannot name",
        );
    }
    refuse(&|index| index["schema"] = 2.into(), "schema 2");
    refuse(&|index| index["more"] = 1.into(), "unknown field");
    refuse(&|index| index["study"] = "x.vp".into(), "lacks its study");
    refuse(
        &|index| index["record"]["name"] = "../..".into(),
        "cannot name",
    );
    refuse(
        &|index| index["record"]["file"] = "\u{1b}[2J".into(),
        "control",
    );
    refuse(
        &|index| index["texts"][0]["bytes"] = (1_u64 << 40).into(),
        "too many",
    );
    refuse(
        &|index| index["jobs"][0]["bytes"] = (1_u64 << 40).into(),
        "too many",
    );
    refuse(&|index| index["texts"][0]["bytes"] = (-1).into(), "damaged");
    for list in ["texts", "jobs", "blobs"] {
        let twice = |index: &mut Value| {
            let first = index[list][0].clone();
            index[list].as_array_mut().unwrap().push(first);
        };
        refuse(&twice, "twice");
    }
    let none = |index: &mut Value| index["blobs"] = json!([]);
    refuse(&none, "lacks a file");
    let other = |index: &mut Value| index["jobs"][0]["key"] = key_of(9).to_string().into();
    refuse(&other, "something else");
    // Its own seal.
    let mut all = members.clone();
    all[0].1[200] ^= 1;
    let error = refused(folder.path(), &packed(&all), "seal");
    assert!(error.contains("index is damaged"), "{error}");
}

#[test]
fn bombs_and_other_files_are_refused() {
    let folder = tempfile::tempdir().unwrap();
    let file = archive(folder.path());
    let good = fs::read(&file).unwrap();
    let refuse = |bytes: &[u8], word: &str| {
        let error = refused(folder.path(), bytes, word);
        assert!(error.contains(word), "{error} does not say {word}");
    };
    refuse(b"", "ends too early");
    refuse(
        b"not an archive at all, but long enough for a header",
        "cannot be unpacked",
    );
    refuse(&zstd::encode_all(&[0; 4096][..], 1).unwrap(), "no archive");
    refuse(
        &zstd::encode_all(&[b'x'; 4096][..], 1).unwrap(),
        "no archive",
    );
    refuse(&[&good[..], b"more"].concat(), "cannot be unpacked");
    let more = zstd::encode_all(&b"more"[..], 1).unwrap();
    refuse(&[&good[..], &more].concat(), "goes on after its end");
    // An index of half a gigabyte of blanks, in a few kilobytes.
    let blank = 512 << 20;
    let mut header = members(&good)[0].0.clone();
    header.set_size(blank);
    header.set_cksum();
    let mut bomb = zstd::Encoder::new(Vec::new(), 1).unwrap();
    bomb.write_all(header.as_bytes()).unwrap();
    std::io::copy(&mut std::io::repeat(b' ').take(blank), &mut bomb).unwrap();
    refuse(&bomb.finish().unwrap(), "times its size");
    // A window that would take half a gigabyte of memory.
    let mut wide = zstd::Encoder::new(Vec::new(), 1).unwrap();
    wide.window_log(29).unwrap();
    wide.long_distance_matching(true).unwrap();
    std::io::copy(&mut std::io::repeat(b' ').take(1 << 20), &mut wide).unwrap();
    refuse(&wide.finish().unwrap(), "cannot be unpacked");
    assert!(Archive::open(folder.path()).is_err());
    assert!(Archive::open(&folder.path().join("nowhere")).is_err());
}
