# Everyday tasks. `just` lists them.

[private]
default:
    @just --list

# Lints and formatting, as continuous integration checks them.
check:
    cargo fmt --all --check
    cargo clippy --workspace --all-targets -- -D warnings

# All tests of the short tier. `VPC_TIER=nightly just test` runs the long one.
test:
    cargo nextest run --workspace
    cargo test --workspace --doc

# Fault tests by family, with their counts: `just faults`, or `just faults crash kills`.
faults *families:
    dev/faults {{ families }}

# Accept changed snapshots after reading them (needs cargo-insta).
accept:
    cargo insta review

# Write generated documents. With `--check` their tests compare instead.
gen *mode:
    {{ if mode == "--check" { "" } else { "VPC_GEN=write" } }} cargo test -p vpc-compiler --test reference --test editors
    {{ if mode == "--check" { "" } else { "VPC_GEN=write" } }} cargo test -p vpc --test golden

# Test the editor files (needs npm).
editors:
    grammar/editors/test.sh

# Benchmarks: `just bench train` against PyTorch, `just bench plan` against ninja and Snakemake, each in one interleaved run;
# `just bench stream` the sample stream beside NumPy, `just bench store` what checkpoints cost, `just bench suite` benchmarks
# with pictures against `transformers`.
bench what="train" *options:
    python3 dev/bench_{{ what }}.py {{ options }}

# On a machine with an NVIDIA GPU: check every kernel, compare evaluations with the processor's, then training with PyTorch (needs torch). Results go to target/gpu.
gpu *shapes="124M 340M 1B":
    cargo build --release -p vpc-device --example gpu_check --example gpu_read --example gpu_train
    mkdir -p target/gpu
    target/release/examples/gpu_check target/gpu
    target/release/examples/gpu_read
    OUT=target/gpu python3 dev/bench_gpu.py target/release/examples/gpu_train {{ shapes }} --parity S GQA-tied --curve 100

# All there is to measure on a machine with a GPU, within so many minutes; results go to target/gpu_all.
gpu-all minutes="30":
    cargo build --release -p vpc -p vpc-device --bins --example gpu_check --example gpu_read --example gpu_train
    dev/gpu.sh {{ minutes }}
