mod faults;
mod kill;
mod on_disk;
mod sequencing;
mod sim_disk;

use hufu_crypto::{Algorithm, SigningKey};
use hufu_ledger::{NoteSigner, NoteVerifier, Origin};

fn origin() -> Origin {
    Origin::parse("hufu.example/yunjiang").unwrap()
}

fn signers() -> Vec<NoteSigner> {
    let key = SigningKey::from_hex(Algorithm::Ed25519, &"11".repeat(32)).unwrap();
    vec![NoteSigner::new(&origin(), key)]
}

fn keys() -> Vec<NoteVerifier> {
    signers().iter().map(|signer| signer.verifier().clone()).collect()
}
