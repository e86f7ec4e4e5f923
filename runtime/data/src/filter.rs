//! Which documents of a source belong to a part of it: by their labels, and by a choice between parts.

use crate::source::Document;

/// The blake3 key-derivation context of the choice between filters; a new one would move documents.
const CHOICE_DOMAIN: &str = "vpc-data 2026 choice of a document between filters v1";

/// Clauses that all hold. Without clauses, every document belongs.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Filter(pub Vec<Clause>);

/// One condition on a document's labels.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Clause {
    /// It has one of these labels.
    Any(Vec<String>),
    /// It has none of these labels.
    None(Vec<String>),
    /// It does not pass this filter.
    Outside(Filter),
    /// Of the filters that it passes, this one is chosen.
    ///
    /// Each filter draws a blake3 hash of itself and the text, and the smallest wins. So the choice hangs on the
    /// document and on the filters that it passes, not on the others in the list: parts with different lists that
    /// meet in one document still agree on whose it is.
    Chosen {
        /// The filters.
        among: Vec<Filter>,
        /// The one, by place in the list.
        this: usize,
    },
}

impl Filter {
    /// Whether every document belongs.
    pub fn is_all(&self) -> bool {
        self.0.is_empty()
    }

    /// Whether a document belongs.
    pub(crate) fn passes(&self, document: Document<'_>) -> bool {
        self.0.iter().all(|clause| clause.holds(document))
    }

    /// The filter's draw for a document that passes it.
    fn draw(&self, document: Document<'_>) -> [u8; 32] {
        let mut hasher = blake3::Hasher::new_derive_key(CHOICE_DOMAIN);
        self.feed(&mut hasher);
        hasher.update(document.text.as_bytes());
        *hasher.finalize().as_bytes()
    }

    /// Gives a hash the filter, in a form that says where each part of it ends.
    fn feed(&self, hasher: &mut blake3::Hasher) {
        feed_number(hasher, self.0.len());
        for clause in &self.0 {
            clause.feed(hasher);
        }
    }
}

impl Clause {
    fn holds(&self, document: Document<'_>) -> bool {
        let has = |words: &[String]| words.iter().any(|word| document.labels.contains(word));
        match self {
            Clause::Any(words) => has(words),
            Clause::None(words) => !has(words),
            Clause::Outside(filter) => !filter.passes(document),
            Clause::Chosen { among, this } => {
                let passed = among.iter().filter(|filter| filter.passes(document));
                let chosen = passed.min_by_key(|filter| filter.draw(document));
                chosen.is_some() && chosen == among.get(*this)
            }
        }
    }

    fn feed(&self, hasher: &mut blake3::Hasher) {
        match self {
            Clause::Any(words) => feed_words(hasher, *b"any", words),
            Clause::None(words) => feed_words(hasher, *b"non", words),
            Clause::Outside(filter) => {
                hasher.update(b"out");
                filter.feed(hasher);
            }
            Clause::Chosen { among, this } => {
                hasher.update(b"cho");
                feed_number(hasher, *this);
                feed_number(hasher, among.len());
                for filter in among {
                    filter.feed(hasher);
                }
            }
        }
    }
}

fn feed_words(hasher: &mut blake3::Hasher, tag: [u8; 3], words: &[String]) {
    hasher.update(&tag);
    feed_number(hasher, words.len());
    for word in words {
        feed_number(hasher, word.len());
        hasher.update(word.as_bytes());
    }
}

fn feed_number(hasher: &mut blake3::Hasher, number: usize) {
    hasher.update(&(number as u64).to_le_bytes());
}

#[cfg(test)]
mod tests;
