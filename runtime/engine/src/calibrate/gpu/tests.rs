//! The host as a device that is measured.

use std::sync::atomic::{AtomicUsize, Ordering};

use vpc_device::Host;

use super::*;

const TINY: Shape = Shape {
    layers: 1,
    width: 16,
    heads: 2,
    hidden: 16,
    context: 8,
    rows: 1,
    vocabulary: 32,
};

fn on_host<'m>(
    open: &'m (dyn Fn() -> Result<Host, DeviceError> + Sync),
    shapes: &'m [Shape],
    bytes: u64,
) -> Measured<'m, Host> {
    Measured {
        open,
        bytes,
        shapes,
        window: Duration::from_millis(1),
    }
}

#[test]
fn a_device_is_measured_alone_and_shared() {
    let larger = Shape { rows: 2, ..TINY };
    let shapes = [TINY, larger];
    let opened = AtomicUsize::new(0);
    let open = || {
        opened.fetch_add(1, Ordering::SeqCst);
        Ok(Host::default())
    };
    let told = std::cell::RefCell::new(Vec::new());
    let tell = |what: &str, share: f64| told.borrow_mut().push((what.to_owned(), share));
    let measured = on_host(&open, &shapes, u64::MAX);
    let speeds = measured.speeds(7, &tell).expect("a device");
    assert!(speeds.is_sound(), "{speeds:?}");
    assert_eq!(speeds.at, 7);
    let lines = speeds.bf16.iter().chain(&speeds.f32);
    let counts = lines.clone().map(|point| point.tokens_per_second.len());
    let trainings: usize = counts.map(|len| (1 << len) - 1).sum();
    assert_eq!(opened.load(Ordering::SeqCst), trainings);
    // Measuring ends with the first that does not pay.
    for point in lines {
        let rates = &point.tokens_per_second;
        let paid = rates.windows(2).take(rates.len().saturating_sub(2));
        assert!(paid.clone().all(|two| two[1] > two[0] * PAYS), "{rates:?}");
    }
    assert_eq!(speeds.f32[1].tokens_per_step, 16);
    assert_eq!(told.borrow().len(), 5);
    assert_eq!(told.borrow().last(), Some(&("done".to_owned(), 1.0)));
}

#[test]
fn no_more_run_together_than_memory_holds() {
    let (config, ..) = prepared(TINY);
    let one = bytes(&config, Precision::Bf16).expect("bytes");
    let open = || Ok(Host::default());
    let alone = on_host(&open, &[TINY], 2 * one - 1);
    let point = alone.point(TINY, Precision::Bf16).expect("a device");
    assert_eq!(point.expect("one fits").tokens_per_second.len(), 1);
    let none = on_host(&open, &[TINY], one - 1);
    assert_eq!(none.point(TINY, Precision::Bf16).expect("a device"), None);
}

#[test]
fn a_training_that_cannot_begin_keeps_nobody_waiting() {
    let opened = AtomicUsize::new(0);
    let open = || match opened.fetch_add(1, Ordering::SeqCst) {
        // The second of the first pair finds no memory.
        2 => Err(DeviceError::Memory {
            needed: 2,
            free: 1,
            total: 2,
        }),
        _ => Ok(Host::default()),
    };
    let measured = on_host(&open, &[TINY], u64::MAX);
    let point = measured.point(TINY, Precision::F32).expect("a device");
    assert_eq!(point.expect("one fits").tokens_per_second.len(), 1);
    let open = || Err(DeviceError::Unsupported("nothing".to_owned()));
    let measured = on_host(&open, &[TINY], u64::MAX);
    assert!(measured.point(TINY, Precision::F32).is_err());
}

/// A step of each size is as the forecast counts it, and the sizes are in order.
#[test]
fn sizes_grow() {
    let sizes = SHAPES.map(|shape| training(&shape.spec()) * shape.tokens() as f64);
    assert!(sizes.is_sorted());
    assert!(
        sizes
            .iter()
            .zip(sizes.iter().skip(1))
            .all(|(a, b)| b / a > 5.0)
    );
}
