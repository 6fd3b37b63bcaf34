//! Who works when, and who is free for the next chat.

use std::collections::VecDeque;

use compact_str::format_compact;

use super::dice::{Dice, mix};
use super::names;
use super::rhythm::{DAY, HOUR, MINUTE, REGIONS, weekday};
use super::topics::TEAMS;
use crate::event::{AgentId, PresenceState, TeamId};

/// From this many agents on, every region has its own teams.
const REGIONAL_FROM: usize = 60;
/// Local hours at which the agents of each region begin, in turn: most are there together for half a day, and
/// somebody always is.
const STARTS: [[f64; 5]; 3] = [[8.0, 9.0, 7.5, 12.0, 8.5], [8.0, 7.0, 9.0, 12.0, 7.5], [8.0, 9.5, 7.0, 12.0, 8.5]];
/// The agents' day off, in turn: never so that a whole region is off.
const DAYS_OFF: [usize; 6] = [6, 5, 2, 3, 1, 4];

/// Chats that agents are given at once, beside what there is for each: those who learn, most, and old hands.
const GRADES: [f64; 4] = [1.2, 1.6, 1.6, 2.0];

/// Below this part of the capacity nobody is busy, and from the other on an agent is full.
const EASY: f64 = 0.6;
const FULL: f64 = 0.95;

/// A change of state that an agent has before it.
#[derive(Debug, Clone, Copy)]
pub(super) struct Shift {
    pub(super) at: i64,
    pub(super) state: PresenceState,
    pub(super) reason: Option<&'static str>,
}

/// An agent, as the simulation sees it.
#[derive(Debug)]
pub(super) struct Worker {
    pub(super) id: AgentId,
    pub(super) name: String,
    /// Its own team, and one it helps out in.
    pub(super) teams: [usize; 2],
    pub(super) region: usize,
    pub(super) capacity: u32,
    /// How long it takes to answer, beside the others.
    pub(super) pace: f64,
    /// How readily it takes chats, beside the others.
    pub(super) greed: f64,
    pub(super) state: PresenceState,
    pub(super) open: u32,
    /// When it is back, while it is away.
    pub(super) back_at: i64,
    pub(super) plan: VecDeque<Shift>,
    starts: f64,
    day_off: usize,
    next_day: i64,
    seats: [Option<usize>; 3],
}

/// A team, as the simulation sees it.
#[derive(Debug)]
pub(super) struct Crew {
    pub(super) id: TeamId,
    pub(super) name: String,
    ready: Vec<u32>,
}

/// All agents and teams.
#[derive(Debug)]
pub(super) struct Roster {
    pub(super) workers: Vec<Worker>,
    pub(super) crews: Vec<Crew>,
    ready: Vec<u32>,
    at_work: usize,
}

impl Roster {
    pub(super) fn new(seed: u64, agents: usize, chats: usize, dice: &mut Dice) -> Self {
        let agents = agents.max(1);
        let regional = agents >= REGIONAL_FROM;
        let crew = |id: String, name: String| Crew { id: TeamId::new(id), name, ready: Vec::new() };
        let crews = if regional {
            let all = TEAMS.iter().flat_map(|team| REGIONS.iter().map(move |region| (team, region.name)));
            all.map(|(team, region)| {
                crew(format!("{}-{}", team.to_lowercase(), region.to_lowercase()), format!("{team} {region}"))
            })
            .collect()
        } else {
            TEAMS.iter().map(|team| crew(team.to_lowercase(), (*team).to_owned())).collect()
        };
        let share = chats as f64 / agents as f64;
        let mut places = [0; 3];
        let workers = (0..agents)
            .map(|nth| {
                let (region, name) = names::agent(seed, nth);
                let place = places[region];
                places[region] += 1;
                let own = [0, 1, 2, 0, 3, 2, 1][(place + region) % 7];
                let other = (own + 1 + dice.below(3)) % 4;
                let team_of = |team: usize| if regional { team * REGIONS.len() + region } else { team };
                Worker {
                    id: AgentId::new(format_compact!("a{}", nth + 1)),
                    name,
                    teams: [team_of(own), team_of(other)],
                    region,
                    capacity: capacity(share * dice.pick(&GRADES)),
                    pace: dice.between(0.7, 1.5),
                    greed: dice.between(0.8, 1.25),
                    state: PresenceState::Offline,
                    open: 0,
                    back_at: 0,
                    plan: VecDeque::new(),
                    starts: STARTS[region][place % STARTS[region].len()],
                    day_off: DAYS_OFF[place % DAYS_OFF.len()],
                    next_day: 0,
                    seats: [None; 3],
                }
            })
            .collect();
        Self { workers, crews, ready: Vec::new(), at_work: 0 }
    }

