//! What is known of how much text there is, from the first plan to the last.

mod common;

use std::fs;

use common::{Folder, SMALL};
use serde_json::Value;

fn capped(most: &str) -> String {
    SMALL.replace("seed: seed", &format!("seed: seed, max_epochs: {most}"))
}

/// Until somebody counts, a limit is a warning in the plan, and kept by the run itself.
#[test]
fn a_limit_is_kept_before_and_after_counting() {
    let folder = Folder::with(&[("s.vp", &capped("0.01"))]);
    let run = folder.vpc("plan s.vp --format short").ends(0);
    assert!(
        run.stderr.contains("s.vp:7:96: warning[V0315]"),
        "{}",
        run.stderr
    );
    let run = folder.vpc("run s.vp").ends(1);
    assert!(
        run.stderr.contains("more than `max_epochs: 1/100`"),
        "{}",
        run.stderr
    );
    // The run counted before it refused.
    let run = folder.vpc("plan s.vp --format short").ends(1);
    assert!(run.stderr.contains("error[V0314]"), "{}", run.stderr);
    assert!(run.stderr.contains("nothing was planned"), "{}", run.stderr);
    folder.write("s.vp", capped("2"));
    let run = folder.vpc("plan s.vp").ends(0);
    assert_eq!(run.stderr, "");
    folder.vpc("run s.vp").ends(0);
}

/// A lock file remembers counts when the store is gone, and only of the text they were made of.
#[test]
fn counts_outlive_the_store() {
    let folder = Folder::with(&[("s.vp", SMALL)]);
    let demand = |folder: &Folder| -> Value {
        let plan = folder.vpc("plan s.vp --json").ends(0).stdout;
        let plan: Value = serde_json::from_str(&plan).unwrap();
        let runs = plan["demand"].as_object().unwrap();
        assert_eq!(runs.len(), 2);
        runs.values().next().unwrap()["code"].clone()
    };
    let unknown = demand(&folder);
    assert_eq!(unknown["tokens"], 5120);
    assert_eq!(unknown["epochs"], Value::Null);
    folder.vpc("lock s.vp --count").ends(0);
    let known = demand(&folder);
    let epoch = known["epoch_tokens"].as_u64().unwrap();
    assert!(epoch > 10_000 && epoch % 32 == 0, "{known}");
    assert_eq!(known["unique_tokens"], 5120);
    fs::remove_dir_all(folder.join(".vp")).unwrap();
    assert_eq!(demand(&folder), known);
    let text = folder.vpc("plan s.vp").ends(0).stdout;
    assert!(text.contains("epochs: code 0."), "{text}");
    // Other text was not counted.
    folder.write("s.vp", SMALL.replace("64 KiB", "65 KiB"));
    assert_eq!(demand(&folder)["epochs"], Value::Null);
}
