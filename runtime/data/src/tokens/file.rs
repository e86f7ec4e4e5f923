//! Reading a token file in place.

use crate::error::DataError;
use crate::tokens::{MAGIC, TRAILER_MAGIC, VERSION, damaged, width_of};

/// A token file over bytes that the caller holds, such as a memory map.
#[derive(Debug, Clone, Copy)]
pub struct TokenFile<'a> {
    body: &'a [u8],
    width: usize,
    vocabulary: u32,
    end: u32,
}

impl<'a> TokenFile<'a> {
    /// Takes `bytes` as a token file, in constant time.
    ///
    /// # Errors
    /// [`DataError::Damaged`] when header, length or trailer do not fit together.
    pub fn new(bytes: &'a [u8]) -> Result<Self, DataError> {
        let rest = bytes
            .strip_prefix(MAGIC)
            .ok_or_else(|| damaged("it does not begin with `VPCTOKEN`"))?;
        let (header, rest) = numbers(rest).ok_or_else(|| damaged("it ends in its header"))?;
        let [version, width, vocabulary, end] = header;
        if version != VERSION {
            return Err(damaged(format!(
                "version {version} where {VERSION} is known"
            )));
        }
        if width != width_of(vocabulary) {
            return Err(damaged(format!(
                "{width} bytes per token for a vocabulary of {vocabulary}"
            )));
        }
        if end >= vocabulary {
            return Err(damaged(format!(
                "end token {end} in a vocabulary of {vocabulary}"
            )));
        }
        let body = body(rest, u64::from(width))?;
        Ok(Self {
            body,
            width: width as usize,
            vocabulary,
            end,
        })
    }

    /// Number of tokens.
    pub fn len(&self) -> u64 {
        (self.body.len() / self.width) as u64
    }

    /// Whether there is no token at all.
    pub fn is_empty(&self) -> bool {
        self.body.is_empty()
    }

    /// Size of the vocabulary that the tokens come from.
    pub fn vocabulary(&self) -> u32 {
        self.vocabulary
    }

    /// The token between documents.
    pub fn end(&self) -> u32 {
        self.end
    }

    /// Number of whole sequences: ⌊(len − 1) / context⌋.
    ///
    /// Sequence `i` is the tokens `i·context ..= i·context + context`: the inputs and, shifted by one, the targets.
    /// A context of 0 has none.
    pub fn sequences(&self, context: usize) -> u64 {
        self.len()
            .saturating_sub(1)
            .checked_div(context as u64)
            .unwrap_or(0)
    }

    /// Reads the tokens from `start` on into `out`.
    ///
    /// # Errors
    /// [`DataError::BeyondEnd`] past the last token; [`DataError::Damaged`] for a token outside the vocabulary.
    pub fn read(&self, start: u64, out: &mut [u32]) -> Result<(), DataError> {
        let bytes = self
            .range(start, out.len())
            .ok_or_else(|| DataError::BeyondEnd {
                start,
                end: start.saturating_add(out.len() as u64),
                len: self.len(),
            })?;
        let largest = match self.width {
            2 => decode(bytes, out, |bytes: [u8; 2]| {
                u32::from(u16::from_le_bytes(bytes))
            }),
            _ => decode(bytes, out, u32::from_le_bytes),
        };
        if largest < self.vocabulary {
            return Ok(());
        }
        let reason = format!("token {largest} in a vocabulary of {}", self.vocabulary);
        Err(damaged(reason))
    }

    fn range(&self, start: u64, count: usize) -> Option<&'a [u8]> {
        let from = usize::try_from(start).ok()?.checked_mul(self.width)?;
        let to = from.checked_add(count.checked_mul(self.width)?)?;
        self.body.get(from..to)
    }
}

/// Decodes `bytes` into `out` and returns the largest token.
fn decode<const WIDTH: usize>(
    bytes: &[u8],
    out: &mut [u32],
    number: impl Fn([u8; WIDTH]) -> u32,
) -> u32 {
    let (tokens, _) = bytes.as_chunks::<WIDTH>();
    let mut largest = 0;
    for (slot, token) in out.iter_mut().zip(tokens) {
        *slot = number(*token);
        largest = largest.max(*slot);
    }
    largest
}

fn numbers(bytes: &[u8]) -> Option<([u32; 4], &[u8])> {
    let (header, rest) = bytes.split_first_chunk::<16>()?;
    let (chunks, _) = header.as_chunks::<4>();
    let mut numbers = [0; 4];
    for (number, chunk) in numbers.iter_mut().zip(chunks) {
        *number = u32::from_le_bytes(*chunk);
    }
    Some((numbers, rest))
}

/// What stands between the header and a trailer that agrees with it.
fn body(rest: &[u8], width: u64) -> Result<&[u8], DataError> {
    let cut = || damaged("it is cut short");
    let rest = rest.strip_suffix(TRAILER_MAGIC).ok_or_else(cut)?;
    let (body, count) = rest.split_last_chunk::<8>().ok_or_else(cut)?;
    let count = u64::from_le_bytes(*count);
    if count.checked_mul(width) == Some(body.len() as u64) {
        return Ok(body);
    }
    let bytes = body.len();
    Err(damaged(format!(
        "it counts {count} tokens of {width} bytes and holds {bytes} bytes"
    )))
}
