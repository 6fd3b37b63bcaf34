//! A vendor's server over a simulated desk: its clock, its limits, its faults, and a log of what it was asked.

use std::sync::{Arc, Mutex, MutexGuard};
use std::time::Duration;

use axum::body::{Body, to_bytes};
use axum::extract::{Request, State};
use axum::http::HeaderMap;
use axum::response::Response;
use chrono::TimeDelta;
use helptop::event::Timestamp;
use serde_json::Value;
use tokio::net::TcpListener;
use tokio::sync::Barrier;
use tokio::task::JoinHandle;

use crate::world::World;

/// A request as the server saw it.
#[derive(Debug, Clone)]
pub struct Asked {
    pub method: String,
    pub path: String,
    pub query: Vec<(String, String)>,
    pub headers: HeaderMap,
    pub body: Value,
    /// The instant, by the world.
    pub at: Timestamp,
}

impl Asked {
    /// The first value of a key of the query.
    pub fn get(&self, key: &str) -> Option<&str> {
        self.query.iter().find(|(name, _)| name == key).map(|(_, value)| value.as_str())
    }

    /// The value of a header.
    pub fn header(&self, name: &str) -> Option<&str> {
        self.headers.get(name)?.to_str().ok()
    }

    /// `GET /path?a=b`, for tests to look at.
    pub fn line(&self) -> String {
        let query: Vec<String> = self.query.iter().map(|(key, value)| format!("{key}={value}")).collect();
        let mark = if query.is_empty() { "" } else { "?" };
        format!("{} {}{mark}{}", self.method, self.path, query.join("&"))
    }
}

/// What the server answers.
#[derive(Debug, Clone)]
pub struct Reply {
    pub status: u16,
    pub headers: Vec<(String, String)>,
    pub body: Vec<u8>,
}

impl Reply {
    pub fn json(status: u16, body: &Value) -> Self {
        Self {
            status,
            headers: vec![("content-type".into(), "application/json".into())],
            body: body.to_string().into(),
        }
    }

    pub fn text(status: u16, kind: &str, body: &str) -> Self {
        Self { status, headers: vec![("content-type".into(), kind.into())], body: body.into() }
    }

    pub fn with(mut self, name: &str, value: impl std::fmt::Display) -> Self {
        self.headers.push((name.into(), format!("{value}")));
        self
    }

    /// What a proxy says while the server behind it is being looked after.
    pub fn maintenance() -> Self {
        let page = "<!DOCTYPE html><html><title>We'll be right back</title><h1>Scheduled maintenance</h1></html>";
        Self::text(503, "text/html", page).with("retry-after", 120)
    }
}

/// What is wrong with the server.
pub enum Fault {
    /// It answers this instead.
    Answer(Reply),
    /// It sends the first half of its answer.
    Truncated,
    /// It takes so long.
    Slow(Duration),
    /// It answers when so many wait for an answer.
    Together(Arc<Barrier>),
    /// Its answer is changed before it is sent.
    Edited(Box<dyn Fn(&mut Value) + Send>),
    /// Behind each answer, before the next request, this happens.
    Then(Box<dyn FnMut(&mut World) + Send>),
}

impl Fault {
    /// It answers this text, which calls itself JSON.
    pub fn said(status: u16, body: &str) -> Self {
        Self::Answer(Reply::text(status, "application/json", body))
    }

    /// Its answer is changed before it is sent.
    pub fn edited(edit: impl Fn(&mut Value) + Send + 'static) -> Self {
        Self::Edited(Box::new(edit))
    }

    /// Each record of the list at that place of its answer is changed.
    pub fn rows(place: &'static str, edit: impl Fn(&mut Value) + Send + 'static) -> Self {
        Self::edited(move |body| {
            if let Some(list) = body.pointer_mut(place).and_then(Value::as_array_mut) {
                list.iter_mut().for_each(&edit);
            }
        })
    }
}

