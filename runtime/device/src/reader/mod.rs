//! Reading and writing with a model on a device, over kept keys and values.

mod generate;
mod options;

use vpc_train::{ConfigError, Given, Model, ModelConfig};

use crate::device::numbers;
use crate::program::{NOWHERE, Pass, Precision, Reading, Span, rounded};
use crate::{Device, DeviceError, ReadError};

/// A model on a device that scores options and generates.
///
/// It follows the rules of [`vpc_train::Inference`], and in the f32 class its numbers are those, up to the order
/// of sums. Prompts and options are read in passes of one fixed number of tokens, and what is generated in passes
/// of one token of each sequence; a token's numbers are sums in an order of its own. So an item's bits
/// depend neither on its company nor on its place, as long as the device sums each row of a product alike.
/// What is read token by token may differ from the same read at once in the last digits.
#[derive(Debug)]
pub struct Reader<D: Device> {
    device: D,
    program: Reading,
    graphs: Graphs<D::Graph>,
    /// Slots of the cache that no sequence has, the first one last.
    free: Vec<usize>,
    /// Vectors that stand in the place of tokens, for each slot.
    given: Vec<Option<Given>>,
}

/// The programs, made ready.
#[derive(Debug)]
struct Graphs<G> {
    wide: G,
    seeing: G,
    narrow: G,
    logits: G,
    losses: G,
}

/// Bytes of device memory that reading takes, with `slots` sequences at a time.
pub fn reader_memory(
    config: &ModelConfig,
    slots: usize,
    precision: Precision,
) -> Result<usize, ConfigError> {
    Ok(Reading::record(config, precision, slots)?.bytes)
}

/// A token to read.
#[derive(Clone, Copy, Debug)]
struct Row {
    token: u32,
    slot: usize,
    position: usize,
}

impl<D: Device> Reader<D> {
    /// Brings a model to a device, to read up to `slots` sequences at a time, at least one.
    ///
    /// Weights are rounded to bf16 in that class, but for gains. Fails where the device has less memory than
    /// [`reader_memory`] tells.
    pub fn new(
        model: &Model,
        slots: usize,
        precision: Precision,
        mut device: D,
    ) -> Result<Self, ReadError> {
        let program = Reading::record(model.config(), precision, slots)?;
        device.reserve(program.bytes)?;
        program.frozen.write(model, &mut device)?;
        let graphs = Graphs {
            wide: device.prepare(&program.wide.commands)?,
            seeing: device.prepare(&program.seeing.commands)?,
            narrow: device.prepare(&program.narrow.commands)?,
            logits: device.prepare(&program.logits.commands)?,
            losses: device.prepare(&program.losses.commands)?,
        };
        let mut reader = Self {
            device,
            graphs,
            free: Vec::new(),
            given: Vec::new(),
            program,
        };
        reader.clear();
        Ok(reader)
    }

    /// The shape of the model that reads.
    pub fn config(&self) -> &ModelConfig {
        self.program.frozen.config()
    }

    /// Lets go of all sequences.
    fn clear(&mut self) {
        self.free = (0..self.program.slots).rev().collect();
        self.given = vec![None; self.program.slots];
    }

    /// Tokens of a pass over prompts and options.
    fn wide(&self) -> usize {
        self.program.wide.tokens.len
    }

    /// Reads up to [`Reader::wide`] tokens; those of a sequence stand in their order.
    fn read_wide(&mut self, rows: &[Row]) -> Result<(), DeviceError> {
        let width = self.config().width;
        let (mut vectors, mut places) = (Vec::new(), Vec::new());
        for (at, row) in rows.iter().enumerate() {
            let given = self.given[row.slot].as_ref();
            if let Some(vector) = given.and_then(|given| given.at(row.position, width)) {
                vectors.extend_from_slice(vector);
                places.push(at as u32);
            }
        }
        let context = self.config().context;
        let Self {
            device,
            program,
            graphs,
            ..
        } = self;
        let seeing = &program.seeing;
        let Some((of_vectors, of_places)) = seeing.given.filter(|_| !places.is_empty()) else {
            write(device, &program.wide, rows, context)?;
            return device.run(&graphs.wide);
        };
        let here = Span {
            len: vectors.len(),
            ..of_vectors
        };
        device.write(here, &rounded(&vectors, here.kind))?;
        places.resize(of_places.len, NOWHERE);
        device.write(of_places, bytemuck::cast_slice(&places))?;
        write(device, seeing, rows, context)?;
        device.run(&graphs.seeing)
    }

    /// Reads a token of each of some sequences, at most as many as there are slots.
    fn read_narrow(&mut self, rows: &[Row]) -> Result<(), DeviceError> {
        let context = self.config().context;
        write(&mut self.device, &self.program.narrow, rows, context)?;
        self.device.run(&self.graphs.narrow)
    }

    /// Logits after rows of the last pass, [wanted, vocabulary].
    fn logits(&mut self, wanted: &[usize]) -> Result<Vec<f32>, DeviceError> {
        let vocabulary = self.config().vocabulary;
        let head = &self.program.logits;
        let mut all = Vec::with_capacity(wanted.len() * vocabulary);
        for wanted in wanted.chunks(head.wanted.len) {
            self.device
                .write(head.wanted, &padded(wanted, head.wanted))?;
            self.device.run(&self.graphs.logits)?;
            let here = Span {
                len: wanted.len() * vocabulary,
                ..head.out
            };
            all.extend(numbers(&self.device.read(here)?, here.kind));
        }
        Ok(all)
    }

    /// −log p of a token after a row of the last pass, of each such pair, in nats.
    fn losses(&mut self, asked: &[(usize, u32)]) -> Result<Vec<f32>, DeviceError> {
        let head = &self.program.losses;
        let mut all = Vec::with_capacity(asked.len());
        for asked in asked.chunks(head.wanted.len) {
            let wanted: Vec<usize> = asked.iter().map(|(row, _)| *row).collect();
            self.device
                .write(head.wanted, &padded(&wanted, head.wanted))?;
            if let Some(span) = head.targets {
                let targets: Vec<usize> = asked.iter().map(|(_, token)| *token as usize).collect();
                self.device.write(span, &padded(&targets, span))?;
            }
            self.device.run(&self.graphs.losses)?;
            let found = numbers(&self.device.read(head.out)?, head.out.kind);
            all.extend_from_slice(&found[..asked.len()]);
        }
        Ok(all)
    }
}

/// Writes the inputs of a pass; rows that it has beyond those have no place.
fn write<D: Device>(
    device: &mut D,
    pass: &Pass,
    rows: &[Row],
    context: usize,
) -> Result<(), DeviceError> {
    let count = pass.tokens.len;
    let fill = |each: &dyn Fn(&Row) -> usize, rest: u32| {
        let mut all: Vec<u32> = rows.iter().map(|row| each(row) as u32).collect();
        all.resize(count, rest);
        all
    };
    let start = |row: &Row| row.slot * context;
    let tokens = fill(&|row| row.token as usize, 0);
    let starts = fill(&start, 0);
    let places = fill(&|row| start(row) + row.position, NOWHERE);
    device.write(pass.tokens, bytemuck::cast_slice(&tokens))?;
    device.write(pass.starts, bytemuck::cast_slice(&starts))?;
    device.write(pass.places, bytemuck::cast_slice(&places))
}

/// Numbers as bytes of a span of u32, with zeros after them.
fn padded(numbers: &[usize], span: Span) -> Vec<u8> {
    let mut all: Vec<u32> = numbers.iter().map(|number| *number as u32).collect();
    all.resize(span.len, 0);
    bytemuck::cast_slice(&all).to_vec()
}
