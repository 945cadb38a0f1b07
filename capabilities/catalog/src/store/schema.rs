//! Tables of the catalogue. Every column is marked in `columns.toml`; a test fails on one that is not.

use hufu_kernel::schema::index;
use sea_orm_migration::prelude::*;
use sea_orm_migration::schema::{
    big_integer, big_integer_null, boolean, boolean_null, integer, integer_null, text, text_null,
};

/// Migrations of the catalogue, in order; they follow the kernel's.
pub fn migrations() -> Vec<Box<dyn MigrationTrait>> {
    vec![Box::new(Base)]
}

struct Base;

impl MigrationName for Base {
    fn name(&self) -> &'static str {
        "catalog_0001_base"
    }
}

#[async_trait::async_trait]
impl MigrationTrait for Base {
    async fn up(&self, manager: &SchemaManager) -> Result<(), DbErr> {
        for table in [
            sources(),
            source_tables(),
            source_columns(),
            resources(),
            fields(),
            versions(),
            changes(),
            checks(),
            check_items(),
            cart(),
            series(),
        ] {
            manager.create_table(table).await?;
        }
        for (table, column) in [
            ("catalog_source", "unit_id"),
            ("catalog_source_table", "source_id"),
            ("catalog_source_column", "table_id"),
            ("catalog_resource", "unit_id"),
            ("catalog_resource", "unit_path"),
            ("catalog_resource", "state"),
            ("catalog_resource", "source_id"),
            ("catalog_resource", "updated_at"),
            ("catalog_field", "resource_id"),
            ("catalog_version", "resource_id"),
            ("catalog_change", "resource_id"),
            ("catalog_check", "resource_id"),
            ("catalog_check_item", "check_id"),
        ] {
            manager.create_index(index(table, column, false)).await?;
        }
        manager.create_index(table_name_once_per_unit()).await?;
        manager.create_index(field_name_once_per_resource()).await
    }
}

fn sources() -> TableCreateStatement {
    Table::create()
        .table("catalog_source")
        .col(text("id").primary_key())
        .col(text("name"))
        .col(text("unit_id"))
        .col(text("unit_path"))
        .col(text("system"))
        .col(text("mlps_level"))
        .col(text("kind"))
        .col(text("host"))
        .col(integer("port"))
        .col(text("database_name"))
        .col(text("user_name"))
        // Hex of the envelope; empty for files.
        .col(text("password"))
        .col(text("tls"))
        .col(text("path"))
        .col(text("declared"))
        .col(boolean_null("reachable"))
        .col(big_integer_null("probed_at"))
        .col(text("probe_note"))
        .col(big_integer_null("scanned_at"))
        .col(text_null("scan_job"))
        .col(big_integer("created_at"))
        .col(big_integer_null("closed_at"))
        .col(integer("version"))
        .to_owned()
}

fn source_tables() -> TableCreateStatement {
    Table::create()
        .table("catalog_source_table")
        .col(text("id").primary_key())
        .col(text("source_id"))
        .col(text("name"))
        .col(text("comment"))
        .col(big_integer_null("row_count"))
        .col(big_integer("scanned_at"))
        .to_owned()
}

fn source_columns() -> TableCreateStatement {
    Table::create()
        .table("catalog_source_column")
        .col(text("id").primary_key())
        .col(text("table_id"))
        .col(integer("position"))
        .col(text("name"))
        .col(text("native_type"))
        .col(boolean("nullable"))
        .col(boolean("primary_key"))
        .col(text("comment"))
        .to_owned()
}

