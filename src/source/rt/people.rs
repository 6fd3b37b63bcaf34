//! Who is who: staff, logins behind numbers, queues, and which status words are active.

use std::collections::{BTreeMap, HashMap, HashSet};

use compact_str::CompactString;

use super::Settings;
use super::ask::{Ask, Records, quoted};
use super::wire::{Brief, Group, OnlyId, Queue, Rights, Row, Ticket, User};
use crate::event::{Agent, AgentId, Author, Event, EventKind, Status, TeamId};
use crate::source::SourceError;
use crate::text::nearest;

/// Owner of what nobody owns.
pub(super) const NOBODY: &str = "Nobody";
/// The help desk itself.
pub(super) const SYSTEM: &str = "RT_System";
/// Users of a query; more would make the address too long.
const USERS_A_QUERY: usize = 40;
/// Groups inside the staff group that are looked into.
const MAX_GROUPS: usize = 50;
/// Queues that a query can name; a desk with more is asked without naming any.
const MAX_QUEUES_NAMED: usize = 100;

/// Who is who. A cache of what the server said: losing it costs requests, never a wrong event.
#[derive(Debug, Clone, Default)]
pub(super) struct People {
    /// Watched queues by number.
    pub queues: BTreeMap<u64, String>,
    /// Logins that count as agents.
    pub staff: HashSet<CompactString>,
    /// Programs: they write in nobody's name.
    pub ignored: HashSet<CompactString>,
    /// The account that asks: staff, but not shown as an agent until it does something.
    pub own: CompactString,
    users: HashMap<CompactString, User>,
    numbers: HashMap<u64, CompactString>,
    groups: Vec<u64>,
    /// The server shows its own group of all staff to nobody: whoever is privileged in the groups that it shows is staff.
    by_user: bool,
    /// Members of those groups who are not privileged.
    guests: HashSet<CompactString>,
    active: HashSet<CompactString>,
    inactive: HashSet<CompactString>,
    pending: HashSet<CompactString>,
    on_hold: HashSet<CompactString>,
}

impl People {
    /// Knows what the settings say, and nobody yet.
    pub(super) fn new(settings: &Settings) -> Self {
        let words = |list: &[String]| list.iter().map(CompactString::from).collect();
        Self {
            ignored: words(&settings.ignore_staff),
            pending: words(&settings.pending_statuses),
            on_hold: words(&settings.on_hold_statuses),
            active: ["new", "open", "stalled"].into_iter().map(CompactString::from).collect(),
            inactive: ["resolved", "rejected", "deleted"].into_iter().map(CompactString::from).collect(),
            ..Self::default()
        }
    }

    /// Reads queues and staff: a handful of requests, whatever is open.
    pub(super) async fn read(ask: &mut Ask, settings: &Settings) -> Result<Self, SourceError> {
        let mut people = Self::new(settings);
        people.read_queues(ask, settings).await?;
        people.find_groups(ask, settings.staff_group.as_deref()).await?;
        people.read_staff(ask).await?;
        people.own = people.own_login(ask, settings).await?;
        Ok(people)
    }

    /// Reads the watched queues; a name that the server does not know is an error that names the nearest.
    pub(super) async fn read_queues(&mut self, ask: &mut Ask, settings: &Settings) -> Result<(), SourceError> {
        let all = queues(ask).await?;
        let place = "GET /REST/2.0/queues/all".to_owned();
        if all.is_empty() {
            let what = "the account sees no queue: give it the right SeeQueue".to_owned();
            return Err(SourceError::Forbidden { place, what });
        }
        self.queues = if settings.queues.is_empty() {
            all.into_iter().map(|queue| (queue.id, queue.name)).collect()
        } else {
            chosen(&all, &settings.queues).map_err(|what| SourceError::Unsupported { place, what })?
        };
        Ok(())
    }

