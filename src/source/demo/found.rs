//! The desk as it is found: in the middle of its work, with what was said before.

use super::chat::{Chat, Next};
use super::life::status_by_agent;
use super::rhythm::{HOUR, MINUTE, SECOND};
use super::roster::PLAN_BACK;
use super::simulation::Simulation;
use crate::event::{Assigned, Author, EventKind, PresenceState, Status};

/// Something that was before the start.
#[derive(Debug, Clone, Copy)]
pub(super) enum Past {
    State { agent: u32, state: PresenceState, reason: Option<&'static str> },
    Chat { slot: u32, part: Part },
}

/// What a chat that was found had behind it.
#[derive(Debug, Clone, Copy)]
pub(super) enum Part {
    Opened { is_new: bool },
    Assigned,
    Answered,
}

impl Simulation {
    /// Agents in the state they would be in by now, and chats in the middle of their lives. What was said before is
    /// only noted: in words it would take more memory than all that follows.
    pub(super) fn find_desk_at_work(&mut self) {
        let start = self.now;
        let mut past = Vec::new();
        for agent in 0..self.roster.workers.len() as u32 {
            let (since, state, reason) = self.catch_up(agent, start);
            past.push((since, Past::State { agent, state, reason }));
        }
        for _ in 0..self.target() as usize {
            self.find_chat(start, &mut past);
        }
        past.sort_by_key(|(at, _)| *at);
        self.past = past.into_iter();
        self.now = start;
    }

    /// Brings an agent to the state of its plan at `start`; returns since when, which and why.
    fn catch_up(&mut self, agent: u32, start: i64) -> (i64, PresenceState, Option<&'static str>) {
        self.roster.plan(agent, start - PLAN_BACK, self.params.seed);
        let mut last = (start - 9 * HOUR, PresenceState::Offline, None);
        loop {
            let worker = self.roster.worker(agent);
            match worker.plan.front() {
                Some(shift) if shift.at <= start => {
                    last = (shift.at, shift.state, shift.reason);
                    worker.plan.pop_front();
                }
                Some(_) => break,
                None => self.roster.plan(agent, last.0, self.params.seed),
            }
        }
        self.roster.enter(agent, last.1);
        self.await_shift(agent);
        last
    }

    /// A chat that began before `start`, was answered, and waits for its customer.
    fn find_chat(&mut self, start: i64, past: &mut Vec<(i64, Past)>) {
        let age = (self.dice.log_normal(2.2, 1.0) * HOUR as f64).clamp(10.0 * MINUTE as f64, 40.0 * HOUR as f64);
        self.now = start - age as i64;
        let said = self.out.len();
        let mut chat = self.draw_chat();
        let is_new = self.out.len() > said;
        self.out.truncate(said);
        let mut times = vec![(self.now, Part::Opened { is_new })];
        let fresh = start - self.now;
        self.now += (fresh as f64 * self.dice.between(0.005, 0.04)) as i64 + 20 * SECOND;
        let agent = self.dice.below(self.roster.workers.len()) as u32;
        let of_team = self.roster.worker(agent).teams.contains(&usize::from(chat.team));
        let chosen = self.roster.choose(&mut self.dice, usize::from(chat.team), None);
        let agent = chosen.filter(|_| !of_team && self.dice.chance(0.4)).unwrap_or(agent);
        chat.holder = Some(agent);
        chat.replies = 1;
        self.roster.worker(agent).open += 1;
        self.active += 1;
        times.push((self.now, Part::Assigned));
        self.now += (fresh as f64 * self.dice.between(0.002, 0.02)) as i64 + 15 * SECOND;
        if self.dice.chance(0.35) {
            chat.status = Status::Pending;
        }
        times.push((self.now, Part::Answered));
        self.now = start;
        let think = self.think(&chat);
        let left = (think as f64 * self.dice.unit()) as i64;
        let slot = self.keep(chat, Next::CustomerWrites, start + left);
        past.extend(times.into_iter().map(|(at, part)| (at, Past::Chat { slot, part })));
    }

    /// Says what was noted of the time before the start.
    pub(super) fn recount(&mut self, past: Past) {
        match past {
            Past::State { agent, state, reason } => {
                let agent = self.roster.worker(agent).id.clone();
                self.say(EventKind::Presence { agent, state, reason: reason.map(str::to_owned) });
            }
            Past::Chat { slot, part } => {
                if let Some(mut chat) = self.chats[slot as usize].take() {
                    self.recount_chat(&mut chat, part);
                    self.chats[slot as usize] = Some(chat);
                }
            }
        }
    }

    fn recount_chat(&mut self, chat: &mut Chat, part: Part) {
        let agent = chat.holder.map(|agent| self.roster.worker(agent).id.clone());
        match part {
            Part::Opened { is_new } => {
                if is_new {
                    self.introduce_customer(usize::from(chat.region), chat.customer, chat.vip);
                }
                let opened = self.opened(chat);
                self.say(opened);
                let replies = std::mem::take(&mut chat.replies);
                let ask = self.message(chat, Author::Customer, None);
                self.say(ask);
                chat.replies = replies;
            }
            Part::Assigned => {
                let team = self.roster.crews[usize::from(chat.team)].id.clone();
                self.say(Assigned { team: Some(Some(team)), ..Assigned::to(chat.id.clone(), agent) });
            }
            Part::Answered => {
                let answer = self.message(chat, Author::Agent, agent.clone());
                self.say(answer);
                if let (Status::Pending, Some(agent)) = (chat.status, agent) {
                    let status = status_by_agent(chat, agent);
                    self.say(status);
                }
            }
        }
    }
}
