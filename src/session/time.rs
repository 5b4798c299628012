//! Reads times in the formats of AWS services and tools. All functions here are pure.

use std::time::{Duration, SystemTime};

/// Reads a time with a time zone. Accepts every ISO 8601 format that botocore accepts through dateutil, so that files
/// and answers that the AWS CLI can read are accepted here as well. Returns `None` for any other text.
///
/// The date and the time of day may be written with or without separators. The seconds may be missing or have a
/// fraction. The zone is an offset with or without a colon, `Z`, `UTC` (written by old versions of the AWS CLI) or
/// `GMT`. A time without a zone is not accepted, because botocore does not accept it either.
pub(crate) fn parse_time(text: &str) -> Option<SystemTime> {
    let mut cursor = Cursor(text.trim().as_bytes());
    let days = cursor.date()?;
    if !cursor.take(b"Tt") && !cursor.spaces() {
        return None;
    }
    let (seconds, nanoseconds) = cursor.clock()?;
    cursor.spaces();
    let offset = cursor.zone()?;
    if !cursor.0.is_empty() {
        return None;
    }
    let moment = shifted(SystemTime::UNIX_EPOCH, days * 86_400 + seconds - offset)?;
    moment.checked_add(Duration::from_nanos(nanoseconds))
}

/// Returns the time that is `secs` seconds later, or earlier if `secs` is negative. Returns `None` if the system cannot
/// represent that time.
pub(crate) fn shifted(time: SystemTime, secs: i64) -> Option<SystemTime> {
    let distance = Duration::from_secs(secs.unsigned_abs());
    if secs < 0 { time.checked_sub(distance) } else { time.checked_add(distance) }
}

/// Returns the first time minus the second, in whole seconds.
pub(crate) fn difference(one: SystemTime, other: SystemTime) -> i64 {
    let seconds = |duration: Duration| i64::try_from(duration.as_secs()).unwrap_or(i64::MAX);
    match one.duration_since(other) {
        Ok(ahead) => seconds(ahead),
        Err(behind) => -seconds(behind.duration()),
    }
}

/// The part of the text that has not been read yet.
struct Cursor<'a>(&'a [u8]);

impl Cursor<'_> {
    /// Skips the next character if `one_of` contains it. Returns whether a character was skipped.
    fn take(&mut self, one_of: &[u8]) -> bool {
        let found = self.0.first().is_some_and(|byte| one_of.contains(byte));
        if found {
            self.0 = &self.0[1..];
        }
        found
    }

    fn spaces(&mut self) -> bool {
        let begun = self.0.len();
        while self.take(b" ") {}
        self.0.len() < begun
    }

    /// Reads a number. It must have `least` to `most` digits and be in the range `within`. Returns `None` if the text
    /// does not continue with such a number.
    fn number(&mut self, least: usize, most: usize, within: std::ops::RangeInclusive<i64>) -> Option<i64> {
        let digits = self.0.iter().take(most).take_while(|byte| byte.is_ascii_digit()).count();
        let (number, rest) = self.0.split_at(digits);
        self.0 = rest;
        let number = number.iter().fold(0, |number, digit| number * 10 + i64::from(digit - b'0'));
        (digits >= least && within.contains(&number)).then_some(number)
    }

    fn at_digit(&self) -> bool {
        self.0.first().is_some_and(u8::is_ascii_digit)
    }

    /// Reads the date. Returns the number of days since 1970.
    fn date(&mut self) -> Option<i64> {
        let year = self.number(4, 4, 1..=9999)?;
        let separator = self.0.first().copied().filter(|byte| b"-/".contains(byte));
        let least = if separator.is_some() { 1 } else { 2 };
        let mut part = |within| match separator {
            Some(separator) if !self.take(&[separator]) => None,
            _ => self.number(least, 2, within),
        };
        let month = part(1..=12)?;
        let day = part(1..=days_of(year, month))?;
        // Years are counted from 1 March here, so that the leap day is the last day of a year and each month has a
        // fixed start.
        let (year, month) = if month > 2 { (year, month - 3) } else { (year - 1, month + 9) };
        let of_years = year * 365 + year / 4 - year / 100 + year / 400;
        Some(of_years + (153 * month + 2) / 5 + day - 1 - 719_468)
    }

    /// Reads the time of day. Returns the whole seconds since midnight, and the nanoseconds.
    fn clock(&mut self) -> Option<(i64, u64)> {
        let hour = self.number(1, 2, 0..=23)?;
        let colon = self.take(b":");
        if !colon && !self.at_digit() {
            return Some((hour * 3600, 0));
        }
        let least = if colon { 1 } else { 2 };
        let minute = self.number(least, 2, 0..=59)?;
        if !(if colon { self.take(b":") } else { self.at_digit() }) {
            return Some((hour * 3600 + minute * 60, 0));
        }
        let second = self.number(least, 2, 0..=59)?;
        let fraction = if self.take(b".,") { self.fraction()? } else { 0 };
        Some((hour * 3600 + minute * 60 + second, fraction))
    }

    /// Reads the digits of a fraction of a second, and returns the nanoseconds. Digits after the ninth are ignored.
    fn fraction(&mut self) -> Option<u64> {
        let digits = self.0.iter().take_while(|byte| byte.is_ascii_digit()).count();
        let (fraction, rest) = self.0.split_at(digits);
        self.0 = rest;
        let nanoseconds = fraction.iter().chain([b'0'; 9].iter()).take(9);
        (digits > 0).then(|| nanoseconds.fold(0, |number, digit| number * 10 + u64::from(digit - b'0')))
    }

    /// Reads the time zone. Returns its offset from UTC in seconds, which is positive to the east.
    fn zone(&mut self) -> Option<i64> {
        if let Some(rest) = [&b"UTC"[..], b"GMT", b"Z", b"z"].iter().find_map(|name| self.0.strip_prefix(*name)) {
            self.0 = rest;
            return Some(0);
        }
        let ahead = self.take(b"+");
        if !ahead && !self.take(b"-") {
            return None;
        }
        let hours = self.number(2, 2, 0..=23)?;
        let minutes = if self.take(b":") || self.at_digit() { self.number(2, 2, 0..=59)? } else { 0 };
        let offset = hours * 3600 + minutes * 60;
        Some(if ahead { offset } else { -offset })
    }
}

