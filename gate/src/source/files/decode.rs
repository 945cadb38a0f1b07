//! Text files in the encodings offices use: UTF-8, UTF-16 with byte order mark, else GB18030.

use std::fs::File;
use std::io::{BufReader, Read};
use std::path::Path;

use encoding_rs::{Decoder, Encoding, GB18030, UTF_8, UTF_16BE, UTF_16LE};

use crate::error::Result;
use crate::source::fault;

const CHUNK_BYTES: usize = 64 << 10;

/// Encoding of a whole file. Every byte is looked at: a Chinese name may come after megabytes of digits.
pub(super) fn detect(path: &Path) -> Result<&'static Encoding> {
    let mut file = File::open(path).map_err(|_e| fault::unreachable("file is not there"))?;
    let mut chunk = vec![0; CHUNK_BYTES];
    let (mut kept, mut first) = (0, true);
    loop {
        let free = chunk.get_mut(kept..).unwrap_or_default();
        let read = file.read(free).map_err(|_e| fault::read("text file"))?;
        let filled = kept + read;
        let bytes = chunk.get(..filled).unwrap_or_default();
        if first && let Some((encoding, _)) = Encoding::for_bom(bytes) {
            return Ok(if encoding == UTF_16LE || encoding == UTF_16BE { encoding } else { UTF_8 });
        }
        first = false;
        match std::str::from_utf8(bytes) {
            Ok(_) => kept = 0,
            Err(e) if e.error_len().is_none() && read > 0 => {
                // A character cut by the chunk's edge goes to the front of the next chunk.
                let from = e.valid_up_to();
                chunk.copy_within(from..filled, 0);
                kept = filled - from;
            }
            Err(_) => return Ok(GB18030),
        }
        if read == 0 {
            return Ok(UTF_8);
        }
    }
}

/// The file as UTF-8, decoded while it is read.
pub(super) fn utf8(file: File, encoding: &'static Encoding) -> Box<dyn Read + Send> {
    if encoding == UTF_8 {
        return Box::new(BufReader::with_capacity(CHUNK_BYTES, file));
    }
    Box::new(Decoded {
        inner: file,
        decoder: encoding.new_decoder(),
        raw: vec![0; CHUNK_BYTES],
        text: Vec::new(),
        at: 0,
        ended: false,
    })
}

struct Decoded {
    inner: File,
    decoder: Decoder,
    raw: Vec<u8>,
    text: Vec<u8>,
    /// First byte of `text` not given out yet.
    at: usize,
    ended: bool,
}

impl Read for Decoded {
    fn read(&mut self, out: &mut [u8]) -> std::io::Result<usize> {
        while self.at >= self.text.len() && !self.ended {
            let read = self.inner.read(&mut self.raw)?;
            self.ended = read == 0;
            let bytes = self.raw.get(..read).unwrap_or_default();
            let room = self.decoder.max_utf8_buffer_length(read).unwrap_or(CHUNK_BYTES * 4);
            self.text.resize(room, 0);
            let (_, _, written, _) = self.decoder.decode_to_utf8(bytes, &mut self.text, self.ended);
            self.text.truncate(written);
            self.at = 0;
        }
        let ready = self.text.get(self.at..).unwrap_or_default();
        let given = ready.len().min(out.len());
        if let (Some(to), Some(from)) = (out.get_mut(..given), ready.get(..given)) {
            to.copy_from_slice(from);
        }
        self.at += given;
        Ok(given)
    }
}
