//! Log-in. Every failure here ends the connection: the protocol library would otherwise let a client
//! whose log-in failed for a technical reason go on and ask.

use std::collections::HashMap;
use std::fmt::Debug;
use std::sync::Arc;

use async_trait::async_trait;
use futures::Sink;
use pgwire::api::auth::driver::AuthOutcome;
use pgwire::api::auth::mechanism::AuthMechanismFactory;
use pgwire::api::auth::sasl::scram::{ScramAuth, ScramSecret};
use pgwire::api::auth::{
    AuthDriver, AuthSource, LoginInfo, Password, ServerParameterProvider, StartupHandler, protocol_negotiation,
    save_startup_parameters_to_metadata,
};
use pgwire::api::{ClientInfo, METADATA_USER, RandomPidSecretKeyGenerator};
use pgwire::error::{PgWireError, PgWireResult};
use pgwire::messages::{PgWireBackendMessage, PgWireFrontendMessage};

use super::connection::Connection;
use super::settings::SERVER_VERSION;
use super::{ScramVerifier, Shared, faults};

/// Serves one connection: the library keeps the state of the exchange with the handler.
pub(super) struct Startup {
    shared: Arc<Shared>,
    driver: AuthDriver<Parameters>,
    scram: ScramAuth,
}

impl Startup {
    pub(super) fn new(shared: Arc<Shared>, keys: Arc<RandomPidSecretKeyGenerator>) -> Self {
        let scram = ScramAuth::new(Arc::new(Verifiers(Arc::clone(&shared))));
        Self { driver: AuthDriver::new(Parameters).with_pid_secret_key_generator(keys), shared, scram }
    }

    async fn step<C>(&self, client: &mut C, message: PgWireFrontendMessage) -> PgWireResult<()>
    where
        C: ClientInfo + Sink<PgWireBackendMessage> + Unpin + Send + Sync,
        C::Error: Debug,
        PgWireError: From<<C as Sink<PgWireBackendMessage>>::Error>,
    {
        match message {
            PgWireFrontendMessage::Startup(startup) => {
                protocol_negotiation(client, &startup).await?;
                save_startup_parameters_to_metadata(client, &startup);
                self.require_private_line(client)?;
                if !client.metadata().get(METADATA_USER).is_some_and(|user| !user.is_empty()) {
                    return Err(faults::fatal("28000", "请填写账号"));
                }
                let outcome = self.driver.begin_authentication(client, self.scram.create()).await?;
                match outcome {
                    AuthOutcome::InProgress => Ok(()),
                    AuthOutcome::Authenticated { .. } => Err(refused()),
                }
            }
            PgWireFrontendMessage::PasswordMessageFamily(message) => {
                match self.driver.advance_authentication(client, message).await? {
                    AuthOutcome::InProgress => Ok(()),
                    AuthOutcome::Authenticated { final_message, .. } => {
                        // The exchange proved the user that it began with; the metadata has not changed since.
                        let user = client.metadata().get(METADATA_USER).cloned().ok_or_else(refused)?;
                        let session = self.shared.front.session(&user, client.socket_addr()).await;
                        let session = session.map_err(|e| faults::fatal("28000", e.message))?;
                        let connection = Arc::new(Connection::new(user, session));
                        client.session_extensions().insert(Arc::clone(&connection));
                        self.driver.complete_authentication(client, final_message).await?;
                        let (pid, key) = client.pid_and_secret_key();
                        self.shared.cancels.register(pid, &key, &connection);
                        Ok(())
                    }
                }
            }
            _ => Err(faults::fatal("08P01", "登录完成前不能执行其他操作")),
        }
    }

    /// TLS where it is configured; without it only this machine.
    fn require_private_line<C: ClientInfo>(&self, client: &C) -> PgWireResult<()> {
        match (&self.shared.config.tls, client.is_secure()) {
            (Some(_), false) => Err(faults::fatal("28000", "只接受加密连接,请设置 sslmode=require")),
            (None, _) if !client.socket_addr().ip().to_canonical().is_loopback() => {
                Err(faults::fatal("28000", "未启用加密连接,只接受本机访问"))
            }
            _ => Ok(()),
        }
    }
}

#[async_trait]
impl StartupHandler for Startup {
    async fn on_startup<C>(&self, client: &mut C, message: PgWireFrontendMessage) -> PgWireResult<()>
    where
        C: ClientInfo + Sink<PgWireBackendMessage> + Unpin + Send + Sync,
        C::Error: Debug,
        PgWireError: From<<C as Sink<PgWireBackendMessage>>::Error>,
    {
        self.step(client, message).await.map_err(|e| match e {
            PgWireError::UserError(info) if info.is_fatal() => PgWireError::UserError(info),
            PgWireError::IoError(e) => PgWireError::IoError(e),
            // The library's texts tell why a proof failed, which is nobody's business.
            _ => refused(),
        })
    }
}

fn refused() -> PgWireError {
    faults::fatal("28P01", "登录失败:账号或令牌不正确")
}

struct Verifiers(Arc<Shared>);

impl Debug for Verifiers {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("Verifiers")
    }
}

#[allow(
    elided_lifetimes_in_paths,
    reason = "the trait leaves them out, and the macro takes `'_` for another signature"
)]
#[async_trait]
impl AuthSource for Verifiers {
    async fn get_password(&self, _login: &LoginInfo) -> PgWireResult<Password> {
        Err(refused())
    }

    async fn get_scram_secret(&self, login: &LoginInfo) -> PgWireResult<(ScramSecret, Option<()>)> {
        let user = login.user().ok_or_else(refused)?;
        let verifier = self.0.front.verifier(user).await;
        let verifier = verifier.unwrap_or_else(|| ScramVerifier::decoy(&self.0.config.decoy_secret, user.as_bytes()));
        Ok((verifier.secret(), None))
    }
}

struct Parameters;

impl ServerParameterProvider for Parameters {
    fn server_parameters<C: ClientInfo>(&self, client: &C) -> Option<HashMap<String, String>> {
        let user = client.metadata().get(METADATA_USER).map_or("", String::as_str);
        let application = client.metadata().get("application_name").map_or("", String::as_str);
        let parameters = [
            ("server_version", SERVER_VERSION),
            ("server_encoding", "UTF8"),
            ("client_encoding", "UTF8"),
            ("DateStyle", "ISO, YMD"),
            ("IntervalStyle", "postgres"),
            ("TimeZone", "Asia/Shanghai"),
            ("integer_datetimes", "on"),
            ("standard_conforming_strings", "on"),
            ("is_superuser", "off"),
            ("default_transaction_read_only", "on"),
            ("in_hot_standby", "off"),
            ("session_authorization", user),
            ("application_name", application),
        ];
        Some(parameters.into_iter().map(|(k, v)| (k.to_owned(), v.to_owned())).collect())
    }
}
