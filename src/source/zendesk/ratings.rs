//! Satisfaction answers: of the surveys of now, or of the ones before them. An account has one of both.

use compact_str::{CompactString, ToCompactString};
use serde_json::Value;

use super::story::conversation;
use crate::event::{Event, EventKind, Timestamp};
use crate::source::lenient::{Id, id_of, time_of};

/// The two sorts of survey.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Sort {
    Survey,
    Legacy,
}

/// One answer.
#[derive(Debug, Clone, PartialEq)]
pub(super) struct Rating {
    pub id: CompactString,
    pub ticket: Id,
    pub score: f64,
    pub scale: f64,
    pub comment: Option<String>,
    pub at: Timestamp,
}

impl Sort {
    pub(super) const fn path(self) -> &'static str {
        match self {
            Self::Survey => "/guide/survey_responses",
            Self::Legacy => "/satisfaction_ratings",
        }
    }

    pub(super) const fn key(self) -> &'static str {
        match self {
            Self::Survey => "survey_responses",
            Self::Legacy => "satisfaction_ratings",
        }
    }

    /// What asks for answers since then.
    pub(super) fn query(self, since: Timestamp) -> Vec<(&'static str, String)> {
        let millis = since.millis().max(0);
        match self {
            Self::Survey => vec![
                ("page[size]", "50".to_owned()),
                ("sort", "id".to_owned()),
                ("filter[created_at_start]", millis.to_string()),
            ],
            Self::Legacy => vec![("page[size]", "100".to_owned()), ("start_time", (millis / 1000).to_string())],
        }
    }

    /// An answer; nothing where it is none (a survey that was only offered), an error where it can't be read.
    pub(super) fn rating(self, value: &Value) -> Result<Option<Rating>, &'static str> {
        match self {
            Self::Survey => survey(value),
            Self::Legacy => legacy(value),
        }
    }
}

fn survey(value: &Value) -> Result<Option<Rating>, &'static str> {
    let id = value.get("id").and_then(Value::as_str).ok_or("id")?;
    let subjects = value.get("subjects").and_then(Value::as_array).ok_or("subjects")?;
    let Some(ticket) = subjects.iter().find_map(|subject| {
        let is_ticket = subject.get("type").and_then(Value::as_str) == Some("ticket");
        subject.get("id").filter(|_| is_ticket).and_then(id_of)
    }) else {
        return Ok(None);
    };
    let answers = value.get("answers").and_then(Value::as_array).ok_or("answers")?;
    let of = |kind: &str| answers.iter().find(|answer| answer.get("type").and_then(Value::as_str) == Some(kind));
    let Some(answer) = of("rating_scale") else { return Ok(None) };
    let at = answer.get("created_at").and_then(time_of).ok_or("answers.created_at")?;
    let rating = answer.get("rating").and_then(Value::as_f64).filter(|rating| (1.0..=5.0).contains(rating));
    let (score, scale) = match (rating, answer.get("rating_category").and_then(Value::as_str)) {
        (Some(rating), _) => (rating, 5.0),
        (None, Some("good")) => (2.0, 2.0),
        (None, Some("bad")) => (1.0, 2.0),
        (None, _) => return Err("answers.rating"),
    };
    let words = of("open_ended").and_then(|answer| answer.get("value")).and_then(Value::as_str);
    Ok(Some(Rating { id: id.into(), ticket, score, scale, comment: said(words), at }))
}

fn legacy(value: &Value) -> Result<Option<Rating>, &'static str> {
    let id = value.get("id").and_then(id_of).ok_or("id")?;
    let ticket = value.get("ticket_id").and_then(id_of).ok_or("ticket_id")?;
    let score = match value.get("score").and_then(Value::as_str).ok_or("score")? {
        "good" | "good_with_comment" => 2.0,
        "bad" | "bad_with_comment" => 1.0,
        _ => return Ok(None),
    };
    let at = value.get("updated_at").or_else(|| value.get("created_at")).and_then(time_of).ok_or("updated_at")?;
    let comment = said(value.get("comment").and_then(Value::as_str));
    Ok(Some(Rating { id: id.to_compact_string(), ticket, score, scale: 2.0, comment, at }))
}

fn said(words: Option<&str>) -> Option<String> {
    words.filter(|words| !words.is_empty()).map(str::to_owned)
}

