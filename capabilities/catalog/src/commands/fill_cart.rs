use async_trait::async_trait;
use hufu_kernel::actor::Actor;
use hufu_kernel::audit::ObjectRef;
use hufu_kernel::command::{Applied, Command, Ctx, Loaded};
use hufu_kernel::error::{Error, Result};
use hufu_kernel::ids::ResourceId;
use hufu_kernel::policy::Resource;
use hufu_kernel::store::Tx;

use crate::model::state::State;
use crate::model::terms::Sharing;
use crate::store::{cart, resource};

/// Entries that one 申请篮 holds.
pub const CART_MAX: u64 = 200;

/// Puts published entries into one's own 申请篮.
#[derive(Clone, Debug)]
pub struct AddToCart {
    pub keys: Vec<String>,
}

/// What happened to each.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, serde::Serialize)]
pub struct Added {
    pub added: usize,
    /// Not published, or not shared at all.
    pub left_out: usize,
    pub total: u64,
}

#[async_trait]
impl Command for AddToCart {
    const ACTION: &'static str = "catalog.cart.add";
    type Subject = Actor;
    type Output = Added;

    async fn load(&self, _: &Tx, ctx: &Ctx) -> Result<Loaded<Actor>> {
        load(ctx)
    }

    async fn apply(self, tx: &Tx, ctx: &Ctx, actor: Actor) -> Result<Applied<Added>> {
        let mut ids = Vec::new();
        let mut left_out = 0;
        for key in &self.keys {
            let row = resource::find_by_key(tx.db(), key).await?;
            if row.state == State::Published && row.sharing != Sharing::Withheld {
                ids.push(row.id);
            } else {
                left_out += 1;
            }
        }
        cart::add(tx.db(), &actor.account, &ids, ctx.now).await?;
        let total = cart::count(tx.db(), &actor.account).await?;
        if total > CART_MAX {
            return Err(Error::conflict("CAT-CART-FULL", format!("申请篮最多放 {CART_MAX} 条目录，请先提交申请")));
        }
        let added = Added { added: ids.len(), left_out, total };
        Ok(Applied::new(added).detail(serde_json::to_value(added)?))
    }
}

/// Takes entries out of one's own 申请篮.
#[derive(Clone, Debug)]
pub struct RemoveFromCart {
    pub ids: Vec<ResourceId>,
}

#[async_trait]
impl Command for RemoveFromCart {
    const ACTION: &'static str = "catalog.cart.remove";
    type Subject = Actor;
    type Output = ();

    async fn load(&self, _: &Tx, ctx: &Ctx) -> Result<Loaded<Actor>> {
        load(ctx)
    }

    async fn apply(self, tx: &Tx, _: &Ctx, actor: Actor) -> Result<Applied<()>> {
        cart::remove(tx.db(), &actor.account, &self.ids).await?;
        Ok(Applied::new(()).detail(serde_json::json!({ "removed": self.ids.len() })))
    }
}

fn load(ctx: &Ctx) -> Result<Loaded<Actor>> {
    let actor = ctx.actor()?.clone();
    let resource = Resource::new("Cart", actor.account.as_str()).of_unit(&actor.unit);
    let object = ObjectRef::new("catalog.cart", &actor.account, "");
    Ok(Loaded { subject: actor, resource, object })
}
