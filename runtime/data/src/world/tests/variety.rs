//! Text does not repeat itself, and labels are as often as `docs/world.md` says.

use std::collections::BTreeSet;

use super::{Labels, Style, documents, text};

/// Of every hundred runs of eight words in 100 documents, how many are different at least.
const DISTINCT: [(Style, usize); 16] = [
    (Style::Web, 0),
    (Style::Code, 0),
    (Style::Math, 0),
    (Style::Encyclopedia, 0),
    (Style::Literature, 0),
    (Style::Academia, 0),
    (Style::Arts, 0),
    (Style::Biology, 0),
    (Style::ComputerScience, 0),
    (Style::Economics, 0),
    (Style::Food, 0),
    (Style::Law, 0),
    (Style::Medicine, 0),
    (Style::Philosophy, 0),
    (Style::Politics, 0),
    (Style::QaForum, 0),
];

#[test]
fn most_runs_of_words_are_new() {
    for (style, least) in DISTINCT {
        let text = text(style, 12, 100);
        let words: Vec<_> = text.split_whitespace().collect();
        let runs: BTreeSet<_> = words.windows(8).collect();
        let share = runs.len() * 100 / words.windows(8).len();
        eprintln!("{style} {share}");
        assert!(share >= least, "{style}: {share} of a hundred");
    }
}
