//! What runs can differ in: the words of `accept` and `controls`.

/// Something in which two runs that are compared can differ.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
#[repr(u8)]
pub enum Trait {
    /// The shape of the language model.
    Model,
    /// The mixture.
    Data,
    /// The budget.
    Tokens,
    /// The tokenizer.
    Tokenizer,
    /// Tokens per sequence.
    Context,
    /// The parts of an adaptation.
    Stages,
    /// The vision encoder.
    Encoder,
    /// The projector.
    Projector,
    /// Features per picture.
    VisualTokens,
    /// Which items are adapted with.
    Datasets,
    /// How many items are seen.
    Items,
    /// What a stage trains.
    Trainable,
    /// Peak learning rates.
    Rate,
    /// Tokens, or items, per step.
    Batch,
    /// Shapes of learning rates.
    Schedule,
    /// `AdamW`'s constants.
    Optimizer,
    /// What numbers a run computes with.
    Precision,
    /// The moment of a run that is measured.
    Checkpoint,
    /// What is asked, or the held-out text.
    Questions,
    /// How it is asked and scored.
    Format,
    /// Whether pictures are shown.
    Images,
    /// Whether explanations are asked for.
    Explanations,
    /// Who judges them.
    Judge,
    /// Random streams.
    Seed,
    /// How often text is repeated.
    Repetition,
    /// The learning rate where a run is measured.
    FinalRate,
    /// Optimiser steps.
    Steps,
    /// Trained parameters.
    Parameters,
    /// Numbers that mean different things.
    Measure,
    /// Averages over different runs.
    Balance,
}

/// A row of the table of traits.
#[derive(Debug)]
pub struct TraitWords {
    /// The trait.
    pub of: Trait,
    /// Its word in `accept` and `controls`.
    pub word: &'static str,
    /// The same in messages, after "differ in".
    pub said: &'static str,
    /// What it is, in one sentence.
    pub doc: &'static str,
    /// What takes the difference away, as advice.
    pub remedy: &'static str,
}

const fn row(
    of: Trait,
    word: &'static str,
    said: &'static str,
    doc: &'static str,
    remedy: &'static str,
) -> TraitWords {
    TraitWords {
        of,
        word,
        said,
        doc,
        remedy,
    }
}

