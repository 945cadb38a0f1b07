//! The one dictionary of states: code → word, colour and icon. Every tag on every page, and every export, reads it.

/// Colour family of a state; never used for anything else on a page.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Tone {
    /// Not begun.
    Grey,
    /// Somebody or something is at work.
    Blue,
    /// Good.
    Green,
    /// Needs a look.
    Amber,
    /// Refused, late, dangerous.
    Red,
    /// Shut by a decision.
    Purple,
    /// A kind, not a state.
    Plain,
}

impl Tone {
    pub fn class(self) -> &'static str {
        match self {
            Self::Grey => "",
            Self::Blue => " is-blue",
            Self::Green => " is-green",
            Self::Amber => " is-amber",
            Self::Red => " is-red",
            Self::Purple => " is-purple",
            Self::Plain => " is-plain",
        }
    }
}

/// One state as people see it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct State {
    pub code: &'static str,
    pub word: &'static str,
    pub tone: Tone,
    pub icon: &'static str,
}

/// The state of a code; `None` for a code nobody has entered here.
pub fn state(code: &str) -> Option<&'static State> {
    STATES.iter().find(|state| state.code == code)
}

/// The word of a code; an unknown code is shown as it is, never as a good state.
pub fn word(code: &str) -> &str {
    state(code).map_or(code, |state| state.word)
}

/// All of them, for filters and tests.
pub fn all() -> &'static [State] {
    STATES
}

const fn grey(code: &'static str, word: &'static str) -> State {
    State { code, word, tone: Tone::Grey, icon: "idle" }
}
const fn blue(code: &'static str, word: &'static str) -> State {
    State { code, word, tone: Tone::Blue, icon: "half" }
}
const fn green(code: &'static str, word: &'static str) -> State {
    State { code, word, tone: Tone::Green, icon: "okc" }
}
const fn amber(code: &'static str, word: &'static str) -> State {
    State { code, word, tone: Tone::Amber, icon: "warnc" }
}
const fn red(code: &'static str, word: &'static str) -> State {
    State { code, word, tone: Tone::Red, icon: "badc" }
}
const fn purple(code: &'static str, word: &'static str, icon: &'static str) -> State {
    State { code, word, tone: Tone::Purple, icon }
}
const fn plain(code: &'static str, word: &'static str) -> State {
    State { code, word, tone: Tone::Plain, icon: "" }
}

const STATES: &[State] = &[
    grey("draft", "草稿"),
    grey("not_started", "未开始"),
    grey("not_filed", "未填报"),
    grey("queued", "排队中"),
    grey("withdrawn", "已撤回"),
    grey("cancelled", "已取消"),
    grey("expired", "已到期"),
    grey("read", "已读"),
    grey("unclassified", "未分级"),
    grey("not_applicable", "不适用"),
    blue("submitted", "已提交"),
    blue("pending", "待处理"),
    blue("processing", "处理中"),
    blue("reviewing", "审核中"),
    blue("approving", "审批中"),
    blue("running", "执行中"),
    blue("rectifying", "整改中"),
    blue("transferred", "已转办"),
    blue("retrying", "重试中"),
    blue("signing", "待签署"),
    green("approved", "已通过"),
    green("published", "已发布"),
    green("active", "生效中"),
    green("enabled", "启用"),
    green("done", "已完成"),
    green("closed", "已闭环"),
    green("verified", "已核验"),
    green("accepted", "已接收"),
    green("signed", "已签署"),
    green("confirmed", "已确认"),
    green("connected", "连通"),
    green("consistent", "一致"),
    green("met", "已满足"),
    green("given", "拟给"),
    green("success", "成功"),
    amber("supplement", "待补正"),
    amber("partial", "部分同意"),
    amber("due_soon", "临期"),
    amber("recheck", "待复核"),
    amber("unconfirmed", "待确认"),
    amber("declared", "声明"),
    amber("faulty", "部分有误"),
    amber("inconsistent", "不一致"),
    amber("no_evidence", "无证据"),
    amber("unread", "未读"),
    red("refused", "驳回"),
    red("denied", "已拒绝"),
    red("withheld", "不给"),
    red("returned", "退回"),
    red("overdue", "逾期"),
    red("high_risk", "高风险"),
    red("not_met", "未满足"),
    red("failed", "失败"),
    red("unreachable", "不通"),
    red("unsigned", "未签署"),
    purple("stopped", "停用", "pause"),
    purple("disabled", "停用", "pause"),
    purple("suspended", "已暂停", "pause"),
    purple("paused", "已暂停", "pause"),
    purple("revoked", "已撤销", "stop"),
    purple("offline", "已下线", "stop"),
    purple("account_closed", "已注销", "stop"),
    purple("locked", "已锁定", "lock"),
    purple("sealed", "已封存", "lock"),
    plain("table", "库表"),
    plain("interface", "服务接口"),
    plain("map", "电子地图"),
    plain("file", "文件"),
    plain("unconditional", "无条件共享"),
    plain("conditional", "有条件共享"),
    plain("nonshare", "不予共享"),
];

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_code_stands_once_and_has_its_icon() {
        let icons = include_str!("../../templates/shell/icons.html");
        for (at, state) in STATES.iter().enumerate() {
            assert!(!STATES[at + 1..].iter().any(|other| other.code == state.code), "{} twice", state.code);
            assert!(!state.word.is_empty());
            if state.tone != Tone::Plain {
                assert!(icons.contains(&format!("id=\"{}\"", state.icon)), "no icon {}", state.icon);
            }
        }
    }

    #[test]
    fn an_unknown_code_is_shown_as_it_is() {
        assert_eq!(word("approved"), "已通过");
        assert_eq!(word("no-such-state"), "no-such-state");
        assert!(state("no-such-state").is_none());
    }
}
