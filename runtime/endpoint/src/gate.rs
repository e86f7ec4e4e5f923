//! Who may send a request now: so many at a time, so many in a minute, none while the endpoint asks for rest.

use std::sync::{Condvar, Mutex, MutexGuard, PoisonError};
use std::thread;
use std::time::{Duration, Instant};

use crate::error::EndpointError;

/// How often those who wait look whether to stop.
const LOOK: Duration = Duration::from_millis(25);

/// Lets requests through, one after the other.
#[derive(Debug)]
pub(crate) struct Gate {
    state: Mutex<State>,
    freed: Condvar,
    in_flight: usize,
    /// Time from one request to the next.
    between: Duration,
}

#[derive(Debug)]
struct State {
    flying: usize,
    /// When the next request may go.
    next: Instant,
}

/// Leave to send one request; given back when dropped.
pub(crate) struct Pass<'g>(&'g Gate);

impl Gate {
    pub(crate) fn new(in_flight: usize, requests_per_minute: Option<u32>) -> Self {
        let minute = Duration::from_mins(1);
        Self {
            state: Mutex::new(State {
                flying: 0,
                next: Instant::now(),
            }),
            freed: Condvar::new(),
            in_flight: in_flight.max(1),
            between: requests_per_minute.map_or(Duration::ZERO, |most| minute / most.max(1)),
        }
    }

    /// Waits for leave to send a request.
    pub(crate) fn enter(&self, stop: &dyn Fn() -> bool) -> Result<Pass<'_>, EndpointError> {
        let mut state = self.state();
        loop {
            if stop() {
                return Err(EndpointError::Stopped);
            }
            let now = Instant::now();
            if state.flying < self.in_flight && state.next <= now {
                state.flying += 1;
                state.next = now + self.between;
                return Ok(Pass(self));
            }
            let waited = self.freed.wait_timeout(state, LOOK);
            state = waited.unwrap_or_else(PoisonError::into_inner).0;
        }
    }

    /// Lets nobody through for a while.
    pub(crate) fn hold(&self, wait: Duration) {
        let mut state = self.state();
        state.next = state.next.max(Instant::now() + wait);
    }

    /// No holder of the lock can leave it half changed.
    fn state(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Drop for Pass<'_> {
    fn drop(&mut self) {
        self.0.state().flying -= 1;
        self.0.freed.notify_one();
    }
}

/// Waits, unless a stop is asked for.
pub(crate) fn pause(wait: Duration, stop: &dyn Fn() -> bool) -> Result<(), EndpointError> {
    let until = Instant::now() + wait;
    loop {
        if stop() {
            return Err(EndpointError::Stopped);
        }
        let left = until.saturating_duration_since(Instant::now());
        if left.is_zero() {
            return Ok(());
        }
        thread::sleep(left.min(LOOK));
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn requests_keep_their_distance() {
        let gate = Gate::new(8, Some(600));
        let begun = Instant::now();
        for _ in 0..4 {
            drop(gate.enter(&|| false).unwrap());
        }
        assert!(begun.elapsed() >= Duration::from_millis(300));
        gate.hold(Duration::from_millis(400));
        drop(gate.enter(&|| false).unwrap());
        assert!(begun.elapsed() >= Duration::from_millis(700));
    }

    #[test]
    fn only_so_many_are_under_way_and_who_waits_can_stop() {
        let gate = Gate::new(1, None);
        let first = gate.enter(&|| false).unwrap();
        let stopped = gate.enter(&|| true);
        assert!(matches!(stopped, Err(EndpointError::Stopped)));
        let begun = Instant::now();
        let late = gate.enter(&|| begun.elapsed() > 2 * LOOK);
        assert!(late.is_err(), "one is under way");
        drop(first);
        assert!(gate.enter(&|| false).is_ok());
        assert!(pause(Duration::from_hours(1), &|| begun.elapsed() > 3 * LOOK).is_err());
    }
}
