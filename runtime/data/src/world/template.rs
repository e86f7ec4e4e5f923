//! The choices of a template: `[one|another]`, which may nest.

/// Splits `[inside]after`, minding brackets inside.
pub(crate) fn bracketed(text: &str) -> (&str, &str) {
    let mut depth = 0_usize;
    for (at, letter) in text.char_indices() {
        match letter {
            '[' => depth += 1,
            ']' if depth == 1 => return (&text[1..at], &text[at + 1..]),
            ']' => depth -= 1,
            _ => {}
        }
    }
    (&text[1..], "")
}

/// The choices between the `|` of the outermost level.
pub(crate) fn alternatives(choices: &str) -> impl Iterator<Item = &str> {
    let mut depth = 0_usize;
    choices.split(move |letter| {
        match letter {
            '[' => depth += 1,
            ']' => depth = depth.saturating_sub(1),
            _ => {}
        }
        letter == '|' && depth == 0
    })
}

#[cfg(test)]
mod tests {
    use super::{alternatives, bracketed};

    #[test]
    fn brackets_nest() {
        assert_eq!(bracketed("[a|[b|c]] d [e]"), ("a|[b|c]", " d [e]"));
        assert_eq!(
            alternatives("a|[b|c]|").collect::<Vec<_>>(),
            ["a", "[b|c]", ""]
        );
    }
}
