//! Pictures against Pillow's, and files that are none.

use std::io::Cursor;

use image::{DynamicImage, ImageFormat, RgbImage};
use serde::Deserialize;

use super::*;

/// The picture of the formula in `dev/parity_images.py`.
fn formula(width: usize, height: usize) -> Picture {
    let level = |y: usize, x: usize, c: usize| (x * 7 + y * 13 + c * 29 + x * y * (c + 1)) % 256;
    let mut pixels = Vec::new();
    for y in 0..height {
        for x in 0..width {
            pixels.extend((0..3).map(|c| level(y, x, c) as u8));
        }
    }
    Picture::new(width, height, pixels)
}

#[derive(Deserialize)]
struct Case {
    processor: String,
    width: usize,
    height: usize,
    side: usize,
    numbers: Vec<f32>,
}

#[test]
fn numbers_are_those_of_the_processors_of_transformers() {
    let text = include_str!("../../tests/fixtures/image/expected.json");
    let cases: Vec<Case> = serde_json::from_str(text).unwrap();
    assert_eq!(cases.len(), 28);
    let mut most = 0.0_f32;
    for case in cases {
        let preprocess = match case.processor.as_str() {
            "clip" => Preprocess::clip(case.side),
            "dinov2" => Preprocess::dinov2(case.side),
            "mae" => Preprocess::mae(case.side),
            _ => Preprocess::vit(case.side),
        };
        let numbers = preprocess.apply(&formula(case.width, case.height));
        assert_eq!(numbers.len(), case.numbers.len());
        for (mine, theirs) in numbers.iter().zip(&case.numbers) {
            let difference = (mine - theirs).abs();
            most = most.max(difference);
            let (name, width, height) = (&case.processor, case.width, case.height);
            assert!(
                difference <= 1e-5,
                "{name} of {width} x {height}: {mine}, not {theirs}"
            );
        }
    }
    // One level of 255 is 0.015 or more, so every level is the same.
    assert!(most < 2e-6, "{most}");
}

#[test]
fn nothing_is_done_where_nothing_is_to_be_done() {
    let picture = formula(9, 5);
    assert_eq!(resize(&picture, 9, 5, Filter::Bicubic), picture);
    let flat = Picture::new(3, 7, vec![77; 63]);
    for filter in [Filter::Bilinear, Filter::Bicubic] {
        for (width, height) in [(1, 1), (3, 20), (50, 2), (64, 64)] {
            let resized = resize(&flat, width, height, filter);
            assert!(resized.pixels().iter().all(|level| *level == 77));
        }
    }
}

#[test]
fn what_is_cut_off_is_never_made() {
    // Resized whole, it would have 7 million columns.
    for (width, height) in [(1 << 15, 1), (1, 1 << 15)] {
        let thin = Picture::new(width, height, vec![128; width * height * 3]);
        for preprocess in [Preprocess::clip(224), Preprocess::dinov2(224)] {
            assert_eq!(preprocess.apply(&thin).len(), 3 * 224 * 224);
        }
    }
    // A part is that part of the whole.
    let picture = formula(40, 25);
    let whole = resize(&picture, 19, 33, Filter::Bicubic);
    let part = resample::resize_part(&picture, (19, 3..10), (33, 5..33), Filter::Bicubic);
    assert_eq!(part, whole.part(3..10, 5..33));
}

fn encoded(image: &DynamicImage, format: ImageFormat) -> Vec<u8> {
    let mut bytes = Vec::new();
    image
        .write_to(&mut Cursor::new(&mut bytes), format)
        .unwrap();
    bytes
}

fn image(picture: &Picture) -> DynamicImage {
    let (width, height) = (picture.width() as u32, picture.height() as u32);
    RgbImage::from_raw(width, height, picture.pixels().to_vec())
        .unwrap()
        .into()
}

