//! What the rest of the process is told after a commit. Losing one loses no truth: readers look the state up.

/// Something changed; `topic` as subscribers name it, `key` the object's id or number.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Event {
    pub topic: &'static str,
    pub key: String,
    /// Small public payload for pages (progress of a job), never personal.
    pub data: serde_json::Value,
}

impl Event {
    pub fn new(topic: &'static str, key: impl Into<String>) -> Self {
        Self { topic, key: key.into(), data: serde_json::Value::Null }
    }
}
