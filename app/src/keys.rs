//! The installation's own keys: master key, ledger signers, token of forms. Made once, readable by their owner only.

use std::fs;
use std::io::Write as _;
use std::os::unix::fs::{OpenOptionsExt as _, PermissionsExt as _};
use std::path::{Path, PathBuf};
use std::sync::Arc;

use anyhow::{Context as _, Result, bail};
use hufu_crypto::{Algorithm, KeyId, KeyRing, Profile, SigningKey};
use hufu_ledger::{NoteSigner, NoteVerifier, Origin};

/// File beside the ledger with its public keys, one per line: what a verifier needs and nobody must hide.
pub(crate) const VERIFIER_KEYS: &str = "ledger.keys";

/// Keys of a running house.
pub(crate) struct Keys {
    pub(crate) master: Arc<KeyRing>,
    pub(crate) origin: Origin,
    pub(crate) signers: Vec<NoteSigner>,
    pub(crate) forms: Vec<u8>,
}

impl std::fmt::Debug for Keys {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Keys").field("origin", &self.origin).finish_non_exhaustive()
    }
}

impl Keys {
    /// Reads the keys under `dir/keys`; makes them when the house is new.
    pub(crate) fn open(dir: &Path, master: Option<&Path>, profile: Profile, origin: &str) -> Result<Self> {
        let folder = dir.join("keys");
        fs::create_dir_all(&folder)?;
        fs::set_permissions(&folder, fs::Permissions::from_mode(0o700))?;
        let master = master.map_or_else(|| folder.join("master.key"), Path::to_path_buf);
        let master = secret(&master, || {
            let id = KeyId::parse("master-1").map_err(|error| anyhow::anyhow!("{error}"))?;
            Ok(KeyRing::generate(id, profile, &mut rand::rng()).to_text().to_string())
        })?;
        let origin = Origin::parse(origin).context("name of the ledger")?;
        let mut signers = Vec::new();
        for algorithm in algorithms(profile) {
            let file = folder.join(format!("ledger-{}.pem", algorithm.as_str()));
            let text = secret(&file, || Ok(SigningKey::generate(algorithm, &mut rand::rng()).to_pem()?.to_string()))?;
            let key = SigningKey::from_pem(&text).with_context(|| format!("read {}", file.display()))?;
            signers.push(NoteSigner::new(&origin, key));
        }
        let forms = secret(&folder.join("forms.key"), || {
            Ok(hex::encode(rand::random::<[u8; 32]>()))
        })?;
        publish(dir, &signers)?;
        Ok(Self {
            master: Arc::new(KeyRing::parse(&master).context("read the master key")?),
            origin,
            signers,
            forms: hex::decode(forms.trim()).context("read the key of forms")?,
        })
    }
}

fn algorithms(profile: Profile) -> Vec<Algorithm> {
    match profile {
        Profile::Sm => vec![Algorithm::Ed25519, Algorithm::Sm2],
        Profile::Intl => vec![Algorithm::Ed25519],
    }
}

/// Reads a secret file, or makes it whole: never a half-written key.
fn secret(file: &Path, make: impl FnOnce() -> Result<String>) -> Result<String> {
    match fs::read_to_string(file) {
        Ok(text) => return Ok(text),
        Err(error) if error.kind() == std::io::ErrorKind::NotFound => {}
        Err(error) => return Err(error).with_context(|| format!("read {}", file.display())),
    }
    let text = make()?;
    let half = file.with_extension("new");
    let mut out = fs::OpenOptions::new().create(true).truncate(true).write(true).mode(0o600).open(&half)?;
    out.write_all(text.as_bytes())?;
    out.sync_all()?;
    fs::rename(&half, file)?;
    Ok(text)
}

fn publish(dir: &Path, signers: &[NoteSigner]) -> Result<()> {
    let lines: String = signers.iter().map(|signer| format!("{}\n", signer.verifier().to_text())).collect();
    Ok(fs::write(dir.join(VERIFIER_KEYS), lines)?)
}

/// The public keys that a verifier was given, all under one name.
pub(crate) fn verifiers(file: &Path) -> Result<(Origin, Vec<NoteVerifier>)> {
    let text = fs::read_to_string(file).with_context(|| format!("read verifier keys {}", file.display()))?;
    let keys = text.lines().filter(|line| !line.trim().is_empty()).map(NoteVerifier::parse);
    let keys: Vec<NoteVerifier> = keys.collect::<Result<_, _>>()?;
    let Some(first) = keys.first() else { bail!("{} holds no key", file.display()) };
    Ok((first.name().clone(), keys))
}

/// Keys beside a ledger directory: `DIR/../ledger.keys`.
pub(crate) fn beside(ledger: &Path) -> PathBuf {
    ledger.parent().unwrap_or(Path::new(".")).join(VERIFIER_KEYS)
}
