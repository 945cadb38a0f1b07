//! Who may do what to people and units, and what people call it.

use hufu_kernel::actor::UnitRef;
use hufu_kernel::ids::AccountId;
use hufu_kernel::policy::{PolicyText, Resource, Value};

/// The Cedar text of this capability.
pub const POLICY: PolicyText = PolicyText {
    capability: "identity",
    policies: include_str!("../policy.cedar"),
    schema: include_str!("../schema.cedarschema"),
};

/// Every action with its name on screen.
pub const ACTIONS: &[(&str, &str)] = &[
    ("identity.account.close", "注销账号"),
    ("identity.account.create", "新建账号"),
    ("identity.account.edit", "修改账号"),
    ("identity.account.export", "导出账号清单"),
    ("identity.account.lock", "停用账号"),
    ("identity.account.read", "查看账号"),
    ("identity.account.unlock", "启用账号"),
    ("identity.change.decide", "复核权限变更"),
    ("identity.change.propose", "提出权限变更"),
    ("identity.change.withdraw", "撤回权限变更"),
    ("identity.house.init", "初始化系统"),
    ("identity.password.change", "修改口令"),
    ("identity.second_factor.enrol", "绑定第二因子"),
    ("identity.session.close", "退出登录"),
    ("identity.session.fail", "登录失败"),
    ("identity.session.open", "登录"),
    ("identity.session.pass", "通过第二因子"),
    ("identity.token.issue", "签发令牌"),
    ("identity.token.revoke", "撤销令牌"),
    ("identity.unit.close", "撤销单位"),
    ("identity.unit.create", "新建单位"),
    ("identity.unit.edit", "修改单位"),
    ("identity.unit.move", "调整单位隶属"),
];

/// A person as what is acted upon. `account` is absent while the account is only being made.
pub fn person(account: Option<&AccountId>, unit: &UnitRef, bureaus: &[UnitRef]) -> Resource {
    let id = account.map_or_else(|| "new".to_owned(), ToString::to_string);
    let resource = Resource::new("Person", id).of_unit(unit).with("bureaus", Value::Units(bureaus.to_vec()));
    match account {
        Some(account) => resource.with("account", Value::Account(account.to_string())),
        None => resource,
    }
}

/// A waiting change of rights.
pub fn change(id: &str, proposer: &AccountId, subject: &AccountId, unit: &UnitRef, bureau: &UnitRef) -> Resource {
    Resource::new("RoleChange", id)
        .of_unit(unit)
        .with("bureau", Value::Unit(bureau.clone()))
        .with("proposer", Value::Account(proposer.to_string()))
        .with("account", Value::Account(subject.to_string()))
}

/// A unit as what is acted upon.
pub fn org_unit(unit: &UnitRef, bureaus: &[UnitRef]) -> Resource {
    Resource::new("OrgUnit", unit.id.to_string()).of_unit(unit).with("bureaus", Value::Units(bureaus.to_vec()))
}

/// What an action is called on screen; an unknown one is shown as it is.
pub fn action_name(action: &str) -> &str {
    ACTIONS.iter().find(|(known, _)| *known == action).map_or(action, |(_, name)| name)
}
