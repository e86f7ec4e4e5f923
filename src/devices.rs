//! Runs of one experiment that were trained on different devices.

use std::collections::BTreeMap;

use vpc_compiler::plan::{Experiment, Key, Plan, Task};
use vpc_engine::{made_on, survey};
use vpc_store::{Store, StoreError};

use crate::output::tell;

/// Warns of each experiment whose runs were trained on different devices: their numbers differ in
/// rounding, besides in what is varied.
pub(crate) fn warn(plan: &Plan, store: &Store) -> Result<(), StoreError> {
    let survey = survey(plan, Some(store))?;
    let made: BTreeMap<_, _> = plan
        .jobs
        .iter()
        .zip(&survey.manifests)
        .filter(|(job, _)| matches!(job.task, Task::Pretrain(_) | Task::Stage(_)))
        .filter_map(|(job, manifest)| Some((job.key, manifest.as_deref()?)))
        // Where a model from elsewhere was trained is not known.
        .filter(|(_, manifest)| !manifest.is_adopted())
        .map(|(key, manifest)| (key, made_on(&manifest.made)))
        .collect();
    for experiment in &plan.experiments {
        if let Some(mixed) = mixed(experiment, |key| made.get(&key).copied()) {
            tell(format_args!("warning: {mixed}"));
        }
    }
    Ok(())
}

fn mixed<'d>(experiment: &Experiment, made_on: impl Fn(Key) -> Option<&'d str>) -> Option<String> {
    let mut devices: BTreeMap<&str, usize> = BTreeMap::new();
    for run in &experiment.runs {
        if let Some(device) = made_on(run.key) {
            *devices.entry(device).or_default() += 1;
        }
    }
    let counts = devices
        .iter()
        .map(|(device, count)| format!("{count} on {device}"));
    (devices.len() > 1).then(|| {
        format!(
            "runs of `{}` were trained on different devices, which round differently: {}",
            experiment.name,
            counts.collect::<Vec<_>>().join(", ")
        )
    })
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;

    use vpc_compiler::plan::Run;

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
        assert_eq!(mixed(&experiment(&[1, 2, 4]), made_on), None);
        assert_eq!(mixed(&experiment(&[3, 4]), made_on), None);
        assert_eq!(mixed(&experiment(&[4]), made_on), None);
        let told = mixed(&experiment(&[1, 2, 3, 4]), made_on).expect("told");
        assert!(
            told.ends_with("`dose` were trained on different devices, which round differently: 1 on NVIDIA H100, 2 on cpu"),
            "{told}"
        );
    }
}
