//! One file per command. Each loads, is authorized, decides by the model, writes, and leaves one entry.

pub mod change_sharing;
pub mod close_source;
pub mod create_resource;
pub mod create_source;
pub mod decide_resource;
pub mod decide_sharing;
pub mod edit_resource;
pub mod edit_source;
pub mod export_resources;
pub mod fill_cart;
pub mod import_resources;
pub mod mount_resource;
pub mod record_check;
pub mod record_probe;
pub mod record_scan;
pub mod review_withheld;
pub mod seed_resources;
pub mod submit_resource;
pub mod take_offline;
pub mod withdraw_resource;

use hufu_kernel::actor::UnitRef;
use hufu_kernel::approval::StepSpec;
use hufu_kernel::actor::Role;
use hufu_kernel::audit::ObjectRef;
use hufu_kernel::command::{Ctx, Loaded};
use hufu_kernel::error::{Error, FieldError, Result};
use hufu_kernel::event::Event;
use hufu_kernel::ids::SourceId;
use hufu_kernel::policy::{Resource, Value};
use hufu_kernel::store::Tx;
use hufu_kernel::unit;

use crate::model::field::FieldSpec;
use crate::model::scheme::Scheme;
use crate::model::state::State;
use crate::search::TOPIC;
use crate::store::{resource, source};

/// An entry and whose it is.
#[derive(Clone, Debug)]
pub struct Entry {
    pub row: resource::Model,
    pub unit: UnitRef,
}

impl Entry {
    /// The writer must have seen the entry as it is now.
    pub(crate) fn fresh(&self, version: i32) -> Result<()> {
        if self.row.version == version { Ok(()) } else { Err(Error::stale()) }
    }
}

/// Loads an entry by its key for a decision about it.
pub(crate) async fn load_entry(tx: &Tx, key: &str) -> Result<Loaded<Entry>> {
    let row = resource::find_by_key(tx.db(), key).await?;
    let unit = unit::find(tx.db(), &row.unit_id).await?.as_ref();
    let target = policy_resource(row.id.as_str(), &unit, row.state);
    let object = object_of(&row);
    Ok(Loaded { subject: Entry { row, unit }, resource: target, object })
}

/// An entry as policies see it.
pub(crate) fn policy_resource(id: &str, unit: &UnitRef, state: State) -> Resource {
    Resource::new("CatalogResource", id).of_unit(unit).with("published", Value::Truth(state == State::Published))
}

/// An entry that does not exist yet, in the asker's unit.
pub(crate) fn load_new(ctx: &Ctx, kind: &str) -> Result<Loaded<UnitRef>> {
    let unit = ctx.actor()?.unit.clone();
    let target = policy_resource("new", &unit, State::Draft);
    Ok(Loaded { subject: unit, resource: target, object: ObjectRef::new(kind, "", "") })
}

pub(crate) fn object_of(row: &resource::Model) -> ObjectRef {
    ObjectRef::new("catalog.resource", &row.id, &row.code)
}

/// A source and whose it is.
#[derive(Clone, Debug)]
pub struct OwnedSource {
    pub row: source::Model,
    pub unit: UnitRef,
}

pub(crate) async fn load_source(tx: &Tx, id: &SourceId) -> Result<Loaded<OwnedSource>> {
    let row = source::find(tx.db(), id).await?;
    let unit = unit::find(tx.db(), &row.unit_id).await?.as_ref();
    let target = policy_source(row.id.as_str(), &unit);
    let object = ObjectRef::new("catalog.source", &row.id, &row.name);
    Ok(Loaded { subject: OwnedSource { row, unit }, resource: target, object })
}

pub(crate) fn policy_source(id: &str, unit: &UnitRef) -> Resource {
    Resource::new("DataSource", id).of_unit(unit)
}

/// Tells the search index and the pages.
pub(crate) fn announce(tx: &Tx, row: &resource::Model) {
    tx.announce(Event::new(TOPIC, row.id.as_str()));
}

/// Highest grade of the fields, and whether any is sensitive personal information.
pub(crate) fn graded(fields: &[FieldSpec], scheme: &Scheme) -> (Option<String>, bool) {
    let grade = scheme.highest(fields.iter().filter_map(|field| field.grade.as_deref()));
    (grade.map(|level| level.code.clone()), fields.iter().any(|field| field.sensitive))
}

/// The two steps of publication and of a change of attribute: CDO of the unit, then the competent level.
pub(crate) async fn steps(tx: &Tx, owner: &UnitRef) -> Result<Vec<StepSpec>> {
    let bureau = unit::competent_bureau(tx.db(), owner).await?.as_ref();
    let own = tx.rules().limit("catalog.own_review")?;
    let review = tx.rules().limit("catalog.review")?;
    Ok(vec![
        StepSpec::new("cdo", "本单位首席数据官审核", Role::R2, owner.clone()).within(own),
        StepSpec::new("competent", "主管部门审核", Role::R1, bureau).within(review),
    ])
}

/// A name in SQL that somebody chose must be free in the unit.
pub(crate) async fn check_table_name(tx: &Tx, unit: &UnitRef, name: &str, own: Option<&resource::Model>) -> Result<()> {
    if name.is_empty() {
        return Ok(());
    }
    let holder = resource::find_by_table(tx.db(), &unit.id, name).await?;
    let taken = holder.is_some_and(|holder| own.is_none_or(|own| own.id != holder.id));
    if taken {
        let text = format!("本单位已有目录使用 SQL 表名「{name}」");
        return Err(Error::invalid(vec![FieldError::new("table_name", text)]));
    }
    Ok(())
}

/// Refuses with every fault at once.
pub(crate) fn all_right(faults: Vec<FieldError>) -> Result<()> {
    if faults.is_empty() { Ok(()) } else { Err(Error::invalid(faults)) }
}

/// A reason that somebody must state.
pub(crate) fn need_reason(field: &str, reason: &str) -> Result<()> {
    const REASON_CHARS_MAX: usize = 2000;
    let length = reason.trim().chars().count();
    if (1..=REASON_CHARS_MAX).contains(&length) {
        return Ok(());
    }
    Err(Error::invalid(vec![FieldError::new(field, format!("请填写理由，不超过 {REASON_CHARS_MAX} 个字"))]))
}
