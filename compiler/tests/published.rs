//! Every study and module that the project publishes: it compiles without a problem, stands in the
//! one layout there is, and the paper's studies plan as many jobs of each kind as they should.

#![expect(clippy::disallowed_methods, reason = "a test reads what is published")]

mod common;

use std::collections::{BTreeMap, BTreeSet};
use std::fmt::Write;
use std::path::{Path, PathBuf};

use vpc_compiler::grammar::{Colour, Sources, format, render};
use vpc_compiler::plan::{Key, Plan};
use vpc_compiler::{FileFacts, FileFault, Library, compile};

/// The repository: texts and files as they lie there, made-up facts for what lies in a folder `data`.
///
/// Data is not published, and where somebody has it, the outcome is the same.
struct Published;

impl Library for Published {
    fn text(&self, path: &str) -> Result<String, FileFault> {
        std::fs::read_to_string(root().join(path)).map_err(|_| FileFault::Missing)
    }

    fn facts(&self, path: &str) -> Result<FileFacts, FileFault> {
        if let Ok(bytes) = std::fs::read(root().join(path)) {
            return Ok(FileFacts {
                digest: Key::new(*blake3::hash(&bytes).as_bytes()),
                bytes: bytes.len() as u64,
            });
        }
        if !path.split('/').any(|part| part == "data") {
            return Err(FileFault::Missing);
        }
        Ok(FileFacts {
            digest: Key::new(*blake3::hash(path.as_bytes()).as_bytes()),
            bytes: 1 << 20,
        })
    }

    /// Photographs of the reader's.
    fn folder(&self, path: &str) -> Result<FileFacts, FileFault> {
        self.facts(path)
    }
}

fn root() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("..")
}

/// Paths of all `.vp` files below a folder, from the root, in order.
fn below(folder: &str) -> Vec<String> {
    let mut found = Vec::new();
    for entry in std::fs::read_dir(root().join(folder)).unwrap() {
        let entry = entry.unwrap();
        let path = format!("{folder}/{}", entry.file_name().into_string().unwrap());
        if entry.file_type().unwrap().is_dir() {
            found.extend(below(&path));
        } else if std::path::Path::new(&path)
            .extension()
            .is_some_and(|ending| ending == "vp")
        {
            found.push(path);
        }
    }
    found.sort();
    found
}

/// Compiles a file that must have neither errors nor warnings.
fn planned(path: &str) -> Plan {
    let compiled = compile(path, &Published).unwrap();
    let problems: Vec<String> = compiled
        .problems
        .iter()
        .map(|problem| render(problem, &compiled.sources, Colour::Never))
        .collect();
    assert!(problems.is_empty(), "{path}\n{}", problems.join("\n\n"));
    compiled.plan.unwrap()
}

/// How many jobs there are of each kind, in the order in which kinds appear.
fn kinds<'a>(jobs: impl IntoIterator<Item = &'a str>) -> String {
    let mut order = Vec::new();
    let mut counts = BTreeMap::new();
    for kind in jobs {
        let count = counts.entry(kind).or_insert(0_usize);
        if *count == 0 {
            order.push(kind);
        }
        *count += 1;
    }
    let shown: Vec<String> = order
        .iter()
        .map(|kind| format!("{} {kind}", counts[kind]))
        .collect();
    shown.join(", ")
}

#[test]
fn all_of_it_compiles_without_a_problem() {
    let paths = [below("experiments"), below("stdlib")].concat();
    assert!(paths.len() > 20, "{paths:?}");
    for path in paths {
        planned(&path);
    }
}

#[test]
fn all_of_it_stands_in_the_one_layout() {
    for path in [below("experiments"), below("stdlib")].concat() {
        let text = Published.text(&path).unwrap();
        let mut sources = Sources::default();
        let id = sources.add(path.clone(), text.clone());
        let formatted = format(sources.get(id).unwrap()).unwrap();
        assert!(formatted == text, "`vpc fmt {path}` would change it");
    }
}

/// A change of identity or of what studies share shows here as a change of numbers.
#[test]
fn the_paper_plans_as_many_jobs_as_it_should() {
    let mut text = String::new();
    let mut all = BTreeSet::new();
    let mut once = Vec::new();
    for path in below("experiments/paper") {
        let plan = planned(&path);
        if plan.jobs.is_empty() {
            continue;
        }
        let jobs = kinds(plan.jobs.iter().map(|job| job.task.kind()));
        writeln!(text, "{path}\n  {jobs}").unwrap();
        for job in &plan.jobs {
            if all.insert(job.key) {
                once.push(job.task.kind().to_owned());
            }
        }
    }
    let together = kinds(once.iter().map(String::as_str));
    writeln!(text, "with one store\n  {together}").unwrap();
    insta::assert_snapshot!(text);
}
