//! Extractors of ours: bad input becomes our error, with the names of the fields, in Chinese.
//!
//! Use these instead of axum's own, whose rejections are English and name Rust types.

use std::net::SocketAddr;
use std::sync::Arc;

use axum::extract::{ConnectInfo, FromRequest, FromRequestParts, Request};
use axum::http::request::Parts;
use axum::http::{HeaderMap, header};
use bytes::Bytes;
use serde::de::DeserializeOwned;

use super::page::WebError;
use super::{Shell, SignedIn};
use crate::actor::Actor;
use crate::command::Ctx;
use crate::error::{Error, FieldError, Kind};
use crate::time::{Clock, SystemClock};

/// Number of a request, on its log lines, its ledger entry and its error page.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct RequestId(pub String);

/// A form (`application/x-www-form-urlencoded`, or the query of a GET). Repeated names fill a `Vec`; an empty number is an
/// absent `Option`, an empty text stays an empty text, so that the model can name every missing field at once.
#[derive(Clone, Debug)]
pub struct Form<T>(pub T);

/// A JSON body.
#[derive(Clone, Debug)]
pub struct Json<T>(pub T);

/// The query string. Repeated names fill a `Vec`; an empty value counts as absent.
#[derive(Clone, Debug)]
pub struct Query<T>(pub T);

/// What stands in the path. Something that cannot be read names nothing: 404.
#[derive(Clone, Debug)]
pub struct Path<T>(pub T);

impl<T: DeserializeOwned, S: Send + Sync> FromRequest<S> for Form<T> {
    type Rejection = WebError;

    async fn from_request(request: Request, state: &S) -> Result<Self, WebError> {
        if request.method() == axum::http::Method::GET {
            return Ok(Self(parse_form(request.uri().query().unwrap_or("").as_bytes())?));
        }
        if !is_type(request.headers(), "application/x-www-form-urlencoded") {
            return Err(Error::new(Kind::Invalid, "HF-CONTENT-TYPE", "请求格式不对，应为表单").into());
        }
        Ok(Self(parse_form(&body(request, state).await?)?))
    }
}

impl<T: DeserializeOwned, S: Send + Sync> FromRequest<S> for Json<T> {
    type Rejection = WebError;

    async fn from_request(request: Request, state: &S) -> Result<Self, WebError> {
        if !is_type(request.headers(), "application/json") {
            return Err(Error::new(Kind::Invalid, "HF-CONTENT-TYPE", "请求格式不对，应为 JSON").into());
        }
        let bytes = body(request, state).await?;
        let mut reader = serde_json::Deserializer::from_slice(&bytes);
        let value = serde_path_to_error::deserialize(&mut reader).map_err(|e| invalid(e.path(), e.inner()))?;
        reader.end().map_err(|_| Error::invalid(vec![FieldError::new("", "正文之后还有多余的内容")]))?;
        Ok(Self(value))
    }
}

impl<T: DeserializeOwned, S: Send + Sync> FromRequestParts<S> for Query<T> {
    type Rejection = WebError;

    async fn from_request_parts(parts: &mut Parts, _: &S) -> Result<Self, WebError> {
        Ok(Self(parse_query(parts.uri.query().unwrap_or(""))?))
    }
}

impl<T: DeserializeOwned + Send, S: Send + Sync> FromRequestParts<S> for Path<T> {
    type Rejection = WebError;

    async fn from_request_parts(parts: &mut Parts, state: &S) -> Result<Self, WebError> {
        let path = axum::extract::Path::from_request_parts(parts, state).await;
        path.map(|axum::extract::Path(value)| Self(value)).map_err(|e| Error::not_found("该地址").because(e).into())
    }
}

/// Reads form text into a type; also what [`Form`] and [`Query`] do.
pub fn parse_form<T: DeserializeOwned>(bytes: &[u8]) -> Result<T, Error> {
    let reader = serde_html_form::Deserializer::from_bytes(bytes);
    serde_path_to_error::deserialize(reader).map_err(|e| invalid(e.path(), e.inner()))
}

/// Reads a query string: a field that was left empty was not asked for.
pub fn parse_query<T: DeserializeOwned>(query: &str) -> Result<T, Error> {
    let asked: Vec<&str> =
        query.split('&').filter(|pair| pair.split_once('=').is_some_and(|(_, value)| !value.is_empty())).collect();
    parse_form(asked.join("&").as_bytes())
}

/// The parser's own words stay out: they are English and may repeat the value.
fn invalid(path: &serde_path_to_error::Path, cause: &dyn std::error::Error) -> Error {
    let cause = cause.to_string();
    let mut field = path.to_string();
    let mut message = "格式不正确";
    if let Some(name) = cause.strip_prefix("missing field `").and_then(|rest| rest.split('`').next()) {
        message = "必填";
        field = if field == "." { name.to_owned() } else { format!("{field}.{name}") };
    } else if cause.starts_with("unknown variant") {
        message = "不在可选范围内";
    } else if cause.starts_with("unknown field") {
        message = "有不认识的字段";
    }
    if field == "." {
        field.clear();
    }
    Error::invalid(vec![FieldError::new(field, message)])
}

async fn body<S: Send + Sync>(request: Request, state: &S) -> Result<Bytes, WebError> {
    Bytes::from_request(request, state).await.map_err(|rejection| {
        let kind =
            if rejection.status() == axum::http::StatusCode::PAYLOAD_TOO_LARGE { too_large() } else { cut_off() };
        kind.because(rejection).into()
    })
}

fn too_large() -> Error {
    Error::new(Kind::TooLarge, "HF-TOO-LARGE", "提交的内容过大，请减少内容或分批提交")
}

fn cut_off() -> Error {
    Error::new(Kind::Invalid, "HF-BODY", "提交的内容没有收全，请重试")
}

pub(crate) fn is_type(headers: &HeaderMap, mime: &str) -> bool {
    let given = headers.get(header::CONTENT_TYPE).and_then(|value| value.to_str().ok()).unwrap_or("");
    given.split(';').next().is_some_and(|given| given.trim().eq_ignore_ascii_case(mime))
}

/// Who asks; 401 when nobody is signed in.
impl<S: Send + Sync> FromRequestParts<S> for Actor {
    type Rejection = WebError;

    async fn from_request_parts(parts: &mut Parts, _: &S) -> Result<Self, WebError> {
        match parts.extensions.get::<SignedIn>() {
            Some(signed_in) => Ok(signed_in.actor.clone()),
            None => Err(Error::unauthenticated().into()),
        }
    }
}

/// The request as commands and queries see it. Its actor may be absent: `ctx.actor()?` demands one.
impl<S: Send + Sync> FromRequestParts<S> for Ctx {
    type Rejection = std::convert::Infallible;

    async fn from_request_parts(parts: &mut Parts, _: &S) -> Result<Self, Self::Rejection> {
        let clock = parts.extensions.get::<Arc<Shell>>().map(|shell| shell.clock.clone());
        Ok(Ctx {
            actor: parts.extensions.get::<SignedIn>().map(|signed_in| signed_in.actor.clone()),
            request_id: parts.extensions.get::<RequestId>().map(|id| id.0.clone()).unwrap_or_default(),
            client: client(parts),
            now: clock.map_or_else(|| SystemClock.now(), |clock| clock.now()),
        })
    }
}

/// Address of the peer; a proxy's word is not taken for it.
fn client(parts: &Parts) -> String {
    match parts.extensions.get::<ConnectInfo<SocketAddr>>() {
        Some(ConnectInfo(address)) => address.ip().to_string(),
        None => "unknown".to_owned(),
    }
}
