//! Questions as they are read and put.

use std::fs;

use super::*;
use crate::DataError;

fn read(name: &str, text: &str, asking: Asking) -> Result<Vec<Question>, String> {
    let folder = tempfile::tempdir().expect("a folder");
    let path = folder.path().join(name);
    fs::write(&path, text).expect("a file");
    read_questions(&path, asking).map_err(|error: DataError| {
        let folder = folder.path().display().to_string();
        error.to_string().replace(&format!("{folder}/"), "")
    })
}

#[test]
fn json_lines_and_tables_give_the_same_questions() {
    let lines = "{\"id\": \"7\", \"question\": \"Which?\", \"options\": [\"cat\", \"dog\"], \"answer\": \"dog\"}\n\
                 \n\
                 {\"question\": \"How many?\", \"options\": [1, 2, 3], \"answer\": 3, \"more\": null}\n";
    let table = "index\tquestion\tA\tB\tC\tanswer\n\
                 7\tWhich?\tcat\tdog\t\tB\n\
                 3\tHow many?\t1\t2\t3\tC\n";
    let questions = read("q.jsonl", lines, Asking::Choice).unwrap();
    assert_eq!(questions, read("q.tsv", table, Asking::Choice).unwrap());
    assert_eq!(questions[0].answer, Answer::Option(1));
    // The number is one of the options before it is the place of one.
    assert_eq!(questions[1].answer, Answer::Option(2));
    assert_eq!(questions[1].id, "3", "its line");
}

#[test]
fn each_way_of_asking_reads_its_answers() {
    let yes = read(
        "q.jsonl",
        "{\"question\": \"Is it?\", \"answer\": \"No\"}",
        Asking::YesNo,
    );
    assert_eq!(yes.unwrap()[0].answer, Answer::YesNo(false));
    let line = "{\"question\": \"Where?\", \"answer\": [\"in Rome\", 4]}";
    let words = read("q.jsonl", line, Asking::ShortAnswer).unwrap();
    assert_eq!(
        words[0].answer,
        Answer::Words(vec!["in Rome".to_owned(), "4".to_owned()])
    );
    let text = read("q.jsonl", "{\"text\": \"Once.\"}", Asking::Perplexity).unwrap();
    assert_eq!(
        (text[0].text.as_str(), &text[0].answer),
        ("Once.", &Answer::None)
    );
}

#[test]
fn bad_questions_are_named_with_their_line() {
    let refused = |text: &str, asking| read("q.jsonl", text, asking).expect_err("a bad file");
    let cases = [
        (
            "{\"question\": \"Q\", \"answer\": \"A\"}",
            "no list `options`",
        ),
        (
            "{\"question\": \"Q\", \"options\": [\"x\"], \"answer\": 0}",
            "1 options",
        ),
        (
            "{\"question\": \"Q\", \"options\": [\"x\", \"x\"], \"answer\": 0}",
            "the same",
        ),
        (
            "{\"question\": \"Q\", \"options\": [\"x\", \"y\"], \"answer\": \"C\"}",
            "none of its options",
        ),
        (
            "{\"question\": \"Q\", \"options\": [\"x\", \"y\"], \"answer\": 2}",
            "none of its options",
        ),
        (
            "{\"question\": \"Q\", \"options\": [\"x\", \"y\"]}",
            "the field `answer`",
        ),
        (
            "{\"options\": [\"x\", \"y\"], \"answer\": 0}",
            "the field `question`",
        ),
        ("[1]", "no JSON object"),
        ("{\"question\": ", "no JSON object"),
    ];
    for (line, reason) in cases {
        let good = "{\"question\": \"Q\", \"options\": [\"x\", \"y\"], \"answer\": 0}\n";
        let message = refused(&format!("{good}{line}\n"), Asking::Choice);
        assert!(message.starts_with("`q.jsonl` line 2: "), "{message}");
        assert!(message.contains(reason), "{message}");
    }
    let twice = "{\"id\": 1, \"text\": \"a\"}\n{\"id\": 1, \"text\": \"b\"}\n";
    assert!(refused(twice, Asking::Perplexity).contains("`1` comes twice"));
    assert!(refused("\n", Asking::Choice).contains("no questions"));
    assert!(
        refused(
            "{\"question\": \"Q\", \"answer\": \"maybe\"}",
            Asking::YesNo
        )
        .contains("neither")
    );
    let ragged = read("q.tsv", "question\tanswer\na\tb\tc\n", Asking::ShortAnswer);
    assert!(ragged.expect_err("too many cells").contains("line 2"));
}

#[test]
fn prompts_are_as_written() {
    let mut question = Question {
        id: "1".to_owned(),
        before: Vec::new(),
        text: "Which?".to_owned(),
        options: vec!["cat".to_owned(), "dog".to_owned()],
        answer: Answer::Option(0),
        form: Form::Asked,
    };
    let usual = Template::default();
    let put = |question: &Question, asking| usual.prompt(&body(question, asking));
    assert_eq!(
        put(&question, Asking::Choice),
        "Question: Which?\nA. cat\nB. dog\nAnswer:"
    );
    assert_eq!(
        put(&question, Asking::Likelihood),
        "Question: Which?\nAnswer:"
    );
    assert_eq!(
        put(&question, Asking::YesNo),
        "Question: Which? Yes or no?\nAnswer:"
    );
    assert_eq!(usual.continuation("cat"), " cat");
    assert_eq!(earlier(&question), "");
    let turn = |question: &str, answer: &str| Turn {
        question: question.to_owned(),
        answer: answer.to_owned(),
    };
    question.before = vec![turn("One?", "yes"), turn("Or two?", "no")];
    assert_eq!(earlier(&question), "One?\nyes\nOr two?\nno\n");
    assert_eq!(
        put(&question, Asking::Likelihood),
        "Question: Which?\nAnswer:"
    );
}

#[test]
fn templates_divide_at_the_answer() {
    let usual = Template::new("Question: {question}\nAnswer: {answer}");
    assert_eq!(usual.expect("a template"), Template::default());
    let chat = Template::new("USER: {question} ASSISTANT:\n{answer}").expect("a template");
    assert_eq!(chat.prompt("Which?"), "USER: Which? ASSISTANT:");
    assert_eq!(chat.continuation("cat"), "\ncat");
    for wrong in [
        "",
        "{question}",
        "{answer}",
        "{answer} {question}",
        "{question}{answer}.",
    ] {
        let error = Template::new(wrong).expect_err(wrong).to_string();
        assert!(error.contains("must have `{question}`"), "{error}");
    }
}
