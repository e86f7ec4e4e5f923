//! A client against a server with faults: what is sent again, what is not, and what is said.

mod common;

use std::time::{Duration, Instant};

use common::{Act, Server, answer, status};
use vpc_endpoint::{Answered, Client, EndpointError, Finish, Message, Request, Role, Settings};

const KEY: &str = "sk-0123456789";

fn settings(url: &str) -> Settings {
    Settings {
        timeout: Duration::from_secs(5),
        first_wait: Duration::from_millis(4),
        tries: 4,
        ..Settings::new(url).unwrap()
    }
}

fn request() -> Request {
    Request {
        model: "m".to_owned(),
        messages: vec![Message::text(Role::User, "Which?")],
        max_tokens: 16,
        temperature: 0.0,
        seed: Some(0),
    }
}

fn ask_with(settings: Settings) -> Result<Answered, EndpointError> {
    let client = Client::new(settings);
    client.ask(&request(), &|| Some(KEY.to_owned()), &|| false)
}

fn ask(server: &Server) -> Result<Answered, EndpointError> {
    ask_with(settings(&server.url))
}

/// The words of a failure, and how often the server was asked.
#[track_caller]
fn refused(acts: Vec<Act>) -> (String, usize) {
    let server = Server::doing(acts);
    let error = ask(&server).unwrap_err();
    for text in [error.to_string(), format!("{error:?}")] {
        assert!(!text.contains(KEY), "{text}");
    }
    (error.to_string(), server.seen().len())
}

#[test]
fn an_answer_with_what_it_took() {
    let server = Server::doing(vec![answer("B")]);
    let answered = ask(&server).unwrap();
    assert_eq!(answered.requests, 1);
    let reply = answered.reply;
    assert_eq!((reply.text.as_str(), reply.finish), ("B", Finish::Stop));
    assert_eq!((reply.prompt_tokens, reply.completion_tokens), (12, 3));
    let seen = server.seen().remove(0);
    assert!(
        seen.heading
            .starts_with("post /v1/chat/completions http/1.1")
    );
    assert!(
        seen.heading
            .contains(&format!("authorization: bearer {KEY}"))
    );
    assert_eq!(seen.body, serde_json::to_string(&request()).unwrap());
}

