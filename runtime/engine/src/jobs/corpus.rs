//! `corpus`: a category's text, split into training and held-out documents.

use std::path::{Path, PathBuf};
use std::time::Instant;

use vpc_compiler::plan::{self, CorpusTask, Key, SourceSpec};
use vpc_data::{Clause, Filter, HeldOut, Source, build_corpus};
use vpc_store::{Digests, Manifest};

use super::Bench;
use super::stoppable::Stoppable;
use crate::error::JobError;
use crate::support::why_not;

pub(super) fn make(bench: &Bench<'_>, task: &CorpusTask) -> Result<Manifest, JobError> {
    let begun = Instant::now();
    if let Some(why) = why_not(&bench.job.task) {
        return Err(JobError::Unsupported(why.into_owned()));
    }
    let (numerator, denominator) = task.held_out.parts();
    let mut attempt = bench.store.attempt(bench.job.key)?;
    let (mut train, mut held) = (attempt.create("train.docs")?, attempt.create("held.docs")?);
    let split = HeldOut {
        numerator,
        denominator,
    };
    let built = build_corpus(
        &source(&task.source)?,
        &filter(&task.filter),
        split,
        &mut Stoppable::new(&mut train, bench.stop),
        &mut Stoppable::new(&mut held, bench.stop),
    );
    bench.check_stop()?;
    let stats = built?;
    train.finish()?;
    held.finish()?;
    if let SourceSpec::Text { path, digest } | SourceSpec::Jsonl { path, digest, .. } = &task.source
    {
        check_digest(path.get(), *digest)?;
    }
    let draft = bench.draft(serde_json::to_value(stats)?, begun)?;
    Ok(attempt.publish(draft)?)
}

/// Where text comes from.
pub(crate) fn source(spec: &SourceSpec) -> Result<Source, JobError> {
    Ok(match spec {
        SourceSpec::Text { path, .. } => Source::Text {
            path: PathBuf::from(path.get()),
        },
        SourceSpec::Jsonl {
            path,
            digest: _,
            fields,
            join,
            labels,
        } => Source::Jsonl {
            path: PathBuf::from(path.get()),
            fields: fields.clone(),
            join: join.clone(),
            labels: labels.clone(),
        },
        SourceSpec::World { style, seed, bytes } => {
            let style = style.parse()?;
            Source::World {
                style,
                seed: *seed,
                bytes: *bytes,
            }
        }
        SourceSpec::Planned { what } => return Err(JobError::Unsupported(what.clone())),
    })
}

/// Which documents belong.
pub(crate) fn filter(spec: &plan::Filter) -> Filter {
    let clause = |clause: &plan::Clause| match clause {
        plan::Clause::Any(words) => Clause::Any(words.clone()),
        plan::Clause::None(words) => Clause::None(words.clone()),
        plan::Clause::Outside(inner) => Clause::Outside(filter(inner)),
        plan::Clause::Chosen { among, this } => Clause::Chosen {
            among: among.iter().map(filter).collect(),
            this: *this as usize,
        },
    };
    Filter(spec.clauses().iter().map(clause).collect())
}

/// Makes sure that a file or a folder still has the content it was planned with.
pub(super) fn check_digest(path: &str, planned: Key) -> Result<(), JobError> {
    let read = |source| JobError::Read {
        path: path.to_owned(),
        source,
    };
    let mut digests = Digests::default();
    let is_folder = Path::new(path).is_dir();
    let found = if is_folder {
        digests.of_folder(Path::new(path), true)
    } else {
        digests.of(Path::new(path), true)
    };
    let (digest, _) = found.map_err(read)?;
    if digest.bytes() == planned.bytes() {
        Ok(())
    } else {
        Err(JobError::Changed {
            path: path.to_owned(),
        })
    }
}
