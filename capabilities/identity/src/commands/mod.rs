//! What can be decided about people and units; one file per command.

pub mod change_password;
pub mod close_account;
pub mod close_session;
pub mod close_unit;
pub mod create_account;
pub mod create_unit;
pub mod decide_change;
pub mod edit_account;
pub mod edit_unit;
pub mod enrol_second_factor;
pub mod export_accounts;
pub mod fail_session;
pub mod issue_token;
pub mod lock_account;
pub mod move_unit;
pub mod open_session;
pub mod pass_second_factor;
pub mod propose_change;
pub mod revoke_token;
pub mod withdraw_change;

use hufu_kernel::actor::UnitRef;
use hufu_kernel::audit::ObjectRef;
use hufu_kernel::command::Loaded;
use hufu_kernel::error::{Error, FieldError, Result};
use hufu_kernel::ids::{AccountId, UnitId};
use hufu_kernel::store::Tx;
use hufu_kernel::unit;

use crate::policy;
use crate::store::account::{self, Model as Account};
use crate::store::places;

/// Longest reason or opinion, in characters.
const REASON_CHARS_MAX: usize = 300;

/// An account with the unit it belongs to.
#[derive(Clone, Debug)]
pub struct Placed {
    pub account: Account,
    pub unit: UnitRef,
}

/// Loads an account as the subject of a decision.
async fn load_person(tx: &Tx, id: &AccountId) -> Result<Loaded<Placed>> {
    let account = account::find(tx.db(), id).await?;
    let unit = unit::find(tx.db(), &account.unit_id).await?.as_ref();
    let bureaus = places::bureaus_over(tx.db(), &unit).await?;
    let resource = policy::person(Some(id), &unit, &bureaus);
    let object = account_object(&account);
    Ok(Loaded { subject: Placed { account, unit }, resource, object })
}

/// Loads a unit as the subject of a decision.
async fn load_unit(tx: &Tx, id: &UnitId) -> Result<Loaded<unit::Model>> {
    let unit = unit::find(tx.db(), id).await?;
    let place = unit.as_ref();
    let bureaus = places::bureaus_over(tx.db(), &place).await?;
    let object = ObjectRef::new("unit", &unit.id, unit.code.clone());
    Ok(Loaded { resource: policy::org_unit(&place, &bureaus), object, subject: unit })
}

/// An account as the ledger names it: by log-in, never by name.
fn account_object(account: &Account) -> ObjectRef {
    ObjectRef::new("account", &account.id, account.login.clone())
}

/// A reason that was typed: not empty, not endless.
fn reason(field: &str, text: &str) -> Result<String> {
    let text = text.trim();
    if text.is_empty() {
        return Err(Error::invalid(vec![FieldError::new(field, "请填写理由")]));
    }
    if text.chars().count() > REASON_CHARS_MAX {
        return Err(Error::invalid(vec![FieldError::new(field, "最多 300 个字")]));
    }
    Ok(text.to_owned())
}

fn fresh(found: i32, seen: i32) -> Result<()> {
    if found == seen { Ok(()) } else { Err(Error::stale()) }
}
