//! Style sheet and script, built by `web/` and embedded; a debug build reads them from disk.

use axum::http::{HeaderMap, HeaderValue, StatusCode, header};
use axum::response::{IntoResponse, Response};
use rust_embed::RustEmbed;

use super::extract::Path;
use crate::error::Error;

#[derive(RustEmbed)]
#[folder = "$CARGO_MANIFEST_DIR/../web/dist/"]
#[allow_missing = true]
struct Dist;

/// Hashed names of the two files a page links.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Assets {
    pub css: String,
    pub js: String,
}

/// Reads the manifest. Its absence is said in words an operator can act on.
pub fn assets() -> Result<Assets, Error> {
    let file = Dist::get("manifest.json").ok_or_else(unbuilt)?;
    let manifest: std::collections::HashMap<String, String> = serde_json::from_slice(&file.data)?;
    let url = |name: &str| manifest.get(name).map(|file| format!("/assets/{file}")).ok_or_else(unbuilt);
    Ok(Assets { css: url("app.css")?, js: url("app.js")? })
}

/// Licences of what is shipped to browsers, for the operations page.
pub fn licences() -> Option<serde_json::Value> {
    serde_json::from_slice(&Dist::get("licences.json")?.data).ok()
}

fn unbuilt() -> Error {
    Error::unavailable("HF-ASSETS", "页面资源没有构建：请运行 npm --prefix web ci && npm --prefix web run build")
}

/// `/assets/{file}`: names carry a hash of the content, so browsers may keep them for ever.
pub async fn serve(Path(file): Path<String>, headers: HeaderMap) -> Response {
    let Some(mime) = mime_of(&file) else { return StatusCode::NOT_FOUND.into_response() };
    let packed = accepts_gzip(&headers).then(|| Dist::get(&format!("{file}.gz"))).flatten();
    let gzip = packed.is_some();
    let Some(content) = packed.or_else(|| Dist::get(&file)) else { return StatusCode::NOT_FOUND.into_response() };
    let mut response = content.data.into_owned().into_response();
    let headers = response.headers_mut();
    headers.insert(header::CONTENT_TYPE, HeaderValue::from_static(mime));
    headers.insert(header::CACHE_CONTROL, HeaderValue::from_static("public, max-age=31536000, immutable"));
    headers.insert(header::VARY, HeaderValue::from_static("Accept-Encoding"));
    if gzip {
        headers.insert(header::CONTENT_ENCODING, HeaderValue::from_static("gzip"));
    }
    response
}

/// Only what pages link has a type; manifest and licences are not served.
fn mime_of(file: &str) -> Option<&'static str> {
    match file.rsplit_once('.')?.1 {
        "css" => Some("text/css; charset=utf-8"),
        "js" => Some("text/javascript; charset=utf-8"),
        "svg" => Some("image/svg+xml"),
        _ => None,
    }
}

fn accepts_gzip(headers: &HeaderMap) -> bool {
    headers
        .get(header::ACCEPT_ENCODING)
        .and_then(|value| value.to_str().ok())
        .is_some_and(|value| value.contains("gzip"))
}
