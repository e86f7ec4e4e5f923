//! Inference: the bits of a sequence are its own, whatever it is computed with; and they are the
//! training forward's up to rounding.

mod common;

use common::{advance, model, run, tokens};
use proptest::prelude::*;
use vpc_train::{
    Batch, Continuation, End, Generated, Generation, Inference, InferenceError, Model, ModelConfig,
    Options, Request, Sampling, Score, Trainer, with_threads,
};

fn trained(config: &ModelConfig, steps: u64) -> Model {
    let config = run(config.clone());
    let mut trainer = Trainer::new(&config).expect("a sound configuration");
    advance(&mut trainer, &config, steps);
    trainer.model().clone()
}

/// Texts of many lengths, from 2 tokens to the context and one more.
fn texts(config: &ModelConfig, count: usize) -> Vec<Vec<u32>> {
    let longest = config.context + 1;
    let length = |item: usize| 2 + (item * item * 7 + item * 5) % (longest - 1);
    (0..count)
        .map(|item| {
            let (mut inputs, targets) = tokens(config, 1, length(item) - 1, item as u64);
            inputs.extend(targets.last());
            inputs
        })
        .collect()
}

/// Cuts each text into a prompt and what is scored.
fn items(texts: &[Vec<u32>]) -> Vec<Continuation<'_>> {
    texts
        .iter()
        .enumerate()
        .map(|(at, text)| {
            let (prompt, continuation) = text.split_at(1 + at % (text.len() - 1));
            Continuation {
                prompt,
                continuation,
            }
        })
        .collect()
}

fn bits(scores: &[Score]) -> Vec<(Vec<u64>, bool)> {
    let bits = |score: &Score| {
        score
            .log_likelihoods
            .iter()
            .map(|one| one.to_bits())
            .collect()
    };
    scores
        .iter()
        .map(|one| (bits(one), one.is_greedy))
        .collect()
}

fn float_bits(values: &[f32]) -> Vec<u32> {
    values.iter().map(|value| value.to_bits()).collect()
}

fn on<R: Send>(threads: usize, work: impl FnOnce() -> R + Send) -> R {
    with_threads(threads, work).expect("a small pool can be built")
}

/// Scores, logits and generated texts of each item alone on one thread, against every other way.
fn check_bits(config: &ModelConfig, model: &Model) {
    let inference = Inference::new(model);
    let texts = texts(config, 9);
    let items = items(&texts);
    let alone: Vec<Score> = on(1, || {
        let one = |item: &Continuation| inference.score(&[*item], 1).expect("a sound item");
        items.iter().flat_map(one).collect()
    });
    for (batch, threads) in [(1, 3), (2, 1), (4, 2), (9, 3), (100, 1)] {
        let together = on(threads, || {
            inference.score(&items, batch).expect("sound items")
        });
        assert_eq!(
            bits(&alone),
            bits(&together),
            "batch {batch}, {threads} threads"
        );
    }
    check_cache(&inference, &texts);
    check_generated(&inference, &texts);
    check_forward(model, &items, &alone);
}

/// Reading at once, token by token, and in pieces, alone and together.
fn check_cache(inference: &Inference, texts: &[Vec<u32>]) {
    let context = inference.model().config().context;
    let texts: Vec<&[u32]> = texts
        .iter()
        .map(|text| &text[..text.len().min(context)])
        .collect();
    let mut caches: Vec<_> = texts
        .iter()
        .map(|text| inference.sequence(text.len()))
        .collect();
    let together = inference.extend(&mut caches, &texts).expect("sound texts");
    let vocabulary = inference.model().config().vocabulary;
    for (text, together) in texts.iter().zip(together.chunks(vocabulary)) {
        for piece in [1, 3, 40] {
            let mut cache = [inference.sequence(text.len())];
            let mut last = Vec::new();
            for part in text.chunks(piece) {
                last = on(2, || {
                    inference.extend(&mut cache, &[part]).expect("a sound text")
                });
            }
            assert_eq!(cache[0].read(), text.len());
            assert!(
                float_bits(&last) == float_bits(together),
                "{} tokens in pieces of {piece}",
                text.len()
            );
        }
    }
}

/// Greedy and sampled texts at several batch sizes and in another order.
fn check_generated(inference: &Inference, texts: &[Vec<u32>]) {
    let config = inference.model().config();
    let most = config.context.div_ceil(2);
    let sampled = Sampling::Random {
        temperature: 0.9,
        top_k: Some(1 + config.vocabulary / 2),
        top_p: Some(0.95),
        seed: 7,
    };
    let mut requests: Vec<Request> = texts
        .iter()
        .zip(100..)
        .map(|(text, id)| Request {
            id,
            prompt: &text[..text.len().min(config.context + 1 - most)],
        })
        .collect();
    for sampling in [Sampling::Greedy, sampled] {
        let how = |batch| Generation {
            sampling: sampling.clone(),
            most,
            stop: vec![0, 3],
            batch,
        };
        let alone: Vec<Generated> = on(1, || {
            let one = |request: &Request| {
                let done = inference.generate(&[*request], &how(1));
                done.expect("a sound request").remove(0)
            };
            requests.iter().map(one).collect()
        });
        for (batch, threads) in [(1, 2), (2, 3), (4, 1), (50, 2)] {
            let together = on(threads, || inference.generate(&requests, &how(batch)));
            assert_eq!(together.expect("sound requests"), alone);
        }
        requests.reverse();
        let mut back = inference
            .generate(&requests, &how(3))
            .expect("sound requests");
        requests.reverse();
        back.reverse();
        assert_eq!(back, alone);
    }
}

