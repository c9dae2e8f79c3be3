//! One connection that comes and goes where many stay.

use gungraun::{library_benchmark, library_benchmark_group};
use switchboard::connection::{AnyConnection, Room};
use switchboard::pool::{Added, Joined, Left, Pool, Removed};

use crate::{
    NAMESPACE, OPERATIONS,
    fake::{Fake, pool_of},
};

/// How many stay in the room.
const ROOM: usize = 1_000;

/// Who comes and goes.
struct Guest {
    pool: Pool,
    connection: AnyConnection,
    room: Room,
}

impl Guest {
    fn join_and_leave(&self) {
        assert_eq!(
            self.pool.join(&self.connection, &self.room),
            Ok(Joined::Member)
        );
        assert_eq!(self.pool.leave(&self.connection, &self.room), Left::Member);
    }

    fn enter_and_go(&self) {
        assert_eq!(self.pool.add(self.connection.clone()), Ok(Added::Member));
        assert_eq!(self.pool.remove(&self.connection), Removed::Member);
    }
}

fn outside() -> Guest {
    let guest = Guest {
        pool: pool_of(OPERATIONS),
        connection: Fake::any(OPERATIONS),
        room: Room::from_static("room"),
    };
    // The pool closes its gaps after as many departures as connections stay: once while we measure.
    for _ in 0..OPERATIONS / 2 {
        guest.enter_and_go();
    }
    guest
}

fn inside() -> Guest {
    let guest = outside();
    for member in guest.pool.connections(NAMESPACE).iter().take(ROOM) {
        guest
            .pool
            .join(member, &guest.room)
            .expect("it is in the pool");
    }
    guest
        .pool
        .add(guest.connection.clone())
        .expect("its id is its own");
    guest
}

#[library_benchmark]
#[bench::room_of_1000(setup = inside)]
fn join_and_leave(guest: Guest) -> Guest {
    for _ in 0..OPERATIONS {
        guest.join_and_leave();
    }
    guest
}

#[library_benchmark]
#[bench::namespace_of_10000(setup = outside)]
fn add_and_remove(guest: Guest) -> Guest {
    for _ in 0..OPERATIONS {
        guest.enter_and_go();
    }
    guest
}

library_benchmark_group!(name = pool, benchmarks = [join_and_leave, add_and_remove]);
