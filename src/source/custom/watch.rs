//! Watches a jq program while it runs: at each of its steps whether its stack still has room, and whether somebody waits
//! for it. Without that a program that calls itself for ever would take the whole board down.

use std::any::Any;
use std::panic::{AssertUnwindSafe, catch_unwind, resume_unwind};

use jaq_core::Lut;
use jaq_core::data::{DataT, HasLut};
use jaq_json::Val;

/// The stack of the thread that a program runs on. Only what is used of it takes room.
pub(super) const STACK: usize = 512 << 20;
/// Calls may use so much of it: the rest is for values that nest deep, which are read, written and let go by recursion.
const FOR_CALLS: usize = STACK / 4;

/// Programs whose steps are watched.
pub(super) struct Watched;

impl DataT for Watched {
    type V<'a> = Val;
    type Data<'a> = Watch<'a>;
}

/// What is looked at with each step.
#[derive(Clone, Copy)]
pub(super) struct Watch<'a> {
    lut: &'a Lut<Watched>,
    is_awaited: &'a dyn Fn() -> bool,
    /// Where calls may not go further down.
    least: usize,
}

/// Why a program was stopped.
enum Stopped {
    TooDeep,
    NotAwaited,
}

impl<'a> Watch<'a> {
    /// Of a program that begins here.
    pub(super) fn new(lut: &'a Lut<Watched>, is_awaited: &'a dyn Fn() -> bool) -> Self {
        Self { lut, is_awaited, least: here().saturating_sub(FOR_CALLS) }
    }
}

impl<'a> HasLut<'a, Watched> for Watch<'a> {
    /// Each step asks for this first.
    fn lut(&self) -> &'a Lut<Watched> {
        // The program has no way to be told: its frames are left by unwinding.
        if here() < self.least {
            resume_unwind(Box::new(Stopped::TooDeep));
        }
        if !(self.is_awaited)() {
            resume_unwind(Box::new(Stopped::NotAwaited));
        }
        self.lut
    }
}

/// Runs a program; the error says why it was stopped.
pub(super) fn watched<T>(run: impl FnOnce() -> Result<T, String>) -> Result<T, String> {
    // Nothing of a program that was stopped is looked at again.
    catch_unwind(AssertUnwindSafe(run)).unwrap_or_else(|why| Err(reason(why)))
}

fn reason(why: Box<dyn Any + Send>) -> String {
    match why.downcast_ref() {
        Some(Stopped::TooDeep) => "calls itself too deep: does it end?".to_owned(),
        Some(Stopped::NotAwaited) => "took too long".to_owned(),
        None => resume_unwind(why),
    }
}

/// About where the stack has come to; it grows towards lower addresses.
#[inline(never)]
fn here() -> usize {
    let mark = 0_u8;
    std::ptr::from_ref(&mark).addr()
}
