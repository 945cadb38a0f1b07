//! C2SP signed notes: text, blank line, signature lines.

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use hufu_crypto::{Algorithm, SigningKey, VerifyingKey, sha256};

use crate::LedgerError;
use crate::types::Origin;

/// No honest note comes near; a parser needs a bound.
const NOTE_BYTES_MAX: usize = 1 << 20;
const SIGNATURES_MAX: usize = 64;

/// The type byte of Ed25519 in a key id.
const TYPE_ED25519: &[u8] = &[0x01];
/// SM2 has no assigned type byte: 0xff and a long name that collides with nobody's.
const TYPE_SM2: &[u8] = b"\xffsm2-sm3 GB/T 32918.2 id=1234567812345678\n";

/// A key under the name it signs with.
#[derive(Clone, Debug)]
pub struct NoteSigner {
    verifier: NoteVerifier,
    key: SigningKey,
}

impl NoteSigner {
    pub fn new(name: &Origin, key: SigningKey) -> Self {
        Self { verifier: NoteVerifier::new(name, key.verifying_key()), key }
    }

    pub fn verifier(&self) -> &NoteVerifier {
        &self.verifier
    }

    fn line(&self, text: &str) -> Result<String, LedgerError> {
        let signature = self.key.sign(text.as_bytes()).map_err(|e| LedgerError::Signature(e.to_string()))?;
        let id = self.verifier.id.to_be_bytes();
        Ok(format!("\u{2014} {} {}\n", self.verifier.name, STANDARD.encode([id.as_slice(), &signature].concat())))
    }
}

/// A public key under its name, with the 32-bit id that lines of it carry.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct NoteVerifier {
    name: Origin,
    id: u32,
    key: VerifyingKey,
}

impl NoteVerifier {
    pub fn new(name: &Origin, key: VerifyingKey) -> Self {
        let encoded = [type_of(key.algorithm()), &key.to_bytes()].concat();
        let digest = sha256(&[name.as_str().as_bytes(), b"\n", &encoded].concat()).0;
        let id = digest.first_chunk().map_or(0, |first| u32::from_be_bytes(*first));
        Self { name: name.clone(), id, key }
    }

    /// `name+id+base64(type ‖ key)`, the form in which keys are handed to verifiers.
    pub fn to_text(&self) -> String {
        let encoded = [type_of(self.key.algorithm()), &self.key.to_bytes()].concat();
        format!("{}+{:08x}+{}", self.name, self.id, STANDARD.encode(encoded))
    }

    pub fn parse(text: &str) -> Result<Self, LedgerError> {
        let bad = || LedgerError::Signature("verifier key text is malformed".to_owned());
        let mut parts = text.trim().splitn(3, '+');
        let (Some(name), Some(id), Some(encoded)) = (parts.next(), parts.next(), parts.next()) else {
            return Err(bad());
        };
        let bytes = STANDARD.decode(encoded).map_err(|_| bad())?;
        let (algorithm, key) = if let Some(key) = bytes.strip_prefix(TYPE_SM2) {
            (Algorithm::Sm2, key)
        } else {
            (Algorithm::Ed25519, bytes.strip_prefix(TYPE_ED25519).ok_or_else(bad)?)
        };
        let key = VerifyingKey::from_bytes(algorithm, key).map_err(|_| bad())?;
        let verifier = Self::new(&Origin::parse(name)?, key);
        if format!("{:08x}", verifier.id) == id { Ok(verifier) } else { Err(bad()) }
    }

    pub fn name(&self) -> &Origin {
        &self.name
    }

    pub fn algorithm(&self) -> Algorithm {
        self.key.algorithm()
    }
}

/// A parsed note. Its text means nothing until [`SignedNote::verify`] has passed.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct SignedNote {
    text: String,
    lines: Vec<Line>,
}

#[derive(Clone, Debug, PartialEq, Eq)]
struct Line {
    name: String,
    id: u32,
    signature: Vec<u8>,
}

impl SignedNote {
    /// Signs `text`, which ends in a line break, once with each key, in their order.
    pub fn sign(text: &str, signers: &[NoteSigner]) -> Result<String, LedgerError> {
        let mut note = format!("{text}\n");
        for signer in signers {
            note.push_str(&signer.line(text)?);
        }
        Ok(note)
    }

    pub fn parse(bytes: &[u8]) -> Result<Self, LedgerError> {
        Self::try_parse(bytes).map_err(|reason| LedgerError::Signature(format!("note is malformed: {reason}")))
    }

    fn try_parse(bytes: &[u8]) -> Result<Self, &'static str> {
        if bytes.len() > NOTE_BYTES_MAX {
            return Err("too long");
        }
        let note = std::str::from_utf8(bytes).map_err(|_| "not UTF-8")?;
        if note.bytes().any(|b| b < 0x20 && b != b'\n') {
            return Err("control character");
        }
        let (text, signatures) = note.rsplit_once("\n\n").ok_or("no signatures")?;
        let signatures = signatures.strip_suffix('\n').ok_or("last line is not ended")?;
        let lines: Vec<Line> = signatures.split('\n').map(parse_line).collect::<Option<_>>().ok_or("signature line")?;
        if lines.len() > SIGNATURES_MAX {
            return Err("too many signatures");
        }
        Ok(Self { text: format!("{text}\n"), lines })
    }

    /// Every one of `keys` must have signed, and every line under a known name and id must verify.
    /// Lines of unknown keys are ignored, as the format asks.
    pub fn verify(&self, keys: &[NoteVerifier]) -> Result<&str, LedgerError> {
        if let Some(key) = keys.iter().find(|key| self.lines_of(key).next().is_none()) {
            return Err(LedgerError::Signature(format!("{} signature is missing", key.algorithm().as_str())));
        }
        self.verify_some(keys)
    }

    /// At least one of `keys` must have signed; a bad signature of any of them refuses the note.
    pub fn verify_some(&self, keys: &[NoteVerifier]) -> Result<&str, LedgerError> {
        let mut signed = false;
        for (key, line) in keys.iter().flat_map(|key| self.lines_of(key).map(move |line| (key, line))) {
            key.key.verify(self.text.as_bytes(), &line.signature).map_err(|_| {
                LedgerError::Signature(format!("{} signature does not verify", key.algorithm().as_str()))
            })?;
            signed = true;
        }
        if signed { Ok(&self.text) } else { Err(LedgerError::Signature("signed by none of the keys".to_owned())) }
    }

    fn lines_of(&self, key: &NoteVerifier) -> impl Iterator<Item = &Line> {
        let (name, id) = (key.name.clone(), key.id);
        self.lines.iter().filter(move |line| line.name == name.as_str() && line.id == id)
    }
}

fn type_of(algorithm: Algorithm) -> &'static [u8] {
    match algorithm {
        Algorithm::Ed25519 => TYPE_ED25519,
        Algorithm::Sm2 => TYPE_SM2,
    }
}

fn parse_line(line: &str) -> Option<Line> {
    let (name, encoded) = line.strip_prefix("\u{2014} ")?.split_once(' ')?;
    let bytes = STANDARD.decode(encoded).ok()?;
    let (id, signature) = bytes.split_first_chunk::<4>()?;
    if name.is_empty() || name.contains('+') || signature.is_empty() {
        return None;
    }
    Some(Line { name: name.to_owned(), id: u32::from_be_bytes(*id), signature: signature.to_vec() })
}
