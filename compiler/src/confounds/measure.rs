//! What a run is measured with: questions, how they are asked, who judges.

use std::sync::Arc;

use smallvec::SmallVec;

use super::runs::{Model, Runs, get, set};
use super::text::name;
use super::values::{Id, Row, Values, shortened};
use crate::plan::{AlignTask, AnswersTask, EvalTask, Format, Job, Jobs, Key, Overall, Task, short};
use crate::plan::{Item, Run};
use crate::schema::Trait;

/// What a comparison reads of an evaluation.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub(super) struct Reading {
    /// The evaluation.
    pub(super) job: String,
    /// Items; `None` for the mean over all held-out text.
    pub(super) items: Vec<Option<String>>,
    /// Whether perplexities are among the numbers.
    pub(super) perplexity: bool,
}

/// How answers come about, apart from the model.
struct Asked<'j> {
    task: &'j AnswersTask,
    judge: Option<&'j str>,
    answers: &'j Job,
}

impl Asked<'_> {
    /// The benchmark's name, out of `experiment/eval.benchmark[axis=value]`. Read where it is shown:
    /// a look at each label would cost as much as everything else here.
    fn name(&self) -> &str {
        let label = self.answers.name();
        let label = label.split_once('[').map_or(label, |parts| parts.0);
        label.rsplit_once('.').map_or(label, |parts| parts.1)
    }

    /// Where the work lies, which equal questions to models of one shape share.
    fn address(&self) -> usize {
        std::ptr::from_ref(self.task).addr()
    }
}

impl<'j> Runs<'j> {
    /// Returns what is known of a run that is measured: its model, and the number of the row of how
    /// it is measured.
    pub(super) fn measured(&mut self, run: &Run, reading: &Reading) -> Option<(Model, u32)> {
        let (_, job) = self.jobs.find(run.key)?;
        match &job.task {
            Task::Eval(EvalTask::HeldOut { .. }) => {
                let model = self.model(job.inputs_as("model").next()?)?;
                let row = self.held_out(run, reading, model);
                Some((model, self.measure(row)))
            }
            Task::Eval(EvalTask::Benchmarks { groups, overall }) => {
                self.benchmarks(run, reading, (groups, *overall))
            }
            Task::AlignScore(task) => {
                let model = self.model(job.inputs_as("model").next()?)?;
                let row = self.alignment(job, task);
                Some((model, self.measure(row)))
            }
            Task::Corpus(_)
            | Task::Tokenizer(_)
            | Task::Tokens
            | Task::Pretrain(_)
            | Task::Checkpoint { .. }
            | Task::Dataset(_)
            | Task::Encoder(_)
            | Task::Features(_)
            | Task::Stage(_)
            | Task::Answers(_)
            | Task::Judged { .. } => None,
        }
    }

    fn held_out(&mut self, run: &Run, reading: &Reading, model: Model) -> Row {
        let mut texts: SmallVec<[u64; 8]> = SmallVec::new();
        for wanted in &reading.items {
            let own = |item: &&Item| wanted.as_deref().is_none_or(|name| name == &*item.name);
            for item in run.items.iter().filter(own) {
                let key = item.keys.first().copied();
                let corpus = key.and_then(|key| self.tokens(key));
                texts.extend(corpus.map(|corpus| corpus.0));
            }
            // Where one item ends, so that no two lists are one.
            texts.push(u64::MAX);
        }
        let jobs = self.jobs;
        let id = self.values.id(Trait::Questions, &texts, || {
            let names = texts.iter().filter(|at| **at != u64::MAX);
            let names: Vec<&str> = names.map(|at| name(jobs, *at)).collect();
            shortened(&names)
        });
        let mut row = [0; Trait::COUNT];
        set(&mut row, Trait::Questions, id);
        if reading.perplexity {
            self.perplexity(&mut row, model);
        }
        row
    }