    /// Finds the staff group: the user-defined group of that name, or of everybody privileged. A Request Tracker that has
    /// CVE-2026-108353 mended shows that one to nobody: then it is all user-defined groups.
    async fn find_groups(&mut self, ask: &mut Ask, name: Option<&str>) -> Result<(), SourceError> {
        let place = || "GET /REST/2.0/groups".to_owned();
        if let Some(name) = name {
            self.groups = groups_of(ask, "UserDefined", Some(name)).await?.into_iter().take(1).collect();
            if self.groups.is_empty() {
                let what =
                    format!("staff_group: no group `{name}` that the account sees (it needs the right SeeGroup)");
                return Err(SourceError::Unsupported { place: place(), what });
            }
            return Ok(());
        }
        self.groups = groups_of(ask, "SystemInternal", Some("Privileged")).await?.into_iter().take(1).collect();
        self.by_user = self.groups.is_empty();
        if self.by_user {
            self.groups = groups_of(ask, "UserDefined", None).await?;
        }
        if self.groups.is_empty() {
            let what = "the account sees no group: give it the right SeeGroup".to_owned();
            return Err(SourceError::Forbidden { place: place(), what });
        }
        Ok(())
    }

    /// Whether staff is whoever is privileged in the groups that the account sees.
    pub(super) const fn is_by_user(&self) -> bool {
        self.by_user
    }

    /// Finds out who of some members is not privileged: one request each, once.
    async fn read_guests(&mut self, ask: &mut Ask, logins: &[CompactString]) -> Result<(), SourceError> {
        for login in logins {
            let Some(number) = self.users.get(login).and_then(|user| user.id.parse::<u64>().ok()) else { continue };
            match ask.one::<Rights>(&format!("/user/{number}")).await {
                Ok(rights) if rights.privileged != "1" => drop(self.guests.insert(login.clone())),
                Ok(_) | Err(SourceError::Unsupported { .. } | SourceError::Forbidden { .. }) => {}
                Err(error) => return Err(error),
            }
        }
        Ok(())
    }

    /// Reads the members of the staff group and the names of those not known yet; returns who is new.
    pub(super) async fn read_staff(&mut self, ask: &mut Ask) -> Result<Vec<CompactString>, SourceError> {
        let mut members = HashSet::new();
        let mut groups = self.groups.clone();
        let mut at = 0;
        while let Some(&group) = groups.get(at) {
            at += 1;
            let group: Group = ask.one(&format!("/group/{group}")).await?;
            for member in group.members {
                match member.id.parse::<u64>() {
                    Ok(inner) if member.kind == "group" => {
                        if groups.len() < MAX_GROUPS && !groups.contains(&inner) {
                            groups.push(inner);
                        }
                    }
                    _ => drop(members.insert(member.id)),
                }
            }
        }
        members.retain(|login| !self.ignored.contains(login) && login != NOBODY && login != SYSTEM);
        let unknown: Vec<_> = members.iter().filter(|login| !self.users.contains_key(*login)).cloned().collect();
        self.read_users(ask, &unknown).await?;
        if self.by_user {
            self.read_guests(ask, &unknown).await?;
            members.retain(|login| !self.guests.contains(login));
        }
        let new = members.difference(&self.staff).cloned().collect();
        self.staff = members;
        Ok(new)
    }

    /// How many count as agents, read anew.
    pub(super) async fn count_staff(&mut self, ask: &mut Ask, settings: &Settings) -> Result<usize, SourceError> {
        self.find_groups(ask, settings.staff_group.as_deref()).await?;
        self.read_staff(ask).await?;
        Ok(self.staff.len())
    }

    async fn read_users(&mut self, ask: &mut Ask, logins: &[CompactString]) -> Result<(), SourceError> {
        for some in logins.chunks(USERS_A_QUERY) {
            let names: Vec<_> = some.iter().map(|login| serde_json::json!({"field": "Name", "value": login})).collect();
            let query = serde_json::Value::from(names).to_string();
            let fields = [
                ("query", &*query),
                ("fields", "id,Name,RealName,EmailAddress,Disabled"),
                ("find_disabled_rows", "1"),
                ("per_page", "100"),
            ];
            let page: Records<User> = ask.list("/users", &fields).await?;
            for user in page.items {
                self.know(user);
            }
        }
        Ok(())
    }

    fn know(&mut self, user: User) {
        if let Ok(number) = user.id.parse() {
            self.numbers.insert(number, user.login.clone());
        }
        self.users.insert(user.login.clone(), user);
    }

    /// The account behind the credentials: the user, or the one whose number the token names.
    async fn own_login(&mut self, ask: &mut Ask, settings: &Settings) -> Result<CompactString, SourceError> {
        match (&settings.user, settings.token.as_ref().and_then(|token| token.number_at(1, '-'))) {
            (Some(user), _) => Ok(user.into()),
            (None, Some(number)) => {
                self.read_numbers(ask, [number]).await?;
                Ok(self.login(number))
            }
            (None, None) => Ok(CompactString::default()),
        }
    }

