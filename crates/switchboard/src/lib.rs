//! switchboard.
