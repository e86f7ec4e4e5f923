//! What comes out of files and graphs that hostile texts went into.

use std::collections::BTreeSet;

use serde_json::Value;

use super::harmless;
use crate::common::{Folder, Run, skip};
use crate::study::works;

/// The texts come back out of JSON as they went in.
pub(super) fn json(folder: &Folder, values: &BTreeSet<String>) {
    let expected: BTreeSet<&str> = values.iter().map(String::as_str).collect();
    let results: Value = serde_json::from_str(&folder.read(".vp/results/s/results.json")).unwrap();
    let found: BTreeSet<&str> = results["numbers"]
        .as_array()
        .unwrap()
        .iter()
        .map(|number| text_of(&number["point"]))
        .collect();
    assert_eq!(found, expected);
}

/// The first text in a point, however it is written.
fn text_of(point: &Value) -> &str {
    let value = point.get("z").or_else(|| point.get(0)?.get(1));
    value
        .and_then(Value::as_str)
        .unwrap_or_else(|| panic!("{point}"))
}

/// The texts come back out of csv, but for those that a spreadsheet would compute.
pub(super) fn csv(folder: &Folder, values: &BTreeSet<String>) {
    let expected: BTreeSet<&str> = values.iter().map(String::as_str).collect();
    let file = folder.read(".vp/results/s/results.csv");
    let mut reader = csv::Reader::from_reader(file.as_bytes());
    let at = reader
        .headers()
        .unwrap()
        .iter()
        .position(|name| name == "z")
        .unwrap();
    let mut found = BTreeSet::new();
    for record in reader.records() {
        let record = record.unwrap();
        for cell in &record {
            assert!(
                !cell.starts_with(['=', '@', '\t', '\r']),
                "a formula: {cell:?}"
            );
            let signed = cell.starts_with(['+', '-']);
            assert!(
                !signed
                    || cell[1..]
                        .chars()
                        .all(|c| c.is_ascii_alphanumeric() || c == '.'),
                "{cell:?}"
            );
        }
        let cell = &record[at];
        let known = expected
            .contains(cell)
            .then_some(cell)
            .or_else(|| cell.strip_prefix('\''));
        found.insert(known.unwrap().to_owned());
    }
    assert_eq!(
        found.iter().map(String::as_str).collect::<BTreeSet<_>>(),
        expected
    );
}

/// Each node is one line whose label ends where it should.
pub(super) fn graphs(folder: &Folder) {
    for (format, marks) in [("dot", "\""), ("mermaid", "\"")] {
        let run = Run::of(
            folder
                .command("graph s.vp --jobs --format")
                .arg(format)
                .output()
                .unwrap(),
        )
        .ends(0);
        harmless(format, &run.stdout);
        let labels = run
            .stdout
            .lines()
            .filter(|line| line.contains("base[z") || line.contains("fit[z"));
        let mut counted = 0;
        for line in labels {
            let inner = line.replace("\\\"", "");
            assert_eq!(inner.matches(marks).count(), 2, "{line}");
            counted += 1;
        }
        // Equal jobs are one node.
        assert_eq!(counted, 4, "{}", run.stdout);
    }
    let drawing = "exec $VPC graph s.vp --jobs | dot -Tsvg > drawn.svg";
    if works("dot", &["-V"]) {
        Run::of(folder.script(&["sh"], drawing).output().unwrap()).ends(0);
        assert!(!folder.read("drawn.svg").contains("<script"));
    } else {
        skip("drawing the hostile graph", "no Graphviz here");
    }
}
