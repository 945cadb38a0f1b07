//! The two query protocols: simple (text in, everything out) and extended (parse, bind, describe, execute).

use std::collections::VecDeque;
use std::fmt::Debug;
use std::sync::{Arc, LazyLock};

use arrow::datatypes::SchemaRef;
use async_trait::async_trait;
use futures::{Sink, SinkExt, StreamExt, stream};
use pgwire::api::auth::StartupHandler;
use pgwire::api::cancel::CancelHandler;
use pgwire::api::portal::{Format, Portal, PortalExecutionState};
use pgwire::api::query::{
    ExtendedQueryHandler, SimpleQueryHandler, send_execution_response, send_query_response, send_ready_for_query,
};
use pgwire::api::results::{FieldInfo, QueryResponse, Response, Tag};
use pgwire::api::stmt::QueryParser;
use pgwire::api::store::{Entry, PortalStore};
use pgwire::api::{
    ClientInfo, ClientPortalStore, DEFAULT_NAME, PgWireConnectionState, PgWireServerHandlers,
    RandomPidSecretKeyGenerator, Type,
};
use pgwire::error::{PgWireError, PgWireResult};
use pgwire::messages::PgWireBackendMessage;
use pgwire::messages::copy::{CopyData, CopyDone, CopyOutResponse};
use pgwire::messages::data::{DataRow, RowDescription};
use pgwire::messages::extendedquery::{Execute, PortalSuspended};
use pgwire::messages::response::{EmptyQueryResponse, TransactionStatus};
use pgwire::messages::simplequery::Query;

use super::answer::{Answer, Table};
use super::command::{self, Command, Copy};
use super::connection::{self, Canceller};
use super::parameters::{self, Parameter};
use super::startup::Startup;
use super::{Shared, copy, encode, faults, run, types};

/// How often a grant is looked at while rows of one batch are sent.
const ROWS_PER_CHECK: usize = 256;

static KEYS: LazyLock<Arc<RandomPidSecretKeyGenerator>> = LazyLock::new(Arc::default);

/// Made anew for each connection.
pub(super) struct Handlers {
    shared: Arc<Shared>,
    queries: Arc<Queries>,
}

impl Handlers {
    pub(super) fn new(shared: Arc<Shared>) -> Self {
        Self { queries: Arc::new(Queries { shared: Arc::clone(&shared) }), shared }
    }
}

impl PgWireServerHandlers for Handlers {
    fn startup_handler(&self) -> Arc<impl StartupHandler> {
        Arc::new(Startup::new(Arc::clone(&self.shared), Arc::clone(&KEYS)))
    }

    fn simple_query_handler(&self) -> Arc<impl SimpleQueryHandler> {
        Arc::clone(&self.queries)
    }

    fn extended_query_handler(&self) -> Arc<impl ExtendedQueryHandler> {
        Arc::clone(&self.queries)
    }

    fn cancel_handler(&self) -> Arc<impl CancelHandler> {
        Arc::new(Canceller(Arc::clone(&self.shared.cancels)))
    }
}

/// A statement that was parsed. Columns and types are what they were then; rights are asked at execution.
#[derive(Clone, Debug)]
pub(super) struct Prepared {
    command: Command,
    schema: Option<SchemaRef>,
    parameters: Vec<Parameter>,
}

struct Queries {
    shared: Arc<Shared>,
}

#[async_trait]
impl SimpleQueryHandler for Queries {
    async fn on_query<C>(&self, client: &mut C, query: Query) -> PgWireResult<()>
    where
        C: ClientInfo + ClientPortalStore + Sink<PgWireBackendMessage> + Unpin + Send + Sync,
        C::PortalStore: PortalStore,
        C::Error: Debug,
        PgWireError: From<<C as Sink<PgWireBackendMessage>>::Error>,
    {
        let connection = connection::of(client)?;
        client.set_state(PgWireConnectionState::QueryInProgress);
        let statements = command::split(&query.query);
        if statements.is_empty() {
            client.feed(PgWireBackendMessage::EmptyQueryResponse(EmptyQueryResponse::new())).await?;
        }
        let cancel = connection.begin();
        for text in statements {
            let command = command::parse(&text);
            require_sound_transaction(client, &command)?;
            let answer = run::run(&self.shared, &connection, &command, Vec::new(), cancel.clone()).await?;
            match answer {
                Answer::Rows { table, tag } => {
                    let fields = types::fields(&table.schema, &Format::UnifiedText);
                    let description = RowDescription::new(fields.iter().map(Into::into).collect());
                    client.feed(PgWireBackendMessage::RowDescription(description)).await?;
                    send_rows(client, table, &fields, tag).await?;
                }
                other => send_other(client, other).await?,
            }
        }
        client.set_state(PgWireConnectionState::ReadyForQuery);
        let status = client.transaction_status();
        send_ready_for_query(client, status).await
    }

