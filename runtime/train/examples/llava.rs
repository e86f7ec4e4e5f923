//! A LLaVA folder's logits, for comparison with another library.
//!
//! `llava logits FOLDER PIXELS TOKENS OUT`: PIXELS is a file of F32 numbers [n, 3, side, side], TOKENS one
//! of U32 numbers. Writes the logits after each token as F32. `llava greedy FOLDER PIXELS TOKENS MOST`
//! prints the likeliest next tokens. `llava copy FOLDER OUT` reads a folder and writes it anew.
//! `llava resize VECTORS WIDTH FROM TO OUT` resizes a square of F32 vectors. `llava train FOLDER RUN OUT`
//! trains encoder, projector and decoder, each step on all examples; RUN is a JSON file of a `course` and
//! of `examples` with `tokens`, `answer` and `pixels`. It prints loss and norm of each step.

use std::error::Error;
use std::fs;
use std::path::Path;

use serde::Deserialize;
use vpc_train::Course;
use vpc_train::adapted::{
    AdaptTrainer, AdaptedInference, Example, Llava, Parts, Prompt, Sight, resize,
};

/// What is trained on.
#[derive(Deserialize)]
struct Run {
    course: Course,
    examples: Vec<Text>,
}

#[derive(Deserialize)]
struct Text {
    tokens: Vec<u32>,
    answer: Vec<bool>,
    pixels: Vec<f32>,
}

/// Loss and norm of each step.
type Steps = Vec<(f64, f64)>;

/// The model after training, and its steps.
fn train(llava: &Llava, run: &Run) -> Result<(Llava, Steps), Box<dyn Error>> {
    let layer = llava.layer;
    let adapted = llava.adapted.clone();
    let adapted = adapted.with_encoder(llava.encoder.clone(), layer)?;
    let parts = Parts {
        projector: true,
        model: true,
        encoder: true,
    };
    let examples = run.examples.iter().map(|text| Example {
        tokens: &text.tokens,
        answer: &text.answer,
        sight: Sight::Pixels(&text.pixels),
    });
    let examples: Vec<Example> = examples.collect();
    let mut trainer = AdaptTrainer::new(&run.course, adapted, parts)?;
    let mut steps = Vec::new();
    for _ in 0..run.course.steps {
        let report = trainer.step(&examples)?;
        steps.push((report.loss, report.grad_norm));
    }
    let adapted = trainer.into_adapted();
    let encoder = adapted.encoder().ok_or("an encoder was given")?.clone();
    let trained = Llava {
        encoder,
        layer,
        adapted,
    };
    Ok((trained, steps))
}

fn fours<T>(path: &str, of: impl Fn([u8; 4]) -> T) -> Result<Vec<T>, std::io::Error> {
    let bytes = fs::read(path)?;
    Ok(bytes.as_chunks().0.iter().map(|&four| of(four)).collect())
}

fn write(path: &str, numbers: &[f32]) -> Result<(), std::io::Error> {
    let bytes: Vec<u8> = numbers.iter().flat_map(|x| x.to_le_bytes()).collect();
    fs::write(path, bytes)
}

#[expect(clippy::print_stdout, reason = "the answer")]
fn main() -> Result<(), Box<dyn Error>> {
    let arguments: Vec<String> = std::env::args().skip(1).collect();
    let arguments: Vec<&str> = arguments.iter().map(String::as_str).collect();
    match arguments[..] {
        ["logits", folder, pixels, tokens, out] => {
            let llava = Llava::read(Path::new(folder))?;
            let features = llava.features(&fours(pixels, f32::from_le_bytes)?)?;
            let tokens = fours(tokens, u32::from_le_bytes)?;
            let sight = Sight::Features(&features);
            write(out, &llava.adapted.logits(&tokens, sight)?)?;
        }
        ["greedy", folder, pixels, tokens, most] => {
            let llava = Llava::read(Path::new(folder))?;
            let features = llava.features(&fours(pixels, f32::from_le_bytes)?)?;
            let tokens = fours(tokens, u32::from_le_bytes)?;
            let prompt = Prompt {
                tokens: &tokens,
                sight: Sight::Features(&features),
            };
            let asked = AdaptedInference::new(&llava.adapted);
            let made = asked.generate(&[prompt], most.parse()?, &[], 1)?;
            println!("{}", serde_json::to_string(&made[0].tokens)?);
        }
        ["copy", folder, out] => Llava::read(Path::new(folder))?.save(Path::new(out))?,
        ["train", folder, run, out] => {
            let run: Run = serde_json::from_slice(&fs::read(run)?)?;
            let (trained, steps) = train(&Llava::read(Path::new(folder))?, &run)?;
            trained.save(Path::new(out))?;
            println!("{}", serde_json::to_string(&steps)?);
        }
        ["resize", vectors, width, from, to, out] => {
            let vectors = fours(vectors, f32::from_le_bytes)?;
            let resized = resize(&vectors, width.parse()?, from.parse()?, to.parse()?);
            write(out, &resized)?;
        }
        _ => return Err("usage: see the first lines of this example".into()),
    }
    Ok(())
}
