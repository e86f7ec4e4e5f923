//! Kinds that say what a language model looks like.

use super::{Field, Kind, Place, Type};

pub(super) const SCALE: Kind = Kind {
    name: "scale",
    places: &[Place::File],
    doc: "The shape of a model: a Llama-style decoder.",
    fields: &[
        Field::required("layers", Type::Count, "Blocks."),
        Field::required("width", Type::Count, "Width of the residual stream."),
        Field::required("heads", Type::Count, "Query heads; they divide the width."),
        Field::optional(
            "kv_heads",
            Type::Count,
            "as many as `heads`",
            "Key and value heads; they divide the heads.",
        ),
        Field::optional(
            "hidden",
            Type::Count,
            "8/3 of the width, up to a multiple of 8",
            "Width inside the MLP.",
        ),
        Field::required("context", Type::Count, "Tokens per sequence."),
        Field::optional(
            "rope_base",
            Type::Count,
            "10_000",
            "Base of the rotary position frequencies.",
        ),
        Field::optional(
            "tied",
            Type::Flag,
            "false",
            "Whether input and output embeddings are one matrix.",
        ),
        Field::optional(
            "batch",
            Type::Sequences,
            "16 sequences",
            "Sequences per step where a run does not say.",
        ),
        Field::optional(
            "rate",
            Type::Number,
            "0.001",
            "Peak learning rate where a run does not say.",
        ),
    ],
};
