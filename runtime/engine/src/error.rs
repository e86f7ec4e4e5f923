//! Why a job failed.

use vpc_compiler::plan::Fraction;
use vpc_data::world::ParseStyleError;
use vpc_data::{DataError, StreamError};
use vpc_store::{ErrorKind, StoreError};
use vpc_train::{CheckpointError, ThreadsError, TrainError};

/// A job's failure, in words for people.
#[derive(Debug, thiserror::Error)]
pub enum JobError {
    /// The text or the tokens are not as they must be.
    #[error(transparent)]
    Data(DataError),
    /// The mixture cannot be drawn from.
    #[error("the mixture cannot be drawn from: {0}")]
    Stream(#[from] StreamError),
    /// The plan names a style of the world that this build does not have.
    #[error(transparent)]
    Style(#[from] ParseStyleError),
    /// Training or evaluation failed.
    #[error(transparent)]
    Train(#[from] TrainError),
    /// A GPU could not do it.
    #[error(transparent)]
    Device(#[from] vpc_device::DeviceError),
    /// A GPU failed in the midst of a step.
    #[error("the GPU failed in the midst of a step; run again to go on from the last checkpoint")]
    DeviceLost,
    /// The job computes in bf16, and there is no GPU.
    #[error(
        "`precision: bf16` needs a GPU: {0}. Run it where there is one (`vpc doctor` tells), or take \
         `precision: f32`"
    )]
    NeedsGpu(String),
    /// The job adds up micro-batches, and is to run on a GPU.
    #[error(
        "`micro_batch` is computed on the processor, and never in other bits on a GPU: leave it out, or run \
         with `--device cpu`"
    )]
    MicroBatchOnGpu,
    /// A training lost its way.
    #[error(
        "{what}; {kept}. A lower `rate`, a longer warm-up or clipping (`clip: 1`) usually helps"
    )]
    Diverged {
        /// What happened, and at which step.
        what: String,
        /// Which checkpoint stays.
        kept: String,
    },
    /// A source has another number of items than its study says.
    #[error(
        "`{path}` has {found} items and the study says `items: {planned}`; set `items: {found}`"
    )]
    Items {
        /// The file.
        path: String,
        /// Questions found.
        found: u64,
        /// Questions that the study says.
        planned: u64,
    },
    /// A dataset has another number of items than its study says.
    #[error(
        "{dataset} has {found} items and the study says {planned}; set its `items`, or the counts of the \
         labels that it is chosen by, to what is there"
    )]
    ItemCount {
        /// The dataset's job.
        dataset: String,
        /// Items found.
        found: u64,
        /// Items that the study says.
        planned: u64,
    },
    /// A kind of items is not one of the world's.
    #[error(transparent)]
    Kind(#[from] vpc_data::world::ParseItemKindError),
    /// A published benchmark is not one that can be read.
    #[error(transparent)]
    Published(#[from] vpc_data::items::ParsePublishedError),
    /// A picture that was read before cannot be decoded.
    #[error("the picture {id}: {source}")]
    Picture {
        /// Its digest.
        id: String,
        /// What is wrong with it.
        source: vpc_data::image::ImageError,
    },
    /// A picture is not among those that were looked at.
    #[error(
        "the picture of the item `{item}` is not among those of its datasets; run again to remake them"
    )]
    Unseen {
        /// The item, or the picture's digest.
        item: String,
    },
    /// There is nothing to look at.
    #[error("{0} has no pictures; an encoder learns from pictures")]
    NoPictures(String),
    /// An item is no question of a benchmark.
    #[error("the item `{item}` {why}")]
    Unasked {
        /// The item.
        item: String,
        /// Why not, as what follows "the item …".
        why: &'static str,
    },
    /// No item of a stage can be learned from.
    #[error(
        "no item of {dataset} fits the context of {context} tokens with an answer in it; take fewer \
         `visual_tokens` or a scale with a longer context"
    )]
    NothingFits {
        /// The dataset's job.
        dataset: String,
        /// Tokens that the model reads.
        context: u64,
    },
    /// A stage would put another projector onto a model that has one.
    #[error(
        "the model sees through another projector already: stages after the first must have its encoder, \
         `projector`, `visual_tokens` and `layer`"
    )]
    OtherEyes,
    /// An encoder's weights are one file.
    #[error("`{0}` is a file; give the folder that holds `config.json` and `model.safetensors`")]
    NoEncoder(String),
    /// An imported encoder has another shape than the study says.
    #[error(
        "the encoder in `{path}` has `{field}: {found}`, and the study says `{field}: {stated}`"
    )]
    Encoder {
        /// The folder.
        path: String,
        /// Where they differ.
        field: String,
        /// What the folder has.
        found: String,
        /// What the study says.
        stated: String,
    },
    /// A folder of another program cannot be read.
    #[error(transparent)]
    HuggingFace(#[from] vpc_train::huggingface::HuggingFaceError),
    /// An encoder cannot be trained, or not look.
    #[error(transparent)]
    Vision(#[from] vpc_train::vision::VisionError),
    /// A model cannot be adapted, or not be asked.
    #[error(transparent)]
    Adapt(#[from] vpc_train::adapted::AdaptError),
    /// There are too few pairs for so many neighbours.
    #[error(
        "{dataset} has {found} items with pictures, too few for {neighbours} neighbours of each"
    )]
    FewPairs {
        /// The dataset's job.
        dataset: String,
        /// Items with pictures.
        found: usize,
        /// Neighbours asked for.
        neighbours: u64,
    },
    /// Representations cannot be compared.
    #[error(transparent)]
    Alignment(#[from] vpc_measure::alignment::AlignmentError),
    /// A filed shape is not one that this version knows.
    #[error("the filed `config.json`: {0}")]
    Config(#[from] vpc_train::huggingface::FieldError),
    /// It is not said where models elsewhere are asked, or how.
    #[error(transparent)]
    Settings(#[from] vpc_endpoint::SettingsError),
    /// A model elsewhere did not answer.
    #[error("asking `{model}` about `{id}`: {source}; what was answered is kept")]
    Endpoint {
        /// The model.
        model: String,
        /// The question.
        id: String,
        /// Why not.
        source: vpc_endpoint::EndpointError,
    },
    /// A picture is of a kind that cannot be sent.
    #[error("the picture of the item `{item}` is neither PNG, JPEG nor WebP, and cannot be sent")]
    Unsent {
        /// The item.
        item: String,
    },
    /// Numbers have no mean.
    #[error(transparent)]
    Statistics(#[from] vpc_measure::statistics::StatisticsError),
    /// Answers cannot be filed, or filed ones not read.
    #[error(transparent)]
    Records(#[from] vpc_measure::record::RecordError),
    /// A suite has no score.
    #[error(transparent)]
    Suite(#[from] vpc_measure::suite::SuiteError),
    /// A model cannot read a question.
    #[error("the question `{id}`: {source}")]
    Question {
        /// The question.
        id: String,
        /// Why not.
        source: vpc_train::InferenceError,
    },
    /// A finished training is wanted again, on a device that would give other bits.
    #[error(
        "this training was finished on {first}, and a checkpoint of it that was not kept is wanted: on {now} \
         it would be one of other bits. Run it there (`--device`), or remove the checkpoint from the study"
    )]
    OtherDevice {
        /// Where it was finished.
        first: String,
        /// Where it would be done again.
        now: String,
    },
    /// A checkpoint cannot be read.
    #[error(transparent)]
    Checkpoint(CheckpointError),
    /// The store failed.
    #[error(transparent)]
    Store(#[from] StoreError),
    /// Threads could not be had.
    #[error(transparent)]
    Threads(#[from] ThreadsError),
    /// A worker could not be started.
    #[error("a thread could not be started: {0}; raise the limit on processes (`ulimit -u`)")]
    Worker(std::io::Error),
    /// A result could not be put into words.
    #[error("a result cannot be written as JSON: {0}")]
    Json(#[from] serde_json::Error),
    /// A data file is not the one that was planned with.
    #[error("`{path}` changed since it was planned with; run again to plan with the new content")]
    Changed {
        /// The file.
        path: String,
    },
    /// A file outside the store cannot be read.
    #[error("`{path}` cannot be read: {source}")]
    Read {
        /// The file.
        path: String,
        /// The system's words.
        source: std::io::Error,
    },
    /// An imported tokenizer has another size than the study says.
    #[error("the tokenizer has {found} entries, but the study says `vocabulary: {stated}`")]
    Vocabulary {
        /// What the file has.
        found: u64,
        /// What the study says.
        stated: u64,
    },
    /// A category has too little text for one sequence.
    #[error(
        "{side} text of `{category}` has {tokens} tokens, fewer than one sequence of {context}; \
         give it more text or use a shorter context"
    )]
    TooShort {
        /// `training` or `held-out`.
        side: &'static str,
        /// The category's tokens, by label.
        category: String,
        /// What it has.
        tokens: u64,
        /// What one sequence needs.
        context: u64,
    },
    /// The run would go through a category more often than the study allows.
    #[error(
        "the run reads {asked} tokens of `{category}`, and one pass through it has {epoch}: that is \
         more than `max_epochs: {most}`"
    )]
    Epochs {
        /// The category's tokens, by label.
        category: String,
        /// The tokens that the run reads of it.
        asked: u64,
        /// The tokens of one pass.
        epoch: u64,
        /// What the study allows.
        most: Fraction,
    },
    /// The machine has too little memory for a model.
    #[error(
        "the training needs at least {needed} GiB of memory and this machine has {there}; use a \
         smaller scale, a smaller `batch` or `micro_batch`, or a larger machine"
    )]
    Memory {
        /// What the training needs at least.
        needed: u64,
        /// What the machine has.
        there: u64,
    },
    /// No GPU of this run is large enough.
    #[error(
        "the job takes {needed} GiB of a GPU's memory and the largest here has {there} to give: {instead}"
    )]
    GpuMemory {
        /// What it takes, in GiB.
        needed: String,
        /// What there is, in GiB.
        there: String,
        /// What would fit.
        instead: String,
    },
    /// An input that was made is gone again.
    #[error("the input {0} has gone from the store; run again to remake it")]
    InputGone(String),
    /// A checkpoint was made by another computation than the finished run that it should be of.
    #[error(
        "the checkpoint after step {step} is not of the finished run {run}: their loss curves \
         differ, so a program or a machine that computes otherwise made one of them; begin a new \
         store, with `--store DIR`"
    )]
    Stray {
        /// Steps done at the checkpoint.
        step: u64,
        /// The run's name.
        run: String,
    },
    /// This version can plan the job and not run it yet.
    #[error("the job {0}")]
    Unsupported(String),
    /// Another process has what the job needs for itself; it is tried again later.
    #[error("another process is at it")]
    Elsewhere,
    /// The run was asked to stop; what was done is kept.
    #[error("stopped")]
    Stopped,
    /// A bug in a job, caught so that others can finish.
    #[error("the job failed in a way it should not: {0}")]
    Panicked(String),
}

