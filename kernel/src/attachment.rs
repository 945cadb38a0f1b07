//! Files that belong to an object: scans, evidence, letters.
//!
//! An upload is streamed into a file named by its id, digested on the way and limited in size; its row is
//! written by the command that takes it in. A file is only ever offered for download, never shown inline,
//! and what stands in it is decided by its first bytes, not by what the browser says.

use std::path::{Path, PathBuf};

use bytes::Bytes;
use futures::{Stream, StreamExt};
use hufu_crypto::Hasher;
use sea_orm::entity::prelude::*;
use sea_orm::{ActiveValue::Set, ConnectionTrait, QueryOrder};
use tokio::io::AsyncWriteExt;

use crate::actor::Actor;
use crate::audit::ObjectRef;
use crate::error::{Error, FieldError, Kind, Result};
use crate::ids::{AccountId, AttachmentId};
use crate::store::Tx;
use crate::time::Timestamp;

/// Bytes of one file.
pub const SIZE_BYTES_MAX: u64 = 50 << 20;
/// Characters of a file's name.
pub const NAME_MAX: usize = 120;
/// First bytes that decide what a file is.
const HEAD_BYTES: usize = 16;

#[derive(Clone, Debug, PartialEq, DeriveEntityModel)]
#[sea_orm(table_name = "attachment")]
pub struct Model {
    #[sea_orm(primary_key, auto_increment = false)]
    pub id: AttachmentId,
    pub object_kind: String,
    pub object_id: String,
    pub name: String,
    pub media_type: String,
    pub size_bytes: i64,
    pub sha256: String,
    pub sm3: String,
    pub account: AccountId,
    pub account_name: String,
    pub at: Timestamp,
}

#[derive(Copy, Clone, Debug, EnumIter, DeriveRelation)]
pub enum Relation {}

impl ActiveModelBehavior for ActiveModel {}

/// The folder that files rest in.
#[derive(Clone, Debug)]
pub struct Files {
    folder: PathBuf,
}

/// A file that lies in the folder and is not yet anybody's. Dropping it leaves the file for `sweep`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Uploaded {
    pub id: AttachmentId,
    pub name: String,
    pub media_type: &'static str,
    pub size_bytes: u64,
    pub sha256: String,
    pub sm3: String,
}

/// A file to hand out, with the headers that keep browsers from showing it.
#[derive(Debug)]
pub struct Download {
    pub row: Model,
    pub file: tokio::fs::File,
}

/// Kinds of files that are taken: name ending, media type, first bytes.
const KINDS: &[(&str, &str, &[u8])] = &[
    ("pdf", "application/pdf", b"%PDF-"),
    ("docx", "application/vnd.openxmlformats-officedocument.wordprocessingml.document", b"PK\x03\x04"),
    ("xlsx", "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet", b"PK\x03\x04"),
    ("pptx", "application/vnd.openxmlformats-officedocument.presentationml.presentation", b"PK\x03\x04"),
    ("ofd", "application/ofd", b"PK\x03\x04"),
    ("zip", "application/zip", b"PK\x03\x04"),
    ("doc", "application/msword", b"\xD0\xCF\x11\xE0"),
    ("xls", "application/vnd.ms-excel", b"\xD0\xCF\x11\xE0"),
    ("wps", "application/vnd.ms-works", b"\xD0\xCF\x11\xE0"),
    ("et", "application/vnd.ms-excel", b"\xD0\xCF\x11\xE0"),
    ("png", "image/png", b"\x89PNG"),
    ("jpg", "image/jpeg", b"\xFF\xD8\xFF"),
    ("jpeg", "image/jpeg", b"\xFF\xD8\xFF"),
    ("csv", "text/csv", b""),
    ("txt", "text/plain", b""),
    ("json", "application/json", b""),
];

impl Files {
    pub async fn open(folder: &Path) -> Result<Self> {
        tokio::fs::create_dir_all(folder).await.map_err(storage)?;
        Ok(Self { folder: folder.to_owned() })
    }

