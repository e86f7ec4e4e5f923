//! `vpc compare`: the answers of two models to the same questions, question by question.

use std::collections::{BTreeMap, BTreeSet};

use serde_json::{Value, json};
use vpc_measure::pairs::{self, Pairing};
use vpc_measure::record::FILE;
use vpc_store::{Manifest, Store};

use crate::command::CompareOptions;
use crate::exit::Status;
use crate::output::{columns, say, say_json, tell};
use crate::records;
use crate::show::{Named, failed, looked, stem, the};

pub(crate) fn compare(options: &CompareOptions) -> Status {
    compared(options).err().unwrap_or(Status::Ok)
}

fn compared(options: &CompareOptions) -> Result<(), Status> {
    let store = looked(options.store.as_ref())?;
    let sheet = |job: &str| -> Result<(String, Vec<Manifest>), Status> {
        let one = the(&store, job)?;
        Ok((name(&one.manifest), answers(&store, &one)?))
    };
    let (left, lefts) = sheet(&options.left)?;
    let (right, rights) = sheet(&options.right)?;
    let mut rows = Vec::new();
    for (own, other) in matched(&lefts, &rights) {
        let benchmark = benchmarks(own).into_iter().next().unwrap_or_default();
        if let Some(pairing) = paired(&store, own, other)? {
            rows.push((benchmark.to_owned(), pairing));
        }
    }
    if rows.is_empty() {
        tell(format_args!(
            "error: `{left}` and `{right}` have no benchmark in common whose answers are right or wrong"
        ));
        tell("help: name two evaluations by one suite, or two answers to one benchmark");
        return Err(Status::Problems);
    }
    if options.shape.is_json() {
        say_json(as_json(&left, &right, &rows));
    } else {
        say(as_text(&left, &right, &rows));
    }
    Ok(())
}

pub(crate) fn name(manifest: &Manifest) -> String {
    let first = manifest.labels.first();
    first.map_or_else(|| manifest.key.short(), Clone::clone)
}

/// The answers that a job is, or that it adds up.
fn answers(store: &Store, job: &Named) -> Result<Vec<Manifest>, Status> {
    let Named {
        manifest,
        is_evicted,
    } = job;
    if *is_evicted {
        tell(format_args!(
            "error: the files of `{}` are gone; `vpc run` makes them again",
            name(manifest)
        ));
        return Err(Status::Problems);
    }
    if manifest.files.contains_key(FILE) {
        return Ok(vec![manifest.clone()]);
    }
    let mut all = Vec::new();
    for (role, key) in &manifest.inputs {
        if role == "answers" {
            let found = store.find(*key).map_err(|error| failed(&error))?;
            all.extend(found);
        }
    }
    if all.is_empty() {
        records::refuse_earlier(manifest)?;
        tell(format_args!(
            "error: `{}` is a `{}` job, which has no answers in the store; name an evaluation by a suite",
            name(manifest),
            manifest.kind
        ));
        return Err(Status::Problems);
    }
    Ok(all)
}

/// The names of the benchmarks that a job answers: of `e/able.sums[seed=1]`, `sums`.
fn benchmarks(manifest: &Manifest) -> BTreeSet<&str> {
    let stems = manifest.labels.iter().map(|label| stem(label));
    let names = stems.map(|stem| stem.rsplit_once('.').map_or(stem, |(_, name)| name));
    names.collect()
}

/// Answers to the same benchmark, by its name; where each side has just one, those.
fn matched<'m>(lefts: &'m [Manifest], rights: &'m [Manifest]) -> Vec<(&'m Manifest, &'m Manifest)> {
    if let ([left], [right]) = (lefts, rights) {
        return vec![(left, right)];
    }
    let fitting = |left: &'m Manifest| {
        let own = benchmarks(left);
        let mut all = rights.iter();
        let right = all.find(|right| !own.is_disjoint(&benchmarks(right)))?;
        Some((left, right))
    };
    lefts.iter().filter_map(fitting).collect()
}

/// What is asked, wherever it lies.
fn questions(manifest: &Manifest) -> Value {
    let mut data = manifest.spec.get("data").cloned().unwrap_or_default();
    if let Some(fields) = data.as_object_mut() {
        fields.remove("path");
        if let Some(pictures) = fields.get_mut("pictures").and_then(Value::as_object_mut) {
            pictures.remove("path");
        }
        let files = fields.get_mut("files").and_then(Value::as_array_mut);
        for file in files.into_iter().flatten().filter_map(Value::as_object_mut) {
            file.remove("path");
        }
    }
    data
}

