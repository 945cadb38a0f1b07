use std::collections::BTreeSet;
use std::sync::{Arc, Mutex};
use std::time::Duration;

use hufu_ledger::{BODY_BYTES_MAX, Index, Log, Proof, entries};

use super::super::file_store::FileStore;
use super::super::{Ledger, Sequencer, SequencerConfig, SequencerError};
use super::sim_disk::{Cut, Effect, SimDisk};
use super::{keys, origin, signers};
use crate::error::Kind;

#[tokio::test(flavor = "multi_thread")]
async fn led_1_many_writers_get_each_index_once_and_keep_their_order() {
    let dir = tempfile::tempdir().unwrap();
    let seen = Arc::new(Mutex::new(Vec::new()));
    let hook = {
        let seen = Arc::clone(&seen);
        Box::new(move |batch: &[hufu_ledger::Sequenced]| {
            seen.lock().unwrap().extend(batch.iter().map(|one| (one.index.0, one.entry.body().to_vec())));
        })
    };
    let (ledger, _) = Ledger::open(dir.path(), origin(), signers(), SequencerConfig::default(), hook).unwrap();
    let ledger = Arc::new(ledger);
    let mut writers = Vec::new();
    for writer in 0..32 {
        let ledger = Arc::clone(&ledger);
        writers.push(tokio::spawn(async move {
            let mut own = Vec::new();
            for number in 0..50 {
                own.push(ledger.append(format!("{writer}-{number}").into_bytes()).await.unwrap().index.0);
            }
            own
        }));
    }
    let mut all = BTreeSet::new();
    for writer in writers {
        let own = writer.await.unwrap();
        assert!(own.is_sorted());
        all.extend(own);
    }
    assert_eq!(all, (0..1600).collect());
    let seen = std::mem::take(&mut *seen.lock().unwrap());
    assert_eq!(seen.iter().map(|(index, _)| *index).collect::<Vec<_>>(), (0..1600).collect::<Vec<_>>());

    let proof = Proof::parse(&ledger.prove(Index(777)).await.unwrap()).unwrap();
    assert_eq!(proof.verify(&origin(), &keys()).unwrap().entry.body(), seen[777].1);
    let tail: Vec<_> = entries(ledger.reader(), Index(1590), ledger.checkpoint().await.unwrap().size).collect();
    assert_eq!(tail.len(), 10);
    assert!(ledger.verify().unwrap().is_sound());
    Arc::into_inner(ledger).unwrap().close().await;
}

#[tokio::test]
async fn led_1_too_long_body_is_refused_and_stops_nothing() {
    let dir = tempfile::tempdir().unwrap();
    let (ledger, _) =
        Ledger::open(dir.path(), origin(), signers(), SequencerConfig::default(), Box::new(|_| {})).unwrap();
    let error = ledger.append(vec![b'x'; BODY_BYTES_MAX + 1]).await.unwrap_err();
    assert!(matches!(error, SequencerError::TooLong { .. }));
    assert_eq!(crate::error::Error::from(error).kind(), Kind::TooLarge);
    assert_eq!(ledger.append(vec![b'x'; BODY_BYTES_MAX]).await.unwrap().index, Index(0));
    ledger.close().await;
}

#[tokio::test]
async fn led_1_after_a_storage_fault_every_append_is_refused() {
    for effect in [Effect::None, Effect::Full] {
        let disk = SimDisk::default();
        let (log, _) = Log::open(FileStore::on(Box::new(disk.clone())), origin(), signers()).unwrap();
        let config = SequencerConfig { publish_interval: Duration::from_secs(3600), ..Default::default() };
        let sequencer = Sequencer::start(log, config, Box::new(|_| {})).unwrap();
        sequencer.append(b"first".to_vec()).await.unwrap();
        sequencer.publish().await.unwrap();
        disk.fail_at(disk.calls() + 1, effect);
        let error = sequencer.append(b"second".to_vec()).await.unwrap_err();
        assert!(matches!(error, SequencerError::Unknown), "{error}");
        assert_eq!(crate::error::Error::from(error).kind(), Kind::Unavailable);
        for _ in 0..3 {
            let error = sequencer.append(b"third".to_vec()).await.unwrap_err();
            assert!(matches!(error, SequencerError::Stopped), "{error}");
        }
        assert!(sequencer.publish().await.is_err());
        sequencer.close().await;
        disk.restart(Cut::LosesAll);
        let (log, recovered) = Log::open(FileStore::on(Box::new(disk.clone())), origin(), signers()).unwrap();
        let bodies: Vec<_> =
            entries(log.store(), Index(0), recovered.size).map(|entry| entry.unwrap().1.body().to_vec()).collect();
        let second = if effect == Effect::Full { vec![b"second".to_vec()] } else { vec![] };
        assert_eq!(bodies, [vec![b"first".to_vec()], second].concat());
    }
}

#[tokio::test]
async fn second_writer_on_the_same_folder_is_refused() {
    let dir = tempfile::tempdir().unwrap();
    let open = || Ledger::open(dir.path(), origin(), signers(), SequencerConfig::default(), Box::new(|_| {}));
    let (ledger, _) = open().unwrap();
    assert!(open().is_err());
    ledger.close().await;
    open().unwrap().0.close().await;
}
