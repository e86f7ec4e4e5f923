//! Memory of trainings on a pool, to the byte, as a run would need it: each device holds the whole model and its
//! part of a batch.

use vpc_compiler::plan::{Plan, PretrainTask, Task};
use vpc_cost::{Forecast, Pool};
use vpc_engine::{Footprints, Instead, lent};

use super::text::{bytes, more};
use crate::output::counted;

/// A training on devices of a pool.
#[derive(Debug, Clone, PartialEq)]
pub(crate) struct Replica {
    /// The job's place in the plan.
    pub(crate) job: usize,
    /// Sequences on each at once.
    pub(crate) rows: u64,
    /// Bytes of each.
    pub(crate) bytes: u64,
    /// What would fit, where this is more than a device has to give.
    pub(crate) instead: Option<Instead>,
}

/// Looks up what the trainings of a forecast take, and puts it in place of the estimate where a device has so
/// much: else the estimate is of a model that is shared out over devices.
pub(crate) fn replicas(plan: &Plan, pool: &Pool, forecast: &mut Forecast) -> Vec<Replica> {
    let mut footprints = Footprints::default();
    let there = lent(pool.device.memory);
    let mut all = Vec::new();
    for cost in &mut forecast.jobs {
        let Some(Task::Pretrain(task)) = plan.jobs.get(cost.job).map(|job| &job.task) else {
            continue;
        };
        let rows = rows(task, cost.devices);
        let Some(needed) = footprints.bytes(task, rows) else {
            continue;
        };
        let is_too_much = needed > there;
        if !is_too_much {
            cost.memory = needed as f64;
        }
        all.push(Replica {
            job: cost.job,
            rows,
            bytes: needed,
            instead: is_too_much
                .then(|| footprints.instead(task, rows, there))
                .flatten(),
        });
    }
    let memory = forecast.jobs.iter().map(|job| job.memory);
    forecast.memory = memory.fold(0.0, f64::max);
    all
}

/// Sequences on each of so many devices at once: its part of the batch, or a micro-batch.
fn rows(task: &PretrainTask, devices: u64) -> u64 {
    let part = task.batch.div_ceil(devices.max(1));
    task.micro_batch.map_or(part, |rows| rows.min(part))
}

/// Says which trainings no device of the pool could hold, and what would fit.
pub(crate) fn too_large(plan: &Plan, pool: &Pool, replicas: &[Replica]) -> Option<String> {
    let large = || replicas.iter().filter_map(|one| Some((one, one.instead?)));
    // What nothing helps comes first, then the largest.
    let (one, instead) = large().max_by_key(|(one, instead)| {
        let is_hopeless = matches!(instead, Instead::Nothing(_));
        (is_hopeless, one.bytes, std::cmp::Reverse(one.job))
    })?;
    let there = lent(pool.device.memory);
    let size = |number: u64| bytes(number as f64);
    let instead = match instead {
        Instead::Recomputed(needed) => format!(
            "with `activations: recomputed` it takes {} and gives the same bits",
            size(needed)
        ),
        Instead::MicroBatch(rows, needed) => format!(
            "with `activations: recomputed` and `micro_batch: {rows}`, which is another training, it takes {}",
            size(needed)
        ),
        Instead::Nothing(needed) => format!(
            "one sequence alone takes {}, so that the model would have to be shared out over devices: the \
             forecast assumes that, and `vpc run` cannot do it",
            size(needed)
        ),
    };
    Some(format!(
        "{} takes {} of a device with {} at once, and {} has {} to give: {instead}{}",
        plan.jobs.get(one.job)?.name(),
        size(one.bytes),
        counted(one.rows as usize, "sequence"),
        pool.device.name,
        size(there),
        more(large().count()),
    ))
}
