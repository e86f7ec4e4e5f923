//! Taking an archive into a store, through the one way in which artifacts come to be.

use std::collections::{BTreeMap, BTreeSet};
use std::io::Write;
use std::path::{Path, PathBuf};
use std::sync::{Arc, OnceLock};

use vpc_compiler::plan::Key;

use super::Archive;
use super::index::Listed;
use super::manifests::manifests;
use crate::attempt::Finished;
use crate::disk;
use crate::error::During;
use crate::layout::{Place, parent};
use crate::scratch::Scratch;
use crate::seal::encode;
use crate::{Amount, ArtifactWriter, Digest, FileRecord, Manifest, Store, StoreError, StudyRecord};

/// What was taken out of an archive.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Imported {
    /// Finished jobs that were not there.
    pub jobs: usize,
    /// Checkpoints that were not there.
    pub checkpoints: usize,
    /// Jobs without files that were not known.
    pub traces: usize,
    /// Jobs and checkpoints that were there, the same.
    pub there: usize,
    /// Jobs that are there with other files, which stay.
    pub differing: Vec<(Key, String)>,
    /// Files that were read.
    pub files: Amount,
    /// Results that are there with other content, which stays.
    pub kept_results: usize,
}

/// A job that waits for its files.
struct Waiting {
    manifest: Manifest,
    missing: usize,
}

/// An import under way.
struct Import<'s> {
    store: &'s Store,
    scratch: Scratch,
    done: Imported,
    /// Jobs and checkpoints to be published; none once they are.
    waiting: Vec<Option<Waiting>>,
    /// Who needs a blob.
    needed: BTreeMap<Digest, Vec<usize>>,
    /// Blobs in the scratch folder.
    staged: BTreeMap<Digest, PathBuf>,
}

impl Store {
    /// Takes an archive in: what is there is compared and stays.
    ///
    /// The study is filed first, so that no clearing takes what comes in. Jobs are published one by
    /// one as their files arrive: whenever this ends, the store is sound, and doing it again goes
    /// on.
    pub fn import(
        &self,
        mut archive: Archive,
        record: &StudyRecord,
        progress: &mut dyn FnMut(u64, u64),
    ) -> Result<Imported, StoreError> {
        self.must_write()?;
        self.check_room(&archive)?;
        let manifests = manifests(&mut archive)?;
        let _running = self.begin_run(record)?;
        let mut import = Import {
            store: self,
            scratch: self.scratch("import")?,
            done: Imported::default(),
            waiting: Vec::new(),
            needed: BTreeMap::new(),
            staged: BTreeMap::new(),
        };
        for (listed, manifest) in archive.index.jobs.iter().zip(manifests) {
            import.sort(listed, manifest)?;
        }
        let blobs = std::mem::take(&mut archive.index.blobs);
        let all: u64 = blobs.iter().map(|blob| blob.bytes).sum();
        for blob in &blobs {
            import.blob(&mut archive, blob)?;
            progress(import.done.files.bytes, all);
        }
        archive.from.end()?;
        import.results(&archive)?;
        Ok(import.done)
    }

    fn check_room(&self, archive: &Archive) -> Result<(), StoreError> {
        let blobs = archive.index.blobs.iter();
        let needed = blobs.fold(0_u64, |all, blob| all.saturating_add(blob.bytes));
        let free = disk::free_bytes(self.root());
        match free {
            Some(free) if free < needed => Err(StoreError::DiskFull {
                action: "import into",
                path: self.root().to_owned(),
                needed,
                free: Some(free),
            }),
            _ => Ok(()),
        }
    }
}