    async fn do_query<C>(&self, _client: &mut C, _query: &str) -> PgWireResult<Vec<Response>>
    where
        C: ClientInfo + ClientPortalStore + Sink<PgWireBackendMessage> + Unpin + Send + Sync,
        C::PortalStore: PortalStore,
        C::Error: Debug,
        PgWireError: From<<C as Sink<PgWireBackendMessage>>::Error>,
    {
        // `on_query` streams and never comes here.
        Err(faults::error("XX000", "内部错误"))
    }
}

#[async_trait]
impl ExtendedQueryHandler for Queries {
    type Statement = Arc<Prepared>;
    type QueryParser = Parser;

    fn query_parser(&self) -> Arc<Parser> {
        Arc::new(Parser { shared: Arc::clone(&self.shared) })
    }

    async fn on_execute<C>(&self, client: &mut C, message: Execute) -> PgWireResult<()>
    where
        C: ClientInfo + ClientPortalStore + Sink<PgWireBackendMessage> + Unpin + Send + Sync,
        C::PortalStore: PortalStore<Statement = Self::Statement>,
        C::Error: Debug,
        PgWireError: From<<C as Sink<PgWireBackendMessage>>::Error>,
    {
        let connection = connection::of(client)?;
        let name = message.name.as_deref().unwrap_or(DEFAULT_NAME);
        let rows_max = usize::try_from(message.max_rows).unwrap_or(0);
        let portal = match client.portal_store().get_portal(name) {
            Some(Entry::Value(portal)) => portal,
            Some(Entry::Empty) => {
                client.feed(PgWireBackendMessage::EmptyQueryResponse(EmptyQueryResponse::new())).await?;
                return Ok(());
            }
            None => return Err(PgWireError::PortalNotFound(name.to_owned())),
        };
        client.set_state(PgWireConnectionState::QueryInProgress);
        let state = portal.state();
        let is_new = matches!(*state.lock().await, PortalExecutionState::Initial);
        if is_new {
            let prepared = &portal.statement.statement;
            require_sound_transaction(client, &prepared.command)?;
            let values = parameters::values(&prepared.parameters, &portal.parameters, &portal.parameter_format)?;
            let cancel = connection.begin();
            let answer = run::run(&self.shared, &connection, &prepared.command, values, cancel).await?;
            match answer {
                Answer::Rows { table, tag } => {
                    require_same_columns(prepared, &table)?;
                    let fields = types::fields(&table.schema, &portal.result_column_format);
                    if rows_max == 0 {
                        // Straight to the socket: the library would gather all rows first.
                        *state.lock().await = PortalExecutionState::Finished;
                        send_rows(client, table, &fields, tag).await?;
                    } else {
                        portal.start(response(table, fields, tag)).await;
                        send_some(client, &portal, rows_max).await?;
                    }
                }
                other => {
                    *state.lock().await = PortalExecutionState::Finished;
                    send_other(client, other).await?;
                }
            }
        } else if rows_max == 0 {
            let before = std::mem::replace(&mut *state.lock().await, PortalExecutionState::Finished);
            match before {
                PortalExecutionState::Suspended(rest) => send_query_response(client, rest, false).await?,
                _ => send_execution_response(client, Tag::new("SELECT").with_rows(0)).await?,
            }
        } else {
            send_some(client, &portal, rows_max).await?;
        }
        client.set_state(PgWireConnectionState::ReadyForQuery);
        Ok(())
    }

