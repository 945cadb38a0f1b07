//! A real process is killed at random moments; the same test is parent and child.

use std::collections::BTreeMap;
use std::io::{BufRead, BufReader, Write};
use std::path::Path;
use std::process::{Command, Stdio};
use std::time::Duration;

use hufu_ledger::{Index, entries};
use rand::RngExt;

use super::super::{Ledger, SequencerConfig, fsck};
use super::{keys, origin, signers};

const CHILD_DIR: &str = "HUFU_LEDGER_KILL_DIR";
const CHILD_RUN: &str = "HUFU_LEDGER_KILL_RUN";
const RUNS: u32 = 200;
const WRITERS: u32 = 6;

#[test]
fn ledger_acknowledged_le_present_after_200_kills() {
    if let Ok(dir) = std::env::var(CHILD_DIR) {
        write_forever(Path::new(&dir), &std::env::var(CHILD_RUN).unwrap());
    }
    let dir = tempfile::tempdir().unwrap();
    let mut acknowledged: BTreeMap<u64, String> = BTreeMap::new();
    for run in 0..RUNS {
        for line in run_and_kill(dir.path(), run) {
            let (index, body) = line.split_once(' ').unwrap();
            let before = acknowledged.insert(index.parse().unwrap(), body.to_owned());
            assert_eq!(before, None, "index {index} was given twice");
        }
        if run % 40 == 0 {
            check(dir.path(), &acknowledged);
        }
    }
    assert!(acknowledged.len() as u32 >= RUNS / 2, "only {} entries in {RUNS} runs", acknowledged.len());
    check(dir.path(), &acknowledged);
}

/// Runs a child until a random moment; in every second run not before its first acknowledgement.
fn run_and_kill(dir: &Path, run: u32) -> Vec<String> {
    let mut child = Command::new(std::env::current_exe().unwrap())
        .args(["--exact", "ledger::tests::kill::ledger_acknowledged_le_present_after_200_kills", "--nocapture"])
        .env(CHILD_DIR, dir)
        .env(CHILD_RUN, run.to_string())
        .stdout(Stdio::piped())
        .stderr(Stdio::null())
        .spawn()
        .unwrap();
    let mut out = BufReader::new(child.stdout.take().unwrap());
    let mut lines = Vec::new();
    if run % 2 == 0 {
        while lines.is_empty() && read_ack(&mut out, &mut lines) {}
    }
    std::thread::sleep(Duration::from_micros(rand::rng().random_range(0..20_000)));
    child.kill().unwrap();
    child.wait().unwrap();
    while read_ack(&mut out, &mut lines) {}
    lines
}

/// Reads one whole line; keeps it if it is an acknowledgement. `false` at the end.
fn read_ack(out: &mut impl BufRead, lines: &mut Vec<String>) -> bool {
    let mut line = String::new();
    let bytes = out.read_line(&mut line).unwrap();
    if let Some(ack) = line.strip_prefix("ack ").and_then(|line| line.strip_suffix('\n')) {
        lines.push(ack.to_owned());
    }
    bytes > 0
}

/// Reopens the log and compares it with what writers were told.
fn check(dir: &Path, acknowledged: &BTreeMap<u64, String>) {
    let runtime = tokio::runtime::Builder::new_current_thread().build().unwrap();
    let (ledger, recovered) =
        Ledger::open(dir, origin(), signers(), SequencerConfig::default(), Box::new(|_| {})).unwrap();
    runtime.block_on(ledger.close());
    let found = fsck(dir, &origin(), &keys()).unwrap();
    assert!(found.is_sound() && found.pending == 0, "{found}");
    let reader = super::super::DirReader::new(dir);
    let mut present = BTreeMap::new();
    let mut last: BTreeMap<String, u64> = BTreeMap::new();
    for entry in entries(&reader, Index(0), recovered.size) {
        let (index, entry) = entry.unwrap();
        let body = String::from_utf8(entry.body().to_vec()).unwrap();
        let (writer, number) = body.rsplit_once('-').unwrap();
        let number: u64 = number.parse().unwrap();
        let before = last.insert(writer.to_owned(), number);
        assert_eq!(before.map_or(0, |before| before + 1), number, "order or doubling at {index}: {body}");
        present.insert(index.0, body);
    }
    for (index, body) in acknowledged {
        assert_eq!(present.get(index), Some(body), "acknowledged entry {index}");
    }
}

fn write_forever(dir: &Path, run: &str) -> ! {
    let config =
        SequencerConfig { journal_bytes_max: 20_000, publish_interval: Duration::from_millis(2), ..Default::default() };
    let (ledger, _) = Ledger::open(dir, origin(), signers(), config, Box::new(|_| {})).unwrap();
    let ledger = std::sync::Arc::new(ledger);
    let runtime = tokio::runtime::Builder::new_multi_thread().worker_threads(2).build().unwrap();
    for writer in 0..WRITERS {
        let (ledger, run) = (ledger.clone(), run.to_owned());
        runtime.spawn(async move {
            for number in 0_u64.. {
                let body = format!("{run}-{writer}-{number}");
                let appended = ledger.append(body.clone().into_bytes()).await.unwrap();
                let mut out = std::io::stdout().lock();
                writeln!(out, "ack {} {body}", appended.index).unwrap();
                out.flush().unwrap();
            }
        });
    }
    loop {
        std::thread::park();
    }
}
