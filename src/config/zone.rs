//! Time zones by name.

use chrono_tz::{TZ_VARIANTS, Tz};

use super::environment::Environment;
use crate::text::{excerpt, nearest};

/// Characters of a name that a message quotes.
const QUOTED: usize = 60;

/// The zone of that name, such as `Europe/Berlin`; what is wrong with it, else, and which was meant.
pub fn parse(name: &str) -> Result<Tz, String> {
    if let Some(zone) = TZ_VARIANTS.iter().find(|zone| zone.name().eq_ignore_ascii_case(name)) {
        return Ok(*zone);
    }
    let place = |zone: &&Tz| zone.name().rsplit('/').next().is_some_and(|place| place.eq_ignore_ascii_case(name));
    let meant = TZ_VARIANTS.iter().find(place).map(|zone| zone.name());
    let meant = meant.or_else(|| nearest(name, TZ_VARIANTS.iter().map(|zone| zone.name())));
    let hint = meant.map_or_else(
        || "give a name of the time zone database, such as Europe/Berlin, or UTC".to_owned(),
        |meant| format!("did you mean {meant}?"),
    );
    Err(format!("{}: no such time zone\n  {hint}", excerpt(name, QUOTED)))
}

/// The zone of this machine; UTC where it has none with a name.
pub fn of_system(environment: &Environment) -> Tz {
    let said = environment.get("TZ").and_then(|name| name.to_str()).map(|name| name.trim_start_matches(':'));
    let known = said.and_then(|name| parse(name).ok());
    let zone = known.or_else(|| parse(&iana_time_zone::get_timezone().ok()?).ok()).unwrap_or(Tz::UTC);
    // Machines say it in more than one way.
    if zone == Tz::Etc__UTC { Tz::UTC } else { zone }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_zone_is_found_by_name_and_one_that_is_not_is_guessed() {
        assert_eq!(parse("Europe/Berlin"), Ok(Tz::Europe__Berlin));
        assert_eq!(parse("utc"), Ok(Tz::UTC));
        for (name, meant) in [
            ("Berlin", "did you mean Europe/Berlin?"),
            ("Europe/Berlln", "did you mean Europe/Berlin?"),
            ("Middle/Earth-Shire", "such as Europe/Berlin, or UTC"),
        ] {
            let error = parse(name).unwrap_err();
            assert!(error.starts_with(name) && error.contains(meant), "{error}");
        }
    }

    #[test]
    fn the_variable_goes_before_the_machine() {
        let zone = |name| of_system(&[("TZ", name)].into_iter().collect());
        assert_eq!(zone(":Asia/Tokyo"), Tz::Asia__Tokyo);
        assert_eq!(zone("America/New_York"), Tz::America__New_York);
    }
}
