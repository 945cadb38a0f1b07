//! Corrects what is known of a person. The unit stays: whoever changes unit hands over and gets a new account.

use async_trait::async_trait;
use hufu_kernel::command::{Applied, Command, Ctx, Loaded};
use hufu_kernel::error::Result;
use hufu_kernel::ids::AccountId;
use hufu_kernel::store::Tx;
use sea_orm::ActiveValue::Set;
use serde_json::json;

use super::{Placed, fresh, load_person};
use crate::model::account::{AccountEvent, PersonInput};
use crate::store::account;

#[derive(Debug)]
pub struct EditAccount {
    pub account: AccountId,
    /// Version the editor saw.
    pub version: i32,
    /// Its `login` is not read: a log-in name stands in the ledger and never changes.
    pub input: PersonInput,
}

#[async_trait]
impl Command for EditAccount {
    const ACTION: &'static str = "identity.account.edit";
    type Subject = Placed;
    type Output = ();

    async fn load(&self, tx: &Tx, _: &Ctx) -> Result<Loaded<Placed>> {
        load_person(tx, &self.account).await
    }

    async fn apply(self, tx: &Tx, _: &Ctx, placed: Placed) -> Result<Applied<()>> {
        let before = placed.account;
        fresh(before.version, self.version)?;
        // What is closed for good cannot be corrected either.
        before.state.apply(AccountEvent::Close)?;
        let person = PersonInput { login: before.login.clone(), ..self.input }.check()?;
        let changed: Vec<&str> = [
            ("name", person.name != before.name),
            ("phone", person.phone != before.phone),
            ("vendor", person.vendor != before.vendor),
            ("vendor_until", person.vendor_until != before.vendor_until),
        ]
        .into_iter()
        .filter_map(|(field, differs)| differs.then_some(field))
        .collect();
        let change = account::ActiveModel {
            name: Set(person.name),
            phone: Set(person.phone),
            vendor: Set(person.vendor),
            vendor_until: Set(person.vendor_until),
            ..account::ActiveModel::default()
        };
        account::update(tx.db(), &before, change).await?;
        Ok(Applied::new(()).detail(json!({ "changed": changed })))
    }
}
