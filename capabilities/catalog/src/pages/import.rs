//! Import of the national form: the template, the upload, and every fault with its place.

use askama::Template;
use axum::extract::multipart::MultipartError;
use axum::extract::{FromRequest, Multipart, Request, State};
use axum::http::{StatusCode, header};
use axum::response::IntoResponse;
use hufu_kernel::command::{Ctx, run};
use hufu_kernel::error::{Error, FieldError, Kind, Result};
use hufu_kernel::shell::list::{Download, Format};
use hufu_kernel::shell::page::page_with;
use hufu_kernel::shell::{Chrome, WebResult, page};

use crate::Catalog;
use crate::commands::import_resources::ImportResources;
use crate::commands::policy_resource;
use crate::model::state::State as EntryState;
use crate::sheets::book::{Heading, write};
use crate::sheets::{ENTRIES_MAX, FILE_BYTES_MAX, Fault, FileEntry, read};

#[derive(Template)]
#[template(path = "catalog/import.html")]
struct Import {
    chrome: Chrome,
    faults: Vec<Fault>,
    /// Entries that were taken in.
    done: Option<usize>,
    limit_mb: usize,
    limit_rows: usize,
}

pub(super) async fn form(State(catalog): State<Catalog>, chrome: Chrome, ctx: Ctx) -> WebResult {
    allow(&catalog, &ctx)?;
    Ok(page(import(chrome, Vec::new(), None)))
}

fn allow(catalog: &Catalog, ctx: &Ctx) -> Result<()> {
    let unit = ctx.actor()?.unit.clone();
    catalog.allow(ctx, "catalog.resource.import", &policy_resource("new", &unit, EntryState::Draft))
}

fn import(chrome: Chrome, faults: Vec<Fault>, done: Option<usize>) -> Import {
    let chrome = chrome.titled("导入目录清单").crumb("数据目录", "/catalog").crumb("编目管理", "/catalog/edit");
    Import { chrome, faults, done, limit_mb: FILE_BYTES_MAX / 1024 / 1024, limit_rows: ENTRIES_MAX }
}

pub(super) async fn take(State(catalog): State<Catalog>, chrome: Chrome, ctx: Ctx, request: Request) -> WebResult {
    allow(&catalog, &ctx)?;
    let bytes = uploaded(request).await?;
    match take_in(&catalog, &ctx, bytes).await? {
        Ok(count) => Ok(page(import(chrome, Vec::new(), Some(count)))),
        Err(faults) => Ok(page_with(StatusCode::UNPROCESSABLE_ENTITY, import(chrome, faults, None))),
    }
}

/// The API's upload: the number of new drafts, or every fault as a field.
pub(crate) async fn read_upload(catalog: &Catalog, ctx: &Ctx, request: Request) -> Result<usize> {
    allow(catalog, ctx)?;
    let bytes = uploaded(request).await?;
    take_in(catalog, ctx, bytes).await?.map_err(|faults| {
        Error::invalid(faults.into_iter().map(|fault| FieldError::new(fault.place(), fault.message)).collect())
    })
}

/// Reads the file and writes all of its entries, or tells every fault.
async fn take_in(catalog: &Catalog, ctx: &Ctx, bytes: Vec<u8>) -> Result<Result<usize, Vec<Fault>>> {
    let (scheme, file_digest) = (catalog.scheme(), hufu_crypto::sha256(&bytes).to_string());
    // A damaged file may make its reader panic: that is this file's fault only.
    let parsed = tokio::task::spawn_blocking(move || read(&bytes, &scheme)).await;
    let entries: Vec<FileEntry> = match parsed {
        Ok(Ok(entries)) => entries,
        Ok(Err(faults)) => return Ok(Err(faults)),
        Err(_) => return Ok(Err(vec![damaged()])),
    };
    let (codes, scheme, count) = (catalog.codes(), catalog.scheme(), entries.len());
    run(catalog.kernel(), ctx, ImportResources { entries, file_digest, codes, scheme }).await?;
    Ok(Ok(count))
}

fn damaged() -> Fault {
    Fault {
        sheet: String::new(),
        row: 0,
        column: String::new(),
        title: String::new(),
        message: "表格已损坏，无法读取；请用表格软件打开后另存为 XLSX 再导入".to_owned(),
    }
}

/// The part `file` of a multipart request.
async fn uploaded(request: Request) -> Result<Vec<u8>> {
    let told = request.headers().get(header::CONTENT_LENGTH).and_then(|value| value.to_str().ok()?.parse::<usize>().ok());
    if told.is_some_and(|bytes| bytes > FILE_BYTES_MAX + super::ENVELOPE_BYTES) {
        return Err(too_large());
    }
    let mut parts = Multipart::from_request(request, &()).await.map_err(|_| no_file())?;
    while let Some(part) = parts.next_field().await.map_err(|fault| upload_error(&fault))? {
        if part.name() == Some("file") {
            let bytes = part.bytes().await.map_err(|fault| upload_error(&fault))?;
            return if bytes.is_empty() { Err(no_file()) } else { Ok(bytes.to_vec()) };
        }
    }
    Err(no_file())
}

fn upload_error(fault: &MultipartError) -> Error {
    if fault.status() == StatusCode::PAYLOAD_TOO_LARGE { too_large() } else { no_file() }
}

fn too_large() -> Error {
    let limit = FILE_BYTES_MAX / 1024 / 1024;
    Error::new(Kind::TooLarge, "HF-TOO-LARGE", format!("文件超过 {limit} MB，请拆分后再导入"))
}

fn no_file() -> Error {
    Error::new(Kind::Invalid, "CAT-UPLOAD", "没有收到文件，请选择 XLSX 或 XLS 文件后再上传")
}

pub(super) async fn template(State(catalog): State<Catalog>, ctx: Ctx) -> WebResult {
    allow(&catalog, &ctx)?;
    let note = "带 * 的列必填；代码列保持文本格式；「信息项」表用目录序号对应目录；信息资源代码由系统编制，不必填写。";
    let heading = Heading { title: "政务数据资源目录清单（导入模板）", note };
    let bytes = write(&[], heading, &catalog.scheme())?;
    Ok(Download { name: "政务数据资源目录清单模板.xlsx".to_owned(), format: Format::Xlsx, bytes }.into_response())
}
