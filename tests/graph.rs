//! `vpc graph`: drawings that Graphviz and Mermaid accept.

mod common;

use std::fs;
use std::path::Path;
use std::process::{Command, Stdio};

use common::{Folder, skip};

/// Names and values that mean something to one of the languages.
const ODD: &str = r#"
category code { source: world(code, size: 64 KiB) }
tokenizer graph { vocabulary: 300, data: code }
scale tiny { layers: 1, width: 16, heads: 2, context: 32, batch: 4 }
experiment end {
  vary decay: [2*1/10, 0.3]
  vary tag: ["a \"b\" \\ <c> & #35; `d`", "_e_"]
  vary seed: 1..2
  let s = if tag == "_e_" then seed else seed + 10
  pretrain style {
    model: tiny, data: code, tokenizer: graph, tokens: 5k, seed: s, weight_decay: decay
  }
  eval _fit_ { from: style, suite: held_out([code]) }
}
experiment again = end with { vary seed: 2..3 }
"#;

/// The quickstart, a study of odd names, and an empty one.
fn studies() -> Folder {
    let quickstart = Path::new(env!("CARGO_MANIFEST_DIR")).join("experiments/quickstart.vp");
    let quickstart = fs::read_to_string(quickstart).unwrap();
    Folder::with(&[("q.vp", &quickstart), ("odd.vp", ODD), ("empty.vp", "")])
}

fn drawn(folder: &Folder, arguments: &str) -> String {
    folder.vpc(&format!("graph {arguments}")).ends(0).stdout
}

/// The numbers of nodes that edges of a drawing name, as pairs.
fn edges(text: &str, arrow: &str) -> Vec<(usize, usize)> {
    let number = |word: &str| word.trim().trim_end_matches(';')[1..].parse().unwrap();
    let lines = text.lines().filter_map(|line| line.split_once(arrow));
    lines.map(|(from, to)| (number(from), number(to))).collect()
}

/// A quoted string of DOT, as the reference has it: until the next `"` that no `\` precedes.
fn string(text: &str) -> Option<&str> {
    let mut escaped = false;
    let end = text.strip_prefix('"')?.find(|c| {
        let ends = c == '"' && !escaped;
        escaped = c == '\\' && !escaped;
        ends
    })?;
    text.get(end + 2..)
}

/// Requires the part of DOT that is written, line by line.
fn strict_dot(text: &str) {
    let mut depth = 0;
    let mut nodes = 0;
    for line in text.lines().map(str::trim) {
        let label = |rest: &str| string(rest).map(str::to_owned);
        let known = ["", ", shape=cylinder", ", shape=ellipse"];
        let fits = if let Some(rest) = line.strip_prefix("digraph ") {
            depth += 1;
            label(rest).is_some_and(|rest| rest == " {")
        } else if line.starts_with("subgraph cluster_") {
            depth += 1;
            line.ends_with(" {")
        } else if let Some(rest) = line.strip_prefix("label=") {
            label(rest).is_some_and(|rest| rest == ";")
        } else if let Some(rest) = line.strip_prefix(&format!("n{nodes} [label=")) {
            nodes += 1;
            label(rest).is_some_and(|rest| known.iter().any(|shape| rest == format!("{shape}];")))
        } else if line == "}" {
            depth -= 1;
            true
        } else {
            line.contains(" -> ") || ["rankdir=LR;", "node [shape=box];"].contains(&line)
        };
        assert!(fits && depth >= 0, "{line}");
    }
    assert_eq!(depth, 0, "{text}");
    let all = edges(text, " -> ");
    assert!(
        all.is_sorted() && all.iter().all(|(from, to)| from < to && *to < nodes),
        "{text}"
    );
}

/// Requires the part of Mermaid's flowcharts that is written, line by line.
fn strict_mermaid(text: &str) {
    let mut lines = text.lines();
    assert_eq!(lines.next(), Some("flowchart LR"));
    let mut open = false;
    let mut nodes = 0;
    for line in lines.map(str::trim) {
        let brackets = [("[(\"", "\")]"), ("([\"", "\"])"), ("[\"", "\"]")];
        let label = |text: &str| {
            let text = brackets
                .iter()
                .find_map(|(open, close)| text.strip_prefix(open)?.strip_suffix(close));
            // What is left of `#` and `&` would begin entities; `"` would end the label.
            text.is_some_and(|text| {
                let entities = text.split('#').skip(1);
                let mut entities = entities.map(|rest| rest.split_once(';'));
                !text.contains(['"', '<', '>', '&', '`', '*', '\n'])
                    && entities.all(|e| e.is_some_and(|e| e.0.parse::<u32>().is_ok()))
            })
        };
        let fits = if let Some(rest) = line.strip_prefix("subgraph g") {
            assert!(!open, "{text}");
            open = true;
            label(rest.trim_start_matches(|c: char| c.is_ascii_digit()))
        } else if line == "end" {
            std::mem::take(&mut open)
        } else if line.contains(" --> ") {
            !open
        } else {
            nodes += 1;
            open && line
                .strip_prefix(&format!("n{}", nodes - 1))
                .is_some_and(label)
        };
        assert!(fits, "{line}");
    }
    let all = edges(text, " --> ");
    assert!(
        all.is_sorted() && all.iter().all(|(from, to)| from < to && *to < nodes),
        "{text}"
    );
}