fn days_of(year: i64, month: i64) -> i64 {
    match month {
        4 | 6 | 9 | 11 => 30,
        2 if year % 4 == 0 && (year % 100 != 0 || year % 400 == 0) => 29,
        2 => 28,
        _ => 31,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::session::rfc3339;

    #[test]
    fn times_that_botocore_accepts_are_read() {
        for (text, moment) in [
            ("2020-06-17T10:02:08Z", "2020-06-17T10:02:08Z"),
            ("2020-06-17T10:02:08z", "2020-06-17T10:02:08Z"),
            ("2020-06-17T10:02:08UTC", "2020-06-17T10:02:08Z"),
            ("2020-06-17T10:02:08 GMT", "2020-06-17T10:02:08Z"),
            ("2020-06-17T10:02:08+00:00", "2020-06-17T10:02:08Z"),
            ("2020-06-17T10:02:08+0000", "2020-06-17T10:02:08Z"),
            ("2020-06-17T10:02:08-00:00", "2020-06-17T10:02:08Z"),
            ("2020-06-17T10:02:08+02", "2020-06-17T08:02:08Z"),
            ("2020-06-17T23:02:08 -0230", "2020-06-18T01:32:08Z"),
            ("2020-06-17T10:02:08.123456789Z", "2020-06-17T10:02:08Z"),
            ("2020-06-17T10:02:08.9999999999999Z", "2020-06-17T10:02:08Z"),
            ("2020-06-17T10:02:08,5+0000", "2020-06-17T10:02:08Z"),
            ("20200617T100208Z", "2020-06-17T10:02:08Z"),
            ("20200617T100208.5+0100", "2020-06-17T09:02:08Z"),
            ("2020-06-17 10:02:08Z", "2020-06-17T10:02:08Z"),
            ("2020/06/17 10:02:08Z", "2020-06-17T10:02:08Z"),
            ("2020-6-7T1:2:3Z", "2020-06-07T01:02:03Z"),
            ("2020-06-17T10:02Z", "2020-06-17T10:02:00Z"),
            ("2020-06-17T10Z", "2020-06-17T10:00:00Z"),
            (" 2020-02-29T00:00:00Z\n", "2020-02-29T00:00:00Z"),
            ("2000-02-29T00:00:00Z", "2000-02-29T00:00:00Z"),
            ("9999-12-31T23:59:59Z", "9999-12-31T23:59:59Z"),
            ("1970-01-01T00:00:00Z", "1970-01-01T00:00:00Z"),
            ("0001-01-01T00:00:00Z", "1970-01-01T00:00:00Z"),
        ] {
            assert_eq!(parse_time(text).map(rfc3339).as_deref(), Some(moment), "{text}");
        }
        let fraction = parse_time("1970-01-01T00:00:01.25Z").expect("a time");
        assert_eq!(fraction, SystemTime::UNIX_EPOCH + Duration::from_millis(1250));
        let before = parse_time("1969-12-31T23:59:59.5Z").expect("a time");
        assert_eq!(before, SystemTime::UNIX_EPOCH - Duration::from_millis(500));
    }

    #[test]
    fn times_that_botocore_rejects_are_not_read() {
        for text in [
            "",
            "soon",
            "1592388128",
            "2020-06-17",
            "2020-06-17Z",
            "2020-06-17T10:02:08",
            "2020-06-17T10:02:08EST",
            "2020-06-17T10:02:08.Z",
            "2020-06-17T10:02:60Z",
            "2020-06-17T24:00:00Z",
            "2020-02-30T00:00:00Z",
            "2021-02-29T00:00:00Z",
            "1900-02-29T00:00:00Z",
            "0000-01-01T00:00:00Z",
            "12020-06-17T10:02:08Z",
            "2020-06-17T10:02:08+24:00",
            "2020-06-17T10:02:08+000",
            "2020-06-17T10:02:08+00:00Z",
            "2020-06/17T10:02:08Z",
            "2020-W25-3T10:02:08Z",
            "２０２０-06-17T10:02:08Z",
        ] {
            assert_eq!(parse_time(text), None, "{text}");
        }
    }
}
