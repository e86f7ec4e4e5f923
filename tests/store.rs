//! `vpc store`: looking after a store, also beside a run.

mod common;

use std::fs;
use std::path::PathBuf;
use std::process::Command;

use common::{
    Chance, Folder, READ_ONLY, SMALL, computed, manifest, manifests, mounting_shell, nightly,
    object, say, skip,
};
use serde_json::Value;

fn finished() -> Folder {
    let folder = Folder::with(&[("s.vp", SMALL)]);
    folder.vpc("run s.vp").ends(0);
    folder
}

fn json(text: &str) -> Value {
    serde_json::from_str(text).unwrap()
}

/// Text without what differs from machine to machine: sizes, times and keys.
fn stable(text: &str) -> String {
    let mut stable = String::new();
    for line in text.lines() {
        let words: Vec<&str> = line.split_whitespace().collect();
        let number = |word: &str| word.parse::<f64>().is_ok() && word.contains('.');
        let is_key = |word: &str| word.len() == 12 && word.bytes().all(|b| b.is_ascii_hexdigit());
        let unit = |word: &&str| matches!(*word, "B" | "KiB" | "MiB" | "s");
        let mut at = 0;
        let mut kept = Vec::new();
        while let Some(word) = words.get(at) {
            let is_amount = words
                .get(at + 1)
                .is_some_and(|next| unit(&next.trim_matches(',')));
            if is_key(word) {
                kept.push("<key>");
            } else if number(word) || (is_amount && word.parse::<u64>().is_ok()) {
                kept.push("#");
            } else {
                kept.push(word);
            }
            at += 1;
        }
        stable += &kept.join(" ");
        stable.push('\n');
    }
    stable
}

fn spoil(path: &PathBuf) {
    let mut bytes = fs::read(path).unwrap();
    let middle = bytes.len() / 2;
    bytes[middle] ^= 4;
    fs::remove_file(path).unwrap();
    fs::write(path, bytes).unwrap();
}

#[test]
fn a_sound_store_is_verified() {
    let folder = finished();
    let run = folder.vpc("store verify").ends(0);
    assert!(run.stdout.contains("7 finished jobs"), "{}", run.stdout);
    assert!(run.stdout.ends_with("no damage\n"), "{}", run.stdout);
    let run = json(&folder.vpc("store verify --format json").ends(0).stdout);
    assert_eq!((&run["schema"], &run["jobs"]), (&1.into(), &7.into()));
    assert_eq!(run["damage"], Value::Array(vec![]));
}

#[test]
fn damage_is_named_set_aside_and_healed() {
    let folder = finished();
    let store = folder.join(".vp");
    let expected = computed(&store, "s");
    let (path, _) = manifest(&store, "e/fit[seed=1]").unwrap();
    let (_, model) = manifest(&store, "e/base[seed=1]").unwrap();
    spoil(&path);
    spoil(&object(&store, &model, "model.safetensors"));
    let look = folder.vpc("store verify --read-only").ends(3);
    for word in ["`e/fit[seed=1]`", "`e/base[seed=1]`", "the next `vpc run`"] {
        assert!(look.stdout.contains(word), "{}", look.stdout);
    }
    assert!(!look.stdout.contains("quarantine"), "{}", look.stdout);
    let run = folder.vpc("store verify").ends(3);
    assert!(run.stdout.contains("quarantine/"), "{}", run.stdout);
    assert!(
        run.stdout.ends_with("3 damaged files found\n"),
        "{}",
        run.stdout
    );
    folder.vpc("store verify").ends(0);
    folder.vpc("run s.vp").ends(0);
    assert_eq!(computed(&store, "s"), expected);
}

#[test]
fn a_read_only_store_is_looked_at() {
    let Some(shell) = mounting_shell() else {
        return skip(
            "a_read_only_store_is_looked_at",
            "mounting is not allowed here",
        );
    };
    let folder = finished();
    let script = format!(
        "{READ_ONLY}freeze .vp && $VPC store verify && $VPC store du >&2 && $VPC store gc >&2"
    );
    let run = common::Run::of(folder.script(shell, &script).output().unwrap()).ends(0);
    assert!(run.stdout.ends_with("no damage\n"), "{}", run.stdout);
    assert!(run.stderr.contains("only looking"), "{}", run.stderr);
}