    /// Takes a stream in, up to the size limit; on any fault nothing stays behind.
    pub async fn receive<E>(
        &self,
        name: &str,
        stream: impl Stream<Item = Result<Bytes, E>>,
    ) -> Result<Uploaded>
    where
        E: Into<Box<dyn std::error::Error + Send + Sync>>,
    {
        let name = clean_name(name)?;
        let ending = name.rsplit_once('.').map(|(_, ending)| ending.to_lowercase()).unwrap_or_default();
        let Some((_, media_type, magic)) = KINDS.iter().find(|(known, ..)| *known == ending) else {
            return Err(wrong(format!("不支持此类文件（.{ending}）")));
        };
        let id = AttachmentId::generate();
        let path = self.path(&id);
        match write(&path, stream, magic).await {
            Ok((size_bytes, sha256, sm3)) => Ok(Uploaded { id, name, media_type, size_bytes, sha256, sm3 }),
            Err(error) => {
                if let Err(fault) = tokio::fs::remove_file(&path).await {
                    tracing::warn!(cause = %fault, "half an upload was not removed");
                }
                Err(error)
            }
        }
    }

    /// Opens a file for download after checking that it is still the one that was taken in.
    pub async fn open_file(&self, row: Model) -> Result<Download> {
        let path = self.path(&row.id);
        let expected = row.sha256.clone();
        let (found, file) = tokio::task::spawn_blocking(move || -> std::io::Result<_> {
            let mut file = std::fs::File::open(path)?;
            let mut hasher = Hasher::sha256();
            let mut buffer = vec![0; 1 << 16];
            loop {
                let read = std::io::Read::read(&mut file, &mut buffer)?;
                if read == 0 {
                    break;
                }
                hasher.update(buffer.get(..read).unwrap_or_default());
            }
            std::io::Seek::rewind(&mut file)?;
            Ok((hasher.finish().to_hex(), file))
        })
        .await
        .map_err(Error::internal)?
        .map_err(storage)?;
        if found != expected {
            return Err(Error::new(Kind::Internal, "HF-FILE-CHANGED", "附件内容与登记的摘要不符，已停止下载"));
        }
        Ok(Download { row, file: tokio::fs::File::from_std(file) })
    }

    /// Removes files that no row knows and that are older than a day: uploads whose command never came.
    pub async fn sweep(&self, db: &impl ConnectionTrait, now: Timestamp) -> Result<u64> {
        let mut removed = 0;
        let mut entries = tokio::fs::read_dir(&self.folder).await.map_err(storage)?;
        while let Some(entry) = entries.next_entry().await.map_err(storage)? {
            let name = entry.file_name().to_string_lossy().into_owned();
            let Ok(id) = name.parse::<AttachmentId>() else { continue };
            let changed = entry.metadata().await.and_then(|meta| meta.modified()).map_err(storage)?;
            let age = changed.duration_since(std::time::UNIX_EPOCH).unwrap_or_default();
            let is_young = now.millis() - i64::try_from(age.as_millis()).unwrap_or(i64::MAX) < 24 * 3600 * 1000;
            if is_young || Entity::find_by_id(id).one(db).await?.is_some() {
                continue;
            }
            tokio::fs::remove_file(entry.path()).await.map_err(storage)?;
            removed += 1;
        }
        Ok(removed)
    }

    fn path(&self, id: &AttachmentId) -> PathBuf {
        self.folder.join(id.as_str())
    }
}

impl Download {
    /// `Content-Disposition`: always to be saved, with the Chinese name as RFC 6266 has it.
    pub fn disposition(&self) -> String {
        let mut encoded = String::new();
        for byte in self.row.name.bytes() {
            if byte.is_ascii_alphanumeric() || b".-_".contains(&byte) {
                encoded.push(char::from(byte));
            } else {
                encoded.push_str(&format!("%{byte:02X}"));
            }
        }
        format!("attachment; filename*=UTF-8''{encoded}")
    }
}

