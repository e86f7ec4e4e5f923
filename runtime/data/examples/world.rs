//! Writes the synthetic world to standard output: `world STYLE [SEED [BYTES]]`, documents parted by form feeds.

use std::error::Error;
use std::io::{BufWriter, Write, stdout};

use vpc_data::world::Style;
use vpc_data::{Source, read_documents};

fn main() -> Result<(), Box<dyn Error>> {
    let words: Vec<String> = std::env::args().skip(1).collect();
    let style: Style = words
        .first()
        .ok_or("name a style, such as `web`")?
        .parse()?;
    let seed = words.get(1).map_or(Ok(0), |word| word.parse())?;
    let bytes = words.get(2).map_or(Ok(10_000), |word| word.parse())?;
    let mut out = BufWriter::new(stdout().lock());
    let mut failed = None;
    read_documents(&Source::World { style, seed, bytes }, &mut |document| {
        failed = failed.take().or(out
            .write_all(document.as_bytes())
            .and(out.write_all(b"\n\x0c\n"))
            .err());
        Ok(())
    })?;
    failed.map_or(Ok(()), |error| Err(error.into()))
}
