//! `vpc ask`: a question to a finished model.

use std::thread::available_parallelism;

use serde_json::json;
use vpc_engine::{AskError, Asked, Reply, ask as answer};
use vpc_store::Manifest;

use crate::command::AskOptions;
use crate::exit::Status;
use crate::output::{columns, say, say_json, tell};
use crate::show::{failed, kept, looked};

pub(crate) fn ask(options: &AskOptions) -> Status {
    asked(options).err().unwrap_or(Status::Ok)
}

fn asked(options: &AskOptions) -> Result<(), Status> {
    let store = looked(options.store.as_ref())?;
    let job = kept(&store, &options.job)?;
    let choice: Vec<String> = options
        .options
        .iter()
        .map(|option| option.trim().to_owned())
        .collect();
    let asked = Asked {
        question: &options.question,
        options: &choice,
        picture: options.image.as_deref(),
        threads: available_parallelism().map_or(1, usize::from),
    };
    match answer(&store, &job, &asked) {
        Ok(reply) if options.shape.is_json() => say_json(as_json(&job, options, &reply)),
        Ok(reply) => say(as_text(&reply)),
        Err(AskError::Store(error)) => return Err(failed(&error)),
        Err(error) => {
            tell(format_args!("error: {error}"));
            return Err(match error {
                AskError::Threads(_) => Status::Environment,
                _ => Status::Problems,
            });
        }
    }
    Ok(())
}

/// The answer; with options, all of them under it.
fn as_text(reply: &Reply) -> String {
    if reply.options.is_empty() {
        return reply.answer.clone();
    }
    let rows = reply.options.iter().map(|scored| {
        vec![
            scored.option.clone(),
            format!("{:.4}", scored.log_likelihood),
            format!("{:.4}", by_the_byte(scored.log_likelihood, scored.bytes)),
        ]
    });
    let table = columns(&["option", "log p", "per byte"], rows.collect(), 1);
    format!("{}\n\n{table}", reply.answer)
}

fn as_json(job: &Manifest, options: &AskOptions, reply: &Reply) -> serde_json::Value {
    let scored = reply.options.iter().map(|scored| {
        json!({
            "option": scored.option,
            "log_likelihood": scored.log_likelihood,
            "bytes": scored.bytes,
        })
    });
    json!({
        "schema": 1,
        "job": job.labels.first(),
        "key": job.key.to_string(),
        "question": options.question,
        "image": options.image,
        "prompt": reply.prompt,
        "visual_tokens": reply.visual_tokens,
        "answer": reply.answer,
        "options": scored.collect::<Vec<_>>(),
    })
}

/// What options are compared by.
fn by_the_byte(log_likelihood: f64, bytes: u64) -> f64 {
    log_likelihood / bytes.max(1) as f64
}
