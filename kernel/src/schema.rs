//! The kernel's own tables. Every column is marked in `columns.toml`; a test fails on one that is not.

use sea_orm_migration::prelude::*;
use sea_orm_migration::schema::{big_integer, big_integer_null, integer, pk_auto, text, text_null};

/// Migrations of the kernel, in order.
pub fn migrations() -> Vec<Box<dyn MigrationTrait>> {
    vec![Box::new(Base)]
}

struct Base;

impl MigrationName for Base {
    fn name(&self) -> &'static str {
        "kernel_0001_base"
    }
}

#[async_trait::async_trait]
impl MigrationTrait for Base {
    async fn up(&self, manager: &SchemaManager) -> Result<(), DbErr> {
        manager.create_table(units()).await?;
        manager.create_index(index("unit", "path", false)).await?;
        manager.create_table(unit_places()).await?;
        manager.create_index(index("unit_place", "unit_id", false)).await?;
        manager.create_table(audit_entries()).await?;
        manager.create_index(index("audit_entry", "idx", true)).await?;
        manager.create_index(index("audit_entry", "at", false)).await?;
        manager.create_index(index("audit_entry", "object_id", false)).await?;
        manager.create_index(index("audit_entry", "login", false)).await?;
        manager.create_table(number_series()).await
    }
}

/// An index on one column, named after it.
pub fn index(table: &'static str, column: &'static str, unique: bool) -> IndexCreateStatement {
    let mut index = Index::create();
    index.name(format!("{table}_{column}")).table(Alias::new(table)).col(Alias::new(column));
    if unique {
        index.unique();
    }
    index.to_owned()
}

fn units() -> TableCreateStatement {
    Table::create()
        .table("unit")
        .col(text("id").primary_key())
        .col(text("code").unique_key())
        .col(text("name"))
        .col(text("kind"))
        .col(text("level"))
        .col(text_null("parent_id"))
        .col(text("path"))
        .col(integer("sort"))
        .col(big_integer_null("closed_at"))
        .col(integer("version"))
        .to_owned()
}

fn unit_places() -> TableCreateStatement {
    Table::create()
        .table("unit_place")
        .col(pk_auto("id").big_integer())
        .col(text("unit_id"))
        .col(text("path"))
        .col(big_integer("until"))
        .to_owned()
}

fn audit_entries() -> TableCreateStatement {
    Table::create()
        .table("audit_entry")
        .col(text("id").primary_key())
        .col(big_integer_null("idx"))
        .col(big_integer("at"))
        .col(text("action"))
        .col(text("outcome"))
        .col(text_null("code"))
        .col(text_null("account"))
        .col(text_null("login"))
        .col(text_null("unit"))
        .col(text("roles"))
        .col(text("object_kind"))
        .col(text("object_id"))
        .col(text("object_no"))
        .col(text("client"))
        .col(text("request"))
        .col(text("body"))
        .to_owned()
}

fn number_series() -> TableCreateStatement {
    Table::create().table("number_series").col(text("series").primary_key()).col(big_integer("last")).to_owned()
}
