//! Suites of benchmarks with language models: asked, answered, added up, reported.

mod common;

use common::{Folder, answers, computed, filed};
use serde_json::{Value, json};

const STUDY: &str = r#"
category web { source: world(web, size: 192 KiB) }
category code { source: world(code, size: 192 KiB) }
mixture m(c: share) { code: c, web: rest }
tokenizer bpe { vocabulary: 320, data: m(1/2), sample: 64 KiB }
scale tiny { layers: 2, width: 32, heads: 2, context: 64, batch: 8, rate: 0.003 }

benchmark colours { data: "colours.jsonl", items: 4, format: likelihood, images: false, chance: 50% }
benchmark letters { data: "letters.tsv", items: 2, format: choice, images: false }
benchmark truths  { data: "truths.jsonl", items: 2, format: yes_no, images: false }
benchmark words   { data: "words.jsonl", items: 2, format: short_answer, images: false }
benchmark prose   { data: "prose.jsonl", items: 2, format: perplexity, images: false }

suite abilities {
  overall: mean_of_groups
  group options { benchmarks: [colours, letters] }
  group written { benchmarks: [truths, words] }
}
suite texts { group fluent { benchmarks: [prose] } }

experiment e {
  vary c: [10%, 90%]
  pretrain base { model: tiny, data: m(c), tokenizer: bpe, tokens: 40k }
  eval able { from: base, suite: abilities }
  eval reads { from: base, suite: texts }
  eval early { from: base.at(20k), suite: texts }
  report r {
    table t { cells: [able.options, able.written, able.overall, able.colours], rows: c }
    table p { cells: [reads.fluent, early.fluent], rows: c }
    ranking best { of: [able.overall, reads.fluent], rows: c, weights: [1, 3] }
  }
}
"#;

fn folder() -> Folder {
    let folder = Folder::with(&[("s.vp", STUDY)]);
    let pairs = [
        ("red", "blue"),
        ("green", "ox"),
        ("a cup", "print"),
        ("left", "xq zzv"),
    ];
    let lines = pairs.iter().enumerate().map(|(at, (right, wrong))| {
        let options = if at % 2 == 0 { [right, wrong] } else { [wrong, right] };
        json!({ "id": format!("c{at}"), "question": "What do you see?", "options": options, "answer": right })
            .to_string()
    });
    folder.write("colours.jsonl", lines.collect::<Vec<_>>().join("\n"));
    folder.write(
        "letters.tsv",
        "index\tquestion\tA\tB\tanswer\n1\tWhich is a cup?\tcup\tball\tA\n2\tWhich is a ball?\tcup\tball\tB\n",
    );
    folder.write(
        "truths.jsonl",
        "{\"question\": \"Is a ball round?\", \"answer\": \"yes\"}\n{\"question\": \"Is 2 odd?\", \"answer\": false}\n",
    );
    folder.write(
        "words.jsonl",
        "{\"question\": \"What is 1 + 1?\", \"answer\": [\"2\", \"two\"]}\n{\"question\": \"What is red?\", \"answer\": \"a colour\"}\n",
    );
    let long = "The ball is to the left of the cup. ".repeat(20);
    folder.write(
        "prose.jsonl",
        format!(
            "{}\n{}\n",
            json!({ "text": "A red ball." }),
            json!({ "text": long })
        ),
    );
    folder
}

fn number(value: &Value) -> f64 {
    value.as_f64().unwrap()
}

/// Holds errors and intervals to the answers: Wilson's of four questions; benchmarks of a group err independently.
fn is_worth_what_it_says(folder: &Folder, results: &Value, screen: &str) {
    let worth = |item: &str| {
        let all = results["numbers"].as_array().unwrap();
        let is_it = |one: &&Value| {
            one["job"] == "able" && one["item"] == item && one["point"][0][1] == "10%"
        };
        all.iter().find(is_it).unwrap()["over_items"].clone()
    };
    let error = |name: &str| {
        let filed = filed(folder, &format!("e/able.{name}[c=10%]"));
        number(&filed["metrics"]["error"])
    };
    assert_eq!(worth("colours")["n"], 4);
    assert!((number(&worth("colours")["error"]) - error("colours")).abs() < 1e-12);
    let found = number(&filed(folder, "e/able.colours[c=10%]")["metrics"]["value"]);
    let ends = worth("colours")["interval"].clone();
    assert!(number(&ends[0]) <= found && found <= number(&ends[1]));
    let expected = error("colours").hypot(error("letters")) / 2.0;
    assert_eq!(worth("options")["n"], 6);
    assert!((number(&worth("options")["error"]) - expected).abs() < 1e-12);
    let csv = folder.read(".vp/results/s/results.csv");
    assert!(csv.starts_with("study,experiment,job,c,item,metric,value,key,items,error,low,high\n"));
    let cell = &results["tables"][0]["table"]["rows"][0]["cells"][0];
    assert_eq!(cell["over_items"], worth("options"));
    // One run: nothing is known of others, which is not to say that they would be alike.
    let one = json!({ "n": 1, "error": null, "interval": null });
    assert_eq!(cell["over_runs"], one);
    assert!(
        screen
            .contains("± standard error over items (n = 4 to 10); one run each, so none over runs"),
        "{}",
        screen
    );
}

