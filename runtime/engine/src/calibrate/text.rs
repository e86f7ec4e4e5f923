//! Bytes of text per second: made, learned from, encoded.

use std::time::Instant;

use vpc_cost::TextSpeeds;
use vpc_data::world::{Style, document};
use vpc_data::{Tokenizer, train_bpe};

use crate::error::JobError;

/// Text to measure with.
const BYTES: usize = 256 << 10;

/// Tokens of the tokenizer that is measured with.
const VOCABULARY: usize = 512;

/// Measures on one thread.
pub(super) fn speeds() -> Result<TextSpeeds, JobError> {
    let began = Instant::now();
    let (mut texts, mut bytes) = (Vec::new(), 0);
    while bytes < BYTES {
        let text = document(Style::Web, 1, texts.len() as u64).text();
        bytes += text.len();
        texts.push(text);
    }
    let made = speed(bytes, began);
    let began = Instant::now();
    let trained = train_bpe(texts.iter().map(String::as_str), VOCABULARY)?;
    let learned = speed(bytes, began);
    let tokenizer = Tokenizer::from_json(&trained.json)?;
    let began = Instant::now();
    for text in &texts {
        std::hint::black_box(tokenizer.encode(text)?);
    }
    let encoded = speed(bytes, began);
    Ok(TextSpeeds {
        made,
        learned,
        encoded,
    })
}

fn speed(bytes: usize, began: Instant) -> f64 {
    bytes as f64 / began.elapsed().as_secs_f64().max(1e-9)
}
