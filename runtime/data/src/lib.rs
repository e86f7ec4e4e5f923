//! Categories to token streams: sources, corpora, tokenizers, token files, the sample stream, the synthetic world;
//! and items: pictures with what is said about them.
//!
//! Text flows one way. A [`Source`] gives documents; [`build_corpus`] takes those that pass a [`Filter`] and splits
//! them into a training and a held-out documents file; [`train_bpe`] learns a tokenizer from [`sample_for_tokenizer`]; [`tokenize`] makes a token file;
//! a [`SampleStream`] says which sequence of which [`TokenFile`] stands at each position, and [`fill`] reads them.
//! Everything is a pure function of its input bytes and seeds: threads, clock and environment change nothing.

mod baseline;
mod corpus;
mod documents;
mod error;
mod filter;
pub mod image;
pub mod items;
pub mod labeller;
pub mod limits;
pub mod questions;
mod shares;
mod source;
mod stream;
mod tokenizer;
mod tokens;
pub mod world;

pub use baseline::unigram_byte_bits;
pub use corpus::{CorpusStats, HeldOut, SideStats, build_corpus};
pub use documents::{DocumentsWriter, documents};
pub use error::{Compression, DataError};
pub use filter::{Clause, Filter};
pub use shares::ShareError;
pub use source::{Labelled, Source, VisitDocument, read_documents, read_labelled};
pub use stream::{Part, Sample, SampleStream, StreamError, fill};
pub use tokenizer::{
    END, SamplePart, Tokenizer, TokenizerStats, Trained, rename_token, sample_for_tokenizer,
    train_bpe,
};
pub use tokens::{TokenFile, TokenStats, TokenWriter, tokenize};
