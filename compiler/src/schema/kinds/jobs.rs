//! Experiments and the kinds of jobs in them.

use super::{Field, Kind, Place, Type};

pub(super) const EXPERIMENT: Kind = Kind {
    name: "experiment",
    places: &[Place::File],
    doc: "Axes, the jobs that repeat over them, checks, hypotheses and reports.",
    fields: &[
        Field::optional(
            "budget",
            Type::DeviceTime,
            "none",
            "What the experiment may cost at most: a plan that would take more is refused.",
        )
        .operation(),
        super::results::ACCEPT,
        super::results::CONTROLS,
    ],
};

pub(super) const PRETRAIN: Kind = Kind {
    name: "pretrain",
    places: &[Place::Experiment],
    doc: "Trains a language model from scratch.",
    fields: &[
        Field::required("model", Type::Scale, "The scale."),
        Field::required("data", Type::Mixture, "The mixture trained on."),
        Field::required("tokenizer", Type::Tokenizer, "The tokenizer."),
        Field::required(
            "tokens",
            Type::Tokens,
            "The budget; training ends with the step that reaches it. 0 leaves the initial weights.",
        ),
        Field::optional(
            "batch",
            Type::Sequences,
            "the scale's",
            "Sequences per step.",
        ),
        Field::optional("rate", Type::Number, "the scale's", "Peak learning rate."),
        Field::optional(
            "schedule",
            Type::Schedule,
            "cosine(warmup: 2%, floor: 10%)",
            "How the learning rate moves.",
        ),
        Field::optional(
            "weight_decay",
            Type::Number,
            "0.1",
            "AdamW's decay of matrices; norms are not decayed.",
        ),
        Field::optional(
            "beta1",
            Type::Number,
            "0.9",
            "AdamW's decay of the first moment.",
        ),
        Field::optional(
            "beta2",
            Type::Number,
            "0.95",
            "AdamW's decay of the second moment.",
        ),
        Field::optional(
            "clip",
            Type::Number,
            "1",
            "Largest norm of the whole gradient; 0 for no clipping.",
        ),
        Field::optional(
            "precision",
            Type::Word(&["f32", "bf16"]),
            "f32",
            "What numbers activations are. bf16 needs a GPU; weights and moments stay f32.",
        ),
        Field::optional(
            "micro_batch",
            Type::Sequences,
            "the batch",
            "Sequences whose gradient is computed at once; those of a step are added up in order. Less memory; rounding differs, so it bears identity.",
        ),
        Field::optional(
            "activations",
            Type::Word(&["kept", "recomputed"]),
            "kept",
            "Whether the backward pass finds inner values of blocks kept, or computes them again: less memory, more time, the same bits.",
        )
        .operation(),
        Field::optional(
            "seed",
            Type::Count,
            "0",
            "Seed of the run's random streams: initial weights and data order.",
        ),
        Field::optional(
            "keep",
            Type::Points,
            "none",
            "Token counts at which a checkpoint is kept.",
        )
        .operation(),
        Field::optional(
            "max_epochs",
            Type::Number,
            "no limit",
            "How often the text of a category may be gone through at most.",
        )
        .operation(),
    ],
};

pub(super) const ADAPT: Kind = Kind {
    name: "adapt",
    places: &[Place::Experiment],
    doc: "Teaches a language model to see; one job for each stage of the adaptation.",
    fields: &[
        Field::required("from", Type::Model, "The job whose model is adapted."),
        Field::required("setup", Type::Adaptation, "The adaptation."),
        Field::optional(
            "seed",
            Type::Count,
            "0",
            "Seed of the projector's initial weights and of the order of items, which is the same for every model.",
        ),
    ],
};

pub(super) const EVAL: Kind = Kind {
    name: "eval",
    places: &[Place::Experiment],
    doc: "Measures a model.",
    fields: &[
        Field::required(
            "from",
            Type::Answerer,
            "The job whose model is measured, or `endpoint(\"…\")`.",
        ),
        Field::required("suite", Type::Suite, "What is measured."),
        Field::optional(
            "explain",
            Type::Flag,
            "false",
            "Whether an explanation is asked for before the answer.",
        ),
        Field::optional(
            "images",
            Type::Flag,
            "true",
            "Whether pictures are shown; `false` withholds them.",
        ),
        Field::optional(
            "judge",
            Type::Endpoint,
            "none",
            "A model that judges explanations: their soundness and depth.",
        ),
    ],
};

pub(super) const ALIGN_SCORE: Kind = Kind {
    name: "align_score",
    places: &[Place::Experiment],
    doc: "How alike a language model and vision encoders see the same things: mutual nearest neighbours.",
    fields: &[
        Field::required("from", Type::Model, "The job whose model is compared."),
        Field::required("data", Type::Dataset, "Pictures with captions."),
        Field::required(
            "encoders",
            Type::Encoders,
            "What it is compared with; the score is the mean over them.",
        ),
        Field::optional(
            "neighbours",
            Type::Count,
            "10",
            "How many nearest neighbours are compared.",
        ),
        Field::optional(
            "pooling",
            Type::Word(&["mean", "last"]),
            "mean",
            "How the tokens of a caption become one vector.",
        ),
        Field::optional(
            "layers",
            Type::Word(&["best", "last"]),
            "best",
            "The best pair of layers, or the last one of each.",
        ),
        Field::optional(
            "clamp",
            Type::Share,
            "95%",
            "Quantile beyond which features are clamped.",
        ),
    ],
};
