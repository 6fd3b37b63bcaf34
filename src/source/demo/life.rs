//! The life of a chat, step by step.

use super::chat::{BREATH, CHANNELS, Chat, FIRST_RESPONSE, FIRST_RESPONSE_VIP, LONGEST_ANSWER, LONGEST_THINK, Next};
use super::rhythm::{HOUR, MINUTE, SECOND};
use super::simulation::Simulation;
use super::topics::{ANSWER, COMMENTS, FOLLOW, MACROS, NOTE, NUDGE, TOPICS};
use crate::event::{
    AgentId, Assigned, Author, Direction, EventKind, Message, PresenceState, SlaMetric, Status, StatusBy, Timestamp,
};

/// What happens next, and when.
type Then = (Next, i64);
/// What happens next, if anything ever will.
type After = Option<Then>;

impl Simulation {
    /// Does what is next in a chat; `None` when nothing will ever happen in it again.
    pub(super) fn live(&mut self, chat: &mut Chat) -> After {
        match chat.next {
            Next::Greet => Some(self.greet(chat)),
            Next::Route => Some(self.route(chat)),
            Next::BotAnswers => self.bot_answers(chat),
            Next::Assign => self.assign(chat),
            Next::Nudge => Some(self.nudge(chat)),
            Next::Reply => self.reply(chat),
            Next::CustomerWrites => Some(self.customer_writes(chat)),
            Next::Wake => self.wake(chat),
            Next::Finish => self.finish(chat),
            Next::Rate => self.rate(chat),
            Next::Reopen => Some(self.reopen(chat)),
            Next::Close => self.close(chat),
            Next::Merge => self.merge(chat),
        }
    }

    /// Somebody writes, or an agent writes to somebody.
    pub(super) fn open_chat(&mut self) {
        let mut chat = self.draw_chat();
        self.active += 1;
        if self.dice.chance(0.04) && self.reach_out(&mut chat) {
            let think = self.think(&chat);
            self.keep(chat, Next::CustomerWrites, self.now + think);
            return;
        }
        let opened = self.opened(&chat);
        self.say(opened);
        self.ask(&mut chat);
        self.promise(&chat);
        let double = self.dice.chance(0.012).then(|| self.double(&chat));
        let (next, at) = if chat.channel().bot && self.dice.chance(0.8) {
            (Next::Greet, self.now + SECOND)
        } else {
            (Next::Assign, self.now + self.assignment())
        };
        self.keep(chat, next, at);
        if let Some(double) = double {
            self.active += 1;
            let at = self.now + self.assignment();
            self.keep(double, Next::Assign, at);
        }
    }

    /// An agent begins a chat; false when nobody is there to.
    fn reach_out(&mut self, chat: &mut Chat) -> bool {
        let Some(agent) = self.roster.choose(&mut self.dice, usize::from(chat.team), None) else { return false };
        let opened = self.opened(chat);
        let team = Some(self.roster.crews[usize::from(chat.team)].id.clone());
        self.say(crate::event::Opened { direction: Some(Direction::Outbound), team, ..opened });
        self.hand_to(chat, agent, None);
        let id = self.id_of(agent);
        let message = self.message(chat, Author::Agent, Some(id));
        self.say(message);
        chat.replies = 1;
        true
    }

    /// The same customer writes on another channel too.
    fn double(&mut self, chat: &Chat) -> Chat {
        let mut double = self.draw_chat();
        double.double_of = Some(chat.id.clone());
        double.customer = chat.customer;
        (double.topic, double.team, double.region, double.vip) = (chat.topic, chat.team, chat.region, chat.vip);
        let opened = self.opened(&double);
        self.say(opened);
        self.ask(&mut double);
        double
    }

    /// The desk's own targets.
    fn promise(&mut self, chat: &Chat) {
        let (conversation, now) = (chat.id.clone(), Timestamp::from_millis(self.now));
        if chat.vip || self.dice.chance(0.3) {
            let span = if chat.vip { FIRST_RESPONSE_VIP } else { FIRST_RESPONSE };
            let due = Timestamp::from_millis(now.millis() + span);
            self.say(EventKind::Sla { conversation: conversation.clone(), metric: SlaMetric::FirstResponse, due });
        }
        if chat.vip {
            let due = Timestamp::from_millis(now.millis() + 24 * HOUR);
            self.say(EventKind::Sla { conversation, metric: SlaMetric::Resolution, due });
        }
    }

