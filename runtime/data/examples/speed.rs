//! Prints what the world, the tokenizer, the token files and the sample stream do per second on one core.

use std::error::Error;
use std::io::{Write, sink, stdout};
use std::time::{Duration, Instant};

use vpc_data::world::Style;
use vpc_data::{
    DocumentsWriter, Part, SampleStream, Source, TokenFile, TokenWriter, Tokenizer, documents,
    fill, read_documents, tokenize, train_bpe,
};

const WORLD_BYTES: u64 = 20_000_000;
const TOKENS: u32 = 4 << 20;
const CONTEXT: usize = 1024;
const ROWS: usize = 64;

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
    tokenizers(&mut out)?;
    stream(&mut out)
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

fn stream(out: &mut dyn Write) -> Result<(), Box<dyn Error>> {
    let mut bytes = Vec::new();
    let mut writer = TokenWriter::new(&mut bytes, 4096, 0)?;
    writer.add(&(0..TOKENS).map(|token| token % 4096).collect::<Vec<_>>())?;
    writer.finish()?;
    let file = TokenFile::new(&bytes)?;
    let part = |id| Part {
        identity: [id; 32],
        share: (1, 16),
        sequences: file.sequences(CONTEXT),
    };
    let (stream, files) = (
        SampleStream::new((0..16).map(part).collect(), 1)?,
        [file; 16],
    );
    let (mut inputs, mut targets) = (vec![0; ROWS * CONTEXT], vec![0; ROWS * CONTEXT]);
    let begin = Instant::now();
    let rounds = 1000;
    for round in 0..rounds {
        fill(
            &stream,
            &files,
            CONTEXT,
            round * ROWS as u64,
            ROWS,
            &mut inputs,
            &mut targets,
        )?;
    }
    let speed = per_second(rounds * (ROWS * CONTEXT) as u64, begin.elapsed());
    writeln!(
        out,
        "fill, 16 parts, context {CONTEXT}: {speed:.0} M tokens/s"
    )?;
    let begin = Instant::now();
    let sum: u64 = (0..1_000_000)
        .map(|position| stream.at(position).sequence)
        .sum();
    let speed = per_second(1_000_000, begin.elapsed());
    Ok(writeln!(
        out,
        "SampleStream::at: {speed:.1} M positions/s (checksum {sum})"
    )?)
}

/// Millions per second.
fn per_second(count: u64, time: Duration) -> f64 {
    count as f64 / time.as_secs_f64() / 1e6
}
