//! Named figures. A fact is a query with a definition in words; it is never a counter kept by hand.
//!
//! Every fact is counted in two ways: as the page shows it, and again from the rows behind it.
//! `recompute` compares both and is run by a test over a filled city.

use std::collections::BTreeMap;
use std::sync::Arc;

use async_trait::async_trait;
use sea_orm::DatabaseConnection;

use crate::actor::{Actor, Role};
use crate::approval::{self, InboxQuery, Tab};
use crate::audit::{self, EntryQuery, Outcome};
use crate::calendar::Calendar;
use crate::error::{Error, Result};
use crate::message::{self, MessageQuery};
use crate::time::Timestamp;

/// What a figure is, in words.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct FactDef {
    /// `inbox.todo`.
    pub name: &'static str,
    /// 待办事项.
    pub title: &'static str,
    /// 件, 条, 个.
    pub unit: &'static str,
    /// What counts and what does not.
    pub definition: &'static str,
    /// The same in a few words, under the figure.
    pub note: &'static str,
    /// The page that shows the rows behind it.
    pub rows: &'static str,
}

/// For whom and when a figure is asked.
#[derive(Clone, Debug)]
pub struct Scope {
    pub actor: Actor,
    pub now: Timestamp,
}

/// One named figure.
#[async_trait]
pub trait Fact: std::fmt::Debug + Send + Sync {
    fn def(&self) -> FactDef;

    /// The figure by its query.
    async fn value(&self, db: &DatabaseConnection, scope: &Scope) -> Result<u64>;

    /// The same figure, counted from the rows that `def().rows` shows.
    async fn recount(&self, db: &DatabaseConnection, scope: &Scope) -> Result<u64>;
}

/// All figures of the house.
#[derive(Clone, Debug, Default)]
pub struct Facts(BTreeMap<&'static str, Arc<dyn Fact>>);

/// A figure whose two ways of counting disagree.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Mismatch {
    pub name: &'static str,
    pub value: u64,
    pub recount: u64,
}

impl Facts {
    /// The kernel's own figures.
    pub fn new() -> Self {
        let mut facts = Self::default();
        facts.add(Todo).add(Late).add(Unread).add(ActsToday(false)).add(ActsToday(true));
        facts
    }

    pub fn add(&mut self, fact: impl Fact + 'static) -> &mut Self {
        self.0.insert(fact.def().name, Arc::new(fact));
        self
    }

    pub fn get(&self, name: &str) -> Result<&Arc<dyn Fact>> {
        self.0.get(name).ok_or_else(|| Error::not_found("指标"))
    }

    pub fn all(&self) -> impl Iterator<Item = &Arc<dyn Fact>> {
        self.0.values()
    }

    /// Figures that a recount from rows does not confirm.
    pub async fn recompute(&self, db: &DatabaseConnection, scope: &Scope) -> Result<Vec<Mismatch>> {
        let mut found = Vec::new();
        for fact in self.all() {
            let (value, recount) = (fact.value(db, scope).await?, fact.recount(db, scope).await?);
            if value != recount {
                found.push(Mismatch { name: fact.def().name, value, recount });
            }
        }
        Ok(found)
    }
}

/// A figure on somebody's desk.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Card {
    pub fact: &'static str,
    pub icon: &'static str,
    /// Empty: every role.
    pub roles: &'static [Role],
    /// "", "amber" or "red" when the figure is not zero.
    pub tone: &'static str,
}

/// A way to where somebody often goes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Shortcut {
    pub label: &'static str,
    pub href: &'static str,
    pub icon: &'static str,
    pub roles: &'static [Role],
}

/// What stands on the desks, as capabilities hand it in.
#[derive(Clone, Debug, Default)]
pub struct Desk {
    cards: Vec<Card>,
    shortcuts: Vec<Shortcut>,
}

impl Desk {
    /// Capabilities' cards come first; the kernel's fill what room is left.
    pub fn new(cards: impl IntoIterator<Item = Card>, shortcuts: impl IntoIterator<Item = Shortcut>) -> Self {
        let own = [
            Card { fact: "audit.today", icon: "scroll", roles: &[Role::R5], tone: "" },
            Card { fact: "audit.refused_today", icon: "warn", roles: &[Role::R5], tone: "amber" },
            Card { fact: "inbox.todo", icon: "clip", roles: &[], tone: "" },
            Card { fact: "inbox.late", icon: "clock", roles: &[], tone: "red" },
            Card { fact: "messages.unread", icon: "bell", roles: &[], tone: "" },
        ];
        Self { cards: cards.into_iter().chain(own).collect(), shortcuts: shortcuts.into_iter().collect() }
    }

    pub fn cards(&self, actor: &Actor) -> Vec<Card> {
        self.cards.iter().filter(|card| is_for(card.roles, actor)).copied().collect()
    }

    pub fn shortcuts(&self, actor: &Actor) -> Vec<Shortcut> {
        self.shortcuts.iter().filter(|shortcut| is_for(shortcut.roles, actor)).copied().collect()
    }
}

fn is_for(roles: &[Role], actor: &Actor) -> bool {
    roles.is_empty() || roles.iter().any(|role| actor.has(*role))
}

#[derive(Debug)]
struct Todo;