    fn greet(&mut self, chat: &mut Chat) -> Then {
        let message = self.message(chat, Author::Bot, None);
        self.say(message);
        let wait = self.seconds(18.0, 0.7).clamp(4 * SECOND, 3 * MINUTE);
        if self.dice.chance(0.08) {
            return (Next::BotAnswers, self.now + wait);
        }
        (Next::Route, self.now + wait)
    }

    fn route(&mut self, chat: &mut Chat) -> Then {
        let keyword = TOPICS[usize::from(chat.topic)].keyword.to_owned();
        self.say(EventKind::Routed { conversation: chat.id.clone(), keyword });
        (Next::Assign, self.now + self.assignment())
    }

    fn bot_answers(&mut self, chat: &mut Chat) -> After {
        let message = self.message(chat, Author::Bot, None);
        self.say(message);
        self.end(chat, Status::Resolved, StatusBy::Bot)
    }

    fn assign(&mut self, chat: &mut Chat) -> After {
        // Some give up before anybody looks at it.
        if chat.replies == 0 && chat.holder.is_none() && self.dice.chance(0.015) {
            return self.end(chat, Status::Closed, StatusBy::Customer);
        }
        let free = self.roster.choose(&mut self.dice, usize::from(chat.team), chat.holder);
        let agent = match free {
            Some(agent) => agent,
            None if self.roster.deserted() => self.dice.below(self.roster.workers.len()) as u32,
            None => return Some((Next::Assign, self.now + self.seconds(60.0, 0.5))),
        };
        self.hand_to(chat, agent, Some(AgentId::new("bot")));
        if chat.double_of.is_some() {
            return Some((Next::Merge, self.now + self.seconds(150.0, 0.5)));
        }
        Some(self.await_reply(chat))
    }

    fn merge(&mut self, chat: &mut Chat) -> After {
        if let Some(into) = chat.double_of.take() {
            self.say(EventKind::Merged { conversation: chat.id.clone(), into });
        }
        self.set_down(chat);
        None
    }

    fn nudge(&mut self, chat: &mut Chat) -> Then {
        chat.nudges += 1;
        let text = (self.dice.pick(&NUDGE)).to_owned();
        self.say(Message { text: Some(text.into()), ..Message::public(chat.id.clone(), Author::Customer, None) });
        let left = chat.reply_at - self.now;
        if chat.nudges < 3 && left > 5 * MINUTE && self.dice.chance(0.4) {
            let gap = (left as f64 * self.dice.between(0.3, 0.9)) as i64;
            return (Next::Nudge, self.now + gap);
        }
        (Next::Reply, chat.reply_at)
    }

    fn reply(&mut self, chat: &mut Chat) -> After {
        let Some(agent) = chat.holder else { return self.assign(chat) };
        let worker = self.roster.worker(agent);
        let (state, back_at) = (worker.state, worker.back_at);
        let waited = self.now - chat.waits_since;
        match state {
            PresenceState::Offline if !self.roster.deserted() => return self.pass_on(chat, agent, None),
            PresenceState::Away if !self.roster.deserted() => {
                let patient = waited < 12 * MINUTE && back_at - self.now < 12 * MINUTE && !chat.vip;
                if !patient {
                    return self.pass_on(chat, agent, None);
                }
                return Some((Next::Reply, back_at + self.seconds(40.0, 0.8)));
            }
            _ => {}
        }
        if chat.replies > 0 && waited < 10 * MINUTE && self.dice.chance(0.035) {
            let by = self.id_of(agent);
            self.note(chat, agent);
            return self.pass_on(chat, agent, Some(by));
        }
        if waited < 6 * MINUTE && self.dice.chance(0.008) {
            return Some(self.return_to_bot(chat, agent));
        }
        self.answer(chat, agent)
    }

