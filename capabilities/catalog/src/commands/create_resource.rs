use std::sync::Arc;

use async_trait::async_trait;
use hufu_kernel::actor::UnitRef;
use hufu_kernel::command::{Applied, Command, Ctx, Loaded};
use hufu_kernel::error::Result;
use hufu_kernel::store::Tx;
use sea_orm::{ActiveValue::Set, EntityTrait};

use super::{all_right, announce, check_table_name, graded, load_new, object_of};
use crate::model::codes::CodeScheme;
use crate::model::field::{FieldSpec, doubles};
use crate::model::metadata::Metadata;
use crate::model::scheme::Scheme;
use crate::model::state::State;
use crate::store::{field, reserve, resource};

/// Begins an entry of one's own unit; it gets its code at once.
#[derive(Clone, Debug)]
pub struct CreateResource {
    pub metadata: Metadata,
    pub fields: Vec<FieldSpec>,
    pub codes: Arc<dyn CodeScheme>,
    pub scheme: Arc<Scheme>,
}

#[async_trait]
impl Command for CreateResource {
    const ACTION: &'static str = "catalog.resource.create";
    type Subject = UnitRef;
    type Output = resource::Model;

    async fn load(&self, _: &Tx, ctx: &Ctx) -> Result<Loaded<UnitRef>> {
        load_new(ctx, "catalog.resource")
    }

    async fn apply(self, tx: &Tx, ctx: &Ctx, unit: UnitRef) -> Result<Applied<resource::Model>> {
        let mut faults = self.metadata.faults_of_draft();
        faults.extend(doubles(&self.fields));
        faults.extend(self.fields.iter().enumerate().flat_map(|(at, field)| field.faults(at, &self.scheme)));
        all_right(faults)?;
        check_table_name(tx, &unit, &self.metadata.table_name, None).await?;
        let class = &self.metadata.class;
        let sequence = reserve(tx.db(), &self.codes.series(class, &unit.code), 1).await?;
        let code = self.codes.code(class, &unit.code, sequence);
        let by = &ctx.actor()?.login;
        let birth = resource::Birth { code, unit: &unit, state: State::Draft, by, at: ctx.now };
        let mut row = resource::new_row(&self.metadata, birth);
        let (grade, sensitive) = graded(&self.fields, &self.scheme);
        row.grade = Set(grade);
        row.sensitive = Set(sensitive);
        let id = row.id.clone().unwrap();
        resource::Entity::insert(row).exec_without_returning(tx.db()).await?;
        field::replace(tx.db(), &id, &self.fields).await?;
        let row = resource::find(tx.db(), &id).await?;
        announce(tx, &row);
        let detail = serde_json::json!({ "unit": unit.code, "kind": row.kind, "fields": self.fields.len() });
        let object = object_of(&row);
        Ok(Applied::new(row).object(object).detail(detail))
    }
}
