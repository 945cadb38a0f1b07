//! Who answers for a unit: first responsible person, sharing office, contact.

use hufu_kernel::error::Result;
use hufu_kernel::ids::UnitId;
use hufu_kernel::time::Timestamp;
use sea_orm::entity::prelude::*;
use sea_orm::sea_query::OnConflict;
use sea_orm::{ActiveValue::Set, ConnectionTrait};

use crate::model::unit::Profile;

#[derive(Clone, Debug, PartialEq, DeriveEntityModel)]
#[sea_orm(table_name = "unit_profile")]
pub struct Model {
    #[sea_orm(primary_key, auto_increment = false)]
    pub unit_id: UnitId,
    pub responsible: String,
    pub responsible_as: String,
    pub responsible_post: String,
    pub sharing_office: String,
    pub contact: String,
    pub contact_phone: String,
    pub updated_at: Timestamp,
}

alone!();

pub async fn of(db: &impl ConnectionTrait, unit: &UnitId) -> Result<Option<Model>> {
    Ok(Entity::find_by_id(unit.clone()).one(db).await?)
}

pub async fn put(db: &impl ConnectionTrait, unit: &UnitId, profile: &Profile, now: Timestamp) -> Result<()> {
    let row = ActiveModel {
        unit_id: Set(unit.clone()),
        responsible: Set(profile.responsible.clone()),
        responsible_as: Set(profile.responsible_as.code().to_owned()),
        responsible_post: Set(profile.responsible_post.clone()),
        sharing_office: Set(profile.sharing_office.clone()),
        contact: Set(profile.contact.clone()),
        contact_phone: Set(profile.contact_phone.clone()),
        updated_at: Set(now),
    };
    let mut again = OnConflict::column(Column::UnitId);
    again.update_columns([
        Column::Responsible,
        Column::ResponsibleAs,
        Column::ResponsiblePost,
        Column::SharingOffice,
        Column::Contact,
        Column::ContactPhone,
        Column::UpdatedAt,
    ]);
    Entity::insert(row).on_conflict(again).exec_without_returning(db).await?;
    Ok(())
}
