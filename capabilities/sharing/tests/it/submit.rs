//! From the form to the providers.

use hufu_kernel::approval::Verdict;
use hufu_kernel::command::run;
use hufu_kernel::error::Kind;
use hufu_kernel::time::Clock;
use hufu_sharing::commands::{GiveConsent, ResubmitPart, SaveDraft, SubmitApplication, UrgeApplication, WithdrawApplication};
use hufu_sharing::model::application::State;
use hufu_sharing::model::part::State as PartState;

use crate::town::{Town, code};

#[tokio::test]
async fn sha_1_an_empty_form_names_every_field_and_leaves_nothing_but_its_entry() {
    let town = Town::found("d809").await;
    let mut form = town.form(&[]);
    form.scenario.clear();
    form.basis.clear();
    form.persons.clear();
    form.bound = false;
    let error = town.submit(form).await.unwrap_err();
    let places: Vec<&str> = error.fields().iter().map(|fault| fault.field.as_str()).collect();
    assert_eq!((error.kind(), places), (Kind::Invalid, vec!["resources", "scenario", "basis", "persons", "bound"]));
    assert_eq!(town.entry("sharing.application.submit").await.0.as_deref(), Some("HF-INVALID"));
}

#[tokio::test]
async fn sha_1_too_long_is_refused_already_as_a_draft() {
    let town = Town::found("d809").await;
    let mut form = town.form(&[("DB-01", &["xm"])]);
    form.scenario = "长".repeat(101);
    let command = SaveDraft { sharing: town.sharing.clone(), no: None, version: None, form };
    let error = run(&town.kernel, &town.ctx("lin"), command).await.unwrap_err();
    assert_eq!(error.fields()[0].field, "scenario");
}

#[tokio::test]
async fn sha_1_what_cannot_be_asked() {
    let town = Town::found("d809").await;
    let check = |form| town.submit(form);
    let fault = |error: hufu_kernel::error::Error| error.fields().first().map(|fault| fault.field.clone());
    let ungraded = check(town.form(&[("DB-01", &["xm", "bz"])])).await.unwrap_err();
    assert_eq!(fault(ungraded).as_deref(), Some("fields.DB-01"), "unknown grade denies");
    let unknown = check(town.form(&[("DB-01", &["nothing"])])).await.unwrap_err();
    assert_eq!(fault(unknown).as_deref(), Some("fields.DB-01"));
    assert_eq!(code(check(town.form(&[("XX-99", &["xm"])])).await), "HF-NOT-FOUND");
    let mut form = town.form(&[("DB-01", &["xm"])]);
    form.persons = vec![town.people["mei"].account.to_string()];
    assert_eq!(fault(check(form).await.unwrap_err()).as_deref(), Some("persons"), "only the own unit's data users");
}

#[tokio::test]
async fn sha_1_a_draft_is_kept_and_handed_in_later() {
    let town = Town::found("d809").await;
    let mut form = town.form(&[("DB-01", &["xm"])]);
    form.basis.clear();
    let save = SaveDraft { sharing: town.sharing.clone(), no: None, version: None, form };
    let paper = run(&town.kernel, &town.ctx("lin"), save).await.unwrap().output;
    let no = paper.application.no.clone();
    assert!(no.starts_with("YS-20261120-"), "{no}");
    let submit = |form| SubmitApplication { sharing: town.sharing.clone(), no: Some(no.clone()), version: None, form, note: String::new() };
    let error = run(&town.kernel, &town.ctx("lin"), submit(None)).await.unwrap_err();
    assert_eq!(error.fields()[0].field, "basis");
    assert_eq!(code(run(&town.kernel, &town.ctx("lin2"), submit(None)).await), "HF-REFUSED", "another's draft");
    let whole = town.form(&[("DB-01", &["xm"])]);
    run(&town.kernel, &town.ctx("lin"), submit(Some(whole))).await.unwrap();
    assert_eq!(town.application(&no).await.state, State::Reviewing);
}

#[tokio::test]
async fn sha_1_a_stale_version_is_refused() {
    let town = Town::found("d809").await;
    let save = |no, version| SaveDraft { sharing: town.sharing.clone(), no, version, form: town.form(&[("DB-01", &["xm"])]) };
    let paper = run(&town.kernel, &town.ctx("lin"), save(None, None)).await.unwrap().output;
    let (no, version) = (paper.application.no, paper.application.version);
    run(&town.kernel, &town.ctx("lin"), save(Some(no.clone()), Some(version))).await.unwrap();
    assert_eq!(code(run(&town.kernel, &town.ctx("lin"), save(Some(no), Some(version))).await), "HF-STALE");
}

