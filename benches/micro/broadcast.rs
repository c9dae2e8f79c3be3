//! One message of 128 bytes to everyone.

use gungraun::{library_benchmark, library_benchmark_group};
use switchboard::pool::{Pool, Report};

use crate::{NAMESPACE, OPERATIONS, fake::pool_of, sockets::Sockets, text};

fn fakes() -> (Pool, String) {
    (pool_of(OPERATIONS), text(128))
}

fn sockets() -> (Sockets, String) {
    (Sockets::new(), text(128))
}

fn sockets_that_wait() -> (Sockets, String) {
    let (sockets, message) = sockets();
    let _ = sockets.pool.namespace(NAMESPACE).send(&*message);
    (sockets, message)
}

#[library_benchmark]
#[bench::everyone(setup = fakes)]
fn counting_fakes((pool, message): (Pool, String)) -> (Pool, Report) {
    let report = pool.namespace(NAMESPACE).send(message);
    (pool, report)
}

#[library_benchmark]
#[bench::all_but_the_sender(setup = fakes)]
fn counting_fakes_except((pool, message): (Pool, String)) -> (Pool, Report) {
    let report = pool.namespace(NAMESPACE).except("0").send(message);
    (pool, report)
}

#[library_benchmark]
#[bench::first(setup = sockets)]
#[bench::one_more(setup = sockets_that_wait)]
fn web_sockets((sockets, message): (Sockets, String)) -> (Sockets, Report) {
    let report = sockets.pool.namespace(NAMESPACE).send(message);
    (sockets, report)
}

library_benchmark_group!(
    name = fan_out,
    benchmarks = [counting_fakes, counting_fakes_except, web_sockets]
);
