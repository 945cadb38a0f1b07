//! A change of rights takes two people, and nobody becomes a super-administrator.

use std::sync::Arc;

use hufu_identity::SecondFactors::OffForDemo;
use hufu_identity::commands::close_account::{CloseAccount, Holdings, Owned};
use hufu_identity::commands::create_account::CreateAccount;
use hufu_identity::commands::decide_change::DecideChange;
use hufu_identity::commands::edit_account::EditAccount;
use hufu_identity::commands::issue_token::IssueToken;
use hufu_identity::commands::propose_change::{ProposeChange, Proposed};
use hufu_identity::commands::withdraw_change::WithdrawChange;
use hufu_identity::model::account::Concern;
use hufu_identity::model::change::{ChangeKind, ChangeState};
use hufu_identity::model::roles::RoleSet;
use hufu_identity::{POLICY, init, policy, queries};
use hufu_kernel::actor::{Actor, Role, UnitLevel, UnitRef};
use hufu_kernel::approval::{InboxQuery, Tab, inbox};
use hufu_kernel::command::{Ctx, run};
use hufu_kernel::error::Result;
use hufu_kernel::ids::{AccountId, RoleChangeId, UnitId};
use hufu_kernel::policy::Policy;
use hufu_kernel::store::Tx;
use hufu_kernel::time::Clock;

use crate::house::{House, PASSWORD, empty, house, person, plan};

async fn propose(house: &House, by: &Actor, of: &AccountId, add: &[Role], remove: &[Role]) -> Result<Proposed> {
    let command = ProposeChange {
        account: of.clone(),
        kind: ChangeKind::Roles,
        add: add.to_vec(),
        remove: remove.to_vec(),
        reason: "岗位调整".into(),
    };
    Ok(run(house.kernel(), &house.ctx(by), command).await?.output)
}

async fn confirm(house: &House, by: &Actor, change: &RoleChangeId) -> Result<ChangeState> {
    let command = DecideChange::confirm(&house.identity.passwords, change.clone(), None, "").await?;
    Ok(run(house.kernel(), &house.ctx(by), command).await?.output.state)
}

/// Numbers and links in somebody's 待办.
async fn todo(house: &House, of: &Actor) -> Vec<(String, String)> {
    let query = InboxQuery { tab: Tab::Todo, text: None, kind: None, page: 1, size: 20 };
    let db = house.kernel().store.reader();
    let calendar = &house.kernel().store.rules().calendar;
    let (rows, _) = inbox(db, of, &query, house.now(), calendar).await.unwrap();
    rows.into_iter().map(|row| (row.no, row.link)).collect()
}

async fn newcomer(house: &House, login: &str, unit: &UnitId) -> AccountId {
    let create =
        CreateAccount::prepare(&house.identity.passwords, unit.clone(), &person(login, "新来者")).await.unwrap();
    run(house.kernel(), &house.ctx(&house.r8), create).await.unwrap().output.account
}

#[tokio::test]
async fn who_3_r8_proposes_and_r1_confirms() {
    let house = house(OffForDemo).await;
    let lin = newcomer(&house, "linshuhan", &house.bureau.id).await;
    let proposed = propose(&house, &house.r8, &lin, &[Role::R4], &[]).await.unwrap();
    assert!(house.actor(&lin).await.roles.is_empty(), "nothing happens before the second person");
    assert_eq!(todo(&house, &house.r1).await, [(proposed.no.clone(), format!("/sys/roles/{}", proposed.id))]);
    assert_eq!(todo(&house, &house.r8).await, []);
    let seen =
        queries::changes(house.kernel(), &house.ctx(&house.r1), Some(ChangeState::Pending), 1, 20).await.unwrap();
    assert!(seen.items[0].mine);
    assert_eq!(seen.items[0].change.summary(), "增加 用数人员");
    assert_eq!(propose(&house, &house.r8, &lin, &[Role::R3], &[]).await.unwrap_err().code(), "HF-CHANGE-PENDING");
    assert_eq!(confirm(&house, &house.r1, &proposed.id).await.unwrap(), ChangeState::Confirmed);
    assert_eq!(todo(&house, &house.r1).await, []);
    assert_eq!(house.actor(&lin).await.roles, [Role::R4]);
    assert_eq!(confirm(&house, &house.r1, &proposed.id).await.unwrap_err().code(), "HF-CHANGE-DECIDED");
    propose(&house, &house.r1, &lin, &[Role::R3], &[]).await.unwrap_err();
}

