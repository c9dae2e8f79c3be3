//! What tests of metrics share.

pub mod recorder;
