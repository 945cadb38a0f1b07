//! `/messages`: what somebody was told, and what of it they have read.

use std::sync::Arc;

use askama::Template;
use async_trait::async_trait;
use axum::extract::State;
use serde::{Deserialize, Serialize};

use crate::actor::Actor;
use crate::audit::ObjectRef;
use crate::command::{Applied, Command, Ctx, Loaded, run};
use crate::error::{Error, Result};
use crate::house::House;
use crate::ids::MessageId;
use crate::message::{self, Category, MessageQuery};
use crate::policy::{Resource, Value};
use crate::shell::list::{Bulk, Cell, Column, Filter, FilterField, List, ListQuery, ListView};
use crate::shell::page::go;
use crate::shell::parts::Choice;
use crate::shell::{Chrome, Form, Path, WebResult, page};
use crate::store::Tx;

#[derive(Clone, Debug, Default, Serialize, Deserialize)]
#[serde(default)]
pub(super) struct MessageFilter {
    q: Option<String>,
    category: Option<Category>,
    unread: Option<bool>,
}

impl Filter for MessageFilter {
    fn fields(&self) -> Vec<FilterField> {
        let category = |category: Category| Choice::new(code(category), category.name());
        let unread = self.unread.map(|unread| unread.to_string());
        vec![
            FilterField::text("q", "标题", &self.q, "标题或单号"),
            FilterField::select("category", "类别", self.category.map(code), Category::ALL.map(category).to_vec()),
            FilterField::select("unread", "状态", unread, vec![Choice::new("true", "未读")]),
        ]
    }
}

type Row = (message::Model, bool);

const COLUMNS: [Column<Row>; 4] = [
    Column::new("title", "标题", 48, |(row, _)| Cell::Name {
        text: row.title.clone(),
        note: row.body.lines().next().unwrap_or_default().to_owned(),
        href: format!("/messages/{}", row.id),
    }),
    Column::new("category", "类别", 10, |(row, _)| Cell::Text(row.category.name().to_owned())),
    Column::new("at", "时间", 18, |(row, _)| Cell::Moment(row.at)),
    Column::new("read", "状态", 10, |(_, read)| Cell::State(if *read { "read" } else { "unread" }.to_owned())),
];

static MESSAGES: List<Row> = List::new("消息通知", &COLUMNS).pick(|(row, _)| (row.id.to_string(), row.title.clone()));

#[derive(Template)]
#[template(path = "kernel/messages.html")]
struct Index {
    chrome: Chrome,
    list: ListView,
}

pub(super) async fn index(
    State(house): State<Arc<House>>,
    chrome: Chrome,
    actor: Actor,
    query: ListQuery<MessageFilter>,
) -> WebResult {
    let wanted = MessageQuery {
        category: query.filter.category,
        unread_only: query.filter.unread == Some(true),
        text: query.filter.q.clone(),
        page: query.paging.page,
        size: query.paging.size,
    };
    let (rows, total) = message::list(house.kernel.store.reader(), &actor, &wanted).await?;
    let bulk = Bulk { action: "/messages/read".to_owned(), acts: vec![("read", "标为已读")], whole: false };
    let list = MESSAGES.view(&query, &rows, total).with_bulk(bulk);
    Ok(page(Index { chrome: chrome.titled("消息通知"), list }))
}

#[derive(Template)]
#[template(path = "kernel/message.html")]
struct Show {
    chrome: Chrome,
    row: message::Model,
}

/// One message; opening it is reading it.
pub(super) async fn show(
    State(house): State<Arc<House>>,
    chrome: Chrome,
    ctx: Ctx,
    Path(id): Path<String>,
) -> WebResult {
    let id: MessageId = id.parse().map_err(|_| Error::not_found("消息"))?;
    let (row, is_read) = message::find(house.kernel.store.reader(), ctx.actor()?, &id).await?;
    if !is_read {
        run(&house.kernel, &ctx, MarkRead { ids: vec![id] }).await?;
    }
    let mut chrome = chrome.titled(row.title.clone()).crumb("消息通知", "/messages");
    chrome.notices = message::unread(house.kernel.store.reader(), ctx.actor()?).await?;
    Ok(page(Show { chrome, row }))
}

#[derive(Debug, Default, Deserialize)]
#[serde(default)]
pub(super) struct Picked {
    ids: Vec<String>,
    everything: Option<bool>,
}

/// Marks the picked ones; with `everything`, all of them.
pub(super) async fn mark(State(house): State<Arc<House>>, ctx: Ctx, Form(picked): Form<Picked>) -> WebResult {
    let ids = picked.ids.iter().map(|id| id.parse().map_err(|_| Error::not_found("消息")));
    let ids: Vec<MessageId> = ids.collect::<Result<_>>()?;
    if ids.is_empty() && picked.everything != Some(true) {
        return Ok(go("/messages"));
    }
    run(&house.kernel, &ctx, MarkRead { ids }).await?;
    Ok(go("/messages"))
}

/// With no ids: all that are unread.
struct MarkRead {
    ids: Vec<MessageId>,
}

#[async_trait]
impl Command for MarkRead {
    const ACTION: &'static str = "kernel.message.read";
    type Subject = ();
    type Output = u64;

    async fn load(&self, _: &Tx, ctx: &Ctx) -> Result<Loaded<()>> {
        let account = ctx.actor()?.account.to_string();
        let resource = Resource::new("Desk", account.clone()).with("account", Value::Account(account.clone()));
        Ok(Loaded { subject: (), resource, object: ObjectRef::new("desk", account, "") })
    }

    async fn apply(self, tx: &Tx, ctx: &Ctx, (): ()) -> Result<Applied<u64>> {
        let marked = message::mark_read(tx, ctx.actor()?, &self.ids, ctx.now).await?;
        Ok(Applied::new(marked).detail(serde_json::json!({ "count": marked })))
    }
}

fn code(category: Category) -> String {
    serde_json::to_value(category).ok().and_then(|code| code.as_str().map(str::to_owned)).unwrap_or_default()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::shell::extract::parse_form;

    #[test]
    fn picked_ids_are_repeated_names() {
        let picked: Picked = parse_form(b"ids=a&ids=b&act=read").unwrap();
        assert_eq!(picked.ids, ["a", "b"]);
        assert_eq!(picked.everything, None);
    }
}