    /// To a colleague, who is quick about it.
    fn pass_on(&mut self, chat: &mut Chat, agent: u32, by: Option<AgentId>) -> After {
        let Some(other) = self.roster.choose(&mut self.dice, usize::from(chat.team), Some(agent)) else {
            let worker = self.roster.worker(agent);
            let here = worker.state != PresenceState::Offline;
            // Nobody is free: whoever is on a break waits for its end, a single agent answers all the same.
            if here && worker.back_at - self.now < 20 * MINUTE && !self.roster.deserted() {
                let back_at = self.roster.worker(agent).back_at;
                return Some((Next::Reply, back_at + 20 * SECOND));
            }
            return self.answer(chat, agent);
        };
        self.hand_to(chat, other, Some(by.unwrap_or_else(|| AgentId::new("bot"))));
        chat.reply_at = self.now + self.seconds(75.0, 0.6);
        Some((Next::Reply, chat.reply_at))
    }

    fn return_to_bot(&mut self, chat: &mut Chat, agent: u32) -> Then {
        let (conversation, id) = (chat.id.clone(), self.id_of(agent));
        self.say(EventKind::ReturnedToBot { conversation: conversation.clone(), agent: id.clone() });
        self.roster.worker(agent).open -= 1;
        chat.holder = None;
        self.say(Assigned { by: Some(id), ..Assigned::to(conversation, None) });
        let topic = self.draw_topic();
        chat.topic = topic as u8;
        chat.team = self.roster.team_for(TOPICS[topic].team, usize::from(chat.region)) as u16;
        (Next::Route, self.now + self.seconds(12.0, 0.5))
    }

    fn note(&mut self, chat: &Chat, agent: u32) {
        let (id, text) = (self.id_of(agent), (self.dice.pick(&NOTE)).to_owned());
        let message = Message::public(chat.id.clone(), Author::Agent, Some(id));
        self.say(Message { public: Some(false), text: Some(text.into()), ..message });
    }

    fn answer(&mut self, chat: &mut Chat, agent: u32) -> After {
        let id = self.id_of(agent);
        if self.dice.chance(0.05) {
            self.note(chat, agent);
        }
        if self.dice.chance(0.14) {
            let name = (self.dice.pick(&MACROS)).to_owned();
            self.say(EventKind::Macro { conversation: chat.id.clone(), agent: Some(id.clone()), name });
        }
        let message = self.message(chat, Author::Agent, Some(id.clone()));
        self.say(message);
        if !chat.tagged && self.dice.chance(0.4) {
            chat.tagged = true;
            let mut tags = vec![TOPICS[usize::from(chat.topic)].tag.to_owned()];
            if chat.vip {
                tags.push("vip".to_owned());
            }
            self.say(EventKind::Tagged { conversation: chat.id.clone(), tags });
        }
        chat.replies = chat.replies.saturating_add(1);
        chat.waits_since = 0;
        chat.rounds = chat.rounds.saturating_sub(1);
        if chat.rounds == 0 { self.last_word(chat, id) } else { Some(self.hold(chat, id)) }
    }

    /// After the last answer: ended at once, a little later, or by the desk when nothing more is heard.
    fn last_word(&mut self, chat: &mut Chat, agent: AgentId) -> After {
        if chat.silent {
            self.put(chat, Status::Pending, agent);
            let wait = self.dice.between(3.0, 11.0) * HOUR as f64;
            return Some((Next::Finish, self.now + wait as i64));
        }
        if self.dice.chance(0.55) {
            return self.end(chat, Status::Resolved, StatusBy::Agent);
        }
        Some((Next::Finish, self.now + self.seconds(540.0, 0.9).min(2 * HOUR)))
    }

    /// Between two answers: mostly waiting for the customer, now and then for somebody else.
    fn hold(&mut self, chat: &mut Chat, agent: AgentId) -> (Next, i64) {
        match self.dice.weighted(&[64.0, 30.0, 3.0, 3.0]) {
            1 => self.put(chat, Status::Pending, agent),
            2 => {
                self.put(chat, Status::Snoozed, agent);
                return (Next::Wake, self.now + (self.dice.between(0.7, 5.0) * HOUR as f64) as i64);
            }
            3 => {
                self.put(chat, Status::OnHold, agent);
                return (Next::Wake, self.now + (self.dice.between(1.0, 9.0) * HOUR as f64) as i64);
            }
            _ => {}
        }
        let think = self.think(chat);
        (Next::CustomerWrites, self.now + think)
    }