/// Artifacts are written through the store's writers, so a refused write is the store's error.
impl From<DataError> for JobError {
    fn from(error: DataError) -> Self {
        match error {
            DataError::Write { source, .. } => Self::Store(StoreError::of_write(source)),
            other => Self::Data(other),
        }
    }
}

/// As for data: a refused write is the store's error.
impl From<CheckpointError> for JobError {
    fn from(error: CheckpointError) -> Self {
        match error {
            CheckpointError::Write(source) => Self::Store(StoreError::of_write(source)),
            other => Self::Checkpoint(other),
        }
    }
}

impl JobError {
    /// Whether the machine, not the study, is at fault: disk full, read-only and the like.
    pub fn is_environment(&self) -> bool {
        match self {
            Self::Store(error) => error.kind() == ErrorKind::Environment,
            Self::Threads(_)
            | Self::Worker(_)
            | Self::Memory { .. }
            | Self::GpuMemory { .. }
            | Self::Settings(_)
            | Self::Endpoint { .. } => true,
            _ => false,
        }
    }

    /// Whether the store cannot be written, so that any other job would work in vain.
    pub(crate) fn is_for_all(&self) -> bool {
        matches!(self, Self::Store(error) if error.kind() == ErrorKind::Environment)
    }

    /// Whether the store was found damaged.
    pub fn is_damage(&self) -> bool {
        matches!(self, Self::Store(error) if error.kind() == ErrorKind::Damaged)
            || matches!(self, Self::InputGone(_))
    }
}
