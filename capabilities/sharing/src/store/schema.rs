//! Tables of sharing. Every column is marked in `columns.toml`.

use hufu_kernel::schema::index;
use sea_orm_migration::prelude::*;
use sea_orm_migration::schema::{big_integer, big_integer_null, boolean, integer, pk_auto, text, text_null};

/// Migrations of sharing, in order.
pub fn migrations() -> Vec<Box<dyn MigrationTrait>> {
    vec![Box::new(Base)]
}

struct Base;

impl MigrationName for Base {
    fn name(&self) -> &'static str {
        "sharing_0001_base"
    }
}

#[async_trait::async_trait]
impl MigrationTrait for Base {
    async fn up(&self, manager: &SchemaManager) -> Result<(), DbErr> {
        let tables = [
            application(),
            application_person(),
            application_part(),
            application_resource(),
            application_field(),
            standing_consent(),
            data_grant(),
            grant_person(),
            grant_field(),
            access_record(),
            access_grant(),
            grant_usage(),
            grant_version(),
        ];
        for table in tables {
            manager.create_table(table).await?;
        }
        let indexes = [
            ("application", "no", true),
            ("application", "applicant", false),
            ("application", "unit_id", false),
            ("application", "submitted_at", false),
            ("application", "approval_id", false),
            ("application_person", "application_id", false),
            ("application_part", "application_id", false),
            ("application_part", "provider_id", false),
            ("application_part", "approval_id", false),
            ("application_resource", "application_id", false),
            ("application_resource", "resource_id", false),
            ("application_field", "application_resource_id", false),
            ("standing_consent", "unit_id", false),
            ("data_grant", "no", true),
            ("data_grant", "unit_id", false),
            ("data_grant", "provider_id", false),
            ("data_grant", "resource_id", false),
            ("data_grant", "part_id", false),
            ("data_grant", "until_at", false),
            ("grant_person", "grant_id", false),
            ("grant_person", "account", false),
            ("grant_field", "grant_id", false),
            ("access_record", "at", false),
            ("access_record", "account", false),
            ("access_record", "state", false),
            ("access_grant", "access_id", false),
            ("access_grant", "grant_id", false),
        ];
        for (table, column, unique) in indexes {
            manager.create_index(index(table, column, unique)).await?;
        }
        let start = Query::insert().into_table("grant_version").columns(["id", "version"]).values_panic([1.into(), 0.into()]).to_owned();
        manager.execute(start).await
    }
}

fn application() -> TableCreateStatement {
    Table::create()
        .table("application")
        .col(text("id").primary_key())
        .col(text("no"))
        .col(text("unit_id"))
        .col(text("applicant"))
        .col(text("applicant_login"))
        .col(text("applicant_name"))
        .col(text("state"))
        .col(text("scenario"))
        .col(text("basis"))
        .col(text("scope_of_use"))
        .col(text("ways"))
        .col(big_integer("rows_per_day"))
        .col(big_integer("calls_per_minute"))
        .col(big_integer("rows_per_result"))
        .col(big_integer_null("from_at"))
        .col(big_integer_null("until_at"))
        .col(text("system_name"))
        .col(text("filing_no"))
        .col(boolean("bound"))
        .col(text("missing"))
        .col(text_null("approval_id"))
        .col(big_integer("created_at"))
        .col(big_integer_null("submitted_at"))
        .col(big_integer_null("closed_at"))
        .col(integer("version"))
        .to_owned()
}

fn application_person() -> TableCreateStatement {
    Table::create()
        .table("application_person")
        .col(pk_auto("id").big_integer())
        .col(text("application_id"))
        .col(text("account"))
        .col(text("login"))
        .col(text("name"))
        .to_owned()
}

fn application_part() -> TableCreateStatement {
    Table::create()
        .table("application_part")
        .col(text("id").primary_key())
        .col(text("application_id"))
        .col(integer("seq"))
        .col(text("provider_id"))
        .col(boolean("unconditional"))
        .col(text("state"))
        .col(text_null("approval_id"))
        .col(big_integer_null("until_at"))
        .col(big_integer_null("rows_per_day"))
        .col(big_integer_null("calls_per_minute"))
        .col(big_integer_null("rows_per_result"))
        .col(text("reason"))
        .col(big_integer_null("decided_at"))
        .col(integer("version"))
        .to_owned()
}