    fn customer_writes(&mut self, chat: &mut Chat) -> Then {
        if self.roster.deserted() {
            return (Next::CustomerWrites, self.now + self.seconds(2400.0, 0.6));
        }
        if chat.status.is_pending() {
            self.open_again(chat, StatusBy::Customer);
        }
        self.ask(chat);
        let away = chat.holder.is_none_or(|agent| self.roster.worker(agent).state == PresenceState::Offline);
        if away {
            return (Next::Assign, self.now + self.seconds(40.0, 0.7).min(4 * MINUTE));
        }
        self.await_reply(chat)
    }

    /// The agent takes it up again by itself.
    fn wake(&mut self, chat: &mut Chat) -> After {
        let Some(agent) = chat.holder else { return self.assign(chat) };
        if self.roster.worker(agent).state != PresenceState::Online && !self.roster.deserted() {
            return Some((Next::Wake, self.now + self.seconds(1800.0, 0.5)));
        }
        self.open_again(chat, StatusBy::System);
        self.answer(chat, agent)
    }

    fn finish(&mut self, chat: &mut Chat) -> After {
        if chat.silent {
            return self.end(chat, Status::Resolved, StatusBy::System);
        }
        self.end(chat, Status::Resolved, StatusBy::Agent)
    }

    /// It ends; what may still follow is drawn here.
    fn end(&mut self, chat: &mut Chat, status: Status, by: StatusBy) -> After {
        chat.status = status;
        chat.waits_since = 0;
        let holder = chat.holder.filter(|_| by == StatusBy::Agent);
        let agent = holder.map(|agent| self.id_of(agent));
        self.say(EventKind::Status { conversation: chat.id.clone(), status, by: Some(by), agent });
        self.set_down(chat);
        if TOPICS[usize::from(chat.topic)].team == 3 && !chat.reopened && self.dice.chance(0.2) {
            let amount = Some((self.dice.log_normal(140.0, 0.9) * 100.0).round() / 100.0);
            let currency = Some((self.dice.pick(&["EUR", "EUR", "USD", "GBP", "JPY"])).to_owned());
            self.say(EventKind::Converted { conversation: chat.id.clone(), amount, currency });
        }
        let soon = self.seconds(260.0, 0.9);
        match self.dice.weighted(&[0.27, 0.05, 0.2, 0.48]) {
            0 if chat.replies > 0 => Some((Next::Rate, self.now + soon)),
            1 if !chat.reopened => Some((Next::Reopen, self.now + self.seconds(4000.0, 1.0))),
            2 if status == Status::Resolved => Some((Next::Close, self.now + 6 * HOUR + soon)),
            _ => None,
        }
    }

    fn rate(&mut self, chat: &mut Chat) -> After {
        let conversation = chat.id.clone();
        if self.dice.chance(0.12) {
            let score = self.dice.pick(&[10.0, 10.0, 9.0, 9.0, 8.0, 8.0, 7.0, 6.0, 3.0]);
            let customer = Some(super::simulation::customer_id(chat.customer));
            self.say(EventKind::Nps { customer, conversation: Some(conversation), score });
            return None;
        }
        let scale = if chat.channel().word == "phone" { 2.0 } else { 5.0 };
        let good = self.dice.chance(if chat.nudges > 0 { 0.72 } else { 0.93 });
        let score = match (good, scale > 2.0) {
            (true, true) => self.dice.pick(&[5.0, 5.0, 5.0, 4.0]),
            (false, true) => self.dice.pick(&[3.0, 2.0, 1.0]),
            (true, false) => 2.0,
            (false, false) => 1.0,
        };
        let comment = self.dice.chance(0.2).then(|| (*self.dice.pick(&COMMENTS)).into());
        self.say(EventKind::Rated { conversation, score, scale, comment });
        None
    }

    fn reopen(&mut self, chat: &mut Chat) -> Then {
        chat.status = Status::Open;
        chat.reopened = true;
        chat.rounds = 1 + self.dice.below(2) as u8;
        self.active += 1;
        if let Some(agent) = chat.holder {
            self.roster.worker(agent).open += 1;
        }
        self.customer_writes(chat)
    }

    fn close(&mut self, chat: &mut Chat) -> After {
        chat.status = Status::Closed;
        let by = Some(StatusBy::System);
        self.say(EventKind::Status { conversation: chat.id.clone(), status: Status::Closed, by, agent: None });
        None
    }

