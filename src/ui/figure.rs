//! Figures as people read them: durations, ages, counts and shares. Unknown is `–`, never 0.

use chrono::TimeDelta;

use crate::metrics::stats::ShareFigure;

/// What is not known.
pub const UNKNOWN: &str = "–";

/// A wait or another duration, in at most 6 cells: by the second below ten minutes, by the minute above, so that a
/// screen nobody touches is quiet.
pub fn duration(span: TimeDelta) -> String {
    let seconds = span.num_seconds().max(0);
    let (minutes, hours, days) = (seconds / 60, seconds / 3600, seconds / 86_400);
    match seconds {
        0..60 => format!("{seconds}s"),
        60..600 => format!("{minutes}m {:02}s", seconds % 60),
        600..3600 => format!("{minutes}m"),
        3600..36_000 => format!("{hours}h {:02}m", minutes % 60),
        36_000..172_800 => format!("{hours}h"),
        172_800..864_000 => format!("{days}d {:02}h", hours % 24),
        _ => format!("{days}d"),
    }
}

/// A duration figure given in seconds.
pub fn seconds(value: Option<f64>) -> String {
    value.map_or_else(|| UNKNOWN.to_owned(), |seconds| duration(TimeDelta::milliseconds((seconds * 1000.0) as i64)))
}

/// How old something is, in at most 4 cells.
pub fn age(span: TimeDelta) -> String {
    let seconds = span.num_seconds().max(0);
    match seconds {
        0..60 => format!("{seconds}s"),
        60..3600 => format!("{}m", seconds / 60),
        3600..86_400 => format!("{}h", seconds / 3600),
        _ => format!("{}d", seconds / 86_400),
    }
}

/// A count, with thousands set apart.
pub fn count(n: u64) -> String {
    let digits = n.to_string();
    let mut out = String::with_capacity(digits.len() + digits.len() / 3);
    for (at, digit) in digits.chars().enumerate() {
        if at > 0 && (digits.len() - at).is_multiple_of(3) {
            out.push(',');
        }
        out.push(digit);
    }
    out
}

/// A share in per cent.
pub fn share(figure: Option<ShareFigure>) -> String {
    figure.and_then(|share| share.rate()).map_or_else(|| UNKNOWN.to_owned(), |rate| format!("{:.0} %", rate * 100.0))
}

/// A change, with its sign; `±0` where nothing changed.
pub fn change(delta: i64) -> String {
    match delta {
        0 => "±0".to_owned(),
        1.. => format!("+{delta}"),
        _ => format!("−{}", delta.unsigned_abs()),
    }
}

/// A row of bars as high as the values, the newest at the right, at most `cells` wide.
pub fn sparkline(values: &[u32], cells: usize) -> String {
    const BARS: [char; 8] = ['▁', '▂', '▃', '▄', '▅', '▆', '▇', '█'];
    let shown = &values[values.len().saturating_sub(cells)..];
    let (low, high) = shown.iter().fold((u32::MAX, 0), |(low, high), &value| (low.min(value), high.max(value)));
    let span = high.saturating_sub(low).max(7);
    shown.iter().map(|&value| BARS[((value - low) as usize * 7 / span as usize).min(7)]).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn waits_tick_by_the_second_below_ten_minutes_only() {
        let shown: Vec<_> = [0, 59, 60, 545, 599, 600, 659, 3599, 3600, 7500, 86_399, 90_000, 187_200, 8_640_000, -5]
            .map(|s| duration(TimeDelta::seconds(s)))
            .into();
        let wanted = [
            "0s", "59s", "1m 00s", "9m 05s", "9m 59s", "10m", "10m", "59m", "1h 00m", "2h 05m", "23h", "25h", "2d 04h",
            "100d", "0s",
        ];
        assert_eq!(shown, wanted);
        assert!(shown.iter().all(|text| text.chars().count() <= 6));
    }

    #[test]
    fn unknown_is_never_zero() {
        assert_eq!(seconds(None), UNKNOWN);
        assert_eq!(share(None), UNKNOWN);
        assert_eq!(share(Some(ShareFigure { n: 0, of: 0 })), UNKNOWN);
        assert_eq!(share(Some(ShareFigure { n: 38, of: 41 })), "93 %");
    }

    #[test]
    fn counts_and_changes_carry_their_marks() {
        assert_eq!([count(0), count(999), count(1000), count(1_234_567)], ["0", "999", "1,000", "1,234,567"]);
        assert_eq!([change(4), change(-2), change(0)], ["+4", "−2", "±0"]);
        assert_eq!(
            [age(TimeDelta::seconds(4)), age(TimeDelta::seconds(61)), age(TimeDelta::hours(30))],
            ["4s", "1m", "1d"]
        );
    }

    #[test]
    fn a_flat_line_is_flat_and_a_small_change_is_small() {
        assert_eq!(sparkline(&[0, 0, 0], 9), "▁▁▁");
        assert_eq!(sparkline(&[20, 21, 20], 9), "▁▂▁");
        assert_eq!(sparkline(&[1, 0, 7, 14], 3), "▁▄█");
        assert_eq!(sparkline(&[], 5), "");
    }
}