#[test]
fn room_is_accounted_for() {
    let folder = finished();
    let other = SMALL.replace("seed: 1..2", "seed: 2..3");
    folder.write("t.vp", other);
    folder.vpc("run t.vp").ends(0);
    let run = folder.vpc("store du --store .vp").ends(0);
    insta::with_settings!({ omit_expression => true, prepend_module_to_snapshot => false }, {
        insta::assert_snapshot!("store_du", stable(&run.stdout));
    });
    let run = json(&folder.vpc("store du --format json").ends(0).stdout);
    assert_eq!(run["studies"].as_array().unwrap().len(), 2);
    assert_eq!(run["orphans"]["count"], 0);
}

#[test]
fn pins_are_listed_and_taken_back() {
    let folder = finished();
    let run = folder
        .vpc("store pin e/base[seed=1] e/base[seed=2] --why paper")
        .ends(0);
    assert_eq!(run.stderr.matches("pinned: ").count(), 2, "{}", run.stderr);
    let list = folder.vpc("store pin").ends(0);
    assert!(list.stdout.contains("e/base[seed=1]"), "{}", list.stdout);
    assert!(list.stdout.contains("paper"), "{}", list.stdout);
    folder.vpc("store pin e/base").ends(2);
    folder.vpc("store unpin e/base[seed=1]").ends(0);
    let pins = json(&folder.vpc("store pin --format json").ends(0).stdout);
    assert_eq!(pins["pins"].as_array().unwrap().len(), 1);
    assert_eq!(pins["pins"][0]["label"], "e/base[seed=2]");
}

#[test]
fn a_changed_study_lets_go_of_its_old_jobs() {
    let folder = finished();
    let store = folder.join(".vp");
    let nothing = folder.vpc("store gc").ends(0);
    assert!(
        nothing.stdout.contains("nothing to remove"),
        "{}",
        nothing.stdout
    );
    folder.write("s.vp", SMALL.replace("tokens: 5k", "tokens: 6k"));
    folder.vpc("run s.vp --accept-changes").ends(0);
    folder.vpc("store pin e/fit[seed=1]").ends(2);
    let before = common::listing(&store);
    let look = folder.vpc("store gc --store .vp").ends(0);
    assert_eq!(common::listing(&store), before, "a look changes nothing");
    insta::with_settings!({ omit_expression => true, prepend_module_to_snapshot => false }, {
        insta::assert_snapshot!("store_gc", stable(&look.stdout));
    });
    let run = folder.vpc("store gc --yes").ends(0);
    assert!(run.stdout.contains("removed 4 jobs"), "{}", run.stdout);
    assert_eq!(manifests(&store).len(), 7);
    folder.vpc("store verify").ends(0);
    let run = folder.vpc("run s.vp").ends(0);
    assert!(run.stderr.contains("nothing to do"), "{}", run.stderr);
}

#[test]
fn what_makes_room_is_shown_and_computed_again_to_the_same_bits() {
    let folder = finished();
    let store = folder.join(".vp");
    let expected = computed(&store, "s");
    let run = folder.vpc("store gc --to 1kB --yes").ends(1);
    assert!(run.stderr.contains("stays larger"), "{}", run.stderr);
    let left: Vec<String> = manifests(&store)
        .values()
        .flat_map(|(_, manifest)| {
            common::labels(manifest)
                .map(str::to_owned)
                .collect::<Vec<_>>()
        })
        .collect();
    assert!(
        left.iter().all(|label| label.starts_with("e/fit")),
        "{left:?}"
    );
    let shown = folder.vpc("show e/base[seed=1]").ends(0);
    assert!(
        shown.stdout.contains("evicted, would take"),
        "{}",
        shown.stdout
    );
    let shown = json(&folder.vpc("show e/base[seed=1] --json").ends(0).stdout);
    assert!(shown["evicted"]["seconds"].as_f64().unwrap() > 0.0);
    // The evaluations are there, so nothing asks for what was evicted.
    let run = folder.vpc("run s.vp").ends(0);
    assert!(run.stderr.contains("nothing to do"), "{}", run.stderr);
    for entry in fs::read_dir(store.join("jobs")).unwrap() {
        fs::remove_dir_all(entry.unwrap().path()).unwrap();
    }
    let run = folder.vpc("run s.vp").ends(0);
    assert!(!run.stderr.contains("is not what it was"), "{}", run.stderr);
    assert_eq!(computed(&store, "s"), expected);
}

