//! A device that runs the GPU's own kernels on the CPU, thread by thread, and watches them.

use std::cell::RefCell;
use std::collections::{BTreeMap, BTreeSet};

use half::bf16;
use vpc_device::cuda::Kernels;
use vpc_device::cuda::launch::{Given, Kernel, Launcher, Product, check, needs};
use vpc_device::program::{Command, Kind, Span};
use vpc_device::{Device, DeviceError};

use crate::case::Checked;
use crate::library::{Launch, Library};
use crate::products;

/// Orders in which blocks, warps and lanes take their turns: as numbered, and backwards.
const ORDERS: [u64; 2] = [0, 1];

/// Bytes that a GPU aligns to what it lends.
const ALIGNED: usize = 256;

/// An arena of the host's memory, and kernels that run there as on a GPU.
///
/// Each kernel runs in several orders of its threads, and must give the same bits in all of them. It
/// may touch nothing but the spans of its command, and read nothing that was not written before.
pub(crate) struct Emulated {
    /// The arena, from the first address on that is a multiple of [`ALIGNED`].
    room: Vec<u8>,
    start: usize,
    bytes: usize,
    /// For each two bytes, whether anything has written them.
    written: Vec<u8>,
    /// Spans of the command that is carried out, in the order they were asked for.
    known: RefCell<Vec<Span>>,
    /// What the command said that it needs.
    needed: Vec<(Kernels, Vec<&'static str>, usize)>,
    libraries: BTreeMap<Kernels, Library>,
    changed: Option<(&'static str, String)>,
    started: BTreeSet<&'static str>,
    /// Whether it has Hopper's instructions.
    pub(crate) warpgroups: bool,
}

fn failed(problem: String) -> DeviceError {
    DeviceError::Call {
        library: "emulator",
        doing: "carry out a command",
        problem,
    }
}

impl Emulated {
    /// A device without memory yet.
    pub(crate) fn new() -> Self {
        Self {
            room: Vec::new(),
            start: 0,
            bytes: 0,
            written: Vec::new(),
            known: RefCell::default(),
            needed: Vec::new(),
            libraries: BTreeMap::new(),
            changed: None,
            started: BTreeSet::new(),
            warpgroups: false,
        }
    }

    /// One that has Hopper's instructions.
    pub(crate) fn hopper() -> Self {
        Self {
            warpgroups: true,
            ..Self::new()
        }
    }

    /// The same, with another text of one file of kernels.
    pub(crate) fn with(file: &'static str, text: String) -> Self {
        Self {
            changed: Some((file, text)),
            ..Self::new()
        }
    }

    /// The kernels that were started.
    pub(crate) fn started(&self) -> &BTreeSet<&'static str> {
        &self.started
    }

    fn memory(&mut self) -> &mut [u8] {
        &mut self.room[self.start..]
    }

    fn bytes(&self, span: Span) -> Result<&[u8], DeviceError> {
        let range = range(span);
        let written = &self.written[range.start / 2..range.end.div_ceil(2)];
        if written.contains(&0) {
            return Err(failed(format!("{span:?} is read before it is written")));
        }
        Ok(&self.room[self.start..][range])
    }

    fn put(&mut self, to: Span, bytes: &[u8]) {
        let range = range(to);
        self.written[range.start / 2..range.end.div_ceil(2)].fill(1);
        self.memory()[range].copy_from_slice(bytes);
    }

    /// Numbers of f32 or bf16.
    fn floats(&self, span: Span) -> Result<Vec<f32>, DeviceError> {
        let bytes = self.bytes(span)?;
        Ok(if span.kind == Kind::Bf16 {
            let all = bytes.as_chunks().0.iter();
            all.map(|two| bf16::from_le_bytes(*two).to_f32()).collect()
        } else {
            let all = bytes.as_chunks().0.iter();
            all.map(|four| f32::from_le_bytes(*four)).collect()
        })
    }

    fn library(&mut self, of: Kernels) -> Result<&Library, DeviceError> {
        if !self.libraries.contains_key(&of) {
            let (name, source) = of.source();
            let source = match &self.changed {
                Some((changed, text)) if *changed == name => text,
                _ => source,
            };
            let library = Library::build(of, source).map_err(|log| DeviceError::Kernel {
                name: name.to_owned(),
                target: "the CPU".to_owned(),
                log,
            })?;
            self.libraries.insert(of, library);
        }
        Ok(&self.libraries[&of])
    }

    /// What the known spans hold.
    fn held(&self) -> Vec<(Span, Vec<u8>)> {
        let known = self.known.borrow();
        let all = known.iter();
        all.map(|span| (*span, self.room[self.start..][range(*span)].to_vec()))
            .collect()
    }
}

impl Launcher for Emulated {
    fn warpgroups(&self) -> bool {
        self.warpgroups
    }

    fn address(&self, span: Span) -> u64 {
        let range = range(span);
        assert!(range.end <= self.bytes, "{span:?} lies outside the arena");
        self.known.borrow_mut().push(span);
        self.room[self.start..][range].as_ptr() as u64
    }

