//! Sums by way of the host's memory: for any device, in the order of ranks.

use super::Communicator;
use crate::program::{Kind, Span};
use crate::{Device, DeviceError};

/// Reads what each device holds, adds it up in the order of the devices, and writes it to all.
///
/// It is what other communicators are compared with, and needs nothing. It is slow.
#[derive(Clone, Copy, Debug, Default)]
pub struct ThroughHost;

impl<D: Device> Communicator<D> for ThroughHost {
    fn sum(&mut self, devices: &mut [D], spans: &[Span]) -> Result<(), DeviceError> {
        for span in spans {
            let mut sum: Option<Vec<u8>> = None;
            for device in &mut *devices {
                let more = device.read(*span)?;
                match &mut sum {
                    None => sum = Some(more),
                    Some(sum) => add(sum, &more, span.kind)?,
                }
            }
            let sum = sum.unwrap_or_default();
            for device in &mut *devices {
                device.write(*span, &sum)?;
            }
        }
        Ok(())
    }

    fn wait(&mut self, _: &mut [D]) -> Result<(), DeviceError> {
        // Nothing that was asked of one device waits for another.
        Ok(())
    }
}

fn add(sum: &mut [u8], more: &[u8], kind: Kind) -> Result<(), DeviceError> {
    match kind {
        Kind::F32 => {
            for (sum, more) in sum.as_chunks_mut().0.iter_mut().zip(more.as_chunks().0) {
                *sum = (f32::from_le_bytes(*sum) + f32::from_le_bytes(*more)).to_le_bytes();
            }
        }
        Kind::F64 => {
            for (sum, more) in sum.as_chunks_mut().0.iter_mut().zip(more.as_chunks().0) {
                *sum = (f64::from_le_bytes(*sum) + f64::from_le_bytes(*more)).to_le_bytes();
            }
        }
        Kind::Bf16 | Kind::U32 => {
            let what = format!("a sum of {kind:?} over devices");
            return Err(DeviceError::Unsupported(what));
        }
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::Host;

    #[test]
    fn sums_are_those_of_the_order_of_ranks() {
        let floats = Span {
            at: 0,
            len: 3,
            kind: Kind::F32,
        };
        let double = Span {
            at: 16,
            len: 1,
            kind: Kind::F64,
        };
        // In another order the large numbers would swallow the small one.
        let numbers = [[1e8_f32, 1.0, 0.5], [-1e8, 2.0, 0.25], [1.5, 3.0, 0.125]];
        let mut devices: Vec<Host> = numbers
            .iter()
            .map(|numbers| {
                let mut host = Host::new();
                host.reserve(32).expect("memory");
                host.write(floats, bytemuck::cast_slice(numbers))
                    .expect("room");
                host.write(double, &f64::from(numbers[1]).to_le_bytes())
                    .expect("room");
                host
            })
            .collect();
        ThroughHost
            .sum(&mut devices, &[floats, double])
            .expect("sums");
        for host in &mut devices {
            let sum = host.read(floats).expect("numbers");
            assert_eq!(sum, bytemuck::cast_slice::<f32, u8>(&[1.5, 6.0, 0.875]));
            assert_eq!(host.read(double).expect("a number"), 6.0_f64.to_le_bytes());
        }
        let whole = Span {
            kind: Kind::U32,
            ..floats
        };
        assert!(ThroughHost.sum(&mut devices, &[whole]).is_err());
    }
}
