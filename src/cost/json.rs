//! What a plan takes, for programs.

use serde_json::{Value, json};
use vpc_compiler::plan::Plan;
use vpc_cost::{JobCost, Place, Pool};

use super::Known;

/// Totals, assumptions, and figures of each job to do.
pub(crate) fn as_json(plan: &Plan, known: &Known) -> Value {
    let forecast = &known.forecast;
    let mut replicas = known.replicas.iter().peekable();
    let jobs = forecast.jobs.iter().map(|cost| {
        let mut told = job(cost, &known.place);
        if let Some(replica) = replicas.next_if(|replica| replica.job == cost.job) {
            told["replica"] = json!({
                "sequences": replica.rows,
                "memory_bytes": replica.bytes,
                "fits": replica.instead.is_none(),
            });
            if matches!(known.place, Place::Pool(_)) {
                let estimate = Pool::memory(&cost.work, cost.devices);
                told["replica"]["estimated_memory_bytes"] = json!(estimate as u64);
            }
        }
        (plan.jobs[cost.job].key.to_string(), told)
    });
    let place = match &known.place {
        Place::Machine(machine) => json!({
            "kind": "machine",
            "threads": machine.threads,
            "memory_bytes": machine.memory,
            "calibrated": machine.is_measured,
            "gpus": machine.gpus.as_ref().map(|gpus| json!({
                "name": gpus.name,
                "count": gpus.count,
                "measured_at": gpus.speeds.at,
            })),
        }),
        Place::Pool(pool) => json!({
            "kind": "pool",
            "devices": pool.count,
            "device": pool.device.name,
            "memory_bytes": pool.device.memory,
            "peak_flops_per_second": pool.device.peak,
            "utilisation": pool.device.utilisation,
            "assumption": pool.assumption(),
        }),
    };
    json!({
        "place": place,
        "flops": forecast.flops,
        "device_seconds": forecast.device_seconds,
        "wall_seconds": forecast.wall,
        "critical_path_seconds": forecast.critical_path,
        "memory_bytes": forecast.memory as u64,
        "disk_bytes": forecast.disk as u64,
        "jobs": jobs.collect::<serde_json::Map<_, _>>(),
    })
}

fn job(cost: &JobCost, place: &Place) -> Value {
    let device = match place {
        Place::Machine(machine) if cost.is_on_gpu(machine) => "cuda",
        Place::Machine(_) => "cpu",
        Place::Pool(pool) => pool.device.name,
    };
    json!({
        "device": device,
        "parameters": cost.work.parameters,
        "flops": cost.work.flops,
        "devices": cost.devices,
        "seconds": cost.seconds,
        "device_seconds": cost.device_seconds,
        "memory_bytes": cost.memory as u64,
        "disk_bytes": cost.work.disk as u64,
        "fits": cost.misfit.is_none(),
    })
}
