//! Manifests made to harm: each is refused, set aside, and replaced by honest work.

#![allow(missing_docs, reason = "a test")]

use std::fs::{self, File};
use std::path::{Path, PathBuf};

use vpc_store::{Digest, Draft, ErrorKind, Store};

mod common;
use common::{key_of, say, works};

/// Puts the right seal on any content, as somebody with bad intent could.
fn sealed(body: &str) -> String {
    format!(
        "{{\"blake3\":\"{}\",\"manifest\":{body}}}\n",
        Digest::of(body.as_bytes())
    )
}

fn honest_body() -> String {
    let (key, digest) = (key_of(1), Digest::of(b"x"));
    format!(
        r#"{{"schema":1,"key":"{key}","step":null,"kind":"k","spec":null,"inputs":[],"labels":[],"metrics":null,"made":null,"files":{{"a":{{"digest":"{digest}","bytes":1}}}}}}"#
    )
}

fn fresh() -> (tempfile::TempDir, Store, PathBuf) {
    let folder = tempfile::tempdir().unwrap();
    let store = Store::open(&folder.path().join("s")).unwrap();
    let path = publish(&store);
    (folder, store, path)
}

fn publish(store: &Store) -> PathBuf {
    let mut attempt = store.attempt(key_of(1)).unwrap();
    attempt.write("a", b"x").unwrap();
    attempt
        .publish(Draft {
            kind: "k".into(),
            ..Draft::default()
        })
        .unwrap();
    let key = key_of(1).to_string();
    store
        .root()
        .join("jobs")
        .join(&key[..2])
        .join(format!("{key}.json"))
}

fn refused_and_healed(store: &Store, path: &Path, what: &str) {
    assert!(store.find(key_of(1)).unwrap().is_none(), "{what}");
    assert!(!path.exists(), "{what}");
    publish(store);
    assert!(store.find(key_of(1)).unwrap().is_some(), "{what}");
}

#[test]
fn the_honest_form_is_accepted() {
    let (_folder, store, path) = fresh();
    assert_eq!(fs::read_to_string(path).unwrap(), sealed(&honest_body()));
    assert!(store.find(key_of(1)).unwrap().is_some());
}

#[test]
fn hostile_texts_are_refused() {
    let (_folder, store, path) = fresh();
    let body = honest_body();
    let other = key_of(2).to_string();
    let many: Vec<String> = (0..20_000)
        .map(|n| format!(r#""f{n}":{{"digest":"{}","bytes":1}}"#, Digest::of(b"x")))
        .collect();
    let bodies = [
        String::new(),
        "null".into(),
        "[".repeat(1_000_000),
        r#"{"a":"#.repeat(200_000),
        body.replace("\"a\"", "\"../../escape\""),
        body.replace("\"a\"", "\"/etc/passwd\""),
        body.replace("\"a\"", "\"a\\u0000\""),
        body.replace("\"bytes\":1", "\"bytes\":-1"),
        body.replace("\"bytes\":1", "\"bytes\":1e3"),
        body.replace("\"bytes\":1", "\"bytes\":18446744073709551615"),
        body.replace("\"kind\":\"k\"", "\"kind\":7"),
        body.replace("\"labels\":[]", "\"labels\":{}"),
        body.replace("\"schema\":1", "\"schema\":\"1\""),
        body.replace("\"step\":null", "\"step\":3"),
        body.replace(&key_of(1).to_string(), &other),
        body.replace("\"made\":null", "\"made\":null,\"more\":1"),
        body.replace("\"made\":null", "\"made\":null,\"made\":1"),
        body.replace(
            "\"spec\":null",
            &format!("\"spec\":{}1{}", "[".repeat(90), "]".repeat(90)),
        ),
        body.replace("{\"a\":", &format!("{{{},\"a\":", many.join(","))),
    ];
    let texts: Vec<String> = bodies.iter().map(|body| sealed(body)).collect();
    let unsealed = [
        body,
        "\u{0}".repeat(4_096),
        sealed(&honest_body()).replace("k\"", "l\""),
    ];
    for text in texts.iter().chain(&unsealed) {
        fs::remove_file(&path).unwrap();
        fs::write(&path, text).unwrap();
        refused_and_healed(&store, &path, &text[..text.len().min(200)]);
    }
    say(&format!(
        "hostile manifests: {} refused and healed",
        texts.len() + unsealed.len()
    ));
}

#[test]
fn things_that_are_no_manifest_are_refused() {
    let (_folder, store, path) = fresh();
    fs::remove_file(&path).unwrap();
    File::create(&path).unwrap().set_len(1 << 40).unwrap();
    refused_and_healed(&store, &path, "a terabyte");
    fs::remove_file(&path).unwrap();
    fs::create_dir(&path).unwrap();
    refused_and_healed(&store, &path, "a folder");
    fs::remove_file(&path).unwrap();
    assert!(works("mkfifo", &[path.to_str().unwrap()]));
    refused_and_healed(&store, &path, "a pipe");
}

#[test]
fn a_newer_manifest_is_neither_used_nor_moved() {
    let (_folder, store, path) = fresh();
    fs::remove_file(&path).unwrap();
    fs::write(&path, sealed(r#"{"schema":2,"unknown":true}"#)).unwrap();
    assert_eq!(
        store.find(key_of(1)).unwrap_err().kind(),
        ErrorKind::NewerFormat
    );
    assert!(path.exists());
    assert!(store.damage().is_empty());
}
