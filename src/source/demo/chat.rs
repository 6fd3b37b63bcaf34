//! One chat, and what comes next in it.

use super::rhythm::{HOUR, MINUTE, SECOND};
use crate::event::{ConversationId, Status};

/// What happens next in a chat.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Next {
    /// The bot says hello.
    Greet,
    /// The customer picks from the bot's menu.
    Route,
    /// The bot answers for good.
    BotAnswers,
    /// Somebody gets it.
    Assign,
    /// The customer asks whether anybody is there.
    Nudge,
    /// The agent answers.
    Reply,
    /// The customer writes.
    CustomerWrites,
    /// Put-off time is over, or the third party has answered.
    Wake,
    /// It is ended without another word: by the agent, or by the desk for silence.
    Finish,
    /// The customer rates it.
    Rate,
    /// The customer comes back.
    Reopen,
    /// The desk shuts what was resolved.
    Close,
    /// It turns out to be a double of another.
    Merge,
}

/// The ways customers take.
#[derive(Debug, Clone, Copy)]
pub(super) struct Channel {
    pub(super) word: &'static str,
    /// How often, by region.
    pub(super) weights: [f64; 3],
    /// The bot says hello there.
    pub(super) bot: bool,
    /// Seconds until an agent answers, in the middle.
    pub(super) answer: f64,
    /// Seconds until a customer answers, in the middle.
    pub(super) think: f64,
}

pub(super) const CHANNELS: [Channel; 8] = [
    Channel { word: "whatsapp", weights: [26.0, 20.0, 22.0], bot: true, answer: 125.0, think: 1500.0 },
    Channel { word: "email", weights: [26.0, 24.0, 16.0], bot: false, answer: 330.0, think: 7200.0 },
    Channel { word: "web", weights: [18.0, 24.0, 20.0], bot: true, answer: 95.0, think: 600.0 },
    Channel { word: "instagram", weights: [10.0, 12.0, 10.0], bot: true, answer: 170.0, think: 2400.0 },
    Channel { word: "messenger", weights: [6.0, 8.0, 6.0], bot: true, answer: 160.0, think: 2100.0 },
    Channel { word: "telegram", weights: [8.0, 2.0, 18.0], bot: true, answer: 120.0, think: 1500.0 },
    Channel { word: "phone", weights: [4.0, 6.0, 3.0], bot: false, answer: 45.0, think: 240.0 },
    Channel { word: "sms", weights: [2.0, 4.0, 5.0], bot: false, answer: 150.0, think: 1800.0 },
];

/// A chat, as the simulation sees it.
#[derive(Debug)]
#[expect(clippy::struct_excessive_bools, reason = "four independent traits of a chat, no state machine")]
pub(super) struct Chat {
    pub(super) id: ConversationId,
    pub(super) next: Next,
    pub(super) customer: u32,
    pub(super) holder: Option<u32>,
    pub(super) team: u16,
    pub(super) topic: u8,
    pub(super) channel: u8,
    pub(super) region: u8,
    pub(super) status: Status,
    pub(super) vip: bool,
    pub(super) tagged: bool,
    /// Replies it still needs.
    pub(super) rounds: u8,
    /// Replies it has had.
    pub(super) replies: u8,
    pub(super) nudges: u8,
    /// When the agent will answer.
    pub(super) reply_at: i64,
    /// Since when the customer waits; 0 when nobody does.
    pub(super) waits_since: i64,
    /// The chat it is a double of.
    pub(super) double_of: Option<ConversationId>,
    /// The desk ends it for silence.
    pub(super) silent: bool,
    pub(super) reopened: bool,
}

impl Chat {
    pub(super) fn channel(&self) -> Channel {
        CHANNELS[usize::from(self.channel)]
    }
}

/// The longest an answer takes when everybody is at work.
pub(super) const LONGEST_ANSWER: i64 = 34 * MINUTE;
/// The longest a customer takes.
pub(super) const LONGEST_THINK: i64 = 26 * HOUR;
/// The first target of the plan that most customers have.
pub(super) const FIRST_RESPONSE: i64 = 15 * MINUTE;
/// The same for important customers.
pub(super) const FIRST_RESPONSE_VIP: i64 = 5 * MINUTE;
/// The least that lies between two things one person does.
pub(super) const BREATH: i64 = 2 * SECOND;