    /// A perplexity means something only against the same text in the same tokens.
    fn perplexity(&mut self, row: &mut Row, model: Model) {
        let tokens = get(self.row(model.row), Trait::Tokenizer);
        let text = get(row, Trait::Questions);
        let shown = self.values.text(tokens).to_owned();
        let parts = [u64::from(tokens), u64::from(text)];
        let id = self.values.id(Trait::Measure, &parts, || {
            format!("perplexity in tokens of {shown}")
        });
        set(row, Trait::Measure, id);
    }

    fn benchmarks(
        &mut self,
        run: &Run,
        reading: &Reading,
        (groups, overall): (&[Vec<u64>], Overall),
    ) -> Option<(Model, u32)> {
        let jobs = self.jobs;
        let mut all: SmallVec<[Asked<'j>; 16]> = SmallVec::new();
        // Runs whose models have one shape share what they are asked.
        let mut read_from: SmallVec<[usize; 24]> = SmallVec::new();
        for wanted in &reading.items {
            let own = |item: &&Item| Some(&*item.name) == wanted.as_deref();
            let item = run.items.iter().find(own);
            let keys = item.map(|item| item.keys.as_slice()).unwrap_or_default();
            let from = all.len();
            all.extend(keys.iter().filter_map(|key| asked(jobs, *key)));
            // Some lists are in the order of keys, which depend on the model.
            if let Some(own) = all.get_mut(from..) {
                own.sort_by_key(Asked::address);
                read_from.extend(own.iter().map(Asked::address));
            }
            read_from.push(usize::MAX);
        }
        let first = all.first()?;
        let model = match first.answers.inputs_as("model").next() {
            Some(key) => self.model(key)?,
            None => self.endpoint(first.task.endpoint.as_deref().unwrap_or_default()),
        };
        let whole = reading.items.iter().flatten().any(|item| item == "overall");
        let mut sizes: SmallVec<[u64; 8]> = SmallVec::new();
        if whole {
            sizes.extend(groups.iter().map(|group| group.len() as u64));
            sizes.sort_unstable();
            sizes.push(overall as u64);
        }
        let tokens = get(self.row(model.row), Trait::Tokenizer);
        read_from.extend(usize::try_from(tokens));
        read_from.extend(sizes.iter().filter_map(|size| usize::try_from(*size).ok()));
        let judge = all.iter().find_map(|one| one.judge);
        if judge.is_none()
            && let Some(known) = self.asked.get(&read_from)
        {
            return Some((model, *known));
        }
        // Benchmarks in an order that does not depend on the model.
        let mut row = [0; Trait::COUNT];
        self.manner(&mut all, &sizes, &mut row);
        let counted = all.iter().any(|one| one.task.format == Format::Perplexity);
        if reading.perplexity || counted {
            self.perplexity(&mut row, model);
        }
        let measure = self.measure(row);
        if judge.is_none() {
            self.asked.insert(read_from, measure);
        }
        Some((model, measure))
    }

    /// Questions, format, pictures, explanations and judge of some answers.
    fn manner(&mut self, asked: &mut [Asked<'_>], sizes: &[u64], row: &mut Row) {
        let v = &mut self.values;
        asked.sort_by_cached_key(|one| (data(one.task, v), one.task.format as u64));
        let asked: &[Asked<'_>] = asked;
        let data: SmallVec<[Id; 16]> = asked.iter().map(|one| data(one.task, v)).collect();
        let parts: SmallVec<[u64; 16]> = data.iter().map(|id| u64::from(*id)).collect();
        let names = || shortened(&asked.iter().map(Asked::name).collect::<Vec<_>>());
        // One part more, to tell lists of texts from lists of benchmarks.
        let parts: SmallVec<[u64; 17]> = std::iter::once(u64::MAX - 1).chain(parts).collect();
        set(row, Trait::Questions, v.id(Trait::Questions, &parts, names));
        let formats = asked.iter().map(|one| one.task.format as u64);
        let parts: SmallVec<[u64; 24]> = formats.chain(sizes.iter().copied()).collect();
        let text = || {
            let words: Vec<&str> = asked.iter().map(|one| word(one.task.format)).collect();
            let mut words = words;
            words.dedup();
            shortened(&words)
        };
        set(row, Trait::Format, v.id(Trait::Format, &parts, text));
        let flags = |of: fn(&AnswersTask) -> bool| -> SmallVec<[u64; 16]> {
            asked.iter().map(|one| u64::from(of(one.task))).collect()
        };
        let said = |parts: &[u64], yes: &str, no: &str| {
            let all = parts.iter().all(|part| *part == 1);
            let none = parts.iter().all(|part| *part == 0);
            (if all {
                yes
            } else if none {
                no
            } else {
                "some"
            })
            .to_owned()
        };
        let shown = flags(|task| task.images);
        let id = v.id(Trait::Images, &shown, || said(&shown, "shown", "withheld"));
        set(row, Trait::Images, id);
        let explained = flags(|task| task.explain);
        let id = v.id(Trait::Explanations, &explained, || {
            said(&explained, "asked for", "none")
        });
        set(row, Trait::Explanations, id);
        let judge = asked.iter().find_map(|one| one.judge);
        let parts: SmallVec<[u64; 32]> = judge.unwrap_or_default().bytes().map(u64::from).collect();
        let text = || judge.unwrap_or("nobody").to_owned();
        set(row, Trait::Judge, v.id(Trait::Judge, &parts, text));
    }

    fn alignment(&mut self, job: &Job, task: &AlignTask) -> Row {
        let mut row = [0; Trait::COUNT];
        let items = job.inputs_as("items").filter_map(|key| self.jobs.find(key));
        let encoders = job
            .inputs_as("encoder")
            .filter_map(|key| self.jobs.find(key));
        let mut parts: SmallVec<[u64; 8]> = items.chain(encoders).map(|it| it.0 as u64).collect();
        parts.push(u64::MAX - 2);
        let jobs = self.jobs;
        let v = &mut self.values;
        let id = v.id(Trait::Questions, &parts, || {
            let names: Vec<&str> = parts.iter().map(|at| name(jobs, *at)).collect();
            shortened(names.split_last().map_or(&[], |split| split.1))
        });
        set(&mut row, Trait::Questions, id);
        let AlignTask {
            neighbours,
            pooling,
            layers,
            clamp,
        } = task;
        let (n, d) = clamp.parts();
        let parts = [*neighbours, *pooling as u64, *layers as u64, n, d];
        let text = || format!("{} neighbours", short(*neighbours));
        set(&mut row, Trait::Format, v.id(Trait::Format, &parts, text));
        row
    }
}

/// Returns how answers come about.
fn asked(jobs: &Jobs, key: Key) -> Option<Asked<'_>> {
    let (_, job) = jobs.find(key)?;
    let (answers, judge) = match &job.task {
        Task::Judged { judge } => {
            let (_, answers) = jobs.find(job.inputs_as("answers").next()?)?;
            (answers, Some(judge.as_str()))
        }
        _ => (job, None),
    };
    let Task::Answers(task) = &answers.task else {
        return None;
    };
    Some(Asked {
        task: Arc::as_ref(task),
        judge,
        answers,
    })
}

/// The number of a benchmark's data.
fn data(task: &AnswersTask, values: &mut Values) -> Id {
    // What the job's identity says of its questions.
    let record = task.data_record();
    let hash = record.key("questions", 1, None, &[]);
    let (chunks, _) = hash.bytes().as_chunks::<8>();
    let parts: SmallVec<[u64; 8]> = chunks
        .iter()
        .map(|chunk| u64::from_le_bytes(*chunk))
        .collect();
    values.id(Trait::Questions, &parts, String::new)
}

const fn word(format: Format) -> &'static str {
    match format {
        Format::Choice => "choice",
        Format::Likelihood => "likelihood",
        Format::YesNo => "yes or no",
        Format::ShortAnswer => "short answer",
        Format::Perplexity => "perplexity",
    }
}
