//! Prints what the world and the tokenizer do per second on one core.

use std::error::Error;
use std::io::{Write, sink, stdout};
use std::time::{Duration, Instant};

use vpc_data::world::Style;
use vpc_data::{
    DocumentsWriter, Source, Tokenizer, documents, read_documents, tokenize, train_bpe,
};

const WORLD_BYTES: u64 = 20_000_000;

fn main() -> Result<(), Box<dyn Error>> {
    let mut out = stdout().lock();
    for style in Style::ALL {
        let begin = Instant::now();
        read_documents(
            &Source::World {
                style,
                seed: 1,
                bytes: WORLD_BYTES,
            },
            &mut |_| Ok(()),
        )?;
        writeln!(
            out,
            "world {style}: {:.0} MB/s",
            per_second(WORLD_BYTES, begin.elapsed())
        )?;
    }
    tokenizers(&mut out)
}

fn tokenizers(out: &mut dyn Write) -> Result<(), Box<dyn Error>> {
    let mut file = Vec::new();
    let mut writer = DocumentsWriter::new(&mut file)?;
    for style in Style::ALL {
        let source = Source::World {
            style,
            seed: 1,
            bytes: 800_000,
        };
        read_documents(&source, &mut |document| writer.add(document))?;
    }
    let texts = documents(&file)?.collect::<Result<Vec<_>, _>>()?;
    let begin = Instant::now();
    let trained = train_bpe(texts.into_iter(), 4096)?;
    let bytes = trained.stats.bytes;
    writeln!(
        out,
        "train_bpe to {}: {:.1} MB/s",
        trained.stats.vocabulary,
        per_second(bytes, begin.elapsed())
    )?;
    let tokenizer = Tokenizer::from_json(&trained.json)?;
    let begin = Instant::now();
    let stats = tokenize(&file, &tokenizer, &mut sink())?;
    let ratio = stats.bytes as f64 / stats.tokens as f64;
    let speed = per_second(stats.bytes, begin.elapsed());
    Ok(writeln!(
        out,
        "tokenize, all threads: {speed:.1} MB/s, {ratio:.2} bytes per token"
    )?)
}

/// Millions per second.
fn per_second(count: u64, time: Duration) -> f64 {
    count as f64 / time.as_secs_f64() / 1e6
}
