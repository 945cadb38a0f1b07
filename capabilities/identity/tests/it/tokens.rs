//! Tokens for programs and for the SQL wire.

use hufu_identity::SecondFactors::OffForDemo;
use hufu_identity::commands::issue_token::{IssueToken, Issued};
use hufu_identity::commands::lock_account::LockAccount;
use hufu_identity::commands::revoke_token::RevokeToken;
use hufu_identity::model::token::{ScramVerifier, hash};
use hufu_identity::store;
use hufu_kernel::actor::{Actor, Role};
use hufu_kernel::command::run;
use hufu_kernel::error::Result;

use crate::house::{House, house};

async fn issue(house: &House, by: &Actor, name: &str, days: i64) -> Result<Issued> {
    Ok(run(house.kernel(), &house.ctx(by), IssueToken { name: name.into(), days }).await?.output)
}

#[tokio::test]
async fn who_6_a_token_is_shown_once_expires_and_can_be_revoked() {
    let house = house(OffForDemo).await;
    let lin = house.appoint("linshuhan", &house.bureau.id, &[Role::R4]).await;
    for (name, days, field) in [("", 30, "name"), ("脚本", 0, "days"), ("脚本", 366, "days")] {
        assert_eq!(issue(&house, &lin, name, days).await.unwrap_err().fields()[0].field, field);
    }
    let token = issue(&house, &lin, "脚本", 30).await.unwrap();
    let stored = store::token::find(house.kernel().store.reader(), &token.id).await.unwrap();
    assert_eq!(stored.secret_hash, hash(&token.text));
    assert!(!format!("{stored:?}").contains(&token.text));
    let known = house.identity.authenticate_token(&token.text, house.now()).await.unwrap().unwrap();
    assert_eq!(known.actor.login, "linshuhan");
    assert_eq!(known.session, None);
    assert!(house.identity.authenticate_token("hufu_0", house.now()).await.unwrap().is_none());

    let entries = house.entries().await;
    assert!(!entries.iter().any(|entry| entry.body.contains(&token.text)), "never in the ledger");

    let stranger = house.appoint("chenzhiyuan", &house.bureau.id, &[Role::R4]).await;
    let revoke = || RevokeToken { token: token.id.clone() };
    assert_eq!(run(house.kernel(), &house.ctx(&stranger), revoke()).await.unwrap_err().code(), "HF-REFUSED");
    run(house.kernel(), &house.ctx(&lin), revoke()).await.unwrap();
    assert!(house.identity.authenticate_token(&token.text, house.now()).await.unwrap().is_none());

    let short = issue(&house, &lin, "一天", 1).await.unwrap();
    house.minutes(24 * 60 - 1);
    assert!(house.identity.authenticate_token(&short.text, house.now()).await.unwrap().is_some());
    house.minutes(1);
    assert!(house.identity.authenticate_token(&short.text, house.now()).await.unwrap().is_none());
}

#[tokio::test]
async fn sha_5_the_wire_checks_the_newest_token() {
    let house = house(OffForDemo).await;
    let lin = house.appoint("linshuhan", &house.bureau.id, &[Role::R4]).await;
    assert!(house.identity.scram_verifier("linshuhan", house.now()).await.unwrap().is_none());
    let old = issue(&house, &lin, "旧", 30).await.unwrap();
    house.minutes(1);
    let new = issue(&house, &lin, "新", 30).await.unwrap();
    let of = |text: &str, by: &ScramVerifier| ScramVerifier::new(text, by.salt, by.iterations) == *by;
    let (actor, id, verifier) = house.identity.scram_verifier("LinShuHan", house.now()).await.unwrap().unwrap();
    assert_eq!((actor.login.as_str(), &id), ("linshuhan", &new.id));
    assert!(of(&new.text, &verifier) && !of(&old.text, &verifier));
    run(house.kernel(), &house.ctx(&lin), RevokeToken { token: new.id.clone() }).await.unwrap();
    assert!(!house.identity.still_valid(&new.id, house.now()).await.unwrap());
    let (_, _, verifier) = house.identity.scram_verifier("linshuhan", house.now()).await.unwrap().unwrap();
    assert!(of(&old.text, &verifier));
    assert!(house.identity.still_valid(&old.id, house.now()).await.unwrap());
    let lock = LockAccount { account: lin.account.clone(), reason: "核查".into() };
    run(house.kernel(), &house.ctx(&house.r8), lock).await.unwrap();
    assert!(house.identity.scram_verifier("linshuhan", house.now()).await.unwrap().is_none());
    assert!(!house.identity.still_valid(&old.id, house.now()).await.unwrap());
    assert!(house.identity.authenticate_token(&old.text, house.now()).await.unwrap().is_none());
}
