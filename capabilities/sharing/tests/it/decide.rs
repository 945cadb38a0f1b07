//! What providers decide, and what takes effect with it.

use std::collections::BTreeMap;

use hufu_kernel::approval::Verdict;
use hufu_kernel::ids::PartId;
use hufu_kernel::time::Clock;
use hufu_sharing::commands::Proposal;
use hufu_sharing::model::application::State;
use hufu_sharing::model::grant::State as GrantState;
use hufu_sharing::model::part::State as PartState;
use hufu_sharing::model::terms::{Choice, Decision};
use hufu_sharing::store::rows::{application_field, application_resource, grant_field};
use sea_orm::{ColumnTrait, EntityTrait, QueryFilter};

use crate::town::{QUOTA, Town, code};

fn no(reason: &str) -> Choice {
    Choice { give: false, reason: reason.into(), mask: None, clear_until: None }
}

async fn field_id(town: &Town, part: &PartId, name: &str) -> i64 {
    let db = town.kernel.store.reader();
    let resources = application_resource::Entity::find().filter(application_resource::Column::PartId.eq(part.clone())).all(db).await.unwrap();
    let of = application_field::Column::ApplicationResourceId.is_in(resources.iter().map(|row| row.id));
    let found = application_field::Entity::find().filter(of).filter(application_field::Column::Name.eq(name));
    found.one(db).await.unwrap().unwrap().id
}

async fn masks(town: &Town, grant: &str) -> BTreeMap<String, String> {
    let of = grant_field::Column::GrantId.eq(town.grant(grant).await.id);
    let rows = grant_field::Entity::find().filter(of).all(town.kernel.store.reader()).await.unwrap();
    rows.into_iter().map(|row| (row.name, row.mask)).collect()
}

fn choose(choices: impl IntoIterator<Item = (i64, Choice)>) -> Proposal {
    Proposal { choices: Decision { fields: choices.into_iter().collect(), ..Decision::default() }, ..Proposal::default() }
}

#[tokio::test]
async fn sha_1_whole_way_of_four_steps_ends_in_a_grant_that_is_in_force() {
    let town = Town::found("d809").await;
    let ys = town.submit(town.form(&[("DB-01", &["xm", "sfzh", "bzlb"])])).await.unwrap();
    assert_eq!(code(town.front("zhou", &ys, Verdict::Approve, "").await), "HF-APPROVAL-NOT-YOURS", "own office first");
    town.front("wang", &ys, Verdict::Approve, "属法定职责").await.unwrap();
    town.front("zhou", &ys, Verdict::Approve, "").await.unwrap();
    let between = town.part("shen", &ys, 1, Verdict::Approve, "", Proposal::default()).await.unwrap();
    assert!(between.grants.is_empty(), "the CDO has not decided");
    let answer = town.part("chen", &ys, 1, Verdict::Approve, "", Proposal::default()).await.unwrap();
    assert_eq!(answer.grants.len(), 1);
    let grant = town.grant(&answer.grants[0]).await;
    assert_eq!((grant.state, grant.grade_max.as_str(), grant.rows_per_day), (GrantState::Active, "L3", QUOTA.rows_per_day));
    assert_eq!(town.application(&ys).await.state, State::Closed);
    let masks = masks(&town, &grant.no).await;
    assert!(masks.values().all(|mask| mask != "clear" || masks["bzlb"] == *mask), "{masks:?}");
    assert_eq!(town.sharing.watch.watched().len(), 0);
}

#[tokio::test]
async fn sha_1_unconditional_resources_take_effect_with_the_bureau() {
    let town = Town::found("d809").await;
    let ys = town.submit(town.form(&[("JG-01", &["mc", "dz"])])).await.unwrap();
    let answer = town.front("zhou", &ys, Verdict::Approve, "").await.unwrap();
    assert_eq!((answer.grants.len(), town.application(&ys).await.state), (1, State::Closed));
}

#[tokio::test]
async fn sha_1_several_providers_decide_each_for_itself() {
    let town = Town::found("yunjiang").await;
    let form = town.form(&[("DB-01", &["xm"]), ("HJ-01", &["xm"]), ("JG-01", &["mc"])]);
    let ys = town.submit(form).await.unwrap();
    town.front("wang", &ys, Verdict::Approve, "").await.unwrap();
    let at_once = town.front("zhou", &ys, Verdict::Approve, "").await.unwrap();
    assert_eq!(at_once.grants.len(), 1, "the unconditional one");
    town.part("chen", &ys, 1, Verdict::Approve, "", Proposal::default()).await.unwrap();
    assert_eq!(town.application(&ys).await.state, State::Deciding);
    assert_eq!(code(town.part("chen", &ys, 2, Verdict::Refuse, "不给", Proposal::default()).await), "HF-REFUSED", "another's part");
    assert_eq!(code(town.part("guan", &ys, 2, Verdict::Refuse, " ", Proposal::default()).await), "HF-APPROVAL-REASON");
    town.part("guan", &ys, 2, Verdict::Refuse, "与职责无关", Proposal::default()).await.unwrap();
    let states: Vec<PartState> = town.parts(&ys).await.into_iter().map(|part| part.state).collect();
    assert_eq!(states, [PartState::Granted, PartState::Refused, PartState::Granted]);
    assert_eq!(town.application(&ys).await.state, State::Closed);
}

