//! The two halves meet: one grant per resource of a part, in the transaction of the decision.

use hufu_kernel::command::Ctx;
use hufu_kernel::error::{Error, Result};
use hufu_kernel::ids::{AccountId, GrantId};
use hufu_kernel::message::{self, Category, NewMessage, Recipient};
use hufu_kernel::number;
use hufu_kernel::store::Tx;

use crate::Sharing;
use crate::model::grant::State;
use crate::model::terms::Terms;
use crate::store::applications::{Item, Paper};
use crate::store::grants::{self, NewField, NewGrant};
use crate::store::rows::{data_grant, part};

/// Bytes of a grant's pseudonym key.
const KEY_BYTES: usize = 32;

/// Makes the grants of a part and gives their numbers.
pub(super) async fn grants(
    tx: &Tx,
    ctx: &Ctx,
    sharing: &Sharing,
    paper: &Paper,
    part: &part::Model,
    terms: &Terms,
) -> Result<Vec<String>> {
    let mut numbers = Vec::new();
    for item in paper.items_of(&part.id) {
        let fields = given_fields(item, terms);
        if fields.is_empty() {
            continue;
        }
        let no = number::next(tx, "SQ", ctx.now).await?;
        let row = row(ctx, sharing, (paper, part, item), terms, &no, &fields)?;
        let persons: Vec<(AccountId, String, String)> =
            paper.persons.iter().map(|p| (p.account.clone(), p.login.clone(), p.name.clone())).collect();
        tell(tx, ctx, paper, item, &no).await?;
        grants::insert(tx, NewGrant { row, persons, fields }).await?;
        numbers.push(no);
    }
    Ok(numbers)
}

fn given_fields(item: &Item, terms: &Terms) -> Vec<NewField> {
    let given = |field: &crate::store::rows::application_field::Model| {
        let given = terms.given.iter().find(|given| given.id == field.id)?;
        Some(NewField {
            field_id: field.field_id.clone(),
            name: field.name.clone(),
            title: field.title.clone(),
            grade: field.grade.clone(),
            mask: given.mask.clone(),
            clear_until: given.clear_until,
        })
    };
    item.fields.iter().filter_map(given).collect()
}

fn row(
    ctx: &Ctx,
    sharing: &Sharing,
    (paper, part, item): (&Paper, &part::Model, &Item),
    terms: &Terms,
    no: &str,
    fields: &[NewField],
) -> Result<data_grant::Model> {
    let id = GrantId::generate();
    let asked = &paper.application;
    let from = asked.from_at.ok_or_else(|| Error::internal("a submitted application has no beginning"))?;
    let scope = item.resource.row_scope_given.as_ref().unwrap_or(&item.resource.row_scope);
    Ok(data_grant::Model {
        no: no.to_owned(),
        part_id: Some(part.id.clone()),
        unit_id: asked.unit_id.clone(),
        provider_id: part.provider_id.clone(),
        resource_id: item.resource.resource_id.clone(),
        resource_code: item.resource.code.clone(),
        resource_name: item.resource.name.clone(),
        purpose: asked.scenario.clone(),
        basis: asked.basis.clone(),
        ways: asked.ways.clone(),
        row_scope: scope.clone(),
        rows_per_day: terms.quota.rows_per_day,
        calls_per_minute: terms.quota.calls_per_minute,
        rows_per_result: terms.quota.rows_per_result,
        from_at: from,
        until_at: terms.until,
        grade_max: sharing.highest(fields.iter().map(|field| field.grade.as_str())),
        state: State::Active,
        state_reason: String::new(),
        state_at: ctx.now,
        key: seal_key(sharing, &id)?,
        created_at: ctx.now,
        version: 1,
        id,
    })
}

/// A fresh key of its own for each grant, so that pseudonyms of two grants cannot be joined.
fn seal_key(sharing: &Sharing, id: &GrantId) -> Result<String> {
    let key: [u8; KEY_BYTES] = rand::random();
    sharing.vault.seal(&key_place(id), &key)
}

/// The place that the sealed key is bound to.
pub(crate) fn key_place(id: &GrantId) -> String {
    format!("data_grant.key.{id}")
}

/// Everyone who may now use it is told, with the way there.
async fn tell(tx: &Tx, ctx: &Ctx, paper: &Paper, item: &Item, no: &str) -> Result<()> {
    let mut to: Vec<AccountId> = paper.persons.iter().map(|person| person.account.clone()).collect();
    if !to.contains(&paper.application.applicant) {
        to.push(paper.application.applicant.clone());
    }
    for account in to {
        let message = NewMessage {
            to: Recipient::Account(account),
            category: Category::Grant,
            title: format!("授权已生效：{}", item.resource.name),
            body: format!("授权号 {no}，用途「{}」。去查询：/query?grant={no}", paper.application.scenario),
            link: format!("/query?grant={no}"),
        };
        message::send(tx, ctx.now, message).await?;
    }
    Ok(())
}
