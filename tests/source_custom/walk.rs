//! Pages of `custom`: how they are counted, and a walk over many that goes on from poll to poll.

use chrono::TimeDelta;
use helptop::event::Timestamp;
use helptop::source::custom::Custom;
use helptop::source::http::Limits;
use helptop::source::{Source, SourceError};
use rstest::rstest;
use serde_json::{Value, json};
use tokio::sync::mpsc;
use wiremock::matchers::{any, path, query_param};
use wiremock::{Mock, MockServer, Request, ResponseTemplate};

use super::{JQ, custom, lines, now, spec, ticket};

/// What each request gave for a parameter, in order; empty where it gave none.
async fn asked(server: &MockServer, param: &str) -> Vec<String> {
    let value = |request: &Request| {
        let pair = request.url.query_pairs().find(|(key, _)| key == param);
        pair.map(|(_, value)| value.into_owned()).unwrap_or_default()
    };
    server.received_requests().await.unwrap().iter().map(value).collect()
}

fn page_of(request: &Request) -> u64 {
    request.url.query_pairs().find(|(key, _)| key == "p").unwrap().1.parse().unwrap()
}

/// So many pages with a ticket each, and an empty one.
fn pages(most: u64) -> impl Fn(&Request) -> ResponseTemplate {
    move |request| {
        let page = page_of(request);
        let tickets = if page <= most { vec![ticket(page, "new", None)] } else { Vec::new() };
        ResponseTemplate::new(200).set_body_json(json!({ "tickets": tickets }))
    }
}

fn all_pages() -> Value {
    json!([{"path": "/tickets", "page_param": "p", "tells_all": true, "jq": JQ}])
}

#[tokio::test]
async fn a_long_walk_goes_on_from_poll_to_poll_and_is_told_as_one_look() {
    let server = MockServer::start().await;
    let fails = Mock::given(query_param("p", "7")).respond_with(ResponseTemplate::new(503));
    fails.up_to_n_times(1).with_priority(1).mount(&server).await;
    Mock::given(any()).respond_with(pages(11)).mount(&server).await;
    let mut source = custom(&server.uri(), &all_pages());
    source.remember(&["999".into()]);
    let first = source.poll(None, now()).await.unwrap();
    assert_eq!((lines(&first).as_slice(), first.requests), (["hello".to_owned()].as_slice(), 5));
    assert!(first.more && first.partial && first.cursor.is_none() && first.as_of.is_none());
    assert_eq!(first.progress, Some(("/tickets, page 6".into(), 0.0)));
    let later = |minutes| now() + TimeDelta::minutes(minutes);
    assert!(source.poll(None, later(1)).await.is_err());
    let third = source.poll(None, later(2)).await.unwrap();
    assert_eq!((third.events.len(), third.more), (0, true), "nobody is missed before all is read");
    let last = source.poll(None, later(3)).await.unwrap();
    assert!(!last.more && !last.partial && last.progress.is_none());
    assert_eq!(last.as_of, Some(now()), "as of its beginning");
    let told = lines(&last);
    assert_eq!(told.iter().filter(|line| line.contains("opened")).count(), 11);
    assert!(!told.iter().any(|line| line.contains("closed")), "one look over several pages proves nothing: {told:#?}");
    let pages: Vec<String> = [1, 2, 3, 4, 5, 6, 7, 7, 8, 9, 10, 11, 12].map(|page: u64| page.to_string()).into();
    assert_eq!(asked(&server, "p").await, pages);
    // The next look takes several polls, too: what it tells is that old, and nothing before it is whole.
    let mut cursor = last.cursor;
    for (minutes, is_whole) in [(5, false), (6, false), (7, true)] {
        let batch = source.poll(cursor.as_ref(), later(minutes)).await.unwrap();
        assert_eq!((batch.partial, batch.more, batch.cursor.is_some()), (!is_whole, !is_whole, is_whole), "{minutes}");
        assert_eq!(batch.as_of, is_whole.then(|| later(5)));
        let told: &[&str] = if is_whole { &["2026-03-02T12:05:00Z status 999 closed"] } else { &[] };
        assert_eq!(lines(&batch), told);
        cursor = batch.cursor.or(cursor);
    }
}

