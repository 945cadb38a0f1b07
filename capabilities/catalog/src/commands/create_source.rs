use async_trait::async_trait;
use hufu_identity::Vault;
use hufu_kernel::actor::UnitRef;
use hufu_kernel::audit::ObjectRef;
use hufu_kernel::command::{Applied, Command, Ctx, Loaded};
use hufu_kernel::error::{Error, FieldError, Result};
use hufu_kernel::ids::SourceId;
use hufu_kernel::store::Tx;
use hufu_kernel::unit;
use sea_orm::{ActiveValue::Set, EntityTrait};

use super::{all_right, policy_source};
use crate::model::source::{Reach, SourceSpec, reach};
use crate::store::source;

/// Registers a source of one's unit or one below; the password goes into an envelope.
#[derive(Clone, Debug)]
pub struct CreateSource {
    /// Code of the owning unit; absent means one's own.
    pub unit: Option<String>,
    pub spec: SourceSpec,
    pub vault: Vault,
}

#[async_trait]
impl Command for CreateSource {
    const ACTION: &'static str = "catalog.source.create";
    type Subject = UnitRef;
    type Output = SourceId;

    async fn load(&self, tx: &Tx, ctx: &Ctx) -> Result<Loaded<UnitRef>> {
        let unit = match &self.unit {
            Some(code) => unit::find_by_code(tx.db(), code).await?.as_ref(),
            None => ctx.actor()?.unit.clone(),
        };
        let resource = policy_source("new", &unit);
        Ok(Loaded { subject: unit, resource, object: ObjectRef::new("catalog.source", "", &self.spec.name) })
    }

    async fn apply(self, tx: &Tx, ctx: &Ctx, unit: UnitRef) -> Result<Applied<SourceId>> {
        all_right(self.spec.faults())?;
        if source::of_unit(tx.db(), &unit.id).await?.iter().any(|known| known.name == self.spec.name.trim()) {
            return Err(Error::invalid(vec![FieldError::new("name", "本单位已有同名数据源")]));
        }
        let id = SourceId::generate();
        let mut row = described(&id, &self.spec, &self.vault)?;
        row.id = Set(id.clone());
        row.unit_id = Set(unit.id.clone());
        row.unit_path = Set(unit.path.clone());
        if self.spec.password.is_none() {
            row.password = Set(String::new());
        }
        row.reachable = Set(None);
        row.probed_at = Set(None);
        row.probe_note = Set(String::new());
        row.scanned_at = Set(None);
        row.scan_job = Set(None);
        row.created_at = Set(ctx.now);
        row.closed_at = Set(None);
        row.version = Set(1);
        source::Entity::insert(row).exec_without_returning(tx.db()).await?;
        let object = ObjectRef::new("catalog.source", &id, self.spec.name.trim());
        let detail = serde_json::json!({ "unit": unit.code, "kind": self.spec.kind });
        Ok(Applied::new(id).object(object).detail(detail))
    }
}

/// Columns that follow from what was stated. Address and account never go into the ledger.
pub(crate) fn described(id: &SourceId, spec: &SourceSpec, vault: &Vault) -> Result<source::ActiveModel> {
    let kind = source::parse_kind(&spec.kind);
    let usual_port = match kind.map(reach) {
        Some(Reach::Server { usual_port }) => usual_port,
        Some(Reach::Path) | None => 0,
    };
    let mut row = source::ActiveModel {
        name: Set(spec.name.trim().to_owned()),
        system: Set(spec.system.trim().to_owned()),
        mlps_level: Set(spec.mlps_level.trim().to_owned()),
        kind: Set(spec.kind.clone()),
        host: Set(spec.host.trim().to_owned()),
        port: Set(spec.port.unwrap_or(usual_port)),
        database_name: Set(spec.database.clone()),
        user_name: Set(spec.user.clone()),
        tls: Set(if spec.tls.is_empty() { "off".to_owned() } else { spec.tls.clone() }),
        path: Set(spec.path.trim().to_owned()),
        declared: Set(serde_json::to_string(&spec.declared)?),
        ..Default::default()
    };
    if let Some(password) = &spec.password {
        row.password = Set(vault.seal(&password_place(id), password.as_bytes())?);
    }
    Ok(row)
}

/// The place a sealed password is bound to.
pub(crate) fn password_place(id: &SourceId) -> String {
    format!("catalog_source.password:{id}")
}
