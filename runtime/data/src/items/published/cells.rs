//! Cells that hold a list as Python writes it: `['red', "the cat's"]`.

/// The entries of a list of texts or numbers; none where the cell is no such list.
pub(super) fn list(cell: &str) -> Option<Vec<String>> {
    let inner = cell.trim().strip_prefix('[')?.strip_suffix(']')?;
    let mut entries = Vec::new();
    let mut rest = inner.trim_start();
    while !rest.is_empty() {
        let (entry, after) = match rest.chars().next() {
            Some(quote @ ('\'' | '"')) => quoted(rest.get(1..)?, quote)?,
            _ => {
                let end = rest.find(',').unwrap_or(rest.len());
                let (bare, after) = rest.split_at(end);
                (bare.trim().to_owned(), after)
            }
        };
        entries.push(entry);
        let after = after.trim_start();
        rest = match after.strip_prefix(',') {
            Some(more) => more.trim_start(),
            None if after.is_empty() => after,
            None => return None,
        };
    }
    (!entries.is_empty()).then_some(entries)
}

/// A text up to its closing quote, and what comes after that.
fn quoted(text: &str, quote: char) -> Option<(String, &str)> {
    let mut entry = String::new();
    let mut chars = text.char_indices();
    while let Some((at, next)) = chars.next() {
        match next {
            '\\' => match chars.next()?.1 {
                'n' => entry.push('\n'),
                't' => entry.push('\t'),
                kept @ ('\\' | '\'' | '"') => entry.push(kept),
                other => entry.extend(['\\', other]),
            },
            _ if next == quote => return Some((entry, text.get(at + 1..)?)),
            _ => entry.push(next),
        }
    }
    None
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn lists_are_read_as_python_writes_them() {
        for (cell, entries) in [
            ("['red', 'dark red']", &["red", "dark red"][..]),
            (r#"["the cat's", 'a, b']"#, &["the cat's", "a, b"]),
            (
                r"['it\'s', '\\alpha', '\theta']",
                &["it's", r"\alpha", "\theta"],
            ),
            (r"['\gamma']", &[r"\gamma"]),
            ("[ 3, 4.5 ]", &["3", "4.5"]),
            ("['é',]", &["é"]),
        ] {
            assert_eq!(
                list(cell).as_deref(),
                Some(entries.map_str()).as_deref(),
                "{cell}"
            );
        }
        for cell in ["", "red", "[]", "['red", "['red' 'blue']", "(1, 2)"] {
            assert_eq!(list(cell), None, "{cell}");
        }
    }

    trait MapStr {
        fn map_str(&self) -> Vec<String>;
    }

    impl MapStr for &[&str] {
        fn map_str(&self) -> Vec<String> {
            self.iter().map(|&text| text.to_owned()).collect()
        }
    }
}