    async fn do_query<C>(
        &self,
        _client: &mut C,
        _portal: &Portal<Self::Statement>,
        _max_rows: usize,
    ) -> PgWireResult<Response>
    where
        C: ClientInfo + ClientPortalStore + Sink<PgWireBackendMessage> + Unpin + Send + Sync,
        C::PortalStore: PortalStore<Statement = Self::Statement>,
        C::Error: Debug,
        PgWireError: From<<C as Sink<PgWireBackendMessage>>::Error>,
    {
        // `on_execute` streams and never comes here.
        Err(faults::error("XX000", "内部错误"))
    }
}

/// Parses for the extended protocol.
pub(super) struct Parser {
    shared: Arc<Shared>,
}

#[async_trait]
impl QueryParser for Parser {
    type Statement = Arc<Prepared>;

    async fn parse_sql<C>(&self, client: &C, sql: &str, said: &[Option<Type>]) -> PgWireResult<Option<Arc<Prepared>>>
    where
        C: ClientInfo + Unpin + Send + Sync,
    {
        let connection = connection::of(client)?;
        let statements = command::split(sql);
        let text = match statements.as_slice() {
            [] => return Ok(None),
            [one] => one,
            _ => return Err(faults::error("42601", "一次只能准备一条语句")),
        };
        let command = command::parse(text);
        let (schema, parameters) = run::describe(&self.shared, &connection, &command, said).await?;
        Ok(Some(Arc::new(Prepared { command, schema, parameters })))
    }

    fn get_parameter_types(&self, prepared: &Arc<Prepared>) -> PgWireResult<Vec<Type>> {
        Ok(prepared.parameters.iter().map(|p| p.pg.clone()).collect())
    }

    fn get_result_schema(&self, prepared: &Arc<Prepared>, format: Option<&Format>) -> PgWireResult<Vec<FieldInfo>> {
        let text = Format::UnifiedText;
        let fields = prepared.schema.as_ref().map(|schema| types::fields(schema, format.unwrap_or(&text)));
        Ok(fields.map(|f| f.to_vec()).unwrap_or_default())
    }
}

/// After an error a transaction only ends: clients rely on being told.
fn require_sound_transaction<C: ClientInfo>(client: &C, command: &Command) -> PgWireResult<()> {
    let broken = matches!(client.transaction_status(), TransactionStatus::Error);
    if broken && !matches!(command, Command::Commit | Command::Rollback | Command::Nothing("ROLLBACK")) {
        return Err(faults::error("25P02", "事务已中止,请先执行 ROLLBACK"));
    }
    Ok(())
}

/// The client reads rows by the columns it was told of when it prepared.
fn require_same_columns(prepared: &Prepared, table: &Table) -> PgWireResult<()> {
    let told = prepared.schema.as_ref().map(|s| s.fields().iter().map(|f| types::of(f)).collect::<Vec<_>>());
    let now: Vec<Type> = table.schema.fields().iter().map(|f| types::of(f)).collect();
    match told {
        Some(told) if told != now => Err(faults::error("0A000", "授权或表结构已变化,请重新准备语句")),
        _ => Ok(()),
    }
}

async fn send_rows<C>(client: &mut C, mut table: Table, fields: &[FieldInfo], tag: &str) -> PgWireResult<()>
where
    C: Sink<PgWireBackendMessage> + Unpin,
    PgWireError: From<<C as Sink<PgWireBackendMessage>>::Error>,
{
    let mut sent = 0;
    while let Some(batch) = table.batches.next().await {
        let rows = batch.and_then(|b| encode::rows(&b, fields)).map_err(|e| faults::told(&e))?;
        for row in rows {
            if sent % ROWS_PER_CHECK == 0 {
                table.require_open().await?;
            }
            client.feed(PgWireBackendMessage::DataRow(row)).await?;
            sent += 1;
        }
    }
    client.feed(PgWireBackendMessage::CommandComplete(Tag::new(tag).with_rows(sent).into())).await?;
    Ok(())
}

