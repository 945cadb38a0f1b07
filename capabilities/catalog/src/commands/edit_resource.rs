use std::sync::Arc;

use async_trait::async_trait;
use hufu_kernel::command::{Applied, Command, Ctx, Loaded};
use hufu_kernel::error::{Error, Result};
use hufu_kernel::store::Tx;
use sea_orm::ActiveValue::Set;

use super::{Entry, all_right, announce, check_table_name, graded, load_entry};
use crate::model::field::{FieldSpec, doubles};
use crate::model::metadata::Metadata;
use crate::model::scheme::Scheme;
use crate::model::state::Event;
use crate::store::{field, resource};

/// Changes a draft, or an entry that is offline. Its code stays: others may have written it down.
#[derive(Clone, Debug)]
pub struct EditResource {
    pub key: String,
    pub version: i32,
    pub metadata: Metadata,
    /// Absent: the fields stay.
    pub fields: Option<Vec<FieldSpec>>,
    pub scheme: Arc<Scheme>,
}

#[async_trait]
impl Command for EditResource {
    const ACTION: &'static str = "catalog.resource.edit";
    type Subject = Entry;
    type Output = resource::Model;

    async fn load(&self, tx: &Tx, _: &Ctx) -> Result<Loaded<Entry>> {
        load_entry(tx, &self.key).await
    }

    async fn apply(self, tx: &Tx, ctx: &Ctx, entry: Entry) -> Result<Applied<resource::Model>> {
        entry.fresh(self.version)?;
        entry.row.state.after(Event::Edit)?;
        let mut faults = self.metadata.faults_of_draft();
        if let Some(fields) = &self.fields {
            faults.extend(doubles(fields));
            faults.extend(fields.iter().enumerate().flat_map(|(at, field)| field.faults(at, &self.scheme)));
        }
        all_right(faults)?;
        if self.metadata.class.code != entry.row.class_code && entry.row.published_at.is_some() {
            return Err(Error::conflict("CAT-CLASS", "目录已经发布过，分类代码不能再改"));
        }
        check_table_name(tx, &entry.unit, &self.metadata.table_name, Some(&entry.row)).await?;
        let mut change = resource::change();
        resource::describe(&mut change, &self.metadata);
        if let Some(fields) = &self.fields {
            let (grade, sensitive) = graded(fields, &self.scheme);
            change.grade = Set(grade);
            change.sensitive = Set(sensitive);
            field::replace(tx.db(), &entry.row.id, fields).await?;
        }
        let row = resource::update(tx.db(), &entry.row, change, ctx.now).await?;
        announce(tx, &row);
        let fields = self.fields.as_ref().map(Vec::len);
        let detail = serde_json::json!({ "version": row.version, "fields": fields });
        Ok(Applied::new(row).detail(detail))
    }
}
