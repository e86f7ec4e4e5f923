//! One command with its inputs, and how it is checked on the host and on a device.

use std::fmt;

use half::bf16;
use vpc_device::program::{Command, Kind, Span};
use vpc_device::{Device, DeviceError, Host};

/// One command, its inputs, and the spans it writes.
pub(crate) struct Case {
    pub(crate) name: &'static str,
    pub(crate) what: String,
    pub(crate) command: Command,
    pub(crate) inputs: Vec<(Span, Vec<u8>)>,
    pub(crate) outputs: Vec<Span>,
    pub(crate) bytes: usize,
    pub(crate) allowed: f64,
}

/// A device under check.
pub(crate) trait Checked: Device {
    /// The runs of a check, each as a recorded graph or not; all must give the same bits.
    const RUNS: &'static [bool];

    /// Takes an arena of `bytes` and fills it with bits that are no number.
    fn poison(&mut self, bytes: usize) -> Result<(), DeviceError>;

    /// Carries out commands without recording them.
    fn carry_out(&mut self, commands: &[Command]) -> Result<(), DeviceError>;
}

/// What a check found.
pub(crate) struct Row {
    name: &'static str,
    what: String,
    error: f64,
    allowed: f64,
    repeats: bool,
    graph: bool,
}

impl Row {
    pub(crate) fn is_right(&self) -> bool {
        self.error <= self.allowed && self.repeats && self.graph
    }

    pub(crate) fn json(&self) -> serde_json::Value {
        serde_json::json!({
            "kernel": self.name, "case": self.what, "error": self.error, "allowed": self.allowed,
            "repeats": self.repeats, "graph": self.graph,
        })
    }
}

impl fmt::Display for Row {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let yes = |yes: bool| if yes { "yes" } else { "NO" };
        let mark = if self.error <= self.allowed {
            ""
        } else {
            " WRONG"
        };
        write!(
            f,
            "| {} | {} | {:.1e}{mark} | {:.0e} | {} | {} |",
            self.name,
            self.what,
            self.error,
            self.allowed,
            yes(self.repeats),
            yes(self.graph)
        )
    }
}

impl Case {
    /// Runs it here and there.
    pub(crate) fn check<T: Checked>(&self, gpu: &mut T) -> Result<Row, DeviceError> {
        let mut host = Host::new();
        host.reserve(self.bytes)?;
        for (span, bytes) in &self.inputs {
            host.write(*span, bytes)?;
        }
        let commands = [self.command];
        host.run(&commands.to_vec())?;
        let mut runs = Vec::new();
        for graph in T::RUNS {
            gpu.poison(self.bytes)?;
            for (span, bytes) in &self.inputs {
                gpu.write(*span, bytes)?;
            }
            if *graph {
                let recorded = gpu.prepare(&commands)?;
                gpu.run(&recorded)?;
            } else {
                gpu.carry_out(&commands)?;
            }
            let outputs = self.outputs.iter().map(|span| gpu.read(*span));
            runs.push(outputs.collect::<Result<Vec<_>, _>>()?);
        }
        let mut error = 0.0_f64;
        for (span, ours) in self.outputs.iter().zip(&runs[0]) {
            let theirs = numbers(&host.read(*span)?, span.kind);
            error = error.max(apart(&numbers(ours, span.kind), &theirs));
        }
        let same = |graph| {
            let mut of = T::RUNS.iter().zip(&runs).filter(|run| *run.0 == graph);
            of.all(|run| *run.1 == runs[0])
        };
        Ok(Row {
            name: self.name,
            what: self.what.clone(),
            error,
            allowed: self.allowed,
            repeats: same(false),
            graph: same(true),
        })
    }
}

fn numbers(bytes: &[u8], kind: Kind) -> Vec<f64> {
    match kind {
        Kind::F32 => bytes
            .as_chunks()
            .0
            .iter()
            .map(|b| f64::from(f32::from_le_bytes(*b)))
            .collect(),
        Kind::Bf16 => bytes
            .as_chunks()
            .0
            .iter()
            .map(|b| bf16::from_le_bytes(*b).to_f64())
            .collect(),
        Kind::F64 => bytes
            .as_chunks()
            .0
            .iter()
            .map(|b| f64::from_le_bytes(*b))
            .collect(),
        Kind::U32 => bytes
            .as_chunks()
            .0
            .iter()
            .map(|b| f64::from(u32::from_le_bytes(*b)))
            .collect(),
    }
}

/// ‖ours − theirs‖ ÷ ‖theirs‖; infinite where ours are no numbers.
fn apart(ours: &[f64], theirs: &[f64]) -> f64 {
    let squares = |values: &mut dyn Iterator<Item = f64>| values.map(|v| v * v).sum::<f64>().sqrt();
    let off = squares(&mut ours.iter().zip(theirs).map(|(a, b)| a - b));
    let all = squares(&mut theirs.iter().copied());
    if off.is_nan() {
        f64::INFINITY
    } else if all == 0.0 {
        off
    } else {
        off / all
    }
}
