//! The kinds of blocks and their fields.

use super::Type;

/// A kind of block.
#[derive(Debug)]
pub struct Kind {
    /// Its word.
    pub name: &'static str,
    /// Where it may stand.
    pub place: Place,
    /// Its fields; empty where the entries are not fields of a fixed name.
    pub fields: &'static [Field],
    /// What it is, in one sentence.
    pub doc: &'static str,
}

/// Where a kind of block may stand.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Place {
    /// In column 0 of a file.
    File,
    /// Inside an experiment.
    Experiment,
    /// Inside a report.
    Report,
}

/// A field of a kind.
#[derive(Debug)]
pub struct Field {
    /// Its word.
    pub name: &'static str,
    /// What it holds.
    pub kind: Type,
    /// Whether it must be given.
    pub need: Need,
    /// Whether it bears identity.
    pub role: Role,
    /// What it means, in one sentence.
    pub doc: &'static str,
}

/// Whether a field must be given.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Need {
    /// It must.
    Required,
    /// It may be left out; the text says what happens then.
    Optional(&'static str),
}

/// What a field has to do with a job's identity.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Role {
    /// It changes what is computed, so it is part of the key.
    Identity,
    /// It changes how work is done or shown, never the result.
    Operation,
}

use Need::{Optional, Required};
use Place::{Experiment, File, Report};
use Role::{Identity, Operation};

const fn field(name: &'static str, kind: Type, need: Need, role: Role, doc: &'static str) -> Field {
    Field {
        name,
        kind,
        need,
        role,
        doc,
    }
}

