//! Values that an application keeps with a connection, one per type.

use std::{
    any::{Any, TypeId},
    collections::HashMap,
    fmt,
    sync::Arc,
};

use parking_lot::RwLock;

type Values = HashMap<TypeId, Arc<dyn Any + Send + Sync>>;

/// One value per type, kept as long as the connection. Empty, it owns no memory.
///
/// ```
/// # use switchboard_connection::Metadata;
/// #[derive(Debug, PartialEq)]
/// struct Nickname(String);
///
/// let metadata = Metadata::default();
/// metadata.insert(Nickname("ada".into()));
/// assert_eq!(metadata.get::<Nickname>().unwrap().0, "ada");
/// ```
#[derive(Default)]
pub struct Metadata(RwLock<Option<Box<Values>>>);

impl Metadata {
    /// Keeps `value` and returns the value of the same type that was there before.
    pub fn insert<T: Any + Send + Sync>(&self, value: T) -> Option<Arc<T>> {
        let mut values = self.0.write();
        let old = values
            .get_or_insert_default()
            .insert(TypeId::of::<T>(), Arc::new(value))?;
        old.downcast().ok()
    }

    /// The value of type `T`.
    pub fn get<T: Any + Send + Sync>(&self) -> Option<Arc<T>> {
        let value = self.0.read().as_ref()?.get(&TypeId::of::<T>())?.clone();
        value.downcast().ok()
    }

    /// Takes the value of type `T` away.
    pub fn remove<T: Any + Send + Sync>(&self) -> Option<Arc<T>> {
        let mut values = self.0.write();
        let value = values.as_mut()?.remove(&TypeId::of::<T>())?;
        value.downcast().ok()
    }
}

impl fmt::Debug for Metadata {
    /// The number of values only: what they hold may be secret.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let values = self.0.read().as_ref().map_or(0, |values| values.len());
        f.debug_struct("Metadata").field("values", &values).finish()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn one_value_per_type() {
        let metadata = Metadata::default();
        assert_eq!(metadata.insert(1_u8), None);
        assert_eq!(metadata.insert(2_u8).as_deref(), Some(&1));
        assert_eq!(metadata.insert("x"), None);
        assert_eq!(metadata.get::<u8>().as_deref(), Some(&2));
        assert_eq!(metadata.remove::<u8>().as_deref(), Some(&2));
        assert!(metadata.get::<u8>().is_none());
    }
}
