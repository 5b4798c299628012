//! The formats in which AWS writes times: `2026-11-23T18:51:23Z` in answers, `20261123T185123Z` in signatures, and the
//! `Date` header.
//!
//! Whole seconds only, like the real services. Each SDK would round a fraction differently.

use std::time::{Duration, SystemTime, UNIX_EPOCH};

const DAY: u64 = 86_400;
const WEEKDAYS: [&str; 7] = ["Thu", "Fri", "Sat", "Sun", "Mon", "Tue", "Wed"];
const MONTHS: [&str; 12] = ["Jan", "Feb", "Mar", "Apr", "May", "Jun", "Jul", "Aug", "Sep", "Oct", "Nov", "Dec"];

/// `Expiration` in answers: ISO 8601 with `Z`.
pub fn iso(moment: SystemTime) -> String {
    let Civil { year, month, day, hour, minute, second, .. } = civil(moment);
    format!("{year:04}-{month:02}-{day:02}T{hour:02}:{minute:02}:{second:02}Z")
}

/// `X-Amz-Date`, and the times in messages about signatures.
pub fn basic(moment: SystemTime) -> String {
    iso(moment).replace(['-', ':'], "")
}

/// The `Date` header (RFC 9110, IMF-fixdate).
pub fn http_date(moment: SystemTime) -> String {
    let Civil { weekday, year, month, day, hour, minute, second } = civil(moment);
    let month = MONTHS[month - 1];
    format!("{weekday}, {day:02} {month} {year:04} {hour:02}:{minute:02}:{second:02} GMT")
}

/// Reads `20261123T185123Z`; `None` for anything else.
pub fn parse_basic(text: &str) -> Option<SystemTime> {
    let (date, time) = text.strip_suffix('Z')?.split_once('T')?;
    if date.len() != 8 || time.len() != 6 || !date.is_ascii() || !time.is_ascii() {
        return None;
    }
    let number = |digits: &str| digits.parse::<u64>().ok();
    let days = days_since_epoch(number(&date[..4])?, number(&date[4..6])?, number(&date[6..])?)?;
    let clock = number(&time[..2])? * 3600 + number(&time[2..4])? * 60 + number(&time[4..])?;
    Some(UNIX_EPOCH + Duration::from_secs(days * DAY + clock))
}

/// The same time without its fraction of a second.
pub fn whole_seconds(moment: SystemTime) -> SystemTime {
    UNIX_EPOCH + Duration::from_secs(since_epoch(moment))
}

struct Civil {
    weekday: &'static str,
    year: u64,
    month: usize,
    day: u64,
    hour: u64,
    minute: u64,
    second: u64,
}

fn since_epoch(moment: SystemTime) -> u64 {
    moment.duration_since(UNIX_EPOCH).map_or(0, |elapsed| elapsed.as_secs())
}

fn civil(moment: SystemTime) -> Civil {
    let seconds = since_epoch(moment);
    let days = seconds / DAY;
    // Count from 1 March: then the leap day is the last day of the year, and every month has a fixed start.
    let shifted = days + 719_468;
    let (era, day_of_era) = (shifted / 146_097, shifted % 146_097);
    let year_of_era = (day_of_era - day_of_era / 1460 + day_of_era / 36_524 - day_of_era / 146_096) / 365;
    let day_of_year = day_of_era - (365 * year_of_era + year_of_era / 4 - year_of_era / 100);
    let from_march = (5 * day_of_year + 2) / 153;
    let month = if from_march < 10 { from_march + 3 } else { from_march - 9 };
    Civil {
        weekday: WEEKDAYS[usize::try_from(days % 7).expect("a remainder of seven is small")],
        year: year_of_era + era * 400 + u64::from(month <= 2),
        month: usize::try_from(month).expect("a month is small"),
        day: day_of_year - (153 * from_march + 2) / 5 + 1,
        hour: seconds % DAY / 3600,
        minute: seconds % 3600 / 60,
        second: seconds % 60,
    }
}

/// The inverse of [`civil`]; `None` before 1970 or for a month that does not exist.
fn days_since_epoch(year: u64, month: u64, day: u64) -> Option<u64> {
    if !(1..=12).contains(&month) || !(1..=31).contains(&day) {
        return None;
    }
    let year = if month <= 2 { year.checked_sub(1)? } else { year };
    let from_march = (month + 9) % 12;
    let day_of_year = (153 * from_march + 2) / 5 + day - 1;
    let (era, year_of_era) = (year / 400, year % 400);
    let day_of_era = year_of_era * 365 + year_of_era / 4 - year_of_era / 100 + day_of_year;
    (era * 146_097 + day_of_era).checked_sub(719_468)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_time_is_written_in_each_of_the_three_formats() {
        let moment = UNIX_EPOCH + Duration::from_millis(1_709_208_000_900);
        assert_eq!(iso(moment), "2024-02-29T12:00:00Z");
        assert_eq!(basic(moment), "20240229T120000Z");
        assert_eq!(http_date(moment), "Thu, 29 Feb 2024 12:00:00 GMT");
    }

    #[test]
    fn what_was_written_is_read_back() {
        for seconds in [0, 951_827_696, 1_709_208_000, 4_102_444_799] {
            let moment = UNIX_EPOCH + Duration::from_secs(seconds);
            assert_eq!(parse_basic(&basic(moment)), Some(moment));
        }
        assert_eq!(parse_basic("2024-02-29T12:00:00Z"), None);
    }
}
