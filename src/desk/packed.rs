//! The older part of a conversation's log in a few bytes an entry: most of what a desk remembers is hardly ever read.

use super::entry::{By, Entry, Fact};
use super::index::{AgentIx, TeamIx};
use crate::event::{Author, SlaMetric, Status, StatusBy, Timestamp};

/// Entries in the order of time, in bytes.
///
/// What is nothing but numbers goes into the bytes, with times as the gap to the entry before; what refers to words
/// stays beside them, in order.
#[derive(Debug, Clone, Default)]
pub(super) struct Packed {
    bytes: Vec<u8>,
    aside: Vec<Fact>,
    last_at: i64,
}

/// What an entry is, in the low bits of its first byte.
const MESSAGE: u8 = 0;
const ASSIGNED: u8 = 1;
const STATUS: u8 = 2;
const RETURNED: u8 = 3;
const SLA: u8 = 4;
const ASIDE: u8 = 5;
/// How far the rest of the first byte is shifted.
const SHIFT: u32 = 3;
/// Of a message, above the two bits of its author.
const PUBLIC: u8 = 4;
const WITH_DIGEST: u8 = 8;

const AUTHORS: [Author; 3] = [Author::Customer, Author::Agent, Author::Bot];
const STATUSES: [Status; 6] =
    [Status::Open, Status::Pending, Status::OnHold, Status::Snoozed, Status::Resolved, Status::Closed];
const CHANGERS: [Option<StatusBy>; 5] =
    [None, Some(StatusBy::Agent), Some(StatusBy::Customer), Some(StatusBy::Bot), Some(StatusBy::System)];
const METRICS: [SlaMetric; 3] = [SlaMetric::FirstResponse, SlaMetric::NextResponse, SlaMetric::Resolution];

impl Packed {
    /// Adds entries that are in order and not before what is there.
    pub(super) fn extend(&mut self, entries: impl Iterator<Item = Entry>) {
        let mut written = Writer(std::mem::take(&mut self.bytes));
        for Entry { at, fact } in entries {
            written.make_room();
            let gap = at.millis().wrapping_sub(std::mem::replace(&mut self.last_at, at.millis()));
            if let Some(fact) = written.entry(gap, at, fact) {
                self.aside.reserve_exact(1);
                self.aside.push(fact);
            }
        }
        self.bytes = written.0;
    }

    /// Takes no more memory than it must.
    pub(super) fn shrink(&mut self) {
        self.bytes.shrink_to_fit();
    }

    /// The entries.
    pub(super) fn unpack(&self) -> Vec<Entry> {
        self.unpack_before(&[])
    }

    /// The entries, with others behind.
    pub(super) fn unpack_before(&self, later: &[Entry]) -> Vec<Entry> {
        // Hardly any entry takes less than so many bytes.
        let mut entries = Vec::with_capacity(self.bytes.len() / 5 + later.len());
        let mut reader = Reader(&self.bytes);
        let mut aside = self.aside.iter();
        let mut at = 0;
        entries.extend(std::iter::from_fn(|| {
            let first = reader.byte()?;
            at = reader.signed()?.wrapping_add(at);
            let at = Timestamp::from_millis(at);
            let fact = if first == ASIDE { aside.next().cloned() } else { reader.fact(first, at) };
            Some(Entry { at, fact: fact? })
        }));
        entries.extend_from_slice(later);
        entries
    }
}

/// Unchanged, nobody, or one by number.
type Change = Option<Option<u32>>;
/// What was read; nothing where the bytes end before it does.
type Found<T> = Option<T>;

struct Writer(Vec<u8>);

/// Bytes that no entry exceeds.
const MOST: usize = 32;
/// What the bytes grow by: twice as much each time would waste a quarter of all.
const GROWTH: usize = 64;

impl Writer {
    fn make_room(&mut self) {
        if self.0.capacity() - self.0.len() < MOST {
            self.0.reserve_exact(GROWTH);
        }
    }

