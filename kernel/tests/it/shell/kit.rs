//! Every macro in every state.

use askama::Template;
use axum::Router;
use axum::http::StatusCode;
use axum::routing::get;
use chrono::NaiveDate;
use hufu_kernel::error::FieldError;
use hufu_kernel::shell::fmt::Due;
use hufu_kernel::shell::kit::{self, Html, Proof, Tab};
use hufu_kernel::shell::parts::{Choice, FieldErrors, Fit, Happening, JobCard, Pace, Purpose, Step, Tally, TallyRow};
use hufu_kernel::shell::status::Tone;
use hufu_kernel::shell::{Chrome, Path, page};

use super::world::{now, world};

#[derive(Template)]
#[template(path = "kit_page.html")]
struct KitPage {
    chrome: Chrome,
    signs: Html,
    states: Vec<Vec<&'static str>>,
    dues: Vec<Due>,
    verified: Proof,
    entry: Proof,
    full: Proof,
    jobs: Vec<JobCard>,
    steps: Vec<Step>,
    line: Vec<Happening>,
    errors: FieldErrors,
    ways: Vec<Choice>,
    tally: Tally,
    tabs: Vec<Tab>,
    facts: Vec<(&'static str, Html)>,
    purpose: Purpose,
}

fn day(month: u32, day: u32) -> NaiveDate {
    NaiveDate::from_ymd_opt(2026, month, day).unwrap()
}

pub(super) async fn kit_page(chrome: Chrome) -> axum::response::Response {
    let running = Due::Left { left: 2, total: 5, until: day(11, 25) };
    page(KitPage {
        chrome: chrome.titled("组件样张").crumb("数据目录", "/catalog").watermarked(),
        signs: Html::trusted(format!("{}{}{}", kit::tag("approving"), kit::level_named(3), kit::clock_chip(&running))),
        states: vec![
            vec!["draft", "not_started", "not_filed"],
            vec!["processing", "approving", "running", "rectifying"],
            vec!["approved", "closed", "active", "verified"],
            vec!["supplement", "due_soon", "recheck", "declared"],
            vec!["refused", "overdue", "high_risk", "not_met"],
            vec!["stopped", "sealed", "paused", "table", "conditional"],
        ],
        dues: vec![
            Due::Left { left: 5, total: 10, until: day(11, 30) },
            running.clone(),
            Due::Over { over: 1, until: day(11, 20) },
            Due::Paused { why: "待申请方补正".into() },
            Due::None,
        ],
        verified: Proof::verified(1_204_551),
        entry: Proof::entry(1_203_904),
        full: Proof {
            seq: 1_204_551,
            verified: true,
            leaf: Some("9f3c0123456789abcdef0123456789aba21e".into()),
            checkpoint: Some((8412, now())),
            href: Some("/ledger/proof/1204551".into()),
        },
        jobs: jobs(),
        steps: vec![
            Step::new(Pace::Done, "提交", "11-17 林书涵"),
            Step::new(Pace::Back, "补正", "缺等保备案号"),
            Step::new(Pace::Now, "合规审查", "待办"),
            Step::new(Pace::Ahead, "供方", "未开始"),
        ],
        line: vec![
            Happening {
                who: "陈志远".into(),
                post: "首席数据官".into(),
                act: "待决定".into(),
                own: true,
                now: true,
                ..Happening::default()
            },
            Happening {
                who: "沈静".into(),
                post: "供方经办".into(),
                at: Some(now()),
                opinion: "联系电话与核验无关，建议不提供。".into(),
                proof: Some(Proof::verified(1_203_904)),
                own: true,
                ..Happening::default()
            },
            Happening { who: "林书涵".into(), post: "提交申请".into(), at: Some(now()), ..Happening::default() },
        ],
        errors: FieldErrors::of(hufu_kernel::error::Error::invalid(vec![FieldError::new(
            "basis",
            "请写到条款，例如：第五十二条",
        )]))
        .unwrap(),
        ways: vec![Choice::new("query", "在线查询"), Choice::new("api", "接口")],
        tally: tally(),
        tabs: vec![
            Tab::new("基本信息", "#", true),
            Tab { count: Some(23), ..Tab::new("信息项", "#", false) },
            Tab::new("操作记录", "#", false),
        ],
        facts: vec![("提供单位", Html::text("市民政局")), ("级别", kit::level(3)), ("更新周期", Html::text("每日"))],
        purpose: Purpose {
            grant: "SQ-20261123-0019".into(),
            purpose: "困难人员就业援助资格核验".into(),
            resource: "低保对象基本信息".into(),
            period: "2026-12-01 至 2027-05-31".into(),
            due: Due::None,
            quota: "今日 12/200 次".into(),
            binding: "只能用于本部门履职，不得提供给第三方。".into(),
        },
    })
}

#[derive(Template)]
#[template(path = "job_card.html")]
struct JobPiece {
    chrome: Chrome,
    j: JobCard,
}

/// What a running card of the kit finds when it renews itself: the job is done.
pub(super) async fn job_card(chrome: Chrome, Path(id): Path<String>) -> axum::response::Response {
    let j = JobCard {
        id,
        title: "全库扫描：救助管理平台".into(),
        state: "done".into(),
        done: 1_021_650,
        total: Some(1_021_650),
        unit: "行".into(),
        ..JobCard::default()
    };
    page(JobPiece { chrome, j })
}

fn jobs() -> Vec<JobCard> {
    vec![
        JobCard {
            id: "1".into(),
            title: "全库扫描：救助管理平台".into(),
            state: "running".into(),
            done: 632_804,
            total: Some(1_021_650),
            unit: "行".into(),
            rate_per_s: Some(12_400),
            left_ms: Some(31_000),
            log: vec![
                "09:26:04 mzj.jtcy_xx 已完成，命中身份号码 128,440".into(),
                "09:26:09 mzj.dbdx_jbxx 正在抽取第 7 分片".into(),
            ],
            src: "/jobs/1/card".into(),
            cancel: "/jobs/1/cancel".into(),
            ..JobCard::default()
        },
        JobCard {
            id: "2".into(),
            title: "批量交换：低保对象 → 市残联前置库".into(),
            state: "done".into(),
            done: 12_846,
            total: Some(12_846),
            unit: "行".into(),
            took_ms: Some(62_000),
            message: "对账一致".into(),
            proof: Some(Proof::verified(1_204_530)),
            ..JobCard::default()
        },
        JobCard {
            id: "3".into(),
            title: "导入目录清单（523 行）".into(),
            state: "faulty".into(),
            done: 520,
            unit: "行".into(),
            message: "跳过 3 行".into(),
            ..JobCard::default()
        },
    ]
}

fn tally() -> Tally {
    let row = |term: &str, ask: &str, fit, own: Html| TallyRow {
        term: term.into(),
        ask: Html::text(ask),
        ask_note: Html::default(),
        fit,
        own,
        own_note: Html::text("合规审查 11-18"),
    };
    Tally {
        asker: "市人力资源和社会保障局".into(),
        owner: "市民政局".into(),
        rows: vec![
            row("用途依据", "困难人员就业援助资格核验", Fit::Met, Html::text("与职责一致")),
            row(
                "信息项",
                "申请 9 项",
                Fit::Less,
                Html::trusted(format!("给 8 项 {}", kit::tag_as(Tone::Amber, "minus", "少 1 项"))),
            ),
            row("负责人", "王思远", Fit::Wait, Html::text("待决定")),
            row("导出", "申请导出明文", Fit::No, Html::text("不予提供")),
        ],
        proof: Some(Proof::entry(1_203_904)),
        sum: "2 条已合，1 条待合".into(),
    }
}

#[tokio::test]
async fn every_macro_renders_in_the_chrome() {
    let world = world(Router::new().route("/kit", get(kit_page)));
    let (status, headers, html) = world.get("/kit").await;
    assert_eq!(status, StatusCode::OK, "{html}");
    assert_eq!(headers["content-type"], "text/html; charset=utf-8");
    for expected in [
        "<html lang=\"zh-CN\">",
        "演示城市",
        "存证账本 1,204,551",
        "已校验 ✓ 11-23 09:26",
        "周敏 2208 2026-11-23 09:26",
        "打印人：周敏（市数据局 · 数据安全管理员）",
        "aria-label=\"消息通知，4 条未读\"",
        "<span class=\"hf-count\">9</span>",
        "合规审查",
        "aria-valuenow=\"61\"",
        "data-topic=\"job\" data-key=\"1\" data-src=\"/jobs/1/card\"",
        "请写到条款，例如：第五十二条",
        "aria-invalid=\"true\" aria-describedby=\"e-basis\"",
        "<option value=\"query\" selected>",
        "hf-tally-row is-less",
        "data-retype=\"SQ-20261123-0019\"",
        "is-own is-now",
    ] {
        assert!(html.contains(expected), "no {expected} in the page");
    }
    assert!(!html.contains("在线查询</a>"), "R1 has no query page in its menu");
    assert_eq!(html.matches("<h1").count(), 2, "the kit shows both heads; a product page has one");
}

#[tokio::test]
async fn every_icon_a_page_uses_is_in_the_sprite() {
    let world = world(Router::new().route("/kit", get(kit_page)));
    let (_, _, html) = world.get("/kit").await;
    for used in html.split("<use ").skip(1) {
        let name = used.split("href=\"#").nth(1).unwrap().split('"').next().unwrap();
        assert!(html.contains(&format!("id=\"{name}\"")), "icon {name} is not in the sprite");
    }
}

#[tokio::test]
async fn no_page_needs_inline_script() {
    let world = world(Router::new().route("/kit", get(kit_page)));
    let (_, headers, html) = world.get("/kit").await;
    let policy = headers["content-security-policy"].to_str().unwrap();
    assert!(policy.contains("script-src 'self'") && !policy.contains("unsafe-eval"));
    assert_eq!(html.matches("<script").count(), html.matches("<script src=\"/assets/").count());
    assert!(!html.contains(" onclick="));
}
