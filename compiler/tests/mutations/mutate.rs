//! Texts made from seeds and a number.

use crate::seeds::{Seeds, tokens};

/// SplitMix64 (Steele, Lea and Flood 2014): one stream of numbers for each input.
pub(crate) struct Random(u64);

impl Random {
    pub(crate) fn new(number: u64) -> Self {
        Self(number.wrapping_mul(0x9e37_79b9_7f4a_7c15))
    }

    fn next(&mut self) -> u64 {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mut mixed = self.0;
        mixed = (mixed ^ (mixed >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        mixed = (mixed ^ (mixed >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        mixed ^ (mixed >> 31)
    }

    /// A number below `end`, which is above 0.
    fn below(&mut self, end: usize) -> usize {
        (self.next() % end as u64) as usize
    }

    fn pick<'a, T>(&mut self, among: &'a [T]) -> &'a T {
        &among[self.below(among.len())]
    }

    /// A stretch of at most `longest` places within `length`.
    fn stretch(&mut self, length: usize, longest: usize) -> std::ops::Range<usize> {
        let start = self.below(length + 1);
        start..(start + self.below(longest + 1)).min(length)
    }
}

/// A few items with the modules that most of them use, then one to six mutations.
pub(crate) fn text(seeds: &Seeds, random: &mut Random) -> String {
    let mut text = match random.below(40) {
        0 => random.pick(&seeds.files).clone(),
        1 => (0..random.below(200)).map(|_| character(random)).collect(),
        2 => (0..random.below(60))
            .map(|_| random.pick(&seeds.tokens).as_str())
            .collect(),
        _ => {
            let mut text = ["", "use std.world\n", "use std.scales\nuse std.world\n"]
                [random.below(3)]
            .to_owned();
            for _ in 0..=random.below(4) {
                text += random.pick::<String>(&seeds.items);
            }
            text
        }
    };
    for _ in 0..=random.below(6) {
        text = if random.below(3) == 0 {
            in_characters(&text, random)
        } else {
            in_tokens(&text, seeds, random)
        };
    }
    text
}

/// Deletes, doubles, swaps or puts in characters.
fn in_characters(text: &str, random: &mut Random) -> String {
    let mut text: Vec<char> = text.chars().collect();
    let stretch = random.stretch(text.len(), 12);
    match random.below(5) {
        0 => drop(text.drain(stretch)),
        1 => {
            let doubled = text[stretch.clone()].to_vec();
            text.splice(stretch.start..stretch.start, doubled);
        }
        2 => text[stretch].reverse(),
        3 => text.truncate(stretch.start),
        _ => text.insert(stretch.start, character(random)),
    }
    text.into_iter().collect()
}

/// Deletes, doubles or swaps tokens, or splices in some from elsewhere.
fn in_tokens(text: &str, seeds: &Seeds, random: &mut Random) -> String {
    let mut tokens = tokens(text);
    let stretch = random.stretch(tokens.len(), 6);
    let start = stretch.start;
    match random.below(7) {
        0 => drop(tokens.drain(stretch)),
        1 => {
            let doubled = tokens[stretch].to_vec();
            tokens.splice(start..start, doubled);
        }
        2 if start > 0 && start < tokens.len() => {
            let other = random.below(tokens.len());
            tokens.swap(start, other);
        }
        3 => {
            let moved: Vec<String> = tokens.drain(stretch).collect();
            let to = random.below(tokens.len() + 1);
            tokens.splice(to..to, moved);
        }
        4 => {
            let other = crate::seeds::tokens(random.pick::<String>(&seeds.items));
            let part = random.stretch(other.len(), 20);
            tokens.splice(stretch, other[part].to_vec());
        }
        5 => tokens.insert(start, "\n".to_owned()),
        _ => {
            let new = random.pick(&seeds.tokens).clone();
            tokens.splice(stretch.start..stretch.end.min(start + 1), [new]);
        }
    }
    tokens.concat()
}

/// Something from all over Unicode, most often what the grammar knows.
fn character(random: &mut Random) -> char {
    const KNOWN: &[u8] = b"{}()[]\"\\#:=,.%+-*/<> \n\r\t_0aZ`'!@;\0";
    const ODD: &[char] = &[
        'é',
        '中',
        '\u{feff}',
        '\u{2028}',
        '\u{85}',
        '\u{301}',
        '😀',
        '\u{10ffff}',
        '٣',
        'ǅ',
        '\u{a0}',
        '\u{b}',
    ];
    match random.below(4) {
        0 | 1 => char::from(*random.pick(KNOWN)),
        2 => *random.pick(ODD),
        _ => char::from_u32(random.below(0x11_0000) as u32).unwrap_or('\u{fffd}'),
    }
}

/// Deep nesting and very long lines: one part repeated, perhaps closed as often.
pub(crate) fn extreme(random: &mut Random) -> String {
    const OPEN: &[(&str, &str)] = &[
        ("(", ")"),
        ("[", "]"),
        ("f(", ")"),
        ("[x for x in ", "]"),
        ("a with { b: ", " }"),
        ("a with { m b { c: ", " } }"),
        ("if true then ", " else 1"),
        ("if ", " then 1 else 2"),
        ("-", ""),
        ("not ", ""),
        ("every ", ""),
        ("1 + ", ""),
        ("1..", ""),
        ("1 by ", ""),
        ("2 * (1 - ", ")"),
        ("", ".a"),
        ("", "()"),
        ("", " tokens"),
        ("", "%"),
        ("\"", "\""),
        ("[1, ", ", 2]"),
        ("[\n", ",\n]"),
        ("{", "}"),
        ("é", "中"),
        ("# ", "\n"),
        ("9", "_"),
        ("x", "y"),
        ("1, ", ""),
        ("e a {\n", "}\n"),
    ];
    const AROUND: &[(&str, &str)] = &[
        ("let x = ", "\n"),
        ("mixture m { a: ", ", b: rest }\n"),
        ("experiment e {\n  vary a: ", "\n  check a == 1\n}\n"),
        ("", ""),
        ("use std.world\nlet a = 1\nscale s { layers: ", " }\n"),
    ];
    let (open, close) = *random.pick(OPEN);
    let (before, after) = *random.pick(AROUND);
    let times = *random.pick(&[1, 10, 31, 63, 64, 65, 127, 128, 200, 1000, 5000]);
    let closed = *random.pick(&[0, times - 1, times, times, times, times + 1]);
    let inner = *random.pick::<&str>(&["1", "", "web", "x y", "\n"]);
    let (opened, closed) = (open.repeat(times), close.repeat(closed));
    format!("{before}{opened}{inner}{closed}{after}let y = 2\n")
}