#[tokio::test]
async fn who_3_nobody_confirms_their_own() {
    let house = house(OffForDemo).await;
    let lin = newcomer(&house, "linshuhan", &house.bureau.id).await;
    let own = propose(&house, &house.r8, &house.r8.account.clone(), &[Role::R3], &[]).await.unwrap_err();
    assert_eq!(own.code(), "HF-REFUSED", "nobody proposes for themselves");
    let proposed = propose(&house, &house.r8, &lin, &[Role::R4], &[]).await.unwrap();
    assert_eq!(confirm(&house, &house.r8, &proposed.id).await.unwrap_err().code(), "HF-REFUSED");
    confirm(&house, &house.r1, &proposed.id).await.unwrap();

    // The only security manager is the subject: there is nobody to decide.
    let about = propose(&house, &house.r8, &house.r1.account.clone(), &[], &[Role::R1]).await.unwrap_err();
    assert_eq!(about.code(), "HF-NO-MANAGER");
    let second = house.appoint("anquan2", &house.bureau.id, &[Role::R1]).await;
    let about = propose(&house, &house.r8, &house.r1.account.clone(), &[Role::R3], &[]).await.unwrap();
    assert_eq!(confirm(&house, &house.r1, &about.id).await.unwrap_err().code(), "HF-REFUSED");
    confirm(&house, &second, &about.id).await.unwrap();
}

#[tokio::test]
async fn who_3_exclusive_pairs_are_refused_when_proposed_and_when_confirmed() {
    let house = house(OffForDemo).await;
    let lin = newcomer(&house, "linshuhan", &house.bureau.id).await;
    let both = propose(&house, &house.r8, &lin, &[Role::R1, Role::R4], &[]).await.unwrap_err();
    assert_eq!(both.fields()[0].message, "「数据安全管理员」与「用数人员」不能由同一人担任");
    let audits = house.appoint("shenji", &house.bureau.id, &[Role::R5]).await;
    propose(&house, &house.r8, &audits.account, &[Role::R6], &[]).await.unwrap_err();
    let swap = propose(&house, &house.r8, &audits.account, &[Role::R6], &[Role::R5]).await.unwrap();
    confirm(&house, &house.r1, &swap.id).await.unwrap();
    assert_eq!(house.actor(&audits.account).await.roles, [Role::R6]);
    propose(&house, &house.r8, &lin, &[], &[]).await.unwrap_err();
}

#[tokio::test]
async fn who_3_a_county_decides_for_itself_as_soon_as_it_can() {
    let house = house(OffForDemo).await;
    let county = house.unit("330102", "area", "county", &house.area).await;
    let bureau = house.unit("330102-SJJ", "bureau", "county", &county).await;
    let town = house.unit("330102001", "area", "township", &county).await;
    let other = house.unit("330103", "area", "county", &house.area).await;
    let other_bureau = house.unit("330103-SJJ", "bureau", "county", &other).await;

    // No manager in the county yet: the city's decides.
    let manager = house.appoint("xianguan", &bureau.id, &[Role::R1]).await;
    let administrator = house.appoint("xianxi", &bureau.id, &[Role::R8]).await;
    let neighbour = house.appoint("linxian", &other_bureau.id, &[Role::R1]).await;
    let neighbour_r8 = house.appoint("linxian8", &other_bureau.id, &[Role::R8]).await;

    let clerk = newcomer(&house, "tianbaoyuan", &town.id).await;
    let proposed = propose(&house, &administrator, &clerk, &[Role::R7], &[]).await.unwrap();
    for wrong in [&house.r1, &neighbour] {
        assert_eq!(confirm(&house, wrong, &proposed.id).await.unwrap_err().code(), "HF-REFUSED");
    }
    confirm(&house, &manager, &proposed.id).await.unwrap();
    assert_eq!(propose(&house, &neighbour_r8, &clerk, &[], &[Role::R7]).await.unwrap_err().code(), "HF-REFUSED");
    assert_eq!(
        queries::account(house.kernel(), &house.ctx(&neighbour), &clerk).await.unwrap_err().code(),
        "HF-NOT-FOUND"
    );
    let seen = queries::accounts(house.kernel(), &house.ctx(&manager), &Default::default(), 1, 50).await.unwrap();
    let logins: Vec<&str> = seen.items.iter().map(|row| row.account.login.as_str()).collect();
    assert_eq!(logins, ["tianbaoyuan", "xianguan", "xianxi"]);
}

