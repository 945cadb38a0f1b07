//! The kernel's own tables. Every column is marked in `columns.toml`; a test fails on one that is not.

use sea_orm_migration::prelude::*;
use sea_orm_migration::schema::{big_integer, big_integer_null, boolean, integer, integer_null, pk_auto, text, text_null};

/// Migrations of the kernel, in order.
pub fn migrations() -> Vec<Box<dyn MigrationTrait>> {
    vec![Box::new(Base), Box::new(Approvals), Box::new(Jobs)]
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

struct Approvals;

impl MigrationName for Approvals {
    fn name(&self) -> &'static str {
        "kernel_0002_approvals"
    }
}

#[async_trait::async_trait]
impl MigrationTrait for Approvals {
    async fn up(&self, manager: &SchemaManager) -> Result<(), DbErr> {
        manager.create_table(approvals()).await?;
        for column in ["object_id", "initiator", "status", "step_id"] {
            manager.create_index(index("approval", column, false)).await?;
        }
        manager.create_table(approval_steps()).await?;
        for column in ["approval_id", "unit_id", "delegate", "decided_by"] {
            manager.create_index(index("approval_step", column, false)).await?;
        }
        manager.create_table(approval_opinions()).await?;
        manager.create_index(index("approval_opinion", "approval_id", false)).await?;
        manager.create_index(index("approval_opinion", "account", false)).await?;
        manager.create_table(approval_copies()).await?;
        manager.create_index(index("approval_copy", "approval_id", false)).await?;
        manager.create_table(messages()).await?;
        manager.create_index(index("message", "account", false)).await?;
        manager.create_index(index("message", "unit_id", false)).await?;
        manager.create_table(message_reads()).await
    }
}

struct Jobs;

impl MigrationName for Jobs {
    fn name(&self) -> &'static str {
        "kernel_0003_jobs"
    }
}

