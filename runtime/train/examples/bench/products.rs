//! The ceiling: how fast the matrix products of a training step go alone.
//!
//! Each thread multiplies its own share of the rows and waits for no other. `widest` is the widest
//! product of a block, gate and up, forwards; `step` all products of all layers and of the head at
//! their own shapes, forwards and both gradients; `square` is 1024 by 1024 by 1024.
#![expect(unsafe_code, reason = "calls the `gemm` crate on its own matrices")]

use std::time::{Duration, Instant};

use vpc_train::{ModelConfig, TrainConfig, with_threads};

/// A product of [rows, inner] and [inner, columns], each perhaps stored the other way round.
#[derive(Clone, Copy)]
struct Product {
    rows: usize,
    inner: usize,
    columns: usize,
    left_turned: bool,
    right_turned: bool,
}

impl Product {
    fn flops(self) -> f64 {
        2.0 * (self.rows * self.inner * self.columns) as f64
    }
}

/// Prints best and median GFLOP/s of all threads together, by kind.
pub(crate) fn print(
    config: &TrainConfig,
    time: Duration,
    threads: usize,
) -> Result<(), Box<dyn std::error::Error>> {
    let model = &config.model;
    let rows = (config.batch * model.context).div_ceil(threads.max(1));
    let gate_up = forward(rows, (2 * model.hidden, model.width));
    let square = forward(1024, (1024, 1024));
    let kinds = [
        ("widest", vec![gate_up]),
        ("step", of_step(model, rows)),
        ("square", vec![square]),
    ];
    for (name, products) in kinds {
        let (best, median) = measure(&products, time / 3, threads)?;
        println!("{name} {best:.1} {median:.1}");
    }
    Ok(())
}

/// x·Wᵀ of `rows` rows.
fn forward(rows: usize, (outputs, inputs): (usize, usize)) -> Product {
    Product {
        rows,
        inner: inputs,
        columns: outputs,
        left_turned: false,
        right_turned: true,
    }
}

/// The products with weights of one step, in no order that matters: those of attention are not among them.
fn of_step(model: &ModelConfig, rows: usize) -> Vec<Product> {
    let kv = model.width / model.heads * model.kv_heads;
    let block = [
        (model.width + 2 * kv, model.width),
        (model.width, model.width),
        (2 * model.hidden, model.width),
        (model.width, model.hidden),
    ];
    let blocks = block.into_iter().cycle().take(block.len() * model.layers);
    blocks
        .chain([(model.vocabulary, model.width)])
        .flat_map(|(outputs, inputs)| {
            let input = Product {
                rows,
                inner: outputs,
                columns: inputs,
                left_turned: false,
                right_turned: false,
            };
            let weight = Product {
                rows: outputs,
                inner: rows,
                columns: inputs,
                left_turned: true,
                right_turned: false,
            };
            [forward(rows, (outputs, inputs)), input, weight]
        })
        .collect()
}

fn measure(
    products: &[Product],
    time: Duration,
    threads: usize,
) -> Result<(f64, f64), Box<dyn std::error::Error>> {
    let flops: f64 = products.iter().map(|own| own.flops()).sum();
    let own = || with_threads(1, || seconds(products, time));
    let (mut best, mut median) = (0.0, 0.0);
    std::thread::scope(|scope| -> Result<(), Box<dyn std::error::Error>> {
        let all: Vec<_> = (0..threads).map(|_| scope.spawn(own)).collect();
        for one in all {
            let (least, middle) = one.join().map_err(|_| "a thread panicked")??;
            best += flops / least / 1e9;
            median += flops / middle / 1e9;
        }
        Ok(())
    })?;
    Ok((best, median))
}

/// The least and the median time of all products once.
fn seconds(products: &[Product], time: Duration) -> (f64, f64) {
    let most = |size: fn(&Product) -> usize| products.iter().map(size).max().unwrap_or(0);
    let numbers = |count: usize| (0..count).map(|i| (i as f32).sin()).collect::<Vec<_>>();
    let left = numbers(most(|own| own.rows * own.inner));
    let right = numbers(most(|own| own.inner * own.columns));
    let mut target = numbers(most(|own| own.rows * own.columns));
    let (start, mut times) = (Instant::now(), Vec::new());
    while times.len() < 5 || start.elapsed() < time {
        let before = Instant::now();
        for &one in products {
            multiply(&mut target, &left, &right, one);
        }
        times.push(before.elapsed().as_secs_f64());
    }
    times.sort_by(f64::total_cmp);
    (times[0], times[times.len() / 2])
}

fn multiply(target: &mut [f32], left: &[f32], right: &[f32], product: Product) {
    let Product {
        rows,
        inner,
        columns,
        left_turned,
        right_turned,
    } = product;
    assert!(
        target.len() >= rows * columns
            && left.len() >= rows * inner
            && right.len() >= inner * columns
    );
    // Steps to the next column and to the next row of a matrix stored by rows, or of its transpose.
    let steps = |turned: bool, width: usize, height: usize| {
        if turned {
            (height.cast_signed(), 1)
        } else {
            (1, width.cast_signed())
        }
    };
    let (left_column, left_row) = steps(left_turned, inner, rows);
    let (right_column, right_row) = steps(right_turned, columns, inner);
    // SAFETY: the matrices are as long as asserted, and `target` is unique.
    unsafe {
        gemm::gemm(
            rows,
            columns,
            inner,
            target.as_mut_ptr(),
            1,
            columns.cast_signed(),
            false,
            left.as_ptr(),
            left_column,
            left_row,
            right.as_ptr(),
            right_column,
            right_row,
            0.0,
            1.0,
            false,
            false,
            false,
            gemm::Parallelism::None,
        );
    }
}
