//! Pages of people and units: the door, one's own page, accounts, the tree of units, changes of rights.

mod door;
mod enrol;
mod me;
mod orgs;
mod orgs_view;
mod password;
mod qr;
mod roles;
mod upkeep;
mod users;
mod users_edit;

pub(crate) use users::{USERS, UserFilter};

use std::sync::Arc;

use axum::Router;
use axum::routing::{get, post};
use hufu_kernel::actor::Role;
use hufu_kernel::shell::{Group, MenuItem};

use crate::service::Identity;

/// All pages, with the way they are reached.
pub fn routes(identity: Arc<Identity>) -> Router {
    Router::new()
        .route("/login", get(door::show).post(door::submit))
        .route("/login/totp", get(door::show_code).post(door::submit_code))
        .route("/login/enrol", get(enrol::show).post(enrol::submit))
        .route("/logout", post(door::leave))
        .route("/password", get(password::show).post(password::submit))
        .route("/me", get(me::show))
        .route("/me/tokens", post(me::issue))
        .route("/me/tokens/{id}/revoke", post(me::revoke))
        .route("/sys/users", get(users::index))
        .route("/sys/users/export.xlsx", get(users::export_xlsx))
        .route("/sys/users/export.csv", get(users::export_csv))
        .route("/sys/users/new", get(users_edit::blank).post(users_edit::create))
        .route("/sys/users/{id}", get(users::show))
        .route("/sys/users/{id}/edit", get(users_edit::edit).post(users_edit::save))
        .route("/sys/users/{id}/roles", post(users_edit::propose))
        .route("/sys/users/{id}/reset", post(users_edit::propose_reset))
        .route("/sys/users/{id}/lock", post(users_edit::lock))
        .route("/sys/users/{id}/unlock", post(users_edit::unlock))
        .route("/sys/users/{id}/close", post(users_edit::close))
        .route("/sys/users/{id}/tokens/{token}/revoke", post(users_edit::revoke))
        .route("/sys/orgs", get(orgs_view::index))
        .route("/sys/orgs/new", get(orgs::blank).post(orgs::create))
        .route("/sys/orgs/{id}", get(orgs_view::show))
        .route("/sys/orgs/{id}/edit", get(orgs::edit).post(orgs::save))
        .route("/sys/orgs/{id}/move", post(orgs::relocate))
        .route("/sys/orgs/{id}/close", post(orgs::close))
        .route("/sys/roles", get(roles::index))
        .route("/sys/roles/{id}", get(roles::show))
        .route("/sys/roles/{id}/decide", post(roles::decide))
        .route("/sys/roles/{id}/withdraw", post(roles::withdraw))
        .route("/accounts/audit", get(upkeep::index))
        .route("/accounts/audit/export.xlsx", get(upkeep::export_xlsx))
        .route("/accounts/audit/export.csv", get(upkeep::export_csv))
        .with_state(identity)
}

/// The entries of the left menu.
pub fn menu(identity: &Arc<Identity>) -> Vec<MenuItem> {
    let kernel = identity.kernel.clone();
    let waiting = move |actor| {
        let kernel = kernel.clone();
        let counted: futures::future::BoxFuture<'static, Option<u64>> =
            Box::pin(async move { crate::queries::waiting_for(&kernel, &actor).await.ok() });
        counted
    };
    let readers: &'static [Role] = &[Role::R1, Role::R5, Role::R6, Role::R8];
    vec![
        MenuItem::new(Group::Policy, "账号清理", "/accounts/audit", readers),
        MenuItem::new(Group::System, "用户", "/sys/users", readers),
        MenuItem::new(Group::System, "机构", "/sys/orgs", &[Role::R1, Role::R5, Role::R6, Role::R8, Role::R9]),
        MenuItem::new(Group::System, "角色与复核", "/sys/roles", readers).counted(Arc::new(waiting)),
    ]
}
