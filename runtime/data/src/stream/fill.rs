//! Filling a batch from token files, as the stream says.

use crate::error::DataError;
use crate::stream::SampleStream;
use crate::tokens::TokenFile;

/// Fills `rows` rows of `context` tokens with the samples at `first_position` and after.
///
/// Row `r` of `inputs` holds the first `context` tokens of its sequence, row `r` of `targets` the same shifted by
/// one. `files` stand in the order of the stream's parts.
///
/// # Errors
/// [`DataError::Batch`] when buffers, files and stream disagree, or when positions reach 2⁶⁴; [`DataError::Damaged`] for a token out of range.
pub fn fill(
    stream: &SampleStream,
    files: &[TokenFile<'_>],
    context: usize,
    first_position: u64,
    rows: usize,
    inputs: &mut [u32],
    targets: &mut [u32],
) -> Result<(), DataError> {
    check(stream, files, context, rows, inputs, targets)?;
    let positions = positions(first_position, rows)?;
    let samples = positions.map(|position| stream.at(position));
    let buffers = inputs
        .chunks_exact_mut(context)
        .zip(targets.chunks_exact_mut(context));
    for (sample, (input, target)) in samples.zip(buffers) {
        let file = files
            .get(sample.part)
            .ok_or_else(|| batch("a part has no file"))?;
        let start = sample.sequence * context as u64;
        file.read(start, input)?;
        if let ([_, shifted @ ..], [before @ .., last]) = (input, target) {
            before.copy_from_slice(shifted);
            file.read(start + context as u64, std::slice::from_mut(last))?;
        }
    }
    Ok(())
}

/// The positions of the rows.
fn positions(first: u64, rows: usize) -> Result<impl Iterator<Item = u64>, DataError> {
    let last = first.checked_add((rows as u64).saturating_sub(1));
    let last = last.ok_or_else(|| {
        let most = u64::MAX;
        batch(format!(
            "{rows} rows from position {first} on end beyond the last, {most}"
        ))
    })?;
    Ok((first..=last).take(rows))
}

fn check(
    stream: &SampleStream,
    files: &[TokenFile<'_>],
    context: usize,
    rows: usize,
    inputs: &[u32],
    targets: &[u32],
) -> Result<(), DataError> {
    let size = rows.checked_mul(context).filter(|_| context > 0);
    let size = size.ok_or_else(|| batch(format!("{rows} rows of {context} tokens")))?;
    let (has, wants) = (files.len(), stream.parts().len());
    if has != wants {
        return Err(batch(format!("{has} token files for {wants} parts")));
    }
    for (name, length) in [("inputs", inputs.len()), ("targets", targets.len())] {
        if length != size {
            let wanted = format!("{rows} rows of {context} tokens need {size}");
            return Err(batch(format!("`{name}` has {length} places and {wanted}")));
        }
    }
    for (index, (file, part)) in files.iter().zip(stream.parts()).enumerate() {
        let supply = file.sequences(context);
        if part.share.0 > 0 && part.sequences > supply {
            let said = part.sequences;
            let reason = format!("part {index} says {said} sequences and its file has {supply}");
            return Err(batch(reason));
        }
    }
    Ok(())
}

fn batch(reason: impl Into<String>) -> DataError {
    DataError::Batch {
        reason: reason.into(),
    }
}
