//! Every size limit of this crate, in one place.

/// Longest line of a source file, in bytes (64 MiB); longer lines are an error, not a surprise in memory.
pub const LINE_BYTES: usize = 64 << 20;

/// Text that a compressed file may hold whatever its own size, in bytes (64 MiB).
pub const EXPANDED_BYTES: u64 = 64 << 20;

/// Beyond [`EXPANDED_BYTES`], how many bytes of text one byte of a compressed file may hold; text packs to a tenth, and
/// gzip cannot do better than a thousandth, zstd than a thirty-thousandth.
pub const EXPANSION: u64 = 200;

/// Largest picture, and largest member of an archive of items, in bytes as it is stored (64 MiB).
pub const PICTURE_BYTES: u64 = 64 << 20;

/// Size at which a plain-text document may end at the next blank line, in bytes (2 KiB).
pub const TEXT_DOCUMENT_BYTES: usize = 2 << 10;

/// Size at which a plain-text document ends at the next line even without a blank line, in bytes (1 MiB).
pub const TEXT_DOCUMENT_MOST_BYTES: usize = 1 << 20;

/// Longest pre-token, in bytes, that a tokenizer learns from; longer ones are encoded but teach nothing.
pub const LEARNED_WORD_BYTES: usize = 256;

/// Text gathered before one round of parallel work, in bytes (4 MiB).
pub const BATCH_BYTES: usize = 4 << 20;

/// Largest common denominator of the shares of one mixture (2⁶³ − 1), so that splits fit 128-bit integers.
pub const COMMON_DENOMINATOR: u64 = u64::MAX >> 1;
