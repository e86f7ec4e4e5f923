//! What the documentation shows of commands is what they show.

mod common;

use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;

use common::VPC;

/// Plans that are shown with `$ vpc plan` in a block, and what stands below.
fn shown(text: &str) -> Vec<(String, String)> {
    let mut blocks = Vec::new();
    let mut rest = text;
    while let Some(at) = rest.find("```text\n$ vpc plan ") {
        let block = &rest[at + "```text\n$ vpc plan ".len()..];
        let end = block.find("\n```").expect("the block ends");
        let (command, output) = block[..end]
            .split_once('\n')
            .expect("a command and its output");
        blocks.push((command.to_owned(), output.to_owned()));
        rest = &block[end..];
    }
    blocks
}

/// Whether lines are as shown, where `…` alone stands for any lines.
fn fits(shown: &[&str], real: &[&str]) -> bool {
    match shown {
        [] => real.is_empty(),
        ["…", rest @ ..] => (0..=real.len()).any(|skipped| fits(rest, &real[skipped..])),
        [line, rest @ ..] => real.first() == Some(line) && fits(rest, &real[1..]),
    }
}

#[test]
fn plans_are_as_shown() {
    let root = Path::new(env!("CARGO_MANIFEST_DIR"));
    let pages = fs::read_dir(root.join("docs")).unwrap();
    let mut pages: Vec<PathBuf> = pages.map(|page| page.unwrap().path()).collect();
    pages.retain(|page| page.extension().is_some_and(|ending| ending == "md"));
    pages.push(root.join("README.md"));
    pages.sort();
    let nobody = tempfile::tempdir().unwrap();
    let mut count = 0;
    for page in pages {
        for (command, expected) in shown(&fs::read_to_string(&page).unwrap()) {
            let mut vpc = Command::new(VPC);
            vpc.arg("plan")
                .args(command.split_whitespace())
                .current_dir(root)
                .env("NO_COLOR", "1")
                .env("XDG_CACHE_HOME", nobody.path());
            let output = vpc.output().unwrap();
            let text = String::from_utf8([output.stdout, output.stderr].concat()).unwrap();
            let lines = |text| str::lines(text).map(str::trim_end).collect::<Vec<_>>();
            assert!(
                fits(&lines(&expected), &lines(&text)),
                "{}: `vpc plan {command}` prints\n{text}",
                page.display()
            );
            count += 1;
        }
    }
    assert!(count > 0, "no plan is shown");
}
