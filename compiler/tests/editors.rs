//! The words that editors know are written from `vp.pest` and the schema; this keeps them together.
//!
//! `VPC_GEN=write` writes the files instead of comparing them.
#![expect(
    clippy::disallowed_methods,
    reason = "a test reads and writes the files of the editors"
)]

use std::collections::{BTreeMap, BTreeSet};
use std::path::{Path, PathBuf};

use serde::Serialize;
use vpc_compiler::grammar::{Sources, parse};
use vpc_compiler::schema::{
    FUNCTIONS, Function, KINDS, Kind, MAGNITUDES, Need, Place, TRAITS, Type, UNITS,
};

const NOTICE: &str = "Written by `just gen` from grammar/editors/templates; edit there.";

/// Rules of `vp.pest` that begin with the word of a declaration.
const DECLARATIONS: [&str; 5] = ["use_item", "let_item", "vary", "where_entry", "check"];

/// Entries of the snippets of kinds whose entries are not fields of a fixed name.
const BODIES: [(&str, &str); 2] = [
    ("mixture", "\t${2:web}: ${3:60%}\n\t${4:code}: ${5:rest}\n"),
    (
        "experiment",
        "\tvary ${2:seed}: ${3:1..2}\n\n\t$0\n\n\tcheck ${4:count(base) == 2}\n",
    ),
];

/// Snippets of words that are no kinds: word, text, meaning.
const WORDS: [(&str, &str, &str); 5] = [
    ("use", "use ${1:std.world}", "Takes in a module."),
    ("let", "let ${1:name} = ${2:1}", "Names a value."),
    ("vary", "vary ${1:axis}: ${2:[1, 2]}", "Names an axis."),
    (
        "where",
        "where ${1:not (c == 10% and seed == 1)}",
        "Leaves points out.",
    ),
    (
        "check",
        "check ${1:count(base) == 4}",
        "States what must be true of the plan.",
    ),
];

/// The words of the language as editors need them.
#[derive(Serialize)]
struct Words {
    keywords: Vec<String>,
    declarations: Vec<String>,
    literals: Vec<String>,
    operators: Vec<String>,
    controls: Vec<String>,
    kinds: Vec<String>,
    fields: Vec<String>,
    functions: Vec<String>,
    parameters: Vec<String>,
    types: Vec<String>,
    magnitudes: Vec<String>,
    units: Vec<String>,
}

impl Words {
    fn collect() -> Self {
        let pest = read("grammar/vp.pest");
        let keywords: Vec<String> = pest.lines().filter_map(keyword).collect();
        let literals = used(&pest, "literal");
        let operators = ["prefix", "infix", "range_by"]
            .iter()
            .flat_map(|rule| used(&pest, rule))
            .collect::<Vec<_>>();
        let declarations: Vec<String> = DECLARATIONS
            .iter()
            .filter_map(|rule| used(&pest, rule).into_iter().next())
            .collect();
        let grouped = [&literals, &operators, &declarations];
        let controls = keywords
            .iter()
            .filter(|word| !grouped.iter().any(|group| group.contains(word)))
            .cloned()
            .collect();
        let fields = KINDS.iter().flat_map(|kind| kind.fields);
        let parameters = FUNCTIONS.iter().flat_map(|function| function.parameters);
        Self {
            kinds: owned(KINDS.iter().map(|kind| kind.name)),
            fields: sorted(fields.map(|field| field.name.trim_end_matches(".…"))),
            functions: owned(FUNCTIONS.iter().map(|function| function.name)),
            parameters: sorted(parameters.map(|parameter| parameter.name)),
            types: owned(Type::parameter_words()),
            magnitudes: owned(MAGNITUDES.iter().map(|magnitude| magnitude.0)),
            units: owned(UNITS.iter().map(|unit| unit.0)),
            keywords,
            declarations,
            literals,
            operators,
            controls,
        }
    }

