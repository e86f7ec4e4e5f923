//! The columnar layout: like lies by like, which zstd packs well, at no cost in building.
//!
//! Version 1: `VPCR`, the version (u32), BLAKE3 of what follows (32 bytes), then one zstd frame of
//! the number of records (u32) and the columns one after the other: items, prompts (32 bytes each),
//! outputs, parsed answers, scores (f64), log-likelihoods. A column of texts is all lengths in bytes
//! (u32), then all bytes; [`NONE`] is the length of no text. That of log-likelihoods is all counts
//! (u32), then all numbers (f64). Everything is little-endian.

use std::io::Read;

use super::{Record, RecordError, check};

const MAGIC: &[u8; 4] = b"VPCR";
const VERSION: u32 = 1;
/// Bytes before the frame.
const HEAD: usize = 40;
/// Length of a text that is not there.
const NONE: u32 = u32::MAX;
/// Most bytes of unpacked columns.
const LIMIT: usize = 256 << 20;
/// Largest window a reader allows, as a power of two; what is written here needs less.
const WINDOW: u32 = 23;
const LEVEL: i32 = 3;

/// Writes records; equal records give equal bytes.
pub fn encode(records: &[Record]) -> Result<Vec<u8>, RecordError> {
    check(records)?;
    let sizes = records.iter().map(|own| {
        let parsed = own.parsed.as_ref().map_or(0, String::len);
        56 + own.item.len() + own.output.len() + parsed + 8 * own.options.len()
    });
    // So no length below exceeds a u32, and none is `NONE`.
    if sizes.sum::<usize>() + 4 > LIMIT {
        return Err(RecordError::TooLarge { limit: LIMIT >> 20 });
    }
    let mut plain = Vec::new();
    plain.extend((records.len() as u32).to_le_bytes());
    texts(
        &mut plain,
        records.iter().map(|own| Some(own.item.as_str())),
    );
    plain.extend(records.iter().flat_map(|own| own.prompt));
    texts(
        &mut plain,
        records.iter().map(|own| Some(own.output.as_str())),
    );
    texts(&mut plain, records.iter().map(|own| own.parsed.as_deref()));
    plain.extend(records.iter().flat_map(|own| own.score.to_le_bytes()));
    plain.extend(
        records
            .iter()
            .flat_map(|own| (own.options.len() as u32).to_le_bytes()),
    );
    let options = records.iter().flat_map(|own| &own.options);
    plain.extend(options.flat_map(|own| own.to_le_bytes()));
    let packed = zstd::bulk::compress(&plain, LEVEL).map_err(|error| RecordError::Write {
        reason: error.to_string(),
    })?;
    let mut bytes = Vec::with_capacity(HEAD + packed.len());
    bytes.extend(MAGIC);
    bytes.extend(VERSION.to_le_bytes());
    bytes.extend(blake3::hash(&packed).as_bytes());
    bytes.extend(packed);
    Ok(bytes)
}

fn texts<'r>(plain: &mut Vec<u8>, column: impl Iterator<Item = Option<&'r str>> + Clone) {
    let length = |text: Option<&str>| text.map_or(NONE, |text| text.len() as u32);
    plain.extend(column.clone().flat_map(|text| length(text).to_le_bytes()));
    plain.extend(column.flatten().flat_map(str::bytes));
}

/// Reads records; bytes that [`encode`] cannot have written are an error.
pub fn decode(bytes: &[u8]) -> Result<Vec<Record>, RecordError> {
    let mut head = Columns(bytes);
    if head.take(4)? != MAGIC {
        return Err(damaged("it does not begin with `VPCR`"));
    }
    let version = head.number()?;
    if version != VERSION {
        return Err(damaged(&format!(
            "its version is {version} and {VERSION} is read"
        )));
    }
    let digest = head.take(32)?;
    let packed = head.0;
    if blake3::hash(packed).as_bytes() != digest {
        return Err(damaged("its digest is another"));
    }
    let plain = unpack(packed)?;
    let records = Columns(&plain).records()?;
    check(&records).map_err(|error| damaged(&error.to_string()))?;
    Ok(records)
}

fn unpack(packed: &[u8]) -> Result<Vec<u8>, RecordError> {
    let said = |error: std::io::Error| damaged(&error.to_string());
    let mut decoder = zstd::Decoder::with_buffer(packed).map_err(said)?;
    decoder.window_log_max(WINDOW).map_err(said)?;
    let mut plain = Vec::new();
    let mut limited = decoder.take(LIMIT as u64 + 1);
    limited.read_to_end(&mut plain).map_err(said)?;
    if plain.len() > LIMIT {
        return Err(damaged(&format!(
            "it unpacks to more than {} MiB",
            LIMIT >> 20
        )));
    }
    Ok(plain)
}

fn damaged(reason: &str) -> RecordError {
    RecordError::Damaged {
        reason: reason.to_owned(),
    }
}

/// What is left to read. Nothing is allocated by a number before its bytes are known to be there.
struct Columns<'b>(&'b [u8]);

impl<'b> Columns<'b> {
    fn take(&mut self, length: usize) -> Result<&'b [u8], RecordError> {
        let (taken, rest) = self
            .0
            .split_at_checked(length)
            .ok_or_else(|| damaged("it ends too early"))?;
        self.0 = rest;
        Ok(taken)
    }

    /// Takes `count` arrays of `N` bytes.
    fn arrays<const N: usize>(&mut self, count: usize) -> Result<&'b [[u8; N]], RecordError> {
        let bytes = count
            .checked_mul(N)
            .ok_or_else(|| damaged("it ends too early"))?;
        Ok(self.take(bytes)?.as_chunks::<N>().0)
    }

    fn number(&mut self) -> Result<u32, RecordError> {
        let found = self.arrays::<4>(1)?.first().copied().unwrap_or_default();
        Ok(u32::from_le_bytes(found))
    }

    fn texts(&mut self, count: usize) -> Result<Vec<Option<String>>, RecordError> {
        let lengths = self.arrays::<4>(count)?;
        let mut column = Vec::with_capacity(count);
        for &length in lengths {
            let length = u32::from_le_bytes(length);
            column.push(if length == NONE {
                None
            } else {
                let text = std::str::from_utf8(self.take(length as usize)?);
                let text = text.map_err(|_| damaged("a text is not valid UTF-8"))?;
                Some(text.to_owned())
            });
        }
        Ok(column)
    }

    fn records(mut self) -> Result<Vec<Record>, RecordError> {
        let count = self.number()? as usize;
        let items = self.texts(count)?;
        let prompts = self.arrays::<32>(count)?;
        let outputs = self.texts(count)?;
        let parsed = self.texts(count)?;
        let scores = self.arrays::<8>(count)?;
        let lengths = self.arrays::<4>(count)?;
        let mut records = Vec::with_capacity(count);
        let texts = items.into_iter().zip(outputs).zip(parsed);
        let numbers = prompts.iter().zip(scores).zip(lengths);
        for (((item, output), parsed), ((prompt, score), length)) in texts.zip(numbers) {
            let (Some(item), Some(output)) = (item, output) else {
                return Err(damaged("an item has no name or no output"));
            };
            let options = self.arrays::<8>(u32::from_le_bytes(*length) as usize)?;
            let options = options.iter().map(|own| f64::from_le_bytes(*own)).collect();
            let score = f64::from_le_bytes(*score);
            records.push(Record {
                item,
                prompt: *prompt,
                output,
                parsed,
                score,
                options,
            });
        }
        if !self.0.is_empty() {
            return Err(damaged("bytes follow its last column"));
        }
        Ok(records)
    }
}
