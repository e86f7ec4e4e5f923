//! The kinds of blocks and their fields.

mod data;
mod jobs;
mod models;
mod results;
mod sight;

use super::Type;

/// A kind of block.
#[derive(Debug)]
pub struct Kind {
    /// Its word.
    pub name: &'static str,
    /// Where it may stand.
    pub places: &'static [Place],
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
    /// Inside an adaptation.
    Adaptation,
    /// Inside a suite.
    Suite,
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

impl Place {
    /// All places, from the outside in.
    pub const ALL: &'static [Self] = &[
        Self::File,
        Self::Adaptation,
        Self::Suite,
        Self::Experiment,
        Self::Report,
    ];

    /// Returns the place in words, after "stands".
    pub const fn words(self) -> &'static str {
        match self {
            Self::File => "in column 0 of a file",
            Self::Adaptation => "inside an `adaptation`",
            Self::Suite => "inside a `suite`",
            Self::Experiment => "inside an `experiment`",
            Self::Report => "inside a `report`",
        }
    }
}

impl Field {
    /// A field that must be given and bears identity.
    const fn required(name: &'static str, kind: Type, doc: &'static str) -> Self {
        Self {
            name,
            kind,
            need: Need::Required,
            role: Role::Identity,
            doc,
        }
    }

    /// A field that may be left out and bears identity.
    const fn optional(
        name: &'static str,
        kind: Type,
        default: &'static str,
        doc: &'static str,
    ) -> Self {
        Self {
            need: Need::Optional(default),
            ..Self::required(name, kind, doc)
        }
    }

    /// The same field without a part in identity.
    const fn operation(self) -> Self {
        Self {
            role: Role::Operation,
            ..self
        }
    }
}

/// All kinds, in the order of the reference.
pub const KINDS: &[&Kind] = &[
    &data::LABEL,
    &data::CATEGORY,
    &data::MIXTURE,
    &data::TOKENIZER,
    &data::DATASET,
    &models::SCALE,
    &sight::ENCODER,
    &sight::ADAPTATION,
    &sight::STAGE,
    &sight::BENCHMARK,
    &sight::SUITE,
    &sight::GROUP,
    &jobs::EXPERIMENT,
    &jobs::PRETRAIN,
    &jobs::ADAPT,
    &jobs::EVAL,
    &jobs::ALIGN_SCORE,
    &results::HYPOTHESIS,
    &results::REPORT,
    &results::TABLE,
    &results::PLOT,
    &results::TREND,
    &results::RANKING,
    &results::CORRELATION,
];

/// Returns a kind by its word.
pub fn kind(name: &str) -> Option<&'static Kind> {
    KINDS.iter().copied().find(|kind| kind.name == name)
}

impl Kind {
    /// Returns a field by its word.
    pub fn field(&self, name: &str) -> Option<&'static Field> {
        self.fields.iter().find(|field| field.name == name)
    }

    /// Returns the place that blocks inside it stand at, where there can be any.
    pub fn inside(&self) -> Option<Place> {
        match self.name {
            "adaptation" => Some(Place::Adaptation),
            "suite" => Some(Place::Suite),
            "experiment" => Some(Place::Experiment),
            "report" => Some(Place::Report),
            _ => None,
        }
    }

    /// Returns whether the kind may stand at a place.
    pub fn stands(&self, place: Place) -> bool {
        self.places.contains(&place)
    }
}
