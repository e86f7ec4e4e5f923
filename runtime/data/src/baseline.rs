//! The baseline that every trained model must beat: bytes, each on its own.

use crate::documents::documents;
use crate::error::DataError;

/// Bits per byte of `held` under an add-one unigram byte model of `train`, both documents files.
///
/// P(b) = (count(b) + 1) / (total + 256) over the bytes of `train`; the result is the mean of −log₂ P over the bytes
/// of `held`.
///
/// # Errors
/// [`DataError::Damaged`] for bytes that are no documents file; [`DataError::NoDocuments`] when `held` has no text.
pub fn unigram_byte_bits(train: &[u8], held: &[u8]) -> Result<f64, DataError> {
    let (seen, wanted) = (byte_counts(train)?, byte_counts(held)?);
    let total: u64 = wanted.iter().sum();
    if total == 0 {
        return Err(DataError::NoDocuments {
            origin: "the held-out side".to_owned(),
        });
    }
    let mass = (seen.iter().sum::<u64>() + 256) as f64;
    let bits = seen.iter().zip(wanted).map(|(seen, wanted)| {
        if wanted == 0 {
            0.0
        } else {
            wanted as f64 * (mass / (seen + 1) as f64).log2()
        }
    });
    Ok(bits.sum::<f64>() / total as f64)
}

fn byte_counts(file: &[u8]) -> Result<[u64; 256], DataError> {
    let mut counts = [0_u64; 256];
    for document in documents(file)? {
        for byte in document?.bytes() {
            counts[usize::from(byte)] += 1;
        }
    }
    Ok(counts)
}

#[cfg(test)]
mod tests {
    use super::unigram_byte_bits;
    use crate::documents::tests::file;

    #[test]
    fn bits_follow_the_formula() {
        let train = file(&["aaab"]);
        assert!((unigram_byte_bits(&train, &file(&["a"])).unwrap() - 65_f64.log2()).abs() < 1e-12);
        assert!((unigram_byte_bits(&train, &file(&["z"])).unwrap() - 260_f64.log2()).abs() < 1e-12);
    }

    #[test]
    fn an_empty_held_out_side_is_an_error() {
        let error = unigram_byte_bits(&file(&["a"]), &file::<&str>(&[])).unwrap_err();
        assert_eq!(
            error.to_string(),
            "the held-out side has no documents; every document in it is empty or there is none"
        );
    }
}
