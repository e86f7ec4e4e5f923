//! The shapes of batches of examples for which steps are prepared.

/// The shape of a batch of examples, filled up.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct AdaptShape {
    /// Examples.
    pub rows: usize,
    /// Tokens of each.
    pub length: usize,
    /// Images of all.
    pub images: usize,
    /// Tokens of all that are answers, at least 1.
    pub answers: usize,
}

/// Examples are filled up to a multiple of so many tokens.
const LENGTHS: usize = 64;
/// Answers are filled up to as many parts of all tokens, so that few shapes come up.
const ANSWERS: usize = 8;

impl AdaptShape {
    /// The smallest shape that is prepared for a batch of this one, of examples of at most `context` tokens.
    #[must_use]
    pub fn filled(self, context: usize) -> Self {
        let length = self.length.next_multiple_of(LENGTHS).min(context);
        let part = (self.rows * length / ANSWERS).next_multiple_of(LENGTHS);
        Self {
            rows: self.rows,
            length: length.max(self.length),
            images: self.images.next_multiple_of(self.rows.max(1)),
            answers: self.answers.next_multiple_of(part.max(LENGTHS)),
        }
    }
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;

    use super::*;

    #[test]
    fn filled_shapes_hold_their_batches_and_are_few() {
        let (rows, context) = (8, 500);
        let mut lengths = BTreeSet::new();
        let mut answers = BTreeSet::new();
        for length in 2..=context {
            for asked in [1, length / 2, length - 1] {
                let batch = AdaptShape {
                    rows,
                    length,
                    images: length % 9,
                    answers: rows * asked.max(1),
                };
                let filled = batch.filled(context);
                assert!(filled.length >= length && filled.length <= context);
                assert!(filled.answers >= batch.answers);
                assert_eq!(filled.images, if batch.images == 0 { 0 } else { rows });
                assert_eq!(filled.filled(context), filled);
                lengths.insert(filled.length);
                answers.insert((filled.length, filled.answers));
            }
        }
        assert_eq!(lengths.len(), 8);
        assert!(answers.len() <= 8 * ANSWERS, "{answers:?}");
    }
}
