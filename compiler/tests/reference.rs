//! `docs/reference.md` is written from the schema; this keeps the two together.
//!
//! `VPC_GEN=write` writes the file instead of comparing it.
#![expect(
    clippy::disallowed_methods,
    reason = "a test reads and writes a document"
)]

use std::fmt::Write;
use std::path::Path;

use vpc_compiler::schema::{FUNCTIONS, KINDS, Kind, Need, Place, Role, TRAITS, Type};

const HEAD: &str = "\
<!-- Written by `just gen` from `compiler/src/schema`; edit there. -->
# The words of the language

What each kind of block holds and what each function gives. How they fit together is in
[language.md](language.md).

";

fn reference() -> String {
    let mut text = HEAD.to_owned();
    for place in Place::ALL {
        writeln!(text, "## Kinds {}\n", place.words()).unwrap();
        let first = |kind: &&&Kind| kind.places.first() == Some(place);
        for kind in KINDS.iter().filter(first) {
            kind_text(&mut text, kind);
        }
    }
    text.push_str("## Functions\n\n");
    for function in FUNCTIONS {
        let parameters: Vec<String> = function
            .parameters
            .iter()
            .map(|parameter| match parameter.default {
                Some(default) => format!("{}: {default}", parameter.name),
                None => parameter.name.to_owned(),
            })
            .collect();
        writeln!(
            text,
            "* `{}({})` — {}",
            function.name,
            parameters.join(", "),
            function.doc
        )
        .unwrap();
        for parameter in function.parameters {
            let kind = match parameter.kind {
                Type::Word(words) => format!("one of `{}`", words.join("`, `")),
                kind => kind.words().to_owned(),
            };
            writeln!(text, "  * `{}`: {kind}", parameter.name).unwrap();
        }
    }
    text.push_str(
        "\n## Traits\n\nWhat runs can differ in: the words of `accept` and `controls`. \
         [confounds.md](confounds.md) says why\neach matters.\n\n",
    );
    for row in TRAITS {
        writeln!(text, "* `{}` — {}", row.word, row.doc).unwrap();
    }
    writeln!(
        text,
        "\n## Types of parameters\n\n`{}`",
        Type::parameter_words().collect::<Vec<_>>().join("`, `")
    )
    .unwrap();
    text
}

fn kind_text(text: &mut String, kind: &Kind) {
    writeln!(text, "### `{}`\n\n{}\n", kind.name, kind.doc).unwrap();
    if let [_, others @ ..] = kind.places
        && !others.is_empty()
    {
        let others: Vec<&str> = others.iter().map(|place| place.words()).collect();
        writeln!(text, "It can also stand {}.\n", others.join(" or ")).unwrap();
    }
    if kind.fields.is_empty() {
        return;
    }
    text.push_str("| field | holds | if left out | identity | meaning |\n|---|---|---|---|---|\n");
    for field in kind.fields {
        let need = match field.need {
            Need::Required => "must be given".to_owned(),
            Need::Optional(default) => default.to_owned(),
        };
        let role = match field.role {
            Role::Identity => "yes",
            Role::Operation => "no",
        };
        let holds = match field.kind {
            Type::Word(words) => format!("one of `{}`", words.join("`, `")),
            kind => kind.words().to_owned(),
        };
        writeln!(
            text,
            "| `{}` | {holds} | {need} | {role} | {} |",
            field.name, field.doc
        )
        .unwrap();
    }
    text.push('\n');
}

#[test]
fn the_reference_says_what_the_schema_says() {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("../docs/reference.md");
    let wanted = reference();
    if std::env::var_os("VPC_GEN").is_some_and(|mode| mode == "write") {
        std::fs::write(&path, &wanted).unwrap();
    }
    let found = std::fs::read_to_string(&path).unwrap_or_default();
    assert!(
        found == wanted,
        "docs/reference.md is not what the schema says; run `just gen`"
    );
}
