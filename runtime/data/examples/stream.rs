//! Prints how fast the sample stream fills batches from memory-mapped token files and seeks, each beside a peer.
//!
//!     cargo run --release -p vpc-data --example stream -- FOLDER [SECONDS]
//!
//! Makes sixteen token files in FOLDER unless they are there. One thread; every line is `name value unit`.

use std::error::Error;
use std::fs::{self, File};
use std::hint::black_box;
use std::io::{BufWriter, Write, stdout};
use std::path::Path;
use std::time::{Duration, Instant};

use memmap2::Mmap;
use vpc_data::{DataError, Part, SampleStream, TokenFile, TokenWriter, fill};

const FILES: u64 = 16;
/// Tokens of a file, 2 bytes each: all files together are several times a processor's cache.
const TOKENS: usize = 4 << 20;
const VOCABULARY: u32 = 50_000;
/// Tokens of a batch.
const BATCH: usize = 16 << 10;
/// The tokens of the longest run.
const RUN: u64 = 1_000_000_000_000;
const SEEKS: u64 = 200_000;
const ROUNDS: usize = 5;

type Outcome<T> = Result<T, Box<dyn Error>>;

fn main() -> Outcome<()> {
    let mut arguments = std::env::args().skip(1);
    let folder = arguments.next().ok_or("usage: stream FOLDER [SECONDS]")?;
    let seconds = arguments.next().map_or(Ok(1.0), |text| text.parse())?;
    let maps = token_files(Path::new(&folder))?;
    let mut out = stdout().lock();
    for context in [128, 2048] {
        let bench = Bench::new(&maps, context)?;
        bench.throughput(Duration::from_secs_f64(seconds), &mut out)?;
        bench.positions(&mut out)?;
        bench.seeks(&maps, &mut out)?;
    }
    Ok(())
}

/// Opens the token files of the folder, made where they are not there, and reads each page once.
fn token_files(folder: &Path) -> Outcome<Vec<Mmap>> {
    fs::create_dir_all(folder)?;
    let mut maps = Vec::new();
    for index in 0..FILES {
        let path = folder.join(format!("{index:02}.tok"));
        if !path.exists() {
            let mut out = BufWriter::new(File::create(&path)?);
            let mut writer = TokenWriter::new(&mut out, VOCABULARY, 0)?;
            let tokens = (0..TOKENS as u64).map(|at| mix(at ^ index << 40) as u32 % VOCABULARY);
            writer.add(&tokens.collect::<Vec<_>>())?;
            writer.finish()?;
        }
        let file = File::open(&path)?;
        #[expect(unsafe_code, reason = "mapping a file is unsafe in itself")]
        // SAFETY: nobody writes to the files of a benchmark while it runs.
        let map = unsafe { Mmap::map(&file) }?;
        black_box(
            map.iter()
                .step_by(4096)
                .map(|byte| u64::from(*byte))
                .sum::<u64>(),
        );
        maps.push(map);
    }
    Ok(maps)
}

/// The finaliser of splitmix64, as a cheap source of numbers.
fn mix(mut word: u64) -> u64 {
    word = word.wrapping_add(0x9e37_79b9_7f4a_7c15);
    word = (word ^ word >> 30).wrapping_mul(0xbf58_476d_1ce4_e5b9);
    word = (word ^ word >> 27).wrapping_mul(0x94d0_49bb_1331_11eb);
    word ^ word >> 31
}

/// Sixteen categories of unequal shares.
fn parts(files: &[TokenFile<'_>], context: usize) -> Vec<Part> {
    let weights = 1..=FILES;
    let total = weights.clone().sum();
    let parts = weights.zip(files).map(|(weight, file)| Part {
        identity: [weight as u8; 32],
        share: (weight, total),
        sequences: file.sequences(context),
    });
    parts.collect()
}

/// Everything of one context.
struct Bench<'a> {
    context: usize,
    rows: usize,
    files: Vec<TokenFile<'a>>,
    stream: SampleStream,
}

/// Inputs and targets of one batch.
struct Batch {
    inputs: Vec<u32>,
    targets: Vec<u32>,
}

impl<'a> Bench<'a> {
    fn new(maps: &'a [Mmap], context: usize) -> Outcome<Self> {
        let files = open(maps)?;
        Ok(Self {
            context,
            rows: BATCH / context,
            stream: SampleStream::new(parts(&files, context), 1)?,
            files,
        })
    }

    fn fill(&self, first: u64, rows: usize, batch: &mut Batch) -> Result<(), DataError> {
        let (inputs, targets) = (&mut batch.inputs, &mut batch.targets);
        fill(
            &self.stream,
            &self.files,
            self.context,
            first,
            rows,
            inputs,
            targets,
        )
    }

