//! What takes up the room of a store.

use std::collections::{BTreeMap, BTreeSet};

use vpc_compiler::plan::Key;

use crate::census::{Amount, Census, Entry};
use crate::{Digest, Store, StoreError, StudyRecord};

/// The room that a store takes. Each byte is counted once: the parts add up to `total`.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Usage {
    /// All files of the store.
    pub total: Amount,
    /// Finished jobs by kind, the largest first.
    pub kinds: Vec<KindUse>,
    /// Checkpoints; the bytes are those of blobs that no finished job has.
    pub checkpoints: Amount,
    /// Blobs that no manifest names.
    pub orphans: Amount,
    /// Manifests of finished jobs and of checkpoints.
    pub manifests: Amount,
    /// What is left of evicted jobs.
    pub traces: Amount,
    /// Damaged files that were set aside.
    pub quarantine: Amount,
    /// Work under way, or cut short.
    pub private: Amount,
    /// Results, records, pins, locks and whatever else there is.
    pub others: Amount,
    /// Bytes of blobs that jobs of several kinds have; counted with the first of them.
    pub shared_by_kinds: u64,
    /// The studies by name.
    pub studies: Vec<StudyUse>,
    /// Bytes of blobs that several studies reach.
    pub shared_by_studies: u64,
    /// Finished jobs that no study reaches; the bytes are those of blobs that no study reaches.
    pub unreached: Amount,
    /// How many finished jobs are pinned.
    pub pinned: usize,
    /// Manifests and records that cannot be read.
    pub damaged: usize,
}

/// The room that jobs of one kind take.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct KindUse {
    /// The kind.
    pub kind: String,
    /// Finished jobs, and the bytes of their blobs.
    pub jobs: Amount,
}

/// The room that a study takes.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct StudyUse {
    /// Its name.
    pub name: String,
    /// Where its file lies.
    pub file: String,
    /// How many jobs it has; none where it was forgotten.
    pub jobs: usize,
    /// How many of them are finished.
    pub finished: usize,
    /// How many of them were evicted.
    pub evicted: usize,
    /// Bytes of the blobs of its finished jobs and checkpoints.
    pub bytes: u64,
    /// Bytes of those that no other study reaches.
    pub own: u64,
}

impl Store {
    /// Says what takes up the room of the store; changes nothing.
    pub fn usage(&self) -> Result<Usage, StoreError> {
        let census = self.census()?;
        let mut usage = Usage {
            total: self.amount()?,
            traces: self.amount_below("evicted")?,
            quarantine: self.amount_below("quarantine")?,
            private: self.amount_below("tmp")?,
            damaged: census.damaged,
            ..Usage::default()
        };
        let [jobs, steps] = [self.amount_below("jobs")?, self.amount_below("progress")?];
        usage.manifests.count = jobs.count + steps.count;
        usage.manifests.bytes = jobs.bytes + steps.bytes;
        usage.count_kinds(&census);
        let studies = self.studies()?;
        usage.count_studies(&census, studies);
        let pins = self.pins()?;
        let there = pins.iter().filter(|pin| census.jobs.contains_key(&pin.key));
        usage.pinned = there.count();
        usage.count_others(&census);
        Ok(usage)
    }
}

impl Usage {
    fn count_kinds(&mut self, census: &Census) {
        let mut first: BTreeMap<Digest, &str> = BTreeMap::new();
        let mut shared = BTreeSet::new();
        let mut kinds: BTreeMap<&str, Amount> = BTreeMap::new();
        for entry in census.jobs.values() {
            let mut bytes = 0;
            for (digest, of) in census.blobs(entry) {
                match first.get(&digest) {
                    None => {
                        first.insert(digest, &entry.kind);
                        bytes += of;
                    }
                    Some(kind) if *kind != entry.kind && shared.insert(digest) => {
                        self.shared_by_kinds += of;
                    }
                    Some(_) => {}
                }
            }
            kinds.entry(&entry.kind).or_default().add(bytes);
        }
        let kinds = kinds.into_iter().map(|(kind, jobs)| KindUse {
            kind: kind.to_owned(),
            jobs,
        });
        self.kinds = kinds.collect();
        self.kinds
            .sort_by_key(|kind| std::cmp::Reverse(kind.jobs.bytes));
        let mut seen: BTreeSet<Digest> = first.into_keys().collect();
        for entry in &census.steps {
            let blobs = census
                .blobs(entry)
                .filter(|(digest, _)| seen.insert(*digest));
            let bytes = blobs.map(|(_, bytes)| bytes).sum();
            self.checkpoints.add(bytes);
        }
        for (digest, bytes) in &census.objects {
            if !seen.contains(digest) {
                self.orphans.add(*bytes);
            }
        }
    }

