//! Writing to people: data on standard output, everything else on standard error.

use std::borrow::Cow;
use std::fmt::Display;
use std::fs::Permissions;
use std::io::{self, BufWriter, IsTerminal, Write};
use std::os::unix::fs::PermissionsExt;
use std::path::Path;
use std::process;

use comfy_table::presets::NOTHING;
use comfy_table::{CellAlignment, Table};
use tempfile::NamedTempFile;

use crate::exit::Status;

/// Writes a line of data; control characters in it are shown, never sent.
///
/// Where the reader has gone (`vpc plan … | head`) the command ends quietly; where the device
/// refuses (`> /dev/full`) it ends with the status for the environment.
pub(crate) fn say(line: impl Display) {
    let line = line.to_string();
    let line = shown(&line);
    written(writeln!(anstream::stdout().lock(), "{line}"));
}

/// Writes the bytes of a file: as they are, but to a terminal as text in which control characters are
/// written out.
pub(crate) fn say_bytes(bytes: &[u8]) {
    let mut out = io::stdout().lock();
    written(if out.is_terminal() {
        out.write_all(shown(&String::from_utf8_lossy(bytes)).as_bytes())
    } else {
        out.write_all(bytes)
    });
}

/// Ends the process where what was asked for cannot be written; in peace where nobody reads on.
fn written(result: io::Result<()>) {
    if let Err(error) = result {
        if error.kind() == io::ErrorKind::BrokenPipe {
            process::exit(Status::Ok.code().into());
        }
        tell(format_args!(
            "error: standard output cannot be written: {error}"
        ));
        process::exit(Status::Environment.code().into());
    }
}

/// Writes a line about the work; control characters in it are shown, never sent. Nobody may be
/// listening; the work goes on.
pub(crate) fn tell(line: impl Display) {
    tell_rendered(&shown(&line.to_string()));
}

/// Writes text with colours of our own, whose maker shows all but the upper control characters.
pub(crate) fn tell_rendered(text: &str) {
    let text = written_out(text, |c| is_obeyed(c) && !c.is_ascii());
    let _ = writeln!(anstream::stderr().lock(), "{text}");
}

/// Writes a line of JSON; control characters in its strings are escaped, so that it stays JSON.
pub(crate) fn say_json(json: impl Display) {
    let json = json.to_string();
    let escaped = replaced(
        &json,
        |c| is_obeyed(c) && c != '\n',
        |c| format!("\\u{:04x}", u32::from(c)),
    );
    say(escaped);
}

/// A text in which control characters but line feeds and tabs are written out, such as `\u{1b}`:
/// names come from files, and a terminal obeys what it is sent.
pub(crate) fn shown(text: &str) -> Cow<'_, str> {
    written_out(text, |c| is_obeyed(c) && !matches!(c, '\n' | '\t'))
}

/// A name on one line, in which all control characters are written out.
pub(crate) fn one_line(name: &str) -> Cow<'_, str> {
    written_out(name, is_obeyed)
}

/// Whether a terminal acts on a character or turns the order of others around.
fn is_obeyed(c: char) -> bool {
    c.is_control() || matches!(c, '\u{202a}'..='\u{202e}' | '\u{2066}'..='\u{2069}')
}

fn written_out(text: &str, which: fn(char) -> bool) -> Cow<'_, str> {
    replaced(text, which, |c| c.escape_unicode().to_string())
}

fn replaced(text: &str, which: fn(char) -> bool, by: fn(char) -> String) -> Cow<'_, str> {
    if !text.contains(which) {
        return Cow::Borrowed(text);
    }
    let one = |c| if which(c) { by(c) } else { c.to_string() };
    Cow::Owned(text.chars().map(one).collect())
}

/// Whether standard error is a terminal that wants colour.
pub(crate) fn colour() -> bool {
    anstream::AutoStream::choice(&io::stderr()) != anstream::ColorChoice::Never
        && io::stderr().is_terminal()
}

/// Writes a number with thin grouping: `1_234_567`.
pub(crate) fn grouped(number: u64) -> String {
    let digits = number.to_string();
    let mut text = String::new();
    for (at, digit) in digits.chars().enumerate() {
        if at > 0 && (digits.len() - at).is_multiple_of(3) {
            text.push('_');
        }
        text.push(digit);
    }
    text
}

