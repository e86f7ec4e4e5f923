//! The staged parser of multiple choice, and that of yes or no.

use super::letter;

/// The stage that found an answer.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Stage {
    /// An explicit letter.
    Letter,
    /// The output is an option's text.
    Exact,
    /// The output contains an option's text.
    Substring,
}

/// An answer, and how it was found.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Parsed {
    /// The option, counted from 0.
    pub option: usize,
    /// The stage that found it.
    pub stage: Stage,
}

/// Reads the option that an output names; `None` where it names none.
///
/// Stages as in "Learning to See Before Seeing", appendix D, the first hit wins: an explicit letter;
/// an option's exact text, in any case; the longest option's text within the output (of options
/// equally long, the first). The paper prints no pattern: what counts as an explicit letter is
/// written and tested here. Substrings need not be whole words.
pub fn choice(output: &str, options: &[impl AsRef<str>]) -> Option<Parsed> {
    if let Some(option) = letter::find(output, options.len()) {
        let stage = Stage::Letter;
        return Some(Parsed { option, stage });
    }
    let output = folded(output);
    let texts: Vec<String> = options.iter().map(|text| folded(text.as_ref())).collect();
    let known = |text: &String| !text.is_empty();
    if let Some(option) = texts.iter().position(|text| known(text) && *text == output) {
        let stage = Stage::Exact;
        return Some(Parsed { option, stage });
    }
    let mut longest: Option<(usize, usize)> = None;
    for (option, text) in texts.iter().enumerate().filter(|(_, text)| known(text)) {
        let length = text.chars().count();
        if output.contains(text.as_str()) && longest.is_none_or(|(_, known)| length > known) {
            longest = Some((option, length));
        }
    }
    longest.map(|(option, _)| Parsed {
        option,
        stage: Stage::Substring,
    })
}

/// Reads yes or no: the first word, else the last stated `answer: …`, else the only one of the two
/// that occurs as a word; `None` where both or neither do.
pub fn yes_no(output: &str) -> Option<bool> {
    let folded = output.to_lowercase();
    let words: Vec<&str> = folded
        .split(|c: char| !c.is_alphanumeric())
        .filter(|word| !word.is_empty())
        .collect();
    let read = |word: &str| match word {
        "yes" => Some(true),
        "no" => Some(false),
        _ => None,
    };
    if let Some(first) = words.first().and_then(|word| read(word)) {
        return Some(first);
    }
    let stated = words.windows(3).rev().find_map(|three| match *three {
        ["answer", "is", word] | [_, "answer", word] => read(word),
        _ => None,
    });
    let opening = match *words.as_slice() {
        ["answer", word, ..] => read(word),
        _ => None,
    };
    let (yes, no) = (words.contains(&"yes"), words.contains(&"no"));
    stated.or(opening).or_else(|| (yes != no).then_some(yes))
}

/// A text in lower case, with single spaces and without a full stop at its end.
fn folded(text: &str) -> String {
    let words: Vec<&str> = text.split_whitespace().collect();
    let folded = words.join(" ").to_lowercase();
    folded.trim_end_matches(['.', ' ']).to_owned()
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    const OPTIONS: [&str; 4] = ["a red car", "car", "Traffic light", "ÉCLAIR"];

    fn read(output: &str) -> Option<(usize, Stage)> {
        choice(output, &OPTIONS).map(|found| (found.option, found.stage))
    }

    #[test]
    fn explicit_letters() {
        let bare = [
            "B", "b", "(B)", "(b)", "B.", "B)", " B\n", "**B**", "[B]", "\"B\"",
        ];
        let stated = [
            "Answer: B",
            "Answer: b",
            "answer:b",
            "The answer is B.",
            "The answer is (b).",
            "The correct answer is B because it has wheels",
            "Option B",
            "I choose option (B) here",
            "**Answer:** B",
            "Answer: B. car",
            "The answer is option B",
        ];
        let around = [
            "B. a red car",
            "(b) something",
            "B: it is",
            "B\nbecause",
            "It must be B",
            "It is (b).",
        ];
        for output in bare.iter().chain(&stated).chain(&around) {
            assert_eq!(read(output), Some((1, Stage::Letter)), "{output}");
        }
        assert_eq!(read("The answer is A because"), Some((0, Stage::Letter)));
    }

    #[test]
    fn of_several_letters_a_statement_decides_then_the_start() {
        assert_eq!(
            read("A is wrong. C too. The answer is B. D is far off"),
            Some((1, Stage::Letter))
        );
        assert_eq!(
            read("Answer: A. No, the answer is D"),
            Some((3, Stage::Letter))
        );
        assert_eq!(read("C. Not B"), Some((2, Stage::Letter)));
    }

    #[test]
    fn letters_of_words_are_none() {
        for output in [
            "",
            " \n",
            "A dog",
            "Answer: A dog",
            "answer: a dog",
            "because",
            "Washington D.C. it was",
            "an A-frame",
            "D'Artagnan rode",
            "E",
            "Answer: E",
            "B2",
            "Ä",
            "answers b c",
            "it is b",
        ] {
            assert_eq!(read(output), None, "{output}");
        }
    }

    #[test]
    fn texts_come_after_letters_and_the_longest_wins() {
        assert_eq!(read("CAR."), Some((1, Stage::Exact)));
        assert_eq!(read("a  Red car"), Some((0, Stage::Exact)));
        assert_eq!(read("I see a red car there"), Some((0, Stage::Substring)));
        assert_eq!(read("one car there"), Some((1, Stage::Substring)));
        assert_eq!(read("some scarf"), Some((1, Stage::Substring)));
        assert_eq!(read("éclair"), Some((3, Stage::Exact)));
        assert_eq!(read("an éclair, or a car"), Some((3, Stage::Substring)));
        assert_eq!(
            read("traffic light with a red car"),
            Some((2, Stage::Substring))
        );
        let vitamins = ["vitamin A", "vitamin B", "vitamin C", "vitamin D"];
        assert_eq!(
            choice("vitamin D", &vitamins).map(|found| found.stage),
            Some(Stage::Letter)
        );
        assert_eq!(
            choice("same", &["Same", "same"]).map(|found| found.option),
            Some(0)
        );
        assert_eq!(choice("anything", &["", " "]), None);
        assert_eq!(choice("A", &[] as &[&str]), None);
    }

    #[test]
    fn yes_and_no() {
        for (output, answer) in [
            ("Yes", Some(true)),
            ("no.", Some(false)),
            ("Yes, there is no dog", Some(true)),
            ("There is no dog", Some(false)),
            ("I would say yes", Some(true)),
            ("yes", Some(true)),
            ("It could be yes or no", None),
            ("maybe", None),
            ("", None),
            ("nothing known", None),
            ("It has no tail. Answer: yes", Some(true)),
            ("Answer: no; yes was near", Some(false)),
            ("Some say yes; the answer is no", Some(false)),
        ] {
            assert_eq!(yes_no(output), answer, "{output}");
        }
    }

    proptest! {
        #[test]
        fn any_output_is_read_and_an_option_is_one_of_them(output in ".{0,60}", options in proptest::collection::vec(".{0,9}", 0..6)) {
            if let Some(found) = choice(&output, &options) {
                prop_assert!(found.option < options.len());
            }
            let _ = yes_no(&output);
        }
    }
}
