//! Looks at the running service as a dashboard would: balances, and what the activity log has to say. How it is shown is
//! `draw`'s.

use std::{
    collections::{HashMap, VecDeque},
    time::Duration,
};

use anyhow::Context as _;
use futures_util::future::try_join_all;
use tokio::time::Instant;

use super::{
    draw::count,
    stage::Stage,
    story::{CAST, Part},
};
use crate::proto::v1;

/// How often the log is read; balances are read at every look.
const LOG_EVERY: Duration = Duration::from_millis(500);
/// Entries read of one account at a time, and how many pages of them at most: older ones go unseen.
const PAGE: i32 = 250;
const PAGES_MAX: usize = 4;
/// Lines that are kept.
const EVENTS_MAX: usize = 64;
/// The rate is taken over this long.
const RATE_OVER: Duration = Duration::from_secs(1);

/// What one look saw.
#[derive(Debug, Clone, Default)]
pub struct Scene {
    pub address: String,
    pub elapsed: Duration,
    pub day: Duration,
    pub balances: Vec<v1::Balance>,
    /// In the order that they first happened.
    pub events: Vec<Event>,
    pub decisions: u64,
    pub denied: u64,
    pub rate: u64,
    pub p50: Duration,
    pub p99: Duration,
}

/// Something that happened to an account, and how often.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Event {
    pub account: String,
    pub kind: String,
    /// The last time.
    pub text: String,
    pub times: u64,
}

/// Looks again and again.
pub struct Watch {
    stage: Stage,
    address: String,
    events: VecDeque<Event>,
    /// The newest entry seen of each account.
    seen: HashMap<String, String>,
    log_read: Option<Instant>,
    counted: VecDeque<(Instant, u64)>,
}

impl Watch {
    pub fn new(stage: Stage, address: String) -> Self {
        let (events, counted) = (VecDeque::new(), VecDeque::new());
        Self { stage, address, events, seen: HashMap::new(), log_read: None, counted }
    }

    pub async fn look(&mut self) -> anyhow::Result<Scene> {
        let balances = CAST.iter().map(|part| {
            let account = self.stage.id(part.account);
            let stage = &self.stage;
            async move { stage.balance(&account, part.pool).await }
        });
        let balances = try_join_all(balances).await.context("cannot read the balances")?;
        if self.log_read.is_none_or(|read| read.elapsed() >= LOG_EVERY) {
            self.log_read = Some(Instant::now());
            self.read_logs().await.context("cannot read the activity")?;
        }
        let meter = self.stage.meter();
        Ok(Scene {
            address: self.address.clone(),
            elapsed: self.stage.elapsed(),
            day: self.stage.day(),
            balances,
            events: self.events.iter().cloned().collect(),
            decisions: meter.decisions(),
            denied: meter.denied(),
            rate: self.rate(),
            p50: self.stage.meter().waited(500),
            p99: self.stage.meter().waited(990),
        })
    }

    /// Decisions a second, of late.
    fn rate(&mut self) -> u64 {
        let (now, decisions) = (Instant::now(), self.stage.meter().decisions());
        while self.counted.front().is_some_and(|(at, _)| now - *at > RATE_OVER) {
            self.counted.pop_front();
        }
        let (since, before) = self.counted.front().copied().unwrap_or((now, decisions));
        self.counted.push_back((now, decisions));
        let ms = u64::try_from((now - since).as_millis()).unwrap_or(u64::MAX);
        ((decisions - before) * 1_000).checked_div(ms).unwrap_or(0)
    }

    /// Reads what is new in the activity log of the accounts.
    pub async fn read_logs(&mut self) -> anyhow::Result<()> {
        let eventful: Vec<&Part> = CAST.iter().filter(|part| part.eventful).collect();
        let accounts: Vec<String> = eventful.iter().map(|part| self.stage.id(part.account)).collect();
        let news = eventful.iter().zip(&accounts).map(|(part, account)| self.news(account, part.pool));
        let news: Vec<Vec<v1::ActivityEntry>> = try_join_all(news).await?;
        for (account, entries) in accounts.into_iter().zip(news) {
            for entry in entries.iter().rev() {
                self.take(&account, entry);
            }
            if let Some(newest) = entries.into_iter().next() {
                self.seen.insert(account, newest.id);
            }
        }
        Ok(())
    }

