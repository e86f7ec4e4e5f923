//! Documents of the world, in labelled segments.

use crate::world::labels::Labels;

/// A piece of a document with the labels that describe it.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Segment {
    /// The text, with the white space that follows it.
    pub text: String,
    /// Its labels.
    pub labels: Labels,
}

/// A document of the world.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Document {
    /// Its segments, in order; their texts together are the document's text.
    pub segments: Vec<Segment>,
}

impl Document {
    /// The whole text.
    pub fn text(&self) -> String {
        self.segments
            .iter()
            .map(|segment| segment.text.as_str())
            .collect()
    }

    /// Size of the text in bytes.
    pub fn len(&self) -> usize {
        self.segments.iter().map(|segment| segment.text.len()).sum()
    }

    /// Whether there is no text.
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }
}
