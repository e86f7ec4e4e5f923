//! `vpc log`: what ran where, when, with what result and at what cost.

use serde_json::{Value, json};
use vpc_store::{Begun, Ended, Entry, RunRecord, RunState, Store};

use crate::command::LogOptions;
use crate::exit::Status;
use crate::output::{counted, lasting, say, say_json, tell};
use crate::show::nearest;
use crate::time::moment;

/// Runs shown unless told otherwise.
const SHOWN: usize = 20;

pub(crate) fn log(options: &LogOptions) -> Status {
    let Some(folder) = options.store.clone().or_else(nearest) else {
        tell(
            "error: there is no store `.vp` here, above, or in just one folder below; name one with `--store DIR`",
        );
        return Status::Use;
    };
    let history = Store::peek(&folder).and_then(|store| match store {
        Some(store) => store.history().map(Some),
        None => Ok(None),
    });
    let history = match history {
        Ok(Some(history)) => history,
        Ok(None) => {
            tell(format_args!(
                "error: there is no store at `{}`",
                folder.display()
            ));
            return Status::Use;
        }
        Err(error) => {
            tell(format_args!("error: {error}"));
            return Status::of(&error);
        }
    };
    let shown = options.last.unwrap_or(SHOWN);
    let skipped = history.runs.len().saturating_sub(shown);
    let runs = history.runs.iter().skip(skipped);
    if options.json {
        runs.for_each(|run| say_json(as_json(run)));
    } else if history.runs.is_empty() {
        tell("nothing has run with this store yet");
    } else {
        if skipped > 0 {
            tell(format_args!(
                "{} before these; `--last N` shows more",
                counted(skipped, "run")
            ));
        }
        runs.for_each(|run| say(as_text(run, options.jobs)));
    }
    let damaged = |run: &&RunRecord| matches!(run.state, RunState::Damaged(_));
    if history.runs.iter().any(|run| damaged(&run)) {
        return Status::Damaged;
    }
    Status::Ok
}

fn as_text(run: &RunRecord, all: bool) -> String {
    let begun = run.begun().map_or_else(|| run.name.clone(), heading);
    let mut text = format!("{begun}  {}", counts(run));
    text += &match &run.state {
        RunState::Whole => String::new(),
        RunState::UnderWay => "  under way".to_owned(),
        RunState::BrokenOff => "  broken off before its end".to_owned(),
        RunState::Damaged(problem) => format!("  DAMAGED: {problem}"),
    };
    if all {
        for entry in &run.entries {
            if let Some(line) = job_line(entry) {
                text += &format!("\n    {line}");
            }
        }
    }
    text
}

fn heading(begun: &Begun) -> String {
    let Begun {
        command,
        study,
        only,
        host,
        at,
        ..
    } = begun;
    let only: String = only.iter().map(|one| format!(" --only '{one}'")).collect();
    format!("{}  {host}  {command} {study}{only}", moment(*at))
}

/// How many jobs came to which end, and what the work took.
fn counts(run: &RunRecord) -> String {
    let (mut seconds, mut ends) = (0.0, [0_usize; 6]);
    for entry in &run.entries {
        if let Entry::Job { ended, took, .. } = entry {
            seconds += took.map_or(0.0, |took| took.seconds);
            ends[place(ended)] += 1;
        }
    }
    let words = ["done", "reused", "found", "adopted", "failed", "stopped"];
    let told = words.iter().zip(ends).filter(|(_, count)| *count > 0);
    let mut told: Vec<String> = told
        .map(|(word, count)| format!("{count} {word}"))
        .collect();
    if seconds > 0.0 {
        told.push(format!("{} of work", lasting(seconds)));
    }
    if told.is_empty() {
        told.push("nothing done".to_owned());
    }
    told.join(", ")
}

fn place(ended: &Ended) -> usize {
    match ended {
        Ended::Done => 0,
        Ended::Reused(_) => 1,
        Ended::Found => 2,
        Ended::Adopted => 3,
        Ended::Failed(_) => 4,
        Ended::Stopped => 5,
    }
}

fn job_line(entry: &Entry) -> Option<String> {
    let Entry::Job {
        key,
        labels,
        ended,
        took,
        ..
    } = entry
    else {
        return None;
    };
    let name = labels.first().map_or("", String::as_str);
    let end = match ended {
        Ended::Done => "done".to_owned(),
        Ended::Reused(from) => format!("reused from {}", from.short()),
        Ended::Found => "found".to_owned(),
        Ended::Adopted => "adopted".to_owned(),
        Ended::Failed(why) => format!("FAILED: {why}"),
        Ended::Stopped => "stopped".to_owned(),
    };
    let took = took.map_or_else(String::new, |took| {
        let filing =
            took.filing
                .filter(|_| took.seconds >= 1.0)
                .map_or_else(String::new, |filing| {
                    let share = 100.0 * filing / took.seconds.max(1e-9);
                    format!(", {share:.0} % of it writing checkpoints")
                });
        format!(" in {}{filing}", lasting(took.seconds))
    });
    Some(format!("{}  {name}  {end}{took}", key.short()))
}

fn as_json(run: &RunRecord) -> Value {
    let (state, problem) = match &run.state {
        RunState::Whole => ("whole", None),
        RunState::UnderWay => ("under_way", None),
        RunState::BrokenOff => ("broken_off", None),
        RunState::Damaged(problem) => ("damaged", Some(problem)),
    };
    json!({
        "schema": 1,
        "run": run.name,
        "state": state,
        "problem": problem,
        "entries": run.entries,
    })
}