impl Import<'_> {
    /// Decides what is to be done with a job.
    fn sort(&mut self, listed: &Listed, manifest: Manifest) -> Result<(), StoreError> {
        if listed.is_trace {
            let was_new = self.store.put_trace(&self.scratch, &manifest)?;
            self.done.traces += usize::from(was_new);
            return Ok(());
        }
        let place = Place {
            key: manifest.key,
            step: manifest.step,
        };
        if let Some(first) = self.store.check(place)? {
            match first.agree(&manifest) {
                Ok(()) => self.done.there += 1,
                Err(StoreError::Nondeterministic { difference, .. }) => {
                    self.done
                        .differing
                        .push((place.key, difference.to_string()));
                }
                Err(error) => return Err(error),
            }
            return Ok(());
        }
        let at = self.waiting.len();
        let files = manifest.files.values().map(|file| file.digest);
        let files: BTreeSet<Digest> = files.collect();
        for digest in &files {
            self.needed.entry(*digest).or_default().push(at);
        }
        let missing = files.len();
        self.waiting.push(Some(Waiting { manifest, missing }));
        if missing == 0 {
            self.publish(at)?;
        }
        Ok(())
    }

    /// Takes the next blob, and publishes the jobs that are whole with it.
    fn blob(&mut self, archive: &mut Archive, blob: &FileRecord) -> Result<(), StoreError> {
        let name = format!("objects/{}", blob.digest);
        let users = self.needed.remove(&blob.digest).unwrap_or_default();
        let path = self
            .scratch
            .join(&format!("{}.part", self.done.files.count));
        self.done.files.add(blob.bytes);
        let found = if users.is_empty() {
            let mut hasher = blake3::Hasher::new();
            archive.from.stream(&name, blob.bytes, &mut |chunk| {
                hasher.update(chunk);
                Ok(())
            })?;
            Digest::from(hasher.finalize())
        } else {
            let mut writer = ArtifactWriter::new(path.clone(), Arc::new(OnceLock::new()))?;
            archive.from.stream(&name, blob.bytes, &mut |chunk| {
                writer.write_all(chunk).map_err(StoreError::of_write)
            })?;
            writer.finish()?.digest
        };
        if found != blob.digest {
            let problem = format!("its member `{name}` does not match its digest");
            return Err(archive.from.wrong(problem));
        }
        if !users.is_empty() {
            self.staged.insert(blob.digest, path);
        }
        for at in users {
            let waiting = self.waiting.get_mut(at).and_then(Option::as_mut);
            let is_whole = waiting.is_some_and(|waiting| {
                waiting.missing -= 1;
                waiting.missing == 0
            });
            if is_whole {
                self.publish(at)?;
            }
        }
        Ok(())
    }

    fn publish(&mut self, at: usize) -> Result<(), StoreError> {
        let Some(Waiting { manifest, .. }) = self.waiting.get_mut(at).and_then(Option::take) else {
            return Ok(());
        };
        let is_step = manifest.step.is_some();
        let files = manifest.files.iter().filter_map(|(name, record)| {
            Some(Finished {
                name: name.clone(),
                path: self.staged.remove(&record.digest)?,
                record: *record,
            })
        });
        let files: Vec<Finished> = files.collect();
        let text = encode(&manifest)?;
        let path = self.scratch.join("manifest");
        let _held = self.store.hold("publish", true)?;
        self.store.place_objects(&files)?;
        if let Some((file, problem)) = self.store.lacking(&manifest)? {
            return Err(StoreError::damaged(
                &self.store.layout().object(file.digest),
                problem,
            ));
        }
        disk::write_new(&path, &text, 0o444)?;
        let key = manifest.key;
        match self.store.place_manifest(&path, manifest) {
            Ok(_) if is_step => self.done.checkpoints += 1,
            Ok(_) => self.done.jobs += 1,
            Err(StoreError::Nondeterministic { difference, .. }) => {
                self.done.differing.push((key, difference.to_string()));
            }
            Err(error) => return Err(error),
        }
        // Where another was quicker, the text was not moved.
        _ = std::fs::remove_file(&path);
        Ok(())
    }

    fn results(&mut self, archive: &Archive) -> Result<(), StoreError> {
        let study = Path::new(&archive.index.record.name);
        for (text, content) in archive.index.results.iter().zip(&archive.results) {
            let below = study.join(&text.path);
            let there = self.store.layout().folder("results").join(&below);
            match std::fs::read(&there) {
                Ok(there) if there == *content => {}
                Ok(_) => self.done.kept_results += 1,
                Err(_) => _ = self.store.write_result(&below, content)?,
            }
        }
        Ok(())
    }
}

impl Store {
    /// Files what an eviction would have left of a job; false where more is there, or as much.
    fn put_trace(&self, scratch: &Scratch, trace: &Manifest) -> Result<bool, StoreError> {
        if self.find(trace.key)?.is_some() || self.evicted(trace.key)?.is_some() {
            return Ok(false);
        }
        let from = scratch.join("trace");
        disk::write_new(&from, &encode(trace)?, 0o444)?;
        let to = self.layout().trace(trace.key);
        self.settle(parent(&to))?;
        let moved = disk::move_new(&from, &to).during("publish", &to)?;
        if moved == disk::Moved::Taken {
            std::fs::remove_file(&from).during("remove", &from)?;
        }
        disk::sync_folder(parent(&to))?;
        Ok(moved == disk::Moved::Placed)
    }
}
