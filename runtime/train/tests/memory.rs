//! Recomputed activations: the same bits for less memory, counted at the allocator.
//!
//! One test, since the count is of the whole process.
#![expect(unsafe_code, reason = "an allocator that counts")]

mod common;

use std::alloc::{GlobalAlloc, Layout, System};
use std::io::Write;
use std::sync::atomic::{AtomicUsize, Ordering};

use common::{advance, files, model, run};
use vpc_train::{Activations, ModelConfig, TrainConfig, Trainer, with_threads};

static HELD: AtomicUsize = AtomicUsize::new(0);
static PEAK: AtomicUsize = AtomicUsize::new(0);

/// The system's allocator, with a count of the bytes that are held.
struct Counting;

// SAFETY: all memory is the system allocator's; counting touches none of it. Reallocation and zeroed
// allocation are the trait's own, which call these two.
unsafe impl GlobalAlloc for Counting {
    unsafe fn alloc(&self, layout: Layout) -> *mut u8 {
        let held = HELD.fetch_add(layout.size(), Ordering::Relaxed) + layout.size();
        PEAK.fetch_max(held, Ordering::Relaxed);
        // SAFETY: the caller keeps the contract of `alloc`, which is the same.
        unsafe { System.alloc(layout) }
    }

    unsafe fn dealloc(&self, pointer: *mut u8, layout: Layout) {
        HELD.fetch_sub(layout.size(), Ordering::Relaxed);
        // SAFETY: as above; `pointer` came from `System.alloc` with this layout.
        unsafe { System.dealloc(pointer, layout) }
    }
}

#[global_allocator]
static ALLOCATOR: Counting = Counting;

/// Results of some steps, and the most bytes that a step held beyond what was there before it.
fn train(
    config: &TrainConfig,
    activations: Activations,
    threads: usize,
) -> ((Vec<u8>, Vec<u8>), usize) {
    with_threads(threads, || {
        let mut trainer = Trainer::new(config).expect("a sound configuration");
        trainer.set_activations(activations);
        let before = HELD.load(Ordering::Relaxed);
        PEAK.store(before, Ordering::Relaxed);
        advance(&mut trainer, config, 2);
        let peak = PEAK.load(Ordering::Relaxed) - before;
        (files(&trainer), peak)
    })
    .expect("a small pool can be built")
}

#[test]
fn recomputing_gives_the_same_bits_for_less_memory() {
    // Blocks outweigh the loss, as in any model that needs this.
    let shape = ModelConfig {
        layers: 8,
        width: 96,
        hidden: 256,
        context: 128,
        ..model()
    };
    for tied in [false, true] {
        // 3 rows are one shard of work, 32 are eight on as many threads as there are.
        for (batch, threads) in [(3, 1), (3, 3), (32, 1), (32, 3)] {
            let model = ModelConfig {
                tied,
                ..shape.clone()
            };
            let config = TrainConfig {
                batch,
                ..run(model)
            };
            let (kept, most) = train(&config, Activations::Kept, threads);
            let (recomputed, least) = train(&config, Activations::Recomputed, threads);
            assert!(
                kept == recomputed,
                "tied {tied}, {batch} rows, {threads} threads"
            );
            _ = writeln!(
                std::io::stderr(),
                "tied {tied}, {batch} rows, {threads} threads: {most} bytes kept, {least} recomputed"
            );
            if threads == 1 && batch == 3 {
                assert!(least * 2 < most, "{least} bytes recomputed, {most} kept");
            }
        }
    }
}
