//! Every limit of the store, in one place.

/// The layout this build reads and writes; the number in the file `format`.
pub const STORE_FORMAT: u32 = 1;

/// The newest manifest schema this build reads, and the one it writes.
pub const MANIFEST_SCHEMA: u32 = 1;

/// The largest manifest, in bytes.
pub const MAX_MANIFEST_BYTES: u64 = 16 << 20;

/// The largest journal of one run, in bytes.
pub const MAX_JOURNAL_BYTES: u64 = 1 << 30;

/// The newest schema of study records this build reads, and the one it writes.
pub const STUDY_SCHEMA: u32 = 1;

/// The largest study record, in bytes; a study of a million jobs takes a third of it.
pub const MAX_STUDY_BYTES: u64 = 512 << 20;

/// The newest schema of pins this build reads, and the one it writes.
pub const PIN_SCHEMA: u32 = 1;

/// The largest pin, in bytes.
pub const MAX_PIN_BYTES: u64 = 64 << 10;

/// The deepest nesting of arrays and objects in a manifest.
pub const MAX_JSON_DEPTH: usize = 64;

/// The most files one job may make.
pub const MAX_FILES: usize = 10_000;

/// The longest name of a file in a manifest or of a path below `results/`, in bytes.
pub const MAX_NAME_BYTES: usize = 200;

/// The most damage notes and warnings one store keeps for its messages.
pub const MAX_NOTES: usize = 1_000;

/// The newest schema of archives this build reads, and the one it writes.
pub const ARCHIVE_SCHEMA: u32 = 1;

/// The largest index of an archive, in bytes; it has the study record in it.
pub const MAX_INDEX_BYTES: u64 = 1 << 30;

/// The most texts and results of an archive.
pub const MAX_ARCHIVE_TEXTS: usize = 10_000;

/// The largest text or result in an archive, in bytes.
pub const MAX_TEXT_BYTES: u64 = 256 << 20;

/// How many times its size an archive may unpack to, beyond [`FREE_RATIO_BYTES`].
pub const ARCHIVE_RATIO: u64 = 1_000;

/// How much any archive may unpack to, in bytes.
pub const FREE_RATIO_BYTES: u64 = 64 << 20;

/// The largest window of an archive's compression, as a power of two in bytes: 128 MiB.
pub const ARCHIVE_WINDOW: u32 = 27;

/// How hard archives are compressed; weights hardly are.
pub(crate) const ARCHIVE_LEVEL: i32 = 3;

/// How long damaged files stay in quarantine, in days.
pub const QUARANTINE_DAYS: u64 = 7;

/// How many jobs are evicted while publishing is kept out.
pub(crate) const CLEAR_AT_ONCE: usize = 256;

/// The largest `format` file worth reading, in bytes.
pub(crate) const MAX_FORMAT_BYTES: u64 = 64;

/// How much of a file is read, written or hashed at once, in bytes.
pub(crate) const CHUNK_BYTES: usize = 256 << 10;

/// How often a step that another process disturbed is tried before it is reported.
pub(crate) const MAX_TRIES: usize = 16;

/// How long clearing waits for the publishing of others, in steps of [`COLLECT_PAUSE_MS`].
pub(crate) const COLLECT_TRIES: usize = 100;

/// One wait for the publishing of others, in milliseconds.
pub(crate) const COLLECT_PAUSE_MS: u64 = 10;
