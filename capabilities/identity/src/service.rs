//! Who is this? Log-in, and the answer to each request's cookie or bearer token.

use std::net::IpAddr;
use std::sync::Arc;

use hufu_kernel::actor::Actor;
use hufu_kernel::command::{Ctx, Kernel, run};
use hufu_kernel::error::{Error, Kind, Result};
use hufu_kernel::ids::{SessionId, TokenId};
use hufu_kernel::time::Timestamp;
use sea_orm::ConnectionTrait;

use crate::commands::close_account::Holdings;
use crate::commands::fail_session::FailSession;
use crate::commands::open_session::OpenSession;
use crate::commands::pass_second_factor::PassSecondFactor;
use crate::model::roles::needs_second_factor;
use crate::model::second_factor::TotpSecret;
use crate::model::session::{Stage, Standing, TOUCH_SECONDS};
use crate::model::token::ScramVerifier;
use crate::secrets::{Hashing, Passwords, Vault};
use crate::store::account::{self, Model as Account};
use crate::store::session::{self, Origin};
use crate::store::token;

/// Seconds between two notes that a token was used.
const TOKEN_NOTE_SECONDS: i64 = 60;

/// Are second factors asked for?
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum SecondFactors {
    Required,
    /// Only the demo city may say so, and shows it on every page.
    OffForDemo,
}

/// How this installation lets people in.
#[derive(Clone, Debug)]
pub struct Settings {
    pub hashing: Hashing,
    pub second_factors: SecondFactors,
    /// Set when pages are served over TLS.
    pub secure_cookie: bool,
    /// Peers whose `X-Forwarded-For` is believed; empty: nobody's.
    pub trusted_proxies: Vec<IpAddr>,
    /// Name in people's authenticator.
    pub issuer: String,
}

impl Default for Settings {
    fn default() -> Self {
        Self {
            hashing: Hashing::default(),
            second_factors: SecondFactors::Required,
            secure_cookie: true,
            trusted_proxies: Vec::new(),
            issuer: "虎符".to_owned(),
        }
    }
}

/// What log-in stands on, shared by all requests.
#[derive(Clone)]
pub struct Identity {
    pub kernel: Arc<Kernel>,
    pub settings: Arc<Settings>,
    pub passwords: Passwords,
    pub vault: Vault,
    /// Who knows what a leaver still answers for.
    pub holdings: Arc<[Arc<dyn Holdings>]>,
}

impl std::fmt::Debug for Identity {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Identity").field("settings", &self.settings).finish_non_exhaustive()
    }
}

/// What somebody typed at the door.
#[derive(Clone)]
pub struct LogIn {
    pub login: String,
    pub password: String,
    /// The six digits, when they were given at once.
    pub code: Option<String>,
    pub agent: String,
}

impl std::fmt::Debug for LogIn {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("LogIn").finish_non_exhaustive()
    }
}

/// A session that was opened: its cookie, which is shown to the browser once, and what is still to do.
#[derive(Clone)]
pub struct Signed {
    pub cookie: String,
    pub session: SessionId,
    pub stage: Stage,
    pub actor: Actor,
}

impl std::fmt::Debug for Signed {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Signed").field("session", &self.session).field("stage", &self.stage).finish_non_exhaustive()
    }
}

/// Who a request comes from.
#[derive(Clone, Debug)]
pub struct Authenticated {
    pub actor: Actor,
    /// Absent for tokens.
    pub session: Option<SessionId>,
    /// Anything but [`Stage::Open`] opens only the pages of that stage.
    pub stage: Stage,
}

impl Identity {
    pub fn new(kernel: Arc<Kernel>, settings: Settings, vault: Vault) -> Result<Self> {
        let passwords = Passwords::new(settings.hashing)?;
        Ok(Self { kernel, settings: Arc::new(settings), passwords, vault, holdings: Arc::from([]) })
    }

    /// Registers the capabilities that are asked when an account is closed.
    pub fn with_holdings(mut self, holdings: Vec<Arc<dyn Holdings>>) -> Self {
        self.holdings = Arc::from(holdings);
        self
    }

