//! What changed since a study's jobs were done: for plans, refusals and explanations.

use std::collections::BTreeMap;

use serde_json::{Value, json};
use vpc_compiler::plan::{Difference, Plan};
use vpc_engine::{Cause, Reason, Reasons};

use crate::output::{counted, lasting};
use crate::show::stem;

/// More causes of one job than this are counted.
const CAUSES: usize = 3;

/// More groups of changes than this are counted.
const GROUPS: usize = 12;

/// Jobs that are to be done again for the same causes.
#[derive(Default)]
struct Group {
    /// How many jobs of each name, in the order of the plan.
    jobs: Vec<(String, usize)>,
    seconds: f64,
    /// Jobs whose earlier making left no word of how long it took.
    unknown: usize,
}

/// Says why a job is to be done again, in one line.
pub(crate) fn words(name: &str, reason: &Reason) -> String {
    let words = reason.causes.iter().map(|cause| cause.words(name));
    listed(words.collect())
}

fn listed(mut words: Vec<String>) -> String {
    let more = words.len().saturating_sub(CAUSES);
    words.truncate(CAUSES);
    if more > 0 {
        words.push(format!("and {}", counted(more, "more difference")));
    }
    words.join(", ")
}

/// Says what changed and which jobs it asks for again; none where nothing did.
pub(crate) fn summary(plan: &Plan, reasons: &Reasons) -> Option<String> {
    let mut groups: Vec<(String, Group)> = Vec::new();
    let mut known: BTreeMap<String, usize> = BTreeMap::new();
    for (at, reason) in reasons.iter() {
        let causes = listed(reason.causes.iter().map(general).collect());
        let place = *known.entry(causes.clone()).or_insert_with(|| {
            groups.push((causes, Group::default()));
            groups.len() - 1
        });
        if let (Some((_, group)), Some(job)) = (groups.get_mut(place), plan.jobs.get(at)) {
            group.add(stem(job.name()), reason.expected);
        }
    }
    if groups.is_empty() {
        return None;
    }
    let mut text = "changed since it was done last\n".to_owned();
    let more = groups.len().saturating_sub(GROUPS);
    for (causes, group) in groups.iter().take(GROUPS) {
        text += &format!("  {causes}\n    ~ {}\n", group.words());
    }
    if more > 0 {
        text += &format!("  and {}\n", counted(more, "more change"));
    }
    Some(text)
}

/// A cause as it is for all jobs of one name.
fn general(cause: &Cause) -> String {
    match &cause.what {
        Difference::File { .. } | Difference::Another(_) => cause.what.to_string(),
        what => format!("{}: {what}", stem(&cause.job)),
    }
}

impl Group {
    fn add(&mut self, name: &str, seconds: Option<f64>) {
        match self.jobs.iter_mut().find(|known| known.0 == name) {
            Some(known) => known.1 += 1,
            None => self.jobs.push((name.to_owned(), 1)),
        }
        match seconds {
            Some(seconds) => self.seconds += seconds,
            None => self.unknown += 1,
        }
    }

    fn words(&self) -> String {
        let jobs = self.jobs.iter().map(|(name, count)| match count {
            1 => name.clone(),
            count => format!("{name} ×{count}"),
        });
        let jobs: Vec<_> = jobs.collect();
        format!(
            "{}  ({})",
            jobs.join(", "),
            cost(self.seconds, self.unknown)
        )
    }
}

/// Says what doing jobs again takes.
fn cost(seconds: f64, unknown: usize) -> String {
    let mut text = format!("about {} of work", lasting(seconds));
    if unknown > 0 {
        text += &format!(", {} of unknown cost", counted(unknown, "job"));
    }
    text
}

/// Says what doing all changed jobs again takes.
pub(crate) fn total(reasons: &Reasons) -> String {
    let costs: Vec<_> = reasons.iter().map(|(_, reason)| reason.expected).collect();
    let seconds = costs.iter().flatten().sum();
    cost(seconds, costs.iter().filter(|cost| cost.is_none()).count())
}

/// A reason for programs.
pub(crate) fn as_json(name: &str, reason: &Reason) -> Value {
    let causes: Vec<Value> = reason
        .causes
        .iter()
        .map(|cause| {
            json!({
                "job": cause.job,
                "subject": cause.what.subject(),
                "words": cause.words(name),
            })
        })
        .collect();
    json!({
        "earlier": reason.earlier,
        "earlier_is_evicted": reason.is_evicted,
        "causes": causes,
        "expected_seconds": reason.expected,
    })
}
