//! Which object a connection is: two of one address are still two.

use std::sync::Arc;

use hashbrown::HashTable;

/// The address of a connection's allocation. Names it for as long as somebody holds the connection.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub(crate) struct Identity(usize);

impl Identity {
    /// The identity of `connection`, the same through `Arc<C>` and `Arc<dyn Connection>`.
    pub(crate) fn of<C: ?Sized>(connection: &Arc<C>) -> Self {
        Self(Arc::as_ptr(connection).cast::<()>().addr())
    }

    /// Allocations differ in their middle bits; one multiplication spreads them over the whole word.
    fn hash(self) -> u64 {
        let product = u128::from(self.0 as u64) * 0x9E37_79B9_7F4A_7C15;
        #[expect(
            clippy::cast_possible_truncation,
            reason = "both halves are folded into one"
        )]
        let (low, high) = (product as u64, (product >> 64) as u64);
        (low ^ high).wrapping_mul(0x9E37_79B9_7F4A_7C15)
    }
}

/// The connections that one fan-out has met, or shall leave out.
#[derive(Default)]
pub(crate) struct Met(HashTable<Identity>);

impl Met {
    pub(crate) fn with_capacity(capacity: usize) -> Self {
        Self(HashTable::with_capacity(capacity))
    }

    /// Whether `identity` was not there before.
    pub(crate) fn insert(&mut self, identity: Identity) -> bool {
        use hashbrown::hash_table::Entry;
        match self
            .0
            .entry(identity.hash(), |met| *met == identity, |met| met.hash())
        {
            Entry::Occupied(_) => false,
            Entry::Vacant(entry) => {
                entry.insert(identity);
                true
            }
        }
    }
}
