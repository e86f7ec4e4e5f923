//! The formatter: what it writes, and what it never changes.

#![expect(clippy::disallowed_methods, reason = "a test reads its files")]

use std::path::Path;

use proptest::prelude::*;
use vpc_grammar::{Source, Sources, format, parse};

fn source(text: &str) -> Source {
    let mut sources = Sources::default();
    let id = sources.add("study.vp", text);
    sources.get(id).unwrap().clone()
}

fn formatted(text: &str) -> Option<String> {
    format(&source(text)).ok()
}

/// The tree without places.
fn tree(text: &str) -> String {
    let parsed = parse(&source(text));
    assert_eq!(parsed.problems, [], "{text}");
    let shown = format!("{:?}", parsed.tree);
    let mut parts = shown.split("Span {");
    let mut bare = parts.next().unwrap().to_owned();
    for part in parts {
        bare.push_str(part.split_once('}').unwrap().1);
    }
    bare
}

/// The comments in their order.
fn comments(text: &str) -> Vec<String> {
    let mut found = Vec::new();
    for line in text.lines() {
        let mut inside = false;
        let mut escaped = false;
        for (at, byte) in line.bytes().enumerate() {
            match byte {
                b'#' if !inside => {
                    found.push(line[at..].trim_end().to_owned());
                    break;
                }
                b'"' if !escaped => inside = !inside,
                _ => {}
            }
            escaped = inside && byte == b'\\' && !escaped;
        }
    }
    found
}

/// Asserts the properties of a text that the formatter accepts; whether it did.
fn check(text: &str) -> bool {
    let Some(once) = formatted(text) else {
        return false;
    };
    let twice = formatted(&once);
    assert_eq!(twice.as_ref(), Some(&once), "not settled:\n{text}");
    assert_eq!(tree(text), tree(&once), "another tree:\n{text}\n{once}");
    if !text.replace("\r\n", "\n").contains('\r') {
        assert_eq!(comments(text), comments(&once), "{text}\n{once}");
        let spaces = once.lines().any(|line| line.ends_with(' '));
        assert!(!spaces, "spaces at the end of a line:\n{once}");
        assert!(once.is_empty() || once.ends_with('\n') && !once.ends_with("\n\n"));
        assert!(
            !once.contains("\n\n\n") && !once.starts_with('\n'),
            "{once}"
        );
    }
    true
}

/// Every file that must format.
fn files() -> Vec<(String, String)> {
    let root = Path::new(env!("CARGO_MANIFEST_DIR")).join("..");
    let mut files = Vec::new();
    for folder in ["tests/corpus/good", "experiments", "stdlib"] {
        for entry in std::fs::read_dir(root.join(folder)).unwrap() {
            let path = entry.unwrap().path();
            if path.extension().is_some_and(|ending| ending == "vp") {
                let text = std::fs::read_to_string(&path).unwrap();
                files.push((path.display().to_string(), text));
            }
        }
    }
    assert!(files.len() > 5);
    files.sort();
    files
}

#[test]
fn files_keep_their_meaning() {
    for (path, text) in files() {
        assert!(check(&text), "{path} is refused");
    }
}

#[test]
fn published_files_are_formatted() {
    for (path, text) in files() {
        if !path.contains("corpus") {
            assert_eq!(formatted(&text).unwrap(), text, "{path}");
        }
    }
}

/// Asserts what a text becomes.
fn becomes(text: &str, wanted: &str) {
    assert!(check(text), "refused: {text}");
    assert_eq!(formatted(text).unwrap(), wanted);
}

#[test]
fn spaces() {
    becomes("let  a=- 1+2 *( 3 )", "let a = -1 + 2 * (3)\n");
    becomes("let a = 1 / 3 * 2/5", "let a = 1/3 * 2 / 5\n");
    becomes("let a=x/3-1/2 tokens", "let a = x / 3 - 1 / 2 tokens\n");
    becomes("let a = 0 .. - 1 by b . c", "let a = 0..-1 by b.c\n");
    becomes("let a=not(b==1and c)", "let a = not (b == 1and c)\n");
    becomes("let a = f( x ,y : 2 , )", "let a = f(x, y: 2)\n");
    becomes("use   \"a b.vp\"   as  c", "use \"a b.vp\" as c\n");
    becomes("let a = 1_000  tokens", "let a = 1_000 tokens\n");
    becomes("m a \"d\"( x:t=1 ){x:1}", "m a \"d\" (x: t = 1) { x: 1 }\n");
    becomes("m a{}\r\nm b\t{ }", "m a {}\nm b {}\n");
    becomes(
        "let a = if x then-1 else every 2k",
        "let a = if x then -1 else every 2k\n",
    );
}

#[test]
fn one_line_and_many() {
    becomes(
        "m a { x: 1,y: [1,\n 2] }\n",
        "m a {\n  x: 1\n  y: [1, 2]\n}\n",
    );
    becomes("m a { x:1 , y:2, }\n", "m a { x: 1, y: 2 }\n");
    becomes(
        "m a {\n\n\n  x: 1, y: 2\n\n\n  z: 3\n\n}",
        "m a {\n  x: 1\n  y: 2\n\n  z: 3\n}\n",
    );
    let long = "x".repeat(60);
    becomes(
        &format!("let a = [{long}, {long}]\n"),
        &format!("let a = [\n  {long},\n  {long},\n]\n"),
    );
    becomes(
        &format!("m a {{ b: {long}, c: {long} }}\n"),
        &format!("m a {{\n  b: {long}\n  c: {long}\n}}\n"),
    );
    becomes(
        &format!("let a = [f({long}) for {long} in b if c]\n"),
        &format!("let a = [\n  f({long})\n  for {long} in b\n  if c\n]\n"),
    );
    becomes(
        &format!("let a = {long} +\n  {long} -\n  b\n"),
        &format!("let a = {long} +\n  {long} - b\n"),
    );
}

