//! Connections in the order they came, found by id, walked without a lock.
//!
//! A broadcast must not hold a lock while it sends, and should not copy 100,000 handles first. So the
//! handles stand in chunks behind reference counts: a walk takes one reference to the lot, and whoever
//! changes the roll meanwhile copies the one chunk it changes. A roll nobody walks is changed in place.
//!
//! Per connection: 16 bytes in a chunk and, past [`SCANNED`] of them, about 10 in the index.

use std::{collections::hash_map::RandomState, hash::BuildHasher, slice, sync::Arc};

use hashbrown::HashTable;
use switchboard_connection::AnyConnection;

use crate::identity::Identity;

/// Slots per chunk. A change during a walk copies one chunk; taking a walk costs nothing per chunk.
const CHUNK: usize = 64;

/// Rolls of at most so many slots have no index: comparing a few ids is cheaper to keep.
const SCANNED: usize = 8;

/// A place in a chunk; a removal leaves it empty until the roll is compacted.
type Slot = Option<AnyConnection>;
type Chunks = Vec<Arc<Vec<Slot>>>;

/// An ordered set of connections with different ids.
#[derive(Debug, Default)]
pub(crate) struct Roll {
    chunks: Arc<Chunks>,
    /// Positions of all connections by the hash of their ids; empty while there are few slots.
    index: HashTable<u32>,
    hasher: RandomState,
    len: usize,
    /// Slots handed out, empty ones included.
    slots: usize,
}

impl Roll {
    pub(crate) fn len(&self) -> usize {
        self.len
    }

    pub(crate) fn get(&self, id: &str) -> Option<&AnyConnection> {
        self.position(id)
            .and_then(|position| slot(&self.chunks, position))
    }

    /// Whether this very object is in the roll.
    pub(crate) fn holds(&self, id: &str, identity: Identity) -> bool {
        self.get(id)
            .is_some_and(|found| Identity::of(found) == identity)
    }

    /// Appends `connection`, whose id the caller knows to be free.
    pub(crate) fn push(&mut self, connection: AnyConnection) {
        let position = self.slots;
        let hash = self.hasher.hash_one(connection.address().id.as_str());
        let chunks = Arc::make_mut(&mut self.chunks);
        if position.is_multiple_of(CHUNK) {
            chunks.push(Arc::default());
        }
        if let Some(chunk) = chunks.last_mut() {
            Arc::make_mut(chunk).push(Some(connection));
        }
        self.slots += 1;
        self.len += 1;
        match self.slots {
            0..=SCANNED => {}
            slots if slots == SCANNED + 1 => self.reindex(),
            _ => self.insert_in_index(hash, position),
        }
    }

    /// Takes out the connection `id` if it is this very object.
    pub(crate) fn remove(&mut self, id: &str, identity: Identity) -> Option<AnyConnection> {
        let position = self.position(id)?;
        if slot(&self.chunks, position).is_none_or(|found| Identity::of(found) != identity) {
            return None;
        }
        let hash = self.hasher.hash_one(id);
        if let Ok(entry) = self
            .index
            .find_entry(hash, |&found| usize::try_from(found) == Ok(position))
        {
            entry.remove();
        }
        let chunk = Arc::make_mut(&mut self.chunks).get_mut(position / CHUNK)?;
        let removed = Arc::make_mut(chunk).get_mut(position % CHUNK)?.take();
        self.len -= 1;
        if self.len == 0 {
            *self = Self::default();
        } else if self.slots >= 2 * self.len + CHUNK {
            self.compact();
        }
        removed
    }

    /// The connections that are here now, to walk without a lock.
    pub(crate) fn snapshot(&self) -> Connections {
        Connections {
            chunks: Arc::clone(&self.chunks),
            len: self.len,
        }
    }

    fn position(&self, id: &str) -> Option<usize> {
        let is_it = |position: usize| {
            slot(&self.chunks, position).is_some_and(|found| found.address().id.as_str() == id)
        };
        if self.slots <= SCANNED {
            return (0..self.slots).find(|&position| is_it(position));
        }
        let hash = self.hasher.hash_one(id);
        let found = self
            .index
            .find(hash, |&position| is_it(position as usize))?;
        Some(*found as usize)
    }

    /// Closes the gaps. Called when more than half of the slots are empty, so its cost is shared by as
    /// many removals.
    fn compact(&mut self) {
        let mut chunks = Chunks::with_capacity(self.len.div_ceil(CHUNK));
        let before = self.snapshot();
        let mut connections = before.iter().cloned().map(Some);
        while connections.len() > 0 {
            chunks.push(Arc::new(connections.by_ref().take(CHUNK).collect()));
        }
        self.chunks = Arc::new(chunks);
        self.slots = self.len;
        self.reindex();
    }

    fn reindex(&mut self) {
        self.index = HashTable::new();
        if self.slots <= SCANNED {
            return;
        }
        for position in 0..self.slots {
            if let Some(connection) = slot(&self.chunks, position) {
                let hash = self.hasher.hash_one(connection.address().id.as_str());
                self.insert_in_index(hash, position);
            }
        }
    }

