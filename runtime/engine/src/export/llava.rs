//! A model that sees, with its encoder and projector, as a folder that `transformers` loads.

use std::path::Path;

use vpc_data::{Tokenizer, rename_token};
use vpc_store::{Manifest, Store};
use vpc_train::adapted::{AdaptError, Llava};
use vpc_train::huggingface::read_config;

use super::card::Card;
use super::usage::Use;
use super::{ExportError, Exported, ExportedModel, words};
use crate::jobs::{CONFIG, Filed, TOKENIZER, preprocess};
use crate::lineage::{Lineage, name};

/// How the token that stands for a vector of a picture is written in the exported tokenizer.
const IMAGE: &str = "<image>";

/// Writes a finished stage into a new folder of `LlavaForConditionalGeneration`, whole or not at all:
/// encoder, projector and language model in one file (F32), tokenizer and processor, and a card.
///
/// The token that stands for a picture, which no text has, is called `<image>` there. Fails where the
/// model sees no pictures, and where LLaVA's layout has no place for its encoder or projector.
pub fn export_llava(
    store: &Store,
    job: &Manifest,
    to: &Path,
) -> Result<ExportedModel, ExportError> {
    let lineage = Lineage::of(store, job)?;
    let folder = Exported::begin(to)?;
    let config = read_config(&store.read(job.file(CONFIG)?)?)?;
    let filed = Filed::of(store, job, &config)?;
    let (Some(adapted), Some(layer)) = (filed.adapted()?, filed.layer()) else {
        let job = name(job).to_owned();
        return Err(ExportError::Blind { job });
    };
    let llava = Llava {
        encoder: match filed.own() {
            Some(own) => own.encoder,
            None => lineage.encoder()?,
        },
        layer,
        adapted,
    };
    let files = llava.files().map_err(|error| unfit(job, error))?;
    let json = lineage.tokenizer_json()?;
    let tokenizer = Tokenizer::from_json(&json)?;
    let end = tokenizer.end_text();
    let parameters =
        config.parameters() + llava.adapted.projector().parameters() + llava.encoder.parameters();
    let card = Card::of(store, job, &lineage, &config, &end)?;
    let usage = Use::Pictures {
        template: filed.template_text(),
    };
    let encoder = llava.encoder.config();
    let folder = folder.with(&[
        (
            "generation_config.json",
            words::generation(tokenizer.end()).as_bytes(),
        ),
        (
            "tokenizer_config.json",
            words::tokenizer_with_image(&end, config.context, IMAGE).as_bytes(),
        ),
        (
            "preprocessor_config.json",
            words::preprocessor(&preprocess(encoder)).as_bytes(),
        ),
        (
            "processor_config.json",
            words::processor(IMAGE, encoder.patch).as_bytes(),
        ),
        ("README.md", card.text(&usage).as_bytes()),
        (
            TOKENIZER,
            &rename_token(&json, llava.adapted.marker(), IMAGE)?,
        ),
    ])?;
    let files = files
        .each_ref()
        .map(|(name, bytes)| (*name, bytes.as_slice()));
    folder.with(&files)?.publish(parameters)
}

/// Words what has no place in the layout.
fn unfit(job: &Manifest, error: AdaptError) -> ExportError {
    match error {
        AdaptError::Checkpoint(error) => error.into(),
        source => ExportError::Layout {
            job: name(job).to_owned(),
            source,
        },
    }
}