/// Tickets 1 to 5, two a page, in five looks: ticket 2 is closed between the pages of the second look, 4 and 5 after the
/// fourth.
fn shorter_and_shorter() -> impl Fn(&Request) -> ResponseTemplate {
    let asked = std::sync::atomic::AtomicU64::new(0);
    move |request| {
        let nth = asked.fetch_add(1, std::sync::atomic::Ordering::Relaxed);
        let open: &[u64] = match nth {
            0..4 => &[1, 2, 3, 4, 5],
            4..9 => &[1, 3, 4, 5],
            _ => &[1, 3],
        };
        let from = 2 * (page_of(request) as usize - 1);
        let tickets: Vec<Value> = open.iter().skip(from).take(2).map(|id| ticket(*id, "new", None)).collect();
        let next = if open.len() > from + 2 { json!(page_of(request) + 1) } else { Value::Null };
        ResponseTemplate::new(200).set_body_json(json!({"tickets": tickets, "next": next}))
    }
}

#[tokio::test]
async fn a_ticket_that_shifts_between_two_pages_goes_on_and_one_that_is_gone_ends_with_the_second_look() {
    let server = MockServer::start().await;
    Mock::given(any()).respond_with(shorter_and_shorter()).mount(&server).await;
    let request = json!({"path": "/tickets", "query": {"p": "1"}, "next": ".next", "next_param": "p", "tells_all": true, "jq": JQ});
    let mut source = custom(&server.uri(), &json!([request]));
    let (mut told, mut cursor) = (Vec::new(), None);
    for minutes in 0..5 {
        let batch = source.poll(cursor.as_ref(), now() + TimeDelta::minutes(minutes)).await.unwrap();
        told.push(lines(&batch).into_iter().filter(|line| line.contains(" status ")).collect::<Vec<_>>().join(", "));
        cursor = batch.cursor;
    }
    // Ticket 3 is on neither page of the second look; 4 and 5 are gone from a list of one page.
    let ended = ["", "", "", "03:00Z status 2 closed", "04:00Z status 4 closed, 2026-03-02T12:04:00Z status 5 closed"];
    assert_eq!(told.iter().map(|told| told.trim_start_matches("2026-03-02T12:")).collect::<Vec<_>>(), ended);
    assert_eq!(asked(&server, "p").await, ["1", "2", "3", "1", "2", "1", "2", "1", "2", "1"]);
}

#[tokio::test]
async fn a_poll_that_is_given_up_loses_nothing_but_its_request() {
    let server = MockServer::start().await;
    let (hung, mut hangs) = mpsc::unbounded_channel();
    let hang = move |_: &Request| {
        let _ = hung.send(());
        ResponseTemplate::new(200).set_delay(std::time::Duration::from_hours(1))
    };
    Mock::given(query_param("p", "3")).respond_with(hang).up_to_n_times(1).with_priority(1).mount(&server).await;
    Mock::given(any()).respond_with(pages(3)).mount(&server).await;
    let mut source = custom(&server.uri(), &all_pages());
    tokio::select! {
        batch = source.poll(None, now()) => panic!("{batch:?}"),
        _ = hangs.recv() => {}
    }
    let batch = source.poll(None, now()).await.unwrap();
    assert_eq!(lines(&batch).iter().filter(|line| line.contains("opened")).count(), 3);
    assert_eq!(asked(&server, "p").await, ["1", "2", "3", "3", "4"]);
}

#[tokio::test]
async fn a_page_that_is_refused_and_a_walk_of_a_while_ago_are_begun_anew() {
    let server = MockServer::start().await;
    Mock::given(query_param("p", "2"))
        .respond_with(ResponseTemplate::new(404))
        .up_to_n_times(1)
        .with_priority(1)
        .mount(&server)
        .await;
    Mock::given(any()).respond_with(pages(6)).mount(&server).await;
    let mut source = custom(&server.uri(), &all_pages());
    assert!(source.poll(None, now()).await.is_err());
    assert!(source.poll(None, now()).await.unwrap().more);
    let batch = source.poll(None, now() + TimeDelta::minutes(11)).await.unwrap();
    assert!(batch.more);
    let batch = source.poll(None, now() + TimeDelta::minutes(11)).await.unwrap();
    assert_eq!(lines(&batch).iter().filter(|line| line.contains("opened")).count(), 6, "each once");
    assert_eq!(asked(&server, "p").await, ["1", "2", "1", "2", "3", "4", "5", "1", "2", "3", "4", "5", "6", "7"]);
}