/// Counts things: `1 job`, `2 jobs`.
pub(crate) fn counted(number: usize, thing: &str) -> String {
    let s = if number == 1 { "" } else { "s" };
    format!("{number} {thing}{s}")
}

/// Writes a number for people: `950`, `1.05M`, `30B`.
pub(crate) fn rounded(number: u64) -> String {
    let sizes = [
        (1_000_000_000_000_u64, "T"),
        (1_000_000_000, "B"),
        (1_000_000, "M"),
        (1_000, "k"),
    ];
    for (size, suffix) in sizes {
        if number >= size {
            let scaled = number as f64 / size as f64;
            let places = if scaled < 10.0 {
                2
            } else {
                usize::from(scaled < 100.0)
            };
            let text = format!("{scaled:.places$}");
            let text = if text.contains('.') {
                text.trim_end_matches('0').trim_end_matches('.')
            } else {
                &text
            };
            return format!("{text}{suffix}");
        }
    }
    number.to_string()
}

/// Writes seconds for people: `0.4 s`, `12 s`, `3 min 20 s`, `5 h 10 min`, `3 d 4 h`.
pub(crate) fn lasting(seconds: f64) -> String {
    let whole = seconds.round() as u64;
    let parts = |large: u64, large_word: &str, small: u64, small_word: &str| match small {
        0 => format!("{large} {large_word}"),
        _ => format!("{large} {large_word} {small} {small_word}"),
    };
    match whole {
        _ if seconds < 9.95 => format!("{seconds:.1} s"),
        0..60 => format!("{whole} s"),
        60..3_600 => parts(whole / 60, "min", whole % 60, "s"),
        3_600..86_400 => parts(whole / 3_600, "h", whole % 3_600 / 60, "min"),
        _ => parts(whole / 86_400, "d", whole % 86_400 / 3_600, "h"),
    }
}

/// Draws rows in columns; from the column `right` on they stand to the right.
pub(crate) fn columns(header: &[&str], rows: Vec<Vec<String>>, right: usize) -> String {
    let mut table = Table::new();
    table.load_style(NOTHING).set_header(header);
    table.add_rows(rows);
    for column in table.column_iter_mut().skip(right) {
        column.set_cell_alignment(CellAlignment::Right);
    }
    table.trim_fmt()
}

/// Writes a file as a whole: whoever looks sees the old one or the new one.
pub(crate) fn write_whole(
    path: &Path,
    write: impl FnOnce(&mut dyn Write) -> io::Result<()>,
) -> io::Result<()> {
    let home = path.parent().filter(|home| !home.as_os_str().is_empty());
    let new = NamedTempFile::new_in(home.unwrap_or(Path::new(".")))?;
    let mut file = BufWriter::new(new);
    write(&mut file)?;
    let new = file.into_inner().map_err(io::IntoInnerError::into_error)?;
    new.as_file().sync_all()?;
    let mode = Permissions::from_mode(0o644);
    new.as_file().set_permissions(mode)?;
    new.persist(path).map_err(|error| error.error)?;
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn terminals_are_not_commanded() {
        assert_eq!(shown("é\n\tx"), "é\n\tx");
        assert_eq!(
            shown("a\u{1b}[31m\r\u{7}\u{9b}\u{202e}"),
            r"a\u{1b}[31m\u{d}\u{7}\u{9b}\u{202e}"
        );
    }

    #[test]
    fn numbers_for_people() {
        assert_eq!(grouped(1_234_567), "1_234_567");
        assert_eq!(grouped(12), "12");
        assert_eq!(counted(1, "job"), "1 job");
        assert_eq!(counted(0, "job"), "0 jobs");
        assert_eq!(lasting(0.04), "0.0 s");
        assert_eq!(lasting(12.3), "12 s");
        assert_eq!(lasting(200.0), "3 min 20 s");
        assert_eq!(lasting(7_200.0), "2 h");
        assert_eq!(lasting(277_200.0), "3 d 5 h");
        assert_eq!(rounded(950), "950");
        assert_eq!(rounded(1_050_000), "1.05M");
        assert_eq!(rounded(30_000_000_000), "30B");
        assert_eq!(rounded(999_424), "999k");
    }
}
