//! The pages about problem codes: complete, and true.

#![expect(clippy::disallowed_methods, reason = "a test reads sources and pages")]

mod common;

use std::collections::BTreeSet;
use std::path::{Path, PathBuf};

use common::compile_with;
use vpc_compiler::explain::{PAGES, Page, nearest, page};
use vpc_compiler::grammar::{Colour, Sources, format, render};

fn root() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("..")
}

/// Codes that the sources below a folder report.
fn used(folder: &Path, codes: &mut BTreeSet<String>) {
    for entry in std::fs::read_dir(folder).unwrap() {
        let path = entry.unwrap().path();
        if path.is_dir() {
            used(&path, codes);
        } else if path.extension().is_some_and(|ending| ending == "rs") {
            let text = std::fs::read_to_string(&path).unwrap();
            let found = text.split("Code(\"V").skip(1);
            codes.extend(found.map(|rest| format!("V{}", rest.split('"').next().unwrap())));
        }
    }
}

#[test]
fn every_code_has_a_page_and_no_page_is_left_over() {
    let mut codes = BTreeSet::new();
    used(&root().join("grammar/src"), &mut codes);
    used(&root().join("compiler/src"), &mut codes);
    used(&root().join("src"), &mut codes);
    let pages: Vec<&str> = PAGES.iter().map(|page| page.code).collect();
    let codes: Vec<&str> = codes.iter().map(String::as_str).collect();
    assert_eq!(pages, codes);
    let mut files: Vec<String> = std::fs::read_dir(root().join("docs/problems"))
        .unwrap()
        .map(|entry| entry.unwrap().file_name().into_string().unwrap())
        .collect();
    files.sort();
    let named: Vec<String> = pages.iter().map(|code| format!("{code}.md")).collect();
    assert_eq!(files, named);
}

/// The two examples of a page.
fn examples(page: &Page) -> [String; 2] {
    let blocks = page.text.split("```vp\n").skip(1);
    let blocks: Vec<String> = blocks
        .map(|rest| rest.split("```").next().unwrap().to_owned())
        .collect();
    blocks
        .try_into()
        .unwrap_or_else(|_| panic!("{} does not have two examples", page.code))
}

/// Codes and what a user would read.
fn problems(text: &str) -> (BTreeSet<&'static str>, String) {
    let compiled = compile_with(text, &[("other.vp", "mixture shared { web: 100% }\n")]);
    let shown = compiled
        .problems
        .iter()
        .map(|problem| render(problem, &compiled.sources, Colour::Never));
    let shown = shown.collect::<Vec<_>>().join("\n\n");
    let codes = compiled.problems.iter().map(|problem| problem.code.0);
    (codes.collect(), shown)
}

#[test]
fn examples_do_what_their_pages_say() {
    let mut wrong = Vec::new();
    for page in PAGES {
        let [mut mistake, correction] = examples(page);
        if page.code == "V0109" {
            // The page cannot hold a file that is too large.
            mistake.push_str(&"#\n".repeat(4 << 20));
        }
        let (codes, shown) = problems(&mistake);
        // What a plan costs is found by the command, and its page is held to that by its own test.
        let is_of_plans = page.code.starts_with("V07");
        let expected = BTreeSet::from_iter((!is_of_plans).then_some(page.code));
        if codes != expected {
            wrong.push(format!("{}: reports {codes:?}\n{shown}", page.code));
        }
        let (codes, shown) = problems(&correction);
        if !codes.is_empty() {
            wrong.push(format!("{}: corrected, reports\n{shown}", page.code));
        }
        let mut sources = Sources::default();
        let id = sources.add("study.vp", correction.as_str());
        let formatted = format(sources.get(id).unwrap());
        if formatted.as_ref() != Ok(&correction) {
            wrong.push(format!("{}: formatted, is\n{formatted:?}", page.code));
        }
    }
    assert!(wrong.is_empty(), "{}", wrong.join("\n\n"));
}

#[test]
fn pages_have_one_form() {
    for page in PAGES {
        let start = format!("# {}: ", page.code);
        assert!(page.text.starts_with(&start), "{}", page.code);
        assert!(page.title().len() > 5 && !page.title().ends_with('.'));
        assert!(
            page.text.lines().all(|line| line.chars().count() <= 100),
            "{}",
            page.code
        );
    }
}

#[test]
fn codes_are_found() {
    assert_eq!(page("v0302").unwrap().code, "V0302");
    assert!(page("V9999").is_none());
    assert_eq!(nearest("VO302"), Some("V0302"));
    assert_eq!(nearest("shares"), None);
}
