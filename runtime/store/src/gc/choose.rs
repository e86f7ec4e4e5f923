//! Choosing what would go.

use std::collections::{BTreeMap, BTreeSet};
use std::fs;
use std::os::unix::fs::MetadataExt;
use std::path::PathBuf;
use std::time::{Duration, SystemTime, UNIX_EPOCH};

use vpc_compiler::plan::Key;

use super::{GcOptions, Gone, Hindrance, Removal, Roots};
use crate::census::{Amount, Census, Entry};
use crate::find::{names_in, paths_in};
use crate::lock::is_held;
use crate::records::{Filed, Record, load_record};
use crate::studies::StudyRecord;
use crate::traces::Cost;
use crate::{Digest, Pin, Store, StoreError};

impl Store {
    /// Says what a clearing would remove. Changes nothing, and is no promise: others may go on
    /// working meanwhile.
    pub fn would_clear(&self, options: &GcOptions) -> Result<Removal, StoreError> {
        self.choose(options, !self.has_run())
    }

    /// Chooses what would go; `idle` says that no run is under way.
    pub(super) fn choose(&self, options: &GcOptions, idle: bool) -> Result<Removal, StoreError> {
        let (roots, hindrance) = self.roots()?;
        let mut choice = Choice::new(self.census()?, roots);
        choice.removal.before = self.amount()?.bytes;
        choice.removal.to = options.to;
        self.choose_private(&mut choice.removal)?;
        self.choose_quarantined(options.quarantine, &mut choice.removal)?;
        let damaged = choice.census.damaged;
        if damaged > 0 {
            let told = Hindrance::Damaged(damaged);
            choice.removal.hindrances.push(told);
            return Ok(choice.removal);
        }
        choice.orphans();
        choice.removal.stale_traces = std::mem::take(&mut choice.census.stale_traces);
        match hindrance {
            Some(hindrance)
                if !choice.census.jobs.is_empty() || !choice.census.steps.is_empty() =>
            {
                choice.removal.hindrances.push(hindrance);
            }
            _ => {
                choice.checkpoints();
                choice.unreached();
                choice.make_room(idle);
            }
        }
        Ok(choice.removal)
    }

    /// Reads what studies and pins reach, changing nothing, and what is not known of that.
    fn roots(&self) -> Result<(Roots, Option<Hindrance>), StoreError> {
        let mut roots = Roots::default();
        let mut known = BTreeSet::new();
        let mut lost = self.lost_studies()?;
        for path in self.record_files::<StudyRecord>()? {
            match load_record::<StudyRecord>(&path)? {
                Filed::Absent => {}
                Filed::Bad(_) => {
                    let name = path.file_name().unwrap_or_default();
                    lost.push(StudyRecord::name_of(&name.to_string_lossy()));
                }
                Filed::Good(study) => {
                    known.insert(study.name.clone());
                    roots.add(study);
                }
            }
        }
        roots.pinned = self.pinned()?;
        let results = paths_in(&self.layout().folder("results"))?;
        let results = results.iter().filter(|path| path.is_dir());
        let unfiled: Vec<String> = results
            .filter_map(|path| Some(path.file_name()?.to_str()?.to_owned()))
            .filter(|name| !known.contains(name) && !lost.contains(name))
            .collect();
        let hindrance = if !lost.is_empty() {
            Some(Hindrance::Lost(lost))
        } else if known.is_empty() {
            Some(Hindrance::Unfiled(Vec::new()))
        } else {
            (!unfiled.is_empty()).then_some(Hindrance::Unfiled(unfiled))
        };
        Ok((roots, hindrance))
    }

    /// The pinned jobs: which ones they are is in the names of the files, so that damage to a pin
    /// unpins nothing.
    fn pinned(&self) -> Result<BTreeSet<Key>, StoreError> {
        let mut names = names_in(&self.layout().folder(Pin::FOLDER))?;
        names.extend(self.lost::<Pin>()?);
        Ok(names.iter().filter_map(|name| Pin::key_of(name)).collect())
    }

