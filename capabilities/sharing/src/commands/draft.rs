//! Writing what an applicant typed, as a draft; shared by saving and submitting.

use std::collections::BTreeSet;

use hufu_kernel::actor::Actor;
use hufu_kernel::command::Ctx;
use hufu_kernel::error::{Error, FieldError, Result};
use hufu_kernel::ids::ApplicationId;
use hufu_kernel::number;
use hufu_kernel::store::Tx;
use hufu_kernel::time::Timestamp;
use sea_orm::{ActiveValue::Set, EntityTrait};

use crate::Sharing;
use crate::model::application::{Event, State};
use crate::model::form::{Asked, AskedField, Form};
use crate::model::grant::Quota;
use crate::model::way::Ways;
use crate::neighbours::{self, Entry, EntryField};
use crate::store::applications::{self, Item, Paper};
use crate::store::rows::{application, application_field, application_person, application_resource};

/// Role whose masks an asker gets.
pub(crate) const ASKER_ROLE: &str = "R4";

/// Writes a form into a new or an existing paper and gives it back as it now stands.
pub(super) async fn write(tx: &Tx, ctx: &Ctx, sharing: &Sharing, paper: Option<Paper>, form: &Form) -> Result<Paper> {
    let overflows = form.overflows();
    if !overflows.is_empty() {
        return Err(Error::invalid(overflows));
    }
    let actor = ctx.actor()?;
    let id = match &paper {
        Some(paper) => {
            paper.application.state.step(Event::Save)?;
            applications::update(tx.db(), change(form), &paper.application).await?;
            paper.application.id.clone()
        }
        None => insert(tx, ctx, actor, form).await?,
    };
    let persons = persons(tx, actor, &id, form).await?;
    let items = items(tx, sharing, &id, form).await?;
    applications::replace_asked(tx.db(), &id, persons, items).await?;
    applications::paper_by_id(tx.db(), &id).await
}

/// The form that a stored paper stands for.
pub(crate) fn form_of(paper: &Paper) -> Form {
    let row = &paper.application;
    Form {
        scenario: row.scenario.clone(),
        basis: row.basis.clone(),
        scope_of_use: row.scope_of_use.clone(),
        ways: Ways::parse(&row.ways),
        quota: quota_of(row),
        from: row.from_at.map(Timestamp::date),
        until: row.until_at.map(Timestamp::date),
        system_name: row.system_name.clone(),
        filing_no: row.filing_no.clone(),
        bound: row.bound,
        persons: paper.persons.iter().map(|person| person.account.to_string()).collect(),
        resources: paper.resources.iter().map(asked_of).collect(),
    }
}

pub(crate) fn quota_of(row: &application::Model) -> Quota {
    Quota {
        rows_per_day: row.rows_per_day,
        calls_per_minute: row.calls_per_minute,
        rows_per_result: row.rows_per_result,
    }
}

fn asked_of(item: &Item) -> Asked {
    let field = |field: &application_field::Model| AskedField {
        name: field.name.clone(),
        unmasked: field.unmasked,
        reason: field.reason.clone(),
    };
    Asked {
        code: item.resource.code.clone(),
        row_scope: item.resource.row_scope.clone(),
        fields: item.fields.iter().map(field).collect(),
    }
}

async fn insert(tx: &Tx, ctx: &Ctx, actor: &Actor, form: &Form) -> Result<ApplicationId> {
    let id = ApplicationId::generate();
    let mut row = change(form);
    row.id = Set(id.clone());
    row.no = Set(number::next(tx, "YS", ctx.now).await?);
    row.unit_id = Set(actor.unit.id.clone());
    row.applicant = Set(actor.account.clone());
    row.applicant_login = Set(actor.login.clone());
    row.applicant_name = Set(actor.name.clone());
    row.state = Set(State::Draft);
    row.missing = Set(String::new());
    row.approval_id = Set(None);
    row.created_at = Set(ctx.now);
    row.submitted_at = Set(None);
    row.closed_at = Set(None);
    row.version = Set(1);
    application::Entity::insert(row).exec_without_returning(tx.db()).await?;
    Ok(id)
}

fn change(form: &Form) -> application::ActiveModel {
    application::ActiveModel {
        scenario: Set(form.scenario.trim().to_owned()),
        basis: Set(form.basis.trim().to_owned()),
        scope_of_use: Set(form.scope_of_use.trim().to_owned()),
        ways: Set(form.ways.stored()),
        rows_per_day: Set(form.quota.rows_per_day),
        calls_per_minute: Set(form.quota.calls_per_minute),
        rows_per_result: Set(form.quota.rows_per_result),
        from_at: Set(form.from.map(Timestamp::start_of)),
        until_at: Set(form.until.map(Timestamp::end_of)),
        system_name: Set(form.system_name.trim().to_owned()),
        filing_no: Set(form.filing_no.trim().to_owned()),
        bound: Set(form.bound),
        ..Default::default()
    }
}

