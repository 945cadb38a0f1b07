//! How many durable entries a second the ledger takes, and how long one writer waits.
//!
//! `cargo bench -p hufu-kernel --bench ledger [-- DIR]` prints a table; DIR lies on the disk to be
//! measured. The bare line is what the disk gives: one 400-byte append and data sync at a time.

use std::fs::OpenOptions;
use std::io::Write;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::{Duration, Instant};

use hufu_crypto::{Algorithm, SigningKey};
use hufu_kernel::ledger::{Ledger, SequencerConfig, fsck};
use hufu_ledger::{NoteSigner, Origin};

const BODY_BYTES: usize = 400;
const RUN: Duration = Duration::from_secs(5);

struct Line {
    name: String,
    entries: usize,
    took: Duration,
    waits: Vec<Duration>,
}

fn main() -> anyhow::Result<()> {
    let arguments = std::env::args().skip(1).find(|argument| !argument.starts_with("--"));
    let base = arguments.map_or_else(|| PathBuf::from(env!("CARGO_TARGET_TMPDIR")), PathBuf::from);
    let scratch = tempfile::Builder::new().prefix("ledger-bench-").tempdir_in(base)?;
    let runtime = tokio::runtime::Builder::new_multi_thread().enable_time().build()?;
    let mut lines = vec![bare(&scratch.path().join("bare"))?];
    for writers in [1, 8, 64, 256] {
        let dir = scratch.path().join(format!("{writers}"));
        lines.push(runtime.block_on(measure(&dir, writers))?);
    }
    println!("| writers | entries | entries/s | p50 ms | p99 ms | max ms |");
    println!("|---|---:|---:|---:|---:|---:|");
    for mut line in lines {
        line.waits.sort();
        let at = |part: f64| {
            let place = ((line.waits.len() as f64 - 1.0) * part) as usize;
            line.waits.get(place).map_or(0.0, |wait| wait.as_secs_f64() * 1e3)
        };
        let rate = line.entries as f64 / line.took.as_secs_f64();
        let (p50, p99, max) = (at(0.5), at(0.99), at(1.0));
        println!("| {} | {} | {rate:.0} | {p50:.2} | {p99:.2} | {max:.2} |", line.name, line.entries);
    }
    Ok(())
}

fn bare(path: &Path) -> anyhow::Result<Line> {
    let mut file = OpenOptions::new().create(true).append(true).open(path)?;
    let started = Instant::now();
    let mut waits = Vec::new();
    while started.elapsed() < RUN {
        let from = Instant::now();
        file.write_all(&[b'x'; BODY_BYTES])?;
        file.sync_data()?;
        waits.push(from.elapsed());
    }
    Ok(Line { name: "bare fdatasync".to_owned(), entries: waits.len(), took: started.elapsed(), waits })
}

async fn measure(dir: &Path, writers: usize) -> anyhow::Result<Line> {
    let origin = Origin::parse("bench.example/ledger")?;
    let signers = [(Algorithm::Ed25519, "11"), (Algorithm::Sm2, "22")]
        .into_iter()
        .map(|(algorithm, byte)| Ok(NoteSigner::new(&origin, SigningKey::from_hex(algorithm, &byte.repeat(32))?)))
        .collect::<anyhow::Result<Vec<_>>>()?;
    let config = SequencerConfig::default();
    let (ledger, _) = Ledger::open(dir, origin.clone(), signers, config, Box::new(|_| {}))?;
    let ledger = Arc::new(ledger);
    let started = Instant::now();
    let mut tasks = Vec::new();
    for _ in 0..writers {
        let ledger = Arc::clone(&ledger);
        tasks.push(tokio::spawn(async move {
            let mut waits = Vec::new();
            while started.elapsed() < RUN {
                let from = Instant::now();
                ledger.append(vec![b'x'; BODY_BYTES]).await?;
                waits.push(from.elapsed());
            }
            anyhow::Ok(waits)
        }));
    }
    let mut waits = Vec::new();
    for task in tasks {
        waits.extend(task.await??);
    }
    let took = started.elapsed();
    let keys = ledger.keys().to_vec();
    if let Some(ledger) = Arc::into_inner(ledger) {
        ledger.close().await;
    }
    let found = fsck(dir, &origin, &keys)?;
    anyhow::ensure!(found.is_sound() && found.public.entries as usize == waits.len(), "log is not sound: {found}");
    Ok(Line { name: writers.to_string(), entries: waits.len(), took, waits })
}
