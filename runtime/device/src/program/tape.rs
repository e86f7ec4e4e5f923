//! Values in a device's memory, with gradients, on dfdx's tape.
//!
//! dfdx's tape holds what is to be done backwards; what is done are commands over spans, which dfdx
//! knows nothing of.

use std::cell::RefCell;
use std::rc::Rc;

use dfdx::tensor::{Cpu, CpuError, Gradients, OwnedTape, PutTape, Tape as _, ZerosTensor};
use dfdx::tensor_ops::Backward;

use super::arena::{Arena, Buffer};
use super::{Command, Kind, Span};

/// Commands in the order in which they are recorded, and the room they use.
#[derive(Clone, Debug, Default)]
pub(crate) struct Recorder {
    pub(crate) arena: Arena,
    commands: Rc<RefCell<Vec<Command>>>,
}

impl Recorder {
    /// A program of its own over an arena that others use too.
    pub(crate) fn over(arena: &Arena) -> Self {
        Self {
            arena: arena.clone(),
            ..Self::default()
        }
    }

    pub(crate) fn push(&self, command: Command) {
        self.commands.borrow_mut().push(command);
    }

    pub(crate) fn take(&self, len: usize, kind: Kind) -> Buffer {
        self.arena.take(len, kind)
    }

    /// What was recorded since this was last asked.
    pub(crate) fn take_commands(&self) -> Vec<Command> {
        self.commands.take()
    }
}

/// What is to be done backwards: dfdx's tape, or nothing.
#[derive(Default)]
pub(crate) struct Tape(Option<OwnedTape<f32, Cpu>>);

impl Tape {
    /// A tape that records.
    pub(crate) fn recording() -> Self {
        Self(Some(OwnedTape::default()))
    }

    /// A tape that records nothing.
    pub(crate) fn silent() -> Self {
        Self(None)
    }

    /// Notes what to do backwards.
    pub(crate) fn backwards(&mut self, work: impl FnOnce() + 'static) {
        if let Some(tape) = &mut self.0 {
            tape.add_backward_op(move |_: &mut Gradients<f32, Cpu>| -> Result<(), CpuError> {
                work();
                Ok(())
            });
        }
    }

    /// Does it, last things first.
    pub(crate) fn run(self) -> Result<(), CpuError> {
        match self.0 {
            // A number that stands for the end of the tape: dfdx runs backwards from a tensor.
            Some(tape) => {
                let end = Cpu::default().try_zeros_like(&())?.put_tape(tape);
                end.try_backward().map(drop)
            }
            None => Ok(()),
        }
    }
}

/// A matrix of activations, rows of `columns`, with room for its gradient once that is known.
#[derive(Clone, Debug)]
pub(crate) struct Value {
    pub(crate) buffer: Buffer,
    pub(crate) columns: usize,
    gradient: Rc<RefCell<Option<Buffer>>>,
}

impl Value {
    pub(crate) fn new(buffer: Buffer, columns: usize) -> Self {
        Self {
            buffer,
            columns,
            gradient: Rc::default(),
        }
    }

    pub(crate) fn span(&self) -> Span {
        self.buffer.span()
    }

    pub(crate) fn rows(&self) -> usize {
        self.span().len / self.columns
    }

    /// The gradient alone, for what is to be done backwards without the numbers.
    pub(crate) fn gradient(&self) -> Gradient {
        Gradient(Rc::clone(&self.gradient))
    }
}

/// The gradient of a value: nothing until something has written it.
#[derive(Clone, Debug)]
pub(crate) struct Gradient(Rc<RefCell<Option<Buffer>>>);

impl Gradient {
    /// Takes it out; `None` where nothing has reached the value.
    pub(crate) fn take(&self) -> Option<Buffer> {
        self.0.borrow_mut().take()
    }

    /// Hands it over, in full.
    pub(crate) fn put(&self, gradient: Buffer) {
        *self.0.borrow_mut() = Some(gradient);
    }
}

/// A matrix of weights: where they are read, and where their gradient goes.
#[derive(Clone, Debug)]
pub(crate) struct Weight {
    /// As products read them: the weights, or their bf16 copy.
    pub(crate) read: Span,
    /// f32.
    pub(crate) gradient: Span,
    /// Whether something has written the gradient in this step.
    written: Rc<RefCell<bool>>,
    /// Whether there is no gradient.
    frozen: bool,
}

impl Weight {
    pub(crate) fn new(read: Span, gradient: Span) -> Self {
        Self {
            read,
            gradient,
            written: Rc::default(),
            frozen: false,
        }
    }

    /// Weights that are read alone.
    pub(crate) fn frozen(read: Span) -> Self {
        Self {
            frozen: true,
            ..Self::new(read, Span { len: 0, ..read })
        }
    }

    /// Whether no gradient is wanted, nor is there a place for one.
    pub(crate) fn is_frozen(&self) -> bool {
        self.frozen
    }

    /// Whether something has written the gradient.
    pub(crate) fn is_written(&self) -> bool {
        *self.written.borrow()
    }

    /// Whether the next write adds to what is there.
    pub(crate) fn claim(&self) -> bool {
        self.written.replace(true)
    }
}
