//! Chinese names of actions, so that people read 提交用数申请 and not `sharing.application.submit`.

use std::collections::BTreeMap;

/// Action → name; each capability adds its own.
#[derive(Clone, Debug, Default)]
pub struct ActionNames(BTreeMap<&'static str, &'static str>);

/// One capability's names.
pub type ActionName = (&'static str, &'static str);

/// What the kernel itself records.
const KERNEL: &[ActionName] = &[
    ("kernel.message.read", "标记消息已读"),
    ("kernel.approval.remind", "提醒办理时限"),
    ("kernel.find_due", "查找临期事项"),
    ("kernel.remind", "提醒办理时限"),
    ("kernel.sweep_files", "清理未提交的附件"),
    ("kernel.purge_jobs", "清理已结束的任务"),
    ("kernel.job.cancel", "取消后台任务"),
    ("audit.entry.read", "查看审计日志"),
    ("audit.entry.export", "导出审计日志"),
    ("audit.ledger.verify", "校验存证账本"),
    ("gate.query.begin", "开始查询数据"),
    ("gate.query.end", "结束查询数据"),
    ("gate.query.refused", "拒绝查询数据"),
    ("gate.query.interrupted", "查询中断"),
];

impl ActionNames {
    pub fn new() -> Self {
        let mut names = Self::default();
        names.add(KERNEL);
        names
    }

    pub fn add(&mut self, more: &[ActionName]) -> &mut Self {
        self.0.extend(more.iter().copied());
        self
    }

    /// The name, or the action itself where nobody named it.
    pub fn name<'a>(&self, action: &'a str) -> &'a str {
        self.0.get(action).copied().unwrap_or(action)
    }

    /// Actions whose name contains the words.
    pub fn actions_named(&self, words: &str) -> Vec<String> {
        let words = words.trim();
        self.0.iter().filter(|(_, name)| !words.is_empty() && name.contains(words)).map(|(action, _)| (*action).to_owned()).collect()
    }

    pub fn all(&self) -> impl Iterator<Item = ActionName> {
        self.0.iter().map(|(action, name)| (*action, *name))
    }

    /// Actions that have no name; a test of the house keeps this empty.
    pub fn missing<'a>(&self, actions: &'a [String]) -> Vec<&'a str> {
        actions.iter().map(String::as_str).filter(|action| !self.0.contains_key(action)).collect()
    }
}
