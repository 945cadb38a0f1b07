//! Invariant 9: SQLite and PostgreSQL tell the same story.

use std::sync::Arc;

use hufu_identity::SecondFactors::OffForDemo;
use hufu_identity::commands::close_account::CloseAccount;
use hufu_identity::commands::issue_token::IssueToken;
use hufu_identity::commands::move_unit::MoveUnit;
use hufu_identity::commands::propose_change::ProposeChange;
use hufu_identity::model::change::ChangeKind;
use hufu_identity::queries::{self, AccountFilter};
use hufu_identity::{facts, queries::AccountSort};
use hufu_kernel::actor::Role;
use hufu_kernel::command::run;

use crate::house::{House, PASSWORD, house, house_on_postgres};

/// Everything a reader can see of one life of the house, without ids.
async fn story(house: &House) -> Vec<String> {
    let kernel = house.kernel();
    let mut told = Vec::new();
    let county = house.unit("330102", "area", "county", &house.area).await;
    let other = house.unit("330103", "area", "county", &house.area).await;
    let town = house.unit("330102001", "area", "township", &county).await;
    let lin = house.appoint("linshuhan", &house.bureau.id, &[Role::R4]).await;
    house.appoint("tianbaoyuan", &town.id, &[Role::R7]).await;
    for _ in 0..6 {
        told.push(house.log_in("linshuhan", "x", None).await.unwrap_err().to_string());
    }
    told.push(house.log_in("linshuhan", PASSWORD, None).await.unwrap_err().to_string());
    house.minutes(15);
    let signed = house.log_in("linshuhan", PASSWORD, None).await.unwrap();
    house.minutes(1);
    house.identity.touch(&signed.session, house.now()).await.unwrap();
    let known = house.identity.authenticate_session(&signed.cookie, house.now()).await.unwrap().unwrap();
    told.push(format!("{:?} {:?}", known.stage, known.actor.roles));
    let token = run(kernel, &house.ctx(&lin), IssueToken { name: "脚本".into(), days: 30 }).await.unwrap().output;
    told.push(format!("{}", house.identity.authenticate_token(&token.text, house.now()).await.unwrap().is_some()));
    told.push(format!("{}", house.identity.scram_verifier("linshuhan", house.now()).await.unwrap().is_some()));
    let change = |add: &[Role]| ProposeChange {
        account: lin.account.clone(),
        kind: ChangeKind::Roles,
        add: add.to_vec(),
        remove: vec![],
        reason: "岗位".into(),
    };
    for add in [&[Role::R5][..], &[Role::R3], &[Role::R6]] {
        let outcome = run(kernel, &house.ctx(&house.r8), change(add)).await;
        told.push(outcome.map_or_else(|error| error.to_string(), |receipt| receipt.output.no));
    }
    let relocate = MoveUnit { unit: town.id.clone(), version: 1, parent: other.id.clone() };
    run(kernel, &house.ctx(&house.r8), relocate).await.unwrap();
    let reader = house.ctx(&house.r1);
    for sort in [AccountSort::Login, AccountSort::LoginDown, AccountSort::LastLogin { newest_first: true }] {
        let filter = AccountFilter { sort, role: None, text: Some("N".into()), ..AccountFilter::default() };
        let page = queries::accounts(kernel, &reader, &filter, 1, 20).await.unwrap();
        let logins: Vec<String> = page
            .items
            .iter()
            .map(|row| format!("{} {:?} {}", row.account.login, row.roles, row.state_code()))
            .collect();
        told.push(format!("{} {logins:?}", page.total));
    }
    let rows = queries::units(kernel, &reader).await.unwrap();
    told.extend(rows.iter().map(|row| format!("{} {} {}", row.depth, row.unit.code, row.people)));
    told.push(format!("{:?}", queries::holders(kernel, &reader).await.unwrap()));
    let close = CloseAccount { account: lin.account.clone(), reason: "调离".into(), holdings: Arc::from([]) };
    told.push(run(kernel, &house.ctx(&house.r8), close).await.unwrap_err().to_string());
    house.clock.advance(chrono::Duration::days(100));
    let neglected = queries::neglected(kernel, &house.ctx(&house.r1), None).await.unwrap();
    told.extend(neglected.iter().map(|one| format!("{} {:?}", one.row.account.login, one.concerns)));
    let figures = facts::figures(kernel.store.reader(), house.now()).await.unwrap();
    told.extend(figures.iter().map(|figure| format!("{} {}", figure.name, figure.value)));
    told.extend(
        house
            .entries()
            .await
            .iter()
            .map(|entry| format!("{} {:?} {:?} {}", entry.action, entry.outcome, entry.code, entry.object_no)),
    );
    told
}

#[tokio::test]
async fn same_on_both_stores() {
    let embedded = story(&house(OffForDemo).await).await;
    let postgres = story(&house_on_postgres(OffForDemo).await).await;
    assert!(embedded.len() > 40, "{embedded:#?}");
    assert_eq!(embedded, postgres);
}
