//! The text of a manifest, or of a record: JSON sealed with the digest of its own bytes.
//!
//! `{"blake3":"<64 digits>","manifest":<body>}` and a line feed. Every byte is either fixed, or
//! part of the digest, or covered by it, so that any flipped bit shows. Records of other kinds
//! have their own word in place of `manifest`.

use serde::de::DeserializeOwned;
use serde::{Deserialize, Serialize};

use crate::limits::{MANIFEST_SCHEMA, MAX_FILES, MAX_JSON_DEPTH, MAX_MANIFEST_BYTES};
use crate::name::check_name;
use crate::{Digest, Manifest, StoreError};

const HEAD: &[u8] = b"{\"blake3\":\"";
const TAIL: &[u8] = b"}\n";
const DIGITS: usize = 64;
const MANIFEST: &str = "manifest";

/// What is wrong with a sealed text.
#[derive(Debug, PartialEq, Eq)]
pub(crate) enum Flaw {
    /// It was altered or never was a manifest.
    Damaged(String),
    /// It was written by a later version.
    Newer(u64),
}

#[derive(Deserialize)]
struct Probe {
    schema: u64,
}

/// Writes a manifest and seals it.
pub(crate) fn encode(manifest: &Manifest) -> Result<Vec<u8>, StoreError> {
    within(
        "the number of files of one job",
        manifest.files.len() as u64,
        MAX_FILES as u64,
    )?;
    manifest
        .files
        .keys()
        .try_for_each(|name| check_name(name))?;
    let body = serde_json::to_vec(manifest)
        .map_err(|error| StoreError::damaged("manifest".as_ref(), error.to_string()))?;
    within(
        "the nesting of a manifest",
        depth(&body) as u64,
        MAX_JSON_DEPTH as u64,
    )?;
    let text = seal(MANIFEST, &body);
    within("a manifest in bytes", text.len() as u64, MAX_MANIFEST_BYTES)?;
    Ok(text)
}

/// Checks the seal and reads the manifest.
pub(crate) fn decode(text: &[u8]) -> Result<Manifest, Flaw> {
    let manifest = decode_as(MANIFEST, MANIFEST_SCHEMA, text)?;
    check(&manifest)?;
    Ok(manifest)
}

/// Writes a record under its word and seals it.
pub(crate) fn encode_as(word: &str, record: &impl Serialize) -> Result<Vec<u8>, StoreError> {
    let body = serde_json::to_vec(record)
        .map_err(|error| StoreError::damaged(word.as_ref(), error.to_string()))?;
    Ok(seal(word, &body))
}

/// Checks the seal of a record of this word, and reads it where its schema is known.
pub(crate) fn decode_as<T: DeserializeOwned>(
    word: &str,
    newest: u32,
    text: &[u8],
) -> Result<T, Flaw> {
    let body = unseal(word, text).ok_or_else(|| flaw("its content does not match its digest"))?;
    if depth(body) > MAX_JSON_DEPTH {
        return Err(flaw("it is nested too deeply"));
    }
    let probe: Probe = serde_json::from_slice(body).map_err(|error| flaw(&error.to_string()))?;
    if probe.schema > u64::from(newest) {
        return Err(Flaw::Newer(probe.schema));
    }
    serde_json::from_slice(body).map_err(|error| flaw(&error.to_string()))
}

fn seal(word: &str, body: &[u8]) -> Vec<u8> {
    let digest = Digest::of(body).to_string();
    [HEAD, digest.as_bytes(), &middle(word), body, TAIL].concat()
}

fn unseal<'t>(word: &str, text: &'t [u8]) -> Option<&'t [u8]> {
    let (digits, rest) = text.strip_prefix(HEAD)?.split_at_checked(DIGITS)?;
    let body = rest.strip_prefix(&middle(word)[..])?.strip_suffix(TAIL)?;
    (Digest::of(body).to_string().as_bytes() == digits).then_some(body)
}

fn middle(word: &str) -> Vec<u8> {
    format!("\",\"{word}\":").into_bytes()
}

fn check(manifest: &Manifest) -> Result<(), Flaw> {
    if manifest.files.len() > MAX_FILES {
        return Err(flaw("it has too many files"));
    }
    let mut names = manifest.files.keys();
    names
        .try_for_each(|name| check_name(name))
        .map_err(|error| flaw(&error.to_string()))
}

