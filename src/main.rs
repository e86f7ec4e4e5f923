//! The `vpc` command: controlled pre-training studies, planned and run.

mod adopt;
mod ask;
mod build;
mod calibrate;
mod changes;
mod check;
mod command;
mod compare;
mod complete;
mod cost;
mod data;
mod devices;
mod doctor;
mod exit;
mod explain;
mod export;
mod fmt;
mod gpus;
mod graph;
mod library;
mod lock;
mod locked;
mod log;
mod memory;
mod output;
mod plan;
mod progress;
mod records;
mod refusal;
mod results;
mod roots;
mod run;
mod saved;
mod show;
mod signals;
mod store;
mod study;
mod time;
mod why;

use std::process::ExitCode;

use clap::{CommandFactory, Parser};
use clap_complete::CompleteEnv;

use command::{Command, Vpc};

fn main() -> ExitCode {
    // Answers a shell that completes a command line, and ends; else looks at one variable.
    CompleteEnv::with_factory(Vpc::command).complete();
    let command = match Vpc::try_parse() {
        Ok(told) => told.command,
        Err(problem) => return refused(&problem),
    };
    if matches!(command, Command::Check(_) | Command::Plan(_)) {
        memory::large_pages();
    }
    let status = match command {
        Command::Check(options) => check::check(&options),
        Command::Plan(options) => plan::plan(&options),
        Command::Run(options) => run::run(&options),
        Command::Graph(options) => graph::graph(&options),
        Command::Show(options) => show::show(&options),
        Command::Compare(options) => compare::compare(&options),
        Command::Why(options) => why::why(&options),
        Command::Lock(options) => lock::lock(&options),
        Command::Adopt(options) => adopt::adopt(&options),
        Command::Export(options) => export::export(&options),
        Command::Ask(options) => ask::ask(&options),
        Command::Log(options) => log::log(&options),
        Command::Data(command) => data::data(&command),
        Command::Store(command) => store::store(&command),
        Command::Calibrate(options) => calibrate::calibrate(&options),
        Command::Doctor(options) => doctor::doctor(&options),
        Command::Fmt(options) => fmt::fmt(&options),
        Command::Explain(options) => explain::explain(&options),
    };
    ExitCode::from(status.code())
}

/// Tells what is wrong with the command line, or what was asked of it, such as its help.
fn refused(problem: &clap::Error) -> ExitCode {
    _ = problem.print();
    match problem.exit_code() {
        // With the detailed status, 2 has a meaning of its own.
        2 if std::env::args_os().any(|word| word == plan::DETAILED) => ExitCode::from(1),
        code => ExitCode::from(code as u8),
    }
}
