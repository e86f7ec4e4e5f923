//! Writing an archive: the same bytes for the same content.

use std::collections::BTreeSet;
use std::fs::{self, File};
use std::io::{self, BufWriter, Read, Write};
use std::path::Path;

use tar::Builder;

use super::index::{Index, Listed, Text};
use super::{INDEX, header};
use crate::disk::{self, Moved};
use crate::error::During;
use crate::find::paths_in;
use crate::limits::{ARCHIVE_LEVEL, ARCHIVE_SCHEMA, CHUNK_BYTES};
use crate::seal::encode;
use crate::{Amount, Digest, FileRecord, Manifest, Store, StoreError, StudyJob, StudyRecord};

/// What goes into an archive.
pub struct Export<'e> {
    /// The study; its jobs go along as far as they are there, or left a trace.
    pub record: &'e StudyRecord,
    /// The path of the study among `texts`.
    pub study: String,
    /// The study, the modules it uses and its lock file, by plain paths below one folder.
    pub texts: Vec<(String, Vec<u8>)>,
    /// Chooses the jobs whose files go along; of the others goes what an eviction would leave.
    pub with_files: &'e dyn Fn(&StudyJob) -> bool,
    /// Whether checkpoints go along.
    pub checkpoints: bool,
}

/// What went into an archive.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Exported {
    /// Finished jobs with their files.
    pub jobs: usize,
    /// Jobs without their files.
    pub traces: usize,
    /// Checkpoints.
    pub checkpoints: usize,
    /// The files, each once.
    pub files: Amount,
    /// The size of the archive, in bytes.
    pub bytes: u64,
}

/// A manifest on its way, with its sealed text.
struct Packed {
    manifest: Manifest,
    text: Vec<u8>,
    is_trace: bool,
}

impl Store {
    /// Writes an archive; a file that is there already is not touched.
    ///
    /// Every file is compared with its digest on the way.
    pub fn export(&self, export: &Export<'_>, to: &Path) -> Result<Exported, StoreError> {
        if to.exists() {
            return Err(taken(to));
        }
        let above = disk::above(to);
        let part = above.join(disk::fresh_name(".vpc-export"));
        let file = disk::begin(&part)?;
        let written = self.pack(export, &file, &part).and_then(|done| {
            disk::seal(&file, &part, 0o644)?;
            match disk::move_new(&part, to).during("create", to)? {
                Moved::Taken => Err(taken(to)),
                Moved::Placed => disk::sync_folder(&above).map(|()| done),
            }
        });
        if written.is_err() {
            _ = fs::remove_file(&part);
        }
        written
    }

    fn pack(&self, export: &Export<'_>, file: &File, at: &Path) -> Result<Exported, StoreError> {
        let packed = self.packed(export)?;
        let results = self.results_of(&export.record.name)?;
        let text = |(path, content): &(String, Vec<u8>)| Text::of(path.clone(), content);
        let listed = |one: &Packed| Listed {
            key: one.manifest.key,
            step: one.manifest.step,
            is_trace: one.is_trace,
            digest: Digest::of(&one.text),
            bytes: one.text.len() as u64,
        };
        let index = Index {
            schema: ARCHIVE_SCHEMA,
            record: export.record.clone(),
            study: export.study.clone(),
            texts: export.texts.iter().map(text).collect(),
            results: results.iter().map(text).collect(),
            jobs: packed.iter().map(listed).collect(),
            blobs: blobs(&packed),
        };
        let sealed = index.encode()?;
        Index::decode(&sealed).map_err(|problem| StoreError::archive(at, problem))?;
        let out = BufWriter::with_capacity(CHUNK_BYTES, file);
        let mut out = Packer::new(out).during("write", at)?;
        out.add(INDEX, &sealed, at)?;
        for (number, (_, content)) in export.texts.iter().enumerate() {
            out.add(&format!("texts/{number}"), content, at)?;
        }
        for (number, (_, content)) in results.iter().enumerate() {
            out.add(&format!("results/{number}"), content, at)?;
        }
        for (listed, one) in index.jobs.iter().zip(&packed) {
            out.add(&listed.member(), &one.text, at)?;
        }
        let mut done = counted(&packed);
        for blob in &index.blobs {
            let content = self.open_sound(blob)?;
            out.stream(&format!("objects/{}", blob.digest), blob.bytes, content, at)?;
            done.files.add(blob.bytes);
        }
        out.finish().during("write", at)?;
        done.bytes = file.metadata().during("look at", at)?.len();
        Ok(done)
    }

