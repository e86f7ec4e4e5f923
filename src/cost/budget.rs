//! Budgets: experiments that would take more device time than they may.

use vpc_compiler::grammar::{Code, Problem, Source, Sources, Span};
use vpc_compiler::plan::{Budget, Experiment, KeyMap, Plan, Selection};
use vpc_cost::{DEFAULT, Facts, Pieces, Pool, device_seconds};
use vpc_engine::Survey;

use super::{facts, hours};
use crate::show::stem;

/// Jobs that are named in a message.
const NAMED: usize = 3;

/// An experiment that would take more than it may.
#[derive(Debug)]
pub(crate) struct Excess<'p> {
    experiment: &'p Experiment,
    budget: &'p Budget,
    pool: Pool,
    /// Device time of all its jobs to do, in seconds.
    seconds: f64,
    /// The blocks whose jobs take most of it, with how many jobs and seconds.
    largest: Vec<(String, usize, f64)>,
}

/// Finds the experiments of a plan that would take more than their budgets: counted on a device of
/// the pool, or on the default device. What is finished does not count, nor what is not needed.
pub(crate) fn over_budget<'p>(
    plan: &'p Plan,
    survey: &Survey,
    pool: Option<Pool>,
) -> Vec<Excess<'p>> {
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

    /// The problem, at the place of the field.
    pub(crate) fn problem(&self, sources: &Sources) -> Problem {
        let asked = 3600.0 * self.budget.hours.to_f64();
        let message = format!(
            "`{}` would take {} GPUh, and its budget is {}",
            self.experiment.name,
            hours(self.seconds),
            hours(asked),
        );
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
        Problem::error(Code("V0701"), span(&self.budget.place, sources), message)
            .label(label)
            .help(help)
    }
}

/// The value of a field that begins at a place `path:line:column`: to the end of its line, or to
/// what parts it from the next.
fn span(place: &str, sources: &Sources) -> Span {
    let found = sources
        .iter()
        .find_map(|source| Some((source, offset(place, source)?)));
    let Some((source, start)) = found else {
        return Span::new(vpc_compiler::grammar::SourceId(0), 0, 0);
    };
    let rest = source.text.get(start..).unwrap_or_default();
    let end = rest.find(['\n', ',', '}', '#', ';']).unwrap_or(rest.len());
    let value = rest.get(..end).unwrap_or_default().trim_end();
    Span::new(source.id, start, start + value.len())
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