#[tokio::test]
async fn what_a_walk_found_that_is_begun_anew_is_told_once_and_as_it_is_then() {
    let server = MockServer::start().await;
    let page = |number: &str, tickets: Value| {
        Mock::given(query_param("p", number))
            .respond_with(ResponseTemplate::new(200).set_body_json(json!({ "tickets": tickets })))
    };
    let bad = || json!({"id": 9, "made": "some day", "state": "new", "said": []});
    // Ticket 1 is gone when the list is read again.
    page("1", json!([ticket(1, "new", None), bad()])).up_to_n_times(1).with_priority(1).mount(&server).await;
    let refused = Mock::given(query_param("p", "2")).respond_with(ResponseTemplate::new(404));
    refused.up_to_n_times(1).with_priority(1).mount(&server).await;
    page("1", json!([ticket(2, "new", None), bad()])).with_priority(2).mount(&server).await;
    page("2", json!([])).with_priority(2).mount(&server).await;
    let mut source = custom(&server.uri(), &all_pages());
    assert!(source.poll(None, now()).await.is_err());
    let batch = source.poll(None, now()).await.unwrap();
    let opened: Vec<String> = lines(&batch).into_iter().filter(|line| line.contains("opened")).collect();
    assert_eq!(opened, ["2026-03-02T09:00:00Z opened 2"]);
    assert_eq!(batch.skipped_total, 1);
}

/// Only the first of each page is told, and as two values.
const TWO: &str = r#"[.. | objects | select(has("made"))][0] | select(.) | {type: "customer", id: "\(.id)"}, {type: "agent", id: "\(.id)", name: "x"}"#;

#[rstest]
#[case::a_list(json!({"offset_param": "o"}), |list| json!(list), &["0", "3", "4"])]
#[case::the_only_list(json!({"offset_param": "o"}), |list| json!({"tickets": list, "total": 4}), &["0", "3", "4"])]
#[case::by_a_program(json!({"offset_param": "o", "records": ".a.tickets"}), |list| json!({"a": {"tickets": list}, "b": [1]}), &["0", "3", "4"])]
#[case::by_a_number(json!({"offset_param": "o", "records": ".count"}), |list: Vec<Value>| json!({"count": list.len(), "a": list, "b": []}), &["0", "3", "4"])]
#[case::by_its_size(json!({"offset_param": "o", "page_size": 3}), |list| json!(list), &["0", "3"])]
#[tokio::test]
async fn records_are_counted_not_values(
    #[case] paging: Value,
    #[case] answer: fn(Vec<Value>) -> Value,
    #[case] offsets: &'static [&'static str],
) {
    let server = MockServer::start().await;
    let four = |request: &Request| {
        let offset: usize = request.url.query_pairs().find(|(key, _)| key == "o").unwrap().1.parse().unwrap();
        (offset as u64..4).take(3).map(|id| ticket(id + 1, "new", None)).collect::<Vec<Value>>()
    };
    let body = move |request: &Request| ResponseTemplate::new(200).set_body_json(answer(four(request)));
    Mock::given(path("/api/tickets")).respond_with(body).mount(&server).await;
    let mut request = json!({"path": "/tickets", "jq": TWO});
    request.as_object_mut().unwrap().extend(paging.as_object().unwrap().clone());
    let batch = custom(&server.uri(), &json!([request])).poll(None, now()).await.unwrap();
    assert_eq!((batch.skipped_total, batch.events.len()), (0, 5));
    assert_eq!(asked(&server, "o").await, offsets);
}