/// All kinds.
pub const KINDS: &[Kind] = &[
    Kind {
        name: "category",
        place: File,
        doc: "A kind of text, with the source it comes from.",
        fields: &[
            field(
                "source",
                Type::Source,
                Required,
                Identity,
                "Where the text comes from.",
            ),
            field(
                "held_out",
                Type::Share,
                Optional("5%"),
                Identity,
                "Share of documents kept out of training, chosen by content.",
            ),
        ],
    },
    Kind {
        name: "mixture",
        place: File,
        doc: "Shares of categories or of other mixtures; they sum to exactly 100%.",
        fields: &[],
    },
    Kind {
        name: "tokenizer",
        place: File,
        doc: "A byte-level BPE tokenizer trained on a mixture, or an imported one.",
        fields: &[
            field(
                "vocabulary",
                Type::Count,
                Required,
                Identity,
                "Entries of the vocabulary.",
            ),
            field(
                "data",
                Type::Mixture,
                Optional("give `file` instead"),
                Identity,
                "The text to learn from: the training side of each category.",
            ),
            field(
                "sample",
                Type::Bytes,
                Optional("4 MiB"),
                Identity,
                "How much text to learn from.",
            ),
            field(
                "file",
                Type::Path,
                Optional("give `data` instead"),
                Identity,
                "A Hugging Face `tokenizer.json` to import.",
            ),
        ],
    },
    Kind {
        name: "scale",
        place: File,
        doc: "The shape of a model: a Llama-style decoder.",
        fields: &[
            field("layers", Type::Count, Required, Identity, "Blocks."),
            field(
                "width",
                Type::Count,
                Required,
                Identity,
                "Width of the residual stream.",
            ),
            field(
                "heads",
                Type::Count,
                Required,
                Identity,
                "Query heads; they divide the width.",
            ),
            field(
                "kv_heads",
                Type::Count,
                Optional("as many as `heads`"),
                Identity,
                "Key and value heads; they divide the heads.",
            ),
            field(
                "hidden",
                Type::Count,
                Optional("8/3 of the width, up to a multiple of 8"),
                Identity,
                "Width inside the MLP.",
            ),
            field(
                "context",
                Type::Count,
                Required,
                Identity,
                "Tokens per sequence.",
            ),
            field(
                "rope_base",
                Type::Count,
                Optional("10_000"),
                Identity,
                "Base of the rotary position frequencies.",
            ),
            field(
                "tied",
                Type::Flag,
                Optional("false"),
                Identity,
                "Whether input and output embeddings are one matrix.",
            ),
            field(
                "batch",
                Type::Sequences,
                Optional("16 sequences"),
                Identity,
                "Sequences per step where a run does not say.",
            ),
            field(
                "rate",
                Type::Number,
                Optional("0.001"),
                Identity,
                "Peak learning rate where a run does not say.",
            ),
        ],
    },
    Kind {
        name: "experiment",
        place: File,
        doc: "Axes, the jobs that repeat over them, checks and reports.",
        fields: &[],
    },
    Kind {
        name: "pretrain",
        place: Experiment,
        doc: "Trains a language model from scratch.",
        fields: &[
            field("model", Type::Scale, Required, Identity, "The scale."),
            field(
                "data",
                Type::Mixture,
                Required,
                Identity,
                "The mixture trained on.",
            ),
            field(
                "tokenizer",
                Type::Tokenizer,
                Required,
                Identity,
                "The tokenizer.",
            ),
            field(
                "tokens",
                Type::Tokens,
                Required,
                Identity,
                "The budget; training ends with the step that reaches it.",
            ),
            field(
                "batch",
                Type::Sequences,
                Optional("the scale's"),
                Identity,
                "Sequences per step.",
            ),
            field(
                "rate",
                Type::Number,
                Optional("the scale's"),
                Identity,
                "Peak learning rate.",
            ),
            field(
                "schedule",
                Type::Schedule,
                Optional("cosine(warmup: 2%, floor: 10%)"),
                Identity,
                "How the learning rate moves.",
            ),
            field(
                "weight_decay",
                Type::Number,
                Optional("0.1"),
                Identity,
                "AdamW's decay of matrices; norms are not decayed.",
            ),
            field(
                "beta1",
                Type::Number,
                Optional("0.9"),
                Identity,
                "AdamW's decay of the first moment.",
            ),
            field(
                "beta2",
                Type::Number,
                Optional("0.95"),
                Identity,
                "AdamW's decay of the second moment.",
            ),
            field(
                "clip",
                Type::Number,
                Optional("1"),
                Identity,
                "Largest norm of the whole gradient; 0 for no clipping.",
            ),
            field(
                "seed",
                Type::Count,
                Optional("0"),
                Identity,
                "Seed of the run's random streams: initial weights and data order.",
            ),
            field(
                "keep",
                Type::Points,
                Optional("none"),
                Operation,
                "Token counts at which a checkpoint is kept.",
            ),
        ],
    },
    Kind {
        name: "eval",
        place: Experiment,
        doc: "Measures a model.",
        fields: &[
            field(
                "from",
                Type::Model,
                Required,
                Identity,
                "The job whose model is measured.",
            ),
            field(
                "suite",
                Type::Suite,
                Required,
                Identity,
                "What is measured.",
            ),
        ],
    },
    Kind {
        name: "report",
        place: Experiment,
        doc: "Tables of the results.",
        fields: &[],
    },
    Kind {
        name: "table",
        place: Report,
        doc: "Measures by axes; axes that are neither rows nor columns are averaged over.",
        fields: &[
            field(
                "cells",
                Type::Measures,
                Required,
                Operation,
                "The measures shown.",
            ),
            field(
                "rows",
                Type::Axes,
                Required,
                Operation,
                "Axes down the side.",
            ),
            field(
                "columns",
                Type::Axes,
                Optional("none"),
                Operation,
                "Axes across the top.",
            ),
        ],
    },
];

/// Kinds that the language has a place for and this version does not have yet.
pub const RESERVED: &[&str] = &[
    "adapt",
    "adaptation",
    "align_score",
    "benchmark",
    "encoder",
    "hypothesis",
    "plot",
    "suite",
];

/// Returns a kind by its word.
pub fn kind(name: &str) -> Option<&'static Kind> {
    KINDS.iter().find(|kind| kind.name == name)
}

impl Kind {
    /// Returns a field by its word.
    pub fn field(&self, name: &str) -> Option<&'static Field> {
        self.fields.iter().find(|field| field.name == name)
    }
}
