//! Makes the city: units, people, sources, entries, applications — by the very commands people use, wherever there is one.

use std::collections::{BTreeMap, BTreeSet};

use anyhow::{Context as _, Result};
use async_trait::async_trait;
use hufu_catalog::commands::create_source::CreateSource;
use hufu_catalog::commands::seed_resources::{Batch, NewResource, SeedResources};
use hufu_catalog::model::class::Class;
use hufu_catalog::model::field::FieldSpec;
use hufu_catalog::model::metadata::{Metadata, SharingTerms};
use hufu_catalog::model::source::SourceSpec;
use hufu_catalog::model::state::State;
use hufu_catalog::model::terms::{Cycle, DataType, FormatClass, ResourceKind, Sharing};
use hufu_kernel::actor::UnitRef;
use hufu_kernel::audit::ObjectRef;
use hufu_kernel::command::{Applied, Command, Ctx, Loaded, run};
use hufu_kernel::ids::{ResourceId, SourceId};
use hufu_kernel::policy::Resource;
use hufu_kernel::store::Tx;
use hufu_kernel::unit::{self, NewUnit};

use super::city::UnitPlan;
use super::entries::{EntryPlan, Kind};
use super::epidemic::{Cell, Store};
use super::tables::folder;
use crate::assembly::{City, startable};

/// Writes all units of the plan that are not there yet, in one act.
pub(crate) struct SeedUnits(pub(crate) Vec<UnitPlan>);

#[async_trait]
impl Command for SeedUnits {
    const ACTION: &'static str = "demo.units.seed";
    type Subject = ();
    type Output = usize;

    async fn load(&self, _: &Tx, _: &Ctx) -> hufu_kernel::error::Result<Loaded<()>> {
        Ok(Loaded { subject: (), resource: Resource::new("OrgUnit", "seed"), object: ObjectRef::new("unit", "", "") })
    }

    fn by_system(&self) -> bool {
        true
    }

    async fn apply(self, tx: &Tx, _: &Ctx, (): ()) -> hufu_kernel::error::Result<Applied<usize>> {
        let mut made: BTreeMap<String, UnitRef> = BTreeMap::new();
        for known in unit::all(tx.db()).await? {
            made.insert(known.code.clone(), known.as_ref());
        }
        let count = self.0.len();
        for (plan, sort) in self.0.into_iter().zip(0..) {
            if made.contains_key(&plan.code) {
                continue;
            }
            let parent = plan.parent.as_ref().and_then(|code| made.get(code)).cloned();
            let new = NewUnit { code: plan.code.clone(), name: plan.name, kind: plan.kind, level: plan.level, parent, sort };
            made.insert(plan.code, unit::insert(tx.db(), new).await?);
        }
        Ok(Applied::new(count).detail(serde_json::json!({ "units": count })))
    }
}

/// Registers each unit's database and folders as sources, in the operator's name.
pub(crate) async fn sources(
    city: &City,
    operator: &Ctx,
    dir: &std::path::Path,
    entries: &[EntryPlan],
) -> Result<BTreeMap<(&'static str, &'static str), SourceId>> {
    let wanted: BTreeSet<(&'static str, &'static str)> =
        entries.iter().filter_map(|entry| Some((entry.unit, kind_of(entry.store?)))).collect();
    let mut made = BTreeMap::new();
    for (unit, kind) in wanted {
        let store = entries.iter().find_map(|e| e.store.filter(|s| e.unit == unit && kind_of(*s) == kind));
        let path = folder(dir, unit, store.context("a wanted store has an entry")?);
        let name = match kind {
            "sqlite" => "业务数据库".to_owned(),
            other => format!("{}文件目录", other.to_uppercase()),
        };
        let spec = SourceSpec {
            name,
            system: "政务数据归集系统".to_owned(),
            mlps_level: "三级".to_owned(),
            kind: kind.to_owned(),
            path: std::path::absolute(path)?.display().to_string(),
            ..SourceSpec::default()
        };
        let create = CreateSource { unit: Some(unit.to_owned()), spec, vault: city.catalog.vault() };
        made.insert((unit, kind), run(&city.house.kernel, operator, create).await.map_err(startable)?.output);
    }
    Ok(made)
}

