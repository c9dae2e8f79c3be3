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

pub(super) fn write_list(out: &mut Vec<u8>, len: usize) {
    write_len(out, len, 0x90, 4, [0, 0xdc, 0xdd]);
}

pub(super) fn write_map(out: &mut Vec<u8>, len: usize) {
    write_len(out, len, 0x80, 4, [0, 0xde, 0xdf]);
}

pub(super) fn write_str(out: &mut Vec<u8>, text: &str) {
    write_len(out, text.len(), 0xa0, 5, [0xd9, 0xda, 0xdb]);
    out.extend_from_slice(text.as_bytes());
}

#[expect(clippy::cast_possible_truncation, reason = "each arm checks the range")]
pub(super) fn write_unsigned(out: &mut Vec<u8>, value: u64) {
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
pub(super) fn write_signed(out: &mut Vec<u8>, value: i64) {
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

pub(super) fn write_bytes(out: &mut Vec<u8>, bytes: &[u8]) {
    write_len(out, bytes.len(), 0, 0, [0xc4, 0xc5, 0xc6]);
    out.extend_from_slice(bytes);
}

pub(super) fn write_double(out: &mut Vec<u8>, value: f64) {
    out.push(0xcb);
    out.extend_from_slice(&value.to_be_bytes());
}