#[rstest]
#[case::by_number(json!({"page_param": "no_such"}), "`no_such` 2")]
#[case::by_offset(json!({"offset_param": "no_such"}), "`no_such` 1")]
#[tokio::test]
async fn a_page_that_comes_twice_ends_the_walk_with_what_is_wrong(#[case] paging: Value, #[case] said: &str) {
    let server = MockServer::start().await;
    let (counter, tickets) = (std::sync::atomic::AtomicU64::new(0), json!([ticket(1, "new", None)]));
    let same = move |_: &Request| {
        let id = counter.fetch_add(1, std::sync::atomic::Ordering::Relaxed);
        ResponseTemplate::new(200).set_body_json(json!({"tickets": tickets, "request": id}))
    };
    Mock::given(any()).respond_with(same).mount(&server).await;
    let mut request = json!({"path": "/tickets", "jq": JQ});
    request.as_object_mut().unwrap().extend(paging.as_object().unwrap().clone());
    let mut source = custom(&server.uri(), &json!([request]));
    for asked in [2, 3] {
        let error = source.poll(None, now()).await.unwrap_err();
        let SourceError::Transient { what, todo: Some(todo), .. } = &error else { panic!("{error:?}") };
        assert!(what.contains(said) && todo.contains("call page_param"), "{error}");
        assert_eq!(server.received_requests().await.unwrap().len(), asked);
    }
}

/// Changes of tickets by number and second, the earliest first; `0` changes when the second page is asked for.
fn shifting(is_inclusive: bool, seconds: Vec<i64>) -> impl Fn(&Request) -> ResponseTemplate {
    let start = now() - TimeDelta::hours(20);
    let tickets: Vec<(usize, i64)> = seconds.into_iter().enumerate().collect();
    let state = std::sync::Mutex::new((0, tickets));
    move |request| {
        let value = |key: &str| request.url.query_pairs().find(|(name, _)| name == key).unwrap().1.into_owned();
        let since = (Timestamp::parse(&value("updated_since")).unwrap() - start).num_seconds();
        let page: usize = value("page").parse().unwrap();
        let mut state = state.lock().unwrap();
        state.0 += 1;
        if state.0 == 2 {
            state.1[0].1 = 70_000;
        }
        let mut all: Vec<_> = state.1.iter().filter(|(_, at)| *at > since || is_inclusive && *at == since).collect();
        all.sort_by_key(|(number, at)| (*at, *number));
        let one = |(number, at): &(usize, i64)| {
            let at = (start + TimeDelta::seconds(*at)).to_string();
            json!({"id": number, "status": 2, "source": 1, "created_at": at, "updated_at": at, "stats": {}})
        };
        let list: Vec<Value> = all.into_iter().skip((page - 1) * 100).take(100).map(one).collect();
        ResponseTemplate::new(200).set_body_json(list)
    }
}

#[rstest]
#[case::apart((0..250).map(|i| i * 60).collect())]
#[case::full_pages_of_one_instant((0..50).chain([60; 320]).chain(61..80).collect())]
#[case::full_pages_of_neighbours((0..400).map(|i| i / 150).collect())]
#[tokio::test]
async fn the_example_of_freshdesk_loses_nothing_while_its_list_shifts(
    #[case] seconds: Vec<i64>,
    #[values(true, false)] is_inclusive: bool,
) {
    let server = MockServer::start().await;
    let count = seconds.len();
    Mock::given(query_param("include", "stats")).respond_with(shifting(is_inclusive, seconds)).mount(&server).await;
    let nothing = ResponseTemplate::new(200).set_body_json(json!([]));
    Mock::given(any()).respond_with(nothing).with_priority(9).mount(&server).await;
    let spec = super::example("docs/examples/freshdesk.toml", &server.uri());
    let mut source = Custom::new(&spec, Limits::default()).unwrap();
    let mut opened = std::collections::BTreeSet::new();
    for _ in 0..9 {
        let batch = source.poll(None, now()).await.unwrap();
        opened.extend(lines(&batch).into_iter().filter(|line| line.contains("opened")));
        if !batch.more {
            assert_eq!(opened.len(), count);
            return;
        }
    }
    panic!("pages lead in a circle");
}

