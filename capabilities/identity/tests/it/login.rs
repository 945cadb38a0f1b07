//! Log-in: lock-out, idle end, second factor, first password.

use chrono::Duration;
use hufu_identity::SecondFactors::{OffForDemo, Required};
use hufu_identity::commands::change_password::ChangePassword;
use hufu_identity::commands::enrol_second_factor::EnrolSecondFactor;
use hufu_identity::commands::lock_account::{LockAccount, UnlockAccount};
use hufu_identity::model::second_factor::TotpSecret;
use hufu_identity::model::session::Stage;
use hufu_kernel::actor::Role;
use hufu_kernel::audit::Outcome;
use hufu_kernel::command::run;

use crate::house::{PASSWORD, house};

#[tokio::test]
async fn who_6_five_failures_lock_for_fifteen_minutes() {
    let house = house(OffForDemo).await;
    house.appoint("zhoumin", &house.bureau.id, &[Role::R4]).await;
    for _ in 0..5 {
        assert_eq!(house.log_in("zhoumin", "wrong", None).await.unwrap_err().code(), "HF-LOGIN-WRONG");
    }
    assert_eq!(house.log_in("zhoumin", PASSWORD, None).await.unwrap_err().code(), "HF-LOGIN-LOCKED");
    house.minutes(14);
    assert_eq!(house.log_in("zhoumin", PASSWORD, None).await.unwrap_err().code(), "HF-LOGIN-LOCKED");
    house.minutes(1);
    house.log_in("zhoumin", PASSWORD, None).await.unwrap();
}

#[tokio::test]
async fn who_6_a_success_starts_the_count_anew() {
    let house = house(OffForDemo).await;
    house.appoint("zhoumin", &house.bureau.id, &[]).await;
    for _ in 0..3 {
        for _ in 0..4 {
            house.log_in("zhoumin", "wrong", None).await.unwrap_err();
        }
        house.log_in("zhoumin", PASSWORD, None).await.unwrap();
    }
}

#[tokio::test]
async fn who_6_an_unknown_name_behaves_like_a_known_one() {
    let house = house(OffForDemo).await;
    house.appoint("zhoumin", &house.bureau.id, &[]).await;
    let mut answers = Vec::new();
    for login in ["zhoumin", "nobody"] {
        let mut codes = Vec::new();
        for _ in 0..7 {
            codes.push(house.log_in(login, "wrong", None).await.unwrap_err().to_string());
        }
        answers.push(codes);
    }
    assert_eq!(answers[0], answers[1]);
    let bodies: Vec<String> = house.entries().await.into_iter().map(|entry| entry.body).collect();
    assert!(!bodies.iter().any(|body| body.contains("nobody")), "what was typed may be a password");
}

#[tokio::test]
async fn led_1_log_ins_and_failures_are_entries() {
    let house = house(OffForDemo).await;
    house.appoint("zhoumin", &house.bureau.id, &[]).await;
    let before = house.entries().await.len();
    house.log_in("zhoumin", "wrong", None).await.unwrap_err();
    house.log_in("zhoumin", PASSWORD, None).await.unwrap();
    let told: Vec<(String, Outcome, String)> =
        house.entries().await.into_iter().skip(before).map(|e| (e.action, e.outcome, e.object_no)).collect();
    let expected = [("identity.session.fail", "zhoumin"), ("identity.session.open", "zhoumin")]
        .map(|(action, login)| (action.to_owned(), Outcome::Done, login.to_owned()));
    assert_eq!(told, expected);
}

#[tokio::test]
async fn who_6_a_session_ends_idle_and_absolutely() {
    let house = house(OffForDemo).await;
    house.appoint("zhoumin", &house.bureau.id, &[]).await;
    let signed = house.log_in("zhoumin", PASSWORD, None).await.unwrap();
    let known = |now| house.identity.authenticate_session(&signed.cookie, now);
    assert!(known(house.now()).await.unwrap().is_some());
    house.minutes(14);
    assert!(known(house.now()).await.unwrap().is_some());
    house.identity.touch(&signed.session, house.now()).await.unwrap();
    house.minutes(14);
    assert!(known(house.now()).await.unwrap().is_some(), "a touch keeps it alive");
    house.minutes(1);
    assert!(known(house.now()).await.unwrap().is_none(), "fifteen minutes without a request end it");

    let signed = house.log_in("zhoumin", PASSWORD, None).await.unwrap();
    for _ in 0..71 {
        house.minutes(10);
        house.identity.touch(&signed.session, house.now()).await.unwrap();
    }
    assert!(house.identity.authenticate_session(&signed.cookie, house.now()).await.unwrap().is_some());
    house.minutes(10);
    assert!(
        house.identity.authenticate_session(&signed.cookie, house.now()).await.unwrap().is_none(),
        "twelve hours end it"
    );
}

