//! A trainer's numbers taken out and put into another.

use super::{BOTH, Texts, trainer};
use crate::adapted::Parts;

#[test]
fn numbers_taken_out_go_on_bit_for_bit() {
    let texts = Texts::new();
    let alone = |projector, model| Parts {
        projector,
        model,
        encoder: false,
    };
    for parts in [BOTH, alone(true, false), alone(false, true)] {
        let mut whole = trainer(parts);
        whole.step(&texts.examples()).expect("a sound step");
        let mut copy = trainer(parts);
        copy.set_state(whole.state()).expect("its own numbers");
        for one in [&mut whole, &mut copy] {
            one.step(&texts.examples()).expect("a sound step");
        }
        assert_eq!(copy.state(), whole.state());
        assert_eq!(copy.save().expect("memory"), whole.save().expect("memory"));
        let moved = whole.matrices();
        assert_eq!(
            moved.iter().any(|part| part.moves),
            parts.projector || parts.model
        );
        for (index, (part, matrix)) in moved.iter().zip(whole.state().matrices).enumerate() {
            let is_projector = index < whole.decoder();
            assert_eq!(
                part.moves,
                if is_projector {
                    parts.projector
                } else {
                    parts.model
                }
            );
            assert_eq!(matrix.first.is_empty(), !part.moves);
            assert_eq!(matrix.weights.len(), part.shape.rows * part.shape.columns);
        }
    }
}

#[test]
fn numbers_of_another_model_are_refused() {
    let mut one = trainer(BOTH);
    let before = one.state();
    let mut state = one.state();
    state.matrices[1].second.pop();
    assert!(one.set_state(state).is_err());
    assert_eq!(one.state(), before);
}
