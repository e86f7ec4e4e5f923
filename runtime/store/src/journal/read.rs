//! Reading the journal: what is sound of it, and what is wrong with the rest.

use std::fs;
use std::io::ErrorKind;
use std::path::Path;

use serde::Deserialize;
use vpc_compiler::plan::Key;

use super::entry::SCHEMA;
use super::{Begun, Entry, FOLDER, Seal, number_of};
use crate::error::During;
use crate::find::{is_absence, names_in};
use crate::limits::MAX_JOURNAL_BYTES;
use crate::lock::is_held_alone;
use crate::{Store, StoreError};

/// All that the journal tells.
#[derive(Debug, Clone, PartialEq, Default)]
pub struct History {
    /// The runs in the order in which they began.
    pub runs: Vec<RunRecord>,
}

/// What the journal tells of one run.
#[derive(Debug, Clone, PartialEq)]
pub struct RunRecord {
    /// The name of its file.
    pub name: String,
    /// Its sound lines, the beginning first.
    pub entries: Vec<Entry>,
    /// How it stands.
    pub state: RunState,
}

/// How the journal of a run stands.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum RunState {
    /// The run came to its end, and every line is as it was written.
    Whole,
    /// The run is under way.
    UnderWay,
    /// The run was killed: there is no end, and perhaps a line that was not finished.
    BrokenOff,
    /// Lines are missing or altered; how, in words.
    Damaged(String),
}

impl Store {
    /// Reads the journal. What is damaged is told, and only its sound beginning is believed.
    pub fn history(&self) -> Result<History, StoreError> {
        let folder = self.layout().folder(FOLDER);
        let mut names = names_in(&folder)?;
        names.retain(|name| number_of(name).is_some());
        names.sort_by_key(|name| number_of(name));
        let mut runs = Vec::new();
        for name in names {
            runs.extend(read(&folder.join(&name), name)?);
        }
        Ok(History { runs })
    }
}

fn read(path: &Path, name: String) -> Result<Option<RunRecord>, StoreError> {
    // Asked first: a run that ends in between has then written all its lines.
    let held = is_held_alone(path);
    let about = match fs::metadata(path) {
        Err(error) if is_absence(error.kind()) => return Ok(None),
        about => about.during("look at", path)?,
    };
    if !about.is_file() || about.len() > MAX_JOURNAL_BYTES {
        let state = RunState::Damaged("it is no file, or too large".to_owned());
        let entries = Vec::new();
        return Ok(Some(RunRecord {
            name,
            entries,
            state,
        }));
    }
    let text = match fs::read(path) {
        Err(error) if error.kind() == ErrorKind::NotFound => return Ok(None),
        Err(error) => {
            let state = RunState::Damaged(format!("it cannot be read: {error}"));
            let entries = Vec::new();
            return Ok(Some(RunRecord {
                name,
                entries,
                state,
            }));
        }
        Ok(text) => text,
    };
    let (entries, state) = judge(&text, held).map_err(|found| StoreError::NewerFormat {
        path: path.to_owned(),
        found,
    })?;
    Ok(Some(RunRecord {
        name,
        entries,
        state,
    }))
}

/// Reads lines up to the first unsound one; the version of a later program's is an error.
fn judge(text: &[u8], held: bool) -> Result<(Vec<Entry>, RunState), u64> {
    let mut entries: Vec<Entry> = Vec::new();
    let mut seal = Seal::begin();
    let mut rest = text;
    while let Some(end) = rest.iter().position(|byte| *byte == b'\n') {
        let (line, after) = rest.split_at(end);
        let flaw = |what: &str| {
            let state = format!("line {} {what}", entries.len() + 1);
            RunState::Damaged(state)
        };
        let Some((body, digits)) = split(line) else {
            let state = flaw("is no line of the journal");
            return Ok((entries, state));
        };
        let next = seal.then(body);
        if next.0.to_string().as_bytes() != digits {
            let state = flaw("does not match its digest");
            return Ok((entries, state));
        }
        if matches!(entries.last(), Some(Entry::Ended { .. })) {
            let state = flaw("stands after the end");
            return Ok((entries, state));
        }
        if entries.is_empty() {
            check_version(body)?;
        }
        let Ok(entry) = serde_json::from_slice(body) else {
            let state = flaw("cannot be read");
            return Ok((entries, state));
        };
        entries.push(entry);
        seal = next;
        rest = after.get(1..).unwrap_or_default();
    }
    let state = match entries.last() {
        Some(Entry::Ended { lines, .. }) if *lines + 1 == entries.len() as u64 => {
            if rest.is_empty() {
                RunState::Whole
            } else {
                RunState::Damaged("there is something after the end".to_owned())
            }
        }
        Some(Entry::Ended { .. }) => RunState::Damaged("lines are missing".to_owned()),
        _ if held => RunState::UnderWay,
        _ => RunState::BrokenOff,
    };
    Ok((entries, state))
}

