//! `vpc explain`: what a problem's code means, with an example and its correction.

use vpc_compiler::explain::{PAGES, nearest, page};

use crate::command::ExplainOptions;
use crate::exit::Status;
use crate::output::{say, tell};

pub(crate) fn explain(options: &ExplainOptions) -> Status {
    let Some(code) = &options.code else {
        for page in PAGES {
            say(format_args!("{}  {}", page.code, page.title()));
        }
        return Status::Ok;
    };
    if let Some(page) = page(code) {
        say(page.text.trim_end());
        return Status::Ok;
    }
    tell(format_args!("error: there is no problem `{code}`"));
    match nearest(code) {
        Some(near) => tell(format_args!("help: did you mean `{near}`?")),
        None => tell("help: `vpc explain` lists all codes"),
    }
    Status::Use
}
