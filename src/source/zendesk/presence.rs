//! Agents' availability, as far as it is read: JSON:API, with the channels beside it.

use std::collections::HashMap;

use serde_json::Value;

use super::wire::Page;
use crate::event::{PresenceState, Timestamp};
use crate::source::lenient::{Id, id_of, time_of};

/// An agent's state.
#[derive(Debug, Clone, PartialEq)]
pub(super) struct Availability {
    pub agent: Id,
    /// Nothing where neither a status nor a channel is told.
    pub state: Option<PresenceState>,
    /// Since when, where it is told.
    pub since: Option<Timestamp>,
    /// The account's own word for the state.
    pub reason: Option<String>,
    /// Chats at once.
    pub capacity: Option<u32>,
}

/// A channel of an agent.
#[derive(Debug, Clone)]
struct Channel<'a> {
    name: &'a str,
    status: &'a str,
    capacity: Option<u32>,
    since: Option<Timestamp>,
}

/// Everybody on a page; and how many of them can't be read.
pub(super) fn availabilities(page: &Page) -> Option<(Vec<Availability>, usize)> {
    let data = page.0.get("data")?.as_array()?;
    let mut channels: HashMap<&str, Vec<Channel<'_>>> = HashMap::new();
    for one in page.0.get("included").and_then(Value::as_array).into_iter().flatten() {
        if let Some((agent, channel)) = channel(one) {
            channels.entry(agent).or_default().push(channel);
        }
    }
    let read: Vec<_> = data.iter().filter_map(|one| availability(one, &channels)).collect();
    let odd = data.len() - read.len();
    Some((read, odd))
}

/// `agent_availabilities|700045|channels|messaging`: its owner's id is the first half.
fn channel(value: &Value) -> Option<(&str, Channel<'_>)> {
    let (agent, _) = value.get("id")?.as_str()?.split_once("|channels|")?;
    let attributes = value.get("attributes")?;
    let capacity = attributes.get("max_capacity").and_then(id_of).and_then(|count| u32::try_from(count).ok());
    let channel = Channel {
        name: attributes.get("name")?.as_str()?,
        status: attributes.get("status")?.as_str()?,
        capacity: capacity.filter(|&capacity| capacity > 0),
        since: attributes.get("updated_at").and_then(time_of),
    };
    Some((agent, channel))
}

fn availability(value: &Value, channels: &HashMap<&str, Vec<Channel<'_>>>) -> Option<Availability> {
    let attributes = value.get("attributes")?;
    let agent = attributes.get("agent_id").and_then(id_of)?;
    let own = value.get("id").and_then(Value::as_str).and_then(|id| channels.get(id)).map_or(&[][..], Vec::as_slice);
    let status = attributes.get("agent_status").filter(|status| status.is_object());
    let by_channels = || {
        let any = |word: &str| own.iter().any(|channel| channel.status == word);
        let state = match () {
            () if own.is_empty() => return None,
            () if any("online") => PresenceState::Online,
            () if any("transfers_only") => PresenceState::Busy,
            () if any("away") => PresenceState::Away,
            () => PresenceState::Offline,
        };
        Some(state)
    };
    let (state, reason) = match status.and_then(|status| status.get("id")).and_then(id_of) {
        Some(2) => (Some(PresenceState::Offline), None),
        Some(3) => (Some(PresenceState::Online), None),
        Some(4) => (Some(PresenceState::Away), None),
        Some(5) => (Some(PresenceState::Busy), Some("transfers only".to_owned())),
        Some(_) => {
            let word = status.and_then(|status| status.get("name")).and_then(Value::as_str);
            // A list may leave the channels out: somebody at lunch is not there as before.
            (by_channels().or(Some(PresenceState::Away)), word.map(str::to_owned))
        }
        None => (by_channels(), None),
    };
    let since = status.and_then(|status| status.get("updated_at")).and_then(time_of);
    Some(Availability {
        agent,
        state,
        since: since.or_else(|| own.iter().filter_map(|channel| channel.since).max()),
        reason,
        capacity: own.iter().find(|channel| channel.name == "messaging").and_then(|channel| channel.capacity),
    })
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;
    use crate::event::PresenceState::{Away, Busy, Offline, Online};

    const SHEET: &str = r#"{"data":[{"id":"agent_availabilities|700045","type":"agent_availabilities","attributes":{"agent_id":700045,"agent_status":{"id":3,"name":"online","reason":"UNKNOWN","updated_at":"2026-11-22T07:58:10.100000Z"},"group_ids":[3301],"skills":[],"version":512},"relationships":{"channels":{"data":[{"id":"agent_availabilities|700045|channels|messaging","type":"channels"}]}},"links":{"self":"https://acme..."}}],"included":[{"id":"agent_availabilities|700045|channels|messaging","type":"channels","attributes":{"name":"messaging","status":"online","max_capacity":4,"work_item_count":3,"updated_at":"2026-11-22T07:58:10.100000Z"}}],"links":{"next":null},"meta":{"has_more":false}}"#;

    #[test]
    fn the_sheets_sample() {
        let (read, odd) = availabilities(&serde_json::from_str(SHEET).unwrap()).unwrap();
        let since = Timestamp::parse("2026-11-22T07:58:10.100Z").ok();
        let expected = Availability { agent: 700_045, state: Some(Online), since, reason: None, capacity: Some(4) };
        assert_eq!((read, odd), (vec![expected], 0));
    }

    #[test]
    fn each_state() {
        let state = |status: Value, channels: &[&str]| {
            let included: Vec<_> = channels
                .iter()
                .map(|status| json!({"id": "a|7|channels|x", "attributes": {"name": "support", "status": status, "max_capacity": 0}}))
                .collect();
            let page = json!({"data": [{"id": "a|7", "attributes": {"agent_id": "7", "agent_status": status}}], "included": included});
            let (read, _) = availabilities(&serde_json::from_value(page).unwrap()).unwrap();
            (read[0].state, read[0].reason.clone())
        };
        for (id, expected) in [(2, Offline), (3, Online), (4, Away), (5, Busy)] {
            assert_eq!(state(json!({"id": id, "name": "x"}), &["offline"]).0, Some(expected), "{id}");
        }
        for (channels, expected) in [
            (&["offline", "online"][..], Some(Online)),
            (&["offline", "transfers_only", "away"], Some(Busy)),
            (&["offline", "away"], Some(Away)),
            (&["offline", "invisible"], Some(Offline)),
            (&[], None),
        ] {
            let (own, reason) = state(json!({"id": "1000009", "name": "Lunch"}), channels);
            assert_eq!((own, reason.as_deref()), (expected.or(Some(Away)), Some("Lunch")), "{channels:?}");
            assert_eq!(state(Value::Null, channels), (expected, None), "without statuses for all channels");
        }
    }

    #[test]
    fn what_can_not_be_read_is_counted() {
        let page = json!({"data": [{"id": 1}, {"attributes": {"agent_id": null}}, {"attributes": {"agent_id": 7}}], "included": [{}, null]});
        let (read, odd) = availabilities(&serde_json::from_value(page).unwrap()).unwrap();
        assert_eq!((read.len(), odd, read[0].state), (1, 2, None));
        assert!(availabilities(&serde_json::from_value(json!({"agents": []})).unwrap()).is_none());
    }

    proptest::proptest! {
        #[test]
        fn any_json_is_read_or_refused(data in crate::source::zendesk::fuzz::any_json(), included in crate::source::zendesk::fuzz::any_json()) {
            let page = json!({"data": [data], "included": [included]});
            availabilities(&serde_json::from_value(page).unwrap());
        }
    }
}