    /// What is new in the log of a pool, newest first.
    async fn news(&self, account: &str, pool: &str) -> anyhow::Result<Vec<v1::ActivityEntry>> {
        let seen = self.seen.get(account).map_or("", String::as_str);
        let (mut news, mut page_token) = (Vec::new(), String::new());
        for _ in 0..PAGES_MAX {
            let request = v1::ListActivityRequest {
                account: account.to_owned(),
                pool: pool.to_owned(),
                page_size: PAGE,
                page_token,
                ..v1::ListActivityRequest::default()
            };
            let page = self.stage.usage().list_activity(request).await?.into_inner();
            let before = page.entries.len();
            news.extend(page.entries.into_iter().take_while(|entry| entry.id.as_str() > seen));
            page_token = page.next_page_token;
            if page_token.is_empty() || news.len() % before.max(1) != 0 {
                break;
            }
        }
        Ok(news)
    }

    /// Adds an entry that is worth a line; the same again only counts.
    fn take(&mut self, account: &str, entry: &v1::ActivityEntry) {
        let Some((kind, text)) = worth_a_line(entry) else { return };
        let same = |event: &&mut Event| event.account == account && event.kind == kind && repeats(&kind);
        if let Some(event) = self.events.iter_mut().find(same) {
            event.times += 1;
            event.text = text;
            return;
        }
        if self.events.len() == EVENTS_MAX {
            self.events.pop_front();
        }
        self.events.push_back(Event { account: account.to_owned(), kind, text, times: 1 });
    }
}

/// Things that happen all the time share one line.
fn repeats(kind: &str) -> bool {
    ["release", "duplicate", "extend"].contains(&kind)
}

/// The kind and the words for an entry that people want to see.
fn worth_a_line(entry: &v1::ActivityEntry) -> Option<(String, String)> {
    let detail = |key: &str| entry.details.get(key).map_or("", String::as_str);
    let (pool, credits, left) = (entry.pool.as_str(), count(entry.credits), count(entry.balance_after));
    let text = match entry.r#type.as_str() {
        "threshold_reached" => format!("{} % of {pool} is used", detail("threshold")),
        "exhausted" => format!("{pool} is used up: paused"),
        "resumed" => format!("{pool} is back: {left} available"),
        "overage_started" => "past its credits: counted, not stopped".to_owned(),
        "reset" => format!("{} unused expired, {credits} are new", whole(detail("lapsed"))),
        "denied" => format!("{} needs {credits} {pool}, has {left}", entry.action),
        "grant" => format!("{credits} {pool} bought on top"),
        "release" => format!("{}: costs 0", detail("reason")),
        "extend" => format!("{} goes on, {left} minutes left", entry.reservation_id),
        "charge" if entry.duplicate => {
            return Some(("duplicate".to_owned(), format!("{} again: costs 0", entry.subject)));
        }
        _ => return None,
    };
    Some((entry.r#type.clone(), text))
}

fn whole(digits: &str) -> String {
    digits.parse().map_or_else(|_| digits.to_owned(), count)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn entry(kind: &str) -> v1::ActivityEntry {
        v1::ActivityEntry { r#type: kind.to_owned(), pool: "ai_credits".to_owned(), ..v1::ActivityEntry::default() }
    }

    #[test]
    fn what_happens_all_the_time_is_no_line() {
        for kind in ["reserve", "commit", "charge", "expire"] {
            assert_eq!(worth_a_line(&entry(kind)), None, "{kind}");
        }
        let duplicate = v1::ActivityEntry { duplicate: true, subject: "lead-1".to_owned(), ..entry("charge") };
        assert_eq!(worth_a_line(&duplicate).expect("a line"), ("duplicate".into(), "lead-1 again: costs 0".into()));
    }

    #[test]
    fn a_reset_says_what_expired_and_what_is_new() {
        let mut reset = v1::ActivityEntry { credits: 5_000, ..entry("reset") };
        reset.details.insert("lapsed".into(), "1800".into());
        let (_, text) = worth_a_line(&reset).expect("a line");
        assert_eq!(text, "1,800 unused expired, 5,000 are new");
    }
}
