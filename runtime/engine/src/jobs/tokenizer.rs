//! `tokenizer`: trained on the training side of corpora, or imported.

use std::time::Instant;

use serde_json::json;
use vpc_compiler::plan::{Key, TokenizerTask};
use vpc_data::{SamplePart, Tokenizer, sample_for_tokenizer, train_bpe};
use vpc_store::Manifest;

use super::{Bench, corpus};
use crate::error::JobError;

/// The file in which a tokenizer is kept.
pub(crate) const FILE: &str = "tokenizer.json";

pub(super) fn make(bench: &Bench<'_>, task: &TokenizerTask) -> Result<Manifest, JobError> {
    let begun = Instant::now();
    let (json, metrics) = match task {
        TokenizerTask::Imported {
            path,
            digest,
            vocabulary,
        } => {
            let json = imported(path.get(), *digest, *vocabulary)?;
            (json, json!({ "vocabulary": vocabulary }))
        }
        TokenizerTask::Planned { .. } => return Err(super::not_yet(&bench.job.task)),
        TokenizerTask::Trained {
            vocabulary,
            sample,
            shares,
        } => {
            let corpora: Vec<Key> = bench.job.inputs_as("corpus").collect();
            let texts = corpora
                .iter()
                .map(|&key| bench.open(key, "train.docs"))
                .collect::<Result<Vec<_>, _>>()?;
            let parts = corpora.iter().zip(&texts).zip(shares);
            let parts = parts.map(|((&key, documents), share)| {
                Ok(SamplePart {
                    identity: bench.content(key, "train.docs")?,
                    documents,
                    share: share.parts(),
                })
            });
            let parts = parts.collect::<Result<Vec<_>, JobError>>()?;
            let sampled = sample_for_tokenizer(&parts, *sample)?;
            let texts = sampled.into_iter().take_while(|_| !bench.stop.asked());
            let trained = train_bpe(texts, *vocabulary as usize);
            bench.check_stop()?;
            let trained = trained?;
            (trained.json, serde_json::to_value(trained.stats)?)
        }
    };
    let mut attempt = bench.store.attempt(bench.job.key)?;
    attempt.write(FILE, &json)?;
    let draft = bench.draft(metrics, begun)?;
    Ok(attempt.publish(draft)?)
}

fn imported(path: &str, digest: Key, stated: u64) -> Result<Vec<u8>, JobError> {
    corpus::check_digest(path, digest)?;
    let json = std::fs::read(path).map_err(|source| JobError::Read {
        path: path.to_owned(),
        source,
    })?;
    let found = Tokenizer::from_json(&json)?.vocabulary() as u64;
    if found == stated {
        Ok(json)
    } else {
        Err(JobError::Vocabulary { found, stated })
    }
}
