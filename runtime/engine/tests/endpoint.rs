//! Studies with models elsewhere, against a server of the tests' own: answered, judged, broken, resumed.

mod common;

use std::fs;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::thread;
use std::time::Duration;

use common::server::{Act, Asked, Server, say};
use common::{Folder, perform};
use serde_json::{Value, json};
use vpc_data::world::Labels;
use vpc_endpoint::{Client, Settings, variables};
use vpc_engine::label;

const STUDY: &str = r#"
benchmark letters { data: "letters.jsonl", items: 4, format: choice, images: false }
benchmark truths  { data: "truths.jsonl", items: 3, format: yes_no, images: false }
benchmark words   { data: "words.jsonl", items: 2, format: short_answer, images: false }
benchmark seen    { data: scenes([existence], side: test, seed: 3), items: 3, format: yes_no }

suite abilities {
  overall: mean_of_groups
  group read { benchmarks: [letters, truths, words] }
  group saw  { benchmarks: [seen] }
}

experiment e {
  eval plain { from: endpoint("answerer"), suite: abilities }
  eval told  { from: endpoint("answerer"), suite: abilities, explain: true, judge: endpoint("grader") }
  eval blind { from: endpoint("answerer"), suite: seen, images: false }
}
"#;

/// One benchmark, asked plainly.
const SHORT: &str = r#"
benchmark letters { data: "letters.jsonl", items: 4, format: choice, images: false }
experiment e { eval plain { from: endpoint("answerer"), suite: letters } }
"#;

const LETTERS: &str = r#"{"id": "a", "question": "First?", "options": ["cup", "ball"], "answer": "ball"}
{"id": "b", "question": "Second?", "options": ["cup", "ball"], "answer": "cup"}
{"id": "c", "question": "Third?", "options": ["cup", "ball"], "answer": "ball"}
{"id": "d", "question": "Fourth?", "options": ["cup", "ball"], "answer": "ball"}
"#;

const TRUTHS: &str = r#"{"question": "Is a ball round?", "answer": "yes"}
{"question": "Is ice hot?", "answer": "no"}
{"question": "Is a cup round?", "answer": true}
"#;

const WORDS: &str = r#"{"question": "What is 1 + 1?", "answer": ["2", "two"]}
{"question": "What is red?", "answer": "a colour"}
"#;

#[test]
fn a_study_in_a_process_of_its_own() {
    perform();
}

fn folder(study: &str) -> Folder {
    Folder::with(&[
        ("s.vp", study),
        ("letters.jsonl", LETTERS),
        ("truths.jsonl", TRUTHS),
        ("words.jsonl", WORDS),
    ])
}

/// A model that says `B`, `yes` and `two` to whatever it is asked, and a judge with doubts about letters.
fn model(asked: &Asked) -> Act {
    let words = asked.words();
    if asked.model() == "grader" {
        return say(if words.contains("First?") {
            r#"{"soundness": 1, "depth": 2}"#
        } else {
            r#"{"soundness": 5, "depth": 4}"#
        });
    }
    let answer = match () {
        () if words.contains("the letter of one option") => "B",
        () if words.contains("yes or no") => "yes",
        () => "two",
    };
    if words.contains("Explain your answer") {
        say(&format!("It is as it is.\nAnswer: {answer}"))
    } else {
        say(answer)
    }
}

fn calm() -> Server {
    Server::new(|asked, _| model(asked))
}

fn lines<'c>(came: &'c Value, job: &str, file: &str) -> &'c Vec<Value> {
    let lines = &came["jobs"][job]["files"][file];
    lines
        .as_array()
        .unwrap_or_else(|| panic!("{job}: {came:#}"))
}

#[track_caller]
fn near(value: &Value, expected: f64) {
    let value = value.as_f64().unwrap_or(f64::NAN);
    assert!((value - expected).abs() < 1e-12, "{value} for {expected}");
}

