//! One grammar: page, API and files from the same columns.

use std::io::Cursor;

use askama::Template;
use axum::Router;
use axum::body::Body;
use axum::http::{StatusCode, header};
use axum::response::IntoResponse;
use axum::routing::get;
use calamine::{Data, Reader, Xlsx};
use hufu_kernel::actor::Role;
use hufu_kernel::shell::list::{
    Bulk, Cell, Column, Download, Filter, FilterField, Format, List, ListQuery, ListView, Op, Seg,
};
use hufu_kernel::shell::parts::{Choice, TreeNode};
use hufu_kernel::shell::{Chrome, WebResult, page};
use serde::{Deserialize, Serialize};

use super::world::{World, actor, now, signed, world};

#[derive(Clone, Debug)]
struct Resource {
    code: String,
    name: String,
    owner: &'static str,
    level: u8,
    asked: i64,
    person: String,
}

#[derive(Clone, Debug, Default, Serialize, Deserialize)]
#[serde(default)]
pub(super) struct ResourceFilter {
    q: Option<String>,
    owner: Option<String>,
    kind: Option<String>,
}

impl Filter for ResourceFilter {
    fn fields(&self) -> Vec<FilterField> {
        vec![
            FilterField::text("q", "名称", &self.q, "名称或代码"),
            FilterField::select(
                "owner",
                "提供单位",
                self.owner.clone(),
                vec![Choice::new("MZJ", "市民政局"), Choice::new("GAJ", "市公安局")],
            ),
        ]
    }
}

const COLUMNS: [Column<Resource>; 7] = [
    Column::new("name", "目录名称", 36, |r: &Resource| Cell::Name {
        text: r.name.clone(),
        note: r.code.clone(),
        href: format!("/catalog/{}", r.code),
    })
    .sortable(),
    Column::new("code", "目录代码", 20, |r: &Resource| Cell::Code(r.code.clone())).file_only(),
    Column::new("owner", "提供单位", 16, |r: &Resource| Cell::Text(r.owner.to_owned())),
    Column::new("level", "级别", 8, |r: &Resource| Cell::Level(r.level)),
    Column::new("state", "状态", 10, |_: &Resource| Cell::State("published".into())),
    Column::new("asked", "申请量", 10, |r: &Resource| Cell::Int(r.asked)).sortable().right(),
    Column::new("person", "证件号码", 22, |r: &Resource| Cell::Code(r.person.clone())).hidden(),
];

static RESOURCES: List<Resource> = List::new("数据目录检索结果", &COLUMNS)
    .pick(|r| (r.code.clone(), r.name.clone()))
    .ops(|r| {
        vec![Op::new("查看", format!("/catalog/{}", r.code)), Op::new("申请", format!("/apply/new?code={}", r.code))]
    })
    .files();

fn all() -> Vec<Resource> {
    let names = [
        "婚姻登记信息核验服务",
        "常住人口信息核验服务",
        "不动产登记结果查询服务",
        "职工养老保险参保状态",
        "企业登记基本信息",
    ];
    (0..523_usize)
        .map(|n| Resource {
            code: format!("MZJ-{n:06}"),
            name: format!("{}{}", names[n % names.len()], if n < 5 { String::new() } else { format!("（{n}）") }),
            owner: "市民政局",
            level: (n % 4 + 1) as u8,
            asked: n as i64 * 37 % 1500,
            person: format!("33250119900101{:03}X", n % 1000),
        })
        .collect()
}

/// What a store does: filter, order, cut.
fn store(query: &ListQuery<ResourceFilter>) -> (Vec<Resource>, u64) {
    let mut rows = all();
    rows.retain(|r| query.filter.q.as_ref().is_none_or(|q| r.name.contains(q)));
    rows.retain(|r| query.filter.owner.as_ref().is_none_or(|o| r.code.starts_with(o)));
    match RESOURCES.sort(query) {
        Some(("asked", descending)) => rows.sort_by_key(|r| if descending { -r.asked } else { r.asked }),
        Some(("name", _)) => rows.sort_by(|a, b| a.name.cmp(&b.name)),
        _ => {}
    }
    let total = rows.len() as u64;
    let rows = rows.into_iter().skip(query.paging.offset() as usize).take(query.paging.limit() as usize).collect();
    (rows, total)
}

