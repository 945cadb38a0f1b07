//! `/events?topics=a,b`: what happens in the process, as a stream for pages.
//!
//! An event only says that something changed; the page fetches its piece anew. Losing one loses no truth.

use std::convert::Infallible;
use std::sync::Arc;
use std::time::Duration;

use axum::Extension;
use axum::http::{HeaderName, HeaderValue};
use axum::response::sse::{self, KeepAlive, Sse};
use axum::response::{IntoResponse, Response};
use futures::StreamExt;
use serde::Deserialize;
use tokio_stream::wrappers::BroadcastStream;

use super::Shell;
use super::extract::Query;
use super::page::WebResult;
use crate::actor::Actor;
use crate::event::Event;

const KEEP_ALIVE_S: u64 = 15;

#[derive(Debug, Deserialize)]
pub(crate) struct Wanted {
    #[serde(default)]
    topics: String,
}

/// Streams the asked topics to a signed-in browser. `Last-Event-ID` cannot be honoured from a broadcast:
/// a browser that comes back gets one `resync` event, on which its page renews every piece.
pub(crate) async fn stream(
    _: Actor,
    Extension(shell): Extension<Arc<Shell>>,
    headers: axum::http::HeaderMap,
    Query(wanted): Query<Wanted>,
) -> WebResult {
    let topics: Vec<String> = wanted.topics.split(',').filter(|t| !t.is_empty()).map(str::to_owned).collect();
    let returning = headers.contains_key("last-event-id");
    let first = futures::stream::iter(returning.then(resync));
    let mut number = 0_u64;
    let live = BroadcastStream::new(shell.events().subscribe()).filter_map(move |event| {
        let out = match event {
            Ok(event) if topics.iter().any(|topic| topic == event.topic) => Some(to_sse(&event)),
            Ok(_) => None,
            // The subscriber was too slow and missed some.
            Err(_) => Some(resync()),
        };
        number += 1;
        let out = out.map(|event| event.id(number.to_string()));
        async move { out }
    });
    let stream = first.chain(live).map(Ok::<_, Infallible>);
    let mut response: Response =
        Sse::new(stream).keep_alive(KeepAlive::new().interval(Duration::from_secs(KEEP_ALIVE_S))).into_response();
    response.headers_mut().insert(HeaderName::from_static("x-accel-buffering"), HeaderValue::from_static("no"));
    Ok(response)
}

fn to_sse(event: &Event) -> sse::Event {
    let body = serde_json::json!({ "topic": event.topic, "key": event.key, "data": event.data });
    sse::Event::default().data(body.to_string())
}

fn resync() -> sse::Event {
    sse::Event::default().event("resync").data("{}")
}