    /// The team that takes a topic's chats from a region.
    pub(super) fn team_for(&self, team: usize, region: usize) -> usize {
        if self.crews.len() == TEAMS.len() { team } else { team * REGIONS.len() + region }
    }

    pub(super) fn worker(&mut self, agent: u32) -> &mut Worker {
        &mut self.workers[agent as usize]
    }

    /// Nobody at all is at work.
    pub(super) fn deserted(&self) -> bool {
        self.at_work == 0
    }

    /// Puts an agent into a state, and on or off the lists of those who take chats.
    pub(super) fn enter(&mut self, agent: u32, state: PresenceState) {
        let before = std::mem::replace(&mut self.worker(agent).state, state);
        self.at_work += usize::from(state.is_online());
        self.at_work -= usize::from(before.is_online());
        let (was, is) = (before == PresenceState::Online, state == PresenceState::Online);
        if was == is {
            return;
        }
        let [own, other] = self.workers[agent as usize].teams;
        for (seat, list) in [(0, Some(own)), (1, Some(other)), (2, None)] {
            if is {
                self.sit(agent, seat, list);
            } else {
                self.leave(agent, seat, list);
            }
        }
    }

    fn list(&mut self, crew: Option<usize>) -> &mut Vec<u32> {
        match crew {
            Some(crew) => &mut self.crews[crew].ready,
            None => &mut self.ready,
        }
    }

    fn sit(&mut self, agent: u32, seat: usize, crew: Option<usize>) {
        let list = self.list(crew);
        list.push(agent);
        let place = list.len() - 1;
        self.worker(agent).seats[seat] = Some(place);
    }

    fn leave(&mut self, agent: u32, seat: usize, crew: Option<usize>) {
        let Some(place) = self.worker(agent).seats[seat].take() else { return };
        let list = self.list(crew);
        list.swap_remove(place);
        let Some(moved) = list.get(place).copied() else { return };
        // The one that took the place may know the list as its own or as its other team's.
        let worker = self.worker(moved);
        let seat = match crew {
            None => 2,
            Some(crew) => usize::from(worker.teams[0] != crew),
        };
        worker.seats[seat] = Some(place);
    }

    /// A free agent of the team, or of any where those of the team are full, other than `not`: the least loaded of
    /// three.
    pub(super) fn choose(&self, dice: &mut Dice, crew: usize, not: Option<u32>) -> Option<u32> {
        let own = self.least_loaded(dice, &self.crews[crew].ready, not);
        if own.is_some_and(|agent| self.appetite(agent) < FULL) {
            return own;
        }
        let any = self.least_loaded(dice, &self.ready, not);
        own.into_iter().chain(any).min_by(|a, b| self.appetite(*a).total_cmp(&self.appetite(*b)))
    }

    fn least_loaded(&self, dice: &mut Dice, list: &[u32], not: Option<u32>) -> Option<u32> {
        let drawn = (0..3).filter_map(|_| dice.maybe_pick(list).copied());
        let others = drawn.filter(|agent| Some(*agent) != not);
        others.min_by(|a, b| self.appetite(*a).total_cmp(&self.appetite(*b)))
    }

    /// How loaded an agent would be with another chat, as it sees that itself.
    fn appetite(&self, agent: u32) -> f64 {
        let worker = &self.workers[agent as usize];
        f64::from(worker.open + 1) / (f64::from(worker.capacity) * worker.greed)
    }

    /// The next change of state as the agent's load makes it: nobody with little to do is busy.
    pub(super) fn heed_load(&self, agent: u32, shift: Shift) -> Shift {
        let worker = &self.workers[agent as usize];
        let load = f64::from(worker.open) / f64::from(worker.capacity);
        match shift.state {
            PresenceState::Busy if load < EASY => Shift { state: PresenceState::Online, reason: None, ..shift },
            PresenceState::Busy if load >= FULL => Shift { reason: Some("At capacity"), ..shift },
            _ => shift,
        }
    }

    /// Plans the agent's next day at work that ends after `at`.
    pub(super) fn plan(&mut self, agent: u32, at: i64, seed: u64) {
        let worker = self.worker(agent);
        let region = REGIONS[worker.region];
        let mut day = worker.next_day.max(region.day(at));
        while worker.is_off(day) {
            day += 1;
        }
        worker.next_day = day + 1;
        let mut dice = Dice::new(mix(seed ^ (u64::from(agent) << 20), day as u64));
        let start = region.midnight(day) + (worker.starts * HOUR as f64) as i64 + minutes(&mut dice, -8.0, 8.0);
        worker.plan = day_plan(&mut dice, start);
    }
}