    /// Writes an entry, except for a fact that has to stay beside: that is given back.
    fn entry(&mut self, gap: i64, at: Timestamp, fact: Fact) -> Option<Fact> {
        match fact {
            Fact::Message { from, agent, public, digest, text: None } => {
                let with_digest = if digest == 0 { 0 } else { WITH_DIGEST };
                let flags = from as u8 | if public { PUBLIC } else { 0 } | with_digest;
                self.begin(MESSAGE | flags << SHIFT, gap);
                self.number(agent.map_or(0, |ix| u64::from(ix.0) + 1));
                if digest != 0 {
                    self.0.extend(digest.to_le_bytes());
                }
            }
            Fact::Assigned { agent, team, by } => {
                self.begin(ASSIGNED, gap);
                self.change(agent.map(|agent| agent.map(|ix| ix.0)));
                self.change(team.map(|team| team.map(|ix| ix.0)));
                self.change(match by {
                    By::Unknown => None,
                    By::Bot => Some(None),
                    By::Agent(ix) => Some(Some(ix.0)),
                });
            }
            Fact::Status { status, by, agent } => {
                self.begin(STATUS, gap);
                let by = by.map_or(0, |by| by as u8 + 1);
                self.0.push(status as u8 | by << 4);
                self.number(agent.map_or(0, |ix| u64::from(ix.0) + 1));
            }
            Fact::ReturnedToBot(agent) => {
                self.begin(RETURNED, gap);
                self.number(agent.0.into());
            }
            Fact::Sla(metric, due) => {
                self.begin(SLA | (metric as u8) << SHIFT, gap);
                self.signed(due.millis().wrapping_sub(at.millis()));
            }
            other => {
                self.begin(ASIDE, gap);
                return Some(other);
            }
        }
        None
    }

    fn begin(&mut self, first: u8, gap: i64) {
        self.0.push(first);
        self.signed(gap);
    }

    /// A number in as many groups of seven bits as it needs, lowest first.
    fn number(&mut self, mut number: u64) {
        while number > 0x7F {
            self.0.push(number as u8 | 0x80);
            number >>= 7;
        }
        self.0.push(number as u8);
    }

    /// A number of either sign, near 0 in few bytes.
    fn signed(&mut self, number: i64) {
        self.number(((number << 1) ^ (number >> 63)) as u64);
    }

    fn change(&mut self, change: Change) {
        self.number(match change {
            None => 0,
            Some(None) => 1,
            Some(Some(ix)) => u64::from(ix) + 2,
        });
    }
}

struct Reader<'a>(&'a [u8]);