impl Rating {
    pub(super) fn event(self) -> Event {
        let Self { ticket, score, scale, comment, at, .. } = self;
        let comment = comment.map(Into::into);
        Event::new(at, EventKind::Rated { conversation: conversation(ticket), score, scale, comment })
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    const SURVEY: &str = r#"{"id":"01K9","expires_at":"2026-12-20T06:18:03.261Z","responder_id":"900123","subject_zrns":["zen:ticket:48190"],"subjects":[{"id":"48190","type":"ticket","zrn":"zen:ticket:48190"}],"survey":{"id":"01K8","version":1,"state":"enabled"},"answers":[{"type":"rating_scale","rating":5,"rating_category":"good","question":{"type":"rating_scale_numeric","sub_type":"customer_satisfaction","id":"01K7"},"created_at":"2026-11-22T09:20:00.000Z","updated_at":"2026-11-22T09:20:00.000Z"},{"type":"open_ended","value":"Fast!","question":{"type":"open_ended","id":"01K6"},"created_at":"2026-11-22T09:20:00.000Z","updated_at":"2026-11-22T09:20:00.000Z"}]}"#;
    const LEGACY: &str = r#"{"id":8801,"url":"https://acme...","assignee_id":700045,"group_id":3301,"requester_id":900123,"ticket_id":48100,"score":"good","comment":"Thanks","created_at":"2026-11-21T17:01:00Z","updated_at":"2026-11-21T17:03:10Z"}"#;

    /// Ticket, score, scale and words.
    type Read = (Id, f64, f64, Option<String>);

    fn read(sort: Sort, text: &str, edit: &Value) -> Result<Option<Read>, &'static str> {
        let mut value: Value = serde_json::from_str(text).unwrap();
        value.as_object_mut().unwrap().extend(edit.as_object().unwrap().clone());
        Ok(sort.rating(&value)?.map(|rating| (rating.ticket, rating.score, rating.scale, rating.comment)))
    }

    #[test]
    fn the_sheets_samples() {
        let said = |words: &str| Some(words.to_owned());
        assert_eq!(read(Sort::Survey, SURVEY, &json!({})), Ok(Some((48190, 5.0, 5.0, said("Fast!")))));
        assert_eq!(read(Sort::Legacy, LEGACY, &json!({})), Ok(Some((48100, 2.0, 2.0, said("Thanks")))));
        let rating = Sort::Legacy.rating(&serde_json::from_str(LEGACY).unwrap()).unwrap().unwrap();
        assert_eq!(rating.at.to_string(), "2026-11-21T17:03:10Z");
    }

    #[test]
    fn what_is_no_answer_and_what_can_not_be_read() {
        let answer = |rating: Value, word: &str| json!({"answers": [{"type": "rating_scale", "rating": rating, "rating_category": word, "created_at": "2026-11-22T09:20:00.000Z"}]});
        for (sort, edit, expected) in [
            (Sort::Survey, answer(json!(9), "bad"), Ok(Some((48190, 1.0, 2.0, None)))),
            (Sort::Survey, answer(json!(null), "odd"), Err("answers.rating")),
            (Sort::Survey, json!({"answers": []}), Ok(None)),
            (Sort::Survey, json!({"answers": null}), Err("answers")),
            (Sort::Survey, json!({"subjects": [{"id": "1", "type": "article"}]}), Ok(None)),
            (Sort::Legacy, json!({"score": "offered"}), Ok(None)),
            (Sort::Legacy, json!({"score": "bad", "comment": null}), Ok(Some((48100, 1.0, 2.0, None)))),
            (Sort::Legacy, json!({"score": null}), Err("score")),
            (Sort::Legacy, json!({"ticket_id": "x"}), Err("ticket_id")),
        ] {
            let text = if sort == Sort::Survey { SURVEY } else { LEGACY };
            assert_eq!(read(sort, text, &edit), expected, "{edit}");
        }
    }

    proptest::proptest! {
        #[test]
        fn any_json_is_read_or_refused(
            key in proptest::sample::select(vec!["id", "ticket_id", "created_at", "updated_at", "score", "answers", "subjects"]),
            value in crate::source::zendesk::fuzz::any_json(),
        ) {
            for (sort, text) in [(Sort::Survey, SURVEY), (Sort::Legacy, LEGACY)] {
                let mut sample: Value = serde_json::from_str(text).unwrap();
                sample[key] = value.clone();
                for value in [&value, &sample] {
                    if let Ok(Some(rating)) = sort.rating(value) {
                        rating.event();
                    }
                }
            }
        }
    }
}
