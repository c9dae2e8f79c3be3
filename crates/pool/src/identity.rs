//! Which object a connection is: two of one address are still two.

use std::sync::Arc;

/// The address of a connection's allocation. Names it for as long as somebody holds the connection.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub(crate) struct Identity(usize);

impl Identity {
    /// The identity of `connection`, the same through `Arc<C>` and `Arc<dyn Connection>`.
    #[inline]
    pub(crate) fn of<C: ?Sized>(connection: &Arc<C>) -> Self {
        Self(Arc::as_ptr(connection).cast::<()>().addr())
    }
}

/// The connections that one fan-out has met, or shall leave out.
///
/// Asked once per recipient. Their number is known before, nothing is taken out again and addresses are
/// not chosen by peers, so a table that never grows does: half of it stays empty.
pub(crate) struct Met {
    /// Addresses, each at its hash or at the next free place after it; 0 is free.
    places: Vec<usize>,
    /// How far to shift a hash so that it fits.
    shift: u32,
}

impl Met {
    /// Room for `capacity` connections.
    pub(crate) fn with_capacity(capacity: usize) -> Self {
        let places = (2 * capacity).next_power_of_two().max(2);
        Self {
            places: vec![0; places],
            shift: usize::BITS - places.ilog2(),
        }
    }

    #[inline]
    pub(crate) fn contains(&self, identity: Identity) -> bool {
        self.places[self.find(identity)] != 0
    }

    /// Whether `identity` was not there before.
    #[inline]
    pub(crate) fn insert(&mut self, identity: Identity) -> bool {
        let place = self.find(identity);
        let is_new = self.places[place] == 0;
        self.places[place] = identity.0;
        is_new
    }

    /// The place of `identity`, or the free one where it would be.
    #[inline]
    fn find(&self, identity: Identity) -> usize {
        // Fibonacci hashing: times 2^bits by the golden ratio, made odd. The high bits of the product
        // depend on all bits of the address.
        const MULTIPLIER: usize = (usize::MAX / 1618 * 1000) | 1;
        let mut place = identity.0.wrapping_mul(MULTIPLIER) >> self.shift;
        loop {
            let found = self.places[place];
            if found == 0 || found == identity.0 {
                return place;
            }
            place = (place + 1) & (self.places.len() - 1);
        }
    }
}

#[cfg(test)]
mod tests {
    use std::collections::HashSet;

    use proptest::prelude::*;

    use super::*;

    proptest! {
        #[test]
        fn met_is_a_set(addresses in proptest::collection::vec(1_usize..60, 0..50), asked: Vec<usize>) {
            let mut met = Met::with_capacity(addresses.len());
            let mut set = HashSet::new();
            for address in addresses {
                // The distance of allocations of one size.
                prop_assert_eq!(met.insert(Identity(address << 10)), set.insert(address));
            }
            for address in asked.into_iter().map(|asked| asked % 60 + 1) {
                prop_assert_eq!(met.contains(Identity(address << 10)), set.contains(&address));
            }
        }
    }
}