impl Worker {
    fn is_off(&self, day: i64) -> bool {
        weekday(day) == self.day_off
    }
}

/// A number that somebody would have typed into a form.
fn capacity(chats: f64) -> u32 {
    let step = if chats < 15.0 { 1.0 } else { 5.0 };
    ((chats / step).round() * step).max(2.0) as u32
}

fn minutes(dice: &mut Dice, low: f64, high: f64) -> i64 {
    (dice.between(low, high) * MINUTE as f64) as i64
}

/// A day at work: breaks, lunch, calls, meetings, now and then a lost connection.
fn day_plan(dice: &mut Dice, start: i64) -> VecDeque<Shift> {
    use PresenceState::{Away, Busy, Offline};
    let end = start + minutes(dice, 555.0, 610.0);
    let mut spells = vec![
        (start + minutes(dice, 80.0, 150.0), minutes(dice, 8.0, 16.0), Away, Some("Coffee break")),
        (start + minutes(dice, 220.0, 290.0), minutes(dice, 28.0, 46.0), Away, Some("Lunch")),
        (start + minutes(dice, 400.0, 470.0), minutes(dice, 7.0, 15.0), Away, Some("Break")),
    ];
    if dice.chance(0.35) {
        let what = dice.pick(&["Team meeting", "Training", "1:1"]);
        spells.push((start + minutes(dice, 10.0, 480.0), minutes(dice, 20.0, 50.0), Away, Some(what)));
    }
    for _ in 0..3 + dice.below(4) {
        let why = dice.pick(&[Some("On a call"), Some("Wrap-up"), None]);
        spells.push((start + minutes(dice, 15.0, 500.0), minutes(dice, 5.0, 26.0), Busy, why));
    }
    if dice.chance(0.06) {
        let lost = (start + minutes(dice, 30.0, 480.0), minutes(dice, 0.7, 3.0), Offline, Some("Connection lost"));
        spells.push(lost);
    }
    spells.sort_by_key(|spell| spell.0);
    let online = |at| Shift { at, state: PresenceState::Online, reason: None };
    let mut plan = VecDeque::from([online(start)]);
    let mut free_from = start + 2 * MINUTE;
    for (from, length, state, reason) in spells {
        if from >= free_from && from + length + MINUTE < end {
            plan.push_back(Shift { at: from, state, reason });
            plan.push_back(online(from + length));
            free_from = from + length + 2 * MINUTE;
        }
    }
    plan.push_back(Shift { at: end, state: Offline, reason: Some("Shift over") });
    plan
}

/// Plans reach no further than this behind the moment they are asked for.
pub(super) const PLAN_BACK: i64 = DAY;

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn whoever_is_ready_is_on_every_list_of_theirs_once() {
        let mut dice = Dice::new(3);
        let mut roster = Roster::new(1, 40, 400, &mut dice);
        for _ in 0..4000 {
            let agent = dice.below(40) as u32;
            let state =
                dice.pick(&[PresenceState::Online, PresenceState::Busy, PresenceState::Away, PresenceState::Offline]);
            roster.enter(agent, state);
        }
        let ready: Vec<u32> =
            (0..40).filter(|agent| roster.workers[*agent as usize].state == PresenceState::Online).collect();
        let mut all = roster.ready.clone();
        all.sort_unstable();
        assert_eq!(all, ready);
        for (nth, crew) in roster.crews.iter().enumerate() {
            let mut listed = crew.ready.clone();
            listed.sort_unstable();
            let members: Vec<u32> =
                ready.iter().copied().filter(|a| roster.workers[*a as usize].teams.contains(&nth)).collect();
            assert_eq!(listed, members, "{}", crew.name);
        }
        assert_eq!(roster.at_work, roster.workers.iter().filter(|worker| worker.state.is_online()).count());
    }

    #[test]
    fn a_plan_is_in_order_and_every_region_is_manned_each_day() {
        let mut roster = Roster::new(1, 12, 300, &mut Dice::new(1));
        for day in 20_000..20_014 {
            for region in 0..3 {
                let manned = roster.workers.iter().any(|worker| worker.region == region && !worker.is_off(day));
                assert!(manned, "region {region} on day {day}");
            }
        }
        for agent in 0..12 {
            roster.plan(agent, 20_000 * DAY, 1);
            let plan = &roster.workers[agent as usize].plan;
            assert!(plan.iter().zip(plan.iter().skip(1)).all(|(a, b)| a.at < b.at));
            assert_eq!(plan.back().map(|shift| shift.state), Some(PresenceState::Offline));
        }
    }
}
