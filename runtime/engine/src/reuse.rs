//! Early cutoff: a job whose inputs came out as before need not be done again.
//!
//! A job's key speaks of what its inputs *are*; what it makes depends on what they *hold*. Where an
//! earlier job under the same name did the same with inputs of the same content, its files are
//! filed under the new key as well.

use std::collections::BTreeSet;

use serde_json::{Value, json};
use vpc_compiler::plan::{EvalTask, Fraction, Key, Task};
use vpc_store::{Draft, Manifest};

use crate::error::JobError;
use crate::jobs::{Bench, SAW};
use crate::log::now;
use crate::past::Ancestor;
use crate::steps::Steps;

/// An input as a job sees it: what it is to it, its share, and its content.
#[derive(Debug, Clone, PartialEq, Eq)]
struct Seen<'a> {
    role: &'a str,
    share: Option<Fraction>,
    content: String,
}

/// Files an earlier job's result for this one, where both make the same; with the earlier job's key.
pub(crate) fn reuse(bench: &Bench<'_>) -> Result<Option<(Manifest, Key)>, JobError> {
    let ours = present(bench);
    for &key in &bench.earlier {
        let Some(former) = Ancestor::load(bench.store, key)? else {
            continue;
        };
        if former.is_evicted || !does_the_same(bench, &former) {
            continue;
        }
        let Some(theirs) = seen_by(&former) else {
            continue;
        };
        if let Some(order) = order(&bench.job.task, &ours, &theirs)
            && let Some(filed) = file(bench, &former, &order)?
        {
            return Ok(Some((filed, key)));
        }
    }
    Ok(None)
}

/// Whether the earlier job did to its inputs what this one is to do.
fn does_the_same(bench: &Bench<'_>, former: &Ancestor) -> bool {
    let task = &bench.job.task;
    former.version == task.version()
        && former.build == bench.plan.build
        && former.task.is_alike(task)
}

fn present<'b>(bench: &'b Bench<'_>) -> Vec<Seen<'b>> {
    let mut shares = bench.job.task.shares().iter();
    let inputs = bench.job.inputs.iter().zip(bench.saw());
    let seen = inputs.map(|(input, content)| Seen {
        role: &input.role,
        share: shares.next().copied(),
        content,
    });
    seen.collect()
}

/// What an earlier job saw of its inputs when it was done; none where its record does not tell.
///
/// What their keys hold now may be something else: made again by another build, or adopted.
fn seen_by(former: &Ancestor) -> Option<Vec<Seen<'_>>> {
    let mut shares = former.task.shares().iter();
    let saw = former.manifest.made.get(SAW)?.as_array()?;
    let inputs = &former.manifest.inputs;
    let seen = inputs.iter().zip(saw).map(|((role, _), content)| {
        Some(Seen {
            role,
            share: shares.next().copied(),
            content: content.as_str()?.to_owned(),
        })
    });
    (saw.len() == inputs.len()).then(|| seen.collect())?
}

/// For each of our inputs, which of theirs it is; none where they do not match.
///
/// Inputs stand in the order of their keys, which may be another now. What a kind makes of them
/// depends on that order only where it says so.
fn order(task: &Task, ours: &[Seen<'_>], theirs: &[Seen<'_>]) -> Option<Vec<usize>> {
    if ours.len() != theirs.len() {
        return None;
    }
    let mut free: Vec<usize> = (0..theirs.len()).collect();
    let mut order = Vec::new();
    for seen in ours {
        let at = free.iter().position(|&at| theirs[at] == *seen)?;
        order.push(free.remove(at));
    }
    let is_free = matches!(
        task,
        Task::Pretrain(_) | Task::Tokenizer(_) | Task::Eval(EvalTask::HeldOut { .. })
    );
    (is_free || order.is_sorted()).then_some(order)
}

fn file(
    bench: &Bench<'_>,
    former: &Ancestor,
    order: &[usize],
) -> Result<Option<Manifest>, JobError> {
    let mut metrics = former.manifest.metrics.clone();
    if let Some(found) = metrics.get_mut("held_out").and_then(Value::as_array_mut)
        && matches!(bench.job.task, Task::Eval(EvalTask::HeldOut { .. }))
    {
        // The findings stand in the order of the `tokens` inputs, which follow the model.
        let tokens = order.iter().filter_map(|at| at.checked_sub(1));
        let sorted: Option<Vec<Value>> = tokens.map(|at| found.get(at).cloned()).collect();
        let Some(sorted) = sorted else {
            return Ok(None);
        };
        *found = sorted;
    }
    if !file_kept(bench, former)? {
        return Ok(None);
    }
    let former = &former.manifest;
    let draft = draft(bench, former, metrics)?;
    Ok(bench.store.publish_same(former, bench.job.key, draft)?)
}

/// Files the checkpoints that the earlier run has kept; false where one that is taken out now is not
/// among them.
fn file_kept(bench: &Bench<'_>, former: &Ancestor) -> Result<bool, JobError> {
    let Task::Pretrain(task) = &bench.job.task else {
        return Ok(true);
    };
    let theirs = Steps::of_earlier(&former.manifest, &former.task, former.build.as_deref());
    let mut steps: BTreeSet<u64> = task.keep.get().iter().copied().collect();
    steps.extend(&bench.wanted);
    steps.extend(bench.points.iter().filter(|step| **step <= task.steps));
    for step in steps {
        let filed = match theirs.at(bench.store, step)? {
            Some(kept) => {
                let draft = draft(bench, &kept, kept.metrics.clone())?;
                let place = bench.steps.place(step);
                bench.store.publish_same(&kept, place, draft)?
            }
            None => None,
        };
        // A checkpoint at the last step is the model itself.
        if filed.is_none() && bench.wanted.contains(&step) && step < task.steps {
            return Ok(false);
        }
    }
    Ok(true)
}

/// The record of what was made before, under this job's names: where it comes from, and what it
/// took, stay as they were.
fn draft(bench: &Bench<'_>, former: &Manifest, metrics: Value) -> Result<Draft, JobError> {
    let mut draft = bench.draft_of(metrics, 0.0)?;
    let mut made = former.made.clone();
    if let Some(made) = made.as_object_mut() {
        made.insert("reused".to_owned(), json!(former.key));
        made.insert("at".to_owned(), json!(now()));
        made.insert(SAW.to_owned(), json!(bench.saw()));
    }
    draft.made = made;
    Ok(draft)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn seen(role: &str, content: u8) -> Seen<'_> {
        Seen {
            role,
            share: None,
            content: content.to_string(),
        }
    }

    #[test]
    fn order_matters_only_where_the_kind_says_so() {
        let ours = [seen("model", 1), seen("tokens", 2), seen("tokens", 3)];
        let theirs = [seen("model", 1), seen("tokens", 3), seen("tokens", 2)];
        let held_out: Task = serde_json::from_value(json!({
            "kind": "eval", "suite": "held_out",
            "model": {"layers": 1, "width": 1, "heads": 1, "kv_heads": 1, "hidden": 1,
                      "context": 1, "vocabulary": 1, "rope_base": 1, "tied": false}
        }))
        .unwrap();
        assert_eq!(order(&held_out, &ours, &theirs), Some(vec![0, 2, 1]));
        assert_eq!(order(&Task::Tokens, &ours, &theirs), None);
        assert_eq!(order(&Task::Tokens, &ours, &ours), Some(vec![0, 1, 2]));
        assert_eq!(order(&held_out, &ours, &theirs[..2]), None);
        let other = [seen("model", 9), seen("tokens", 2), seen("tokens", 3)];
        assert_eq!(order(&held_out, &ours, &other), None);
    }
}