/// All traits. Where a comparison differs in several and the study does not say which one is meant,
/// the first one is what is compared.
pub const TRAITS: &[TraitWords] = &[
    row(
        Trait::Model,
        "model",
        "model",
        "The shape of the language model, or the endpoint that answers; parameters and initial weights follow from it.",
        "give all of them one `model`",
    ),
    row(
        Trait::Data,
        "data",
        "data",
        "The mixture: which text, in which shares; labels follow from it.",
        "give all of them one `data`",
    ),
    row(
        Trait::Tokens,
        "tokens",
        "tokens",
        "The budget, to within a step; steps follow from it.",
        "give all of them one budget, `tokens`",
    ),
    row(
        Trait::Tokenizer,
        "tokenizer",
        "tokenizer",
        "The tokenizer; the vocabulary, and parameters through it, follow from it.",
        "train one tokenizer for all of them, on data that favours none",
    ),
    row(
        Trait::Context,
        "context",
        "context",
        "Tokens per sequence.",
        "use scales with one `context`, for example `mini with { context: 128 }`",
    ),
    row(
        Trait::Stages,
        "stages",
        "stages of adaptation",
        "Whether a model is adapted, and in which stages.",
        "give all of them the same stages",
    ),
    row(
        Trait::Encoder,
        "encoder",
        "vision encoder",
        "What sees.",
        "give all of them one `encoder`",
    ),
    row(
        Trait::Projector,
        "projector",
        "projector",
        "What stands between encoder and language model.",
        "give all of them one `projector`",
    ),
    row(
        Trait::VisualTokens,
        "visual_tokens",
        "image tokens",
        "Features per picture.",
        "give all of them one `visual_tokens`",
    ),
    row(
        Trait::Datasets,
        "datasets",
        "items adapted with",
        "Which items the stages of an adaptation see, whatever their number.",
        "give their stages the same `data`",
    ),
    row(
        Trait::Items,
        "items",
        "number of items",
        "How many items the stages of an adaptation see; their steps follow from it.",
        "take as many of each, for example `sample(data, 1M)`",
    ),
    row(
        Trait::Trainable,
        "trainable",
        "trained parts",
        "Which parts of an adapted model each stage trains.",
        "give their stages the same `train`",
    ),
    row(
        Trait::Rate,
        "rate",
        "peak rate",
        "Peak learning rate of a run or of a stage.",
        "set one `rate:` for all of them",
    ),
    row(
        Trait::Batch,
        "batch",
        "batch",
        "Tokens per step of a run, or items per step of a stage; steps follow from it.",
        "set one `batch:` for all of them",
    ),
    row(
        Trait::Schedule,
        "schedule",
        "schedule",
        "How the learning rate moves: its shape, floor, warm-up and decay. Lengths agree where they are the same in steps, in tokens, or as shares of the run.",
        "give all of them one `schedule`",
    ),
    row(
        Trait::Optimizer,
        "optimizer",
        "optimiser",
        "Weight decay, betas and clipping, of runs and of stages.",
        "give all of them one `weight_decay`, `beta1`, `beta2` and `clip`",
    ),
    row(
        Trait::Precision,
        "precision",
        "precision",
        "Whether activations are f32 or bf16.",
        "give all of them one `precision`",
    ),
    row(
        Trait::Checkpoint,
        "checkpoint",
        "moment measured",
        "Where in its run a model is taken: at the end, or at a checkpoint on the way.",
        "measure all of them at the end, or all at one checkpoint",
    ),
    row(
        Trait::Questions,
        "questions",
        "questions",
        "What is measured on: the benchmarks and their data, the held-out text, the pairs.",
        "give all of them one `suite`",
    ),
    row(
        Trait::Format,
        "format",
        "format",
        "How questions are asked, scored and averaged.",
        "ask all of them in one format",
    ),
    row(
        Trait::Images,
        "images",
        "pictures shown",
        "Whether pictures are shown, in a stage or with the questions.",
        "give all of them one `images`",
    ),
    row(
        Trait::Explanations,
        "explanations",
        "explanations",
        "Whether an explanation is asked for before the answer.",
        "give all of them one `explain`",
    ),
    row(
        Trait::Judge,
        "judge",
        "judge",
        "The model that judges explanations.",
        "give all of them one `judge`",
    ),
    row(
        Trait::Seed,
        "seed",
        "seed",
        "Random streams: initial weights and the order of data.",
        "run all of them with the same seeds",
    ),
    row(
        Trait::Repetition,
        "repetition",
        "repetition of text",
        "How often a category is read, beyond once; so also how much unique text there is.",
        "lower `tokens` or shares until nothing is read twice, or find more text",
    ),
    row(
        Trait::FinalRate,
        "final_rate",
        "rate where they are measured",
        "The learning rate at the moment measured: a checkpoint on the way is not a run of that length.",
        "vary the budget with `wsd`, which shares the work, and measure the end of each run",
    ),
    row(
        Trait::Steps,
        "steps",
        "steps",
        "Optimiser steps of the run and of the stages; they follow from budget, batch and items. For `controls`.",
        "give all of them one budget and one batch",
    ),
    row(
        Trait::Parameters,
        "parameters",
        "parameters",
        "Trained parameters of the language model; they follow from its shape and vocabulary. For `controls`.",
        "give all of them one `model` and one vocabulary",
    ),
    row(
        Trait::Measure,
        "measure",
        "what the number means",
        "Perplexity over different tokens or different text: the numbers cannot be compared.",
        "compare bits per byte, which do not depend on tokens",
    ),
    row(
        Trait::Balance,
        "balance",
        "balance",
        "What is averaged over: values of another axis, or numbers of seeds.",
        "show the other axis, as rows or columns, or make the grid whole",
    ),
];

impl Trait {
    /// How many there are.
    pub const COUNT: usize = TRAITS.len();

    /// Returns the trait with a word.
    pub fn of_word(word: &str) -> Option<Self> {
        let found = TRAITS.iter().find(|row| row.word == word);
        found.map(|row| row.of)
    }

    /// Returns the row of the table.
    pub fn words(self) -> &'static TraitWords {
        const NONE: TraitWords = row(Trait::Balance, "", "", "", "");
        // The table lists them in order, which a test holds.
        TRAITS.get(self as usize).unwrap_or(&NONE)
    }

    /// Returns the word in `accept` and `controls`.
    pub fn word(self) -> &'static str {
        self.words().word
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_table_is_in_order_and_words_are_told_apart() {
        for (at, row) in TRAITS.iter().enumerate() {
            assert_eq!(row.of as usize, at, "{}", row.word);
            assert_eq!(Trait::of_word(row.word), Some(row.of));
            assert_eq!(row.of.word(), row.word);
        }
    }
}
