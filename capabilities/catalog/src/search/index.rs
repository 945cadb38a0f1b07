//! The index: its fields, and how an entry becomes a document. The store is the truth; the index can be thrown away.

use tantivy::TantivyDocument;
use tantivy::schema::{
    FAST, Field, IndexRecordOption, STORED, STRING, Schema, TextFieldIndexing, TextOptions,
};

use super::facets::Facet;
use super::text::{Cutter, normal};
use crate::model::codes;
use crate::store::{field, resource};

/// Value of the grade facet for entries that nobody has graded: shown, never hidden.
pub const UNGRADED: &str = "none";

#[derive(Clone, Debug)]
pub(super) struct Fields {
    pub(super) id: Field,
    pub(super) name_exact: Field,
    pub(super) name_words: Field,
    pub(super) name_grams: Field,
    pub(super) text_words: Field,
    pub(super) text_grams: Field,
    /// Codes, SQL names and names of columns.
    pub(super) idents: Field,
    pub(super) code: Field,
    pub(super) updated_at: Field,
    facets: [Field; 7],
}

impl Fields {
    pub(super) fn facet(&self, facet: Facet) -> Field {
        let [unit, kind, sharing, grade, theme, cycle, state] = self.facets;
        match facet {
            Facet::Unit => unit,
            Facet::Kind => kind,
            Facet::Sharing => sharing,
            Facet::Grade => grade,
            Facet::Theme => theme,
            Facet::Cycle => cycle,
            Facet::State => state,
        }
    }
}

pub(super) fn schema() -> (Schema, Fields) {
    let mut schema = Schema::builder();
    let cut = |cutter: Cutter, option: IndexRecordOption| {
        let indexing = TextFieldIndexing::default().set_tokenizer(cutter.name()).set_index_option(option);
        TextOptions::default().set_indexing_options(indexing)
    };
    let fields = Fields {
        id: schema.add_text_field("id", STRING | STORED),
        name_exact: schema.add_text_field("name_exact", STRING),
        name_words: schema.add_text_field("name_words", cut(Cutter::Words, IndexRecordOption::WithFreqs)),
        name_grams: schema.add_text_field("name_grams", cut(Cutter::Grams, IndexRecordOption::WithFreqs)),
        text_words: schema.add_text_field("text_words", cut(Cutter::Words, IndexRecordOption::WithFreqs)),
        text_grams: schema.add_text_field("text_grams", cut(Cutter::Grams, IndexRecordOption::Basic)),
        idents: schema.add_text_field("idents", cut(Cutter::Idents, IndexRecordOption::WithFreqs)),
        code: schema.add_text_field("code", STRING | FAST),
        updated_at: schema.add_i64_field("updated_at", FAST),
        facets: Facet::ALL.map(|facet| schema.add_text_field(facet.name(), STRING | FAST)),
    };
    (schema.build(), fields)
}

/// An entry with all that is searched of it.
#[derive(Clone, Debug)]
pub(super) struct Source {
    pub(super) row: resource::Model,
    pub(super) unit_name: String,
    pub(super) fields: Vec<field::Model>,
}

pub(super) fn document(fields: &Fields, source: &Source) -> TantivyDocument {
    let row = &source.row;
    let mut document = TantivyDocument::new();
    let mut put = |field: Field, text: &str| document.add_text(field, text);
    put(fields.id, row.id.as_str());
    put(fields.code, &row.code);
    put(fields.name_exact, &normal(row.name.trim()));
    put(fields.name_words, &row.name);
    put(fields.name_grams, &row.name);
    let titles: Vec<&str> = source.fields.iter().map(|field| field.title.as_str()).collect();
    let all = [
        row.name.as_str(),
        &row.summary,
        &source.unit_name,
        &row.theme,
        &row.item_name,
        &row.directory_name,
        &row.detail_name,
        &titles.join(" "),
    ]
    .join(" ");
    put(fields.text_words, &all);
    put(fields.text_grams, &all);
    let columns: Vec<&str> = source.fields.iter().map(|field| field.name.as_str()).collect();
    let names = [row.code.as_str(), &codes::to_path(&row.code), &row.table_name, &columns.join(" ")].join(" ");
    put(fields.idents, &names);
    for unit in row.unit_path.split('/').filter(|id| !id.is_empty()) {
        put(fields.facet(Facet::Unit), unit);
    }
    put(fields.facet(Facet::Kind), row.kind.code());
    put(fields.facet(Facet::Sharing), row.sharing.code());
    put(fields.facet(Facet::Grade), row.grade.as_deref().unwrap_or(UNGRADED));
    if !row.theme.is_empty() {
        put(fields.facet(Facet::Theme), &row.theme);
    }
    put(fields.facet(Facet::Cycle), row.cycle.code());
    put(fields.facet(Facet::State), row.state.code());
    document.add_i64(fields.updated_at, row.updated_at.millis());
    document
}