    /// Checks name and password (and the code, if it was given) and opens a session.
    ///
    /// The hash is computed before any transaction; the command then judges the state of that moment,
    /// so that a lock which came in between holds.
    pub async fn log_in(&self, ctx: &Ctx, given: LogIn) -> Result<Signed> {
        let db = self.kernel.store.reader();
        let origin = Origin::new(&ctx.client, &given.agent);
        let account = account::find_by_login(db, &given.login).await?;
        let hash = account.as_ref().map(|account| account.password.as_str());
        let right = self.passwords.verify(&given.password, hash).await?;
        if session::guesses(db, &given.login).await?.locked(ctx.now) {
            self.note_failure(ctx, &given.login, account.as_ref(), &origin).await?;
            return Err(locked());
        }
        let Some(account) = account.filter(|_| right) else {
            let known = account::find_by_login(db, &given.login).await?;
            self.note_failure(ctx, &given.login, known.as_ref(), &origin).await?;
            return Err(wrong());
        };
        let step = match given.code.as_deref().filter(|_| self.asks_for_code(&account)) {
            Some(code) => match self.check_code(&account, code, ctx.now)? {
                Some(step) => Some(step),
                None => {
                    self.note_failure(ctx, &given.login, Some(&account), &origin).await?;
                    return Err(wrong_code());
                }
            },
            None => None,
        };
        self.open(ctx, account, origin, step).await
    }

    async fn open(&self, ctx: &Ctx, account: Account, origin: Origin, step: Option<i64>) -> Result<Signed> {
        let nobody = Ctx { actor: None, ..ctx.clone() };
        let command = OpenSession::new(account.id.clone(), account.password.clone(), origin, step);
        let opened = run(&self.kernel, &nobody, command).await?.output;
        self.signed(opened.cookie, ctx.now).await
    }

    /// The six digits after the password. `ctx` holds the person whose session waits for them.
    pub async fn pass_second_factor(&self, ctx: &Ctx, id: &SessionId, code: &str, agent: &str) -> Result<Signed> {
        let db = self.kernel.store.reader();
        let account = account::find(db, &ctx.actor()?.account).await?;
        let origin = Origin::new(&ctx.client, agent);
        let wait = session::guesses(db, &account.login).await?.locked(ctx.now);
        let step = if wait { None } else { self.check_code(&account, code, ctx.now)? };
        let Some(step) = step else {
            self.note_failure(ctx, &account.login, Some(&account), &origin).await?;
            return Err(if wait { locked() } else { wrong_code() });
        };
        let cookie = run(&self.kernel, ctx, PassSecondFactor::new(id.clone(), step)).await?.output;
        self.signed(cookie, ctx.now).await
    }

    /// What a cookie that was just made stands for.
    pub async fn signed(&self, cookie: String, now: Timestamp) -> Result<Signed> {
        let known = self.authenticate_session(&cookie, now).await?.ok_or_else(Error::unauthenticated)?;
        let session = known.session.ok_or_else(Error::unauthenticated)?;
        Ok(Signed { cookie, session, stage: known.stage, actor: known.actor })
    }

    /// Counts a failure against the log-in name, whether it exists or not.
    pub(crate) async fn note_failure(
        &self,
        ctx: &Ctx,
        login: &str,
        account: Option<&Account>,
        origin: &Origin,
    ) -> Result<()> {
        let nobody = Ctx { actor: None, ..ctx.clone() };
        let command = FailSession::new(login, account, origin.clone());
        run(&self.kernel, &nobody, command).await?;
        Ok(())
    }

    /// Who holds this cookie; `None` when the session has ended or the account is shut.
    pub async fn authenticate_session(&self, cookie: &str, now: Timestamp) -> Result<Option<Authenticated>> {
        let db = self.kernel.store.reader();
        let Some(found) = session::by_cookie(db, cookie).await? else { return Ok(None) };
        let account = account::find(db, &found.account_id).await?;
        if account.admission().refusal(now).is_some() {
            return Ok(None);
        }
        let actor = account::actor(db, &account).await?;
        let Some(stage) = self.standing(&account, &found, &actor).stage(now) else { return Ok(None) };
        Ok(Some(Authenticated { actor, session: Some(found.id), stage }))
    }

    /// Notes that a session is alive. No decision, so no command; at most once in [`TOUCH_SECONDS`].
    pub async fn touch(&self, session: &SessionId, now: Timestamp) -> Result<()> {
        use sea_orm::EntityTrait;
        let db = self.kernel.store.reader();
        let Some(found) = session::Entity::find_by_id(session.clone()).one(db).await? else { return Ok(()) };
        if now < found.seen_at.plus(chrono::Duration::seconds(TOUCH_SECONDS)) {
            return Ok(());
        }
        let tx = self.kernel.store.begin().await?;
        session::touch(tx.db(), session, now).await?;
        tx.commit().await?;
        Ok(())
    }

