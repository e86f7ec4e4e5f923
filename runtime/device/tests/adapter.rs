//! Training of adapted models by recorded programs on the host device, against the host's trainer.

use vpc_device::{AdaptDeviceError, AdaptDeviceTrainer, Host, adapt_memory};
use vpc_train::adapted::{
    AdaptError, AdaptTrainer, Adapted, Example, Parts, Projector, ProjectorConfig, Sight,
};
use vpc_train::ops::Activation;
use vpc_train::vision::{Encoder, Family, Layer, VisionConfig};
use vpc_train::{
    Activations, Course, ModelConfig, Optimizer, Schedule, StepReport, TrainConfig, TrainError,
    Trainer,
};

const MARKER: u32 = 28;
const CONTEXT: usize = 80;
const BOTH: Parts = Parts {
    projector: true,
    model: true,
    encoder: false,
};
const PROJECTOR: Parts = Parts {
    model: false,
    ..BOTH
};
const DECODER: Parts = Parts {
    projector: false,
    ..BOTH
};

fn course(rate: f64) -> Course {
    Course {
        optimizer: Optimizer {
            rate,
            beta1: 0.9,
            beta2: 0.999,
            eps: 1e-8,
            weight_decay: 0.1,
            clip: 1.0,
        },
        schedule: Schedule::Cosine {
            warmup: 3,
            floor: 0.1,
        },
        steps: 40,
        seed: 1,
    }
}

fn trainer(parts: Parts, tied: bool) -> AdaptTrainer {
    let config = ModelConfig {
        layers: 2,
        width: 24,
        heads: 4,
        kv_heads: 2,
        hidden: 37,
        context: CONTEXT,
        vocabulary: 29,
        rope_base: 10_000.0,
        norm_eps: 1e-5,
        tied,
    };
    let projector = ProjectorConfig {
        features: 5,
        grid: 3,
        tokens: 4,
        layers: 2,
        width: 7,
        outputs: 24,
        activation: Activation::Gelu,
    };
    let run = TrainConfig {
        model: config,
        optimizer: course(1e-3).optimizer,
        schedule: course(1e-3).schedule,
        batch: 1,
        micro_batch: None,
        steps: 1,
        seed: 5,
    };
    let model = Trainer::new(&run).expect("a sound shape").model().clone();
    let projector = Projector::initial(&projector, 5).expect("a sound shape");
    let adapted = Adapted::new(model, projector, MARKER).expect("they fit");
    AdaptTrainer::new(&course(3e-3), adapted, parts).expect("sound settings")
}

/// An example's tokens, which of them are answers, its features.
type Told = (Vec<u32>, Vec<bool>, Vec<f32>);

/// Examples of a step: of other lengths in each, some without an image, sometimes fewer.
fn told(step: usize, count: usize, images: bool) -> Vec<Told> {
    let count = if step % 5 == 4 { count - 1 } else { count };
    let one = |index: usize| {
        let seen = images && !(step + index).is_multiple_of(3);
        let mut tokens = vec![0_u32];
        let mut features = Vec::new();
        if seen {
            tokens.extend([MARKER; 4]);
            let number = |i: usize| ((i + 7 * (step + 3 * index)) * 31 % 97) as f32 / 48.0 - 1.0;
            features = (0..45).map(number).collect();
        }
        let asked = 3 + (step * 5 + index * 11) % 40;
        let said = 1 + (step + index * 3) % 9;
        let word = |at: usize| ((at * 3 + index * 7 + step) % 27) as u32;
        tokens.extend((0..asked + said).map(word));
        let first = tokens.len() - said;
        let answer = (0..tokens.len()).map(|at| at >= first).collect();
        (tokens, answer, features)
    };
    (0..count).map(one).collect()
}

fn example((tokens, answer, features): &Told) -> Example<'_> {
    Example {
        tokens,
        answer,
        sight: Sight::Features(features),
    }
}

fn examples(told: &[Told]) -> Vec<Example<'_>> {
    told.iter().map(example).collect()
}

/// Examples of a step, where the device is told how many there are.
const ROWS: usize = 3;

fn device(parts: Parts, tied: bool) -> AdaptDeviceTrainer<Host> {
    AdaptDeviceTrainer::of(trainer(parts, tied), ROWS, Activations::Kept, Host::new())
        .expect("a device can do it")
}

