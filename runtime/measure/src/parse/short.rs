//! Short answers: normalisation, agreement among annotators, and numbers within a tolerance.

/// Words for numbers, as the VQA evaluation replaces them.
const NUMBERS: [&str; 11] = [
    "zero", "one", "two", "three", "four", "five", "six", "seven", "eight", "nine", "ten",
];

/// Normalises a short answer in the manner of the VQA evaluation: lower case, punctuation away
/// (a point or comma between digits: the comma goes, the point stays), `a`, `an` and `the` away,
/// number words up to ten as digits, `none` as `0`, single spaces.
///
/// VQA's list of misspelt contractions is left out: apostrophes go on both sides alike.
pub fn normalise(text: &str) -> String {
    let folded: Vec<char> = text.to_lowercase().chars().collect();
    let digit = |at: Option<usize>| {
        at.and_then(|at| folded.get(at))
            .is_some_and(char::is_ascii_digit)
    };
    let mut cleaned = String::with_capacity(text.len());
    for (at, &c) in folded.iter().enumerate() {
        match c {
            '\'' | '’' => {}
            '.' if digit(Some(at + 1)) => cleaned.push(c),
            ',' if digit(at.checked_sub(1)) && digit(Some(at + 1)) => {}
            '-' if digit(Some(at + 1))
                && !folded[..at].last().is_some_and(|c| c.is_alphanumeric()) =>
            {
                cleaned.push(c);
            }
            c if c.is_alphanumeric() || c == '%' => cleaned.push(c),
            _ => cleaned.push(' '),
        }
    }
    let words = cleaned
        .split_whitespace()
        .filter(|word| !matches!(*word, "a" | "an" | "the"));
    let digits = words.map(|word| match NUMBERS.iter().position(|own| *own == word) {
        Some(number) => number.to_string(),
        None if word == "none" => "0".to_owned(),
        None => word.to_owned(),
    });
    digits.collect::<Vec<String>>().join(" ")
}

/// Whether two short answers are the same when normalised; of one that is all articles, such as the letter
/// `A` or nothing, when its letters and digits are.
pub fn equal(output: &str, answer: &str) -> bool {
    let (one, other) = (normalise(output), normalise(answer));
    if one.is_empty() && other.is_empty() {
        return letters(output) == letters(answer);
    }
    one == other
}

fn letters(text: &str) -> String {
    let kept = text.chars().filter(|c| c.is_alphanumeric());
    kept.flat_map(char::to_lowercase).collect()
}

/// Whether an answer stands in what was written (OCRBench, Liu et al. 2023): without regard to case and ends
/// of lines; a formula, which a brace, a backslash or `^` tells, without its white space and with case.
pub fn contained(output: &str, answer: &str) -> bool {
    let answer = answer.trim();
    if answer.is_empty() {
        return false;
    }
    if answer.contains(['{', '\\', '^']) {
        let bare = |text: &str| text.split_whitespace().collect::<String>();
        return bare(output).contains(&bare(answer));
    }
    let plain = |text: &str| text.to_lowercase().trim().replace('\n', " ");
    plain(output).contains(&plain(answer))
}

/// VQA accuracy in [0, 1] against the annotators' answers: the mean, over leaving out each
/// annotator in turn, of `min(1, equal answers among the others / 3)` (Antol et al. 2015).
///
/// With fewer than four answers, three others cannot agree: then it is 1 where any is equal.
pub fn vqa_accuracy(output: &str, answers: &[impl AsRef<str>]) -> f64 {
    let equal: Vec<bool> = answers
        .iter()
        .map(|own| equal(output, own.as_ref()))
        .collect();
    let all = equal.iter().filter(|&&own| own).count();
    if answers.len() < 4 {
        return if all > 0 { 1.0 } else { 0.0 };
    }
    let without = equal.iter().map(|&own| all - usize::from(own));
    let sum: f64 = without.map(|others| (others as f64 / 3.0).min(1.0)).sum();
    sum / answers.len() as f64
}

