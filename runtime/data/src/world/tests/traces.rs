//! Traces of algorithms are those that the algorithms leave; threads and rules hang together.

use super::{Style, document, text};

fn numbers(text: &str) -> Vec<i64> {
    text.split(' ')
        .filter_map(|word| word.parse().ok())
        .collect()
}

/// What stands between `from` and `to`.
fn between<'t>(text: &'t str, from: &str, to: &str) -> Option<&'t str> {
    text.split_once(from)?
        .1
        .split_once(to)
        .map(|(found, _)| found)
}

#[test]
fn sorting_sorts() {
    let (text, mut checked) = (text(Style::ComputerScience, 18, 400), 0);
    for line in text.lines().filter(|line| line.contains("Input: ")) {
        let mut values = numbers(between(line, "Input: ", ".").unwrap());
        for pass in 1..values.len() {
            values[..=pass].sort_unstable();
            let shown = numbers(between(line, &format!("Pass {pass}: "), ".").unwrap());
            assert_eq!(shown, values, "{line}");
        }
        assert_eq!(
            numbers(between(line, "Output: ", ",").unwrap()),
            values,
            "{line}"
        );
        checked += 1;
    }
    assert!(checked > 50, "{checked}");
}

#[test]
fn searching_halves() {
    let (text, mut ends) = (text(Style::ComputerScience, 19, 600), [0; 2]);
    for line in text.lines().filter(|line| line.contains("Target: ")) {
        let values = numbers(between(line, "from 0: ", ".").unwrap());
        let target: i64 = between(line, "Target: ", ".").unwrap().parse().unwrap();
        let (mut low, mut high) = (0, values.len());
        for probe in line.split("Probe position ").skip(1) {
            let (place, rest) = probe.split_once(", value ").unwrap();
            let middle = usize::midpoint(low, high);
            assert_eq!(place.parse(), Ok(middle), "{line}");
            assert!(rest.starts_with(&values[middle].to_string()), "{line}");
            match values[middle].cmp(&target) {
                std::cmp::Ordering::Less => low = middle + 1,
                std::cmp::Ordering::Greater => high = middle,
                std::cmp::Ordering::Equal => (low, high) = (middle, middle),
            }
        }
        assert_eq!(low, high, "{line}");
        let found = line.contains(": found.");
        assert_eq!(found, values.contains(&target), "{line}");
        ends[usize::from(found)] += 1;
    }
    assert!(ends.iter().all(|&count| count > 10), "{ends:?}");
}

#[test]
fn structures_give_what_they_hold() {
    let (text, mut taken) = (text(Style::ComputerScience, 20, 600), [0; 2]);
    for line in text.lines().filter(|line| line.contains("finally it ")) {
        let mut held: Vec<&str> = Vec::new();
        for step in line.split([':', ';']).map(str::trim) {
            if let Some(entry) = step.strip_prefix("push ").or(step.strip_prefix("enqueue ")) {
                held.push(entry);
            } else if let Some(entry) = step.strip_prefix("pop gives ") {
                assert_eq!(held.pop(), Some(entry), "{line}");
                taken[0] += 1;
            } else if let Some(entry) = step.strip_prefix("dequeue gives ") {
                assert_eq!(held.remove(0), entry, "{line}");
                taken[1] += 1;
            } else if let Some(rest) = step.strip_prefix("finally it holds ") {
                let all = rest.split_once('.').unwrap().0.replace(" and ", ", ");
                assert_eq!(all.split(", ").collect::<Vec<_>>(), held, "{line}");
            }
        }
    }
    assert!(taken.iter().all(|&count| count > 50), "{taken:?}");
}

#[test]
fn hashing_probes_the_next_free_slot() {
    let (text, mut checked) = (text(Style::ComputerScience, 21, 400), 0);
    for line in text.lines().filter(|line| line.contains("Let there be ")) {
        let slots: usize = between(line, "Let there be ", " slots")
            .unwrap()
            .parse()
            .unwrap();
        let mut full = vec![false; slots];
        for entry in line.split("Entry ").skip(1) {
            let value: usize = entry.split(':').next().unwrap().parse().unwrap();
            let mut slot = value % slots;
            assert_eq!(entry.contains("taken"), full[slot], "{line}");
            while full[slot] {
                slot = (slot + 1) % slots;
            }
            full[slot] = true;
            assert!(entry.contains(&format!("stored in slot {slot}.")), "{line}");
            checked += 1;
        }
    }
    assert!(checked > 100, "{checked}");
}

#[test]
fn answers_stand_by_votes_and_quote_the_question() {
    let (mut quotes, mut answers) = (0, 0);
    for index in 0..500 {
        let text = document(Style::QaForum, 22, index).text();
        let question = text.split("\n\n").nth(1).unwrap();
        let mut last = i64::MAX;
        for (line, next) in text.lines().zip(text.lines().skip(1)) {
            if let Some(votes) = line
                .strip_prefix('A')
                .and_then(|line| between(line, "(votes: ", ","))
            {
                let votes = votes.parse().unwrap();
                assert!(votes < last, "{text}");
                (last, answers) = (votes, answers + 1);
                if let Some(quote) = next.strip_prefix("> ") {
                    assert_eq!(quote, question);
                    quotes += 1;
                }
            }
        }
    }
    assert!(answers > 1000 && quotes > 200, "{answers} {quotes}");
}

#[test]
fn rules_refer_to_earlier_sections() {
    let (text, mut own, mut references) = (text(Style::Law, 23, 300), 0, 0);
    for line in text.lines() {
        if let Some(section) = line.strip_prefix("Section ") {
            let section = section.split_once('.').unwrap().0.parse().unwrap();
            assert!(section == own + 1 || section == 1, "{line}");
            own = section;
        }
        if let Some(other) =
            between(line, "section ", ",").and_then(|other| other.parse::<u32>().ok())
        {
            assert!(0 < other && other < own, "{line}");
            references += 1;
        }
    }
    assert!(references > 100, "{references}");
}
