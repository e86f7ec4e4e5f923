//! The tree of two-way splits that shares positions out exactly.

use crate::shares::gcd;

/// A tree of splits; a leaf holds the index of a part.
#[derive(Debug, Clone)]
pub(crate) enum Tree {
    Leaf(usize),
    Node(Box<Node>),
}

/// A split into `left`, with share `above / below` of what arrives, and `right`, with the rest.
#[derive(Debug, Clone)]
pub(crate) struct Node {
    above: u64,
    below: u64,
    left: Tree,
    right: Tree,
}

impl Tree {
    /// Builds the tree over `leaves` of (part, positive weight), in their order, halving their number at each node.
    ///
    /// The sum of the weights is at most `limits::COMMON_DENOMINATOR`. No leaves give a leaf for part 0.
    pub(crate) fn new(leaves: &[(usize, u64)]) -> Self {
        match leaves {
            [] => Tree::Leaf(0),
            [(part, _)] => Tree::Leaf(*part),
            several => {
                let (first, second) = several.split_at(several.len().div_ceil(2));
                let (left, right) = (total(first), total(second));
                let common = gcd(left, right);
                Tree::Node(Box::new(Node {
                    above: left / common,
                    below: (left + right) / common,
                    left: Tree::new(first),
                    right: Tree::new(second),
                }))
            }
        }
    }

    /// The part at `position` and how many earlier positions that part has.
    pub(crate) fn at(&self, position: u64) -> (usize, u64) {
        let (mut tree, mut position) = (self, position);
        loop {
            match tree {
                Tree::Leaf(part) => return (*part, position),
                Tree::Node(node) => {
                    let before = node.left_of(u128::from(position));
                    if node.left_of(u128::from(position) + 1) > before {
                        (tree, position) = (&node.left, before as u64);
                    } else {
                        (tree, position) = (&node.right, position - before as u64);
                    }
                }
            }
        }
    }

    /// Calls `each` with every part and its count among the first `n` positions.
    pub(crate) fn counts(&self, n: u64, each: &mut dyn FnMut(usize, u64)) {
        match self {
            Tree::Leaf(part) => each(*part, n),
            Tree::Node(node) => {
                let left = node.left_of(u128::from(n)) as u64;
                node.left.counts(left, each);
                node.right.counts(n - left, each);
            }
        }
    }
}

impl Node {
    /// f(n) = ⌊(2·n·a + b) / (2·b)⌋, the count of the left child among the first `n`.
    ///
    /// With n = q·b + r this is q·a + f(r), and 2·r·a + b < 2·b² + b stays within 128 bits for b < 2⁶³.
    fn left_of(&self, n: u128) -> u128 {
        let (a, b) = (u128::from(self.above), u128::from(self.below));
        if n < 1 << 31 && self.below < 1 << 31 {
            let small = (2 * n as u64 * self.above + self.below) / (2 * self.below);
            return u128::from(small);
        }
        let (whole, rest) = (n / b, n % b);
        whole * a + (2 * rest * a + b) / (2 * b)
    }
}

fn total(leaves: &[(usize, u64)]) -> u64 {
    leaves.iter().map(|(_, weight)| weight).sum()
}

#[cfg(test)]
mod tests {
    use super::Tree;

    fn depth(tree: &Tree) -> u32 {
        match tree {
            Tree::Leaf(_) => 0,
            Tree::Node(node) => 1 + depth(&node.left).max(depth(&node.right)),
        }
    }

    #[test]
    fn a_tree_is_as_deep_as_the_logarithm_of_its_parts() {
        for parts in 1..2_000_usize {
            let leaves: Vec<_> = (0..parts).map(|part| (part, 1 + part as u64 % 7)).collect();
            let logarithm = parts.next_power_of_two().trailing_zeros();
            assert_eq!(depth(&Tree::new(&leaves)), logarithm);
        }
    }
}
