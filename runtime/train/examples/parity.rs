//! Trains on given weights and batches and writes what happened, for comparison with another library.
//!
//! `parity FOLDER THREADS`: reads `config.json` (a `TrainConfig`), `model.safetensors` and `batches.bin`
//! (per step all inputs, then all targets, little-endian u32), trains `steps` steps, and writes
//! `losses.txt` (loss and gradient norm per step), `out/model.safetensors`, `out/config.json` and
//! `logits.bin` (of the first batch, after training).

use std::error::Error;
use std::fmt::Write;
use std::fs;
use std::path::Path;

use vpc_train::{Batch, Model, TrainConfig, Trainer, with_threads};

fn main() -> Result<(), Box<dyn Error>> {
    let arguments: Vec<String> = std::env::args().collect();
    let [_, folder, threads] = arguments.as_slice() else {
        return Err("usage: parity FOLDER THREADS".into());
    };
    with_threads(threads.parse()?, || {
        run(Path::new(folder)).map_err(|error| error.to_string())
    })??;
    Ok(())
}

fn run(folder: &Path) -> Result<(), Box<dyn Error>> {
    let config: TrainConfig = serde_json::from_slice(&fs::read(folder.join("config.json"))?)?;
    let mut trainer = start(&config, &fs::read(folder.join("model.safetensors"))?)?;
    let tokens = tokens(&fs::read(folder.join("batches.bin"))?);
    let length = config.model.context;
    let size = config.batch * length;
    let mut losses = String::new();
    for step in tokens.chunks_exact(2 * size) {
        let (inputs, targets) = step.split_at(size);
        let report = trainer.step(&Batch {
            inputs,
            targets,
            length,
        })?;
        writeln!(losses, "{:.9} {:.9}", report.loss, report.grad_norm)?;
    }
    fs::write(folder.join("losses.txt"), losses)?;
    let logits = trainer.model().logits(&tokens[..size], length)?;
    let logits: Vec<u8> = logits
        .iter()
        .flat_map(|logit| logit.to_le_bytes())
        .collect();
    fs::write(folder.join("logits.bin"), logits)?;
    fs::create_dir_all(folder.join("out"))?;
    trainer.save_model(&mut fs::File::create(folder.join("out/model.safetensors"))?)?;
    fs::write(
        folder.join("out/config.json"),
        Model::config_json(&config.model),
    )?;
    Ok(())
}

/// A trainer on given weights: a fresh one's optimiser is at zero.
fn start(config: &TrainConfig, model: &[u8]) -> Result<Trainer, Box<dyn Error>> {
    let mut optimizer = Vec::new();
    Trainer::new(config)?.save_optimizer(&mut optimizer)?;
    Ok(Trainer::resume(config, model, &optimizer)?)
}

fn tokens(bytes: &[u8]) -> Vec<u32> {
    let (words, _) = bytes.as_chunks();
    words.iter().map(|&word| u32::from_le_bytes(word)).collect()
}
