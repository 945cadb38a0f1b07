//! Every storage call fails once, with and without effect, before every kind of stop.

use hufu_ledger::{Index, LedgerError, Log, TreeSize, entries, verify};

use super::super::file_store::FileStore;
use super::sim_disk::{Cut, Effect, SimDisk};
use super::{keys, origin, signers};

/// Small enough that the workload rotates the journal several times.
const JOURNAL_BYTES_MAX: u64 = 20_000;
const BATCHES: [u64; 9] = [1, 3, 200, 60, 1, 300, 2, 40, 5];
const CUTS: [Cut; 3] = [Cut::KeepsAll, Cut::LosesAll, Cut::Tears];
const EFFECTS: [Effect; 2] = [Effect::None, Effect::Full];

fn open(disk: &SimDisk) -> Result<Log<FileStore>, LedgerError> {
    Ok(Log::open(FileStore::on(Box::new(disk.clone())), origin(), signers())?.0)
}

fn body(number: u64) -> Vec<u8> {
    format!("entry {number}").into_bytes()
}

/// Appends the batches until something fails. Gives how many entries were acknowledged.
fn work(disk: &SimDisk) -> (u64, Result<(), LedgerError>) {
    let mut acknowledged = 0;
    let mut run = || {
        let mut log = open(disk)?;
        for (turn, count) in BATCHES.iter().enumerate() {
            let bodies: Vec<_> = (acknowledged..acknowledged + count).map(body).collect();
            for one in log.append(&bodies)? {
                assert_eq!(one.entry.body(), body(one.index.0));
            }
            acknowledged += count;
            if turn % 2 == 0 {
                log.integrate()?;
            }
            log.tidy(JOURNAL_BYTES_MAX)?;
        }
        log.integrate()?;
        for _ in 0..20 {
            log.tidy(JOURNAL_BYTES_MAX)?;
        }
        Ok(())
    };
    let result = run();
    (acknowledged, result)
}

/// The log is sound and holds exactly the first entries, at least those acknowledged.
fn check(disk: &SimDisk, acknowledged: u64, context: &str) -> u64 {
    let log = open(disk).unwrap_or_else(|error| panic!("{context}: {error}"));
    let report = verify(log.store(), &origin(), &keys()).unwrap();
    assert_eq!(report.faults, [], "{context}");
    let present: Vec<Vec<u8>> =
        entries(log.store(), Index(0), report.size.unwrap()).map(|entry| entry.unwrap().1.body().to_vec()).collect();
    let expected: Vec<Vec<u8>> = (0..present.len() as u64).map(body).collect();
    assert_eq!(present, expected, "{context}");
    assert!(present.len() as u64 >= acknowledged, "{context}: {acknowledged} acknowledged, {} present", present.len());
    present.len() as u64
}

#[test]
fn ledger_survives_every_syscall_fault() {
    let sound = SimDisk::default();
    let (total, result) = work(&sound);
    result.unwrap();
    assert_eq!(total, BATCHES.iter().sum::<u64>());
    let calls = sound.calls();
    assert!(calls > 100, "the workload makes only {calls} calls");
    assert_eq!(check(&sound, total, "sound"), total);
    for at in 0..calls {
        for effect in EFFECTS {
            for cut in CUTS {
                let context = format!("call {at} of {calls} failed with effect {effect:?}, power cut {cut:?}");
                let disk = SimDisk::default();
                disk.fail_at(at, effect);
                let (acknowledged, result) = work(&disk);
                assert!(result.is_err(), "{context}");
                disk.restart(cut);
                let present = check(&disk, acknowledged, &context);
                let mut log = open(&disk).unwrap();
                log.append(&[body(present)]).unwrap();
                drop(log);
                disk.restart(Cut::LosesAll);
                assert_eq!(check(&disk, present + 1, &context), present + 1);
            }
        }
    }
}

#[test]
fn ledger_survives_faults_while_it_recovers() {
    for stop in [40, 75, 110] {
        for cut in CUTS {
            let broken = || {
                let disk = SimDisk::default();
                disk.fail_at(stop, Effect::Full);
                let (acknowledged, _) = work(&disk);
                disk.restart(cut);
                (disk, acknowledged)
            };
            let calls = {
                let (disk, _) = broken();
                drop(open(&disk).unwrap());
                disk.calls()
            };
            for at in 0..calls {
                for (effect, second) in EFFECTS.into_iter().zip([Cut::LosesAll, Cut::Tears]) {
                    let (disk, acknowledged) = broken();
                    disk.fail_at(at, effect);
                    assert!(open(&disk).is_err());
                    disk.restart(second);
                    check(
                        &disk,
                        acknowledged,
                        &format!("stop {stop} {cut:?}, recovery call {at} {effect:?} {second:?}"),
                    );
                }
            }
        }
    }
}

#[test]
fn failed_log_refuses_every_later_call() {
    let disk = SimDisk::default();
    let mut log = open(&disk).unwrap();
    log.append(&[body(0)]).unwrap();
    disk.fail_at(disk.calls(), Effect::None);
    assert!(matches!(log.append(&[body(1)]), Err(LedgerError::Store(_))));
    disk.restart(Cut::KeepsAll);
    assert!(matches!(log.append(&[body(1)]), Err(LedgerError::Stopped)));
    assert!(matches!(log.integrate(), Err(LedgerError::Stopped)));
    assert_eq!(log.head().size, TreeSize(1));
    drop(log);
    assert_eq!(check(&disk, 1, "after"), 1);
}
