//! The letter of an option in a model's output.

/// Marks that may stand around a letter.
const MARKS: &[char] = &[
    '(', ')', '[', ']', '*', '"', '\'', '`', '.', ':', ',', '!', '“', '”',
];

/// What stands before a letter that is stated to be the answer.
const STATED: [&str; 5] = ["answer", "answer is", "option", "choice", "choice is"];

/// A single letter that stands alone.
struct Alone<'t> {
    /// The option it names.
    option: usize,
    upper: bool,
    before: &'t str,
    after: &'t str,
}

impl Alone<'_> {
    /// Whether brackets hold it.
    fn bracketed(&self) -> bool {
        self.before.ends_with(['(', '[']) && self.after.starts_with([')', ']'])
    }

    /// Whether a word follows it on its line, as one does an article.
    fn goes_on(&self) -> bool {
        let rest = self.after.trim_start_matches([' ', '\t']);
        rest.len() < self.after.len() && rest.starts_with(char::is_alphanumeric)
    }

    fn stated(&self) -> bool {
        let before = self
            .before
            .trim_end_matches(|c: char| MARKS.contains(&c) || c.is_whitespace());
        let folded = before.to_lowercase();
        let states = |words: &str| {
            let rest = folded.strip_suffix(words);
            rest.is_some_and(|rest| !rest.ends_with(char::is_alphanumeric))
        };
        let Some(words) = STATED.into_iter().find(|words| states(words)) else {
            return false;
        };
        // In `Answer: A dog` the article begins a sentence; in `the answer is A because` it does not.
        let article = self.option == 0 && !words.ends_with(" is");
        self.bracketed() || !self.goes_on() || (self.upper && !article)
    }

    fn starts(&self) -> bool {
        let first = self
            .before
            .chars()
            .all(|c| MARKS.contains(&c) || c.is_whitespace());
        let bound = self.after.starts_with(['.', ')', ':', ',', '\n', '*']);
        first && (self.bracketed() || (self.upper && bound))
    }

    fn ends(&self) -> bool {
        let last = self
            .after
            .chars()
            .all(|c| MARKS.contains(&c) || c.is_whitespace());
        last && (self.bracketed() || self.upper)
    }
}

/// Finds the option whose letter the output names, of `options` many. The first rule that holds
/// anywhere decides:
///
/// 1. the output is the letter, in either case, with marks around it at most;
/// 2. it is stated: `answer: B`, `the answer is (b)`, `option B`; of several, the last;
/// 3. the output starts with it: `B. red`, `(b) red`;
/// 4. the output ends with it, as a capital or in brackets.
///
/// Letters within words, abbreviations (`D.C.`) and compounds (`A-frame`) are none.
pub(super) fn find(output: &str, options: usize) -> Option<usize> {
    let bare = output.trim_matches(|c: char| MARKS.contains(&c) || c.is_whitespace());
    let mut characters = bare.chars();
    if let (Some(only), None) = (characters.next(), characters.next()) {
        return option_of(only, options);
    }
    let letters = alone(output, options);
    let stated = letters.iter().rev().find(|letter| letter.stated());
    let starts = || letters.first().filter(|letter| letter.starts());
    let ends = || letters.last().filter(|letter| letter.ends());
    let found = stated.or_else(starts).or_else(ends);
    found.map(|letter| letter.option)
}

fn option_of(letter: char, options: usize) -> Option<usize> {
    let at = ('A'..='Z').position(|own| own == letter.to_ascii_uppercase())?;
    (at < options).then_some(at)
}

fn alone(output: &str, options: usize) -> Vec<Alone<'_>> {
    let mut found = Vec::new();
    for (at, letter) in output.char_indices() {
        let Some(option) = option_of(letter, options) else {
            continue;
        };
        let (before, rest) = output.split_at(at);
        let after = &rest[letter.len_utf8()..];
        if !joined(before.chars().rev()) && !joined(after.chars()) {
            let upper = letter.is_ascii_uppercase();
            found.push(Alone {
                option,
                upper,
                before,
                after,
            });
        }
    }
    found
}

/// Whether what lies on one side of a letter belongs to its word, seen from the letter.
fn joined(mut side: impl Iterator<Item = char>) -> bool {
    match side.next() {
        Some('-' | '\'' | '’' | '.' | '&' | '/') => {
            side.next().is_some_and(char::is_alphanumeric)
        }
        Some(c) => c.is_alphanumeric() || c == '_',
        None => false,
    }
}
