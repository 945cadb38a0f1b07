//! The tree of units, kept by the administrators of each level.

use hufu_identity::SecondFactors::OffForDemo;
use hufu_identity::commands::close_unit::CloseUnit;
use hufu_identity::commands::create_unit::CreateUnit;
use hufu_identity::commands::edit_unit::EditUnit;
use hufu_identity::commands::move_unit::MoveUnit;
use hufu_identity::model::unit::UnitInput;
use hufu_identity::{queries, store};
use hufu_kernel::actor::{Role, UnitRef};
use hufu_kernel::command::run;
use hufu_kernel::unit;

use crate::house::house;

fn input(code: &str, kind: &str, level: &str) -> UnitInput {
    UnitInput {
        code: code.into(),
        name: "某某单位".into(),
        kind: kind.into(),
        level: level.into(),
        ..UnitInput::default()
    }
}

#[tokio::test]
async fn who_1_units_are_made_moved_and_closed() {
    let house = house(OffForDemo).await;
    let county = house.unit("330102", "area", "county", &house.area).await;
    let town = house.unit("330102001", "area", "township", &county).await;
    let other = house.unit("330103", "area", "county", &house.area).await;
    let db = house.kernel().store.reader();
    let version = |unit: UnitRef| async move { unit::find(db, &unit.id).await.unwrap().version };
    let ctx = house.ctx(&house.r8);
    let twice = CreateUnit { parent: house.area.id.clone(), input: input("330102", "area", "county") };
    assert_eq!(run(house.kernel(), &ctx, twice).await.unwrap_err().fields()[0].field, "code");
    let above = CreateUnit { parent: town.id.clone(), input: input("X-1", "area", "city") };
    assert_eq!(run(house.kernel(), &ctx, above).await.unwrap_err().fields()[0].field, "level");

    let go = |version, parent: &UnitRef| MoveUnit { unit: town.id.clone(), version, parent: parent.id.clone() };
    let seen = version(town.clone()).await;
    run(house.kernel(), &ctx, go(seen, &other)).await.unwrap();
    assert_eq!(run(house.kernel(), &ctx, go(seen, &county)).await.unwrap_err().code(), "HF-STALE");
    let moved = unit::find(db, &town.id).await.unwrap();
    assert!(moved.path.starts_with(&other.path));
    let root =
        MoveUnit { unit: house.area.id.clone(), version: version(house.area.clone()).await, parent: other.id.clone() };
    run(house.kernel(), &ctx, root).await.unwrap_err();

    let rows = queries::units(house.kernel(), &ctx).await.unwrap();
    let tree: Vec<(usize, String)> = rows.iter().map(|row| (row.depth, row.unit.code.clone())).collect();
    let expected = [(0, "330000"), (1, "330000-SJJ"), (1, "330102"), (1, "330103"), (2, "330102001")];
    assert_eq!(tree, expected.map(|(depth, code)| (depth, code.to_owned())));
    assert_eq!(rows[1].people, 2);

    let close = |unit: &UnitRef, version| CloseUnit { unit: unit.id.clone(), version, reason: "机构改革".into() };
    assert_eq!(
        run(house.kernel(), &ctx, close(&other, version(other.clone()).await)).await.unwrap_err().code(),
        "HF-UNIT-BELOW"
    );
    assert_eq!(run(house.kernel(), &ctx, close(&house.bureau, 1)).await.unwrap_err().code(), "HF-UNIT-PEOPLE");
    run(house.kernel(), &ctx, close(&county, version(county.clone()).await)).await.unwrap();
    let below = CreateUnit { parent: county.id.clone(), input: input("X-2", "area", "township") };
    assert_eq!(run(house.kernel(), &ctx, below).await.unwrap_err().code(), "HF-UNIT-CLOSED");
}

#[tokio::test]
async fn who_2_a_unit_names_who_answers_for_it() {
    let house = house(OffForDemo).await;
    let department = house.unit("330000-MZJ", "department", "city", &house.area).await;
    let filled = UnitInput {
        responsible: "沈其".into(),
        responsible_as: "cdo".into(),
        responsible_post: "副局长".into(),
        sharing_office: "信息科".into(),
        contact: "周敏".into(),
        contact_phone: "0571-12345678".into(),
        ..input("ignored", "department", "city")
    };
    let edit = |version, input: UnitInput| EditUnit { unit: department.id.clone(), version, input };
    let ctx = house.ctx(&house.r8);
    run(house.kernel(), &ctx, edit(1, filled.clone())).await.unwrap();
    assert_eq!(run(house.kernel(), &ctx, edit(1, filled.clone())).await.unwrap_err().code(), "HF-STALE");
    let answers = store::profile::of(house.kernel().store.reader(), &department.id).await.unwrap().unwrap();
    assert_eq!((answers.responsible.as_str(), answers.sharing_office.as_str()), ("沈其", "信息科"));
    assert_eq!(unit::find(house.kernel().store.reader(), &department.id).await.unwrap().code, "330000-MZJ");
    let bodies = house.entries().await;
    assert!(!bodies.iter().any(|entry| entry.body.contains("沈其") || entry.body.contains("12345678")));
    let r4 = house.appoint("linshuhan", &department.id, &[Role::R4]).await;
    assert_eq!(run(house.kernel(), &house.ctx(&r4), edit(2, filled)).await.unwrap_err().code(), "HF-REFUSED");
}

#[tokio::test]
async fn who_1_nobody_moves_a_unit_out_of_their_hands() {
    let house = house(OffForDemo).await;
    let county = house.unit("330102", "area", "county", &house.area).await;
    let bureau = house.unit("330102-SJJ", "bureau", "county", &county).await;
    let town = house.unit("330102001", "area", "township", &county).await;
    let other = house.unit("330103", "area", "county", &house.area).await;
    let r8 = house.appoint("xianxi", &bureau.id, &[Role::R8]).await;
    let go = |parent: &UnitRef| MoveUnit { unit: town.id.clone(), version: 1, parent: parent.id.clone() };
    assert_eq!(run(house.kernel(), &house.ctx(&r8), go(&other)).await.unwrap_err().code(), "HF-REFUSED");
    let grab = MoveUnit { unit: other.id.clone(), version: 1, parent: county.id.clone() };
    assert_eq!(run(house.kernel(), &house.ctx(&r8), grab).await.unwrap_err().code(), "HF-REFUSED");
}
