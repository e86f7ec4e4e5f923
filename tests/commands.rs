//! `docs/commands.md` names every command and option there is, and no other.

mod common;

use std::collections::BTreeSet;
use std::fs;
use std::path::Path;

use common::Folder;

/// The long options in a text.
fn options(text: &str) -> BTreeSet<String> {
    let words = text.split(|c: char| !(c.is_ascii_lowercase() || c == '-'));
    let long = words.filter(|word| word.len() > 2 && word.starts_with("--"));
    long.map(str::to_owned).collect()
}

/// The commands below a command; none where there are no others.
fn subcommands(folder: &Folder, command: &str) -> Vec<String> {
    let help = folder.vpc(&format!("{command} --help")).ends(0).stdout;
    let Some((_, commands)) = help.split_once("Commands:\n") else {
        return Vec::new();
    };
    let lines = commands.lines().take_while(|line| !line.is_empty());
    let names = lines.filter_map(|line| line.split_whitespace().next());
    names
        .filter(|name| *name != "help")
        .map(str::to_owned)
        .collect()
}

#[test]
fn the_page_is_complete() {
    let page = Path::new(env!("CARGO_MANIFEST_DIR")).join("docs/commands.md");
    let page = fs::read_to_string(page).unwrap();
    let folder = Folder::new();
    let commands: Vec<String> = subcommands(&folder, "")
        .into_iter()
        .flat_map(|command| match subcommands(&folder, &command) {
            none if none.is_empty() => vec![command],
            all => all.iter().map(|one| format!("{command} {one}")).collect(),
        })
        .collect();
    let sections: Vec<&str> = page
        .split("\n## ")
        .filter_map(|section| section.strip_prefix("`vpc "))
        .collect();
    let named: Vec<String> = sections
        .iter()
        .filter_map(|section| section.split('`').next())
        .map(|title| {
            let is_word = |word: &&str| word.bytes().all(|byte| byte.is_ascii_lowercase());
            let words: Vec<&str> = title.split(' ').take_while(is_word).collect();
            words.join(" ")
        })
        .collect();
    assert_eq!(named, commands);
    for (command, section) in commands.iter().zip(sections) {
        let help = folder.vpc(&format!("{command} --help")).ends(0).stdout;
        let mut known = options(help.split_once("\nOptions:").unwrap().1);
        known.remove("--help");
        // Only what stands at the beginning of a row is explained there.
        let rows = section.lines().filter(|line| line.starts_with("| `--"));
        let rows: String = rows.filter_map(|row| row.split('|').nth(1)).collect();
        let mut told = options(&rows);
        if section.contains("[`--only`]") {
            told.insert("--only".to_owned());
        }
        // Options may be spoken of in the texts of others.
        let first = |option: &String| {
            help.contains(&format!("  {option}")) || help.contains(&format!(", {option}"))
        };
        let known: BTreeSet<String> = known.into_iter().filter(first).collect();
        assert_eq!(told, known, "{command}");
    }
}
