//! Reading what an endpoint sends.

use serde::Deserialize;
use serde_json::Value;

use crate::error::EndpointError;
use crate::message::{Finish, Reply};

/// Most characters of an endpoint's words that are repeated.
const MOST_SAID: usize = 300;

#[derive(Deserialize)]
struct Completion {
    #[serde(default)]
    choices: Vec<Choice>,
    usage: Option<Usage>,
}

#[derive(Deserialize)]
struct Choice {
    message: Said,
    finish_reason: Option<String>,
}

#[derive(Deserialize)]
struct Said {
    content: Option<String>,
    refusal: Option<String>,
}

#[derive(Deserialize, Default)]
struct Usage {
    #[serde(default)]
    prompt_tokens: u64,
    #[serde(default)]
    completion_tokens: u64,
}

/// Reads a response that says it is an answer.
pub(crate) fn reply(status: u16, body: &[u8], key: Option<&str>) -> Result<Reply, EndpointError> {
    if is_page(body) {
        return Err(EndpointError::WebPage);
    }
    let value: Value = serde_json::from_slice(body).map_err(|error| {
        if error.is_eof() {
            EndpointError::Truncated
        } else {
            EndpointError::NoAnswer(error.to_string())
        }
    })?;
    // Some services report failures with a status of success.
    if value.get("choices").is_none() && value.get("error").is_some() {
        let said = words(body, key);
        return Err(EndpointError::Refused { status, said });
    }
    if value.get("choices").is_none() {
        let what = "it has no field `choices`".to_owned();
        return Err(EndpointError::NoAnswer(what));
    }
    let completion: Completion = serde_json::from_value(value)
        .map_err(|error| EndpointError::NoAnswer(error.to_string()))?;
    let usage = completion.usage.unwrap_or_default();
    let first = completion.choices.into_iter().next();
    let Choice {
        message,
        finish_reason,
    } = first.ok_or(EndpointError::NoChoices)?;
    let refused = message.content.is_none() && message.refusal.is_some();
    let finish = match finish_reason.as_deref() {
        _ if refused => Finish::ContentFilter,
        Some("stop") | None => Finish::Stop,
        Some("length") => Finish::Length,
        Some("content_filter") => Finish::ContentFilter,
        Some(_) => Finish::Other,
    };
    Ok(Reply {
        text: message.content.or(message.refusal).unwrap_or_default(),
        finish,
        prompt_tokens: usage.prompt_tokens,
        completion_tokens: usage.completion_tokens,
    })
}

fn is_page(body: &[u8]) -> bool {
    body.trim_ascii_start().starts_with(b"<")
}

/// An endpoint's words about what went wrong, on one line, without the key.
pub(crate) fn words(body: &[u8], key: Option<&str>) -> String {
    if is_page(body) {
        return "it sent a web page".to_owned();
    }
    let value: Option<Value> = serde_json::from_slice(body).ok();
    let text = |value: &Value| match value {
        Value::String(text) => Some(text.clone()),
        _ => None,
    };
    let told = value.as_ref().and_then(|value| {
        let error = value.get("error");
        let nested = error.and_then(|error| error.get("message"));
        let all = [nested, error, value.get("message"), value.get("detail")];
        all.into_iter().flatten().find_map(text)
    });
    let said = told.unwrap_or_else(|| String::from_utf8_lossy(body).into_owned());
    let said = match key.filter(|key| !key.is_empty()) {
        Some(key) => said.replace(key, "…"),
        None => said,
    };
    let line = said.split_whitespace().collect::<Vec<_>>().join(" ");
    let line: String = line.chars().filter(|c| !c.is_control()).collect();
    match line.char_indices().nth(MOST_SAID) {
        Some((end, _)) => format!("{}…", line.get(..end).unwrap_or_default()),
        None if line.is_empty() => "it says nothing".to_owned(),
        None => line,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read(body: &str) -> Result<Reply, String> {
        reply(200, body.as_bytes(), None).map_err(|error| error.to_string())
    }

    #[test]
    fn answers_and_how_they_end() {
        let body = |message: &str, end: &str| {
            format!(
                r#"{{"choices": [{{"message": {message}, "finish_reason": {end}}}], "usage": {{"prompt_tokens": 5, "completion_tokens": 2, "x": null}}}}"#
            )
        };
        let plain = read(&body(
            r#"{"role": "assistant", "content": "B"}"#,
            r#""stop""#,
        ))
        .unwrap();
        assert_eq!((plain.text.as_str(), plain.finish), ("B", Finish::Stop));
        assert_eq!((plain.prompt_tokens, plain.completion_tokens), (5, 2));
        for (message, end, text, finish) in [
            (r#"{"content": "B"}"#, "null", "B", Finish::Stop),
            (r#"{"content": "Be"}"#, r#""length""#, "Be", Finish::Length),
            (
                r#"{"content": null}"#,
                r#""content_filter""#,
                "",
                Finish::ContentFilter,
            ),
            (
                r#"{"refusal": "No."}"#,
                r#""stop""#,
                "No.",
                Finish::ContentFilter,
            ),
            (r#"{"content": ""}"#, r#""tool_calls""#, "", Finish::Other),
        ] {
            let found = read(&body(message, end)).unwrap();
            assert_eq!((found.text.as_str(), found.finish), (text, finish));
        }
        let uncounted = read(r#"{"choices": [{"message": {"content": "B"}}]}"#).unwrap();
        assert_eq!(
            (uncounted.prompt_tokens, uncounted.completion_tokens),
            (0, 0)
        );
    }

    #[test]
    fn what_is_no_answer_is_told_apart() {
        for (body, said) in [
            ("\n <!doctype html><p>Hi", "a web page"),
            (r#"{"choices": [{"mess"#, "in the middle of its JSON"),
            ("", "in the middle of its JSON"),
            (r#"{"choices": []}"#, "`choices` are empty"),
            (r#"{"object": "list"}"#, "no field `choices`"),
            (r#"{"choices": [{"text": "B"}]}"#, "missing field `message`"),
            ("Hello", "no chat completion"),
            ("[1, 2]", "no field `choices`"),
            (
                r#"{"error": {"message": "no such model"}}"#,
                "no such model",
            ),
        ] {
            let error = read(body).unwrap_err();
            assert!(error.contains(said), "{error}");
        }
    }

    #[test]
    fn an_endpoints_words_are_short_and_hold_no_key() {
        let said = |body: &str| words(body.as_bytes(), Some("sk-secret"));
        assert_eq!(
            said(r#"{"error": {"message": "bad\n key sk-secret"}}"#),
            "bad key …"
        );
        assert_eq!(said(r#"{"error": "gone"}"#), "gone");
        assert_eq!(said(r#"{"detail": "later"}"#), "later");
        assert_eq!(said("<html>"), "it sent a web page");
        assert_eq!(said(""), "it says nothing");
        assert_eq!(said(&"é".repeat(999)).chars().count(), MOST_SAID + 1);
    }
}