#[test]
fn a_suite_is_asked_judged_and_reported() {
    let (folder, server) = (folder(STUDY), calm());
    let set = [
        ("VPC_ENDPOINT_URL", &*server.url),
        ("VPC_ENDPOINT_KEY", "sk-secret"),
        ("VPC_ENDPOINT_PRICE_IN", "1000"),
        ("VPC_ENDPOINT_PRICE_OUT", "5000"),
    ];
    let came = folder.run(&set);
    assert_eq!(came["failed"], json!([]));
    // Twelve questions asked plainly, twelve to be explained and judged, three without their picture.
    let asked = server.asked();
    assert_eq!(asked.len(), 12 + 2 * 12 + 3);
    assert!(
        asked
            .iter()
            .all(|one| one.heading.contains("authorization: bearer sk-secret"))
    );

    let letters = lines(&came, "e/plain.letters", "answers.vpcr");
    let read: Vec<_> = letters
        .iter()
        .map(|one| (&one["id"], &one["answer"], &one["right"]))
        .collect();
    let (one, right, wrong) = (json!(1), json!(true), json!(false));
    let ids = ["a", "b", "c", "d"].map(Value::from);
    assert_eq!(
        read,
        [
            (&ids[0], &one, &right),
            (&ids[1], &one, &wrong),
            (&ids[2], &one, &right),
            (&ids[3], &one, &right)
        ]
    );
    assert_eq!(letters[0]["output"], "B");
    assert_eq!(letters[0].get("explanation"), None);
    let metrics = &came["jobs"]["e/plain.letters"]["metrics"];
    near(&metrics["value"], 0.75);
    assert_eq!(metrics["requests"], 4);
    assert_eq!(
        (&metrics["prompt_tokens"], &metrics["completion_tokens"]),
        (&json!(40), &json!(8))
    );
    // 40 and 8 tokens at 1000 and 5000 a million.
    near(&metrics["cost"], 0.08);

    let told = lines(&came, "e/told.truths", "answers.vpcr");
    assert_eq!(told[1]["explanation"], "It is as it is.");
    assert_eq!(told[1]["question"], "Is ice hot? Yes or no?");
    assert_eq!(
        (&told[1]["expected"], &told[1]["output"]),
        (&json!("no"), &json!("yes"))
    );
    let judged = lines(&came, "e/told.letters.judged", "judged.jsonl");
    assert_eq!(
        judged[0],
        json!({ "id": "a", "soundness": 1, "depth": 2, "raw": "{\"soundness\": 1, \"depth\": 2}" })
    );
    let metrics = &came["jobs"]["e/told.letters.judged"]["metrics"];
    near(&metrics["soundness"]["mean"], 4.0);
    near(&metrics["depth"]["error"], 0.5);
    near(&metrics["words"]["mean"], 5.0);
    // Of the grades 1, 2 and three times 5, 4: (1/8 + 3 · 7/8) / 4.
    near(&metrics["value"], 0.6875);
    near(&metrics["score"], 0.75);

    let numbers = &came["numbers"];
    near(&numbers["told.letters.score"], 0.75);
    near(&numbers["told.letters.soundness"], 4.0);
    near(&numbers["told.read.soundness"], 14.0 / 3.0);
    near(&numbers["told.read.depth"], 11.5 / 3.0);
    near(
        &numbers["told.overall.soundness"],
        f64::midpoint(14.0 / 3.0, 5.0),
    );
    for name in ["letters", "truths", "words", "read", "saw", "overall"] {
        let of = |eval: &str| &numbers[format!("{eval}.{name}.score")];
        assert_eq!(of("told"), of("plain"), "{name}");
        assert_eq!(numbers.get(format!("plain.{name}.soundness")), None);
    }

    // Pictures are sent where they are shown, and nowhere else.
    let has_picture = |one: &&Asked| one.body.to_string().contains("data:image/png;base64,");
    assert_eq!(asked.iter().filter(has_picture).count(), 6);
    assert!(
        asked
            .iter()
            .filter(has_picture)
            .all(|one| one.model() == "answerer")
    );

    let again = folder.run(&set);
    assert_eq!(again["numbers"], *numbers);
    assert_eq!(server.asked().len(), asked.len(), "all is there");
}

