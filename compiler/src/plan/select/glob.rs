//! Texts in which `*` stands for any text.

/// A text to compare with; `*` in it fits any text, also none.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Glob(String);

impl Glob {
    pub(super) fn new(text: &str) -> Self {
        Self(text.to_owned())
    }

    pub(super) fn text(&self) -> &str {
        &self.0
    }

    /// Whether a text fits, in time linear in it for each `*`.
    pub(super) fn fits(&self, text: &str) -> bool {
        let Some((start, pieces)) = self.0.split_once('*') else {
            return self.0 == text;
        };
        let (middle, end) = pieces.rsplit_once('*').unwrap_or(("", pieces));
        let rest = text
            .strip_prefix(start)
            .and_then(|rest| rest.strip_suffix(end));
        // The earliest place of each piece leaves the most for those after it.
        let last = middle.split('*').try_fold(rest, |rest, piece| {
            let found = rest?.split_once(piece).map(|parts| parts.1);
            found.map(Some)
        });
        last.flatten().is_some()
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn stars() {
        for (glob, text, fits) in [
            ("", "", true),
            ("a", "a", true),
            ("a", "ab", false),
            ("*", "", true),
            ("*", "x", true),
            ("a*", "a", true),
            ("a*", "ba", false),
            ("*a", "ba", true),
            ("a*a", "a", false),
            ("a*a", "aa", true),
            ("a*b*c", "a-b-b-c", true),
            ("a*b*c", "a-c-b", false),
            ("**", "é", true),
        ] {
            assert_eq!(Glob::new(glob).fits(text), fits, "`{glob}` `{text}`");
        }
    }

    /// The definition, without any cleverness.
    fn plainly(glob: &[u8], text: &[u8]) -> bool {
        match (glob.split_first(), text.split_first()) {
            (None, None) => true,
            (Some((b'*', glob_rest)), _) => {
                plainly(glob_rest, text)
                    || text
                        .split_first()
                        .is_some_and(|(_, text)| plainly(glob, text))
            }
            (Some((a, glob)), Some((b, text))) => a == b && plainly(glob, text),
            _ => false,
        }
    }

    proptest! {
        #[test]
        fn as_defined(glob in "[ab*]{0,6}", text in "[ab]{0,8}") {
            prop_assert_eq!(Glob::new(&glob).fits(&text), plainly(glob.as_bytes(), text.as_bytes()));
        }
    }
}
