//! From grants to a mandate: everything one person may read by one way, decided at one moment.
//!
//! The tables of an account are built once and kept while neither a grant nor the catalogue changes; what
//! moves with time (period, quota, clear values) is looked at for every mandate. What cannot be resolved
//! (a mask nobody knows, a field the catalogue no longer has, a source that is gone) does not exist.

use std::collections::{BTreeMap, HashMap};
use std::sync::{Arc, Mutex, PoisonError};

use hufu_catalog::{FieldView, ResourceView};
use hufu_gate::mandate::{FieldMandate, Mandate, Quota, TableMandate};
use hufu_gate::source::Source;
use hufu_kernel::actor::Actor;
use hufu_kernel::command::Ctx;
use hufu_kernel::error::{Error, Result};
use hufu_kernel::ids::{AccountId, GrantId, ResourceId};
use hufu_kernel::policy::Resource;
use hufu_kernel::time::Timestamp;
use hufu_mask::Mask;
use zeroize::Zeroizing;

use crate::{Service, Sharing};
use crate::commands::{key_place, profile_mask};
use crate::model::grant;
use crate::model::way::{Way, Ways};
use crate::neighbours;
use crate::queries::day_of;
use crate::store::grants::{self, Grant};
use crate::store::rows::grant_field;

/// Accounts whose tables are kept ready.
const ACCOUNTS_MAX: usize = 4096;

/// A mandate, and what it leaves out because several grants could be meant.
#[derive(Clone, Debug)]
pub struct Mandated {
    pub mandate: Mandate,
    pub ambiguous: Vec<Ambiguous>,
}

/// A table that stands under several grants; the asker has to say which.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Ambiguous {
    pub schema: String,
    pub name: String,
    pub title: String,
    pub grants: Vec<String>,
}

impl Ambiguous {
    /// What the asker is told.
    pub fn error(&self) -> Error {
        let list = self.grants.join("、");
        let text = format!("「{}」有多项有效授权（{list}），请指定按哪一项授权使用（SET hufu.grant = '授权号'）", self.title);
        Error::conflict("SHA-CHOOSE-GRANT", text)
    }
}

/// What an account's grants open, without what moves with time.
#[derive(Debug)]
pub(crate) struct Opened {
    grants_version: i64,
    /// The catalogue's stamp of these resources when they were opened.
    resources: Vec<ResourceId>,
    stamp: String,
    tables: Vec<OpenedTable>,
}

#[derive(Debug)]
struct OpenedTable {
    grant: Grant,
    application: String,
    view: ResourceView,
    source: Arc<dyn Source>,
    fields: Vec<OpenedField>,
}

#[derive(Debug)]
struct OpenedField {
    field: FieldMandate,
    /// The clear value is shown until then.
    clear_until: Option<Timestamp>,
}

/// Tables by account.
#[derive(Debug, Default)]
pub(crate) struct Cache(Mutex<HashMap<AccountId, Arc<Opened>>>);

impl Cache {
    fn find(&self, account: &AccountId) -> Option<Arc<Opened>> {
        let kept = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        kept.get(account).cloned()
    }

    fn keep(&self, account: AccountId, opened: Arc<Opened>) {
        let mut kept = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        if kept.len() >= ACCOUNTS_MAX {
            kept.clear();
        }
        kept.insert(account, opened);
    }
}

impl Service {
    /// Everything the actor may read by this way now. `choice` is the number of a grant, or of the
    /// application behind it, for resources that stand under several.
    pub async fn mandate(&self, ctx: &Ctx, way: Way, choice: Option<&str>) -> Result<Mandated> {
        let actor = ctx.actor()?;
        let resource = Resource::new("DataQuery", actor.account.as_str()).of_unit(&actor.unit);
        if !self.kernel.policy.decide(actor, "sharing.query.run", &resource)?.allowed {
            return Err(Error::refused("只有用数人员可以按授权使用数据"));
        }
        let opened = self.opened(actor).await?;
        let usable: Vec<&OpenedTable> =
            opened.tables.iter().filter(|table| table.is_usable(actor, way, ctx.now)).collect();
        let (tables, ambiguous) = choose(usable, choice)?;
        let ids: Vec<GrantId> = tables.iter().map(|table| table.grant.row.id.clone()).collect();
        let used = grants::used_on(self.kernel.store.reader(), &ids, day_of(ctx.now)).await?;
        let left = |table: &OpenedTable| {
            let rows = used.get(&table.grant.row.id).map_or(0, |used| used.0);
            u64::try_from(table.grant.row.rows_per_day.saturating_sub(rows)).unwrap_or(0)
        };
        let tables = tables.iter().map(|table| table.mandate(&self.sharing, ctx.now, left(table))).collect();
        let mandate = Mandate {
            principal: actor.login.clone(),
            unit: actor.unit.code.clone(),
            way: way.into(),
            tables,
            request_id: ctx.request_id.clone(),
            client: ctx.client.clone(),
        };
        Ok(Mandated { mandate, ambiguous })
    }

