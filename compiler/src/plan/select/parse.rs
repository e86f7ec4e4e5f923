//! Selections as people write them.

use std::fmt;
use std::str::FromStr;

use super::Selection;
use super::glob::Glob;

/// Text that is not a selection.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct NotASelection(String);

impl fmt::Display for NotASelection {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

impl std::error::Error for NotASelection {}

impl FromStr for Selection {
    type Err = NotASelection;

    fn from_str(text: &str) -> Result<Self, NotASelection> {
        let text = text.trim();
        let (head, point) = match text.split_once('[') {
            None => (text, None),
            Some((head, rest)) => (head, Some(inside(rest)?)),
        };
        let (group, job) = match head.split_once('/') {
            None => (head, None),
            Some((group, job)) => (group, Some(job)),
        };
        if group.is_empty() {
            return wrong(
                "no experiment is named; write `experiment`, `experiment/job` or \
                 `experiment/job[axis=value]`",
            );
        }
        if job.is_none() && point.is_some() {
            return wrong(
                "brackets belong to a job; write `experiment/job[axis=value]`, or \
                 `experiment/*[axis=value]` for all jobs",
            );
        }
        if let Some(job) = job.filter(|job| job.is_empty() || job.contains('/')) {
            return wrong(match job {
                "" => format!("no job is named after `/`; write `{group}` for all its jobs"),
                _ => "there is more than one `/`; write `experiment/job`".to_owned(),
            });
        }
        if let Some(found) = head
            .chars()
            .find(|c| c.is_whitespace() || ",;]=".contains(*c))
        {
            return wrong(format!(
                "no name has `{found}` in it; write one selection at a time, each \
                 `experiment/job[axis=value,…]`"
            ));
        }
        Ok(Self {
            text: text.to_owned(),
            group: Glob::new(group),
            job: job.map(Glob::new),
            point: point.map_or(Ok(Vec::new()), pairs)?,
        })
    }
}

fn wrong<T>(message: impl Into<String>) -> Result<T, NotASelection> {
    Err(NotASelection(message.into()))
}

/// What stands before the `]` at the end.
fn inside(rest: &str) -> Result<&str, NotASelection> {
    match rest.strip_suffix(']') {
        Some(inside) if !inside.trim().is_empty() => Ok(inside),
        Some(_) => wrong("the brackets are empty; write `[axis=value]`, or leave them out"),
        None => wrong("a selection that has `[` ends in `]`; write `experiment/job[axis=value]`"),
    }
}

/// Axes and values. A comma begins a new axis only where `axis=` follows, since values have
/// commas too: `schedule=cosine(warmup:2%,floor:10%)`.
fn pairs(inside: &str) -> Result<Vec<(String, Glob)>, NotASelection> {
    let mut found: Vec<(&str, String)> = Vec::new();
    for piece in inside.trim().trim_end_matches(',').split(',') {
        let pair = piece.split_once('=');
        match (pair.filter(|pair| is_name(pair.0.trim())), found.last_mut()) {
            (Some((axis, value)), _) => found.push((axis.trim(), value.to_owned())),
            (None, Some((_, value))) => {
                value.push(',');
                value.push_str(piece);
            }
            (None, None) => {
                let piece = piece.trim();
                return wrong(format!(
                    "`{piece}` is not an axis with its value; write `[axis=value]`"
                ));
            }
        }
    }
    let mut pairs: Vec<(String, Glob)> = Vec::new();
    for (axis, value) in found {
        let value = bare(&value);
        if value.is_empty() {
            return wrong(format!("`{axis}` has no value; write `[{axis}=value]`"));
        }
        if pairs.iter().any(|known| known.0 == axis) {
            return wrong(format!(
                "`{axis}` has two values; write one selection for each of them"
            ));
        }
        pairs.push((axis.to_owned(), Glob::new(&value)));
    }
    Ok(pairs)
}

fn is_name(text: &str) -> bool {
    !text.is_empty() && text.chars().all(|c| c.is_alphanumeric() || c == '_')
}

/// A value without blanks and the quotes around it, which shells and people add and leave out.
pub(super) fn bare(value: &str) -> String {
    let value: String = value.split_whitespace().collect();
    let inner = value
        .strip_prefix('"')
        .and_then(|rest| rest.strip_suffix('"'));
    inner.map_or(value.clone(), str::to_owned)
}
