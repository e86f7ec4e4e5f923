//! What kernels achieve at large shapes, against what the GPU can do.

use std::time::Instant;

use vpc_device::cuda::Cuda;
use vpc_device::program::{AttentionShape, Command, Kind, Mask, Span};
use vpc_device::{Device, DeviceError};

const TOKENS: usize = 16_384;
const WIDTH: usize = 2048;
const HIDDEN: usize = 5632;
const VOCABULARY: usize = 32_000;
const LENGTH: usize = 2048;

/// Bytes that must be moved, or operations that must be done.
enum Work {
    Bytes(f64),
    Operations(f64),
}

struct Timed {
    name: String,
    command: Command,
    work: Work,
}

struct Room(usize);

impl Room {
    fn take(&mut self, len: usize, kind: Kind) -> Span {
        let at = self.0;
        self.0 = (at + len * kind.bytes()).next_multiple_of(256);
        Span { at, len, kind }
    }
}

/// Times those whose names contain `wanted`, prints a table, and returns its numbers.
pub(crate) fn table(gpu: &mut Cuda, wanted: &str) -> Result<Vec<serde_json::Value>, DeviceError> {
    let mut room = Room(0);
    let all = commands(&mut room);
    gpu.reserve(room.0)?;
    fill(gpu, room.0)?;
    println!("| kernel | time | achieved | of the ceiling |\n|---|---|---|---|");
    let mut ceilings = [f64::NAN; 2];
    let mut rows = Vec::new();
    let is_wanted =
        |timed: &&Timed| timed.name.contains(wanted) || timed.name.starts_with("ceiling");
    for timed in all.iter().filter(is_wanted) {
        let seconds = time(gpu, timed.command)?;
        let (rate, unit, which) = match timed.work {
            Work::Bytes(bytes) => (bytes / seconds / 1e9, "GB/s", 0),
            Work::Operations(operations) => (operations / seconds / 1e12, "TFLOP/s", 1),
        };
        if timed.name.starts_with("ceiling") {
            ceilings[which] = rate;
        }
        let share = rate / ceilings[which];
        println!(
            "| {} | {:.0} µs | {rate:.0} {unit} | {share:.2} |",
            timed.name,
            seconds * 1e6
        );
        rows.push(serde_json::json!({
            "kernel": timed.name, "seconds": seconds, "rate": rate, "unit": unit, "share": share,
        }));
    }
    Ok(rows)
}

/// Small random numbers everywhere: zeros run faster than data does.
fn fill(gpu: &mut Cuda, bytes: usize) -> Result<(), DeviceError> {
    const PIECE: usize = 64 << 20;
    let mut state = 88_172_645_463_325_252_u64;
    let piece: Vec<u8> = (0..PIECE / 2)
        .flat_map(|_| {
            state ^= state << 13;
            state ^= state >> 7;
            state ^= state << 17;
            // bf16 between a sixteenth and one, of either sign; as f32, about the same.
            let bits = (state >> 40) as u16;
            ((0x3d80 + bits % 0x0200) | (bits & 0x8000)).to_le_bytes()
        })
        .collect();
    for at in (0..bytes).step_by(PIECE) {
        let len = PIECE.min(bytes - at) / 4;
        let kind = Kind::U32;
        gpu.write(Span { at, len, kind }, &piece[..len * 4])?;
    }
    Ok(())
}

/// Seconds of one run, the median of several batches of runs.
fn time(gpu: &mut Cuda, command: Command) -> Result<f64, DeviceError> {
    const EACH: usize = 10;
    let graph = gpu.prepare(&[command; EACH])?;
    gpu.run(&graph)?;
    gpu.wait()?;
    let mut times = Vec::new();
    for _ in 0..9 {
        let start = Instant::now();
        gpu.run(&graph)?;
        gpu.wait()?;
        times.push(start.elapsed().as_secs_f64() / EACH as f64);
    }
    times.sort_by(f64::total_cmp);
    Ok(times[times.len() / 2])
}

fn product(
    room: &mut Room,
    name: &str,
    (m, n, k): (usize, usize, usize),
    form: (bool, bool, Kind),
) -> Timed {
    let (a_transposed, b_transposed, out) = form;
    Timed {
        name: format!("{name}, {m}×{n}×{k}"),
        command: Command::Gemm {
            out: room.take(m * n, out),
            a: room.take(m * k, Kind::Bf16),
            b: room.take(k * n, Kind::Bf16),
            m,
            n,
            k,
            a_transposed,
            b_transposed,
            plus: None,
        },
        work: Work::Operations(2.0 * (m * n * k) as f64),
    }
}

