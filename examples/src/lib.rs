//! Programs that show what Switchboard does; each is an example target of this package.