/// Relaxed accuracy (ChartQA, Masry et al. 2022): a number within `tolerance` of the target's
/// size, 0.05 for ±5 %, is right; what is no number must be equal when normalised.
///
/// A target of zero wants zero. A per cent sign is ignored where both have one or only one has.
pub fn relaxed(output: &str, target: &str, tolerance: f64) -> bool {
    match (number(output), number(target)) {
        // A little more than the tolerance, so that 105 for 100 is within 5 % in binary as well.
        (Some(found), Some(wanted)) => {
            (found - wanted).abs() <= tolerance * wanted.abs() * (1.0 + 1e-12)
        }
        _ => equal(output, target),
    }
}

fn number(text: &str) -> Option<f64> {
    let plain = text
        .trim()
        .trim_end_matches('.')
        .trim_start_matches('$')
        .trim_end_matches('%')
        .replace(',', "");
    let numeric = plain.chars().any(|c| c.is_ascii_digit());
    plain
        .trim()
        .parse()
        .ok()
        .filter(|found: &f64| numeric && found.is_finite())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn normalisation() {
        for (text, normal) in [
            ("The Dog.", "dog"),
            ("Two  dogs", "2 dogs"),
            ("1,000", "1000"),
            ("3.5", "3.5"),
            ("none", "0"),
            ("don't", "dont"),
            ("-5", "-5"),
            ("black-white", "black white"),
            ("an apple, a pear", "apple pear"),
            ("Theatre", "theatre"),
            ("", ""),
            ("ÉTÉ!", "été"),
        ] {
            assert_eq!(normalise(text), normal, "{text}");
        }
    }

    #[test]
    fn equality_tells_articles_apart() {
        for (output, answer, is_equal) in [
            ("The Dog.", "dog", true),
            ("(B)", "b", true),
            ("A.", "A", true),
            ("(A)", "a", true),
            ("", "A", false),
            ("the", "A", false),
            ("an", "A", false),
        ] {
            assert_eq!(equal(output, answer), is_equal, "{output} for {answer}");
        }
    }

    #[test]
    fn answers_stand_in_what_was_written() {
        for (output, answer, is_contained) in [
            ("It says STOP here", "stop", true),
            ("5.00 in\nall", "00 in all", true),
            ("It says st op", "stop", false),
            (r"\frac{1} {2}", r"\frac { 1 } { 2 }", true),
            ("X^2", "x ^ 2", false),
            ("anything", " ", false),
        ] {
            assert_eq!(contained(output, answer), is_contained, "{output}");
        }
    }

    #[test]
    fn agreement_leaves_each_annotator_out() {
        let mut answers = vec!["red"; 3];
        answers.extend(["blue"; 7]);
        // Leaving out one of the three leaves 2/3, one of the seven leaves 3/3.
        assert!((vqa_accuracy("Red", &answers) - 0.9).abs() < 1e-12);
        assert!((vqa_accuracy("blue.", &answers) - 1.0).abs() < 1e-12);
        assert!(vqa_accuracy("green", &answers).abs() < 1e-12);
        assert!((vqa_accuracy("red", &["blue", "red"]) - 1.0).abs() < 1e-12);
        assert!(vqa_accuracy("red", &[] as &[&str]).abs() < 1e-12);
    }

    #[test]
    fn numbers_within_five_per_cent() {
        for (output, target, right) in [
            ("105", "100", true),
            ("95", "100", true),
            ("105.1", "100", false),
            ("0", "0", true),
            ("0.01", "0", false),
            ("-10", "10", false),
            ("-10.4", "-10", true),
            ("1,040", "1000", true),
            ("52%", "50", true),
            ("$5", "5", true),
            ("yes", "Yes.", true),
            ("no", "yes", false),
            ("nan", "nan", true),
            ("inf", "5", false),
            ("", "0", false),
            ("5 dogs", "5", false),
        ] {
            assert_eq!(
                relaxed(output, target, 0.05),
                right,
                "{output} for {target}"
            );
        }
    }
}