/// Holds a ranking of two values to the scores and perplexities that it is made of.
fn is_ranked_by_what_was_measured(folder: &Folder, results: &Value, screen: &str) {
    let ranking = &results["rankings"][0]["ranking"];
    let measured = |job: &str, item: &str, c: &str| {
        let all = results["numbers"].as_array().unwrap();
        let is_it =
            |one: &&Value| one["job"] == job && one["item"] == item && one["point"][0][1] == c;
        number(&all.iter().find(is_it).unwrap()["value"])
    };
    let values = ["10%", "90%"];
    let score = values.map(|c| measured("able", "overall", c));
    let perplexity = values.map(|c| measured("reads", "fluent", c));
    // A rank of 1 for the better one, 2 for the other, 1.5 for both where they are equal.
    let place = |own: f64, other: f64| match own.total_cmp(&other) {
        std::cmp::Ordering::Less => 1.0,
        std::cmp::Ordering::Equal => 1.5,
        std::cmp::Ordering::Greater => 2.0,
    };
    for (at, c) in values.into_iter().enumerate() {
        let other = 1 - at;
        let sum = place(-score[at], -score[other]) + 3.0 * place(perplexity[at], perplexity[other]);
        let rows = ranking["rows"].as_array().unwrap();
        let row = rows.iter().find(|row| row["value"] == c).unwrap();
        assert!((number(&row["sum"]) - sum).abs() < 1e-12, "{ranking:#}");
        let csv = folder.read(".vp/results/s/results.csv");
        let line = format!("s,e,r.best,{c},,rank_sum,{sum},,,,,\n");
        assert!(csv.contains(&line), "{csv}");
    }
    assert_eq!(ranking["missing"], json!([]));
    assert!(
        screen.contains("reads.fluent.perplexity counts 3"),
        "{screen}"
    );
    assert!(!screen.contains("not worked out"), "{screen}");
}

#[test]
fn a_suite_is_answered_added_up_and_reported() {
    let folder = folder();
    let run = folder.vpc("run s.vp").ends(0);
    assert!(run.stdout.contains("able.overall"), "{}", run.stdout);

    // Each question has its line, and what the lines say is what is counted.
    let colours = answers(&folder, "e/able.colours[c=10%]");
    assert_eq!(colours.len(), 4);
    let mut right = 0;
    for (at, answer) in colours.iter().enumerate() {
        assert_eq!(answer["id"], format!("c{at}"));
        assert_eq!(answer["prompt"].as_str().unwrap().len(), 64);
        let of = |field: &str| -> Vec<f64> {
            answer[field]
                .as_array()
                .unwrap()
                .iter()
                .map(number)
                .collect()
        };
        let (nats, bytes) = (of("log_likelihoods"), of("lengths"));
        assert!(nats.iter().all(|nats| *nats < 0.0));
        let first = nats[0] / bytes[0] >= nats[1] / bytes[1];
        assert_eq!(answer["answer"], json!(usize::from(!first)));
        // The right option stands first in every other question.
        let is_right = first == (at % 2 == 0);
        assert_eq!(answer["right"], json!(is_right));
        right += usize::from(is_right);
    }
    let found = filed(&folder, "e/able.colours[c=10%]");
    assert_eq!(found["metrics"]["right"], json!(right));
    assert!((number(&found["metrics"]["value"]) - right as f64 / 4.0).abs() < 1e-12);

    let none = folder
        .vpc("show e/able.colours[c=10%] --file other")
        .ends(1);
    assert!(
        none.stderr.contains("it has `answers.vpcr`"),
        "{}",
        none.stderr
    );

    // Groups and the whole, from the benchmarks.
    let value =
        |name: &str| number(&filed(&folder, &format!("e/able.{name}[c=10%]"))["metrics"]["value"]);
    let options = f64::midpoint(value("colours"), value("letters"));
    let written = f64::midpoint(value("truths"), value("words"));
    let results: Value = serde_json::from_str(&folder.read(".vp/results/s/results.json")).unwrap();
    let reported = |job: &str, item: &str| {
        let all = results["numbers"].as_array().unwrap();
        let mut fits = all
            .iter()
            .filter(|one| one["job"] == job && one["item"] == item && one["point"][0][1] == "10%");
        number(&fits.next().unwrap_or_else(|| panic!("no {job}.{item}"))["value"])
    };
    for (item, expected) in [
        ("options", options),
        ("written", written),
        ("overall", f64::midpoint(options, written)),
        ("colours", value("colours")),
    ] {
        assert!((reported("able", item) - expected).abs() < 1e-12, "{item}");
    }

    is_ranked_by_what_was_measured(&folder, &results, &format!("{}{}", run.stdout, run.stderr));
    is_worth_what_it_says(&folder, &results, &run.stdout);

    // Perplexity is that of all tokens together; training lowers it.
    let prose = answers(&folder, "e/reads.prose[c=10%]");
    let sum = |field: &str| -> f64 { prose.iter().map(|one| number(&one[field][0])).sum() };
    let perplexity = (-sum("log_likelihoods") / sum("lengths")).exp();
    assert!((reported("reads", "fluent") - perplexity).abs() < 1e-9 * perplexity);
    assert!(
        reported("early", "fluent") > perplexity,
        "half-way it knows less"
    );
    assert!(
        folder
            .vpc("run s.vp")
            .ends(0)
            .stderr
            .contains("nothing to do")
    );
}

