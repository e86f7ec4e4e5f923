//! Every kernel for GPUs runs here without one: compiled for the CPU, on a machine of threads that
//! take turns, with each access to memory watched.
//!
//! Needs a C++ compiler; without one the tests say that they were skipped.

#[path = "../../examples/gpu_check/build.rs"]
mod build;
#[path = "../../examples/gpu_check/cache.rs"]
mod cache;
#[path = "../../examples/gpu_check/case.rs"]
#[allow(dead_code, reason = "the example prints what it finds")]
mod case;
#[path = "../../examples/gpu_check/cases.rs"]
#[allow(dead_code, reason = "the example takes all at once")]
mod cases;
#[path = "../common/mod.rs"]
mod common;
mod device;
mod hopper;
mod kernels;
mod library;
mod mutations;
mod products;
#[path = "../../examples/gpu_check/sight.rs"]
mod sight;
mod training;
