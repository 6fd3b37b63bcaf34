//! Whatever is looked at: the fold of what is told is what the last look showed.

use helptop::desk::Desk;
use helptop::event::{Author, Capability, Event, EventKind, Opened, Status, Timestamp, VERSION};
use helptop::source::differ::{Differ, Record, Said, Since};
use proptest::prelude::*;

const ACTIVE: [Status; 4] = [Status::Open, Status::Pending, Status::OnHold, Status::Snoozed];

/// One thing that happens at the vendor: seconds after the last, and what.
#[derive(Debug, Clone)]
enum Step {
    Write(Author, bool),
    Hold(Option<u8>),
    Put(Status),
    Look,
    Restart,
}

fn steps() -> impl Strategy<Value = Vec<(i64, Step)>> {
    let status = prop_oneof![prop::sample::select(&ACTIVE[..]), Just(Status::Resolved)];
    let author = prop_oneof![Just(Author::Customer), Just(Author::Agent), Just(Author::Bot)];
    let step = prop_oneof![
        3 => (author, any::<bool>()).prop_map(|(author, public)| Step::Write(author, public)),
        1 => prop::option::of(0..3u8).prop_map(Step::Hold),
        2 => status.prop_map(Step::Put),
        4 => Just(Step::Look),
        1 => Just(Step::Restart),
    ];
    prop::collection::vec((0..40i64, step), 1..60)
}

/// The vendor's conversation, and whether it dates what it shows.
struct Vendor {
    status: (Status, Timestamp),
    holder: (Option<u8>, Timestamp),
    messages: Vec<Said>,
    waits_since: Option<Timestamp>,
}

impl Vendor {
    fn write(&mut self, author: Author, public: bool, at: Timestamp) {
        let agent = (author == Author::Agent).then(|| "a1".into());
        let public = public || author != Author::Agent;
        let key = self.messages.len().to_string().into();
        self.messages.push(Said { key, at, from: author, agent, public, text: None });
        match author {
            Author::Customer => {
                self.waits_since.get_or_insert(at);
                if self.status.0.is_ended() {
                    self.status = (Status::Open, at);
                }
            }
            Author::Agent if public => self.waits_since = None,
            Author::Agent | Author::Bot => {}
        }
    }

    fn put(&mut self, status: Status, at: Timestamp) {
        if status.is_ended() && !self.status.0.is_ended() {
            self.waits_since = None;
        }
        if self.status.0 != status {
            self.status = (status, at);
        }
    }

    fn record(&self, dated: bool) -> Record {
        let at = |at: Timestamp| dated.then_some(at);
        let mut record = Record::new(
            Opened::new("7".into()),
            Timestamp::from_millis(0),
            Since { value: self.status.0, at: at(self.status.1) },
        );
        let holder = self.holder.0.map(|number| format!("a{number}").as_str().into());
        record.holder = Some(Since { value: holder, at: at(self.holder.1) });
        record.messages.clone_from(&self.messages);
        record.whole = true;
        record
    }
}

proptest! {
    #[test]
    fn the_fold_is_what_the_last_look_showed(steps in steps(), dated in any::<bool>()) {
        let start = Timestamp::from_millis(0);
        let mut vendor = Vendor { status: (Status::Open, start), holder: (None, start), messages: vec![], waits_since: None };
        let (mut differ, mut told, mut now, mut told_to) = (Differ::default(), Vec::<Event>::new(), start, start);
        let hello = EventKind::Hello { version: VERSION, source: None, capabilities: vec![Capability::Assignments] };
        for (gap, step) in steps {
            now = now + chrono::TimeDelta::seconds(gap + 1);
            match step {
                Step::Write(author, public) => vendor.write(author, public, now),
                Step::Hold(agent) if vendor.holder.0 != agent => vendor.holder = (agent, now),
                Step::Hold(_) => {}
                Step::Restart => differ = Differ::resumed(Some(told_to).filter(|_| !told.is_empty()), []),
                // An ending that no look saw, because the customer wrote again before, is known to nobody.
                Step::Put(_) | Step::Look => {
                    if let Step::Put(status) = step {
                        vendor.put(status, now);
                    }
                    differ.look(vendor.record(dated), now, &mut told);
                    told_to = now;
                    let mut desk = Desk::new(false);
                    let source = desk.add_source();
                    desk.apply(source, Event::undated(hello.clone()));
                    for event in &told {
                        desk.apply(source, event.clone());
                    }
                    desk.settle();
                    let folded = desk.conversation(desk.find_conversation(source, &"7".into()).unwrap()).unwrap();
                    let state = folded.state();
                    let holder = state.holder.map(|ix| desk.agent(ix).id.as_str().to_owned());
                    prop_assert_eq!(state.status, vendor.status.0);
                    prop_assert_eq!(holder, vendor.holder.0.map(|number| format!("a{number}")));
                    prop_assert_eq!(state.waiting_since.filter(|_| state.is_active()),
                        vendor.waits_since.filter(|_| !vendor.status.0.is_ended()));
                }
            }
        }
    }
}
