//! Features of a vision encoder, for comparison with another library.
//!
//! `vision features FOLDER PIXELS LAYER OUT`: PIXELS is a file of F32 numbers [n, 3, side, side]; LAYER
//! is `last`, or n for the n-th hidden state from the end. Writes the vectors of all tokens, class
//! token first, as F32. `vision copy FOLDER OUT` reads an encoder and writes it anew.

use std::error::Error;
use std::fs;
use std::path::Path;

use vpc_train::vision::{Encoder, Features, Layer};

fn main() -> Result<(), Box<dyn Error>> {
    let arguments: Vec<String> = std::env::args().skip(1).collect();
    let arguments: Vec<&str> = arguments.iter().map(String::as_str).collect();
    match arguments[..] {
        ["features", folder, pixels, layer, out] => {
            let layer = match layer {
                "last" => Layer::Last,
                n => Layer::FromEnd(n.parse()?),
            };
            let pixels = read(pixels)?;
            let of = Features { layer, class: true };
            let features = Encoder::read(Path::new(folder))?.features(&pixels, of)?;
            write(out, &features)?;
        }
        ["representations", folder, pixels, out] => {
            let encoder = Encoder::read(Path::new(folder))?;
            write(out, &encoder.representations(&read(pixels)?)?.concat())?;
        }
        ["copy", folder, out] => Encoder::read(Path::new(folder))?.save(Path::new(out))?,
        _ => return Err("usage: see the first lines of this example".into()),
    }
    Ok(())
}

fn read(path: &str) -> Result<Vec<f32>, Box<dyn Error>> {
    let bytes = fs::read(path)?;
    let numbers = bytes.as_chunks().0.iter();
    Ok(numbers.map(|&four| f32::from_le_bytes(four)).collect())
}

fn write(path: &str, numbers: &[f32]) -> Result<(), Box<dyn Error>> {
    let bytes: Vec<u8> = numbers.iter().flat_map(|x| x.to_le_bytes()).collect();
    Ok(fs::write(path, bytes)?)
}
