//! Parsing as a user sees it: every mistake on its own line, valid files whole.

use vpc_grammar::tree::{Entry, Item};
use vpc_grammar::{Colour, Sources, parse, render};

fn problems(text: &str) -> (Vec<usize>, String) {
    let mut sources = Sources::default();
    let id = sources.add("study.vp", text);
    let source = sources.get(id).unwrap();
    let parsed = parse(source);
    let lines = parsed
        .problems
        .iter()
        .map(|p| source.position(p.at.span.start).line)
        .collect();
    let rendered: Vec<String> = parsed
        .problems
        .iter()
        .map(|p| render(p, &sources, Colour::Never))
        .collect();
    (lines, rendered.join("\n\n"))
}

const GOOD: &str = r#"
use std.scales
use "categories.vp" as data

# Two groups.
mixture reasoning { data.code: 40%  , data.math: 30% , data.science: rest }
mixture dose(r: share, top: count = 30B) "never used" {
  reasoning: r
  data.web:  rest
}

experiment dose_study "How much?" {
  vary scale: [s340M, s1B]
  vary r:     0%..80% by 20%
  vary (a, b): [(1, 2), (3, 4)]
  where r + a <= 1 and not (b == 2)
  let budget = 30B tokens

  pretrain base {
    model: scale, data: dose(r)
    tokens: if r > 1/2 then budget else 2 * budget
    keep: [5B, 10B,
           20B]
    schedule: wsd(decay: 10%)
  }
  check count(base) == 75
  report out { table scores { cells: [e.x for e in [fit]], rows: r } }
}
experiment smoke = dose_study with {
  vary scale: [nano]
  base.tokens: 1M
}
"#;

#[test]
fn a_valid_file_has_no_problems() {
    let text = GOOD.replace(
        "mixture dose(r: share, top: count = 30B) \"never used\"",
        "mixture dose \"never used\" (r: share, top: count = 30B)",
    );
    assert_eq!(problems(&text).1, "");
}

#[test]
fn eight_mistakes_give_eight_messages_on_their_lines() {
    let text = r"mixture a {
  web 40%
  code: rest
}
experiment e {
  vary scale: [s1B s3B]
  vary r: 0% +
  vary seed: [1, 2
  pretrain base {
    tokens: 30B
    data: dose(r
    let: 3
  }
}
mixture b {
  web: 40%
mixture c {
  web: = 40%
}
";
    let (lines, rendered) = problems(text);
    insta::assert_snapshot!(rendered);
    assert_eq!(lines, [2, 6, 7, 8, 11, 12, 15, 18]);
}

#[test]
fn depth_is_limited_with_a_message() {
    let text = format!("let x = {}1{}\n", "(".repeat(100_000), ")".repeat(100_000));
    let (lines, rendered) = problems(&text);
    assert_eq!(lines, [1]);
    assert!(rendered.contains("brackets are nested deeper than 64 levels"));
}

#[test]
fn strings_and_heads_are_reported() {
    let (lines, rendered) = problems("  12\nlet a = \"open\nlet b = 1\n");
    assert_eq!(lines, [1, 2], "{rendered}");
}

#[test]
fn any_prefix_parses_without_panic() {
    for end in 0..GOOD.len() {
        if let Some(text) = GOOD.get(..end) {
            problems(text);
        }
    }
}

#[test]
fn each_keyword_of_the_grammar_is_refused_as_a_name() {
    let rules = include_str!("../vp.pest").lines();
    let rules = rules.filter_map(|line| line.strip_prefix("kw_")?.split('"').nth(1));
    let keywords: Vec<&str> = rules.collect();
    assert!(keywords.contains(&"check"), "{keywords:?}");
    for keyword in keywords {
        let (lines, shown) = problems(&format!("let {keyword} = 1\n"));
        assert_eq!(lines, [1], "`{keyword}` is taken as a name");
        assert!(shown.contains("V0106"), "{shown}");
        let (lines, shown) = problems(&format!("let {keyword}s = 1\n"));
        assert!(lines.is_empty(), "{shown}");
    }
}

#[test]
fn a_keyword_is_no_suffix_and_lines_end_as_on_any_system() {
    assert_eq!(problems("let x = 1 == 1and 2 == 2\n").1, "");
    assert_eq!(
        problems("let x = [1for a in b]\r\nlet y = 2  # it's { open\r\n").1,
        ""
    );
    assert_eq!(problems("let x = 1  # {\rlet y = 2\r").1, "");
}

#[test]
fn a_span_ends_where_the_code_does() {
    let text = "m a {\n  b: 1 + \"#\"  # c\n  d: [2]# }\n\n  # e\n  vary f: g.h # i\n}\n";
    let mut sources = Sources::default();
    let id = sources.add("study.vp", text);
    let tree = parse(sources.get(id).unwrap()).tree;
    let Some(Item::Block(block)) = tree.items.first() else {
        panic!("no block")
    };
    let entries = block.body.iter().flat_map(|body| &body.entries);
    let written: Vec<&str> = entries
        .map(|entry| match entry {
            Entry::Field(field) => sources.slice(field.span),
            Entry::Vary(vary) => sources.slice(vary.span),
            _ => "",
        })
        .collect();
    assert_eq!(written, ["b: 1 + \"#\"", "d: [2]", "vary f: g.h"]);
    assert_eq!(sources.slice(block.span), text.trim_end());
}

#[test]
fn very_many_mistakes_are_no_more_work_than_some() {
    // Found in a time that grows with the square of the text, these would take minutes.
    for text in ["a b c\n", "let a = \"\n"] {
        let (lines, _) = problems(&text.repeat(20_000));
        assert_eq!(lines, (1..=100).collect::<Vec<_>>(), "{text}");
    }
}

#[test]
fn a_bracket_put_in_is_not_blamed() {
    let (lines, rendered) = problems("m a {\n  b: text(\n\"c\"d\") }\n");
    assert_eq!(lines, [1, 2, 3], "{rendered}");
    assert!(!rendered.contains("found `}`"), "{rendered}");
}

#[test]
fn what_unicode_calls_white_space_is_none_here() {
    assert_eq!(problems(" \u{2028}\n").0, [1]);
    assert_eq!(problems("# a\r 12\n").0, [1]);
}