    /// Contenders take turns; the best round of each counts.
    fn throughput(&self, lasting: Duration, out: &mut dyn Write) -> Outcome<()> {
        let context = self.context;
        let index = self.index(1 << 20);
        let tokens = self.decoded()?;
        let mut batch = self.batch(self.rows);
        let mut best = [0.0_f64; 4];
        for _ in 0..ROUNDS {
            let speeds = [
                speed(lasting, |n| {
                    self.fill(n * self.rows as u64, self.rows, &mut batch)
                })?,
                speed(lasting, |n| self.gather(&index, n as usize, &mut batch))?,
                speed(lasting, |n| self.in_order(n as usize, &mut batch))?,
                speed(lasting, |n| {
                    let from = n as usize * BATCH % (tokens.len() - BATCH);
                    batch.inputs.copy_from_slice(&tokens[from..from + BATCH]);
                    batch
                        .targets
                        .copy_from_slice(&tokens[from + 1..=from + BATCH]);
                    Ok(())
                })?,
            ];
            for (best, speed) in best.iter_mut().zip(speeds) {
                *best = best.max(speed);
            }
        }
        for (name, speed) in ["fill", "index", "in_order", "memcpy"].iter().zip(best) {
            writeln!(out, "{name}/{context} {speed:.1} Mtokens/s")?;
        }
        Ok(())
    }

    /// The peer: category and sequence of each of the first `count` positions, written out in memory.
    fn index(&self, count: u64) -> Vec<(u16, u32)> {
        let samples = (0..count).map(|position| self.stream.at(position));
        samples
            .map(|sample| (sample.part as u16, sample.sequence as u32))
            .collect()
    }

    /// Fills batch `n` by the index: the same tokens as [`fill`] gives.
    fn gather(&self, index: &[(u16, u32)], n: usize, batch: &mut Batch) -> Result<(), DataError> {
        let first = n * self.rows % (index.len() - self.rows);
        let rows = batch.rows(self.context);
        for ((part, sequence), (input, target)) in index[first..].iter().zip(rows) {
            let file = &self.files[usize::from(*part)];
            let start = u64::from(*sequence) * self.context as u64;
            file.read(start, input)?;
            file.read(start + 1, target)?;
        }
        Ok(())
    }

    /// Fills batch `n` with the files from their beginning to their end, without any order to look up.
    fn in_order(&self, n: usize, batch: &mut Batch) -> Result<(), DataError> {
        let file = &self.files[n / 100 % self.files.len()];
        let from = (n * BATCH % (TOKENS - BATCH - 1)) as u64;
        file.read(from, &mut batch.inputs)?;
        file.read(from + 1, &mut batch.targets)
    }

    /// One file as a trainer wants it.
    fn decoded(&self) -> Outcome<Vec<u32>> {
        let mut tokens = vec![0; TOKENS];
        self.files[0].read(0, &mut tokens)?;
        Ok(tokens)
    }

    fn batch(&self, rows: usize) -> Batch {
        let new = || vec![0; rows * self.context];
        Batch {
            inputs: new(),
            targets: new(),
        }
    }

    /// Millions of positions that are looked up in a second.
    fn positions(&self, out: &mut dyn Write) -> Outcome<()> {
        let count = 2_000_000_u64;
        let last = RUN / self.context as u64;
        for (name, spread) in [("at", 0), ("at_random", last)] {
            let begin = Instant::now();
            for n in 0..count {
                let position = if spread == 0 { n } else { mix(n) % spread };
                black_box(self.stream.at(position));
            }
            let speed = count as f64 / begin.elapsed().as_secs_f64() / 1e6;
            writeln!(out, "{name}/{} {speed:.2} Mpositions/s", self.context)?;
        }
        Ok(())
    }

    /// What a process does that goes on in the middle of a run, its files mapped: look at their headers, make the
    /// stream, read one sequence.
    fn seeks(&self, maps: &[Mmap], out: &mut dyn Write) -> Outcome<()> {
        let mut batch = self.batch(1);
        let mut took = Vec::new();
        for n in 0..SEEKS {
            let position = mix(n) % (RUN / self.context as u64);
            let begin = Instant::now();
            let bench = Bench::new(maps, self.context)?;
            bench.fill(position, 1, &mut batch)?;
            took.push(begin.elapsed());
            black_box(&batch.targets);
        }
        took.sort_unstable();
        let at = |part: f64| took[(part * (took.len() - 1) as f64) as usize].as_secs_f64() * 1e6;
        for (name, part) in [("median", 0.5), ("p99", 0.99), ("worst", 1.0)] {
            writeln!(out, "seek_{name}/{} {:.1} us", self.context, at(part))?;
        }
        Ok(())
    }
}

impl Batch {
    fn rows(&mut self, context: usize) -> impl Iterator<Item = (&mut [u32], &mut [u32])> {
        let targets = self.targets.chunks_exact_mut(context);
        self.inputs.chunks_exact_mut(context).zip(targets)
    }
}

fn open(maps: &[Mmap]) -> Result<Vec<TokenFile<'_>>, DataError> {
    maps.iter().map(|map| TokenFile::new(map)).collect()
}

/// Millions of tokens a second of what makes one batch, called with 0, 1, 2 and so on.
fn speed(
    lasting: Duration,
    mut make: impl FnMut(u64) -> Result<(), DataError>,
) -> Result<f64, DataError> {
    let begin = Instant::now();
    let mut batches = 0;
    while begin.elapsed() < lasting {
        make(batches)?;
        batches += 1;
    }
    Ok(batches as f64 * BATCH as f64 / begin.elapsed().as_secs_f64() / 1e6)
}
