//! The styles that the world is written in.

use std::fmt;
use std::str::FromStr;

use serde::{Deserialize, Serialize};

/// A way of writing about the world, after the kinds of source that language models are trained on.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Style {
    /// Chatty pages: posts, offers, lists and comments that mix topics.
    Web,
    /// Small programs about scenes and numbers, with the output that they really give.
    Code,
    /// Word problems, derivations and plain arithmetic, all of it right.
    Math,
    /// Articles that define kinds, colours, materials and relations.
    Encyclopedia,
    /// Small stories with dialogue in described places.
    Literature,
    /// Small studies: a hypothesis, measured counts and what they allow to conclude.
    Academia,
    /// Catalogues and reviews that describe pictures and sculptures.
    Arts,
    /// Field notes: living things among the things of scenes, their parts, counts and choices.
    Biology,
    /// Data structures and algorithms in prose, with the traces that they really leave.
    ComputerScience,
    /// Reports on markets: prices, quantities, changes and shares that are right.
    Economics,
    /// Recipes with amounts and steps, and talk about dishes.
    Food,
    /// Numbered rules on who may place what where.
    Law,
    /// Case notes: history, findings, tests and doses.
    Medicine,
    /// Premises and the conclusions that follow, objections and replies.
    Philosophy,
    /// Minutes of councils: motions, speeches and votes that add up.
    Politics,
    /// A question, answers in the order of their votes, quotes and comments.
    QaForum,
}

impl Style {
    /// Every style, in the order of declaration.
    pub const ALL: [Style; 16] = [
        Style::Web,
        Style::Code,
        Style::Math,
        Style::Encyclopedia,
        Style::Literature,
        Style::Academia,
        Style::Arts,
        Style::Biology,
        Style::ComputerScience,
        Style::Economics,
        Style::Food,
        Style::Law,
        Style::Medicine,
        Style::Philosophy,
        Style::Politics,
        Style::QaForum,
    ];

    /// The style's name, as it is written and parsed.
    pub fn name(self) -> &'static str {
        match self {
            Style::Web => "web",
            Style::Code => "code",
            Style::Math => "math",
            Style::Encyclopedia => "encyclopedia",
            Style::Literature => "literature",
            Style::Academia => "academia",
            Style::Arts => "arts",
            Style::Biology => "biology",
            Style::ComputerScience => "computer_science",
            Style::Economics => "economics",
            Style::Food => "food",
            Style::Law => "law",
            Style::Medicine => "medicine",
            Style::Philosophy => "philosophy",
            Style::Politics => "politics",
            Style::QaForum => "qa_forum",
        }
    }
}

impl fmt::Display for Style {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.name())
    }
}

/// A name that is no style.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error(
    "the world has no style `{name}`; its styles are `web`, `code`, `math`, `encyclopedia`, `literature`, `academia`, `arts`, `biology`, \
     `computer_science`, `economics`, `food`, `law`, \
     `medicine`, `philosophy`, `politics`, `qa_forum`"
)]
pub struct ParseStyleError {
    name: String,
}

impl FromStr for Style {
    type Err = ParseStyleError;

    fn from_str(name: &str) -> Result<Self, Self::Err> {
        let found = Style::ALL.into_iter().find(|style| style.name() == name);
        found.ok_or_else(|| ParseStyleError {
            name: name.to_owned(),
        })
    }
}
