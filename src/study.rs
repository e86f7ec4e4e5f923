//! Compiling a study and telling its problems.

use std::borrow::Cow;
use std::collections::{BTreeMap, BTreeSet};
use std::path::{Path, PathBuf};

use serde_json::json;
use vpc_compiler::grammar::{Colour, Problem, Severity, Sources, render};
use vpc_compiler::plan::{Key, Plan, Selection};
use vpc_compiler::{FileFault, compile_for_build};
use vpc_store::{Digests, Store};

use crate::build;
use crate::command::{Format, KeptOptions, StudyOptions};
use crate::exit::Status;
use crate::library::Files;
use crate::locked::Locked;
use crate::output::{colour, counted, say_json, tell, tell_rendered};
use crate::saved;

/// A study as it is planned, with what was learned of its data on the way.
pub(crate) struct Planned {
    /// The whole study.
    pub(crate) plan: Plan,
    /// Its texts, for problems that are found later.
    pub(crate) sources: Sources,
    /// Its store.
    pub(crate) folder: PathBuf,
    /// What its lock file says.
    pub(crate) locked: Locked,
    /// What is to be remembered of its data files.
    pub(crate) digests: Digests,
    /// The `.vp` files that were read, by path.
    pub(crate) texts: BTreeMap<String, Vec<u8>>,
    /// What a saved plan says is to be done, where it is one.
    pub(crate) announced: Option<BTreeSet<Key>>,
}

/// Compiles a study for a look at its store, and tells its problems and how its data drifted.
pub(crate) fn planned(options: &StudyOptions, kept: &KeptOptions) -> Result<Planned, Status> {
    let folder = store_folder(&options.file, kept.store.as_ref());
    // Where it cannot say, data files are read: whoever uses the store afterwards says what is wrong
    // with it.
    let store = Store::peek(&folder).ok().flatten();
    let files = Files::new(store, kept.rehash, locked(&options.file)?);
    let build = kept.strict_build.then(build::name);
    let (plan, sources) = compiled_with(options, &files, build)?;
    Ok(Planned {
        plan,
        sources,
        folder,
        locked: files.locked().clone(),
        texts: files.texts(),
        announced: None,
        digests: files.into_digests(),
    })
}

/// What the lock file beside a study says of it; of a study that is not there the compiler tells.
pub(crate) fn locked(study: &Path) -> Result<Locked, Status> {
    if !study.is_file() {
        return Ok(Locked::default());
    }
    Locked::of(study).map_err(|problem| {
        tell(format_args!("error: {problem}"));
        Status::Problems
    })
}

/// Compiles a study and tells its problems; the plan when there are no errors.
pub(crate) fn compiled(options: &StudyOptions) -> Result<Plan, Status> {
    compiled_with(options, &Files::default(), None).map(|compiled| compiled.0)
}

/// The same with the texts, from files that remember what was read, bound to a build where one is given.
pub(crate) fn compiled_with(
    options: &StudyOptions,
    files: &Files,
    build: Option<&str>,
) -> Result<(Plan, Sources), Status> {
    let Some(path) = options.file.to_str() else {
        tell("error: the path of the study is not UTF-8");
        return Err(Status::Use);
    };
    if saved::is_saved(&options.file) {
        tell(format_args!(
            "error: `{path}` is no study; a saved plan is run with `vpc run {path}`"
        ));
        return Err(Status::Use);
    }
    let compiled = compile_for_build(path, files, build).map_err(|fault| {
        tell(format_args!("error: {}", no_study(path, &fault)));
        Status::Use
    })?;
    for problem in &compiled.problems {
        tell_problem(problem, &compiled.sources, options.format);
    }
    let errors = compiled
        .problems
        .iter()
        .filter(|problem| problem.severity == Severity::Error)
        .count();
    if errors > 0 && options.format != Format::Json {
        tell(format_args!(
            "{path}: {}; nothing was planned",
            counted(errors, "error")
        ));
    }
    let plan = compiled.plan.ok_or(Status::Problems)?;
    Ok((plan, compiled.sources))
}

/// The part of a plan that was asked for; a selection that fits nothing is told.
pub(crate) fn selected<'p>(plan: &'p Plan, only: &[Selection]) -> Result<Cow<'p, Plan>, Status> {
    if only.is_empty() {
        return Ok(Cow::Borrowed(plan));
    }
    plan.only(only).map(Cow::Owned).map_err(|missing| {
        tell(format_args!("error: {missing}"));
        tell(format_args!("help: {}", missing.help));
        Status::Use
    })
}

/// Tells a problem as the options ask for it.
pub(crate) fn tell_problem(problem: &Problem, sources: &Sources, format: Format) {
    let place = sources.place(problem.at.span);
    let severity = match problem.severity {
        Severity::Error => "error",
        Severity::Warning => "warning",
    };
    match format {
        Format::Human => {
            let colour = if colour() {
                Colour::Always
            } else {
                Colour::Never
            };
            tell_rendered(&format!("{}\n", render(problem, sources, colour)));
        }
        Format::Short => {
            let (code, message) = (problem.code.0, &problem.message);
            tell(format_args!("{place}: {severity}[{code}]: {message}"));
        }
        Format::Json => say_json(as_json(problem, sources, severity)),
    }
}

/// One problem as a line of JSON: data, so it goes to standard output.
fn as_json(problem: &Problem, sources: &Sources, severity: &str) -> serde_json::Value {
    let source = sources.get(problem.at.span.source);
    let position = |offset| source.map(|source| source.position(offset));
    let start = position(problem.at.span.start);
    let end = position(problem.at.span.end);
    json!({
        "schema": 1,
        "code": problem.code.0,
        "severity": severity,
        "message": problem.message,
        "label": problem.at.text,
        "help": problem.help,
        "path": source.map(|source| source.path.as_str()),
        "start": start.map(|at| json!({ "line": at.line, "column": at.column })),
        "end": end.map(|at| json!({ "line": at.line, "column": at.column })),
        "fix": problem.fix.as_ref().map(|fix| json!({ "text": fix.text })),
    })
}

fn no_study(path: &str, fault: &FileFault) -> String {
    match fault {
        FileFault::Missing => format!("there is no study `{path}`; check the spelling of the path"),
        FileFault::NoFolder => format!("`{path}` is no folder"),
        FileFault::Folder => format!("`{path}` is a folder; name a `.vp` file in it"),
        FileFault::NotUtf8(at) => {
            format!("`{path}` is not UTF-8 (byte {at} starts no character); save it as UTF-8")
        }
        FileFault::Refused(why) => format!("`{path}` cannot be read: {why}"),
    }
}

/// The store of a study: as told, or `.vp` beside it.
pub(crate) fn store_folder(study: &Path, told: Option<&PathBuf>) -> PathBuf {
    told.cloned().unwrap_or_else(|| study.with_file_name(".vp"))
}
