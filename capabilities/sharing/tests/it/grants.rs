//! What becomes of a grant after it was given.

use hufu_gate::mandate::GrantState as Gate;
use hufu_kernel::command::run;
use hufu_sharing::commands::{ExpireGrant, ReduceGrant, Reduction, ResumeGrant, RevokeGrant, SuspendGrant};
use hufu_sharing::model::grant::{Quota, State};
use hufu_sharing::model::way::{Way, Ways};
use hufu_sharing::watch;

use crate::town::{QUOTA, Town, code};

async fn granted(town: &Town) -> String {
    town.granted(town.form(&[("DB-01", &["xm", "bzlb"])])).await.remove(0)
}

fn suspend(no: &str, reason: &str) -> SuspendGrant {
    SuspendGrant { no: no.into(), reason: reason.into(), version: None, batch: None }
}

fn resume(no: &str) -> ResumeGrant {
    ResumeGrant { no: no.into(), reason: "已整改".into(), version: None }
}

fn revoke(no: &str) -> RevokeGrant {
    RevokeGrant { no: no.into(), reason: "超范围使用".into(), version: None }
}

#[tokio::test]
async fn sha_3_suspend_resume_revoke_with_reason_by_bureau_and_provider() {
    let town = Town::found("d809").await;
    let sq = granted(&town).await;
    assert_eq!(code(run(&town.kernel, &town.ctx("zhou"), suspend(&sq, " ")).await), "HF-INVALID");
    assert_eq!(code(run(&town.kernel, &town.ctx("lin"), suspend(&sq, "试")).await), "HF-REFUSED");
    assert_eq!(code(run(&town.kernel, &town.ctx("guan"), suspend(&sq, "别的单位")).await), "HF-REFUSED");
    run(&town.kernel, &town.ctx("zhou"), suspend(&sq, "发现超量")).await.unwrap();
    assert_eq!(town.grant(&sq).await.state, State::Suspended);
    assert_eq!(code(run(&town.kernel, &town.ctx("zhou"), suspend(&sq, "再停")).await), "SHA-STATE");
    run(&town.kernel, &town.ctx("shen"), resume(&sq)).await.unwrap();
    run(&town.kernel, &town.ctx("chen"), revoke(&sq)).await.unwrap();
    assert_eq!(code(run(&town.kernel, &town.ctx("zhou"), resume(&sq)).await), "SHA-STATE");
    let row = town.grant(&sq).await;
    assert_eq!((row.state, row.state_reason.as_str()), (State::Revoked, "超范围使用"));
}

#[tokio::test]
async fn sha_3_a_stale_version_stops_nothing() {
    let town = Town::found("d809").await;
    let sq = granted(&town).await;
    let version = town.grant(&sq).await.version;
    run(&town.kernel, &town.ctx("zhou"), suspend(&sq, "发现超量")).await.unwrap();
    let late = ResumeGrant { version: Some(version), ..resume(&sq) };
    assert_eq!(code(run(&town.kernel, &town.ctx("zhou"), late).await), "HF-STALE");
}

#[tokio::test]
async fn sha_3_expiry_comes_by_itself_and_only_when_due() {
    let town = Town::found("d809").await;
    let sq = granted(&town).await;
    let expire = || ExpireGrant { no: sq.clone() };
    assert_eq!(code(run(&town.kernel, &town.system(), expire()).await), "SHA-NOT-OVER");
    town.clock.advance(chrono::Duration::days(200));
    run(&town.kernel, &town.system(), expire()).await.unwrap();
    assert_eq!(town.grant(&sq).await.state, State::Expired);
}

#[tokio::test]
async fn sha_3_a_grant_can_be_reduced_and_never_widened() {
    let town = Town::found("d809").await;
    let sq = granted(&town).await;
    let reduce = |reduction| ReduceGrant { no: sq.clone(), reason: "按需".into(), version: None, reduction };
    let wide = Reduction { quota: Some(Quota { rows_per_day: QUOTA.rows_per_day + 1, ..QUOTA }), ..Reduction::default() };
    assert_eq!(code(run(&town.kernel, &town.ctx("zhou"), reduce(wide)).await), "SHA-NOT-REDUCED");
    let other_way = Reduction { ways: Some(Ways::new([Way::Export])), ..Reduction::default() };
    assert_eq!(code(run(&town.kernel, &town.ctx("zhou"), reduce(other_way)).await), "SHA-NOT-REDUCED");
    let nothing_left = Reduction { drop_fields: vec!["xm".into(), "bzlb".into()], ..Reduction::default() };
    assert_eq!(code(run(&town.kernel, &town.ctx("zhou"), reduce(nothing_left)).await), "SHA-NOT-REDUCED");
    let less = Reduction { drop_fields: vec!["xm".into()], quota: Some(Quota { rows_per_day: 5, ..QUOTA }), ..Reduction::default() };
    run(&town.kernel, &town.ctx("zhou"), reduce(less)).await.unwrap();
    assert_eq!(town.grant(&sq).await.rows_per_day, 5);
}

#[tokio::test]
async fn sha_3_the_watch_shuts_by_event_and_by_looking() {
    let town = Town::found("d809").await;
    let sq = granted(&town).await;
    let id = town.grant(&sq).await.id;
    let watching = tokio::spawn(watch::run(town.kernel.clone(), town.sharing.watch.clone()));
    let mut stream = town.sharing.watch.subscribe(&id);
    assert_eq!(*stream.borrow(), Gate::Open);
    run(&town.kernel, &town.ctx("zhou"), suspend(&sq, "发现超量")).await.unwrap();
    let shut = tokio::time::timeout(std::time::Duration::from_secs(1), stream.wait_for(|state| *state == Gate::Shut)).await;
    assert!(shut.is_ok_and(|state| state.is_ok()), "within one second");
    run(&town.kernel, &town.ctx("zhou"), resume(&sq)).await.unwrap();
    let mut again = town.sharing.watch.subscribe(&id);
    // Nobody announces that time has passed.
    town.clock.advance(chrono::Duration::days(200));
    let shut = tokio::time::timeout(std::time::Duration::from_secs(1), again.wait_for(|state| *state == Gate::Shut)).await;
    assert!(shut.is_ok_and(|state| state.is_ok()), "also at the end of its period");
    watching.abort();
}