#[test]
fn faults_on_the_way_change_no_answer() {
    let server = Server::new(|asked, before| match asked.words() {
        words if before > 0 => {
            assert!(!words.contains("Fourth?"), "it was answered");
            model(asked)
        }
        words if words.contains("First?") => Act::Refuse(429),
        words if words.contains("Second?") => Act::Refuse(500),
        words if words.contains("Third?") => Act::Cut,
        _ => model(asked),
    });
    let came = folder(SHORT).run(&[("VPC_ENDPOINT_URL", &server.url)]);
    assert_eq!(came["failed"], json!([]));
    let steady = folder(SHORT).run(&[("VPC_ENDPOINT_URL", &calm().url)]);
    let answers = |came: &Value| -> Vec<Value> {
        let lines = lines(came, "e/plain.letters", "answers.vpcr").iter();
        lines
            .map(|one| json!([one["id"], one["prompt"], one["output"], one["right"]]))
            .collect()
    };
    assert_eq!(answers(&came), answers(&steady));
    let requests = |came: &Value| came["jobs"]["e/plain.letters"]["metrics"]["requests"].clone();
    assert_eq!((requests(&came), requests(&steady)), (json!(7), json!(4)));
    assert!(
        server
            .asked()
            .iter()
            .all(|one| !one.heading.contains("authorization"))
    );
}

#[test]
fn after_a_stop_only_what_is_missing_is_asked() {
    let server = Server::new(|asked, _| {
        thread::sleep(Duration::from_millis(150));
        model(asked)
    });
    let folder = folder(SHORT);
    let set = [
        ("VPC_ENDPOINT_URL", &*server.url),
        ("VPC_ENDPOINT_IN_FLIGHT", "1"),
    ];
    let came = folder.run_until(&set, 1);
    assert_eq!(came["stopped"], json!(true));
    assert_eq!(came["jobs"], json!({}));
    let first = server.asked().len();
    assert!((1..4).contains(&first), "{first}");
    let came = folder.run(&set);
    assert_eq!(came["failed"], json!([]));
    assert_eq!(came["resumed"], json!(first));
    assert_eq!(server.asked().len(), 4, "each question once");
    near(&came["numbers"]["plain.letters.score"], 0.75);
    // What the first run paid for is counted.
    assert_eq!(came["jobs"]["e/plain.letters"]["metrics"]["requests"], 4);
    // What was filed on the way is gone.
    let on_the_way = fs::read_dir(folder.path().join("store/progress"));
    assert_eq!(on_the_way.map_or(0, Iterator::count), 0);
}

#[test]
fn after_a_failure_only_what_is_missing_is_asked() {
    let broken = Server::new(|asked, _| {
        if asked.words().contains("Third?") {
            Act::Refuse(400)
        } else {
            model(asked)
        }
    });
    let folder = folder(SHORT);
    let one = |url| [("VPC_ENDPOINT_URL", url), ("VPC_ENDPOINT_IN_FLIGHT", "1")];
    let came = folder.run(&one(&broken.url));
    assert_eq!(
        came["failed"],
        json!([
            "asking `answerer` about `c`: the endpoint refuses the request (status 400): words of the service; \
             what was answered is kept"
        ])
    );
    assert_eq!(broken.asked().len(), 3);
    let server = calm();
    let came = folder.run(&one(&server.url));
    assert_eq!((&came["failed"], &came["resumed"]), (&json!([]), &json!(2)));
    let asked = server.asked();
    assert_eq!(asked.len(), 2);
    assert!(asked[0].words().contains("Third?") && asked[1].words().contains("Fourth?"));
}

#[test]
fn what_is_not_set_is_said_before_anything_runs() {
    let folder = folder(STUDY);
    let came = folder.run(&[]);
    let refused = came["refused"].as_array().unwrap();
    // Four benchmarks asked twice and judged once, one asked without pictures.
    assert_eq!(refused.len(), 13);
    let said: Vec<&str> = refused.iter().map(|one| one.as_str().unwrap()).collect();
    assert!(said.contains(
        &"lets `answerer` answer, and `VPC_ENDPOINT_URL` is not set: set it to the base URL of an \
          OpenAI-compatible service, such as `https://api.openai.com/v1` or `http://localhost:8000/v1`"
    ));
    assert!(
        said.iter()
            .any(|said| said.starts_with("lets `grader` judge explanations, and"))
    );
    let came = folder.run(&[("VPC_ENDPOINT_URL", "ftp://here")]);
    assert!(
        came["refused"][0]
            .as_str()
            .unwrap()
            .contains("neither `https://` nor `http://`")
    );
}

