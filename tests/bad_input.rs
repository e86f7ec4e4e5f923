//! What users get wrong, and what machines refuse: one clear message each, the right status, never
//! a panic. The snapshots are the screens that a user sees.

mod common;

use std::fs;
use std::os::unix::fs::PermissionsExt;
use std::process::{Command, Stdio};

use common::{Folder, READ_ONLY, Run, anywhere, computed, mounting_shell, skip, stable};

/// A study of nine small jobs that is in order.
const STUDY: &str = r#"category a { source: text("a.txt") }
category b { source: jsonl("b.jsonl") }
mixture m { a: 50%, b: rest }
tokenizer bpe { vocabulary: 300, data: m }
scale tiny { layers: 1, width: 16, heads: 2, context: 32, batch: 4 }
experiment e {
  vary seed: 1..2
  pretrain base { model: tiny, data: m, tokenizer: bpe, tokens: 5k, seed: seed }
  eval fit { from: base, suite: held_out([a, b]) }
  report r { table t { cells: [fit.a, fit.b], rows: seed } }
}
"#;

const JOBS: usize = 9;

/// Sixty paragraphs of 1.4 kB.
fn text() -> String {
    let paragraph = |n| format!("The cat number {n} sat on the mat. ").repeat(40);
    (0..60).map(paragraph).collect::<Vec<_>>().join("\n\n")
}

/// A hundred lines with the field `text`.
fn lines() -> String {
    (0..100)
        .map(|n| format!("{{\"text\":\"{}\"}}\n", format!("word {n} ").repeat(60)))
        .collect()
}

/// The study and its data, both in order.
fn sound() -> Folder {
    Folder::with(&[("x.vp", STUDY), ("a.txt", &text()), ("b.jsonl", &lines())])
}

/// The study with one passage replaced.
fn edited(from: &str, to: &str) -> Folder {
    assert!(STUDY.contains(from), "{from}");
    let folder = sound();
    folder.write("x.vp", STUDY.replace(from, to));
    folder
}

/// Compares what a user sees with its snapshot.
fn same(name: &str, run: &Run) {
    let screen = format!(
        "{}{}\n[status {}]",
        anywhere(&run.stdout),
        stable(&run.stderr),
        run.status
    );
    insta::with_settings!({ omit_expression => true, prepend_module_to_snapshot => false }, {
        insta::assert_snapshot!(format!("bad_input_{name}"), screen);
    });
}

/// A study that the compiler refuses: the same message from all three commands, and no store.
fn refused(name: &str, folder: &Folder) {
    let run = folder.vpc("run x.vp").ends(1);
    for command in ["check", "plan"] {
        let other = folder.vpc(&format!("{command} x.vp")).ends(1);
        assert_eq!(other.stderr, run.stderr, "{command}");
    }
    assert!(!folder.join(".vp").exists());
    same(name, &run);
}

/// A job that fails on its data; the rest of the study is not hurt.
fn fails(name: &str, folder: &Folder) {
    let run = folder.vpc("run x.vp --threads 1").ends(1);
    same(name, &run);
    assert_eq!(run.named("FAILED").len(), 1, "{}", run.stderr);
}

#[test]
fn the_sound_study_runs() {
    let folder = sound();
    let run = folder.vpc("run x.vp").ends(0);
    assert_eq!(run.named("done").len(), JOBS);
}

#[test]
fn files_that_are_not_there() {
    let folder = Folder::with(&[("x.vp", STUDY), ("b.jsonl", &lines())]);
    refused("data_missing", &folder);
    same("study_missing", &folder.vpc("run nope.vp").ends(2));
    folder.write("a.txt", "");
    refused("data_empty", &folder);
    fs::remove_file(folder.join("a.txt")).unwrap();
    fs::create_dir(folder.join("a.txt")).unwrap();
    refused("data_is_a_folder", &folder);
    same("study_is_a_folder", &folder.vpc("run a.txt").ends(2));
    folder.write("u.vp", b"category \xff");
    same("study_is_not_utf8", &folder.vpc("run u.vp").ends(2));
    folder.write("x.vp", "use \"u.vp\"\nuse \"nope.vp\"\nuse \"a.txt\"\n");
    refused("used_files", &folder);
}

