//! Kinds that say what a model learns from.

use super::{Field, Kind, Place, Type};

pub(super) const LABEL: Kind = Kind {
    name: "label",
    places: &[Place::File],
    doc: "A property of a piece of text or of an item; one piece may have several.",
    fields: &[
        Field::optional(
            "word",
            Type::Text,
            "give `any` instead",
            "The word that stands for it in labelled data.",
        ),
        Field::optional(
            "any",
            Type::Labels,
            "give `word` instead",
            "A union: it holds where any of these labels holds.",
        ),
    ],
};

pub(super) const CATEGORY: Kind = Kind {
    name: "category",
    places: &[Place::File],
    doc: "A kind of text, with the source it comes from.",
    fields: &[
        Field::required("source", Type::Source, "Where the text comes from."),
        Field::optional(
            "held_out",
            Type::Share,
            "5%",
            "Share of documents kept out of training, chosen by content.",
        ),
        Field::optional(
            "supply",
            Type::Tokens,
            "the size of the source, where it is known",
            "How many tokens there are; `pool` shares by it.",
        )
        .operation(),
        Field::optional(
            "labels.…",
            Type::Share,
            "unknown",
            "How much of the text has a label: `labels.code: 3.5%`, for `only`, `without` and `share_of`.",
        )
        .operation(),
    ],
};

pub(super) const MIXTURE: Kind = Kind {
    name: "mixture",
    places: &[Place::File],
    doc: "Shares of categories or of other mixtures; they sum to exactly 100%.",
    fields: &[],
};

pub(super) const TOKENIZER: Kind = Kind {
    name: "tokenizer",
    places: &[Place::File],
    doc: "A byte-level BPE tokenizer trained on a mixture, or an imported one.",
    fields: &[
        Field::required("vocabulary", Type::Count, "Entries of the vocabulary."),
        Field::optional(
            "data",
            Type::Mixture,
            "give `file` instead",
            "The text to learn from: the training side of each category.",
        ),
        Field::optional(
            "sample",
            Type::Bytes,
            "4 MiB",
            "How much text to learn from.",
        ),
        Field::optional(
            "file",
            Type::Files,
            "give `data` instead",
            "A Hugging Face `tokenizer.json` to import.",
        ),
    ],
};

pub(super) const DATASET: Kind = Kind {
    name: "dataset",
    places: &[Place::File],
    doc: "Items to adapt with: pictures with captions, instructions, dialogues.",
    fields: &[
        Field::required("source", Type::Items, "Where the items come from."),
        Field::required(
            "items",
            Type::Count,
            "How many items there are: checked where the source knows it, and made as many of scenes.",
        ),
        Field::optional(
            "labels.…",
            Type::Count,
            "unknown",
            "How many items have a label: `labels.perception: 1.8M`, for `only`, `without` and `thin`.",
        )
        .operation(),
    ],
};
