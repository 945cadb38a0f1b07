//! PostgreSQL's catalogue functions, as far as clients call them.

use std::collections::HashMap;
use std::sync::Arc;

use rusqlite::functions::{Context, FunctionFlags};
use rusqlite::types::{Value, ValueRef};
use rusqlite::{Connection, Result};

use crate::wire::settings::SERVER_VERSION;

/// Functions that make a query one for the catalogue, also when it names no table.
pub(super) const MARKS: &[&str] = &[
    "version",
    "current_schema",
    "current_schemas",
    "current_database",
    "current_catalog",
    "current_setting",
    "current_user",
    "session_user",
    "user",
    "set_config",
    "obj_description",
    "col_description",
    "shobj_description",
    "format_type",
    "has_table_privilege",
    "has_schema_privilege",
    "has_database_privilege",
    "has_column_privilege",
    "has_any_column_privilege",
    "to_regclass",
    "to_regtype",
    "quote_ident",
    "inet_server_addr",
    "inet_server_port",
    "inet_client_addr",
    "txid_current",
    "array_to_string",
];

/// What is said of a table (0) or a column (its number).
pub(super) type Comments = HashMap<(i64, i64), String>;

/// (schema, name) and number of each table.
type Relations = Vec<(i64, String, String)>;

pub(super) fn register(database: &Connection, user: &str, relations: Relations, comments: Comments) -> Result<()> {
    constants(database, user)?;
    lookups(database, relations, comments)?;
    text_functions(database)?;
    let privilege = |c: &Context<'_>| {
        let asked = (0..c.len()).filter_map(|i| text(c, i)).map(|t| t.to_ascii_uppercase());
        let reads = |t: &str| matches!(t, "SELECT" | "USAGE" | "CONNECT" | "MEMBER" | "EXECUTE");
        let mut writes = false;
        for asked in asked {
            if reads(&asked) {
                return Ok(Value::Integer(1));
            }
            writes |= matches!(
                asked.as_str(),
                "INSERT"
                    | "UPDATE"
                    | "DELETE"
                    | "TRUNCATE"
                    | "REFERENCES"
                    | "TRIGGER"
                    | "CREATE"
                    | "TEMP"
                    | "TEMPORARY"
            );
        }
        Ok(Value::Integer(i64::from(!writes)))
    };
    for name in [
        "table",
        "schema",
        "database",
        "column",
        "any_column",
        "sequence",
        "function",
        "tablespace",
        "language",
        "type",
        "server",
    ] {
        scalar(database, &format!("has_{name}_privilege"), privilege)?;
    }
    scalar(database, "pg_has_role", privilege)
}

fn constants(database: &Connection, user: &str) -> Result<()> {
    let fixed = |name: &str, value: Value| scalar(database, name, move |_c| Ok(value.clone()));
    let of_text = |text: &str| Value::Text(text.to_owned());
    fixed("version", Value::Text(format!("PostgreSQL {SERVER_VERSION} (Hufu {})", env!("CARGO_PKG_VERSION"))))?;
    fixed("current_schema", of_text("public"))?;
    fixed("current_schemas", of_text("{public}"))?;
    fixed("current_database", of_text("hufu"))?;
    fixed("hufu_user", of_text(user))?;
    fixed("pg_get_userbyid", of_text("hufu"))?;
    fixed("pg_backend_pid", Value::Integer(0))?;
    fixed("pg_encoding_to_char", of_text("UTF8"))?;
    fixed("pg_char_to_encoding", Value::Integer(6))?;
    fixed("pg_client_encoding", of_text("UTF8"))?;
    fixed("pg_tablespace_location", of_text(""))?;
    for name in
        ["table", "type", "function", "operator", "opclass", "collation", "conversion", "ts_config", "statistics_obj"]
    {
        fixed(&format!("pg_{name}_is_visible"), Value::Integer(1))?;
    }
    for name in [
        "pg_is_in_recovery",
        "pg_is_wal_replay_paused",
        "pg_is_other_temp_schema",
        "pg_my_temp_schema",
        "row_security_active",
        "pg_relation_is_publishable",
        "pg_relation_size",
        "pg_total_relation_size",
        "pg_table_size",
        "pg_indexes_size",
        "pg_database_size",
        "pg_tablespace_size",
        "txid_current",
        "pg_relation_is_updatable",
        "pg_column_is_updatable",
    ] {
        fixed(name, Value::Integer(0))?;
    }
    for name in [
        "pg_get_expr",
        "pg_get_indexdef",
        "pg_get_constraintdef",
        "pg_get_viewdef",
        "pg_get_ruledef",
        "pg_get_triggerdef",
        "pg_get_partkeydef",
        "pg_get_functiondef",
        "pg_get_function_result",
        "pg_get_function_arguments",
        "pg_get_function_identity_arguments",
        "pg_get_serial_sequence",
        "pg_get_statisticsobjdef",
        "pg_get_statisticsobjdef_columns",
        "shobj_description",
        "inet_server_addr",
        "inet_server_port",
        "inet_client_addr",
        "inet_client_port",
        "pg_last_wal_receive_lsn",
        "pg_postmaster_start_time",
        "pg_conf_load_time",
        "pg_last_xact_replay_timestamp",
    ] {
        fixed(name, Value::Null)?;
    }
    scalar(database, "set_config", |c| Ok(text(c, 1).map_or(Value::Null, Value::Text)))
}

