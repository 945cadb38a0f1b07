//! `hufu ledger …`: what an auditor runs, offline, with nothing but files and public keys.

use std::io::Write as _;
use std::path::{Path, PathBuf};

use anyhow::{Context as _, Result, bail};
use hufu_kernel::ledger::{DirReader, fsck};
use hufu_ledger::{Index, NoteVerifier, Origin, Report, StoreError, TileReader, export, prove, read_checkpoint, verify};

use crate::Exit;
use crate::cli::{Format, Ledger, LedgerPlace};
use crate::keys;

/// Bytes of one tile or bundle over http; a full bundle of longest entries is 16 MiB.
const HTTP_BYTES_MAX: u64 = 32 << 20;

pub(crate) fn run(command: Ledger) -> Result<Exit> {
    match command {
        Ledger::Verify(place) => {
            let (origin, verifiers) = keys_of(&place)?;
            let report = verify(reader(&place)?.as_ref(), &origin, &verifiers)?;
            report_out(&report, place.format)
        }
        Ledger::Fsck(place) => run_fsck(&place),
        Ledger::Prove { index, place } => {
            let (origin, verifiers) = keys_of(&place)?;
            let reader = reader(&place)?;
            let checkpoint = read_checkpoint(reader.as_ref(), &origin, &verifiers)?;
            let proof = prove(reader.as_ref(), &checkpoint, Index(index))?;
            std::io::stdout().write_all(proof.to_text().as_bytes())?;
            Ok(Exit::Done)
        }
        Ledger::Export { from, to, place } => run_export(&place, from, to),
    }
}

fn run_fsck(place: &LedgerPlace) -> Result<Exit> {
    if is_address(&place.ledger) {
        bail!("fsck reads the ledger's own directory; over http use verify");
    }
    let (origin, verifiers) = keys_of(place)?;
    let found = fsck(Path::new(&place.ledger), &origin, &verifiers)?;
    let mut out = std::io::stdout();
    match place.format {
        Format::Text => write!(out, "{found}")?,
        Format::Json => {
            let faults: Vec<String> = found.public.faults.iter().map(ToString::to_string).collect();
            let text = serde_json::json!({ "sound": found.is_sound(), "entries": found.public.entries,
                "pending": found.pending, "journal": found.journal, "faults": faults });
            writeln!(out, "{text}")?;
        }
    }
    Ok(if found.is_sound() { Exit::Done } else { Exit::Found })
}

fn run_export(place: &LedgerPlace, from: u64, to: Option<u64>) -> Result<Exit> {
    let (origin, verifiers) = keys_of(place)?;
    let reader = reader(place)?;
    let size = read_checkpoint(reader.as_ref(), &origin, &verifiers)?.size;
    let mut out = std::io::BufWriter::new(std::io::stdout().lock());
    for entry in export(reader.as_ref(), Index(from), Index(to.unwrap_or(size.0)), size)? {
        let (index, entry) = entry?;
        let body: serde_json::Value = serde_json::from_slice(entry.body())?;
        writeln!(out, "{}", serde_json::json!({ "index": index.0, "entry": body }))?;
    }
    out.flush()?;
    Ok(Exit::Done)
}

fn report_out(report: &Report, format: Format) -> Result<Exit> {
    let mut out = std::io::stdout();
    match format {
        Format::Text => {
            for fault in &report.faults {
                writeln!(out, "有误：{fault}")?;
            }
            let verdict = if report.is_sound() { "账本完整，未被改动" } else { "账本已被改动或损坏" };
            let root = report.root.map(|root| root.to_base64()).unwrap_or_default();
            writeln!(out, "{verdict}：记录 {} 条，哈希块 {} 个，根 {root}", report.entries, report.tiles)?;
        }
        Format::Json => {
            let faults: Vec<String> = report.faults.iter().map(ToString::to_string).collect();
            let text = serde_json::json!({ "sound": report.is_sound(), "size": report.size.map(|size| size.0),
                "root": report.root.map(|root| root.to_base64()), "entries": report.entries, "tiles": report.tiles,
                "faults": faults });
            writeln!(out, "{text}")?;
        }
    }
    Ok(if report.is_sound() { Exit::Done } else { Exit::Found })
}

fn keys_of(place: &LedgerPlace) -> Result<(Origin, Vec<NoteVerifier>)> {
    match &place.keys {
        Some(file) => keys::verifiers(file),
        None if is_address(&place.ledger) => bail!("--keys is needed for a ledger over http: its keys must come by another way"),
        None => keys::verifiers(&keys::beside(Path::new(&place.ledger))),
    }
}

fn is_address(place: &str) -> bool {
    place.starts_with("http://") || place.starts_with("https://")
}

fn reader(place: &LedgerPlace) -> Result<Box<dyn TileReader>> {
    if is_address(&place.ledger) {
        return Ok(Box::new(HttpReader { base: place.ledger.trim_end_matches('/').to_owned() }));
    }
    let dir = PathBuf::from(&place.ledger);
    if !dir.is_dir() {
        return Err(anyhow::anyhow!("no such directory")).with_context(|| dir.display().to_string());
    }
    Ok(Box::new(DirReader::new(&dir)))
}

/// A ledger whose public files are served, `/ledger/checkpoint` and `/ledger/tile/…`.
struct HttpReader {
    base: String,
}

impl TileReader for HttpReader {
    fn read(&self, path: &str) -> Result<Option<Vec<u8>>, StoreError> {
        let address = format!("{}/{path}", self.base);
        match ureq::get(&address).call() {
            Ok(mut answer) => {
                let body = answer.body_mut().with_config().limit(HTTP_BYTES_MAX).read_to_vec();
                body.map(Some).map_err(|error| StoreError::new(address, error))
            }
            Err(ureq::Error::StatusCode(404)) => Ok(None),
            Err(error) => Err(StoreError::new(address, error)),
        }
    }

    fn list(&self) -> Result<Option<Vec<String>>, StoreError> {
        Ok(None)
    }
}