    fn choose_private(&self, removal: &mut Removal) -> Result<(), StoreError> {
        for path in paths_in(&self.layout().folder("tmp"))? {
            if !is_held(&path.join("lock")) {
                let below = self.amount_below(&format!("tmp/{}", name_of(&path)))?;
                removal.private.add(below.bytes);
            }
        }
        Ok(())
    }

    fn choose_quarantined(&self, age: Duration, removal: &mut Removal) -> Result<(), StoreError> {
        let mut roots = self.aside::<StudyRecord>()?;
        roots.extend(self.aside::<Pin>()?);
        let lost = [self.lost::<StudyRecord>()?, self.lost::<Pin>()?];
        roots.retain(|(name, _)| lost.iter().any(|lost| lost.contains(name)));
        let roots: BTreeSet<PathBuf> = roots.into_iter().map(|(_, path)| path).collect();
        let now = SystemTime::now()
            .duration_since(UNIX_EPOCH)
            .unwrap_or_default();
        for path in paths_in(&self.layout().folder("quarantine"))? {
            let Ok(about) = fs::symlink_metadata(&path) else {
                continue;
            };
            // Moving a file changes this time, where its content keeps its own.
            let since = Duration::from_secs(about.ctime().unsigned_abs());
            let lay = now.checked_sub(since);
            if lay.is_some_and(|lay| lay >= age) && !roots.contains(&path) {
                removal.quarantine.add(about.len());
                removal.quarantined.push(path);
            }
        }
        Ok(())
    }
}

fn name_of(path: &std::path::Path) -> String {
    let name = path.file_name().unwrap_or_default();
    name.to_string_lossy().into_owned()
}

impl Roots {
    fn add(&mut self, study: StudyRecord) {
        for job in study.jobs {
            let reach = self.reached.entry(job.key).or_default();
            reach.read |= job.read;
            reach.is_place |= job.is_place;
            reach.keep.extend(job.keep);
        }
    }

    /// Whether a finished job is not to go for good.
    fn holds(&self, entry: &Entry) -> bool {
        self.reached.contains_key(&entry.key) || self.is_irreplaceable(entry)
    }

    /// Whether a finished job is not to go, even to make room.
    pub(super) fn is_irreplaceable(&self, entry: &Entry) -> bool {
        entry.is_adopted || self.pinned.contains(&entry.key)
    }

    fn keeps_step(&self, key: Key, step: u64) -> bool {
        let reach = self.reached.get(&key);
        reach.is_some_and(|reach| reach.keep.contains(&step))
    }
}

/// A choice under way: what was chosen counts as gone.
pub(super) struct Choice {
    pub(super) census: Census,
    pub(super) roots: Roots,
    pub(super) removal: Removal,
    /// How many manifests name each blob.
    pub(super) holders: BTreeMap<Digest, usize>,
    /// Jobs from which others were made that are there.
    inputs: BTreeSet<Key>,
}

impl Choice {
    fn new(census: Census, roots: Roots) -> Self {
        let mut holders = BTreeMap::new();
        for digest in census.holders().flat_map(|entry| entry.files.keys()) {
            *holders.entry(*digest).or_default() += 1;
        }
        let users = census.jobs.values().chain(census.traces.values());
        let inputs = users.flat_map(|entry| &entry.inputs).copied().collect();
        Self {
            census,
            roots,
            removal: Removal::default(),
            holders,
            inputs,
        }
    }

    fn orphans(&mut self) {
        let (holders, orphans) = (&self.holders, &mut self.removal.orphans);
        for (digest, bytes) in &self.census.objects {
            if !holders.contains_key(digest) {
                orphans.add(*bytes);
            }
        }
    }

