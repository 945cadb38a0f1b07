//! CSV: the first line names the columns, an empty field is null, and every column is text unless declared:
//! an ID number, a telephone number or a region code that loses its zeros is a wrong number.

use std::collections::HashMap;
use std::io::{BufRead, BufReader, Read};
use std::path::Path;
use std::sync::Arc;

use arrow::datatypes::DataType;
use arrow::record_batch::RecordBatch;
use csv::{Reader, ReaderBuilder, StringRecord};
use encoding_rs::Encoding;

use super::row_table::{ReadJob, RowFormat, open};
use super::{Known, decode, headers, schema_of};
use crate::error::Result;
use crate::source::cells::Rows;
use crate::source::fault;

#[derive(Debug)]
struct Csv {
    encoding: &'static Encoding,
    delimiter: u8,
}

/// Finds encoding, delimiter and columns.
pub(super) fn look(path: &Path, declared: &HashMap<String, DataType>) -> Result<Known> {
    let encoding = decode::detect(path)?;
    let mut first_line = String::new();
    let file = open(path, "")?;
    BufReader::new(decode::utf8(file, encoding))
        .take(1 << 20)
        .read_line(&mut first_line)
        .map_err(|_e| fault::read("csv header"))?;
    let csv = Csv { encoding, delimiter: delimiter(&first_line) };
    let mut reader = csv.reader(path, "")?;
    let header = reader.headers().map_err(|_e| fault::read("csv header"))?;
    let names = headers(header.iter().map(str::to_owned));
    if names.is_empty() {
        return Err(fault::changed("csv file without a header"));
    }
    let typed = |name: String| {
        let data_type = declared.get(&name).cloned().unwrap_or(DataType::Utf8);
        (name, data_type)
    };
    Ok(Known::Rows { schema: schema_of(names.into_iter().map(typed)), format: Arc::new(csv) })
}

fn delimiter(header: &str) -> u8 {
    let count = |c: u8| header.bytes().filter(|b| *b == c).count();
    // The comma comes last so that it wins a tie.
    [b'|', b';', b'\t', b','].into_iter().max_by_key(|c| count(*c)).unwrap_or(b',')
}

impl Csv {
    fn reader(&self, path: &Path, table: &str) -> Result<Reader<Box<dyn Read + Send>>> {
        let text = decode::utf8(open(path, table)?, self.encoding);
        Ok(ReaderBuilder::new().delimiter(self.delimiter).flexible(true).from_reader(text))
    }
}

impl RowFormat for Csv {
    fn read(&self, job: &ReadJob, mut rows: Rows, send: &mut dyn FnMut(RecordBatch) -> bool) -> Result<()> {
        let mut reader = self.reader(&job.path, &job.table)?;
        let header = reader.headers().map_err(|_e| fault::read("csv header"))?;
        let expected = job.schema.fields().iter().map(|f| f.name());
        if !headers(header.iter().map(str::to_owned)).iter().eq(expected) {
            return Err(fault::changed(format!("csv header of {}", job.table)));
        }
        let width = job.schema.fields().len();
        let mut record = StringRecord::new();
        while reader.read_record(&mut record).map_err(|_e| fault::value(format!("{}: broken csv", job.table)))? {
            let line = record.position().map_or(0, csv::Position::line);
            if record.len() > width {
                return Err(fault::value(format!("{}: line {line} has more fields than the header", job.table)));
            }
            for (cells, at) in rows.cells().zip(&job.wanted) {
                match record.get(*at).filter(|text| !text.is_empty()) {
                    None => cells.null(),
                    Some(text) => cells
                        .parse(text)
                        .ok_or_else(|| fault::value(format!("{}: line {line}, column {}", job.table, at + 1)))?,
                }
            }
            if let Some(batch) = rows.end_row()?
                && !send(batch)
            {
                return Ok(());
            }
        }
        if let Some(batch) = rows.finish()? {
            send(batch);
        }
        Ok(())
    }
}