fn lookups(database: &Connection, relations: Relations, comments: Comments) -> Result<()> {
    let relations = Arc::new(relations);
    let known = Arc::clone(&relations);
    let find = move |name: &str| -> Option<i64> {
        let plain = name.replace('"', "");
        let qualified = |schema: &str, table: &str| plain == table || plain == format!("{schema}.{table}");
        known.iter().find(|(_, s, t)| qualified(s, t)).map(|(oid, ..)| *oid)
    };
    let by_name = find.clone();
    scalar(database, "to_regclass", move |c| {
        Ok(text(c, 0).and_then(|n| by_name(&n)).map_or(Value::Null, Value::Integer))
    })?;
    scalar(database, "hufu_regclass", move |c| {
        Ok(match raw(c, 0) {
            Value::Text(name) => name.parse().ok().or_else(|| find(&name)).map_or_else(
                || if name.contains("pg_class") { Value::Integer(super::PG_CLASS) } else { Value::Integer(0) },
                Value::Integer,
            ),
            other => other,
        })
    })?;
    let names: HashMap<i64, String> = relations.iter().map(|(oid, s, t)| (*oid, format!("{s}.{t}"))).collect();
    scalar(database, "hufu_relation_name", move |c| {
        Ok(match raw(c, 0) {
            Value::Integer(oid) => Value::Text(names.get(&oid).cloned().unwrap_or_else(|| oid.to_string())),
            other => other,
        })
    })?;
    scalar(database, "format_type", |c| {
        let oid = integer(c, 0);
        let modifier = integer(c, 1).unwrap_or(-1);
        Ok(oid.map_or(Value::Null, |oid| Value::Text(type_name(oid, modifier))))
    })?;
    scalar(database, "to_regtype", |c| Ok(raw(c, 0)))?;
    let find = Arc::new(comments);
    let of_object = Arc::clone(&find);
    scalar(database, "obj_description", move |c| {
        let found = integer(c, 0).and_then(|oid| of_object.get(&(oid, 0)).cloned());
        Ok(found.map_or(Value::Null, Value::Text))
    })?;
    scalar(database, "col_description", move |c| {
        let place = integer(c, 0).zip(integer(c, 1));
        Ok(place.and_then(|p| find.get(&p).cloned()).map_or(Value::Null, Value::Text))
    })
}