    async fn opened(&self, actor: &Actor) -> Result<Arc<Opened>> {
        let db = self.kernel.store.reader();
        let grants_version = grants::version(db).await?;
        if let Some(opened) = self.cache.find(&actor.account)
            && opened.grants_version == grants_version
            && opened.stamp == hufu_catalog::stamp(db, &opened.resources).await?
        {
            return Ok(opened);
        }
        let held = grants::held_by(db, &actor.account).await?;
        let mut resources: Vec<ResourceId> = held.iter().map(|(grant, _)| grant.row.resource_id.clone()).collect();
        resources.sort();
        resources.dedup();
        // Stamped before it is read: a change in between is noticed the next time.
        let stamp = hufu_catalog::stamp(db, &resources).await?;
        let views = hufu_catalog::resources(db, &resources).await?;
        let mut tables = Vec::new();
        for (grant, application) in held {
            let Some(view) = views.iter().find(|view| view.id == grant.row.resource_id) else { continue };
            if !neighbours::is_published(view) {
                continue;
            }
            match self.open_table(grant, application, view.clone()).await {
                Ok(table) => tables.push(table),
                // One source that is away must not shut all others.
                Err(error) => tracing::warn!(code = error.code(), resource = view.code, "a granted table cannot be opened"),
            }
        }
        let opened = Arc::new(Opened { grants_version, resources, stamp, tables });
        self.cache.keep(actor.account.clone(), opened.clone());
        Ok(opened)
    }

    async fn open_table(&self, grant: Grant, application: String, view: ResourceView) -> Result<OpenedTable> {
        let source = view.source.as_ref().ok_or_else(|| Error::not_found("数据源"))?;
        let source = self.catalog.open_source(source).await?;
        let key = Zeroizing::new(self.sharing.vault.open(&key_place(&grant.row.id), &grant.row.key)?);
        let fields = grant.fields.iter().filter_map(|field| self.sharing.open_field(field, &view, &key)).collect();
        Ok(OpenedTable { grant, application, view, source, fields })
    }
}

impl Sharing {
    /// A field with its mask, or nothing: unknown denies.
    fn open_field(&self, granted: &grant_field::Model, view: &ResourceView, key: &[u8]) -> Option<OpenedField> {
        let denied = |why: &str| tracing::error!(resource = view.code, field = granted.name, why, "a granted field is denied");
        let Some(now) = view.fields.iter().find(|field| field.id == granted.field_id) else {
            denied("it is no longer in the catalogue");
            return None;
        };
        let Some((text, same)) = self.present_mask(granted, now) else {
            denied("it has no mask");
            return None;
        };
        let Ok(mask) = Mask::parse(&text) else {
            denied("its mask is unknown");
            return None;
        };
        let field = FieldMandate {
            name: now.name.clone(),
            comment: now.title.clone(),
            grade: now.grade.clone().unwrap_or_default(),
            mask: keyed(mask, key),
        };
        Some(OpenedField { field, clear_until: granted.clear_until.filter(|_| same) })
    }

    /// Grades drive masks at once: a field graded anew gets the profile's mask for its new grade, and a
    /// clear value approved for another grade is no longer approved. `true` while the grade is the same.
    fn present_mask(&self, granted: &grant_field::Model, now: &FieldView) -> Option<(String, bool)> {
        let grade = now.grade.as_deref()?;
        self.rank(grade)?;
        if grade == granted.grade || crate::model::terms::STRICTER.contains(&granted.mask.as_str()) {
            return Some((granted.mask.clone(), grade == granted.grade));
        }
        Some((profile_mask(self, now)?, false))
    }
}