/// Publishes all entries in one batch.
pub(crate) async fn entries(
    city: &City,
    ctx: &Ctx,
    plans: &[EntryPlan],
    sources: &BTreeMap<(&'static str, &'static str), SourceId>,
) -> Result<Vec<ResourceId>> {
    let db = city.house.kernel.store.reader();
    let units: BTreeMap<String, UnitRef> =
        unit::all(db).await.map_err(startable)?.into_iter().map(|unit| (unit.code.clone(), unit.as_ref())).collect();
    let mut new = Vec::with_capacity(plans.len());
    for plan in plans {
        let owner = units.get(plan.unit).with_context(|| format!("unit {}", plan.unit))?;
        let source = plan.store.and_then(|store| sources.get(&(plan.unit, kind_of(store))));
        new.push(NewResource {
            unit: owner.clone(),
            metadata: metadata(plan),
            fields: plan.columns.iter().map(field).collect(),
            mount: source.map(|source| (source.clone(), plan.table.clone())),
            at: None,
        });
    }
    let batch = Batch {
        state: State::Published,
        by: "demo".to_owned(),
        now: ctx.now,
        codes: city.catalog.codes(),
        scheme: city.catalog.scheme(),
    };
    Ok(run(&city.house.kernel, ctx, SeedResources { batch, new }).await.map_err(startable)?.output)
}

fn metadata(plan: &EntryPlan) -> Metadata {
    let kind = match plan.kind {
        Kind::Table => ResourceKind::Table,
        Kind::Interface => ResourceKind::Interface,
        Kind::Map => ResourceKind::Map,
        Kind::File => ResourceKind::File,
    };
    let (format_class, usual) = FormatClass::usual_for(kind);
    let (format_class, format_type) = match plan.store {
        Some(Store::Sqlite) => (FormatClass::Database, "SQLite"),
        Some(Store::Parquet) => (FormatClass::Database, "Parquet"),
        Some(Store::Csv) => (FormatClass::Spreadsheet, "CSV"),
        Some(Store::Xlsx) => (FormatClass::Spreadsheet, "XLSX"),
        None => (format_class, usual),
    };
    let terms = if plan.conditional {
        SharingTerms {
            sharing: Sharing::Conditional,
            scope: "云江市各级行政机关和依法授权的公共事务管理组织".to_owned(),
            purpose: "仅用于履行法定职责，须逐项说明使用依据和场景".to_owned(),
            ..SharingTerms::default()
        }
    } else {
        SharingTerms { sharing: Sharing::Unconditional, ..SharingTerms::default() }
    };
    let summary = if plan.epidemic { "疫情防控期间归集的涉疫数据，按处置要求管理。" } else { "部门履职中产生的数据。" };
    Metadata {
        name: plan.name.clone(),
        class: class(plan),
        provider_code: super::people::credit_code("441800", place_of(plan.unit)),
        summary: format!("{}：{summary}", plan.name),
        kind,
        format_class,
        format_type: format_type.to_owned(),
        terms,
        cycle: if plan.kind == Kind::File { Cycle::Quarterly } else { Cycle::Daily },
        theme: plan.theme.to_owned(),
        row_count: i64::try_from(plan.rows).ok().filter(|rows| *rows > 0),
        table_name: plan.table.clone(),
        ..Metadata::default()
    }
}

/// 部门 class: item by theme, directory by department, detail by kind.
fn class(plan: &EntryPlan) -> Class {
    let departments = super::city::departments();
    let place = place_of(plan.unit);
    let (detail, detail_name) = match plan.kind {
        Kind::Table => ("1", "库表"),
        Kind::Interface => ("2", "服务接口"),
        Kind::Map => ("3", "电子地图"),
        Kind::File => ("4", "文件"),
    };
    Class {
        code: format!("305{place:03}000{detail}"),
        item_name: "市级部门".to_owned(),
        directory_name: departments.get(place - 1).map(|d| d.name.to_owned()).unwrap_or_default(),
        detail_name: detail_name.to_owned(),
    }
}

/// Place of a department in the list, from 1.
fn place_of(unit: &str) -> usize {
    super::city::departments().iter().position(|department| department.code == unit).unwrap_or_default() + 1
}

fn field((name, title, cell): &super::epidemic::Column) -> FieldSpec {
    let data_type = match cell {
        Cell::Number(_) => DataType::Integer,
        Cell::Date | Cell::BirthDate => DataType::Date,
        Cell::Name
        | Cell::IdCard
        | Cell::Sex
        | Cell::Mobile
        | Cell::Address
        | Cell::District
        | Cell::Word(_)
        | Cell::Health(_)
        | Cell::Code(_) => DataType::Text,
    };
    FieldSpec {
        name: (*name).to_owned(),
        title: (*title).to_owned(),
        data_type,
        length: None,
        key: matches!(cell, Cell::Code(_)),
        kind: Some(cell.kind().to_owned()),
        grade: Some(cell.grade().to_owned()),
        sensitive: matches!(cell, Cell::IdCard),
    }
}

fn kind_of(store: Store) -> &'static str {
    match store {
        Store::Sqlite => "sqlite",
        Store::Csv => "csv",
        Store::Xlsx => "xlsx",
        Store::Parquet => "parquet",
    }
}
