//! The catalogue `hufu` of one mandate: schemas are unit codes, tables resource codes, and nothing else exists.

use std::collections::BTreeSet;
use std::sync::Arc;

use arrow::array::{ArrayRef, RecordBatch, StringArray};
use arrow::datatypes::{DataType, Field, Schema};
use async_trait::async_trait;
use datafusion::catalog::information_schema::InformationSchemaProvider;
use datafusion::catalog::{CatalogProvider, CatalogProviderList, MemTable, SchemaProvider, TableProvider};
use datafusion::common::ResolvedTableReference;
use datafusion::datasource::empty::EmptyTable;
use datafusion::error::{DataFusionError, Result as DfResult};

use crate::error::{Error, Kind, Result};
use crate::governed::GovernedTable;
use crate::mandate::TableMandate;

pub(crate) const CATALOG: &str = "hufu";
/// Unqualified names are looked up here; it finds a table whose name is the mandate's only one.
pub(crate) const ANY_SCHEMA: &str = "public";
const INFORMATION_SCHEMA: &str = "information_schema";
const INFORMATION_TABLES: [&str; 4] = ["columns", "schemata", "tables", "views"];

type Tables = Arc<Vec<TableMandate>>;

#[derive(Debug)]
pub(crate) struct Catalogs(Arc<Catalog>);

impl Catalogs {
    pub(crate) fn new(tables: Vec<TableMandate>) -> Self {
        Self(Arc::new(Catalog { tables: Arc::new(tables), view: View::Query }))
    }

    /// Whether a statement's table reference names something.
    pub(crate) fn knows(&self, name: &ResolvedTableReference) -> bool {
        name.catalog.as_ref() == CATALOG && self.0.schema(&name.schema).is_some_and(|s| s.table_exist(&name.table))
    }

    pub(crate) fn find(&self, label: &str) -> Option<&TableMandate> {
        self.0.tables.iter().find(|table| format!("{}.{}", table.schema, table.name) == label)
    }
}

impl CatalogProviderList for Catalogs {
    fn register_catalog(&self, _: String, _: Arc<dyn CatalogProvider>) -> Option<Arc<dyn CatalogProvider>> {
        None
    }

    fn catalog_names(&self) -> Vec<String> {
        vec![CATALOG.to_owned()]
    }

    fn catalog(&self, name: &str) -> Option<Arc<dyn CatalogProvider>> {
        (name == CATALOG).then(|| Arc::clone(&self.0) as Arc<dyn CatalogProvider>)
    }
}

/// A source that does not answer must fail a query on its table, but not the list of all tables.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum View {
    Query,
    Listing,
}

#[derive(Debug)]
struct Catalog {
    tables: Tables,
    view: View,
}

impl CatalogProvider for Catalog {
    fn schema_names(&self) -> Vec<String> {
        let names: BTreeSet<&str> = self.tables.iter().map(|table| table.schema.as_str()).collect();
        names.into_iter().map(str::to_owned).collect()
    }

    fn schema(&self, name: &str) -> Option<Arc<dyn SchemaProvider>> {
        if name == INFORMATION_SCHEMA {
            return Some(Arc::new(Information::new(Arc::clone(&self.tables))));
        }
        let granted = self.tables.iter().any(|table| table.schema == name);
        let any = name == ANY_SCHEMA && self.view == View::Query;
        let schema = if granted { Some(name.to_owned()) } else { None };
        (granted || any).then(|| {
            Arc::new(UnitSchema { tables: Arc::clone(&self.tables), schema, view: self.view })
                as Arc<dyn SchemaProvider>
        })
    }
}

/// The granted tables of one unit, or with no unit named those of all.
#[derive(Debug)]
struct UnitSchema {
    tables: Tables,
    schema: Option<String>,
    view: View,
}

impl UnitSchema {
    fn named(&self, name: &str) -> impl Iterator<Item = &TableMandate> {
        self.tables.iter().filter(move |table| self.holds(table) && table.name == name)
    }

    fn holds(&self, table: &TableMandate) -> bool {
        self.schema.as_ref().is_none_or(|schema| *schema == table.schema)
    }
}

#[async_trait]
impl SchemaProvider for UnitSchema {
    fn table_names(&self) -> Vec<String> {
        self.tables.iter().filter(|table| self.holds(table)).map(|table| table.name.clone()).collect()
    }

    async fn table(&self, name: &str) -> DfResult<Option<Arc<dyn TableProvider>>> {
        let mut found = self.named(name);
        let (first, second) = (found.next(), found.next());
        let table = match (first, second) {
            (None, _) => return Ok(None),
            (Some(_), Some(_)) if self.view == View::Query => return Err(external(ambiguous(name))),
            (Some(table), _) => table,
        };
        match GovernedTable::open(table).await {
            Ok(governed) => Ok(Some(Arc::new(governed))),
            Err(_) if self.view == View::Listing => Ok(Some(Arc::new(EmptyTable::new(Arc::new(Schema::empty()))))),
            Err(error) => Err(external(error)),
        }
    }

    fn table_exist(&self, name: &str) -> bool {
        self.named(name).next().is_some()
    }
}

/// The four views that clients ask for. Settings and routines of the engine are not among them.
#[derive(Debug)]
struct Information {
    tables: Tables,
    engine: InformationSchemaProvider,
}

impl Information {
    fn new(tables: Tables) -> Self {
        let listing = Arc::new(Catalog { tables: Arc::clone(&tables), view: View::Listing });
        Self { tables, engine: InformationSchemaProvider::new(Arc::new(Catalogs(listing))) }
    }

    /// The engine's own list would name its settings, too.
    fn list(&self) -> DfResult<MemTable> {
        let fields = ["table_catalog", "table_schema", "table_name", "table_type"];
        let schema = Arc::new(Schema::new(fields.map(|name| Field::new(name, DataType::Utf8, false)).to_vec()));
        let column = |text: fn(&TableMandate) -> &str| -> ArrayRef {
            Arc::new(StringArray::from_iter_values(self.tables.iter().map(text)))
        };
        let columns = vec![column(|_| CATALOG), column(|t| &t.schema), column(|t| &t.name), column(|_| "BASE TABLE")];
        let batch = RecordBatch::try_new(Arc::clone(&schema), columns)?;
        MemTable::try_new(schema, vec![vec![batch]])
    }
}

#[async_trait]
impl SchemaProvider for Information {
    fn table_names(&self) -> Vec<String> {
        INFORMATION_TABLES.map(str::to_owned).to_vec()
    }

    async fn table(&self, name: &str) -> DfResult<Option<Arc<dyn TableProvider>>> {
        match name {
            "tables" => Ok(Some(Arc::new(self.list()?))),
            _ if INFORMATION_TABLES.contains(&name) => self.engine.table(name).await,
            _ => Ok(None),
        }
    }

    fn table_exist(&self, name: &str) -> bool {
        INFORMATION_TABLES.contains(&name)
    }
}

/// Two mandates for one table leave open which masks hold.
pub(crate) fn require_distinct(tables: &[TableMandate]) -> Result<()> {
    let mut seen = BTreeSet::new();
    match tables.iter().find(|table| !seen.insert((&table.schema, &table.name))) {
        Some(table) => Err(ambiguous(&table.name)),
        None => Ok(()),
    }
}

fn ambiguous(name: &str) -> Error {
    Error::new(Kind::Refused, "GATE-AMBIGUOUS-TABLE", format!("「{name}」有多个来源或授权，请写明单位代码或选定授权"))
}

fn external(error: Error) -> DataFusionError {
    DataFusionError::External(Box::new(error))
}