#[test]
fn what_passes_is_tried_again() {
    for fault in [
        status(429, ""),
        status(500, ""),
        status(503, "retry-after: 0\r\n"),
        Act::Send(502, "", "<html>Bad gateway</html>".to_owned()),
        Act::Cut(r#"{"choices": [{"message""#.to_owned()),
        Act::Send(200, "", r#"{"choices": [{"message""#.to_owned()),
        Act::Close,
    ] {
        let server = Server::doing(vec![fault.clone(), fault, answer("yes")]);
        let answered = ask(&server).unwrap();
        assert_eq!(
            (answered.reply.text.as_str(), answered.requests),
            ("yes", 3)
        );
        assert_eq!(server.seen().len(), 3);
    }
}

#[test]
fn tries_come_to_an_end() {
    let (said, asked) = refused(vec![status(500, "")]);
    assert_eq!(asked, 4);
    assert_eq!(
        said,
        "after 4 tries: the endpoint cannot answer now (status 500): words of the service"
    );
    let (said, _) = refused(vec![Act::Close]);
    assert!(said.contains("after 4 tries: the connection"), "{said}");
    let (said, _) = refused(vec![Act::Send(200, "", "{\"choices\"".to_owned())]);
    assert!(said.contains("in the middle of its JSON"), "{said}");
}

#[test]
fn what_does_not_pass_is_not_tried_again() {
    for (act, words) in [
        (status(400, ""), "(status 400): words of the service"),
        (status(404, ""), "(status 404)"),
        (
            status(401, ""),
            "the key in `VPC_ENDPOINT_KEY` is not accepted",
        ),
        (
            Act::Send(200, "", "<!doctype html>".to_owned()),
            "a web page",
        ),
        (
            Act::Send(200, "", "{\"choices\": []}".to_owned()),
            "are empty",
        ),
        (Act::Send(200, "", "{]".to_owned()), "no chat completion"),
        (
            Act::Send(400, "", format!("{{\"error\": \"no {KEY}\"}}")),
            "(status 400): no …",
        ),
    ] {
        let (said, asked) = refused(vec![act, answer("late")]);
        assert!(said.contains(words), "{said}");
        assert_eq!(asked, 1, "{said}");
    }
}

#[test]
fn a_wait_that_is_asked_for_is_kept() {
    let begun = Instant::now();
    let server = Server::doing(vec![status(429, "retry-after: 1\r\n"), answer("B")]);
    assert_eq!(ask(&server).unwrap().requests, 2);
    assert!(begun.elapsed() >= Duration::from_secs(1));
    // A date that is past asks for nothing.
    let past = "retry-after: Sun, 06 Nov 1994 08:49:37 GMT\r\n";
    let server = Server::doing(vec![status(429, past), answer("B")]);
    assert_eq!(ask(&server).unwrap().requests, 2);
    let (said, asked) = refused(vec![status(429, "retry-after: 9000\r\n")]);
    assert!(said.contains("to wait 9000 s, and at most 600 s"), "{said}");
    assert_eq!(asked, 1);
}

#[test]
fn a_slow_endpoint_is_given_up() {
    let server = Server::doing(vec![Act::Sleep(Duration::from_secs(3)), answer("B")]);
    let patience = Duration::from_millis(200);
    let hasty = Settings {
        timeout: patience,
        ..settings(&server.url)
    };
    assert_eq!(ask_with(hasty.clone()).unwrap().requests, 2);
    let server = Server::doing(vec![Act::Sleep(Duration::from_secs(3))]);
    let error = ask_with(Settings {
        url: server.url.clone(),
        tries: 2,
        ..hasty
    });
    let said = error.unwrap_err().to_string();
    assert!(
        said.contains("after 2 tries: no answer came within 0.2 s"),
        "{said}"
    );
}

#[test]
fn a_huge_response_is_not_read() {
    let server = Server::doing(vec![answer(&"x".repeat(100_000))]);
    let most_bytes = 10_000;
    let error = ask_with(Settings {
        most_bytes,
        ..settings(&server.url)
    });
    let said = error.unwrap_err().to_string();
    assert!(said.contains("larger than 10000 bytes"), "{said}");
    assert_eq!(server.seen().len(), 1);
}

#[test]
fn the_key_goes_nowhere_else() {
    let elsewhere = Server::doing(vec![answer("stolen")]);
    let location = format!("location: {}/chat/completions\r\n", elsewhere.url);
    for code in [301, 302, 307, 308] {
        let (said, asked) = refused(vec![status(code, location.clone().leak())]);
        assert!(said.contains("which is not followed"), "{said}");
        assert_eq!(asked, 1);
    }
    assert!(elsewhere.seen().is_empty());
    let server = Server::doing(vec![status(401, "")]);
    let client = Client::new(settings(&server.url));
    let error = client.ask(&request(), &|| None, &|| false).unwrap_err();
    assert!(error.to_string().contains("`VPC_ENDPOINT_KEY` is not set"));
    assert!(!server.seen().remove(0).heading.contains("authorization"));
    let broken = client.ask(&request(), &|| Some("a\nb".to_owned()), &|| false);
    let error = broken.unwrap_err().to_string();
    assert!(
        error.contains("has characters that no key can have"),
        "{error}"
    );
    assert!(!format!("{client:?}").contains(KEY));
}

#[test]
fn a_wait_ends_where_a_stop_is_asked_for() {
    let server = Server::doing(vec![status(503, "retry-after: 300\r\n")]);
    let client = Client::new(settings(&server.url));
    let begun = Instant::now();
    let stop = || !server.seen().is_empty();
    let stopped = client.ask(&request(), &|| None, &stop);
    assert!(matches!(stopped, Err(EndpointError::Stopped)));
    assert!(begun.elapsed() < Duration::from_secs(5));
}

#[test]
fn no_more_than_so_many_are_under_way() {
    let server = Server::doing(vec![answer("B")]);
    let client = Client::new(Settings {
        requests_per_minute: Some(1200),
        in_flight: 2,
        ..settings(&server.url)
    });
    let begun = Instant::now();
    std::thread::scope(|scope| {
        for _ in 0..6 {
            scope.spawn(|| client.ask(&request(), &|| None, &|| false).unwrap());
        }
    });
    // One every 50 ms, the first at once.
    assert!(begun.elapsed() >= Duration::from_millis(250));
    assert_eq!(server.seen().len(), 6);
}
