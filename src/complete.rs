//! What a shell may offer for a word of the command line. Silent: where something is wrong there
//! are fewer candidates.

use std::collections::BTreeSet;
use std::env;
use std::ffi::OsStr;
use std::path::{Path, PathBuf};
use std::time::{Duration, Instant};

use clap_complete::engine::{CompletionCandidate, PathCompleter, ValueCompleter};
use vpc_compiler::explain::PAGES;
use vpc_compiler::plan::{Key, Name, Plan};
use vpc_compiler::{FileFacts, FileFault, Library, compile};
use vpc_store::Store;

use crate::data::names;
use crate::library::Files;
use crate::show::{nearest, stem};

/// Longest time to read manifests of a store.
const PATIENCE: Duration = Duration::from_millis(300);

/// Most names of jobs to offer with their axes.
const MOST: usize = 100;

/// `.vp` files, and folders on the way to them.
pub(crate) fn studies(current: &OsStr) -> Vec<CompletionCandidate> {
    PathCompleter::any().filter(is_study).complete(current)
}

fn is_study(path: &Path) -> bool {
    path.extension() == Some(OsStr::new("vp")) && path.is_file()
}

/// The codes of problems, with their titles.
pub(crate) fn codes() -> Vec<CompletionCandidate> {
    let pages = PAGES.iter();
    pages
        .map(|page| CompletionCandidate::new(page.code).help(Some(page.title().into())))
        .collect()
}

/// Experiments and jobs of the study that stands on the command line, for `--only`.
pub(crate) fn selections(current: &OsStr) -> Vec<CompletionCandidate> {
    let plan = words().find_map(|word| study(&word));
    let (Some(plan), Some(current)) = (plan, current.to_str()) else {
        return Vec::new();
    };
    let experiments = plan.experiments.iter();
    let mut offered: Vec<(String, String)> = experiments
        .map(|experiment| {
            let doc = experiment.doc.lines().next().unwrap_or_default();
            (experiment.name.clone(), doc.to_owned())
        })
        .collect();
    let names = plan.names();
    // Runs before shared data, as people look for them.
    let (shared, runs): (Vec<Name<'_>>, _) = names.into_iter().partition(|name| name.shared);
    for name in runs.into_iter().chain(shared) {
        offered.push((format!("{}/{}", name.group, name.job), String::new()));
    }
    let mut seen = BTreeSet::new();
    offered
        .into_iter()
        .filter(|(name, _)| name.starts_with(current) && seen.insert(name.clone()))
        .map(|(name, doc)| {
            CompletionCandidate::new(name).help((!doc.is_empty()).then(|| doc.into()))
        })
        .collect()
}

/// Categories and datasets of the study that stands on the command line.
pub(crate) fn data(current: &OsStr) -> Vec<CompletionCandidate> {
    let plan = words().find_map(|word| study(&word));
    let (Some(plan), Some(current)) = (plan, current.to_str()) else {
        return Vec::new();
    };
    let names: BTreeSet<&str> = names(&plan).collect();
    let fitting = names.into_iter().filter(|name| name.starts_with(current));
    fitting.map(CompletionCandidate::new).collect()
}

/// Names of the finished and the evicted jobs of the store that `vpc show` would look into.
pub(crate) fn jobs(current: &OsStr) -> Vec<CompletionCandidate> {
    let store = told_store().or_else(nearest);
    let store = store.and_then(|folder| Store::peek(&folder).ok().flatten());
    let (Some(store), Some(current)) = (store, current.to_str()) else {
        return Vec::new();
    };
    let begun = Instant::now();
    let finished = store.manifests().into_iter().flatten();
    let evicted = store.traces().into_iter().flatten();
    let manifests = finished.chain(evicted).flatten();
    let mut labels: Vec<String> = manifests
        .take_while(|_| begun.elapsed() < PATIENCE)
        .flat_map(|manifest| manifest.labels)
        .filter(|label| label.starts_with(current))
        .collect();
    if labels.len() > MOST && !current.contains('[') {
        for label in &mut labels {
            *label = stem(label).to_owned();
        }
    }
    labels.sort_unstable();
    labels.dedup();
    labels.into_iter().map(CompletionCandidate::new).collect()
}

/// The words of the command line that is completed; shells give them after `--`.
fn words() -> impl Iterator<Item = String> {
    let words = env::args_os().skip_while(|word| word != "--").skip(2);
    words.filter_map(|word| word.to_str().map(plain))
}

/// A word without the quotes around it, and with `~` at its start resolved: some shells hand words
/// over as they were typed.
fn plain(word: &str) -> String {
    let inner = ['"', '\''].into_iter().find_map(|quote| {
        let rest = word.strip_prefix(quote)?;
        Some(rest.strip_suffix(quote).unwrap_or(rest))
    });
    match (word.strip_prefix("~/"), env::var("HOME")) {
        (Some(rest), Ok(home)) => format!("{home}/{rest}"),
        _ => inner.unwrap_or(word).to_owned(),
    }
}

/// The folder after `--store`.
fn told_store() -> Option<PathBuf> {
    let mut words = words().skip_while(|word| !word.starts_with("--store"));
    let word = words.next()?;
    // Some shells take a word apart at `=`.
    let told = match word.strip_prefix("--store=") {
        Some(told) => Some(told.to_owned()),
        None => words.find(|word| word != "="),
    };
    told.map(PathBuf::from)
}

/// The plan of a study, where a word names one and it has no mistakes.
fn study(word: &str) -> Option<Plan> {
    let compiled = is_study(Path::new(word)).then(|| compile(word, &Glance(Files::default())));
    compiled?.ok()?.plan
}

/// Files without a look into data: names do not depend on it.
struct Glance(Files);

impl Library for Glance {
    fn text(&self, path: &str) -> Result<String, FileFault> {
        self.0.text(path)
    }

    fn facts(&self, path: &str) -> Result<FileFacts, FileFault> {
        Ok(FileFacts {
            digest: Key::new(*blake3::hash(path.as_bytes()).as_bytes()),
            bytes: 1,
        })
    }

    fn folder(&self, path: &str) -> Result<FileFacts, FileFault> {
        self.facts(path)
    }
}
