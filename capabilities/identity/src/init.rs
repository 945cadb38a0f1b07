//! The first hour of a house: an empty store gets its area, its bureau and two people, and then nobody can do this again.

use async_trait::async_trait;
use hufu_kernel::actor::{Actor, Role, UnitLevel, UnitRef};
use hufu_kernel::audit::ObjectRef;
use hufu_kernel::command::{Applied, Command, Ctx, Kernel, Loaded, run};
use hufu_kernel::error::{Error, FieldError, Result};
use hufu_kernel::ids::{AccountId, RoleChangeId, UnitId};
use hufu_kernel::policy::Resource;
use hufu_kernel::store::Tx;
use hufu_kernel::unit::{self, NewUnit, UnitKind};
use sea_orm::{EntityTrait, QuerySelect};
use serde_json::json;

use crate::commands::change_password::ChangePassword;
use crate::commands::create_account::{CreateAccount, insert};
use crate::commands::decide_change::DecideChange;
use crate::commands::propose_change::ProposeChange;
use crate::model::account::{Person, PersonInput};
use crate::model::change::ChangeKind;
use crate::model::roles::RoleSet;
use crate::queries::people_of;
use crate::secrets::{Passwords, initial_password};
use crate::service::Identity;
use crate::store::{account, change};

/// What the founder says.
#[derive(Clone, Debug)]
pub struct InitPlan {
    pub level: UnitLevel,
    /// Code and name of the government: `330000`, 「云江市」.
    pub area: (String, String),
    /// Code and name of its data bureau.
    pub bureau: (String, String),
    /// Becomes R8.
    pub administrator: PersonInput,
    /// Becomes R1; another person.
    pub manager: PersonInput,
}

/// The two people and the passwords that are handed to them, shown once.
#[derive(Clone)]
pub struct Initial {
    pub area: UnitRef,
    pub bureau: UnitRef,
    pub administrator: Actor,
    pub administrator_password: String,
    pub manager: Actor,
    pub manager_password: String,
}

impl std::fmt::Debug for Initial {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Initial").field("area", &self.area).field("bureau", &self.bureau).finish_non_exhaustive()
    }
}

/// Founds the house on an empty store; refuses on any other.
pub async fn init(kernel: &Kernel, passwords: &Passwords, ctx: &Ctx, plan: InitPlan) -> Result<Initial> {
    let administrator = checked("administrator", &plan.administrator)?;
    let manager = checked("manager", &plan.manager)?;
    two_persons(&administrator, &manager)?;
    let (administrator_password, manager_password) = (initial_password(), initial_password());
    let hashes = [passwords.hash(&administrator_password).await?, passwords.hash(&manager_password).await?];
    let found = Found { plan, administrator, manager, hashes };
    let nobody = Ctx { actor: None, ..ctx.clone() };
    let (area, bureau, administrator, manager) = run(kernel, &nobody, found).await?.output;
    Ok(Initial { area, bureau, administrator, administrator_password, manager, manager_password })
}

fn checked(who: &str, input: &PersonInput) -> Result<Person> {
    input.check().map_err(|error| {
        let fields =
            error.fields().iter().map(|fault| FieldError::new(format!("{who}.{}", fault.field), fault.message.clone()));
        Error::invalid(fields.collect())
    })
}

/// Two log-ins of one person would make a super-administrator of her.
fn two_persons(one: &Person, other: &Person) -> Result<()> {
    let same_phone = one.phone.is_some() && one.phone == other.phone;
    if one.login == other.login || one.name == other.name || same_phone {
        let message = "首任系统管理员与首任数据安全管理员必须是两个人（账号、姓名、电话均不得相同）";
        return Err(Error::invalid(vec![FieldError::new("manager", message)]));
    }
    Ok(())
}

struct Found {
    plan: InitPlan,
    administrator: Person,
    manager: Person,
    hashes: [String; 2],
}

#[async_trait]
impl Command for Found {
    const ACTION: &'static str = "identity.house.init";
    type Subject = ();
    type Output = (UnitRef, UnitRef, Actor, Actor);