/// The training forward gives the same losses up to rounding.
fn check_forward(model: &Model, items: &[Continuation], scores: &[Score]) {
    for (item, score) in items.iter().zip(scores) {
        let text = [item.prompt, item.continuation].concat();
        let (inputs, targets) = (&text[..text.len() - 1], &text[1..]);
        let (length, first) = (inputs.len(), item.prompt.len() - 1);
        let part = |length: usize| {
            let (inputs, targets) = (&inputs[..length], &targets[..length]);
            let batch = Batch {
                inputs,
                targets,
                length,
            };
            model.negative_log_likelihood(&batch).expect("a sound row")
        };
        let exact = part(length) - if first == 0 { 0.0 } else { part(first) };
        let error = (score.total() + exact).abs();
        assert!(
            error < 2e-5 * exact.abs().max(1.0),
            "{} is not −{exact}",
            score.total()
        );
    }
}

#[test]
fn bits_are_a_sequences_own() {
    let tied = ModelConfig {
        tied: true,
        ..model()
    };
    let wide = ModelConfig {
        width: 144,
        heads: 2,
        kv_heads: 1,
        hidden: 344,
        vocabulary: 1024,
        rope_base: 500_000.0,
        ..model()
    };
    for config in [model(), tied, wide] {
        check_bits(&config, &trained(&config, 12));
    }
}

#[test]
fn more_tokens_than_one_pass_holds() {
    let config = ModelConfig {
        layers: 1,
        context: 700,
        ..model()
    };
    let model = trained(&config, 0);
    let inference = Inference::new(&model);
    let (inputs, targets) = tokens(&config, 1, 700, 1);
    let texts: Vec<Vec<u32>> = (0..3).map(|at| inputs[at * 9..].to_vec()).collect();
    let items: Vec<Continuation> = texts
        .iter()
        .map(|text| Continuation {
            prompt: &text[..5],
            continuation: &text[5..],
        })
        .collect();
    let together = inference.score(&items, 3).expect("sound items");
    for (item, score) in items.iter().zip(&together) {
        let alone = inference.score(&[*item], 1).expect("a sound item");
        assert_eq!(bits(&alone), bits(std::slice::from_ref(score)));
    }
    check_forward(&model, &items, &together);
    assert_eq!(targets.len(), 700);
}

#[test]
fn options_after_one_prompt_are_scored_like_continuations() {
    let config = model();
    let inference = Inference::new(&trained(&config, 40));
    let texts = texts(&config, 7);
    // Options of different lengths, in another order for each question, and no option at all.
    let lists: [&[&[u32]]; 4] = [
        &[&[1, 2, 3], &[4], &[1, 2, 3]],
        &[&[5], &[6, 7], &[8, 9, 10, 11], &[2]],
        &[],
        &[&[3, 1]],
    ];
    let questions: Vec<Options> = texts
        .iter()
        .zip(lists.iter().cycle())
        .map(|(text, options)| Options {
            prompt: &text[..text.len().min(config.context - 4)],
            options,
        })
        .collect();
    let one_by_one = questions.iter().map(|question| {
        let scores = question.options.iter().map(|continuation| {
            let item = Continuation {
                prompt: question.prompt,
                continuation,
            };
            let score = inference.score(&[item], 1).expect("a sound item");
            score[0].log_likelihoods.clone()
        });
        scores.collect()
    });
    let one_by_one: Vec<Vec<Vec<f64>>> = one_by_one.collect();
    for (batch, threads) in [(1, 1), (3, 2), (100, 3)] {
        let scores = on(threads, || inference.score_options(&questions, batch));
        assert_eq!(scores.expect("sound questions"), one_by_one);
    }
    let long = vec![1; config.context];
    let refused = |prompt, options| {
        let asked = [questions[0], Options { prompt, options }];
        inference.score_options(&asked, 8).expect_err("unsound")
    };
    assert_eq!(refused(&[], &[&[1]]), InferenceError::NoPrompt { item: 1 });
    assert_eq!(
        refused(&[1], &[&[1], &[]]),
        InferenceError::NoContinuation { item: 1 }
    );
    assert!(matches!(
        refused(&long, &[&[1], &[1, 1]]),
        InferenceError::TooLong { item: 1, .. }
    ));
    assert!(matches!(
        refused(&[1], &[&[1_000_000]]),
        InferenceError::Token { item: 1, .. }
    ));
}