impl OpenedTable {
    fn is_usable(&self, actor: &Actor, way: Way, now: Timestamp) -> bool {
        let row = &self.grant.row;
        row.unit_id == actor.unit.id
            && !self.fields.is_empty()
            && grant::is_open(row.state, row.from_at, row.until_at, now)
            && Ways::parse(&row.ways).has(way)
    }

    fn is_chosen(&self, choice: &str) -> bool {
        self.grant.row.no == choice || self.application == choice
    }

    fn mandate(&self, sharing: &Sharing, now: Timestamp, rows_left_today: u64) -> TableMandate {
        let row = &self.grant.row;
        let clear = |field: &OpenedField| field.clear_until.filter(|until| now <= *until);
        let field = |field: &OpenedField| FieldMandate {
            mask: if clear(field).is_some() { Mask::Clear } else { field.field.mask.clone() },
            ..field.field.clone()
        };
        // A clear value ends with its approval also inside a long session.
        let until = self.fields.iter().filter_map(clear).chain([row.until_at]).min().unwrap_or(row.until_at);
        TableMandate {
            grant: row.no.clone(),
            schema: self.view.unit.code.clone(),
            name: self.view.table_name.clone(),
            comment: self.view.name.clone(),
            source: self.source.clone(),
            source_table: self.view.source_table.clone(),
            fields: self.fields.iter().map(field).collect(),
            row_filter: Some(row.row_scope.clone()).filter(|scope| !scope.trim().is_empty()),
            purpose: row.purpose.clone(),
            basis: row.basis.clone(),
            quota: Quota {
                rows_left_today,
                calls_per_minute: u32::try_from(row.calls_per_minute).unwrap_or(0),
                rows_per_result: u64::try_from(row.rows_per_result).unwrap_or(0),
            },
            until: until.utc(),
            state: sharing.watch.subscribe(&row.id),
        }
    }
}

/// One table per resource; several grants on one resource need a choice.
fn choose<'a>(usable: Vec<&'a OpenedTable>, choice: Option<&str>) -> Result<(Vec<&'a OpenedTable>, Vec<Ambiguous>)> {
    if let Some(choice) = choice
        && !usable.iter().any(|table| table.is_chosen(choice))
    {
        return Err(Error::refused(format!("授权 {choice} 不存在、未生效，或不允许以此方式使用")));
    }
    let mut by_resource: BTreeMap<&str, Vec<&OpenedTable>> = BTreeMap::new();
    for table in usable {
        by_resource.entry(table.view.id.as_str()).or_default().push(table);
    }
    let mut tables = Vec::new();
    let mut ambiguous = Vec::new();
    for several in by_resource.into_values() {
        let chosen = several.iter().find(|table| choice.is_some_and(|choice| table.is_chosen(choice)));
        match (chosen, several.as_slice()) {
            (Some(chosen), _) => tables.push(*chosen),
            (None, [only]) => tables.push(*only),
            (None, [first, ..]) => ambiguous.push(Ambiguous {
                schema: first.view.unit.code.clone(),
                name: first.view.table_name.clone(),
                title: first.view.name.clone(),
                grants: several.iter().map(|table| table.grant.row.no.clone()).collect(),
            }),
            (None, []) => {}
        }
    }
    Ok((tables, ambiguous))
}

/// Gives keyed masks the grant's own key.
fn keyed(mask: Mask, key: &[u8]) -> Mask {
    match mask {
        Mask::Hash { chars, .. } => Mask::Hash { salt: key.to_vec(), chars },
        Mask::Pseudonym { chars, .. } => Mask::Pseudonym { key: key.to_vec(), chars },
        Mask::Clear
        | Mask::Keep { .. }
        | Mask::Full
        | Mask::Null
        | Mask::Constant(_)
        | Mask::DateToYear
        | Mask::DateToMonth
        | Mask::NumberToRange { .. }
        | Mask::AddressToDistrict
        | Mask::NameToSurname
        | Mask::Email => mask,
    }
}
