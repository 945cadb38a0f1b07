//! From draft to publication, changes of attribute, and who may not.

use hufu_catalog::commands::change_sharing::ChangeSharing;
use hufu_catalog::commands::decide_sharing::DecideSharing;
use hufu_catalog::commands::edit_resource::EditResource;
use hufu_catalog::commands::fill_cart::AddToCart;
use hufu_catalog::commands::review_withheld::ReviewWithheld;
use hufu_catalog::commands::seed_resources::{Batch, NewResource, SeedResources};
use hufu_catalog::commands::take_offline::TakeOffline;
use hufu_catalog::commands::withdraw_resource::WithdrawResource;
use hufu_catalog::model::metadata::{Metadata, SharingTerms};
use hufu_catalog::model::state::{ChangeState, State};
use hufu_catalog::model::terms::{ResourceKind, Sharing};
use hufu_catalog::store::{change, resource, version};
use hufu_kernel::actor::Role;
use hufu_kernel::approval::{self, Decision, Verdict};
use hufu_kernel::audit::Outcome;
use hufu_kernel::command::{Ctx, run};
use hufu_kernel::error::Kind;
use sea_orm::EntityTrait;

use crate::house::{House, complete, fields, house, house_on_postgres};

#[tokio::test]
async fn cat_3_publication_by_cdo_then_competent_level() {
    publishes(&house().await).await;
}

#[tokio::test]
async fn same_on_both_stores() {
    publishes(&house_on_postgres("catalog_publication").await).await;
}

async fn publishes(house: &House) {
    let steward = house.person(&house.civil, Role::R3);
    let draft = house.create(&steward, complete("低保对象基本信息"), fields()).await.unwrap();
    assert_eq!((draft.code.as_str(), draft.state), ("3050120001/000001", State::Draft));
    assert_eq!(draft.table_name, "r_3050120001_000001");
    assert_eq!((draft.grade.as_deref(), draft.sensitive), (Some("L4"), true), "the highest grade holds");
    let sent = house.submit(&steward, &draft).await.unwrap();
    let cdo = house.person(&house.civil, Role::R2);
    let bureau = house.person(&house.bureau, Role::R1);
    let early = house.decide(&bureau, &sent, Verdict::Approve).await.unwrap_err();
    assert_eq!(early.kind(), Kind::Refused, "the bureau comes second");
    let strange = house.person(&house.social, Role::R2);
    assert_eq!(house.decide(&strange, &sent, Verdict::Approve).await.unwrap_err().kind(), Kind::Refused);
    let half = house.decide(&cdo, &sent, Verdict::Approve).await.unwrap();
    assert_eq!(half.state, State::Submitted);
    let out = house.decide(&bureau, &half, Verdict::Approve).await.unwrap();
    assert_eq!(out.state, State::Published);
    assert_eq!(out.published_at, Some(bureau.now));
    let view = hufu_catalog::resource(house.db(), "3050120001-000001").await.unwrap();
    assert_eq!((view.unit.code.as_str(), view.fields.len()), ("yj_mzj", 4));
    assert_eq!(view.field("sfzh").unwrap().kind.as_deref(), Some("id_card"));
    assert_eq!(version::of(house.db(), &out.id).await.unwrap().len(), 1);
    let expected = ["create", "submit", "decide", "decide", "decide", "decide"].map(|verb| format!("catalog.resource.{verb}"));
    let entries = house.entries().await;
    assert_eq!(entries.iter().map(|entry| entry.0.clone()).collect::<Vec<_>>(), expected);
    let outcomes: Vec<Outcome> = entries.iter().map(|entry| entry.1).collect();
    use Outcome::{Done, Refused};
    assert_eq!(outcomes, [Done, Done, Refused, Refused, Done, Done]);
}

#[tokio::test]
async fn cat_1_what_is_missing_is_told_all_at_once() {
    let house = house().await;
    let steward = house.person(&house.civil, Role::R3);
    let bare = Metadata { name: "空目录".into(), class: complete("x").class, ..Metadata::default() };
    let draft = house.create(&steward, bare, Vec::new()).await.unwrap();
    let error = house.submit(&steward, &draft).await.unwrap_err();
    let told: Vec<&str> = error.fields().iter().map(|fault| fault.field.as_str()).collect();
    assert_eq!(told, ["summary", "provider_code", "fields", "scope", "purpose"]);
}

