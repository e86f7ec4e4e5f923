//! The columnar layout: like lies by like, which zstd packs well, at no cost in building.
//!
//! Version 2: `VPCR`, the version (u32), BLAKE3 of what follows (32 bytes), then one zstd frame of
//! the number of records (u32) and these columns one after the other: names, prompts (32 bytes each),
//! cut (flags), labels (lists of texts), outputs, answers, right (flags), credit (lists of one f64 or
//! none), log-likelihoods (lists of f64), lengths (lists of u64), questions, expected answers, explanations, finishes, usage.
//!
//! A column of texts is all lengths in bytes (u32), then all bytes; [`NONE`] is the length of no text.
//! One of lists is all counts (u32), then one column of all elements. One of flags has a byte each:
//! 0, 1, or 2 for neither. Answers are three columns: the sort (a byte: 0 none, 1 an option, 2 yes or
//! no, 3 words), the number (u32: of the option, 1 for yes, else 0), the words. Usage is four: whether
//! there is one (flags), then tokens of prompts, of answers, and requests (u64, 0 where there is none).
//! Everything is little-endian.

use std::io::Read;

use super::{Answer, Record, RecordError, Usage, check, failed};

const MAGIC: &[u8; 4] = b"VPCR";
const VERSION: u32 = 2;
/// Bytes before the frame.
const HEAD: usize = 40;
/// Length of a text that is not there.
const NONE: u32 = u32::MAX;
/// Most bytes of unpacked columns.
const LIMIT: usize = 256 << 20;
/// Largest window a reader allows, as a power of two; what is written here needs less.
const WINDOW: u32 = 23;
const LEVEL: i32 = 9;
/// Bytes of a record without its texts and the elements of its lists.
const FIXED: usize = 108;

/// Writes records; equal records give equal bytes.
pub fn encode(records: &[Record]) -> Result<Vec<u8>, RecordError> {
    check(records)?;
    // So no length below exceeds a u32, and none is `NONE`.
    if records.iter().map(size).sum::<usize>() + 4 > LIMIT {
        return Err(RecordError::TooLarge { limit: LIMIT >> 20 });
    }
    let packed = zstd::bulk::compress(&plain(records), LEVEL).map_err(|error| failed(&error))?;
    let mut bytes = Vec::with_capacity(HEAD + packed.len());
    bytes.extend(MAGIC);
    bytes.extend(VERSION.to_le_bytes());
    bytes.extend(blake3::hash(&packed).as_bytes());
    bytes.extend(packed);
    Ok(bytes)
}

/// Bytes that a record takes in the columns.
pub(super) fn size(own: &Record) -> usize {
    let words = match &own.answer {
        Some(Answer::Words(words)) => words.len(),
        _ => 0,
    };
    let rest = [
        &own.output,
        &own.question,
        &own.expected,
        &own.explanation,
        &own.finish,
    ];
    let rest: usize = rest.into_iter().flatten().map(String::len).sum();
    let labels: usize = own.labels.iter().map(|label| 4 + label.len()).sum();
    let numbers = own.credit.iter().len() + own.log_likelihoods.len() + own.lengths.len();
    FIXED + own.id.len() + words + rest + labels + 8 * numbers
}

/// The columns as they lie in the frame.
pub(super) fn plain(records: &[Record]) -> Vec<u8> {
    let all = || records.iter();
    let mut plain = Vec::new();
    plain.extend((records.len() as u32).to_le_bytes());
    texts(&mut plain, all().map(|own| Some(own.id.as_str())));
    plain.extend(all().flat_map(|own| own.prompt));
    plain.extend(all().map(|own| u8::from(own.cut)));
    counts(&mut plain, all().map(|own| own.labels.len()));
    let labels = all().flat_map(|own| &own.labels);
    texts(&mut plain, labels.map(|label| Some(label.as_str())));
    texts(&mut plain, all().map(|own| own.output.as_deref()));
    answers(&mut plain, all().map(|own| own.answer.as_ref()));
    plain.extend(all().map(|own| own.right.map_or(2, u8::from)));
    counts(&mut plain, all().map(|own| own.credit.iter().len()));
    let credits = all().filter_map(|own| own.credit);
    plain.extend(credits.flat_map(f64::to_le_bytes));
    counts(&mut plain, all().map(|own| own.log_likelihoods.len()));
    let numbers = all().flat_map(|own| &own.log_likelihoods);
    plain.extend(numbers.flat_map(|own| own.to_le_bytes()));
    counts(&mut plain, all().map(|own| own.lengths.len()));
    let lengths = all().flat_map(|own| &own.lengths);
    plain.extend(lengths.flat_map(|own| own.to_le_bytes()));
    texts(&mut plain, all().map(|own| own.question.as_deref()));
    texts(&mut plain, all().map(|own| own.expected.as_deref()));
    texts(&mut plain, all().map(|own| own.explanation.as_deref()));
    texts(&mut plain, all().map(|own| own.finish.as_deref()));
    plain.extend(all().map(|own| u8::from(own.usage.is_some())));
    let parts: [fn(&Usage) -> u64; 3] = [
        |own| own.prompt_tokens,
        |own| own.completion_tokens,
        |own| own.requests,
    ];
    for part in parts {
        let numbers = all().map(|own| own.usage.as_ref().map_or(0, part));
        plain.extend(numbers.flat_map(u64::to_le_bytes));
    }
    plain
}

