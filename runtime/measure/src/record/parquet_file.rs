//! Records as parquet, for data frames: a column for each field, lists as lists.

use std::sync::Arc;

use parquet::basic::{Compression, ZstdLevel};
use parquet::data_type::{BoolType, ByteArray, ByteArrayType, DataType, DoubleType, Int64Type};
use parquet::errors::ParquetError;
use parquet::file::properties::WriterProperties;
use parquet::file::writer::{SerializedFileWriter, SerializedRowGroupWriter};
use parquet::schema::parser::parse_message_type;

use super::{Record, RecordError, Usage, check, failed};

const SCHEMA: &str = "
message answers {
  required binary id (STRING);
  required binary prompt (STRING);
  required boolean cut;
  required group labels (LIST) { repeated group list { required binary element (STRING); } }
  optional binary output (STRING);
  optional binary answer (STRING);
  optional boolean right;
  optional double credit;
  required group log_likelihoods (LIST) { repeated group list { required double element; } }
  required group lengths (LIST) { repeated group list { required int64 element; } }
  optional binary question (STRING);
  optional binary expected (STRING);
  optional binary explanation (STRING);
  optional binary finish (STRING);
  optional int64 prompt_tokens;
  optional int64 completion_tokens;
  optional int64 requests;
}";

/// Writes parquet, packed with zstd: the columns of csv, `prompt` in hexadecimal, `answer` as text (an
/// option's number from 0, `true`, `false`, or words), `labels`, `log_likelihoods` and `lengths` as
/// lists. What is not there is null. Equal records give equal bytes.
pub fn to_parquet(records: &[Record]) -> Result<Vec<u8>, RecordError> {
    check(records)?;
    written(records).map_err(|error| failed(&error))
}

fn written(records: &[Record]) -> Result<Vec<u8>, ParquetError> {
    let schema = Arc::new(parse_message_type(SCHEMA)?);
    let properties = WriterProperties::builder()
        .set_compression(Compression::ZSTD(ZstdLevel::default()))
        .build();
    let mut file = SerializedFileWriter::new(Vec::new(), schema, Arc::new(properties))?;
    if !records.is_empty() {
        let mut group = file.next_row_group()?;
        columns(&mut group, records)?;
        group.close()?;
    }
    file.into_inner()
}

type Group<'g> = SerializedRowGroupWriter<'g, Vec<u8>>;

/// The columns in the order of [`SCHEMA`].
fn columns(group: &mut Group<'_>, records: &[Record]) -> Result<(), ParquetError> {
    let all = || records.iter();
    let text = |text: &str| ByteArray::from(text);
    let words = |words: &Option<String>| words.as_deref().map(text);
    whole::<ByteArrayType>(group, all().map(|own| text(&own.id)))?;
    whole::<ByteArrayType>(group, all().map(|own| text(&own.prompt_digits())))?;
    whole::<BoolType>(group, all().map(|own| own.cut))?;
    let labels = all().map(|own| own.labels.iter().map(|label| text(label)).collect());
    lists::<ByteArrayType>(group, labels)?;
    optional::<ByteArrayType>(group, all().map(|own| words(&own.output)))?;
    let answer = |own: &Record| own.answer.as_ref().map(|answer| text(&answer.to_string()));
    optional::<ByteArrayType>(group, all().map(answer))?;
    optional::<BoolType>(group, all().map(|own| own.right))?;
    optional::<DoubleType>(group, all().map(|own| own.credit))?;
    lists::<DoubleType>(group, all().map(|own| own.log_likelihoods.clone()))?;
    let lengths = |own: &Record| own.lengths.iter().map(|own| own.cast_signed()).collect();
    lists::<Int64Type>(group, all().map(lengths))?;
    optional::<ByteArrayType>(group, all().map(|own| words(&own.question)))?;
    optional::<ByteArrayType>(group, all().map(|own| words(&own.expected)))?;
    optional::<ByteArrayType>(group, all().map(|own| words(&own.explanation)))?;
    optional::<ByteArrayType>(group, all().map(|own| words(&own.finish)))?;
    let parts: [fn(&Usage) -> u64; 3] = [
        |own| own.prompt_tokens,
        |own| own.completion_tokens,
        |own| own.requests,
    ];
    for part in parts {
        let taken = |own: &Record| own.usage.as_ref().map(|own| part(own).cast_signed());
        optional::<Int64Type>(group, all().map(taken))?;
    }
    Ok(())
}

/// A column that has a value for each record.
fn whole<T: DataType>(
    group: &mut Group<'_>,
    column: impl Iterator<Item = T::T>,
) -> Result<(), ParquetError> {
    let values: Vec<T::T> = column.collect();
    write::<T>(group, &values, None, None)
}

/// A column of values that may be missing: the definition level of one that is there is 1.
fn optional<T: DataType>(
    group: &mut Group<'_>,
    column: impl Iterator<Item = Option<T::T>>,
) -> Result<(), ParquetError> {
    let (mut values, mut defined) = (Vec::new(), Vec::new());
    for value in column {
        defined.push(i16::from(value.is_some()));
        values.extend(value);
    }
    write::<T>(group, &values, Some(&defined), None)
}

/// A column of lists: the first element of each repeats nothing, and an empty list is one element that
/// is not there.
fn lists<T: DataType>(
    group: &mut Group<'_>,
    column: impl Iterator<Item = Vec<T::T>>,
) -> Result<(), ParquetError> {
    let (mut values, mut defined, mut repeated) = (Vec::new(), Vec::new(), Vec::new());
    for list in column {
        for at in 0..list.len().max(1) {
            defined.push(i16::from(!list.is_empty()));
            repeated.push(i16::from(at > 0));
        }
        values.extend(list);
    }
    write::<T>(group, &values, Some(&defined), Some(&repeated))
}

fn write<T: DataType>(
    group: &mut Group<'_>,
    values: &[T::T],
    defined: Option<&[i16]>,
    repeated: Option<&[i16]>,
) -> Result<(), ParquetError> {
    let missing = || ParquetError::General("the schema has fewer columns".to_owned());
    let mut column = group.next_column()?.ok_or_else(missing)?;
    column.typed::<T>().write_batch(values, defined, repeated)?;
    column.close()
}