#[test]
fn studies_with_mistakes() {
    let mixture = "{ a: 50%, b: rest }";
    let budget = "tokens: 5k";
    let axis = "vary seed: 1..2";
    for (name, from, to) in [
        ("sum_90", mixture, "{ a: 50%, b: 40% }"),
        ("sum_110", mixture, "{ a: 50%, b: 60% }"),
        ("rest_negative", mixture, "{ a: 110%, b: rest }"),
        ("rest_twice", mixture, "{ a: rest, b: rest }"),
        ("tokens_for_a_share", mixture, "{ a: 50M, b: rest }"),
        ("share_for_tokens", budget, "tokens: 30%"),
        ("magnitude", budget, "tokens: 30X"),
        ("field_unknown", budget, "tokns: 5k"),
        ("name_unknown", "model: tiny", "model: tinny"),
        (
            "ring",
            mixture,
            "{ n: 50%, b: rest }\nmixture n { m: 10%, a: rest }",
        ),
        ("axis_empty", axis, "vary seed: []"),
        ("axis_value_twice", axis, "vary seed: [1, 2, 1]"),
        ("axis_step", axis, "vary seed: 1..6 by 2"),
        ("width_and_heads", "heads: 2", "heads: 3"),
        (
            "check_fails",
            "  eval fit",
            "  check count(base) == 3\n  eval fit",
        ),
        ("brace", "rows: seed } }\n}", "rows: seed }\n}"),
        ("vocabulary_small", "vocabulary: 300", "vocabulary: 10"),
    ] {
        refused(name, &edited(from, to));
    }
}

#[test]
fn files_that_use_each_other() {
    let folder = Folder::with(&[
        ("x.vp", "use \"y.vp\"\n"),
        ("y.vp", "use \"z.vp\"\n"),
        ("z.vp", "use \"x.vp\"\n"),
    ]);
    refused("ring_of_files", &folder);
}

#[test]
fn a_study_without_experiments_has_nothing_to_do() {
    let folder = Folder::with(&[("x.vp", "# Nothing yet.\n")]);
    for command in ["check", "plan", "run"] {
        same(
            &format!("nothing_{command}"),
            &folder.vpc(&format!("{command} x.vp")).ends(0),
        );
    }
    assert!(!folder.join(".vp").exists());
}

#[test]
fn data_with_mistakes() {
    for (name, file, content) in [
        (
            "json_malformed",
            "b.jsonl",
            "{\"text\":\"a\"}\n{\"text\": oops}\n",
        ),
        (
            "json_cut_short",
            "b.jsonl",
            "{\"text\":\"a\"}\n{\"text\": \"oo",
        ),
        (
            "json_no_field",
            "b.jsonl",
            "{\"text\":\"a\"}\n{\"txt\":\"x\", \"id\":3}\n",
        ),
        (
            "json_number",
            "b.jsonl",
            "{\"text\":\"a\"}\n{\"text\": 5}\n",
        ),
        (
            "json_no_object",
            "b.jsonl",
            "{\"text\":\"a\"}\n[\"text\"]\n",
        ),
        (
            "json_no_text",
            "b.jsonl",
            "{\"text\":\"\"}\n{\"text\":\"\"}\n",
        ),
        ("text_blank", "a.txt", "\n\n\n"),
        ("text_one_document", "a.txt", "one\n\ntwo\n"),
    ] {
        let folder = sound();
        folder.write(file, content);
        fails(name, &folder);
    }
}

#[test]
fn data_that_is_not_utf8() {
    let folder = sound();
    folder.write("a.txt", b"hello\n\nb\xff x\n");
    fails("text_not_utf8", &folder);
    let folder = sound();
    folder.write("b.jsonl", b"{\"text\":\"aaa\"}\n{\"text\":\"b\xff\"}\n");
    fails("json_not_utf8", &folder);
}

#[test]
fn compressed_data_that_is_cut_short() {
    // Without a time in the file: jobs stand in the order of what they read.
    for (name, program, how) in [("b.jsonl.gz", "gzip", "-nc"), ("b.jsonl.zst", "zstd", "-c")] {
        let folder = edited("b.jsonl", name);
        let packed = Command::new(program)
            .args([how, "b.jsonl"])
            .current_dir(folder.path())
            .output();
        let Ok(packed) = packed else {
            skip(name, &format!("no `{program}` here"));
            continue;
        };
        let half = &packed.stdout[..packed.stdout.len() / 2];
        folder.write(name, half);
        fails(&format!("{program}_cut_short"), &folder);
        folder.write(name, lines());
        fails(&format!("{program}_not_compressed"), &folder);
    }
}

#[test]
fn categories_too_small_for_a_sequence() {
    let folder = sound();
    folder.write("b.jsonl", "{\"text\":\"x y\"}\n{\"text\":\"z\"}\n");
    let run = folder.vpc("run x.vp --threads 1").ends(1);
    same("too_small", &run);
}

