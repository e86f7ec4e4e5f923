//! The plan: the one hand-over from the compiler to the runtime.

mod change;
mod comparison;
mod demand;
mod filter;
mod fraction;
mod job;
mod key;
mod key_map;
mod model;
mod names;
mod operation;
mod record;
mod results;
mod select;
mod sound;
mod study;
mod task;
mod trunk;
mod work;

pub use change::{Change, Difference, Needed, Replaced, Side, percent, said};
pub use comparison::{Besides, Comparison};
pub use demand::{Demand, Supply};
pub use filter::{Clause, Filter};
pub use fraction::Fraction;
pub use job::{Input, Job};
pub use key::{Key, NotAKey};
pub use key_map::KeyMap;
pub use model::ModelSpec;
pub use names::Name;
pub use operation::Operation;
pub use record::{Record, Value};
pub use results::{
    Band, Cell, Correlation, Hypothesis, Metric, Plot, Ranking, Report, Table, Test, Trend,
};
pub use select::{NotASelection, NothingFits, Selection};
pub use sound::Unsound;
pub use study::{Axis, Budget, Experiment, Item, Run};
pub use task::{
    Activation, AlignTask, AnswersTask, Ask, Broken, Choice, CorpusTask, DatasetFrom, DatasetTask,
    EncoderTask, EncoderWeights, EvalTask, Family, FeaturesTask, FileSpec, Format, ItemFields,
    ItemsSpec, Layers, Lessons, Mlp, Modules, Overall, PartSpec, PicturesSpec, Pooling, Precision,
    PretrainTask, Projector, PublishedFile, ScheduleShape, ScheduleSpec, Score, Sight, SourceSpec,
    Split, StageTask, Task, TokenizerTask,
};

pub use trunk::Trunk;

pub(crate) use change::{decimal, short};
pub(crate) use job::Jobs;
pub(crate) use work::Work;

use std::collections::BTreeMap;

use petgraph::graph::{DiGraph, NodeIndex};
use serde::{Deserialize, Serialize};

/// Version of the plan's JSON form.
pub const SCHEMA: u32 = 1;

/// Everything a study computes, and how to read the results.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Plan {
    /// Version of this form.
    pub schema: u32,
    /// Name of the study: its file without folder and ending.
    pub study: String,
    /// The build of the program that every key is bound to, where they are.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub build: Option<String>,
    /// Jobs; inputs come before their users.
    pub jobs: Vec<Job>,
    /// What is known of how many tokens there are to train on, by the `tokens` job that encodes them.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub supply: BTreeMap<Key, Supply>,
    /// Experiments as written, with the key of each of their runs.
    pub experiments: Vec<Experiment>,
    /// Reports across experiments.
    pub reports: Vec<Report>,
    /// What is compared along which axis, and what differs there.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub comparisons: Vec<Comparison>,
}

impl Plan {
    /// Returns a job by key.
    pub fn job(&self, key: Key) -> Option<&Job> {
        self.jobs.iter().find(|job| job.key == key)
    }

    /// Returns the place of each job in `jobs`.
    pub fn places(&self) -> KeyMap<usize> {
        let keys = self.jobs.iter().map(|job| job.key);
        keys.zip(0..).collect()
    }

    /// Returns the jobs as a graph with edges from inputs to users; weights index `jobs`.
    pub fn graph(&self) -> DiGraph<usize, ()> {
        let mut graph = DiGraph::with_capacity(self.jobs.len(), self.jobs.len() * 2);
        let mut nodes: KeyMap<NodeIndex> = KeyMap::default();
        for (at, job) in self.jobs.iter().enumerate() {
            let node = graph.add_node(at);
            nodes.insert(job.key, node);
            for input in &job.inputs {
                if let Some(&from) = nodes.get(input.key) {
                    graph.update_edge(from, node, ());
                }
            }
        }
        graph
    }
}