#[test]
fn greedy_generation_is_the_likeliest_token_each_time() {
    let config = model();
    let inference = Inference::new(&trained(&config, 40));
    let how = |stop: &[u32], most| Generation {
        sampling: Sampling::Greedy,
        most,
        stop: stop.to_vec(),
        batch: 4,
    };
    let mut text = vec![7, 8, 9];
    let request = Request {
        id: 0,
        prompt: &text.clone(),
    };
    for _ in 0..20 {
        let mut cache = [inference.sequence(text.len())];
        let logits = inference
            .extend(&mut cache, &[&text])
            .expect("a sound text");
        let likeliest =
            (0..logits.len()).fold(
                0,
                |best, at| if logits[at] > logits[best] { at } else { best },
            );
        text.push(likeliest as u32);
    }
    let generate = |how| {
        inference
            .generate(&[request], &how)
            .expect("a sound request")
            .remove(0)
    };
    let all = generate(how(&[], 20));
    assert_eq!((&all.tokens[..], all.end), (&text[3..], End::Length));
    let score = inference.score(
        &[Continuation {
            prompt: request.prompt,
            continuation: &all.tokens,
        }],
        1,
    );
    assert!(score.expect("a sound item")[0].is_greedy);
    let stop = all.tokens[12];
    let first = all
        .tokens
        .iter()
        .position(|token| *token == stop)
        .expect("it is there");
    let stopped = generate(how(&[stop], 20));
    assert_eq!(stopped.tokens, all.tokens[..first]);
    assert_eq!(stopped.end, End::Stop(stop));
    assert_eq!(generate(how(&[], 0)).tokens, [0; 0]);
    // As long as the context: the last token need not be read.
    assert_eq!(
        generate(how(&[], config.context - 2)).tokens.len(),
        config.context - 2
    );
}

#[test]
fn what_cannot_be_read_is_refused() {
    let config = model();
    let inference = Inference::new(&trained(&config, 0));
    let long = vec![1; config.context];
    let score = |prompt: &[u32], continuation: &[u32]| {
        let sound = Continuation {
            prompt: &[1],
            continuation: &[2],
        };
        let item = Continuation {
            prompt,
            continuation,
        };
        inference.score(&[sound, item], 8).map(drop)
    };
    assert_eq!(score(&[], &[1]), Err(InferenceError::NoPrompt { item: 1 }));
    assert_eq!(
        score(&[1], &[]),
        Err(InferenceError::NoContinuation { item: 1 })
    );
    assert_eq!(score(&long, &[1]), Ok(()));
    let too_long = score(&long, &[1, 1]).expect_err("too long").to_string();
    assert_eq!(
        too_long,
        "item 1 asks the model to read 71 tokens, and its context is 70; shorten the prompt or generate less"
    );
    assert!(matches!(
        score(&[301], &[1]),
        Err(InferenceError::Token { token: 301, .. })
    ));
    assert!(matches!(
        score(&[1], &[1, u32::MAX]),
        Err(InferenceError::Token { .. })
    ));
    let generate = |ids: [u64; 2], most| {
        let requests = ids.map(|id| Request {
            id,
            prompt: &long[..3],
        });
        let how = Generation {
            sampling: Sampling::Greedy,
            most,
            stop: Vec::new(),
            batch: 0,
        };
        inference.generate(&requests, &how).map(|done| done.len())
    };
    assert_eq!(generate([1, 2], 3), Ok(2));
    assert_eq!(generate([1, 1], 3), Err(InferenceError::SameId(1)));
    assert!(matches!(
        generate([1, 2], 69),
        Err(InferenceError::TooLong { tokens: 71, .. })
    ));
    assert!(matches!(
        generate([1, 2], usize::MAX),
        Err(InferenceError::TooLong { .. })
    ));
    let mut cache = [inference.sequence(2)];
    assert!(inference.extend(&mut cache, &[&[1, 2, 3]]).is_err());
    assert!(inference.extend(&mut cache, &[&[]]).is_err());
    assert!(inference.extend(&mut cache, &[]).is_err());
    assert!(inference.extend(&mut cache, &[&[1, 2]]).is_ok());
    assert!(inference.extend(&mut cache, &[&[1]]).is_err());
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 10, failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn any_shape_is_a_sequences_own(
        half in 1..20_usize,
        keys in 1..4_usize,
        group in 1..5_usize,
        hidden in 1..90_usize,
        context in 1..80_usize,
        vocabulary in 2..600_usize,
        tied: bool,
    ) {
        let heads = keys * group;
        let config = ModelConfig {
            layers: 2, width: 2 * half * heads, heads, kv_heads: keys, hidden, context, vocabulary,
            tied, ..model()
        };
        // Stop tokens may lie outside a small vocabulary: they never come.
        check_bits(&config, &trained(&config, 0));
    }
}