fn farthest(ours: &[StepReport], theirs: &[StepReport]) -> f64 {
    let apart = |(one, other): (&StepReport, &StepReport)| {
        assert!((one.rate - other.rate).abs() < f64::EPSILON);
        let norms = (one.grad_norm - other.grad_norm).abs() / other.grad_norm;
        assert!(norms < 1e-3, "{one:?} is not {other:?}");
        (one.loss - other.loss).abs() / other.loss
    };
    ours.iter().zip(theirs).map(apart).fold(0.0, f64::max)
}

#[test]
fn steps_are_those_of_the_host_trainer_and_what_is_frozen_stays() {
    for (parts, tied, images) in [
        (BOTH, false, true),
        (BOTH, true, true),
        (PROJECTOR, false, true),
        (DECODER, false, true),
    ] {
        let (mut host, mut ours) = (trainer(parts, tied), device(parts, tied));
        let before = host.state();
        let (mut here, mut there) = (Vec::new(), Vec::new());
        for step in 0..20 {
            let told = told(step, ROWS, images);
            here.push(ours.step(&examples(&told)).expect("a step"));
            there.push(host.step(&examples(&told)).expect("a step"));
        }
        let what = format!("{parts:?}, tied {tied}, images {images}");
        let apart = farthest(&here, &there);
        assert!(apart < 1e-5, "{what}: losses are {apart} apart");
        assert_eq!(ours.steps_done(), 20);
        let (ours, theirs) = (ours.to_host().expect("numbers").state(), host.state());
        assert_eq!(ours.steps_done, theirs.steps_done);
        let mut moved = 0.0_f32;
        for (index, part) in host.matrices().iter().enumerate() {
            let [ours, theirs, before] =
                [&ours, &theirs, &before].map(|state| &state.matrices[index]);
            if !part.moves {
                assert_eq!(ours, before, "{what}: matrix {index}");
                continue;
            }
            let pairs = ours.weights.iter().zip(&theirs.weights);
            for ((one, other), before) in pairs.zip(&before.weights) {
                assert!(
                    (one - other).abs() < 1e-3,
                    "{what}, {index}: {one} is not {other}"
                );
                moved = moved.max((one - before).abs());
            }
        }
        assert!(moved > 1e-2, "{what}: nothing was learnt");
    }
}

#[test]
fn what_nothing_has_reached_decays_as_on_the_host() {
    // Images in the first step alone: the projector then gets no gradient, and must not keep the old one.
    let (mut host, mut ours) = (trainer(BOTH, false), device(BOTH, false));
    for step in 0..6 {
        let told = told(step, ROWS, step == 0);
        ours.step(&examples(&told)).expect("a step");
        host.step(&examples(&told)).expect("a step");
    }
    let ours = ours.to_host().expect("numbers").state();
    for (ours, theirs) in ours
        .matrices
        .iter()
        .zip(&host.state().matrices[..host.decoder()])
    {
        for (one, other) in ours.weights.iter().zip(&theirs.weights) {
            assert!((one - other).abs() < 1e-5, "{one} is not {other}");
        }
    }
}

#[test]
fn runs_repeat_bit_for_bit_and_go_on_from_what_was_saved() {
    let run = |interrupted: bool, activations| {
        let host = trainer(BOTH, true);
        let mut one = AdaptDeviceTrainer::of(host, ROWS, activations, Host::new()).expect("sound");
        for step in 0..6 {
            if interrupted && step == 3 {
                let state = one.to_host().expect("numbers").save().expect("memory");
                one = device(BOTH, true);
                one.load(&state).expect("what was saved");
                assert_eq!(one.steps_done(), 3);
            }
            let told = told(step, ROWS, true);
            one.step(&examples(&told)).expect("a step");
        }
        one.to_host().expect("numbers").save().expect("memory")
    };
    let whole = run(false, Activations::Kept);
    assert!(run(false, Activations::Kept) == whole, "runs differ");
    assert!(
        run(true, Activations::Kept) == whole,
        "an interruption changes bits"
    );
    assert!(
        run(false, Activations::Recomputed) == whole,
        "recomputing changes bits"
    );
}

