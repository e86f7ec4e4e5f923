//! What this build of the program is called: version and digest of the program's file.

use std::env;
use std::fs::File;
use std::sync::OnceLock;

/// Digits of the digest in the name of a build.
const DIGITS: usize = 12;

/// Returns the name of this build: `vpc 0.1.0 (1a2b3c4d5e6f)`.
///
/// Two builds with the same name are the same bytes. Where the program cannot read itself, the name
/// says so instead of passing for another build.
pub(crate) fn name() -> &'static str {
    static NAME: OnceLock<String> = OnceLock::new();
    NAME.get_or_init(|| {
        let digest = digest().unwrap_or_else(|| "unread".to_owned());
        format!("vpc {} ({digest})", env!("CARGO_PKG_VERSION"))
    })
}

fn digest() -> Option<String> {
    let program = File::open(env::current_exe().ok()?).ok()?;
    let mut hash = blake3::Hasher::new();
    hash.update_reader(program).ok()?;
    Some(hash.finalize().to_hex().chars().take(DIGITS).collect())
}

#[cfg(test)]
mod tests {
    #[test]
    fn a_build_is_named_by_its_bytes() {
        let name = super::name();
        let digits = name.rsplit('(').next().unwrap().trim_end_matches(')');
        assert_eq!(digits.len(), super::DIGITS);
        assert!(
            digits.bytes().all(|byte| byte.is_ascii_hexdigit()),
            "{name}"
        );
    }
}