    /// Who holds this bearer token; `None` when it is unknown, over or revoked, or the account is shut.
    pub async fn authenticate_token(&self, bearer: &str, now: Timestamp) -> Result<Option<Authenticated>> {
        let db = self.kernel.store.reader();
        let Some(found) = token::by_text(db, bearer).await? else { return Ok(None) };
        if !found.valid(now) {
            return Ok(None);
        }
        let account = account::find(db, &found.account_id).await?;
        if account.admission().refusal(now).is_some() {
            return Ok(None);
        }
        if found.used_at.is_none_or(|at| now >= at.plus(chrono::Duration::seconds(TOKEN_NOTE_SECONDS))) {
            self.note_token(&found.id, now).await?;
        }
        let actor = account::actor(db, &account).await?;
        Ok(Some(Authenticated { actor, session: None, stage: Stage::Open }))
    }

    async fn note_token(&self, id: &TokenId, now: Timestamp) -> Result<()> {
        let tx = self.kernel.store.begin().await?;
        token::used(tx.db(), id, now).await?;
        tx.commit().await?;
        Ok(())
    }

    /// Who logs in on the SQL wire, by the newest valid token of the account, and how its password is checked.
    pub async fn scram_verifier(&self, login: &str, now: Timestamp) -> Result<Option<(Actor, TokenId, ScramVerifier)>> {
        let db = self.kernel.store.reader();
        let Some(account) = account::find_by_login(db, login).await? else { return Ok(None) };
        if account.admission().refusal(now).is_some() {
            return Ok(None);
        }
        let newest = token::of(db, &account.id).await?.into_iter().find(|token| token.valid(now));
        let Some(newest) = newest else { return Ok(None) };
        let verifier = newest.verifier()?;
        Ok(Some((account::actor(db, &account).await?, newest.id, verifier)))
    }

    /// Does this account still stand as it did? For connections that outlive the check at their start.
    pub async fn still_valid(&self, token: &TokenId, now: Timestamp) -> Result<bool> {
        let db = self.kernel.store.reader();
        let found = token::find(db, token).await?;
        let account = account::find(db, &found.account_id).await?;
        Ok(found.valid(now) && account.admission().refusal(now).is_none())
    }

    /// Does log-in need this account's code?
    pub fn asks_for_code(&self, account: &Account) -> bool {
        self.second_on() && account.totp.is_some()
    }

    pub fn second_on(&self) -> bool {
        self.settings.second_factors == SecondFactors::Required
    }

    /// The step of a right code that has not been used.
    pub(crate) fn check_code(&self, account: &Account, code: &str, now: Timestamp) -> Result<Option<i64>> {
        let Some(sealed) = &account.totp else { return Ok(None) };
        let bytes = self.vault.open(&totp_place(account), sealed)?;
        let secret =
            TotpSecret::from_bytes(&bytes).ok_or_else(|| Error::internal("sealed second factor is malformed"))?;
        Ok(secret.check(code, now, account.totp_step))
    }

    fn standing(&self, account: &Account, found: &session::Model, actor: &Actor) -> Standing {
        Standing {
            created_at: found.created_at,
            seen_at: found.seen_at,
            second_passed: found.second_passed,
            enrolled: account.totp.is_some(),
            second_needed: self.second_on() && needs_second_factor(&actor.roles),
            second_on: self.second_on(),
            password_initial: account.password_initial,
            password_at: account.password_at,
        }
    }

    /// The session's row, for pages that show when and from where somebody was here before.
    pub async fn last_before(
        &self,
        db: &impl ConnectionTrait,
        id: &SessionId,
    ) -> Result<Option<session::record::Model>> {
        use sea_orm::EntityTrait;
        match session::Entity::find_by_id(id.clone()).one(db).await? {
            Some(found) => session::previous(db, &found).await,
            None => Ok(None),
        }
    }
}

/// Where the sealed second factor of an account stands.
pub(crate) fn totp_place(account: &Account) -> String {
    format!("account/totp/{}", account.id)
}

/// One answer for a wrong password and for a name that does not exist.
fn wrong() -> Error {
    Error::new(Kind::Unauthenticated, "HF-LOGIN-WRONG", "账号或口令不正确")
}

pub(crate) fn wrong_code() -> Error {
    Error::new(Kind::Unauthenticated, "HF-CODE-WRONG", "动态口令不正确或已使用，请等下一个口令再试")
}

pub(crate) fn locked() -> Error {
    Error::new(Kind::TooMany, "HF-LOGIN-LOCKED", "连续 5 次失败，账号已锁定，请 15 分钟后再试")
}
