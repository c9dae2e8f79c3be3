//! Arguments that name something: the typed name or its text.
//!
//! Looking up `"lobby"` should not need an allocation, and passing an id where a room is meant should
//! not compile. [`NameOf`] gives both.

use switchboard_connection::{ConnectionId, Namespace, Room};

/// A `T`, or its text: `&Room` and `&str` are both names of a [`Room`]; `&ConnectionId` is not.
///
/// A text that is no valid name names nothing, so looking it up finds nothing.
pub trait NameOf<T>: Sync + sealed::Sealed {
    /// The name as text.
    fn as_name(&self) -> &str;
}

impl<T> NameOf<T> for str {
    fn as_name(&self) -> &str {
        self
    }
}

impl<T> NameOf<T> for String {
    fn as_name(&self) -> &str {
        self
    }
}

impl<T, N: NameOf<T> + ?Sized> NameOf<T> for &N {
    fn as_name(&self) -> &str {
        (**self).as_name()
    }
}

macro_rules! names_itself {
    ($($type:ty),*) => {$(
        impl NameOf<Self> for $type {
            fn as_name(&self) -> &str {
                self.as_str()
            }
        }

        impl sealed::Sealed for $type {}
    )*};
}

names_itself!(ConnectionId, Namespace, Room);

mod sealed {
    #[expect(unnameable_types, reason = "nobody else shall implement it")]
    pub trait Sealed {}

    impl Sealed for str {}
    impl Sealed for String {}
    impl<S: Sealed + ?Sized> Sealed for &S {}
}
