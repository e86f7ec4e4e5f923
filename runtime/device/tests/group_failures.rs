//! Groups of devices of which one fails, or computes otherwise.

mod common;

use std::time::{Duration, Instant};

use common::{run, with_batch};
use vpc_device::group::{Communicator, GroupTrainer, ThroughHost};
use vpc_device::program::{Command, Precision, Span};
use vpc_device::{Device, DeviceError, Host, TrainError};
use vpc_train::TrainConfig;

const LENGTH: usize = 5;

/// Six sequences, which two and three devices share out evenly.
fn shared() -> TrainConfig {
    TrainConfig {
        batch: 6,
        ..run(true)
    }
}

/// A host that fails, or errs, at a certain call.
struct Faulty {
    host: Host,
    /// Which one fails: `reserve`, `prepare`, `run`, `read`, or `flip`, which errs in a `write`.
    at: &'static str,
    /// How many calls of the kind go well before.
    calls: usize,
}

impl Faulty {
    fn meets(&mut self, call: &str) -> Result<(), DeviceError> {
        if call != self.at {
            return Ok(());
        }
        if self.calls == 0 {
            return Err(DeviceError::Memory {
                needed: 3,
                free: 2,
                total: 1,
            });
        }
        self.calls -= 1;
        Ok(())
    }
}

impl Device for Faulty {
    type Graph = Vec<Command>;

    fn reserve(&mut self, bytes: usize) -> Result<(), DeviceError> {
        self.meets("reserve")?;
        self.host.reserve(bytes)
    }

    fn write(&mut self, to: Span, bytes: &[u8]) -> Result<(), DeviceError> {
        if self.meets("flip").is_err() {
            let mut bytes = bytes.to_vec();
            bytes[1] ^= 0x40;
            self.calls = usize::MAX;
            return self.host.write(to, &bytes);
        }
        self.host.write(to, bytes)
    }

    fn read(&mut self, from: Span) -> Result<Vec<u8>, DeviceError> {
        self.meets("read")?;
        self.host.read(from)
    }

    fn prepare(&mut self, commands: &[Command]) -> Result<Self::Graph, DeviceError> {
        self.meets("prepare")?;
        self.host.prepare(commands)
    }

    fn run(&mut self, graph: &Self::Graph) -> Result<(), DeviceError> {
        self.meets("run")?;
        self.host.run(graph)
    }
}

fn with_faulty(
    config: &TrainConfig,
    at: &'static str,
    calls: usize,
) -> GroupTrainer<Faulty, ThroughHost> {
    let devices = (0..3)
        .map(|rank| Faulty {
            host: Host::new(),
            at: if rank == 1 { at } else { "" },
            calls,
        })
        .collect();
    GroupTrainer::new(config, Precision::F32, devices, ThroughHost).expect("a sound shape")
}

#[test]
fn a_failure_of_one_device_soon_ends_all() {
    let config = shared();
    for (at, calls) in [
        ("reserve", 0),
        ("prepare", 0),
        ("prepare", 2),
        // The first list, a pass, the sum of losses, the update, and those of the second step.
        ("run", 0),
        ("run", 1),
        ("run", 2),
        ("run", 3),
        ("run", 5),
        // Gradient, loss and report of the first step, and the second one's.
        ("read", 0),
        ("read", 2),
        ("read", 3),
    ] {
        let mut trainer = with_faulty(&config, at, calls);
        let error = (0..3).find_map(|step| {
            with_batch(&config, step, LENGTH, |batch| {
                let begun = Instant::now();
                let error = trainer.step(batch).err();
                assert!(begun.elapsed() < Duration::from_secs(5), "{at} {calls}");
                error
            })
        });
        let error = error.expect("a failure");
        assert!(
            matches!(
                error,
                TrainError::Device(DeviceError::Memory { needed: 3, .. })
            ),
            "{at} {calls}: {error}"
        );
        let steps = trainer.steps_done();
        if at == "reserve" || at == "prepare" {
            // The numbers are still on the host.
            assert_eq!(trainer.to_host().expect("numbers").steps_done(), 0);
            continue;
        }
        if (at, calls) == ("run", 0) {
            continue;
        }
        let again = with_batch(&config, 3, LENGTH, |batch| {
            trainer.step(batch).expect_err("numbers that are lost")
        });
        assert!(matches!(again, TrainError::NotReady), "{again}");
        assert!(matches!(trainer.to_host(), Err(TrainError::NotReady)));
        assert_eq!(trainer.steps_done(), steps);
    }
}

/// Adds up as it should, but fails the second time.
struct BrokenSum(usize);

impl Communicator<Host> for BrokenSum {
    fn sum(&mut self, devices: &mut [Host], spans: &[Span]) -> Result<(), DeviceError> {
        if self.0 == 0 {
            return Err(DeviceError::Unsupported("a sum".to_owned()));
        }
        self.0 -= 1;
        ThroughHost.sum(devices, spans)
    }

    fn wait(&mut self, _: &mut [Host]) -> Result<(), DeviceError> {
        Ok(())
    }
}

#[test]
fn a_failure_of_the_sums_is_the_groups() {
    let config = shared();
    let devices = (0..2).map(|_| Host::new()).collect();
    let mut trainer =
        GroupTrainer::new(&config, Precision::F32, devices, BrokenSum(1)).expect("a sound shape");
    let ends = [0, 1, 2].map(|step| {
        with_batch(&config, step, LENGTH, |batch| {
            trainer.step(batch).map(|_| ())
        })
    });
    assert!(ends[0].is_ok());
    assert!(matches!(
        ends[1],
        Err(TrainError::Device(DeviceError::Unsupported(_)))
    ));
    assert!(matches!(ends[2], Err(TrainError::NotReady)));
}

#[test]
fn a_device_that_computes_otherwise_is_found_out() {
    // One bit of its weights, which are the first that is written.
    let config = shared();
    let mut trainer = with_faulty(&config, "flip", 0);
    let ends = (0..3)
        .find_map(|step| with_batch(&config, step, LENGTH, |batch| trainer.step(batch).err()));
    // Gradients are added up, so reports agree: it is the weights that do not.
    let error = ends.or_else(|| trainer.to_host().err());
    assert!(
        matches!(error, Some(TrainError::Apart { rank: 1, .. })),
        "{error:?}"
    );
}
