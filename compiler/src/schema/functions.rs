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

const fn optional(name: &'static str, kind: Type, default: &'static str) -> Parameter {
    Parameter {
        positional: true,
        ..named(name, kind, default)
    }
}

const fn made(name: &'static str, parameters: &'static [Parameter], doc: &'static str) -> Function {
    Function {
        name,
        parameters,
        doc,
    }
}

/// Published benchmarks that can be read.
const PUBLISHED: Type = Type::Word(&[
    "gqa",
    "mme",
    "mmbench",
    "seed_bench",
    "scienceqa",
    "mmmu",
    "ai2d",
    "mathvista",
    "textvqa",
    "chartqa",
    "ocrbench",
    "realworldqa",
    "blink",
    "cv_ade",
    "cv_coco",
    "cv_omni3d",
    "mle_small",
    "mle_medium",
    "mle_large",
    "wikitext",
    "lambada",
    "piqa",
    "hellaswag",
    "winogrande",
    "arc",
    "copa",
    "sciq",
    "openbookqa",
    "boolq",
]);

/// The world's styles of text.
const STYLES: Type = Type::Word(&[
    "web",
    "code",
    "math",
    "encyclopedia",
    "literature",
    "academia",
    "arts",
    "biology",
    "computer_science",
    "economics",
    "food",
    "law",
    "medicine",
    "philosophy",
    "politics",
    "qa_forum",
]);

const WARMUP: Parameter = named("warmup", Type::Length, "2%");
/// Of a schedule whose beginning does not depend on its length.
const SHARED_WARMUP: Parameter = named("warmup", Type::Length, "2%, at most 100 steps");
const ALPHA: Parameter = named("alpha", Type::Share, "5%");
const CORRECT: Parameter = named(
    "correct",
    Type::Word(&["none", "holm", "bonferroni"]),
    "none",
);

const EPOCHS: Parameter = named("epochs", Type::Count, "1");
const BATCH: Parameter = named("batch", Type::Count, "32");
const RATE: Parameter = named("rate", Type::Number, "0.001");

/// Which side of what is divided.
const SIDE: Parameter = named("side", Type::Word(&["train", "test"]), "train");
const HELD_OUT: Parameter = named("held_out", Type::Share, "0%");
const BROKEN: Parameter = named("broken", Type::Word(&["fatal", "skip"]), "fatal");

