//! UTF-8 that arrives in pieces, refused at the first byte that cannot be part of it.

/// Checks a text piece by piece.
#[derive(Debug, Default)]
pub(super) struct Utf8Check {
    /// The beginning of a character whose rest is still to come.
    begun: [u8; 4],
    begun_len: usize,
}

/// The text is not UTF-8.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct NotUtf8;

impl Utf8Check {
    /// Takes the next piece.
    pub(super) fn feed(&mut self, mut piece: &[u8]) -> Result<(), NotUtf8> {
        while self.begun_len > 0 {
            let Some((&next, rest)) = piece.split_first() else {
                return Ok(());
            };
            self.begun[self.begun_len] = next;
            self.begun_len += 1;
            piece = rest;
            match std::str::from_utf8(&self.begun[..self.begun_len]) {
                Ok(_) => self.begun_len = 0,
                Err(error) if error.error_len().is_some() => return Err(NotUtf8),
                Err(_) => {}
            }
        }
        match std::str::from_utf8(piece) {
            Ok(_) => Ok(()),
            Err(error) if error.error_len().is_some() => Err(NotUtf8),
            Err(error) => {
                let begun = &piece[error.valid_up_to()..];
                self.begun[..begun.len()].copy_from_slice(begun);
                self.begun_len = begun.len();
                Ok(())
            }
        }
    }

    /// Whether no character is left unfinished.
    pub(super) fn is_complete(&self) -> bool {
        self.begun_len == 0
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn refuses_at_the_first_impossible_byte() {
        let mut check = Utf8Check::default();
        assert_eq!(check.feed(b"ok \xf4"), Ok(()));
        assert_eq!(check.feed(b"\x90"), Err(NotUtf8));
    }

    proptest! {
        #[test]
        fn agrees_with_std_whatever_the_pieces(
            bytes in prop_oneof![
                proptest::collection::vec(any::<u8>(), 0..40),
                ".{0,20}".prop_map(String::into_bytes),
            ],
            size in 1_usize..6,
        ) {
            let mut check = Utf8Check::default();
            let fed = bytes.chunks(size).try_for_each(|piece| check.feed(piece));
            let valid = fed.is_ok() && check.is_complete();
            prop_assert_eq!(valid, std::str::from_utf8(&bytes).is_ok());
        }
    }
}