    fn groups(&self) -> [(&'static str, &[String]); 12] {
        [
            ("keywords", &self.keywords),
            ("declarations", &self.declarations),
            ("literals", &self.literals),
            ("operators", &self.operators),
            ("controls", &self.controls),
            ("kinds", &self.kinds),
            ("fields", &self.fields),
            ("functions", &self.functions),
            ("parameters", &self.parameters),
            ("types", &self.types),
            ("magnitudes", &self.magnitudes),
            ("units", &self.units),
        ]
    }

    /// Fills a template; `join` writes a group of words.
    fn fill(&self, template: &str, join: impl Fn(&str, &[String]) -> String) -> String {
        let mut text = template.replace("{{notice}}", NOTICE);
        for (name, words) in self.groups() {
            text = text.replace(&format!("{{{{{name}}}}}"), &join(name, words));
        }
        assert!(!text.contains("{{"), "a template asks for unknown words");
        text
    }
}

fn root() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("..")
}

fn read(path: &str) -> String {
    std::fs::read_to_string(root().join(path)).unwrap_or_else(|error| panic!("{path}: {error}"))
}

fn owned<'a>(words: impl Iterator<Item = &'a str>) -> Vec<String> {
    words.map(str::to_owned).collect()
}

fn sorted<'a>(words: impl Iterator<Item = &'a str>) -> Vec<String> {
    owned(words.collect::<BTreeSet<_>>().into_iter())
}

/// The word of a line such as `kw_use = @{ "use" ~ !ident_tail }`.
fn keyword(line: &str) -> Option<String> {
    let (_, rest) = line.strip_prefix("kw_")?.split_once('"')?;
    Some(rest.split_once('"')?.0.to_owned())
}

/// The keywords that a rule of `vp.pest` names, in order.
fn used(pest: &str, rule: &str) -> Vec<String> {
    let head = |line: &&str| {
        line.split_once('=')
            .is_some_and(|(name, _)| name.trim() == rule)
    };
    let line = pest.lines().find(head);
    let line = line.unwrap_or_else(|| panic!("`vp.pest` has no rule `{rule}` any more"));
    line.split(|sign: char| !(sign.is_ascii_alphanumeric() || sign == '_'))
        .filter_map(|word| word.strip_prefix("kw_"))
        .map(str::to_owned)
        .collect()
}

#[derive(Serialize)]
struct Snippet {
    prefix: String,
    body: Vec<String>,
    description: String,
    #[serde(skip)]
    place: Option<Place>,
}

fn snippet(prefix: &str, text: &str, description: &str, place: Option<Place>) -> Snippet {
    Snippet {
        prefix: prefix.to_owned(),
        body: text.lines().map(str::to_owned).collect(),
        description: description.to_owned(),
        place,
    }
}

/// What may stand for a value of a type, as the text of a snippet's stop.
fn example(kind: Type) -> String {
    match kind {
        Type::Word(words) => format!("|{}|", words.join(",")),
        Type::Path => ":\"file.txt\"".to_owned(),
        Type::Text | Type::Texts => ":\"text\"".to_owned(),
        Type::Mixture => ":web".to_owned(),
        Type::Scale => ":nano".to_owned(),
        Type::Axes | Type::Axis => ":seed".to_owned(),
        Type::Model | Type::Job | Type::Answerer => ":base".to_owned(),
        Type::Measure => ":fit.web".to_owned(),
        Type::Data | Type::Dataset | Type::Part => ":captions".to_owned(),
        Type::Datasets => ":[captions, dialogues]".to_owned(),
        Type::Categories => ":[web, code]".to_owned(),
        Type::Encoder => ":clip".to_owned(),
        Type::Encoders | Type::Benchmarks | Type::Experiments | Type::Labels => {
            ":[one, other]".to_owned()
        }
        Type::Adaptation => ":llava".to_owned(),
        Type::Suite => ":vqa".to_owned(),
        Type::Items | Type::Weights => ":\"path\"".to_owned(),
        Type::Modules => ":[projector]".to_owned(),
        Type::Label => ":visual".to_owned(),
        Type::Tokenizer => ":bpe".to_owned(),
        Type::Numbers | Type::List => ":[1, 2]".to_owned(),
        Type::Quantity => ":1".to_owned(),
        kind => {
            let words = kind.words();
            let quoted = words.split('`').nth(1);
            let last = words.split(' ').next_back();
            format!(":{}", quoted.or(last).unwrap_or_default())
        }
    }
}

