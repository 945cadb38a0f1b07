//! The SQL door: who a PostgreSQL client is, and what it may read at each statement.

use std::net::SocketAddr;
use std::sync::Arc;

use async_trait::async_trait;
use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use hufu_gate::error::{Error as GateError, Kind as GateKind, Result as GateResult};
use hufu_gate::mandate::{Mandate, Way};
use hufu_gate::wire::{Front, ScramVerifier, Session};
use hufu_kernel::command::Ctx;
use hufu_kernel::error::{Error, Kind};
use hufu_kernel::ids::{AccountId, TokenId};

use crate::assembly::City;

/// Identity says who, sharing says what; this only carries both to the wire.
pub(crate) struct SqlDoor(pub(crate) Arc<City>);

#[async_trait]
impl Front for SqlDoor {
    async fn verifier(&self, user: &str) -> Option<ScramVerifier> {
        let now = self.0.house.kernel.clock.now();
        let (_, _, kept) = self.0.identity.scram_verifier(user, now).await.ok()??;
        let (salt, stored, server) =
            (STANDARD.encode(kept.salt), STANDARD.encode(kept.stored_key), STANDARD.encode(kept.server_key));
        format!("SCRAM-SHA-256${}:{salt}${stored}:{server}", kept.iterations).parse().ok()
    }

    async fn session(&self, user: &str, client: SocketAddr) -> GateResult<Arc<dyn Session>> {
        let now = self.0.house.kernel.clock.now();
        let known = self.0.identity.scram_verifier(user, now).await.map_err(gate_error)?;
        let (actor, token, _) = known.ok_or_else(ended)?;
        let client = client.ip().to_string();
        Ok(Arc::new(Connection { city: self.0.clone(), account: actor.account, token, client }))
    }
}

struct Connection {
    city: Arc<City>,
    account: AccountId,
    token: TokenId,
    client: String,
}

#[async_trait]
impl Session for Connection {
    async fn mandate(&self, _: Way, choice: Option<&str>) -> GateResult<Mandate> {
        let kernel = &self.city.house.kernel;
        let now = kernel.clock.now();
        // A connection lives longer than the check at its start: the token may have been revoked since.
        if !self.city.identity.still_valid(&self.token, now).await.map_err(gate_error)? {
            return Err(ended());
        }
        let actor = hufu_identity::queries::actor(kernel.store.reader(), &self.account).await.map_err(gate_error)?;
        let request_id = uuid::Uuid::now_v7().simple().to_string();
        let ctx = Ctx { actor: Some(actor), request_id, client: self.client.clone(), now };
        let way = hufu_sharing::model::way::Way::Sql;
        let mandated = self.city.service.mandate(&ctx, way, choice).await.map_err(gate_error)?;
        Ok(mandated.mandate)
    }
}

fn ended() -> GateError {
    GateError::new(GateKind::Refused, "GATE-SESSION-ENDED", "令牌已失效，请重新登录")
}

/// The words for people stay; where the kernel's kind has none at the gate, it is internal.
fn gate_error(error: Error) -> GateError {
    let kind = match error.kind() {
        Kind::Refused | Kind::Unauthenticated | Kind::NotFound | Kind::Conflict => GateKind::Refused,
        Kind::Invalid | Kind::TooLarge => GateKind::Invalid,
        Kind::TooMany => GateKind::Quota,
        Kind::Unavailable => GateKind::Source,
        Kind::Internal => GateKind::Internal,
    };
    let cause = error.cause().map(ToString::to_string).unwrap_or_default();
    GateError::new(kind, error.code(), error.message()).with_internal(cause)
}
