//! The types of fields and parameters.

/// What a field or parameter holds.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Type {
    /// A fraction from 0 to 1, written `30%`, `1/3` or `0.3`.
    Share,
    /// A whole number, written `32`, `4k` or `30B`.
    Count,
    /// A whole number of tokens, written `30B` or `30B tokens`.
    Tokens,
    /// A whole number of sequences, written `16` or `16 sequences`.
    Sequences,
    /// A size of text, written `4 MiB`.
    Bytes,
    /// A length of a schedule: a share of the run, steps or tokens.
    Length,
    /// A non-negative number, written `0.003` or `3/1000`.
    Number,
    /// `true` or `false`.
    Flag,
    /// A path, in quotes.
    Path,
    /// Text, in quotes.
    Text,
    /// One text or a list of texts.
    Texts,
    /// One of a few words.
    Word(&'static [&'static str]),
    /// Where text comes from: `text(…)`, `jsonl(…)`, `world(…)`.
    Source,
    /// A mixture, or one category as the whole of it.
    Mixture,
    /// A scale.
    Scale,
    /// A tokenizer.
    Tokenizer,
    /// A schedule: `cosine(…)`, `wsd(…)` and others.
    Schedule,
    /// A list of token counts at which checkpoints are kept.
    Points,
    /// A `pretrain` job of the experiment.
    Model,
    /// What an evaluation measures: `held_out([…])`.
    Suite,
    /// A list of categories.
    Categories,
    /// A list of measures, such as `[fit.web, fit.code.perplexity]`.
    Measures,
    /// An axis, or a list of axes.
    Axes,
}

impl Type {
    /// Returns the type in words, for messages.
    pub const fn words(self) -> &'static str {
        match self {
            Self::Share => "a share such as `30%` or `1/3`",
            Self::Count => "a whole number such as `32` or `30B`",
            Self::Tokens => "a number of tokens such as `30B`",
            Self::Sequences => "a number of sequences such as `16`",
            Self::Bytes => "a size such as `4 MiB`",
            Self::Length => "a length such as `2%`, `100 steps` or `1B tokens`",
            Self::Number => "a number such as `0.003` or `3/1000`",
            Self::Flag => "`true` or `false`",
            Self::Path => "a path in quotes",
            Self::Text => "text in quotes",
            Self::Texts => "text in quotes, or a list of texts",
            Self::Word(_) => "one of a few words",
            Self::Source => "a source such as `text(\"file.txt\")`",
            Self::Mixture => "a mixture or a category",
            Self::Scale => "a scale",
            Self::Tokenizer => "a tokenizer",
            Self::Schedule => "a schedule such as `cosine(warmup: 2%)`",
            Self::Points => "a list of token counts such as `[5B, 10B]`, or `every 5B`",
            Self::Model => "the name of a `pretrain` job",
            Self::Suite => "a suite such as `held_out([web, code])`",
            Self::Categories => "a list of categories",
            Self::Measures => "a list of measures such as `[fit.web]`",
            Self::Axes => "an axis, or a list of axes",
        }
    }

    /// Returns the type that a parameter's type word names.
    pub fn of_parameter(word: &str) -> Option<Self> {
        Some(match word {
            "share" => Self::Share,
            "count" => Self::Count,
            "tokens" => Self::Tokens,
            "number" => Self::Number,
            "mixture" | "category" => Self::Mixture,
            "scale" => Self::Scale,
            "tokenizer" => Self::Tokenizer,
            "schedule" => Self::Schedule,
            _ => return None,
        })
    }

    /// The words [`Type::of_parameter`] knows.
    pub const PARAMETER_WORDS: &'static [&'static str] = &[
        "share",
        "count",
        "tokens",
        "number",
        "mixture",
        "category",
        "scale",
        "tokenizer",
        "schedule",
    ];
}
