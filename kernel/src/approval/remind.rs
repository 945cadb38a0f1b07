//! Reminders: whoever a step waits for is told when its deadline is near, and again when it has passed.

use async_trait::async_trait;
use sea_orm::{ColumnTrait, EntityTrait, QueryFilter, QuerySelect};
use serde::{Deserialize, Serialize};
use serde_json::{Value, json};

use super::store::{self, Column, StatusWord, StepWord, step};
use super::signer;
use crate::audit::ObjectRef;
use crate::command::{Applied, Command, Ctx, Loaded, run};
use crate::error::Result;
use crate::ids::{ApprovalId, StepId};
use crate::jobs::{self, JobCtx, JobHandler, NewJob};
use crate::message::{self, Category, NewMessage};
use crate::policy::Resource;
use crate::store::Tx;
use crate::time::Timestamp;

/// Working days before the end at which the first reminder goes out.
const NEAR_DAYS: i64 = 1;
/// Calendar days looked ahead: more than the longest run of holidays.
const AHEAD_DAYS: i64 = 14;
/// Steps looked at in one run; the next run takes the rest.
const STEPS_MAX: u64 = 5000;

/// Looks for steps that are near their end or past it, and queues one reminder for each, once.
#[derive(Clone, Copy, Debug, Default)]
pub struct FindDue;

/// Sends one reminder.
#[derive(Clone, Copy, Debug, Default)]
pub struct Remind;

/// Which step, until when, and which of the two reminders.
#[derive(Clone, Debug, Serialize, Deserialize)]
struct Due {
    approval: ApprovalId,
    step: StepId,
    due: Timestamp,
    is_late: bool,
}

#[async_trait]
impl JobHandler for FindDue {
    fn name(&self) -> &'static str {
        "kernel.find_due"
    }

    async fn run(&self, job: &JobCtx) -> Result<Value> {
        let (kernel, ctx) = (job.kernel(), job.ctx());
        let horizon = ctx.now.plus(chrono::Duration::days(AHEAD_DAYS));
        let waiting = store::Entity::find()
            .find_also_related(step::Entity)
            .filter(Column::Status.eq(StatusWord::Running))
            .filter(step::Column::State.eq(StepWord::Open))
            .filter(step::Column::Due.lt(horizon))
            .limit(STEPS_MAX)
            .all(kernel.store.reader())
            .await?;
        let calendar = &kernel.store.rules().calendar;
        let tx = kernel.store.begin().await?;
        let mut queued = 0_u64;
        for (row, step) in waiting {
            let Some((step, due)) = step.and_then(|step| step.due.map(|due| (step.id, due))) else { continue };
            let left = calendar.remaining(ctx.now.date(), due.date());
            if left > NEAR_DAYS {
                continue;
            }
            let what = Due { approval: row.id, step, due, is_late: left < 0 };
            let key = format!("{}:{}:{}", what.step, due.millis(), what.is_late);
            jobs::enqueue(&tx, &ctx, NewJob::new("kernel.remind", serde_json::to_value(&what)?).once(key)).await?;
            queued += 1;
        }
        for event in tx.commit().await? {
            let _ = kernel.events.send(event);
        }
        Ok(json!({ "steps": queued }))
    }
}

#[async_trait]
impl JobHandler for Remind {
    fn name(&self) -> &'static str {
        "kernel.remind"
    }

    async fn run(&self, job: &JobCtx) -> Result<Value> {
        let due: Due = job.payload()?;
        let told = run(job.kernel(), &job.ctx(), RemindSigner(due)).await?.output;
        Ok(json!({ "told": told }))
    }
}

struct RemindSigner(Due);

#[async_trait]
impl Command for RemindSigner {
    const ACTION: &'static str = "kernel.approval.remind";
    type Subject = (store::Model, super::State);
    type Output = bool;

    async fn load(&self, tx: &Tx, _: &Ctx) -> Result<Loaded<Self::Subject>> {
        let (row, state) = store::load(tx.db(), &self.0.approval).await?;
        let object = ObjectRef::new(&row.object_kind, &row.object_id, row.object_no.clone());
        Ok(Loaded { subject: (row, state), resource: Resource::new("Desk", self.0.step.to_string()), object })
    }

    async fn apply(self, tx: &Tx, ctx: &Ctx, (row, state): Self::Subject) -> Result<Applied<bool>> {
        // Decided, returned or extended since it was queued: nothing to remind of.
        let at = state.may_remind(&self.0.step, self.0.due);
        let Some(to) = at.and_then(|at| signer(&state, at)) else { return Ok(Applied::new(false)) };
        let left = tx.rules().calendar.remaining(ctx.now.date(), self.0.due.date());
        let words = match left {
            left if left < 0 => format!("已逾期{}个工作日", left.unsigned_abs()),
            0 => "今日到期".to_owned(),
            left => format!("剩{left}个工作日"),
        };
        let title = format!("{words}：{}", row.title);
        let until = self.0.due.date();
        let body = format!("{} {}，办理时限{until}。请登录系统及时办理。", row.kind_name, row.object_no);
        let new = NewMessage { to, category: Category::Reminder, title, body, link: row.link };
        message::send(tx, ctx.now, new).await?;
        Ok(Applied::new(true).detail(json!({ "left": left })))
    }

    fn by_system(&self) -> bool {
        true
    }
}
