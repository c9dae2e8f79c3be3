//! Measurements of Switchboard.
