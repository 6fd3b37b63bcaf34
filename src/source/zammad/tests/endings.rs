//! When an ending is told that was set in one go with an article: Zammad saves the ticket first.

use rstest::rstest;
use serde_json::json;

use super::*;

/// An article of that author so many milliseconds after second 50.
fn late(id: u64, millis: i64, sender: &str, by: u64) -> Article {
    let at = Timestamp::from_millis(at(50).millis() + millis);
    article(id, 50, sender, &json!({"created_at": at, "created_by_id": by}))
}

/// What of a story reopens or ends it, in the order that is told, and whether an ending is of the instant of a message.
fn ends(story: &Story, told: Option<Told>) -> (Vec<&'static str>, bool) {
    let mut events = Vec::new();
    story.events(&book(), "", told, &mut events);
    let (mut words, mut ended_at) = (Vec::new(), None);
    for event in &events {
        let line = serde_json::to_value(event).unwrap();
        match (line["type"].as_str().unwrap(), line["status"].as_str(), line["from"].as_str()) {
            ("status", Some("closed"), _) => {
                words.push("closed");
                ended_at = event.at;
            }
            ("status", ..) => words.push("open"),
            ("message", _, Some("customer")) => words.push("customer"),
            ("message", ..) => words.push("agent"),
            _ => {}
        }
    }
    let is_of_message =
        events.iter().any(|event| event.at == ended_at && lines(std::slice::from_ref(event))[0].contains("message"));
    (words, is_of_message)
}

#[rstest]
#[case::replied_and_closed(vec![late(2, 30, "Agent", 14)], vec![(10, 50, (2, 4), 14)], &["agent", "closed"], true)]
#[case::a_call_was_logged_with_it(vec![late(2, 30, "Customer", 14)], vec![(10, 50, (2, 4), 14)], &["customer", "closed"], true)]
#[case::the_customer_closed_it_with_thanks(vec![late(2, 30, "Customer", 903)], vec![(10, 50, (2, 4), 903)], &["customer", "closed"], true)]
#[case::the_customer_replied_at_once(vec![late(2, 30, "Customer", 903)], vec![(10, 50, (2, 4), 14)], &["closed", "customer", "closed"], true)]
#[case::and_after_the_reply(vec![late(2, 30, "Agent", 14), late(3, 60, "Customer", 903)], vec![(10, 50, (2, 4), 14)], &["agent", "closed", "customer", "closed"], true)]
#[case::the_customer_wrote_in_that_very_moment(vec![late(2, 0, "Customer", 903)], vec![(10, 50, (2, 4), 14)], &["customer", "closed"], true)]
#[case::written_later(vec![late(2, 1001, "Customer", 14)], vec![(10, 50, (2, 4), 14)], &["closed", "customer", "closed"], true)]
#[case::opened_again_a_little_later(vec![late(2, 30, "Customer", 903)], vec![(10, 49, (2, 4), 14), (11, 51, (4, 2), 903)], &["closed", "customer", "closed", "open"], true)]
#[case::opened_again_before(vec![late(2, 30, "Customer", 903)], vec![(10, 50, (2, 4), 903), (11, 50, (4, 2), 903)], &["closed", "open", "customer"], false)]
#[case::opened_with_it(vec![late(2, 30, "Customer", 903)], vec![(10, 50, (4, 2), 903)], &["open", "customer"], false)]
fn what_is_set_with_an_article_is_saved_before_it(
    #[case] articles: Vec<Article>,
    #[case] rows: Vec<(u64, i64, (u64, u64), u64)>,
    #[case] expected: &[&str],
    #[case] is_of_message: bool,
) {
    let rows = rows.into_iter().map(|(id, second, ids, by)| change(id, second, "state", ids, by)).collect();
    let mut story = Story { ticket: ticket(&json!({})), articles, rows };
    // As it was before, whatever it is now.
    story.ticket.state_id = 2;
    let (words, of_message) = ends(&story, Some(Told { article: 1, row: 9, counts: (0, 0) }));
    assert_eq!((words.as_slice(), of_message), (expected, is_of_message));
}

#[test]
fn an_ending_is_told_again_with_an_article_that_comes_a_look_later() {
    let rows = vec![change(10, 50, "state", (2, 4), 14)];
    let story = Story { ticket: ticket(&json!({})), articles: vec![late(2, 30, "Customer", 14)], rows };
    assert_eq!(ends(&story, Some(Told { article: 1, row: 10, counts: (0, 1) })), (vec!["customer", "closed"], true));
    assert_eq!(ends(&story, Some(Told { article: 2, row: 10, counts: (1, 1) })).0, [""; 0], "and no more");
}

#[test]
fn a_call_that_is_logged_on_a_closed_ticket_does_not_open_it() {
    let call = article(2, 90, "Customer", &json!({"type": "phone", "created_by_id": 14}));
    let rows = vec![change(10, 50, "state", (2, 4), 14)];
    let mut story = Story { ticket: ticket(&json!({"state_id": 4})), articles: vec![call], rows };
    let told = Told { article: 1, row: 10, counts: (0, 1) };
    assert_eq!(ends(&story, Some(told)), (vec!["customer", "closed"], true));
    story.rows.push(change(11, 95, "state", (4, 2), 14));
    assert_eq!(ends(&story, Some(told)).0, ["customer", "closed", "open"], "until somebody opens it");
}

#[test]
fn created_as_closed_it_is_closed_though_its_article_is_saved_later() {
    for (second, expected) in [(0.025, &["customer", "closed"][..]), (1.5, &["closed", "customer", "closed"])] {
        let at = Timestamp::from_millis(at(0).millis() + (second * 1000.0) as i64);
        let call = article(1, 0, "Customer", &json!({"type": "phone", "created_by_id": 14, "created_at": at}));
        let story = Story { ticket: ticket(&json!({"state_id": 4})), articles: vec![call], rows: vec![] };
        assert_eq!(ends(&story, None).0, expected, "{second} s");
    }
}
