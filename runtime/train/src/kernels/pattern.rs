//! Who attends to whom: heads in a row, keys a query sees, and blocks of queries.

use std::ops::Range;

/// Queries per block; scores of one block against all its keys are held at a time.
pub(crate) const QUERIES: usize = 64;

/// How heads lie in a row: all query heads, then key heads, then value heads, each `width` long.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Heads {
    /// Query heads; a multiple of `keys`.
    pub queries: usize,
    /// Key heads, and value heads; each serves `queries / keys` query heads.
    pub keys: usize,
    /// Length of a head.
    pub width: usize,
}

/// Which keys of its sequence a query sees.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Mask {
    /// Those up to its own place: text.
    Causal,
    /// All: images.
    Full,
}

impl Mask {
    /// Keys that query `query` of a sequence of `length` sees: the first so many.
    #[inline(always)]
    fn seen(self, query: usize, length: usize) -> usize {
        match self {
            Self::Causal => query + 1,
            Self::Full => length,
        }
    }
}

/// What attention does within each sequence.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Pattern {
    pub(crate) heads: Heads,
    pub(crate) mask: Mask,
    /// Tokens of a sequence.
    pub(crate) length: usize,
}

impl Pattern {
    /// The query blocks of a sequence.
    pub(crate) fn blocks(self) -> impl DoubleEndedIterator<Item = Block> {
        let Self { mask, length, .. } = self;
        (0..length.div_ceil(QUERIES)).map(move |i| {
            let queries = i * QUERIES..((i + 1) * QUERIES).min(length);
            Block {
                seen: mask.seen(queries.end - 1, length),
                queries,
                mask,
            }
        })
    }
}

/// Neighbouring queries of a sequence, and how many keys the last of them sees.
pub(crate) struct Block {
    pub(crate) queries: Range<usize>,
    pub(crate) seen: usize,
    mask: Mask,
}

impl Block {
    /// Keys seen by the queries one by one.
    pub(crate) fn visible(&self) -> impl Iterator<Item = usize> {
        let (mask, seen) = (self.mask, self.seen);
        self.queries
            .clone()
            .map(move |query| mask.seen(query, seen))
    }

    /// Its queries and keys as rows of a batch, for the sequence that begins at row `first`.
    pub(crate) fn rows(&self, first: usize) -> (Range<usize>, Range<usize>) {
        let Range { start, end } = self.queries;
        (first + start..first + end, first..first + self.seen)
    }

    /// Scores of its queries.
    pub(crate) fn scores(&self) -> usize {
        self.queries.len() * self.seen
    }
}

impl Heads {
    /// Length of a row of queries, keys and values.
    pub fn row(self) -> usize {
        (self.queries + 2 * self.keys) * self.width
    }

    /// Length of a row of attention output.
    pub fn output(self) -> usize {
        self.queries * self.width
    }

    /// Query heads that share one key head.
    pub(crate) fn group(self) -> usize {
        self.queries / self.keys
    }

    pub(crate) fn scale(self) -> f32 {
        1.0 / (self.width as f32).sqrt()
    }

    pub(crate) fn query(self, head: usize) -> Range<usize> {
        head * self.width..(head + 1) * self.width
    }

    pub(crate) fn key(self, head: usize) -> Range<usize> {
        self.query(self.queries + head)
    }

    pub(crate) fn value(self, head: usize) -> Range<usize> {
        self.query(self.queries + self.keys + head)
    }
}
