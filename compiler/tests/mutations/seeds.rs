//! What mutations begin with: the corpus, the published files and the examples of the pages.

use std::path::Path;

use vpc_compiler::explain::PAGES;

/// Texts, and their parts.
pub(crate) struct Seeds {
    /// Whole files.
    pub(crate) files: Vec<String>,
    /// Items of all files and examples: from one letter in column 0 to the next.
    pub(crate) items: Vec<String>,
    /// Words, numbers, strings, symbols and gaps of all items.
    pub(crate) tokens: Vec<String>,
}

impl Seeds {
    pub(crate) fn read() -> Self {
        let root = Path::new(env!("CARGO_MANIFEST_DIR")).join("..");
        let mut paths = Vec::new();
        for folder in [
            "tests/corpus/good",
            "tests/corpus/bad",
            "experiments",
            "stdlib",
        ] {
            let entries = std::fs::read_dir(root.join(folder)).unwrap();
            paths.extend(entries.map(|entry| entry.unwrap().path()));
        }
        paths.retain(|path| path.is_file());
        paths.sort();
        let files: Vec<String> = paths
            .iter()
            .map(|path| std::fs::read_to_string(path).unwrap())
            .collect();
        let examples = PAGES
            .iter()
            .flat_map(|page| page.text.split("```vp\n").skip(1));
        let examples = examples.filter_map(|rest| rest.split("```").next());
        let texts = files.iter().map(String::as_str).chain(examples);
        let mut items: Vec<String> = texts.flat_map(items).collect();
        items.sort();
        items.dedup();
        let mut tokens: Vec<String> = items.iter().flat_map(|item| tokens(item)).collect();
        tokens.sort();
        tokens.dedup();
        assert!(files.len() > 12 && items.len() > 100 && tokens.len() > 300);
        Self {
            files,
            items,
            tokens,
        }
    }
}

fn items(text: &str) -> Vec<String> {
    let mut items = vec![String::new()];
    for line in text.split_inclusive('\n') {
        if line.starts_with(|c: char| c.is_ascii_alphabetic()) {
            items.push(String::new());
        }
        items.last_mut().unwrap().push_str(line);
    }
    items.retain(|item| !item.trim().is_empty());
    items
}

/// Cuts a text into words, numbers, gaps and single other characters.
pub(crate) fn tokens(text: &str) -> Vec<String> {
    let class = |c: char| match c {
        '_' => 1,
        c if c.is_alphanumeric() => 1,
        ' ' => 2,
        '.' | '=' => 3,
        _ => 0,
    };
    let mut tokens: Vec<String> = Vec::new();
    let mut last = 0;
    for c in text.chars() {
        let next = class(c);
        match tokens.last_mut() {
            Some(token) if next == last && next > 0 => token.push(c),
            _ => tokens.push(c.to_string()),
        }
        last = next;
    }
    tokens
}
