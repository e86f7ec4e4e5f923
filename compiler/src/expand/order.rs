//! The order in which the jobs of an experiment are made, and the axes each depends on.

use vpc_grammar::tree::Block;
use vpc_grammar::{Code, Problem};

use super::axes::Axes;
use super::names::Names;
use super::{Expander, Parts};

impl Expander<'_, '_> {
    /// Orders the jobs so that inputs come first, with the axis groups each depends on.
    pub(super) fn order<'b>(
        &self,
        parts: &Parts<'b>,
        axes: &Axes,
    ) -> Option<Vec<(&'b Block, Vec<usize>)>> {
        let names: Vec<Names> = parts
            .blocks
            .iter()
            .map(|block| Names::of_block(block, &parts.lets))
            .collect();
        let mut done: Vec<(&Block, Vec<usize>)> = Vec::new();
        let mut left: Vec<usize> = (0..parts.blocks.len()).collect();
        while !left.is_empty() {
            let before = left.len();
            left.retain(|&at| {
                let (Some(&block), Some(names)) = (parts.blocks.get(at), names.get(at)) else {
                    return false;
                };
                let needs = |other: &&Block| names.has(&other.name.text);
                let waits = parts
                    .blocks
                    .iter()
                    .filter(|other| needs(other))
                    .any(|other| {
                        !done
                            .iter()
                            .any(|known| known.0.name.text == other.name.text)
                    });
                if waits {
                    return true;
                }
                let mut groups = axes.named(names);
                for (other, more) in &done {
                    if needs(other) {
                        groups.extend(more);
                    }
                }
                groups.sort_unstable();
                groups.dedup();
                done.push((block, groups));
                false
            });
            if left.len() == before {
                self.ring(
                    &left
                        .iter()
                        .filter_map(|&at| parts.blocks.get(at).copied())
                        .collect::<Vec<_>>(),
                );
                return None;
            }
        }
        // Listed as written, computed in order of need: stable, since `done` respects both.
        Some(done)
    }

    fn ring(&self, blocks: &[&Block]) {
        let names: Vec<&str> = blocks
            .iter()
            .map(|block| block.name.text.as_str())
            .collect();
        let Some(first) = blocks.first() else { return };
        let message = format!("jobs need each other in a ring: {}", names.join(", "));
        self.evaluator
            .report(Problem::error(Code("V0204"), first.name.span, message));
    }
}
