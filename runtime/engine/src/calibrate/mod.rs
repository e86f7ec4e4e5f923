//! How fast this machine trains, scores and reads: the real trainer on three sizes, for ten seconds.

mod gpu;
mod model;
mod text;

use std::time::{Duration, Instant};

use vpc_compiler::plan::ModelSpec;
use vpc_cost::{Point, Speeds, TextSpeeds, forward, training};

use crate::error::JobError;
use model::{Mode, Shape, VOCABULARY, Work};

pub use gpu::calibrate_gpu;

/// The sizes that are measured: the standard library's for a laptop, over the range that a laptop
/// trains. Larger models run at the speed of the last.
const SHAPES: [Shape; 3] = [
    Shape {
        layers: 2,
        width: 64,
        heads: 4,
        hidden: 176,
        context: 128,
        rows: 16,
        vocabulary: VOCABULARY,
    },
    Shape {
        layers: 4,
        width: 128,
        heads: 4,
        hidden: 344,
        context: 128,
        rows: 16,
        vocabulary: VOCABULARY,
    },
    Shape {
        layers: 6,
        width: 256,
        heads: 8,
        hidden: 688,
        context: 256,
        rows: 8,
        vocabulary: VOCABULARY,
    },
];

/// Parts of the time: training, scoring, a bare step.
const TRAINING: f64 = 0.72;
const SCORING: f64 = 0.21;
const STEP: f64 = 0.02;

/// Measures this machine with so many threads, in about so much time. `tell` hears what is measured
/// and how much of the time has gone, from 0 to 1.
///
/// Nothing else should run meanwhile; what does makes the machine look slower than it is.
pub fn calibrate(
    threads: usize,
    time: Duration,
    tell: &dyn Fn(&str, f64),
) -> Result<Speeds, JobError> {
    // As in a run: it bears on the speed.
    vpc_train::keep_freed_memory();
    let began = Instant::now();
    let tell = |what: &str| tell(what, began.elapsed().as_secs_f64() / time.as_secs_f64());
    tell("a step");
    let step = bare_step(time.mul_f64(STEP))?;
    let shapes = in_time(time);
    let parts = (shapes.len() * Mode::ALL.len()) as u32;
    let measure = |work: Work, share: f64, step: f64| -> Result<Vec<Point>, JobError> {
        let each = time.mul_f64(share) / parts;
        let points = shapes.iter().map(|shape| {
            tell(&format!("{} at width {}", work.word(), shape.width));
            point(*shape, work, threads, each, step)
        });
        points.collect()
    };
    let training = measure(Work::Train, TRAINING, step)?;
    let scoring = measure(Work::Score, SCORING, 0.0)?;
    tell("text");
    let text: TextSpeeds = text::speeds()?;
    let speeds = Speeds {
        training,
        scoring,
        step,
        text,
    };
    tell("done");
    Ok(speeds)
}

/// The sizes for which the time suffices: a step of the largest takes half a second on one thread.
fn in_time(time: Duration) -> &'static [Shape] {
    let sizes = match time.as_secs() {
        0..2 => 1,
        2..5 => 2,
        _ => SHAPES.len(),
    };
    &SHAPES[..sizes]
}

/// The speeds of one size, the time of `step` seconds taken off each step.
fn point(
    shape: Shape,
    work: Work,
    threads: usize,
    each: Duration,
    step: f64,
) -> Result<Point, JobError> {
    let spec = shape.spec();
    let flops_per_token = per_token(&spec, work);
    let flops = flops_per_token * shape.tokens() as f64;
    let rate = |mode: Mode| -> Result<f64, JobError> {
        let seconds = model::seconds(shape, work, mode, threads, each)?;
        // A clock that stands still must not give a speed without end.
        Ok(flops / (seconds - step).max(seconds * 0.1).max(1e-9))
    };
    let alone = rate(Mode::Alone)?;
    let (all, beside) = match threads {
        1 => (alone, alone),
        _ => (rate(Mode::All)?, rate(Mode::Beside)?),
    };
    Ok(Point {
        flops_per_token,
        alone,
        all,
        beside,
    })
}

fn per_token(spec: &ModelSpec, work: Work) -> f64 {
    match work {
        Work::Train => training(spec),
        Work::Score => forward(spec, spec.context as f64),
    }
}

/// Seconds of a step that has next to nothing to compute.
fn bare_step(time: Duration) -> Result<f64, JobError> {
    let shape = Shape {
        context: 8,
        rows: 1,
        ..SHAPES[0]
    };
    model::seconds(shape, Work::Train, Mode::Alone, 1, time)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_hundredth_of_a_second_gives_sound_speeds() {
        for (threads, modes) in [(1, 1), (2, 3)] {
            let told = std::cell::Cell::new(0);
            let tell = |_: &str, _: f64| told.set(told.get() + 1);
            let speeds = calibrate(threads, Duration::from_millis(10), &tell).expect("a machine");
            assert!(speeds.is_sound(), "{speeds:?}");
            assert_eq!((told.get(), speeds.training.len()), (5, 1));
            let point = speeds.training[0];
            let different = [point.alone, point.all, point.beside].map(f64::to_bits);
            let different = std::collections::BTreeSet::from(different);
            assert_eq!(different.len(), modes, "{point:?}");
        }
    }
}
