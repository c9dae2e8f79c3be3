//! Masking of client frames (RFC 6455 §5.3).

/// Applies `mask` to `bytes`, the first of which stands at `offset` in its frame's payload.
pub(crate) fn apply(bytes: &mut [u8], mask: [u8; 4], offset: usize) {
    let mut mask = mask;
    mask.rotate_left(offset % 4);
    let wide = u64::from_ne_bytes([
        mask[0], mask[1], mask[2], mask[3], mask[0], mask[1], mask[2], mask[3],
    ]);
    let mut chunks = bytes.chunks_exact_mut(8);
    for chunk in &mut chunks {
        if let Ok(word) = <[u8; 8]>::try_from(&*chunk) {
            chunk.copy_from_slice(&(u64::from_ne_bytes(word) ^ wide).to_ne_bytes());
        }
    }
    for (byte, mask) in chunks.into_remainder().iter_mut().zip(mask.iter().cycle()) {
        *byte ^= mask;
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    proptest! {
        #[test]
        fn masking_in_pieces_is_byte_by_byte_xor(
            bytes in proptest::collection::vec(any::<u8>(), 0..100),
            mask: [u8; 4],
            cut in 0_usize..100,
        ) {
            let expected: Vec<u8> =
                bytes.iter().enumerate().map(|(i, byte)| byte ^ mask[i % 4]).collect();
            let mut actual = bytes;
            let cut = cut.min(actual.len());
            let (head, tail) = actual.split_at_mut(cut);
            super::apply(head, mask, 0);
            super::apply(tail, mask, cut);
            prop_assert_eq!(actual, expected);
        }
    }
}