#[test]
fn tokenizers_that_do_not_fit() {
    let imported = "vocabulary: 400, file: \"t.json\"";
    let folder = edited("vocabulary: 300, data: m", imported);
    folder.write("t.json", "{}");
    fails("tokenizer_unreadable", &folder);
    // Trained here, then imported with another size.
    let trained = sound();
    trained.vpc("run x.vp").ends(0);
    let store = trained.join(".vp");
    let (_, manifest) = common::manifest(&store, "tokenizer/bpe").unwrap();
    let file = common::object(&store, &manifest, "tokenizer.json");
    fs::copy(file, folder.join("t.json")).unwrap();
    fails("tokenizer_of_another_size", &folder);
    folder.write(
        "x.vp",
        folder
            .read("x.vp")
            .replace("vocabulary: 400", "vocabulary: 300"),
    );
    folder.vpc("run x.vp").ends(0);
}

/// Two categories; `good` does not need `bad`.
const APART: &str = r#"category bad { source: jsonl("bad.jsonl") }
category good { source: text("a.txt") }
tokenizer bpe { vocabulary: 300, data: good }
scale tiny { layers: 1, width: 16, heads: 2, context: 32, batch: 4 }
experiment e {
  vary data: [bad, good]
  pretrain base { model: tiny, data: data, tokenizer: bpe, tokens: 5k }
  eval fit { from: base, suite: held_out([good]) }
}
"#;

#[test]
fn a_failed_job_hurts_only_what_needs_it() {
    let bad = "{\"text\": oops}\n";
    let folder = Folder::with(&[("x.vp", APART), ("a.txt", &text()), ("bad.jsonl", bad)]);
    let run = folder.vpc("run x.vp --threads 1").ends(1);
    same("keep_going", &run);
    let done = run.named("done");
    for name in ["e/base[data=good]", "e/fit[data=good]"] {
        assert!(done.iter().any(|done| done == name), "{name}: {done:?}");
    }
    // Mended, only the rest is done.
    folder.write("bad.jsonl", lines());
    let again = folder.vpc("run x.vp").ends(0);
    assert!(again.named("start").iter().all(|name| !done.contains(name)));
}

#[test]
fn fail_fast_begins_nothing_new() {
    let bad = "{\"text\": oops}\n";
    let folder = Folder::with(&[("x.vp", APART), ("a.txt", &text()), ("bad.jsonl", bad)]);
    let run = folder.vpc("run x.vp --threads 1 --fail-fast").ends(1);
    same("fail_fast", &run);
    let screen = run.stderr;
    let failed = screen.find("FAILED").unwrap();
    assert!(!screen[failed..].contains("start "), "{screen}");
}

#[test]
fn trainings_larger_than_the_machine() {
    for shape in [
        "layers: 9, width: 65_536, heads: 2, context: 32, batch: 4",
        "layers: 1, width: 16, heads: 2, context: 2B, batch: 4",
        "layers: 1, width: 16, heads: 2, context: 32, batch: 2B",
    ] {
        let folder = edited(
            "vary seed: 1..2",
            "vary model: [huge, tiny]\n  vary seed: 1..2",
        );
        let study = folder.read("x.vp").replace("model: tiny", "model: model");
        let study = study.replace("rows: seed", "rows: model");
        folder.write("x.vp", format!("{study}scale huge {{ {shape} }}\n"));
        let run = folder.vpc("run x.vp").ends(4);
        assert_eq!(run.named("FAILED").len(), 2, "{}", run.stderr);
        assert!(
            run.stderr.contains("GiB of memory and this machine has"),
            "{}",
            run.stderr
        );
        let done = run.named("done");
        assert!(
            done.contains(&"e/fit[model=tiny,seed=2]".to_owned()),
            "{done:?}"
        );
    }
}

#[test]
fn stores_that_are_none() {
    let folder = sound();
    folder.write("file", "");
    folder.write("other/notes", "");
    folder.write("later/format", "vpc store 7\n");
    folder.write("odd/format", "hello\n");
    for name in ["file", "other", "later", "odd"] {
        let run = folder.vpc(&format!("run x.vp --store {name}")).ends(2);
        let plan = folder.vpc(&format!("plan x.vp --store {name}")).ends(2);
        assert_eq!(run.stderr, plan.stderr);
        same(&format!("store_{name}"), &run);
    }
    let run = folder.vpc("run x.vp --store file/below").ends(2);
    same("store_below_a_file", &run);
}