#[derive(Template)]
#[template(path = "list_page.html")]
struct Index {
    chrome: Chrome,
    list: ListView,
    units: Vec<TreeNode>,
}

fn units() -> Vec<TreeNode> {
    let counted = |name: &str, n| TreeNode { count: Some(n), ..TreeNode::new(name, "/catalog?owner=MZJ") };
    let bureaus = vec![TreeNode { on: true, ..counted("市民政局", 127) }, counted("市人社局", 214)];
    vec![
        counted("全市", 2211),
        TreeNode { children: bureaus, ..counted("云江市本级", 1684) },
        TreeNode { children: vec![counted("区民政局", 12)], ..counted("临江区", 152) },
    ]
}

pub(super) async fn index(chrome: Chrome, query: ListQuery<ResourceFilter>) -> WebResult {
    let (rows, total) = store(&query);
    let list = RESOURCES
        .view(&query, &rows, total)
        .with_segs(vec![
            Seg {
                label: "全部".into(),
                count: 523,
                href: query.filter_url(ResourceFilter { kind: None, ..query.filter.clone() }),
                on: query.filter.kind.is_none(),
            },
            Seg {
                label: "库表".into(),
                count: 167,
                href: query.filter_url(ResourceFilter { kind: Some("table".into()), ..query.filter.clone() }),
                on: query.filter.kind.is_some(),
            },
        ])
        .with_bulk(Bulk {
            action: "/catalog/bulk".into(),
            acts: vec![("basket", "加入申请篮"), ("stop", "取消关注")],
            whole: true,
        });
    Ok(page(Index { chrome: chrome.titled("目录检索"), list, units: units() }))
}

async fn api(query: ListQuery<ResourceFilter>) -> WebResult {
    let (rows, total) = store(&query);
    Ok(axum::Json(RESOURCES.json(&rows, total)).into_response())
}

fn exported(query: &str, format: Format) -> Download {
    let query = ListQuery::parse("/catalog", query, false).unwrap().whole(10_000);
    let (rows, _) = store(&query);
    RESOURCES.export(&query, &rows, &actor(&[Role::R4]), now()).file(format).unwrap()
}

async fn xlsx() -> Download {
    exported("q=婚姻", Format::Xlsx)
}

fn lists() -> World {
    world(
        Router::new()
            .route("/catalog", get(index))
            .route("/api/v1/catalog", get(api))
            .route("/catalog/export.xlsx", get(xlsx)),
    )
}

#[tokio::test]
async fn a_page_of_a_list_has_everything_people_know() {
    let (status, _, html) = lists().get("/catalog?sort=-asked&page=3").await;
    assert_eq!(status, StatusCode::OK, "{html}");
    for expected in [
        "共 <b>523</b> 条",
        "<caption>数据目录检索结果</caption>",
        "aria-sort=\"descending\"",
        "href=\"/catalog?sort=asked\"",
        "<span class=\"page-link\">3</span>",
        "href=\"/catalog?sort=-asked&#38;page=27\"",
        "href=\"/catalog/export.xlsx?sort=-asked\"",
        "<option value=\"MZJ\">市民政局</option>",
        "name=\"ids\"",
        "全选 523 条",
        "加入申请篮",
        "<span class=\"hf-lv is-",
        "<td class=\"num\">",
    ] {
        assert!(html.contains(expected), "no {expected}");
    }
    assert!(!html.contains("33250119900101"), "a hidden column is not in the page");
    assert_eq!(html.matches("data-pick aria").count(), 20);
}

#[tokio::test]
async fn chosen_columns_are_remembered_by_the_browser() {
    let world = lists();
    let (_, headers, html) = world.get("/catalog?cols=name&cols=asked").await;
    assert!(html.contains("申请量</a>") || html.contains("申请量<svg"));
    assert!(!html.contains(">级别</th>"));
    let cookie = headers["set-cookie"].to_str().unwrap();
    assert!(cookie.starts_with("hf-cols-catalog=name.asked;"), "{cookie}");
    let again = signed("GET", "/catalog")
        .header(header::COOKIE, "s=1; hf-cols-catalog=name.asked")
        .body(Body::empty())
        .unwrap();
    assert!(!world.send(again).await.2.contains(">级别</th>"));
}

