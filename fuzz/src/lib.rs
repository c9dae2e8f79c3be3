//! What the targets share: the checks of the property tests, and a value out of any bytes.

mod input;

#[path = "../../crates/wire/tests/checks/mod.rs"]
pub mod checks;

pub use input::Input;