#[tokio::test]
async fn who_3_withdrawn_refused_and_stale_changes_do_nothing() {
    let house = house(OffForDemo).await;
    let lin = newcomer(&house, "linshuhan", &house.bureau.id).await;
    let first = propose(&house, &house.r8, &lin, &[Role::R4], &[]).await.unwrap();
    let withdraw = |by: &Actor, change: &RoleChangeId| {
        let (ctx, change) = (house.ctx(by), change.clone());
        let kernel = house.identity.kernel.clone();
        async move { run(&kernel, &ctx, WithdrawChange { change }).await.map(|_| ()) }
    };
    withdraw(&house.r1, &first.id).await.unwrap_err();
    withdraw(&house.r8, &first.id).await.unwrap();
    assert_eq!(confirm(&house, &house.r1, &first.id).await.unwrap_err().code(), "HF-CHANGE-DECIDED");
    let second = propose(&house, &house.r8, &lin, &[Role::R4], &[]).await.unwrap();
    let silent = DecideChange::refuse(second.id.clone(), None, " ");
    assert_eq!(run(house.kernel(), &house.ctx(&house.r1), silent).await.unwrap_err().fields()[0].field, "opinion");
    let stale = DecideChange::refuse(second.id.clone(), Some(7), "依据不足");
    assert_eq!(run(house.kernel(), &house.ctx(&house.r1), stale).await.unwrap_err().code(), "HF-STALE");
    let refuse = DecideChange::refuse(second.id.clone(), Some(1), "依据不足");
    run(house.kernel(), &house.ctx(&house.r1), refuse).await.unwrap();
    assert!(house.actor(&lin).await.roles.is_empty());
}

#[tokio::test]
async fn who_6_lost_credentials_are_reset_by_two_people() {
    let house = house(OffForDemo).await;
    let lin = house.appoint("linshuhan", &house.bureau.id, &[Role::R4]).await;
    let signed = house.log_in("linshuhan", PASSWORD, None).await.unwrap();
    let reset = ProposeChange {
        account: lin.account.clone(),
        kind: ChangeKind::Credentials,
        add: vec![],
        remove: vec![],
        reason: "手机遗失".into(),
    };
    let change = run(house.kernel(), &house.ctx(&house.r8), reset).await.unwrap().output;
    assert!(house.identity.authenticate_session(&signed.cookie, house.now()).await.unwrap().is_some());
    let command = DecideChange::confirm(&house.identity.passwords, change.id, None, "已核实本人").await.unwrap();
    let password = run(house.kernel(), &house.ctx(&house.r1), command).await.unwrap().output.password.unwrap();
    assert!(house.identity.authenticate_session(&signed.cookie, house.now()).await.unwrap().is_none());
    house.log_in("linshuhan", PASSWORD, None).await.unwrap_err();
    let again = house.log_in("linshuhan", &password, None).await.unwrap();
    assert_eq!(again.stage, hufu_identity::model::session::Stage::Password);
    assert_eq!(again.actor.roles, [Role::R4], "roles stay");
}

struct TwoGrants;

#[async_trait::async_trait]
impl Holdings for TwoGrants {
    async fn of(&self, _: &Tx, _: &AccountId) -> Result<Vec<Owned>> {
        let owned = |what: &str, count| Owned { what: what.into(), count, href: "/grants".into() };
        Ok(vec![owned("生效授权", 2), owned("交换任务", 0)])
    }
}

