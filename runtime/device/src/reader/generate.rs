//! Generation on a device: the host chooses each token.

use vpc_train::{
    Generated, Generation, Given, InferenceError, ModelConfig, Reads, Request, generate,
};

use super::{Reader, Row};
use crate::{Device, ReadError};

/// A sequence under way.
#[derive(Debug)]
struct Kept {
    slot: usize,
    /// Tokens read so far.
    read: usize,
    /// Tokens that can be read in all.
    room: usize,
}

/// A reader, and what stands in the place of tokens of each item.
struct Writing<'r, D: Device> {
    reader: &'r mut Reader<D>,
    given: &'r [Option<Given>],
}

impl<D: Device> Reader<D> {
    /// Continues each request; see [`vpc_train::Inference::generate`].
    ///
    /// At most as many are under way at a time as there are slots. `given` has what stands in the place of tokens
    /// of each prompt, and may be empty where nothing does.
    pub fn generate(
        &mut self,
        requests: &[Request],
        how: &Generation,
        given: &[Option<Given>],
    ) -> Result<Vec<Generated>, ReadError> {
        self.clear();
        let how = Generation {
            batch: how.batch.clamp(1, self.program.slots),
            ..how.clone()
        };
        let mut writing = Writing {
            reader: self,
            given,
        };
        generate(&mut writing, requests, &how)
    }
}

impl<D: Device> Reads for Writing<'_, D> {
    type Sequence = Kept;
    type Error = ReadError;

    fn config(&self) -> &ModelConfig {
        self.reader.config()
    }

    fn begin(&mut self, item: usize, room: usize) -> Result<Kept, ReadError> {
        let Some(slot) = self.reader.free.pop() else {
            return Err(ReadError::Inference(InferenceError::Setting {
                name: "batch",
                value: "larger".to_owned(),
                range: "at most the number of slots",
            }));
        };
        self.reader.given[slot] = self.given.get(item).cloned().flatten();
        Ok(Kept {
            slot,
            read: 0,
            room,
        })
    }

    fn extend(&mut self, sequences: &mut [Kept], tokens: &[&[u32]]) -> Result<Vec<f32>, ReadError> {
        let vocabulary = self.config().vocabulary;
        let mut logits = vec![0.0; sequences.len() * vocabulary];
        // Prompts are wide, what follows narrow, whatever is under way beside them.
        let (mut wide, mut ends, mut narrow, mut single) = (vec![], vec![], vec![], vec![]);
        for (item, (sequence, tokens)) in sequences.iter_mut().zip(tokens).enumerate() {
            if sequence.read + tokens.len() > sequence.room {
                return Err(ReadError::Inference(InferenceError::TooLong {
                    item,
                    tokens: sequence.read + tokens.len(),
                    context: sequence.room,
                }));
            }
            let rows = tokens.iter().enumerate().map(|(at, &token)| Row {
                token,
                slot: sequence.slot,
                position: sequence.read + at,
            });
            if sequence.read > 0 && tokens.len() == 1 {
                narrow.extend(rows);
                single.push(item);
            } else {
                wide.extend(rows);
                ends.push((wide.len().saturating_sub(1), item));
            }
            sequence.read += tokens.len();
        }
        let mut put = |items: &[usize], found: &[f32]| {
            for (item, found) in items.iter().zip(found.chunks(vocabulary)) {
                logits[item * vocabulary..][..vocabulary].copy_from_slice(found);
            }
        };
        let reader = &mut *self.reader;
        let count = reader.wide();
        for (number, rows) in wide.chunks(count).enumerate() {
            reader.read_wide(rows)?;
            let first = number * count;
            let here = ends
                .iter()
                .filter(|(row, _)| (first..first + rows.len()).contains(row));
            let (rows, items): (Vec<usize>, Vec<usize>) =
                here.map(|(row, item)| (row - first, *item)).unzip();
            put(&items, &reader.logits(&rows)?);
        }
        if !narrow.is_empty() {
            reader.read_narrow(&narrow)?;
            let rows: Vec<usize> = (0..narrow.len()).collect();
            put(&single, &reader.logits(&rows)?);
        }
        Ok(logits)
    }

    fn end(&mut self, sequence: Kept) {
        self.reader.given[sequence.slot] = None;
        self.reader.free.push(sequence.slot);
    }
}