#[test]
fn cat_1_sharing_attributes_ask_for_their_own_words() {
    let check = |sharing, scope: &str, purpose: &str, basis: &str, reason: &str, expected: &[&str]| {
        let owned = |text: &str| text.to_owned();
        let terms =
            SharingTerms { sharing, scope: owned(scope), purpose: owned(purpose), basis: owned(basis), reason: owned(reason) };
        let told: Vec<String> = terms.faults().into_iter().map(|fault| fault.field).collect();
        assert_eq!(told, expected, "{terms:?}");
    };
    let law = "《中华人民共和国统计法》第二十五条";
    check(Sharing::Unconditional, "", "", "", "", &[]);
    check(Sharing::Unconditional, "仅市级", "", "", "", &["scope"]);
    check(Sharing::Conditional, "", "", "", "", &["scope", "purpose"]);
    check(Sharing::Conditional, "市级部门", "核对", "", "", &[]);
    check(Sharing::Withheld, "", "", "", "", &["basis", "reason"]);
    check(Sharing::Withheld, "", "", "内部习惯", "不便共享", &["basis"]);
    check(Sharing::Withheld, "", "", law, "", &["reason"]);
    check(Sharing::Withheld, "", "", law, "统计调查资料依法保密", &[]);
}

#[tokio::test]
async fn cat_3_returned_papers_go_on_with_the_same_approval() {
    let house = house().await;
    let steward = house.person(&house.civil, Role::R3);
    let draft = house.create(&steward, complete("低保"), fields()).await.unwrap();
    let sent = house.submit(&steward, &draft).await.unwrap();
    let cdo = house.person(&house.civil, Role::R2);
    let missing = vec!["补充法律依据".to_owned()];
    let back = house.decide(&cdo, &sent, Verdict::Supplement { missing }).await.unwrap();
    assert_eq!((back.state, back.approval_id.is_some()), (State::Draft, true));
    let again = house.submit(&steward, &back).await.unwrap();
    assert_eq!((again.state, &again.approval_id), (State::Submitted, &sent.approval_id));
    let refused = house.decide(&cdo, &again, Verdict::Refuse).await.unwrap();
    assert_eq!(refused.state, State::Draft);
    let anew = house.submit(&steward, &refused).await.unwrap();
    assert_ne!(anew.approval_id, sent.approval_id);
    let taken = WithdrawResource { key: anew.code.clone(), version: anew.version, reason: "有误".into() };
    assert_eq!(run(house.kernel(), &steward, taken).await.unwrap().output.state, State::Draft);
}

#[tokio::test]
async fn cat_3_nobody_decides_on_their_own() {
    let house = house().await;
    let mut both = house.person(&house.civil, Role::R3);
    both.actor.as_mut().unwrap().roles.push(Role::R2);
    let draft = house.create(&both, complete("低保"), fields()).await.unwrap();
    let sent = house.submit(&both, &draft).await.unwrap();
    let error = house.decide(&both, &sent, Verdict::Approve).await.unwrap_err();
    assert_eq!(error.kind(), Kind::Refused);
}