fn kind_snippet(kind: &Kind) -> Snippet {
    let body = match BODIES.iter().find(|body| body.0 == kind.name) {
        Some((_, body)) => (*body).to_owned(),
        None if kind.fields.is_empty() => "\t$0\n".to_owned(),
        None => {
            let needed = kind.fields.iter().filter(|field| match field.need {
                Need::Required => true,
                Need::Optional(instead) => {
                    matches!(instead, "give `file` instead" | "give `any` instead")
                }
            });
            let line = |(at, name, kind)| format!("\t{name}: ${{{at}{}}}\n", example(kind));
            needed
                .zip(2..)
                .map(|(field, at)| line((at, field.name, field.kind)))
                .collect()
        }
    };
    let text = format!("{} ${{1:name}} {{\n{body}}}", kind.name);
    snippet(kind.name, &text, kind.doc, kind.places.first().copied())
}

/// Whether a default can be written, and is not a description.
fn is_value(default: &str) -> bool {
    parses(&format!("let value = {default}\n"))
}

fn function_snippet(function: &Function) -> Snippet {
    let given = |default: Option<&str>| default.is_none();
    let any = function.parameters.iter().any(|it| given(it.default));
    let stops: Vec<String> = function
        .parameters
        .iter()
        .filter(|parameter| !any || given(parameter.default))
        .filter(|parameter| parameter.default.is_none_or(is_value))
        .zip(1..)
        .map(|(parameter, at)| match parameter.default {
            Some(default) => format!("{}: ${{{at}:{default}}}", parameter.name),
            None => format!("${{{at}{}}}", example(parameter.kind)),
        })
        .collect();
    let text = format!("{}({})", function.name, stops.join(", "));
    snippet(function.name, &text, function.doc, None)
}

/// The snippets under the names that editors show.
fn snippets() -> BTreeMap<String, Snippet> {
    let words = WORDS.iter().map(|&(word, text, doc)| {
        let place = if matches!(word, "use" | "let") {
            Place::File
        } else {
            Place::Experiment
        };
        (word.to_owned(), snippet(word, text, doc, Some(place)))
    });
    let kinds = KINDS
        .iter()
        .map(|kind| (kind.name.to_owned(), kind_snippet(kind)));
    let functions = FUNCTIONS
        .iter()
        .map(|function| (format!("{}()", function.name), function_snippet(function)));
    let traits: Vec<&str> = TRAITS.iter().map(|row| row.word).collect();
    let said = [
        ("accept", "Says that a difference between arms is meant."),
        ("controls", "States what must be the same in all arms."),
    ];
    let said = said.into_iter().map(|(word, doc)| {
        let text = format!("{word}: ${{1|{}|}}", traits.join(","));
        (
            word.to_owned(),
            snippet(word, &text, doc, Some(Place::Experiment)),
        )
    });
    words.chain(kinds).chain(functions).chain(said).collect()
}

fn json(value: &impl Serialize) -> String {
    format!("{}\n", serde_json::to_string_pretty(value).unwrap())
}

/// Names that colours have in Helix where they differ.
const HELIX: [(&str, &str); 6] = [
    ("@variable.member", "@variable"),
    ("@property", "@variable.other.member"),
    ("@module", "@namespace"),
    ("@number", "@constant.numeric"),
    ("@boolean", "@constant.builtin.boolean"),
    ("@string.escape", "@constant.character.escape"),
];

fn helix(query: &str) -> String {
    HELIX.iter().fold(query.to_owned(), |text, (ours, theirs)| {
        text.replace(ours, theirs)
    })
}

/// Every generated file and its text.
fn generated() -> Vec<(&'static str, String)> {
    let words = Words::collect();
    for word in words.groups().iter().flat_map(|group| group.1) {
        let plain = |sign: char| sign.is_ascii_alphanumeric() || sign == '_';
        assert!(word.chars().all(plain), "`{word}` is no plain word");
    }
    let alternatives = |_: &str, words: &[String]| words.join("|");
    let query = words.fill(
        &read("grammar/editors/templates/highlights.scm"),
        |name, list| match name {
            "declarations" | "controls" | "operators" => format!("\"{}\"", list.join("\" \"")),
            _ => list.join("|"),
        },
    );
    let textmate = words.fill(
        &read("grammar/editors/templates/vp.tmLanguage.json"),
        alternatives,
    );
    vec![
        ("tree-sitter-vp/words.json", json(&words)),
        ("tree-sitter-vp/test/broken.txt", broken()),
        ("helix/queries/vp/highlights.scm", helix(&query)),
        ("zed/languages/vp/highlights.scm", query.clone()),
        ("tree-sitter-vp/queries/highlights.scm", query),
        ("vscode/syntaxes/vp.tmLanguage.json", textmate),
        ("vscode/snippets/vp.json", json(&snippets())),
    ]
}

