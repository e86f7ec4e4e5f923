//! Memory of trainings on devices, to the byte, as a run would need it: each device holds the whole model and its
//! part of a batch.

use vpc_compiler::plan::{Plan, PretrainTask, Task};
use vpc_cost::{Forecast, Place};
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

/// Bytes that trainings may have of a device of the place, and what it is called; none where there is none.
fn device(place: &Place) -> Option<(u64, &str)> {
    match place {
        Place::Pool(pool) => Some((lent(pool.device.memory), pool.device.name)),
        Place::Machine(machine) => {
            let gpus = machine.gpus.as_ref()?;
            Some((gpus.bytes, &gpus.name))
        }
    }
}

/// Looks up what the trainings of a forecast take that go to devices. On a pool it puts that in place of the
/// estimate where a device has so much: else the estimate is of a model that is shared out over devices.
pub(crate) fn replicas(plan: &Plan, place: &Place, forecast: &mut Forecast) -> Vec<Replica> {
    let Some((there, _)) = device(place) else {
        return Vec::new();
    };
    let mut footprints = Footprints::default();
    let mut all = Vec::new();
    for cost in &mut forecast.jobs {
        let Some(Task::Pretrain(task)) = plan.jobs.get(cost.job).map(|job| &job.task) else {
            continue;
        };
        let devices = match place {
            Place::Pool(_) => cost.devices,
            Place::Machine(machine) if cost.is_on_gpu(machine) => 1,
            Place::Machine(_) => continue,
        };
        let rows = rows(task, devices);
        let Some(needed) = footprints.bytes(task, rows) else {
            continue;
        };
        let is_too_much = needed > there;
        if !is_too_much && matches!(place, Place::Pool(_)) {
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
    if matches!(place, Place::Pool(_)) {
        let memory = forecast.jobs.iter().map(|job| job.memory);
        forecast.memory = memory.fold(0.0, f64::max);
    }
    all
}

/// Sequences on each of so many devices at once: its part of the batch, or a micro-batch.
fn rows(task: &PretrainTask, devices: u64) -> u64 {
    let part = task.batch.div_ceil(devices.max(1));
    task.micro_batch.map_or(part, |rows| rows.min(part))
}

/// Says which trainings no device of the place could hold, and what would fit.
pub(crate) fn too_large(plan: &Plan, place: &Place, replicas: &[Replica]) -> Option<String> {
    let large = || replicas.iter().filter_map(|one| Some((one, one.instead?)));
    // What nothing helps comes first, then the largest.
    let (one, instead) = large().max_by_key(|(one, instead)| {
        let is_hopeless = matches!(instead, Instead::Nothing(_));
        (is_hopeless, one.bytes, std::cmp::Reverse(one.job))
    })?;
    let (there, name) = device(place)?;
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
        name,
        size(there),
        more(large().count()),
    ))
}