    fn count_studies(&mut self, census: &Census, studies: Vec<StudyRecord>) {
        let mut steps: BTreeMap<Key, Vec<&Entry>> = BTreeMap::new();
        for entry in &census.steps {
            steps.entry(entry.key).or_default().push(entry);
        }
        let reached: Vec<BTreeMap<Digest, u64>> = studies
            .iter()
            .map(|study| {
                let keys = study.jobs.iter().map(|job| &job.key);
                let entries = keys.flat_map(|key| {
                    let steps = steps.get(key).into_iter().flatten().copied();
                    census.jobs.get(key).into_iter().chain(steps)
                });
                entries.flat_map(|entry| census.blobs(entry)).collect()
            })
            .collect();
        let mut users: BTreeMap<Digest, (usize, u64)> = BTreeMap::new();
        for (digest, bytes) in reached.iter().flatten() {
            users.entry(*digest).or_insert((0, *bytes)).0 += 1;
        }
        let shared = users.values().filter(|(count, _)| *count > 1);
        self.shared_by_studies = shared.map(|(_, bytes)| bytes).sum();
        let keys = studies.iter().flat_map(|study| &study.jobs);
        let keys: BTreeSet<Key> = keys.map(|job| job.key).collect();
        let mut rest: BTreeSet<Digest> = census.objects.keys().copied().collect();
        rest.retain(|digest| !users.contains_key(digest));
        let is_unreached = |entry: &&Entry| !keys.contains(&entry.key);
        for entry in census.jobs.values().filter(is_unreached) {
            let own = census
                .blobs(entry)
                .filter(|(digest, _)| rest.remove(digest));
            let bytes = own.map(|(_, bytes)| bytes).sum();
            self.unreached.add(bytes);
        }
        for (study, blobs) in studies.into_iter().zip(reached) {
            let own = blobs
                .iter()
                .filter(|(digest, _)| users.get(digest).is_some_and(|(count, _)| *count == 1));
            let count = |jobs: &BTreeMap<Key, Entry>| {
                study
                    .jobs
                    .iter()
                    .filter(|job| jobs.contains_key(&job.key))
                    .count()
            };
            self.studies.push(StudyUse {
                jobs: study.job_count(),
                finished: count(&census.jobs),
                evicted: count(&census.traces),
                bytes: blobs.values().sum(),
                own: own.map(|(_, bytes)| bytes).sum(),
                name: study.name,
                file: study.file,
            });
        }
    }

    /// What is in none of the other parts.
    fn count_others(&mut self, census: &Census) {
        let blobs: u64 = census.objects.values().sum();
        let parts = [self.manifests, self.traces, self.quarantine, self.private];
        let [files, bytes] = parts
            .iter()
            .fold([census.objects.len(), 0], |[files, bytes], one| {
                [files + one.count, bytes + one.bytes as usize]
            });
        self.others.count = self.total.count.saturating_sub(files);
        self.others.bytes = self.total.bytes.saturating_sub(blobs + bytes as u64);
    }
}

impl Census {
    /// The blobs of a manifest that are there, with their sizes on the disk.
    fn blobs(&self, entry: &Entry) -> impl Iterator<Item = (Digest, u64)> {
        let files = entry.files.keys();
        files.filter_map(|digest| Some((*digest, *self.objects.get(digest)?)))
    }
}
