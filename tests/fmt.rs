//! `vpc fmt` and `vpc explain` as commands.

use std::fs;
use std::io::Write;
use std::path::Path;
use std::process::{Command, Output, Stdio};

const UGLY: &str = "mixture  a{web:40%,code:rest}\n";
const NEAT: &str = "mixture a { web: 40%, code: rest }\n";

/// Runs the command in a folder, with this on its standard input.
fn vpc(folder: &Path, arguments: &[&str], input: &str) -> Output {
    let mut child = Command::new(env!("CARGO_BIN_EXE_vpc"))
        .args(arguments)
        .current_dir(folder)
        .env("NO_COLOR", "1")
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()
        .unwrap();
    // The command may end without reading.
    _ = child.stdin.take().unwrap().write_all(input.as_bytes());
    child.wait_with_output().unwrap()
}

fn out(output: &Output) -> String {
    String::from_utf8(output.stdout.clone()).unwrap()
}

fn err(output: &Output) -> String {
    String::from_utf8(output.stderr.clone()).unwrap()
}

fn code(output: &Output) -> i32 {
    output.status.code().unwrap()
}

#[test]
fn files_are_replaced() {
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("a.vp");
    fs::write(&file, UGLY).unwrap();
    fs::write(folder.path().join("b.vp"), format!("\u{feff}{UGLY}")).unwrap();
    let done = vpc(folder.path(), &["fmt", "a.vp", "b.vp"], "");
    assert_eq!(
        (code(&done), out(&done), err(&done)),
        (0, String::new(), String::new())
    );
    assert_eq!(fs::read_to_string(&file).unwrap(), NEAT);
    assert_eq!(
        fs::read_to_string(folder.path().join("b.vp")).unwrap(),
        NEAT
    );
    assert_eq!(
        fs::read_dir(folder.path()).unwrap().count(),
        2,
        "something was left behind"
    );
}

#[test]
fn check_shows_and_changes_nothing() {
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("a.vp");
    fs::write(&file, UGLY).unwrap();
    let checked = vpc(folder.path(), &["fmt", "--check", "a.vp"], "");
    assert_eq!(code(&checked), 1);
    let diff = "--- a.vp\n+++ a.vp (formatted)\n@@ -1 +1 @@\n-mixture  a{web:40%,code:rest}\n\
                +mixture a { web: 40%, code: rest }\n";
    assert_eq!(out(&checked), diff);
    assert_eq!(fs::read_to_string(&file).unwrap(), UGLY);
    fs::write(&file, NEAT).unwrap();
    let checked = vpc(folder.path(), &["fmt", "--check", "a.vp"], "");
    assert_eq!((code(&checked), out(&checked)), (0, String::new()));
}

#[test]
fn standard_input_goes_to_standard_output() {
    let folder = tempfile::tempdir().unwrap();
    let done = vpc(folder.path(), &["fmt", "-"], UGLY);
    assert_eq!((code(&done), out(&done)), (0, NEAT.to_owned()));
    let done = vpc(folder.path(), &["fmt", "--check", "-"], UGLY);
    assert_eq!(code(&done), 1);
    assert!(out(&done).contains("+mixture a {"));
    let done = vpc(folder.path(), &["fmt", "-"], "mixture a {\n  web 40%\n}\n");
    assert_eq!((code(&done), out(&done)), (1, String::new()));
}

#[test]
fn a_bad_file_stays_and_the_others_are_done() {
    let folder = tempfile::tempdir().unwrap();
    let bad = "mixture  a {\n  web 40%\n}\n";
    fs::write(folder.path().join("bad.vp"), bad).unwrap();
    fs::write(folder.path().join("good.vp"), UGLY).unwrap();
    let done = vpc(folder.path(), &["fmt", "bad.vp", "good.vp"], "");
    assert_eq!(code(&done), 1);
    assert!(err(&done).contains("error[V0102]"), "{}", err(&done));
    assert!(
        err(&done).contains("bad.vp: 1 error; not formatted"),
        "{}",
        err(&done)
    );
    assert_eq!(
        fs::read_to_string(folder.path().join("bad.vp")).unwrap(),
        bad
    );
    assert_eq!(
        fs::read_to_string(folder.path().join("good.vp")).unwrap(),
        NEAT
    );
    let missing = vpc(folder.path(), &["fmt", "nothing.vp"], "");
    assert_eq!(code(&missing), 2);
    assert_eq!(code(&vpc(folder.path(), &["fmt", "."], "")), 2);
    assert_eq!(code(&vpc(folder.path(), &["fmt"], "")), 2);
}

#[cfg(unix)]
#[test]
fn permissions_and_links_stay() {
    use std::os::unix::fs::{PermissionsExt, symlink};

    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("a.vp");
    let link = folder.path().join("link.vp");
    fs::write(&file, UGLY).unwrap();
    fs::set_permissions(&file, fs::Permissions::from_mode(0o640)).unwrap();
    symlink("a.vp", &link).unwrap();
    assert_eq!(code(&vpc(folder.path(), &["fmt", "link.vp"], "")), 0);
    assert_eq!(fs::read_to_string(&file).unwrap(), NEAT);
    assert!(fs::symlink_metadata(&link).unwrap().is_symlink());
    let mode = |file: &Path| fs::metadata(file).unwrap().permissions().mode() & 0o777;
    assert_eq!(mode(&file), 0o640);

    fs::write(&file, UGLY).unwrap();
    fs::set_permissions(&file, fs::Permissions::from_mode(0o440)).unwrap();
    assert_eq!(code(&vpc(folder.path(), &["fmt", "a.vp"], "")), 4);
    assert_eq!(fs::read_to_string(&file).unwrap(), UGLY);
}

#[test]
fn codes_are_explained() {
    let folder = tempfile::tempdir().unwrap();
    let page = vpc(folder.path(), &["explain", "v0302"], "");
    assert_eq!(code(&page), 0);
    assert!(out(&page).starts_with("# V0302: shares do not sum to 100%\n"));
    let all = vpc(folder.path(), &["explain"], "");
    assert_eq!(code(&all), 0);
    assert!(out(&all).contains("V0101  ") && out(&all).contains("\nV0602  "));
    let near = vpc(folder.path(), &["explain", "VO302"], "");
    assert_eq!(code(&near), 2);
    assert_eq!(
        err(&near),
        "error: there is no problem `VO302`\nhelp: did you mean `V0302`?\n"
    );
    let far = vpc(folder.path(), &["explain", "shares"], "");
    assert_eq!(code(&far), 2);
    assert!(err(&far).contains("`vpc explain` lists all codes"));
}
