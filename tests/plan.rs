//! `vpc plan`: it tells the truth and leaves no trace.

mod common;

use std::fs;
use std::path::Path;

use common::{Folder, READ_ONLY, Run, SMALL, anywhere, listing, mounting_shell, skip};
use serde_json::Value;

fn planned(folder: &Folder) -> Value {
    let run = folder.vpc("plan s.vp --json").ends(0);
    assert_eq!(run.stderr, "");
    serde_json::from_str(&run.stdout).unwrap()
}

/// The states of the plan's jobs, counted: cached, new, changed, begun, not needed.
fn states(plan: &Value) -> [usize; 5] {
    let states = plan["states"].as_object().unwrap();
    assert_eq!(states.len(), plan["plan"]["jobs"].as_array().unwrap().len());
    ["cached", "new", "changed", "begun", "not_needed"]
        .map(|word| states.values().filter(|state| *state == word).count())
}

/// The quickstart as people see it. The keys pin the identity of its jobs: when they change, all
/// finished work everywhere is computed anew.
#[test]
fn the_quickstart() {
    let study = Path::new(env!("CARGO_MANIFEST_DIR")).join("experiments/quickstart.vp");
    let folder = Folder::with(&[("quickstart.vp", &fs::read_to_string(study).unwrap())]);
    let run = folder.vpc("plan quickstart.vp").ends(0);
    assert_eq!(run.stderr, "");
    insta::with_settings!({ omit_expression => true, prepend_module_to_snapshot => false }, {
        insta::assert_snapshot!("plan_quickstart", anywhere(&run.stdout));
    });
}

#[test]
fn planning_leaves_no_trace() {
    let folder = Folder::with(&[("s.vp", SMALL)]);
    let before = listing(folder.path());
    for arguments in [
        "plan s.vp",
        "plan s.vp --json",
        "plan s.vp --jobs",
        "check s.vp",
    ] {
        folder.vpc(arguments).ends(0);
        folder.vpc(&format!("{arguments} --format short")).ends(0);
    }
    folder.vpc("plan s.vp --store elsewhere/store").ends(0);
    assert_eq!(listing(folder.path()), before);
    folder.vpc("run s.vp").ends(0);
    let before = listing(folder.path());
    folder.vpc("plan s.vp").ends(0);
    folder.vpc("show tokenizer/bpe").ends(0);
    assert_eq!(listing(folder.path()), before);
}

#[test]
fn planning_needs_no_permission_to_write() {
    let Some(shell) = mounting_shell() else {
        return skip("read-only folder", "no mounts allowed here");
    };
    let folder = Folder::with(&[("s.vp", SMALL)]);
    let expected = folder.vpc("plan s.vp").ends(0);
    let script = format!("{READ_ONLY} freeze $PWD && cd $PWD && exec $VPC plan s.vp");
    let run = Run::of(folder.script(shell, &script).output().unwrap()).ends(0);
    assert_eq!(run.stdout, expected.stdout);
}

#[test]
fn the_states_follow_the_work() {
    let folder = Folder::with(&[("s.vp", SMALL)]);
    let plan = planned(&folder);
    assert_eq!(plan["schema"], 1);
    assert_eq!(states(&plan), [0, 7, 0, 0, 0]);
    let tokens = |plan: &Value| -> u64 {
        let totals = plan["totals"].as_array().unwrap();
        totals
            .iter()
            .map(|total| total["tokens_to_do"].as_u64().unwrap())
            .sum()
    };
    // Two runs of 40 steps of 4 sequences of 32 tokens: the first whole step at or above 5k.
    assert_eq!(tokens(&plan), 2 * 40 * 4 * 32);
    folder.vpc("run s.vp").ends(0);
    let plan = planned(&folder);
    assert_eq!(states(&plan), [7, 0, 0, 0, 0]);
    assert_eq!(tokens(&plan), 0);
    let text = folder.vpc("plan s.vp").ends(0).stdout;
    assert!(
        text.trim_end().ends_with("nothing to do; 7 jobs cached"),
        "{text}"
    );

    // A longer budget: other trainings and evaluations over the same corpus, tokenizer and tokens.
    folder.write("s.vp", SMALL.replace("tokens: 5k", "tokens: 6k"));
    assert_eq!(states(&planned(&folder)), [3, 0, 4, 0, 0]);
    // A third seed: new ones.
    folder.write("s.vp", SMALL.replace("1..2", "1..3"));
    assert_eq!(states(&planned(&folder)), [7, 2, 0, 0, 0]);
    // Names and places bear no identity.
    folder.write(
        "s.vp",
        SMALL
            .replace("tiny", "small")
            .replace("code {", "c {")
            .replace("data: code", "data: c")
            .replace("([code])", "([c])"),
    );
    assert_eq!(states(&planned(&folder)), [7, 0, 0, 0, 0]);
}

#[test]
fn what_is_not_needed_is_said() {
    let folder = Folder::with(&[("s.vp", SMALL)]);
    folder.vpc("run s.vp").ends(0);
    let (path, _) = common::manifest(&folder.join(".vp"), "tokenizer/bpe").unwrap();
    fs::remove_file(path).unwrap();
    assert_eq!(states(&planned(&folder)), [6, 0, 0, 0, 1]);
    let text = folder.vpc("plan s.vp --jobs").ends(0).stdout;
    assert!(text.contains("tokenizer/bpe  not needed"), "{text}");
    assert!(text.contains("not needed  tokens"), "{text}");
}

#[test]
fn what_is_begun_is_said() {
    let study = SMALL
        .replace("tokens: 5k", "tokens: 50M")
        .replace("1..2", "[1]");
    let folder = Folder::with(&[("s.vp", &study)]);
    let mut child = folder.start("run s.vp --checkpoint-every 0", "messages");
    let progress = folder.join(".vp/progress");
    for _ in 0..6000 {
        if fs::read_dir(&progress).is_ok_and(|mut entries| entries.next().is_some()) {
            break;
        }
        std::thread::sleep(std::time::Duration::from_millis(10));
    }
    std::thread::sleep(std::time::Duration::from_millis(300));
    child.kill().unwrap();
    child.wait().unwrap();
    let plan = planned(&folder);
    assert_eq!(states(&plan), [3, 1, 0, 1, 0]);
    let text = folder.vpc("plan s.vp --jobs").ends(0).stdout;
    assert!(text.contains("goes on from step "), "{text}");
    assert!(text.contains("goes on  tokens"), "{text}");
}

/// Arms that compute the same stand in one line, with all their names.
#[test]
fn equal_arms_are_one_job() {
    let study = SMALL.replace(
        "pretrain base {",
        "vary half: [first, second]\n  let first = 1/2\n  let second = 50%\n  pretrain base { clip: half,",
    );
    let folder = Folder::with(&[("s.vp", &study)]);
    // On devices, what jobs take does not depend on the machine.
    let run = folder.vpc("plan s.vp --jobs --pool a100").ends(0);
    insta::with_settings!({ omit_expression => true, prepend_module_to_snapshot => false }, {
        insta::assert_snapshot!("plan_equal_arms", run.stdout);
    });
}
