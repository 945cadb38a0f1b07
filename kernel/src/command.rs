//! Stream one: someone decides. begin → load → authorize → decide → write → entry → jobs → commit.
//!
//! One command = one transaction = one ledger entry; refused and failed commands leave an entry too.
//! Nothing outside the database happens inside: mail, files, remote calls and data movement are jobs.

use async_trait::async_trait;
use tokio::sync::broadcast;

use crate::actor::Actor;
use crate::audit::{self, Entry, EntryActor, ObjectRef, Outcome, Sequencer};
use crate::error::{Error, Kind, Result};
use crate::event::Event;
use crate::ids::EntryId;
use crate::policy::{Policy, Resource};
use crate::store::{Store, Tx};
use crate::time::{Clock, Timestamp};

/// One request, as every command and query sees it.
#[derive(Clone, Debug)]
pub struct Ctx {
    /// Absent for what happens before log-in and by itself.
    pub actor: Option<Actor>,
    pub request_id: String,
    /// Address of the client; `local` for jobs and the command line.
    pub client: String,
    pub now: Timestamp,
}

impl Ctx {
    pub fn actor(&self) -> Result<&Actor> {
        self.actor.as_ref().ok_or_else(Error::unauthenticated)
    }

    /// For what the system does by itself at `now`: expiry, recovery, seeding.
    pub fn system(now: Timestamp, request_id: impl Into<String>) -> Self {
        Self { actor: None, request_id: request_id.into(), client: "local".to_owned(), now }
    }
}

/// A decision somebody takes. Commands are imperative verbs, one file each.
#[async_trait]
pub trait Command: Send + Sync {
    /// Name in Cedar and in the ledger: `sharing.application.submit`.
    const ACTION: &'static str;
    /// What is loaded once and decided about.
    type Subject: Send + Sync;
    type Output: Send;

    /// Reads what the decision is about, inside the transaction.
    async fn load(&self, tx: &Tx, ctx: &Ctx) -> Result<Loaded<Self::Subject>>;

    /// Decides (by pure functions of the model) and writes. Only called when the policy allows it.
    async fn apply(self, tx: &Tx, ctx: &Ctx, subject: Self::Subject) -> Result<Applied<Self::Output>>;

    /// May the system do this without an actor? Only for what happens by itself.
    fn by_system(&self) -> bool {
        false
    }
}

/// What a command is about, and how the policy and the ledger name it.
#[derive(Debug)]
pub struct Loaded<S> {
    pub subject: S,
    pub resource: Resource,
    pub object: ObjectRef,
}

/// What a command did.
#[derive(Debug)]
pub struct Applied<T> {
    pub output: T,
    /// The object, when it only exists now or got its number now; else the loaded one stands.
    pub object: Option<ObjectRef>,
    /// Public facts for the ledger.
    pub detail: serde_json::Value,
}

impl<T> Applied<T> {
    pub fn new(output: T) -> Self {
        Self { output, object: None, detail: serde_json::Value::Null }
    }

    pub fn object(mut self, object: ObjectRef) -> Self {
        self.object = Some(object);
        self
    }

    pub fn detail(mut self, detail: serde_json::Value) -> Self {
        self.detail = detail;
        self
    }
}

/// Result of a command with the index of its entry.
#[derive(Clone, Debug)]
pub struct Receipt<T> {
    pub output: T,
    pub ledger_index: u64,
}

/// What every capability stands on, shared by all requests.
#[derive(Debug)]
pub struct Kernel {
    pub store: Store,
    pub policy: Policy,
    pub clock: std::sync::Arc<dyn Clock>,
    pub sequencer: std::sync::Arc<dyn Sequencer>,
    pub events: broadcast::Sender<Event>,
}

/// Runs one command; the only way by which metadata change.
///
/// Committing and recording go on when the caller goes away in between (a browser that closes its
/// connection drops the future), so that no act is left without its entry.
pub async fn run<C: Command>(kernel: &Kernel, ctx: &Ctx, command: C) -> Result<Receipt<C::Output>> {
    if kernel.sequencer.is_stopped() {
        // What cannot be recorded does not happen; a refusal cannot be recorded either.
        return Err(Error::unavailable("HF-LEDGER-STOPPED", "存证账本暂停写入，操作未办理，请联系系统管理员"));
    }
    let mut object = ObjectRef::new("", "", "");
    let (tx, entry, output) = match attempt(kernel, ctx, command, &mut object).await {
        Ok(decided) => decided,
        Err(error) => {
            record_failure(kernel, ctx, C::ACTION, object, &error).await?;
            return Err(error);
        }
    };
    let ledger_index = conclude(kernel, tx, &entry).await?;
    Ok(Receipt { output, ledger_index })
}