#[test]
fn two_models_are_compared_question_by_question() {
    let folder = folder();
    folder.vpc("run s.vp").ends(0);
    let compare = |arguments: &str| folder.vpc(&format!("compare {arguments}"));
    let found = compare("e/able[c=10%] e/able[c=90%] --format json").ends(0);
    let found: Value = serde_json::from_str(&found.stdout).unwrap();
    let benchmarks = found["benchmarks"].as_array().unwrap();
    assert_eq!((&found["schema"], benchmarks.len()), (&json!(1), 4));
    for benchmark in benchmarks {
        let name = benchmark["benchmark"].as_str().unwrap();
        let right = |c: &str| -> Vec<bool> {
            let all = answers(&folder, &format!("e/able.{name}[c={c}]"));
            all.iter().map(|one| one["right"] == true).collect()
        };
        let pairs: Vec<(bool, bool)> = right("10%").into_iter().zip(right("90%")).collect();
        let count = |wanted| pairs.iter().filter(|pair| **pair == wanted).count();
        for (field, wanted) in [
            ("both", (true, true)),
            ("only_left", (true, false)),
            ("only_right", (false, true)),
            ("neither", (false, false)),
        ] {
            assert_eq!(benchmark[field], count(wanted), "{name} {field}");
        }
        let gained = count((true, false)) as f64 - count((false, true)) as f64;
        let difference = gained / pairs.len() as f64;
        assert!((number(&benchmark["difference"]) - difference).abs() < 1e-12);
    }
    let text = compare("e/able.colours[c=10%] e/able.colours[c=90%]").ends(0);
    assert!(
        text.stdout
            .contains("left   e/able.colours[c=10%]\nright  e/able.colours[c=90%]"),
        "{}",
        text.stdout
    );
    for (arguments, status, message) in [
        (
            "e/able.colours[c=10%] e/able.letters[c=10%]",
            1,
            "answer different questions",
        ),
        (
            "e/reads[c=10%] e/reads[c=90%]",
            1,
            "no benchmark in common whose answers are right or wrong",
        ),
        ("e/able[c=10%] e/base[c=10%]", 1, "which has no answers"),
        (
            "e/able[c=10%] nothing",
            1,
            "no finished job is called `nothing`",
        ),
    ] {
        let run = compare(arguments).ends(status);
        assert!(run.stderr.contains(message), "{}", run.stderr);
    }
}

#[test]
fn threads_change_nothing() {
    let run = |threads: usize| {
        let folder = folder();
        folder.vpc(&format!("run s.vp --threads {threads}")).ends(0);
        computed(&folder.join(".vp"), "s")
    };
    let one = run(1);
    assert_eq!(run(2), one);
    assert_eq!(run(3), one);
}

#[test]
fn what_is_wrong_with_questions_is_said() {
    let folder = folder();
    folder.write("s.vp", STUDY.replace("items: 4,", "items: 40,"));
    let run = folder.vpc("run s.vp").ends(1);
    let said = format!("{}{}", run.stdout, run.stderr);
    assert!(
        said.contains("has 4 items and the study says `items: 40`; set `items: 4`"),
        "{said}"
    );
    folder.write("s.vp", STUDY);
    folder.write(
        "letters.tsv",
        "index\tquestion\tA\tB\tanswer\n1\tWhich?\tcup\tball\tC\n2\tWhich?\tcup\tball\tB\n",
    );
    let run = folder.vpc("run s.vp --accept-changes").ends(1);
    let said = format!("{}{}", run.stdout, run.stderr);
    assert!(
        said.contains("letters.tsv` line 2: its `answer` is none of its options"),
        "{said}"
    );
    // What was sound stays, and set right it goes on.
    folder.write(
        "letters.tsv",
        "index\tquestion\tA\tB\tanswer\n1\tWhich?\tcup\tball\tA\n2\tWhich?\tcup\tball\tB\n",
    );
    let run = folder.vpc("run s.vp --accept-changes").ends(0);
    assert!(
        !run.named("done").iter().any(|name| name.contains("base")),
        "{}",
        run.stderr
    );
}