fn texts<'r>(plain: &mut Vec<u8>, column: impl Iterator<Item = Option<&'r str>> + Clone) {
    let length = |text: Option<&str>| text.map_or(NONE, |text| text.len() as u32);
    plain.extend(column.clone().flat_map(|text| length(text).to_le_bytes()));
    plain.extend(column.flatten().flat_map(str::bytes));
}

fn counts(plain: &mut Vec<u8>, column: impl Iterator<Item = usize>) {
    plain.extend(column.flat_map(|count| (count as u32).to_le_bytes()));
}

fn answers<'r>(plain: &mut Vec<u8>, column: impl Iterator<Item = Option<&'r Answer>> + Clone) {
    plain.extend(column.clone().map(|own| match own {
        None => 0,
        Some(Answer::Option(_)) => 1,
        Some(Answer::YesNo(_)) => 2,
        Some(Answer::Words(_)) => 3_u8,
    }));
    let number = |own: Option<&Answer>| match own {
        Some(&Answer::Option(number)) => number,
        Some(&Answer::YesNo(yes)) => u32::from(yes),
        _ => 0,
    };
    plain.extend(column.clone().flat_map(|own| number(own).to_le_bytes()));
    let words = |own: Option<&'r Answer>| match own {
        Some(Answer::Words(words)) => Some(words.as_str()),
        _ => None,
    };
    texts(plain, column.map(words));
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

    /// Texts of which none is missing.
    fn whole_texts(&mut self, count: usize) -> Result<Vec<String>, RecordError> {
        let column = self.texts(count)?.into_iter().collect::<Option<_>>();
        column.ok_or_else(|| damaged("a question has no name, or a label no text"))
    }

    fn flags(&mut self, count: usize) -> Result<Vec<Option<bool>>, RecordError> {
        let flag = |byte: &u8| match byte {
            0 => Ok(Some(false)),
            1 => Ok(Some(true)),
            2 => Ok(None),
            _ => Err(damaged("a flag is none")),
        };
        self.take(count)?.iter().map(flag).collect()
    }

    /// Flags that are 0 or 1.
    fn whole_flags(&mut self, count: usize) -> Result<Vec<bool>, RecordError> {
        let column = self.flags(count)?.into_iter().collect::<Option<_>>();
        column.ok_or_else(|| damaged("a flag is neither 0 nor 1"))
    }

    /// How many elements each list has, and how many all.
    fn counts(&mut self, count: usize) -> Result<(Vec<usize>, usize), RecordError> {
        let counts = self.arrays::<4>(count)?.iter();
        let counts: Vec<usize> = counts
            .map(|own| u32::from_le_bytes(*own) as usize)
            .collect();
        let all = counts.iter().sum();
        Ok((counts, all))
    }

    fn lists<T>(
        &mut self,
        count: usize,
        number: fn([u8; 8]) -> T,
    ) -> Result<Vec<Vec<T>>, RecordError> {
        let (counts, all) = self.counts(count)?;
        let elements = self.arrays::<8>(all)?.iter().map(|own| number(*own));
        Ok(parted(&counts, elements))
    }

    /// Lists of one number or none.
    fn optional(&mut self, count: usize) -> Result<Vec<Option<f64>>, RecordError> {
        let one = |list: Vec<f64>| match list.as_slice() {
            [] => Ok(None),
            [own] => Ok(Some(*own)),
            _ => Err(damaged("an answer counts twice")),
        };
        let lists = self.lists(count, f64::from_le_bytes)?;
        lists.into_iter().map(one).collect()
    }

    fn answers(&mut self, count: usize) -> Result<Vec<Option<Answer>>, RecordError> {
        let sorts = self.take(count)?.iter();
        let numbers = self.arrays::<4>(count)?.iter();
        let words = self.texts(count)?;
        let answer = |((sort, number), words): ((&u8, &[u8; 4]), Option<String>)| {
            let number = u32::from_le_bytes(*number);
            match (sort, number, words) {
                (0, 0, None) => Ok(None),
                (1, number, None) => Ok(Some(Answer::Option(number))),
                (2, 0 | 1, None) => Ok(Some(Answer::YesNo(number == 1))),
                (3, 0, Some(words)) => Ok(Some(Answer::Words(words))),
                _ => Err(damaged("an answer is of no sort")),
            }
        };
        sorts.zip(numbers).zip(words).map(answer).collect()
    }

    fn usage(&mut self, count: usize) -> Result<Vec<Option<Usage>>, RecordError> {
        let there = self.whole_flags(count)?;
        let prompts = self.arrays::<8>(count)?;
        let completions = self.arrays::<8>(count)?;
        let requests = self.arrays::<8>(count)?;
        let numbers = prompts.iter().zip(completions).zip(requests);
        let usage = |((prompt, completion), requests): ((&[u8; 8], &[u8; 8]), &[u8; 8])| Usage {
            prompt_tokens: u64::from_le_bytes(*prompt),
            completion_tokens: u64::from_le_bytes(*completion),
            requests: u64::from_le_bytes(*requests),
        };
        let both = there.into_iter().zip(numbers.map(usage));
        Ok(both.map(|(there, usage)| there.then_some(usage)).collect())
    }

    fn records(mut self) -> Result<Vec<Record>, RecordError> {
        let count = self.number()? as usize;
        let ids = self.whole_texts(count)?;
        let prompts = self.arrays::<32>(count)?;
        let mut cut = self.whole_flags(count)?.into_iter();
        let (counts, all) = self.counts(count)?;
        let mut labels = parted(&counts, self.whole_texts(all)?.into_iter()).into_iter();
        let mut outputs = self.texts(count)?.into_iter();
        let mut answers = self.answers(count)?.into_iter();
        let mut right = self.flags(count)?.into_iter();
        let mut credits = self.optional(count)?.into_iter();
        let mut log_likelihoods = self.lists(count, f64::from_le_bytes)?.into_iter();
        let mut lengths = self.lists(count, u64::from_le_bytes)?.into_iter();
        let mut questions = self.texts(count)?.into_iter();
        let mut expected = self.texts(count)?.into_iter();
        let mut explanations = self.texts(count)?.into_iter();
        let mut finishes = self.texts(count)?.into_iter();
        let mut usage = self.usage(count)?.into_iter();
        if !self.0.is_empty() {
            return Err(damaged("bytes follow its last column"));
        }
        // Every column has as many as there are names, so that no default below is ever taken.
        let record = |(id, prompt): (String, &[u8; 32])| Record {
            id,
            prompt: *prompt,
            cut: cut.next().unwrap_or_default(),
            labels: labels.next().unwrap_or_default(),
            output: outputs.next().flatten(),
            answer: answers.next().flatten(),
            right: right.next().flatten(),
            credit: credits.next().flatten(),
            log_likelihoods: log_likelihoods.next().unwrap_or_default(),
            lengths: lengths.next().unwrap_or_default(),
            question: questions.next().flatten(),
            expected: expected.next().flatten(),
            explanation: explanations.next().flatten(),
            finish: finishes.next().flatten(),
            usage: usage.next().flatten(),
        };
        Ok(ids.into_iter().zip(prompts).map(record).collect())
    }
}

/// Elements as lists of these lengths.
fn parted<T>(counts: &[usize], mut elements: impl Iterator<Item = T>) -> Vec<Vec<T>> {
    let list = |count: &usize| elements.by_ref().take(*count).collect();
    counts.iter().map(list).collect()
}
