//! Questions to a model elsewhere: several under way at a time, and each answer kept, since it is paid for.

use std::cell::Cell;
use std::collections::BTreeMap;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::sync::mpsc::{Receiver, Sender, channel};
use std::thread::{self, Builder, Scope};
use std::time::{Duration, Instant};

use serde::{Deserialize, Serialize};
use serde_json::{Value, json};
use vpc_endpoint::{Client, EndpointError, Finish, Reply, Request};
use vpc_measure::record::Usage;

use super::Bench;
use super::pace::Pace;
use super::record::write_lines;
use crate::elsewhere::key;
use crate::error::JobError;
use crate::event::Event;

/// The file of what was answered so far.
const TOLD: &str = "told.jsonl";
/// The time between two filings of answers, where none was asked for: a process that is killed loses no more.
const FILE_EVERY: Duration = Duration::from_secs(10);
/// Of the time of a job, at most one part in so many goes into filing on the way.
const PARTS: u32 = 20;

/// What was answered to a question.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub(super) struct Told {
    /// The question's place.
    at: usize,
    /// The digest of what was asked: an answer to something else is not taken up again.
    asked: String,
    /// The last text that the model wrote.
    pub(super) text: String,
    /// Why it ended.
    pub(super) finish: Finish,
    #[serde(flatten)]
    pub(super) usage: Usage,
}

/// All answers, in the order of the questions.
pub(super) struct Heard {
    pub(super) told: Vec<Told>,
    /// Seconds spent on them before.
    pub(super) spent: f64,
}

/// Puts one question, in as many requests as it takes.
pub(super) struct Asker<'a> {
    client: &'a Client,
    stop: &'a dyn Fn() -> bool,
    usage: Cell<Usage>,
}

/// What puts the question at a place.
pub(super) type Ask<'a> = dyn Fn(usize, &Asker<'_>) -> Result<Reply, JobError> + Sync + 'a;

impl Asker<'_> {
    /// Sends a request; `id` names the question in messages.
    pub(super) fn ask(&self, request: &Request, id: &str) -> Result<Reply, JobError> {
        let answered = self.client.ask(request, &key, self.stop);
        let answered = answered.map_err(|source| match source {
            EndpointError::Stopped => JobError::Stopped,
            source => JobError::Endpoint {
                model: request.model.clone(),
                id: id.to_owned(),
                source,
            },
        })?;
        let mut usage = self.usage.get();
        usage.add(Usage {
            prompt_tokens: answered.reply.prompt_tokens,
            completion_tokens: answered.reply.completion_tokens,
            requests: answered.requests.into(),
        });
        self.usage.set(usage);
        Ok(answered.reply)
    }
}

impl Heard {
    /// What all of it took, and what it cost where prices were given, in their currency.
    pub(super) fn usage(&self, bench: &Bench<'_>) -> Result<Value, JobError> {
        let mut all = Usage::default();
        self.told.iter().for_each(|told| all.add(told.usage));
        let mut usage = serde_json::to_value(all)?;
        let prices = bench.elsewhere.client()?.settings().prices;
        if let (Some(prices), Some(fields)) = (prices, usage.as_object_mut()) {
            let cost = prices.cost(all.prompt_tokens, all.completion_tokens);
            fields.insert("cost".to_owned(), cost.into());
        }
        Ok(usage)
    }
}

/// Puts questions that are told apart by digests of what is asked, and returns what was answered.
///
/// Answers that an earlier run was given are taken up again. A stop, and an answer that does not come,
/// wait for what is under way and file all that came.
pub(super) fn ask_all(
    bench: &Bench<'_>,
    digests: &[String],
    ask: &Ask<'_>,
) -> Result<Heard, JobError> {
    let (told, spent) = resume(bench, digests)?;
    if !told.is_empty() {
        let event = Event::Resumed(bench.job, told.len() as u64);
        bench.observer.event(event);
    }
    let mut round = Round {
        bench,
        all: digests.len(),
        filed: told.len(),
        told,
        spent,
        began: Instant::now(),
        pace: pace(bench, Duration::ZERO),
        failed: None,
    };
    let left: Vec<usize> = (0..digests.len())
        .filter(|at| !round.told.contains_key(at))
        .collect();
    let crew = Crew {
        client: bench.elsewhere.client()?,
        digests,
        left,
        next: AtomicUsize::new(0),
        halt: AtomicBool::new(false),
        ask,
        bench,
    };
    thread::scope(|scope| {
        let (send, receive) = channel();
        if let Err(error) = crew.start(scope, &send) {
            crew.halt.store(true, Ordering::SeqCst);
            round.failed = Some(error);
        }
        drop(send);
        round.hear(&receive, &crew.halt);
    });
    round.end()
}

/// The threads that ask.
struct Crew<'c> {
    client: &'c Client,
    digests: &'c [String],
    /// Places of the questions to put.
    left: Vec<usize>,
    /// The next of them.
    next: AtomicUsize,
    /// Whether no more is to be asked.
    halt: AtomicBool,
    ask: &'c Ask<'c>,
    bench: &'c Bench<'c>,
}