#[test]
fn the_quickstart() {
    let folder = studies();
    let mut screens = Vec::new();
    for arguments in [
        "q.vp",
        "q.vp --format mermaid",
        "q.vp --jobs --only code_dose/fit[c=10%,seed=1]",
    ] {
        screens.push(format!(
            "$ vpc graph {arguments}\n{}",
            drawn(&folder, arguments)
        ));
    }
    insta::with_settings!({ omit_expression => true, prepend_module_to_snapshot => false }, {
        insta::assert_snapshot!("graph_quickstart", screens.join("\n"));
    });
}

#[test]
fn drawings_are_sound_and_always_the_same() {
    let folder = studies();
    let has_dot = Command::new("dot")
        .arg("-V")
        .stderr(Stdio::null())
        .status()
        .is_ok();
    if !has_dot {
        skip("Graphviz reads the drawings", "`dot` is not installed");
    }
    for study in [
        "q.vp",
        "odd.vp",
        "empty.vp",
        "odd.vp --only again/style[tag=_*]",
    ] {
        for jobs in ["", " --jobs"] {
            let dot = drawn(&folder, &format!("{study}{jobs}"));
            let mermaid = drawn(&folder, &format!("{study}{jobs} --format mermaid"));
            strict_dot(&dot);
            strict_mermaid(&mermaid);
            // Both draw the same graph, in the same way each time.
            assert_eq!(edges(&dot, " -> "), edges(&mermaid, " --> "));
            assert_eq!(drawn(&folder, &format!("{study}{jobs}")), dot);
            if has_dot {
                folder.write("x.dot", &dot);
                let canon = folder
                    .script(&["sh"], "dot -Tcanon x.dot")
                    .output()
                    .unwrap();
                assert!(
                    canon.status.success() && canon.stderr.is_empty(),
                    "{canon:?}"
                );
            }
        }
    }
    assert!(!folder.join(".vp").exists());
}

#[test]
fn equal_jobs_are_drawn_within_their_experiment() {
    let folder = studies();
    let text = drawn(&folder, "odd.vp");
    // `again` shares the jobs of one seed with `end`, and draws its own edge all the same.
    let place = |name: &str, nth: usize| {
        let mut found = text
            .lines()
            .filter(|line| line.contains(&format!("label=\"{name} ×")));
        let line = found.nth(nth).unwrap().trim();
        line[1..]
            .split(' ')
            .next()
            .unwrap()
            .parse::<usize>()
            .unwrap()
    };
    let all = edges(&text, " -> ");
    for nth in [0, 1] {
        let fit = place("_fit_", nth);
        let from: Vec<usize> = all
            .iter()
            .filter(|edge| edge.1 == fit)
            .map(|edge| edge.0)
            .collect();
        assert!(from.contains(&place("style", nth)), "{text}");
        assert!(!from.contains(&place("style", 1 - nth)), "{text}");
    }
}

#[test]
fn what_renderers_refuse_is_said() {
    let many = ODD.replace("vary seed: 1..2", "vary seed: 1..200");
    let folder = Folder::with(&[("many.vp", &many)]);
    let run = folder.vpc("graph many.vp --jobs --format mermaid").ends(0);
    assert!(
        run.stderr.contains("edges, more than 500"),
        "{}",
        run.stderr
    );
    assert_eq!(folder.vpc("graph many.vp --jobs").ends(0).stderr, "");
    assert_eq!(
        folder.vpc("graph many.vp --format mermaid").ends(0).stderr,
        ""
    );
    folder.write(
        "many.vp",
        ODD.replace("vary seed: 1..2", "vary seed: 1..600"),
    );
    let run = folder.vpc("graph many.vp --jobs --format mermaid").ends(0);
    assert!(
        run.stderr.contains("nodes, more than 2000"),
        "{}",
        run.stderr
    );
}
