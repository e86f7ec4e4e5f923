//! Calculations are right, and what is concluded from numbers follows from them.

use super::truth::STYLES;
use super::{Style, sides, text};

/// The number that `text` ends or begins with.
fn number(text: &str) -> Option<i64> {
    let digits = text.trim_start_matches(|letter: char| !letter.is_ascii_digit());
    let end = digits.find(|letter: char| !letter.is_ascii_digit());
    digits[..end.unwrap_or(digits.len())].parse().ok()
}

/// The number that stands right before `unit`, at each place.
fn numbers(text: &str, unit: &str) -> Vec<i64> {
    let before = text.split(unit).map(str::trim_end);
    let mut found: Vec<_> = before
        .map(|before| before.rsplit([' ', '\n', '(']).next())
        .collect();
    found.pop();
    found.into_iter().flatten().filter_map(number).collect()
}

#[test]
fn every_equation_can_be_read_and_holds() {
    for style in STYLES {
        let (text, mut checked) = (text(style, 13, 600), 0);
        for line in text.lines() {
            let parts: Vec<_> = line.split('=').collect();
            for pair in parts.windows(2) {
                let (left, right) =
                    sides(pair[0], pair[1]).unwrap_or_else(|| panic!("{style} {line}"));
                assert_eq!(left, right, "{style}: {line}");
                checked += 1;
            }
        }
        assert!(checked > 30, "{style}: {checked}");
    }
}

#[test]
fn studies_conclude_what_they_counted() {
    let (text, mut verdicts) = (text(Style::Academia, 14, 400), [0; 2]);
    let mut measured = Vec::new();
    for line in text.lines().rev() {
        if line.starts_with("3 Results.") {
            measured = numbers(line, "per cent");
        }
        let Some((_, verdict)) = line.split_once("The rate of ") else {
            continue;
        };
        let rates = numbers(verdict, "per cent");
        let supported = !verdict.contains("the hypothesis was not")
            && !verdict.contains("the hypothesis is not");
        assert_eq!(rates[0] > rates[1], supported, "{line}");
        if line.starts_with("Abstract.") {
            assert_eq!(rates, measured, "{line}");
        }
        verdicts[usize::from(supported)] += 1;
    }
    assert!(verdicts.iter().all(|&count| count > 100), "{verdicts:?}");
}

#[test]
fn votes_add_up_and_decide() {
    let (text, mut votes) = (text(Style::Politics, 15, 400), [0; 2]);
    for line in text.lines().filter(|line| line.contains(" in favour, ")) {
        let [ayes, noes, abstain] =
            [" in favour", " against", " abstentions"].map(|unit| numbers(line, unit)[0]);
        let (_, rest) = line.split_once("= ").unwrap();
        let (present, all) = rest.split_once(" of ").unwrap();
        let (present, all) = (number(present).unwrap(), number(all).unwrap());
        assert!(ayes + noes + abstain == present && present <= all, "{line}");
        let carried = line.to_lowercase().contains("carried");
        assert_eq!(ayes > noes, carried, "{line}");
        votes[usize::from(carried)] += 1;
    }
    assert!(votes.iter().all(|&count| count > 100), "{votes:?}");
}

#[test]
fn signs_and_balances_are_named_rightly() {
    let (cases, mut checked) = (text(Style::Medicine, 16, 300), 0);
    for line in cases.lines() {
        let Some((_, signs)) = line.split_once("temperature ") else {
            continue;
        };
        assert_eq!(
            number(signs).unwrap() >= 38,
            signs.contains("Febrile."),
            "{line}"
        );
        let pulse = number(signs.split_once("pulse ").unwrap().1).unwrap();
        assert_eq!(pulse > 100, signs.contains("Tachycardia."), "{line}");
        assert_eq!(pulse < 60, signs.contains("Bradycardia."), "{line}");
        checked += 1;
    }
    for line in text(Style::Economics, 16, 400).lines() {
        let Some((_, balance)) = line.split_once("the balance is ") else {
            continue;
        };
        let (_, balance) = balance.split_once("= ").unwrap();
        assert_eq!(
            balance.starts_with('-'),
            balance.ends_with("a deficit."),
            "{line}"
        );
        checked += 1;
    }
    for line in text(Style::Biology, 16, 400).lines() {
        let Some((_, test)) = line
            .split_once(" animals chose ")
            .or(line.split_once(" animals were offered "))
        else {
            continue;
        };
        let (all, hits) = (numbers(line, " animals")[0], number(test).unwrap());
        assert_eq!(2 * hits > all, line.contains("More than half"), "{line}");
        assert_eq!(2 * hits < all, line.contains("Less than half"), "{line}");
        checked += 1;
    }
    assert!(checked > 600, "{checked}");
}

#[test]
fn recipes_are_in_proportion() {
    let (text, mut checked) = (text(Style::Food, 17, 300), 0);
    let mut people = 0;
    for line in text.lines() {
        if let Some(serves) = line.strip_prefix("Serves ") {
            people = number(serves).unwrap();
        }
        if let Some(amount) = line.strip_prefix("- ").and_then(number) {
            assert_eq!(amount % people, 0, "{line}");
            checked += 1;
        }
    }
    assert_eq!(checked, 1200);
}