#[async_trait]
impl Fact for Todo {
    fn def(&self) -> FactDef {
        FactDef {
            name: "inbox.todo",
            title: "待我办理",
            unit: "件",
            definition: "当前环节由本人或本人在本单位的角色办理的事项，以及退回本人补正的事项",
            note: "含退回本人补正的",
            rows: "/?tab=todo",
        }
    }

    async fn value(&self, db: &DatabaseConnection, scope: &Scope) -> Result<u64> {
        Ok(approval::counts(db, &scope.actor, scope.now).await?.todo)
    }

    async fn recount(&self, db: &DatabaseConnection, scope: &Scope) -> Result<u64> {
        Ok(all_todo(db, scope).await?.len() as u64)
    }
}

#[derive(Debug)]
struct Late;

#[async_trait]
impl Fact for Late {
    fn def(&self) -> FactDef {
        FactDef {
            name: "inbox.late",
            title: "其中已逾期",
            unit: "件",
            definition: "待我办理的事项中办理时限已过的，退回补正期间时钟暂停不计",
            note: "超过办理时限，退回补正期间不计",
            rows: "/?tab=todo",
        }
    }

    async fn value(&self, db: &DatabaseConnection, scope: &Scope) -> Result<u64> {
        Ok(approval::counts(db, &scope.actor, scope.now).await?.late)
    }

    async fn recount(&self, db: &DatabaseConnection, scope: &Scope) -> Result<u64> {
        let runs = |row: &&approval::InboxRow| row.status == approval::StatusWord::Running;
        let rows = all_todo(db, scope).await?;
        let late = rows.iter().filter(runs).filter(|row| row.due.is_some_and(|due| due < scope.now));
        Ok(late.count() as u64)
    }
}

async fn all_todo(db: &DatabaseConnection, scope: &Scope) -> Result<Vec<approval::InboxRow>> {
    let mut all = Vec::new();
    let mut query = InboxQuery { tab: Tab::Todo, text: None, kind: None, page: 1, size: 200 };
    loop {
        // Working days are not looked at here, so no table is needed.
        let (rows, _) = approval::inbox(db, &scope.actor, &query, scope.now, &Calendar::default()).await?;
        if rows.is_empty() {
            return Ok(all);
        }
        all.extend(rows);
        query.page += 1;
    }
}

#[derive(Debug)]
struct Unread;

#[async_trait]
impl Fact for Unread {
    fn def(&self) -> FactDef {
        FactDef {
            name: "messages.unread",
            title: "未读消息",
            unit: "条",
            definition: "发给本人或本人在本单位的角色、本人尚未阅读的消息",
            note: "发给本人和本人角色的",
            rows: "/messages?unread=true",
        }
    }

    async fn value(&self, db: &DatabaseConnection, scope: &Scope) -> Result<u64> {
        message::unread(db, &scope.actor).await
    }

    async fn recount(&self, db: &DatabaseConnection, scope: &Scope) -> Result<u64> {
        let mut unread = 0;
        let mut query = MessageQuery { page: 1, size: 200, ..MessageQuery::default() };
        loop {
            let (rows, _) = message::list(db, &scope.actor, &query).await?;
            if rows.is_empty() {
                return Ok(unread);
            }
            unread += rows.iter().filter(|(_, is_read)| !is_read).count() as u64;
            query.page += 1;
        }
    }
}

/// Acts of today, or those of them that were refused.
#[derive(Debug)]
struct ActsToday(bool);

impl ActsToday {
    async fn query(&self, db: &DatabaseConnection, scope: &Scope) -> Result<EntryQuery> {
        Ok(EntryQuery {
            from: Some(Timestamp::start_of(scope.now.date())),
            outcome: self.0.then_some(Outcome::Refused),
            scope: audit::scope_of(db, &scope.actor).await?,
            page: 1,
            size: audit::PAGE_MAX,
            ..EntryQuery::default()
        })
    }
}

#[async_trait]
impl Fact for ActsToday {
    fn def(&self) -> FactDef {
        if self.0 {
            FactDef {
                name: "audit.refused_today",
                title: "今日被拒操作",
                unit: "条",
                definition: "今日零时起，本人审计范围内因权限、授权或内容不符而被拒绝的操作记录",
                note: "因权限或内容不符被拦下",
                rows: "/audit?day=today&outcome=refused",
            }
        } else {
            FactDef {
                name: "audit.today",
                title: "今日记录",
                unit: "条",
                definition: "今日零时起，本人审计范围内写入存证账本的全部记录",
                note: "审计范围内的全部动作",
                rows: "/audit?day=today",
            }
        }
    }

    async fn value(&self, db: &DatabaseConnection, scope: &Scope) -> Result<u64> {
        audit::count(db, &self.query(db, scope).await?).await
    }

    async fn recount(&self, db: &DatabaseConnection, scope: &Scope) -> Result<u64> {
        let mut query = EntryQuery { outcome: None, ..self.query(db, scope).await? };
        let mut counted = 0;
        loop {
            let (rows, _) = audit::page(db, &query).await?;
            if rows.is_empty() {
                return Ok(counted);
            }
            counted += rows.iter().filter(|row| !self.0 || row.outcome == Outcome::Refused).count() as u64;
            query.page += 1;
        }
    }
}