/// Persons are accounts of the own unit that may use data; nobody else can be named.
async fn persons(
    tx: &Tx,
    actor: &Actor,
    id: &ApplicationId,
    form: &Form,
) -> Result<Vec<application_person::ActiveModel>> {
    let own = neighbours::data_users_of(tx.db(), &actor.unit.id).await?;
    let mut rows = Vec::new();
    let mut seen = BTreeSet::new();
    for wanted in form.persons.iter().filter(|wanted| seen.insert(wanted.as_str())) {
        let found = own.iter().find(|person| person.account.as_str() == wanted || person.login == *wanted);
        let Some(person) = found else {
            return Err(Error::invalid(vec![FieldError::new("persons", "使用人员须为本单位的用数人员账号")]));
        };
        rows.push(application_person::ActiveModel {
            application_id: Set(id.clone()),
            account: Set(person.account.clone()),
            login: Set(person.login.clone()),
            name: Set(person.name.clone()),
            ..Default::default()
        });
    }
    Ok(rows)
}

type ItemRows = (application_resource::ActiveModel, Vec<application_field::ActiveModel>);

async fn items(tx: &Tx, sharing: &Sharing, id: &ApplicationId, form: &Form) -> Result<Vec<ItemRows>> {
    let mut rows = Vec::new();
    let mut faults = Vec::new();
    let mut seen = BTreeSet::new();
    for asked in form.resources.iter().filter(|asked| seen.insert(asked.code.as_str())) {
        let entry = neighbours::entry(tx.db(), &asked.code).await?;
        if let Some(text) = entry.not_askable() {
            faults.push(FieldError::new("resources", format!("「{}」{text}", entry.name)));
        }
        let scope = asked.row_scope.trim();
        if !scope.is_empty()
            && let Err(text) = crate::row_scope::check(scope, &entry)
        {
            faults.push(FieldError::new(format!("row_scope.{}", entry.code), text));
        }
        let mut fields = Vec::new();
        for field in &asked.fields {
            match field_row(sharing, &entry, field) {
                Ok(row) => fields.push(row),
                Err(text) => faults.push(FieldError::new(format!("fields.{}", entry.code), text)),
            }
        }
        rows.push((resource_row(id, &entry, scope), fields));
    }
    if faults.is_empty() { Ok(rows) } else { Err(Error::invalid(faults)) }
}

fn resource_row(id: &ApplicationId, entry: &Entry, scope: &str) -> application_resource::ActiveModel {
    application_resource::ActiveModel {
        application_id: Set(id.clone()),
        part_id: Set(None),
        resource_id: Set(entry.id.clone()),
        code: Set(entry.code.clone()),
        name: Set(entry.name.clone()),
        provider_id: Set(entry.provider.id.clone()),
        unconditional: Set(entry.unconditional),
        row_scope: Set(scope.to_owned()),
        row_scope_given: Set(None),
        ..Default::default()
    }
}

/// A field without kind or grade has no mask, and what has no mask cannot be asked for.
fn field_row(sharing: &Sharing, entry: &Entry, asked: &AskedField) -> Result<application_field::ActiveModel, String> {
    let known = entry.fields.iter().find(|field| field.name.eq_ignore_ascii_case(&asked.name));
    let field = known.ok_or_else(|| format!("没有信息项「{}」", asked.name))?;
    let mask = profile_mask(sharing, field).ok_or_else(|| format!("信息项「{}」尚未定级或未标明种类，暂不能申请", field.title))?;
    Ok(application_field::ActiveModel {
        field_id: Set(field.id.clone()),
        name: Set(field.name.clone()),
        title: Set(field.title.clone()),
        kind: Set(field.kind.clone().unwrap_or_default()),
        grade: Set(field.grade.clone().unwrap_or_default()),
        unmasked: Set(asked.unmasked && mask != "clear"),
        reason: Set(asked.reason.trim().to_owned()),
        profile_mask: Set(mask),
        choice: Set(String::new()),
        ..Default::default()
    })
}

/// The mask of a field by its present kind and grade.
pub(crate) fn profile_mask(sharing: &Sharing, field: &EntryField) -> Option<String> {
    let (kind, grade) = (field.kind.as_deref()?, field.grade.as_deref()?);
    sharing.masks.mask(kind, grade, ASKER_ROLE).ok().map(ToString::to_string)
}