#[test]
fn a_filled_batch_is_the_batch() {
    // The same examples alone in a batch, and beside empty places.
    let told = told(1, 2, true);
    let mut reports = Vec::new();
    for rows in [1, 2, 7] {
        let host = trainer(BOTH, false);
        let mut one =
            AdaptDeviceTrainer::of(host, rows, Activations::Kept, Host::new()).expect("sound");
        reports.push(one.step(&examples(&told)).expect("a step"));
    }
    for report in &reports[1..] {
        assert!((report.loss - reports[0].loss).abs() < 1e-9);
        assert!((report.grad_norm - reports[0].grad_norm).abs() < 1e-5 * reports[0].grad_norm);
    }
}

#[test]
fn memory_is_known_beforehand() {
    let host = trainer(PROJECTOR, false);
    let most = adapt_memory(&host, ROWS, Activations::Kept).expect("bytes");
    let both = adapt_memory(&trainer(BOTH, false), ROWS, Activations::Kept).expect("bytes");
    assert!(
        both > most,
        "moments of what is frozen take no memory: {both}, {most}"
    );
    let mut ours = device(PROJECTOR, false);
    for step in 0..5 {
        let told = told(step, ROWS, true);
        ours.step(&examples(&told)).expect("a step");
        assert_eq!(ours.memory(), most);
    }
    // The longest examples there can be fit as well.
    let mut longest = told(0, ROWS, true);
    for (tokens, answer, _) in &mut longest {
        tokens.resize(CONTEXT, 3);
        answer.resize(CONTEXT, true);
    }
    ours.step(&examples(&longest)).expect("a step");
    assert_eq!(ours.memory(), most);
}

#[test]
fn divergence_leaves_everything_as_it_was() {
    let mut host = trainer(BOTH, false);
    let mut state = host.state();
    state.matrices[0].weights[0] = f32::INFINITY;
    host.set_state(state).expect("its own numbers");
    let before = host.save().expect("memory");
    let mut ours =
        AdaptDeviceTrainer::of(host, ROWS, Activations::Kept, Host::new()).expect("sound");
    let told = told(1, ROWS, true);
    let error = ours.step(&examples(&told)).expect_err("it diverges");
    assert!(
        matches!(
            error,
            AdaptDeviceError::Adapt(AdaptError::Train(TrainError::Diverged { step: 0, .. }))
        ),
        "{error}"
    );
    assert_eq!(ours.steps_done(), 0);
    assert!(ours.to_host().expect("numbers").save().expect("memory") == before);
}

#[test]
fn what_a_device_cannot_do_is_refused() {
    let none = Parts {
        projector: false,
        model: false,
        encoder: false,
    };
    let refused = |trainer: AdaptTrainer| {
        let made = AdaptDeviceTrainer::of(trainer, ROWS, Activations::Kept, Host::new());
        made.map(|_| ()).expect_err("refused").to_string()
    };
    assert!(refused(trainer(none, false)).contains("frozen"));
    let config = VisionConfig {
        family: Family::Vit,
        layers: 2,
        width: 5,
        heads: 1,
        hidden: 6,
        gated: false,
        patch: 2,
        image: 6,
        activation: Activation::Gelu,
        norm_eps: 1e-6,
    };
    let encoder = Encoder::initial(&config, 1).expect("a sound shape");
    let own = |parts| {
        let adapted = trainer(parts, false).into_adapted();
        let adapted = adapted
            .with_encoder(encoder.clone(), Layer::FromEnd(1))
            .expect("they fit");
        AdaptTrainer::new(&course(1e-3), adapted, parts).expect("sound settings")
    };
    let all = Parts {
        encoder: true,
        ..BOTH
    };
    let trained = own(BOTH).into_adapted();
    let trained = AdaptTrainer::new(&course(1e-3), trained, all).expect("sound settings");
    assert!(refused(trained).contains("encoder"));
    let mut ours =
        AdaptDeviceTrainer::of(own(BOTH), ROWS, Activations::Kept, Host::new()).expect("sound");
    let (tokens, answer, _) = told(1, 1, true).remove(0);
    let pixels = vec![0.5; 108];
    let example = Example {
        tokens: &tokens,
        answer: &answer,
        sight: Sight::Pixels(&pixels),
    };
    let error = ours.step(&[example]).expect_err("pixels").to_string();
    assert!(error.contains("pixels"), "{error}");
    assert!(matches!(
        ours.step(&[]),
        Err(AdaptDeviceError::Adapt(AdaptError::Empty))
    ));
}