#[tokio::test]
async fn sha_1_partial_approval_by_field() {
    let town = Town::found("yunjiang").await;
    let ys = town.to_provider(town.form(&[("DB-01", &["xm", "lxdh", "bzlb"])])).await;
    let part = town.parts(&ys).await.remove(0);
    let phone = field_id(&town, &part.id, "lxdh").await;
    let partial = |proposal| town.part("chen", &ys, 1, Verdict::Partial, "联系电话与核验无关", proposal);
    assert_eq!(code(partial(Proposal::default()).await), "SHA-PARTIAL");
    assert_eq!(code(partial(choose([(phone, no(""))])).await), "SHA-FIELD-REASON");
    let answer = partial(choose([(phone, no("与核验无关"))])).await.unwrap();
    let given = masks(&town, &answer.grants[0]).await;
    assert_eq!(given.keys().map(String::as_str).collect::<Vec<_>>(), ["bzlb", "xm"]);
    assert_eq!(town.parts(&ys).await[0].state, PartState::Partly);
}

#[tokio::test]
async fn sha_1_the_steward_proposes_and_the_cdo_agrees_to_it() {
    let town = Town::found("d809").await;
    let ys = town.to_provider(town.form(&[("DB-01", &["xm", "lxdh"])])).await;
    let part = town.parts(&ys).await.remove(0);
    let phone = field_id(&town, &part.id, "lxdh").await;
    town.part("shen", &ys, 1, Verdict::Partial, "期限先给一月", choose([(phone, no("无关"))])).await.unwrap();
    let answer = town.part("chen", &ys, 1, Verdict::Approve, "", Proposal::default()).await.unwrap();
    assert_eq!(masks(&town, &answer.grants[0]).await.len(), 1);
    assert_eq!(town.parts(&ys).await[0].state, PartState::Partly);
}

#[tokio::test]
async fn sha_9_unmasked_only_by_the_cdo_with_an_end_and_on_the_ledger() {
    let town = Town::found("d809").await;
    let mut form = town.form(&[("DB-01", &["xm"])]);
    form.resources[0].fields[0].unmasked = true;
    form.resources[0].fields[0].reason = "须与证件核对".into();
    let ys = town.to_provider(form).await;
    let part = town.parts(&ys).await.remove(0);
    let name = field_id(&town, &part.id, "xm").await;
    let until = town.clock.now().plus(chrono::Duration::days(10));
    let clear = || choose([(name, Choice { give: true, reason: String::new(), mask: None, clear_until: Some(until) })]);
    assert_eq!(code(town.part("shen", &ys, 1, Verdict::Approve, "", clear()).await), "SHA-CLEAR-CDO");
    town.part("shen", &ys, 1, Verdict::Approve, "", Proposal::default()).await.unwrap();
    let answer = town.part("chen", &ys, 1, Verdict::Approve, "同意十日", clear()).await.unwrap();
    let of = grant_field::Column::GrantId.eq(town.grant(&answer.grants[0]).await.id);
    let row = grant_field::Entity::find().filter(of).one(town.kernel.store.reader()).await.unwrap().unwrap();
    assert_eq!(row.clear_until, Some(until));
    assert_ne!(row.mask, "clear", "the mask that comes back");
    let (_, body) = town.entry("sharing.part.decide").await;
    assert!(body.contains(r#""unmasked":[{"field":"xm","grade":"L3""#), "{body}");
}

#[tokio::test]
async fn sha_1_nobody_speaks_for_both_sides() {
    let town = Town::found("d809").await;
    // 陈 heads the provider; 梅 of the same unit asks for another unit's and for the own unit's resource.
    let mut form = town.form(&[("DB-01", &["bzlb"])]);
    form.persons = vec![town.people["mei"].account.to_string()];
    let command = hufu_sharing::commands::SubmitApplication { sharing: town.sharing.clone(), no: None, version: None, form: Some(form), note: String::new() };
    let paper = hufu_kernel::command::run(&town.kernel, &town.ctx("mei"), command).await.unwrap().output;
    let ys = paper.application.no;
    town.front("chen", &ys, Verdict::Approve, "").await.unwrap();
    town.front("zhou", &ys, Verdict::Approve, "").await.unwrap();
    assert_eq!(code(town.part("chen", &ys, 1, Verdict::Approve, "", Proposal::default()).await), "SHA-BOTH-SIDES");
    town.part("shen", &ys, 1, Verdict::Approve, "", Proposal::default()).await.unwrap();
}

#[tokio::test]
async fn sha_1_refusal_by_the_bureau_needs_a_reason_and_ends_all_parts() {
    let town = Town::found("d809").await;
    let ys = town.submit(town.form(&[("DB-01", &["xm"])])).await.unwrap();
    town.front("wang", &ys, Verdict::Approve, "").await.unwrap();
    assert_eq!(code(town.front("zhou", &ys, Verdict::Refuse, "").await), "HF-APPROVAL-REASON");
    assert_eq!(code(town.front("zhou", &ys, Verdict::Partial, "x").await), "HF-INVALID");
    town.front("zhou", &ys, Verdict::Refuse, "无法律依据").await.unwrap();
    assert_eq!(town.application(&ys).await.state, State::Refused);
    assert_eq!(town.parts(&ys).await[0].state, PartState::Refused);
}

#[tokio::test]
async fn led_1_entries_of_a_journey_hold_no_name() {
    let town = Town::found("d809").await;
    town.granted(town.form(&[("DB-01", &["xm"])])).await;
    for action in ["sharing.application.submit", "sharing.application.decide", "sharing.part.decide"] {
        let (code, body) = town.entry(action).await;
        assert_eq!(code, None);
        assert!(!body.contains('某'), "{body}");
    }
}
