//! A corpus: the documents of a source, split by content into a training and a held-out side.

use std::io::Write;
use std::ops::ControlFlow;

use serde::{Deserialize, Serialize};

use crate::documents::DocumentsWriter;
use crate::error::DataError;
use crate::filter::Filter;
use crate::source::{Source, Visit, visit};

/// The blake3 key-derivation context of the split; a new one would move every document.
const SPLIT_DOMAIN: &str = "vpc-data 2025 held-out split of documents v1";

type Hash = [u8; 32];

/// The share of documents that is never trained on, strictly between 0 and 1.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub struct HeldOut {
    /// The share's numerator.
    pub numerator: u64,
    /// The share's denominator.
    pub denominator: u64,
}

impl HeldOut {
    /// Refuses a share that leaves one side empty.
    pub(crate) fn check(self) -> Result<(), DataError> {
        let HeldOut {
            numerator,
            denominator,
        } = self;
        if 0 < numerator && numerator < denominator {
            return Ok(());
        }
        Err(DataError::HeldOutShare {
            numerator,
            denominator,
        })
    }

    /// Whether a document with this hash is held out: its first 64 bits, as a fraction of 2⁶⁴, are below the share.
    pub(crate) fn takes(self, hash: &Hash) -> bool {
        let leading = hash
            .iter()
            .take(8)
            .fold(0_u128, |sum, byte| sum << 8 | u128::from(*byte));
        leading * u128::from(self.denominator) < u128::from(self.numerator) << 64
    }
}

/// What one side of a corpus holds.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize)]
pub struct SideStats {
    /// Number of documents.
    pub documents: u64,
    /// Their UTF-8 text, in bytes.
    pub bytes: u64,
}

/// What a corpus holds.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize)]
pub struct CorpusStats {
    /// The documents to train on.
    pub train: SideStats,
    /// The documents held out.
    pub held_out: SideStats,
    /// How many documents do not pass the filter; `None` without one.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub left_out: Option<u64>,
}

/// Writes the documents of `source` that pass `filter` to two documents files, `train` and `held`.
///
/// The side depends on the content alone: a document is held out when its blake3 hash, read as a fraction, is below
/// the share. So equal documents land on the same side and adding documents moves no other. Where that leaves one
/// side empty, the document with the smallest hash is held out (or the one with the largest is trained on).
/// The source is read twice, the first time only until both sides are known to be inhabited.
///
/// # Errors
/// [`DataError::HeldOutShare`], [`DataError::NoneBelongs`], [`DataError::OneDocument`], [`DataError::Write`], and every
/// error of the source.
pub fn build_corpus(
    source: &Source,
    filter: &Filter,
    held_out: HeldOut,
    train: &mut dyn Write,
    held: &mut dyn Write,
) -> Result<CorpusStats, DataError> {
    held_out.check()?;
    let split = Split::of(source, filter, held_out)?;
    let mut stats = CorpusStats::default();
    let (mut train, mut held) = (DocumentsWriter::new(train)?, DocumentsWriter::new(held)?);
    let left_out = visit_passing(source, filter, &mut |document| {
        let (writer, side) = if split.holds_out(&hash(document)) {
            (&mut held, &mut stats.held_out)
        } else {
            (&mut train, &mut stats.train)
        };
        side.documents += 1;
        side.bytes += document.len() as u64;
        writer.add(document).map(ControlFlow::Continue)
    })?;
    train.finish()?;
    held.finish()?;
    stats.left_out = (!filter.is_all()).then_some(left_out);
    Ok(stats)
}

/// Visits the documents that pass a filter; returns how many did not.
fn visit_passing(source: &Source, filter: &Filter, each: &mut Visit<'_>) -> Result<u64, DataError> {
    let (mut passed, mut left_out) = (0_u64, 0);
    visit(source, &mut |document| {
        if filter.passes(document) {
            passed += 1;
            each(document.text)
        } else {
            left_out += 1;
            Ok(ControlFlow::Continue(()))
        }
    })?;
    if passed > 0 {
        return Ok(left_out);
    }
    Err(DataError::NoneBelongs {
        origin: source.origin(),
        documents: left_out,
    })
}

fn hash(document: &str) -> Hash {
    let mut hasher = blake3::Hasher::new_derive_key(SPLIT_DOMAIN);
    hasher.update(document.as_bytes());
    *hasher.finalize().as_bytes()
}

/// How documents are told apart, once it is known that both sides get one.
enum Split {
    ByShare(HeldOut),
    /// No document falls below the share: only this hash is held out.
    Only(Hash),
    /// Every document falls below the share: only this hash is trained on.
    AllBut(Hash),
}

impl Split {
    fn of(source: &Source, filter: &Filter, held_out: HeldOut) -> Result<Self, DataError> {
        let mut seen: Option<(Hash, Hash)> = None;
        visit_passing(source, filter, &mut |document| {
            let new = hash(document);
            let (least, most) = seen.map_or((new, new), |(a, b)| (a.min(new), b.max(new)));
            seen = Some((least, most));
            let both = held_out.takes(&least) && !held_out.takes(&most);
            Ok(if both {
                ControlFlow::Break(())
            } else {
                ControlFlow::Continue(())
            })
        })?;
        match seen {
            Some((least, most)) if least == most => Err(DataError::OneDocument {
                origin: if filter.is_all() {
                    source.origin()
                } else {
                    format!("this part of {}", source.origin())
                },
            }),
            Some((least, _)) if !held_out.takes(&least) => Ok(Split::Only(least)),
            Some((_, most)) if held_out.takes(&most) => Ok(Split::AllBut(most)),
            _ => Ok(Split::ByShare(held_out)),
        }
    }

    fn holds_out(&self, hash: &Hash) -> bool {
        match self {
            Split::ByShare(share) => share.takes(hash),
            Split::Only(least) => hash == least,
            Split::AllBut(most) => hash != most,
        }
    }
}

#[cfg(test)]
mod tests;