#[test]
fn a_study_can_be_forgotten() {
    let folder = finished();
    folder.vpc("store forget nowhere.vp").ends(1);
    fs::remove_file(folder.join("s.vp")).unwrap();
    let run = folder.vpc("store forget s.vp").ends(0);
    assert!(run.stderr.contains("nothing was removed"), "{}", run.stderr);
    folder.vpc("store gc --yes").ends(0);
    assert!(manifests(&folder.join(".vp")).is_empty());
}

#[test]
fn clearing_beside_a_run_takes_nothing_that_it_needs() {
    let rounds = if nightly() { 100 } else { 10 };
    let reference = finished();
    let expected = computed(&reference.join(".vp"), "s");
    let mut chance = Chance::new(9);
    let (mut clearings, mut removed, mut beside) = (0, 0, 0);
    for round in 0..rounds {
        let folder = Folder::with(&[("s.vp", SMALL)]);
        // Old jobs that may go, and that the study has in part.
        folder.write("old/t.vp", SMALL.replace("seed: 1..2", "seed: 7..8"));
        folder.vpc("run old/t.vp --store .vp").ends(0);
        folder.write("old/t.vp", SMALL.replace("seed: 1..2", "seed: 2..2"));
        let mut run = folder.start("run s.vp --checkpoint-every 0", "messages");
        let mut other = folder.start("run old/t.vp --store .vp --checkpoint-every 0", "other");
        let mut ended = false;
        while !ended {
            std::thread::sleep(std::time::Duration::from_millis(
                (80.0 * chance.next()) as u64,
            ));
            ended = run.try_wait().unwrap().is_some();
            let to = if chance.next() < 0.5 { " --to 0B" } else { "" };
            let cleared = folder.vpc(&format!("store gc --yes --format json{to}"));
            assert!(cleared.status < 2, "{}\n{}", cleared.stdout, cleared.stderr);
            let cleared = json(&cleared.stdout);
            clearings += 1;
            beside += usize::from(cleared["notes"].to_string().contains("under way"));
            removed += cleared["removed"]["jobs"].as_u64().unwrap();
        }
        assert!(run.wait().unwrap().success(), "{}", folder.read("messages"));
        assert!(other.wait().unwrap().success(), "{}", folder.read("other"));
        for messages in ["messages", "other"] {
            let text = folder.read(messages);
            assert!(
                !text.contains("damaged") && !text.contains("FAILED"),
                "{round}: {text}"
            );
        }
        // Where no clearing came between them, the old jobs are still there to go.
        let cleared = folder.vpc("store gc --yes --format json").ends(0);
        removed += json(&cleared.stdout)["removed"]["jobs"].as_u64().unwrap();
        folder.vpc("store verify").ends(0);
        folder.vpc("run s.vp").ends(0);
        let now = computed(&folder.join(".vp"), "s");
        // The other study's jobs are in the same store.
        let shared = now
            .jobs
            .iter()
            .filter(|(key, _)| expected.jobs.contains_key(*key));
        for (key, job) in shared {
            assert_eq!(Some(job), expected.jobs.get(key));
        }
        assert_eq!((&now.csv, &now.json), (&expected.csv, &expected.json));
    }
    say(&format!(
        "{clearings} clearings beside {rounds} pairs of runs ({beside} found one under way), \
         {removed} jobs removed: same bits, nothing needed was gone"
    ));
    assert!(beside > 0 && removed > 0);
}

/// Requires that what is there is what a quiet run makes; evicted jobs may be missing.
fn same(folder: &Folder, expected: &common::Computed) {
    let now = computed(&folder.join(".vp"), "s");
    for (key, job) in &now.jobs {
        assert_eq!(Some(job), expected.jobs.get(key), "{key}");
    }
    assert_eq!((&now.csv, &now.json), (&expected.csv, &expected.json));
}

