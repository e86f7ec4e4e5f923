//! The alignment of two models: timed, and for comparison with another library.
//!
//! `alignment time THINGS` times made-up vectors of a 12-layer model of width 768 and a 24-layer one
//! of width 1024. `alignment score K QUANTILE THINGS LAYERS WIDTH LAYERS WIDTH` reads the vectors of
//! two models from standard input, F32 [layers, things, width] one after the other, and prints as
//! JSON how many neighbours every pair of layers has in common, the best pair and its score.

use std::error::Error;
use std::io::{Read, stdin};
use std::time::Instant;

use vpc_measure::alignment::{Neighbours, Pair, align, neighbours, overlaps, prepare};

type Layers = Vec<Vec<f32>>;

fn main() -> Result<(), Box<dyn Error>> {
    let arguments: Vec<String> = std::env::args().skip(1).collect();
    let arguments: Vec<&str> = arguments.iter().map(String::as_str).collect();
    match arguments[..] {
        ["time", things] => time(things.parse()?),
        ["score", k, quantile, ref shape @ ..] => {
            let shape: Vec<usize> = shape.iter().map(|x| x.parse()).collect::<Result<_, _>>()?;
            let [things, layers, width, other_layers, other_width] = shape[..] else {
                return Err("a shape has five numbers".into());
            };
            let (k, quantile) = (k.parse()?, quantile.parse()?);
            let one = near(read(layers, things * width)?, width, k, quantile)?;
            let other = read(other_layers, things * other_width)?;
            score(&one, &near(other, other_width, k, quantile)?)
        }
        _ => Err("usage: see the first lines of this example".into()),
    }
}

/// The next layers of standard input, of `count` numbers each.
fn read(layers: usize, count: usize) -> Result<Layers, Box<dyn Error>> {
    let layer = |_| {
        let mut bytes = vec![0; 4 * count];
        stdin().read_exact(&mut bytes)?;
        let numbers = bytes.as_chunks().0.iter();
        Ok(numbers.map(|&four| f32::from_le_bytes(four)).collect())
    };
    (0..layers).map(layer).collect()
}

fn near(
    mut layers: Layers,
    width: usize,
    k: usize,
    quantile: f64,
) -> Result<Vec<Neighbours>, Box<dyn Error>> {
    prepare(&mut layers, width, quantile)?;
    let found = layers.iter().map(|layer| neighbours(layer, width, k));
    Ok(found.collect::<Result<_, _>>()?)
}

#[expect(clippy::print_stdout, reason = "the answer")]
fn score(one: &[Neighbours], other: &[Neighbours]) -> Result<(), Box<dyn Error>> {
    let common = |one: &Neighbours, other: &Neighbours| {
        let counts = overlaps(one, other)?.into_iter();
        Ok(counts
            .map(|share| share * one.k() as f64)
            .sum::<f64>()
            .round() as u64)
    };
    let row = |one: &Neighbours| other.iter().map(|other| common(one, other)).collect();
    let rows: Result<Vec<Vec<u64>>, Box<dyn Error>> = one.iter().map(row).collect();
    let (best, last) = (
        align(one, other, Pair::Best)?,
        align(one, other, Pair::Last)?,
    );
    let answer = serde_json::json!({
        "common": rows?,
        "layers": best.layers,
        "score": best.score.mean,
        "error": best.score.error,
        "last": last.score.mean,
    });
    println!("{answer}");
    Ok(())
}

#[expect(clippy::print_stdout, reason = "the measurement")]
fn time(things: usize) -> Result<(), Box<dyn Error>> {
    let (one, other) = (made_up(12, things * 768, 1), made_up(24, things * 1024, 2));
    let begun = Instant::now();
    let (mut prepared, mut other_prepared) = (one, other);
    prepare(&mut prepared, 768, 0.95)?;
    prepare(&mut other_prepared, 1024, 0.95)?;
    let (ready, begun) = (begun.elapsed(), Instant::now());
    let find = |layers: &Layers, width| layers.iter().map(|x| neighbours(x, width, 10)).collect();
    let one: Result<Vec<Neighbours>, _> = find(&prepared, 768);
    let other: Result<Vec<Neighbours>, _> = find(&other_prepared, 1024);
    let (found, begun) = (begun.elapsed(), Instant::now());
    let best = align(&one?, &other?, Pair::Best)?;
    println!(
        "prepared in {ready:.2?}, neighbours in {found:.2?}, 288 pairs in {:.2?}: {:.4}",
        begun.elapsed(),
        best.score.mean
    );
    Ok(())
}

/// Numbers from −1 to 1, the same at any time.
fn made_up(layers: usize, count: usize, seed: u64) -> Layers {
    let mut state = seed;
    let mut next = || {
        state = state
            .wrapping_mul(6_364_136_223_846_793_005)
            .wrapping_add(1);
        (state >> 40) as f32 / (1 << 23) as f32 - 1.0
    };
    let mut layer = || (0..count).map(|_| next()).collect();
    (0..layers).map(|_| layer()).collect()
}
