//! `features`: what a frozen encoder makes of the pictures of a source, once for all that need it.

use std::time::Instant;

use rayon::prelude::*;
use serde_json::json;
use vpc_compiler::plan::FeaturesTask;
use vpc_data::items::{self, FeaturesWriter, PictureId, Pictures};
use vpc_store::Manifest;
use vpc_train::vision::{Encoder, Features, Layer};
use vpc_train::with_threads;

use super::Bench;
use super::dataset::PICTURES;
use super::encoder::read;
use super::sight::{picture, preprocess};
use crate::device::noted;
use crate::error::JobError;
use crate::placed::Looks;

/// The file of features: 16-bit numbers, by picture.
pub(super) const FEATURES: &str = "features.bin";
/// Pictures looked at between looks at whether to stop; no bit depends on it.
const TOGETHER: usize = 64;

pub(super) fn make(bench: &Bench<'_>, task: &FeaturesTask) -> Result<Manifest, JobError> {
    let begun = Instant::now();
    let gone = || JobError::InputGone(bench.job.name().to_owned());
    let input = |role| bench.job.inputs_as(role).next().ok_or_else(gone);
    let encoder = read(bench, input("encoder")?)?;
    let blob = bench.open(input("items")?, PICTURES)?;
    let files = [Pictures::new(&blob)?];
    let ids: Vec<PictureId> = files[0].ids().collect();
    let of = Features {
        layer: Layer::FromEnd(task.layer as usize),
        class: false,
    };
    let (vectors, width) = (encoder.config().patches(), encoder.config().width);
    let together = TOGETHER.min(ids.len());
    let mut attempt = bench.store.attempt(bench.job.key)?;
    let mut file = FeaturesWriter::new(attempt.create(FEATURES)?, vectors, width);
    let device = with_threads(bench.threads, || -> Result<String, JobError> {
        let mut looks = Looks::put(encoder, of, together, (bench.gpus, bench.stop))?;
        for (at, together) in ids.chunks(TOGETHER).enumerate() {
            bench.check_stop()?;
            let pixels = pixels(looks.encoder(), &files, together)?;
            let seen = looks.features(&pixels)?;
            for (id, features) in together.iter().zip(seen.chunks(vectors * width)) {
                file.add(*id, features)?;
            }
            bench.tell_done("pictures", at * TOGETHER + together.len(), ids.len());
        }
        Ok(looks.name().to_owned())
    })??;
    file.finish()?.finish()?;
    let metrics = json!({ "pictures": ids.len(), "vectors": vectors, "width": width });
    let draft = noted(bench.draft(metrics, begun)?, &device);
    Ok(attempt.publish(draft)?)
}

/// Features of one picture that is not in the store, [patches, width], rounded as those that are filed.
pub(crate) fn look_at(encoder: &Encoder, bytes: &[u8], layer: Layer) -> Result<Vec<f32>, JobError> {
    let id = PictureId::of(bytes);
    let pixels = preprocess(encoder.config()).apply(&picture(bytes, id)?);
    let of = Features {
        layer,
        class: false,
    };
    let (vectors, width) = (encoder.config().patches(), encoder.config().width);
    let mut file = FeaturesWriter::new(Vec::new(), vectors, width);
    file.add(id, &encoder.features(&pixels, of)?)?;
    let file = file.finish()?;
    let found = items::Features::new(&file)?.get(id);
    found.ok_or_else(|| JobError::Unseen {
        item: id.to_string(),
    })
}

/// Pictures as an encoder is shown them, [n, 3, side, side].
pub(super) fn pixels(
    encoder: &Encoder,
    files: &[Pictures<'_>],
    ids: &[PictureId],
) -> Result<Vec<f32>, JobError> {
    let preprocess = preprocess(encoder.config());
    let each = ids.par_iter().map(|id| {
        let bytes = files.iter().find_map(|file| file.get(*id));
        let bytes = bytes.ok_or_else(|| JobError::Unseen {
            item: id.to_string(),
        })?;
        Ok(preprocess.apply(&picture(bytes, *id)?))
    });
    let each: Vec<Vec<f32>> = each.collect::<Result<_, JobError>>()?;
    Ok(each.concat())
}