fn split(line: &[u8]) -> Option<(&[u8], &[u8])> {
    let at = line.iter().rposition(|byte| *byte == b'\t')?;
    Some((line.get(..at)?, line.get(at + 1..)?))
}

#[derive(Deserialize)]
struct Probe {
    schema: u64,
}

fn check_version(body: &[u8]) -> Result<(), u64> {
    match serde_json::from_slice::<Probe>(body) {
        Ok(probe) if probe.schema > u64::from(SCHEMA) => Err(probe.schema),
        _ => Ok(()),
    }
}

impl RunRecord {
    /// Returns what the run said when it began.
    pub fn begun(&self) -> Option<&Begun> {
        match self.entries.first() {
            Some(Entry::Begun(begun)) => Some(begun),
            _ => None,
        }
    }
}

impl History {
    /// Returns the jobs that were there under a name in a study, the latest first, each once.
    pub fn earlier(&self, study: &str) -> Earlier {
        let mut names = Earlier::default();
        let of_study = self
            .runs
            .iter()
            .filter(|run| run.begun().is_some_and(|begun| begun.study == study));
        for entry in of_study.flat_map(|run| &run.entries) {
            if let Entry::Job {
                key, labels, ended, ..
            } = entry
                && ended.is_there()
            {
                for label in labels {
                    let keys = names.0.entry(label.clone()).or_default();
                    keys.retain(|known| known != key);
                    keys.push(*key);
                }
            }
        }
        names
    }
}

/// The jobs that were there under each name of a study.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Earlier(std::collections::BTreeMap<String, Vec<Key>>);

