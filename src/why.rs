//! `vpc why`: how a job of a study stands, and why.

use std::collections::BTreeSet;
use std::path::Path;

use serde_json::{Value, json};
use vpc_compiler::plan::{Difference, Job, Key, Plan, Selection, said};
use vpc_engine::{Reason, Reasons, State, Survey, reasons, survey};
use vpc_store::{Manifest, Store, StoreError};

use crate::changes;
use crate::command::WhyOptions;
use crate::exit::Status;
use crate::output::{counted, lasting, say, say_json, tell};
use crate::roots;
use crate::study::planned;
use crate::time::moment;

/// More jobs than this are named, not explained.
const EXPLAINED: usize = 20;

/// A plan as a store knows it.
struct Known<'p> {
    plan: &'p Plan,
    survey: Survey,
    reasons: Reasons,
    store: Option<Store>,
}

pub(crate) fn why(options: &WhyOptions) -> Status {
    let planned = match planned(&options.study, &options.kept) {
        Ok(planned) => planned,
        Err(status) => return status,
    };
    let places = match places(&planned.plan, &options.job) {
        Ok(places) => places,
        Err(message) => {
            tell(message);
            return Status::Use;
        }
    };
    if places.len() > EXPLAINED && !options.json {
        tell(format_args!(
            "error: `{}` names {}; say which, for example `{}`",
            options.job,
            counted(places.len(), "job"),
            planned.plan.jobs[places[0]].name()
        ));
        return Status::Use;
    }
    let known = look(&planned.plan, &options.study.file, &planned.folder);
    let told = known.and_then(|known| tell_all(&known, &places, options.json));
    match told {
        Ok(()) => Status::Ok,
        Err(error) => {
            tell(format_args!("error: {error}"));
            Status::of(&error)
        }
    }
}

fn look<'p>(plan: &'p Plan, file: &Path, folder: &Path) -> Result<Known<'p>, StoreError> {
    let store = Store::peek(folder)?;
    let survey = survey(plan, store.as_ref())?;
    let reasons = match &store {
        Some(store) => reasons(plan, &survey, store, &roots::place(file, folder))?,
        None => Reasons::default(),
    };
    Ok(Known {
        plan,
        survey,
        reasons,
        store,
    })
}

/// The jobs that are meant: by the beginning of a key, by name, or by a selection.
fn places(plan: &Plan, wanted: &str) -> Result<Vec<usize>, String> {
    let all = || plan.jobs.iter().enumerate();
    let at = |fits: &dyn Fn(&Job) -> bool| -> Vec<usize> {
        all()
            .filter(|(_, job)| fits(job))
            .map(|(at, _)| at)
            .collect()
    };
    let is_key = wanted.len() >= 4 && wanted.bytes().all(|byte| byte.is_ascii_hexdigit());
    let lower = wanted.to_ascii_lowercase();
    let by_key = at(&|job| is_key && job.key.to_string().starts_with(&lower));
    let by_name = at(&|job| job.labels.iter().any(|label| **label == *wanted));
    if !by_key.is_empty() || !by_name.is_empty() {
        return Ok(if by_key.is_empty() { by_name } else { by_key });
    }
    let selection: Selection = wanted
        .parse()
        .map_err(|error| format!("error: `{wanted}` names no job: {error}"))?;
    let keys: BTreeSet<Key> = plan
        .selected(&selection)
        .map_err(|missing| format!("error: {missing}\nhelp: {}", missing.help))?;
    Ok(at(&|job| keys.contains(&job.key)))
}

fn tell_all(known: &Known<'_>, places: &[usize], as_json: bool) -> Result<(), StoreError> {
    let mut all = Vec::new();
    for &at in places {
        if as_json {
            all.push(known.json(at));
        } else {
            all.push(Value::String(known.text(at)?));
        }
    }
    if as_json {
        say_json(json!({ "schema": 1, "jobs": all }));
    } else {
        let texts: Vec<&str> = all.iter().filter_map(Value::as_str).collect();
        say(texts.join("\n\n"));
    }
    Ok(())
}