#[tokio::test]
async fn who_6_the_first_log_in_changes_the_password() {
    let house = house(OffForDemo).await;
    let initial = house.initial.administrator_password.clone();
    let signed = house.log_in("guanli", &initial, None).await.unwrap();
    assert_eq!(signed.stage, Stage::Password);
    let change = |old: &str, new: &str, again: &str| {
        let (identity, actor, session) = (house.identity.clone(), house.r8.clone(), signed.session.clone());
        let (old, new, again) = (old.to_owned(), new.to_owned(), again.to_owned());
        async move { ChangePassword::prepare(&identity, &actor, Some(&session), &old, &new, &again).await }
    };
    let fields =
        |error: hufu_kernel::error::Error| error.fields().iter().map(|fault| fault.field.clone()).collect::<Vec<_>>();
    assert_eq!(fields(change("nope", "short", "other").await.unwrap_err())[..2], ["old", "again"]);
    assert_eq!(fields(change(&initial, &initial, &initial).await.unwrap_err()), ["new"]);
    let ready = change(&initial, PASSWORD, PASSWORD).await.unwrap();
    let cookie = run(house.kernel(), &house.ctx(&house.r8), ready).await.unwrap().output.unwrap();
    assert!(
        house.identity.authenticate_session(&signed.cookie, house.now()).await.unwrap().is_none(),
        "the old cookie died"
    );
    let known = house.identity.authenticate_session(&cookie, house.now()).await.unwrap().unwrap();
    assert_eq!(known.stage, Stage::Open);
    house.log_in("guanli", &initial, None).await.unwrap_err();
}

#[tokio::test]
async fn who_6_the_last_five_passwords_do_not_come_back() {
    let house = house(OffForDemo).await;
    let actor = house.appoint("zhoumin", &house.bureau.id, &[]).await;
    let names = ["Tian-Jin8Bo", "Shen-Yang3Q", "Wu-Chang5Hu", "Gui-Lin6Shu", "Kun-Ming4Ch"];
    let mut current = PASSWORD.to_owned();
    for next in names {
        let ready = ChangePassword::prepare(&house.identity, &actor, None, &current, next, next).await.unwrap();
        run(house.kernel(), &house.ctx(&actor), ready).await.unwrap();
        house.minutes(1);
        current = next.to_owned();
        let again = ChangePassword::prepare(&house.identity, &actor, None, &current, next, next).await;
        assert!(again.is_err(), "{next} is the present one");
    }
    for used in &names[..4] {
        let again = ChangePassword::prepare(&house.identity, &actor, None, &current, used, used).await;
        assert_eq!(again.unwrap_err().fields()[0].field, "new", "{used}");
    }
    ChangePassword::prepare(&house.identity, &actor, None, &current, PASSWORD, PASSWORD).await.unwrap();
}