    fn checkpoints(&mut self) {
        let steps = std::mem::take(&mut self.census.steps);
        let (roots, jobs) = (&self.roots, &self.census.jobs);
        let mut newest: BTreeMap<Key, u64> = BTreeMap::new();
        for entry in &steps {
            let last = newest.entry(entry.key).or_default();
            *last = (*last).max(entry.step.unwrap_or_default());
        }
        let stays = |entry: &Entry| match (jobs.get(&entry.key), entry.step) {
            (Some(job), _) if roots.is_irreplaceable(job) => true,
            (Some(_), Some(step)) => roots.keeps_step(entry.key, step),
            _ if roots.pinned.contains(&entry.key) => true,
            (None, step) => roots.reached.get(&entry.key).is_some_and(|reach| {
                // Somebody will go on from the newest of a place, and from all of a job under way.
                !reach.is_place
                    || step.is_some_and(|step| reach.keep.contains(&step))
                    || step == newest.get(&entry.key).copied()
            }),
            (Some(_), None) => false,
        };
        let (staying, going): (Vec<_>, Vec<_>) = steps.into_iter().partition(stays);
        self.census.steps = staying;
        for entry in going {
            let gone = self.gone(&entry, Cost::default());
            self.removal.checkpoints.push(gone);
        }
    }

    fn unreached(&mut self) {
        let unreached: Vec<Key> = self
            .census
            .jobs
            .values()
            .filter(|entry| !self.roots.holds(entry))
            .map(|entry| entry.key)
            .collect();
        let gone = unreached.iter().filter_map(|key| self.take(*key)).collect();
        self.removal.jobs = self.with_costs(gone);
        let by_name =
            |one: &Gone, other: &Gone| (&one.label, one.key).cmp(&(&other.label, other.key));
        self.removal.jobs.sort_by(by_name);
        self.removal.jobs_again = self.cost(&unreached);
    }

    /// Takes a job out of those that are there.
    pub(super) fn take(&mut self, key: Key) -> Option<Gone> {
        let entry = self.census.jobs.remove(&key)?;
        let gone = self.gone(&entry, Cost::default());
        self.census.traces.insert(key, entry);
        Some(gone)
    }

    /// Fills in what computing each again would take when all of them are gone.
    pub(super) fn with_costs(&self, mut gone: Vec<Gone>) -> Vec<Gone> {
        for one in &mut gone {
            one.cost = self.cost(&[one.key]);
        }
        gone
    }

    /// What computing jobs takes, with all of their inputs that are gone.
    pub(super) fn cost(&self, keys: &[Key]) -> Cost {
        let mut cost = Cost::default();
        let mut seen: BTreeSet<Key> = keys.iter().copied().collect();
        let mut open = keys.to_vec();
        while let Some(key) = open.pop() {
            let traces = &self.census.traces;
            let Some(entry) = traces.get(&key).or_else(|| self.census.jobs.get(&key)) else {
                cost.add(None);
                continue;
            };
            cost.add(entry.seconds);
            for input in &entry.inputs {
                if !self.census.jobs.contains_key(input) && seen.insert(*input) {
                    open.push(*input);
                }
            }
        }
        cost
    }

    fn gone(&mut self, entry: &Entry, cost: Cost) -> Gone {
        Gone {
            key: entry.key,
            step: entry.step,
            kind: entry.kind.clone(),
            label: entry.label.clone(),
            freed: self.release(entry),
            cost,
            is_input: self.inputs.contains(&entry.key),
        }
    }

    /// Counts a manifest as gone; returns the blobs that nothing names any more.
    fn release(&mut self, entry: &Entry) -> Amount {
        let mut freed = Amount::default();
        for digest in entry.files.keys() {
            let holders = self.holders.entry(*digest).or_default();
            *holders = holders.saturating_sub(1);
            if *holders == 0
                && let Some(bytes) = self.census.objects.get(digest)
            {
                freed.add(*bytes);
            }
        }
        freed
    }
}
