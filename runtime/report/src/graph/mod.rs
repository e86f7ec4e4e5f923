//! The graph of a plan's jobs, to be drawn by Graphviz or Mermaid.

mod build;
mod dot;
mod mermaid;

pub use dot::to_dot;
pub use mermaid::{mermaid_refuses, to_mermaid};

/// Nodes in groups, and edges between them.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Graph {
    /// Name of the study.
    pub study: String,
    /// Shared data by kind, then experiments.
    pub groups: Vec<Group>,
    /// From an input to its user, by number of node, in order and each once.
    pub edges: Vec<(usize, usize)>,
}

/// Nodes that stand together: an experiment, or shared data of a kind.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Group {
    /// The experiment or the kind.
    pub name: String,
    /// Its nodes.
    pub nodes: Vec<Node>,
}

/// A job, or all jobs of one declaration.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Node {
    /// Its number; nodes are numbered in the order of the groups.
    pub id: usize,
    /// Its name within the group, with `×40` where it stands for several jobs.
    pub text: String,
    /// The kind of job, such as `eval`.
    pub kind: &'static str,
}

impl Graph {
    /// Returns how many nodes there are.
    pub fn nodes(&self) -> usize {
        self.groups.iter().map(|group| group.nodes.len()).sum()
    }
}
