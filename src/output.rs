//! Writing to people: data on standard output, everything else on standard error.

use std::fmt::Display;
use std::io::{self, IsTerminal, Write};
use std::process;

use crate::exit::Status;

/// Writes a line of data.
///
/// Where the reader has gone (`vpc plan … | head`) the command ends quietly; where the device
/// refuses (`> /dev/full`) it ends with the status for the environment.
pub(crate) fn say(line: impl Display) {
    if let Err(error) = writeln!(anstream::stdout().lock(), "{line}") {
        if error.kind() == io::ErrorKind::BrokenPipe {
            process::exit(Status::Ok.code().into());
        }
        tell(format_args!(
            "error: standard output cannot be written: {error}"
        ));
        process::exit(Status::Environment.code().into());
    }
}

/// Writes a line about the work. Nobody may be listening; the work goes on.
pub(crate) fn tell(line: impl Display) {
    let _ = writeln!(anstream::stderr().lock(), "{line}");
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

/// Writes a length of time: `3.2 s`, `45 s`, `12 min 5 s`, `3 h 20 min`.
pub(crate) fn duration(seconds: f64) -> String {
    let whole = seconds.max(0.0) as u64;
    match whole {
        0..10 => format!("{seconds:.1} s"),
        10..120 => format!("{seconds:.0} s"),
        120..7200 => format!("{} min {} s", whole / 60, whole % 60),
        _ => format!("{} h {} min", whole / 3600, whole % 3600 / 60),
    }
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

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn numbers_for_people() {
        assert_eq!(grouped(1_234_567), "1_234_567");
        assert_eq!(grouped(12), "12");
        assert_eq!(counted(1, "job"), "1 job");
        assert_eq!(counted(0, "job"), "0 jobs");
        assert_eq!(duration(3.21), "3.2 s");
        assert_eq!(duration(119.4), "119 s");
        assert_eq!(duration(725.0), "12 min 5 s");
        assert_eq!(duration(12_000.0), "3 h 20 min");
        assert_eq!(rounded(950), "950");
        assert_eq!(rounded(1_050_000), "1.05M");
        assert_eq!(rounded(30_000_000_000), "30B");
        assert_eq!(rounded(999_424), "999k");
    }
}
