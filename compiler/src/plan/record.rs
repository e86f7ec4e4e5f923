//! The canonical byte form of what a job computes.

use super::{Fraction, Key};

/// Version of the byte form; changing it orphans every artifact already made.
const FORM: &str = "vpc job 1";

/// Room for the fields of most jobs.
const FIELDS: usize = 24;

/// Room for the byte form of most jobs.
const BYTES: usize = 1024;

/// The fields that bear identity, in a form with exactly one spelling: ordered by name.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Record<'t>(Vec<(&'static str, Value<'t>)>);

/// A value in a record.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Value<'t> {
    /// A whole number.
    Count(u64),
    /// An exact fraction.
    Fraction(Fraction),
    /// A word or text.
    Text(&'t str),
    /// A yes or no.
    Flag(bool),
    /// A digest of content.
    Digest([u8; 32]),
    /// Values in an order that matters.
    List(Vec<Value<'t>>),
}

impl Default for Record<'_> {
    fn default() -> Self {
        Self(Vec::with_capacity(FIELDS))
    }
}

impl<'t> Record<'t> {
    /// Adds a field.
    #[must_use]
    pub fn with(mut self, name: &'static str, value: impl Into<Value<'t>>) -> Self {
        let at = self.0.partition_point(|field| field.0 <= name);
        self.0.insert(at, (name, value.into()));
        self
    }

    /// Adds a field unless it has its neutral value, so that a field added later changes no key.
    #[must_use]
    pub fn unless<T: Into<Value<'t>> + PartialEq>(
        self,
        neutral: &T,
        name: &'static str,
        value: T,
    ) -> Self {
        if value == *neutral {
            self
        } else {
            self.with(name, value)
        }
    }

    /// Returns the fields by name, in the order of their names.
    pub fn fields(&self) -> impl Iterator<Item = (&'static str, &Value<'t>)> {
        self.0.iter().map(|(name, value)| (*name, value))
    }

    /// Returns a field by name.
    pub fn field(&self, name: &str) -> Option<&Value<'t>> {
        let at = self.0.binary_search_by_key(&name, |field| field.0).ok()?;
        self.0.get(at).map(|field| &field.1)
    }

    /// Returns the key of a job with this record.
    ///
    /// The order in which fields were added does not matter; lengths go before contents. A job that
    /// is bound to a build of the program has a key of its own.
    pub fn key(
        &self,
        kind: &str,
        version: u32,
        build: Option<&str>,
        inputs: &[(&str, Key)],
    ) -> Key {
        Self::finish(&mut self.beginning(kind, version), build, inputs)
    }

    /// Returns the byte form of all but the inputs and the build.
    pub(super) fn beginning(&self, kind: &str, version: u32) -> Vec<u8> {
        let mut bytes = Vec::with_capacity(BYTES);
        feed_text(&mut bytes, FORM);
        feed_text(&mut bytes, kind);
        bytes.extend_from_slice(&version.to_le_bytes());
        feed_length(&mut bytes, self.0.len());
        for (name, value) in &self.0 {
            feed_text(&mut bytes, name);
            value.feed(&mut bytes);
        }
        bytes
    }

    /// Adds the inputs and the build to a byte form and returns its key.
    pub(super) fn finish(bytes: &mut Vec<u8>, build: Option<&str>, inputs: &[(&str, Key)]) -> Key {
        feed_length(bytes, inputs.len());
        for (role, key) in inputs {
            feed_text(bytes, role);
            bytes.extend_from_slice(key.bytes());
        }
        if let Some(build) = build {
            feed_text(bytes, build);
        }
        // At once: hashing many small pieces costs more than gathering them first.
        Key::new(*blake3::hash(bytes).as_bytes())
    }
}

impl<'t> Value<'t> {
    /// Texts in an order that matters.
    pub(super) fn texts(texts: &'t [String]) -> Self {
        Self::List(texts.iter().map(|text| Self::Text(text)).collect())
    }

    fn feed(&self, bytes: &mut Vec<u8>) {
        match self {
            Self::Count(count) => {
                bytes.push(b'c');
                bytes.extend_from_slice(&count.to_le_bytes());
            }
            Self::Fraction(fraction) => {
                let (numerator, denominator) = fraction.parts();
                bytes.push(b'f');
                bytes.extend_from_slice(&numerator.to_le_bytes());
                bytes.extend_from_slice(&denominator.to_le_bytes());
            }
            Self::Text(text) => {
                bytes.push(b't');
                feed_text(bytes, text);
            }
            Self::Flag(flag) => bytes.extend_from_slice(&[b'b', u8::from(*flag)]),
            Self::Digest(digest) => {
                bytes.push(b'd');
                bytes.extend_from_slice(digest);
            }
            Self::List(values) => {
                bytes.push(b'l');
                feed_length(bytes, values.len());
                for value in values {
                    value.feed(bytes);
                }
            }
        }
    }
}

fn feed_length(bytes: &mut Vec<u8>, length: usize) {
    bytes.extend_from_slice(&(length as u64).to_le_bytes());
}

fn feed_text(bytes: &mut Vec<u8>, text: &str) {
    feed_length(bytes, text.len());
    bytes.extend_from_slice(text.as_bytes());
}

impl From<u64> for Value<'_> {
    fn from(count: u64) -> Self {
        Self::Count(count)
    }
}

impl From<Fraction> for Value<'_> {
    fn from(fraction: Fraction) -> Self {
        Self::Fraction(fraction)
    }
}

impl<'t> From<&'t str> for Value<'t> {
    fn from(text: &'t str) -> Self {
        Self::Text(text)
    }
}

impl From<bool> for Value<'_> {
    fn from(flag: bool) -> Self {
        Self::Flag(flag)
    }
}

impl From<[u8; 32]> for Value<'_> {
    fn from(digest: [u8; 32]) -> Self {
        Self::Digest(digest)
    }
}

impl<'t> From<Vec<Value<'t>>> for Value<'t> {
    fn from(values: Vec<Value<'t>>) -> Self {
        Self::List(values)
    }
}
