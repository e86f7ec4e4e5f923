//! What does not fit an own encoder.

use super::encoder::{ALL, Texts, encoder, seeing};
use super::{BOTH, adapted, course, trainer};
use crate::adapted::{AdaptError, AdaptTrainer, Example, Sight};
use crate::vision::{Family, Layer, VisionError};

#[test]
fn what_an_own_encoder_does_not_fit_is_refused_by_name() {
    let (clip, last) = (|| encoder(Family::Clip, 4), Layer::FromEnd(1));
    let error = adapted(2).with_encoder(clip(), last).expect_err("width");
    let words = "the encoder's `width` is 4, and the projector reads 5; give one that fits";
    assert_eq!(error.to_string(), words);
    let error = seeing(Family::Clip, last).with_encoder(clip(), Layer::FromEnd(4));
    let no_layer = matches!(
        error,
        Err(AdaptError::Vision(VisionError::Layer { asked: 4, most: 3 }))
    );
    assert!(no_layer);
    let error = AdaptTrainer::new(&course(), adapted(2), ALL);
    assert!(matches!(error, Err(AdaptError::NoEncoder)));

    let texts = Texts::new();
    let error = trainer(BOTH).step(&texts.examples());
    assert!(matches!(error, Err(AdaptError::Unseen { item: 0 })));
    let mut one =
        AdaptTrainer::new(&course(), seeing(Family::Clip, last), ALL).expect("sound settings");
    let [whole, ..] = texts.examples()[..] else {
        panic!("three texts");
    };
    let features = [0.5; 36];
    let sight = Sight::Features(&features);
    let error = one.step(&[whole, Example { sight, ..whole }]);
    assert!(matches!(error, Err(AdaptError::Outdated { item: 1 })));
    let sight = Sight::Pixels(&features);
    let error = one
        .step(&[Example { sight, ..whole }])
        .expect_err("36 of 108");
    let words = "example 0 has 36 numbers of pixels; an image has 108";
    assert!(error.to_string().starts_with(words), "{error}");
}
