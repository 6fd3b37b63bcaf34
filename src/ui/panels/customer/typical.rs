//! A customer beside all others, in words.

use ratatui::buffer::Buffer;
use ratatui::layout::Rect;

use crate::app::{Drill, ListRegion, Pane, Regions};
use crate::board::past::{Comparison, Typical, Unit};
use crate::ui::figure::{UNKNOWN, count, seconds};
use crate::ui::kept;
use crate::ui::scene::Scene;
use crate::ui::text::{put, put_right};
use crate::ui::theme::Role;
use crate::ui::timeline;
use crate::ui::widgets::{area_of, frame};

/// Lines with the frame: titles, four figures and a note.
pub(super) const LINES: u16 = 8;
/// Beside fewer others nobody is far apart.
const MANY: usize = 10;
/// From this share of the others on, a customer is not like them.
const APART: f64 = 0.9;
/// Below this share it is.
const FARTHER: f64 = 0.75;

pub(super) fn draw(buf: &mut Buffer, area: Rect, scene: &Scene<'_>, drill: &Drill, regions: &mut Regions) {
    let focused = scene.view.pane() == Pane::Typical;
    let note = kept::progress(&drill.typical);
    let Some(typical) = drill.typical() else {
        let inner = frame(buf, scene, area, "Typical?", &note, focused);
        regions.lists.push(ListRegion { pane: Pane::Typical, rows: area_of(inner) });
        return kept::absent(buf, inner, scene, &drill.typical);
    };
    let inner = frame(buf, scene, area, "Typical?", &span(scene, typical), focused);
    regions.lists.push(ListRegion { pane: Pane::Typical, rows: area_of(inner) });
    let line = |y: u16| Rect { y: inner.y + y, height: 1, ..inner };
    if inner.height == 0 {
        return;
    }
    row(buf, line(0), scene, ["", "this", "others", ""], [Role::Dim; 3]);
    for (y, one) in (1..inner.height).zip(&typical.figures) {
        let (words, role) = words(one);
        let (value, median) = (number(one.unit, one.value), number(one.unit, one.median));
        let strong = if one.value.is_none() { Role::Dim } else { Role::Figure };
        row(buf, line(y), scene, [one.title, &value, &median, &words], [strong, Role::Dim, role]);
    }
    let y = typical.figures.len() as u16 + 1;
    if y < inner.height {
        let others = crate::text::counted(typical.others as u64, "other customer");
        let text = format!("others: the median of {others}");
        put(buf, inner.x, inner.y + y, inner.width, &text, scene.style(Role::Dim));
    }
}

/// What the comparison is over.
fn span(scene: &Scene<'_>, typical: &Typical) -> String {
    match typical.begins_at.filter(|at| *at > typical.from) {
        Some(at) => format!("since {}", timeline::when(scene, at)),
        None => "90 days".to_owned(),
    }
}

fn row(buf: &mut Buffer, area: Rect, scene: &Scene<'_>, texts: [&str; 4], roles: [Role; 3]) {
    let Rect { x, y, width, .. } = area;
    let left = |at: u16| width.saturating_sub(at);
    put(buf, x, y, 15.min(width), texts[0], scene.style(Role::Canvas));
    put_right(buf, x + 15, y, 7.min(left(15)), texts[1], scene.style(roles[0]));
    put_right(buf, x + 22, y, 7.min(left(22)), texts[2], scene.style(roles[1]));
    put(buf, x + 30, y, left(30), texts[3], scene.style(roles[2]));
}

fn number(unit: Unit, value: Option<f64>) -> String {
    match (unit, value) {
        (_, None) => UNKNOWN.to_owned(),
        (Unit::Chats, Some(chats)) if chats.fract() == 0.0 => count(chats as u64),
        (Unit::Chats, Some(chats)) => format!("{chats:.1}"),
        (Unit::Seconds, value) => seconds(value),
        (Unit::Share, Some(share)) => format!("{:.0} %", share * 100.0),
    }
}

/// How a customer stands among the others, in words.
fn words(one: &Comparison) -> (String, Role) {
    if one.value.is_none() || one.n == 0 {
        return (String::new(), Role::Dim);
    }
    let (more, less) = match one.unit {
        Unit::Seconds => ("longer", "shorter"),
        Unit::Chats | Unit::Share => ("more", "less"),
    };
    let (word, share) = if one.below >= one.above { (more, one.below) } else { (less, one.above) };
    match share {
        APART.. if one.n >= MANY => (format!("▲ {word} than {}", percent(share)), Role::Warning),
        FARTHER.. => (format!("{word} than {}", percent(share)), Role::Canvas),
        _ => ("typical".to_owned(), Role::Dim),
    }
}

/// A share of the others: never more than it is, and `all` where it is all of them.
fn percent(share: f64) -> String {
    if share >= 1.0 { "all".to_owned() } else { format!("{:.0} %", (share * 100.0).floor()) }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_place_among_others_is_said_in_words_and_a_far_one_has_a_sign() {
        let one = |unit, value, below, above, n| Comparison { title: "", unit, value, median: None, n, below, above };
        for (unit, value, below, above, n, wanted) in [
            (Unit::Chats, Some(14.0), 0.957, 0.01, 200, "▲ more than 95 %"),
            (Unit::Chats, Some(1.0), 0.0, 0.82, 200, "less than 82 %"),
            (Unit::Seconds, Some(9.0), 0.2, 0.8, 10, "shorter than 80 %"),
            (Unit::Seconds, Some(9.0), 0.3, 0.7, 10, "typical"),
            (Unit::Seconds, Some(9.0), 1.0, 0.0, 10, "▲ longer than all"),
            (Unit::Seconds, Some(9.0), 1.0, 0.0, 9, "longer than all"),
            (Unit::Share, Some(0.0), 0.0, 0.4, 10, "typical"),
            (Unit::Share, None, 0.0, 0.0, 10, ""),
            (Unit::Chats, Some(3.0), 0.0, 0.0, 0, ""),
        ] {
            assert_eq!(words(&one(unit, value, below, above, n)).0, wanted);
        }
    }
}
