//! Deep and long texts end in a message, never in a crash.

mod common;

use common::compile_with;

fn refused(text: &str) -> String {
    let compiled = compile_with(text, &[]);
    assert!(
        compiled.plan.is_none(),
        "accepted: {}",
        text.get(..60).unwrap_or(text)
    );
    let messages: Vec<_> = compiled
        .problems
        .iter()
        .map(|problem| problem.message.clone())
        .collect();
    assert_eq!(messages.len(), 1, "{messages:?}");
    messages.concat()
}

#[test]
fn long_chains_of_operators_are_refused() {
    let many = 20_000;
    for text in [
        vec!["1"; many].join("+"),
        "- ".repeat(many) + "1",
        "not ".repeat(many) + "true",
        "a".to_owned() + &".b".repeat(many),
        "a".to_owned() + &"()".repeat(many),
    ] {
        let message = refused(&format!("let x = {text}\n"));
        assert_eq!(
            message,
            "the expression has more than 128 parts within each other"
        );
    }
    refused(&format!(
        "let x = {}1\n",
        "if true then 1 else ".repeat(many)
    ));
    refused(&format!("let x = {}1\n", "every ".repeat(many)));
}

#[test]
fn long_chains_of_declarations_are_refused() {
    let mut text = String::new();
    for at in 0..5_000 {
        text += &format!("let x{at} = x{}\n", at + 1);
    }
    text += "let x5000 = 1\n";
    assert_eq!(
        refused(&text),
        "this is defined through more than 300 others"
    );
}

#[test]
fn a_long_list_is_fine() {
    let text = format!("let x = [{}1]\n", "1, ".repeat(50_000));
    assert!(compile_with(&text, &[]).plan.is_some());
}

#[test]
fn too_many_points_are_refused_before_they_are_laid_out() {
    let text = "use std.scales\nuse std.world\ntokenizer bpe { vocabulary: 300, data: web }\n\
        experiment e {\n  vary a: 1..2000\n  vary b: 1..2000\n  pretrain p { model: nano, \
        data: web, tokenizer: bpe, tokens: 1k, seed: a * 10_000 + b }\n}\n";
    assert_eq!(
        refused(text),
        "the axes have 4000000 points here, more than 1000000"
    );
}
