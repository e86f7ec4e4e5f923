//! `experiment name = other with { … }`: another experiment, amended.

use std::collections::BTreeSet;

use vpc_grammar::tree::{Block, Body, Entry, Expr, ExprKind, Field, Name, Vary};
use vpc_grammar::{Code, Problem, Span};

use super::names::Names;
use crate::eval::Evaluator;
use crate::limits;
use crate::modules::{Declared, ModuleId};
use crate::nearest::advice;
use crate::schema;

/// Returns the amended entries. Checks are left out: they speak of the experiment as written.
pub(super) fn amended(
    evaluator: &Evaluator<'_>,
    module: ModuleId,
    value: &Expr,
    depth: usize,
) -> Option<Body> {
    let (of, changes) = match &value.kind {
        ExprKind::With(of, changes) => (of.as_ref(), Some(changes)),
        _ => (value, None),
    };
    let mut body = base(evaluator, module, of, depth)?;
    body.entries
        .retain(|entry| !matches!(entry, Entry::Check(_)));
    let before = body.clone();
    let mut seen = BTreeSet::new();
    let mut sound = true;
    for change in changes.into_iter().flat_map(|changes| &changes.entries) {
        let problem = match change {
            Entry::Vary(vary) => {
                replace_axis(&mut body, vary);
                None
            }
            Entry::Field(field) => {
                let names = field.path.iter().map(|name| name.text.as_str());
                let path = names.collect::<Vec<_>>().join(".");
                if seen.insert(path.clone()) {
                    replace_field(&mut body, field)
                } else {
                    let message = format!("`{path}` is given twice");
                    let problem = Problem::error(Code("V0211"), field.span, message);
                    Some(problem.help("keep one of them"))
                }
            }
            Entry::Where(_) | Entry::Check(_) | Entry::Let(_) | Entry::Block(_) => {
                body.entries.push(change.clone());
                None
            }
        };
        sound &= problem.is_none();
        if let Some(problem) = problem {
            evaluator.report(problem);
        }
    }
    if let Some(problem) = changes.and_then(|changes| unused_axis(&before, &body, changes)) {
        evaluator.report(problem);
        return None;
    }
    sound.then_some(body)
}

fn base(evaluator: &Evaluator<'_>, module: ModuleId, of: &Expr, depth: usize) -> Option<Body> {
    let name = match &of.kind {
        ExprKind::Name(name) => name.as_str(),
        _ => "",
    };
    let experiments = &evaluator.module(module)?.experiments;
    let declared = evaluator.module(module)?.declared.get(name);
    let block = match declared {
        Some(Declared::Block(block)) if block.kind.text == "experiment" => block,
        _ => {
            let shown = evaluator.sources.slice(of.span);
            let message = format!("`{shown}` is no experiment of this file");
            evaluator.report(Problem::error(Code("V0201"), of.span, message).help(advice(
                shown,
                "experiments",
                experiments.iter().map(String::as_str),
            )));
            return None;
        }
    };
    if depth > limits::LETS {
        let message = format!("`{name}` is amended from itself");
        evaluator.report(Problem::error(Code("V0204"), of.span, message));
        return None;
    }
    match (&block.body, &block.value) {
        (Some(body), _) => Some(body.clone()),
        (None, Some(value)) => amended(evaluator, module, value, depth + 1),
        (None, None) => None,
    }
}

/// Replaces an axis, or adds one.
fn replace_axis(body: &mut Body, vary: &Vary) {
    let names = |vary: &Vary| {
        vary.names
            .iter()
            .map(|name| name.text.clone())
            .collect::<Vec<_>>()
    };
    let old = body.entries.iter_mut().find_map(|entry| match entry {
        Entry::Vary(old) if names(old) == names(vary) => Some(old),
        _ => None,
    });
    match old {
        Some(old) => *old = vary.clone(),
        None => body.entries.push(Entry::Vary(vary.clone())),
    }
}

/// An axis that a change adds and nothing uses is most likely one that was meant to be replaced.
fn unused_axis(before: &Body, after: &Body, changes: &Body) -> Option<Problem> {
    let axes = |body: &Body| -> Vec<Name> {
        let varied = body.entries.iter().filter_map(|entry| match entry {
            Entry::Vary(vary) => Some(vary.names.clone()),
            _ => None,
        });
        varied.flatten().collect()
    };
    let (known, names) = (axes(before), Names::of_body(after));
    let is_new = |name: &&Name| known.iter().all(|known| known.text != name.text);
    let new = axes(changes);
    let lost = new
        .iter()
        .filter(is_new)
        .find(|name| !names.has(&name.text))?;
    let message = format!(
        "the experiment has no axis `{}`, and nothing uses a new one",
        lost.text
    );
    Some(
        Problem::error(Code("V0216"), lost.span, message).help(advice(
            &lost.text,
            "its axes",
            known.iter().map(|name| name.text.as_str()),
        )),
    )
}

fn replace_field(body: &mut Body, field: &Field) -> Option<Problem> {
    let span = field
        .path
        .iter()
        .map(|name| name.span)
        .reduce(Span::to)
        .unwrap_or(field.span);
    let [job, rest @ ..] = field.path.as_slice() else {
        return None;
    };
    if rest.is_empty() && schema::kind("experiment").is_some_and(|it| it.field(&job.text).is_some())
    {
        replace_own(body, field);
        return None;
    }
    let jobs: Vec<String> = blocks(body).map(|block| block.name.text.clone()).collect();
    let target = blocks(body).find(|block| block.name.text == job.text);
    let Some(target) = target.filter(|_| !rest.is_empty()) else {
        let message = format!(
            "the experiment has no job `{}` with a field to amend",
            job.text
        );
        return Some(Problem::error(Code("V0216"), span, message).help(advice(
            &job.text,
            "write `job.field: value`; its jobs",
            jobs.iter().map(String::as_str),
        )));
    };
    let change = Field {
        path: rest.to_vec(),
        ..field.clone()
    };
    let path = |field: &Field| {
        field
            .path
            .iter()
            .map(|name| name.text.clone())
            .collect::<Vec<_>>()
    };
    let inner = target.body.get_or_insert_with(|| Body {
        entries: Vec::new(),
        whole: true,
        span,
    });
    let old = inner.entries.iter_mut().find_map(|entry| match entry {
        Entry::Field(old) if path(old) == path(&change) => Some(old),
        _ => None,
    });
    match old {
        Some(old) => *old = change,
        None => inner.entries.push(Entry::Field(change)),
    }
    None
}

/// Replaces a field of the experiment itself, or adds it.
fn replace_own(body: &mut Body, field: &Field) {
    let same = |entry: &Entry| match entry {
        Entry::Field(old) => matches!(
            (old.path.as_slice(), field.path.as_slice()),
            ([old], [new]) if old.text == new.text
        ),
        _ => false,
    };
    body.entries.retain(|entry| !same(entry));
    body.entries.push(Entry::Field(field.clone()));
}

fn blocks(body: &mut Body) -> impl Iterator<Item = &mut Block> {
    body.entries.iter_mut().filter_map(|entry| match entry {
        Entry::Block(block) => Some(block),
        _ => None,
    })
}
