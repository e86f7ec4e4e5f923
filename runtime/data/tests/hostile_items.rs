//! Files of pictures and features made to harm: cut anywhere and with any byte changed, they are refused or give
//! what was written.

use vpc_data::items::{Features, FeaturesWriter, PictureId, Pictures, PicturesWriter};

/// Every beginning and every end of a file, and the file with each byte changed in several ways.
fn harmed(sound: &[u8], each: &mut dyn FnMut(&[u8])) {
    for cut in 0..sound.len() {
        each(&sound[..cut]);
        each(&sound[cut + 1..]);
        let mut bytes = sound.to_vec();
        for flip in [0x01, 0x80, 0xff] {
            bytes[cut] = sound[cut] ^ flip;
            each(&bytes);
        }
        bytes[cut] = sound[cut];
        bytes.insert(cut, 0);
        each(&bytes);
    }
}

/// The file with 8 bytes replaced by numbers that are hard to count with.
fn numbers(sound: &[u8], each: &mut dyn FnMut(&[u8])) {
    for at in 0..sound.len().saturating_sub(8) {
        for number in [0, 1, 1 << 32, 1 << 58, 1 << 63, u64::MAX - 63, u64::MAX] {
            let mut bytes = sound.to_vec();
            bytes[at..at + 8].copy_from_slice(&u64::to_le_bytes(number));
            each(&bytes);
        }
    }
}

#[test]
fn harmed_pictures_are_refused_or_their_own() {
    let all: Vec<Vec<u8>> = (0..5_u8).map(|at| vec![at; usize::from(at) * 5]).collect();
    let mut writer = PicturesWriter::new(Vec::new());
    for bytes in &all {
        writer.add(PictureId::of(bytes), bytes).expect("a picture");
    }
    let sound = writer.finish().expect("a file");
    let (mut refused, mut read) = (0, 0);
    let mut check = |bytes: &[u8]| match Pictures::new(bytes) {
        Err(error) => {
            assert!(error.to_string().starts_with("not a pictures file: "));
            refused += 1;
        }
        Ok(pictures) => {
            let wanted = all.iter().map(|bytes| PictureId::of(bytes));
            for id in wanted.chain(pictures.ids()) {
                if let Some(bytes) = pictures.get(id) {
                    assert_eq!(PictureId::of(bytes), id);
                }
            }
            read += 1;
        }
    };
    harmed(&sound, &mut check);
    numbers(&sound, &mut check);
    assert!(
        refused > 500 && read > 100,
        "{refused} refused, {read} read"
    );
}

#[test]
fn harmed_features_are_refused_or_as_written() {
    let written = |at: u8| -> (PictureId, Vec<f32>) {
        let numbers = (0..6_u8).map(move |place| f32::from(at) + f32::from(place) / 8.0);
        (PictureId::of(&[at]), numbers.collect())
    };
    let all: Vec<_> = (0..4).map(written).collect();
    let mut writer = FeaturesWriter::new(Vec::new(), 3, 2);
    for (id, numbers) in &all {
        writer.add(*id, numbers).expect("features");
    }
    let sound = writer.finish().expect("a file");
    let (mut refused, mut read) = (0, 0);
    let mut check = |bytes: &[u8]| match Features::new(bytes) {
        Err(error) => {
            assert!(error.to_string().starts_with("not a features file: "));
            refused += 1;
        }
        Ok(features) => {
            let wanted = all.iter().map(|(id, _)| *id);
            for id in wanted.chain(features.ids()) {
                let Some(numbers) = features.get(id) else {
                    continue;
                };
                assert_eq!((features.vectors(), features.width()), (3, 2));
                assert!(all.contains(&(id, numbers)));
            }
            read += 1;
        }
    };
    harmed(&sound, &mut check);
    numbers(&sound, &mut check);
    assert!(
        refused > 500 && read > 100,
        "{refused} refused, {read} read"
    );
}

#[test]
fn other_files_are_neither() {
    let files: [&[u8]; 5] = [b"", b"VPCP-END", b"VPCF-END", &[0; 64], b"VPCTOKEN"];
    for file in files {
        assert!(Pictures::new(file).is_err());
        assert!(Features::new(file).is_err());
    }
}