impl Crew<'_> {
    fn start<'s>(
        &'s self,
        scope: &'s Scope<'s, '_>,
        send: &Sender<Result<Told, JobError>>,
    ) -> Result<(), JobError> {
        let threads = self.client.settings().in_flight.min(self.left.len());
        for _ in 0..threads {
            let send = send.clone();
            let started = Builder::new().spawn_scoped(scope, move || self.work(&send));
            started.map_err(JobError::Worker)?;
        }
        Ok(())
    }

    fn work(&self, send: &Sender<Result<Told, JobError>>) {
        let stop = || self.bench.stop.asked() || self.halt.load(Ordering::SeqCst);
        while !stop()
            && let Some(&at) = self.left.get(self.next.fetch_add(1, Ordering::Relaxed))
        {
            let told = self.put(at, &stop);
            if told.is_err() {
                self.halt.store(true, Ordering::SeqCst);
            }
            // The receiver hears until the last sender is gone.
            _ = send.send(told);
        }
    }

    fn put(&self, at: usize, stop: &dyn Fn() -> bool) -> Result<Told, JobError> {
        let asker = Asker {
            client: self.client,
            stop,
            usage: Cell::default(),
        };
        let reply = (self.ask)(at, &asker)?;
        Ok(Told {
            at,
            asked: self.digests.get(at).cloned().unwrap_or_default(),
            text: reply.text,
            finish: reply.finish,
            usage: asker.usage.get(),
        })
    }
}

/// What was heard so far.
struct Round<'r> {
    bench: &'r Bench<'r>,
    /// Questions in all.
    all: usize,
    told: BTreeMap<usize, Told>,
    /// How many answers are filed.
    filed: usize,
    spent: f64,
    began: Instant,
    pace: Pace,
    failed: Option<JobError>,
}

impl Round<'_> {
    fn hear(&mut self, receive: &Receiver<Result<Told, JobError>>, halt: &AtomicBool) {
        for told in receive {
            let heard = match told {
                Ok(told) => {
                    self.told.insert(told.at, told);
                    let (done, all) = (self.told.len(), self.all);
                    self.bench.tell_done("questions", done, all);
                    let is_due = self.pace.is_due() && done < all;
                    if is_due { self.file() } else { Ok(()) }
                }
                Err(error) => Err(error),
            };
            if let Err(error) = heard {
                halt.store(true, Ordering::SeqCst);
                // That others were stopped for it is no news.
                if self.failed.is_none() || matches!(self.failed, Some(JobError::Stopped)) {
                    self.failed = Some(error);
                }
            }
        }
    }

    fn end(mut self) -> Result<Heard, JobError> {
        if self.told.len() == self.all {
            return Ok(Heard {
                told: self.told.into_values().collect(),
                spent: self.spent,
            });
        }
        let filed = self.file();
        let failed = self.failed.take();
        match failed {
            Some(error) if !matches!(error, JobError::Stopped) => Err(error),
            _ => filed.and(Err(JobError::Stopped)),
        }
    }

    /// Files what was answered so far in place of what was filed before.
    fn file(&mut self) -> Result<(), JobError> {
        if self.told.len() == self.filed {
            return Ok(());
        }
        let begun = Instant::now();
        let (store, key) = (self.bench.store, self.bench.job.key);
        let step = self.told.len() as u64;
        let mut attempt = store.attempt(key)?;
        let lines: Vec<&Told> = self.told.values().collect();
        write_lines(&mut attempt, TOLD, &lines)?;
        let seconds = self.spent + self.began.elapsed().as_secs_f64();
        let draft = self.bench.draft_of(json!({ "step": step }), seconds)?;
        attempt.publish_progress(step, draft)?;
        store.clear_progress(key, &[step])?;
        self.filed = self.told.len();
        self.pace = pace(self.bench, begun.elapsed());
        Ok(())
    }
}

/// When to file next, from what a filing took.
fn pace(bench: &Bench<'_>, took: Duration) -> Pace {
    let every = bench.options.checkpoint_every.unwrap_or(FILE_EVERY);
    Pace::new(Some(every.max(took * PARTS)), 0)
}

/// Takes up what an earlier run was told; damaged files are put aside by the store.
fn resume(bench: &Bench<'_>, digests: &[String]) -> Result<(BTreeMap<usize, Told>, f64), JobError> {
    while let Some(manifest) = bench.store.progress(bench.job.key)? {
        let read = manifest.file(TOLD).and_then(|file| bench.store.read(file));
        match read.map_err(JobError::from) {
            Ok(lines) => {
                let told = lines.split(|byte| *byte == b'\n');
                let told = told.filter_map(|line| serde_json::from_slice::<Told>(line).ok());
                let told = told.filter(|told| digests.get(told.at) == Some(&told.asked));
                let told = told.map(|told| (told.at, told)).collect();
                return Ok((told, manifest.seconds().unwrap_or_default()));
            }
            Err(error) if !error.is_damage() => return Err(error),
            Err(_) => bench
                .observer
                .event(Event::Note("damaged answers were put aside")),
        }
    }
    Ok((BTreeMap::new(), 0.0))
}
