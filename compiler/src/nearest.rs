//! Did you mean: the nearest name.

/// Returns a word in backticks with its article: "a `scale`", "an `eval`".
pub(crate) fn a(word: &str) -> String {
    let article = if word.starts_with(['a', 'e', 'i', 'o']) {
        "an"
    } else {
        "a"
    };
    format!("{article} `{word}`")
}

/// Returns the nearest candidate, when it is near enough to be meant.
pub fn nearest<'a>(name: &str, candidates: impl IntoIterator<Item = &'a str>) -> Option<&'a str> {
    let limit = (name.chars().count() / 3).max(1);
    candidates
        .into_iter()
        .map(|candidate| {
            let same = candidate.eq_ignore_ascii_case(name);
            let distance = strsim::damerau_levenshtein(name, candidate);
            (if same { 0 } else { distance }, candidate)
        })
        .filter(|&(distance, _)| distance <= limit)
        .min()
        .map(|(_, candidate)| candidate)
}

/// Returns "did you mean `x`?" or, when nothing is near, what there is.
pub(crate) fn advice<'a>(
    name: &str,
    what: &str,
    candidates: impl IntoIterator<Item = &'a str>,
) -> String {
    let candidates: Vec<&str> = candidates.into_iter().collect();
    if let Some(near) = nearest(name, candidates.iter().copied()) {
        return format!("did you mean `{near}`?");
    }
    choices(what, &candidates)
}

/// Returns what there is.
pub(crate) fn choices(what: &str, candidates: &[&str]) -> String {
    let shown: Vec<String> = candidates
        .iter()
        .take(12)
        .map(|name| format!("`{name}`"))
        .collect();
    match shown.len() {
        0 => "there are none to choose from".to_owned(),
        _ if candidates.len() > shown.len() => format!("{what} include {}", shown.join(", ")),
        _ => format!("{what}: {}", shown.join(", ")),
    }
}