#[tokio::test]
async fn who_4_closing_ends_sessions_and_tokens_and_names_what_is_left() {
    let house = house(OffForDemo).await;
    let lin = house.appoint("linshuhan", &house.bureau.id, &[Role::R4]).await;
    let signed = house.log_in("linshuhan", PASSWORD, None).await.unwrap();
    let token =
        run(house.kernel(), &house.ctx(&lin), IssueToken { name: "脚本".into(), days: 30 }).await.unwrap().output;
    let waiting = propose(&house, &house.r8, &lin.account, &[Role::R3], &[]).await.unwrap();
    let close = || CloseAccount {
        account: lin.account.clone(),
        reason: "调离".into(),
        holdings: Arc::from(vec![Arc::new(TwoGrants) as Arc<dyn Holdings>]),
    };
    assert_eq!(run(house.kernel(), &house.ctx(&house.r8), close()).await.unwrap_err().code(), "HF-CHANGE-PENDING");
    run(house.kernel(), &house.ctx(&house.r8), WithdrawChange { change: waiting.id }).await.unwrap();
    let closed = run(house.kernel(), &house.ctx(&house.r8), close()).await.unwrap().output;
    assert_eq!((closed.sessions, closed.tokens), (1, 1));
    assert_eq!(closed.handover.iter().map(|owned| owned.what.as_str()).collect::<Vec<_>>(), ["生效授权"]);
    assert!(house.identity.authenticate_session(&signed.cookie, house.now()).await.unwrap().is_none());
    assert!(house.identity.authenticate_token(&token.text, house.now()).await.unwrap().is_none());
    house.log_in("linshuhan", PASSWORD, None).await.unwrap_err();
    run(house.kernel(), &house.ctx(&house.r8), close()).await.unwrap_err();
    assert!(house.actor(&lin.account).await.roles.is_empty());
}

#[tokio::test]
async fn who_4_accounts_nobody_looks_after_are_found() {
    let house = house(OffForDemo).await;
    let lin = house.appoint("linshuhan", &house.bureau.id, &[Role::R4]).await;
    let mut vendor = person("waibao", "外包人");
    vendor.vendor = "某某科技".into();
    vendor.vendor_until = "2026-12-31".into();
    let create = CreateAccount::prepare(&house.identity.passwords, house.bureau.id.clone(), &vendor).await.unwrap();
    run(house.kernel(), &house.ctx(&house.r8), create).await.unwrap();
    for client in ["10.0.0.1", "10.0.0.2"] {
        let ctx = Ctx { client: client.into(), ..house.nobody() };
        let given = hufu_identity::LogIn {
            login: "linshuhan".into(),
            password: PASSWORD.into(),
            code: None,
            agent: "test".into(),
        };
        let signed = house.identity.log_in(&ctx, given).await.unwrap();
        house.minutes(2);
        house.identity.touch(&signed.session, house.now()).await.unwrap();
        house.clock.advance(chrono::Duration::seconds(-60));
    }
    let concerns = |found: Vec<queries::Neglected>| {
        found.into_iter().map(|one| (one.row.account.login.clone(), one.concerns)).collect::<Vec<_>>()
    };
    let found = queries::neglected(house.kernel(), &house.ctx(&house.r1), None).await.unwrap();
    assert_eq!(concerns(found), [("linshuhan".to_owned(), vec![Concern::SharedSuspect])]);
    house.clock.advance(chrono::Duration::days(100));
    let found = queries::neglected(house.kernel(), &house.ctx(&house.r1), Some(Concern::VendorExpired)).await.unwrap();
    let expected = vec![Concern::Unused, Concern::Default, Concern::VendorExpired];
    assert_eq!(concerns(found), [("waibao".to_owned(), expected)]);
    queries::neglected(house.kernel(), &house.ctx(&lin), None).await.unwrap_err();
}

