//! The styles that the world is written in.

use std::fmt;
use std::str::FromStr;

use serde::{Deserialize, Serialize};

/// A way of writing about the world, after the kinds of source that language models are trained on.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
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
}

impl Style {
    /// Every style, in the order of declaration.
    pub const ALL: [Style; 5] = [
        Style::Web,
        Style::Code,
        Style::Math,
        Style::Encyclopedia,
        Style::Literature,
    ];

    /// The style's name, as it is written and parsed.
    pub fn name(self) -> &'static str {
        match self {
            Style::Web => "web",
            Style::Code => "code",
            Style::Math => "math",
            Style::Encyclopedia => "encyclopedia",
            Style::Literature => "literature",
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
    "the world has no style `{name}`; its styles are `web`, `code`, `math`, `encyclopedia`, `literature`"
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