/// So many requests a window; windows begin at whole multiples of their length.
#[derive(Debug, Clone)]
pub struct Limiter {
    pub limit: u64,
    pub window: TimeDelta,
    /// Names of the headers for limit, remaining and seconds to the reset, as far as the vendor has them.
    pub headers: [Option<&'static str>; 3],
    /// What it answers beyond the limit.
    pub beyond: Reply,
    /// The most requests that came within a window.
    pub most: u64,
    used: (i64, u64),
}

impl Limiter {
    pub fn new(limit: u64, window: TimeDelta, headers: [Option<&'static str>; 3], beyond: Reply) -> Self {
        Self { limit, window, headers, beyond, most: 0, used: (0, 0) }
    }

    /// The headers of this answer, and whether it is beyond the limit.
    fn count(&mut self, now: Timestamp) -> (Vec<(String, String)>, bool) {
        let length = self.window.num_milliseconds();
        let window = now.millis().div_euclid(length);
        if self.used.0 != window {
            self.used = (window, 0);
        }
        self.used.1 += 1;
        self.most = self.most.max(self.used.1);
        let reset = ((window + 1) * length - now.millis() + 999) / 1000;
        let values = [self.limit as i64, self.limit.saturating_sub(self.used.1) as i64, reset];
        let told = self.headers.iter().zip(values);
        let told = told.filter_map(|(name, value)| Some(((*name)?.to_owned(), value.to_string()))).collect();
        (told, self.used.1 > self.limit)
    }
}

/// How a vendor answers.
pub trait Vendor: Send + 'static {
    fn answer(&mut self, world: &World, asked: &Asked) -> Reply;
}

/// What a running server holds.
pub struct Inside {
    pub world: World,
    pub log: Vec<Asked>,
    pub limiter: Option<Limiter>,
    /// So much ahead is the server's clock.
    pub skew: TimeDelta,
    /// Wrong for requests whose line holds the words.
    pub faults: Vec<(&'static str, Fault)>,
    vendor: Box<dyn Vendor>,
}

/// A running server; it ends with this.
pub struct Simulator {
    pub base: String,
    inside: Arc<Mutex<Inside>>,
    task: JoinHandle<()>,
}

impl Drop for Simulator {
    fn drop(&mut self) {
        self.task.abort();
    }
}

impl Simulator {
    pub async fn start(world: World, vendor: impl Vendor) -> Self {
        let inside = Inside {
            world,
            log: Vec::new(),
            limiter: None,
            skew: TimeDelta::zero(),
            faults: Vec::new(),
            vendor: Box::new(vendor),
        };
        let inside = Arc::new(Mutex::new(inside));
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let base = format!("http://{}", listener.local_addr().unwrap());
        let app = axum::Router::new().fallback(answer).with_state(inside.clone());
        let task = tokio::spawn(async move { axum::serve(listener, app).await.unwrap() });
        Self { base, inside, task }
    }

    pub fn inside(&self) -> MutexGuard<'_, Inside> {
        self.inside.lock().unwrap()
    }

    /// Lets the world go on to an instant.
    pub fn advance(&self, to: Timestamp) {
        self.inside().world.advance(to);
    }

    /// From now on this is wrong with answers to requests whose line (`GET /path?query`) holds the words.
    pub fn fault(&self, words: &'static str, fault: Fault) {
        self.inside().faults.push((words, fault));
    }

    /// Nothing is wrong any more.
    pub fn mend(&self) {
        self.inside().faults.clear();
    }

    /// The requests since the last call, as lines.
    pub fn asked(&self) -> Vec<String> {
        self.inside().log.drain(..).map(|asked| asked.line()).collect()
    }
}

async fn answer(State(inside): State<Arc<Mutex<Inside>>>, request: Request) -> Response {
    let (parts, body) = request.into_parts();
    let body = to_bytes(body, 1 << 20).await.unwrap();
    let url = reqwest::Url::parse(&format!("http://x{}", parts.uri)).unwrap();
    let (reply, delay, others) = {
        let mut inside = inside.lock().unwrap();
        let asked = Asked {
            method: parts.method.to_string(),
            path: url.path().to_owned(),
            query: url.query_pairs().into_owned().collect(),
            headers: parts.headers,
            body: serde_json::from_slice(&body).unwrap_or(Value::Null),
            at: inside.world.now,
        };
        inside.reply(asked)
    };
    if let Some(delay) = delay {
        tokio::time::sleep(delay).await;
    }
    if let Some(others) = others {
        others.wait().await;
    }
    let mut response = Response::builder().status(reply.status);
    for (name, value) in reply.headers {
        response = response.header(name, value);
    }
    response.body(Body::from(reply.body)).unwrap()
}

impl Inside {
    fn reply(&mut self, asked: Asked) -> (Reply, Option<Duration>, Option<Arc<Barrier>>) {
        let (now, line) = (self.world.now, asked.line());
        let (quota, beyond) = self.limiter.as_mut().map_or((Vec::new(), false), |limiter| limiter.count(now));
        let (mut delay, mut others) = (None, None);
        let mut reply = match &self.limiter {
            Some(limiter) if beyond => limiter.beyond.clone(),
            _ => self.vendor.answer(&self.world, &asked),
        };
        for (_, fault) in self.faults.iter_mut().filter(|(words, _)| line.contains(*words)) {
            match fault {
                Fault::Answer(instead) => reply = instead.clone(),
                Fault::Truncated => reply.body.truncate(reply.body.len() / 2),
                Fault::Slow(by) => delay = Some(*by),
                Fault::Together(barrier) => others = Some(barrier.clone()),
                Fault::Then(happens) => happens(&mut self.world),
                Fault::Edited(edit) => {
                    if let Ok(mut body) = serde_json::from_slice(&reply.body) {
                        edit(&mut body);
                        reply.body = body.to_string().into();
                    }
                }
            }
        }
        self.log.push(asked);
        reply.headers.extend(quota);
        let date = (now + self.skew).to_utc().format("%a, %d %b %Y %H:%M:%S GMT");
        (reply.with("date", date), delay, others)
    }
}
