//! Inference on a Hugging Face folder, for comparison with another library.
//!
//! `inference answer FOLDER REQUESTS THREADS`: REQUESTS is a JSON file, `{"logits": [[token, …], …],
//! "score": [[prompt, continuation], …], "greedy": [[token, …], …], "most": n, "stop": [token, …],
//! "batch": n}`. Prints a JSON object: for each text the logits after its last token, for each layer the
//! texts' representations by both ways of pooling, for each pair the log-likelihoods, for each prompt the new tokens. `inference convert FOLDER OUT BYTES` reads a
//! folder and writes it anew, in shards of at most BYTES. `inference bench FOLDER THREADS SECONDS`
//! prints the best and the mean tokens per second of processor time of reading (8 texts as long as the context), and
//! of generating with 1 and with 8 sequences at a time.

use std::error::Error;
use std::fs;
use std::path::Path;
use std::time::{Duration, Instant};

use serde::Deserialize;
use vpc_train::huggingface::{CONFIG, Pretrained};
use vpc_train::{
    Continuation, Generation, Inference, Model, Pooling, Request, Sampling, with_threads,
};

#[derive(Deserialize)]
struct Requests {
    logits: Vec<Vec<u32>>,
    score: Vec<[Vec<u32>; 2]>,
    greedy: Vec<Vec<u32>>,
    most: usize,
    stop: Vec<u32>,
    batch: usize,
}

fn main() -> Result<(), Box<dyn Error>> {
    let arguments: Vec<String> = std::env::args().skip(1).collect();
    let arguments: Vec<&str> = arguments.iter().map(String::as_str).collect();
    match arguments[..] {
        ["answer", folder, requests, threads] => with_threads(threads.parse()?, || {
            answer(Path::new(folder), Path::new(requests)).map_err(|error| error.to_string())
        })??,
        ["convert", folder, out, bytes] => {
            convert(Path::new(folder), Path::new(out), bytes.parse()?)?;
        }
        ["bench", folder, threads, seconds] => {
            let seconds = Duration::from_secs_f64(seconds.parse()?);
            with_threads(threads.parse()?, || {
                bench(Path::new(folder), seconds).map_err(|error| error.to_string())
            })??;
        }
        _ => return Err("usage: see the first lines of this example".into()),
    }
    Ok(())
}

#[expect(clippy::print_stdout, reason = "the answer")]
fn answer(folder: &Path, requests: &Path) -> Result<(), Box<dyn Error>> {
    let asked: Requests = serde_json::from_slice(&fs::read(requests)?)?;
    let inference = Inference::new(&Pretrained::read(folder)?.model);
    let texts: Vec<&[u32]> = asked.logits.iter().map(Vec::as_slice).collect();
    let mut caches: Vec<_> = texts
        .iter()
        .map(|text| inference.sequence(text.len()))
        .collect();
    let logits = inference.extend(&mut caches, &texts)?;
    let mean = inference.representations(&texts, Pooling::Mean)?;
    let last = inference.representations(&texts, Pooling::Last)?;
    let vocabulary = inference.model().config().vocabulary;
    let items: Vec<Continuation> = asked
        .score
        .iter()
        .map(|[prompt, continuation]| Continuation {
            prompt,
            continuation,
        })
        .collect();
    let scores = inference.score(&items, asked.batch)?;
    let prompts: Vec<Request> = asked
        .greedy
        .iter()
        .zip(0..)
        .map(|(prompt, id)| Request { id, prompt })
        .collect();
    let how = Generation {
        sampling: Sampling::Greedy,
        most: asked.most,
        stop: asked.stop,
        batch: asked.batch,
    };
    let generated = inference.generate(&prompts, &how)?;
    let answer = serde_json::json!({
        "logits": logits.chunks(vocabulary).collect::<Vec<_>>(),
        "mean": mean,
        "last": last,
        "score": scores.iter().map(|score| &score.log_likelihoods).collect::<Vec<_>>(),
        "is_greedy": scores.iter().map(|score| score.is_greedy).collect::<Vec<_>>(),
        "greedy": generated.iter().map(|one| &one.tokens).collect::<Vec<_>>(),
    });
    println!("{answer}");
    Ok(())
}

fn convert(folder: &Path, out: &Path, most: u64) -> Result<(), Box<dyn Error>> {
    let read = Pretrained::read(folder)?;
    fs::create_dir_all(out)?;
    fs::write(out.join(CONFIG), Model::config_json(read.model.config()))?;
    for file in read.model.weight_files(most) {
        file.write(&mut fs::File::create(out.join(file.name()))?)?;
    }
    Ok(())
}

/// Seconds of processor time that this process has used, on all its threads.
fn processor() -> Result<f64, Box<dyn Error>> {
    /// Of `/proc`, on every Linux of today.
    const TICKS: f64 = 100.0;
    let text = fs::read_to_string("/proc/self/stat")?;
    let fields = text.rsplit(')').next().unwrap_or_default();
    let ticks = fields.split_whitespace().skip(11).take(2);
    let ticks: Vec<f64> = ticks.map(str::parse).collect::<Result<_, _>>()?;
    Ok(ticks.iter().sum::<f64>() / TICKS)
}

/// Best tokens per second on the clock, and mean per second of processor time, of `work`, which
/// tells how many tokens it was.
#[expect(clippy::print_stdout, reason = "the measurement")]
fn time(
    what: &str,
    seconds: Duration,
    mut work: impl FnMut() -> Result<usize, Box<dyn Error>>,
) -> Result<(), Box<dyn Error>> {
    work()?;
    let (begun, used) = (Instant::now(), processor()?);
    let (mut best, mut total) = (0.0_f64, 0);
    while begun.elapsed() < seconds || total == 0 {
        let begun = Instant::now();
        let tokens = work()?;
        best = best.max(tokens as f64 / begun.elapsed().as_secs_f64());
        total += tokens;
    }
    let mean = total as f64 / (processor()? - used).max(0.01);
    println!("{what} {best:.1} {mean:.1}");
    Ok(())
}

fn bench(folder: &Path, seconds: Duration) -> Result<(), Box<dyn Error>> {
    vpc_train::keep_freed_memory();
    let inference = Inference::new(&Pretrained::read(folder)?.model);
    let config = inference.model().config();
    let token = |at: usize| (at * 7919 % config.vocabulary) as u32;
    let texts: Vec<Vec<u32>> = (0..8)
        .map(|text| {
            (0..=config.context)
                .map(|at| token(at + text * 31))
                .collect()
        })
        .collect();
    time("score", seconds, || {
        let items = texts.iter().map(|text| Continuation {
            prompt: &text[..1],
            continuation: &text[1..],
        });
        inference.score(&items.collect::<Vec<_>>(), 8)?;
        Ok(8 * config.context)
    })?;
    for batch in [1, 8] {
        let most = config.context / 2;
        let requests: Vec<Request> = (0..batch)
            .map(|id| Request {
                id,
                prompt: &texts[id as usize][..config.context / 4],
            })
            .collect();
        let how = Generation {
            sampling: Sampling::Greedy,
            most,
            stop: Vec::new(),
            batch: requests.len(),
        };
        time(&format!("generate-{batch}"), seconds, || {
            inference.generate(&requests, &how)?;
            Ok(requests.len() * most)
        })?;
    }
    Ok(())
}