fn resources() -> TableCreateStatement {
    Table::create()
        .table("catalog_resource")
        .col(text("id").primary_key())
        .col(text("code").unique_key())
        .col(text("name"))
        .col(text("unit_id"))
        .col(text("unit_path"))
        .col(text("provider_code"))
        .col(text("class_code"))
        .col(text("item_name"))
        .col(text("directory_name"))
        .col(text("detail_name"))
        .col(text("summary"))
        .col(text("kind"))
        .col(text("format_class"))
        .col(text("format_type"))
        .col(text("sharing"))
        .col(text("sharing_scope"))
        .col(text("sharing_purpose"))
        .col(text("withheld_basis"))
        .col(text("withheld_reason"))
        .col(text("method_class"))
        .col(text("method"))
        .col(boolean("open"))
        .col(text("open_condition"))
        .col(boolean("tradeable"))
        .col(text("cycle"))
        .col(text("related_code"))
        .col(text("theme"))
        .col(text_null("grade"))
        .col(boolean("important"))
        .col(boolean("sensitive"))
        .col(big_integer_null("row_count"))
        .col(text("table_name"))
        .col(text_null("source_id"))
        .col(text("source_table"))
        .col(text("state"))
        .col(text_null("approval_id"))
        .col(big_integer_null("published_at"))
        .col(big_integer_null("reviewed_at"))
        .col(big_integer_null("review_due"))
        .col(text("created_by"))
        .col(big_integer("created_at"))
        .col(big_integer("updated_at"))
        .col(integer("version"))
        .check((
            "catalog_resource_sharing",
            // A withheld entry has its citation and reason whenever others can see it.
            Expr::cust("sharing <> 'withheld' OR state <> 'published' OR (withheld_basis <> '' AND withheld_reason <> '')"),
        ))
        .to_owned()
}

fn fields() -> TableCreateStatement {
    Table::create()
        .table("catalog_field")
        .col(text("id").primary_key())
        .col(text("resource_id"))
        .col(integer("position"))
        .col(text("name"))
        .col(text("title"))
        .col(text("data_type"))
        .col(integer_null("length"))
        .col(boolean("is_key"))
        .col(text_null("kind"))
        .col(text_null("grade"))
        .col(boolean("sensitive"))
        .to_owned()
}

fn versions() -> TableCreateStatement {
    Table::create()
        .table("catalog_version")
        .col(text("id").primary_key())
        .col(text("resource_id"))
        .col(integer("version"))
        .col(big_integer("at"))
        .col(text("by_login"))
        .col(text("note"))
        // The entry and its fields as they were, in JSON.
        .col(text("snapshot"))
        .to_owned()
}

fn changes() -> TableCreateStatement {
    Table::create()
        .table("catalog_change")
        .col(text("id").primary_key())
        .col(text("no").unique_key())
        .col(text("resource_id"))
        .col(text("from_terms"))
        .col(text("to_terms"))
        .col(text("reason"))
        .col(text("state"))
        .col(text_null("approval_id"))
        .col(text("by_login"))
        .col(big_integer("at"))
        .col(big_integer_null("decided_at"))
        .col(integer("version"))
        .to_owned()
}

fn checks() -> TableCreateStatement {
    Table::create()
        .table("catalog_check")
        .col(text("id").primary_key())
        .col(text("resource_id"))
        .col(text("source_id"))
        .col(text("source_table"))
        .col(big_integer("at"))
        .col(text("by_login"))
        .col(text("result"))
        .col(text("fault"))
        .col(integer("columns_seen"))
        .col(big_integer_null("rows_seen"))
        .col(integer("resource_version"))
        .to_owned()
}

fn check_items() -> TableCreateStatement {
    Table::create()
        .table("catalog_check_item")
        .col(text("id").primary_key())
        .col(text("check_id"))
        .col(integer("position"))
        .col(text("field"))
        .col(text("problem"))
        .col(text("expected"))
        .col(text("found"))
        .to_owned()
}

fn cart() -> TableCreateStatement {
    Table::create()
        .table("catalog_cart")
        .col(text("account_id"))
        .col(text("resource_id"))
        .col(big_integer("added_at"))
        .primary_key(Index::create().col(Alias::new("account_id")).col(Alias::new("resource_id")))
        .to_owned()
}

fn series() -> TableCreateStatement {
    Table::create().table("catalog_series").col(text("series").primary_key()).col(big_integer("last")).to_owned()
}

fn table_name_once_per_unit() -> IndexCreateStatement {
    Index::create()
        .name("catalog_resource_table_name")
        .table(Alias::new("catalog_resource"))
        .col(Alias::new("unit_id"))
        .col(Alias::new("table_name"))
        .unique()
        .to_owned()
}

fn field_name_once_per_resource() -> IndexCreateStatement {
    Index::create()
        .name("catalog_field_name")
        .table(Alias::new("catalog_field"))
        .col(Alias::new("resource_id"))
        .col(Alias::new("name"))
        .unique()
        .to_owned()
}
