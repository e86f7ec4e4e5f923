//! Names that are safe in a manifest and as paths: no way out of a folder, nothing to quote.

use std::path::{Component, Path};

use crate::StoreError;
use crate::limits::MAX_NAME_BYTES;

/// Checks the name of an artifact file: plain segments joined by `/`.
pub(crate) fn check_name(name: &str) -> Result<(), StoreError> {
    match flaw(name) {
        None => Ok(()),
        Some(problem) => Err(StoreError::Name {
            name: name.chars().take(80).collect(),
            problem,
        }),
    }
}

/// Checks a path below `results/`.
pub(crate) fn check_relative(path: &Path) -> Result<(), StoreError> {
    let plain = path
        .components()
        .all(|part| matches!(part, Component::Normal(_)));
    match path.to_str() {
        Some(name) if plain => check_name(name),
        _ => Err(StoreError::Name {
            name: path.to_string_lossy().chars().take(80).collect(),
            problem: "it must stay below its folder, without `..` or a leading `/`",
        }),
    }
}

fn flaw(name: &str) -> Option<&'static str> {
    match name {
        "" => Some("it is empty"),
        _ if name.len() > MAX_NAME_BYTES => Some("it is longer than 200 bytes"),
        _ if !name.bytes().all(allowed) => {
            Some("only letters, digits and `.` `_` `-` `+` `=` `@` `,` `/` are allowed")
        }
        _ if !name.split('/').all(is_segment) => {
            Some("its parts must not be empty or begin with `.`")
        }
        _ => None,
    }
}

fn allowed(byte: u8) -> bool {
    byte.is_ascii_alphanumeric() || b"._-+=@,/".contains(&byte)
}

fn is_segment(part: &str) -> bool {
    !part.is_empty() && !part.starts_with('.')
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn plain_names_pass() {
        for name in [
            "weights",
            "shards/0001.bin",
            "a-b_c+d=e@f,g",
            &"x".repeat(200),
        ] {
            assert!(check_name(name).is_ok(), "{name}");
            assert!(check_relative(Path::new(name)).is_ok(), "{name}");
        }
    }

    #[test]
    fn others_do_not() {
        for name in [
            "",
            ".",
            "..",
            "../x",
            "a/../b",
            "/etc",
            "a//b",
            "a/",
            ".x",
            "a b",
            "a\nb",
            "a\0b",
            "é",
            "a\\b",
            "$(id)",
            &"x".repeat(201),
        ] {
            assert!(check_name(name).is_err(), "{name:?}");
        }
        for path in ["..", "a/../../b", "/a", ""] {
            assert!(check_relative(Path::new(path)).is_err(), "{path:?}");
        }
    }
}