/// All functions.
pub const FUNCTIONS: &[Function] = &[
    // Sources.
    made(
        "text",
        &[first("path", Type::Path)],
        "Plain text (also .gz, .zst), cut at blank lines into documents of at least 2 KiB.",
    ),
    made(
        "jsonl",
        &[
            first("path", Type::Path),
            named("field", Type::Texts, "\"text\""),
            named("join", Type::Text, "\"\\n\""),
            named("labels", Type::Text, "none"),
        ],
        "One JSON object per line (also .gz, .zst); the text is the named fields, joined. `labels` names the field with the words of a text's labels.",
    ),
    made(
        "world",
        &[
            first("style", STYLES),
            named("seed", Type::Count, "0"),
            named("size", Type::Bytes, "4 MiB"),
        ],
        "The embedded synthetic world, in one of its styles.",
    ),
    made(
        "planned",
        &[first("what", Type::Text)],
        "Something that is not there yet: a study that names it can be planned, and run once it is given.",
    ),
    // Items.
    made(
        "scenes",
        &[
            first("kinds", Type::Kinds),
            SIDE,
            named("seed", Type::Count, "0"),
        ],
        "Pictures of the synthetic world with captions or questions, kind after kind in turn. No scene is on both sides.",
    ),
    made(
        "folder",
        &[
            first("path", Type::Path),
            named("ask", Type::Word(&["caption", "options"]), "options"),
            named("options", Type::Count, "4"),
            named("seed", Type::Count, "0"),
            HELD_OUT,
            SIDE,
            BROKEN,
        ],
        "Photographs in a folder for each class: described (`caption`), or asked about with so many classes to choose from (`options`).",
    ),
    made(
        "items",
        &[
            first("path", Type::Path),
            named("pictures", Type::Path, "none"),
            named("image", Type::Text, "\"image\""),
            named("question", Type::Text, "\"question\""),
            named("answer", Type::Text, "\"answer\""),
            HELD_OUT,
            SIDE,
            BROKEN,
        ],
        "Items of a file: LLaVA's instructions (.json), one JSON object per line (.jsonl), VLMEvalKit's tables (.tsv), webdataset (.tar). `pictures` is the folder in which the paths of pictures lie.",
    ),
    made(
        "published",
        &[first("name", PUBLISHED)],
        "A published benchmark, read from the files of its publisher in the folder `benchmarks` beside the study, or in `VPC_BENCHMARKS`. Until they are there, it is planned.",
    ),
    // Mixtures and datasets.
    made(
        "pool",
        &[first("categories", Type::Categories)],
        "The mixture of all text of these categories: shares in proportion to their supply.",
    ),
    made(
        "only",
        &[first("of", Type::Data), first("label", Type::Label)],
        "The part with a label; a mixture keeps the proportions of what is left.",
    ),
    made(
        "without",
        &[first("of", Type::Data), first("label", Type::Label)],
        "The part without a label; a mixture keeps the proportions of what is left.",
    ),
    made(
        "thin",
        &[
            first("of", Type::Dataset),
            first("label", Type::Label),
            first("to", Type::Share),
        ],
        "A dataset with only a share of the items that have a label; a smaller share is a part of a larger one.",
    ),
    made(
        "sample",
        &[first("of", Type::Dataset), first("items", Type::Count)],
        "So many items of a dataset, chosen by content; a smaller sample is a part of a larger one.",
    ),
    made(
        "join",
        &[first("datasets", Type::Datasets)],
        "The items of several datasets.",
    ),
    made(
        "blend",
        &[first("parts", Type::Parts)],
        "The mixture of mixtures with shares, which sum to 100%.",
    ),
    made(
        "lerp",
        &[
            first("from", Type::Mixture),
            first("to", Type::Mixture),
            first("at", Type::Share),
        ],
        "A mixture on the straight line between two: 0% is the first, 100% the second.",
    ),
    made(
        "share_of",
        &[first("of", Type::Mixture), first("what", Type::Part)],
        "The share of a mixture that has a label (by the shares its categories declare), or that comes from a category or from the categories of another mixture.",
    ),
    // Numbers.
    made(
        "round",
        &[first("number", Type::Quantity), first("to", Type::Quantity)],
        "The nearest multiple, halves up: `round(33.09%, 0.1%)` is 33.1%.",
    ),
    made(
        "sum",
        &[first("numbers", Type::Numbers)],
        "The sum of a list.",
    ),
    made(
        "len",
        &[first("list", Type::List)],
        "How many values a list has.",
    ),
    made(
        "count",
        &[first("job", Type::Job)],
        "How many times a job of this experiment is repeated.",
    ),
    // Schedules.
    made(
        "constant",
        &[SHARED_WARMUP],
        "Warm-up, then the peak rate throughout.",
    ),
    made(
        "cosine",
        &[WARMUP, named("floor", Type::Share, "10%")],
        "Warm-up, then half a cosine down to the floor.",
    ),
    made(
        "linear",
        &[WARMUP, named("floor", Type::Share, "0%")],
        "Warm-up, then a straight line down to the floor.",
    ),
    made(
        "wsd",
        &[
            SHARED_WARMUP,
            named("decay", Type::Length, "10%"),
            named("floor", Type::Share, "0%"),
        ],
        "Warm-up, stable, decay: budgets that differ share the stable part.",
    ),
    // Encoders.
    made(
        "initial",
        &[named("seed", Type::Count, "0")],
        "The weights of an encoder that has learned nothing.",
    ),
    made(
        "contrastive",
        &[
            first("pairs", Type::Dataset),
            EPOCHS,
            BATCH,
            RATE,
            named("seed", Type::Count, "0"),
        ],
        "An encoder of CLIP's family, trained to tell which text belongs to which picture. The text is the first answer of an item.",
    ),
    made(
        "masked",
        &[
            first("pictures", Type::Dataset),
            named("mask", Type::Share, "75%"),
            EPOCHS,
            BATCH,
            RATE,
            named("seed", Type::Count, "0"),
        ],
        "An encoder of MAE's family, trained to fill in hidden patches; no text is read.",
    ),
    // Sight and measures.
    made(
        "mlp",
        &[
            named("layers", Type::Count, "2"),
            named("width", Type::Count, "the language model's"),
            named("activation", Type::Word(&["gelu", "relu", "silu"]), "gelu"),
        ],
        "A projector: linear layers with an activation between them.",
    ),
    made(
        "held_out",
        &[first("categories", Type::Categories)],
        "Bits per byte and perplexity on the held-out text of each category.",
    ),
    made(
        "endpoint",
        &[first("model", Type::Text)],
        "A model behind an OpenAI-compatible endpoint, whose address and key come from the environment: `VPC_ENDPOINT_URL` and `VPC_ENDPOINT_KEY`.",
    ),
    // Statistics.
    made(
        "page_trend",
        &[ALPHA, CORRECT],
        "Page's trend test over ordered values, with blocks.",
    ),
    made(
        "permutation",
        &[ALPHA, CORRECT, named("rounds", Type::Count, "10k")],
        "A permutation test of the difference of means, within blocks.",
    ),
    made(
        "wilcoxon",
        &[ALPHA, CORRECT],
        "Wilcoxon's signed-rank test of paired differences.",
    ),
    made(
        "paired_t",
        &[ALPHA, CORRECT],
        "Student's t-test of paired differences.",
    ),
    made(
        "bootstrap",
        &[ALPHA, CORRECT, named("rounds", Type::Count, "10k")],
        "An interval by resampling replicates; the claim holds where the interval says so.",
    ),
    made(
        "ci",
        &[
            first("over", Type::Axis),
            optional("level", Type::Share, "95%"),
        ],
        "A confidence interval over the values of an axis of replication.",
    ),
];

/// Returns a function by its word.
pub fn function(name: &str) -> Option<&'static Function> {
    FUNCTIONS.iter().find(|function| function.name == name)
}