impl Known<'_> {
    fn reason(&self, at: usize) -> Option<&Reason> {
        self.reasons.of.get(at)?.as_ref()
    }

    fn text(&self, at: usize) -> Result<String, StoreError> {
        let job = &self.plan.jobs[at];
        let mut lines = vec![
            format!("{} {}", job.task.kind(), job.labels.join(", ")),
            format!("key       {}", job.key),
            format!("declared  {}", job.place),
            format!("stands    {}", self.stands(at)?),
        ];
        let reason = self.reason(at);
        if let (Some(reason), Some(store)) = (reason, &self.store) {
            let found = store.look_back(reason.earlier)?;
            let made = found.as_ref().map_or_else(String::new, made);
            lines.push(format!("nearest   {}{made}", reason.earlier.short()));
        }
        lines.push("computes".to_owned());
        lines.extend(self.fields(at));
        if !job.inputs.is_empty() {
            lines.push("needs".to_owned());
            lines.extend(self.inputs(at));
        }
        Ok(lines.join("\n"))
    }

    /// How the job stands, in words.
    fn stands(&self, at: usize) -> Result<String, StoreError> {
        let job = &self.plan.jobs[at];
        let evicted = match &self.store {
            Some(store) => store.evicted(job.key)?,
            None => None,
        };
        Ok(match (self.survey.states[at], self.reason(at)) {
            (State::Cached, _) => {
                let found = self.survey.manifests[at].as_deref();
                format!("cached{}", found.map_or_else(String::new, made))
            }
            (State::ToDo(_), Some(reason)) => {
                format!("to do again: {}", changes::words(job.name(), reason))
            }
            (State::ToDo(Some(step)), None) => format!("begun: goes on from step {step}"),
            (State::ToDo(None), None) if evicted.is_some() => {
                "to do again: it was evicted from the store".to_owned()
            }
            (State::ToDo(None), None) => "new: nothing was done under this name before".to_owned(),
            (State::Again(_), _) => {
                "to do again: it kept no checkpoint where one is needed now".to_owned()
            }
            (State::NotNeeded, _) if evicted.is_some() => {
                "not needed: all that is made of it is there; evicted from the store".to_owned()
            }
            (State::NotNeeded, _) => "not needed: all that is made of it is there".to_owned(),
        })
    }

    /// The fields that bear identity, those that differ with their earlier value.
    fn fields(&self, at: usize) -> Vec<String> {
        let job = &self.plan.jobs[at];
        let own = self.reason(at).map_or(&[][..], |reason| &reason.change.own);
        let record = job.task.record();
        let differs = |name: &str| {
            let mut own = own.iter();
            own.find(|what| matches!(what, Difference::Field { name: field, .. } if *field == name))
        };
        let fields = record.fields().filter(|(name, _)| *name != "shares");
        let mut lines: Vec<String> = fields
            .map(|(name, value)| match differs(name) {
                Some(what) => format!("  {name:<16} {}  ← differs: {what}", said(name, value)),
                None => format!("  {name:<16} {}", said(name, value)),
            })
            .collect();
        for (path, _) in job.task.data() {
            lines.push(format!("  {:<16} {path}", "file"));
        }
        let shown = |what: &&Difference| matches!(what, Difference::Field { name, .. } if record.field(name).is_some());
        let others = own.iter().filter(|what| !shown(what));
        lines.extend(others.map(|what| format!("  ← differs: {what}")));
        lines
    }

    fn inputs(&self, at: usize) -> Vec<String> {
        let job = &self.plan.jobs[at];
        let replaced = self
            .reason(at)
            .map_or(&[][..], |reason| &reason.change.inputs);
        let mut shares = job.task.shares().iter();
        let places = self.plan.places();
        let inputs = job.inputs.iter().map(|input| {
            let share = shares.next().map_or_else(String::new, |share| {
                format!("  share {}", vpc_compiler::plan::percent(*share))
            });
            let place = places.get(input.key).copied();
            let name = place.map_or("", |at| self.plan.jobs[at].name());
            let other = replaced.iter().find(|one| one.after.key == input.key);
            let differs = other.map_or_else(String::new, |one| {
                format!("  ← was {}", one.before.key.short())
            });
            format!(
                "  {:<16} {}  {name}{share}{differs}",
                input.role,
                input.key.short()
            )
        });
        inputs.collect()
    }

    fn json(&self, at: usize) -> Value {
        let job = &self.plan.jobs[at];
        let state = match (self.survey.states[at], self.reason(at)) {
            (State::Cached, _) => "cached",
            (State::ToDo(_), Some(_)) => "changed",
            (State::ToDo(None), None) => "new",
            (State::ToDo(Some(_)), None) => "begun",
            (State::Again(_), _) => "again",
            (State::NotNeeded, _) => "not_needed",
        };
        let reason = self.reason(at);
        let own = reason.map(|reason| {
            let words =
                |what: &Difference| json!({ "subject": what.subject(), "words": what.to_string() });
            reason.change.own.iter().map(words).collect::<Vec<_>>()
        });
        let inputs = reason.map(|reason| {
            let replaced = reason.change.inputs.iter();
            let replaced = replaced.map(|one| {
                json!({ "role": one.after.role, "before": one.before.key, "after": one.after.key })
            });
            replaced.collect::<Vec<_>>()
        });
        json!({
            "key": job.key,
            "labels": job.labels,
            "kind": job.task.kind(),
            "state": state,
            "change": reason.map(|reason| changes::as_json(job.name(), reason)),
            "own_differences": own,
            "replaced_inputs": inputs,
        })
    }
}

/// When, where and how fast a job was made.
fn made(manifest: &Manifest) -> String {
    let field = |name: &str| manifest.made.get(name);
    let mut text = String::new();
    if let Some(at) = field("at").and_then(Value::as_u64) {
        text += &format!(", made {}", moment(at));
    }
    if let Some(host) = field("host").and_then(Value::as_str) {
        text += &format!(" on {host}");
    }
    if let Some(seconds) = manifest.seconds() {
        text += &format!(" in {}", lasting(seconds));
    }
    if let Some(build) = field("build").and_then(Value::as_str) {
        text += &format!(" by {build}");
    }
    if field("adopted").is_some_and(|from| !from.is_null()) {
        text += ", adopted";
    }
    if field("reused").is_some_and(|from| !from.is_null()) {
        text += ", reused from an earlier job with the same inputs";
    }
    text
}
