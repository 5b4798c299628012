//! The open connections, by stage. Each stage has a time limit, and a connection too many ends the oldest one of its
//! stage.
//!
//! A client that opens connections faster than they are answered ends only connections without the token: those that
//! have sent the token are in a separate stage. A client that has not sent its request yet is ended only after thousands
//! of others.

use crate::sys::limits;
use std::collections::BTreeMap;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use tokio::task::AbortHandle;

/// The progress of a connection.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum ConnectionStage {
    /// Nothing was received. It costs a descriptor and some hundred bytes.
    Idle,
    /// Something was received. It has buffers.
    Receiving,
    /// It has got the session.
    Authenticated,
}

/// The maximum of each stage, if xassume may open enough files.
const MAX_CONNECTIONS: [usize; 3] = [4096, 256, 256];
/// Each stage may use one in so many of the open files that are allowed. The supervision needs descriptors too.
const SHARE_DIVISORS: [usize; 3] = [4, 8, 8];

/// Clones refer to the same connections.
#[derive(Clone)]
pub(super) struct Connections(Arc<Mutex<Open>>);

struct Open {
    next: u64,
    /// By number, and so by age.
    stages: [BTreeMap<u64, AbortHandle>; 3],
    max: [usize; 3],
}

impl Connections {
    /// For the few connections of this user's own processes.
    pub(super) fn few() -> Self {
        Self::within(limits::files())
    }

    /// For an address that every local user can connect to.
    pub(super) fn many() -> Self {
        Self::within(limits::raise_files(MAX_CONNECTIONS[0] * SHARE_DIVISORS[0]))
    }

    fn within(files: usize) -> Self {
        let mut max = MAX_CONNECTIONS;
        for (max, part) in max.iter_mut().zip(SHARE_DIVISORS) {
            *max = (files / part).clamp(2, *max);
        }
        Self::at_most(max)
    }

    fn at_most(max: [usize; 3]) -> Self {
        Self(Arc::new(Mutex::new(Open { next: 0, stages: Default::default(), max })))
    }

    fn open(&self) -> MutexGuard<'_, Open> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Runs a connection concurrently, from the first stage on. Needs a single-threaded runtime.
    pub(super) fn add<F: Future<Output = ()> + Send + 'static>(&self, connection: impl FnOnce(Slot) -> F) {
        let number = {
            let mut open = self.open();
            open.next += 1;
            open.next
        };
        let slot = Slot { connections: self.clone(), number };
        let handle = tokio::spawn(connection(slot)).abort_handle();
        self.enter(ConnectionStage::Idle, number, handle);
    }

    fn enter(&self, stage: ConnectionStage, number: u64, handle: AbortHandle) {
        let oldest = {
            let mut open = self.open();
            let max = open.max[stage as usize];
            let stage = &mut open.stages[stage as usize];
            let oldest = if stage.len() >= max { stage.pop_first() } else { None };
            stage.insert(number, handle);
            oldest
        };
        // Outside of the lock, which a dropped connection takes.
        if let Some((_, oldest)) = oldest {
            oldest.abort();
        }
    }

    #[cfg(test)]
    fn counts(&self) -> [usize; 3] {
        self.open().stages.each_ref().map(BTreeMap::len)
    }
}

/// A connection's slot among the others, until it is dropped with the connection.
pub(super) struct Slot {
    connections: Connections,
    number: u64,
}

impl Slot {
    /// Moves to a stage, as its newest connection.
    pub(super) fn reach(&self, stage: ConnectionStage) {
        let handle = {
            let mut open = self.connections.open();
            if open.stages[stage as usize].contains_key(&self.number) {
                return;
            }
            open.take(self.number)
        };
        if let Some(handle) = handle {
            self.connections.enter(stage, self.number, handle);
        }
    }
}

impl Drop for Slot {
    fn drop(&mut self) {
        self.connections.open().take(self.number);
    }
}

impl Open {
    fn take(&mut self, number: u64) -> Option<AbortHandle> {
        self.stages.iter_mut().find_map(|stage| stage.remove(&number))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::future::pending;
    use std::sync::atomic::{AtomicUsize, Ordering};
    use tokio::task::yield_now;

    /// Opens connections that stay in a stage; how many are open is counted.
    async fn open(
        connections: &Connections,
        open: &Arc<AtomicUsize>,
        stages: &'static [ConnectionStage],
        count: usize,
    ) {
        struct Counted(Arc<AtomicUsize>);
        impl Drop for Counted {
            fn drop(&mut self) {
                self.0.fetch_sub(1, Ordering::Relaxed);
            }
        }
        for _ in 0..count {
            open.fetch_add(1, Ordering::Relaxed);
            let counted = Counted(Arc::clone(open));
            connections.add(|slot| async move {
                for stage in stages {
                    slot.reach(*stage);
                }
                pending::<()>().await;
                drop(counted);
            });
            yield_now().await;
        }
        yield_now().await;
    }

    fn in_a_runtime(test: impl Future<Output = ()>) {
        tokio::runtime::Builder::new_current_thread().build().expect("a runtime").block_on(test);
    }

    #[test]
    fn one_too_many_ends_the_oldest_of_its_stage_and_of_no_other() {
        in_a_runtime(async {
            let connections = Connections::at_most([4, 3, 2]);
            let counts = [0; 3].map(|_: i32| Arc::new(AtomicUsize::new(0)));
            open(&connections, &counts[2], &[ConnectionStage::Receiving, ConnectionStage::Authenticated], 2).await;
            open(&connections, &counts[1], &[ConnectionStage::Receiving], 3).await;
            open(&connections, &counts[0], &[], 4).await;
            assert_eq!(connections.counts(), [4, 3, 2]);
            open(&connections, &counts[0], &[], 100).await;
            open(&connections, &counts[1], &[ConnectionStage::Receiving], 100).await;
            assert_eq!(counts.each_ref().map(|count| count.load(Ordering::Relaxed)), [3, 3, 2]);
            open(&connections, &counts[2], &[ConnectionStage::Authenticated, ConnectionStage::Authenticated], 5).await;
            assert_eq!(counts[2].load(Ordering::Relaxed), 2);
        });
    }

    #[test]
    fn a_connection_that_ends_makes_room() {
        in_a_runtime(async {
            let connections = Connections::at_most([2, 2, 2]);
            let held = Arc::new(AtomicUsize::new(0));
            open(&connections, &held, &[], 1).await;
            for _ in 0..10 {
                connections.add(|slot| async move { slot.reach(ConnectionStage::Receiving) });
                yield_now().await;
            }
            assert_eq!((held.load(Ordering::Relaxed), connections.counts()), (1, [1, 0, 0]));
        });
    }
}
