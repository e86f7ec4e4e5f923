//! Budgets: experiments that would take more device time than they may.

use vpc_compiler::grammar::{Code, Problem, Source, Sources, Span};
use vpc_compiler::plan::{Budget, Experiment, KeyMap, Plan, Selection};
use vpc_cost::{DEFAULT, Facts, Pieces, Pool, device_seconds};
use vpc_engine::Survey;

use super::{facts, hours};
use crate::command::Format;
use crate::output::tell;
use crate::show::stem;
use crate::study::{Planned, tell_problem};

/// Jobs that are named in a message.
const NAMED: usize = 3;

/// An experiment that would take more than it may.
#[derive(Debug)]
struct Excess<'p> {
    experiment: &'p Experiment,
    budget: &'p Budget,
    pool: Pool,
    /// Device time of all its jobs to do, in seconds.
    seconds: f64,
    /// The blocks whose jobs take most of it, with how many jobs and seconds.
    largest: Vec<(String, usize, f64)>,
}

/// Tells which experiments of a plan would take more than their budgets; returns whether any would.
///
/// It is counted on a device of the pool, or on the default device. What is finished does not count,
/// nor what is not needed.
pub(crate) fn is_over_budget(
    plan: &Plan,
    survey: &Survey,
    pool: Option<Pool>,
    planned: &Planned,
    format: Format,
) -> bool {
    let excess = over_budget(plan, survey, pool);
    for one in &excess {
        match span(&one.budget.place, &planned.sources) {
            Some(span) => tell_problem(&one.problem(span), &planned.sources, format),
            // A saved plan comes without its texts.
            None => tell(format_args!(
                "error: {}: {}",
                one.budget.place,
                one.message()
            )),
        }
    }
    !excess.is_empty()
}

fn over_budget<'p>(plan: &'p Plan, survey: &Survey, pool: Option<Pool>) -> Vec<Excess<'p>> {
    let budgets = plan.experiments.iter();
    let mut budgets = budgets
        .filter_map(|one| Some((one, one.budget.as_ref()?)))
        .peekable();
    if budgets.peek().is_none() {
        return Vec::new();
    }
    let pool = pool.unwrap_or(Pool::of(1, *DEFAULT));
    let known = facts(plan, survey);
    let jobs = plan.jobs.iter().map(|job| job.key);
    let from: KeyMap<Option<u64>> = jobs.zip(known.from.iter().copied()).collect();
    let mut facts = known;
    let mut excess = Vec::new();
    for (experiment, budget) in budgets {
        let Some(part) = part(plan, experiment) else {
            continue;
        };
        let jobs = part.jobs.iter();
        facts.from = jobs
            .map(|job| from.get(job.key).copied().flatten())
            .collect();
        let found = Excess::new(experiment, budget, pool, &part, &facts);
        excess.extend(found.filter(|found| found.seconds > 3600.0 * budget.hours.to_f64()));
    }
    excess
}

/// The part of a plan that one experiment needs.
fn part(plan: &Plan, experiment: &Experiment) -> Option<Plan> {
    let selection: Selection = experiment.name.parse().ok()?;
    plan.only(&[selection]).ok()
}

impl<'p> Excess<'p> {
    fn new(
        experiment: &'p Experiment,
        budget: &'p Budget,
        pool: Pool,
        part: &Plan,
        facts: &Facts,
    ) -> Option<Self> {
        let jobs = device_seconds(&Pieces::of(part, facts), &pool.device);
        let mut largest: Vec<(String, usize, f64)> = Vec::new();
        for (at, seconds) in &jobs {
            let name = stem(part.jobs.get(*at)?.name());
            match largest.iter_mut().find(|known| known.0 == name) {
                Some(known) => (known.1, known.2) = (known.1 + 1, known.2 + seconds),
                None => largest.push((name.to_owned(), 1, *seconds)),
            }
        }
        largest.sort_by(|a, b| b.2.total_cmp(&a.2));
        largest.truncate(NAMED);
        Some(Self {
            experiment,
            budget,
            pool,
            seconds: jobs.iter().map(|job| job.1).sum(),
            largest,
        })
    }

    fn message(&self) -> String {
        format!(
            "`{}` would take {} GPUh, and its budget is {}",
            self.experiment.name,
            hours(self.seconds),
            hours(3600.0 * self.budget.hours.to_f64()),
        )
    }

    /// The problem, at the value of the field.
    fn problem(&self, span: Span) -> Problem {
        let largest = self.largest.iter().map(|(name, jobs, seconds)| {
            let times = if *jobs == 1 {
                String::new()
            } else {
                format!("{jobs} × ")
            };
            format!("{times}{name} {}", hours(*seconds))
        });
        let label = format!("most of it: {}", largest.collect::<Vec<_>>().join(", "));
        let help = format!(
            "counted on {}; lower tokens, seeds or scales, or raise the budget",
            self.pool.assumption()
        );
        Problem::error(Code("V0701"), span, self.message())
            .label(label)
            .help(help)
    }
}

/// The value of a field that begins at a place `path:line:column`: to the end of its line, or to
/// what parts it from the next.
fn span(place: &str, sources: &Sources) -> Option<Span> {
    let mut found = sources
        .iter()
        .filter_map(|source| Some((source, offset(place, source)?)));
    let (source, start) = found.next()?;
    let rest = source.text.get(start..).unwrap_or_default();
    let end = rest.find(['\n', ',', '}', '#', ';']).unwrap_or(rest.len());
    let value = rest.get(..end).unwrap_or_default().trim_end();
    Some(Span::new(source.id, start, start + value.len()))
}

/// The offset that a place names in a source.
fn offset(place: &str, source: &Source) -> Option<usize> {
    let (line, column) = place
        .strip_prefix(&source.path)?
        .strip_prefix(':')?
        .split_once(':')?;
    let (line, column): (usize, usize) = (line.parse().ok()?, column.parse().ok()?);
    let mut lines = source.text.split_inclusive('\n');
    let before: usize = lines
        .by_ref()
        .take(line.checked_sub(1)?)
        .map(str::len)
        .sum();
    let mut characters = lines.next()?.char_indices();
    let (within, _) = characters.nth(column.checked_sub(1)?)?;
    Some(before + within)
}
