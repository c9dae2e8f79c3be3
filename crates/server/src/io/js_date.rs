//! A point in time as JavaScript's `Date.prototype.toString` writes it, in UTC.

use std::time::{Duration, UNIX_EPOCH};

/// For example `Sat Nov 21 2026 01:50:06 GMT+0000 (Coordinated Universal Time)`.
pub(crate) fn js_date_string(millis: u64) -> String {
    // "Sat, 21 Nov 2026 01:50:06 GMT"
    let http = httpdate::fmt_http_date(UNIX_EPOCH + Duration::from_millis(millis));
    let mut words = http.split(' ');
    let mut word = || words.next().unwrap_or_default();
    let (weekday, day, month, year, time) = (word(), word(), word(), word(), word());
    let weekday = weekday.trim_end_matches(',');
    format!("{weekday} {month} {day} {year} {time} GMT+0000 (Coordinated Universal Time)")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn dates_are_written_as_in_javascript() {
        for (millis, text) in [
            (0, "Thu Jan 01 1970 00:00:00"),
            (1_795_225_806_852, "Sat Nov 21 2026 01:50:06"),
            (951_782_400_000, "Tue Feb 29 2000 00:00:00"),
        ] {
            let expected = format!("{text} GMT+0000 (Coordinated Universal Time)");
            assert_eq!(js_date_string(millis), expected);
        }
    }
}
