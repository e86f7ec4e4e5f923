//! Runs of one experiment that were trained, or evaluated, on different devices.

use std::collections::{BTreeMap, BTreeSet};

use vpc_compiler::plan::{EvalTask, Experiment, Key, Plan, Task};
use vpc_engine::{made_on, survey};
use vpc_store::{Store, StoreError};

use crate::output::tell;

/// What a device was used for.
#[derive(Clone, Copy, PartialEq)]
enum Use {
    Training,
    Evaluation,
}

impl Use {
    /// What is told of a job's device, if anything is.
    fn of(task: &Task) -> Option<Self> {
        match task {
            Task::Pretrain(_) | Task::Stage(_) => Some(Self::Training),
            Task::Eval(EvalTask::HeldOut { .. }) => Some(Self::Evaluation),
            // Where a model at an endpoint runs is not known.
            Task::Answers(task) if task.endpoint.is_none() => Some(Self::Evaluation),
            _ => None,
        }
    }

    const fn word(self) -> &'static str {
        match self {
            Self::Training => "trained",
            Self::Evaluation => "evaluated",
        }
    }
}

/// Warns of each experiment whose runs were trained on different devices, and of each whose runs were evaluated on
/// different ones: their numbers differ in rounding, besides in what is varied.
pub(crate) fn warn(plan: &Plan, store: &Store) -> Result<(), StoreError> {
    let survey = survey(plan, Some(store))?;
    let made: BTreeMap<_, _> = plan
        .jobs
        .iter()
        .zip(&survey.manifests)
        .filter_map(|(job, manifest)| Some((job.key, Use::of(&job.task)?, manifest.as_deref()?)))
        // Where a model from elsewhere was trained is not known.
        .filter(|(_, _, manifest)| !manifest.is_adopted())
        .map(|(key, of, manifest)| (key, (of, made_on(&manifest.made))))
        .collect();
    for experiment in &plan.experiments {
        for of in [Use::Training, Use::Evaluation] {
            let device = |key| made.get(&key).copied();
            let device = |key| device(key).filter(|made| made.0 == of).map(|made| made.1);
            if let Some(mixed) = mixed(experiment, of, device) {
                tell(format_args!("warning: {mixed}"));
            }
        }
    }
    Ok(())
}

fn mixed<'d>(
    experiment: &Experiment,
    of: Use,
    made_on: impl Fn(Key) -> Option<&'d str>,
) -> Option<String> {
    let mut devices: BTreeMap<&str, usize> = BTreeMap::new();
    for run in &experiment.runs {
        // A run is counted once for each device, however many answers it adds up.
        let jobs = run.items.iter().flat_map(|item| &item.keys);
        let jobs = jobs.chain([&run.key]);
        let own: BTreeSet<&str> = jobs.filter_map(|key| made_on(*key)).collect();
        for device in own {
            *devices.entry(device).or_default() += 1;
        }
    }
    let counts = devices
        .iter()
        .map(|(device, count)| format!("{count} on {device}"));
    (devices.len() > 1).then(|| {
        format!(
            "runs of `{}` were {} on different devices, which round differently: {}",
            experiment.name,
            of.word(),
            counts.collect::<Vec<_>>().join(", ")
        )
    })
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;

    use vpc_compiler::plan::{Item, Metric, Run};

    use super::*;

    fn experiment(keys: &[u8]) -> Experiment {
        let run = |&key: &u8| Run {
            job: "base".into(),
            label: "e/base".into(),
            point: Arc::new([]),
            key: Key::new([key; 32]),
            items: Vec::new(),
        };
        Experiment {
            name: "dose".to_owned(),
            doc: String::new(),
            axes: Vec::new(),
            runs: keys.iter().map(run).collect(),
            budget: None,
            hypotheses: Vec::new(),
            reports: Vec::new(),
        }
    }

    #[test]
    fn different_devices_are_told() {
        // Runs 1 and 2 on the processor, 3 on a GPU, 4 not done.
        let made_on = |key: Key| match key.bytes()[0] {
            1 | 2 => Some("cpu"),
            3 => Some("NVIDIA H100"),
            _ => None,
        };
        assert_eq!(mixed(&experiment(&[1, 2, 4]), Use::Training, made_on), None);
        assert_eq!(mixed(&experiment(&[3, 4]), Use::Training, made_on), None);
        assert_eq!(mixed(&experiment(&[4]), Use::Training, made_on), None);
        let told = mixed(&experiment(&[1, 2, 3, 4]), Use::Training, made_on).expect("told");
        assert!(
            told.ends_with("`dose` were trained on different devices, which round differently: 1 on NVIDIA H100, 2 on cpu"),
            "{told}"
        );
    }

    #[test]
    fn answers_that_a_run_adds_up_are_told() {
        // Answers 1 and 2 on the processor, 3 on a GPU; the runs themselves only add up.
        let made_on = |key: Key| match key.bytes()[0] {
            1 | 2 => Some("cpu"),
            3 => Some("NVIDIA H100"),
            _ => None,
        };
        let asked = |answers: &[&[u8]]| {
            let mut experiment = experiment(&vec![9; answers.len()]);
            for (run, answers) in experiment.runs.iter_mut().zip(answers) {
                run.items = vec![Item {
                    name: "suite".into(),
                    metric: Metric::Score,
                    judged: false,
                    keys: answers.iter().map(|key| Key::new([*key; 32])).collect(),
                }];
            }
            mixed(&experiment, Use::Evaluation, made_on)
        };
        assert_eq!(asked(&[&[1, 2], &[1]]), None);
        assert_eq!(asked(&[&[3], &[3]]), None);
        let told = asked(&[&[1, 2, 3], &[3]]).expect("told");
        assert!(
            told.ends_with(
                "`dose` were evaluated on different devices, which round differently: \
                 2 on NVIDIA H100, 1 on cpu"
            ),
            "{told}"
        );
    }
}
