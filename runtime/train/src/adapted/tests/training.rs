//! What training keeps to, and that it learns.

use super::{BOTH, MARKER, Texts, adapted, course, features, trainer};
use crate::adapted::{AdaptError, AdaptTrainer, Example, Parts, Sight};
use crate::course::Trained;
use crate::{Activations, Course, TrainError, with_threads};

#[test]
fn bits_do_not_depend_on_threads_or_on_an_interruption() {
    let texts = Texts::new();
    // More examples than shards.
    let batch: Vec<Example> = (0..5).flat_map(|_| texts.examples()).collect();
    let run = |threads, interrupted: bool| {
        with_threads(threads, || {
            let mut one = trainer(BOTH);
            for step in 0..4 {
                if interrupted && step == 2 {
                    let state = one.save().expect("memory");
                    one = trainer(BOTH);
                    one.load(&state).expect("what was saved");
                    assert_eq!(one.steps_done(), 2);
                }
                one.step(&batch).expect("a sound step");
            }
            one.save().expect("memory")
        })
        .expect("a small pool")
    };
    let whole = run(1, false);
    let mut again = trainer(BOTH);
    again.set_activations(Activations::Recomputed);
    for _ in 0..4 {
        again.step(&batch).expect("a sound step");
    }
    assert!(
        again.save().expect("memory") == whole,
        "recomputing changes bits"
    );
    assert!(run(3, false) == whole, "threads change bits");
    assert!(run(2, true) == whole, "an interruption changes bits");
}

#[test]
fn what_is_frozen_stays() {
    let texts = Texts::new();
    for (projector, model) in [(true, false), (false, true)] {
        let mut one = trainer(Parts {
            projector,
            model,
            encoder: false,
        });
        let before = one.adapted().clone();
        one.step(&texts.examples()).expect("a sound step");
        let after = one.adapted();
        let same = |a: &dyn Trained, b: &dyn Trained| {
            (0..a.len()).all(|index| a.values(index) == b.values(index))
        };
        assert_eq!(
            same(&after.projector.weights, &before.projector.weights),
            !projector
        );
        assert_eq!(same(&after.model, &before.model), !model);
        let state = one.save().expect("memory");
        let error = trainer(BOTH).load(&state).expect_err("other moments");
        assert!(error.to_string().contains("is missing"), "{error}");
    }
}

#[test]
fn it_learns_what_images_say() {
    // The answer is told by the image alone.
    let tokens: Vec<Vec<u32>> = (0..6)
        .map(|answer| [&[1][..], &[MARKER; 4], &[2, 3 + answer]].concat())
        .collect();
    let images: Vec<Vec<f32>> = (0..6).map(|image| features(1, 3 * image)).collect();
    let answer = [false, false, false, false, false, false, true];
    let batch: Vec<Example> = tokens
        .iter()
        .zip(&images)
        .map(|(tokens, features)| Example {
            tokens,
            answer: &answer,
            sight: Sight::Features(features),
        })
        .collect();
    let course = Course {
        steps: 150,
        ..course()
    };
    let mut one = AdaptTrainer::new(&course, adapted(2), BOTH).expect("sound settings");
    let first = one.step(&batch).expect("a sound step").loss;
    let last = (1..150).map(|_| one.step(&batch).expect("a sound step").loss);
    let last = last.last().expect("steps");
    assert!(first > 1.5 && last < 0.3, "from {first} to {last}");
}

#[test]
fn a_diverged_step_leaves_everything_as_it_was() {
    let mut one = trainer(BOTH);
    let before = one.save().expect("memory");
    let (tokens, answer) = (
        [1, MARKER, MARKER, MARKER, MARKER, 2],
        [false, false, false, false, false, true],
    );
    let features = vec![f32::NAN; 45];
    let error = one.step(&[Example {
        tokens: &tokens,
        answer: &answer,
        sight: Sight::Features(&features),
    }]);
    let diverged = matches!(error, Err(AdaptError::Train(TrainError::Diverged { .. })));
    assert!(diverged && one.save().expect("memory") == before);
}
