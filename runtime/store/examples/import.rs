//! Takes an archive into a store: the program that the fault tests kill.
//!
//! `import ROOT FILE`.

use std::error::Error;
use std::io::{self, Write};
use std::path::Path;

use vpc_store::{Archive, Store};

fn main() -> Result<(), Box<dyn Error>> {
    let arguments: Vec<String> = std::env::args().skip(1).collect();
    let [root, file] = &arguments[..] else {
        return Err("usage: import ROOT FILE".into());
    };
    let store = Store::open(Path::new(root))?;
    store.sweep()?;
    let archive = Archive::open(Path::new(file))?;
    let record = archive.record().clone();
    let done = store.import(archive, &record, &mut |_, _| ())?;
    writeln!(io::stdout(), "imported {done:?}")?;
    Ok(())
}