fn application_resource() -> TableCreateStatement {
    Table::create()
        .table("application_resource")
        .col(pk_auto("id").big_integer())
        .col(text("application_id"))
        .col(text_null("part_id"))
        .col(text("resource_id"))
        .col(text("code"))
        .col(text("name"))
        .col(text("provider_id"))
        .col(boolean("unconditional"))
        .col(text("row_scope"))
        .col(text_null("row_scope_given"))
        .to_owned()
}

fn application_field() -> TableCreateStatement {
    Table::create()
        .table("application_field")
        .col(pk_auto("id").big_integer())
        .col(big_integer("application_resource_id"))
        .col(text("field_id"))
        .col(text("name"))
        .col(text("title"))
        .col(text("kind"))
        .col(text("grade"))
        .col(boolean("unmasked"))
        .col(text("reason"))
        .col(text("profile_mask"))
        .col(text("choice"))
        .to_owned()
}

fn standing_consent() -> TableCreateStatement {
    Table::create()
        .table("standing_consent")
        .col(text("id").primary_key())
        .col(text("unit_id"))
        .col(text("given_by"))
        .col(text("grade_max"))
        .col(big_integer("from_at"))
        .col(big_integer("until_at"))
        .col(big_integer_null("ended_at"))
        .to_owned()
}

fn data_grant() -> TableCreateStatement {
    Table::create()
        .table("data_grant")
        .col(text("id").primary_key())
        .col(text("no"))
        .col(text_null("part_id"))
        .col(text("unit_id"))
        .col(text("provider_id"))
        .col(text("resource_id"))
        .col(text("resource_code"))
        .col(text("resource_name"))
        .col(text("purpose"))
        .col(text("basis"))
        .col(text("ways"))
        .col(text("row_scope"))
        .col(big_integer("rows_per_day"))
        .col(big_integer("calls_per_minute"))
        .col(big_integer("rows_per_result"))
        .col(big_integer("from_at"))
        .col(big_integer("until_at"))
        .col(text("grade_max"))
        .col(text("state"))
        .col(text("state_reason"))
        .col(big_integer("state_at"))
        .col(text("key"))
        .col(big_integer("created_at"))
        .col(integer("version"))
        .to_owned()
}

fn grant_person() -> TableCreateStatement {
    Table::create()
        .table("grant_person")
        .col(pk_auto("id").big_integer())
        .col(text("grant_id"))
        .col(text("account"))
        .col(text("login"))
        .col(text("name"))
        .to_owned()
}

fn grant_field() -> TableCreateStatement {
    Table::create()
        .table("grant_field")
        .col(pk_auto("id").big_integer())
        .col(text("grant_id"))
        .col(text("field_id"))
        .col(text("name"))
        .col(text("title"))
        .col(text("grade"))
        .col(text("mask"))
        .col(big_integer_null("clear_until"))
        .to_owned()
}

fn access_record() -> TableCreateStatement {
    Table::create()
        .table("access_record")
        .col(text("id").primary_key())
        .col(big_integer("at"))
        .col(text("account"))
        .col(text("login"))
        .col(text("unit_id"))
        .col(text("way"))
        .col(text("statement"))
        .col(text("digest"))
        .col(text("state"))
        .col(text_null("code"))
        .col(big_integer("rows_reserved"))
        .col(big_integer("rows_released"))
        .col(big_integer("bytes"))
        .col(big_integer("duration_ms"))
        .col(text_null("result_digest"))
        .col(big_integer_null("begin_idx"))
        .col(text("client"))
        .col(text("request"))
        .to_owned()
}

fn access_grant() -> TableCreateStatement {
    Table::create()
        .table("access_grant")
        .col(pk_auto("id").big_integer())
        .col(text("access_id"))
        .col(text("grant_id"))
        .to_owned()
}

fn grant_usage() -> TableCreateStatement {
    Table::create()
        .table("grant_usage")
        .col(text("grant_id"))
        .col(integer("day"))
        .col(big_integer("rows"))
        .col(big_integer("calls"))
        .primary_key(Index::create().col("grant_id").col("day"))
        .to_owned()
}

fn grant_version() -> TableCreateStatement {
    Table::create()
        .table("grant_version")
        .col(integer("id").primary_key())
        .col(big_integer("version"))
        .to_owned()
}
