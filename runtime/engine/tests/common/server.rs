//! A small server that answers as it is told.

use std::io::{BufRead, BufReader, Read, Write};
use std::net::{TcpListener, TcpStream};
use std::sync::{Arc, Mutex};
use std::thread;

use serde_json::{Value, json};

/// What a server does with a request.
pub(crate) enum Act {
    /// Answers with this text.
    Say(String),
    /// Refuses with this status.
    Refuse(u16),
    /// Breaks off in the middle of its answer.
    Cut,
}

pub(crate) fn say(text: &str) -> Act {
    Act::Say(text.to_owned())
}

/// A request: its heading, and its body as it was read.
#[derive(Debug, Clone)]
pub(crate) struct Asked {
    pub(crate) heading: String,
    pub(crate) body: Value,
}

impl Asked {
    pub(crate) fn model(&self) -> &str {
        self.body["model"].as_str().unwrap()
    }

    /// The text of the last message; of several parts, all texts.
    pub(crate) fn words(&self) -> String {
        let content = &self.body["messages"].as_array().unwrap().last().unwrap()["content"];
        match content {
            Value::String(text) => text.clone(),
            parts => {
                let parts = parts.as_array().unwrap().iter();
                parts.filter_map(|part| part["text"].as_str()).collect()
            }
        }
    }
}

pub(crate) struct Server {
    pub(crate) url: String,
    asked: Arc<Mutex<Vec<Asked>>>,
}

impl Server {
    /// Does what `act` says to a request, which is told how often the very same came before.
    pub(crate) fn new(act: impl Fn(&Asked, usize) -> Act + Send + Sync + 'static) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let url = format!("http://{}/v1", listener.local_addr().unwrap());
        let asked: Arc<Mutex<Vec<Asked>>> = Arc::default();
        let (noted, act) = (Arc::clone(&asked), Arc::new(act));
        thread::spawn(move || {
            for stream in listener.incoming() {
                let (noted, act) = (Arc::clone(&noted), Arc::clone(&act));
                thread::spawn(move || {
                    let mut stream = stream.unwrap();
                    let Some(one) = read(&stream) else { return };
                    let mut all = noted.lock().unwrap();
                    let before = all.iter().filter(|other| other.body == one.body).count();
                    all.push(one.clone());
                    drop(all);
                    // Who asked may be gone.
                    _ = stream.write_all(response(&act(&one, before)).as_bytes());
                });
            }
        });
        Self { url, asked }
    }

    pub(crate) fn asked(&self) -> Vec<Asked> {
        self.asked.lock().unwrap().clone()
    }
}

fn response(act: &Act) -> String {
    let send = |status, body: &str, length| {
        format!(
            "HTTP/1.1 {status} Words\r\ncontent-length: {length}\r\nconnection: close\r\n\r\n{body}"
        )
    };
    match act {
        Act::Say(text) => {
            let body = json!({
                "choices": [{ "message": { "content": text }, "finish_reason": "stop" }],
                "usage": { "prompt_tokens": 10, "completion_tokens": 2 },
            });
            let body = body.to_string();
            send(200, &body, body.len())
        }
        Act::Refuse(status) => {
            let body = r#"{"error": {"message": "words of the service"}}"#;
            send(*status, body, body.len())
        }
        Act::Cut => send(200, "{\"choices\": [", 500),
    }
}

fn read(stream: &TcpStream) -> Option<Asked> {
    let mut reader = BufReader::new(stream);
    let (mut heading, mut length) = (String::new(), 0);
    loop {
        let mut line = String::new();
        if reader.read_line(&mut line).ok()? == 0 {
            return None;
        }
        if line == "\r\n" {
            break;
        }
        let lower = line.to_ascii_lowercase();
        if let Some(value) = lower.strip_prefix("content-length:") {
            length = value.trim().parse().ok()?;
        }
        heading += &lower;
    }
    let mut body = vec![0; length];
    reader.read_exact(&mut body).ok()?;
    let body = serde_json::from_slice(&body).ok()?;
    Some(Asked { heading, body })
}
