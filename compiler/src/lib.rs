//! From the text of a study to a plan of jobs.
//!
//! Pure: no file, clock, environment, randomness, hash order or float. What the compiler knows of
//! the outside comes through [`Library`].
#![deny(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::indexing_slicing,
    clippy::panic
)]
#![deny(clippy::float_arithmetic)]
#![cfg_attr(test, allow(clippy::unwrap_used, clippy::expect_used, clippy::panic))]

mod confounds;
mod eval;
mod expand;
pub mod explain;
mod library;
mod limits;
mod modules;
mod nearest;
pub mod plan;
mod published;
pub mod schema;
mod value;

use std::collections::BTreeMap;

use vpc_grammar::{Problems, Severity, Sources};

use eval::Evaluator;
use expand::{Expander, Results};
use modules::{Loader, ModuleId};

pub use library::{FileFacts, FileFault, Library};
pub use nearest::nearest;
pub use vpc_grammar as grammar;

/// A study, compiled as far as its mistakes allow.
#[derive(Debug, Default)]
pub struct Compiled {
    /// The texts read, for rendering problems.
    pub sources: Sources,
    /// Errors and warnings, in the order of the text.
    pub problems: Problems,
    /// The plan, when there are no errors.
    pub plan: Option<plan::Plan>,
}

/// Compiles the study in a file; `Err` when the file itself cannot be read.
pub fn compile(path: &str, library: &dyn Library) -> Result<Compiled, FileFault> {
    compile_for_build(path, library, None)
}

/// Compiles a study; every key is bound to a build of the program, where one is given.
///
/// What another build computed is then no result of this study: for those who trust no promise
/// that builds agree.
pub fn compile_for_build(
    path: &str,
    library: &dyn Library,
    build: Option<&str>,
) -> Result<Compiled, FileFault> {
    let mut loader = Loader::new(library);
    let main = loader.main(path)?;
    let Loader {
        sources,
        problems,
        modules,
        ..
    } = loader;
    let evaluator = Evaluator::new(library, &sources, &modules, problems);
    let expanded = expand(&evaluator, main, build);
    let mut problems = evaluator.into_problems();
    problems.sort_by_key(|problem| (problem.at.span.source, problem.at.span.start));
    problems.truncate(limits::PROBLEMS);
    let sound = problems
        .iter()
        .all(|problem| problem.severity != Severity::Error);
    let plan = sound.then(|| plan::Plan {
        schema: plan::SCHEMA,
        study: stem(path),
        build: build.map(str::to_owned),
        jobs: expanded.jobs,
        supply: expanded.supply,
        experiments: expanded.experiments,
        reports: expanded.reports,
        comparisons: expanded.comparisons,
    });
    Ok(Compiled {
        sources,
        problems,
        plan,
    })
}

/// What the experiments of a study come to.
struct Whole {
    experiments: Vec<plan::Experiment>,
    reports: Vec<plan::Report>,
    comparisons: Vec<plan::Comparison>,
    jobs: Vec<plan::Job>,
    supply: BTreeMap<plan::Key, plan::Supply>,
}

fn expand(evaluator: &Evaluator<'_>, main: ModuleId, build: Option<&str>) -> Whole {
    let mut expander = Expander::new(evaluator, main, build);
    let module = evaluator.module(main);
    let names = module
        .map(|module| module.experiments.as_slice())
        .unwrap_or_default();
    let expanded = names
        .iter()
        .filter_map(|name| expander.experiment(name))
        .collect();
    let (experiments, reports, design) = Results::read(evaluator, main, expanded);
    // What no experiment uses is checked too.
    for (name, declared) in module.into_iter().flat_map(|module| &module.declared) {
        if !names.contains(name) {
            evaluator.declared(main, name, declared.name().span);
        }
    }
    // What is compared is worth a look where all of it is there.
    let comparisons = if evaluator.is_sound() {
        let (jobs, supply) = expander.made();
        design.comparisons(evaluator, &experiments, jobs, supply)
    } else {
        Vec::new()
    };
    let (jobs, supply) = expander.finish();
    Whole {
        experiments,
        reports,
        comparisons,
        jobs,
        supply,
    }
}

/// The file's name without folder and ending.
fn stem(path: &str) -> String {
    let name = path.rsplit('/').next().unwrap_or(path);
    name.strip_suffix(".vp").unwrap_or(name).to_owned()
}
