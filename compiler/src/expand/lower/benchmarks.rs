//! Suites of benchmarks: a job for the answers to each benchmark, and one that adds them up.

use std::rc::Rc;
use std::sync::Arc;

use smallvec::SmallVec;

use super::measure::{Answerer, Manner};
use super::{Expander, Made, Shared, Spot};
use crate::plan::{AnswersTask, EvalTask, Format, Item, Key, Metric, Overall, Task, Work};
use crate::value::{Benchmark, Groups};

/// Addresses of a benchmark and of the model's shape, whether pictures are shown, and whether
/// explanations are asked for.
pub(super) type AnswersId = (usize, usize, bool, bool);

/// What a suite measures.
pub(super) struct Sheet {
    /// Its benchmarks, each once.
    asked: Vec<Rc<Benchmark>>,
    groups: Vec<Part>,
    overall: Option<Part>,
    /// Benchmarks that are not called like one of these.
    single: Vec<Part>,
}

/// One thing that a suite measures.
struct Part {
    name: Arc<str>,
    metric: Metric,
    /// Its benchmarks, by number among those asked.
    of: Vec<usize>,
}

impl Expander<'_, '_> {
    pub(super) fn benchmarks(
        &mut self,
        spot: &Spot<'_>,
        answerer: &Answerer<'_>,
        suite: &Rc<Groups>,
        manner: &Manner,
    ) -> Option<Made> {
        let sheet = self.shared.sheet(suite);
        let mut keys: SmallVec<[Key; 4]> = SmallVec::new();
        for benchmark in &sheet.asked {
            keys.push(self.answers(spot, answerer, benchmark, manner)?);
        }
        let mut scored: SmallVec<[Key; 1]> = keys.iter().copied().collect();
        scored.sort_unstable();
        scored.dedup();
        let work = self.shared.sum(&sheet, &keys, &scored, suite.overall);
        let inputs = scored.iter().map(|key| ("answers", *key));
        let inputs: SmallVec<[(&'static str, Key); 4]> = inputs.collect();
        let key = self.add(spot, Arc::clone(spot.label), work, &inputs);
        let item = |part: &Part, keys| Item {
            name: Arc::clone(&part.name),
            metric: part.metric,
            judged: manner.judge.is_some(),
            keys,
        };
        let own = |part: &Part| {
            let keys = part.of.iter().filter_map(|&at| keys.get(at).copied());
            item(part, keys.collect())
        };
        let count = sheet.groups.len() + sheet.single.len() + 1;
        let mut items = Vec::with_capacity(count);
        items.extend(sheet.groups.iter().map(own));
        items.extend(sheet.overall.iter().map(|part| item(part, scored.clone())));
        items.extend(sheet.single.iter().map(own));
        Some(Made::measure(key, items))
    }

    /// Adds the job in which a model answers a benchmark, and the one that judges its explanations.
    fn answers(
        &mut self,
        spot: &Spot<'_>,
        answerer: &Answerer<'_>,
        benchmark: &Rc<Benchmark>,
        manner: &Manner,
    ) -> Option<Key> {
        let written = !matches!(benchmark.format, Format::Likelihood | Format::Perplexity);
        let images = benchmark.images && manner.images;
        let explain = manner.explain && written;
        let name = &benchmark.name;
        let label = spot.part(name);
        let key = match answerer {
            Answerer::Base(base) if images && base.model.eyes.is_none() => {
                let message = format!(
                    "the benchmark `{name}` shows pictures, and the model of `{}` does not see",
                    base.job
                );
                return self.unfit(
                    manner.span,
                    &message,
                    "measure an `adapt` job, or withhold the pictures with `images: false`",
                );
            }
            Answerer::Endpoint(_) if !written => {
                let message = format!(
                    "an endpoint gives no likelihoods, and the benchmark `{name}` needs them"
                );
                return self.unfit(manner.span, &message, "leave the benchmark out");
            }
            Answerer::Base(base) => {
                let spec = &base.model.spec;
                let shape = Arc::as_ptr(spec).addr();
                let id = (Rc::as_ptr(benchmark).addr(), shape, images, explain);
                let known = self.shared.answers.entry(id).or_insert_with(|| {
                    let task = AnswersTask {
                        model: Some(Arc::clone(spec)),
                        ..asked(benchmark, images, explain)
                    };
                    (Rc::clone(benchmark), Task::Answers(Arc::new(task)).into())
                });
                let work = known.1.clone();
                let words = self.tokenizer(&base.model.tokenizer, manner.span)?;
                let mut inputs = vec![("model", base.key), ("tokenizer", words)];
                match base.model.eyes.as_ref().filter(|_| images) {
                    Some(eyes) if eyes.own => inputs.extend(self.pictures(&benchmark.dataset)),
                    Some(eyes) => {
                        let seen = self.features(&benchmark.dataset, eyes).into_iter();
                        inputs.extend(seen.map(|key| ("features", key)));
                    }
                    None => {}
                }
                inputs.extend(self.items_of(benchmark, images));
                self.add(spot, label, work, &inputs)
            }
            Answerer::Endpoint(model) => {
                let task = AnswersTask {
                    endpoint: Some(model.clone()),
                    ..asked(benchmark, images, explain)
                };
                let inputs: Vec<_> = self.items_of(benchmark, images).into_iter().collect();
                self.add(spot, label, Task::Answers(Arc::new(task)), &inputs)
            }
        };
        match &manner.judge {
            Some(judge) if explain => {
                let judge = judge.clone();
                let label = spot.part(&format!("{name}.judged"));
                Some(self.add(spot, label, Task::Judged { judge }, &[("answers", key)]))
            }
            _ => Some(key),
        }
    }
}

impl Expander<'_, '_> {
    /// The items of a benchmark, unless it is a file that is read as it stands.
    fn items_of(&mut self, benchmark: &Benchmark, images: bool) -> Option<(&'static str, Key)> {
        let is_read = !images && benchmark.is_plain;
        (!is_read).then(|| ("items", self.dataset(&benchmark.dataset)))
    }
}

/// A benchmark as it is put to nobody yet.
fn asked(benchmark: &Benchmark, images: bool, explain: bool) -> AnswersTask {
    AnswersTask {
        model: None,
        endpoint: None,
        data: benchmark.data.clone(),
        items: benchmark.items,
        format: benchmark.format,
        images,
        explain,
        whole: benchmark.whole,
        score: benchmark.score,
    }
}

impl Shared {
    /// Returns what a suite measures.
    fn sheet(&mut self, suite: &Rc<Groups>) -> Rc<Sheet> {
        if let Some((known, sheet)) = &self.sheet
            && Rc::ptr_eq(known, suite)
        {
            return Rc::clone(sheet);
        }
        let sheet = Rc::new(Sheet::new(suite, |word| self.word(word)));
        self.sheet = Some((Rc::clone(suite), Rc::clone(&sheet)));
        sheet
    }

    /// Returns the work of adding up the answers to a suite.
    fn sum(&mut self, sheet: &Sheet, keys: &[Key], scored: &[Key], overall: Overall) -> Work {
        let number = |at: &usize| {
            let at = scored.binary_search(keys.get(*at)?);
            at.ok().map(|at| at as u64)
        };
        let groups = sheet.groups.iter().map(|group| {
            let mut members: Vec<u64> = group.of.iter().filter_map(number).collect();
            members.sort_unstable();
            members
        });
        let mut groups: Vec<Vec<u64>> = groups.collect();
        groups.sort_unstable();
        if let Some((known, how, work)) = &self.sum
            && *known == groups
            && *how == overall
        {
            return work.clone();
        }
        let work = Work::from(Task::Eval(EvalTask::Benchmarks {
            groups: groups.as_slice().into(),
            overall,
        }));
        self.sum = Some((groups, overall, work.clone()));
        work
    }
}

impl Sheet {
    fn new(suite: &Groups, mut word: impl FnMut(&str) -> Arc<str>) -> Self {
        let mut asked: Vec<Rc<Benchmark>> = Vec::new();
        let mut groups = Vec::new();
        for (name, members) in &suite.members {
            let of = members.iter().map(|member| {
                let known = asked.iter().position(|known| Rc::ptr_eq(known, member));
                known.unwrap_or_else(|| {
                    asked.push(Rc::clone(member));
                    asked.len() - 1
                })
            });
            let of = of.collect();
            let first = members.first();
            groups.push(Part {
                name: word(name),
                metric: first.map_or(Metric::Score, |first| first.metric()),
                of,
            });
        }
        let overall = (suite.overall != Overall::None).then(|| Part {
            name: word("overall"),
            metric: groups.first().map_or(Metric::Score, |group| group.metric),
            of: Vec::new(),
        });
        let mut single: Vec<Part> = Vec::new();
        for (at, benchmark) in asked.iter().enumerate() {
            let mut taken = groups.iter().chain(&overall).chain(&single);
            if taken.all(|part| *part.name != *benchmark.name) {
                single.push(Part {
                    name: word(&benchmark.name),
                    metric: benchmark.metric(),
                    of: vec![at],
                });
            }
        }
        Self {
            asked,
            groups,
            overall,
            single,
        }
    }
}
