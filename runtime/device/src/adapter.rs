//! Training of adapted models on a device.

mod filled;

use vpc_train::adapted::{AdaptError, AdaptTrainer, Example};
use vpc_train::{Activations, MatrixState, State, StepReport, TrainError as Cpu};

use filled::Filled;

use crate::prepared::order;
use crate::program::{AdaptModel, AdaptShape, AdaptStep, Held, Span, angles};
use crate::{Device, DeviceError, TrainError};

/// Most programs that are kept; the one that was not used for longest goes.
const KEPT: usize = 16;

/// An adapted model in training whose numbers lie on a device, in f32.
///
/// It computes what [`AdaptTrainer`] does, up to the order of sums. The examples of a batch are filled up
/// to one length and go through together: under a causal mask nothing of an example depends on what comes
/// after it. What is frozen is read there and never read back: on the host it stays as it is.
#[derive(Debug)]
pub struct AdaptDeviceTrainer<D: Device> {
    trainer: AdaptTrainer,
    /// Examples of a step.
    rows: usize,
    model: AdaptModel,
    held: Held,
    device: D,
    /// Programs by shape, the last used last; those of an arena of `reserved` bytes.
    programs: Vec<Program<D::Graph>>,
    reserved: usize,
    /// Whether the device has the newest numbers.
    is_there: bool,
    done: u64,
}

/// Numbers of a matrix that lie in one stretch.
type Pick = fn(&MatrixState) -> &[f32];

#[derive(Debug)]
struct Program<G> {
    shape: AdaptShape,
    step: AdaptStep,
    graph: G,
}

