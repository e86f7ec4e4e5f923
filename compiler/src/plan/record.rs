//! The canonical byte form of what a job computes.

use super::{Fraction, Key};

/// Version of the byte form; changing it orphans every artifact already made.
const FORM: &str = "vpc job 1";

/// The fields that bear identity, in a form with exactly one spelling.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Record(Vec<(&'static str, Value)>);

/// A value in a record.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Value {
    /// A whole number.
    Count(u64),
    /// An exact fraction.
    Fraction(Fraction),
    /// A word or text.
    Text(String),
    /// A yes or no.
    Flag(bool),
    /// A digest of content.
    Digest([u8; 32]),
    /// Values in an order that matters.
    List(Vec<Value>),
}

impl Record {
    /// Adds a field.
    #[must_use]
    pub fn with(mut self, name: &'static str, value: impl Into<Value>) -> Self {
        self.0.push((name, value.into()));
        self
    }

    /// Adds a field unless it has its neutral value, so that a field added later changes no key.
    #[must_use]
    pub fn unless<T: Into<Value> + PartialEq>(
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

    /// Returns the fields by name.
    pub fn fields(&self) -> impl Iterator<Item = (&'static str, &Value)> {
        self.0.iter().map(|(name, value)| (*name, value))
    }

    /// Returns a field by name.
    pub fn field(&self, name: &str) -> Option<&Value> {
        self.fields()
            .find(|field| field.0 == name)
            .map(|field| field.1)
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
        // Gathered first: hashing many small pieces costs more than hashing them at once.
        let mut bytes = Vec::with_capacity(512);
        feed_text(&mut bytes, FORM);
        feed_text(&mut bytes, kind);
        bytes.extend(version.to_le_bytes());
        let mut fields: Vec<_> = self.0.iter().collect();
        fields.sort_by_key(|field| field.0);
        feed_length(&mut bytes, fields.len());
        for (name, value) in fields {
            feed_text(&mut bytes, name);
            value.feed(&mut bytes);
        }
        feed_length(&mut bytes, inputs.len());
        for (role, key) in inputs {
            feed_text(&mut bytes, role);
            bytes.extend(key.bytes());
        }
        if let Some(build) = build {
            feed_text(&mut bytes, build);
        }
        Key::new(*blake3::hash(&bytes).as_bytes())
    }
}

impl Value {
    fn feed(&self, bytes: &mut Vec<u8>) {
        match self {
            Self::Count(count) => {
                bytes.push(b'c');
                bytes.extend(count.to_le_bytes());
            }
            Self::Fraction(fraction) => {
                let (numerator, denominator) = fraction.parts();
                bytes.push(b'f');
                bytes.extend(numerator.to_le_bytes());
                bytes.extend(denominator.to_le_bytes());
            }
            Self::Text(text) => {
                bytes.push(b't');
                feed_text(bytes, text);
            }
            Self::Flag(flag) => bytes.extend([b'b', u8::from(*flag)]),
            Self::Digest(digest) => {
                bytes.push(b'd');
                bytes.extend(digest);
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
    bytes.extend((length as u64).to_le_bytes());
}

fn feed_text(bytes: &mut Vec<u8>, text: &str) {
    feed_length(bytes, text.len());
    bytes.extend(text.as_bytes());
}

impl From<u64> for Value {
    fn from(count: u64) -> Self {
        Self::Count(count)
    }
}

impl From<Fraction> for Value {
    fn from(fraction: Fraction) -> Self {
        Self::Fraction(fraction)
    }
}

impl From<&str> for Value {
    fn from(text: &str) -> Self {
        Self::Text(text.to_owned())
    }
}

impl From<String> for Value {
    fn from(text: String) -> Self {
        Self::Text(text)
    }
}

impl From<bool> for Value {
    fn from(flag: bool) -> Self {
        Self::Flag(flag)
    }
}

impl From<[u8; 32]> for Value {
    fn from(digest: [u8; 32]) -> Self {
        Self::Digest(digest)
    }
}

impl From<Vec<Value>> for Value {
    fn from(values: Vec<Value>) -> Self {
        Self::List(values)
    }
}