#[async_trait::async_trait]
impl MigrationTrait for Jobs {
    async fn up(&self, manager: &SchemaManager) -> Result<(), DbErr> {
        manager.create_table(jobs()).await?;
        let mut once = Index::create();
        once.name("job_name_key").table("job").col("name").col("key").unique();
        manager.create_index(once.to_owned()).await?;
        let mut due = Index::create();
        due.name("job_state_run_at").table("job").col("state").col("run_at");
        manager.create_index(due.to_owned()).await?;
        manager.create_table(attachments()).await?;
        manager.create_index(index("attachment", "object_id", false)).await
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

fn approvals() -> TableCreateStatement {
    Table::create()
        .table("approval")
        .col(text("id").primary_key())
        .col(text("kind"))
        .col(text("kind_name"))
        .col(text("object_kind"))
        .col(text("object_id"))
        .col(text("object_no"))
        .col(text("title"))
        .col(text("link"))
        .col(text("initiator"))
        .col(text("initiator_name"))
        .col(text("unit_id"))
        .col(text("unit_name"))
        .col(text("status"))
        .col(text_null("step_id"))
        .col(big_integer_null("returned_at"))
        .col(big_integer("created_at"))
        .col(big_integer("updated_at"))
        .col(integer("version"))
        // A matter is with somebody exactly while it runs or is returned, and its clock stands exactly while it is returned.
        .check(Expr::cust("(status IN ('running','returned')) = (step_id IS NOT NULL)"))
        .check(Expr::cust("(status = 'returned') = (returned_at IS NOT NULL)"))
        .check(Expr::cust("status IN ('running','returned','approved','refused','withdrawn')"))
        .to_owned()
}

fn approval_steps() -> TableCreateStatement {
    Table::create()
        .table("approval_step")
        .col(text("id").primary_key())
        .col(text("approval_id"))
        .col(integer("position"))
        .col(text("key"))
        .col(text("title"))
        .col(text("role"))
        .col(text("unit_id"))
        .col(text("unit_code"))
        .col(text("unit_name"))
        .col(text("unit_path"))
        .col(text("unit_level"))
        .col(text_null("delegate"))
        .col(integer_null("workdays"))
        .col(integer("extension_max"))
        .col(text("needs"))
        .col(big_integer_null("due"))
        .col(text("state"))
        .col(big_integer_null("opened_at"))
        .col(text_null("decided_by"))
        .col(big_integer_null("decided_at"))
        .col(text("extension"))
        .col(integer("extension_days"))
        // A step has a signer and a time exactly when it is decided.
        .check(Expr::cust("(state IN ('approved','partial','refused')) = (decided_by IS NOT NULL)"))
        .check(Expr::cust("(decided_by IS NULL) = (decided_at IS NULL)"))
        .check(Expr::cust("state IN ('waiting','open','approved','partial','refused')"))
        .to_owned()
}

fn approval_opinions() -> TableCreateStatement {
    Table::create()
        .table("approval_opinion")
        .col(pk_auto("id").big_integer())
        .col(text("approval_id"))
        .col(text_null("step_id"))
        .col(text("step_title"))
        .col(text("act"))
        .col(text_null("account"))
        .col(text("name"))
        .col(text("unit_name"))
        .col(text("text"))
        .col(text("missing"))
        .col(big_integer("at"))
        .col(text("request"))
        .to_owned()
}

fn approval_copies() -> TableCreateStatement {
    Table::create()
        .table("approval_copy")
        .col(pk_auto("id").big_integer())
        .col(text("approval_id"))
        .col(text_null("account"))
        .col(text_null("role"))
        .col(text_null("unit_id"))
        .to_owned()
}

fn messages() -> TableCreateStatement {
    Table::create()
        .table("message")
        .col(text("id").primary_key())
        .col(text_null("account"))
        .col(text_null("role"))
        .col(text_null("unit_id"))
        .col(text("category"))
        .col(text("title"))
        .col(text("body"))
        .col(text("link"))
        .col(big_integer("at"))
        .to_owned()
}

fn message_reads() -> TableCreateStatement {
    Table::create()
        .table("message_read")
        .col(text("message_id"))
        .col(text("account"))
        .col(big_integer("at"))
        .primary_key(Index::create().col("message_id").col("account"))
        .to_owned()
}

fn jobs() -> TableCreateStatement {
    Table::create()
        .table("job")
        .col(text("id").primary_key())
        .col(text("name"))
        .col(text_null("key"))
        .col(text("payload"))
        .col(text("state"))
        .col(integer("attempts"))
        .col(big_integer("run_at"))
        .col(big_integer_null("lease_until"))
        .col(text_null("lease_owner"))
        .col(boolean("is_cancelling"))
        .col(big_integer("done"))
        .col(big_integer_null("total"))
        .col(text("current"))
        .col(text_null("checkpoint"))
        .col(text_null("result"))
        .col(text_null("code"))
        .col(text_null("error"))
        .col(text_null("account"))
        .col(text("request"))
        .col(big_integer("created_at"))
        .col(big_integer_null("started_at"))
        .col(big_integer_null("finished_at"))
        // A job is held exactly while it runs, and has an end exactly when it is over.
        .check(Expr::cust("(state = 'running') = (lease_owner IS NOT NULL)"))
        .check(Expr::cust("(lease_owner IS NULL) = (lease_until IS NULL)"))
        .check(Expr::cust("(state IN ('done','failed','cancelled')) = (finished_at IS NOT NULL)"))
        .check(Expr::cust("state IN ('queued','running','done','failed','cancelled')"))
        .to_owned()
}

fn attachments() -> TableCreateStatement {
    Table::create()
        .table("attachment")
        .col(text("id").primary_key())
        .col(text("object_kind"))
        .col(text("object_id"))
        .col(text("name"))
        .col(text("media_type"))
        .col(big_integer("size_bytes"))
        .col(text("sha256"))
        .col(text("sm3"))
        .col(text("account"))
        .col(text("account_name"))
        .col(big_integer("at"))
        .to_owned()
}
