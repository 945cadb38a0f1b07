//! From a template to a response, and from an error to a status, a page or a problem document. The status is chosen here, once.

use std::sync::Arc;

use askama::Template;
use axum::extract::Request;
use axum::http::request::Parts;
use axum::http::{HeaderMap, HeaderName, HeaderValue, Method, StatusCode, header};
use axum::middleware::Next;
use axum::response::{Html as HtmlBody, IntoResponse, Response};

use super::chrome::Chrome;
use super::{Shell, assets};
use crate::error::{Error, FieldError, Kind};

/// What a handler gives back.
pub type WebResult<T = Response> = Result<T, WebError>;

/// Renders a page.
pub fn page(template: impl Template) -> Response {
    page_with(StatusCode::OK, template)
}

/// Renders a page that is not a plain success: 422 for a form with errors, 202 for a job.
pub fn page_with(status: StatusCode, template: impl Template) -> Response {
    match template.render() {
        Ok(html) => (status, HtmlBody(html)).into_response(),
        Err(error) => WebError::from(Error::internal(error)).into_response(),
    }
}

/// Sends the browser on after a done act (303), so that reloading repeats nothing.
pub fn go(to: &str) -> Response {
    axum::response::Redirect::to(to).into_response()
}

/// A kernel error on its way to the client.
#[derive(Debug)]
pub struct WebError(Error);

impl<E: Into<Error>> From<E> for WebError {
    fn from(error: E) -> Self {
        Self(error.into())
    }
}

/// What the client may know of an error; travels inside the response to where the page is made.
#[derive(Clone, Debug)]
struct Problem {
    status: StatusCode,
    kind: Kind,
    code: &'static str,
    message: String,
    fields: Vec<FieldError>,
}

impl IntoResponse for WebError {
    fn into_response(self) -> Response {
        let error = self.0;
        let problem = Problem {
            status: status_of(error.kind()),
            kind: error.kind(),
            code: error.code(),
            message: error.message().to_owned(),
            fields: error.fields().to_vec(),
        };
        if problem.status.is_server_error() {
            tracing::error!(code = problem.code, cause = error.cause().map(ToString::to_string), "request failed");
        }
        let mut response = problem.status.into_response();
        response.extensions_mut().insert(problem);
        response
    }
}

/// The table of status codes.
fn status_of(kind: Kind) -> StatusCode {
    match kind {
        Kind::Invalid => StatusCode::UNPROCESSABLE_ENTITY,
        Kind::Unauthenticated => StatusCode::UNAUTHORIZED,
        Kind::Refused => StatusCode::FORBIDDEN,
        Kind::NotFound => StatusCode::NOT_FOUND,
        Kind::Conflict => StatusCode::CONFLICT,
        Kind::TooLarge => StatusCode::PAYLOAD_TOO_LARGE,
        Kind::TooMany => StatusCode::TOO_MANY_REQUESTS,
        Kind::Unavailable => StatusCode::SERVICE_UNAVAILABLE,
        Kind::Internal => StatusCode::INTERNAL_SERVER_ERROR,
    }
}

/// Turns the problem inside a response into a page or a document, whichever the client reads.
pub(crate) async fn render_errors(request: Request, next: Next) -> Response {
    let (parts, body) = request.into_parts();
    let asked = parts.clone();
    let mut response = next.run(Request::from_parts(parts, body)).await;
    let problem = match response.extensions_mut().remove::<Problem>() {
        Some(problem) => problem,
        None if response.status() == StatusCode::BAD_REQUEST && bare(&response) => unreadable(),
        None => return response,
    };
    if !wants_page(&asked) {
        return document(&asked, &problem);
    }
    if problem.kind == Kind::Unauthenticated
        && let Some(answer) = to_login(&asked)
    {
        return answer;
    }
    error_page(asked, &problem).await
}

/// Answers that axum itself gives are plain text.
fn bare(response: &Response) -> bool {
    let mime = response.headers().get(header::CONTENT_TYPE).and_then(|value| value.to_str().ok());
    mime.is_none_or(|mime| mime.starts_with("text/plain"))
}

fn unreadable() -> Problem {
    Problem {
        status: StatusCode::BAD_REQUEST,
        kind: Kind::Invalid,
        code: "HF-BAD-REQUEST",
        message: "请求无法识别".to_owned(),
        fields: Vec::new(),
    }
}

fn wants_page(parts: &Parts) -> bool {
    if parts.uri.path().starts_with("/api/") || parts.headers.contains_key("hx-request") {
        return false;
    }
    let accept = parts.headers.get(header::ACCEPT).and_then(|value| value.to_str().ok()).unwrap_or("");
    accept.contains("text/html")
}

/// RFC 9457, with our code, the message for people and the request's number.
fn document(parts: &Parts, problem: &Problem) -> Response {
    let mut body = serde_json::json!({
        "type": format!("urn:hufu:problem:{}", problem.code),
        "title": title(problem.status),
        "status": problem.status.as_u16(),
        "code": problem.code,
        "message": problem.message,
        "request_id": request_id(parts),
    });
    if let (Some(object), false) = (body.as_object_mut(), problem.fields.is_empty()) {
        object.insert("fields".to_owned(), serde_json::json!(problem.fields));
    }
    let mut response = (problem.status, body.to_string()).into_response();
    response.headers_mut().insert(header::CONTENT_TYPE, HeaderValue::from_static("application/problem+json"));
    if parts.headers.contains_key("hx-request")
        && problem.kind == Kind::Unauthenticated
        && let Some(value) = login_url(parts).and_then(|url| HeaderValue::from_str(&url).ok())
    {
        response.headers_mut().insert(HeaderName::from_static("hx-redirect"), value);
    }
    response
}

