//! Two hundred texts that some program would obey, as values, documentation, file names and data:
//! they come out of tables, files, graphs and messages as texts, and no terminal is commanded.

mod corpus;
mod files;

use std::collections::BTreeSet;
use std::fs;
use std::process::Command;

use serde_json::Value;

use crate::common::{Folder, Run, VPC, say, skip};
use crate::study::{tales, works};
use corpus::corpus;

/// A text as the language writes it.
fn quoted(text: &str) -> String {
    let escaped = text
        .replace('\\', "\\\\")
        .replace('"', "\\\"")
        .replace('\n', "\\n")
        .replace('\t', "\\t");
    format!("\"{escaped}\"")
}

/// A study with each text as the value of an axis and as documentation.
fn study(texts: &[String]) -> String {
    let values: Vec<String> = texts.iter().map(|text| quoted(text)).collect();
    let docs = |at: usize| quoted(&texts[at % texts.len()]);
    let tables: String = (0..texts.len())
        .map(|at| {
            format!(
                "    table t{at} {} {{ cells: [fit.code], rows: z }}\n",
                docs(at)
            )
        })
        .collect();
    format!(
        "category code {} {{ source: world(code, size: 48 KiB) }}
tokenizer bpe {{ vocabulary: 260, data: code }}
scale tiny {{ layers: 1, width: 8, heads: 2, context: 32, batch: 4 }}
experiment e {} {{
  vary z: [{}]
  pretrain base {{ model: tiny, data: code, tokenizer: bpe, tokens: if z == {} then 512 else 640 }}
  eval fit {{ from: base, suite: held_out([code]) }}
  report r {{
{tables}  }}
}}
",
        docs(0),
        docs(1),
        values.join(", "),
        values[0],
    )
}

/// Runs a command as on a terminal: whatever it writes in colour stays.
fn coloured(folder: &Folder, arguments: &[&str]) -> Run {
    let mut command = folder.command("");
    command
        .args(arguments)
        .env_remove("NO_COLOR")
        .env("CLICOLOR_FORCE", "1");
    Run::of(command.output().unwrap())
}

/// Requires that nothing in a text is obeyed by a terminal but its ends of lines.
#[track_caller]
fn harmless(what: &str, text: &str) {
    let turns = |c| matches!(c, '\u{202a}'..='\u{202e}' | '\u{2066}'..='\u{2069}');
    let obeyed = |c: char| (c.is_control() && !matches!(c, '\n' | '\t')) || turns(c);
    let at = text.find(obeyed);
    let around = at.map(|at| text[at..].chars().take(40).collect::<String>());
    assert_eq!(around, None, "{what}");
}

#[test]
fn values_and_documentation_stay_texts() {
    let texts = corpus();
    let folder = Folder::with(&[("s.vp", &study(&texts))]);
    let run = coloured(&folder, &["run", "s.vp"]).ends(0);
    harmless("tables", &run.stdout);
    harmless("messages", &run.stderr);
    let known = |line: &str| {
        [
            "start ",
            "done ",
            "s: ",
            "results: ",
            "    ",
            "6 jobs",
            "7 jobs",
        ]
        .iter()
        .any(|begin| line.starts_with(begin))
    };
    assert!(
        run.stderr.lines().all(known),
        "a line is forged: {}",
        run.stderr
    );
    for arguments in [
        &["plan", "s.vp", "--jobs"][..],
        &["plan", "s.vp", "--json"],
        &["check", "s.vp"],
        &["graph", "s.vp"],
    ] {
        let run = coloured(&folder, arguments).ends(0);
        harmless(
            &format!("{arguments:?}"),
            &format!("{}{}", run.stdout, run.stderr),
        );
    }
    let typed = texts.iter().filter(|text| !text.contains('\0'));
    for text in typed.step_by(9) {
        let run = coloured(&folder, &["show", &format!("e/fit[z={}]", value_of(text))]);
        harmless("show", &format!("{}{}", run.stdout, run.stderr));
        let run = coloured(
            &folder,
            &[
                "plan",
                "s.vp",
                "--only",
                &format!("e/fit[z={}]", value_of(text)),
            ],
        );
        harmless("selections", &format!("{}{}", run.stdout, run.stderr));
    }
    let values: BTreeSet<String> = texts.iter().map(|text| value_of(text)).collect();
    assert_eq!(values.len(), texts.len(), "two values are one");
    files::json(&folder, &values);
    files::csv(&folder, &values);
    files::graphs(&folder);
    say(&format!(
        "injection: {} texts through tables, messages, csv, json, DOT and Mermaid",
        texts.len()
    ));
}