#[tokio::test]
async fn no_match_is_not_no_data() {
    let (_, _, html) = lists().get("/catalog?q=%E6%B2%A1%E6%9C%89").await;
    assert!(
        html.contains("没有找到符合条件的记录") && html.contains("条件：名称：没有。") && html.contains("清除筛选")
    );
    assert!(!html.contains("还没有目录") && !html.contains("<table"));
    let (_, _, html) = lists().get("/catalog?owner=GAJ&q=").await;
    assert!(html.contains("条件：提供单位：市公安局。"));
}

#[tokio::test]
async fn the_api_gives_items_and_total() {
    let world = lists();
    let (status, _, body) = world.get("/api/v1/catalog?size=2&sort=-asked").await;
    assert_eq!(status, StatusCode::OK);
    let answer: serde_json::Value = serde_json::from_str(&body).unwrap();
    assert_eq!(answer["total"], 523);
    assert_eq!(answer["items"].as_array().unwrap().len(), 2);
    assert_eq!(answer["items"][0]["state"], "published");
    assert!(answer["items"][0]["asked"].as_i64() >= answer["items"][1]["asked"].as_i64());
    assert_eq!(world.get("/api/v1/catalog?size=500").await.0, StatusCode::UNPROCESSABLE_ENTITY);
}

#[test]
fn eighteen_digits_survive_a_spreadsheet() {
    let file = exported("q=婚姻&cols=name,asked,person", Format::Xlsx);
    let mut book: Xlsx<_> = Xlsx::new(Cursor::new(file.bytes)).unwrap();
    let sheet = book.worksheet_range("数据目录检索结果").unwrap();
    let rows: Vec<&[Data]> = sheet.rows().collect();
    assert_eq!(rows[0][0], Data::String("数据目录检索结果".into()));
    let origin = rows[1][0].to_string();
    for part in ["单位：市数据局", "导出人：周敏", "导出时间：2026-11-23 09:26", "筛选条件：名称：婚姻", "共 105 条"]
    {
        assert!(origin.contains(part), "{origin}");
    }
    let heads: Vec<String> = rows[2].iter().map(ToString::to_string).collect();
    assert_eq!(heads, ["目录名称", "目录代码", "申请量", "证件号码"]);
    let expect: Vec<Resource> = all().into_iter().filter(|r| r.name.contains("婚姻")).collect();
    assert_eq!(rows.len(), 3 + expect.len());
    for (row, resource) in rows[3..].iter().zip(&expect) {
        assert_eq!(row[1], Data::String(resource.code.clone()));
        assert_eq!(row[2], Data::Float(resource.asked as f64));
        assert_eq!(row[3], Data::String(resource.person.clone()));
    }
}

#[test]
fn a_csv_opens_in_an_office_and_runs_nothing() {
    let text = String::from_utf8(exported("", Format::Csv).bytes).unwrap();
    assert!(text.starts_with("\u{feff}目录名称,目录代码,提供单位,级别,状态,申请量\r\n"));
    assert!(text.contains("婚姻登记信息核验服务,MZJ-000000,市民政局,L1,已发布,0\r\n"));
    assert_eq!(text.matches("\r\n").count(), 524);
    let risky = hufu_kernel::shell::list::Export {
        title: "x".into(),
        unit: "u".into(),
        who: "w".into(),
        at: now(),
        filters: "全部".into(),
        heads: vec![("a".into(), 10), ("b".into(), 10)],
        rows: vec![
            vec![Cell::Text("=cmd|' /C calc'!A0".into()), Cell::Int(-5)],
            vec![Cell::Text("@SUM(A1)".into()), Cell::Text("a,\"b\"\nc".into())],
        ],
    };
    let text = String::from_utf8(risky.csv().unwrap()).unwrap();
    assert_eq!(text, "\u{feff}a,b\r\n'=cmd|' /C calc'!A0,-5\r\n'@SUM(A1),\"a,\"\"b\"\"\nc\"\r\n");
}

#[tokio::test]
async fn a_file_is_named_in_chinese() {
    let (status, headers, _) = lists().get("/catalog/export.xlsx").await;
    assert_eq!(status, StatusCode::OK);
    let disposition = headers["content-disposition"].to_str().unwrap();
    assert!(
        disposition.starts_with("attachment; filename=\"export.xlsx\"; filename*=UTF-8''%E6%95%B0%E6%8D%AE"),
        "{disposition}"
    );
    assert!(disposition.ends_with("-20261123.xlsx"));
}
