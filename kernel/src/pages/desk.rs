//! `/`: what waits, what was done, what one started; figures and ways on.

use std::sync::Arc;

use askama::Template;
use axum::extract::State;
use chrono::{Datelike, Timelike};
use serde::{Deserialize, Serialize};

use super::parts::{inbox_due, status_code};
use crate::actor::Actor;
use crate::approval::{self, InboxCounts, InboxQuery, InboxRow, Tab};
use crate::error::Result;
use crate::facts::{Scope, Shortcut};
use crate::house::House;
use crate::jobs::{self, JobState};
use crate::message::{self, MessageQuery};
use crate::shell::list::{Cell, Column, Filter, FilterField, List, ListQuery, ListView, Op, Seg};
use crate::shell::parts::JobCard;
use crate::shell::{Chrome, WebResult, page};

/// Cards on a desk.
const CARDS_MAX: usize = 4;
/// Messages and jobs in the side column.
const SIDE_MAX: u64 = 5;

/// `?tab=done&kind=…&q=…`; without a tab, what waits.
#[derive(Clone, Debug, Default, Serialize, Deserialize)]
#[serde(default)]
pub(super) struct DeskFilter {
    tab: Option<Tab>,
    kind: Option<String>,
    q: Option<String>,
}

impl Filter for DeskFilter {
    fn fields(&self) -> Vec<FilterField> {
        Vec::new()
    }
}

const COLUMNS: [Column<InboxRow>; 6] = [
    Column::new("title", "事项", 40, |row| Cell::Name {
        text: row.title.clone(),
        note: format!("{} {}", row.kind_name, row.no),
        href: row.link.clone(),
    }),
    Column::new("unit", "来源单位", 18, |row| Cell::Text(row.unit_name.clone())),
    Column::new("step", "当前环节", 18, |row| Cell::opt(row.step.clone())),
    Column::new("state", "状态", 10, |row| Cell::State(status_code(row.status).to_owned())),
    Column::new("arrived", "到达时间", 18, |row| Cell::Moment(row.arrived)),
    Column::new("due", "剩余时限", 22, |row| Cell::Due(inbox_due(row))),
];

static INBOX: List<InboxRow> = List::new("我的事项", &COLUMNS).ops(|row| vec![Op::new(verb(row), row.link.clone())]);

fn verb(row: &InboxRow) -> &'static str {
    match row.status {
        approval::StatusWord::Running => "办理",
        approval::StatusWord::Returned => "补正",
        approval::StatusWord::Approved | approval::StatusWord::Refused | approval::StatusWord::Withdrawn => "查看",
    }
}

#[derive(Template)]
#[template(path = "kernel/desk.html")]
struct Desk {
    chrome: Chrome,
    greeting: String,
    today: String,
    cards: Vec<CardView>,
    list: ListView,
    empty: (&'static str, &'static str),
    shortcuts: Vec<Shortcut>,
    jobs: Vec<JobCard>,
    messages: Vec<(message::Model, bool)>,
}

struct CardView {
    title: &'static str,
    value: u64,
    unit: &'static str,
    href: &'static str,
    icon: &'static str,
    tone: &'static str,
    definition: &'static str,
    note: &'static str,
}

pub(super) async fn index(
    State(house): State<Arc<House>>,
    chrome: Chrome,
    actor: Actor,
    query: ListQuery<DeskFilter>,
) -> WebResult {
    let db = house.kernel.store.reader();
    let now = chrome.now;
    let tab = query.filter.tab.unwrap_or(Tab::Todo);
    let wanted = InboxQuery {
        tab,
        text: query.filter.q.clone(),
        kind: query.filter.kind.clone(),
        page: query.paging.page,
        size: query.paging.size,
    };
    let (rows, total) = approval::inbox(db, &actor, &wanted, now, &house.kernel.store.rules().calendar).await?;
    let counts = approval::counts(db, &actor, now).await?;
    let messages = MessageQuery { page: 1, size: SIDE_MAX, ..MessageQuery::default() };
    Ok(page(Desk {
        greeting: format!("{}，{}", greeting(now.local().hour()), actor.name),
        today: today(&chrome),
        cards: cards(&house, &actor, &chrome).await?,
        list: INBOX.view(&query, &rows, total).with_segs(segs(&query, tab, counts)),
        empty: empty(tab),
        shortcuts: house.desk.shortcuts(&actor),
        jobs: running_jobs(&house, &actor).await?,
        messages: message::list(db, &actor, &messages).await?.0,
        chrome: chrome.titled("工作台"),
    }))
}

async fn cards(house: &House, actor: &Actor, chrome: &Chrome) -> Result<Vec<CardView>> {
    let scope = Scope { actor: actor.clone(), now: chrome.now };
    let mut views = Vec::new();
    for card in house.desk.cards(actor).into_iter().take(CARDS_MAX) {
        let fact = house.facts.get(card.fact)?;
        let (def, value) = (fact.def(), fact.value(house.kernel.store.reader(), &scope).await?);
        views.push(CardView {
            title: def.title,
            value,
            unit: def.unit,
            href: def.rows,
            icon: card.icon,
            tone: if value > 0 { card.tone } else { "" },
            definition: def.definition,
            note: def.note,
        });
    }
    Ok(views)
}

async fn running_jobs(house: &House, actor: &Actor) -> Result<Vec<JobCard>> {
    let newest = jobs::of_account(house.kernel.store.reader(), &actor.account, SIDE_MAX).await?;
    let at_work = |job: &jobs::JobRow| matches!(job.state, JobState::Queued | JobState::Running);
    Ok(newest.iter().filter(|job| at_work(job)).map(|job| super::jobs::card_of(house, job)).collect())
}

fn segs(query: &ListQuery<DeskFilter>, on: Tab, counts: InboxCounts) -> Vec<Seg> {
    let tabs = [
        (Tab::Todo, "待办", counts.todo),
        (Tab::Done, "已办", counts.done),
        (Tab::Mine, "我发起的", counts.mine),
        (Tab::Copied, "抄送我的", counts.copied),
    ];
    let seg = |(tab, label, count): (Tab, &str, u64)| {
        let filter = DeskFilter { tab: (tab != Tab::Todo).then_some(tab), ..DeskFilter::default() };
        Seg { label: label.to_owned(), count, href: query.filter_url(filter), on: tab == on }
    };
    tabs.map(seg).to_vec()
}

fn empty(tab: Tab) -> (&'static str, &'static str) {
    match tab {
        Tab::Todo => ("没有待办事项", "需要您办理的事项到达后会出现在这里，并计算剩余工作日。"),
        Tab::Done => ("还没有已办事项", "您办理过的审批会保留在这里，可随时查看结果。"),
        Tab::Mine => ("还没有发起过事项", "您提交的申请会出现在这里，可查看进度、催办或撤回。"),
        Tab::Copied => ("没有抄送给您的事项", "抄送给您的事项只供查看，不需要办理。"),
    }
}

fn greeting(hour: u32) -> &'static str {
    match hour {
        5..=11 => "上午好",
        12..=13 => "中午好",
        14..=17 => "下午好",
        _ => "晚上好",
    }
}

fn today(chrome: &Chrome) -> String {
    const DAYS: [&str; 7] = ["一", "二", "三", "四", "五", "六", "日"];
    let date = chrome.now.date();
    let weekday = DAYS.get(date.weekday().num_days_from_monday() as usize).copied().unwrap_or_default();
    format!("{}年{}月{}日 星期{weekday}", date.year(), date.month(), date.day())
}
