//! Generation with a key-value cache, many sequences at a time.

use std::collections::BTreeSet;

use super::sequence::{fits, known};
use super::{Inference, InferenceError, Sampling, Sequence};
use crate::ModelConfig;

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

/// What reads tokens of sequences and tells what may follow, wherever it does so.
pub trait Reads {
    /// What is kept of the tokens of a sequence.
    type Sequence;
    /// What can go wrong.
    type Error: From<InferenceError>;

    /// The shape of the model that reads.
    fn config(&self) -> &ModelConfig;

    /// An empty sequence for item `item` of those that are read, with room for so many tokens.
    fn begin(&mut self, item: usize, room: usize) -> Result<Self::Sequence, Self::Error>;

    /// Reads more tokens of each sequence, at least one; the logits after the last of each, [sequences,
    /// vocabulary].
    fn extend(
        &mut self,
        sequences: &mut [Self::Sequence],
        tokens: &[&[u32]],
    ) -> Result<Vec<f32>, Self::Error>;

    /// Lets go of a sequence.
    fn end(&mut self, sequence: Self::Sequence);
}

/// Reading on the processor; `begin` gives the empty sequence of an item for so many tokens.
struct Here<'i, B> {
    inference: &'i Inference,
    begin: B,
}

impl<B: Fn(usize, usize) -> Sequence> Reads for Here<'_, B> {
    type Sequence = Sequence;
    type Error = InferenceError;

    fn config(&self) -> &ModelConfig {
        self.inference.config()
    }

    fn begin(&mut self, item: usize, room: usize) -> Result<Sequence, InferenceError> {
        Ok((self.begin)(item, room))
    }

    fn extend(
        &mut self,
        sequences: &mut [Sequence],
        tokens: &[&[u32]],
    ) -> Result<Vec<f32>, InferenceError> {
        self.inference.extend(sequences, tokens)
    }

    fn end(&mut self, _: Sequence) {}
}

/// A request under way.
struct Running {
    item: usize,
    /// Prompt and new tokens.
    tokens: Vec<u32>,
    /// How many of them were read.
    read: usize,
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
        let mut here = Here {
            inference: self,
            begin,
        };
        generate(&mut here, requests, how)
    }
}

/// Continues each request with what reads; the results stand in the order of the requests.
///
/// A request whose prompt and new tokens may outgrow the context is refused before any work.
pub fn generate<R: Reads>(
    reader: &mut R,
    requests: &[Request],
    how: &Generation,
) -> Result<Vec<Generated>, R::Error> {
    check(requests, how, reader.config())?;
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
            sequences.push(reader.begin(item, request.prompt.len() + how.most - 1)?);
            running.push(Running {
                item,
                tokens: request.prompt.to_vec(),
                read: 0,
            });
        }
        if running.is_empty() {
            return Ok(done);
        }
        let ends = advance(reader, requests, how, &mut running, &mut sequences)?;
        // From the last, so that places before it stay.
        for (at, end) in ends.into_iter().rev() {
            reader.end(sequences.swap_remove(at));
            let one = running.swap_remove(at);
            let tokens = one.tokens[requests[one.item].prompt.len()..].to_vec();
            done[one.item] = Generated { tokens, end };
        }
    }
}

/// One more token for each running request; tells which came to their end, by place.
fn advance<R: Reads>(
    reader: &mut R,
    requests: &[Request],
    how: &Generation,
    running: &mut [Running],
    sequences: &mut [R::Sequence],
) -> Result<Vec<(usize, End)>, R::Error> {
    let unread: Vec<&[u32]> = running.iter().map(|one| &one.tokens[one.read..]).collect();
    let logits = reader.extend(sequences, &unread)?;
    let mut ends = Vec::new();
    let rows = logits.chunks_exact(reader.config().vocabulary);
    for (at, (one, logits)) in running.iter_mut().zip(rows).enumerate() {
        let item = one.item;
        one.read = one.tokens.len();
        if !logits.iter().all(|logit| logit.is_finite()) {
            return Err(InferenceError::NotFinite { item }.into());
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

fn check(
    requests: &[Request],
    how: &Generation,
    config: &ModelConfig,
) -> Result<(), InferenceError> {
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
        fits(item, read.saturating_sub(1), config.context)?;
        known(item, request.prompt, config)?;
    }
    Ok(())
}
