//! Whether a model can be trained in this machine's memory at all.

use std::fs;

use vpc_compiler::plan::PretrainTask;

use crate::error::JobError;

/// Bytes per parameter that training cannot do without: weight, gradient and two moments, 4 each.
const BYTES_PER_PARAMETER: u64 = 16;

/// Refuses a training that is larger than the memory, before it takes the machine down.
pub(crate) fn check(task: &PretrainTask) -> Result<(), JobError> {
    let needed = needed(task);
    match total() {
        Some(there) if needed > there => Err(JobError::Memory {
            needed: needed.div_ceil(1 << 30),
            there: there >> 30,
        }),
        _ => Ok(()),
    }
}

/// Whether there is memory for a whole training besides what this process has now; true where the
/// system does not tell.
pub(crate) fn has_room(task: &PretrainTask) -> bool {
    let free = available();
    free.is_none_or(|free| free >= needed(task))
}

/// The memory that this process may still take, in bytes; none where the system does not tell.
fn available() -> Option<u64> {
    let machine = kib(&fs::read_to_string("/proc/meminfo").ok()?, "MemAvailable:")?;
    let Some(most) = address_space() else {
        return Some(machine);
    };
    let taken = kib(&fs::read_to_string("/proc/self/status").ok()?, "VmSize:")?;
    Some(machine.min(most.saturating_sub(taken)))
}

/// The least memory that the training can do with, in bytes: the weights and what belongs to them,
/// the batch, and one row of numbers per token and layer to go back through.
fn needed(task: &PretrainTask) -> u64 {
    let (model, batch) = (&task.model, task.micro_batch.unwrap_or(task.batch));
    let weights = model.parameters().saturating_mul(BYTES_PER_PARAMETER);
    let row = model.layers.saturating_mul(model.width).saturating_mul(4);
    let tokens = batch.saturating_mul(model.context);
    weights.saturating_add(tokens.saturating_mul(row.saturating_add(8)))
}

/// The memory that this process may have, in bytes; none where the system does not tell.
pub fn total() -> Option<u64> {
    let machine = kib(&fs::read_to_string("/proc/meminfo").ok()?, "MemTotal:")?;
    Some(address_space().map_or(machine, |most| most.min(machine)))
}

/// The limit on this process's address space (`ulimit -v`) in bytes; none where there is none.
///
/// Under a small one the allocator ends the process without a word, wherever it happens to be.
pub fn address_space() -> Option<u64> {
    parse_limit(&fs::read_to_string("/proc/self/limits").ok()?)
}

fn parse_limit(limits: &str) -> Option<u64> {
    let line = limits
        .lines()
        .find_map(|line| line.strip_prefix("Max address space"))?;
    line.split_whitespace().next()?.parse().ok()
}

/// Reads one fact of the kernel's, such as `MemTotal: 7 kB`, in bytes.
fn kib(facts: &str, name: &str) -> Option<u64> {
    let fact = facts.lines().find_map(|line| line.strip_prefix(name))?;
    let kib: u64 = fact.trim().strip_suffix("kB")?.trim().parse().ok()?;
    kib.checked_mul(1024)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn facts_are_read() {
        let facts = "MemTotal:       24688204 kB\nMemAvailable:  1 kB\n";
        assert_eq!(kib(facts, "MemTotal:"), Some(24_688_204 * 1024));
        assert_eq!(kib(facts, "MemAvailable:"), Some(1024));
        assert_eq!(kib("", "MemTotal:"), None);
        assert!(total() >= available());
    }

    #[test]
    fn the_limit_is_read() {
        let limits =
            |soft| format!("Max cpu time 1 1 s\nMax address space  {soft}  unlimited  bytes\n");
        assert_eq!(parse_limit(&limits("1024")), Some(1024));
        assert_eq!(parse_limit(&limits("unlimited")), None);
        assert_eq!(parse_limit(""), None);
    }
}