fn to_login(parts: &Parts) -> Option<Response> {
    (parts.method == Method::GET).then(|| login_url(parts)).flatten().map(|url| go(&url))
}

/// The log-in page, which leads back to what was asked for.
fn login_url(parts: &Parts) -> Option<String> {
    let login = parts.extensions.get::<Arc<Shell>>()?.links.login?;
    let wanted = match parts.headers.get("hx-current-url").and_then(|url| url.to_str().ok()) {
        Some(url) => url.parse::<axum::http::Uri>().ok()?.path_and_query().map(ToString::to_string).unwrap_or_default(),
        None => parts.uri.path_and_query().map(ToString::to_string).unwrap_or_default(),
    };
    let query = serde_html_form::to_string([("next", wanted)]).ok()?;
    Some(format!("{login}?{query}"))
}

#[derive(Template)]
#[template(path = "shell/error.html")]
struct ErrorPage {
    chrome: Chrome,
    framed: bool,
    status: u16,
    title: &'static str,
    message: String,
    about: &'static str,
    remedy: &'static str,
    fields: Vec<FieldError>,
}

async fn error_page(mut parts: Parts, problem: &Problem) -> Response {
    let chrome = match Chrome::of(&mut parts).await {
        Ok(chrome) => chrome.titled(title(problem.status)),
        // Without the front end there is no page; its message still comes through, as text.
        Err(error) => return (StatusCode::SERVICE_UNAVAILABLE, error.message().to_owned()).into_response(),
    };
    let (about, remedy) = advice(problem.status);
    let framed = chrome.actor.is_some();
    let page = ErrorPage {
        chrome,
        framed,
        status: problem.status.as_u16(),
        title: title(problem.status),
        message: problem.message.clone(),
        about,
        remedy,
        fields: problem.fields.clone(),
    };
    match page.render() {
        Ok(html) => (problem.status, HtmlBody(html)).into_response(),
        Err(error) => {
            tracing::error!(%error, "the error page cannot be rendered");
            (problem.status, problem.message.clone()).into_response()
        }
    }
}

fn title(status: StatusCode) -> &'static str {
    match status.as_u16() {
        400 => "请求无法识别",
        401 => "需要登录",
        403 => "两半未合，暂不能访问",
        404 => "没有找到",
        405 => "不支持的操作",
        409 => "内容已变化",
        413 => "内容过大",
        422 => "填写有误",
        429 => "请求太频繁",
        503 => "暂时不可用",
        _ => "系统出错了",
    }
}

/// 说明 and 怎么办.
fn advice(status: StatusCode) -> (&'static str, &'static str) {
    match status.as_u16() {
        400 | 405 => ("链接不完整，或浏览器发出的请求不符合约定", "返回上一页重新操作，不要手工修改地址"),
        401 => ("尚未登录，或长时间未操作已自动退出", "重新登录后继续"),
        403 => ("您的角色、单位或授权不允许这次操作，系统已拦下并记账，没有数据流出", "确有履职需要的，请先提出申请"),
        404 => ("链接有误，或该事项不在您的权限范围内", "用单号在列表中查找，或返回工作台"),
        409 => ("事项的状态或内容在您打开页面之后发生了变化", "刷新页面核对最新内容后再操作"),
        413 => ("提交的文件或内容超过了上限", "减少内容或分批提交"),
        422 => ("有内容不符合要求，系统没有保存", "返回上一页按提示修改后再提交"),
        429 => ("短时间内请求次数超过了限额", "稍等片刻再试"),
        503 => ("依赖的服务暂时没有回应；不能先记账就不办理、不出数", "稍后再试，恢复后可继续办理"),
        _ => ("系统内部错误，这次操作没有完成", "稍后再试；如仍出现，请把事件编号告知联系人"),
    }
}

fn request_id(parts: &Parts) -> String {
    parts.extensions.get::<super::extract::RequestId>().map(|id| id.0.clone()).unwrap_or_default()
}

/// Fallback of the router.
pub(crate) async fn no_such_page() -> WebError {
    Error::not_found("该地址").into()
}

/// A path that exists, asked in a way it does not.
pub(crate) async fn no_such_method() -> Response {
    let mut response = StatusCode::METHOD_NOT_ALLOWED.into_response();
    response.extensions_mut().insert(Problem {
        status: StatusCode::METHOD_NOT_ALLOWED,
        kind: Kind::Invalid,
        code: "HF-METHOD",
        message: "该地址不支持这种操作".to_owned(),
        fields: Vec::new(),
    });
    response
}

#[derive(Template)]
#[template(path = "shell/unsupported.html")]
struct Unsupported {
    site: super::Site,
}

/// Plain HTML without style sheet or script: it must show where nothing else does.
pub(crate) async fn unsupported_browser(axum::Extension(shell): axum::Extension<Arc<Shell>>) -> Response {
    page(Unsupported { site: shell.site.clone() })
}

/// For handlers that must know before they render: are the assets there?
pub(crate) fn assets_or_error() -> Result<assets::Assets, Error> {
    assets::assets()
}

/// Is this a request of htmx, which wants a piece?
pub fn is_piece(headers: &HeaderMap) -> bool {
    headers.contains_key("hx-request")
}