#[tokio::test]
async fn a_page_of_which_all_is_passed_over_is_not_the_last() {
    let server = MockServer::start().await;
    Mock::given(any()).respond_with(pages(3)).mount(&server).await;
    let jq = format!("{JQ} | select(.conversation == 3)");
    let request = json!([{"path": "/tickets", "page_param": "p", "jq": jq}]);
    let batch = custom(&server.uri(), &request).poll(None, now()).await.unwrap();
    assert_eq!(lines(&batch).iter().filter(|line| line.contains("opened 3")).count(), 1);
}

#[tokio::test]
async fn an_offset_that_cannot_be_counted_is_an_error() {
    let server = MockServer::start().await;
    let answer = ResponseTemplate::new(200).set_body_json(json!({"a": [1], "b": [2]}));
    Mock::given(any()).respond_with(answer).mount(&server).await;
    let request = json!([{"path": "/tickets", "offset_param": "o", "jq": "empty"}]);
    let error = custom(&server.uri(), &request).poll(None, now()).await.unwrap_err();
    assert!(matches!(error, SourceError::Transient { .. }) && error.to_string().contains("`records`"), "{error}");
}

#[tokio::test]
async fn requests_are_counted_where_no_answer_says_what_is_left() {
    let server = MockServer::start().await;
    let answer = ResponseTemplate::new(200).set_body_json(json!([]));
    Mock::given(any()).respond_with(answer).mount(&server).await;
    let mut spec = spec(&server.uri(), &json!([{"path": "/a", "jq": "empty"}, {"path": "/b", "jq": "empty"}]));
    spec.settings["requests_per_minute"] = 20.into();
    let mut source = Custom::new(&spec, Limits::default()).unwrap();
    let mut left = async |seconds| {
        let at: Timestamp = now() + TimeDelta::seconds(seconds);
        let quota = source.poll(None, at).await.unwrap().quota.unwrap();
        (quota.limit, quota.remaining, (quota.resets_at.unwrap() - now()).num_seconds())
    };
    assert_eq!((left(0).await, left(40).await, left(60).await), ((20, 18, 60), (20, 16, 60), (20, 18, 120)));
}

#[tokio::test]
async fn what_is_asked_less_often_asks_for_all_of_the_time_between() {
    let server = MockServer::start().await;
    Mock::given(any()).respond_with(ResponseTemplate::new(200).set_body_json(json!([]))).mount(&server).await;
    let query = json!({"since": "{since}"});
    let mut source = custom(
        &server.uri(),
        &json!([{"path": "/often", "query": query, "jq": "empty"},
            {"path": "/seldom", "query": query, "jq": "empty", "every": "10m"}]),
    );
    let mut cursor = None;
    for minutes in [0, 9, 10] {
        cursor = source.poll(cursor.as_ref(), now() + TimeDelta::minutes(minutes)).await.unwrap().cursor;
    }
    let noon = |time: &str| format!("2026-03-02T{time}:00Z");
    let day_before = "2026-03-01T12:00:00Z".to_owned();
    let wanted = [day_before.clone(), day_before, noon("11:58"), noon("12:07"), noon("11:57")];
    assert_eq!(asked(&server, "since").await, wanted);
}

#[tokio::test]
async fn a_list_of_what_is_gone_ends_only_what_was_told() {
    let server = MockServer::start().await;
    let list = |tickets: Value| ResponseTemplate::new(200).set_body_json(json!({ "tickets": tickets }));
    Mock::given(path("/api/tickets")).respond_with(list(json!([ticket(1, "new", None)]))).mount(&server).await;
    let gone = json!([ticket(1, "done", None), ticket(2, "done", None), ticket(3, "done", None)]);
    Mock::given(path("/api/gone")).respond_with(list(gone)).mount(&server).await;
    let mut source = custom(
        &server.uri(),
        &json!([{"path": "/tickets", "jq": JQ}, {"path": "/gone", "only_known": true, "jq": JQ}]),
    );
    source.remember(&["3".into()]);
    let told = lines(&source.poll(None, now()).await.unwrap());
    let ended: Vec<&String> = told.iter().filter(|line| line.contains("resolved")).collect();
    assert_eq!(ended, ["2026-03-02T12:00:00Z status 1 resolved", "2026-03-02T12:00:00Z status 3 resolved"]);
    assert!(!told.iter().any(|line| line.contains("opened 2")), "{told:#?}");
}