    /// The manifests that go along, in the order of the study.
    fn packed(&self, export: &Export<'_>) -> Result<Vec<Packed>, StoreError> {
        let mut packed = Vec::new();
        let mut pack = |manifest: Manifest, is_trace| {
            let text = encode(&manifest)?;
            packed.push(Packed {
                manifest,
                text,
                is_trace,
            });
            Ok::<_, StoreError>(())
        };
        for job in &export.record.jobs {
            match self.find(job.key)? {
                Some(found) => pack(found, !(export.with_files)(job))?,
                None => self
                    .evicted(job.key)?
                    .map_or(Ok(()), |trace| pack(trace, true))?,
            }
            if export.checkpoints {
                for (_, checkpoint) in self.progress_all(job.key)? {
                    pack(checkpoint, false)?;
                }
            }
        }
        Ok(packed)
    }

    /// The results that are filed for a study.
    fn results_of(&self, study: &str) -> Result<Vec<(String, Vec<u8>)>, StoreError> {
        let mut results = Vec::new();
        for path in paths_in(&self.layout().folder("results").join(study))? {
            if let Some(name) = path.file_name().and_then(|name| name.to_str())
                && path.is_file()
            {
                let content = fs::read(&path).during("read", &path)?;
                results.push((name.to_owned(), content));
            }
        }
        Ok(results)
    }
}

fn taken(to: &Path) -> StoreError {
    StoreError::archive(to, "there is such a file already; name another")
}

/// The blobs of all jobs with files, each once, so that a job is whole as early as can be.
fn blobs(packed: &[Packed]) -> Vec<FileRecord> {
    let mut seen = BTreeSet::new();
    let whole = packed.iter().filter(|one| !one.is_trace);
    let files = whole.flat_map(|one| one.manifest.files.values().copied());
    files.filter(|file| seen.insert(file.digest)).collect()
}

fn counted(packed: &[Packed]) -> Exported {
    let count = |fits: fn(&Packed) -> bool| packed.iter().filter(|one| fits(one)).count();
    Exported {
        jobs: count(|one| !one.is_trace && one.manifest.step.is_none()),
        traces: count(|one| one.is_trace),
        checkpoints: count(|one| one.manifest.step.is_some()),
        ..Exported::default()
    }
}

/// A compressed tar under way.
struct Packer<W: Write>(Builder<zstd::Encoder<'static, W>>);

impl<W: Write> Packer<W> {
    fn new(out: W) -> io::Result<Self> {
        let mut encoder = zstd::Encoder::new(out, ARCHIVE_LEVEL)?;
        encoder.include_checksum(true)?;
        Ok(Self(Builder::new(encoder)))
    }

    fn add(&mut self, name: &str, content: &[u8], at: &Path) -> Result<(), StoreError> {
        self.stream(name, content.len() as u64, content, at)
    }

    fn stream(
        &mut self,
        name: &str,
        bytes: u64,
        content: impl Read,
        at: &Path,
    ) -> Result<(), StoreError> {
        let header = header(name, bytes)?;
        let written = self.0.append(&header, content.take(bytes));
        written.map_err(|error| StoreError::io_sized("write", at, bytes, error))
    }

    fn finish(self) -> io::Result<()> {
        self.0.into_inner()?.finish()?.flush()
    }
}
