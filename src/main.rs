//! The `vpc` command: controlled pre-training studies, planned and run.

mod check;
mod command;
mod exit;
mod explain;
mod fmt;
mod library;
mod output;
mod plan;
mod progress;
mod run;
mod show;
mod signals;
mod study;

use std::process::ExitCode;

use clap::Parser;

use command::{Command, Vpc};

fn main() -> ExitCode {
    let status = match Vpc::parse().command {
        Command::Check(options) => check::check(&options),
        Command::Plan(options) => plan::plan(&options),
        Command::Run(options) => run::run(&options),
        Command::Show(options) => show::show(&options),
        Command::Fmt(options) => fmt::fmt(&options),
        Command::Explain(options) => explain::explain(&options),
    };
    ExitCode::from(status.code())
}