fn text_functions(database: &Connection) -> Result<()> {
    scalar(database, "quote_ident", |c| {
        let quoted = |name: String| {
            let plain = name.bytes().all(|b| b.is_ascii_lowercase() || b.is_ascii_digit() || b == b'_')
                && !name.starts_with(|c: char| c.is_ascii_digit());
            if plain && !name.is_empty() { name } else { format!("\"{}\"", name.replace('"', "\"\"")) }
        };
        Ok(text(c, 0).map_or(Value::Null, |name| Value::Text(quoted(name))))
    })?;
    scalar(database, "pg_size_pretty", |c| {
        Ok(integer(c, 0).map_or(Value::Null, |n| Value::Text(format!("{n} bytes"))))
    })?;
    scalar(database, "hufu_any", |c| {
        let Some(value) = text(c, 0) else { return Ok(Value::Null) };
        let list = text(c, 1).unwrap_or_default();
        Ok(Value::Integer(i64::from(elements(&list).any(|e| e == value))))
    })?;
    scalar(database, "hufu_array", |c| {
        let items: Vec<String> = (0..c.len()).filter_map(|i| text(c, i)).collect();
        Ok(Value::Text(format!("{{{}}}", items.join(","))))
    })?;
    scalar(database, "array_to_string", |c| {
        let (Some(list), Some(mark)) = (text(c, 0), text(c, 1)) else { return Ok(Value::Null) };
        Ok(Value::Text(elements(&list).collect::<Vec<_>>().join(&mark)))
    })?;
    for name in ["array_length", "array_upper"] {
        scalar(database, name, |c| {
            let length = text(c, 0).map(|list| elements(&list).count()).and_then(|n| i64::try_from(n).ok());
            Ok(length.filter(|n| *n > 0).map_or(Value::Null, Value::Integer))
        })?;
    }
    scalar(database, "quote_literal", |c| {
        Ok(text(c, 0).map_or(Value::Null, |t| Value::Text(format!("'{}'", t.replace('\'', "''")))))
    })?;
    // `X REGEXP Y` calls it with the pattern first.
    scalar(database, "regexp", |c| {
        let (Some(pattern), Some(value)) = (text(c, 0), text(c, 1)) else { return Ok(Value::Null) };
        let matched = regex::RegexBuilder::new(&pattern).size_limit(1 << 20).build().map(|r| r.is_match(&value));
        matched.map(|m| Value::Integer(i64::from(m))).map_err(|_e| rusqlite::Error::InvalidQuery)
    })
}

fn scalar(
    database: &Connection,
    name: &str,
    work: impl Fn(&Context<'_>) -> Result<Value> + Send + std::panic::UnwindSafe + 'static,
) -> Result<()> {
    database.create_scalar_function(name, -1, FunctionFlags::SQLITE_UTF8, move |c| work(c))
}

fn raw(c: &Context<'_>, at: usize) -> Value {
    if at < c.len() { c.get_raw(at).into() } else { Value::Null }
}

fn text(c: &Context<'_>, at: usize) -> Option<String> {
    if at >= c.len() {
        return None;
    }
    match c.get_raw(at) {
        ValueRef::Text(t) => Some(String::from_utf8_lossy(t).into_owned()),
        ValueRef::Integer(v) => Some(v.to_string()),
        ValueRef::Real(v) => Some(v.to_string()),
        ValueRef::Null | ValueRef::Blob(_) => None,
    }
}

fn integer(c: &Context<'_>, at: usize) -> Option<i64> {
    text(c, at)?.parse().ok()
}

/// `{a,b}` and the `1 2` of vectors.
fn elements(list: &str) -> impl Iterator<Item = &str> {
    let inner = list.trim_start_matches('{').trim_end_matches('}');
    inner.split([',', ' ']).filter(|e| !e.is_empty())
}

fn type_name(oid: i64, modifier: i64) -> String {
    let known = u32::try_from(oid).ok().and_then(pgwire::api::Type::from_oid);
    let Some(known) = known else { return "???".to_owned() };
    match known.name() {
        "bool" => "boolean".into(),
        "int2" => "smallint".into(),
        "int4" => "integer".into(),
        "int8" => "bigint".into(),
        "float4" => "real".into(),
        "float8" => "double precision".into(),
        "timestamp" => "timestamp without time zone".into(),
        "timestamptz" => "timestamp with time zone".into(),
        "time" => "time without time zone".into(),
        "varchar" => "character varying".into(),
        "bpchar" => "character".into(),
        "numeric" if modifier >= 4 => {
            let packed = modifier - 4;
            format!("numeric({},{})", packed >> 16, packed & 0xFFFF)
        }
        array if array.starts_with('_') => format!("{}[]", array.trim_start_matches('_')),
        other => other.to_owned(),
    }
}