    /// Learns the logins behind the numbers in changes of owner: one request each, once.
    pub(super) async fn read_owners(&mut self, ask: &mut Ask, rows: &[Row]) -> Result<(), SourceError> {
        let numbers = rows.iter().filter(|row| row.is_owner_change()).flat_map(|row| [&row.old, &row.new]);
        let numbers: Vec<u64> = numbers.filter_map(|number| number.parse().ok()).collect();
        self.read_numbers(ask, numbers).await
    }

    async fn read_numbers(&mut self, ask: &mut Ask, numbers: impl IntoIterator<Item = u64>) -> Result<(), SourceError> {
        for number in numbers {
            if self.numbers.contains_key(&number) {
                continue;
            }
            match ask.one::<User>(&format!("/user/{number}")).await {
                Ok(user) => {
                    self.numbers.insert(number, user.login.clone());
                    self.know(User { id: CompactString::default(), ..user });
                }
                // A user that is gone or hidden keeps its number as its name.
                Err(SourceError::Unsupported { .. } | SourceError::Forbidden { .. }) => {
                    self.numbers.insert(number, CompactString::from(format!("user {number}")));
                }
                Err(error) => return Err(error),
            }
        }
        Ok(())
    }

    /// What the tickets themselves tell of owners and of active statuses.
    pub(super) fn learn(&mut self, tickets: &[Ticket], all_active: bool) {
        for ticket in tickets {
            if let Ok(number) = ticket.owner.id.parse::<u64>()
                && !ticket.owner.name.is_empty()
            {
                self.numbers.insert(number, ticket.owner.name.clone());
                self.users.entry(ticket.owner.name.clone()).or_insert_with(|| User {
                    login: ticket.owner.name.clone(),
                    real_name: ticket.owner.real_name.clone(),
                    email: String::new(),
                    disabled: CompactString::default(),
                    id: CompactString::default(),
                });
            }
            if all_active {
                self.active.insert(ticket.status.clone());
            }
        }
    }

    /// Asks whether words of other lifecycles are active: two requests where there are new words, else none.
    pub(super) async fn read_statuses(
        &mut self,
        ask: &mut Ask,
        words: impl IntoIterator<Item = &CompactString>,
    ) -> Result<(), SourceError> {
        let unknown: HashSet<_> = words.into_iter().filter(|word| !self.knows_status(word)).cloned().collect();
        let each: Vec<_> =
            unknown.iter().filter_map(|word| quoted(word)).map(|word| format!("Status={word}")).collect();
        if each.is_empty() {
            return Ok(());
        }
        for set in ["__Active__", "__Inactive__"] {
            let query = format!("Status='{set}' AND ({})", each.join(" OR "));
            let query = [("query", &*query), ("orderby", "id"), ("order", "DESC"), ("per_page", "100"), BRIEF_FIELDS];
            for ticket in ask.list::<Brief>("/tickets", &query).await?.items {
                match set {
                    "__Active__" => self.active.insert(ticket.status),
                    _ => self.inactive.insert(ticket.status),
                };
            }
        }
        // No ticket has it now: shown as open rather than hidden, until a ticket tells.
        self.active.extend(unknown.into_iter().filter(|word| !self.inactive.contains(word)));
        Ok(())
    }

    fn knows_status(&self, word: &CompactString) -> bool {
        word.is_empty() || self.active.contains(word) || self.inactive.contains(word)
    }

    /// A status word as events.md has it.
    pub(super) fn status(&self, word: &CompactString) -> Status {
        match &**word {
            "resolved" => Status::Resolved,
            _ if self.inactive.contains(word) => Status::Closed,
            _ if self.on_hold.contains(word) => Status::OnHold,
            _ if self.pending.contains(word) => Status::Pending,
            _ => Status::Open,
        }
    }

    /// The login behind a number; a login is taken as it is.
    pub(super) fn login(&self, number: u64) -> CompactString {
        self.numbers.get(&number).cloned().unwrap_or_else(|| CompactString::from(format!("user {number}")))
    }