#[expect(clippy::too_many_lines, reason = "one command after the other")]
fn commands(room: &mut Room) -> Vec<Timed> {
    let bf16 = Kind::Bf16;
    let mut all = Vec::new();
    let (to, from) = (
        room.take(1 << 30, Kind::Bf16),
        room.take(1 << 30, Kind::Bf16),
    );
    all.push(Timed {
        name: "ceiling: copy of 2 GiB".to_owned(),
        command: Command::Copy { out: to, x: from },
        work: Work::Bytes(2.0 * (2_u64 << 30) as f64),
    });
    all.push(product(
        room,
        "ceiling: product",
        (8192, 8192, 8192),
        (false, true, bf16),
    ));
    all.push(product(
        room,
        "product, forward",
        (TOKENS, WIDTH, WIDTH),
        (false, true, bf16),
    ));
    all.push(product(
        room,
        "product, input gradient",
        (TOKENS, WIDTH, 2 * HIDDEN),
        (false, false, bf16),
    ));
    all.push(product(
        room,
        "product, weight gradient",
        (2 * HIDDEN, WIDTH, TOKENS),
        (true, false, Kind::F32),
    ));
    let n = TOKENS * WIDTH;
    let (x, y, z) = (room.take(n, bf16), room.take(n, bf16), room.take(n, bf16));
    let (gain, inverse) = (room.take(WIDTH, Kind::F32), room.take(TOKENS, Kind::F32));
    let bytes = |numbers: usize| Work::Bytes(2.0 * numbers as f64);
    all.push(Timed {
        name: "rms_norm".to_owned(),
        command: Command::RmsNorm {
            out: y,
            inverse,
            x,
            gain,
            width: WIDTH,
            eps: 1e-5,
        },
        work: bytes(2 * n),
    });
    all.push(Timed {
        name: "rms_norm_gradient".to_owned(),
        command: Command::RmsNormGradient {
            dx: z,
            dgain: room.take(WIDTH, Kind::F32),
            scratch: room.take(512 * WIDTH, Kind::F32),
            dy: y,
            x,
            inverse,
            gain,
            width: WIDTH,
            plus: Some(z),
            add: false,
        },
        work: bytes(4 * n),
    });
    let (gate_up, inner) = (
        room.take(2 * TOKENS * HIDDEN, bf16),
        room.take(TOKENS * HIDDEN, bf16),
    );
    all.push(Timed {
        name: "swiglu".to_owned(),
        command: Command::SwiGlu {
            out: inner,
            gate_up,
            hidden: HIDDEN,
        },
        work: bytes(3 * TOKENS * HIDDEN),
    });
    all.push(Timed {
        name: "swiglu_gradient".to_owned(),
        command: Command::SwiGluGradient {
            dgate_up: room.take(2 * TOKENS * HIDDEN, bf16),
            dout: inner,
            gate_up,
            hidden: HIDDEN,
        },
        work: bytes(5 * TOKENS * HIDDEN),
    });
    for (queries, keys, width) in [(32, 4, 64), (16, 16, 128)] {
        let row = (queries + 2 * keys) * width;
        let qkv = room.take(TOKENS * row, bf16);
        let out = room.take(TOKENS * queries * width, bf16);
        let log_sums = room.take(TOKENS * queries, Kind::F32);
        let shape = AttentionShape {
            sequences: TOKENS / LENGTH,
            length: LENGTH,
            queries,
            keys,
            width,
            mask: Mask::Causal,
        };
        // Two products forwards, five backwards, half of the square.
        let operations = 2.0 * (TOKENS * LENGTH * queries * width) as f64;
        let name = format!("{queries}/{keys} heads of {width}");
        all.push(Timed {
            name: format!("attention, {name}"),
            command: Command::Attention {
                out,
                log_sums,
                qkv,
                shape,
            },
            work: Work::Operations(operations),
        });
        all.push(Timed {
            name: format!("attention_gradient, {name}"),
            command: Command::AttentionGradient {
                dqkv: room.take(TOKENS * row, bf16),
                delta: room.take(TOKENS * queries, Kind::F32),
                dout: room.take(TOKENS * queries * width, bf16),
                qkv,
                out,
                log_sums,
                shape,
            },
            work: Work::Operations(2.5 * operations),
        });
        let angles = LENGTH * width / 2;
        all.push(Timed {
            name: format!("rope, {name}"),
            command: Command::Rope {
                x: qkv,
                cos: room.take(angles, Kind::F32),
                sin: room.take(angles, Kind::F32),
                row,
                heads: queries + keys,
                width,
                length: LENGTH,
                back: false,
            },
            work: bytes(2 * TOKENS * (queries + keys) * width),
        });
    }
    let rows = 4096;
    let logits = room.take(rows * VOCABULARY, bf16);
    // Zeros are tokens: the room of targets is filled with numbers that are none.
    let targets = room.take(rows, Kind::U32);
    all.push(Timed {
        name: "zero".to_owned(),
        command: Command::Zero { out: targets },
        work: bytes(2 * rows),
    });
    all.push(Timed {
        name: "cross_entropy, losses and gradient".to_owned(),
        command: Command::CrossEntropy {
            logits,
            losses: room.take(rows, Kind::F32),
            targets,
            vocabulary: VOCABULARY,
            scale: Some(1e-4),
        },
        work: bytes(2 * rows * VOCABULARY),
    });
    let numbers = 200 << 20;
    let f32s = [(); 4].map(|()| room.take(numbers, Kind::F32));
    let copy = room.take(numbers, bf16);
    let (report, settings) = (room.take(3, Kind::F64), room.take(8, Kind::F32));
    let [weights, first, second, gradient] = f32s;
    all.push(Timed {
        name: "sum_of_squares".to_owned(),
        command: Command::SumOfSquares {
            out: report_part(report),
            scratch: room.take(1024, Kind::F64),
            x: gradient,
        },
        work: Work::Bytes(4.0 * numbers as f64),
    });
    all.push(Timed {
        name: "adamw".to_owned(),
        command: Command::AdamW {
            weights,
            copy: Some(copy),
            first,
            second,
            gradient,
            report,
            settings,
            decays: true,
        },
        work: Work::Bytes(30.0 * numbers as f64),
    });
    all
}

fn report_part(report: Span) -> Span {
    Span { len: 1, ..report }
}
