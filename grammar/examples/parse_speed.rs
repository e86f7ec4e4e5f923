//! How fast files are parsed: `cargo run --release -p vpc-grammar --example parse_speed -- FILE…`
//!
//! Prints megabytes a second, the best of ten passes over all files together.

#![expect(
    clippy::print_stdout,
    clippy::disallowed_methods,
    reason = "a measurement reads files and tells what it found"
)]

use std::hint::black_box;
use std::time::Instant;

use vpc_grammar::{Sources, parse};

fn main() -> std::io::Result<()> {
    let mut sources = Sources::default();
    let mut ids = Vec::new();
    let mut bytes = 0;
    for path in std::env::args().skip(1) {
        let text = std::fs::read_to_string(&path)?;
        bytes += text.len();
        ids.push(sources.add(path, text));
    }
    let mut best = f64::INFINITY;
    for _ in 0..10 {
        let begun = Instant::now();
        for source in ids.iter().filter_map(|id| sources.get(*id)) {
            black_box(parse(source));
        }
        best = best.min(begun.elapsed().as_secs_f64());
    }
    let speed = bytes as f64 / 1e6 / best;
    println!("{bytes} bytes in {:.1} ms: {speed:.1} MB/s", best * 1e3);
    Ok(())
}
