//! What sharing asks of the capabilities to its left, through their doors.

use hufu_catalog::model::state::State;
use hufu_catalog::model::terms::Sharing as Attribute;
use hufu_catalog::{FieldView, ResourceView};
use hufu_kernel::actor::UnitRef;
use hufu_kernel::error::Result;
use hufu_kernel::ids::{AccountId, ResourceId, UnitId};
use sea_orm::ConnectionTrait;

/// A catalogue entry as an application sees it.
#[derive(Clone, Debug)]
pub(crate) struct Entry {
    pub(crate) id: ResourceId,
    pub(crate) code: String,
    pub(crate) name: String,
    pub(crate) provider: UnitRef,
    pub(crate) unconditional: bool,
    pub(crate) fields: Vec<EntryField>,
    refusal: Option<&'static str>,
}

pub(crate) type EntryField = FieldView;

impl Entry {
    /// Why it cannot be asked for, if it cannot.
    pub(crate) fn not_askable(&self) -> Option<&'static str> {
        self.refusal
    }
}

impl From<ResourceView> for Entry {
    fn from(view: ResourceView) -> Self {
        let refusal = match (view.state, view.terms.sharing) {
            (State::Draft | State::Submitted | State::Offline, _) => Some("未发布或已下线，不能申请"),
            (State::Published, Attribute::Withheld) => Some("为不予共享，不能申请"),
            (State::Published, Attribute::Conditional | Attribute::Unconditional) => {
                view.source.is_none().then_some("尚未挂接资源，不能申请")
            }
        };
        Self {
            id: view.id,
            code: view.code,
            name: view.name,
            provider: view.unit,
            unconditional: view.terms.sharing == Attribute::Unconditional,
            fields: view.fields,
            refusal,
        }
    }
}

pub(crate) async fn entry(db: &impl ConnectionTrait, code: &str) -> Result<Entry> {
    Ok(hufu_catalog::resource(db, code).await?.into())
}

/// A person who may be named in an application.
#[derive(Clone, Debug)]
pub struct Person {
    pub account: AccountId,
    pub login: String,
    pub name: String,
}

/// The open accounts of a unit that hold R4.
pub(crate) async fn data_users_of(db: &impl ConnectionTrait, unit: &UnitId) -> Result<Vec<Person>> {
    let found = hufu_identity::queries::people_of(db, unit, Some(hufu_kernel::actor::Role::R4)).await?;
    let person = |actor: hufu_kernel::actor::Actor| Person { account: actor.account, login: actor.login, name: actor.name };
    Ok(found.into_iter().map(person).collect())
}

/// Is it one that rows may be read from?
pub(crate) fn is_published(view: &ResourceView) -> bool {
    view.state == State::Published && view.source.is_some()
}
