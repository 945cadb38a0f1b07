//! Applications, approvals, grants and the mandate they give.
//!
//! The door: commands change, queries read, [`Service::mandate`] says what somebody may read now, and
//! [`Service::read`] is the one way by which pages and the API get rows.

pub mod api;
pub mod commands;
pub mod condition;
pub mod data;
pub mod jobs;
pub mod mandate;
pub mod model;
mod neighbours;
pub mod pages;
pub mod queries;
pub mod recorder;
mod row_scope;
mod service;
mod sharing;
pub mod store;
pub mod watch;

pub use pages::menu;
pub use recorder::LedgerRecorder;
pub use service::Service;
pub use sharing::Sharing;
pub use store::migrations;

use hufu_kernel::policy::PolicyText;

/// Every route of this capability.
pub fn routes(service: Service) -> axum::Router {
    pages::routes(service.clone()).merge(api::routes(service))
}

/// Who may do what here.
pub const POLICY: PolicyText = PolicyText {
    capability: "sharing",
    policies: include_str!("../policy.cedar"),
    schema: include_str!("../policy.cedarschema"),
};

/// Names of the acts, as people read them in 操作记录.
pub const ACTIONS: &[(&str, &str)] = &[
    ("sharing.application.save", "保存申请草稿"),
    ("sharing.application.submit", "提交用数申请"),
    ("sharing.application.withdraw", "撤回用数申请"),
    ("sharing.application.urge", "催办用数申请"),
    ("sharing.application.decide", "审核用数申请"),
    ("sharing.part.decide", "供数审批"),
    ("sharing.consent.give", "预先同意本单位用数"),
    ("sharing.consent.end", "终止预先同意"),
    ("sharing.grant.suspend", "暂停授权"),
    ("sharing.grant.resume", "恢复授权"),
    ("sharing.grant.revoke", "撤销授权"),
    ("sharing.grant.reduce", "缩减授权"),
    ("sharing.grant.expire", "授权到期"),
    ("sharing.query.run", "查询数据"),
    ("gate.query.extend", "继续查询数据"),
];
