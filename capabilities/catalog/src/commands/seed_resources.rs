use std::collections::HashMap;
use std::sync::Arc;

use async_trait::async_trait;
use hufu_kernel::actor::UnitRef;
use hufu_kernel::audit::ObjectRef;
use hufu_kernel::command::{Applied, Command, Ctx, Loaded};
use hufu_kernel::error::{Error, FieldError, Result};
use hufu_kernel::event::Event;
use hufu_kernel::ids::{ResourceId, SourceId};
use hufu_kernel::policy::Resource;
use hufu_kernel::store::Tx;
use hufu_kernel::time::Timestamp;
use sea_orm::ActiveValue::Set;

use super::decide_resource::next_review;
use super::{all_right, graded};
use crate::model::codes::CodeScheme;
use crate::model::field::FieldSpec;
use crate::model::metadata::Metadata;
use crate::model::scheme::Scheme;
use crate::model::state::State;
use crate::model::terms::Sharing;
use crate::search::TOPIC_MANY;
use crate::store::{field, reserve, resource};

/// Faults that are told of one batch.
const FAULTS_MAX: usize = 50;

/// An entry as it comes in a batch.
#[derive(Clone, Debug)]
pub struct NewResource {
    pub unit: UnitRef,
    pub metadata: Metadata,
    pub fields: Vec<FieldSpec>,
    /// Source and table, when its rows are there.
    pub mount: Option<(SourceId, String)>,
    /// When it was published or last changed; the batch's moment otherwise.
    pub at: Option<Timestamp>,
}

/// How the entries of a batch come into being.
#[derive(Clone, Debug)]
pub struct Batch {
    pub state: State,
    /// Login that stands behind them.
    pub by: String,
    pub now: Timestamp,
    pub codes: Arc<dyn CodeScheme>,
    pub scheme: Arc<Scheme>,
}

/// Writes many entries with their fields in few statements. All are checked as a submission is, and one fault refuses all.
pub async fn seed(tx: &Tx, batch: &Batch, new: Vec<NewResource>) -> Result<Vec<ResourceId>> {
    let faults = |(at, new): (usize, &NewResource)| -> Vec<FieldError> {
        let name = &new.metadata.name;
        let found = new.metadata.faults(&new.fields, &batch.scheme);
        found.into_iter().map(|fault| FieldError::new(format!("[{at}].{}", fault.field), format!("「{name}」{}", fault.message))).collect()
    };
    all_right(new.iter().enumerate().flat_map(faults).take(FAULTS_MAX).collect())?;
    let codes = reserve_codes(tx, batch, &new).await?;
    if codes.len() != new.len() {
        return Err(Error::internal("codes do not match entries"));
    }
    let mut rows = Vec::with_capacity(new.len());
    let mut fields = Vec::new();
    let mut ids = Vec::with_capacity(new.len());
    for (one, code) in new.iter().zip(codes) {
        let at = one.at.unwrap_or(batch.now);
        let birth = resource::Birth { code, unit: &one.unit, state: batch.state, by: &batch.by, at };
        let mut row = resource::new_row(&one.metadata, birth);
        let (grade, sensitive) = graded(&one.fields, &batch.scheme);
        row.grade = Set(grade);
        row.sensitive = Set(sensitive);
        if let Some((source, table)) = &one.mount {
            row.source_id = Set(Some(source.clone()));
            row.source_table = Set(table.clone());
        }
        if batch.state == State::Published && one.metadata.terms.sharing == Sharing::Withheld {
            row.reviewed_at = Set(Some(at));
            row.review_due = Set(Some(next_review(at)));
        }
        let id = row.id.clone().unwrap();
        fields.extend(one.fields.iter().enumerate().map(|(position, spec)| field::row(&id, position, spec)));
        rows.push(row);
        ids.push(id);
    }
    resource::insert_many(tx.db(), rows).await?;
    field::insert_many(tx.db(), fields).await?;
    tx.announce(Event::new(TOPIC_MANY, ""));
    Ok(ids)
}

/// Codes in the order of the entries; each series is counted up once.
async fn reserve_codes(tx: &Tx, batch: &Batch, new: &[NewResource]) -> Result<Vec<String>> {
    let series_of = |one: &NewResource| batch.codes.series(&one.metadata.class, &one.unit.code);
    let mut wanted: HashMap<String, i64> = HashMap::new();
    for one in new {
        *wanted.entry(series_of(one)).or_default() += 1;
    }
    let mut next: HashMap<String, i64> = HashMap::new();
    for (series, count) in wanted {
        let first = reserve(tx.db(), &series, count).await?;
        next.insert(series, first);
    }
    let mut codes = Vec::with_capacity(new.len());
    for one in new {
        let sequence = next.get_mut(&series_of(one)).ok_or_else(|| Error::internal("series was not reserved"))?;
        codes.push(batch.codes.code(&one.metadata.class, &one.unit.code, *sequence));
        *sequence += 1;
    }
    Ok(codes)
}

/// The batch that the system itself writes when a city is set up; one entry in the ledger for all.
#[derive(Clone, Debug)]
pub struct SeedResources {
    pub batch: Batch,
    pub new: Vec<NewResource>,
}

#[async_trait]
impl Command for SeedResources {
    const ACTION: &'static str = "catalog.resource.seed";
    type Subject = ();
    type Output = Vec<ResourceId>;

    async fn load(&self, _: &Tx, _: &Ctx) -> Result<Loaded<()>> {
        Ok(Loaded { subject: (), resource: Resource::new("Cart", "seed"), object: ObjectRef::new("catalog", "", "") })
    }

    fn by_system(&self) -> bool {
        true
    }

    async fn apply(self, tx: &Tx, _: &Ctx, (): ()) -> Result<Applied<Vec<ResourceId>>> {
        let fields: usize = self.new.iter().map(|one| one.fields.len()).sum();
        let detail = serde_json::json!({ "resources": self.new.len(), "fields": fields, "state": self.batch.state });
        let ids = seed(tx, &self.batch, self.new).await?;
        Ok(Applied::new(ids).detail(detail))
    }
}