fn parses(text: &str) -> bool {
    let mut sources = Sources::default();
    let id = sources.add("study.vp", text);
    parse(sources.get(id).unwrap()).problems.is_empty()
}

fn files(folder: &str, ending: &str) -> Vec<PathBuf> {
    let entries = std::fs::read_dir(root().join(folder)).unwrap();
    let mut paths: Vec<PathBuf> = entries.map(|entry| entry.unwrap().path()).collect();
    paths.retain(|path| path.extension().is_some_and(|found| found == ending));
    paths.sort();
    paths
}

/// The files whose syntax is wrong, one a line; all others must parse in every editor.
fn broken() -> String {
    files("tests/corpus/bad", "vp")
        .iter()
        .filter(|path| !parses(&std::fs::read_to_string(path).unwrap()))
        .filter_map(|path| path.file_name()?.to_str())
        .map(|name| format!("tests/corpus/bad/{name}\n"))
        .collect()
}

#[test]
fn editors_know_the_words_of_the_schema() {
    let write = std::env::var_os("VPC_GEN").is_some_and(|mode| mode == "write");
    for (name, wanted) in generated() {
        let path = root().join("grammar/editors").join(name);
        if write {
            std::fs::create_dir_all(path.parent().unwrap()).unwrap();
            std::fs::write(&path, &wanted).unwrap();
        }
        let found = std::fs::read_to_string(&path).unwrap_or_default();
        assert!(
            found == wanted,
            "grammar/editors/{name} is not what the schema says; run `just gen`"
        );
    }
}

#[test]
fn every_keyword_is_in_one_group() {
    let words = Words::collect();
    let groups = [
        &words.declarations,
        &words.literals,
        &words.operators,
        &words.controls,
    ];
    let count: usize = groups.iter().map(|group| group.len()).sum();
    assert_eq!(count, words.keywords.len());
}

/// What a snippet inserts when nothing is changed in it.
fn inserted(snippet: &Snippet) -> String {
    let mut text = String::new();
    let body = snippet.body.join("\n").replace("$0", "");
    let mut rest = body.as_str();
    while let Some((before, after)) = rest.split_once("${") {
        let (stop, after) = after.split_once('}').unwrap();
        let value = stop.trim_start_matches(|sign: char| sign.is_ascii_digit());
        let first = value.trim_matches('|').split(',').next().unwrap();
        text.push_str(before);
        text.push_str(value.strip_prefix(':').unwrap_or(first));
        rest = after;
    }
    text.push_str(rest);
    text
}

#[test]
fn snippets_insert_what_parses() {
    for snippet in snippets().values() {
        let text = inserted(snippet);
        let whole = match snippet.place {
            Some(Place::File) => text,
            Some(Place::Experiment) => format!("experiment e {{\n{text}\n}}"),
            Some(Place::Report) => format!("experiment e {{\nreport r {{\n{text}\n}}\n}}"),
            Some(Place::Adaptation) => format!("adaptation a {{\n{text}\n}}"),
            Some(Place::Suite) => format!("suite s {{\n{text}\n}}"),
            None => format!("let value = {text}"),
        };
        let indented = whole.replace('\n', "\n  ");
        let whole = indented
            .strip_suffix("\n  }")
            .map_or(indented.clone(), |head| format!("{head}\n}}"));
        assert!(parses(&format!("{whole}\n")), "{whole}");
    }
}

/// The cases of the tree-sitter grammar are cases of this grammar too, with the same verdict.
#[test]
fn both_grammars_agree() {
    let mut cases = 0;
    for path in files("grammar/editors/tree-sitter-vp/test/corpus", "txt") {
        let text = std::fs::read_to_string(&path).unwrap();
        let bar = format!("{}\n", "=".repeat(80));
        let parts: Vec<&str> = text.split(bar.as_str()).skip(1).collect();
        for pair in parts.chunks_exact(2) {
            let (head, rest) = (pair[0], pair[1]);
            let (code, _) = rest.split_once(&"-".repeat(80)).unwrap();
            assert_eq!(parses(code), !head.contains(":error"), "{head}{code}");
            cases += 1;
        }
    }
    assert!(cases > 20, "only {cases} cases were found");
}