    fn insert_in_index(&mut self, hash: u64, position: usize) {
        let (chunks, hasher) = (&self.chunks, &self.hasher);
        let position = u32::try_from(position).expect("a node holds fewer than 2^32 connections");
        self.index.insert_unique(hash, position, |&position| {
            let id = slot(chunks, position as usize).map(|found| found.address().id.as_str());
            hasher.hash_one(id.unwrap_or_default())
        });
    }
}

fn slot(chunks: &Chunks, position: usize) -> Option<&AnyConnection> {
    chunks
        .get(position / CHUNK)?
        .get(position % CHUNK)?
        .as_ref()
}

/// Connections that were in a namespace or a room at one moment, in the order they came.
///
/// What happens in the pool afterwards does not change it. It keeps its connections alive, so drop it
/// when the walk is over.
///
/// ```
/// # let pool = switchboard_pool::Pool::default();
/// for connection in &pool.connections("default") {
///     println!("{}", connection.address());
/// }
/// ```
#[derive(Clone, Debug, Default)]
pub struct Connections {
    chunks: Arc<Chunks>,
    len: usize,
}

impl Connections {
    /// Those of `connections`, which are all different.
    pub(crate) fn of(connections: Vec<AnyConnection>) -> Self {
        let len = connections.len();
        let chunk = Arc::new(connections.into_iter().map(Some).collect());
        Self {
            chunks: Arc::new(vec![chunk]),
            len,
        }
    }

    /// How many there are.
    pub fn len(&self) -> usize {
        self.len
    }

    /// Whether there is none.
    pub fn is_empty(&self) -> bool {
        self.len == 0
    }

    /// Walks through them.
    pub fn iter(&self) -> Iter<'_> {
        Iter {
            chunks: self.chunks.iter(),
            slots: [].iter(),
            left: self.len,
        }
    }

    /// Calls `visit` for each: what a fan-out uses, a few instructions per connection.
    #[inline]
    pub(crate) fn each(&self, mut visit: impl FnMut(&AnyConnection)) {
        for chunk in self.chunks.iter() {
            for connection in chunk.iter().flatten() {
                visit(connection);
            }
        }
    }
}

impl<'a> IntoIterator for &'a Connections {
    type Item = &'a AnyConnection;
    type IntoIter = Iter<'a>;

    fn into_iter(self) -> Iter<'a> {
        self.iter()
    }
}

/// Walks through [`Connections`].
#[derive(Clone, Debug)]
pub struct Iter<'a> {
    chunks: slice::Iter<'a, Arc<Vec<Slot>>>,
    slots: slice::Iter<'a, Slot>,
    left: usize,
}

impl<'a> Iterator for Iter<'a> {
    type Item = &'a AnyConnection;

    fn next(&mut self) -> Option<&'a AnyConnection> {
        loop {
            match self.slots.next() {
                Some(Some(connection)) => {
                    self.left -= 1;
                    return Some(connection);
                }
                Some(None) => {}
                None => self.slots = self.chunks.next()?.iter(),
            }
        }
    }

    fn size_hint(&self) -> (usize, Option<usize>) {
        (self.left, Some(self.left))
    }
}

impl ExactSizeIterator for Iter<'_> {}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::fake::Fake;

    fn ids(roll: &Roll) -> Vec<String> {
        roll.snapshot()
            .iter()
            .map(|found| found.address().id.to_string())
            .collect()
    }

    #[test]
    fn keeps_the_order_and_finds_everyone_through_growth_and_compaction() {
        let all: Vec<AnyConnection> = (0..1_000)
            .map(|n| Fake::any("ns", &n.to_string()))
            .collect();
        let mut roll = Roll::default();
        let mut expected = Vec::new();
        for (n, connection) in all.iter().enumerate() {
            roll.push(connection.clone());
            expected.push(n.to_string());
            if n % 3 != 0 {
                let gone = &all[n / 2];
                if roll
                    .remove(&gone.address().id, Identity::of(gone))
                    .is_some()
                {
                    expected.retain(|id| *id != gone.address().id.as_str());
                }
            }
            assert_eq!(roll.len(), expected.len());
            assert!(roll.slots <= 2 * roll.len() + CHUNK, "gaps are bounded");
        }
        assert_eq!(ids(&roll), expected);
        for connection in &all {
            let id = connection.address().id.as_str();
            assert_eq!(
                roll.get(id).is_some(),
                expected.iter().any(|expected| expected == id)
            );
        }
    }

    #[test]
    fn a_walk_sees_the_moment_it_was_taken() {
        let mut roll = Roll::default();
        let (a, b) = (Fake::any("ns", "a"), Fake::any("ns", "b"));
        roll.push(a.clone());
        let before = roll.snapshot();
        roll.push(b.clone());
        roll.remove("a", Identity::of(&a));
        assert_eq!(before.iter().len(), 1);
        assert_eq!(before.iter().count(), 1);
        assert_eq!(ids(&roll), ["b"]);
    }

    #[test]
    fn a_removed_connection_is_not_kept_alive() {
        let mut roll = Roll::default();
        let a = Fake::any("ns", "a");
        roll.push(a.clone());
        roll.push(Fake::any("ns", "b"));
        drop(roll.snapshot());
        drop(roll.remove("a", Identity::of(&a)));
        assert_eq!(Arc::strong_count(&a), 1);
    }
}
