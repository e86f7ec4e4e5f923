//! The six labels of a segment: three of reasoning, three of sight.

use std::fmt;
use std::ops::{BitOr, BitOrAssign};

/// A set of labels; a segment may have several or none.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, PartialOrd, Ord, Hash)]
pub struct Labels(u8);

impl Labels {
    /// No label.
    pub const NONE: Labels = Labels(0);
    /// Algorithms and the logic of programs.
    pub const CODE: Labels = Labels(1);
    /// Calculation, derivation, quantities put to use.
    pub const MATH: Labels = Labels(2);
    /// Hypotheses, tests, observations and what follows from them.
    pub const SCIENCE: Labels = Labels(4);
    /// Names visible things, people and places.
    pub const CONCEPT: Labels = Labels(8);
    /// Colour, size, shape, material.
    pub const ATTRIBUTE: Labels = Labels(16);
    /// Where things are to each other, and what is part of what.
    pub const RELATION: Labels = Labels(32);

    /// The three of reasoning.
    pub const REASONING: Labels = Labels(1 | 2 | 4);
    /// The three of sight.
    pub const VISUAL: Labels = Labels(8 | 16 | 32);

    /// Every single label with its name, reasoning first.
    pub const ALL: [(Labels, &'static str); 6] = [
        (Labels::CODE, "code reasoning"),
        (Labels::MATH, "math reasoning"),
        (Labels::SCIENCE, "science reasoning"),
        (Labels::CONCEPT, "visual concept"),
        (Labels::ATTRIBUTE, "visual attribute"),
        (Labels::RELATION, "visual relation"),
    ];

    /// Whether every label of `others` is in this set.
    pub fn contains(self, others: Labels) -> bool {
        self.0 & others.0 == others.0
    }

    /// Whether some label of `others` is in this set.
    pub fn meets(self, others: Labels) -> bool {
        self.0 & others.0 != 0
    }

    /// The label that a word of labelled data means: its name, also with `_`; `visual relationship` is the relation.
    pub fn of_word(word: &str) -> Option<Labels> {
        let name = word.replace('_', " ");
        let name = match name.as_str() {
            "visual relationship" => "visual relation",
            name => name,
        };
        let mut all = Labels::ALL.into_iter();
        all.find(|(_, own)| *own == name).map(|(label, _)| label)
    }

    /// Whether there is no label.
    pub fn is_empty(self) -> bool {
        self.0 == 0
    }

    /// The names of the labels, reasoning first.
    pub fn names(self) -> impl Iterator<Item = &'static str> {
        Labels::ALL
            .into_iter()
            .filter(move |(label, _)| self.contains(*label))
            .map(|(_, name)| name)
    }
}

impl BitOr for Labels {
    type Output = Labels;

    fn bitor(self, other: Labels) -> Labels {
        Labels(self.0 | other.0)
    }
}

impl BitOrAssign for Labels {
    fn bitor_assign(&mut self, other: Labels) {
        self.0 |= other.0;
    }
}

impl fmt::Display for Labels {
    /// The names with commas, or `none`.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if self.is_empty() {
            return f.write_str("none");
        }
        for (index, name) in self.names().enumerate() {
            let comma = if index > 0 { ", " } else { "" };
            write!(f, "{comma}{name}")?;
        }
        Ok(())
    }
}