#[test]
fn a_key_that_is_not_accepted_stands_nowhere() {
    let server = Server::new(|_, _| Act::Refuse(401));
    let folder = folder(SHORT);
    let came = folder.run(&[
        ("VPC_ENDPOINT_URL", &server.url),
        ("VPC_ENDPOINT_KEY", "sk-not-to-be-found"),
    ]);
    let said = came["failed"][0].as_str().unwrap();
    assert!(
        said.contains("the key in `VPC_ENDPOINT_KEY` is not accepted"),
        "{said}"
    );
    let mut open = vec![folder.path().to_owned()];
    let mut files = 0;
    while let Some(path) = open.pop() {
        if path.is_dir() {
            open.extend(
                fs::read_dir(path)
                    .unwrap()
                    .map(|entry| entry.unwrap().path()),
            );
        } else {
            files += 1;
            let bytes = fs::read(&path).unwrap();
            let found = String::from_utf8_lossy(&bytes).contains("sk-not-to-be-found");
            assert!(!found, "{}", path.display());
        }
    }
    assert!(files > 4, "{files}");
}

#[test]
fn a_judge_is_asked_again_once_and_then_left_alone() {
    let server = Server::new(|asked, _| {
        let is_again = asked.body["messages"].as_array().unwrap().len() > 2;
        match (asked.model(), is_again) {
            ("grader", false) => say("Soundness: 5"),
            ("grader", true) => {
                let is_first = asked.body.to_string().contains("First?");
                say(if is_first {
                    r#"{"soundness": 3, "depth": 3}"#
                } else {
                    "I cannot."
                })
            }
            _ if asked.words().contains("Second?") => say("Answer: A"),
            _ => model(asked),
        }
    });
    let study = r#"
benchmark letters { data: "letters.jsonl", items: 4, format: choice, images: false }
suite s { group read { benchmarks: [letters] } }
experiment e { eval told { from: endpoint("answerer"), suite: s, explain: true, judge: endpoint("grader") } }
"#;
    let came = folder(study).run(&[("VPC_ENDPOINT_URL", &server.url)]);
    assert_eq!(came["failed"], json!([]));
    let metrics = &came["jobs"]["e/told.letters.judged"]["metrics"];
    let of = |name: &str| metrics[name].as_u64().unwrap();
    assert_eq!((of("judged"), of("unread"), of("unexplained")), (1, 2, 1));
    assert_eq!(of("requests"), 6);
    near(&metrics["value"], 0.5);
    let judged = lines(&came, "e/told.letters.judged", "judged.jsonl");
    assert_eq!(judged[1], json!({ "id": "c", "raw": "I cannot." }));
    // The score is that of the answers, whatever the judge says.
    near(&came["numbers"]["told.letters.score"], 1.0);
    near(&came["numbers"]["told.read.soundness"], 3.0);
}

#[test]
fn a_model_of_the_study_explains_before_it_answers() {
    let study = r#"
category code { source: world(code, size: 64 KiB) }
tokenizer bpe { vocabulary: 300, data: code }
scale tiny { layers: 1, width: 16, heads: 2, context: 64, batch: 4 }
benchmark letters { data: "letters.jsonl", items: 4, format: choice, images: false }
benchmark truths  { data: "truths.jsonl", items: 3, format: yes_no, images: false }
suite s { group read { benchmarks: [letters, truths] } }
experiment e {
  pretrain base { model: tiny, data: code, tokenizer: bpe, tokens: 3k }
  eval plain { from: base, suite: s }
  eval told  { from: base, suite: s, explain: true, judge: endpoint("grader") }
}
"#;
    let server = calm();
    let came = folder(study).run(&[("VPC_ENDPOINT_URL", &server.url)]);
    assert_eq!(came["failed"], json!([]));
    let plain = lines(&came, "e/plain.letters", "answers.vpcr");
    let told = lines(&came, "e/told.letters", "answers.vpcr");
    assert_eq!((plain.len(), told.len()), (4, 4));
    for (plain, told) in plain.iter().zip(told) {
        assert_ne!(plain["prompt"], told["prompt"]);
        assert_eq!(plain.get("explanation"), None);
        assert_eq!(plain.get("question"), None);
        let explanation = told["explanation"].as_str().unwrap();
        assert!(!explanation.is_empty(), "{told}");
        assert!(
            told["question"]
                .as_str()
                .unwrap()
                .ends_with("?\nA. cup\nB. ball")
        );
        assert_eq!(told.get("requests"), None);
    }
    let metrics = &came["jobs"]["e/told.letters"]["metrics"];
    assert_eq!(metrics["explained"], json!(4));
    // The judge is asked about each, and the model about nothing elsewhere.
    let asked = server.asked();
    assert_eq!(asked.len(), 7);
    assert!(asked.iter().all(|one| one.model() == "grader"));
    let first = told[0]["explanation"].as_str().unwrap();
    assert!(asked.iter().any(|one| one.words().contains(first)));
    assert_eq!(came["numbers"]["told.truths.soundness"], json!(5.0));
}

