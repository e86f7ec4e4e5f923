//! What a run tells while it goes.

use std::time::Duration;

use vpc_compiler::plan::Job;

/// Someone who is told how a run goes; called from several threads.
pub trait Observer: Sync {
    /// Is told one thing.
    fn event(&self, event: Event<'_>);
}

/// One thing that happened.
#[derive(Debug, Clone, Copy)]
pub enum Event<'a> {
    /// A job begins on this many threads.
    Started(&'a Job, usize),
    /// A finished job is done again: it kept no checkpoint after this step, and one is needed.
    Again(&'a Job, u64),
    /// A job continues from a checkpoint at this step.
    Resumed(&'a Job, u64),
    /// A job is under way.
    Progress(&'a Job, Progress),
    /// A job is finished and kept.
    Finished(&'a Job, Duration),
    /// A job's inputs came out as before, so that an earlier result stands for it.
    Reused(&'a Job),
    /// A job failed, with the reason in words.
    Failed(&'a Job, &'a str),
    /// An input of a job was found damaged and put aside; both are computed again.
    Damaged(&'a Job),
    /// A job cannot run because one it needs failed.
    Skipped(&'a Job),
    /// Another process computes this job; its result is waited for.
    Waiting(&'a Job),
    /// Something worth knowing that is no failure.
    Note(&'a str),
}

/// How far a job is.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Progress {
    /// Steps done.
    pub step: u64,
    /// Steps in all.
    pub steps: u64,
    /// What the steps are: `steps` of a training, `pictures`, `questions`.
    pub of: &'static str,
    /// Tokens trained on per second, since this process began the job, where tokens are what counts.
    pub tokens_per_second: Option<f64>,
    /// Steps per second, since this process began the job; 0 where it is not measured.
    pub steps_per_second: f64,
    /// Mean loss of the last step, in nats per token, of a training.
    pub loss: Option<f64>,
}
