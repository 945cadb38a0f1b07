//! A new account for one named person, without any role yet.

use async_trait::async_trait;
use hufu_kernel::actor::UnitRef;
use hufu_kernel::audit::ObjectRef;
use hufu_kernel::command::{Applied, Command, Ctx, Loaded};
use hufu_kernel::error::{Error, FieldError, Result};
use hufu_kernel::ids::{AccountId, UnitId};
use hufu_kernel::store::Tx;
use hufu_kernel::time::Timestamp;
use hufu_kernel::unit;
use sea_orm::{ActiveValue::Set, ConnectionTrait, EntityTrait};
use serde_json::json;

use super::account_object;
use crate::model::account::{AccountState, Person, PersonInput};
use crate::policy;
use crate::secrets::{Passwords, initial_password};
use crate::store::{account, places};

/// Ready to run: the initial password is drawn and hashed before the transaction.
#[derive(Debug)]
pub struct CreateAccount {
    unit: UnitId,
    person: Person,
    password: String,
    hash: String,
}

/// The account and the password that is handed to its person, shown once.
#[derive(Clone)]
pub struct Created {
    pub account: AccountId,
    pub password: String,
}

impl std::fmt::Debug for Created {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Created").field("account", &self.account).finish_non_exhaustive()
    }
}

impl CreateAccount {
    pub async fn prepare(passwords: &Passwords, unit: UnitId, input: &PersonInput) -> Result<Self> {
        let person = input.check()?;
        let password = initial_password();
        let hash = passwords.hash(&password).await?;
        Ok(Self { unit, person, password, hash })
    }
}

#[async_trait]
impl Command for CreateAccount {
    const ACTION: &'static str = "identity.account.create";
    type Subject = UnitRef;
    type Output = Created;

    async fn load(&self, tx: &Tx, _: &Ctx) -> Result<Loaded<UnitRef>> {
        let unit = unit::find(tx.db(), &self.unit).await?;
        let place = unit.as_ref();
        let bureaus = places::bureaus_over(tx.db(), &place).await?;
        let object = ObjectRef::new("unit", &unit.id, unit.code.clone());
        if unit.closed_at.is_some() {
            return Err(Error::conflict("HF-UNIT-CLOSED", "单位已撤销，不能新建账号"));
        }
        Ok(Loaded { resource: policy::person(None, &place, &bureaus), object, subject: place })
    }

    async fn apply(self, tx: &Tx, ctx: &Ctx, unit: UnitRef) -> Result<Applied<Created>> {
        if account::find_by_login(tx.db(), &self.person.login).await?.is_some() {
            return Err(Error::invalid(vec![FieldError::new("login", "该账号已被使用")]));
        }
        let made = insert(tx.db(), self.person, &unit.id, self.hash, true, ctx.now).await?;
        let detail = json!({ "unit": unit.code, "vendor": made.vendor.is_some() });
        let output = Created { account: made.id.clone(), password: self.password };
        Ok(Applied::new(output).object(account_object(&made)).detail(detail))
    }
}

/// The row of a new account; also used when the house is founded.
pub(crate) async fn insert(
    db: &impl ConnectionTrait,
    person: Person,
    unit: &UnitId,
    hash: String,
    initial: bool,
    now: Timestamp,
) -> Result<account::Model> {
    let row = account::ActiveModel {
        id: Set(AccountId::generate()),
        login: Set(person.login),
        name: Set(person.name),
        phone: Set(person.phone),
        unit_id: Set(unit.clone()),
        state: Set(AccountState::Active),
        vendor: Set(person.vendor),
        vendor_until: Set(person.vendor_until),
        password: Set(hash),
        password_at: Set(now),
        password_initial: Set(initial),
        totp: Set(None),
        totp_at: Set(None),
        totp_step: Set(None),
        last_login_at: Set(None),
        created_at: Set(now),
        closed_at: Set(None),
        version: Set(1),
    };
    Ok(account::Entity::insert(row).exec_with_returning(db).await?)
}
