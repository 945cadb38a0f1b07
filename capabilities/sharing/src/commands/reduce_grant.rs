//! Takes from a grant what is no longer needed: fields, persons, ways, quota, time. Never adds.

use async_trait::async_trait;
use chrono::NaiveDate;
use hufu_kernel::command::{Applied, Command, Ctx, Loaded};
use hufu_kernel::error::{Error, Result};
use hufu_kernel::ids::AccountId;
use hufu_kernel::store::Tx;
use hufu_kernel::time::Timestamp;
use sea_orm::ActiveValue::Set;

use super::{grant_object, grant_resource, reason};
use crate::model::grant::{Event, Quota};
use crate::model::refusal::Refusal;
use crate::model::way::Ways;
use crate::store::grants::{self, Grant};
use crate::store::rows::data_grant;

#[derive(Debug)]
pub struct ReduceGrant {
    pub no: String,
    pub reason: String,
    pub version: Option<i32>,
    pub reduction: Reduction,
}

/// What goes away; absent stays.
#[derive(Clone, Debug, Default)]
pub struct Reduction {
    pub drop_fields: Vec<String>,
    pub drop_persons: Vec<AccountId>,
    pub ways: Option<Ways>,
    pub quota: Option<Quota>,
    pub until: Option<NaiveDate>,
}

#[async_trait]
impl Command for ReduceGrant {
    const ACTION: &'static str = "sharing.grant.reduce";
    type Subject = Grant;
    type Output = ();

    async fn load(&self, tx: &Tx, _: &Ctx) -> Result<Loaded<Grant>> {
        let grant = grants::find(tx.db(), &self.no).await?;
        if self.version.is_some_and(|seen| seen != grant.row.version) {
            return Err(Error::stale());
        }
        let row = &grant.row;
        let resource = grant_resource(tx.db(), row.id.as_str(), &row.unit_id, &row.provider_id).await?;
        Ok(Loaded { object: grant_object(&grant), subject: grant, resource })
    }

    async fn apply(self, tx: &Tx, ctx: &Ctx, grant: Grant) -> Result<Applied<()>> {
        let reason = reason("reason", &self.reason)?;
        grant.row.state.step(Event::Reduce)?;
        let change = self.change(ctx, &grant, reason)?;
        let reduction = &self.reduction;
        grants::drop_fields(tx, &grant.row.id, &reduction.drop_fields).await?;
        grants::drop_persons(tx, &grant.row.id, &reduction.drop_persons).await?;
        grants::update(tx, change, &grant.row).await?;
        super::tell_persons(tx, ctx, &grant, "授权已缩减").await?;
        let detail = serde_json::json!({
            "fields_dropped": reduction.drop_fields,
            "persons_dropped": reduction.drop_persons.len(),
            "ways": reduction.ways.as_ref().map(Ways::stored),
            "quota": reduction.quota,
            "until": reduction.until.map(|until| until.to_string()),
        });
        Ok(Applied::new(()).detail(detail))
    }
}

impl ReduceGrant {
    /// The row as it becomes, once it is sure that nothing grows and something remains.
    fn change(&self, ctx: &Ctx, grant: &Grant, reason: String) -> Result<data_grant::ActiveModel> {
        let (row, asked) = (&grant.row, &self.reduction);
        let held = Quota {
            rows_per_day: row.rows_per_day,
            calls_per_minute: row.calls_per_minute,
            rows_per_result: row.rows_per_result,
        };
        let ways = asked.ways.clone().unwrap_or_else(|| Ways::parse(&row.ways));
        let quota = asked.quota.unwrap_or(held);
        let until = asked.until.map_or(row.until_at, Timestamp::end_of);
        let fields_left = grant.fields.iter().filter(|field| !asked.drop_fields.contains(&field.name)).count();
        let persons_left = grant.persons.iter().filter(|p| !asked.drop_persons.contains(&p.account)).count();
        let remains = fields_left > 0 && persons_left > 0 && !ways.is_empty() && quota.is_positive();
        let within = ways.within(&Ways::parse(&row.ways)) && quota.within(held) && until <= row.until_at;
        if !remains || !within || until < ctx.now {
            return Err(Refusal::NotReduced.into());
        }
        Ok(data_grant::ActiveModel {
            ways: Set(ways.stored()),
            rows_per_day: Set(quota.rows_per_day),
            calls_per_minute: Set(quota.calls_per_minute),
            rows_per_result: Set(quota.rows_per_result),
            until_at: Set(until),
            state_reason: Set(reason),
            state_at: Set(ctx.now),
            ..Default::default()
        })
    }
}
