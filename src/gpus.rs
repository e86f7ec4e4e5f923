//! What is known of how trainings share the GPUs of a run.

use std::collections::BTreeMap;

use vpc_compiler::plan::{Plan, Task};
use vpc_cost::GpuSpeeds;
use vpc_device::cuda::available;
use vpc_engine::{Device, Survey};

use crate::cost::gpu_speeds;
use crate::output::tell;

/// What was measured of GPUs, for a run; none where it goes to no GPU.
pub(crate) fn measured(device: Device) -> BTreeMap<String, GpuSpeeds> {
    if device == Device::Cpu {
        BTreeMap::new()
    } else {
        gpu_speeds()
    }
}

/// Tells, once for a run, that small trainings could share a GPU if it were measured.
pub(crate) fn advise(
    device: Device,
    plan: &Plan,
    survey: &Survey,
    known: &BTreeMap<String, GpuSpeeds>,
) {
    let found = plan.jobs.iter().zip(&survey.states);
    let trainings = found
        .filter(|(job, state)| state.is_to_do() && matches!(job.task, Task::Pretrain(_)))
        .count();
    if device == Device::Cpu || trainings < 2 {
        return;
    }
    let Ok(there) = available() else { return };
    let there = there.into_iter().filter(|(index, _)| match device {
        Device::Cuda(Some(only)) => *index == only,
        _ => true,
    });
    let names: Vec<String> = there.map(|(_, gpu)| gpu.name).collect();
    if let Some(advice) = advice(&names, known, trainings) {
        tell(advice);
    }
}

/// The first kind of GPU that was not measured, where more trainings wait than there are GPUs.
fn advice(
    names: &[String],
    known: &BTreeMap<String, GpuSpeeds>,
    trainings: usize,
) -> Option<String> {
    let unknown = names.iter().find(|name| !known.contains_key(*name))?;
    (trainings > names.len()).then(|| {
        format!(
            "{unknown} was not measured, so each training has it for itself; after `vpc calibrate --device \
             cuda` small ones share it where that pays"
        )
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_could_share_and_was_not_measured_is_told() {
        let names = ["H100".to_owned(), "A100".to_owned()];
        let speeds = GpuSpeeds {
            at: 0,
            f32: Vec::new(),
            bf16: Vec::new(),
        };
        let mut known = BTreeMap::from([("H100".to_owned(), speeds.clone())]);
        let told = advice(&names, &known, 3).expect("told");
        assert!(told.starts_with("A100 was not measured"), "{told}");
        assert!(told.contains("`vpc calibrate --device cuda`"), "{told}");
        // As many trainings as GPUs need not share.
        assert_eq!(advice(&names, &known, 2), None);
        known.insert("A100".to_owned(), speeds);
        assert_eq!(advice(&names, &known, 9), None);
        assert_eq!(advice(&[], &known, 9), None);
    }
}