    fn start(&mut self, kernel: &Kernel, given: &[Given]) -> Result<(), DeviceError> {
        let tell = |problem| failed(format!("`{}` of {:?}: {problem}", kernel.name, kernel.of));
        let is_needed = self.needed.iter().any(|(of, names, shared)| {
            *of == kernel.of && names.contains(&kernel.name) && *shared >= kernel.shared
        });
        if !is_needed {
            return Err(tell("is not what the command said it needs".to_owned()));
        }
        self.started.insert(kernel.name);
        let given: Vec<Vec<u8>> = given.iter().map(bytes_given).collect();
        self.library(kernel.of)?;
        let (before, written) = (self.held(), self.written.clone());
        let stretches: Vec<[*const u8; 2]> = {
            let known = self.known.borrow();
            let of = |span: &Span| {
                let range = self.room[self.start..][range(*span)].as_ptr_range();
                [range.start, range.end]
            };
            known.iter().map(of).collect()
        };
        let mut first: Option<Vec<(Span, Vec<u8>)>> = None;
        for order in ORDERS {
            for (span, bytes) in &before {
                self.memory()[range(*span)].copy_from_slice(bytes);
            }
            self.written.clone_from(&written);
            let launch = Launch {
                grid: kernel.grid,
                block: [kernel.block[0], kernel.block[1], 1],
                dynamic: kernel.shared as u64,
                order,
                arena: self.memory().as_mut_ptr(),
                bytes: self.bytes as u64,
                written: self.written.as_mut_ptr(),
                stretches: stretches.as_ptr(),
                count: stretches.len() as u64,
            };
            let library = &self.libraries[&kernel.of];
            library.run(kernel.name, &launch, &given).map_err(tell)?;
            let after = self.held();
            if first.as_ref().is_some_and(|first| *first != after) {
                return Err(tell(
                    "gives other bits when its threads run in another order".to_owned(),
                ));
            }
            first.get_or_insert(after);
        }
        Ok(())
    }

    fn zero(&mut self, out: Span) -> Result<(), DeviceError> {
        self.put(out, &vec![0; out.len * out.kind.bytes()]);
        Ok(())
    }

    fn copy(&mut self, out: Span, x: Span) -> Result<(), DeviceError> {
        let bytes = self.bytes(x)?.to_vec();
        self.put(out, &bytes);
        Ok(())
    }

    fn product(&mut self, product: &Product) -> Result<(), DeviceError> {
        let (a, b) = (self.floats(product.a)?, self.floats(product.b)?);
        let plus = product.plus.map(|plus| self.floats(plus)).transpose()?;
        let bytes = products::bytes(product, &a, &b, plus.as_deref());
        self.put(product.out, &bytes);
        Ok(())
    }
}

impl Device for Emulated {
    type Graph = Vec<Command>;

    fn reserve(&mut self, bytes: usize) -> Result<(), DeviceError> {
        // Bits that are no number, whatever is read of them.
        self.room = vec![0xff; bytes + ALIGNED];
        self.start = self.room.as_ptr().align_offset(ALIGNED);
        self.bytes = bytes;
        self.written = vec![0; bytes / 2 + 1];
        Ok(())
    }

    fn write(&mut self, to: Span, bytes: &[u8]) -> Result<(), DeviceError> {
        self.put(to, bytes);
        Ok(())
    }

    fn read(&mut self, from: Span) -> Result<Vec<u8>, DeviceError> {
        Ok(self.bytes(from)?.to_vec())
    }

    fn prepare(&mut self, commands: &[Command]) -> Result<Self::Graph, DeviceError> {
        commands.iter().try_for_each(check)?;
        Ok(commands.to_vec())
    }

    fn run(&mut self, graph: &Self::Graph) -> Result<(), DeviceError> {
        self.carry_out(graph)
    }
}

impl Checked for Emulated {
    /// Each kernel runs in several orders as it is.
    const RUNS: &'static [bool] = &[true];

    fn poison(&mut self, bytes: usize) -> Result<(), DeviceError> {
        self.reserve(bytes)
    }

    fn carry_out(&mut self, commands: &[Command]) -> Result<(), DeviceError> {
        for command in commands {
            self.known.borrow_mut().clear();
            self.needed = needs(command, self.warpgroups);
            self.enqueue(command)?;
        }
        Ok(())
    }
}

fn range(span: Span) -> std::ops::Range<usize> {
    assert!(span.at.is_multiple_of(16), "{span:?} is not aligned");
    span.at..span.at + span.len * span.kind.bytes()
}

fn bytes_given(given: &Given) -> Vec<u8> {
    match given {
        Given::Long(value) => value.to_ne_bytes().to_vec(),
        Given::Int(value) => value.to_ne_bytes().to_vec(),
        Given::Float(value) => value.to_ne_bytes().to_vec(),
        Given::Shape(shape) => {
            let all = [
                shape.length,
                shape.queries,
                shape.keys,
                shape.width,
                shape.causal,
            ];
            all.iter().flat_map(|value| value.to_ne_bytes()).collect()
        }
    }
}