    async fn load(&self, tx: &Tx, _: &Ctx) -> Result<Loaded<()>> {
        let object = ObjectRef::new("house", "", self.plan.area.0.clone());
        let units = unit::Entity::find().limit(1).one(tx.db()).await?.is_some();
        if units || account::any(tx.db()).await? {
            return Err(Error::conflict("HF-NOT-EMPTY", "系统已有单位或账号，不能再次初始化"));
        }
        Ok(Loaded { subject: (), resource: Resource::new("OrgUnit", "new"), object })
    }

    fn by_system(&self) -> bool {
        true
    }

    async fn apply(self, tx: &Tx, ctx: &Ctx, (): ()) -> Result<Applied<Self::Output>> {
        let level = self.plan.level;
        let new = |(code, name): (String, String), kind, parent: Option<&UnitRef>| NewUnit {
            code,
            name,
            kind,
            level,
            parent: parent.cloned(),
            sort: 0,
        };
        let area = unit::insert(tx.db(), new(self.plan.area, UnitKind::Area, None)).await?;
        let bureau = unit::insert(tx.db(), new(self.plan.bureau, UnitKind::Bureau, Some(&area))).await?;
        let [first, second] = self.hashes;
        let mut people = Vec::new();
        for (person, role, hash) in [(self.administrator, Role::R8, first), (self.manager, Role::R1, second)] {
            let made = insert(tx.db(), person, &bureau.id, hash, true, ctx.now).await?;
            let only = RoleSet::new([role]).map_err(|pair| Error::internal(pair.to_string()))?;
            account::set_roles(tx.db(), &made.id, &only, ctx.now).await?;
            people.push(account::actor(tx.db(), &made).await?);
        }
        let [administrator, manager] =
            <[Actor; 2]>::try_from(people).map_err(|_| Error::internal("two people were to be made"))?;
        let detail = json!({
            "area": area.code, "bureau": bureau.code, "R8": administrator.login, "R1": manager.login,
        });
        let object = ObjectRef::new("house", &area.id, area.code.clone());
        Ok(Applied::new((area, bureau, administrator, manager)).object(object).detail(detail))
    }
}

/// Somebody to be appointed in one go.
#[derive(Clone, Debug)]
pub struct NewPerson {
    pub unit: UnitId,
    pub person: PersonInput,
    pub roles: Vec<Role>,
    /// The password the person chooses at once; else the initial one stands and must be changed.
    pub password: Option<String>,
}

/// Makes an account and gives it its roles by the very commands people use: the administrator creates
/// and proposes, a manager of the deciding bureau confirms, the person changes the password.
/// Acts in the name of all three, so it is for seeding invented cities only.
pub async fn appoint(identity: &Identity, administrator: &Ctx, new: NewPerson) -> Result<(AccountId, String)> {
    let kernel = &identity.kernel;
    let create = CreateAccount::prepare(&identity.passwords, new.unit, &new.person).await?;
    let created = run(kernel, administrator, create).await?.output;
    if !new.roles.is_empty() {
        let propose = ProposeChange {
            account: created.account.clone(),
            kind: ChangeKind::Roles,
            add: new.roles,
            remove: Vec::new(),
            reason: "按岗位配置".to_owned(),
        };
        let proposed = run(kernel, administrator, propose).await?.output;
        let manager = manager_of(kernel, &proposed.id).await?;
        let confirm = DecideChange::confirm(&identity.passwords, proposed.id, None, "同意").await?;
        run(kernel, &Ctx { actor: Some(manager), ..administrator.clone() }, confirm).await?;
    }
    let Some(wanted) = new.password else { return Ok((created.account, created.password)) };
    let found = account::find(kernel.store.reader(), &created.account).await?;
    let actor = account::actor(kernel.store.reader(), &found).await?;
    let change = ChangePassword::prepare(identity, &actor, None, &created.password, &wanted, &wanted).await?;
    let own = Ctx { actor: Some(actor), ..administrator.clone() };
    run(kernel, &own, change).await?;
    Ok((created.account, wanted))
}

/// Some security manager of the bureau that decides a change.
async fn manager_of(kernel: &Kernel, id: &RoleChangeId) -> Result<Actor> {
    let db = kernel.store.reader();
    let waiting = change::find(db, id).await?;
    let managers = people_of(db, &waiting.bureau_id, Some(Role::R1)).await?;
    let other = managers.into_iter().find(|manager| waiting.parties().may_decide(&manager.account).is_ok());
    other.ok_or_else(|| Error::internal("the deciding bureau has no manager"))
}