/// Everything up to the commit; dropping the transaction undoes it.
async fn attempt<C: Command>(
    kernel: &Kernel,
    ctx: &Ctx,
    command: C,
    object: &mut ObjectRef,
) -> Result<(Tx, Entry, C::Output)> {
    // Before anything is read: who is not signed in does not learn what exists.
    if ctx.actor.is_none() && !command.by_system() {
        return Err(Error::unauthenticated());
    }
    let tx = kernel.store.begin().await?;
    let loaded = command.load(&tx, ctx).await?;
    *object = loaded.object;
    authorize(kernel, ctx, C::ACTION, &loaded.resource, command.by_system())?;
    let applied = command.apply(&tx, ctx, loaded.subject).await?;
    if let Some(named) = applied.object {
        *object = named;
    }
    let entry = entry(ctx, C::ACTION, object.clone(), Outcome::Done, None, applied.detail);
    if entry.body()?.len() > hufu_ledger::BODY_BYTES_MAX {
        return Err(Error::new(Kind::TooLarge, "HF-ENTRY-LARGE", "操作内容过大，无法写入存证账本，请分批办理"));
    }
    audit::write(tx.db(), &entry).await?;
    Ok((tx, entry, applied.output))
}

/// Commits, records, tells: in a task of its own, which nobody's leaving interrupts.
async fn conclude(kernel: &Kernel, tx: Tx, entry: &Entry) -> Result<u64> {
    let body = entry.body()?;
    let sequencer = std::sync::Arc::clone(&kernel.sequencer);
    let told = kernel.events.clone();
    let work = tokio::spawn(async move {
        let events = tx.commit().await?;
        let index = sequencer.append(body).await.map_err(unrecorded)?;
        for event in events {
            // Nobody listening is no fault.
            let _ = told.send(event);
        }
        Ok(index)
    });
    work.await.map_err(Error::internal)?
}

/// The act is in the store and its entry is not known to be in the log: the next start makes it so.
fn unrecorded(cause: Error) -> Error {
    Error::unavailable("HF-LEDGER-UNKNOWN", "操作已受理，存证待系统恢复后自动补记，请勿重复提交").because(cause)
}

fn authorize(kernel: &Kernel, ctx: &Ctx, action: &str, resource: &Resource, by_system: bool) -> Result<()> {
    let Some(actor) = &ctx.actor else {
        return if by_system { Ok(()) } else { Err(Error::unauthenticated()) };
    };
    let decision = kernel.policy.decide(actor, action, resource)?;
    for error in &decision.errors {
        tracing::error!(action, error, "policy erred, denied");
    }
    if decision.allowed { Ok(()) } else { Err(Error::refused("您的角色或单位无权进行此操作")) }
}

/// A refusal is an act too: it gets its entry in a small transaction of its own.
async fn record_failure(kernel: &Kernel, ctx: &Ctx, action: &str, object: ObjectRef, error: &Error) -> Result<()> {
    let outcome = match error.kind() {
        Kind::Internal | Kind::Unavailable => Outcome::Failed,
        Kind::Invalid
        | Kind::Unauthenticated
        | Kind::Refused
        | Kind::NotFound
        | Kind::Conflict
        | Kind::TooLarge
        | Kind::TooMany => Outcome::Refused,
    };
    let entry = entry(ctx, action, object, outcome, Some(error.code()), serde_json::Value::Null);
    let tx = kernel.store.begin().await?;
    audit::write(tx.db(), &entry).await?;
    conclude(kernel, tx, &entry).await?;
    Ok(())
}

fn entry(
    ctx: &Ctx,
    action: &str,
    object: ObjectRef,
    outcome: Outcome,
    code: Option<&str>,
    detail: serde_json::Value,
) -> Entry {
    Entry {
        id: EntryId::generate(),
        at: ctx.now,
        action: action.to_owned(),
        outcome,
        code: code.map(str::to_owned),
        actor: ctx.actor.as_ref().map(EntryActor::from),
        object,
        client: ctx.client.clone(),
        request: ctx.request_id.clone(),
        detail,
    }
}
