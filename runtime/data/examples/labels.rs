//! Prints the share of segments with each label, by style, as a Markdown table: `labels [BYTES [SEED]]`.

use std::error::Error;
use std::io::{Write, stdout};

use vpc_data::world::{Labels, Style, document};

const REASONING: [Labels; 3] = [Labels::CODE, Labels::MATH, Labels::SCIENCE];
const VISUAL: [Labels; 3] = [Labels::CONCEPT, Labels::ATTRIBUTE, Labels::RELATION];

fn main() -> Result<(), Box<dyn Error>> {
    let words: Vec<String> = std::env::args().skip(1).collect();
    let bytes = words.first().map_or(Ok(4 << 20), |word| word.parse())?;
    let seed = words.get(1).map_or(Ok(0), |word| word.parse())?;
    let mut out = stdout().lock();
    writeln!(
        out,
        "| style | code | math | science | any reasoning | concept | attribute | relation | any visual | any | bytes per segment |"
    )?;
    writeln!(out, "|---|{}", "---:|".repeat(10))?;
    for style in Style::ALL {
        writeln!(out, "{}", row(style, seed, bytes))?;
    }
    Ok(())
}

/// The table's line about the first `bytes` of a style, in per cent of segments.
fn row(style: Style, seed: u64, bytes: usize) -> String {
    let (mut labels, mut written, mut index) = (Vec::new(), 0, 0);
    while written < bytes {
        let document = document(style, seed, index);
        written += document.len();
        index += 1;
        labels.extend(document.segments.iter().map(|segment| segment.labels));
    }
    let share = |of: &[Labels]| {
        let with = |found: &&Labels| of.iter().any(|&label| found.contains(label));
        let count = labels.iter().filter(with).count();
        format!("{:.1}", 100.0 * count as f64 / labels.len() as f64)
    };
    let all = [REASONING, VISUAL].concat();
    let [code, math, science] = REASONING.map(|label| share(&[label]));
    let [concept, attribute, relation] = VISUAL.map(|label| share(&[label]));
    let (reasoning, visual, any) = (share(&REASONING), share(&VISUAL), share(&all));
    let size = written / labels.len().max(1);
    format!(
        "| `{style}` | {code} | {math} | {science} | {reasoning} | {concept} | {attribute} | {relation} | {visual} | {any} | {size} |"
    )
}
