//! How fast the past becomes figures, beside `DuckDB` in the same run.
#![expect(clippy::unwrap_used, clippy::print_stdout, reason = "a bench stops at the first surprise and prints figures")]

mod recording;

use recording::SIZES;

fn main() {
    for size in SIZES {
        println!("{}", size.recording().display());
    }
}
