//! Cutting a text into items never shows: where nothing is wrong, the parts make the whole.

#![expect(clippy::disallowed_methods, reason = "a test reads its files")]

use std::path::Path;

use proptest::prelude::*;
use vpc_grammar::{Source, Sources, format, parse, parse_uncut};

fn source(text: &str) -> Source {
    let mut sources = Sources::default();
    let id = sources.add("study.vp", text);
    sources.get(id).unwrap().clone()
}

/// Asserts that a valid text gives one tree either way.
fn same(text: &str) {
    let source = source(text);
    let parsed = parse(&source);
    assert_eq!(parsed.problems, [], "{text}");
    assert_eq!(parse_uncut(&source).as_ref(), Some(&parsed.tree), "{text}");
}

/// The published files and those of the corpus that can be read.
fn files() -> Vec<String> {
    let root = Path::new(env!("CARGO_MANIFEST_DIR")).join("..");
    let folders = [
        "tests/corpus/good",
        "tests/corpus/bad",
        "experiments",
        "stdlib",
    ];
    let entries = folders.map(|folder| std::fs::read_dir(root.join(folder)).unwrap());
    let paths = entries.into_iter().flatten().map(|entry| entry.unwrap());
    let paths = paths
        .map(|entry| entry.path())
        .filter(|path| path.is_file());
    let texts = paths.map(|path| std::fs::read_to_string(path).unwrap());
    let valid = |text: &String| parse(&source(text)).problems.is_empty();
    texts.filter(valid).collect()
}

#[test]
fn files_read_alike_in_parts_and_whole() {
    let files = files();
    assert!(files.len() > 8, "only {} files are valid", files.len());
    for text in files {
        same(&text);
        same(&text.replace('\n', "\r\n"));
        same(text.trim_end());
    }
}

#[test]
fn what_looks_like_an_item_in_brackets_or_comments_starts_none() {
    same("let a = [\nb,\nc\n]\nlet d = f(\ne\n)\n");
    same("m a {\nb: 1\nm c {\nd: 2\n}\n}\nm e {}\n");
    same("# }\nm a {  # {\n# let b = \"\n}\nm c {}\n");
    same("let a = \"} # \\\" {\"  # \"\nlet b = \"\\\\\"\nm c {}\n");
    same("let a = 1 +\n b\nlet c = 2\n");
}

#[test]
fn the_whole_of_a_wrong_text_is_nothing() {
    for text in ["let a = \n", "m a {\n", "m a {\n  b c\n}\n", " 12\n", "}\n"] {
        assert_eq!(parse_uncut(&source(text)), None, "{text}");
    }
    let deep = format!("let a = {}1\n", "- ".repeat(1000));
    assert_eq!(parse_uncut(&source(&deep)), None);
}

/// Words, some of which begin like words of the language.
fn name() -> impl Strategy<Value = String> {
    prop::sample::select(vec![
        "a", "_", "use_1", "lets", "rest_", "notes", "b2", "in_", "order", "x_y",
    ])
    .prop_map(str::to_owned)
}

/// A gap inside of brackets, where lines may end.
fn gap() -> impl Strategy<Value = &'static str> {
    prop::sample::select(vec!["", " ", "\n", "\n\n  ", "# c ]}\"\n", "\r\n", "\t"])
}

fn expr() -> impl Strategy<Value = String> {
    let leaf = prop_oneof![
        name(),
        "[0-9]{1,3}(\\.[0-9])?(%|k|B)?( tokens| steps)?",
        "\"([a-z {}#\\[]|\\\\[nt\"\\\\]){0,5}\"",
        prop::sample::select(vec!["rest", "none", "true", "false"]).prop_map(str::to_owned),
    ];
    leaf.prop_recursive(4, 24, 3, |inner| {
        let operator = prop::sample::select(vec![
            "+", "-", "*", "/", "==", "!=", "<", "<=", ">", ">=", " and ", " or ", "..", " by ",
        ]);
        let many = prop::collection::vec((gap(), inner.clone(), gap()), 0..4)
            .prop_map(|parts| {
                parts
                    .into_iter()
                    .map(|part| part.0.to_owned() + &part.1 + part.2)
            })
            .prop_map(|parts| parts.collect::<Vec<_>>().join(","))
            .boxed();
        let one = inner.clone();
        let pair = (inner.clone(), inner.clone());
        prop_oneof![
            (one.clone(), operator, gap(), one.clone())
                .prop_map(|(a, op, gap, b)| format!("{a} {op}{gap} {b}")),
            many.clone().prop_map(|many| format!("[{many}]")),
            (name(), many).prop_map(|(name, many)| format!("{name}({many})")),
            (gap(), one.clone(), gap()).prop_map(|(a, inner, b)| format!("({a}{inner}{b})")),
            (one.clone(), name(), one.clone(), gap())
                .prop_map(|(a, n, b, gap)| format!("[{a} for {n} in {b}{gap}]")),
            (one.clone(), pair).prop_map(|(a, (b, c))| format!("if {a} then {b} else {c}")),
            (name(), name(), one.clone())
                .prop_map(|(a, b, c)| format!("{a} with {{ {b}.x: {c}, vary y: {c} }}")),
            one.prop_map(|inner| format!("-{inner}")),
        ]
    })
}

fn item() -> impl Strategy<Value = String> {
    let entry = prop_oneof![
        (name(), expr()).prop_map(|(name, value)| format!("{name}: {value}")),
        (name(), expr()).prop_map(|(name, value)| format!("vary {name}: {value}")),
        expr().prop_map(|value| format!("where {value}")),
        (name(), expr()).prop_map(|(name, value)| format!("let {name} = {value}")),
        (name(), expr()).prop_map(|(name, value)| format!("m {name} {{\n{name}: {value}\n}}")),
    ];
    let body = prop::collection::vec(
        (entry, prop::sample::select(vec!["\n", ", ", "  # n\n"])),
        0..5,
    )
    .prop_map(|entries| entries.into_iter().map(|entry| entry.0 + entry.1))
    .prop_map(|entries| format!("{{{}}}", entries.collect::<String>()));
    prop_oneof![
        (name(), name()).prop_map(|(a, b)| format!("use {a}.{b} as {a}")),
        name().prop_map(|name| format!("use \"{name}.vp\"")),
        (name(), expr()).prop_map(|(name, value)| format!("let {name} = {value}")),
        (name(), expr()).prop_map(|(name, value)| format!("kind {name} \"d\" = {value}")),
        (name(), expr(), body)
            .prop_map(|(name, value, body)| format!("kind {name}(p: share = {value}) {body}")),
    ]
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 300, failure_persistence: None, ..ProptestConfig::default() })]

    /// Texts made up from the grammar, and formatted.
    #[test]
    fn made_up_files_read_alike(
        items in prop::collection::vec((item(), prop::sample::select(vec!["\n", "\n\n# note\n", "\r\n"])), 0..6),
    ) {
        let text: String = items.into_iter().map(|item| item.0 + item.1).collect();
        same(&text);
        same(&format(&source(&text)).unwrap());
    }
}
