//! Sources: same rows, same answers, whatever they are kept in; and what goes wrong is said rightly.

mod failures;
mod files;
mod people;
mod pushdown;
mod same_results;
mod shapes;

use std::sync::Arc;

use arrow::array::RecordBatch;
use arrow::util::display::{ArrayFormatter, FormatOptions};
use datafusion::physical_plan::displayable;
use datafusion::prelude::SessionContext;
use hufu_gate::source::Source;
use hufu_gate::source::config::{Password, Place, Server, SourceConfig, Tls};
use hufu_gate::source::{SourceKind, open};
use hufu_test_servers as servers;

/// A session in which `table` of `source` is known as `t`.
async fn session(source: &dyn Source, table: &str) -> SessionContext {
    let context = SessionContext::new();
    let provider = source.provider(table).await.unwrap();
    context.register_table("t", provider).unwrap();
    context
}

async fn answer(context: &SessionContext, sql: &str) -> Vec<Vec<String>> {
    let frame = context.sql(sql).await.unwrap_or_else(|e| panic!("{sql}: {e}"));
    let batches = frame.collect().await.unwrap_or_else(|e| panic!("{sql}: {e}"));
    lines(&batches)
}

fn lines(batches: &[RecordBatch]) -> Vec<Vec<String>> {
    let options = FormatOptions::default().with_null("∅");
    let mut lines = Vec::new();
    for batch in batches {
        let columns: Vec<_> =
            batch.columns().iter().map(|c| ArrayFormatter::try_new(c.as_ref(), &options).unwrap()).collect();
        for row in 0..batch.num_rows() {
            lines.push(columns.iter().map(|c| c.value(row).to_string()).collect());
        }
    }
    lines
}

/// What is sent to the source for `sql`.
async fn plan(context: &SessionContext, sql: &str) -> String {
    let plan = context.sql(sql).await.unwrap().create_physical_plan().await.unwrap();
    displayable(plan.as_ref()).indent(true).to_string()
}

pub(crate) fn on_server(kind: SourceKind, server: &servers::Server) -> SourceConfig {
    let place = Place::Server(Server {
        host: "127.0.0.1".into(),
        port: server.port,
        database: server.database.into(),
        user: server.user.into(),
        password: Password::new(server.password),
        tls: Tls::Off,
    });
    SourceConfig { kind, place, declared: Vec::new() }
}

fn postgres() -> Arc<dyn Source> {
    open(&on_server(SourceKind::Postgres, servers::postgres())).unwrap()
}

fn mariadb() -> Arc<dyn Source> {
    open(&on_server(SourceKind::Mysql, servers::mariadb())).unwrap()
}

pub(crate) fn files(kind: SourceKind, path: &std::path::Path) -> Arc<dyn Source> {
    open(&SourceConfig { kind, place: Place::Path(path.to_owned()), declared: Vec::new() }).unwrap()
}
