//! Documents with the labels they come with, for whoever looks at a source.

use std::ops::ControlFlow;

use super::{Document, Source, visit};
use crate::error::DataError;
use crate::filter::Filter;
use crate::world::{self, Segment};

/// A document with what its source says of it.
#[derive(Debug, Clone, Copy)]
pub struct Labelled<'d> {
    /// The whole text.
    pub text: &'d str,
    /// The words of its labels, in the order of the source; none where the source has no labels for documents.
    pub labels: &'d [String],
    /// Its segments with their labels, which together are the text; none but for documents of the world.
    pub segments: &'d [Segment],
}

/// What takes documents with their labels, and says whether to go on.
pub type VisitDocument<'a> = dyn FnMut(Labelled<'_>) -> Result<ControlFlow<()>, DataError> + 'a;

/// Calls `each` with every document of `source` that passes `filter`, in the order of the source.
///
/// [`ControlFlow::Break`] stops; of the world only what was asked for is made.
///
/// # Errors
/// Any [`DataError`] about the source, [`DataError::NoDocuments`], [`DataError::NoneBelongs`], and whatever `each`
/// returns.
pub fn read_labelled(
    source: &Source,
    filter: &Filter,
    each: &mut VisitDocument<'_>,
) -> Result<(), DataError> {
    let (mut documents, mut any) = (0, false);
    let mut passed = |document: Document<'_>, segments: &[Segment]| {
        documents += 1;
        if !filter.passes(document) {
            return Ok(ControlFlow::Continue(()));
        }
        any = true;
        each(Labelled {
            text: document.text,
            labels: document.labels,
            segments,
        })
    };
    match source {
        Source::World { style, seed, bytes } => {
            world::visit_documents(*style, *seed, *bytes, &mut |document| {
                let text = document.text();
                let labels = &[];
                passed(
                    Document {
                        text: &text,
                        labels,
                    },
                    &document.segments,
                )
            })?;
        }
        Source::Text { .. } | Source::Jsonl { .. } => {
            visit(source, &mut |document| passed(document, &[]))?;
        }
    }
    match (any, documents) {
        (true, _) => Ok(()),
        (false, 0) => Err(DataError::NoDocuments {
            origin: source.origin(),
        }),
        (false, documents) => Err(DataError::NoneBelongs {
            origin: source.origin(),
            documents,
        }),
    }
}