impl Reader<'_> {
    fn fact(&mut self, first: u8, at: Timestamp) -> Found<Fact> {
        let flags = first >> SHIFT;
        Some(match first & ((1 << SHIFT) - 1) {
            MESSAGE => Fact::Message {
                from: *AUTHORS.get(usize::from(flags & (PUBLIC - 1)))?,
                agent: self.agent()?,
                public: flags & PUBLIC != 0,
                digest: if flags & WITH_DIGEST == 0 { 0 } else { self.eight()? },
                text: None,
            },
            ASSIGNED => Fact::Assigned {
                agent: self.change()?.map(|agent| agent.map(AgentIx)),
                team: self.change()?.map(|team| team.map(TeamIx)),
                by: match self.change()? {
                    None => By::Unknown,
                    Some(None) => By::Bot,
                    Some(Some(ix)) => By::Agent(AgentIx(ix)),
                },
            },
            STATUS => {
                let word = self.byte()?;
                let status = *STATUSES.get(usize::from(word & 0xF))?;
                Fact::Status { status, by: *CHANGERS.get(usize::from(word >> 4))?, agent: self.agent()? }
            }
            RETURNED => Fact::ReturnedToBot(AgentIx(self.number()? as u32)),
            SLA => {
                let due = at.millis().wrapping_add(self.signed()?);
                Fact::Sla(*METRICS.get(usize::from(flags))?, Timestamp::from_millis(due))
            }
            _ => return None,
        })
    }

    fn byte(&mut self) -> Found<u8> {
        let (first, rest) = self.0.split_first()?;
        self.0 = rest;
        Some(*first)
    }

    fn eight(&mut self) -> Found<u64> {
        let (eight, rest) = self.0.split_first_chunk()?;
        self.0 = rest;
        Some(u64::from_le_bytes(*eight))
    }

    fn number(&mut self) -> Found<u64> {
        let mut number = 0;
        for shift in (0..64).step_by(7) {
            let byte = self.byte()?;
            number |= u64::from(byte & 0x7F) << shift;
            if byte & 0x80 == 0 {
                return Some(number);
            }
        }
        None
    }

    fn signed(&mut self) -> Found<i64> {
        let number = self.number()?;
        Some((number >> 1) as i64 ^ -((number & 1) as i64))
    }

    fn agent(&mut self) -> Found<Option<AgentIx>> {
        Some(self.number()?.checked_sub(1).map(|ix| AgentIx(ix as u32)))
    }

    fn change(&mut self) -> Found<Change> {
        Some(match self.number()? {
            0 => None,
            1 => Some(None),
            ix => Some(Some((ix - 2) as u32)),
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use strum::IntoEnumIterator;

    /// Every fact there is, with every word and with numbers of every length.
    fn facts() -> Vec<Fact> {
        let agents = [None, Some(AgentIx(0)), Some(AgentIx(126)), Some(AgentIx(u32::MAX))];
        let mut facts = vec![
            Fact::Routed("lost".into()),
            Fact::ReturnedToBot(AgentIx(70_000)),
            Fact::Tagged([std::sync::Arc::from("vip")].into()),
            Fact::Macro(Some(AgentIx(3)), "hello".into()),
            Fact::Nps(9.0),
            Fact::Merged(Box::new("other".into())),
        ];
        for agent in agents {
            for from in Author::iter() {
                for (public, digest) in [(true, 0), (false, u64::MAX), (true, 5)] {
                    facts.push(Fact::Message { from, agent, public, digest, text: None });
                }
            }
            for status in Status::iter() {
                let bys = StatusBy::iter().map(Some).chain([None]);
                facts.extend(bys.map(|by| Fact::Status { status, by, agent }));
            }
            for team in [None, Some(None), Some(Some(TeamIx(9)))] {
                for by in [By::Unknown, By::Bot, By::Agent(AgentIx(200))] {
                    facts.push(Fact::Assigned { agent: Some(agent), team, by });
                    facts.push(Fact::Assigned { agent: None, team, by });
                }
            }
        }
        let dues = [Timestamp::MIN, Timestamp::MAX, Timestamp::from_millis(1_800_000_000_000)];
        facts.extend(SlaMetric::iter().flat_map(|metric| dues.map(|due| Fact::Sla(metric, due))));
        let text = Some(Box::new("kept".into()));
        facts.push(Fact::Message { from: Author::Bot, agent: None, public: true, digest: 1, text });
        facts
    }

    #[test]
    fn what_was_packed_in_parts_comes_out_as_it_went_in() {
        let times = |i: usize| match i {
            0 => Timestamp::MIN,
            1 => Timestamp::from_millis(-5),
            i => Timestamp::from_millis(1_800_000_000_000 + (i as i64 / 3) * 977 * (i as i64)),
        };
        let entries: Vec<Entry> =
            facts().into_iter().enumerate().map(|(i, fact)| Entry { at: times(i), fact }).collect();
        for part in [1, 7, entries.len()] {
            let mut packed = Packed::default();
            entries.chunks(part).for_each(|part| packed.extend(part.iter().cloned()));
            assert_eq!(packed.unpack(), entries, "in parts of {part}");
        }
    }

    #[test]
    fn a_message_takes_a_third_of_an_entry() {
        let entry = |at| {
            let fact = Fact::Message {
                from: Author::Agent,
                agent: Some(AgentIx(900)),
                public: true,
                digest: u64::MAX,
                text: None,
            };
            Entry { at: Timestamp::from_millis(at), fact }
        };
        let mut packed = Packed::default();
        packed.extend((0..100).map(|i| entry(i * 600_000)));
        assert!(packed.bytes.capacity() <= 100 * size_of::<Entry>() / 2 - 500, "{}", packed.bytes.capacity());
    }
}