fn flaw(problem: &str) -> Flaw {
    Flaw::Damaged(problem.to_owned())
}

fn within(what: &'static str, found: u64, limit: u64) -> Result<(), StoreError> {
    if found > limit {
        return Err(StoreError::Limit { what, found, limit });
    }
    Ok(())
}

/// Counts the deepest nesting of arrays and objects without recursion.
fn depth(json: &[u8]) -> usize {
    let (mut now, mut most, mut quoted, mut escaped) = (0usize, 0, false, false);
    for byte in json {
        match (quoted, byte) {
            _ if escaped => escaped = false,
            (true, b'\\') => escaped = true,
            (_, b'"') => quoted = !quoted,
            (false, b'[' | b'{') => now += 1,
            (false, b']' | b'}') => now = now.saturating_sub(1),
            _ => {}
        }
        most = most.max(now);
    }
    most
}

#[cfg(test)]
mod tests {
    use serde_json::{Value, json};

    use super::*;
    use crate::{Draft, Key};

    fn sample(metrics: Value) -> Manifest {
        let draft = Draft {
            kind: "eval".into(),
            metrics,
            ..Draft::default()
        };
        Manifest::new(Key::new([9; 32]), Some(3), draft, [].into())
    }

    fn sealed(body: &str) -> Vec<u8> {
        seal(MANIFEST, body.as_bytes())
    }

    #[test]
    fn floats_come_back_exactly() {
        let values: Vec<f64> = (1..2000).map(|i| f64::from(i).sqrt() * 1e-7).collect();
        let manifest = sample(json!({"loss": values, "n": u64::MAX, "z": -0.0}));
        assert_eq!(decode(&encode(&manifest).unwrap()), Ok(manifest));
    }

    #[test]
    fn every_flipped_bit_shows() {
        let text = encode(&sample(json!({"a": 1.5}))).unwrap();
        for at in 0..text.len() * 8 {
            let mut bad = text.clone();
            bad[at / 8] ^= 1 << (at % 8);
            assert!(decode(&bad).is_err(), "bit {at}");
        }
        for length in 0..text.len() {
            assert!(decode(&text[..length]).is_err(), "cut at {length}");
        }
    }

    #[test]
    fn later_schemas_are_told_apart() {
        assert_eq!(
            decode(&sealed(r#"{"schema":7,"new":[]}"#)),
            Err(Flaw::Newer(7))
        );
    }

    #[test]
    fn depth_is_limited_both_ways() {
        let deep = (0..100).fold(Value::Null, |inner, _| json!([inner]));
        assert!(matches!(
            encode(&sample(deep)),
            Err(StoreError::Limit { limit: 64, .. })
        ));
        let bombs = ["[", "{\"a\":"].map(|open| open.repeat(200_000));
        assert!(bombs.iter().all(|bomb| decode(&sealed(bomb)).is_err()));
        assert_eq!(depth(br#"{"[[[\"[":[1,{"a":"}"}]}"#), 3);
    }

    #[test]
    fn hostile_content_is_refused() {
        for body in [
            "",
            "null",
            "[]",
            "{}",
            r#"{"schema":1}"#,
            r#"{"schema":-1}"#,
            "\u{0}",
        ] {
            assert!(
                matches!(decode(&sealed(body)), Err(Flaw::Damaged(_))),
                "{body}"
            );
        }
        let text = String::from_utf8(encode(&sample(Value::Null)).unwrap()).unwrap();
        let body = &text[HEAD.len() + DIGITS + middle(MANIFEST).len()..text.len() - TAIL.len()];
        let record = format!(r#"{{"digest":"{}","bytes":1}}"#, Digest::of(b""));
        let with = |name| {
            body.replace(
                r#""files":{}"#,
                &format!(r#""files":{{"{name}":{record}}}"#),
            )
        };
        assert!(decode(&sealed(&with("fine"))).is_ok());
        for name in ["../x", "/x", "a/../../b", "", "a\\u0000b"] {
            assert!(decode(&sealed(&with(name))).is_err(), "{name}");
        }
        let wrong = with("fine").replace(r#""bytes":1"#, r#""bytes":-1"#);
        assert!(decode(&sealed(&wrong)).is_err());
    }
}