#[tokio::test]
async fn cat_3_change_of_attribute_holds_only_when_approved() {
    let house = house().await;
    let row = house.publish(&house.civil, complete("低保"), fields()).await;
    let steward = house.person(&house.civil, Role::R3);
    let terms = SharingTerms {
        sharing: Sharing::Withheld,
        basis: "《中华人民共和国统计法》第二十五条".into(),
        reason: "统计调查取得的资料依法保密".into(),
        ..SharingTerms::default()
    };
    let ask = |version: i32, terms: SharingTerms| ChangeSharing { key: row.code.clone(), version, terms, reason: "法律修订".into() };
    let stale = run(house.kernel(), &steward, ask(row.version - 1, terms.clone())).await.unwrap_err();
    assert_eq!(stale.code(), "HF-STALE");
    let asked = run(house.kernel(), &steward, ask(row.version, terms.clone())).await.unwrap().output;
    assert!(asked.no.starts_with("BG-20261120-"), "{}", asked.no);
    let twice = run(house.kernel(), &steward, ask(row.version, terms)).await.unwrap_err();
    assert_eq!(twice.code(), "CAT-CHANGE-PENDING");
    let before = hufu_catalog::resource(house.db(), &row.code).await.unwrap();
    assert_eq!(before.terms.sharing, Sharing::Conditional, "nothing changes before the approval");
    for (unit, role) in [(&house.civil, Role::R2), (&house.bureau, Role::R1)] {
        let decision = Decision { verdict: Verdict::Approve, opinion: "同意".into(), version: change_version(&house, &asked).await };
        let decide = DecideSharing { key: row.code.clone(), decision };
        run(house.kernel(), &house.person(unit, role), decide).await.unwrap();
    }
    let after = resource::find_by_key(house.db(), &row.code).await.unwrap();
    assert_eq!((after.sharing, after.review_due.is_some()), (Sharing::Withheld, true));
    assert_eq!(change::find(house.db(), &asked.id).await.unwrap().state, ChangeState::Done);

    let review = |basis: &str| ReviewWithheld {
        key: after.code.clone(),
        version: after.version,
        basis: basis.into(),
        reason: "依据仍然有效".into(),
    };
    assert_eq!(run(house.kernel(), &steward, review("")).await.unwrap_err().kind(), Kind::Invalid);
    house.clock.advance(chrono::Duration::days(300));
    let later = house.ctx(steward.actor.clone().unwrap());
    let kept = run(house.kernel(), &later, review("《中华人民共和国统计法》第二十五条")).await.unwrap().output;
    assert_eq!(kept.review_due, Some(later.now.plus(chrono::Duration::days(365))));
}

async fn change_version(house: &House, change: &change::Model) -> i32 {
    let tx = house.kernel().store.begin().await.unwrap();
    approval::find(&tx, change.approval_id.as_ref().unwrap()).await.unwrap().0.version
}

#[tokio::test]
async fn cat_1_published_entries_are_not_edited_in_place() {
    let house = house().await;
    let row = house.publish(&house.civil, complete("低保"), fields()).await;
    let steward = house.person(&house.civil, Role::R3);
    let edit = |row: &resource::Model| EditResource {
        key: row.code.clone(),
        version: row.version,
        metadata: Metadata { summary: "新摘要".into(), ..row.metadata() },
        fields: None,
        scheme: house.catalog.scheme(),
    };
    assert_eq!(run(house.kernel(), &steward, edit(&row)).await.unwrap_err().code(), "CAT-STATE");
    let off = |reason: &str| TakeOffline { key: row.code.clone(), version: row.version, reason: reason.into() };
    assert_eq!(run(house.kernel(), &steward, off(" ")).await.unwrap_err().kind(), Kind::Invalid);
    let foreign = house.person(&house.social, Role::R3);
    assert_eq!(run(house.kernel(), &foreign, off("误发")).await.unwrap_err().kind(), Kind::Refused);
    let offline = run(house.kernel(), &steward, off("误发")).await.unwrap().output;
    assert_eq!(offline.state, State::Offline);
    let edited = run(house.kernel(), &steward, edit(&offline)).await.unwrap().output;
    assert_eq!(edited.summary, "新摘要");
    let kept: Vec<String> = hufu_catalog::resource(house.db(), &row.code).await.unwrap().fields.into_iter().map(|f| f.name).collect();
    assert_eq!(kept, ["dxbh", "xm", "sfzh", "jkzk"]);
}

#[tokio::test]
async fn cat_1_fields_keep_their_ids_when_others_change() {
    let house = house().await;
    let steward = house.person(&house.civil, Role::R3);
    let draft = house.create(&steward, complete("低保"), fields()).await.unwrap();
    let before = hufu_catalog::resource(house.db(), &draft.code).await.unwrap();
    let mut less = fields();
    less.remove(0);
    let edit = EditResource {
        key: draft.code.clone(),
        version: draft.version,
        metadata: draft.metadata(),
        fields: Some(less),
        scheme: house.catalog.scheme(),
    };
    run(house.kernel(), &steward, edit).await.unwrap();
    let after = hufu_catalog::resource(house.db(), &draft.code).await.unwrap();
    assert_eq!(after.fields.len(), 3);
    assert_eq!(after.field("sfzh").unwrap().id, before.field("sfzh").unwrap().id);
}

