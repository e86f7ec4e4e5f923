//! Where text comes from, and how it is cut into documents.

pub(crate) mod jsonl;
mod labelled;
pub(crate) mod lines;
pub(crate) mod open;
mod text;

pub use labelled::{Labelled, VisitDocument, read_labelled};

use std::ops::ControlFlow;
use std::path::{Path, PathBuf};

use crate::error::DataError;
use crate::world::{self, Style};

/// A place that text comes from.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Source {
    /// A plain-text file, also `.gz` or `.zst`.
    ///
    /// A document is a run of consecutive paragraphs (blocks between blank lines) that ends with the first
    /// paragraph that brings it to [`TEXT_DOCUMENT_BYTES`](crate::limits::TEXT_DOCUMENT_BYTES); the last one may be
    /// shorter. Without any blank line a document ends with the line that brings it to
    /// [`TEXT_DOCUMENT_MOST_BYTES`](crate::limits::TEXT_DOCUMENT_MOST_BYTES). Lines end in `\n` or `\r\n`; blank
    /// lines become one blank line, and none stands at either end of a document.
    Text {
        /// The file.
        path: PathBuf,
    },
    /// A file with one JSON object per line, also `.gz` or `.zst`; blank lines are skipped.
    Jsonl {
        /// The file.
        path: PathBuf,
        /// Fields whose strings make the document, in order; `a.b` reaches into the object `a`.
        fields: Vec<String>,
        /// What stands between two fields.
        join: String,
        /// The field with the words of a document's labels: a list of texts, or one text. A document without it, or
        /// with null there, has no labels.
        labels: Option<String>,
    },
    /// The synthetic world, written in one style.
    World {
        /// The style.
        style: Style,
        /// The seed of every choice.
        seed: u64,
        /// Text wanted, in bytes; the last document may pass it.
        bytes: u64,
    },
}

impl Source {
    /// How messages call the source: its file in backticks, or the world's style.
    pub fn origin(&self) -> String {
        match self {
            Source::Text { path } | Source::Jsonl { path, .. } => format!("`{}`", path.display()),
            Source::World { style, .. } => format!("the world in {style} style"),
        }
    }
}

/// One document of a source.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Document<'d> {
    pub(crate) text: &'d str,
    /// The words of its labels, in the order of the source.
    pub(crate) labels: &'d [String],
}

/// What a visitor of documents decides after each one.
pub(crate) type VisitLabelled<'a> =
    dyn FnMut(Document<'_>) -> Result<ControlFlow<()>, DataError> + 'a;

/// Like [`VisitLabelled`], where there are no labels.
pub(crate) type Visit<'a> = dyn FnMut(&str) -> Result<ControlFlow<()>, DataError> + 'a;

/// Calls `each` with every document of `source`, in the order of the source.
///
/// Memory stays bounded by the longest line and document. Documents without any visible character are skipped.
///
/// # Errors
/// Any [`DataError`] about the source, a source without documents, and whatever `each` returns.
pub fn read_documents(
    source: &Source,
    each: &mut dyn FnMut(&str) -> Result<(), DataError>,
) -> Result<(), DataError> {
    visit(source, &mut |document| {
        each(document.text).map(ControlFlow::Continue)
    })
}

/// Like [`read_documents`], with the labels, for a visitor that may stop early.
pub(crate) fn visit(source: &Source, each: &mut VisitLabelled<'_>) -> Result<(), DataError> {
    let mut any = false;
    let mut counted = |document: Document<'_>| {
        if document.text.trim().is_empty() {
            return Ok(ControlFlow::Continue(()));
        }
        any = true;
        each(document)
    };
    let mut plain = |text: &str| counted(Document { text, labels: &[] });
    match source {
        Source::Text { path } => text::visit(path, &mut plain)?,
        Source::Jsonl {
            path,
            fields,
            join,
            labels,
        } => jsonl::visit(path, fields, join, labels.as_deref(), &mut counted)?,
        Source::World { style, seed, bytes } => world::visit(*style, *seed, *bytes, &mut plain)?,
    }
    if any {
        Ok(())
    } else {
        Err(DataError::NoDocuments {
            origin: source.origin(),
        })
    }
}

pub(crate) fn shown(path: &Path) -> String {
    path.display().to_string()
}

#[cfg(test)]
mod tests;
