//! How a run goes: bars on a terminal, plain lines elsewhere.

use std::collections::BTreeMap;
use std::sync::{Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};

use indicatif::{MultiProgress, ProgressBar, ProgressStyle};
use vpc_compiler::plan::{Job, Key};
use vpc_engine::{Event, Observer, Progress};

use crate::output::{lasting, one_line, shown, tell};

/// How often a training job writes a plain line.
const LINE_EVERY: Duration = Duration::from_secs(10);

/// Tells only failures.
pub(crate) struct Quiet;

impl Observer for Quiet {
    fn event(&self, event: Event<'_>) {
        if let Some(line) = trouble(event) {
            tell(line);
        }
    }
}

/// Plain lines, for pipes and continuous integration.
#[derive(Default)]
pub(crate) struct Lines(Mutex<BTreeMap<Key, Instant>>);

impl Observer for Lines {
    fn event(&self, event: Event<'_>) {
        match event {
            Event::Started(job, threads) => {
                lock(&self.0).insert(job.key, Instant::now());
                tell(format_args!(
                    "start   {}{}",
                    one_line(job.name()),
                    on(threads)
                ));
            }
            Event::Progress(job, progress) => {
                let mut told = lock(&self.0);
                let last = told.entry(job.key).or_insert_with(Instant::now);
                if last.elapsed() >= LINE_EVERY {
                    *last = Instant::now();
                    tell(format_args!(
                        "        {}: {}",
                        one_line(job.name()),
                        steps(&progress)
                    ));
                }
            }
            Event::Finished(job, took) => {
                tell(format_args!(
                    "done    {} in {}",
                    one_line(job.name()),
                    seconds(took)
                ));
            }
            other => {
                if let Some(line) = trouble(other).or_else(|| remark(other)) {
                    tell(line);
                }
            }
        }
    }
}

/// One bar for the run and one for each job at work.
pub(crate) struct Bars {
    all: MultiProgress,
    total: ProgressBar,
    jobs: Mutex<BTreeMap<Key, ProgressBar>>,
}

impl Bars {
    pub(crate) fn new(to_do: usize) -> Self {
        let all = MultiProgress::new();
        let total = all.add(
            ProgressBar::new(to_do as u64)
                .with_style(style("{bar:24} {pos}/{len} jobs, {elapsed} so far")),
        );
        total.enable_steady_tick(Duration::from_millis(500));
        Self {
            all,
            total,
            jobs: Mutex::default(),
        }
    }

    fn started(&self, job: &Job) {
        let bar = ProgressBar::new(1)
            .with_style(style("  {msg}"))
            .with_message(one_line(job.name()).into_owned());
        let bar = self.all.insert_before(&self.total, bar);
        bar.tick();
        lock(&self.jobs).insert(job.key, bar);
    }

    fn progress(&self, job: &Job, progress: &Progress) {
        if let Some(bar) = lock(&self.jobs).get(&job.key) {
            if bar.length() != Some(progress.steps) {
                bar.set_length(progress.steps);
                bar.set_style(style("  {bar:22} {msg}"));
            }
            bar.set_position(progress.step);
            bar.set_message(format!("{}: {}", one_line(job.name()), steps(progress)));
        }
    }

    fn close(&self, job: &Job) {
        if let Some(bar) = lock(&self.jobs).remove(&job.key) {
            bar.finish_and_clear();
            self.all.remove(&bar);
        }
    }

    fn line(&self, line: &str) {
        // A line that cannot be drawn is lost; the work goes on.
        let _ = self.all.println(shown(line));
    }
}

impl Observer for Bars {
    fn event(&self, event: Event<'_>) {
        match event {
            Event::Started(job, _) => self.started(job),
            Event::Progress(job, progress) => self.progress(job, &progress),
            Event::Finished(job, took) => {
                self.close(job);
                self.total.inc(1);
                self.line(&format!(
                    "done    {} in {}",
                    one_line(job.name()),
                    seconds(took)
                ));
            }
            other => {
                if let Event::Failed(job, _) | Event::Damaged(job) = other {
                    self.close(job);
                }
                if let Event::Reused(_) = other {
                    self.total.inc(1);
                }
                if let Some(line) = trouble(other).or_else(|| remark(other)) {
                    self.line(&line);
                }
            }
        }
    }
}

impl Drop for Bars {
    fn drop(&mut self) {
        self.total.finish_and_clear();
    }
}

fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

fn style(template: &str) -> ProgressStyle {
    ProgressStyle::with_template(template)
        .unwrap_or_else(|_| ProgressStyle::default_bar())
        .progress_chars("━╸─")
}

fn trouble(event: Event<'_>) -> Option<String> {
    match event {
        Event::Failed(job, why) => Some(format!(
            "FAILED  {}: {why}\n        declared at {}",
            one_line(job.name()),
            job.place
        )),
        Event::Damaged(job) => Some(format!(
            "heal    {}: an input is damaged and was put aside; computing it again",
            one_line(job.name())
        )),
        Event::Skipped(job) => Some(format!(
            "skip    {}: a job it needs failed",
            one_line(job.name())
        )),
        Event::Note(note) => Some(format!("note    {note}")),
        _ => None,
    }
}

fn remark(event: Event<'_>) -> Option<String> {
    match event {
        Event::Again(job, step) => Some(format!(
            "again   {}: it kept no checkpoint after step {step}, which is needed now",
            one_line(job.name())
        )),
        Event::Resumed(job, step) => {
            Some(format!("resume  {} from step {step}", one_line(job.name())))
        }
        Event::Reused(job) => Some(format!(
            "reused  {}: what it is made of came out as before",
            one_line(job.name())
        )),
        Event::Waiting(job) => Some(format!(
            "wait    {}: another process computes it",
            one_line(job.name())
        )),
        _ => None,
    }
}

fn on(threads: usize) -> String {
    if threads > 1 {
        format!(" on {threads} threads")
    } else {
        String::new()
    }
}

/// `120/500 steps, loss 3.21, 15.3k tokens/s, 25 s left`.
fn steps(progress: &Progress) -> String {
    let Progress {
        step, steps, of, ..
    } = progress;
    let mut text = format!("{step}/{steps} {of}");
    if let Some(loss) = progress.loss {
        text += &format!(", loss {loss:.3}");
    }
    if let Some(speed) = progress.tokens_per_second {
        text += &format!(", {} tokens/s", crate::output::rounded(speed as u64));
    }
    if let Some(left) = left(progress) {
        text += &format!(", {} left", seconds(left));
    }
    text
}

fn left(progress: &Progress) -> Option<Duration> {
    let steps = progress.steps.checked_sub(progress.step)? as f64;
    Duration::try_from_secs_f64(steps / progress.steps_per_second).ok()
}

fn seconds(time: Duration) -> String {
    lasting(time.as_secs_f64())
}
