//! Data files made to harm, each read by a run with little memory and time: an error in words, or
//! the text that is in them.

mod broken;
mod packed;

use std::path::Path;

use crate::common::{Folder, Run, say, skip};
use crate::study::works;

/// What becomes of a file.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Fate {
    /// A message with these words, and status 1.
    Refused(&'static str),
    /// It is read.
    Read,
}

type Case = (&'static str, &'static str, Vec<u8>, Fate);

fn study(file: &str) -> String {
    let function = if file.contains("jsonl") {
        "jsonl"
    } else {
        "text"
    };
    format!(
        "category x {{ source: {function}(\"{file}\"), held_out: 10% }}
tokenizer bpe {{ vocabulary: 260, data: x }}
scale tiny {{ layers: 1, width: 8, heads: 2, context: 16, batch: 2 }}
experiment e {{
  pretrain base {{ model: tiny, data: x, tokenizer: bpe, tokens: 64 }}
  eval fit {{ from: base, suite: held_out([x]) }}
}}
"
    )
}

fn text() -> Vec<u8> {
    (0..400)
        .flat_map(|n| {
            format!("A line {n} of quite plain text.\n\n")
                .repeat(8)
                .into_bytes()
        })
        .collect()
}

fn lines(field: &str) -> Vec<u8> {
    (0..200)
        .flat_map(|n| format!("{{\"{field}\":\"word {n} and some more\"}}\n").into_bytes())
        .collect()
}

/// One line among sound ones.
fn among(line: &[u8]) -> Vec<u8> {
    [&lines("text")[..], line, b"\n"].concat()
}

#[test]
fn hostile_files_are_refused_or_read() {
    if !works("prlimit", &["--version"]) {
        return skip("hostile data", "no `prlimit` here");
    }
    let cases = [
        packed::bombs(),
        packed::lies(),
        broken::values(),
        broken::others(),
    ]
    .concat();
    let mut refused = 0;
    for (what, name, bytes, fate) in &cases {
        let folder = Folder::with(&[("s.vp", &study(name))]);
        folder.write(name, bytes);
        let script =
            "exec prlimit --as=1073741824 --cpu=20 --fsize=300000000 $VPC run s.vp --threads 1";
        let run = Run::of(folder.script(&["sh"], script).output().unwrap());
        let told = format!("{what} in {name}: status {}: {}", run.status, run.stderr);
        let raw = run.stderr.contains(|c: char| c.is_control() && c != '\n');
        assert!(!raw, "{told:?}");
        match fate {
            Fate::Read => assert_eq!(run.status, 0, "{told}"),
            Fate::Refused(words) => {
                assert!(run.status == 1 && run.stderr.contains(words), "{told}");
                refused += 1;
            }
        }
        assert!(!folder.path().parent().unwrap().join("escaped.x").exists());
    }
    say(&format!(
        "hostile data: {} files within 1 GiB and 20 s, {refused} refused in words, {} read",
        cases.len(),
        cases.len() - refused
    ));
    assert!(cases.len() >= 50);
}

#[test]
fn what_is_no_file_is_no_data() {
    let folder = Folder::new();
    let pipe = folder.join("pipe.txt");
    assert!(works("mkfifo", &[pipe.to_str().unwrap()]));
    let mut tried = 0;
    for path in [
        "pipe.txt",
        "/dev/zero",
        "/dev/random",
        "/dev/stdin",
        "/dev/tty",
        ".",
    ] {
        if path.starts_with('/') && !Path::new(path).exists() {
            continue;
        }
        folder.write("s.vp", study(path));
        for command in ["check", "plan", "run"] {
            let script = format!("exec timeout 10 $VPC {command} s.vp");
            let run = Run::of(folder.script(&["sh"], &script).output().unwrap()).ends(1);
            assert!(run.stderr.contains(path), "{}", run.stderr);
        }
        tried += 1;
    }
    // A study without an end is refused as well.
    let run = folder
        .script(&["sh"], "exec timeout 10 $VPC check /dev/zero")
        .output()
        .unwrap();
    Run::of(run).ends(1);
    say(&format!(
        "hostile data: {tried} pipes, devices and folders refused by 3 commands"
    ));
}
