//! Who is seen to be there, and whether that can be told: a state that no look shows any more is not known for ever.

use std::collections::BTreeMap;

use chrono::TimeDelta;

use crate::event::{AgentId, Capability, Event, EventKind, PresenceState, Timestamp, VERSION};

/// A state that was not seen for so long is not known any more.
pub(super) const LOST: TimeDelta = TimeDelta::minutes(5);

/// An agent's state as a look shows it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Presence {
    /// The state.
    pub state: PresenceState,
    /// Since when, where that is shown; else it is told to be since the look that sees it.
    pub since: Option<Timestamp>,
    /// The account's own word for it.
    pub reason: Option<String>,
}

impl Presence {
    /// A state of which only is known that it holds at the look.
    pub(super) const fn seen(state: PresenceState) -> Self {
        Self { state, since: None, reason: None }
    }
}

/// A state that was told, since when, and the last look that showed it.
#[derive(Debug, Clone)]
struct Seen {
    presence: Presence,
    from: Timestamp,
    at: Timestamp,
}

/// What was told of who is there. All instants are by the server's clock.
#[derive(Debug, Clone, Default)]
pub(super) struct Sight {
    states: BTreeMap<AgentId, Seen>,
    /// When those ended that were not seen for too long.
    lost: BTreeMap<AgentId, Timestamp>,
    /// The last look that showed everybody.
    looked_at: Option<Timestamp>,
    /// A look was begun, and has not shown everybody.
    is_awaited: bool,
    /// What the stream says that it can tell.
    told: Option<Vec<Capability>>,
}

impl Sight {
    /// A look begins: until one shows everybody, what was seen before grows old.
    pub(super) fn looks(&mut self) {
        self.is_awaited = true;
    }

    /// A look has shown everybody.
    pub(super) fn looked(&mut self, at: Timestamp) {
        (self.looked_at, self.is_awaited) = (Some(at), false);
    }

    /// A look shows an agent's state: it is told where it has changed, or holds since another moment. One that was lost
    /// meanwhile is told to go on from there, where it began before. Another state that is shown to hold since no later
    /// than the one before it is told as of the look, or that would never have been.
    pub(super) fn sees(&mut self, agent: &AgentId, now: Presence, at: Timestamp, out: &mut Vec<Event>) {
        if let Some(seen) = self.states.get_mut(agent).filter(|seen| seen.presence == now) {
            seen.at = at;
            return;
        }
        let Presence { state, since, reason } = now.clone();
        let before = self.states.get(agent).filter(|seen| seen.presence.state != state).map(|seen| seen.from);
        let since = since.filter(|since| before.is_none_or(|before| before < *since)).unwrap_or(at);
        let from = self.lost.remove(agent).into_iter().chain(before).fold(since, Timestamp::max);
        self.states.insert(agent.clone(), Seen { presence: now, from, at });
        out.push(Event::new(from, EventKind::Presence { agent: agent.clone(), state, reason }));
    }

    /// An agent is there no more.
    pub(super) fn leaves(&mut self, agent: &AgentId, at: Timestamp, out: &mut Vec<Event>) {
        out.extend(self.states.remove(agent).and_then(|seen| end(agent.clone(), seen.presence.state, at, None)));
    }

    /// Those whose state is known.
    pub(super) fn agents(&self) -> impl Iterator<Item = &AgentId> {
        self.states.keys()
    }

    /// What the stream says that it can tell; nothing where it has not said it yet.
    pub(super) fn told(&self) -> Option<Vec<Capability>> {
        self.told.clone()
    }

    /// Ends states that no look has shown for too long, and says what can be told, where that was not said or is another
    /// now: of all that the source can tell, presence only while anybody's state is known, or there is nobody. It goes
    /// before what else is told.
    pub(super) fn hello(&mut self, mut can: Vec<Capability>, at: Timestamp, out: &mut Vec<Event>) {
        let may_tell = can.contains(&Capability::Presence);
        // Where the last look was well, it is nobody's fault that there was none since.
        let since = if self.is_awaited { Some(at) } else { self.looked_at };
        let mut first = self.lose(|seen| !may_tell || since.is_some_and(|since| since - seen.at >= LOST), at);
        let is_known = if self.is_awaited { !self.states.is_empty() } else { self.looked_at.is_some() };
        can.retain(|one| *one != Capability::Presence || is_known);
        first.extend(hello(&mut self.told, can));
        out.splice(0..0, first);
    }

    /// Ends some states: the stream has none that is unknown.
    fn lose(&mut self, is_lost: impl Fn(&Seen) -> bool, at: Timestamp) -> Vec<Event> {
        let lost: Vec<(AgentId, Seen)> = self.states.extract_if(.., |_, seen| is_lost(seen)).collect();
        self.lost.extend(lost.iter().map(|(agent, _)| (agent.clone(), at)));
        lost.into_iter().filter_map(|(agent, seen)| lost_from(agent, seen.presence.state, at)).collect()
    }
}

/// Says what can be told, where that was not said or is another now.
pub(super) fn hello(told: &mut Option<Vec<Capability>>, capabilities: Vec<Capability>) -> Option<Event> {
    if told.as_ref() == Some(&capabilities) {
        return None;
    }
    *told = Some(capabilities.clone());
    Some(Event::undated(EventKind::Hello { version: VERSION, source: None, capabilities }))
}

/// The end of a state that can't be read any more.
pub(super) fn lost_from(agent: AgentId, state: PresenceState, at: Timestamp) -> Option<Event> {
    end(agent, state, at, Some("can't be read any more".to_owned()))
}