#[test]
fn a_study_goes_on_after_a_clearing_that_was_killed() {
    let traces = Command::new("strace")
        .args(["-o", "/dev/null", "true"])
        .status();
    if !traces.is_ok_and(|status| status.success()) {
        return skip(
            "a_study_goes_on_after_a_clearing_that_was_killed",
            "strace cannot trace here",
        );
    }
    let longer = SMALL.replace("seed: 1..2", "seed: 1..3");
    let reference = Folder::with(&[("s.vp", &longer)]);
    reference.vpc("run s.vp").ends(0);
    let expected = computed(&reference.join(".vp"), "s");
    let mut points = 0;
    for call in ["?rename", "?unlink", "?unlinkat"] {
        // Each point takes a whole run: some of them here, all of them at night.
        for when in (1..).step_by(if nightly() { 1 } else { 3 }) {
            let folder = finished();
            let line = format!(
                "strace -f -o log -e trace={call} -e inject={call}:signal=KILL:when={when} \
                 $VPC store gc --to 0B --yes"
            );
            folder.script(&["sh"], &line).output().unwrap();
            let fired = folder.read("log").contains("killed by SIGKILL");
            folder.vpc("store verify").ends(0);
            folder.write("s.vp", &longer);
            folder.vpc("run s.vp").ends(0);
            same(&folder, &expected);
            folder.vpc("store verify").ends(0);
            if !fired {
                break;
            }
            points += 1;
        }
    }
    say(&format!(
        "{points} kills of a clearing: the study went on to the same bits"
    ));
    assert!(points > 0);
}

#[test]
fn sizes_are_refused_with_an_example() {
    let folder = Folder::new();
    let output = Command::new(common::VPC)
        .args(["store", "gc", "--to", "ten"])
        .current_dir(folder.path())
        .output()
        .unwrap();
    let run = common::Run::of(output).ends(2);
    assert!(run.stderr.contains("10GB"), "{}", run.stderr);
}

#[test]
fn a_study_goes_on_elsewhere() {
    let folder = Folder::with(&[
        ("a/s.vp", &format!("use \"lib/sizes.vp\"\n{SMALL}")),
        ("a/lib/sizes.vp", "let width = 16\n"),
    ]);
    folder.vpc("lock a/s.vp").ends(0);
    let lock = folder.read("a/vp.lock");
    folder.vpc("run a/s.vp").ends(0);
    let expected = computed(&folder.join("a/.vp"), "s");
    for (with, jobs, shared) in [("results", 2, 3), ("models", 5, 2), ("all", 7, 0)] {
        let run = folder.vpc(&format!(
            "store export a/s.vp --to {with}.tar.zst --with {with}"
        ));
        let run = run.ends(0);
        assert!(
            run.stderr.contains(&format!("{jobs} jobs")),
            "{}",
            run.stderr
        );
        folder
            .vpc(&format!("store export a/s.vp --to {with}.tar.zst"))
            .ends(2);
        let run = folder
            .vpc(&format!("store import {with}.tar.zst --into {with}"))
            .ends(0);
        assert!(run.stderr.contains("3 files written"), "{}", run.stderr);
        assert_eq!(folder.read(&format!("{with}/vp.lock")), lock);
        let store = folder.join(&format!("{with}/.vp"));
        assert_eq!(manifests(&store).len(), jobs);
        let here = computed(&store, "s");
        assert_eq!(
            (here.csv, here.json),
            (expected.csv.clone(), expected.json.clone())
        );
        folder
            .vpc(&format!("store verify --store {with}/.vp"))
            .ends(0);
        let run = folder.vpc(&format!("run {with}/s.vp")).ends(0);
        assert!(run.stderr.contains("nothing to do"), "{}", run.stderr);
        // One seed more: what is there is used.
        folder.write(
            &format!("{with}/s.vp"),
            folder.read("a/s.vp").replace("seed: 1..2", "seed: 1..3"),
        );
        let run = folder.vpc(&format!("run {with}/s.vp")).ends(0);
        let made = run.named("done");
        let again = made.iter().filter(|name| !name.starts_with("e/"));
        assert_eq!(again.count(), shared, "{}", run.stderr);
        // The changed study is not written over.
        let run = folder
            .vpc(&format!("store import {with}.tar.zst --into {with}"))
            .ends(2);
        assert!(
            run.stderr.contains("another file of this name"),
            "{}",
            run.stderr
        );
    }
}

#[test]
fn a_part_of_a_study_is_exported() {
    let folder = finished();
    let mut command = folder.command("store export s.vp --to part.tar.zst --with all --only");
    let output = command.arg("e/*[seed=1]").output().unwrap();
    common::Run::of(output).ends(0);
    folder
        .vpc("store import part.tar.zst --store other")
        .ends(0);
    assert_eq!(manifests(&folder.join("other")).len(), 5);
    let run = folder.vpc("store import s.vp --store other").ends(2);
    assert!(run.stderr.contains("cannot be unpacked"), "{}", run.stderr);
}
