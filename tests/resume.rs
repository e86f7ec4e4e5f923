//! Interrupted runs: stopped, damaged, gone on with. They end in the same bits as a quiet run.
//! Those that are killed and raced are in `tests/faults`.

mod common;

use std::fs;
use std::process::Command;
use std::time::{Duration, Instant};

use common::{
    Chance, Computed, Folder, READ_ONLY, Run, computed, labels, listing, manifest, manifests,
    mounting_shell, nightly, object, say, skip,
};

/// Thirteen jobs of seconds in all, most of the time in four trainings.
const STUDY: &str = r"
category code { source: world(code, size: 192 KiB) }
category web { source: world(web, size: 192 KiB) }
mixture m(c: share) { code: c, web: rest }
tokenizer bpe { vocabulary: 320, data: m(1/2), sample: 64 KiB }
scale tiny { layers: 2, width: 32, heads: 2, context: 32, batch: 8, rate: 0.003 }

experiment e {
  vary c: [20%, 80%]
  vary seed: 1..2
  pretrain base {
    model: tiny, data: m(c), tokenizer: bpe, tokens: 64k, seed: seed
    keep: [32k]
  }
  eval fit { from: base, suite: held_out([code, web]) }
  report r { table t { cells: [fit.code, fit.web], rows: c } }
}
";

/// Jobs of the study.
const JOBS: usize = 13;

fn folder() -> Folder {
    Folder::with(&[("s.vp", STUDY)])
}

/// A quiet run to the end.
fn reference() -> (Folder, Computed) {
    let folder = folder();
    let run = folder.vpc("run s.vp").ends(0);
    assert_eq!(run.named("done").len(), JOBS, "{}", run.stderr);
    let found = computed(&folder.join(".vp"), "s");
    assert_eq!(found.jobs.len(), JOBS);
    (folder, found)
}

/// Waits until the messages have this word.
fn wait_for(folder: &Folder, word: &str) {
    let begun = Instant::now();
    while !folder.read("messages").contains(word) {
        assert!(begun.elapsed() < Duration::from_mins(1), "no `{word}`");
        std::thread::sleep(Duration::from_millis(2));
    }
}

fn send(signal: &str, process: u32) {
    let mut kill = Command::new("kill");
    kill.args(["-s", signal, &process.to_string()]);
    assert!(kill.status().unwrap().success());
}

#[test]
fn signals_stop_a_run_and_it_goes_on_to_the_same_bits() {
    let times = if nightly() { 20 } else { 2 };
    let (_reference, expected) = reference();
    let mut chance = Chance::new(2);
    let mut slowest = Duration::ZERO;
    for (signal, status) in [("INT", 130), ("TERM", 143), ("HUP", 129)] {
        let folder = folder();
        let mut stops = 0;
        while stops < times {
            let mut child = folder.start("run s.vp", "messages");
            // From here on the signals are watched.
            wait_for(&folder, "to do,");
            std::thread::sleep(Duration::from_millis((300.0 * chance.next()) as u64));
            send(signal, child.id());
            let sent = Instant::now();
            let ended = child.wait().unwrap();
            slowest = slowest.max(sent.elapsed());
            let messages = folder.read("messages");
            if ended.success() {
                break;
            }
            assert_eq!(ended.code(), Some(status), "{messages}");
            assert!(messages.contains("Go on with: vpc run s.vp"), "{messages}");
            assert!(!messages.contains("FAILED"), "{messages}");
            stops += 1;
        }
        assert!(stops > 0, "the run ended before the first signal");
        folder.vpc("run s.vp").ends(0);
        assert_eq!(computed(&folder.join(".vp"), "s"), expected);
        say(&format!("SIG{signal}: same bits after {stops} stops"));
    }
    assert!(slowest < Duration::from_secs(5), "{slowest:?}");
    say(&format!("slowest stop: {slowest:?}"));
}

#[test]
fn a_stop_while_corpora_are_made_is_quick() {
    let study = STUDY.replace("192 KiB", "900 MiB");
    let folder = Folder::with(&[("s.vp", &study)]);
    let mut child = folder.start("run s.vp", "messages");
    wait_for(&folder, "start   corpus");
    std::thread::sleep(Duration::from_millis(200));
    send("TERM", child.id());
    let sent = Instant::now();
    let status = child.wait().unwrap();
    let messages = folder.read("messages");
    assert_eq!(status.code(), Some(143), "{messages}");
    assert!(sent.elapsed() < Duration::from_secs(5), "{messages}");
}

#[test]
fn a_run_that_was_told_to_ignore_hangups_goes_on() {
    let folder = folder();
    let script = "trap '' HUP\n$VPC run s.vp 2> messages & wait $!";
    let mut shell = folder.script(&["sh"], script).spawn().unwrap();
    let begun = Instant::now();
    while !folder.join("messages").exists() && begun.elapsed() < Duration::from_secs(10) {
        std::thread::sleep(Duration::from_millis(5));
    }
    wait_for(&folder, "start   e/base");
    // The shell's only child.
    let children = format!("/proc/{0}/task/{0}/children", shell.id());
    let Ok(children) = fs::read_to_string(children) else {
        skip("ignored hangups", "no `/proc/…/children` here");
        shell.wait().unwrap();
        return;
    };
    send("HUP", children.trim().parse().unwrap());
    assert!(
        shell.wait().unwrap().success(),
        "{}",
        folder.read("messages")
    );
}