    /// The agent in an owner change: a number; `None` for nobody.
    pub(super) fn owner(&self, number: &CompactString) -> Option<AgentId> {
        let login = number.parse().map_or_else(|_| number.clone(), |number| self.login(number));
        holder(&login)
    }

    /// Whose side a writer is on: staff, then requestor, then program; `None` for a third party.
    pub(super) fn side(&self, login: &CompactString, requestors: &[CompactString]) -> Option<Author> {
        if self.staff.contains(login) {
            Some(Author::Agent)
        } else if requestors.contains(login) {
            Some(Author::Customer)
        } else if login == SYSTEM || self.ignored.contains(login) {
            Some(Author::Bot)
        } else {
            None
        }
    }

    /// An agent's line, with what is known of it.
    pub(super) fn agent(&self, login: &str) -> Event {
        let user = self.users.get(login);
        let name = user.map(|user| user.real_name.trim()).filter(|name| !name.is_empty()).unwrap_or(login);
        let mut agent = Agent::new(AgentId::new(login), name);
        agent.email = user.map(|user| user.email.clone()).filter(|email| !email.is_empty());
        let disabled = user.is_some_and(|user| user.disabled == "1");
        agent.active = if disabled { Some(false) } else { self.staff.contains(login).then_some(true) };
        Event::undated(agent)
    }

    /// The line of every watched queue.
    pub(super) fn teams(&self) -> impl Iterator<Item = Event> {
        self.queues.iter().map(|(&id, name)| Event::undated(EventKind::Team { id: team(id), name: name.clone() }))
    }

    /// ` AND (field=…)` for the watched queues, so that no hidden queue's rows thin out or stop the pages.
    pub(super) fn queue_filter(&self, field: &str, settings: &Settings) -> String {
        if settings.queues.is_empty() && self.queues.len() > MAX_QUEUES_NAMED {
            return String::new();
        }
        let ids: Vec<_> = self.queues.keys().map(|id| format!("{field}='{id}'")).collect();
        format!(" AND ({})", ids.join(" OR "))
    }
}

/// The fields of [`Brief`].
pub(super) const BRIEF_FIELDS: (&str, &str) = ("fields", "id,Status,Owner");

/// The agent of that login; `None` for nobody.
pub(super) fn holder(login: &CompactString) -> Option<AgentId> {
    (!login.is_empty() && login != NOBODY).then(|| AgentId::new(login.clone()))
}

/// The team of a queue.
pub(super) fn team(queue: u64) -> TeamId {
    TeamId::new(CompactString::from(queue.to_string()))
}

/// Every queue that the account sees and that is in use.
async fn queues(ask: &mut Ask) -> Result<Vec<Queue>, SourceError> {
    let mut all = Vec::new();
    for number in 1..=100 {
        let number = number.to_string();
        let query = [("fields", "id,Name"), ("per_page", "100"), ("page", &*number)];
        let page: Records<Queue> = ask.list("/queues/all", &query).await?;
        all.extend(page.items);
        if page.count == 0 || page.total.is_some_and(|total| all.len() >= total) {
            break;
        }
    }
    Ok(all)
}

fn chosen(all: &[Queue], wanted: &[String]) -> Result<BTreeMap<u64, String>, String> {
    let find = |name: &String| {
        let found = all.iter().find(|queue| queue.name.to_lowercase() == name.trim().to_lowercase());
        found.map(|queue| (queue.id, queue.name.clone())).ok_or_else(|| {
            let near = nearest(name, all.iter().map(|queue| queue.name.as_str()));
            let near = near.map(|near| format!("; did you mean `{}`?", super::excerpt(near))).unwrap_or_default();
            format!("queues: the account sees no queue `{name}`{near}")
        })
    };
    wanted.iter().map(find).collect()
}

/// The numbers of groups of a domain that the account sees: of that name, or all.
async fn groups_of(ask: &mut Ask, domain: &str, name: Option<&str>) -> Result<Vec<u64>, SourceError> {
    let mut fields = vec![serde_json::json!({"field": "Domain", "value": domain})];
    fields.extend(name.map(|name| serde_json::json!({"field": "Name", "value": name})));
    let query = serde_json::Value::from(fields).to_string();
    let found: Records<OnlyId> = ask.list("/groups", &[("query", &query), ("per_page", "100")]).await?;
    Ok(found.items.iter().map(|group| group.id).collect())
}