/// The end of a state; who is offline is so already.
fn end(agent: AgentId, state: PresenceState, at: Timestamp, reason: Option<String>) -> Option<Event> {
    let kind = EventKind::Presence { agent, state: PresenceState::Offline, reason };
    (state != PresenceState::Offline).then(|| Event::new(at, kind))
}

#[cfg(test)]
mod tests {
    use PresenceState::{Away, Offline, Online};

    use super::*;

    const CAN: [Capability; 2] = [Capability::Presence, Capability::Messages];

    fn at(seconds: i64) -> Timestamp {
        Timestamp::from_millis(1_795_000_000_000 + seconds * 1000)
    }

    fn since(state: PresenceState, seconds: i64) -> Presence {
        Presence { since: Some(at(seconds)), ..Presence::seen(state) }
    }

    /// A sight, and what it told: each state, and of each `hello` whether presence is among what can be told.
    #[derive(Default)]
    struct Rig {
        sight: Sight,
        out: Vec<Event>,
    }

    impl Rig {
        fn looks(&mut self, seconds: i64, shown: &[(&str, Presence)], is_whole: bool) -> Vec<String> {
            self.sight.looks();
            for (agent, presence) in shown {
                self.sight.sees(&AgentId::new(*agent), presence.clone(), at(seconds), &mut self.out);
            }
            if is_whole {
                self.sight.looked(at(seconds));
            }
            self.passes(seconds)
        }

        fn passes(&mut self, seconds: i64) -> Vec<String> {
            self.sight.hello(CAN.to_vec(), at(seconds), &mut self.out);
            let lines = self.out.drain(..).map(|event| match event.kind {
                EventKind::Hello { capabilities, .. } => {
                    assert_eq!(self.sight.told().as_ref(), Some(&capabilities));
                    format!("presence: {}", capabilities.contains(&Capability::Presence))
                }
                EventKind::Presence { agent, state, reason } => {
                    let seconds = event.at.unwrap() - at(0);
                    let reason = reason.map(|reason| format!(", {reason}")).unwrap_or_default();
                    format!("{agent} {state:?} at {}{reason}", seconds.num_seconds()).to_lowercase()
                }
                other => panic!("{other:?}"),
            });
            lines.collect()
        }
    }

    #[test]
    fn what_was_not_seen_for_five_minutes_is_withdrawn_and_told_anew_once_it_is() {
        let mut rig = Rig::default();
        let shown = [("ana", Presence::seen(Online)), ("ben", since(Away, -60)), ("cem", Presence::seen(Offline))];
        let told = ["presence: true", "ana online at 0", "ben away at -60", "cem offline at 0"];
        assert_eq!(rig.looks(0, &shown, true), told);
        assert!(rig.looks(10, &shown, true).is_empty(), "each is told once");
        assert!(rig.looks(20, &[], false).is_empty() && rig.passes(309).is_empty());
        let ends = ["ana offline at 310, can't be read any more", "ben offline at 310, can't be read any more"];
        assert_eq!(rig.passes(310), [ends[0], ends[1], "presence: false"], "since the last good look");
        assert!(rig.passes(999).is_empty());
        let told = ["presence: true", "ana online at 1000", "ben away at 310", "cem offline at 1000"];
        assert_eq!(rig.looks(1000, &shown, true), told, "one that began before goes on from its end");
        assert!(rig.looks(1010, &shown, true).is_empty());
        assert_eq!(rig.looks(1020, &[("ben", since(Online, 1015))], true), ["ben online at 1015"]);
    }

    #[test]
    fn another_state_that_holds_since_no_later_moment_is_told_as_of_the_look() {
        let mut rig = Rig::default();
        let mut looks = |seconds, presence: Presence| rig.looks(seconds, &[("ana", presence)], true);
        looks(100, since(Online, 40));
        assert_eq!(looks(200, since(Away, 40)), ["ana away at 200"], "the moment has not moved");
        assert!(looks(210, since(Away, 40)).is_empty());
        assert_eq!(looks(300, since(Online, 190)), ["ana online at 300"], "before what was told");
        assert_eq!(looks(400, since(Online, 290)), ["ana online at 290"], "the same state, dated anew");
        assert_eq!(looks(500, since(Away, 450)), ["ana away at 450"]);
    }

    #[test]
    fn presence_is_not_claimed_before_it_was_read() {
        let mut rig = Rig::default();
        assert_eq!(rig.looks(0, &[], false), ["presence: false"]);
        assert_eq!(rig.looks(60, &[], true), ["presence: true"], "an account without agents");
        let mut rig = Rig::default();
        assert_eq!(rig.looks(0, &[("ana", Presence::seen(Online))], false), ["presence: true", "ana online at 0"]);
    }

    #[test]
    fn whom_no_look_shows_any_more_is_lost_alone() {
        for is_whole in [false, true] {
            let mut rig = Rig::default();
            let shown = [("ana", Presence::seen(Online)), ("ben", Presence::seen(Online))];
            rig.looks(0, &shown, true);
            assert!(rig.looks(299, &shown[..1], is_whole).is_empty());
            assert_eq!(rig.looks(300, &shown[..1], is_whole), ["ben offline at 300, can't be read any more"]);
        }
    }

    #[test]
    fn where_nobody_looks_nothing_is_lost_and_a_right_that_is_taken_away_ends_all_at_once() {
        let mut rig = Rig::default();
        rig.looks(0, &[("ana", Presence::seen(Online))], true);
        assert!(rig.passes(9999).is_empty(), "something else was read for long");
        rig.sight.hello(vec![Capability::Messages], at(10_000), &mut rig.out);
        assert_eq!(rig.out.len(), 2);
        assert_eq!(rig.sight.told(), Some(vec![Capability::Messages]));
    }
}