#[tokio::test]
async fn sha_1_supplement_is_one_list_stops_the_clock_and_comes_back() {
    let town = Town::found("d809").await;
    let no = town.submit(town.form(&[("DB-01", &["xm", "bzlb"])])).await.unwrap();
    town.front("wang", &no, Verdict::Approve, "").await.unwrap();
    let none = Verdict::Supplement { missing: Vec::new() };
    assert_eq!(code(town.front("zhou", &no, none, "").await), "HF-APPROVAL-LIST");
    let missing = Verdict::Supplement { missing: vec!["依据须写到条款".into(), "说明使用人员岗位".into()] };
    town.front("zhou", &no, missing, "请补正").await.unwrap();
    let row = town.application(&no).await;
    assert_eq!((row.state, row.missing.as_str()), (State::Supplementing, "依据须写到条款\n说明使用人员岗位"));
    let again = |form| SubmitApplication { sharing: town.sharing.clone(), no: Some(no.clone()), version: None, form: Some(form), note: "已补正".into() };
    let more = town.form(&[("DB-01", &["xm", "bzlb", "sfzh"])]);
    let error = run(&town.kernel, &town.ctx("lin"), again(more)).await.unwrap_err();
    assert_eq!(error.fields()[0].field, "resources", "nothing may be added behind the own office's back");
    run(&town.kernel, &town.ctx("lin"), again(town.form(&[("DB-01", &["bzlb"])]))).await.unwrap();
    assert_eq!(town.application(&no).await.state, State::Reviewing);
    town.front("zhou", &no, Verdict::Approve, "").await.unwrap();
    assert_eq!(town.application(&no).await.state, State::Deciding);
}

#[tokio::test]
async fn sha_1_a_provider_asks_for_completion_of_its_part() {
    let town = Town::found("d809").await;
    let no = town.to_provider(town.form(&[("DB-01", &["bzlb"])])).await;
    let missing = Verdict::Supplement { missing: vec!["说明数据用到何处".into()] };
    town.part("shen", &no, 1, missing, "", Default::default()).await.unwrap();
    assert_eq!(town.parts(&no).await[0].state, PartState::Supplementing);
    let answer = |note: &str| ResubmitPart { no: no.clone(), seq: 1, note: note.into() };
    assert_eq!(code(run(&town.kernel, &town.ctx("lin"), answer(" ")).await), "HF-INVALID");
    run(&town.kernel, &town.ctx("lin"), answer("仅用于资格核验")).await.unwrap();
    assert_eq!(town.parts(&no).await[0].state, PartState::Deciding);
}

#[tokio::test]
async fn sha_1_withdraw_and_urge_belong_to_the_applicant() {
    let town = Town::found("d809").await;
    let no = town.submit(town.form(&[("DB-01", &["xm"])])).await.unwrap();
    let urge = || UrgeApplication { no: no.clone() };
    run(&town.kernel, &town.ctx("lin"), urge()).await.unwrap();
    assert_eq!(code(run(&town.kernel, &town.ctx("wang"), urge()).await), "HF-REFUSED");
    let withdraw = || WithdrawApplication { no: no.clone(), version: None, reason: "改期".into() };
    run(&town.kernel, &town.ctx("lin"), withdraw()).await.unwrap();
    assert_eq!(town.application(&no).await.state, State::Withdrawn);
    assert_eq!(town.parts(&no).await[0].state, PartState::Withdrawn);
    assert_eq!(code(run(&town.kernel, &town.ctx("lin"), withdraw()).await), "SHA-STATE");
    assert_eq!(code(town.front("wang", &no, Verdict::Approve, "").await), "HF-APPROVAL-CLOSED");
}

#[tokio::test]
async fn sha_1_a_standing_consent_passes_the_own_office_over() {
    let town = Town::found("d809").await;
    let until = town.clock.now().date() + chrono::Days::new(100);
    let consent = GiveConsent { sharing: town.sharing.clone(), grade_max: "L2".into(), until };
    run(&town.kernel, &town.ctx("wang"), consent).await.unwrap();
    let low = town.submit(town.form(&[("DB-01", &["bzlb"])])).await.unwrap();
    town.front("zhou", &low, Verdict::Approve, "").await.unwrap();
    assert_eq!(town.application(&low).await.state, State::Deciding);
    let high = town.submit(town.form(&[("DB-01", &["xm"])])).await.unwrap();
    assert_eq!(code(town.front("zhou", &high, Verdict::Approve, "").await), "HF-APPROVAL-NOT-YOURS", "L3 is beyond the consent");
}