/// A text as a value of an axis: as written, unless that would read like the end of a name.
fn value_of(text: &str) -> String {
    let written = quoted(text);
    if written.contains([',', '[', ']', '=']) {
        return text.to_owned();
    }
    written
}

#[test]
fn a_terminal_is_not_commanded() {
    if !works("script", &["-qec", "true", "/dev/null"]) {
        return skip("a terminal", "no `script` here");
    }
    let texts = corpus();
    let folder = Folder::with(&[("s.vp", &study(&texts))]);
    let mut command = Command::new("script");
    command
        .args(["-qec", &format!("{VPC} run s.vp"), "typed"])
        .current_dir(folder.path());
    command.env("TERM", "xterm-256color").env_remove("NO_COLOR");
    let ran = command.output().unwrap();
    assert!(ran.status.success(), "{ran:?}");
    let typed = fs::read(folder.join("typed")).unwrap();
    let screen = String::from_utf8_lossy(&typed);
    for (at, text) in screen.match_indices("PWNED") {
        let before: String = screen[..at].chars().rev().take(6).collect();
        let sent = before.contains(|c: char| c.is_control() && !matches!(c, '\n' | '\r'));
        assert!(!sent, "{text} after {before:?}");
    }
    for obeyed in ["\u{1b}]", "\u{1b}P", "\u{9b}", "\u{9d}", "\u{7}", "\u{8}"] {
        assert!(!screen.contains(obeyed), "{obeyed:?}");
    }
    assert!(screen.contains("PWNED"));
}

#[test]
fn names_of_files_and_fields_stay_texts() {
    let texts = corpus();
    let folder = Folder::new();
    let (mut named, mut missing) = (String::new(), String::new());
    let mut files = 0;
    for (at, text) in texts.iter().enumerate() {
        let is_name = !text.contains(['/', '\0']) && text.len() < 200;
        if is_name {
            folder.write(text, tales());
            files += 1;
            named += &format!("category c{at} {{ source: text({}) }}\n", quoted(text));
        }
        missing += &format!(
            "category m{at} {{ source: text({}) }}\n",
            quoted(&format!("{text}.none"))
        );
    }
    folder.write("named.vp", named);
    let run = coloured(&folder, &["check", "--format", "short", "named.vp"]).ends(0);
    harmless("names of files", &run.stderr);
    folder.write("missing.vp", missing);
    for format in ["short", "json"] {
        let run = coloured(&folder, &["check", "--format", format, "missing.vp"]).ends(1);
        harmless(format, &format!("{}{}", run.stdout, run.stderr));
    }
    let run = folder.vpc("check missing.vp").ends(1);
    harmless("human", &run.stderr);

    let fields: Vec<String> = texts
        .iter()
        .map(|text| format!("{}:1", Value::from(text.as_str())))
        .collect();
    let lines = format!("{{{}}}\n", fields.join(",")).repeat(3);
    folder.write("x.jsonl", lines);
    let study = study(&texts[..2]).replace("world(code, size: 48 KiB)", "jsonl(\"x.jsonl\")");
    folder.write("f.vp", study);
    let run = coloured(&folder, &["run", "f.vp"]).ends(1);
    assert!(run.stderr.contains("no field"), "{}", run.stderr);
    harmless("names of fields", &run.stderr);

    let data: Vec<String> = texts
        .iter()
        .cycle()
        .take(2_000)
        .enumerate()
        .map(|(at, text)| serde_json::json!({ "text": format!("{at} {text}") }).to_string())
        .collect();
    folder.write("x.jsonl", data.join("\n"));
    let run = coloured(&folder, &["run", "f.vp", "--only", "e/fit"]).ends(0);
    harmless("data", &format!("{}{}", run.stdout, run.stderr));
    say(&format!(
        "injection: {files} names of files that are there, {} that are not, {} fields, and data",
        texts.len(),
        texts.len()
    ));
}
