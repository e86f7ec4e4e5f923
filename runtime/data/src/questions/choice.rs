//! Options of a question, and which of them is right.

use std::collections::BTreeSet;

use serde_json::Value;

/// Most options of a question: one for each letter.
pub(crate) const MOST: usize = 26;

/// The options of a question: two or more different texts or numbers.
pub(crate) fn options(list: Option<&Value>) -> Result<Vec<String>, String> {
    let Some(Value::Array(list)) = list else {
        return Err("it has no list `options` (in a table: columns `A`, `B`, …)".to_owned());
    };
    let text = |option: &Value| match option {
        Value::String(text) if !text.is_empty() => Some(text.clone()),
        Value::Number(number) => Some(number.to_string()),
        _ => None,
    };
    let options: Option<Vec<String>> = list.iter().map(text).collect();
    let options = options.ok_or("one of its options is no text")?;
    if options.len() < 2 || options.len() > MOST {
        return Err(format!(
            "it has {} options; there must be 2 to {MOST}",
            options.len()
        ));
    }
    let different: BTreeSet<&String> = options.iter().collect();
    if different.len() < options.len() {
        return Err("two of its options are the same".to_owned());
    }
    Ok(options)
}

/// Where in the options the right one stands, by its text, its letter or its number from 0.
pub(crate) fn right(answer: Option<&Value>, options: &[String]) -> Result<usize, String> {
    let place = match answer {
        Some(Value::String(answer)) => {
            let named = options.iter().position(|option| option == answer);
            named.or(match answer.as_bytes() {
                [letter @ b'A'..=b'Z'] => Some(usize::from(letter - b'A')),
                _ => None,
            })
        }
        Some(Value::Number(answer)) => {
            let named = options
                .iter()
                .position(|option| *option == answer.to_string());
            named.or_else(|| usize::try_from(answer.as_u64()?).ok())
        }
        _ => return Err("it has no text or number in the field `answer`".to_owned()),
    };
    place.filter(|&place| place < options.len()).ok_or_else(|| {
        "its `answer` is none of its options, no letter of one and no number of one from 0"
            .to_owned()
    })
}