#[test]
fn turns_before_the_question_are_said_to_be_answered() {
    let study = r#"
benchmark talks { data: scenes([dialogue], side: test, seed: 3), items: 6, format: choice }
experiment e { eval plain { from: endpoint("answerer"), suite: talks } }
"#;
    let (folder, server) = (folder(study), calm());
    let came = folder.run(&[("VPC_ENDPOINT_URL", &*server.url)]);
    assert_eq!(came["failed"], json!([]));
    let asked = server.asked();
    assert_eq!(asked.len(), 6);
    for one in &asked {
        let messages = one.body["messages"].as_array().unwrap();
        assert!((3..=7).contains(&messages.len()) && messages.len() % 2 == 1);
        for (at, message) in messages.iter().enumerate() {
            let text = message["content"].as_str().unwrap();
            let is_asked = at % 2 == 0;
            assert_eq!(message["role"], if is_asked { "user" } else { "assistant" });
            assert_eq!(text.contains('?'), is_asked, "{text}");
            assert_eq!(text.starts_with("There are "), at == 0, "{text}");
        }
        // Options are those of the last turn.
        assert!(one.words().starts_with("And ") && one.words().contains("\nD. "));
        assert!(!messages[0]["content"].as_str().unwrap().contains("\nA. "));
    }
}

#[test]
fn a_model_labels_segments_and_is_asked_once_more_where_it_is_not_understood() {
    let server = Server::new(|asked, _| {
        let messages = asked.body["messages"].as_array().unwrap();
        let segment = messages[1]["content"].as_str().unwrap();
        match (segment, messages.len()) {
            ("two and two are four", _) => say(r#"["math reasoning"]"#),
            ("a red cup on a table", 2) => say("visual ones, I think"),
            ("a red cup on a table", _) => say(r#"["visual attribute", "visual relation"]"#),
            ("nothing", _) => say("[]"),
            _ => say("I would rather not"),
        }
    });
    let set = |name: &str| (name == variables::URL).then(|| server.url.clone());
    let client = Client::new(Settings::read(set).unwrap());
    let segments = [
        "two and two are four",
        "a red cup on a table",
        "nothing",
        "so",
    ];
    let segments = segments.map(str::to_owned);
    let done = AtomicUsize::new(0);
    let told = |so_many| done.store(so_many, Ordering::SeqCst);
    let labelling = label(&client, &|| None, "grader", &segments, &told).unwrap();
    let seen = Labels::ATTRIBUTE | Labels::RELATION;
    assert_eq!(
        labelling.labels,
        [Some(Labels::MATH), Some(seen), Some(Labels::NONE), None]
    );
    assert_eq!(
        (labelling.usage.requests, labelling.usage.prompt_tokens),
        (6, 60)
    );
    assert_eq!(done.load(Ordering::SeqCst), 4);
    let refusing = Server::new(|_, _| Act::Refuse(401));
    let set = |name: &str| (name == variables::URL).then(|| refusing.url.clone());
    let client = Client::new(Settings::read(set).unwrap());
    let error = label(&client, &|| None, "grader", &segments, &|_| {}).unwrap_err();
    let said = error.to_string();
    assert!(
        said.contains("`grader`") && said.contains("segment"),
        "{said}"
    );
}
