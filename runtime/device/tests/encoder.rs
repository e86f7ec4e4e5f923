//! Features by recorded programs on the host device, against those of the host's encoder.

use vpc_device::{EncoderDevice, EncoderError, Host, encoder_memory};
use vpc_train::ops::Activation;
use vpc_train::vision::{Encoder, Family, Features, Layer, VisionConfig, VisionError};

fn config(family: Family, gated: bool, activation: Activation) -> VisionConfig {
    VisionConfig {
        family,
        layers: 3,
        width: 24,
        heads: 3,
        hidden: 40,
        gated,
        patch: 4,
        image: 12,
        activation,
        norm_eps: 1e-6,
    }
}

/// An encoder whose weights are no small noise: a file with every number scaled.
fn encoder(config: &VisionConfig) -> Encoder {
    let initial = Encoder::initial(config, 3).expect("a sound shape");
    let [(_, json), (_, weights)] = initial.files().expect("memory");
    let header = u64::from_le_bytes(weights[..8].try_into().expect("eight bytes")) as usize + 8;
    let numbers = weights[header..].as_chunks::<4>().0.iter().enumerate();
    let grown = numbers.flat_map(|(at, four)| {
        let value = f32::from_le_bytes(*four);
        let small = value.abs() < 0.5;
        // Gains and biases, too, differ from number to number.
        let more = 0.1 * ((at % 97) as f32 * 0.7).sin();
        (if small {
            value * 6.0 + more
        } else {
            value + more
        })
        .to_le_bytes()
    });
    let bytes: Vec<u8> = weights[..header].iter().copied().chain(grown).collect();
    Encoder::load(&json, &bytes).expect("as it was written")
}

fn pixels(images: usize, config: &VisionConfig) -> Vec<f32> {
    let count = images * 3 * config.image * config.image;
    (0..count)
        .map(|i| (i * 37 % 101) as f32 / 50.0 - 1.0)
        .collect()
}

#[test]
fn features_are_those_of_the_host() {
    let all = [
        config(Family::Clip, false, Activation::QuickGelu),
        config(Family::Dinov2, false, Activation::Gelu),
        config(Family::Dinov2, true, Activation::Gelu),
        config(Family::Mae, false, Activation::Gelu),
        config(Family::Vit, false, Activation::GeluTanh),
    ];
    for config in all {
        let encoder = encoder(&config);
        for (layer, class) in [
            (Layer::Last, true),
            (Layer::FromEnd(1), false),
            (Layer::FromEnd(2), false),
            (Layer::FromEnd(4), true),
        ] {
            let of = Features { layer, class };
            let mut device =
                EncoderDevice::new(encoder.clone(), of, 2, Host::new()).expect("a sound shape");
            // The last batch is not full.
            let pixels = pixels(5, &config);
            let ours = device.features(&pixels).expect("whole images");
            let theirs = encoder.features(&pixels, of).expect("whole images");
            assert_eq!(ours.len(), theirs.len());
            let size = theirs.iter().fold(0.0_f32, |size, x| size.max(x.abs()));
            assert!(size > 0.1, "features that tell nothing");
            for (at, (ours, theirs)) in ours.iter().zip(&theirs).enumerate() {
                assert!(
                    (ours - theirs).abs() < 2e-5 * size,
                    "{:?} {of:?}, number {at}: {ours} is not {theirs}",
                    config.family
                );
            }
        }
    }
}

#[test]
fn a_batch_bears_on_no_image() {
    let config = config(Family::Clip, false, Activation::QuickGelu);
    let of = Features {
        layer: Layer::FromEnd(2),
        class: false,
    };
    let mut device =
        EncoderDevice::new(encoder(&config), of, 3, Host::new()).expect("a sound shape");
    let pixels = pixels(4, &config);
    let together = device.features(&pixels).expect("whole images");
    let alone: Vec<f32> = pixels
        .chunks(pixels.len() / 4)
        .flat_map(|image| device.features(image).expect("one image"))
        .collect();
    assert_eq!(alone, together);
}

#[test]
fn memory_is_known_beforehand_and_what_is_not_there_is_refused() {
    let config = config(Family::Vit, false, Activation::Gelu);
    let encoder = encoder(&config);
    let of = |n| Features {
        layer: Layer::FromEnd(n),
        class: false,
    };
    let bytes = |images| encoder_memory(&encoder, of(1), images).expect("a layer");
    assert!(bytes(2) > bytes(1));
    let device = EncoderDevice::new(encoder.clone(), of(1), 2, Host::new()).expect("a layer");
    assert_eq!(device.memory(), bytes(2));
    assert!(matches!(
        EncoderDevice::new(encoder, of(9), 2, Host::new()),
        Err(EncoderError::Vision(VisionError::Layer {
            asked: 9,
            most: 4
        }))
    ));
    let mut device = device;
    assert!(device.features(&[0.0; 7]).is_err());
}