#[tokio::test]
async fn who_6_second_factor_is_enrolled_asked_and_used_once() {
    let house = house(Required).await;
    let initial = house.initial.manager_password.clone();
    let first = house.log_in("anquan", &initial, None).await.unwrap();
    let ready = ChangePassword::prepare(&house.identity, &house.r1, Some(&first.session), &initial, PASSWORD, PASSWORD)
        .await
        .unwrap();
    let cookie = run(house.kernel(), &house.ctx(&house.r1), ready).await.unwrap().output.unwrap();
    let known = house.identity.authenticate_session(&cookie, house.now()).await.unwrap().unwrap();
    assert_eq!(known.stage, Stage::Enrol, "R1 needs a second factor");

    let secret = TotpSecret::new([5; 20]);
    let enrol = |code: String| EnrolSecondFactor {
        session: first.session.clone(),
        secret: secret.clone(),
        code,
        vault: house.identity.vault.clone(),
    };
    run(house.kernel(), &house.ctx(&house.r1), enrol("000000".into())).await.unwrap_err();
    let code = secret.code_at(house.now()).unwrap();
    let cookie = run(house.kernel(), &house.ctx(&house.r1), enrol(code.clone())).await.unwrap().output;
    let known = house.identity.authenticate_session(&cookie, house.now()).await.unwrap().unwrap();
    assert_eq!(known.stage, Stage::Open);
    let stored = house.account(&house.r1.account).await.totp.unwrap();
    assert!(!stored.contains(&hex::encode([5; 20])), "the secret rests sealed");
    let code_now = secret.code_at(house.now()).unwrap();
    let again = run(house.kernel(), &house.ctx(&house.r1), enrol(code_now)).await.unwrap_err();
    assert_eq!(again.code(), "HF-FACTOR-BOUND");

    assert_eq!(house.log_in("anquan", PASSWORD, Some(&code)).await.unwrap_err().code(), "HF-CODE-WRONG", "used");
    let half = house.log_in("anquan", PASSWORD, None).await.unwrap();
    assert_eq!(half.stage, Stage::SecondFactor);
    house.clock.advance(Duration::seconds(60));
    let code = secret.code_at(house.now()).unwrap();
    let whole = house.log_in("anquan", PASSWORD, Some(&code)).await.unwrap();
    assert_eq!(whole.stage, Stage::Open);
    let passed = house.identity.pass_second_factor(&house.ctx(&house.r1), &half.session, &code, "test").await;
    assert_eq!(passed.unwrap_err().code(), "HF-CODE-WRONG", "one code, one log-in");
    house.clock.advance(Duration::seconds(60));
    let code = secret.code_at(house.now()).unwrap();
    let passed = house.identity.pass_second_factor(&house.ctx(&house.r1), &half.session, &code, "test").await.unwrap();
    assert_eq!(passed.stage, Stage::Open);
    assert_ne!(passed.cookie, half.cookie);
    assert!(house.identity.authenticate_session(&half.cookie, house.now()).await.unwrap().is_none());
}

#[tokio::test]
async fn who_6_guessing_codes_locks_too() {
    let house = house(Required).await;
    let actor = house.appoint("zhoumin", &house.bureau.id, &[Role::R3]).await;
    let session = house.log_in("zhoumin", PASSWORD, None).await.unwrap().session;
    let secret = TotpSecret::new([5; 20]);
    let code = secret.code_at(house.now()).unwrap();
    let enrol = EnrolSecondFactor { session, secret, code, vault: house.identity.vault.clone() };
    run(house.kernel(), &house.ctx(&actor), enrol).await.unwrap();
    for _ in 0..5 {
        assert_eq!(house.log_in("zhoumin", PASSWORD, Some("123456")).await.unwrap_err().code(), "HF-CODE-WRONG");
    }
    assert_eq!(house.log_in("zhoumin", PASSWORD, None).await.unwrap_err().code(), "HF-LOGIN-LOCKED");
}

#[tokio::test]
async fn who_4_a_locked_account_is_out_at_once_and_learns_why_only_with_its_password() {
    let house = house(OffForDemo).await;
    let actor = house.appoint("zhoumin", &house.bureau.id, &[]).await;
    let signed = house.log_in("zhoumin", PASSWORD, None).await.unwrap();
    let lock = LockAccount { account: actor.account.clone(), reason: "核查".into() };
    run(house.kernel(), &house.ctx(&house.r1), lock).await.unwrap();
    assert!(house.identity.authenticate_session(&signed.cookie, house.now()).await.unwrap().is_none());
    assert_eq!(house.log_in("zhoumin", "wrong", None).await.unwrap_err().code(), "HF-LOGIN-WRONG");
    assert_eq!(house.log_in("zhoumin", PASSWORD, None).await.unwrap_err().code(), "HF-ACCOUNT-LOCKED");
    let unlock = || UnlockAccount { account: actor.account.clone() };
    run(house.kernel(), &house.ctx(&house.r1), unlock()).await.unwrap_err();
    run(house.kernel(), &house.ctx(&house.r8), unlock()).await.unwrap();
    house.log_in("zhoumin", PASSWORD, None).await.unwrap();
}
