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
    /// A time on devices, written `40 GPUh`.
    DeviceTime,
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
    /// A `pretrain` job of the experiment, or a checkpoint of one: `base.at(15B)`.
    Model,
    /// A job whose model answers, or `endpoint(…)`.
    Answerer,
    /// What an evaluation measures: a suite, a benchmark, or `held_out([…])`.
    Suite,
    /// A list of categories.
    Categories,
    /// A label.
    Label,
    /// One label or a list of labels.
    Labels,
    /// A file, or `planned(…)`.
    Files,
    /// Where items come from: a file, `items(…)`, `folder(…)`, `scenes(…)` or `planned(…)`.
    Items,
    /// A list of kinds of items of the world.
    Kinds,
    /// Where an encoder's weights come from: a folder, `planned(…)`, or a training.
    Weights,
    /// A dataset.
    Dataset,
    /// A list of datasets.
    Datasets,
    /// A category, a mixture or a dataset.
    Data,
    /// What `share_of` looks for: a label, a category or a mixture.
    Part,
    /// A list of `(mixture, share)`.
    Parts,
    /// An encoder.
    Encoder,
    /// One encoder or a list of encoders.
    Encoders,
    /// An adaptation.
    Adaptation,
    /// A stage of the adaptation.
    Stage,
    /// What stands between encoder and language model: `mlp(…)`.
    Projector,
    /// A list of `encoder`, `projector`, `model`.
    Modules,
    /// A list of benchmarks.
    Benchmarks,
    /// A model somewhere else: `endpoint(…)`.
    Endpoint,
    /// A list of experiments.
    Experiments,
    /// A measure, such as `fit.web`.
    Measure,
    /// A list of measures, such as `[fit.web, fit.code.perplexity]`.
    Measures,
    /// An axis.
    Axis,
    /// An axis, or a list of axes.
    Axes,
    /// A value of an axis, as written there.
    AxisValue,
    /// Two values of an axis, as written there.
    AxisValues,
    /// Something in which runs can differ, such as `rate`, or a list of such words.
    Traits,
    /// A statistical test: `page_trend(…)` and others.
    Test,
    /// An interval drawn around a line: `ci(…)`.
    Band,
    /// A list of numbers.
    Numbers,
    /// A number with or without a unit.
    Quantity,
    /// A list of anything.
    List,
    /// Any job of the experiment.
    Job,
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
            Self::DeviceTime => "a time on devices such as `40 GPUh`",
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
            Self::Model => "the name of a `pretrain` job, or a checkpoint such as `base.at(15B)`",
            Self::Answerer => "the name of a job that makes a model, or `endpoint(\"…\")`",
            Self::Suite => "a suite, a benchmark, or `held_out([web, code])`",
            Self::Categories => "a list of categories",
            Self::Label => "a label",
            Self::Labels => "a label, or a list of labels",
            Self::Files => "a path in quotes, or `planned(\"what it is\")`",
            Self::Items => {
                "a source of items: a path in quotes, `items(…)`, `folder(…)`, `scenes([…])`, `published(…)` or `planned(\"what it is\")`"
            }
            Self::Kinds => "a list of kinds of items such as `[caption, existence]`",
            Self::Weights => {
                "a folder in quotes, `planned(\"what it is\")`, or a training such as `masked(pictures)`"
            }
            Self::Dataset => "a dataset",
            Self::Datasets => "a list of datasets",
            Self::Data => "a category, a mixture or a dataset",
            Self::Part => "a label, a category or a mixture",
            Self::Parts => "a list such as `[(mix0, 1/4), (mix6, 3/4)]`",
            Self::Encoder => "an encoder",
            Self::Encoders => "an encoder, or a list of encoders",
            Self::Adaptation => "an adaptation",
            Self::Stage => "the name of a stage",
            Self::Projector => "a projector such as `mlp(layers: 2)`",
            Self::Modules => "a list of `encoder`, `projector`, `model`",
            Self::Benchmarks => "a list of benchmarks",
            Self::Endpoint => "`endpoint(\"name of a model\")`",
            Self::Experiments => "a list of experiments",
            Self::Measure => "a measure such as `fit.web`",
            Self::Measures => "a list of measures such as `[fit.web]`",
            Self::Axis => "an axis",
            Self::Axes => "an axis, or a list of axes",
            Self::AxisValue => "a value of the axis, as written there",
            Self::Traits => "a trait such as `rate`, or a list of traits",
            Self::AxisValues => "two values of the axis in a list",
            Self::Test => "a test such as `page_trend(alpha: 1%)`",
            Self::Band => "an interval such as `ci(seed, 95%)`",
            Self::Numbers => "a list of numbers",
            Self::Quantity => "a number",
            Self::List => "a list",
            Self::Job => "the name of a job",
        }
    }

    /// Types that a parameter of a block can have, by their word.
    const OF_PARAMETERS: &'static [(&'static str, Self)] = &[
        ("share", Self::Share),
        ("count", Self::Count),
        ("tokens", Self::Tokens),
        ("number", Self::Number),
        ("flag", Self::Flag),
        ("mixture", Self::Mixture),
        ("category", Self::Mixture),
        ("label", Self::Label),
        ("scale", Self::Scale),
        ("tokenizer", Self::Tokenizer),
        ("schedule", Self::Schedule),
        ("dataset", Self::Dataset),
        ("encoder", Self::Encoder),
        ("adaptation", Self::Adaptation),
    ];

    /// Returns the type that a parameter's type word names.
    pub fn of_parameter(word: &str) -> Option<Self> {
        let known = Self::OF_PARAMETERS.iter().find(|known| known.0 == word);
        known.map(|known| known.1)
    }

    /// Returns the words [`Type::of_parameter`] knows.
    pub fn parameter_words() -> impl Iterator<Item = &'static str> {
        Self::OF_PARAMETERS.iter().map(|known| known.0)
    }
}