impl Earlier {
    /// Returns the jobs of one name, the latest first.
    pub fn of(&self, label: &str) -> impl Iterator<Item = Key> + '_ {
        self.0.get(label).into_iter().flatten().rev().copied()
    }

    /// Returns whether a job was there under a name.
    pub fn knows(&self, label: &str, key: Key) -> bool {
        self.of(label).any(|known| known == key)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::journal::Ended;

    fn begun(study: &str) -> Begun {
        Begun::new("run", study.to_owned(), Vec::new(), "vpc 0".to_owned(), 5)
    }

    fn job(number: u8, label: &str, ended: Ended) -> Entry {
        Entry::Job {
            key: Key::new([number; 32]),
            kind: "eval".to_owned(),
            labels: vec![label.to_owned()],
            ended,
            took: None,
            at: 6,
        }
    }

    fn store() -> (tempfile::TempDir, Store) {
        let folder = tempfile::tempdir().unwrap();
        let store = Store::open(&folder.path().join("s")).unwrap();
        (folder, store)
    }

    fn only_file(store: &Store) -> std::path::PathBuf {
        let folder = store.layout().folder(FOLDER);
        let mut names = names_in(&folder).unwrap();
        assert_eq!(names.len(), 1);
        folder.join(names.remove(0))
    }

    #[test]
    fn what_is_written_is_read() {
        let (_folder, store) = store();
        let mut first = store.journal(&begun("a.vp")).unwrap();
        first.add(&job(1, "e/x", Ended::Done)).unwrap();
        let mut second = store.journal(&begun("b.vp")).unwrap();
        second.add(&job(9, "e/x", Ended::Done)).unwrap();
        first.add(&job(2, "e/x", Ended::Found)).unwrap();
        first.add(&job(3, "e/x", Ended::Stopped)).unwrap();
        first.add(&job(1, "e/x", Ended::Found)).unwrap();
        let history = store.history().unwrap();
        let states: Vec<_> = history.runs.iter().map(|run| &run.state).collect();
        assert_eq!(states, [&RunState::UnderWay, &RunState::UnderWay]);
        first.end(7).unwrap();
        drop(second);
        let history = store.history().unwrap();
        let states: Vec<_> = history.runs.iter().map(|run| &run.state).collect();
        assert_eq!(states, [&RunState::Whole, &RunState::BrokenOff]);
        let earlier = history.earlier("a.vp");
        let keys: Vec<_> = earlier.of("e/x").collect();
        assert_eq!(keys, [Key::new([1; 32]), Key::new([2; 32])]);
        assert!(history.earlier("c.vp").of("e/x").next().is_none());
    }

    #[test]
    fn every_flipped_bit_and_cut_of_an_ended_run_shows() {
        let (_folder, store) = store();
        let mut journal = store.journal(&begun("a.vp")).unwrap();
        journal.add(&job(1, "e/x", Ended::Done)).unwrap();
        journal.end(7).unwrap();
        let text = fs::read(only_file(&store)).unwrap();
        assert_eq!(judge(&text, false).unwrap().1, RunState::Whole);
        for at in 0..text.len() * 8 {
            let mut bad = text.clone();
            bad[at / 8] ^= 1 << (at % 8);
            let state = judge(&bad, false).map(|judged| judged.1);
            assert_ne!(state, Ok(RunState::Whole), "bit {at}");
        }
        for length in 0..text.len() {
            let (_, state) = judge(&text[..length], false).unwrap();
            assert_ne!(state, RunState::Whole, "cut at {length}");
        }
    }

    #[test]
    fn what_follows_the_end_is_cut_off_once() {
        for more in ["x", "{}\tx\n"] {
            let (_folder, store) = store();
            let mut journal = store.journal(&begun("a.vp")).unwrap();
            journal.add(&job(1, "e/x", Ended::Done)).unwrap();
            journal.end(7).unwrap();
            let path = only_file(&store);
            let mut text = fs::read(&path).unwrap();
            text.extend(more.as_bytes());
            fs::remove_file(&path).unwrap();
            fs::write(&path, text).unwrap();
            let found = store.audit(&mut |_, _| {}).unwrap().found;
            assert_eq!(found.len(), 1, "{more:?}");
            assert!(store.audit(&mut |_, _| {}).unwrap().found.is_empty());
            let history = store.history().unwrap();
            assert_eq!(history.earlier("a.vp").of("e/x").count(), 1);
        }
    }

    #[test]
    fn a_later_version_is_told_and_left_alone() {
        let (_folder, store) = store();
        let mut later = begun("a.vp");
        later.schema = 9;
        store.journal(&later).unwrap().end(7).unwrap();
        let error = store.history().unwrap_err();
        assert_eq!(error.kind(), crate::ErrorKind::NewerFormat);
    }

    #[test]
    fn mending_keeps_what_is_sound() {
        let (_folder, store) = store();
        let mut journal = store.journal(&begun("a.vp")).unwrap();
        journal.add(&job(1, "e/x", Ended::Done)).unwrap();
        journal.add(&job(2, "e/y", Ended::Done)).unwrap();
        journal.end(7).unwrap();
        let path = only_file(&store);
        let mut text = fs::read(&path).unwrap();
        let at = text.iter().rposition(|byte| *byte == b'y').unwrap();
        text[at] = b'z';
        fs::remove_file(&path).unwrap();
        fs::write(&path, text).unwrap();
        assert!(matches!(
            store.history().unwrap().runs[0].state,
            RunState::Damaged(_)
        ));
        let mended = store.audit(&mut |_, _| {}).unwrap().found;
        assert_eq!(mended.len(), 1);
        assert_eq!(mended[0].what, crate::Suspect::Journal);
        assert!(mended[0].moved_to.as_ref().unwrap().exists());
        assert!(store.audit(&mut |_, _| {}).unwrap().found.is_empty());
        let history = store.history().unwrap();
        assert_eq!(history.runs[0].state, RunState::Whole);
        assert_eq!(history.earlier("a.vp").of("e/x").count(), 1);
        assert_eq!(history.earlier("a.vp").of("e/y").count(), 0);
    }
}
