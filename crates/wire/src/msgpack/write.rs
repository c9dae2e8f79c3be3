//! Writes msgpack, item by item, each in its shortest form.

/// Marker and length of something with `short` markers for lengths below `1 << bits`.
fn write_len(out: &mut Vec<u8>, len: usize, short: u8, bits: u32, markers: [u8; 3]) {
    #[expect(clippy::cast_possible_truncation, reason = "each arm checks the range")]
    match len {
        _ if len < 1 << bits && bits > 0 => out.push(short | len as u8),
        0..=0xff if markers[0] != 0 => out.extend_from_slice(&[markers[0], len as u8]),
        0..=0xffff => {
            out.push(markers[1]);
            out.extend_from_slice(&(len as u16).to_be_bytes());
        }
        // Four gigabytes do not fit into a packet.
        _ => {
            out.push(markers[2]);
            out.extend_from_slice(&(len as u32).to_be_bytes());
        }
    }
}

pub(crate) fn write_list(out: &mut Vec<u8>, len: usize) {
    write_len(out, len, 0x90, 4, [0, 0xdc, 0xdd]);
}

pub(crate) fn write_map(out: &mut Vec<u8>, len: usize) {
    write_len(out, len, 0x80, 4, [0, 0xde, 0xdf]);
}

pub(crate) fn write_str(out: &mut Vec<u8>, text: &str) {
    write_len(out, text.len(), 0xa0, 5, [0xd9, 0xda, 0xdb]);
    out.extend_from_slice(text.as_bytes());
}

#[expect(clippy::cast_possible_truncation, reason = "each arm checks the range")]
pub(crate) fn write_unsigned(out: &mut Vec<u8>, value: u64) {
    match value {
        0..=0x7f => out.push(value as u8),
        0x80..=0xff => out.extend_from_slice(&[0xcc, value as u8]),
        0x100..=0xffff => {
            out.push(0xcd);
            out.extend_from_slice(&(value as u16).to_be_bytes());
        }
        0x1_0000..=0xffff_ffff => {
            out.push(0xce);
            out.extend_from_slice(&(value as u32).to_be_bytes());
        }
        _ => {
            out.push(0xcf);
            out.extend_from_slice(&value.to_be_bytes());
        }
    }
}

#[expect(
    clippy::cast_possible_truncation,
    clippy::cast_sign_loss,
    reason = "each arm checks the range; two's complement is what is written"
)]
pub(crate) fn write_signed(out: &mut Vec<u8>, value: i64) {
    match value {
        0.. => write_unsigned(out, value.cast_unsigned()),
        -0x20..0 => out.push(value as u8),
        -0x80..-0x20 => out.extend_from_slice(&[0xd0, value as u8]),
        -0x8000..-0x80 => {
            out.push(0xd1);
            out.extend_from_slice(&(value as i16).to_be_bytes());
        }
        -0x8000_0000..-0x8000 => {
            out.push(0xd2);
            out.extend_from_slice(&(value as i32).to_be_bytes());
        }
        _ => {
            out.push(0xd3);
            out.extend_from_slice(&value.to_be_bytes());
        }
    }
}

pub(crate) fn write_bytes(out: &mut Vec<u8>, bytes: &[u8]) {
    write_len(out, bytes.len(), 0, 0, [0xc4, 0xc5, 0xc6]);
    out.extend_from_slice(bytes);
}

pub(crate) fn write_double(out: &mut Vec<u8>, value: f64) {
    out.push(0xcb);
    out.extend_from_slice(&value.to_be_bytes());
}

/// A JavaScript number: an integer wherever it is one, else a double.
///
/// So does `notepack.io` 3.0.1, except that it loses an integer beyond 64 bits; as a double it is read
/// by everybody.
pub(crate) fn write_number(out: &mut Vec<u8>, value: f64) {
    /// 2^64, the first integer that has no form.
    const END: f64 = 18_446_744_073_709_551_616.0;
    const FIRST: f64 = -9_223_372_036_854_775_808.0;
    #[expect(
        clippy::cast_possible_truncation,
        clippy::cast_sign_loss,
        reason = "each arm checks the range"
    )]
    if value.fract() != 0.0 {
        write_double(out, value);
    } else if (0.0..END).contains(&value) {
        write_unsigned(out, value as u64);
    } else if (FIRST..0.0).contains(&value) {
        write_signed(out, value as i64);
    } else {
        write_double(out, value);
    }
}

pub(crate) fn write_bool(out: &mut Vec<u8>, value: bool) {
    out.push(0xc2 | u8::from(value));
}