#[tokio::test]
async fn cat_1_sql_names_are_free_and_safe() {
    let house = house().await;
    let steward = house.person(&house.civil, Role::R3);
    let named = |name: &str| Metadata { table_name: name.into(), ..complete("涉疫检测") };
    house.create(&steward, named("yqsj_hsjc"), Vec::new()).await.unwrap();
    let taken = house.create(&steward, named("yqsj_hsjc"), Vec::new()).await.unwrap_err();
    assert_eq!(taken.fields()[0].field, "table_name");
    let bad = house.create(&steward, named("x; drop table y"), Vec::new()).await.unwrap_err();
    assert_eq!(bad.fields()[0].field, "table_name");
    let other = house.person(&house.social, Role::R3);
    house.create(&other, named("yqsj_hsjc"), Vec::new()).await.unwrap();
}

#[tokio::test]
async fn cat_5_ten_thousand_entries_are_seeded_in_seconds() {
    let house = house().await;
    let batch = Batch {
        state: State::Published,
        by: "seed".into(),
        now: house.bureau_now(),
        codes: house.catalog.codes(),
        scheme: house.catalog.scheme(),
    };
    let new: Vec<NewResource> = (0..10_000)
        .map(|at| NewResource {
            unit: if at % 2 == 0 { house.civil.clone() } else { house.social.clone() },
            metadata: Metadata { kind: ResourceKind::ALL[at % 4], ..complete(&format!("第{at}号目录")) },
            fields: fields(),
            mount: None,
            at: None,
        })
        .collect();
    let ctx = Ctx::system(house.bureau_now(), "seed");
    let started = std::time::Instant::now();
    let ids = run(house.kernel(), &ctx, SeedResources { batch: batch.clone(), new }).await.unwrap().output;
    let took = started.elapsed();
    println!("10,000 entries with 40,000 fields: {took:?}");
    assert!(took.as_secs() < 20, "{took:?} without optimisation");
    assert_eq!((ids.len(), resource::Entity::find().all(house.db()).await.unwrap().len()), (10_000, 10_000));
    assert_eq!(house.entries().await.len(), 1, "one entry for the batch");
    let last = hufu_catalog::resource(house.db(), ids[9_999].as_str()).await.unwrap();
    assert_eq!(last.code, "3050120001/010000");
    let bad = NewResource {
        unit: house.civil.clone(),
        metadata: Metadata { summary: String::new(), ..complete("坏目录") },
        fields: fields(),
        mount: None,
        at: None,
    };
    let good = NewResource { metadata: complete("好目录"), ..bad.clone() };
    let error = run(house.kernel(), &ctx, SeedResources { batch, new: vec![good, bad] }).await.unwrap_err();
    assert_eq!(error.fields()[0].field, "[1].summary");
    assert_eq!(resource::Entity::find().all(house.db()).await.unwrap().len(), 10_000, "all or nothing");
}

#[tokio::test]
async fn cat_5_cart_takes_what_is_shared() {
    let house = house().await;
    let open = house.publish(&house.civil, complete("低保"), fields()).await;
    let draft = house.create(&house.person(&house.civil, Role::R3), complete("草稿"), Vec::new()).await.unwrap();
    let user = house.person(&house.social, Role::R4);
    let add = AddToCart { keys: vec![open.code.clone(), draft.code.clone(), open.code.clone()] };
    let added = run(house.kernel(), &user, add).await.unwrap().output;
    assert_eq!((added.left_out, added.total), (1, 1));
    let account = &user.actor.as_ref().unwrap().account;
    assert_eq!(hufu_catalog::cart(house.db(), account).await.unwrap(), [open.id]);
    let steward = house.person(&house.civil, Role::R3);
    let refused = run(house.kernel(), &steward, AddToCart { keys: vec![open.code] }).await.unwrap_err();
    assert_eq!(refused.kind(), Kind::Refused);
}

impl House {
    pub(crate) fn bureau_now(&self) -> hufu_kernel::time::Timestamp {
        hufu_kernel::time::Clock::now(self.clock.as_ref())
    }
}