/// Compares two lists of answers; none where they are of texts whose perplexity was measured.
fn paired(store: &Store, left: &Manifest, right: &Manifest) -> Result<Option<Pairing>, Status> {
    let (own, other) = (read(store, left)?, read(store, right)?);
    let (Some(own), Some(other)) = (own, other) else {
        return Ok(None);
    };
    if questions(left) != questions(right) {
        tell(format_args!(
            "error: `{}` and `{}` answer different questions; compare answers to one benchmark",
            name(left),
            name(right)
        ));
        return Err(Status::Problems);
    }
    let missing = own.keys().find(|id| !other.contains_key(*id));
    let further = other.keys().find(|id| !own.contains_key(*id));
    if let Some(id) = missing.or(further) {
        let (has, lacks) = if missing.is_some() {
            (left, right)
        } else {
            (right, left)
        };
        tell(format_args!(
            "error: `{}` answers the question `{id}` and `{}` does not; compare answers to the same questions",
            name(has),
            name(lacks)
        ));
        return Err(Status::Problems);
    }
    // Both go by id, so they follow the same questions.
    let list = |answers: BTreeMap<String, f64>| answers.into_values().collect::<Vec<_>>();
    let pairing = pairs::compare(&list(own), &list(other)).map_err(|error| {
        tell(format_args!("error: `{}`: {error}", name(left)));
        Status::Problems
    })?;
    Ok(Some(pairing))
}

/// What the answer to each question counts, by its id; one that could not be read counts nothing.
fn read(store: &Store, manifest: &Manifest) -> Result<Option<BTreeMap<String, f64>>, Status> {
    let mut all = BTreeMap::new();
    let mut is_judged = false;
    for answer in records::of(store, manifest)? {
        // A text whose perplexity was measured has none of these.
        is_judged |= answer.right.is_some() || answer.answer.is_some() || answer.output.is_some();
        if all.insert(answer.id.clone(), answer.score()).is_some() {
            tell(format_args!(
                "error: two questions of `{}` are called `{}`, so that answers cannot be paired; give each a name of its own",
                name(manifest),
                answer.id
            ));
            return Err(Status::Problems);
        }
    }
    Ok(is_judged.then_some(all))
}

fn as_text(left: &str, right: &str, rows: &[(String, Pairing)]) -> String {
    let row = |(benchmark, pairing): &(String, Pairing)| {
        let Pairing {
            left,
            right,
            difference,
            interval,
            agreement,
        } = pairing;
        let error = difference.error;
        let interval = interval.map(|ends| format!("{:+.4} to {:+.4}", ends.low, ends.high));
        vec![
            benchmark.clone(),
            difference.n.to_string(),
            format!("{left:.4}"),
            format!("{right:.4}"),
            error.map_or_else(
                || format!("{:+.4}", difference.mean),
                |error| format!("{:+.4} ± {error:.4}", difference.mean),
            ),
            interval.unwrap_or_else(|| "–".to_owned()),
            agreement.both.to_string(),
            agreement.only_left.to_string(),
            agreement.only_right.to_string(),
            agreement.neither.to_string(),
        ]
    };
    let header = [
        "benchmark",
        "n",
        "left",
        "right",
        "left - right",
        "95%",
        "both right",
        "only left",
        "only right",
        "neither",
    ];
    let table = columns(&header, rows.iter().map(row).collect(), 1);
    format!(
        "left   {left}\nright  {right}\n\n{table}\n\
         mean scores of answers; ± standard error of the differences question by question"
    )
}

fn as_json(left: &str, right: &str, rows: &[(String, Pairing)]) -> Value {
    let row = |(benchmark, pairing): &(String, Pairing)| {
        let counts = pairing.agreement;
        json!({
            "benchmark": benchmark,
            "n": pairing.difference.n,
            "left": pairing.left,
            "right": pairing.right,
            "difference": pairing.difference.mean,
            "error": pairing.difference.error,
            "interval": pairing.interval.map(|ends| [ends.low, ends.high]),
            "both": counts.both,
            "only_left": counts.only_left,
            "only_right": counts.only_right,
            "neither": counts.neither,
        })
    };
    json!({
        "schema": 1,
        "left": left,
        "right": right,
        "benchmarks": rows.iter().map(row).collect::<Vec<_>>(),
    })
}
