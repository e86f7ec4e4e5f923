//! `vpc fmt`: `.vp` files in their one layout.

use std::fs;
use std::io::{self, Read, Write};
use std::path::Path;

use similar::TextDiff;
use vpc_compiler::grammar::{self, Colour, Problems, Sources, render};

use crate::command::FmtOptions;
use crate::exit::Status;
use crate::output::{colour, counted, say, tell, tell_rendered};

pub(crate) fn fmt(options: &FmtOptions) -> Status {
    let mut worst = Status::Ok;
    for file in &options.files {
        let done = if file.as_os_str() == "-" {
            stream(options.check)
        } else {
            in_place(file, options.check)
        };
        if let Err(status) = done
            && status.code() > worst.code()
        {
            worst = status;
        }
    }
    worst
}

/// From standard input to standard output.
fn stream(check: bool) -> Result<(), Status> {
    let mut bytes = Vec::new();
    let read = io::stdin().lock().read_to_end(&mut bytes);
    read.map_err(|error| environment("standard input cannot be read", &error))?;
    let text = utf8("standard input", bytes)?;
    let new = formatted("<stdin>", &text)?;
    if check {
        return compare("<stdin>", &text, &new);
    }
    match io::stdout().lock().write_all(new.as_bytes()) {
        Err(error) if error.kind() != io::ErrorKind::BrokenPipe => {
            Err(environment("standard output cannot be written", &error))
        }
        _ => Ok(()),
    }
}

fn in_place(file: &Path, check: bool) -> Result<(), Status> {
    let name = file.display().to_string();
    let bytes = fs::read(file).map_err(|error| match error.kind() {
        io::ErrorKind::NotFound => {
            tell(format_args!(
                "error: there is no file `{name}`; check the spelling of the path"
            ));
            Status::Use
        }
        io::ErrorKind::IsADirectory => {
            tell(format_args!(
                "error: `{name}` is a folder; name `.vp` files in it"
            ));
            Status::Use
        }
        _ => environment(&format!("`{name}` cannot be read"), &error),
    })?;
    let text = utf8(&name, bytes)?;
    let new = formatted(&name, &text)?;
    if check {
        compare(&name, &text, &new)
    } else if new == text {
        Ok(())
    } else {
        replace(file, &new)
            .map_err(|error| environment(&format!("`{name}` cannot be written"), &error))
    }
}

fn environment(what: &str, error: &io::Error) -> Status {
    tell(format_args!("error: {what}: {error}"));
    Status::Environment
}

fn utf8(name: &str, bytes: Vec<u8>) -> Result<String, Status> {
    String::from_utf8(bytes).map_err(|error| {
        let at = error.utf8_error().valid_up_to();
        tell(format_args!(
            "error: `{name}` is not UTF-8 (byte {at} starts no character); save it as UTF-8"
        ));
        Status::Use
    })
}

/// The text in its layout, without a byte order mark; problems are told.
fn formatted(name: &str, text: &str) -> Result<String, Status> {
    let text = text.strip_prefix('\u{feff}').unwrap_or(text);
    let mut sources = Sources::default();
    let id = sources.add(name, text);
    let formatted = sources.get(id).map(grammar::format);
    formatted
        .unwrap_or_else(|| Ok(String::new()))
        .map_err(|problems| {
            refuse(name, &problems, &sources);
            Status::Problems
        })
}

fn refuse(name: &str, problems: &Problems, sources: &Sources) {
    let colour = if colour() {
        Colour::Always
    } else {
        Colour::Never
    };
    for problem in problems {
        tell_rendered(&format!("{}\n", render(problem, sources, colour)));
    }
    let errors = counted(problems.len(), "error");
    tell(format_args!("{name}: {errors}; not formatted"));
}

/// Shows what would change.
fn compare(name: &str, old: &str, new: &str) -> Result<(), Status> {
    if old == new {
        return Ok(());
    }
    let diff = TextDiff::from_lines(old, new);
    let new_name = format!("{name} (formatted)");
    let shown = diff.unified_diff().header(name, &new_name).to_string();
    say(shown.trim_end_matches('\n'));
    Err(Status::Problems)
}

/// Puts a new text in the place of a file at once, with the file's permissions.
fn replace(file: &Path, text: &str) -> io::Result<()> {
    // Where the path is a link, the file it leads to is the one to replace.
    let file = file.canonicalize()?;
    let permissions = fs::metadata(&file)?.permissions();
    if permissions.readonly() {
        return Err(io::Error::new(
            io::ErrorKind::PermissionDenied,
            "it is read-only",
        ));
    }
    let folder = file.parent().unwrap_or(Path::new("."));
    let mut new = tempfile::Builder::new()
        .prefix(".vpc-fmt")
        .tempfile_in(folder)?;
    new.write_all(text.as_bytes())?;
    new.as_file().set_permissions(permissions)?;
    new.as_file().sync_all()?;
    new.persist(&file)?;
    Ok(())
}