async fn send_copy<C>(client: &mut C, mut table: Table, options: &Copy) -> PgWireResult<()>
where
    C: Sink<PgWireBackendMessage> + Unpin,
    PgWireError: From<<C as Sink<PgWireBackendMessage>>::Error>,
{
    let columns = i16::try_from(table.schema.fields().len()).unwrap_or(i16::MAX);
    let formats = vec![0; table.schema.fields().len()];
    client.feed(PgWireBackendMessage::CopyOutResponse(CopyOutResponse::new(0, columns, formats))).await?;
    if let Some(line) = copy::header(options, &table.schema) {
        client.feed(PgWireBackendMessage::CopyData(CopyData::new(line))).await?;
    }
    let mut sent = 0;
    while let Some(batch) = table.batches.next().await {
        let lines = batch.and_then(|b| copy::lines(options, &b)).map_err(|e| faults::told(&e))?;
        for line in lines {
            if sent % ROWS_PER_CHECK == 0 {
                table.require_open().await?;
            }
            client.feed(PgWireBackendMessage::CopyData(CopyData::new(line))).await?;
            sent += 1;
        }
    }
    client.feed(PgWireBackendMessage::CopyDone(CopyDone::new())).await?;
    client.feed(PgWireBackendMessage::CommandComplete(Tag::new("COPY").with_rows(sent).into())).await?;
    Ok(())
}

/// At most `rows_max` rows of a portal that goes on.
async fn send_some<C>(client: &mut C, portal: &Portal<Arc<Prepared>>, rows_max: usize) -> PgWireResult<()>
where
    C: Sink<PgWireBackendMessage> + Unpin,
    PgWireError: From<<C as Sink<PgWireBackendMessage>>::Error>,
{
    let mut fetched = portal.fetch(rows_max).await?;
    let tag = fetched.response.command_tag().to_owned();
    let mut sent = 0;
    while let Some(row) = fetched.response.data_rows().next().await {
        client.feed(PgWireBackendMessage::DataRow(row?)).await?;
        sent += 1;
    }
    let end = if fetched.suspended {
        PgWireBackendMessage::PortalSuspended(PortalSuspended::new())
    } else {
        PgWireBackendMessage::CommandComplete(Tag::new(&tag).with_rows(sent).into())
    };
    client.feed(end).await?;
    Ok(())
}

async fn send_other<C>(client: &mut C, answer: Answer) -> PgWireResult<()>
where
    C: ClientInfo + Sink<PgWireBackendMessage> + Unpin,
    C::Error: Debug,
    PgWireError: From<<C as Sink<PgWireBackendMessage>>::Error>,
{
    match answer {
        Answer::Copy { table, copy } => send_copy(client, table, &copy).await,
        Answer::Begun => {
            client.set_transaction_status(TransactionStatus::Transaction);
            send_execution_response(client, Tag::new("BEGIN")).await
        }
        Answer::Ended(tag) => {
            let failed = matches!(client.transaction_status(), TransactionStatus::Error);
            client.set_transaction_status(TransactionStatus::Idle);
            send_execution_response(client, if failed { Tag::new("ROLLBACK") } else { tag }).await
        }
        Answer::Done(tag) => send_execution_response(client, tag).await,
        Answer::Rows { .. } => Err(faults::error("XX000", "内部错误")),
    }
}

fn response(table: Table, fields: Arc<Vec<FieldInfo>>, tag: &str) -> QueryResponse {
    let shown = Arc::clone(&fields);
    // The client fetches the rows one piece after another, perhaps much later.
    let begin = Some((table, VecDeque::<DataRow>::new()));
    let rows = stream::unfold(begin, move |state| {
        let fields = Arc::clone(&fields);
        async move {
            let (mut table, mut ready) = state?;
            if let Err(error) = table.require_open().await {
                return Some((Err(error), None));
            }
            loop {
                if let Some(row) = ready.pop_front() {
                    return Some((Ok(row), Some((table, ready))));
                }
                match table.batches.next().await?.and_then(|b| encode::rows(&b, &fields)) {
                    Ok(rows) => ready = rows.into(),
                    Err(error) => return Some((Err(faults::told(&error)), None)),
                }
            }
        }
    });
    let mut response = QueryResponse::new(shown, rows);
    response.set_command_tag(tag);
    response
}
