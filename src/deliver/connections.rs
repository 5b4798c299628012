//! The open connections, by stage. Each stage has a time limit and a maximum number of connections. If a connection
//! enters a stage that is full, the oldest connection of that stage is ended.
//!
//! A client may open connections faster than xassume answers them. Then xassume ends only connections that have not
//! sent the token, because connections with the token are in a separate stage. A connection that has not sent its
//! request yet is ended only after thousands of newer connections.

use crate::sys::limits;
use std::collections::BTreeMap;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use tokio::task::AbortHandle;

/// The progress of a connection.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum ConnectionStage {
    /// Nothing has been received. The connection takes one descriptor and a few hundred bytes.
    Idle,
    /// Part of a request has been received, so the connection has buffers.
    Receiving,
    /// The connection has sent the token and got the session.
    Authenticated,
}

/// The maximum number of connections in each stage. [`SHARE_DIVISORS`] may lower it.
const MAX_CONNECTIONS: [usize; 3] = [4096, 256, 256];
/// A stage may have at most the limit on open files divided by this number. The stages together get only a part of the
/// limit, because supervising the command takes descriptors too.
const SHARE_DIVISORS: [usize; 3] = [4, 8, 8];

/// The open connections of one address. Clones share the same connections.
#[derive(Clone)]
pub(super) struct Connections(Arc<Mutex<Open>>);

struct Open {
    next: u64,
    /// The connections of each stage by number. Older connections have lower numbers.
    stages: [BTreeMap<u64, AbortHandle>; 3],
    max: [usize; 3],
}

impl Connections {
    /// Creates the set for an address that only this user's processes can connect to. These processes make few
    /// connections, so the limit of open files is not raised.
    pub(super) fn few() -> Self {
        Self::within(limits::files())
    }

    /// Creates the set for an address that every local user can connect to. Raises the soft limit of open files if
    /// necessary.
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

    /// Spawns the task of a new connection, and registers the connection in the first stage. Must be called within a
    /// single-threaded runtime, so that the connection is registered before its task runs.
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
        // The lock is released first, because aborting the connection may drop its [`Slot`], which takes the lock.
        if let Some((_, oldest)) = oldest {
            oldest.abort();
        }
    }

    #[cfg(test)]
    fn counts(&self) -> [usize; 3] {
        self.open().stages.each_ref().map(BTreeMap::len)
    }
}

/// The entry of one connection in [`Connections`]. The connection owns this value, and dropping it removes the entry.
pub(super) struct Slot {
    connections: Connections,
    number: u64,
}

impl Slot {
    /// Moves the connection to `stage`. If the stage is full, the oldest connection in it is ended.
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

    /// Opens `count` connections that pass through `stages` and stay in the last one. `open` counts the connections
    /// that are open.
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
