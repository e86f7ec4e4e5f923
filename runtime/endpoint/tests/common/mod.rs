//! A small server of the tests' own, which does to each connection what it is told.

use std::io::{BufRead, BufReader, Read, Write};
use std::net::{TcpListener, TcpStream};
use std::sync::{Arc, Mutex};
use std::thread;
use std::time::Duration;

/// What the server does with a request.
#[derive(Clone)]
pub(crate) enum Act {
    /// Sends a status, headers (each with its end of line) and a body.
    Send(u16, &'static str, String),
    /// Says that more comes than does.
    Cut(String),
    /// Closes the connection at once.
    Close,
    /// Sends nothing for a while.
    Sleep(Duration),
}

/// A request as it came: its heading and its body.
#[derive(Debug, Clone)]
pub(crate) struct Seen {
    pub(crate) heading: String,
    pub(crate) body: String,
}

pub(crate) struct Server {
    pub(crate) url: String,
    seen: Arc<Mutex<Vec<Seen>>>,
}

impl Server {
    /// Does these in turn, and the last one for whatever comes after.
    pub(crate) fn doing(acts: Vec<Act>) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let url = format!("http://{}/v1", listener.local_addr().unwrap());
        let seen = Arc::new(Mutex::new(Vec::new()));
        let noted = Arc::clone(&seen);
        thread::spawn(move || {
            for stream in listener.incoming() {
                let mut stream = stream.unwrap();
                let Some(request) = read(&stream) else {
                    continue;
                };
                let mut all = noted.lock().unwrap();
                let act = acts.get(all.len()).or(acts.last()).unwrap().clone();
                all.push(request);
                drop(all);
                thread::spawn(move || perform(&act, &mut stream));
            }
        });
        Self { url, seen }
    }

    pub(crate) fn seen(&self) -> Vec<Seen> {
        self.seen.lock().unwrap().clone()
    }
}

fn perform(act: &Act, stream: &mut TcpStream) {
    let heading = |status, headers: &str, length| {
        format!(
            "HTTP/1.1 {status} Words\r\ncontent-length: {length}\r\nconnection: close\r\n{headers}\r\n"
        )
    };
    let text = match act {
        Act::Send(status, headers, body) => heading(*status, headers, body.len()) + body,
        Act::Cut(body) => heading(200, "", body.len() + 100) + body,
        Act::Close => return,
        Act::Sleep(time) => {
            thread::sleep(*time);
            return;
        }
    };
    // Who asked may be gone.
    _ = stream.write_all(text.as_bytes());
}

fn read(stream: &TcpStream) -> Option<Seen> {
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
    let body = String::from_utf8(body).ok()?;
    Some(Seen { heading, body })
}

/// A response with an answer.
pub(crate) fn answer(text: &str) -> Act {
    let body = format!(
        r#"{{"choices": [{{"message": {{"content": "{text}"}}, "finish_reason": "stop"}}], "usage": {{"prompt_tokens": 12, "completion_tokens": 3}}}}"#
    );
    Act::Send(200, "content-type: application/json\r\n", body)
}

/// A response without one.
pub(crate) fn status(status: u16, headers: &'static str) -> Act {
    let body = r#"{"error": {"message": "words of the service"}}"#;
    Act::Send(status, headers, body.to_owned())
}
