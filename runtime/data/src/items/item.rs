//! An item: what is said about a picture, or without one, in one turn or several.

use std::fmt;

use serde::{Deserialize, Deserializer, Serialize, Serializer, de};

/// The blake3 key-derivation context of an item's content; a new one would move every choice of items.
const CONTENT_DOMAIN: &str = "vpc-data 2026 content of an item v1";

/// A picture's name: the blake3 hash of its encoded bytes.
#[derive(Copy, Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct PictureId([u8; 32]);

impl PictureId {
    /// The name of the picture that is encoded in `bytes`.
    pub fn of(bytes: &[u8]) -> Self {
        Self(*blake3::hash(bytes).as_bytes())
    }

    /// The name with these 32 bytes.
    pub fn from_bytes(bytes: [u8; 32]) -> Self {
        Self(bytes)
    }

    /// The 32 bytes of the hash.
    pub fn bytes(&self) -> [u8; 32] {
        self.0
    }
}

impl fmt::Display for PictureId {
    /// 64 hexadecimal digits.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&blake3::Hash::from_bytes(self.0).to_hex())
    }
}

impl fmt::Debug for PictureId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "PictureId({self})")
    }
}

impl Serialize for PictureId {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_str(self)
    }
}

impl<'de> Deserialize<'de> for PictureId {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let text = String::deserialize(deserializer)?;
        let hash = blake3::Hash::from_hex(&text);
        let hash = hash.map_err(|_| de::Error::custom("a picture is named by 64 hex digits"))?;
        Ok(Self(*hash.as_bytes()))
    }
}

/// A question and its answer.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Turn {
    /// What is asked.
    pub question: String,
    /// The right answer; with options, the text of the right one.
    pub answer: String,
}

/// How a question is put to a model.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Form {
    /// Within the model's template.
    #[default]
    Asked,
    /// As it stands: an answer goes on from it after a space.
    Continued,
    /// A sentence with a blank `_`: the answer stands in the blank, and what comes after is read given it.
    Filled,
}

impl Form {
    #[expect(clippy::trivially_copy_pass_by_ref, reason = "as serde asks for it")]
    const fn is_asked(&self) -> bool {
        matches!(self, Self::Asked)
    }

    /// The form in a word.
    pub const fn word(self) -> &'static str {
        match self {
            Self::Asked => "asked",
            Self::Continued => "continued",
            Self::Filled => "filled",
        }
    }
}

/// What a model is adapted with, or asked.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize)]
pub struct Item {
    /// Its name in the source, or its place there.
    pub id: String,
    /// Questions and answers in order, at least one.
    pub turns: Vec<Turn>,
    /// All answers that are right, also where several agree; empty where there is just the one of the only turn.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub answers: Vec<String>,
    /// What the answer of the last turn is chosen from; empty where the question is open.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub options: Vec<String>,
    /// Where in the options the right one stands, from 0.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub right: Option<usize>,
    /// Words that tell sorts of items apart, sorted, each once.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub labels: Vec<String>,
    /// How its question is put.
    #[serde(default, skip_serializing_if = "Form::is_asked")]
    pub form: Form,
    /// The picture that is talked about, before the first question.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub picture: Option<PictureId>,
}

impl Item {
    /// A hash of what is asked: turns, answers, options, the right one, the form and the picture, neither the id nor the labels.
    pub fn content(&self) -> [u8; 32] {
        let mut hasher = blake3::Hasher::new_derive_key(CONTENT_DOMAIN);
        feed_number(&mut hasher, self.turns.len());
        for turn in &self.turns {
            feed(&mut hasher, &turn.question);
            feed(&mut hasher, &turn.answer);
        }
        feed_number(&mut hasher, self.options.len());
        for option in &self.options {
            feed(&mut hasher, option);
        }
        feed_number(&mut hasher, self.right.map_or(0, |right| right + 1));
        if let Some(picture) = self.picture {
            hasher.update(&picture.0);
        }
        // Nothing is added to what items were before they had these.
        if !self.answers.is_empty() {
            feed_number(&mut hasher, self.answers.len());
        }
        for answer in &self.answers {
            feed(&mut hasher, answer);
        }
        if !self.form.is_asked() {
            feed(&mut hasher, self.form.word());
        }
        *hasher.finalize().as_bytes()
    }

    /// What is wrong with an item that says of itself what cannot be.
    pub(super) fn fault(&self) -> Option<&'static str> {
        let right = self.right.and_then(|right| self.options.get(right));
        match self.turns.last() {
            None => Some("it has no turn"),
            Some(last) if right.is_some_and(|right| *right != last.answer) => {
                Some("its answer is not the right one of its options")
            }
            _ if self.options.is_empty() != self.right.is_none()
                || self.right.is_some() != right.is_some() =>
            {
                Some("its `right` is no option of it")
            }
            _ if !self.labels.is_sorted_by(|one, next| one < next) => {
                Some("its labels are not sorted, each once")
            }
            _ => None,
        }
    }
}

/// Gives a hash a text, in a form that says where it ends.
pub(super) fn feed(hasher: &mut blake3::Hasher, text: &str) {
    feed_number(hasher, text.len());
    hasher.update(text.as_bytes());
}

/// Gives a hash a number.
pub(super) fn feed_number(hasher: &mut blake3::Hasher, number: usize) {
    hasher.update(&(number as u64).to_le_bytes());
}
