//! What an answer says.

use super::prompt::letter;

/// The option that an answer chooses, from 0; none where it chooses none.
///
/// In stages, after "Learning to See Before Seeing" (arXiv 2509.26625, appendix D): a letter that is
/// written as one (`B`, `B. blue`, `(B)`, `Answer: B`, `I choose B.`), else the text of an option and nothing more, else the longest
/// option that is found in the answer, of equally long ones the first to come. Case makes no difference
/// but to letters.
pub fn chosen(answer: &str, options: &[String]) -> Option<usize> {
    by_letter(answer, options.len())
        .or_else(|| {
            let mut exact = options.iter();
            exact.position(|option| plain(option) == plain(answer))
        })
        .or_else(|| by_longest(answer, options))
}

/// What an answer to a question of yes or no says first; none where it says neither.
pub fn yes_or_no(answer: &str) -> Option<bool> {
    let lower = answer.to_lowercase();
    let mut words = lower.split(|c: char| !c.is_alphanumeric());
    words.find_map(|word| match word {
        "yes" => Some(true),
        "no" => Some(false),
        _ => None,
    })
}

/// Whether an answer has the words of another: case, punctuation, articles and spaces make no difference
/// (the normalisation of SQuAD, arXiv 1606.05250).
pub fn is_same(answer: &str, other: &str) -> bool {
    words(answer) == words(other)
}

fn words(text: &str) -> Vec<String> {
    let lower = text.to_lowercase();
    let kept: String = lower
        .chars()
        .filter(|c| c.is_alphanumeric() || c.is_whitespace() || *c == '.' || *c == '-')
        .collect();
    let words = kept
        .split_whitespace()
        .map(|word| word.trim_end_matches('.'));
    words
        .filter(|word| !word.is_empty() && !matches!(*word, "a" | "an" | "the"))
        .map(str::to_owned)
        .collect()
}

/// Without case, and without spaces and stops around it.
fn plain(text: &str) -> String {
    let edge = |c: char| c.is_whitespace() || matches!(c, '.' | ',' | ';' | ':' | '!' | '"' | '\'');
    text.trim_matches(edge).to_lowercase()
}

/// A letter on its own: first in the answer and followed by no word, in parentheses, after the word
/// `answer`, or last.
fn by_letter(answer: &str, options: usize) -> Option<usize> {
    let chars: Vec<char> = answer.trim().chars().collect();
    let at = |position: usize| chars.get(position).copied();
    let option = |position: usize| {
        let found = at(position)?;
        (0..options.min(26)).find(|&option| letter(option) == found)
    };
    // Followed by the end, a line's end or a mark that belongs to a letter.
    let closed = |position: usize| match at(position) {
        None | Some('\n' | '.' | ')' | ':' | ',') => true,
        Some(space) if space.is_whitespace() => {
            at(position + 1).is_none_or(|c| !c.is_alphanumeric())
        }
        Some(_) => false,
    };
    if let Some(first) = option(0)
        && closed(1)
    {
        return Some(first);
    }
    let bracketed = (0..chars.len())
        .filter(|&position| at(position) == Some('(') && at(position + 2) == Some(')'))
        .find_map(|position| option(position + 1));
    let stated = || {
        let lower: String = chars.iter().map(char::to_ascii_lowercase).collect();
        let after = lower.find("answer")? + "answer".len();
        // Bytes and characters: only ASCII letters were lowered, so the texts have the same lengths.
        let mut position = lower.get(..after)?.chars().count();
        for word in ["is", ":"] {
            while at(position).is_some_and(char::is_whitespace) {
                position += 1;
            }
            let length = word.chars().count();
            let next: String = chars.iter().skip(position).take(length).collect();
            if next == word {
                position += length;
            }
        }
        while at(position).is_some_and(char::is_whitespace) {
            position += 1;
        }
        option(position).filter(|_| closed(position + 1))
    };
    let last = || {
        let end = chars.iter().rposition(|c| c.is_alphanumeric())?;
        let apart = at(end.checked_sub(1)?).is_some_and(|c| !c.is_alphanumeric());
        option(end).filter(|_| apart)
    };
    bracketed.or_else(stated).or_else(last)
}

fn by_longest(answer: &str, options: &[String]) -> Option<usize> {
    let lower = answer.to_lowercase();
    let mut best: Option<(usize, usize, usize)> = None;
    for (at, option) in options.iter().enumerate() {
        let option = plain(option);
        let Some(place) = within(&lower, &option) else {
            continue;
        };
        let better = best.is_none_or(|(length, before, _)| {
            option.len() > length || (option.len() == length && place < before)
        });
        if better {
            best = Some((option.len(), place, at));
        }
    }
    best.map(|(_, _, at)| at)
}

/// Where words stand in a text, not as a part of other words.
fn within(text: &str, words: &str) -> Option<usize> {
    if words.is_empty() {
        return None;
    }
    text.match_indices(words).map(|(at, _)| at).find(|&at| {
        let before = text.get(..at).and_then(|text| text.chars().next_back());
        let after = text
            .get(at + words.len()..)
            .and_then(|text| text.chars().next());
        [before, after]
            .into_iter()
            .flatten()
            .all(|c| !c.is_alphanumeric())
    })
}