/// Why training an adapted model on a device went wrong.
#[derive(Debug, thiserror::Error)]
pub enum AdaptDeviceError {
    /// As on the host.
    #[error(transparent)]
    Adapt(#[from] AdaptError),
    /// The device could not do it.
    #[error(transparent)]
    Device(#[from] DeviceError),
    /// The step could not be recorded.
    #[error(transparent)]
    Record(#[from] TrainError),
}

/// Bytes of device memory that training takes, with `rows` examples of at most one image in a step.
///
/// Fails where a device cannot do it: where an encoder is trained, or nothing.
pub fn adapt_memory(
    trainer: &AdaptTrainer,
    rows: usize,
    activations: Activations,
) -> Result<usize, AdaptDeviceError> {
    let model = model(trainer, activations)?;
    Ok(largest(&model, &Held::of(&model), rows)?)
}

fn model(trainer: &AdaptTrainer, activations: Activations) -> Result<AdaptModel, DeviceError> {
    let parts = trainer.matrices();
    if trainer.parts().encoder {
        let what = "train the encoder of an adapted model; run it with `--device cpu`";
        return Err(DeviceError::Unsupported(what.to_owned()));
    }
    if !parts.iter().any(|part| part.moves) {
        let what = "train a model all of which is frozen; run it with `--device cpu`";
        return Err(DeviceError::Unsupported(what.to_owned()));
    }
    let adapted = trainer.adapted();
    Ok(AdaptModel {
        model: adapted.model().config().clone(),
        projector: adapted.projector().config().clone(),
        parts,
        decoder: trainer.decoder(),
        marker: adapted.marker(),
        activations,
    })
}

/// Bytes of the largest step.
fn largest(model: &AdaptModel, held: &Held, rows: usize) -> Result<usize, TrainError> {
    let length = model.model.context;
    let shape = AdaptShape {
        rows: rows.max(1),
        length,
        images: rows.max(1),
        answers: rows.max(1) * length,
    };
    Ok(AdaptStep::record(model, held, shape.filled(length))?.bytes)
}

impl<D: Device> AdaptDeviceTrainer<D> {
    /// Goes on where a trainer on the host stands, with `rows` examples in a step, or fewer.
    ///
    /// Fails where a device cannot do it: see [`adapt_memory`].
    pub fn of(
        trainer: AdaptTrainer,
        rows: usize,
        activations: Activations,
        device: D,
    ) -> Result<Self, AdaptDeviceError> {
        let model = model(&trainer, activations)?;
        Ok(Self {
            rows: rows.max(1),
            held: Held::of(&model),
            model,
            device,
            programs: Vec::new(),
            reserved: 0,
            is_there: false,
            done: trainer.steps_done(),
            trainer,
        })
    }

    /// Steps taken since the run's beginning.
    pub fn steps_done(&self) -> u64 {
        self.done
    }

    /// The memory that the device lends, in bytes; 0 before the first step.
    pub fn memory(&self) -> usize {
        self.reserved
    }

    /// Takes one step on the mean loss of all answer tokens of the batch, as [`AdaptTrainer::step`] does.
    ///
    /// Fails as that does, and on images that are given as pixels. Where the loss diverges everything is as
    /// before.
    pub fn step(&mut self, batch: &[Example]) -> Result<StepReport, AdaptDeviceError> {
        let answers = self.trainer.check(batch)?;
        if batch.is_empty() {
            return Err(AdaptError::Empty.into());
        }
        let filled = Filled::of(batch, answers, self.rows, &self.model)?;
        self.make_ready(filled.shape)?;
        let course = self.trainer.course();
        let rate = course
            .schedule
            .rate(course.optimizer.rate, self.done, course.steps);
        let [beta1, beta2, step, keep, root, eps] = course.optimizer.numbers(self.done, rate);
        let clip = course.optimizer.clip as f32;
        let settings = [clip, beta1, beta2, step, keep, root, eps, 0.0];
        let Some(Program { step, graph, .. }) = self.programs.last() else {
            return Err(TrainError::NotReady.into());
        };
        let device = &mut self.device;
        let vocabulary = self.model.model.vocabulary;
        device.write(step.inputs, bytemuck::cast_slice(&filled.inputs))?;
        let order = order(&filled.inputs, vocabulary);
        device.write(step.order, bytemuck::cast_slice(&order))?;
        if filled.shape.images > 0 {
            device.write(step.features, bytemuck::cast_slice(&filled.features))?;
            device.write(step.places, bytemuck::cast_slice(&filled.places))?;
        }
        device.write(step.answers, bytemuck::cast_slice(&filled.answers))?;
        device.write(step.targets, bytemuck::cast_slice(&filled.targets))?;
        let scale = [1.0 / answers as f32];
        device.write(step.scale, bytemuck::cast_slice(&scale))?;
        device.write(step.settings, bytemuck::cast_slice(&settings))?;
        device.run(graph)?;
        let report = device.read(step.report)?;
        let report = report.as_chunks().0.iter();
        let report: Vec<f64> = report.map(|eight| f64::from_le_bytes(*eight)).collect();
        let (loss, grad_norm) = (report[0] / answers as f64, report[1]);
        if !(loss.is_finite() && grad_norm.is_finite()) {
            let step = self.done;
            return Err(AdaptError::Train(Cpu::Diverged {
                step,
                loss,
                grad_norm,
            })
            .into());
        }
        let report = StepReport {
            step: self.done,
            loss,
            grad_norm,
            rate,
        };
        self.done += 1;
        Ok(report)
    }

    /// The trainer on the host with the numbers as they are now.
    pub fn to_host(&mut self) -> Result<&AdaptTrainer, AdaptDeviceError> {
        if self.is_there && self.trainer.steps_done() != self.done {
            self.fetch()?;
        }
        Ok(&self.trainer)
    }

    /// Goes on from what [`AdaptTrainer::save`] gave of a run with the same parts trained.
    pub fn load(&mut self, state: &[u8]) -> Result<(), AdaptDeviceError> {
        self.trainer.load(state)?;
        self.done = self.trainer.steps_done();
        self.is_there = false;
        Ok(())
    }

    /// Puts the program for a shape last, recording it if it is new.
    fn make_ready(&mut self, shape: AdaptShape) -> Result<(), AdaptDeviceError> {
        let known = self.programs.iter().position(|known| known.shape == shape);
        if let Some(at) = known.filter(|_| self.is_there) {
            let program = self.programs.remove(at);
            self.programs.push(program);
            return Ok(());
        }
        let step = AdaptStep::record(&self.model, &self.held, shape)?;
        if step.bytes > self.reserved {
            self.to_host()?;
            self.is_there = false;
            let most = largest(&self.model, &self.held, self.rows)?;
            // Programs know where the arena lies.
            self.programs.clear();
            self.reserved = 0;
            let bytes = most.max(step.bytes);
            self.device.reserve(bytes)?;
            self.reserved = bytes;
        }
        if !self.is_there {
            self.put()?;
        }
        self.programs.retain(|known| known.shape != shape);
        if self.programs.len() == KEPT {
            self.programs.remove(0);
        }
        let graph = self.device.prepare(&step.commands)?;
        self.programs.push(Program { shape, step, graph });
        Ok(())
    }

    /// Writes the trainer's numbers to the device.
    fn put(&mut self) -> Result<(), AdaptDeviceError> {
        let (held, parts) = (&self.held, &self.model.parts);
        let state = self.trainer.state();
        let stretches: [(Span, bool, Pick); 4] = [
            (held.weights, true, |matrix| &matrix.weights),
            (held.first, true, |matrix| &matrix.first),
            (held.second, true, |matrix| &matrix.second),
            (held.frozen, false, |matrix| &matrix.weights),
        ];
        for (of, moves, pick) in stretches {
            if of.len == 0 {
                continue;
            }
            // Matrices are padded; what lies between them is zero and stays so.
            let mut all = vec![0_f32; of.len];
            for (index, (part, matrix)) in parts.iter().zip(&state.matrices).enumerate() {
                if part.moves == moves {
                    let values = pick(matrix);
                    all[held.start(index)..][..values.len()].copy_from_slice(values);
                }
            }
            self.device.write(of, bytemuck::cast_slice(&all))?;
        }
        let zeros = vec![0_f32; held.gradient.len];
        self.device
            .write(held.gradient, bytemuck::cast_slice(&zeros))?;
        let rope = angles(&self.model.model);
        let (cos, sin) = rope.angles();
        self.device.write(held.cos, bytemuck::cast_slice(cos))?;
        self.device.write(held.sin, bytemuck::cast_slice(sin))?;
        self.is_there = true;
        Ok(())
    }

    /// Takes what training moves off the device, into the trainer.
    fn fetch(&mut self) -> Result<(), AdaptDeviceError> {
        let held = &self.held;
        let mut stretch = |of: Span| -> Result<Vec<f32>, DeviceError> {
            let bytes = self.device.read(of)?;
            let numbers = bytes.as_chunks().0.iter();
            Ok(numbers.map(|four| f32::from_le_bytes(*four)).collect())
        };
        let [weights, first, second] = [
            stretch(held.weights)?,
            stretch(held.first)?,
            stretch(held.second)?,
        ];
        let matrices = self.model.parts.iter().enumerate().map(|(index, part)| {
            let len = if part.moves {
                part.shape.rows * part.shape.columns
            } else {
                0
            };
            let of = |all: &[f32]| {
                let begins = if len > 0 { held.start(index) } else { 0 };
                all[begins..][..len].to_vec()
            };
            MatrixState {
                weights: of(&weights),
                first: of(&first),
                second: of(&second),
            }
        });
        let state = State {
            steps_done: self.done,
            matrices: matrices.collect(),
        };
        Ok(self.trainer.set_state(state)?)
    }
}
