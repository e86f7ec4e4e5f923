//! The built-in functions.

use super::Type;

/// A built-in function.
#[derive(Debug)]
pub struct Function {
    /// Its word.
    pub name: &'static str,
    /// Its parameters, in order.
    pub parameters: &'static [Parameter],
    /// What it gives, in one sentence.
    pub doc: &'static str,
}

/// A parameter of a function.
#[derive(Debug)]
pub struct Parameter {
    /// Its word.
    pub name: &'static str,
    /// What it holds.
    pub kind: Type,
    /// The default as written; `None` where it must be given.
    pub default: Option<&'static str>,
    /// Whether it may be given by position.
    pub positional: bool,
}

const fn first(name: &'static str, kind: Type) -> Parameter {
    Parameter {
        name,
        kind,
        default: None,
        positional: true,
    }
}

const fn named(name: &'static str, kind: Type, default: &'static str) -> Parameter {
    Parameter {
        name,
        kind,
        default: Some(default),
        positional: false,
    }
}

/// The world's styles of text.
const STYLES: Type = Type::Word(&["web", "code", "math", "encyclopedia", "literature"]);

const WARMUP: Parameter = named("warmup", Type::Length, "2%");
const FLOOR: Parameter = named("floor", Type::Share, "10%");

/// All functions.
pub const FUNCTIONS: &[Function] = &[
    Function {
        name: "text",
        doc: "Plain text (also .gz, .zst), cut at blank lines into documents of at least 2 KiB.",
        parameters: &[first("path", Type::Path)],
    },
    Function {
        name: "jsonl",
        doc: "One JSON object per line (also .gz, .zst); the text is the named fields, joined.",
        parameters: &[
            first("path", Type::Path),
            named("field", Type::Texts, "\"text\""),
            named("join", Type::Text, "\"\\n\""),
        ],
    },
    Function {
        name: "world",
        doc: "The embedded synthetic world, in one of its styles.",
        parameters: &[
            first("style", STYLES),
            named("seed", Type::Count, "0"),
            named("size", Type::Bytes, "4 MiB"),
        ],
    },
    Function {
        name: "constant",
        doc: "Warm-up, then the peak rate throughout.",
        parameters: &[WARMUP],
    },
    Function {
        name: "cosine",
        doc: "Warm-up, then half a cosine down to the floor.",
        parameters: &[WARMUP, FLOOR],
    },
    Function {
        name: "linear",
        doc: "Warm-up, then a straight line down to the floor.",
        parameters: &[WARMUP, named("floor", Type::Share, "0%")],
    },
    Function {
        name: "wsd",
        doc: "Warm-up, stable, decay: budgets that differ share the stable part.",
        parameters: &[
            WARMUP,
            named("decay", Type::Length, "10%"),
            named("floor", Type::Share, "0%"),
        ],
    },
    Function {
        name: "held_out",
        doc: "Bits per byte and perplexity on the held-out text of each category.",
        parameters: &[first("categories", Type::Categories)],
    },
    Function {
        name: "count",
        doc: "How many times a job of this experiment is repeated.",
        parameters: &[first("job", Type::Model)],
    },
];

/// Returns a function by its word.
pub fn function(name: &str) -> Option<&'static Function> {
    FUNCTIONS.iter().find(|function| function.name == name)
}