#[test]
fn files_are_decoded_whatever_they_are_called() {
    let picture = formula(31, 17);
    let smooth = resize(&formula(2, 2), 31, 17, Filter::Bilinear);
    let read = |bytes: &[u8]| decode(bytes, &Limits::default()).unwrap();
    assert_eq!(read(&encoded(&image(&picture), ImageFormat::Png)), picture);
    assert_eq!(read(&encoded(&image(&picture), ImageFormat::WebP)), picture);
    let lossy = read(&encoded(&image(&smooth), ImageFormat::Jpeg));
    let differences = lossy.pixels().iter().zip(smooth.pixels());
    assert!(
        differences
            .into_iter()
            .all(|(one, other)| one.abs_diff(*other) < 24)
    );

    // Transparency is left out, grey spread, and the upper half of 16 bits kept.
    let clear = DynamicImage::ImageRgba8(image::RgbaImage::from_pixel(
        2,
        1,
        image::Rgba([9, 8, 7, 0]),
    ));
    assert_eq!(
        read(&encoded(&clear, ImageFormat::Png)).pixels(),
        [9, 8, 7, 9, 8, 7]
    );
    let grey = DynamicImage::ImageLuma8(image::GrayImage::from_pixel(1, 1, image::Luma([200])));
    assert_eq!(read(&encoded(&grey, ImageFormat::Png)).pixels(), [200; 3]);
    let wide: image::ImageBuffer<image::Rgb<u16>, Vec<u16>> =
        image::ImageBuffer::from_pixel(1, 1, image::Rgb([0x12ff, 0x34ff, 0xffff]));
    let wide = DynamicImage::ImageRgb16(wide);
    assert_eq!(
        read(&encoded(&wide, ImageFormat::Png)).pixels(),
        [0x12, 0x34, 0xff]
    );
}

#[test]
fn bombs_and_other_files_are_refused() {
    let limits = Limits {
        side: 100,
        pixels: 5000,
        memory: 1 << 20,
    };
    let refused = |bytes: &[u8]| decode(bytes, &limits).unwrap_err();
    for bytes in [&b""[..], b"GIF89a", b"%PDF-1.4", b"{\"a\": 1}", &[0; 64]] {
        assert!(matches!(refused(bytes), ImageError::Format));
    }
    let png = |width, height| encoded(&image(&formula(width, height)), ImageFormat::Png);
    assert!(decode(&png(100, 50), &limits).is_ok());
    for (width, height) in [(100, 51), (101, 1), (1, 101)] {
        let error = refused(&png(width, height));
        assert!(
            !matches!(error, ImageError::Format | ImageError::Empty),
            "{error}"
        );
    }
    // A header that promises 4 billion pixels, and has none.
    let mut bomb = png(8, 8);
    bomb[16..24].copy_from_slice(&[0, 1, 0, 0, 0, 1, 0, 0]);
    let error = decode(&bomb, &Limits::default()).unwrap_err();
    assert!(!matches!(error, ImageError::Format), "{error}");
}

#[test]
fn damage_is_an_error_or_other_pixels_and_never_worse() {
    let picture = formula(19, 13);
    let limits = Limits {
        side: 256,
        pixels: 1 << 14,
        memory: 1 << 22,
    };
    for format in [ImageFormat::Png, ImageFormat::Jpeg, ImageFormat::WebP] {
        let sound = encoded(&image(&picture), format);
        for cut in 0..sound.len() {
            let _ = decode(&sound[..cut], &limits);
        }
        let mut state = 1_u64;
        for _ in 0..2000 {
            let mut bytes = sound.clone();
            for _ in 0..3 {
                state = state
                    .wrapping_mul(6_364_136_223_846_793_005)
                    .wrapping_add(1);
                let at = (state >> 33) as usize % bytes.len();
                bytes[at] ^= 1 << (state >> 61);
            }
            if let Ok(picture) = decode(&bytes, &limits) {
                assert!(picture.width() <= 256 && picture.height() <= 256);
            }
        }
    }
}
