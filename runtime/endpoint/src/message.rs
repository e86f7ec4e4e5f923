//! What is asked and what is answered.

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use serde::{Deserialize, Serialize};

/// A request: the body of a call of `/chat/completions`.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct Request {
    /// The model, by its name at the endpoint.
    pub model: String,
    /// What was said so far.
    pub messages: Vec<Message>,
    /// Most tokens of the answer.
    pub max_tokens: u32,
    /// How far from the likeliest tokens it may be sampled; 0 takes the likeliest.
    pub temperature: f64,
    /// What sampling begins with, at endpoints that know it.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub seed: Option<u64>,
}

/// Who speaks.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(rename_all = "lowercase")]
pub enum Role {
    /// Who says how to answer.
    System,
    /// Who asks.
    User,
    /// The model.
    Assistant,
}

/// Something that was said.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Message {
    /// By whom.
    pub role: Role,
    /// Its parts in order; a text alone is sent as text.
    #[serde(serialize_with = "plainly")]
    pub content: Vec<Part>,
}

/// A part of a message.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
#[serde(tag = "type", rename_all = "snake_case")]
pub enum Part {
    /// Words.
    Text {
        /// The words.
        text: String,
    },
    /// A picture.
    ImageUrl {
        /// Where it is.
        image_url: Url,
    },
}

/// Where a picture is: here always in the URL itself.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Url {
    url: String,
}

impl Message {
    /// A message of words alone.
    pub fn text(role: Role, text: impl Into<String>) -> Self {
        let content = vec![Part::text(text)];
        Self { role, content }
    }
}

impl Part {
    /// Words.
    pub fn text(text: impl Into<String>) -> Self {
        Self::Text { text: text.into() }
    }

    /// A picture from its encoded bytes, as a `data:` URL; none where they are neither PNG, JPEG nor
    /// WebP.
    pub fn picture(bytes: &[u8]) -> Option<Self> {
        let kind = match bytes {
            [0x89, b'P', b'N', b'G', ..] => "png",
            [0xff, 0xd8, 0xff, ..] => "jpeg",
            [
                b'R',
                b'I',
                b'F',
                b'F',
                _,
                _,
                _,
                _,
                b'W',
                b'E',
                b'B',
                b'P',
                ..,
            ] => "webp",
            _ => return None,
        };
        let url = format!("data:image/{kind};base64,{}", STANDARD.encode(bytes));
        let image_url = Url { url };
        Some(Self::ImageUrl { image_url })
    }
}

/// Many servers take a list only from models that see.
fn plainly<S: serde::Serializer>(parts: &[Part], serializer: S) -> Result<S::Ok, S::Error> {
    match parts {
        [Part::Text { text }] => serializer.serialize_str(text),
        _ => parts.serialize(serializer),
    }
}

/// An answer.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Reply {
    /// What the model wrote; empty where it was kept from writing.
    pub text: String,
    /// Why it ended.
    pub finish: Finish,
    /// Tokens of the prompt, as the endpoint counts them; 0 where it does not say.
    pub prompt_tokens: u64,
    /// Tokens of the answer, what was thought and not said included; 0 where it does not say.
    pub completion_tokens: u64,
}

/// Why an answer ended.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Finish {
    /// The model had said what it had to say.
    Stop,
    /// The limit on tokens was reached.
    Length,
    /// The service held the answer back, or the model refused one.
    ContentFilter,
    /// Something else.
    Other,
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn requests_are_written_as_services_read_them() {
        let png = [0x89, b'P', b'N', b'G', 1, 2];
        let request = Request {
            model: "m".to_owned(),
            messages: vec![
                Message::text(Role::System, "Be brief."),
                Message {
                    role: Role::User,
                    content: vec![Part::picture(&png).unwrap(), Part::text("What is it?")],
                },
            ],
            max_tokens: 9,
            temperature: 0.0,
            seed: Some(1),
        };
        let expected = json!({
            "model": "m", "max_tokens": 9, "temperature": 0.0, "seed": 1,
            "messages": [
                { "role": "system", "content": "Be brief." },
                { "role": "user", "content": [
                    { "type": "image_url", "image_url": { "url": "data:image/png;base64,iVBORwEC" } },
                    { "type": "text", "text": "What is it?" },
                ] },
            ],
        });
        assert_eq!(serde_json::to_value(&request).unwrap(), expected);
    }

    #[test]
    fn pictures_are_told_by_their_first_bytes() {
        let kind = |bytes: &[u8]| match Part::picture(bytes) {
            Some(Part::ImageUrl { image_url }) => {
                image_url.url.split(';').next().map(str::to_owned)
            }
            _ => None,
        };
        let is = |bytes: &[u8], expected: &str| assert_eq!(kind(bytes).as_deref(), Some(expected));
        is(&[0xff, 0xd8, 0xff, 0xe0], "data:image/jpeg");
        is(b"RIFF\0\0\0\0WEBPVP8 ", "data:image/webp");
        assert_eq!(kind(b"GIF89a"), None);
        assert_eq!(kind(b""), None);
    }
}
