//! The functions that exist behind the gate. What is not named here is unknown to a statement.
//!
//! Left out on purpose: what tells of the system or of files (`version`, `input_file_name`,
//! `file_row_index`, table functions), what can build a value of any size from a small statement
//! (`repeat`, `lpad`, `rpad`, `array_repeat`, `range`), what differs on every call (`random`,
//! `uuid`), and Arrow's own casts and metadata.

use std::collections::HashSet;
use std::sync::{Arc, LazyLock};

use datafusion::execution::SessionStateDefaults;
use datafusion::logical_expr::{AggregateUDF, ScalarUDF, WindowUDF};

const SCALAR: &str = "abs acos ascii asin atan atan2 bit_length btrim cardinality ceil character_length chr coalesce \
    concat concat_ws contains cos cot current_date current_time date_bin date_part date_trunc degrees \
    ends_with exp floor find_in_set from_unixtime gcd greatest iszero isnan initcap lcm least left levenshtein ln log \
    log10 log2 lower ltrim make_date md5 nanvl now nullif nvl nvl2 octet_length overlay pi power radians \
    regexp_count regexp_instr regexp_like regexp_match regexp_replace replace reverse right round rtrim \
    sha256 signum sin split_part sqrt starts_with strpos substr substr_index tan to_char to_date to_hex \
    to_timestamp to_timestamp_millis to_timestamp_seconds to_unixtime translate trunc upper \
    array_length array_has array_to_string make_array get_field";

const AGGREGATE: &str = "any_value approx_distinct approx_median approx_percentile_cont array_agg avg bit_and bit_or \
    bit_xor bool_and bool_or corr count covar_pop covar_samp first_value grouping last_value max median min nth_value \
    percentile_cont stddev stddev_pop string_agg sum var var_pop";

const WINDOW: &str =
    "cume_dist dense_rank first_value lag last_value lead nth_value ntile percent_rank rank row_number";

static NAMES: LazyLock<HashSet<String>> = LazyLock::new(|| {
    let mut names = HashSet::new();
    for function in scalar() {
        names.insert(function.name().to_owned());
        names.extend(function.aliases().iter().cloned());
    }
    for function in aggregate() {
        names.insert(function.name().to_owned());
        names.extend(function.aliases().iter().cloned());
    }
    for function in window() {
        names.insert(function.name().to_owned());
        names.extend(function.aliases().iter().cloned());
    }
    names
});

pub(crate) fn scalar() -> Vec<Arc<ScalarUDF>> {
    let mut functions = SessionStateDefaults::default_scalar_functions();
    functions.retain(|function| listed(SCALAR, function.name()));
    functions
}

pub(crate) fn aggregate() -> Vec<Arc<AggregateUDF>> {
    let mut functions = SessionStateDefaults::default_aggregate_functions();
    functions.retain(|function| listed(AGGREGATE, function.name()));
    functions
}

pub(crate) fn window() -> Vec<Arc<WindowUDF>> {
    let mut functions = SessionStateDefaults::default_window_functions();
    functions.retain(|function| listed(WINDOW, function.name()));
    functions
}

/// Whether a statement may call a function by this name, aliases included.
pub(crate) fn is_known(name: &str) -> bool {
    NAMES.contains(name)
}

fn listed(list: &str, name: &str) -> bool {
    list.split_ascii_whitespace().any(|listed| listed == name)
}
