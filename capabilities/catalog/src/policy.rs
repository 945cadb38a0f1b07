//! Who may do what in the catalogue, and what people call it.

use hufu_kernel::policy::PolicyText;

/// The Cedar text of this capability.
pub const POLICY: PolicyText = PolicyText {
    capability: "catalog",
    policies: include_str!("../policy.cedar"),
    schema: include_str!("../schema.cedarschema"),
};

/// Every action with its name on screen.
pub const ACTIONS: &[(&str, &str)] = &[
    ("catalog.cart.add", "加入申请篮"),
    ("catalog.cart.remove", "移出申请篮"),
    ("catalog.resource.check", "一致性检查"),
    ("catalog.resource.create", "新建目录"),
    ("catalog.resource.decide", "审批目录发布"),
    ("catalog.resource.edit", "修改目录"),
    ("catalog.resource.export", "导出目录清单"),
    ("catalog.resource.import", "导入目录清单"),
    ("catalog.resource.mount", "挂接资源"),
    ("catalog.resource.review_withheld", "复核不予共享"),
    ("catalog.resource.seed", "批量建立目录"),
    ("catalog.resource.submit", "提交发布"),
    ("catalog.resource.take_offline", "目录下线"),
    ("catalog.resource.view", "查看目录"),
    ("catalog.resource.withdraw", "撤回发布"),
    ("catalog.sharing.change", "申请变更共享属性"),
    ("catalog.sharing.decide", "审批共享属性变更"),
    ("catalog.source.check", "检查数据源下的目录"),
    ("catalog.source.close", "停用数据源"),
    ("catalog.source.create", "新建数据源"),
    ("catalog.source.edit", "修改数据源"),
    ("catalog.source.scan", "扫描数据源"),
    ("catalog.source.test", "测试数据源"),
    ("catalog.source.view", "查看数据源"),
];
