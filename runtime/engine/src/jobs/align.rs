//! `align_score`: how alike a language model and vision encoders see the same things, by nearest
//! neighbours.

use std::time::Instant;

use rayon::prelude::*;
use serde_json::{Value, json};
use vpc_compiler::plan::{self, AlignTask, Key};
use vpc_data::Tokenizer;
use vpc_data::items::{Item, PictureId, Pictures};
use vpc_measure::alignment::{
    Alignment, AlignmentError, Neighbours, Pair, align, neighbours, prepare,
};
use vpc_store::{Blob, Manifest};
use vpc_train::vision::Encoder;
use vpc_train::{Inference, Model, Pooling, with_threads};

use super::dataset::{PICTURES, items};
use super::encoder::read;
use super::features::pixels;
use super::{Bench, CONFIG, MODEL, TOKENIZER};
use crate::error::JobError;

/// Pictures looked at between looks at whether to stop; no bit depends on it.
const TOGETHER: usize = 64;

pub(super) fn make(bench: &Bench<'_>, task: &AlignTask) -> Result<Manifest, JobError> {
    let begun = Instant::now();
    let found = with_threads(bench.threads, || compare(bench, task))??;
    let draft = bench.draft(found, begun)?;
    Ok(bench.store.attempt(bench.job.key)?.publish(draft)?)
}

fn compare(bench: &Bench<'_>, task: &AlignTask) -> Result<Value, JobError> {
    let gone = || JobError::InputGone(bench.job.name().to_owned());
    let input = |role| bench.job.inputs_as(role).next().ok_or_else(gone);
    let data = input("items")?;
    let pairs: Vec<(PictureId, Item)> = items(bench, data)?
        .into_iter()
        .filter_map(|item| Some((item.picture?, item)))
        .collect();
    if pairs.len() as u64 <= task.neighbours {
        return Err(JobError::FewPairs {
            dataset: bench.name_of(data),
            found: pairs.len(),
            neighbours: task.neighbours,
        });
    }
    let read = captions(bench, task, &pairs)?;
    let blobs = bench.job.inputs_as("pictures");
    let blobs: Vec<Blob> = blobs
        .map(|key| bench.open(key, PICTURES))
        .collect::<Result<_, _>>()?;
    let files: Vec<Pictures<'_>> = blobs
        .iter()
        .map(|blob| Pictures::new(blob))
        .collect::<Result<_, _>>()?;
    let pair = match task.layers {
        plan::Layers::Best => Pair::Best,
        plan::Layers::Last => Pair::Last,
    };
    let mut scores = Vec::new();
    for key in bench.job.inputs_as("encoder") {
        bench.check_stop()?;
        let seen = pictures(bench, task, key, &files, &pairs)?;
        scores.push(align(&read, &seen, pair)?);
    }
    let mean = scores.iter().map(|one| one.score.mean).sum::<f64>() / scores.len().max(1) as f64;
    let each = scores.iter().map(|one| {
        let Alignment { score, layers } = one;
        json!({ "value": score.mean, "error": score.error, "layers": [layers.0, layers.1] })
    });
    let each: Vec<Value> = each.collect();
    Ok(json!({ "value": mean, "items": pairs.len(), "encoders": each }))
}

/// The neighbours of captions in each layer of the language model.
fn captions(
    bench: &Bench<'_>,
    task: &AlignTask,
    pairs: &[(PictureId, Item)],
) -> Result<Vec<Neighbours>, JobError> {
    let gone = || JobError::InputGone(bench.job.name().to_owned());
    let input = |role| bench.job.inputs_as(role).next().ok_or_else(gone);
    let (from, tokenizer) = (input("model")?, bench.open(input("tokenizer")?, TOKENIZER)?);
    let tokenizer = Tokenizer::from_json(&tokenizer)?;
    let config = vpc_train::huggingface::read_config(&bench.open(from, CONFIG)?)?;
    let model = Inference::new(&Model::load(&config, &bench.open(from, MODEL)?)?);
    let texts = pairs.iter().map(|(_, item)| {
        let caption = item.turns.first().map_or("", |turn| &turn.answer);
        let mut tokens = vec![tokenizer.end()];
        tokens.extend(tokenizer.encode(caption)?);
        tokens.truncate(config.context);
        Ok(tokens)
    });
    let texts: Vec<Vec<u32>> = texts.collect::<Result<_, JobError>>()?;
    let texts: Vec<&[u32]> = texts.iter().map(Vec::as_slice).collect();
    let pooling = match task.pooling {
        plan::Pooling::Mean => Pooling::Mean,
        plan::Pooling::Last => Pooling::Last,
    };
    let layers = model.representations(&texts, pooling);
    let layers = layers.map_err(|source| JobError::Question {
        id: source
            .item()
            .and_then(|at| pairs.get(at))
            .map(|(_, item)| item.id.clone())
            .unwrap_or_default(),
        source,
    })?;
    near(layers, config.width, task)
}

/// The neighbours of pictures in each layer of an encoder.
fn pictures(
    bench: &Bench<'_>,
    task: &AlignTask,
    encoder: Key,
    files: &[Pictures<'_>],
    pairs: &[(PictureId, Item)],
) -> Result<Vec<Neighbours>, JobError> {
    let encoder: Encoder = read(bench, encoder)?;
    let mut layers: Vec<Vec<f32>> = Vec::new();
    for together in pairs.chunks(TOGETHER) {
        bench.check_stop()?;
        let ids: Vec<PictureId> = together.iter().map(|(id, _)| *id).collect();
        let some = encoder.representations(&pixels(&encoder, files, &ids)?)?;
        layers.resize(some.len(), Vec::new());
        for (layer, some) in layers.iter_mut().zip(some) {
            layer.extend(some);
        }
    }
    near(layers, encoder.config().width, task)
}

fn near(
    mut layers: Vec<Vec<f32>>,
    width: usize,
    task: &AlignTask,
) -> Result<Vec<Neighbours>, JobError> {
    prepare(&mut layers, width, task.clamp.to_f64())?;
    let each = layers
        .par_iter()
        .map(|layer| neighbours(layer, width, task.neighbours as usize));
    Ok(each.collect::<Result<_, AlignmentError>>()?)
}
