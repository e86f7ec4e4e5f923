//! Kinds that say how a model comes to see, and what is asked of it then.

use super::{Field, Kind, Place, Type};

pub(super) const ENCODER: Kind = Kind {
    name: "encoder",
    places: &[Place::File],
    doc: "A vision transformer that turns pictures into features.",
    fields: &[
        Field::required(
            "family",
            Type::Word(&["clip", "dinov2", "mae", "vit"]),
            "Whose conventions it follows: positions, class token, norms, normalisation of pixels.",
        ),
        Field::required("layers", Type::Count, "Blocks."),
        Field::required("width", Type::Count, "Width of the residual stream."),
        Field::required("heads", Type::Count, "Heads; they divide the width."),
        Field::optional(
            "hidden",
            Type::Count,
            "4 times the width",
            "Width inside the MLP; of a gated one two thirds of that, rounded up to a multiple of 8.",
        ),
        Field::optional(
            "mlp",
            Type::Word(&["plain", "gated"]),
            "plain",
            "The MLP of a block; `gated` as DINOv2-giant has it (SwiGLU), of the family `dinov2` alone.",
        ),
        Field::required("patch", Type::Count, "Side of a patch, in pixels."),
        Field::required(
            "image",
            Type::Count,
            "Side of the picture, in pixels; a multiple of the patch.",
        ),
        Field::required(
            "weights",
            Type::Weights,
            "Its weights: a folder of `transformers`, or a training of its own.",
        ),
    ],
};

pub(super) const ADAPTATION: Kind = Kind {
    name: "adaptation",
    places: &[Place::File],
    doc: "How a language model comes to see: an encoder, a projector, and stages in order.",
    fields: &[
        Field::required("encoder", Type::Encoder, "What sees."),
        Field::optional(
            "projector",
            Type::Projector,
            "mlp(layers: 2)",
            "What stands between encoder and language model.",
        ),
        Field::optional(
            "visual_tokens",
            Type::Count,
            "576",
            "Features per picture, after bilinear resizing; a square number.",
        ),
        Field::optional(
            "layer",
            Type::Count,
            "2",
            "Which of the encoder's layers is looked at, counted from the end: 1 is the last.",
        ),
        Field::optional(
            "template",
            Type::Text,
            "\"Question: {question}\\nAnswer: {answer}\"",
            "How a turn is written; a picture stands before the first one.",
        ),
    ],
};

pub(super) const STAGE: Kind = Kind {
    name: "stage",
    places: &[Place::Adaptation],
    doc: "One pass of an adaptation; stages run in the order written.",
    fields: &[
        Field::required("data", Type::Dataset, "The items trained on."),
        Field::required(
            "train",
            Type::Modules,
            "What is trained; everything else is frozen.",
        ),
        Field::optional(
            "images",
            Type::Flag,
            "true",
            "Whether pictures are shown; `false` withholds them.",
        ),
        Field::required("rate", Type::Number, "Peak learning rate."),
        Field::optional("batch", Type::Count, "128", "Items per step."),
        Field::optional("epochs", Type::Count, "1", "How often each item is seen."),
        Field::optional(
            "schedule",
            Type::Schedule,
            "cosine(warmup: 3%, floor: 0%)",
            "How the learning rate moves.",
        ),
        Field::optional(
            "weight_decay",
            Type::Number,
            "0",
            "AdamW's decay of matrices.",
        ),
        Field::optional(
            "before",
            Type::Stage,
            "last",
            "The stage it is put before, where `with` adds one.",
        ),
    ],
};

pub(super) const BENCHMARK: Kind = Kind {
    name: "benchmark",
    places: &[Place::File],
    doc: "Questions with known answers, and how an answer is scored.",
    fields: &[
        Field::required("data", Type::Items, "The questions."),
        Field::required("items", Type::Count, "How many questions there are.").operation(),
        Field::required(
            "format",
            Type::Word(&[
                "choice",
                "likelihood",
                "yes_no",
                "short_answer",
                "perplexity",
            ]),
            "How it is asked and scored: options by letter or text, options by likelihood, yes or no, a short answer, or the text's perplexity.",
        ),
        Field::optional(
            "images",
            Type::Flag,
            "true",
            "Whether the questions come with pictures.",
        ),
        Field::optional(
            "compare",
            Type::Word(&["bytes", "whole"]),
            "bytes",
            "How likelihoods of options are compared: by the byte, or of whole answers with the end after them.",
        ),
        Field::optional(
            "score",
            Type::Word(&["exact", "relaxed", "contained", "agreement"]),
            "exact",
            "How a short answer is scored: equal to a right one when normalised, a number within 5% of it too (relaxed accuracy), a right one contained in what was written, or by its agreement with annotators (VQA accuracy).",
        ),
        Field::optional("chance", Type::Share, "0%", "What guessing scores.").operation(),
    ],
};

pub(super) const SUITE: Kind = Kind {
    name: "suite",
    places: &[Place::File],
    doc: "Groups of benchmarks, and how they make one number.",
    fields: &[Field::optional(
        "overall",
        Type::Word(&["mean_of_benchmarks", "mean_of_groups", "by_items", "none"]),
        "mean_of_benchmarks",
        "The overall score: every benchmark alike, every group alike, weighted by questions, or none.",
    )],
};

pub(super) const GROUP: Kind = Kind {
    name: "group",
    places: &[Place::Suite],
    doc: "Benchmarks whose mean is one score.",
    fields: &[Field::required(
        "benchmarks",
        Type::Benchmarks,
        "Its benchmarks.",
    )],
};
