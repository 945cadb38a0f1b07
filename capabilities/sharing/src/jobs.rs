//! What happens by itself: grants end with their period.

use std::time::Duration;

use hufu_kernel::command::{Ctx, Kernel, run};
use hufu_kernel::error::{Kind, Result};

use crate::commands::ExpireGrant;
use crate::store::grants;

/// How often ended periods are looked for. The gate itself is shut from the last moment on.
pub const EXPIRE_EVERY: Duration = Duration::from_secs(60);
/// Grants ended in one round.
const AT_ONCE: u64 = 500;

/// Ends every grant whose period is over; gives how many.
pub async fn expire(kernel: &Kernel) -> Result<usize> {
    let now = kernel.clock.now();
    let due = grants::overdue(kernel.store.reader(), now, AT_ONCE).await?;
    let mut ended = 0;
    for row in due {
        let ctx = Ctx::system(now, format!("expire-{}", row.no));
        match run(kernel, &ctx, ExpireGrant { no: row.no }).await {
            Ok(_) => ended += 1,
            // Another process, or a person, was faster.
            Err(error) if error.kind() == Kind::Conflict => {}
            Err(error) => return Err(error),
        }
    }
    Ok(ended)
}