#[test]
fn a_store_that_cannot_be_written() {
    let folder = sound();
    fs::create_dir(folder.join("s")).unwrap();
    if let Some(shell) = mounting_shell() {
        let script = format!("{READ_ONLY} freeze s || exit 77\nexec $VPC run x.vp --store s");
        let run = Run::of(folder.script(shell, &script).output().unwrap()).ends(4);
        same("store_read_only", &run);
    } else {
        skip("read-only store", "no mounts allowed here");
    }
    fs::set_permissions(folder.join("s"), fs::Permissions::from_mode(0o555)).unwrap();
    if fs::write(folder.join("s/try"), "").is_ok() {
        fs::remove_file(folder.join("s/try")).unwrap();
        return skip("forbidden store", "this user may write everywhere");
    }
    same("store_forbidden", &folder.vpc("run x.vp --store s").ends(4));
}

#[test]
fn a_full_disk_loses_nothing() {
    let Some(shell) = mounting_shell() else {
        return skip("full disk", "no mounts allowed here");
    };
    let folder = sound();
    folder.vpc("run x.vp").ends(0);
    let expected = computed(&folder.join(".vp"), "x");
    // The study needs 600 KiB in all; each size fills up at another place.
    let mut full = 0;
    for size in (60..=600).step_by(60) {
        let script = format!(
            "mkdir -p d && mount -t tmpfs -o size={size}k tmpfs d || exit 77
             $VPC run x.vp --store d/s --threads 1 > out 2> first; echo $?
             mount -o remount,size=64m d
             $VPC run x.vp --store d/s --threads 1 > out 2> second; echo $?
             rm -rf copy; cp -r d/s copy"
        );
        let run = Run::of(folder.script(shell, &script).output().unwrap()).ends(0);
        let (first, second) = (folder.read("first"), folder.read("second"));
        if first.contains("no space left") {
            full += 1;
            assert_eq!(run.stdout, "4\n0\n", "{size}: {first}\n{second}");
        } else {
            assert_eq!(run.stdout, "0\n0\n", "{size}: {first}\n{second}");
        }
        let (done, again) = (
            common::named(&first, "done   "),
            common::named(&second, "start  "),
        );
        assert!(
            again.iter().all(|name| !done.contains(name)),
            "{size}: {first}\n{second}"
        );
        assert_eq!(computed(&folder.join("copy"), "x"), expected, "{size}");
    }
    assert!(full >= 5, "the disk was full only {full} times");
    common::say(&format!("{full} full disks, nothing lost"));
}

#[test]
fn readers_that_go_away() {
    let folder = sound();
    for arguments in ["plan x.vp", "plan x.vp --json", "check x.vp --format json"] {
        let script = format!("$VPC {arguments} | head -c 1 > /dev/null\n");
        let run = Run::of(folder.script(&["sh"], &script).output().unwrap()).ends(0);
        assert_eq!(run.stderr.replace("x.vp: no errors", ""), "", "{arguments}");
        let mut command = folder.command(arguments);
        let mut child = command
            .stdout(Stdio::piped())
            .stderr(Stdio::piped())
            .spawn()
            .unwrap();
        drop(child.stdout.take());
        Run::of(child.wait_with_output().unwrap()).ends(0);
    }
}

#[test]
fn output_that_cannot_be_written() {
    if !std::path::Path::new("/dev/full").exists() {
        return skip("/dev/full", "there is none here");
    }
    let folder = sound();
    let full = |arguments: &str| {
        let script = format!("exec $VPC {arguments} > /dev/full");
        Run::of(folder.script(&["sh"], &script).output().unwrap())
    };
    same("output_full", &full("plan x.vp").ends(4));
    full("plan x.vp --json").ends(4);
    // The work is kept all the same.
    full("run x.vp").ends(4);
    assert_eq!(computed(&folder.join(".vp"), "x").jobs.len(), JOBS);
    full("run x.vp").ends(4);
    full("show tokenizer/bpe").ends(4);
    folder.vpc("run x.vp").ends(0);
}

#[test]
fn wrong_use() {
    let folder = sound();
    for (name, arguments) in [
        ("command_unknown", "rum x.vp"),
        ("option_unknown", "run x.vp --thread 2"),
        ("threads_none", "run x.vp --threads 0"),
        ("study_left_out", "run"),
        ("checkpoint_negative", "run x.vp --checkpoint-every=-1"),
    ] {
        same(name, &folder.vpc(arguments).ends(2));
    }
    folder.vpc("").ends(2);
    assert!(!folder.join(".vp").exists());
}