#[tokio::test]
async fn who_3_init_needs_two_persons_and_an_empty_store() {
    let (identity, clock, _dir) = empty(OffForDemo).await;
    let ctx = Ctx::system(clock.now(), "init");
    let mut same = plan();
    same.manager = person("anquan", "管理甲");
    init(&identity.kernel, &identity.passwords, &ctx, same).await.unwrap_err();
    let founded = init(&identity.kernel, &identity.passwords, &ctx, plan()).await.unwrap();
    assert_eq!(founded.administrator.roles, [Role::R8]);
    assert_eq!(founded.manager.roles, [Role::R1]);
    let again = init(&identity.kernel, &identity.passwords, &ctx, plan()).await.unwrap_err();
    assert_eq!(again.code(), "HF-NOT-EMPTY");
}

#[tokio::test]
async fn stale_versions_are_refused() {
    let house = house(OffForDemo).await;
    let lin = house.appoint("linshuhan", &house.bureau.id, &[]).await;
    let version = house.account(&lin.account).await.version;
    let edit = |version| EditAccount { account: lin.account.clone(), version, input: person("x", "林书涵") };
    run(house.kernel(), &house.ctx(&house.r8), edit(version)).await.unwrap();
    assert_eq!(run(house.kernel(), &house.ctx(&house.r8), edit(version)).await.unwrap_err().code(), "HF-STALE");
    assert_eq!(house.account(&lin.account).await.login, "linshuhan", "a log-in name never changes");
}

/// Invariant 1. Every pair of roles that one person may hold is tried on every action.
#[test]
fn no_super_admin() {
    let policy = Policy::load(&[POLICY]).unwrap();
    let root = unit("330000", None);
    let bureau = unit("330000-SJJ", Some(&root));
    let (other, third) = (AccountId::generate(), AccountId::generate());
    let mut tried = 0;
    for one in Role::ALL {
        for two in Role::ALL {
            let Ok(roles) = RoleSet::new([one, two]) else { continue };
            tried += 1;
            let holder = Actor {
                account: AccountId::generate(),
                login: "x".into(),
                name: "x".into(),
                unit: bureau.clone(),
                roles: roles.to_vec(),
            };
            let may = |action: &str, resource| policy.decide(&holder, action, &resource).unwrap().allowed;
            let about = |account: &AccountId| policy::person(Some(account), &bureau, std::slice::from_ref(&bureau));
            let change =
                |proposer: &AccountId, subject: &AccountId| policy::change("c", proposer, subject, &bureau, &bureau);
            let asks = may("identity.change.propose", about(&other));
            let approves = may("identity.change.decide", change(&third, &other));
            assert!(!(asks && approves), "{one:?}+{two:?} asks and approves");
            assert!(
                !may("identity.change.decide", change(&holder.account, &other)),
                "{one:?}+{two:?} confirms the own proposal"
            );
            assert!(
                !may("identity.change.decide", change(&third, &holder.account)),
                "{one:?}+{two:?} decides about itself"
            );
            assert!(!may("identity.change.propose", about(&holder.account)), "{one:?}+{two:?} asks for itself");
            assert!(!may("identity.account.unlock", about(&holder.account)), "{one:?}+{two:?} opens the own account");
            if roles.contains(Role::R5) {
                let acts = [
                    "account.create",
                    "account.edit",
                    "account.lock",
                    "account.close",
                    "change.propose",
                    "token.revoke",
                ];
                for act in acts {
                    assert!(!may(&format!("identity.{act}"), about(&other)), "an auditor may {act}");
                }
            }
        }
    }
    assert!(tried > 20, "{tried}");
    // No action of this capability takes anything out of the record.
    let erasing = ["erase", "delete", "purge", "truncate", "rewrite"];
    for action in policy.actions() {
        assert!(!erasing.iter().any(|word| action.contains(word)), "{action}");
    }
}

fn unit(code: &str, parent: Option<&UnitRef>) -> UnitRef {
    let id = UnitId::generate();
    let above = parent.map_or("/", |parent| parent.path.as_str());
    UnitRef { path: format!("{above}{id}/"), id, code: code.into(), name: code.into(), level: UnitLevel::City }
}