#[test]
fn columns() {
    becomes(
        "m a {\n a: 1\n bcd.e: 2\n\n fg: 3\n h: 4\n}\n",
        "m a {\n  a:     1\n  bcd.e: 2\n\n  fg: 3\n  h:  4\n}\n",
    );
    becomes(
        "e a {\n vary a: 1\n vary bc: 2\n d: 3\n where x\n}\n",
        "e a {\n  vary a:  1\n  vary bc: 2\n  d: 3\n  where x\n}\n",
    );
    becomes(
        "m a {x:1}\nm bcd {y:1}\nn e {}\n",
        "m a   { x: 1 }\nm bcd { y: 1 }\nn e {}\n",
    );
}

#[test]
fn comments_stay() {
    becomes(
        "# a\n\n\n#b\nlet x=1#c\nlet yy=2# d\n# e",
        "# a\n\n#b\nlet x = 1   #c\nlet yy = 2  # d\n# e\n",
    );
    becomes(
        "m a { # o\n # p\n x: 1 # q\n # r\n}\n",
        "m a {  # o\n  # p\n  x: 1  # q\n  # r\n}\n",
    );
    becomes("let a = [ 1 # b\n , 2 ]", "let a = [\n  1,  # b\n  2,\n]\n");
    becomes(
        "let a = b + # c\n\n # d\n e",
        "let a = b +  # c\n  # d\n  e\n",
    );
    becomes(
        "let a = [x # b\n for y in z]",
        "let a = [\n  x  # b\n    for y in z\n]\n",
    );
}

#[test]
fn what_cannot_be_parsed_is_refused() {
    assert!(format(&source("m a {\n  b 1\n}\n")).is_err());
    assert!(format(&source("m a {\n")).is_err());
    assert_eq!(formatted(""), Some(String::new()));
    assert_eq!(formatted("\n \n"), Some(String::new()));
    let lone = "m  a {\r\n # b\r x: 1\n}\n";
    assert_eq!(formatted(lone).as_deref(), Some(lone));
}

#[test]
fn deep_nesting_is_laid_out() {
    let (open, close) = ("b a {\n".repeat(64), "}\n".repeat(64));
    assert!(check(
        &format!("{open}b c {{}}\n{close}")
            .replacen("b a {\n", "", 1)
            .replacen("}\n", "", 1)
    ));
    assert!(check(&format!(
        "let a = {}b{}",
        "[f(".repeat(20),
        ")]".repeat(20)
    )));
}

/// Texts with much of the grammar in them, for mutations.
fn seeds() -> Vec<String> {
    let mut texts: Vec<String> = files().into_iter().map(|file| file.1).collect();
    texts.push(
        "let a = [x * (y + 1) for x in 1..3 by 1 if not x == -2] # t\n\
         m a \"d\" (x: share, # p\n  y: count = 1/2,) {\n  b: c with { d: 1, e.f: [1, 2,] } # q\n\
         \x20 (g, h)\n}\n"
            .replace(
                "  (g, h)\n",
                "  vary (g, h): [(1, 2), f(i: if j then k else every 1 steps)]\n",
            ),
    );
    texts
}

const SCRAPS: &[&str] = &[
    "\n",
    "\n\n\n",
    " ",
    "# note\n",
    " # note\n",
    "\n# note\n",
    ",",
    ", ",
    "{ ",
    " }",
    "(",
    ")",
    "[",
    "]",
    "..",
    "-",
    "+ ",
    " + 1",
    ":",
    ".",
    "\"",
    "\r\n",
    "\r",
    "\t",
    " and ",
    " for ",
    "é",
    "aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa",
    " with { a: 1 }",
    "[1, 2]",
    "x { }",
];

proptest! {
    #![proptest_config(ProptestConfig { cases: 600, failure_persistence: None, ..ProptestConfig::default() })]

    /// Scraps put in at random, pieces taken out: where it still parses, all properties hold.
    #[test]
    fn mutations(
        text in prop::sample::select(seeds()),
        edits in prop::collection::vec(
            (any::<prop::sample::Index>(), prop::sample::select(SCRAPS), 0..3_usize, any::<bool>()),
            0..8,
        ),
    ) {
        let mut text = text;
        for (place, scrap, taken, at_gap) in edits {
            let mut at = place.index(text.len() + 1);
            if at_gap {
                // After an operator or a bracket, where most scraps do no harm.
                let open = |c: char| "{[(,+*".contains(c);
                at = text.get(at..).and_then(|rest| rest.find(open)).map_or(at, |gap| at + gap + 1);
            }
            while !text.is_char_boundary(at) {
                at -= 1;
            }
            let mut end = (at + if at_gap { 0 } else { taken }).min(text.len());
            while !text.is_char_boundary(end) {
                end += 1;
            }
            text.replace_range(at..end, scrap);
        }
        check(&text);
    }
}
