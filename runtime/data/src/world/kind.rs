//! What items of the world ask, and the two sides that they come from.

use std::fmt;
use std::str::FromStr;

use serde::{Deserialize, Serialize};

/// What an item asks.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum ItemKind {
    /// To describe the picture; open, without options.
    Caption,
    /// Perception: whether a kind of thing is there.
    Existence,
    /// Perception: the colour of a thing.
    Colour,
    /// Perception: the size of a thing.
    Size,
    /// Perception: how many things have a colour.
    Count,
    /// Perception: in which quarter of the picture a thing is.
    Place,
    /// Reasoning: which of two things is larger or smaller.
    Compare,
    /// Reasoning: how a thing stands to another.
    Relate,
    /// Reasoning: the sum or the difference of two counts.
    Arithmetic,
    /// Reasoning: the colour of the thing that is nearest to another.
    TwoHops,
    /// Language only: a fact that the encyclopedia states.
    Fact,
    /// Perception of writing: the number on a sign.
    Digits,
    /// Perception of writing: the word on a sign.
    Letters,
    /// Reasoning about a bar chart: its longest or shortest bar, its bars, or the length of one of them.
    Chart,
    /// Perception: which kind of thing covers up to 30 % of the picture, beside others.
    ExistenceSmall,
    /// Perception: which kind of thing covers 30 to 60 % of the picture.
    ExistenceMedium,
    /// Perception: which kind of thing covers more than 60 % of the picture.
    ExistenceLarge,
    /// Language only, in several turns: things are described, and later questions refer back.
    Dialogue,
}

impl ItemKind {
    /// Every kind, in the order of declaration.
    pub const ALL: [ItemKind; 18] = [
        ItemKind::Caption,
        ItemKind::Existence,
        ItemKind::Colour,
        ItemKind::Size,
        ItemKind::Count,
        ItemKind::Place,
        ItemKind::Compare,
        ItemKind::Relate,
        ItemKind::Arithmetic,
        ItemKind::TwoHops,
        ItemKind::Fact,
        ItemKind::Digits,
        ItemKind::Letters,
        ItemKind::Chart,
        ItemKind::ExistenceSmall,
        ItemKind::ExistenceMedium,
        ItemKind::ExistenceLarge,
        ItemKind::Dialogue,
    ];

    /// The kind's name, as it is written and parsed.
    pub fn name(self) -> &'static str {
        match self {
            ItemKind::Caption => "caption",
            ItemKind::Existence => "existence",
            ItemKind::Colour => "colour",
            ItemKind::Size => "size",
            ItemKind::Count => "count",
            ItemKind::Place => "place",
            ItemKind::Compare => "compare",
            ItemKind::Relate => "relate",
            ItemKind::Arithmetic => "arithmetic",
            ItemKind::TwoHops => "two_hops",
            ItemKind::Fact => "fact",
            ItemKind::Digits => "digits",
            ItemKind::Letters => "letters",
            ItemKind::Chart => "chart",
            ItemKind::ExistenceSmall => "existence_small",
            ItemKind::ExistenceMedium => "existence_medium",
            ItemKind::ExistenceLarge => "existence_large",
            ItemKind::Dialogue => "dialogue",
        }
    }

    /// The labels of its items.
    pub fn labels(self) -> &'static [&'static str] {
        use ItemKind::{
            Arithmetic, Caption, Chart, Compare, Dialogue, Digits, Fact, Letters, Relate, TwoHops,
        };
        match self {
            Caption => &["other"],
            Fact | Dialogue => &["other", "language_only"],
            Digits | Letters => &["perception", "ocr"],
            Chart => &["reasoning", "ocr"],
            Compare | Relate | Arithmetic | TwoHops => &["reasoning"],
            _ => &["perception"],
        }
    }
}

impl fmt::Display for ItemKind {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.name())
    }
}

/// A name that is no kind of item.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("the world has no items of kind `{name}`; its kinds are {}", listed(&ItemKind::ALL.map(ItemKind::name)))]
pub struct ParseItemKindError {
    name: String,
}

impl FromStr for ItemKind {
    type Err = ParseItemKindError;

    fn from_str(name: &str) -> Result<Self, Self::Err> {
        let found = ItemKind::ALL.into_iter().find(|kind| kind.name() == name);
        found.ok_or_else(|| ParseItemKindError {
            name: name.to_owned(),
        })
    }
}

/// A side of the world's contents; no picture, no fact and no description is on both.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Split {
    /// To learn from.
    Train,
    /// To be asked.
    Test,
}

impl Split {
    /// Both sides.
    pub const ALL: [Split; 2] = [Split::Train, Split::Test];

    /// The side's name, as it is written and parsed.
    pub fn name(self) -> &'static str {
        match self {
            Split::Train => "train",
            Split::Test => "test",
        }
    }
}

impl fmt::Display for Split {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.name())
    }
}

/// A name that is no side.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("there is no side `{name}`; the sides are {}", listed(&Split::ALL.map(Split::name)))]
pub struct ParseSplitError {
    name: String,
}

impl FromStr for Split {
    type Err = ParseSplitError;

    fn from_str(name: &str) -> Result<Self, Self::Err> {
        let found = Split::ALL.into_iter().find(|split| split.name() == name);
        found.ok_or_else(|| ParseSplitError {
            name: name.to_owned(),
        })
    }
}

fn listed(names: &[&str]) -> String {
    format!("`{}`", names.join("`, `"))
}