    /// The customer writes; the wait begins unless it has begun.
    fn ask(&mut self, chat: &mut Chat) {
        let message = self.message(chat, Author::Customer, None);
        self.say(message);
        if chat.waits_since == 0 {
            chat.waits_since = self.now;
        }
        chat.nudges = 0;
    }

    fn hand_to(&mut self, chat: &mut Chat, agent: u32, by: Option<AgentId>) {
        if let Some(before) = chat.holder.replace(agent) {
            self.roster.worker(before).open -= 1;
        }
        self.roster.worker(agent).open += 1;
        let team = chat.replies == 0 && chat.channel().bot;
        let team = team.then(|| Some(self.roster.crews[usize::from(chat.team)].id.clone()));
        let id = self.id_of(agent);
        self.say(Assigned { team, by, ..Assigned::to(chat.id.clone(), Some(id)) });
    }

    /// It is no longer anybody's work.
    fn set_down(&mut self, chat: &Chat) {
        self.active -= 1;
        if let Some(agent) = chat.holder {
            self.roster.worker(agent).open -= 1;
        }
    }

    fn put(&mut self, chat: &mut Chat, status: Status, agent: AgentId) {
        chat.status = status;
        let status = status_by_agent(chat, agent);
        self.say(status);
    }

    fn open_again(&mut self, chat: &mut Chat, by: StatusBy) {
        chat.status = Status::Open;
        let (conversation, status) = (chat.id.clone(), Status::Open);
        self.say(EventKind::Status { conversation, status, by: Some(by), agent: None });
    }

    /// When the holder will answer, and whether the customer asks again before.
    fn await_reply(&mut self, chat: &mut Chat) -> (Next, i64) {
        let Some(agent) = chat.holder else { return (Next::Assign, self.now + self.assignment()) };
        let worker = self.roster.worker(agent);
        let load = f64::from(worker.open) / f64::from(worker.capacity);
        let pace = worker.pace * (0.7 + load.min(1.6).powi(2) * 0.6);
        let hurry = if chat.vip { 0.5 } else { 1.0 };
        let crowd = if self.now < self.burst.until { 1.5 } else { 1.0 };
        let delay = self.seconds(chat.channel().answer * pace * hurry * crowd, 1.0);
        let delay = delay.clamp(4 * SECOND, LONGEST_ANSWER);
        chat.reply_at = self.now + delay;
        if delay > 4 * MINUTE && chat.channel().word != "email" && self.dice.chance(0.5) {
            let part = self.dice.between(0.5, 0.95);
            return (Next::Nudge, self.now + (delay as f64 * part) as i64);
        }
        (Next::Reply, chat.reply_at)
    }

    /// How long until somebody has a new chat.
    fn assignment(&mut self) -> i64 {
        self.seconds(85.0, 1.0).clamp(BREATH, 11 * MINUTE)
    }

    /// How long the customer takes to write again.
    pub(super) fn think(&mut self, chat: &Chat) -> i64 {
        self.seconds(CHANNELS[usize::from(chat.channel)].think, 1.2).clamp(10 * SECOND, LONGEST_THINK)
    }

    /// A log-normal time around so many seconds, in milliseconds.
    fn seconds(&mut self, median: f64, sigma: f64) -> i64 {
        (self.dice.log_normal(median, sigma) * SECOND as f64) as i64
    }

    fn id_of(&mut self, agent: u32) -> AgentId {
        self.roster.worker(agent).id.clone()
    }

    /// Words that fit: who speaks, and what has been said before.
    pub(super) fn words(&mut self, chat: &Chat, from: Author) -> &'static str {
        match from {
            Author::Customer if chat.replies == 0 => self.dice.pick(&TOPICS[usize::from(chat.topic)].asks),
            Author::Customer => self.dice.pick(&FOLLOW),
            Author::Agent => self.dice.pick(&ANSWER),
            Author::Bot => "Hello! 🤖 Please tell me what it is about: delivery, invoice, login, …",
        }
    }
}

/// The chat's status, as said by an agent.
pub(super) fn status_by_agent(chat: &Chat, agent: AgentId) -> EventKind {
    let by = Some(StatusBy::Agent);
    EventKind::Status { conversation: chat.id.clone(), status: chat.status, by, agent: Some(agent) }
}