/// Makes an upload belong to an object, inside the command that takes it in.
pub async fn attach(tx: &Tx, uploaded: Uploaded, object: &ObjectRef, by: &Actor, now: Timestamp) -> Result<AttachmentId> {
    let row = ActiveModel {
        id: Set(uploaded.id.clone()),
        object_kind: Set(object.kind.clone()),
        object_id: Set(object.id.clone()),
        name: Set(uploaded.name),
        media_type: Set(uploaded.media_type.to_owned()),
        size_bytes: Set(i64::try_from(uploaded.size_bytes).map_err(Error::internal)?),
        sha256: Set(uploaded.sha256),
        sm3: Set(uploaded.sm3),
        account: Set(by.account.clone()),
        account_name: Set(by.name.clone()),
        at: Set(now),
    };
    Entity::insert(row).exec_without_returning(tx.db()).await?;
    Ok(uploaded.id)
}

/// Files of an object, in the order they came.
pub async fn of_object(db: &impl ConnectionTrait, object_id: &str) -> Result<Vec<Model>> {
    Ok(Entity::find().filter(Column::ObjectId.eq(object_id)).order_by_asc(Column::Id).all(db).await?)
}

pub async fn find(db: &impl ConnectionTrait, id: &AttachmentId) -> Result<Model> {
    Entity::find_by_id(id.clone()).one(db).await?.ok_or_else(|| Error::not_found("附件"))
}

async fn write<E>(
    path: &Path,
    stream: impl Stream<Item = Result<Bytes, E>>,
    magic: &[u8],
) -> Result<(u64, String, String)>
where
    E: Into<Box<dyn std::error::Error + Send + Sync>>,
{
    let mut file = tokio::fs::File::create_new(path).await.map_err(storage)?;
    let (mut sha256, mut sm3) = (Hasher::sha256(), Hasher::sm3());
    let (mut size, mut head) = (0_u64, Vec::with_capacity(HEAD_BYTES));
    futures::pin_mut!(stream);
    while let Some(piece) = stream.next().await {
        let piece = piece.map_err(|cause| Error::new(Kind::Invalid, "HF-UPLOAD", "文件上传中断，请重试").because(cause))?;
        size = size.saturating_add(piece.len() as u64);
        if size > SIZE_BYTES_MAX {
            return Err(Error::new(Kind::TooLarge, "HF-FILE-LARGE", "文件超过50MB，请拆分或压缩后上传"));
        }
        let room = HEAD_BYTES.saturating_sub(head.len());
        head.extend(piece.iter().take(room));
        sha256.update(&piece);
        sm3.update(&piece);
        file.write_all(&piece).await.map_err(storage)?;
    }
    if size == 0 {
        return Err(wrong("文件是空的".to_owned()));
    }
    // An office file that holds a program, or a text that holds an image, is not what its name says.
    let is_text = magic.is_empty();
    if !head.starts_with(magic) || (is_text && (head.contains(&0) || head.starts_with(b"MZ") || head.starts_with(b"\x7fELF"))) {
        return Err(wrong("文件内容与扩展名不符".to_owned()));
    }
    file.sync_all().await.map_err(storage)?;
    Ok((size, sha256.finish().to_hex(), sm3.finish().to_hex()))
}

/// The last part of a path, without what a file system or a header could stumble over.
fn clean_name(name: &str) -> Result<String> {
    let last = name.rsplit(['/', '\\']).next().unwrap_or_default();
    let clean: String = last.chars().filter(|letter| !letter.is_control() && !"\"<>|:*?".contains(*letter)).collect();
    let clean = clean.trim().trim_start_matches('.').to_owned();
    if clean.is_empty() || clean.chars().count() > NAME_MAX {
        return Err(wrong(format!("文件名为空或超过{NAME_MAX}字")));
    }
    Ok(clean)
}

fn wrong(message: String) -> Error {
    Error::invalid(vec![FieldError::new("file", message)])
}

fn storage(cause: std::io::Error) -> Error {
    Error::unavailable("HF-FILE-STORE", "附件存储暂不可用，请稍后再试").because(cause)
}