#[test]
fn a_second_run_does_nothing() {
    let (folder, _) = reference();
    let before = listing(folder.path());
    let begun = Instant::now();
    let run = folder.vpc("run s.vp").ends(0);
    let took = begun.elapsed();
    assert_eq!(run.stderr, format!("nothing to do; {JOBS} jobs cached\n"));
    assert!(took < Duration::from_secs(1), "{took:?}");
    assert_eq!(listing(folder.path()), before);
}

#[test]
fn threads_do_not_change_a_bit() {
    let (_reference, expected) = reference();
    for threads in [1, 2, 3] {
        let folder = folder();
        folder.vpc(&format!("run s.vp --threads {threads}")).ends(0);
        assert_eq!(computed(&folder.join(".vp"), "s"), expected);
    }
}

#[test]
fn a_flipped_byte_is_found_and_healed() {
    let (folder, expected) = reference();
    let store = folder.join(".vp");
    let evaluation = "e/fit[c=20%,seed=1]";
    let mut healed = 0;
    for (name, file) in [
        ("e/base[c=20%,seed=1]", "model.safetensors"),
        ("tokens/code@bpe", "held.tok"),
        ("corpus/code", "train.docs"),
    ] {
        // What is made from the damaged file must be needed, down to the evaluation.
        fs::remove_file(manifest(&store, evaluation).unwrap().0).unwrap();
        if file == "train.docs" {
            for name in ["tokens/code@bpe", "e/base[c=20%,seed=1]"] {
                fs::remove_file(manifest(&store, name).unwrap().0).unwrap();
            }
        }
        let path = object(&store, &manifest(&store, name).unwrap().1, file);
        let mut bytes = fs::read(&path).unwrap();
        let middle = bytes.len() / 2;
        bytes[middle] ^= 4;
        fs::remove_file(&path).unwrap();
        fs::write(&path, bytes).unwrap();
        let run = folder.vpc("run s.vp").ends(0);
        assert!(
            run.named("start").iter().any(|begun| begun == name),
            "{}",
            run.stderr
        );
        assert!(!run.stderr.contains("failed"), "{}", run.stderr);
        assert_eq!(computed(&store, "s"), expected);
        healed += 1;
    }
    let quarantined = fs::read_dir(store.join("quarantine")).unwrap().count();
    assert!(quarantined > 0);
    say(&format!("{healed} flipped bytes healed to the same bits"));
}

#[test]
fn a_stop_while_waiting_for_another_run_is_no_success() {
    let folder = folder();
    let mut first = folder.start("run s.vp", "first");
    let mut second = folder.start("run s.vp --threads 1", "messages");
    wait_for(&folder, "wait ");
    send("INT", second.id());
    let status = second.wait().unwrap();
    assert_eq!(status.code(), Some(130), "{}", folder.read("messages"));
    assert!(first.wait().unwrap().success());
}

#[test]
fn a_finished_study_runs_on_a_read_only_store() {
    let Some(shell) = mounting_shell() else {
        return skip("read-only store", "no mounts allowed here");
    };
    let (folder, _) = reference();
    let shown = folder.vpc("run s.vp").ends(0).stdout;
    let script = format!("{READ_ONLY} freeze .vp || exit 77\nexec $VPC run s.vp");
    let run = Run::of(folder.script(shell, &script).output().unwrap()).ends(0);
    assert_eq!(run.stdout, shown);
    // Also where the results could not be filed any more.
    fs::remove_dir_all(folder.join(".vp/results/s")).unwrap();
    let run = Run::of(folder.script(shell, &script).output().unwrap()).ends(0);
    assert_eq!(run.stdout, shown);
    assert!(
        run.stderr.contains("warning: the results are not filed"),
        "{}",
        run.stderr
    );
}

#[test]
fn results_that_were_not_filed_are_filed_by_the_next_run() {
    let (folder, expected) = reference();
    fs::remove_dir_all(folder.join(".vp/results")).unwrap();
    let run = folder.vpc("run s.vp").ends(0);
    assert_eq!(run.named("start"), [""; 0]);
    assert_eq!(computed(&folder.join(".vp"), "s"), expected);
}

#[test]
fn a_closed_reader_does_not_cost_the_results() {
    let (_reference, expected) = reference();
    let folder = folder();
    let script = "$VPC run s.vp | true";
    Run::of(folder.script(&["sh"], script).output().unwrap()).ends(0);
    assert_eq!(computed(&folder.join(".vp"), "s"), expected);
}

#[test]
fn a_model_that_is_gone_is_not_missed_while_its_evaluations_are_there() {
    let (folder, expected) = reference();
    let store = folder.join(".vp");
    for (path, manifest) in manifests(&store).into_values() {
        if labels(&manifest).any(|label| !label.starts_with("e/fit")) {
            fs::remove_file(path).unwrap();
        }
    }
    let run = folder.vpc("run s.vp").ends(0);
    assert_eq!(run.named("start"), [""; 0], "{}", run.stderr);
    assert_eq!(computed(&store, "s").csv, expected.csv);
    // One evaluation less, and just what it needs is made again.
    let (path, _) = manifest(&store, "e/fit[c=80%,seed=2]").unwrap();
    fs::remove_file(path).unwrap();
    let run = folder.vpc("run s.vp").ends(0);
    let trained: Vec<_> = run
        .named("start")
        .into_iter()
        .filter(|name| name.starts_with("e/"))
        .collect();
    assert_eq!(trained, ["e/base[c=80%,seed=2]", "e/fit[c=80%,seed=2]"]);
    assert_eq!(computed(&store, "s").csv, expected.csv);
}
