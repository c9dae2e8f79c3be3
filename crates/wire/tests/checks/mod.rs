//! What must hold of any bytes: shared by the property tests here and the fuzz targets in `fuzz/`.

pub mod engine;
pub mod oracle;
pub mod reading;
pub mod socketio;
