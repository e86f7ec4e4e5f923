//! Generation with a key-value cache, many sequences at a time.

use std::collections::BTreeSet;

use super::sequence::{fits, known};
use super::{Inference, InferenceError, Sampling, Sequence};

/// What is to be continued.
#[derive(Clone, Copy, Debug)]
pub struct Request<'a> {
    /// Names its random numbers; no other request of the call may have it.
    pub id: u64,
    /// The tokens to go on from; at least one.
    pub prompt: &'a [u32],
}

/// How requests are continued.
#[derive(Clone, Debug, PartialEq)]
pub struct Generation {
    /// How tokens are chosen.
    pub sampling: Sampling,
    /// Most new tokens of each request.
    pub most: usize,
    /// Tokens that end a sequence.
    pub stop: Vec<u32>,
    /// Most sequences under way at a time; the bits do not depend on it.
    pub batch: usize,
}

/// What came of a request.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Generated {
    /// The new tokens, without the one that ended them.
    pub tokens: Vec<u32>,
    /// Why there are no more.
    pub end: End,
}

/// Why a sequence ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum End {
    /// This stop token came.
    Stop(u32),
    /// It has as many tokens as were asked for.
    Length,
}

/// A request under way.
struct Running {
    item: usize,
    /// Prompt and new tokens.
    tokens: Vec<u32>,
}

impl Inference {
    /// Continues each request; the results stand in the order of the requests.
    ///
    /// A request whose prompt and new tokens may outgrow the context is refused before any work.
    pub fn generate(
        &self,
        requests: &[Request],
        how: &Generation,
    ) -> Result<Vec<Generated>, InferenceError> {
        self.generate_with(requests, how, |_, room| self.sequence(room))
    }

    /// The same, where `begin` gives the empty sequence of a request, by its place, for so many tokens.
    pub(crate) fn generate_with(
        &self,
        requests: &[Request],
        how: &Generation,
        begin: impl Fn(usize, usize) -> Sequence,
    ) -> Result<Vec<Generated>, InferenceError> {
        self.check_requests(requests, how)?;
        let empty = Generated {
            tokens: Vec::new(),
            end: End::Length,
        };
        let mut done = vec![empty; requests.len()];
        let mut waiting = requests.iter().enumerate().filter(|_| how.most > 0);
        let (mut running, mut sequences) = (Vec::new(), Vec::new());
        loop {
            let free = how.batch.max(1) - running.len();
            for (item, request) in waiting.by_ref().take(free) {
                sequences.push(begin(item, request.prompt.len() + how.most - 1));
                running.push(Running {
                    item,
                    tokens: request.prompt.to_vec(),
                });
            }
            if running.is_empty() {
                return Ok(done);
            }
            let ends = self.advance(requests, how, &mut running, &mut sequences)?;
            // From the last, so that places before it stay.
            for (at, end) in ends.into_iter().rev() {
                sequences.swap_remove(at);
                let one = running.swap_remove(at);
                let tokens = one.tokens[requests[one.item].prompt.len()..].to_vec();
                done[one.item] = Generated { tokens, end };
            }
        }
    }

    /// One more token for each running request; tells which came to their end, by place.
    fn advance(
        &self,
        requests: &[Request],
        how: &Generation,
        running: &mut [Running],
        sequences: &mut [Sequence],
    ) -> Result<Vec<(usize, End)>, InferenceError> {
        let unread = running.iter().zip(&*sequences);
        let unread: Vec<&[u32]> = unread
            .map(|(one, sequence)| &one.tokens[sequence.read()..])
            .collect();
        let logits = self.extend(sequences, &unread)?;
        let mut ends = Vec::new();
        let rows = logits.chunks_exact(self.config().vocabulary);
        for (at, (one, logits)) in running.iter_mut().zip(rows).enumerate() {
            let item = one.item;
            if !logits.iter().all(|logit| logit.is_finite()) {
                return Err(InferenceError::NotFinite { item });
            }
            let (id, position) = (requests[item].id, one.tokens.len());
            let token = how.sampling.choose(logits, id, position);
            if how.stop.contains(&token) {
                ends.push((at, End::Stop(token)));
                continue;
            }
            one.tokens.push(token);
            if one.tokens.len() == requests[item].prompt.len() + how.most {
                ends.push((at, End::Length));
            }
        }
        Ok(ends)
    }

    fn check_requests(&self, requests: &[Request], how: &Generation) -> Result<(), InferenceError> {
        how.sampling.check()?;
        let mut ids = BTreeSet::new();
        for (item, request) in requests.iter().enumerate() {
            if !ids.insert(request.id) {
                return Err(InferenceError::SameId(request.id));
            }
            if request.prompt.is_empty() {
                return Err(InferenceError::NoPrompt { item });
            }
            let read = request.prompt.len().saturating_add(how.most);
            fits(item, read.saturating_sub(1), self.config().context)?;
            known(item, request.prompt, self.config())?;
        }
        Ok(())
    }
}
