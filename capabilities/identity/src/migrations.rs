//! The tables of this capability. `columns.toml` marks each column.

use hufu_kernel::schema::index;
use sea_orm_migration::prelude::*;
use sea_orm_migration::schema::{big_integer, big_integer_null, boolean, integer, text, text_null};

/// Migrations of identity, in order.
pub fn migrations() -> Vec<Box<dyn MigrationTrait>> {
    vec![Box::new(Base), Box::new(Reasons)]
}

struct Base;

impl MigrationName for Base {
    fn name(&self) -> &'static str {
        "identity_0001_base"
    }
}

#[async_trait::async_trait]
impl MigrationTrait for Base {
    async fn up(&self, manager: &SchemaManager) -> Result<(), DbErr> {
        for table in [accounts(), roles(), changes(), sessions(), guards(), logins(), passwords(), tokens(), profiles()]
        {
            manager.create_table(table).await?;
        }
        let indexes = [
            index("account", "unit_id", false),
            index("role_change", "account_id", false),
            index("role_change", "state", false),
            index("login_session", "account_id", false),
            index("login_record", "account_id", false),
            index("login_record", "at", false),
            index("former_password", "account_id", false),
            index("api_token", "account_id", false),
        ];
        for index in indexes {
            manager.create_index(index).await?;
        }
        Ok(())
    }
}

struct Reasons;

impl MigrationName for Reasons {
    fn name(&self) -> &'static str {
        "identity_0002_reasons"
    }
}

#[async_trait::async_trait]
impl MigrationTrait for Reasons {
    async fn up(&self, manager: &SchemaManager) -> Result<(), DbErr> {
        manager.create_table(reasons()).await?;
        manager.create_index(index("act_reason", "object_id", false)).await
    }
}

/// Why somebody shut or closed something, in their words; the entry of the act bears the digest.
fn reasons() -> TableCreateStatement {
    Table::create()
        .table("act_reason")
        .col(text("id").primary_key())
        .col(text("object_id"))
        .col(text("action"))
        .col(text("account_id"))
        .col(text("reason"))
        .col(big_integer("at"))
        .to_owned()
}

fn accounts() -> TableCreateStatement {
    Table::create()
        .table("account")
        .col(text("id").primary_key())
        .col(text("login").unique_key())
        .col(text("name"))
        .col(text_null("phone"))
        .col(text("unit_id"))
        .col(text("state"))
        .col(text_null("vendor"))
        .col(big_integer_null("vendor_until"))
        .col(text("password"))
        .col(big_integer("password_at"))
        .col(boolean("password_initial"))
        .col(text_null("totp"))
        .col(big_integer_null("totp_at"))
        .col(big_integer_null("totp_step"))
        .col(big_integer_null("last_login_at"))
        .col(big_integer("created_at"))
        .col(big_integer_null("closed_at"))
        .col(integer("version"))
        .to_owned()
}

/// One row per role held.
fn roles() -> TableCreateStatement {
    Table::create()
        .table("account_role")
        .col(text("account_id"))
        .col(text("role"))
        .col(big_integer("since"))
        .primary_key(Index::create().col("account_id").col("role"))
        .to_owned()
}

/// `pending_for` is the account while the change waits and null after, so that the store itself
/// allows one open change per account.
fn changes() -> TableCreateStatement {
    Table::create()
        .table("role_change")
        .col(text("id").primary_key())
        .col(text("no").unique_key())
        .col(text("kind"))
        .col(text("account_id"))
        .col(text_null("pending_for").unique_key())
        .col(text("unit_id"))
        .col(text("bureau_id"))
        .col(text("add_roles"))
        .col(text("remove_roles"))
        .col(text("reason"))
        .col(text("proposer"))
        .col(big_integer("proposed_at"))
        .col(text("state"))
        .col(text_null("decider"))
        .col(big_integer_null("decided_at"))
        .col(text_null("opinion"))
        .col(integer("version"))
        .to_owned()
}

fn sessions() -> TableCreateStatement {
    Table::create()
        .table("login_session")
        .col(text("id").primary_key())
        .col(text("secret_hash").unique_key())
        .col(text("account_id"))
        .col(big_integer("created_at"))
        .col(big_integer("seen_at"))
        .col(big_integer_null("ended_at"))
        .col(boolean("second_passed"))
        .col(text("client"))
        .col(text("agent"))
        .to_owned()
}

/// Guesses per log-in name, by the digest of the name: a name that does not exist may be a mistyped password.
fn guards() -> TableCreateStatement {
    Table::create()
        .table("login_guard")
        .col(text("login_hash").primary_key())
        .col(integer("failures"))
        .col(big_integer("failed_at"))
        .col(big_integer_null("locked_until"))
        .to_owned()
}

fn logins() -> TableCreateStatement {
    Table::create()
        .table("login_record")
        .col(text("id").primary_key())
        .col(text("account_id"))
        .col(big_integer("at"))
        .col(text("client"))
        .col(text("agent"))
        .col(boolean("success"))
        .to_owned()
}

fn passwords() -> TableCreateStatement {
    Table::create()
        .table("former_password")
        .col(text("id").primary_key())
        .col(text("account_id"))
        .col(text("password"))
        .col(big_integer("until"))
        .to_owned()
}

fn tokens() -> TableCreateStatement {
    Table::create()
        .table("api_token")
        .col(text("id").primary_key())
        .col(text("account_id"))
        .col(text("name"))
        .col(text("prefix"))
        .col(text("secret_hash").unique_key())
        .col(text("scram"))
        .col(big_integer("created_at"))
        .col(big_integer("expires_at"))
        .col(big_integer_null("revoked_at"))
        .col(big_integer_null("used_at"))
        .to_owned()
}

/// Who answers for a unit (WHO-2).
fn profiles() -> TableCreateStatement {
    Table::create()
        .table("unit_profile")
        .col(text("unit_id").primary_key())
        .col(text("responsible"))
        .col(text("responsible_as"))
        .col(text("responsible_post"))
        .col(text("sharing_office"))
        .col(text("contact"))
        .col(text("contact_phone"))
        .col(big_integer("updated_at"))
        .to_owned()
}
